package sig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
)

// A Method is how a digest becomes a signature.
type Method uint8

// Methods.
const (
	PKCS1v15    Method = iota + 1 // RSASSA-PKCS1-v1_5, RFC 8017 section 8.2
	PSS                           // RSASSA-PSS, RFC 8017 section 8.1
	ECDSA                         // FIPS 186-5, the value as DER
	ECDSAP1363                    // the same, the value as r ‖ s (IEEE P1363)
	PureEd25519                   // RFC 8032, over the message itself
)

// SaltAuto takes a PSS salt of whatever length the signature has.
const SaltAuto = -1

// An Algorithm is a method with its parameters.
type Algorithm struct {
	Method Method
	Hash   crypto.Hash // zero for PureEd25519
	// MGF1 is the hash of the mask of PSS; zero means Hash.
	MGF1 crypto.Hash
	// Salt is the length of the salt of PSS, or SaltAuto.
	Salt int
}

// String returns method and hash: "RSA PKCS#1 v1.5 SHA-256".
func (a Algorithm) String() string {
	switch a.Method {
	case PKCS1v15:
		return "RSA PKCS#1 v1.5 " + a.Hash.String()
	case PSS:
		if a.mask() != a.Hash {
			return "RSA-PSS " + a.Hash.String() + " with a mask by " + a.MGF1.String()
		}
		return "RSA-PSS " + a.Hash.String()
	case ECDSA, ECDSAP1363:
		return "ECDSA " + a.Hash.String()
	case PureEd25519:
		return "Ed25519"
	}
	return "no algorithm"
}

// With names the algorithm together with a key: "RSA-2048 PKCS#1 v1.5
// SHA-256".
func (a Algorithm) With(pub crypto.PublicKey) string {
	kind := KeyKind(pub)
	if a.Method == PureEd25519 {
		return kind
	}
	_, rest, _ := strings.Cut(strings.Replace(a.String(), "RSA-PSS", "RSA PSS", 1), " ")
	return kind + " " + rest
}

func (a Algorithm) mask() crypto.Hash {
	if a.MGF1 == 0 {
		return a.Hash
	}
	return a.MGF1
}

// Fits tells whether the key is of the algorithm's kind.
func (a Algorithm) Fits(pub crypto.PublicKey) bool {
	var ok bool
	switch a.Method {
	case PKCS1v15, PSS:
		_, ok = pub.(*rsa.PublicKey)
	case ECDSA, ECDSAP1363:
		_, ok = pub.(*ecdsa.PublicKey)
	case PureEd25519:
		_, ok = pub.(ed25519.PublicKey)
	}
	return ok
}

// Shape says what is wrong with a signature's length or encoding for this
// key, or nothing. Only one encoding of each signature passes: OpenSSL takes
// 257 bytes for an RSA-2048 signature, this does not.
func (a Algorithm) Shape(pub crypto.PublicKey, signature []byte) (wrong string) {
	if len(signature) == 0 {
		return "an empty signature"
	}
	want := 0
	switch k := pub.(type) {
	case *rsa.PublicKey:
		want = k.Size()
	case *ecdsa.PublicKey:
		if a.Method == ECDSA {
			if _, _, ok := parseECDSA(signature); !ok {
				return "no DER signature of two integers"
			}
			return ""
		}
		want = 2 * coordinate(k)
	case ed25519.PublicKey:
		want = ed25519.SignatureSize
	}
	if len(signature) != want {
		return fmt.Sprintf("a signature of %d bytes, where %s makes %d", len(signature), KeyKind(pub), want)
	}
	return ""
}

func coordinate(k *ecdsa.PublicKey) int { return (k.Params().N.BitLen() + 7) / 8 }

// Verify tells whether the signature is that of the digest. PureEd25519 has
// no digest; see [Content.Ed25519].
func (a Algorithm) Verify(pub crypto.PublicKey, digest, signature []byte) bool {
	if !a.Fits(pub) || a.Shape(pub, signature) != "" || len(digest) != a.Hash.Size() {
		return false
	}
	switch a.Method {
	case PKCS1v15:
		return rsa.VerifyPKCS1v15(pub.(*rsa.PublicKey), a.Hash, digest, signature) == nil
	case PSS:
		return verifyPSS(pub.(*rsa.PublicKey), a, digest, signature)
	case ECDSA:
		return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), digest, signature)
	case ECDSAP1363:
		k := pub.(*ecdsa.PublicKey)
		n := coordinate(k)
		r, s := new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
		return ecdsa.Verify(k, digest, r, s)
	}
	return false
}

// Named is an algorithm as a caller names it, where a signature does not say
// what it is.
func Named(name string) (Algorithm, error) {
	if a, ok := algorithms[name]; ok {
		return a, nil
	}
	return Algorithm{}, Errorf(Unsupported, "", "no scheme %q", name)
}

// Names returns the names that [Named] knows, and for each its algorithm.
func Names() map[string]Algorithm { return algorithms }

var algorithms = func() map[string]Algorithm {
	out := map[string]Algorithm{
		"ed25519":                  {Method: PureEd25519},
		"rsa-pkcs1v15-sha1":        {Method: PKCS1v15, Hash: crypto.SHA1},
		"rsa-pkcs1v15-md5":         {Method: PKCS1v15, Hash: crypto.MD5},
		"rsa-pss-sha1":             {Method: PSS, Hash: crypto.SHA1, Salt: SaltAuto},
		"rsa-pss-sha256-mgf1-sha1": {Method: PSS, Hash: crypto.SHA256, MGF1: crypto.SHA1, Salt: SaltAuto},
		"ecdsa-sha1":               {Method: ECDSA, Hash: crypto.SHA1},
	}
	for name, h := range map[string]crypto.Hash{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512} {
		out[fmt.Sprintf("rsa-pkcs1v15-%s", name)] = Algorithm{Method: PKCS1v15, Hash: h}
		out[fmt.Sprintf("rsa-pss-%s", name)] = Algorithm{Method: PSS, Hash: h, Salt: SaltAuto}
		out[fmt.Sprintf("ecdsa-%s", name)] = Algorithm{Method: ECDSA, Hash: h}
		out[fmt.Sprintf("ecdsa-p1363-%s", name)] = Algorithm{Method: ECDSAP1363, Hash: h}
	}
	return out
}()
