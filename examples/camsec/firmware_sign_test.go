package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFirmwareSign(t *testing.T) {
	b := newBench(t)
	sign := []string{
		"firmware", "sign", "-json", "-key", b.private, "-vendor", "Hikvision", "-model", "DS-2CD21*", "-platform", "G5",
		"-language", "EN", "-version", "V5.7.13", "-build", "230822", "-from", "V5.5.0 build 190101..", "-expires", "2099-12-31", b.image,
	}
	code, out, errs := camsecRun(t, sign...)
	require.Equal(t, 0, code, errs)
	var doc struct{ Schema, File, Signature, Scheme, PublicKey string }
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Equal(t, b.image+".minisig", doc.Signature)
	assert.Equal(t, "minisign", doc.Scheme)

	// Both the PEM key and the line that was printed verify it.
	line := b.write(t, "line.pub", []byte(doc.PublicKey+"\n"))
	for _, key := range []string{b.public, line} {
		code, out, errs = camsecRun(
			t, "firmware", "verify", "-json", "-key", key, "-signature", doc.Signature, "-countersigned",
			"-vendor", "hikvision", "-model", "DS-2CD2143G2-I", "-platform", "G5", "-running", "V5.5.82", "-running-build", "190909", b.image,
		)
		assert.Equal(t, 0, code, "%s%s", out, errs)
	}
	assert.Contains(t, out, `"statement"`)
	code, _, _ = camsecRun(t, "firmware", "verify", "-key", b.public, "-signature", doc.Signature, "-model", "DS-7608", b.image)
	assert.Equal(t, 1, code, "another model")
	code, _, _ = camsecRun(t, "firmware", "verify", "-key", b.public, "-signature", doc.Signature, "-vendor", "hikvision", "-platform", "G5",
		"-running", "V5.8.1", "-running-build", "240101", b.image)
	assert.Equal(t, 1, code, "older than what runs")

	code, _, errs = camsecRun(t, sign...)
	assert.Equal(t, 2, code, "the signature is there already")
	assert.Contains(t, errs, "-force")
	code, _, errs = camsecRun(t, append(sign, "-force")...)
	assert.Equal(t, 0, code, errs)
}

func TestFirmwareSignRefuses(t *testing.T) {
	b := newBench(t)
	broken := b.write(t, "broken.img", []byte("Salted__and cut"))
	for name, args := range map[string][]string{
		"no key":       {b.image},
		"a public key": {b.image, "-key", b.public},
		"no day":       {b.image, "-key", b.private, "-expires", "soon"},
		"the past":     {b.image, "-key", b.private, "-expires", "2020-01-01"},
		"broken":       {broken, "-key", b.private},
		"no such file": {filepath.Join(b.dir, "none"), "-key", b.private},
		"no file":      {"-key", b.private},
	} {
		code, _, _ := camsecRun(t, append([]string{"firmware", "sign"}, args...)...)
		assert.Equal(t, 2, code, name)
	}
	left, err := filepath.Glob(filepath.Join(b.dir, "*.minisig"))
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is written when it was not signed")
	code, _, errs := camsecRun(t, "firmware", "sign", broken, "-key", b.private, "-force")
	assert.Equal(t, 0, code, errs)
}

// For each camera one file or none, with reasons.
func TestFirmwareMatch(t *testing.T) {
	b := newBench(t)
	images := filepath.Join(b.dir, "images")
	require.NoError(t, os.Mkdir(images, 0o700))
	put := func(name, data string) string { return b.write(t, filepath.Join("images", name), []byte(data)) }
	put("IPC_G5_EN_STD_5.7.13_230822.zip", "g5")
	put("IPC_E2_EN_STD_5.7.13_230822.zip", "e2, one")
	put("IPC_E2_EN_STD_5.7.14_230901.zip", "e2, another")
	put("IPC_H3_CN_STD_5.7.13_230822.zip", "h3, Chinese")
	signed := put("digicap.dav", "a file that tells nothing of itself")
	code, _, errs := camsecRun(t, "firmware", "sign", "-key", b.private, "-vendor", "hikvision", "-model", "DS-2DE4*", "-version", "V5.7.1", "-build", "230101", signed)
	require.Equal(t, 0, code, errs)
	put("digicap2.dav", "another one")

	inventory := b.write(t, "cameras.csv", []byte(strings.Join([]string{
		"address,id,vendor,model,version,build,platform,language",
		"192.0.2.1,one,Hikvision,DS-2CD2143G2-I,V5.5.82,190909,G5,EN",
		"192.0.2.2,two candidates,Hikvision,DS-2CD2043,V5.5.82,190909,E2,EN",
		"192.0.2.3,wrong language,Hikvision,DS-2CD3043,V5.5.82,190909,H3,EN",
		"192.0.2.4,unknown platform,Hikvision,DS-2CD2143G2-I,V5.5.82,190909,,EN",
		"192.0.2.5,countersigned,Hikvision,DS-2DE4425,V5.5.82,190909,,EN",
		"192.0.2.6,runs it,Hikvision,DS-2CD2143G2-I,V5.7.13,230822,G5,EN",
		"192.0.2.7,newer,Hikvision,DS-2CD2143G2-I,V5.8.0,240101,G5,EN",
		"192.0.2.8,unknown version,Hikvision,DS-2CD2143G2-I,,,G5,EN",
		"192.0.2.9,another make,Axis,P3245,10.12.114,,,",
		"192.0.2.10,unknown language,Hikvision,DS-2CD2143G2-I,V5.5.82,190909,G5,",
		"",
	}, "\n")))
	type candidate struct {
		File   string
		Fits   bool
		Reason string
	}
	var doc struct {
		Schema  string
		Devices []struct {
			ID, Reason string
			File       *string
			Candidates []candidate
		}
	}
	match := func(args ...string) int {
		code, out, errs := camsecRun(t, append([]string{"firmware", "match", "-json", "-inventory", inventory, "-images", images}, args...)...)
		require.NoError(t, json.Unmarshal([]byte(out), &doc), errs)
		return code
	}
	assert.Equal(t, 3, match())
	want := map[string]string{"one": "IPC_G5_EN_STD_5.7.13_230822.zip"}
	check := func() {
		t.Helper()
		for _, d := range doc.Devices {
			if f, ok := want[d.ID]; ok {
				if assert.NotNil(t, d.File, "%s: %s %v", d.ID, d.Reason, d.Candidates) {
					assert.Equal(t, f, *d.File)
				}
			} else {
				assert.Nil(t, d.File, "%s: %s", d.ID, d.Reason)
			}
			assert.NotEmpty(t, d.Reason)
			for _, c := range d.Candidates {
				assert.NotEmpty(t, c.Reason, c.File)
			}
		}
	}
	check()
	assert.Contains(t, doc.Devices[1].Reason, "2 files would do")

	// With the owner's key only what he signed counts, and it needs no platform.
	assert.Equal(t, 3, match("-key", b.public))
	want = map[string]string{"countersigned": "digicap.dav"}
	check()

	code, out, _ := camsecRun(t, "firmware", "match", "-inventory", inventory, "-images", images)
	assert.Equal(t, 3, code)
	assert.Contains(t, out, "192.0.2.10")
	for _, bad := range [][]string{{}, {"-inventory", inventory}, {"-images", images}, {"-inventory", inventory, "-images", t.TempDir()}, {"-inventory", inventory, "-images", b.image}} {
		code, _, _ := camsecRun(t, append([]string{"firmware", "match"}, bad...)...)
		assert.Equal(t, 2, code, bad)
	}
}
