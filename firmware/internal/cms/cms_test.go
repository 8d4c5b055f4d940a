package cms_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // a name of a key.
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func TestKindsOfSigners(t *testing.T) {
	w := newWorld(t)
	image := sigtest.Image(3000)
	p384 := issue(t, w.inter, "P384", ecKey(t, elliptic.P384()), nil)
	rsaSigner := issue(t, w.inter, "RSA", rsaKey(t, 2048), nil)
	ed := issue(t, w.inter, "Ed", edKey(t), nil)
	chain := []*entity{w.inter}
	pssParams := func(salt int, mask asn1.ObjectIdentifier) []byte {
		return wrap(cbasn1.SEQUENCE,
			wrap(context(0), wrap(cbasn1.SEQUENCE, encode(t, idSHA256))),
			wrap(context(1), wrap(cbasn1.SEQUENCE, encode(t, idMGF1), wrap(cbasn1.SEQUENCE, encode(t, mask)))),
			wrap(context(2), encode(t, salt)))
	}
	trailer := func(n int) []byte {
		p := pssParams(32, idSHA256)
		return wrap(cbasn1.SEQUENCE, p[2:], wrap(context(3), encode(t, n)))
	}
	for _, n := range []int{0, 2} {
		m := maker{content: image, by: []*entity{rsaSigner}, certs: []*entity{rsaSigner, w.inter}, pss: &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, sigParams: trailer(n)}
		_, err := check(m.make(t), image, w.options())
		assert.Equal(t, sig.Malformed, sig.KindOf(err), "trailer %d: %v", n, err)
	}
	for _, c := range []struct {
		m         maker
		signer    *entity
		algorithm string
	}{
		{maker{pss: &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, sigParams: trailer(1)}, rsaSigner, "RSA-2048 PSS SHA-256"},
		{maker{}, w.signer, "ECDSA P-256 SHA-256"},
		{maker{hash: crypto.SHA512, sigOID: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}}, p384, "ECDSA P-384 SHA-512"},
		{maker{}, rsaSigner, "RSA-2048 PKCS#1 v1.5 SHA-256"},
		{maker{sigOID: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}}, rsaSigner, "RSA-2048 PKCS#1 v1.5 SHA-256"},
		{maker{pss: &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, sigParams: pssParams(32, idSHA256)}, rsaSigner, "RSA-2048 PSS SHA-256"},
		{maker{pss: &rsa.PSSOptions{SaltLength: 20, Hash: crypto.SHA256}, sigParams: pssParams(20, idSHA256)}, rsaSigner, "RSA-2048 PSS SHA-256"},
		{maker{hash: crypto.SHA512}, ed, "Ed25519"},
		{maker{hash: crypto.SHA512, noAttr: true}, ed, "Ed25519"},
		{maker{noAttr: true}, rsaSigner, "RSA-2048 PKCS#1 v1.5 SHA-256"},
		{maker{keyID: true}, w.signer, "ECDSA P-256 SHA-256"},
		{maker{embed: true}, w.signer, "ECDSA P-256 SHA-256"},
	} {
		c.m.content, c.m.by, c.m.certs = image, []*entity{c.signer}, append([]*entity{c.signer}, chain...)
		// A key identifier is in the certificate only if its issuer put it there.
		if c.m.keyID {
			c.signer = issue(t, w.inter, "With ID", ecKey(t, elliptic.P256()), func(x *x509.Certificate) { x.SubjectKeyId = []byte{1, 2, 3} })
			c.m.by, c.m.certs = []*entity{c.signer}, append([]*entity{c.signer}, chain...)
		}
		message := c.m.make(t)
		res, err := check(message, image, w.options())
		if !assert.NoError(t, err, c.algorithm) {
			continue
		}
		assert.Equal(t, c.signer.cert.Subject.String(), res.By)
		assert.Equal(t, c.algorithm, res.Algorithm)
		assert.Equal(t, sig.Describe(w.root.cert), res.Anchor)
		if !c.m.noAttr {
			assert.Equal(t, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), res.SigningTime)
		}
		_, err = check(message, image[1:], w.options())
		assert.Equal(t, sig.Invalid, sig.KindOf(err), "%s: %v", c.algorithm, err)
		// The certificates may come from elsewhere.
		c.m.certs = nil
		o := w.options()
		_, err = check(c.m.make(t), image, o)
		assert.Equal(t, sig.Untrusted, sig.KindOf(err), "%s: %v", c.algorithm, err)
		o.Anchors.Certificates = []*x509.Certificate{w.inter.cert, c.signer.cert}
		_, err = check(c.m.make(t), image, o)
		assert.NoError(t, err, c.algorithm)
	}
}

