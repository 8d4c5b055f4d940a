package cms_test

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
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
)

// now is when tests verify; certificates are valid for a year around it,
// unless they say otherwise.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// An entity has a key and a certificate.
type entity struct {
	key  crypto.Signer
	cert *x509.Certificate
}

var serial = big.NewInt(0x1001)

// issue makes a certificate; a nil parent signs itself.
func issue(t testing.TB, parent *entity, name string, key crypto.Signer, change func(*x509.Certificate)) *entity {
	t.Helper()
	serial = new(big.Int).Add(serial, big.NewInt(1))
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: []string{"Camsec Tests"}},
		NotBefore: now.AddDate(0, -6, 0), NotAfter: now.AddDate(0, 6, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}
	if change != nil {
		change(c)
	}
	e := &entity{key: key}
	if parent == nil {
		parent = &entity{key: key, cert: c}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent.cert, key.Public(), parent.key)
	require.NoError(t, err)
	e.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return e
}

func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
}

func rsaKey(t testing.TB, bits int) crypto.Signer {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return k
}

func ecKey(t testing.TB, c elliptic.Curve) crypto.Signer {
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	require.NoError(t, err)
	return k
}

func edKey(t testing.TB) crypto.Signer {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

// fixedKey is always the same key.
func fixedKey(n byte) crypto.Signer {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32))
}

// A world is a root, an intermediate and a signer under it.
type world struct{ root, inter, signer *entity }

func newWorld(t testing.TB) *world {
	w := &world{}
	w.root = issue(t, nil, "Root", ecKey(t, elliptic.P256()), authority)
	w.inter = issue(t, w.root, "Intermediate", ecKey(t, elliptic.P256()), authority)
	w.signer = issue(t, w.inter, "Signer", ecKey(t, elliptic.P256()), nil)
	return w
}

func (w *world) options() cms.Options {
	return cms.Options{Now: now, Anchors: sig.Anchors{Roots: []*x509.Certificate{w.root.cert}}}
}

// crl makes a revocation list of the issuer.
func crl(t testing.TB, issuer *entity, change func(*x509.RevocationList), revoked ...*entity) *x509.RevocationList {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.AddDate(0, -1, 0), NextUpdate: now.AddDate(0, 1, 0)}
	for _, e := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: e.cert.SerialNumber, RevocationTime: now.AddDate(0, -2, 0),
		})
	}
	if change != nil {
		change(l)
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, issuer.cert, issuer.key)
	require.NoError(t, err)
	out, err := x509.ParseRevocationList(der)
	require.NoError(t, err)
	return out
}

func certPEM(certs ...*entity) []byte {
	var out []byte
	for _, e := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.cert.Raw})...)
	}
	return out
}

func keyPEM(t testing.TB, e *entity) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(e.key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
