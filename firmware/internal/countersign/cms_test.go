package countersign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sigtest"
)

var at = time.Date(2026, 11, 24, 12, 30, 15, 999, time.FixedZone("CET", 3600))

// self makes a certificate that the key signs for itself.
func self(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Owner"},
		NotBefore: at.AddDate(-1, 0, 0), NotAfter: at.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

func ec(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	require.NoError(t, err)
	return k
}

func rsaOf(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return k
}

// What each kind of key signs, openssl accepts, with the digest that goes with
// the key, and refuses beside another image.
func TestCMSSignsWhatOpenSSLAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		key  crypto.Signer
		hash crypto.Hash
	}{
		"RSA-2048": {rsaOf(t, 2048), crypto.SHA256},
		"P-256":    {ec(t, elliptic.P256()), crypto.SHA256},
		"P-384":    {ec(t, elliptic.P384()), crypto.SHA384},
		"P-521":    {ec(t, elliptic.P521()), crypto.SHA512},
	} {
		t.Run(name, func(t *testing.T) {
			openssl := sigtest.Stranger(t, "openssl")
			k := &CMS{Key: c.key, Chain: []*x509.Certificate{self(t, c.key)}}
			require.NoError(t, k.Check())
			require.Equal(t, c.hash, k.Hash())
			h := c.hash.New()
			h.Write([]byte("image"))
			der, err := k.Sign(h.Sum(nil), "what is said of it", at)
			require.NoError(t, err)
			sigtest.Write(t, der, openssl.Dir, "p7s")
			sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Chain[0].Raw}), openssl.Dir, "root.pem")
			verify := func(image string) error {
				sigtest.Write(t, []byte(image), openssl.Dir, "image")
				_, err := openssl.Try("cms", "-verify", "-binary", "-inform", "DER", "-in", "p7s", "-content", "image", "-CAfile", "root.pem", "-purpose", "any", "-attime", fmt.Sprint(at.Unix()))
				return err
			}
			require.NoError(t, verify("image"))
			require.Error(t, verify("Image"))
			said := string(openssl.Run("cms", "-cmsout", "-print", "-inform", "DER", "-in", "p7s"))
			assert.Contains(t, said, "Nov 24 11:30:15 2026 GMT")
			assert.Contains(t, said, "what is said of it")
		})
	}
}

// unknown is a key of a kind that nobody knows.
type unknown struct{}

func (unknown) Equal(crypto.PublicKey) bool { return true }

type signer struct {
	public crypto.PublicKey
	crypto.Signer
}

func (s signer) Public() crypto.PublicKey { return s.public }

func (s signer) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the token was pulled out")
}

func TestCMSKeysThatAreRefused(t *testing.T) {
	key := ec(t, elliptic.P256())
	short, small := rsaOf(t, 2047), ec(t, elliptic.P224())
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for want, k := range map[string]*CMS{
		"needs the signer's certificate":         {Key: key},
		"not that of the first certificate":      {Key: key, Chain: []*x509.Certificate{self(t, ec(t, elliptic.P256()))}},
		"RSA key is too short":                   {Key: short, Chain: []*x509.Certificate{self(t, short)}},
		"curve is not supported":                 {Key: small, Chain: []*x509.Certificate{self(t, small)}},
		"Ed25519 key signs without certificates": {Key: ed, Chain: []*x509.Certificate{self(t, ed)}},
		"of a kind that is not supported":        {Key: signer{public: unknown{}}, Chain: []*x509.Certificate{self(t, key)}},
	} {
		require.ErrorContains(t, k.Check(), want)
		if len(k.Chain) > 0 && want != "not that of the first certificate" {
			_, err := k.Sign(make([]byte, 32), "", at)
			require.ErrorContains(t, err, want)
		}
	}
}

func TestCMSThatCannotBeMade(t *testing.T) {
	key := ec(t, elliptic.P256())
	chain := []*x509.Certificate{self(t, key)}
	k := &CMS{Key: signer{public: key.Public()}, Chain: chain}
	require.NoError(t, k.Check())
	_, err := k.Sign(make([]byte, 32), "", at)
	require.ErrorContains(t, err, "the token was pulled out")
}
