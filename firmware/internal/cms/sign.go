package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// A Signer makes detached signatures, with signed attributes, that any CMS
// implementation reads.
type Signer struct {
	Certificate *x509.Certificate
	Key         crypto.Signer // RSA, ECDSA or Ed25519; that of the certificate
	// Chain are certificates to send along, so that a reader who has the root
	// alone finds the way.
	Chain []*x509.Certificate
	Time  time.Time // goes into the signature; required
}

// Hash returns the hash by which Sign wants the content's digest.
func (s Signer) Hash() crypto.Hash {
	switch k := s.Key.Public().(type) {
	case ed25519.PublicKey:
		return crypto.SHA512 // RFC 8419
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P384():
			return crypto.SHA384
		case elliptic.P521():
			return crypto.SHA512
		}
	}
	return crypto.SHA256
}

// Sign returns the signature over content of the given digest, in DER. The
// error is a *[sig.Error] where key and certificate do not belong together or
// the key is of no use, and one of the key otherwise.
func (s Signer) Sign(digest []byte) ([]byte, error) {
	switch {
	case !equalKeys(s.Key.Public(), s.Certificate.PublicKey):
		return nil, sig.Errorf(sig.Malformed, Scheme, "the key is not that of the certificate")
	case len(digest) != s.Hash().Size():
		return nil, sig.Errorf(sig.Malformed, Scheme, "a digest of %d bytes", len(digest))
	case s.Time.IsZero():
		return nil, sig.Errorf(sig.Malformed, Scheme, "no signing time")
	}
	if _, err := (sig.Floor{}).Key(Scheme, s.Key.Public()); err != nil {
		return nil, err
	}
	set, err := s.attributes(digest)
	if err != nil {
		return nil, err
	}
	value, algorithm, err := s.value(set)
	if err != nil {
		return nil, err
	}
	return s.message(set, value, algorithm)
}

// attributes returns the signed attributes as they are signed: a SET OF.
func (s Signer) attributes(digest []byte) ([]byte, error) {
	var list [][]byte
	for _, a := range []struct {
		oid asn1.ObjectIdentifier
		add func(*cryptobyte.Builder)
	}{
		{oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) }},
		{oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) }},
		{oidSigningTime, func(b *cryptobyte.Builder) { addTime(b, s.Time) }},
	} {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(a.oid)
			b.AddASN1(cbasn1.SET, a.add)
		})
		der, err := b.Bytes()
		if err != nil {
			return nil, err
		}
		list = append(list, der)
	}
	return setOf(cbasn1.SET, list)
}

// addTime writes a time as RFC 5652 section 11.3 wants it: UTCTime until
// 2049.
func addTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC().Truncate(time.Second)
	if y := t.Year(); y >= 1950 && y < 2050 {
		b.AddASN1UTCTime(t)
		return
	}
	b.AddASN1GeneralizedTime(t)
}

func setOf(tag cbasn1.Tag, list [][]byte) ([]byte, error) {
	slices.SortFunc(list, bytes.Compare)
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, e := range list {
			b.AddBytes(e)
		}
	})
	return b.Bytes()
}

func (s Signer) value(message []byte) ([]byte, asn1.ObjectIdentifier, error) {
	h := s.Hash()
	var oid asn1.ObjectIdentifier
	switch s.Key.Public().(type) {
	case ed25519.PublicKey:
		v, err := s.Key.Sign(rand.Reader, message, crypto.Hash(0))
		return v, oidEd25519, err
	case *ecdsa.PublicKey:
		oid = oidOf(ecdsaSignatures, h)
	case *rsa.PublicKey:
		oid = oidRSA
	}
	d := h.New()
	d.Write(message)
	v, err := s.Key.Sign(rand.Reader, d.Sum(nil), h)
	return v, oid, err
}

func (s Signer) message(set, value []byte, algorithm asn1.ObjectIdentifier) ([]byte, error) {
	certificates := [][]byte{s.Certificate.Raw}
	for _, c := range s.Chain {
		if !c.Equal(s.Certificate) {
			certificates = append(certificates, c.Raw)
		}
	}
	certificateSet, err := setOf(explicit0, certificates)
	if err != nil {
		return nil, err
	}
	digest := func(b *cryptobyte.Builder) { addAlgorithm(b, oidOf(digests, s.Hash()), false) }
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, digest)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				b.AddBytes(certificateSet)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(1)
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddBytes(s.Certificate.RawIssuer)
							b.AddASN1BigInt(s.Certificate.SerialNumber)
						})
						digest(b)
						b.AddBytes(append([]byte{byte(explicit0)}, set[1:]...))
						addAlgorithm(b, algorithm, algorithm.Equal(oidRSA))
						b.AddASN1OctetString(value)
					})
				})
			})
		})
	})
	return b.Bytes()
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, withNull bool) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if withNull {
			b.AddASN1NULL()
		}
	})
}
