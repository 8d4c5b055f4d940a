package firmware_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func sliceReader(b []byte) io.ReaderAt { return bytes.NewReader(b) }

func sampleKeys(t *testing.T, elem ...string) []firmware.Key {
	t.Helper()
	k, err := firmware.ParseKeys(filepath.Join(elem...), sigtest.Sample(t, elem...))
	require.NoError(t, err)
	return k
}

func sampleCerts(t *testing.T, name string) []*x509.Certificate {
	t.Helper()
	c, err := firmware.ParseCertificates(name, sigtest.Sample(t, "pki", name))
	require.NoError(t, err)
	return c
}

var recordedAt = at(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))

// cases reads the reference tool's verdicts.
func cases(t *testing.T, folder string) [][]string {
	t.Helper()
	var out [][]string
	for line := range strings.Lines(string(sigtest.Sample(t, folder, "cases.tsv"))) {
		out = append(out, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	require.NotEmpty(t, out)
	return out
}

// Where we differ from the reference tools on purpose: we are stricter. The
// package documentation has this table in words.
var stricter = map[string]string{
	"cms/trailing.p7s":    "bytes after the end of the message",
	"cms/rsa-sha1.WEAK":   "SHA-1 is too weak",
	"cms/weak1024.WEAK":   "RSA-1024 is too short",
	"cms/server-eku.BAD":  "not for signing code",
	"cms/revoked.BAD":     "", // without a list nobody knows; with one it is revoked
	"dgst/sha1.WEAK":      "SHA-1 is too weak",
	"dgst/md5.WEAK":       "MD5 is too weak",
	"dgst/rsa1024.WEAK":   "RSA-1024 is too short",
	"dgst/257 bytes":      "257 bytes, where RSA-2048 makes 256",
	"dgst/ecdsa trailing": "no DER signature",
}

func TestCorpusOfDetachedSignatures(t *testing.T) {
	judge := func(folder, signature, image, tool string, p firmware.Policy, scheme, because string) {
		t.Helper()
		p.Now = recordedAt
		ev := &firmware.Evidence{
			Name:       image,
			Signatures: []firmware.Signature{{Name: signature, Data: sigtest.Sample(t, folder, signature), Scheme: scheme}},
		}
		v, err := firmware.NewVerifier(p)
		require.NoError(t, err)
		b := sigtest.Sample(t, "payload", image)
		r, err := v.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), ev)
		require.NoError(t, err, signature)
		want := firmware.Rejected
		if strings.HasPrefix(tool, "OK") && because == "" {
			want = firmware.Accepted
		}
		assert.Equal(t, want, r.Verdict, "%s over %s: %v", signature, image, r.Because)
		assert.Contains(t, strings.Join(r.Because, "\n"), because, signature)
		if want == firmware.Accepted {
			assert.Empty(t, r.Uncovered)
		}
	}
	for _, c := range cases(t, "minisign") {
		judge("minisign", c[0], c[1], c[2], firmware.Policy{Keys: sampleKeys(t, "minisign", "test.pub")}, "", "")
	}
	for _, c := range cases(t, "signify") {
		judge("signify", c[0], c[1], c[2], firmware.Policy{Keys: sampleKeys(t, "signify", "test.pub")}, "", "")
	}
	for _, c := range cases(t, "sigstore") {
		if strings.Contains(c[1], "tlog required") {
			continue // asks a service, which a key makes unnecessary
		}
		judge("sigstore", c[0], c[1], c[2], firmware.Policy{Keys: sampleKeys(t, "sigstore", "cosign.pub")}, "", "")
	}
	for _, c := range cases(t, "openssl-dgst") {
		p := firmware.Policy{Keys: sampleKeys(t, "openssl-dgst", c[1]+".pub.pem")}
		judge("openssl-dgst", c[0], c[3], c[4], p, dgstScheme(c[1], c[2]), dgstStricter(c[0], c[4]))
	}
	for _, c := range cases(t, "cms") {
		p := firmware.Policy{Roots: sampleCerts(t, "root.crt"), Certificates: sampleCerts(t, "inter.crt")}
		image, because, tool := c[1], "", c[3]
		if strings.HasPrefix(c[2], "CRL") {
			lists, err := firmware.ParseCRLs("inter.crl", sigtest.Sample(t, "pki", "inter.crl"))
			require.NoError(t, err)
			p.CRLs = lists
		}
		for name, reason := range stricter {
			if after, ok := strings.CutPrefix(name, "cms/"); ok && strings.HasPrefix(c[0], after) && strings.HasPrefix(tool, "OK") {
				because = reason
			}
		}
		if image == "(embedded)" {
			image = "fw.bin" // what the message carries must be the image
		}
		if c[2] == "" && tool != "OK" && c[0] == "rsa-sha256.p7s" {
			continue // openssl's default purpose is mail; ours takes code, too
		}
		judge("cms", c[0], image, tool, p, "", because)
	}
}

