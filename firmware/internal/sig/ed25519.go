package sig

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"

	"filippo.io/edwards25519"
)

// Ed25519 asks for what a plain Ed25519 signature (RFC 8032) needs of the
// content, and returns what verifies it after the last byte.
//
// Ed25519 reads the message twice to sign, but once to verify: its hash is
// over R ‖ A ‖ message, and R stands in the signature. So an image of any
// size is verified in one pass, with the verdict of [ed25519.Verify]: no
// cofactor, and an S that is not reduced is refused.
func (c *Content) Ed25519(public ed25519.PublicKey, signature []byte) (valid func() bool) {
	never := func() bool { return false }
	if len(signature) != ed25519.SignatureSize || len(public) != ed25519.PublicKeySize {
		return never
	}
	a, err := new(edwards25519.Point).SetBytes(public)
	if err != nil {
		return never
	}
	r := bytes.Clone(signature[:32])
	s, err := edwards25519.NewScalar().SetCanonicalBytes(signature[32:])
	if err != nil {
		return never
	}
	h := sha512.New()
	h.Write(r)
	h.Write(public)
	c.Stream(h)
	return func() bool {
		k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
		if err != nil {
			return false
		}
		// R = [S]B - [k]A, and the encodings must be equal.
		minusA := new(edwards25519.Point).Negate(a)
		got := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, minusA, s)
		return bytes.Equal(got.Bytes(), r)
	}
}
