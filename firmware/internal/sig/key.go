package sig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
)

// Anchors are what the caller trusts. Nothing that a signature brings with it
// becomes one.
type Anchors struct {
	// Keys are trusted as they are, for the schemes that sign with a bare key;
	// see package cms for what they mean to it.
	Keys []Key
	// Roots are certificates that others may lead to.
	Roots []*x509.Certificate
	// Certificates are a help to find the way from a signer to a root. They
	// are trusted for nothing.
	Certificates []*x509.Certificate
	// CRLs say which certificates are revoked.
	CRLs []*x509.RevocationList
}

// A KeyID is what minisign, signify and usign call a key by: eight random
// bytes, no fingerprint.
type KeyID [8]byte

// String returns the ID as minisign prints it.
func (id KeyID) String() string {
	slices.Reverse(id[:])
	return fmt.Sprintf("%X", id[:])
}

// A Key is a public key that the caller trusts.
type Key struct {
	// Name is what the caller calls it (a file's name); may be empty.
	Name string
	// Public is an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
	Public crypto.PublicKey
	// ID is set for minisign, signify and usign keys.
	ID *KeyID
	// Minisign says that the key's own comment calls it minisign's. Its
	// signatures then have a trusted comment, and those without one do not
	// count.
	Minisign bool
	// Certificate is what the key came in, if it was one.
	Certificate *x509.Certificate
}

// String names the key for people: what the caller calls it, or else its
// subject, and its ID or its kind and fingerprint.
func (k Key) String() string {
	var what string
	switch {
	case k.ID != nil:
		what = "key " + k.ID.String()
	case k.Certificate != nil:
		what = Describe(k.Certificate)
	default:
		what = KeyKind(k.Public) + " key " + Fingerprint(k.Public)
	}
	if k.Name != "" {
		return what + " (" + k.Name + ")"
	}
	return what
}

// Describe names a certificate for people: subject and fingerprint.
func Describe(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return fmt.Sprintf("%s (certificate SHA-256 %x)", c.Subject, sum[:8])
}

// Fingerprint returns the beginning of the SHA-256 over the key's
// SubjectPublicKeyInfo.
func Fingerprint(pub crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "of an unknown kind"
	}
	sum := sha256.Sum256(der)
	return "SHA-256 " + hex.EncodeToString(sum[:8])
}

// KeyKind returns "RSA-2048", "ECDSA P-256", "Ed25519".
func KeyKind(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA-%d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("%T", pub)
}