// dgstScheme names what `openssl dgst` was told by its options.
func dgstScheme(key, options string) string {
	hash, opts, _ := strings.Cut(options, " ")
	switch {
	case strings.Contains(key, "-ec"):
		return "ecdsa-" + hash
	case strings.Contains(opts, "mgf1_md:sha1"):
		return "rsa-pss-" + hash + "-mgf1-sha1"
	case strings.Contains(opts, "pss"):
		return "rsa-pss-" + hash
	}
	return "rsa-pkcs1v15-" + hash
}

func dgstStricter(signature, tool string) string {
	if !strings.HasPrefix(tool, "OK") {
		return ""
	}
	for word, row := range map[string]string{"sha1.WEAK": "dgst/sha1.WEAK", "md5.WEAK": "dgst/md5.WEAK", "rsa1024": "dgst/rsa1024.WEAK"} {
		if strings.Contains(signature, word) {
			return stricter[row]
		}
	}
	return ""
}

// An RSA signature is as long as its key: openssl reads the first 256 bytes
// of longer ones.
func TestOverlongRSASignature(t *testing.T) {
	image := sigtest.Sample(t, "payload", "fw.bin")
	p := firmware.Policy{Keys: sampleKeys(t, "openssl-dgst", "signer.pub.pem")}
	s := sigtest.Sample(t, "openssl-dgst", "rsa2048-pkcs1v15-sha256.sig")
	good := firmware.Signature{Scheme: "rsa-pkcs1v15-sha256", Data: s}
	require.Equal(t, firmware.Accepted, verify(t, p, image, good).Verdict)
	long := append(bytes.Clone(s), 0)
	r := verify(t, p, image, firmware.Signature{Scheme: "rsa-pkcs1v15-sha256", Data: long})
	assert.Equal(t, firmware.Rejected, r.Verdict)
	assert.Contains(t, r.Authenticity.Reason, stricter["dgst/257 bytes"])

	openssl := sigtest.Stranger(t, "openssl")
	sigtest.Write(t, long, openssl.Dir, "long.sig")
	out := openssl.Run("dgst", "-sha256", "-verify", sigtest.Samples(t, "openssl-dgst", "signer.pub.pem"), "-signature", "long.sig", sigtest.Samples(t, "payload", "fw.bin"))
	assert.Contains(t, string(out), "Verified OK", "if openssl refuses it now, the table is out of date")
}

// A list of digests that was signed stands for the file that it names, and
// for no other.
func TestCorpusOfLists(t *testing.T) {
	k, priv := ed25519Key(t)
	image, other := sigtest.Sample(t, "payload", "fw.bin"), sigtest.Sample(t, "payload", "fw.bitflip.bin")
	for _, name := range []string{"SHA256SUMS", "SHA512SUMS", "bsd-style.sha256", "openssl-style.sha256"} {
		list := sigtest.Sample(t, "openssl-dgst", name)
		s := firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(priv, list)}
		judge := func(b []byte, as string) firmware.Verdict {
			v, err := firmware.NewVerifier(firmware.Policy{Keys: []firmware.Key{k}, Now: recordedAt})
			require.NoError(t, err)
			r, err := v.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), &firmware.Evidence{Name: as, Sums: list, Signatures: []firmware.Signature{s}})
			require.NoError(t, err)
			return r.Verdict
		}
		assert.Equal(t, firmware.Rejected, judge(other, "fw.bin"), name)
		assert.Equal(t, firmware.Rejected, judge(image, "other.bin"), name)
		assert.Equal(t, firmware.Accepted, judge(image, "fw.bin"), name)
	}
}
