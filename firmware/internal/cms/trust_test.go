package cms_test

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func TestTrust(t *testing.T) {
	w, foreign := newWorld(t), newWorld(t)
	image := sigtest.Image(100)
	key := func(change func(*x509.Certificate)) *entity {
		return issue(t, w.inter, "Signer 2", ecKey(t, elliptic.P256()), change)
	}
	usage := func(u ...x509.ExtKeyUsage) *entity {
		return key(func(c *x509.Certificate) { c.ExtKeyUsage = u })
	}
	weakInter := issue(t, w.root, "Weak", rsaKey(t, 1024), authority)
	selfSigned := issue(t, nil, "Signer", ecKey(t, elliptic.P256()), nil)
	tls := usage(x509.ExtKeyUsageServerAuth)
	ed := issue(t, w.inter, "Signer", edKey(t), nil)
	for name, c := range map[string]struct {
		signer  *entity
		certs   []*entity
		options func(*cms.Options)
		kind    sig.Kind
		text    string
	}{
		"no anchor":            {w.signer, nil, func(o *cms.Options) { o.Anchors = sig.Anchors{} }, sig.NoAnchor, "no certificate was given"},
		"no time":              {w.signer, nil, func(o *cms.Options) { o.Now = time.Time{} }, sig.NoAnchor, "no time"},
		"foreign":              {foreign.signer, []*entity{foreign.inter, foreign.root}, nil, sig.Untrusted, "leads to no anchor"},
		"root in message":      {selfSigned, nil, nil, sig.Untrusted, "leads to no anchor"},
		"no intermediate":      {w.signer, []*entity{}, nil, sig.Untrusted, "leads to no anchor"},
		"too late":             {w.signer, nil, func(o *cms.Options) { o.Now = now.AddDate(1, 0, 0) }, sig.BelowPolicy, "is valid from"},
		"too early":            {w.signer, nil, func(o *cms.Options) { o.Now = now.AddDate(-1, 0, 0) }, sig.BelowPolicy, "is valid from"},
		"for mail":             {usage(x509.ExtKeyUsageEmailProtection), nil, nil, 0, ""},
		"for anything":         {usage(x509.ExtKeyUsageAny), nil, nil, 0, ""},
		"for nothing in words": {usage(), nil, nil, 0, ""},
		"for servers":          {tls, nil, nil, sig.BelowPolicy, "not for signing code"},
		"for servers, asked":   {tls, nil, func(o *cms.Options) { o.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, 0, ""},
		"for mail, not asked": {usage(x509.ExtKeyUsageEmailProtection), nil, func(o *cms.Options) {
			o.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}, sig.BelowPolicy, "not for signing code"},
		"not for signatures": {key(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), nil, nil, sig.BelowPolicy, "not for signatures"},
		"for commitments":    {key(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageContentCommitment }), nil, nil, 0, ""},
		"no key usage":       {key(func(c *x509.Certificate) { c.KeyUsage = 0 }), nil, nil, 0, ""},
		"critical extension": {key(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), nil, nil, sig.Unsupported, "critical extension"},
		"weak intermediate": {issue(t, weakInter, "Below weak", ecKey(t, elliptic.P256()), nil), []*entity{weakInter}, nil, sig.BelowPolicy, "RSA-1024"},
		"the very signer":   {tls, []*entity{}, func(o *cms.Options) { o.Anchors.Roots = []*x509.Certificate{tls.cert} }, 0, ""},
		"the very signer, as a key": {selfSigned, []*entity{}, func(o *cms.Options) {
			o.Anchors = sig.Anchors{Keys: []sig.Key{{Public: selfSigned.key.Public(), Certificate: selfSigned.cert}}}
		}, 0, ""},
		"the very signer, late": {tls, []*entity{}, func(o *cms.Options) {
			o.Anchors.Roots, o.Now = []*x509.Certificate{tls.cert}, now.AddDate(1, 0, 0)
		}, sig.BelowPolicy, "is valid from"},
		"a bare key": {w.signer, []*entity{}, func(o *cms.Options) {
			o.Anchors, o.Now = sig.Anchors{Keys: []sig.Key{{Public: w.signer.key.Public()}}}, now.AddDate(9, 0, 0)
		}, 0, ""},
		"another bare key":  {w.signer, nil, func(o *cms.Options) { o.Anchors = sig.Anchors{Keys: []sig.Key{{Public: ed.key.Public()}}} }, sig.Untrusted, "leads to no anchor"},
		"the intermediate":  {w.signer, nil, func(o *cms.Options) { o.Anchors.Roots = []*x509.Certificate{w.inter.cert} }, 0, ""},
		"a signer is no CA": {issue(t, w.signer, "Below signer", ecKey(t, elliptic.P256()), nil), []*entity{w.signer, w.inter}, nil, sig.Untrusted, "leads to no anchor"},
	} {
		m := maker{content: image, by: []*entity{c.signer}, certs: append([]*entity{c.signer}, c.certs...)}
		if c.certs == nil {
			m.certs = []*entity{c.signer, w.inter}
		}
		o := w.options()
		if c.options != nil {
			c.options(&o)
		}
		_, err := check(m.make(t), image, o)
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		if c.kind != 0 {
			assert.ErrorContains(t, err, c.text, name)
		}
	}
}

