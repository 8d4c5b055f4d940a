package raw_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/raw"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func keys(t testing.TB, file []byte) sig.Anchors {
	t.Helper()
	k, err := sig.ParseKeys("", file)
	require.NoError(t, err)
	return sig.Anchors{Keys: k}
}

func open(scheme string, signature, image []byte, a sig.Anchors, floor sig.Floor) (*sig.Result, error) {
	algorithm, err := sig.Named(scheme)
	if err != nil {
		return nil, err
	}
	c, err := raw.Open(algorithm, signature, a, floor)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, image)
}

// schemeOf turns the options that a sample was verified with into the name of
// a scheme.
func schemeOf(t *testing.T, key, options string) string {
	switch {
	case options == "pure ed25519":
		return "ed25519"
	case key == "signer-ec":
		return "ecdsa-" + strings.TrimSpace(options)
	}
	hash, rest, _ := strings.Cut(options, " ")
	switch strings.TrimSpace(rest) {
	case "":
		return "rsa-pkcs1v15-" + hash
	case "-sigopt rsa_padding_mode:pss":
		return "rsa-pss-" + hash
	case "-sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha1":
		return "rsa-pss-" + hash + "-mgf1-sha1"
	}
	t.Fatalf("options %q", options)
	return ""
}

// OpenSSL and we agree on every sample, but for those that are too weak for
// us, and for the signature that is a byte too long (rsa-long), of which
// OpenSSL reads the beginning.
func TestSamplesAreJudgedAsOpenSSLDoes(t *testing.T) {
	judged := 0
	for line := range strings.Lines(string(sigtest.Sample(t, "openssl-dgst", "cases.tsv"))) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, f, 5)
		judged++
		name, key := f[0], f[1]
		scheme := schemeOf(t, key, f[2])
		signature, image := sigtest.Sample(t, "openssl-dgst", name), sigtest.Sample(t, "payload", f[3])
		a := keys(t, sigtest.Sample(t, "openssl-dgst", key+".pub.pem"))
		_, err := open(scheme, signature, image, a, sig.Floor{})
		weak := strings.Contains(name, ".WEAK.")
		switch {
		case weak:
			assert.Equal(t, sig.BelowPolicy, sig.KindOf(err), "%s: %v", name, err)
			_, err = open(scheme, signature, image, a, sig.Floor{LegacyMD5: true, LegacySHA1: true, LegacyRSA1024: true})
			assert.NoError(t, err, name)
		case name == "rsa-long.BAD.sig":
			assert.Equal(t, sig.Malformed, sig.KindOf(err), "%s: %v", name, err)
		case f[4] == "OK":
			assert.NoError(t, err, name)
		default:
			assert.NotZero(t, sig.KindOf(err), "%s: %v", name, err)
		}
		if strings.Contains(name, ".BAD.") {
			assert.Error(t, err, name)
		}
		// The same key from DER.
		_, again := open(scheme, signature, image, keys(t, sigtest.Sample(t, "openssl-dgst", key+".pub.der")), sig.Floor{})
		if !weak {
			assert.Equal(t, err, again)
		}
	}
	assert.GreaterOrEqual(t, judged, 20)
}

// Signatures as text, and keys from certificates.
func TestSamplesInOtherClothes(t *testing.T) {
	image := sigtest.Sample(t, "payload", "fw.bin")
	a := keys(t, sigtest.Sample(t, "pki", "signer.crt"))
	for _, name := range []string{"rsa2048-pkcs1v15-sha256.sig", "rsa2048-pkcs1v15-sha256.sig.b64", "rsa2048-pkcs1v15-sha256.sig.hex"} {
		res, err := open("rsa-pkcs1v15-sha256", sigtest.Sample(t, "openssl-dgst", name), image, a, sig.Floor{})
		require.NoError(t, err, name)
		assert.Contains(t, res.By, "CN=Firmware Signer,O=Camsec Test")
		assert.Equal(t, "RSA-2048 PKCS#1 v1.5 SHA-256", res.Algorithm)
	}
}
