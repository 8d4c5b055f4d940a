package cms_test

import (
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func certificates(t testing.TB, path string) []*x509.Certificate {
	t.Helper()
	c, err := sig.ParseCertificates(sigtest.Read(t, path))
	require.NoError(t, err)
	return c
}

// sampleTime is within the validity of the samples' certificates.
var sampleTime = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

func check(message, image []byte, o cms.Options) (*sig.Result, error) {
	m, err := cms.Parse(message)
	if err != nil {
		return nil, err
	}
	c, err := m.Open(o)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, image)
}

// Where OpenSSL (cms -verify -purpose any, which is what the samples' table
// holds) says yes and this package says no.
var stricterThanOpenSSL = map[string]sig.Kind{
	"trailing.p7s":       sig.Malformed,   // bytes after the message
	"server-eku.BAD.p7s": sig.BelowPolicy, // a certificate for TLS servers
	"revoked.BAD.p7s":    sig.BelowPolicy, // given its CRL; OpenSSL, too, then
	"rsa-sha1.WEAK.p7s":  sig.BelowPolicy,
	"weak1024.WEAK.p7s":  sig.BelowPolicy,
}

// Where this package says yes and OpenSSL says no: one trusted signer among
// several is enough, and the other is named in the notes.
var laxerThanOpenSSL = map[string]bool{"two-signers-one-untrusted.p7s": true}

func TestSamplesAreJudgedAsTheirTableSays(t *testing.T) {
	dir := sigtest.Samples(t)
	crls, err := sig.ParseCRLs(sigtest.Read(t, filepath.Join(dir, "pki", "inter.crl")))
	require.NoError(t, err)
	o := cms.Options{Now: sampleTime, Anchors: sig.Anchors{
		Roots: certificates(t, filepath.Join(dir, "pki", "root.crt")), CRLs: crls,
	}}
	table, judged := strings.Split(string(sigtest.Read(t, filepath.Join(dir, "cms", "cases.tsv"))), "\n"), 0
	for _, line := range table {
		f := strings.Split(line, "\t")
		if len(f) < 4 || f[2] != "-purpose any" || f[1] == "(embedded)" {
			continue
		}
		judged++
		res, err := check(sigtest.Read(t, filepath.Join(dir, "cms", f[0])), sigtest.Read(t, filepath.Join(dir, "payload", f[1])), o)
		want, stricter := stricterThanOpenSSL[f[0]]
		switch {
		case stricter && f[1] == "fw.bin":
			assert.Equal(t, want, sig.KindOf(err), "%s: %v", f[0], err)
		case f[3] == "OK" || laxerThanOpenSSL[f[0]]:
			if assert.NoError(t, err, f[0]) {
				assert.Contains(t, res.Anchor, "CN=Test Root", f[0])
			}
		default:
			assert.NotZero(t, sig.KindOf(err), "%s on %s: %v", f[0], f[1], err)
			t.Logf("%s on %s: %v", f[0], f[1], err)
		}
	}
	assert.Greater(t, judged, 15)
}

// Every file, whether the table has it or not, is as its name says: .BAD. and
// .WEAK. are refused.
func TestSamplesAreAsTheirNamesSay(t *testing.T) {
	dir := sigtest.Samples(t)
	image := sigtest.Read(t, filepath.Join(dir, "payload", "fw.bin"))
	crls, err := sig.ParseCRLs(sigtest.Read(t, filepath.Join(dir, "pki", "inter.crl")))
	require.NoError(t, err)
	o := cms.Options{Now: sampleTime, Anchors: sig.Anchors{
		Roots: certificates(t, filepath.Join(dir, "pki", "root.crt")), CRLs: crls,
		Certificates: certificates(t, filepath.Join(dir, "pki", "signer.crt")),
	}}
	o.Anchors.Certificates = append(o.Anchors.Certificates, certificates(t, filepath.Join(dir, "pki", "inter.crt"))...)
	files, err := filepath.Glob(filepath.Join(dir, "cms", "*.p*"))
	require.NoError(t, err)
	for _, f := range files {
		name := filepath.Base(f)
		_, err := check(sigtest.Read(t, f), image, o)
		bad := strings.Contains(name, ".BAD.") || strings.Contains(name, ".WEAK.") || stricterThanOpenSSL[name] != 0
		assert.Equal(t, bad, err != nil, "%s: %v", name, err)
	}
	assert.GreaterOrEqual(t, len(files), 16)
}

func TestLegacyWords(t *testing.T) {
	dir := sigtest.Samples(t)
	image := sigtest.Read(t, filepath.Join(dir, "payload", "fw.bin"))
	o := cms.Options{Now: sampleTime, Anchors: sig.Anchors{Roots: certificates(t, filepath.Join(dir, "pki", "root.crt"))}}
	_, err := check(sigtest.Read(t, filepath.Join(dir, "cms", "rsa-sha1.WEAK.p7s")), image, o)
	assert.ErrorContains(t, err, "SHA-1")
	_, err = check(sigtest.Read(t, filepath.Join(dir, "cms", "weak1024.WEAK.p7s")), image, o)
	assert.ErrorContains(t, err, "RSA-1024")
	o.Floor = sig.Floor{LegacySHA1: true, LegacyRSA1024: true}
	for _, name := range []string{"rsa-sha1.WEAK.p7s", "weak1024.WEAK.p7s"} {
		res, err := check(sigtest.Read(t, filepath.Join(dir, "cms", name)), image, o)
		require.NoError(t, err, name)
		assert.Contains(t, strings.Join(res.Notes, "; "), "the caller allowed it", name)
	}
}

func TestEmbeddedContent(t *testing.T) {
	dir := sigtest.Samples(t)
	o := cms.Options{Now: sampleTime, Anchors: sig.Anchors{Roots: certificates(t, filepath.Join(dir, "pki", "root.crt"))}}
	m, err := cms.Parse(sigtest.Read(t, filepath.Join(dir, "cms", "rsa-attached.p7m")))
	require.NoError(t, err)
	res, err := m.Verify(o)
	require.NoError(t, err)
	assert.Equal(t, "CN=Firmware Signer,O=Camsec Test", res.By)
	assert.Equal(t, "RSA-2048 PKCS#1 v1.5 SHA-256", res.Algorithm)
	assert.Equal(t, 2026, res.SigningTime.Year())
	assert.Equal(t, sigtest.Read(t, filepath.Join(dir, "payload", "fw.bin")), m.Content)

	detached, err := cms.Parse(sigtest.Read(t, filepath.Join(dir, "cms", "rsa-sha256.p7s")))
	require.NoError(t, err)
	_, err = detached.Verify(o)
	assert.Equal(t, sig.Malformed, sig.KindOf(err))
}
