package firmware

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/internal/countersign"
	"github.com/camsec/camsec/firmware/internal/pass"
)

// A SigningKey signs for an owner of cameras. It does not print. It is safe
// for concurrent use.
type SigningKey struct {
	minisign *countersign.Minisign
	cms      *countersign.CMS
}

// ErrPassword is what an encrypted key gets whose password is missing or
// wrong.
var ErrPassword = countersign.ErrPassword

// ParseSigningKey reads a private key: a minisign secret key, or a PEM key
// (PKCS#8, PKCS#1 or SEC 1, not encrypted). password is for an encrypted
// minisign key and may be empty; minisign's default costs a GiB of memory for
// a second.
//
// Without certificates the key must be Ed25519 and signs as minisign does.
// With certificates, the signer's first, it signs CMS.
func ParseSigningKey(data []byte, password camsec.Secret, certificates ...*x509.Certificate) (*SigningKey, error) {
	if bytes.HasPrefix(data, []byte("untrusted comment:")) {
		m, err := countersign.ParseMinisign(data, password.Reveal())
		switch {
		case err != nil:
			return nil, fmt.Errorf("firmware: %w", err)
		case len(certificates) > 0:
			return nil, errors.New("firmware: a minisign key signs without certificates")
		}
		return &SigningKey{minisign: m}, nil
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("firmware: no private key of a kind that is read here")
	}
	key, err := privateKey(block)
	if err != nil {
		return nil, err
	}
	return NewSigningKey(key, certificates...)
}

func privateKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("firmware: the private key is encrypted; decrypt it with openssl pkey, or sign with minisign's own keys")
	default:
		return nil, errors.New("firmware: no private key of a kind that is read here")
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		// The parser's own words may hold parts of the key.
		return nil, errors.New("firmware: the private key is not understood")
	}
	return signer, nil
}

// NewSigningKey is ParseSigningKey for a key that is at hand, or in hardware.
func NewSigningKey(key crypto.Signer, certificates ...*x509.Certificate) (*SigningKey, error) {
	if len(certificates) > 0 {
		k := &countersign.CMS{Key: key, Chain: certificates}
		if err := k.Check(); err != nil {
			return nil, fmt.Errorf("firmware: %w", err)
		}
		return &SigningKey{cms: k}, nil
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("firmware: a key that is not Ed25519 signs with a certificate only")
	}
	return &SigningKey{minisign: countersign.NewMinisign(ed)}, nil
}

// Scheme is what the key signs: "minisign" or "cms".
func (k *SigningKey) Scheme() string {
	if k.cms != nil {
		return schemeCMS
	}
	return schemeMinisign
}

// MinisignPublicKey is the public key as minisign's -P takes it, and as
// [ParseKeys] reads it; empty for a key that signs CMS.
func (k *SigningKey) MinisignPublicKey() string {
	if k.minisign == nil {
		return ""
	}
	return k.minisign.Public()
}

// Format prints the kind of key and no more.
func (k *SigningKey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.Scheme()+" signing key") }

// Countersign reads the image once and signs it together with what st says of
// it; SHA256 and Size of st are filled in, and so is Issued where it is zero,
// with the time now. It returns a minisign signature, which stock minisign
// verifies, or CMS in DER, which openssl does.
//
// The image is not judged: look at it first. progress, which may be nil, is
// told how many bytes were read.
func (k *SigningKey) Countersign(ctx context.Context, r io.ReaderAt, size int64, st Statement, progress func(int64)) ([]byte, error) {
	sha := crypto.SHA256.New()
	hashed := crypto.BLAKE2b_512
	if k.cms != nil {
		hashed = k.cms.Hash()
	}
	image := hashed.New()
	var checks []*pass.Check
	for _, h := range []hash.Hash{sha, image} {
		checks = append(checks, &pass.Check{
			What: "digest of the image", Sections: []pass.Section{{Len: size}}, To: h,
			Finish: func() error { return nil },
		})
	}
	if size < 0 {
		return nil, errors.New("firmware: the size of the image is negative")
	}
	if _, err := pass.Run(ctx, r, size, checks, progress); err != nil {
		return nil, fmt.Errorf("firmware: %w", err)
	}
	st.SHA256, st.Size = hex.EncodeToString(sha.Sum(nil)), size
	if st.Issued.IsZero() {
		st.Issued = time.Now()
	}
	text, err := st.encode()
	if err != nil {
		return nil, err
	}
	if k.cms != nil {
		out, err := k.cms.Sign(image.Sum(nil), text, st.Issued)
		if err != nil {
			return nil, fmt.Errorf("firmware: %w", err)
		}
		return out, nil
	}
	return k.minisign.Sign(image.Sum(nil), text), nil
}
