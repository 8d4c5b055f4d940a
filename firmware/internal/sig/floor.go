package sig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rsa"
	"fmt"
)

// A Floor says what is the weakest that counts. The zero value asks for
// SHA-256, RSA with 2048 bits, P-256 or Ed25519; each word below lets one
// thing more pass.
type Floor struct {
	LegacySHA1    bool // signatures over SHA-1: two images with one signature can be made
	LegacyMD5     bool // signatures over MD5: as above, within seconds
	LegacyRSA1024 bool // RSA from 1024 bits on: within reach of those who can pay
}

// Sizes of RSA keys. Verifying with larger ones takes time that whoever made
// the key can choose.
const (
	minRSA       = 2048
	minLegacyRSA = 1024
	maxRSA       = 8192
	shortRSA     = 3072 // shorter ones are told, since they end with 2030
)

// Hash tells whether the floor admits a hash. The note is for the Result, and
// empty when there is nothing to say.
func (f Floor) Hash(scheme string, h crypto.Hash) (note string, err error) {
	var allowed bool
	switch h {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.BLAKE2b_512:
		return "", nil
	case crypto.SHA1:
		allowed = f.LegacySHA1
	case crypto.MD5:
		allowed = f.LegacyMD5
	}
	if !allowed {
		return "", Errorf(BelowPolicy, scheme, "%s is too weak", h)
	}
	if fips140.Enforced() {
		return "", Errorf(BelowPolicy, scheme, "%s is not allowed in FIPS-only mode", h)
	}
	return fmt.Sprintf("%s is too weak; the caller allowed it", h), nil
}

// Algorithm tells whether the floor admits an algorithm: its hash, and that of
// its mask, which asks less of it.
func (f Floor) Algorithm(scheme string, a Algorithm) (note string, err error) {
	if a.Method == PureEd25519 {
		return "", nil
	}
	switch {
	case a.Method != PSS || a.mask() == a.Hash:
	case a.MGF1 == crypto.SHA1 && fips140.Enforced():
		return "", Errorf(BelowPolicy, scheme, "a mask by %s is not allowed in FIPS-only mode", a.MGF1)
	case a.MGF1 != crypto.SHA1 && a.MGF1 != crypto.SHA256 && a.MGF1 != crypto.SHA384 && a.MGF1 != crypto.SHA512:
		return "", Errorf(BelowPolicy, scheme, "a mask by %s", a.MGF1)
	}
	return f.Hash(scheme, a.Hash)
}

// Key tells whether the floor admits a key.
func (f Floor) Key(scheme string, k crypto.PublicKey) (note string, err error) {
	switch k := k.(type) {
	case *rsa.PublicKey:
		return f.rsa(scheme, k)
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return "", nil
		}
		return "", Errorf(BelowPolicy, scheme, "the curve %s is too weak", k.Params().Name)
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return "", nil
		}
		return "", Errorf(Malformed, scheme, "an Ed25519 key of %d bytes", len(k))
	}
	return "", Errorf(Unsupported, scheme, "keys of type %T", k)
}

// Oversized tells whether verifying with a key, of which nothing is known yet,
// would take longer than any use warrants.
func Oversized(k crypto.PublicKey) bool {
	r, ok := k.(*rsa.PublicKey)
	return ok && r.N.BitLen() > maxRSA
}

func (f Floor) rsa(scheme string, k *rsa.PublicKey) (string, error) {
	bits := k.N.BitLen()
	least := minRSA
	if f.LegacyRSA1024 {
		least = minLegacyRSA
	}
	switch {
	case bits > maxRSA:
		return "", Errorf(Unsupported, scheme, "an RSA key of %d bits, more than %d", bits, maxRSA)
	case bits < least:
		return "", Errorf(BelowPolicy, scheme, "RSA-%d is too short", bits)
	case k.E < 3 || k.E&1 == 0 || k.N.Bit(0) == 0:
		return "", Errorf(Malformed, scheme, "no RSA key: exponent %d", k.E)
	case bits < minRSA:
		return fmt.Sprintf("RSA-%d is too short; the caller allowed it", bits), nil
	case bits < shortRSA:
		return fmt.Sprintf("RSA-%d will do until 2030 (NIST SP 800-57)", bits), nil
	}
	return "", nil
}