// mutate makes a good message's maker, changed.
func (w *world) mutate(image []byte, change func(*maker)) maker {
	m := maker{content: image, by: []*entity{w.signer}, certs: []*entity{w.signer, w.inter}}
	if change != nil {
		change(&m)
	}
	return m
}

func TestMessagesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	image := sigtest.Image(100)
	withoutDigest := func(m *maker) {
		m.attrs = func(d []byte) [][]byte { return [][]byte{attribute(t, idType, idData)} }
	}
	attrs := func(list func(d []byte) [][]byte) func(*maker) {
		return func(m *maker) {
			m.attrs = func(d []byte) [][]byte {
				return append([][]byte{attribute(t, idType, idData), attribute(t, idDigest, d)}, list(d)...)
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*maker)
		kind   sig.Kind
		text   string
	}{
		"nobody":                   {func(m *maker) { m.by = nil }, sig.Malformed, "nobody signed"},
		"17 signers":               {func(m *maker) { m.by = make([]*entity, 17); fill(m.by, w.signer) }, sig.Malformed, "more than 16 signers"},
		"65 certificates":          {func(m *maker) { m.certs = make([]*entity, 65); fill(m.certs, w.inter) }, sig.Malformed, "more than 64 certificates"},
		"version 2":                {func(m *maker) { m.version = 2 }, sig.Malformed, "version 2"},
		"version 3 without reason": {func(m *maker) { m.version = 3 }, sig.Malformed, "version 3"},
		"signer of version 3":      {func(m *maker) { m.signerVersion = 3 }, sig.Malformed, "a signer of version 3"},
		"key ID of version 1":      {func(m *maker) { m.keyID, m.signerVersion, m.version = true, 1, 1 }, sig.Malformed, "key identifier"},
		"encrypted":                {func(m *maker) { m.typeOID = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3} }, sig.Unsupported, "encrypted"},
		"data":                     {func(m *maker) { m.typeOID = idData }, sig.Unsupported, "no SignedData"},
		"Authenticode":             {func(m *maker) { m.contentType = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 4} }, sig.Unsupported, "Authenticode"},
		"a time stamp":             {func(m *maker) { m.contentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4} }, sig.Unsupported, "no plain data"},
		"bytes after the signers":  {func(m *maker) { m.trailing = []byte{5, 0} }, sig.Malformed, "no signers at the end"},
		"unsorted":                 {func(m *maker) { m.unsorted = true }, sig.Malformed, "DER's order"},
		"no digest":                {withoutDigest, sig.Malformed, "without a digest"},
		"no content type":          {func(m *maker) { m.attrs = func(d []byte) [][]byte { return [][]byte{attribute(t, idDigest, d)} } }, sig.Malformed, "content's type"},
		"other content type": {func(m *maker) {
			m.attrs = func(d []byte) [][]byte {
				return [][]byte{attribute(t, idType, idSignedData), attribute(t, idDigest, d)}
			}
		}, sig.Malformed, "content's type"},
		"digest twice": {attrs(func(d []byte) [][]byte { return [][]byte{attribute(t, idDigest, d)} }), sig.Malformed, "twice"},
		"two digests":  {attrs(func(d []byte) [][]byte { return [][]byte{attribute(t, idDigest, make([]byte, 32))} }), sig.Malformed, "twice"},
		"two digests in one": {func(m *maker) {
			m.attrs = func(d []byte) [][]byte { return [][]byte{attribute(t, idType, idData), attribute(t, idDigest, d, d)} }
		}, sig.Malformed, "the signed digest"},
		"no digest in one": {func(m *maker) {
			m.attrs = func(d []byte) [][]byte { return [][]byte{attribute(t, idType, idData), attribute(t, idDigest)} }
		}, sig.Malformed, "the signed digest"},
		"short digest": {func(m *maker) {
			m.attrs = func(d []byte) [][]byte { return [][]byte{attribute(t, idType, idData), attribute(t, idDigest, d[:20])} }
		}, sig.Malformed, "the signed digest"},
		"two types in one": {func(m *maker) {
			m.attrs = func(d []byte) [][]byte {
				return [][]byte{attribute(t, idType, idData, idData), attribute(t, idDigest, d)}
			}
		}, sig.Malformed, "content type cannot be read"},
		"a time that is none":  {attrs(func(d []byte) [][]byte { return [][]byte{attribute(t, idTime, 5)} }), sig.Malformed, "signing time"},
		"two times":            {attrs(func(d []byte) [][]byte { return [][]byte{attribute(t, idTime, now, now)} }), sig.Malformed, "signing time"},
		"hints that are none":  {attrs(func(d []byte) [][]byte { return [][]byte{attribute(t, idHints, 5)} }), sig.Malformed, "content hints"},
		"other protection":     {attrs(func(d []byte) [][]byte { return [][]byte{protection(t, idSHA512, idECDSA256)} }), sig.Malformed, "RFC 6211"},
		"other protection 2":   {attrs(func(d []byte) [][]byte { return [][]byte{protection(t, idSHA256, idRSA)} }), sig.Malformed, "RFC 6211"},
		"65 attributes":        {attrs(func(d []byte) [][]byte { return many(t, 63) }), sig.Malformed, "more than 64 attributes"},
		"65 unsigned":          {func(m *maker) { m.unsigned = many(t, 65) }, sig.Malformed, "more than 64 attributes"},
		"unsigned nonsense":    {func(m *maker) { m.unsigned = [][]byte{{5, 0}} }, sig.Malformed, "an attribute"},
		"digest not listed":    {func(m *maker) { m.digestOID = idSHA512 }, sig.Malformed, "not among the message's"},
		"unknown digest":       {func(m *maker) { m.hashOID = asn1.ObjectIdentifier{1, 2, 3} }, sig.Unsupported, "the digest algorithm 1.2.3"},
		"unknown signature":    {func(m *maker) { m.sigOID = asn1.ObjectIdentifier{1, 2, 3} }, sig.Unsupported, "the signature algorithm 1.2.3"},
		"algorithms disagree":  {func(m *maker) { m.sigOID = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4} }, sig.Malformed, "SHA-512 with a digest by SHA-256"},
		"parameters":           {func(m *maker) { m.sigParams = []byte{4, 0} }, sig.Malformed, "with parameters"},
		"PSS by an EC key":     {func(m *maker) { m.sigOID, m.sigParams = idPSS, []byte{0x30, 0} }, sig.Malformed, "PSS over SHA-1"},
		"PSS without any":      {func(m *maker) { m.sigOID = idPSS }, sig.Malformed, "PSS parameters"},
		"RSA by an EC key":     {func(m *maker) { m.sigOID = idRSA }, sig.Invalid, "no key for"},
		"Ed25519 by an EC key": {func(m *maker) { m.sigOID = idEd25519 }, sig.Invalid, "no key for"},
		"Ed25519 parameters":   {func(m *maker) { m.sigOID, m.sigParams = idEd25519, []byte{5, 0} }, sig.Malformed, "Ed25519 with parameters"},
		"Ed25519 over SHA-256": {func(m *maker) { m.sigOID, m.noAttr = idEd25519, true }, sig.Malformed, "RFC 8419"},
		"other content":        {func(m *maker) { m.embed, m.content = true, []byte("x") }, sig.Invalid, "not what the message carries"},
	} {
		_, err := check(w.mutate(image, c.change).make(t), image, w.options())
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, c.text, name)
	}
	// What is not in the way of anybody.
	for name, c := range map[string]struct {
		change func(*maker)
		note   string
	}{
		"plain":      {nil, ""},
		"protection": {attrs(func(d []byte) [][]byte { return [][]byte{protection(t, idSHA256, idECDSA256)} }), ""},
		"unsigned":   {func(m *maker) { m.unsigned = many(t, 1) }, "unsigned attributes were not looked at"},
		"unknown":    {attrs(func(d []byte) [][]byte { return many(t, 62) }), ""},
		"with NULL":  {func(m *maker) { m.sigParams = []byte{5, 0} }, ""},
	} {
		res, err := check(w.mutate(image, c.change).make(t), image, w.options())
		require.NoError(t, err, name)
		assert.Contains(t, strings.Join(res.Notes, ";"), c.note)
	}
}

