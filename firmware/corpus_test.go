package firmware_test

import (
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// corpusAnchors are the keys and certificates that the recorded samples of a
// format are to be verified with.
func corpusAnchors(t *testing.T, format string) firmware.Policy {
	t.Helper()
	p := firmware.Policy{Now: func() time.Time { return time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) }}
	files := map[string][]string{
		"fit": {"keys/dev.crt"}, "swupdate": {"pub.pem"}, "mender": {"rsa.pub.pem", "ec.pub.pem"}, "openwrt-fwtool": {"build.pub"}, "tplink": {"test-key.blob.b64"},
	}
	for _, f := range files[format] {
		k, err := firmware.ParseKeys(f, sigtest.Sample(t, format, f))
		require.NoError(t, err)
		p.Keys = append(p.Keys, k...)
	}
	certificates := func(f string) []*x509.Certificate {
		c, err := firmware.ParseCertificates(f, sigtest.Sample(t, "pki", f))
		require.NoError(t, err)
		return c
	}
	switch format {
	case "rauc":
		p.Roots = certificates("root.crt")
	case "swupdate":
		p.Roots, p.Certificates = certificates("root.crt"), certificates("inter.crt")
	}
	return p
}

// Every recorded sample of the formats that carry their own signatures, with
// what is expected where its name does not say it: BAD is rejected, WEAK is
// below the floor, anything else is accepted.
var corpusRest = map[string]struct {
	verdict firmware.Verdict
	reason  string
}{
	// The name says nothing, the reference tool's verdict does.
	"description-edit.itb": {firmware.Rejected, "configuration conf-1"},
	"otherkey.itb":         {firmware.Rejected, "configuration conf-1"},
	"unsigned.itb":         {firmware.Rejected, "no signature"},
	"unsigned.mender":      {firmware.Rejected, "no signature"},
	"meta-only.bin":        {firmware.Rejected, "no signature"},
	"server-eku.raucb":     {firmware.Rejected, "extended key usage"},
	// Signed for email, which the default takes for code, as SWUpdate does.
	"email-eku.raucb": {firmware.Accepted, ""},
	// Nobody without the recipient's key can tell.
	"crypt.raucb": {firmware.NotVerifiable, "encrypted to its recipients"},
}

func TestCorpusOfSignedFormats(t *testing.T) {
	images := map[string]string{"fit": ".itb", "swupdate": ".swu", "rauc": ".raucb", "mender": ".mender", "openwrt-fwtool": ".bin", "tplink": ".bin"}
	for format, ext := range images {
		policy := corpusAnchors(t, format)
		files, err := filepath.Glob(filepath.Join(sigtest.Samples(t, format), "*"+ext))
		require.NoError(t, err)
		require.NotEmpty(t, files, format)
		for _, path := range files {
			name := filepath.Base(path)
			want, ok := corpusRest[name]
			switch {
			case ok:
			case strings.Contains(name, ".BAD."):
				want.verdict = firmware.Rejected
			case strings.Contains(name, ".WEAK."):
				want.verdict, want.reason = firmware.Rejected, "too weak"
			default:
				want.verdict = firmware.Accepted
			}
			r := verify(t, policy, sigtest.Read(t, path))
			assert.Equal(t, want.verdict, r.Verdict, "%s: %v", name, r.Because)
			assert.Contains(t, strings.Join(r.Because, "\n"), want.reason, name)
		}
	}
}

// What is below the floor is right, and passes by the word that lets it.
func TestWeakSamplesPassByALegacyWord(t *testing.T) {
	p := corpusAnchors(t, "fit")
	p.LegacySHA1 = true
	r := verify(t, p, sigtest.Sample(t, "fit", "conf-rsa2048-sha1.WEAK.itb"))
	assert.Equal(t, firmware.Accepted, r.Verdict, r.Because)
}

// The control device tree of a boot loader is an anchor, too; what it
// requires is demanded.
func TestControlDeviceTreesAreAnchors(t *testing.T) {
	for image, control := range map[string]string{
		"conf-rsa2048-pss-sha256.itb": "conf-rsa2048-pss-sha256", "conf-rsa2048-sha256.itb": "conf-rsa2048-sha256",
		"external-data.itb": "ext", "image-rsa2048-sha256.itb": "image-rsa2048-sha256", "otherkey.itb": "otherkey",
	} {
		k, err := firmware.ParseKeys(control, sigtest.Sample(t, "fit", control+".control.dtb"))
		require.NoError(t, err)
		require.Len(t, k, 1)
		r := verify(t, firmware.Policy{Keys: k}, sigtest.Sample(t, "fit", image))
		assert.Equal(t, firmware.Accepted, r.Verdict, "%s: %v", image, r.Because)
		r = verify(t, firmware.Policy{Keys: k}, sigtest.Sample(t, "fit", "image-signed-description-edit.itb"))
		assert.Equal(t, control == "image-rsa2048-sha256", r.Verdict == firmware.Accepted, control)
	}
	k, err := firmware.ParseKeys("ec", sigtest.Sample(t, "fit", "conf-ecdsa256-sha256.control.dtb"))
	require.NoError(t, err)
	assert.Contains(t, k[0].String(), "ECDSA P-256")
}

// The policy may demand more than the image's own form of signing gives.
func TestImageSignaturesAreNoConfigurationSignatures(t *testing.T) {
	p := corpusAnchors(t, "fit")
	image := sigtest.Sample(t, "fit", "image-rsa2048-sha256.itb")
	r := verify(t, p, image)
	assert.Equal(t, firmware.Accepted, r.Verdict)
	assert.Contains(t, strings.Join(r.Because, "\n"), "signed images can be put together anew")
	assert.NotEmpty(t, r.Uncovered)
	p.FITConfigurations = true
	r = verify(t, p, image)
	assert.Equal(t, firmware.Rejected, r.Verdict)
	assert.Contains(t, r.Authenticity.Reason, "below policy")
	assert.Equal(t, firmware.Accepted, verify(t, p, sigtest.Sample(t, "fit", "external-data.itb")).Verdict)
}
