package sig_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
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

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkix1(t testing.TB, pub crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(pub)
	require.NoError(t, err)
	return der
}

// blob writes a PUBLICKEYBLOB as Microsoft describes it.
func blob(k *rsa.PublicKey) []byte {
	b := []byte{6, 2, 0, 0, 0, 0xa4, 0, 0, 'R', 'S', 'A', '1'}
	b = binary.LittleEndian.AppendUint32(b, uint32(k.N.BitLen()))
	b = binary.LittleEndian.AppendUint32(b, uint32(k.E))
	n := k.N.Bytes()
	slices.Reverse(n)
	return append(b, n...)
}

func TestParseKeys(t *testing.T) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ed, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, ec.Public(), ec)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(edPrivate)
	require.NoError(t, err)
	withID := base64.StdEncoding.EncodeToString(slices.Concat([]byte("Ed"), []byte("\x01\x02\x03\x04\x05\x06\x07\x08"), ed))
	pub := func(k crypto.PublicKey) []byte { return block("PUBLIC KEY", pkix1(t, k)) }

	for name, c := range map[string]struct {
		data []byte
		want []crypto.PublicKey
		text string
	}{
		"PEM":              {pub(r.Public()), []crypto.PublicKey{r.Public()}, "RSA-2048 key " + sig.Fingerprint(r.Public()) + " (k)"},
		"PEM of EC":        {pub(ec.Public()), []crypto.PublicKey{ec.Public()}, "ECDSA P-256 key " + sig.Fingerprint(ec.Public()) + " (k)"},
		"PEM of Ed25519":   {pub(ed), []crypto.PublicKey{ed}, "Ed25519 key " + sig.Fingerprint(ed) + " (k)"},
		"PEM of PKCS#1":    {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&r.PublicKey)), []crypto.PublicKey{r.Public()}, ""},
		"several":          {slices.Concat(pub(ed), []byte("words\n"), pub(ec.Public())), []crypto.PublicKey{ed, ec.Public()}, ""},
		"DER":              {pkix1(t, r.Public()), []crypto.PublicKey{r.Public()}, ""},
		"DER of PKCS#1":    {x509.MarshalPKCS1PublicKey(&r.PublicKey), []crypto.PublicKey{r.Public()}, ""},
		"certificate":      {block("CERTIFICATE", cert), []crypto.PublicKey{ec.Public()}, "CN=A (certificate SHA-256 "},
		"certificate, DER": {cert, []crypto.PublicKey{ec.Public()}, ""},
		"minisign":         {[]byte("untrusted comment: minisign public key 1\n" + withID + "\n"), []crypto.PublicKey{ed}, "key 0807060504030201 (k)"},
		"usign, Windows":   {[]byte("untrusted comment: x\r\n" + withID + "\r\n"), []crypto.PublicKey{ed}, ""},
		"only the line":    {[]byte(withID), []crypto.PublicKey{ed}, ""},
		"blob":             {blob(&r.PublicKey), []crypto.PublicKey{r.Public()}, ""},
		"blob, base64":     {[]byte(base64.StdEncoding.EncodeToString(blob(&r.PublicKey)) + "\n"), []crypto.PublicKey{r.Public()}, ""},
	} {
		keys, err := sig.ParseKeys("k", c.data)
		if !assert.NoError(t, err, name) {
			continue
		}
		var got []crypto.PublicKey
		for _, k := range keys {
			got = append(got, k.Public)
		}
		assert.Equal(t, c.want, got, name)
		assert.Contains(t, keys[0].String(), c.text, name)
		assert.Equal(t, name == "minisign", keys[0].Minisign, name)
	}

	short := bytes.Clone(blob(&r.PublicKey))
	short[12]++ // bits
	for name, c := range map[string]struct {
		data []byte
		kind sig.Kind
		text string
	}{
		"empty":             {nil, sig.Malformed, "no public key"},
		"words":             {[]byte("hello"), sig.Malformed, "no public key"},
		"a private key":     {block("PRIVATE KEY", private), sig.Malformed, "a private key where a public one"},
		"another PEM":       {block("CERTIFICATE REQUEST", cert), sig.Unsupported, "CERTIFICATE REQUEST"},
		"PEM cut":           {pub(ed)[:40], sig.Malformed, "no complete PEM block"},
		"PEM of nothing":    {block("PUBLIC KEY", []byte{0x30, 0}), sig.Malformed, "public key:"},
		"no key to sign":    {pub(x.PublicKey()), sig.Unsupported, "keys of type"},
		"DER of such":       {pkix1(t, x.PublicKey()), sig.Malformed, "no public key"},
		"DER and more":      {append(pkix1(t, ed), 0), sig.Malformed, "no public key"},
		"too many":          {bytes.Repeat(pub(ed), 65), sig.Malformed, "more than 64"},
		"too long":          {make([]byte, 1<<20+1), sig.Malformed, "a key file of 1048577 bytes"},
		"blob, no modulus":  {append(append(bytes.Clone(blob(&r.PublicKey)[:12]), 0, 0, 0, 0), blob(&r.PublicKey)[16:20]...), sig.Malformed, "no public key"},
		"no Ed":             {[]byte(base64.StdEncoding.EncodeToString(append([]byte("Ex"), make([]byte, 40)...))), sig.Malformed, "no public key"},
		"a short one":       {[]byte(base64.StdEncoding.EncodeToString(append([]byte("Ed"), make([]byte, 39)...))), sig.Malformed, "no public key"},
		"other first line":  {[]byte("comment: x\n" + withID), sig.Malformed, "no public key"},
		"blob, other bits":  {short, sig.Malformed, "no public key"},
		"blob, cut":         {blob(&r.PublicKey)[:19], sig.Malformed, "no public key"},
		"blob, no exponent": {append(append(bytes.Clone(blob(&r.PublicKey)[:16]), 0xff, 0xff, 0xff, 0xff), blob(&r.PublicKey)[20:]...), sig.Malformed, "no public key"},
	} {
		_, err := sig.ParseKeys("k", c.data)
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, c.text, name)
		assert.NotContains(t, err.Error(), base64.StdEncoding.EncodeToString(private)[:20], name)
	}

	keys, err := sig.ParseKeys("k", bytes.Repeat(pub(ed), 64))
	require.NoError(t, err)
	assert.Len(t, keys, 64, "as many as there may be")
	keys, err = sig.ParseKeys("k", append(pub(ed), bytes.Repeat([]byte("\n"), 1<<20-len(pub(ed)))...))
	require.NoError(t, err)
	assert.Len(t, keys, 1, "a file as long as it may be")

	_, err = sig.ParseCertificates(pub(ed))
	assert.Equal(t, sig.Malformed, sig.KindOf(err))
	certs, err := sig.ParseCertificates(block("CERTIFICATE", cert))
	require.NoError(t, err)
	assert.Equal(t, cert, certs[0].Raw)
}

