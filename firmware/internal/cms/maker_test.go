package cms_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// A maker writes CMS messages as RFC 5652 describes them, or, where a test
// asks for it, not quite so.
type maker struct {
	content  []byte // what is signed
	embed    bool
	by       []*entity
	certs    []*entity
	crls     [][]byte
	version  int64 // zero: 1
	hash     crypto.Hash
	noAttr   bool
	unsorted bool
	keyID    bool
	// attrs are the signed attributes; nil means content type, digest, time.
	attrs func(digest []byte) [][]byte
	// digestOID, hashOID and sigOID replace the algorithms; sigParams the
	// parameters of the signature's.
	digestOID, hashOID, sigOID asn1.ObjectIdentifier
	sigParams                  []byte
	pss                        *rsa.PSSOptions
	signerVersion              int64
	contentType                asn1.ObjectIdentifier
	unsigned                   [][]byte
	typeOID                    asn1.ObjectIdentifier
	trailing                   []byte // within the SignedData
}

var (
	idData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	idSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	idType       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	idDigest     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	idTime       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	idHints      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 4}
	idProtection = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 52}
	idSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	idSHA512     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	idRSA        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	idPSS        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	idMGF1       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	idECDSA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	idEd25519    = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// encode marshals pieces one after the other.
func encode(t testing.TB, values ...any) []byte {
	t.Helper()
	var out []byte
	for _, v := range values {
		b, err := asn1.Marshal(v)
		require.NoError(t, err)
		out = append(out, b...)
	}
	return out
}

func wrap(tag cbasn1.Tag, content ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, c := range content {
			b.AddBytes(c)
		}
	})
	return b.BytesOrPanic()
}

func attribute(t testing.TB, oid asn1.ObjectIdentifier, values ...any) []byte {
	return wrap(cbasn1.SEQUENCE, encode(t, oid), wrap(cbasn1.SET, encode(t, values...)))
}

func context(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func or(a, b asn1.ObjectIdentifier) asn1.ObjectIdentifier {
	if a != nil {
		return a
	}
	return b
}

// make writes the message.
func (m maker) make(t testing.TB) []byte {
	t.Helper()
	var signers [][]byte
	digestOID := idSHA256
	if m.hash == 0 {
		m.hash = crypto.SHA256
	}
	if m.hash == crypto.SHA512 {
		digestOID = idSHA512
	}
	digestOID = or(m.hashOID, digestOID)
	for _, e := range m.by {
		signers = append(signers, m.signer(t, e, digestOID))
	}
	encap := encode(t, or(m.contentType, idData))
	if m.embed {
		encap = append(encap, wrap(context(0), wrap(cbasn1.OCTET_STRING, m.content))...)
	}
	version := max(m.version, 1)
	if m.keyID && m.version == 0 {
		version = 3
	}
	body := [][]byte{
		encode(t, version),
		wrap(cbasn1.SET, wrap(cbasn1.SEQUENCE, encode(t, or(m.digestOID, digestOID)))),
		wrap(cbasn1.SEQUENCE, encap),
	}
	if len(m.certs) > 0 {
		var certs [][]byte
		for _, c := range m.certs {
			certs = append(certs, c.cert.Raw)
		}
		body = append(body, wrap(context(0), certs...))
	}
	if len(m.crls) > 0 {
		body = append(body, wrap(context(1), m.crls...))
	}
	body = append(body, wrap(cbasn1.SET, signers...), m.trailing)
	return wrap(cbasn1.SEQUENCE, encode(t, or(m.typeOID, idSignedData)), wrap(context(0), wrap(cbasn1.SEQUENCE, body...)))
}

func (m maker) signer(t testing.TB, e *entity, digestOID asn1.ObjectIdentifier) []byte {
	h := m.hash.New()
	h.Write(m.content)
	signed := m.content
	var attrs []byte
	if !m.noAttr {
		list := [][]byte{
			attribute(t, idType, idData), attribute(t, idDigest, h.Sum(nil)), attribute(t, idTime, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)),
		}
		if m.attrs != nil {
			list = m.attrs(h.Sum(nil))
		}
		slices.SortFunc(list, bytes.Compare)
		if m.unsorted {
			slices.Reverse(list)
		}
		signed = wrap(cbasn1.SET, list...)
		attrs = wrap(context(0), list...)
	}
	var value []byte
	var err error
	var oid asn1.ObjectIdentifier
	var params []byte
	switch k := e.key.(type) {
	case ed25519.PrivateKey:
		value, oid = ed25519.Sign(k, signed), idEd25519
	default:
		d := m.hash.New()
		d.Write(signed)
		oid = idECDSA256
		if _, ok := e.key.(*rsa.PrivateKey); ok {
			oid, params = idRSA, []byte{5, 0}
		}
		var o crypto.SignerOpts = m.hash
		if m.pss != nil {
			oid, o = idPSS, m.pss
		}
		value, err = e.key.Sign(rand.Reader, d.Sum(nil), o)
		require.NoError(t, err)
	}
	if m.sigParams != nil {
		params = m.sigParams
	}
	version := max(m.signerVersion, 1)
	var id []byte
	if !m.keyID {
		id = wrap(cbasn1.SEQUENCE, e.cert.RawIssuer, encode(t, e.cert.SerialNumber))
	} else {
		id = wrap(cbasn1.Tag(0).ContextSpecific(), e.cert.SubjectKeyId)
		if m.signerVersion == 0 {
			version = 3
		}
	}
	out := [][]byte{
		encode(t, version), id, wrap(cbasn1.SEQUENCE, encode(t, digestOID)), attrs,
		wrap(cbasn1.SEQUENCE, encode(t, or(m.sigOID, oid)), params), wrap(cbasn1.OCTET_STRING, value),
	}
	if m.unsigned != nil {
		out = append(out, wrap(context(1), m.unsigned...))
	}
	return wrap(cbasn1.SEQUENCE, out...)
}