func fill(list []*entity, e *entity) {
	for i := range list {
		list[i] = e
	}
}

func many(t testing.TB, n int) (out [][]byte) {
	for i := range n {
		out = append(out, attribute(t, asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, i}, i))
	}
	return out
}

func protection(t testing.TB, digest, signature asn1.ObjectIdentifier) []byte {
	return wrap(cbasn1.SEQUENCE, encode(t, idProtection), wrap(cbasn1.SET, wrap(cbasn1.SEQUENCE,
		wrap(cbasn1.SEQUENCE, encode(t, digest)), wrap(context(1), encode(t, signature)))))
}

func TestContentHintsAreTold(t *testing.T) {
	w := newWorld(t)
	hints := wrap(cbasn1.SEQUENCE, encode(t, idHints), wrap(cbasn1.SET,
		wrap(cbasn1.SEQUENCE, wrap(cbasn1.UTF8String, []byte("version:5 für alle")), encode(t, idData))))
	m := w.mutate([]byte("x"), nil)
	m.attrs = func(d []byte) [][]byte {
		return [][]byte{attribute(t, idType, idData), attribute(t, idDigest, d), hints}
	}
	res, err := check(m.make(t), []byte("x"), w.options())
	require.NoError(t, err)
	assert.Equal(t, "version:5 für alle", res.TrustedComment)
	assert.True(t, res.SigningTime.IsZero())
}