func TestParseSampleKeys(t *testing.T) {
	for _, c := range []struct {
		folder, file string
		n            int
	}{
		{"openssl-dgst", "signer.pub.pem", 1},
		{"openssl-dgst", "signer.pub.der", 1},
		{"openssl-dgst", "signer-ec.pub.der", 1},
		{"openssl-dgst", "signer-ed.pub.pem", 1},
		{"openssl-dgst", "signer-ed.pub.der", 1},
		{"minisign", "test.pub", 1},
		{"signify", "test.pub", 1},
		{"openwrt-fwtool", "build.pub", 1},
		{"sigstore", "cosign.pub", 1},
		{"pki", "chain.pem", 2},
		{"pki", "signer+inter.pem", 2},
	} {
		k, err := sig.ParseKeys(c.file, sigtest.Sample(t, c.folder, c.file))
		require.NoError(t, err, c.file)
		assert.Len(t, k, c.n, c.file)
	}
}

func TestParseCRLs(t *testing.T) {
	for _, f := range []string{"inter.crl", "root+crl.pem"} {
		l, err := sig.ParseCRLs(sigtest.Sample(t, "pki", f))
		require.NoError(t, err, f)
		require.Len(t, l, 1)
		assert.Len(t, l[0].RevokedCertificateEntries, 1)
		if f == "inter.crl" {
			again, err := sig.ParseCRLs(l[0].Raw)
			require.NoError(t, err)
			assert.Equal(t, l, again)
			_, err = sig.ParseCRLs(bytes.Repeat(block("X509 CRL", l[0].Raw), 65))
			assert.ErrorContains(t, err, "more than 64")
			many, err := sig.ParseCRLs(bytes.Repeat(block("X509 CRL", l[0].Raw), 64))
			require.NoError(t, err)
			assert.Len(t, many, 64)
			long, err := sig.ParseCRLs(append(block("X509 CRL", l[0].Raw), bytes.Repeat([]byte("\n"), 16<<20-len(block("X509 CRL", l[0].Raw)))...))
			require.NoError(t, err)
			assert.Len(t, long, 1)
		}
	}
	for _, data := range [][]byte{nil, []byte("x"), sigtest.Sample(t, "pki", "root.crt"), block("X509 CRL", []byte{0x30, 0}), make([]byte, 16<<20+1)} {
		_, err := sig.ParseCRLs(data)
		assert.Equal(t, sig.Malformed, sig.KindOf(err))
	}
	_, err := sig.ParseCRLs(make([]byte, 16<<20+1))
	assert.ErrorContains(t, err, "of 16777217 bytes")
}

func FuzzParseKeys(f *testing.F) {
	for _, s := range []string{"untrusted comment: x\nRWQBAgMEBQYHCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAfU0Of2FTpptiQrUiq7vmhf2kIHHxoSnFlPZyeHnBNNQ=\n-----END PUBLIC KEY-----\n"} {
		f.Add([]byte(s))
	}
	f.Add(append([]byte{6, 2, 0, 0, 0, 0xa4, 0, 0, 'R', 'S', 'A', '1', 16, 0, 0, 0, 1, 0, 1, 0}, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := sig.ParseKeys("k", data)
		if err != nil {
			require.NotZero(t, sig.KindOf(err))
			return
		}
		for _, k := range keys {
			// Whatever was read can be named and held against the floor.
			require.NotEmpty(t, k.String())
			_, _ = sig.Floor{}.Key("", k.Public)
		}
		_, _ = sig.ParseCRLs(data)
	})
}
