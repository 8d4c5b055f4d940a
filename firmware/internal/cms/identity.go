package cms

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/fips140"
	"crypto/sha1" //nolint:gosec // a name of a key, not a digest that anything rests on.
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// serialOf returns a certificate's serial number as it is encoded.
func serialOf(c *x509.Certificate) []byte {
	b, err := asn1.Marshal(c.SerialNumber)
	if err != nil {
		return nil
	}
	return b
}

func equalKeys(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// identifies tells whether a subject key identifier is one that is made of
// this key: SHA-1 over the bits of the public key (RFC 5280 section 4.2.1.2),
// or the beginning of their SHA-256 (RFC 7093).
func identifies(id []byte, pub crypto.PublicKey) bool {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return false
	}
	var seq, bits cryptobyte.String
	var unused uint8
	in := cryptobyte.String(der)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.SkipASN1(cbasn1.SEQUENCE) ||
		!seq.ReadASN1(&bits, cbasn1.BIT_STRING) || !bits.ReadUint8(&unused) {
		return false
	}
	sum := sha256.Sum256(bits)
	if len(id) != sha1.Size || bytes.Equal(id, sum[:sha1.Size]) {
		return len(id) == sha1.Size
	}
	if fips140.Enforced() {
		return false
	}
	old := sha1.Sum(bits) //nolint:gosec // as above.
	return bytes.Equal(id, old[:])
}

func ed25519Over(c *sig.Content, pub crypto.PublicKey, message, value []byte) bool {
	k, ok := pub.(ed25519.PublicKey)
	if !ok {
		return false
	}
	valid := c.Ed25519(k, value)
	_, _ = c.Write(message)
	return valid()
}

// looksSigned tells whether bytes are the signed attributes of a signature.
func looksSigned(b []byte) bool {
	in := cryptobyte.String(b)
	var set cryptobyte.String
	if !in.ReadASN1(&set, cbasn1.SET) || !in.Empty() {
		return false
	}
	list, err := parseAttributes(set)
	if err != nil {
		return false
	}
	for _, a := range list {
		if a.oid.Equal(oidMessageDigest) {
			return true
		}
	}
	return false
}
