package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A bench is a folder with an image, a key pair and a signature.
type bench struct {
	dir, image, public, private, signature string
	data                                   []byte
}

func newBench(t *testing.T) bench {
	t.Helper()
	b := bench{dir: t.TempDir(), data: bytes.Repeat([]byte("firmware"), 1000)}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	pubDER, err := x509.MarshalPKIXPublicKey(pub)
	require.NoError(t, err)
	privDER, err := x509.MarshalPKCS8PrivateKey(priv)
	require.NoError(t, err)
	b.image = b.write(t, "image.bin", b.data)
	b.public = b.write(t, "key.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pubDER}))
	b.private = b.write(t, "key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privDER}))
	b.signature = b.write(t, "image.sig", ed25519.Sign(priv, b.data))
	return b
}

func (b bench) write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(b.dir, name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func TestFirmwareVerifyExits(t *testing.T) {
	b := newBench(t)
	sum := sha256.Sum256(b.data)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	changed := b.write(t, "changed.bin", append(bytes.Clone(b.data), 'x'))
	pgp := b.write(t, "image.asc", []byte("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"))
	pgpKey := b.write(t, "pgp.asc", []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"))
	encrypted := b.write(t, "x.img", append([]byte("Salted__"), make([]byte, 24)...))
	for name, c := range map[string]struct {
		want int
		args []string
	}{
		"verified":                  {0, []string{b.image, "-signature", b.signature, "-key", b.public, "-scheme", "ed25519"}},
		"pinned":                    {0, []string{b.image, "-digest", digest}},
		"changed":                   {1, []string{changed, "-signature", b.signature, "-key", b.public, "-scheme", "ed25519"}},
		"another pin":               {1, []string{changed, "-digest", digest}},
		"unsigned":                  {1, []string{b.image, "-key", b.public}},
		"unsigned, nothing asked":   {1, []string{b.image}},
		"no key":                    {3, []string{b.image, "-signature", b.signature, "-scheme", "ed25519"}},
		"encrypted":                 {3, []string{encrypted}},
		"another module's":          {3, []string{b.image, "-signature", pgp, "-key", pgpKey}},
		"for what device":           {3, []string{b.image, "-digest", digest, "-model", "M1"}},
		"newer than what":           {3, []string{b.image, "-digest", digest, "-running", "1.2.3"}},
		"no file":                   {2, nil},
		"no such file":              {2, []string{filepath.Join(b.dir, "none")}},
		"a folder":                  {2, []string{b.dir}},
		"scheme needed":             {2, []string{b.image, "-signature", b.signature, "-key", b.public}},
		"no such scheme":            {2, []string{b.image, "-signature", b.signature, "-key", b.public, "-scheme", "rot13"}},
		"no key in it":              {2, []string{b.image, "-key", b.image}},
		"a private key":             {2, []string{b.image, "-key", b.private}},
		"no digest":                 {2, []string{b.image, "-digest", "sha256:12"}},
		"no such signature":         {2, []string{b.image, "-key", b.public, "-signature", filepath.Join(b.dir, "none")}},
		"more signers than anchors": {2, []string{b.image, "-key", b.public, "-signers", "2"}},
		"a flag that is none":       {2, []string{b.image, "-frobnicate"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := camsecRun(t, append([]string{"firmware", "verify"}, c.args...)...)
			assert.Equal(t, c.want, code, "%s%s", out, errs)
			code, out, errs = camsecRun(t, append([]string{"firmware", "verify", "-json"}, c.args...)...)
			assert.Equal(t, c.want, code, errs)
			if code == 2 {
				assert.Empty(t, out)
				return
			}
			var doc map[string]any
			require.NoError(t, json.Unmarshal([]byte(out), &doc))
			for _, key := range []string{"schema", "file", "sha256", "format", "integrity", "authenticity", "freshness", "fitness", "uncovered", "verdict", "because"} {
				assert.Contains(t, doc, key)
			}
			for _, key := range []string{"status", "by", "algorithm", "anchor", "reason"} {
				assert.Contains(t, doc["authenticity"], key)
			}
		})
	}
}

func TestFirmwareInspect(t *testing.T) {
	b := newBench(t)
	bad := b.write(t, "bad.img", []byte("Salted__too short"))
	code, out, _ := camsecRun(t, "firmware", "inspect", "-json", b.image)
	assert.Equal(t, 0, code)
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Equal(t, "plain", doc["format"])
	assert.Nil(t, doc["error"])
	for _, list := range []string{"parts", "signatures", "uncovered", "notes"} {
		assert.IsType(t, []any{}, doc[list], list)
	}
	code, out, _ = camsecRun(t, "firmware", "inspect", "-json", bad)
	assert.Equal(t, 1, code)
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Contains(t, doc["error"], "cipher blocks")
	code, out, _ = camsecRun(t, "firmware", "inspect", b.image)
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "plain")
}

func TestFirmwareCheck(t *testing.T) {
	args := []string{"firmware", "check", "-json", "-vendor", "Hikvision", "-model", "DS-2CD2143G2-I", "-version", "V5.5.82"}
	code, out, _ := camsecRun(t, append(args, "-build", "190909")...)
	assert.Equal(t, 1, code)
	var doc struct {
		Schema  string
		Matches []struct {
			ID, Status, Reason, Source string
			KnownExploited             *bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Equal(t, "camsec.firmware.check/1", doc.Schema)
	require.NotEmpty(t, doc.Matches)
	assert.Equal(t, "CVE-2021-36260", doc.Matches[0].ID)
	assert.Equal(t, "affected", doc.Matches[0].Status)
	assert.True(t, *doc.Matches[0].KnownExploited)

	code, _, _ = camsecRun(t, "firmware", "check", "-vendor", "nobody", "-model", "x", "-version", "1.0")
	assert.Equal(t, 3, code, "nothing known is not the same as safe")
	for _, bad := range [][]string{{}, {"-vendor", "x"}, {"-vendor", "x", "-version", "1", "more"}} {
		code, _, _ = camsecRun(t, append([]string{"firmware", "check"}, bad...)...)
		assert.Equal(t, 2, code)
	}
}

func TestFirmwareHelp(t *testing.T) {
	code, out, _ := camsecRun(t, "firmware", "-h")
	assert.Equal(t, 0, code)
	assert.Contains(t, out, "verify")
	for _, sub := range []string{"inspect", "verify", "sign", "check", "match"} {
		code, out, _ = camsecRun(t, "firmware", sub, "-h")
		assert.Equal(t, 0, code)
		assert.Contains(t, out, "usage: camsec firmware "+sub)
	}
	code, _, _ = camsecRun(t, "firmware")
	assert.Equal(t, 2, code)
	code, _, _ = camsecRun(t, "firmware", "flash")
	assert.Equal(t, 2, code)
}

// A bar is drawn for a large file where somebody looks, and wiped at the end.
func TestProgressBar(t *testing.T) {
	var out bytes.Buffer
	now := time.Time{}
	p := &bar{w: &out, name: "big.dav", total: 100 << 20, now: func() time.Time { return now }}
	p.tell(10 << 20)
	p.tell(11 << 20) // too soon to draw again
	now = now.Add(time.Second)
	p.tell(50 << 20)
	p.tell(100 << 20)
	p.end()
	assert.Equal(t, 3, bytes.Count(out.Bytes(), []byte("big.dav")))
	assert.Contains(t, out.String(), "50 %")
	assert.Contains(t, out.String(), "100 %")
	assert.True(t, bytes.HasSuffix(out.Bytes(), []byte("\r\x1b[K")))

	e := &env{stderr: &lockedWriter{w: io.Discard}}
	tell, end := e.bar("x", 1<<40)
	assert.Nil(t, tell, "nobody looks")
	end()
}
