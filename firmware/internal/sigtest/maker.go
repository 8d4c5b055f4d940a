package sigtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"slices"

	"golang.org/x/crypto/blake2b"
)

// A Maker writes keys and signatures by the descriptions of signify and
// minisign: two letters, the key's ID and the value, in base64 under a line of
// comment.
type Maker struct {
	ID  [8]byte
	Key ed25519.PrivateKey
}

// NewMaker makes a key with an ID of eight characters.
func NewMaker(tb TB, id string) Maker {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return Maker{[8]byte([]byte(id)), key}
}

// SeededMaker is a Maker that is always the same, for inputs of fuzz tests.
func SeededMaker(id string) Maker {
	return Maker{[8]byte([]byte(id)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))}
}

func (m Maker) text(comment, kind string, value []byte) []byte {
	b := slices.Concat([]byte(kind), m.ID[:], value)
	return []byte("untrusted comment: " + comment + "\n" + base64.StdEncoding.EncodeToString(b) + "\n")
}

// Public is the public key's file. minisign and signify write the same form;
// the comment alone tells whose it is.
func (m Maker) Public(comment string) []byte {
	return m.text(comment, "Ed", m.Key.Public().(ed25519.PublicKey))
}

// Signify is a signature of signify's or usign's, whose kind is "Ed".
func (m Maker) Signify(kind string, image []byte) []byte {
	return m.text("x", kind, ed25519.Sign(m.Key, image))
}

// Minisign is a signature of minisign's, whose kind is "ED", over a digest, or
// "Ed", over the image.
func (m Maker) Minisign(kind string, image []byte, trusted string) []byte {
	message := image
	if kind == "ED" {
		sum := blake2b.Sum512(image)
		message = sum[:]
	}
	s := ed25519.Sign(m.Key, message)
	global := ed25519.Sign(m.Key, append(bytes.Clone(s), trusted...))
	return append(m.text("x", kind, s), "trusted comment: "+trusted+"\n"+base64.StdEncoding.EncodeToString(global)+"\n"...)
}
