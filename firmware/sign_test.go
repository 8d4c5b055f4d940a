package firmware_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

var issued = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// authority makes a root and a code-signing certificate for the key under it.
func authority(t testing.TB, pub crypto.PublicKey) (root, leaf *x509.Certificate) {
	t.Helper()
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	make := func(tmpl, parent *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, rootKey)
		require.NoError(t, err)
		c, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Owner's root"},
		NotBefore: issued.AddDate(-1, 0, 0), NotAfter: issued.AddDate(9, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	root = make(ca, ca, rootKey.Public())
	leaf = make(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Owner's signer"},
		NotBefore: issued.AddDate(0, -1, 0), NotAfter: issued.AddDate(5, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
	}, root, pub)
	return root, leaf
}

func pemCert(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func countersign(t testing.TB, k *firmware.SigningKey, image []byte, st firmware.Statement) []byte {
	t.Helper()
	out, err := k.Countersign(t.Context(), bytes.NewReader(image), int64(len(image)), st, nil)
	require.NoError(t, err)
	return out
}

// What we sign, stock minisign accepts, and not beside a changed image.
func TestMinisignAcceptsWhatWeSign(t *testing.T) {
	minisign := stranger(t, "minisign")
	dir := t.TempDir()
	_, priv := ed25519Key(t)
	k, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	image := bytes.Repeat([]byte("digicap"), 50_000)
	file := write(t, dir, "digicap.dav", image)
	s := write(t, dir, "digicap.dav.minisig", countersign(t, k, image, firmware.Statement{Vendor: firmware.Hikvision, Model: "DS-2CD2*", Issued: issued}))
	require.NoError(t, minisign("-V", "-m", file, "-x", s, "-P", k.MinisignPublicKey()))
	image[7] ^= 1
	write(t, dir, "digicap.dav", image)
	require.Error(t, minisign("-V", "-m", file, "-x", s, "-P", k.MinisignPublicKey()))
}

// Keys that minisign made sign here, and minisign knows the signature as its
// own key's.
func TestWeSignWithMinisignsKeys(t *testing.T) {
	minisign := stranger(t, "minisign")
	dir := t.TempDir()
	require.NoError(t, minisign("-G", "-f", "-W", "-p", dir+"/k.pub", "-s", dir+"/k.key"))
	secret, err := os.ReadFile(dir + "/k.key")
	require.NoError(t, err)
	k, err := firmware.ParseSigningKey(secret, camsec.Secret{})
	require.NoError(t, err)
	image := []byte("image")
	file := write(t, dir, "image", image)
	s := write(t, dir, "image.minisig", countersign(t, k, image, firmware.Statement{Issued: issued}))
	require.NoError(t, minisign("-V", "-m", file, "-x", s, "-p", dir+"/k.pub"))
	pub, err := os.ReadFile(dir + "/k.pub")
	require.NoError(t, err)
	assert.Contains(t, string(pub), k.MinisignPublicKey())
}

// What we sign with an owner's certificate, openssl accepts.
func TestOpenSSLAcceptsWhatWeSign(t *testing.T) {
	openssl := stranger(t, "openssl")
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "P-256": p256, "P-384": p384} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			root, leaf := authority(t, key.Public())
			k, err := firmware.NewSigningKey(key, leaf)
			require.NoError(t, err)
			image := bytes.Repeat([]byte{1, 2, 3}, 9999)
			file := write(t, dir, "image", image)
			ca := write(t, dir, "root.pem", pemCert(root))
			s := write(t, dir, "image.p7s", countersign(t, k, image, firmware.Statement{Vendor: "axis", Issued: issued}))
			args := []string{
				"cms", "-verify", "-binary", "-inform", "DER", "-in", s, "-content", file, "-CAfile", ca,
				"-purpose", "any", "-attime", fmt.Sprint(issued.Unix()), "-out", os.DevNull,
			}
			require.NoError(t, openssl(args...))
			image[5] ^= 1
			write(t, dir, "image", image)
			require.Error(t, openssl(args...))
		})
	}
}

func TestSigningKeysThatAreRefused(t *testing.T) {
	_, priv := ed25519Key(t)
	_, leaf := authority(t, rsaKey.Public())
	_, err := firmware.NewSigningKey(priv, leaf)
	assert.Error(t, err, "the certificate is of another key")
	_, edLeaf := authority(t, priv.Public())
	_, err = firmware.NewSigningKey(priv, edLeaf)
	assert.Error(t, err, "openssl would not verify it")
	_, err = firmware.NewSigningKey(rsaKey)
	assert.Error(t, err, "no certificate")
	for _, text := range []string{"", "nothing", "untrusted comment: x", "untrusted comment: x\nAAAA", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		_, err := firmware.ParseSigningKey([]byte(text), camsec.Secret{})
		assert.Error(t, err, text)
	}
}

func TestSigningKeysDoNotPrint(t *testing.T) {
	_, priv := ed25519Key(t)
	k, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		assert.Equal(t, "minisign signing key", fmt.Sprintf(verb, k))
	}
}

func TestStatementsThatAreNotSigned(t *testing.T) {
	_, priv := ed25519Key(t)
	k, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	for name, st := range map[string]firmware.Statement{
		"long":              {Model: strings.Repeat("x", 300)},
		"line break":        {Model: "a\nb"},
		"expired at once":   {Issued: issued, Expires: issued},
		"too many versions": {From: make([]string, 65)},
	} {
		_, err := k.Countersign(t.Context(), bytes.NewReader(nil), 0, st, nil)
		assert.ErrorIs(t, err, camsec.ErrMalformed, name)
	}
}
