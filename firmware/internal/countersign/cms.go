package countersign

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"time"
)

// A CMS key signs as RFC 5652 says: detached, with the signed attributes
// content type, message digest, signing time and content hints.
type CMS struct {
	Key crypto.Signer
	// Chain begins with the signer's certificate; all of it goes into the
	// signature, as a help for whoever verifies.
	Chain []*x509.Certificate
}

// Object identifiers, from RFC 5652, RFC 2634 section 2.9 (content hints),
// and RFC 5754.
var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidContentHints  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 4}

	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}

	oidRSA         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidECDSASHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSASHA384 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECDSASHA512 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
)

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content signedData `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Encapsulated struct{ Type asn1.ObjectIdentifier }
	Certificates asn1.RawValue
	Signers      []signerInfo `asn1:"set"`
}

type signerInfo struct {
	Version   int
	ID        issuerAndSerial
	Digest    pkix.AlgorithmIdentifier
	Attrs     asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue
}

// contentHints is ContentHints of RFC 2634 section 2.9.
type contentHints struct {
	Description string `asn1:"utf8,optional"`
	ContentType asn1.ObjectIdentifier
}

// Check tells whether key and certificate belong together and are of a kind
// that Sign knows.
func (k *CMS) Check() error {
	if len(k.Chain) == 0 {
		return errors.New("a CMS signature needs the signer's certificate")
	}
	if p, ok := k.Key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !p.Equal(k.Chain[0].PublicKey) {
		return errors.New("the key is not that of the first certificate")
	}
	_, _, err := k.algorithm()
	return err
}

// Hash is the digest that Sign wants.
func (k *CMS) Hash() crypto.Hash {
	if p, ok := k.Key.Public().(*ecdsa.PublicKey); ok && p.Curve == elliptic.P384() {
		return crypto.SHA384
	} else if ok && p.Curve == elliptic.P521() {
		return crypto.SHA512
	}
	return crypto.SHA256
}

func (k *CMS) algorithm() (digest, signature pkix.AlgorithmIdentifier, err error) {
	digest.Algorithm = map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: oidSHA256, crypto.SHA384: oidSHA384, crypto.SHA512: oidSHA512}[k.Hash()]
	switch p := k.Key.Public().(type) {
	case *rsa.PublicKey:
		if p.N.BitLen() < 2048 {
			return digest, signature, errors.New("the RSA key is too short")
		}
		signature = pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}
	case *ecdsa.PublicKey:
		signature.Algorithm = map[crypto.Hash]asn1.ObjectIdentifier{crypto.SHA256: oidECDSASHA256, crypto.SHA384: oidECDSASHA384, crypto.SHA512: oidECDSASHA512}[k.Hash()]
		if p.Curve != elliptic.P256() && p.Curve != elliptic.P384() && p.Curve != elliptic.P521() {
			return digest, signature, errors.New("the key's curve is not supported")
		}
	case ed25519.PublicKey:
		// RFC 8419 allows it; OpenSSL 3.0 verifies no such message.
		return digest, signature, errors.New("an Ed25519 key signs without certificates, as minisign does")
	default:
		return digest, signature, errors.New("a key of a kind that is not supported")
	}
	return digest, signature, nil
}

// Sign signs a digest by Hash, together with a text, and returns DER.
func (k *CMS) Sign(digest []byte, text string, at time.Time) ([]byte, error) {
	digestAlg, sigAlg, err := k.algorithm()
	if err != nil {
		return nil, err
	}
	attrs, err := attributes(digest, text, at)
	if err != nil {
		return nil, err
	}
	// What is signed is the attributes as a SET; in the message they are
	// under a tag of their own (RFC 5652 section 5.4).
	value, err := k.sign(retag(attrs, asn1.ClassUniversal, asn1.TagSet))
	if err != nil {
		return nil, err
	}
	var certs []byte
	for _, c := range k.Chain {
		certs = append(certs, c.Raw...)
	}
	s := signedData{
		Version: 1, Digests: []pkix.AlgorithmIdentifier{digestAlg},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certs},
		Signers: []signerInfo{{
			Version: 1, ID: issuerAndSerial{asn1.RawValue{FullBytes: k.Chain[0].RawIssuer}, k.Chain[0].SerialNumber},
			Digest: digestAlg, Attrs: asn1.RawValue{FullBytes: retag(attrs, asn1.ClassContextSpecific, 0)},
			Algorithm: sigAlg, Signature: value,
		}},
	}
	s.Encapsulated.Type = oidData
	return asn1.Marshal(contentInfo{Type: oidSignedData, Content: s})
}

func (k *CMS) sign(attrs []byte) ([]byte, error) {
	h := k.Hash().New()
	h.Write(attrs)
	return k.Key.Sign(rand.Reader, h.Sum(nil), k.Hash())
}

// attributes returns the attributes' encodings, sorted as DER wants a SET,
// without a header around them.
func attributes(digest []byte, text string, at time.Time) ([]byte, error) {
	var all [][]byte
	for _, a := range []struct {
		oid   asn1.ObjectIdentifier
		value any
	}{
		{oidContentType, oidData},
		{oidMessageDigest, digest},
		{oidSigningTime, at.UTC().Truncate(time.Second)},
		{oidContentHints, contentHints{text, oidData}},
	} {
		value, err := asn1.Marshal(a.value)
		if err != nil {
			return nil, err
		}
		b, err := asn1.Marshal(attribute{a.oid, asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: value}})
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	slices.SortFunc(all, bytes.Compare)
	return slices.Concat(all...), nil
}

func retag(content []byte, class, tag int) []byte {
	b, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: content})
	if err != nil {
		panic(err) // cannot be: bytes and a tag
	}
	return b
}
