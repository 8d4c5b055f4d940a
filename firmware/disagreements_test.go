package firmware_test

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func pick(t *testing.T, images []freshImage, name string) freshImage {
	t.Helper()
	for _, f := range images {
		if f.name == name {
			return f
		}
	}
	t.Fatalf("no image %q", name)
	return freshImage{}
}

// Where a format's own program says yes, and we do not, or say more. The
// package documentation has this table in words.
func TestIntendedDisagreements(t *testing.T) {
	rauc, swu, mender := gather(t, freshRAUC), gather(t, freshSWU), gather(t, freshMender)

	t.Run("rauc info does not read the payload", func(t *testing.T) {
		// It leaves the blocks to the kernel, which checks them at mount.
		for _, name := range []string{"RAUC verity", "RAUC crypt"} {
			f := pick(t, rauc, name)
			b := bytes.Clone(f.image)
			b[5000] ^= 1
			require.NoError(t, f.agrees(b))
			r := verify(t, f.trust, b)
			assert.Equal(t, firmware.Rejected, r.Verdict)
			assert.Equal(t, firmware.IntegrityBroken, r.Integrity.Status)
		}
		f := pick(t, rauc, "RAUC plain")
		b := bytes.Clone(f.image)
		b[5000] ^= 1
		require.Error(t, f.agrees(b), "of a plain bundle it does")
	})
	t.Run("mender-artifact without a key takes an artifact without a signature", func(t *testing.T) {
		f := pick(t, mender, "Mender rsa none")
		b := withoutMember(t, f.image, "manifest.sig")
		tool := sigtest.Stranger(t, "mender-artifact")
		sigtest.Write(t, b, tool.Dir, "x.mender")
		tool.Run("validate", "x.mender")
		require.Error(t, f.agrees(b), "with one it does not")
		r := verify(t, f.trust, b)
		assert.Equal(t, firmware.Rejected, r.Verdict)
		assert.Equal(t, firmware.AuthenticityUnsigned, r.Authenticity.Status)
	})
	t.Run("swupdate passes over files that ride along", func(t *testing.T) {
		f := pick(t, swu, "SWUpdate cms")
		b := withRider(t, f.image, "extra.img", "anything")
		require.NoError(t, f.agrees(b))
		r := verify(t, f.trust, b)
		assert.Equal(t, firmware.Accepted, r.Verdict, "what was signed is there")
		var named bool
		for _, u := range r.Uncovered {
			named = named || u.What == "extra.img" && u.Length == 8
		}
		assert.True(t, named, r.Uncovered)
		assert.Contains(t, strings.Join(r.Image.Notes, "\n"), `"extra.img" is not named in sw-description`)
	})
	t.Run("programs that crash or hang", func(t *testing.T) {
		// fit_check_sign died of the first, fwtool never ended on the second.
		for path, format := range map[string]string{"fit/truncated.BAD.itb": "fit", "openwrt-fwtool/size-huge.BAD.bin": "openwrt-fwtool"} {
			var e *firmware.FormatError
			require.ErrorAs(t, inspectErr(sigtest.Sample(t, path)), &e, path)
			assert.Equal(t, format, e.Format)
		}
	})
}

// withoutMember writes a tar archive again, without one of its files.
func withoutMember(t *testing.T, b []byte, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	in, w := tar.NewReader(bytes.NewReader(b)), tar.NewWriter(&out)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			require.NoError(t, w.Close())
			return out.Bytes()
		}
		require.NoError(t, err)
		if h.Name != name {
			require.NoError(t, w.WriteHeader(h))
			_, err = io.Copy(w, in)
			require.NoError(t, err)
		}
	}
}

// withRider puts a file at the end of a cpio archive.
func withRider(t *testing.T, b []byte, name, data string) []byte {
	t.Helper()
	end := bytes.LastIndex(b, []byte("TRAILER!!!")) - 110
	require.Positive(t, end)
	var sum uint32
	for _, c := range []byte(data) {
		sum += uint32(c)
	}
	rider := fmt.Appendf(nil, "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00", b[:6], 9, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, sum, name)
	rider = append(rider, make([]byte, (4-len(rider)%4)%4)...)
	rider = append(rider, data...)
	rider = append(rider, make([]byte, (4-len(rider)%4)%4)...)
	return append(append(bytes.Clone(b[:end]), rider...), b[end:]...)
}

// What the tools made says what it is.
func TestFreshImagesSayWhatTheyAre(t *testing.T) {
	want := map[string]firmware.Claims{
		"FIT rsa":         {Models: []string{"acme,cam"}, Description: "fresh"},
		"SWUpdate cms":    {Version: "5.7.13", Description: "fresh", Hardware: []string{"1.0"}},
		"RAUC plain":      {},
		"RAUC verity":     {Version: "2023.08-1", Build: "230822", Models: []string{"acme-cam"}},
		"Mender rsa gzip": {Version: "5.7.13", Description: "acme-5.7.13", Models: []string{"acme-cam"}},
		"fwtool":          {Version: "5.7.13", Build: "r1", Platform: "cam/generic", Description: "AcmeWrt", Models: []string{"acme,cam"}, Hardware: []string{"compat version 1.0"}},
	}
	for f := range freshImages(t) {
		c, ok := want[f.name]
		if !ok {
			continue
		}
		m := inspect(t, f.image)
		m.Claims.Released = ""
		assert.Equal(t, c, m.Claims, f.name)
		delete(want, f.name)
	}
	assert.Empty(t, want)
}

// Mender compresses with xz, too, which is not read: the manifest's signature
// is, and what it lists in its own bytes.
func TestPayloadsThatAreNotRead(t *testing.T) {
	tool := sigtest.Stranger(t, "mender-artifact")
	sigtest.Write(t, sigtest.Image(3000), tool.Dir, "fw.bin")
	sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(freshRSA())}), tool.Dir, "key.pem")
	tool.Run("write", "module-image", "-T", "acme-fw", "-n", "acme-1", "-t", "acme-cam", "-f", "fw.bin", "-o", "x.mender", "-k", "key.pem", "--compression", "lzma")
	b := sigtest.Read(t, tool.Dir+"/x.mender")
	policy := keys(t, freshRSA().Public())
	r := verify(t, policy, b)
	assert.Equal(t, firmware.NotVerifiable, r.Verdict, r.Because)
	assert.Contains(t, r.Authenticity.Reason, "compressed with xz")
	assert.Contains(t, strings.Join(r.Image.Notes, "\n"), "the header is compressed with xz")
	// A change of the header's bytes is found all the same, and of the
	// manifest.
	for _, part := range []string{"\xfd7zXZ", "header.tar.xz\n"} {
		at := bytes.Index(b, []byte(part))
		require.Positive(t, at)
		changed := bytes.Clone(b)
		changed[at] ^= 1
		assert.Equal(t, firmware.Rejected, verify(t, policy, changed).Verdict, part)
	}
	assert.Equal(t, firmware.Rejected, verify(t, keys(t, otherRSA().Public()), b).Verdict)
}
