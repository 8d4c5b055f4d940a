package cms

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// An attribute has one value of those that are known here.
type attribute struct {
	oid    asn1.ObjectIdentifier
	values cryptobyte.String
}

func parseAttributes(set cryptobyte.String) (out []attribute, err error) {
	for !set.Empty() {
		var seq cryptobyte.String
		var a attribute
		if !set.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&a.oid) ||
			!seq.ReadASN1(&a.values, cbasn1.SET) || !seq.Empty() {
			return nil, malformed("an attribute cannot be read")
		}
		if out = append(out, a); len(out) > maxAttributes {
			return nil, malformed("more than %d attributes", maxAttributes)
		}
	}
	return out, nil
}

// parseSigned reads the signed attributes. What was signed is their DER
// encoding as a SET OF, so the tag is put back, and an order that DER does
// not allow is refused.
func (s *signer) parseSigned(set cryptobyte.String, digest, algorithm identifier) error {
	if !sorted(set) {
		return malformed("signed attributes that are not in DER's order")
	}
	list, err := parseAttributes(set)
	if err != nil {
		return err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(set) })
	if s.signed, err = b.Bytes(); err != nil {
		return malformed("signed attributes: %v", err)
	}
	var kind asn1.ObjectIdentifier
	var ok bool
	seen := map[string]bool{}
	for _, a := range list {
		if seen[a.oid.String()] {
			return malformed("the signed attribute %s twice", a.oid)
		}
		seen[a.oid.String()] = true
		v := a.values
		switch {
		case a.oid.Equal(oidContentType):
			if !v.ReadASN1ObjectIdentifier(&kind) || !v.Empty() {
				return malformed("the signed content type cannot be read")
			}
		case a.oid.Equal(oidMessageDigest):
			var d cryptobyte.String
			if !v.ReadASN1(&d, cbasn1.OCTET_STRING) || !v.Empty() || len(d) != s.digest.Size() {
				return malformed("the signed digest cannot be read")
			}
			s.messageDigest = d
		case a.oid.Equal(oidSigningTime):
			if !readTime(&v, &s.signingTime) || !v.Empty() {
				return malformed("the signing time cannot be read")
			}
		case a.oid.Equal(oidContentHints):
			if s.description, ok = readHints(v); !ok {
				return malformed("the signed content hints cannot be read")
			}
		case a.oid.Equal(oidSigningCert), a.oid.Equal(oidSigningCertV2):
			if err := s.readCertificate(v, a.oid.Equal(oidSigningCertV2)); err != nil {
				return err
			}
		case a.oid.Equal(oidProtection):
			if !protects(v, digest, algorithm) {
				return malformed("the algorithms are not those that the signer protects (RFC 6211)")
			}
		}
	}
	switch {
	case s.messageDigest == nil:
		return malformed("signed attributes without a digest")
	case !kind.Equal(oidData):
		return malformed("signed attributes without the content's type, or with another one")
	}
	return nil
}

// sorted tells whether the elements of a SET OF ascend, as DER wants.
func sorted(set cryptobyte.String) bool {
	var last cryptobyte.String
	for !set.Empty() {
		var element cryptobyte.String
		var tag cbasn1.Tag
		if !set.ReadAnyASN1Element(&element, &tag) {
			return false
		}
		if bytes.Compare(last, element) > 0 {
			return false
		}
		last = element
	}
	return true
}

func readTime(s *cryptobyte.String, out *time.Time) bool {
	if s.PeekASN1Tag(cbasn1.UTCTime) {
		return s.ReadASN1UTCTime(out)
	}
	return s.ReadASN1GeneralizedTime(out)
}

// readHints reads the description in ContentHints: UTF8String, and the type of
// the content.
func readHints(v cryptobyte.String) (string, bool) {
	var seq, text cryptobyte.String
	var has bool
	var kind asn1.ObjectIdentifier
	ok := v.ReadASN1(&seq, cbasn1.SEQUENCE) && v.Empty() &&
		seq.ReadOptionalASN1(&text, &has, cbasn1.UTF8String) &&
		seq.ReadASN1ObjectIdentifier(&kind) && seq.Empty() && utf8.Valid(text)
	return string(text), ok
}

// readCertificate reads SigningCertificate or its second version, as far as
// it is about the signer's own certificate, which comes first.
func (s *signer) readCertificate(v cryptobyte.String, second bool) error {
	bad := malformed("the signed name of the certificate cannot be read")
	var seq, list, id, digest cryptobyte.String
	if !v.ReadASN1(&seq, cbasn1.SEQUENCE) || !v.Empty() || !seq.ReadASN1(&list, cbasn1.SEQUENCE) || !list.ReadASN1(&id, cbasn1.SEQUENCE) {
		return bad
	}
	s.certificateHash = crypto.SHA1
	if second {
		s.certificateHash = crypto.SHA256
		if id.PeekASN1Tag(cbasn1.SEQUENCE) {
			a, ok := readAlgorithm(&id)
			if !ok {
				return bad
			}
			var err error
			if s.certificateHash, err = a.digest(); err != nil {
				return err
			}
		}
	}
	if !id.ReadASN1(&digest, cbasn1.OCTET_STRING) || len(digest) != s.certificateHash.Size() {
		return bad
	}
	s.certificate = digest
	return nil
}

// protects reads CMSAlgorithmProtection: the digest algorithm, and [1] the
// signature algorithm, both as the signer gives them.
func protects(v cryptobyte.String, digest, algorithm identifier) bool {
	var seq, inner cryptobyte.String
	if !v.ReadASN1(&seq, cbasn1.SEQUENCE) || !v.Empty() {
		return false
	}
	d, ok := readAlgorithm(&seq)
	if !ok || !seq.ReadASN1(&inner, explicit1) || !seq.Empty() {
		return false
	}
	a, ok := parseAlgorithm(inner)
	return ok && d.oid.Equal(digest.oid) && a.oid.Equal(algorithm.oid) && bytes.Equal(a.parameters, algorithm.parameters)
}
