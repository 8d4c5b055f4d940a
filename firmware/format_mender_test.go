package firmware_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// A tarFile is a member of an archive that a test writes.
type tarFile struct{ name, data string }

func tarOf(t *testing.T, files ...tarFile) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.data)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(f.data))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.String()
}

func sumLines(files ...tarFile) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s  %s\n", sha256Hex([]byte(f.data)), f.name)
	}
	return b.String()
}

// What only the unsigned manifest lists is told to be open, and may be changed
// with its list; what the signed one lists may not. No program in Debian writes
// an augmented artifact: this one follows artifact-format-v3.
func TestAugmentedMenderArtifacts(t *testing.T) {
	version := tarFile{"version", `{"format":"mender","version":3}`}
	header := tarFile{"header.tar", tarOf(
		t,
		tarFile{"header-info", `{"payloads":[{"type":"rootfs-image"}],"artifact_provides":{"artifact_name":"r2"},"artifact_depends":{"device_type":["cam"]}}`},
		tarFile{"scripts/ArtifactInstall_Enter_01", "#!/bin/sh"},
		tarFile{"headers/0000/type-info", `{"type":"rootfs-image"}`},
	)}
	fw, extra := tarFile{"data/0000/fw.bin", "firmware"}, tarFile{"data/0000/extra.bin", "extra"}
	manifest := sumLines(version, header, fw)
	augmented := tarFile{"header-augment.tar", tarOf(t, tarFile{"header-info", `{}`})}
	sum := sha256.Sum256([]byte(manifest))
	value, err := rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, sum[:])
	require.NoError(t, err)
	packed := false
	make := func(extra tarFile, augment bool) []byte {
		files := []tarFile{version, {"manifest", manifest}, {"manifest.sig", base64.StdEncoding.EncodeToString(value)}}
		payload := []tarFile{{"fw.bin", fw.data}}
		if augment {
			files = append(files, tarFile{"manifest-augment", sumLines(augmented, extra)})
			payload = append(payload, tarFile{"extra.bin", extra.data})
		}
		files = append(files, header)
		if augment {
			files = append(files, augmented)
		}
		last := tarFile{"data/0000.tar", tarOf(t, payload...)}
		if packed {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, err := w.Write([]byte(last.data))
			require.NoError(t, err)
			require.NoError(t, w.Close())
			last = tarFile{"data/0000.tar.gz", b.String()}
		}
		return []byte(tarOf(t, append(files, last)...))
	}
	policy := keys(t, rsaKey.Public())

	r := verify(t, policy, make(extra, false))
	require.Equal(t, firmware.Accepted, r.Verdict, r.Because)
	assert.NotContains(t, strings.Join(r.Image.Notes, "\n"), "augment")
	assert.Contains(t, strings.Join(r.Image.Notes, "\n"), "it runs scripts on the device: ArtifactInstall_Enter_01")
	assert.Equal(t, "rootfs-image", r.Image.Parts[0].Kind)
	assert.Equal(t, firmware.Claims{Version: "r2", Description: "r2", Models: []string{"cam"}}, r.Image.Claims)

	for _, data := range []string{extra.data, "something else"} {
		b := make(tarFile{extra.name, data}, true)
		r = verify(t, policy, b)
		require.Equal(t, firmware.Accepted, r.Verdict, r.Because)
		notes := strings.Join(r.Image.Notes, "\n")
		assert.Contains(t, notes, "manifest-augment is not signed")
		assert.Contains(t, notes, "header-augment is in no signed manifest")
		open := map[string]bool{}
		for _, u := range r.Uncovered {
			open[u.What] = true
		}
		assert.True(t, open["file extra.bin of data/0000.tar"] && open["manifest-augment"] && open["header-augment.tar"], r.Uncovered)
		assert.False(t, open["file fw.bin of data/0000.tar"] || open["manifest"] || open["version"] || open["header.tar"], r.Uncovered)

		// The unsigned list still has to be right, and the signed one more so.
		for _, word := range []string{data, fw.data} {
			changed := bytes.Clone(b)
			at := bytes.LastIndex(changed, []byte(word))
			changed[at] ^= 1
			r = verify(t, policy, changed)
			assert.Equal(t, firmware.Rejected, r.Verdict, word)
		}
	}

	// In a packed payload nobody can say where a file lies: unless all of them
	// are signed, all of it is open. The gzip header, which says nothing of what
	// is packed, always is.
	packed = true
	for _, augment := range []bool{false, true} {
		b := make(extra, augment)
		r := verify(t, policy, b)
		require.Equal(t, firmware.Accepted, r.Verdict, r.Because)
		at := int64(bytes.Index(b, []byte{0x1f, 0x8b, 8}))
		found := map[string]firmware.Range{}
		for _, u := range r.Uncovered {
			if u.Offset >= at {
				found[u.What] = u
			}
		}
		assert.Equal(t, firmware.Range{Offset: at, Length: 10, What: "gzip header of data/0000.tar.gz"}, found["gzip header of data/0000.tar.gz"])
		_, is := found["tar headers in data/0000.tar.gz"]
		assert.Equal(t, augment, is, r.Uncovered)
		b[at+30] ^= 1
		assert.Equal(t, firmware.Rejected, verify(t, policy, b).Verdict, "what is packed must unpack to what a list says")
	}
}
