package firmware_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// Which of a FIT's signatures stand for it: those of all configurations, or,
// where not all of these are signed, those of all images. What is left out is
// told.
func TestWhichSignaturesOfAFITCount(t *testing.T) {
	mkimage := sigtest.Stranger(t, "mkimage")
	sigtest.Stranger(t, "dtc") // mkimage runs it
	dir := mkimage.Dir
	sigtest.Write(t, pemKey(t, freshRSA()), dir, "dev.key")
	_, leaf := authority(t, freshRSA().Public())
	sigtest.Write(t, pemCert(leaf), dir, "dev.crt")
	sigtest.Write(t, sigtest.Image(3000), dir, "kernel")
	sigtest.Write(t, sigtest.Image(1500), dir, "ramdisk")
	const signature = `signature-1 { algo = "sha256,rsa2048"; key-name-hint = "dev"; };`
	const notDefault = "which configuration boots is not signed: "
	for name, c := range map[string]struct {
		images, a, b bool
		from, to     string // what is replaced in the source
		want         firmware.Verdict
		reason       string
		note         string
	}{
		"configurations":              {a: true, b: true, want: firmware.Accepted, note: notDefault + `the default is "a"`},
		"one configuration":           {a: true, want: firmware.Rejected, reason: "configuration b is not signed", note: notDefault},
		"one configuration, images":   {images: true, a: true, want: firmware.Accepted, note: "only the data of single images is signed"},
		"images":                      {images: true, want: firmware.Accepted, note: "only the data of single images is signed"},
		"configurations and images":   {images: true, a: true, b: true, want: firmware.Accepted, note: notDefault},
		"nothing":                     {want: firmware.Rejected, reason: "there is no signature"},
		"a default that is not there": {a: true, b: true, from: `default = "a"`, to: `default = "z"`, want: firmware.Accepted, note: notDefault + `the default is "z", which it does not hold`},
		"no default":                  {a: true, b: true, from: `default = "a";`, want: firmware.Accepted, note: notDefault + "the image names no default"},
	} {
		node := func(is bool, sign string) string {
			if !is {
				return ""
			}
			return strings.Replace(signature, "};", sign+" };", 1)
		}
		source := strings.NewReplacer(
			"IMAGE", node(c.images, ""), "CONF2", node(c.b, `sign-images = "kernel";`), "CONF", node(c.a, `sign-images = "kernel", "ramdisk";`),
		).Replace(fitSource)
		if c.from != "" {
			source = strings.Replace(source, c.from, c.to, 1)
		}
		sigtest.Write(t, []byte(source), dir, "x.its")
		mkimage.Run("-f", "x.its", "-k", ".", "-r", "x.itb")
		b := sigtest.Read(t, filepath.Join(dir, "x.itb"))
		r := verify(t, keys(t, freshRSA().Public()), b)
		assert.Equal(t, c.want, r.Verdict, "%s: %v", name, r.Because)
		assert.Contains(t, strings.Join(r.Because, "\n"), c.reason, name)
		notes := strings.Join(r.Image.Notes, "\n")
		assert.Contains(t, notes, c.note, name)
		assert.Equal(t, strings.HasPrefix(c.note, notDefault), strings.Contains(notes, notDefault), name)
		assert.NotEmpty(t, r.Image.Claims.Released, "mkimage writes when it made the image")
	}
}
