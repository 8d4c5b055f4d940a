// Package countersign makes the two kinds of signature that owners put beside
// an image: minisign's, and CMS.
package countersign

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/scrypt"
)

// A Minisign key signs as minisign does.
type Minisign struct {
	ID  [8]byte
	Key ed25519.PrivateKey
}

// NewMinisign takes a key of any origin. Its ID, which minisign's own keys
// draw at random, is made of the public key.
func NewMinisign(key ed25519.PrivateKey) *Minisign {
	return &Minisign{ID: KeyID(key.Public().(ed25519.PublicKey)), Key: key}
}

// KeyID is the ID that NewMinisign makes of a public key.
func KeyID(public ed25519.PublicKey) [8]byte {
	sum := blake2b.Sum256(public)
	return [8]byte(sum[:8])
}

// ErrPassword is what a secret key that needs a password, or another one,
// gets.
var ErrPassword = errors.New("the secret key is encrypted and the password is missing or wrong")

var errSecretKey = errors.New("no minisign secret key")

// Layout of a secret key: "Ed", the key derivation ("Sc", or two zeros for
// none), "B2", salt, its two limits, then what is encrypted: ID, key and a
// checksum.
const (
	secretLength = 158
	secretHidden = 54
	keyAt        = secretHidden + 8
	sumAt        = keyAt + ed25519.PrivateKeySize
)

// ParseMinisign reads a secret key in minisign's file format.
func ParseMinisign(data, password []byte) (*Minisign, error) {
	_, text, ok := strings.Cut(strings.TrimSpace(string(data)), "\n")
	if !ok {
		return nil, errSecretKey
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != secretLength || string(b[:2]) != "Ed" || string(b[4:6]) != "B2" {
		return nil, errSecretKey
	}
	unsummed := false
	switch string(b[2:4]) {
	case "\x00\x00":
		// minisign 0.11 writes no checksum into a key without a password.
		unsummed = len(bytes.Trim(b[sumAt:], "\x00")) == 0
	case "Sc":
		if err := reveal(b, password); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New("the secret key is encrypted in an unknown way")
	}
	h, _ := blake2b.New256(nil)
	h.Write(b[:2])
	h.Write(b[secretHidden:sumAt])
	if !unsummed && !bytes.Equal(h.Sum(nil), b[sumAt:]) {
		return nil, ErrPassword
	}
	key := ed25519.PrivateKey(b[keyAt:sumAt])
	if !bytes.Equal(ed25519.NewKeyFromSeed(key.Seed()), key) {
		return nil, errors.New("the secret key's two halves do not belong together")
	}
	return &Minisign{ID: [8]byte(b[secretHidden:]), Key: key}, nil
}

// reveal decrypts what is hidden, in place.
func reveal(b, password []byte) error {
	if len(password) == 0 {
		return ErrPassword
	}
	n, p, err := cost(binary.LittleEndian.Uint64(b[38:]), binary.LittleEndian.Uint64(b[46:]))
	if err != nil {
		return err
	}
	stream, err := scrypt.Key(password, b[6:38], n, blockFactor, p, secretLength-secretHidden)
	if err != nil {
		return fmt.Errorf("the secret key cannot be decrypted: %w", err)
	}
	for i := range stream {
		b[secretHidden+i] ^= stream[i]
	}
	return nil
}

// blockFactor is scrypt's r; N times it is what bounds memory, at one GiB,
// which minisign's default asks for.
const (
	blockFactor = 8
	maxLogN     = 20
	maxParallel = 64
)

// cost turns libsodium's limits on operations and memory into scrypt's N and
// p, as libsodium does.
func cost(operations, memory uint64) (n, p int, err error) {
	operations = max(operations, 32768)
	limit := memory / (blockFactor * 128)
	narrow := operations < memory/32
	if narrow {
		limit = operations / (blockFactor * 4)
	}
	logN := 1
	for logN <= maxLogN && uint64(1)<<logN <= limit/2 {
		logN++
	}
	if logN > maxLogN {
		return 0, 0, errors.New("the secret key asks for too much memory")
	}
	if narrow {
		return 1 << logN, 1, nil
	}
	rounds := min(operations/4>>logN, 0x3fffffff) / blockFactor
	if rounds < 1 || rounds > maxParallel {
		return 0, 0, errors.New("the secret key asks for too much work")
	}
	return 1 << logN, int(rounds), nil //nolint:gosec // at most maxParallel.
}

// Public is the public key as one line, as minisign's -P takes it.
func (k *Minisign) Public() string {
	return base64.StdEncoding.EncodeToString(k.field("Ed", k.Key.Public().(ed25519.PublicKey)))
}

// Sign signs a BLAKE2b-512 of the image, with a trusted comment, and returns
// minisign's four lines.
func (k *Minisign) Sign(blake2b512 []byte, trusted string) []byte {
	s := ed25519.Sign(k.Key, blake2b512)
	global := ed25519.Sign(k.Key, append(bytes.Clone(s), trusted...))
	var out bytes.Buffer
	out.WriteString("untrusted comment: camsec countersignature\n")
	out.WriteString(base64.StdEncoding.EncodeToString(k.field("ED", s)))
	out.WriteString("\ntrusted comment: " + trusted + "\n")
	out.WriteString(base64.StdEncoding.EncodeToString(global) + "\n")
	return out.Bytes()
}

func (k *Minisign) field(kind string, value []byte) []byte {
	return slices.Concat([]byte(kind), k.ID[:], value)
}
