package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the firmware commands print is what their published schemas say, in
// each of its shapes.
func TestFirmwareDocumentsConformToTheirSchemas(t *testing.T) {
	b := newBench(t)
	images := filepath.Join(b.dir, "images")
	require.NoError(t, os.Mkdir(images, 0o700))
	b.write(t, filepath.Join("images", "IPC_G5_EN_STD_5.7.13_230822.zip"), []byte("g5"))
	inventory := b.write(t, "cameras.csv", []byte("address,vendor,model,version,build,platform,language\n"+
		"192.0.2.1,Hikvision,DS-2CD2143G2-I,V5.5.82,190909,G5,EN\n192.0.2.2,,,,,,\n"))
	broken := b.write(t, "broken.img", []byte("Salted__too short"))
	encrypted := b.write(t, "encrypted.img", append([]byte("Salted__"), make([]byte, 24)...))
	signed := filepath.Join(b.dir, "signed.minisig")
	for _, run := range [][]string{
		{"sign", "-key", b.private, "-vendor", "hikvision", "-model", "DS-2CD2*", "-version", "V5.7.13", "-from", "V5.0..", "-expires", "2099-01-01", "-o", signed, b.image},
		{"verify", b.image},
		{"verify", b.image, "-signature", b.signature, "-key", b.public, "-scheme", "ed25519"},
		{"verify", b.image, "-signature", signed, "-key", b.public, "-vendor", "hikvision", "-model", "DS-2CD2143G2-I", "-platform", "G5", "-running", "V5.5.82"},
		{"verify", broken},
		{"verify", encrypted, "-model", "M"},
		{"inspect", b.image},
		{"inspect", broken},
		{"inspect", encrypted},
		{"check", "-vendor", "hikvision", "-model", "DS-2CD2143G2-I", "-version", "V5.5.82", "-build", "190909"},
		{"check", "-vendor", "nobody", "-model", "M", "-version", "1"},
		{"match", "-inventory", inventory, "-images", images},
	} {
		_, out, errs := camsecRun(t, append([]string{"firmware", run[0], "-json"}, run[1:]...)...)
		require.NotEmpty(t, strings.TrimSpace(out), "%v %s", run, errs)
		conform(t, "firmware-"+run[0], "", any(parse(t, out)))
	}
}