// A signer who names his certificate has that one and no other.
func TestSignersThatNameTheirCertificate(t *testing.T) {
	w := newWorld(t)
	twin := issue(t, w.inter, "Twin", w.signer.key, nil) // another certificate for the same key
	named := func(oid asn1.ObjectIdentifier, id ...[]byte) func(*maker) {
		return func(m *maker) {
			m.attrs = func(d []byte) [][]byte {
				return [][]byte{attribute(t, idType, idData), attribute(t, idDigest, d), wrap(cbasn1.SEQUENCE, encode(t, oid),
					wrap(cbasn1.SET, wrap(cbasn1.SEQUENCE, wrap(cbasn1.SEQUENCE, wrap(cbasn1.SEQUENCE, id...)))))}
			}
		}
	}
	one, two := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	sum1, sum256, sum512 := sha1.Sum(w.signer.cert.Raw), sha256.Sum256(w.signer.cert.Raw), sha512.Sum512(w.signer.cert.Raw) //nolint:gosec // the attribute's hash.
	other := sha256.Sum256(twin.cert.Raw)
	algorithm := func(oid asn1.ObjectIdentifier) []byte { return wrap(cbasn1.SEQUENCE, encode(t, oid)) }
	for name, c := range map[string]struct {
		change func(*maker)
		kind   sig.Kind
		text   string
	}{
		"SHA-256":        {named(two, encode(t, sum256[:])), 0, ""},
		"SHA-512":        {named(two, algorithm(idSHA512), encode(t, sum512[:])), 0, ""},
		"SHA-1":          {named(one, encode(t, sum1[:])), 0, ""},
		"and its issuer": {named(two, encode(t, sum256[:]), wrap(cbasn1.SEQUENCE)), 0, ""},
		"another":        {named(two, encode(t, other[:])), sig.Invalid, "names another certificate"},
		"wrong length":   {named(two, encode(t, sum1[:])), sig.Malformed, "cannot be read"},
		"no digest":      {named(two), sig.Malformed, "cannot be read"},
		"unknown hash":   {named(two, algorithm(idRSA), encode(t, sum256[:])), sig.Unsupported, "digest algorithm"},
	} {
		_, err := check(w.mutate([]byte("x"), c.change).make(t), []byte("x"), w.options())
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		if c.kind != 0 {
			assert.ErrorContains(t, err, c.text, name)
		}
	}
}

