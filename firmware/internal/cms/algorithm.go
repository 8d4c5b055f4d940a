package cms

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// An identifier is an AlgorithmIdentifier.
type identifier struct {
	oid        asn1.ObjectIdentifier
	parameters cryptobyte.String // with tag; empty where there are none
}

func readAlgorithm(s *cryptobyte.String) (identifier, bool) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return identifier{}, false
	}
	return parseAlgorithm(seq)
}

func parseAlgorithm(seq cryptobyte.String) (a identifier, ok bool) {
	if !seq.ReadASN1ObjectIdentifier(&a.oid) {
		return a, false
	}
	if !seq.Empty() {
		var tag cbasn1.Tag
		if !seq.ReadAnyASN1Element(&a.parameters, &tag) || !seq.Empty() {
			return a, false
		}
	}
	return a, true
}

var null = []byte{5, 0}

// plain tells whether there are no parameters, or NULL: both are in use.
func (a identifier) plain() bool {
	return a.parameters.Empty() || bytes.Equal(a.parameters, null)
}

func (a identifier) digest() (crypto.Hash, error) {
	h, ok := hashOf(digests, a.oid)
	if !ok {
		return 0, sig.Errorf(sig.Unsupported, Scheme, "the digest algorithm %s", a.oid)
	}
	if !a.plain() {
		return 0, malformed("a digest algorithm with parameters")
	}
	return h, nil
}

// signature returns what a signature algorithm means together with the
// signer's digest algorithm. The two must agree.
func (a identifier) signature(digest crypto.Hash) (sig.Algorithm, error) {
	out := sig.Algorithm{Hash: digest}
	switch {
	case a.oid.Equal(oidPSS):
		return a.pss(digest)
	case a.oid.Equal(oidEd25519):
		if !a.parameters.Empty() {
			return out, malformed("Ed25519 with parameters")
		}
		return sig.Algorithm{Method: sig.PureEd25519}, nil
	case a.oid.Equal(oidRSA):
		out.Method = sig.PKCS1v15
	default:
		h, ok := hashOf(rsaSignatures, a.oid)
		out.Method = sig.PKCS1v15
		if !ok {
			h, ok = hashOf(ecdsaSignatures, a.oid)
			out.Method = sig.ECDSA
		}
		if !ok {
			return out, sig.Errorf(sig.Unsupported, Scheme, "the signature algorithm %s", a.oid)
		}
		if h != digest {
			return out, malformed("a signature over %s with a digest by %s", h, digest)
		}
	}
	if !a.plain() {
		return out, malformed("a signature algorithm with parameters")
	}
	return out, nil
}

// pss reads RSASSA-PSS-params, RFC 4055 section 3.1. All four have defaults,
// which are those of a time long past: SHA-1, and a salt of 20 bytes.
func (a identifier) pss(digest crypto.Hash) (sig.Algorithm, error) {
	out := sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA1, MGF1: crypto.SHA1, Salt: 20}
	bad := malformed("PSS parameters that cannot be read")
	raw := slices.Clone(a.parameters)
	var seq, field cryptobyte.String
	if !raw.ReadASN1(&seq, cbasn1.SEQUENCE) || !raw.Empty() {
		return out, bad
	}
	var has bool
	if !seq.ReadOptionalASN1(&field, &has, cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return out, bad
	}
	if has {
		id, ok := readAlgorithm(&field)
		if !ok || !field.Empty() {
			return out, bad
		}
		var err error
		if out.Hash, err = id.digest(); err != nil {
			return out, err
		}
	}
	if !seq.ReadOptionalASN1(&field, &has, cbasn1.Tag(1).ContextSpecific().Constructed()) {
		return out, bad
	}
	if has {
		mask, ok := readAlgorithm(&field)
		if !ok || !field.Empty() || !mask.oid.Equal(oidMGF1) {
			return out, bad
		}
		id, ok := readAlgorithm(&mask.parameters)
		if !ok || !mask.parameters.Empty() {
			return out, bad
		}
		var err error
		if out.MGF1, err = id.digest(); err != nil {
			return out, err
		}
	}
	if !seq.ReadOptionalASN1(&field, &has, cbasn1.Tag(2).ContextSpecific().Constructed()) {
		return out, bad
	}
	if has && (!field.ReadASN1Integer(&out.Salt) || !field.Empty() || out.Salt < 0) {
		return out, bad
	}
	if !seq.ReadOptionalASN1(&field, &has, cbasn1.Tag(3).ContextSpecific().Constructed()) {
		return out, bad
	}
	var trailer int
	if has && (!field.ReadASN1Integer(&trailer) || !field.Empty() || trailer != 1) {
		return out, bad
	}
	if !seq.Empty() {
		return out, bad
	}
	if out.Hash != digest {
		return out, malformed("PSS over %s with a digest by %s", out.Hash, digest)
	}
	return out, nil
}