// A bare key is found by its own identifier where there is no certificate.
func TestBareKeyByIdentifier(t *testing.T) {
	w := newWorld(t)
	bits := w.signer.cert.RawSubjectPublicKeyInfo[26:] // of a P-256 key
	require.Len(t, bits, 65)
	one, two := sha1.Sum(bits), sha256.Sum256(bits) //nolint:gosec // a name.
	for _, id := range [][]byte{one[:], two[:20]} {
		e := &entity{key: w.signer.key, cert: &x509.Certificate{SubjectKeyId: id}}
		message := maker{content: []byte("x"), by: []*entity{e}, keyID: true}.make(t)
		o := cms.Options{Now: now, Anchors: sig.Anchors{Keys: []sig.Key{{Public: w.inter.key.Public()}, {Public: w.signer.key.Public(), Name: "k.pem"}}}}
		res, err := check(message, []byte("x"), o)
		require.NoError(t, err)
		assert.Contains(t, res.By, "(k.pem)")
		o.Anchors.Keys = o.Anchors.Keys[:1]
		_, err = check(message, []byte("x"), o)
		assert.Equal(t, sig.Untrusted, sig.KindOf(err), err)
	}
}

// A message cannot make us work for as long as it likes: no key of any size,
// and no certificates without end that claim to be a signer's.
func TestWorkIsBounded(t *testing.T) {
	w := newWorld(t)
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 20_000, 1), E: 65537}
	template := *w.inter.cert
	template.PublicKey = nil
	der, err := x509.CreateCertificate(rand.Reader, &template, w.root.cert, huge, w.root.key)
	require.NoError(t, err)
	impostor, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	m := w.mutate([]byte("x"), func(m *maker) { m.certs = append(m.certs, &entity{cert: impostor}) })
	_, err = check(m.make(t), []byte("x"), w.options())
	assert.Equal(t, sig.Unsupported, sig.KindOf(err), err)

	var claims []*entity
	for range 40 {
		claims = append(claims, issue(t, nil, "Signer", ecKey(t, elliptic.P256()), func(c *x509.Certificate) { c.SubjectKeyId = []byte("the same") }))
	}
	_, err = check(maker{content: []byte("x"), by: claims[:1], certs: claims, keyID: true}.make(t), []byte("x"), w.options())
	assert.Equal(t, sig.Malformed, sig.KindOf(err), err)
	assert.ErrorContains(t, err, "too many certificates claim")
	_, err = check(maker{content: []byte("x"), by: claims[:1], certs: claims[:30], keyID: true}.make(t), []byte("x"), w.options())
	assert.Equal(t, sig.Untrusted, sig.KindOf(err), err)
}