// A signature over attributes is one over bytes: without care, those bytes
// pass as an image.
func TestAttributesAreNoImage(t *testing.T) {
	w := newWorld(t)
	var attrs []byte
	m := w.mutate([]byte("x"), func(m *maker) {
		m.attrs = func(d []byte) [][]byte {
			list := [][]byte{attribute(t, idType, idData), attribute(t, idDigest, d)}
			attrs = wrap(cbasn1.SET, list...)
			return list
		}
	})
	signed := m.make(t)
	// Take the attributes out: what they covered is now the content.
	cut := bytes.Replace(signed, append([]byte{0xa0}, attrs[1:]...), nil, 1)
	require.NotEqual(t, signed, cut)
	shorter := len(signed) - len(cut)
	fix(t, cut, shorter)
	_, err := check(cut, attrs, w.options())
	assert.Equal(t, sig.Invalid, sig.KindOf(err), err)
	assert.ErrorContains(t, err, "attributes of another signature")
}

// fix writes the lengths of the outer elements anew after n bytes were taken
// from the last of them.
func fix(t testing.TB, b []byte, n int) {
	at := 0
	for at < len(b) {
		tag, head := b[at], 2
		size := int(b[at+1])
		switch size {
		case 0x81:
			head, size = 3, int(b[at+2])
		case 0x82:
			head, size = 4, int(b[at+2])<<8|int(b[at+3])
		}
		if tag&0x20 == 0 || at+head+size <= len(b) { // primitive, or not cut
			at += head + size
			continue
		}
		size -= n
		switch head {
		case 2:
			b[at+1] = byte(size)
		case 3:
			require.GreaterOrEqual(t, size, 128)
			b[at+2] = byte(size)
		case 4:
			require.GreaterOrEqual(t, size, 256)
			b[at+2], b[at+3] = byte(size>>8), byte(size)
		}
		at += head
	}
}

func TestSeveralSigners(t *testing.T) {
	w, foreign := newWorld(t), newWorld(t)
	image := sigtest.Image(100)
	second := issue(t, w.inter, "Second", ecKey(t, elliptic.P256()), nil)
	all := []*entity{w.signer, w.inter, second, foreign.signer, foreign.inter, foreign.root}
	m := maker{content: image, by: []*entity{w.signer, second}, certs: all}
	res, err := check(m.make(t), image, w.options())
	require.NoError(t, err)
	assert.Equal(t, w.signer.cert.Subject.String(), res.By)
	require.Len(t, res.Others, 1)
	assert.Equal(t, sig.Signer{
		By: second.cert.Subject.String(), Algorithm: "ECDSA P-256 SHA-256", Anchor: sig.Describe(w.root.cert),
		SigningTime: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC),
	}, res.Others[0])

	m.by = []*entity{foreign.signer, second}
	res, err = check(m.make(t), image, w.options())
	require.NoError(t, err)
	assert.Equal(t, second.cert.Subject.String(), res.By)
	assert.Empty(t, res.Others)
	assert.Contains(t, strings.Join(res.Notes, ";"), "a signer was set aside: cms: untrusted: CN=Signer")

	m.by = []*entity{foreign.signer}
	_, err = check(m.make(t), image, w.options())
	assert.Equal(t, sig.Untrusted, sig.KindOf(err), err)

	// A trusted signer whose signature is wrong fails the message, though
	// another one is right.
	liar := &entity{key: ecKey(t, elliptic.P256()), cert: w.signer.cert}
	m.by = []*entity{second, liar}
	_, err = check(m.make(t), image, w.options())
	assert.Equal(t, sig.Invalid, sig.KindOf(err), err)
	assert.ErrorContains(t, err, "not by CN=Signer")
}

// Hostile names reach people only as printable text.
func TestNamesAreSafeToPrint(t *testing.T) {
	w := newWorld(t)
	evil := issue(t, nil, "a\x1b[2J\nb", ecKey(t, elliptic.P256()), nil)
	m := maker{content: []byte("x"), by: []*entity{evil}, certs: []*entity{evil}}
	_, err := check(m.make(t), []byte("x"), w.options())
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "\x1b")
	assert.NotContains(t, err.Error(), "\n")
}
