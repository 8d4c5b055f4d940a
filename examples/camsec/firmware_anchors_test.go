package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pki is a root, a signer under it, and what the root says of him.
type pki struct {
	rootKey, key *ecdsa.PrivateKey
	root, leaf   *x509.Certificate
}

func newPKI(t *testing.T) pki {
	t.Helper()
	var p pki
	var err error
	p.rootKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	certificate := func(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), p.rootKey)
		require.NoError(t, err)
		c, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	p.root = certificate(ca, ca, p.rootKey)
	p.leaf = certificate(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Signer"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}, p.root, p.key)
	return p
}

// crl is the root's list, with these serial numbers in it.
func (p pki) crl(t *testing.T, revoked ...int64) []byte {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().AddDate(0, 1, 0)}
	for _, n := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: time.Now().Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, p.root, p.rootKey)
	require.NoError(t, err)
	return der
}

func asPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// What -ca, -crl and -require-crl say decides about a CMS signature, in the
// exit status, too.
func TestFirmwareVerifyHeedsCertificates(t *testing.T) {
	b, p, stranger := newBench(t), newPKI(t), newPKI(t)
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	require.NoError(t, err)
	key := b.write(t, "signer.key", asPEM("PRIVATE KEY", der))
	leaf := b.write(t, "signer.pem", asPEM("CERTIFICATE", p.leaf.Raw))
	code, _, errs := camsecRun(t, "firmware", "sign", "-key", key, "-cert", leaf, "-vendor", "acme", b.image)
	require.Equal(t, 0, code, errs)
	root := b.write(t, "root.pem", asPEM("CERTIFICATE", p.root.Raw))
	another := b.write(t, "another.pem", asPEM("CERTIFICATE", stranger.root.Raw))
	good := b.write(t, "good.crl", asPEM("X509 CRL", p.crl(t)))
	bad := b.write(t, "bad.crl", p.crl(t, 2)) // DER
	both := b.write(t, "both.pem", append(asPEM("CERTIFICATE", p.root.Raw), asPEM("X509 CRL", p.crl(t, 2))...))
	for name, c := range map[string]struct {
		want int
		args []string
	}{
		"by its root":               {0, []string{"-ca", root}},
		"by its certificate":        {0, []string{"-key", leaf}},
		"two roots":                 {0, []string{"-ca", root, "-ca", another}},
		"a list that lets it stand": {0, []string{"-ca", root, "-crl", good}},
		"a list that is demanded":   {0, []string{"-ca", root, "-crl", good, "-require-crl"}},
		"an owner's statement":      {0, []string{"-ca", root, "-countersigned", "-vendor", "acme"}},
		"another root":              {1, []string{"-ca", another}},
		"revoked":                   {1, []string{"-ca", root, "-crl", bad}},
		"revoked, beside the root":  {1, []string{"-ca", both}},
		"of two lists one revokes":  {1, []string{"-ca", root, "-crl", good, "-crl", bad}},
		"no list":                   {1, []string{"-ca", root, "-require-crl"}},
		"another maker":             {1, []string{"-ca", root, "-vendor", "nobody"}},
		"two signers":               {1, []string{"-ca", root, "-signers", "2"}},
		"a root that is none":       {2, []string{"-ca", b.public}},
		"a list that is none":       {2, []string{"-ca", root, "-crl", root}},
		"no such list":              {2, []string{"-ca", root, "-crl", b.dir}},
	} {
		code, out, errs := camsecRun(t, append([]string{"firmware", "verify", b.image, "-signature", b.image + ".p7s"}, c.args...)...)
		assert.Equal(t, c.want, code, "%s: %s%s", name, out, errs)
	}
}

// -key takes what makers of keys write, and -scheme names what a bare
// signature is.
func TestFirmwareVerifyTakesEveryKindOfKey(t *testing.T) {
	b := newBench(t)
	sum := sha256.Sum256(b.data)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	edPub, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	spki := func(k crypto.PublicKey) []byte {
		der, err := x509.MarshalPKIXPublicKey(k)
		require.NoError(t, err)
		return der
	}
	sign := func(k crypto.Signer, o crypto.SignerOpts) []byte {
		s, err := k.Sign(rand.Reader, sum[:], o)
		require.NoError(t, err)
		return s
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, r.Public(), r)
	require.NoError(t, err)
	modulus := r.N.FillBytes(make([]byte, 256))
	slices.Reverse(modulus)
	blob := slices.Concat([]byte{6, 2, 0, 0, 0, 0x24, 0, 0}, []byte("RSA1"), binary.LittleEndian.AppendUint32(nil, 2048), binary.LittleEndian.AppendUint32(nil, uint32(r.E)), modulus)
	withID := func(comment string, value []byte) []byte {
		return []byte("untrusted comment: " + comment + "\n" + base64.StdEncoding.EncodeToString(slices.Concat([]byte("Ed\x01\x02\x03\x04\x05\x06\x07\x08"), value)) + "\n")
	}
	raw := ed25519.Sign(ed, b.data)
	global := base64.StdEncoding.EncodeToString(ed25519.Sign(ed, append(bytes.Clone(raw), "words"...)))
	for name, c := range map[string]struct {
		key, signature []byte
		scheme         string
	}{
		"RSA, PEM":           {asPEM("PUBLIC KEY", spki(r.Public())), sign(r, crypto.SHA256), "rsa-pkcs1v15-sha256"},
		"RSA, PKCS #1":       {asPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&r.PublicKey)), sign(r, &rsa.PSSOptions{Hash: crypto.SHA256}), "rsa-pss-sha256"},
		"RSA, DER":           {spki(r.Public()), sign(r, crypto.SHA256), "rsa-pkcs1v15-sha256"},
		"certificate":        {asPEM("CERTIFICATE", cert), sign(r, crypto.SHA256), "rsa-pkcs1v15-sha256"},
		"TP-Link's blob":     {blob, sign(r, &rsa.PSSOptions{Hash: crypto.SHA256}), "rsa-pss-sha256"},
		"blob in base64":     {[]byte(base64.StdEncoding.EncodeToString(blob)), sign(r, crypto.SHA256), "rsa-pkcs1v15-sha256"},
		"ECDSA":              {asPEM("PUBLIC KEY", spki(ec.Public())), sign(ec, crypto.SHA256), "ecdsa-sha256"},
		"Ed25519":            {asPEM("PUBLIC KEY", spki(edPub)), raw, "ed25519"},
		"signify and usign":  {withID("a key", edPub), withID("a signature", raw), ""},
		"minisign's old way": {withID("minisign public key 1", edPub), append(withID("a signature", raw), "trusted comment: words\n"+global+"\n"...), ""},
	} {
		args := []string{"firmware", "verify", b.image, "-key", b.write(t, "k", c.key), "-signature", b.write(t, "s", c.signature)}
		if c.scheme != "" {
			code, _, errs := camsecRun(t, args...)
			assert.Equal(t, 2, code, "%s: the scheme must be named: %s", name, errs)
			args = append(args, "-scheme", c.scheme)
		}
		code, out, errs := camsecRun(t, args...)
		assert.Equal(t, 0, code, "%s: %s%s", name, out, errs)
		args[2] = b.write(t, "changed", append(bytes.Clone(b.data), 0))
		code, _, _ = camsecRun(t, args...)
		assert.Equal(t, 1, code, name)
	}
}
