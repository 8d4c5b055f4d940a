package cms

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// A signer is a SignerInfo that was read. What is wrong with it alone stands
// in err: other signers of the message may still be right.
type signer struct {
	// Who: the certificate's issuer and serial number, or its subject key
	// identifier.
	issuer, serial []byte
	keyID          []byte

	digest    crypto.Hash
	algorithm sig.Algorithm
	value     []byte

	// signed are the signed attributes as they were signed, a SET OF; nil
	// where the signature is over the content itself.
	signed        []byte
	messageDigest []byte
	signingTime   time.Time
	description   string // of the content, in the signer's words
	// certificate is the digest of the certificate that the signer names
	// himself; nil where he does not.
	certificate     []byte
	certificateHash crypto.Hash

	unsigned bool // there are unsigned attributes
	err      error
}

func parseSigners(set cryptobyte.String, hashes []asn1.ObjectIdentifier) (out []signer, err error) {
	for !set.Empty() {
		var seq cryptobyte.String
		if !set.ReadASN1(&seq, cbasn1.SEQUENCE) {
			return nil, malformed("a signer cannot be read")
		}
		s, err := parseSigner(seq, hashes)
		if err != nil {
			return nil, err
		}
		if out = append(out, *s); len(out) > maxSigners {
			return nil, malformed("more than %d signers", maxSigners)
		}
	}
	if len(out) == 0 {
		return nil, malformed("nobody signed the message")
	}
	return out, nil
}

func parseSigner(seq cryptobyte.String, hashes []asn1.ObjectIdentifier) (*signer, error) {
	s := &signer{}
	var version int
	if !seq.ReadASN1Integer(&version) {
		return nil, malformed("a signer without version")
	}
	var id, serial, attributes, value cryptobyte.String
	var tag cbasn1.Tag
	want := 1
	switch {
	case seq.PeekASN1Tag(keyIDTag):
		if !seq.ReadASN1(&id, keyIDTag) || len(id) == 0 {
			return nil, malformed("a signer's key identifier cannot be read")
		}
		s.keyID, want = id, 3
	default:
		if !seq.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadAnyASN1Element((*cryptobyte.String)(&s.issuer), &tag) ||
			!id.ReadASN1Element(&serial, cbasn1.INTEGER) || !id.Empty() {
			return nil, malformed("a signer's issuer and serial number cannot be read")
		}
		s.serial = serial
	}
	if version != want {
		return nil, malformed("a signer of version %d, where RFC 5652 asks for %d", version, want)
	}
	digest, ok := readAlgorithm(&seq)
	if !ok {
		return nil, malformed("a signer's digest algorithm cannot be read")
	}
	var hasSigned bool
	if !seq.ReadOptionalASN1(&attributes, &hasSigned, explicit0) {
		return nil, malformed("a signer's attributes cannot be read")
	}
	algorithm, ok := readAlgorithm(&seq)
	if !ok || !seq.ReadASN1(&value, cbasn1.OCTET_STRING) {
		return nil, malformed("a signer's signature cannot be read")
	}
	s.value = value
	var unsigned cryptobyte.String
	if !seq.ReadOptionalASN1(&unsigned, &s.unsigned, explicit1) || !seq.Empty() {
		return nil, malformed("a signer's unsigned attributes cannot be read")
	}
	if _, err := parseAttributes(unsigned); err != nil {
		return nil, err
	}
	listed := slices.ContainsFunc(hashes, digest.oid.Equal)
	if !listed {
		return nil, malformed("a signer's digest algorithm is not among the message's")
	}
	// What is not supported here may be so for this signer alone.
	if s.digest, s.err = digest.digest(); s.err == nil {
		s.algorithm, s.err = algorithm.signature(s.digest)
	}
	if s.err == nil && hasSigned {
		return s, s.parseSigned(attributes, digest, algorithm)
	}
	if s.err == nil && s.algorithm.Method == sig.PureEd25519 && s.digest != crypto.SHA512 {
		s.err = malformed("Ed25519 with a digest by %s (RFC 8419 asks for SHA-512)", s.digest)
	}
	return s, nil
}

// names tells whether the certificate is the one that the signer names in his
// signed attributes, if he does: an identifier alone could be that of another
// certificate, which the same issuer made for somebody else.
func (s *signer) names(c *x509.Certificate) error {
	if s.certificate == nil {
		return nil
	}
	if s.certificateHash != crypto.SHA256 && s.certificateHash != crypto.SHA384 && s.certificateHash != crypto.SHA512 && fips140.Enforced() {
		return sig.Errorf(sig.BelowPolicy, Scheme, "%s is not allowed in FIPS-only mode", s.certificateHash)
	}
	h := s.certificateHash.New()
	h.Write(c.Raw)
	if !bytes.Equal(h.Sum(nil), s.certificate) {
		return sig.Errorf(sig.Invalid, Scheme, "%s names another certificate as his own", s.name(c))
	}
	return nil
}
