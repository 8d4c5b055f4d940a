package mender_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/mender"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A file is a member of an archive that a test writes. Its kind is that of
// the tar header, a plain file when it is zero.
type file struct {
	name, data string
	kind       byte
}

func archive(t testing.TB, files ...file) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.data)), Typeflag: tar.TypeReg}
		if f.kind != 0 {
			h.Typeflag, h.Linkname = f.kind, "x"
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := w.Write([]byte(f.data))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.String()
}

func pack(t testing.TB, data string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(data))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func sums(files ...file) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256([]byte(f.data)), f.name)
	}
	return b.String()
}

var version = file{name: "version", data: `{"format":"mender","version":3}`}

func header(t testing.TB) string {
	return archive(t,
		file{name: "header-info", data: `{"payloads":[{"type":"rootfs-image"},{"type":"other"}],"artifact_provides":{"artifact_name":"r2","artifact_group":"g"},
			"artifact_depends":{"artifact_name":["r1"],"device_type":["cam","dome"]}}`},
		file{name: "scripts/ArtifactInstall_Enter_01", data: "#!/bin/sh"},
		file{name: "headers/0000/type-info", data: `{"type":"rootfs-image","artifact_provides":{"rootfs-image.version":"7.1","rootfs-image.checksum":"x","n":1}}`},
		file{name: "headers/0000/meta-data", data: `{}`})
}

// sample are the members of a good artifact, in order.
func sample(t testing.TB) []file {
	root, app := file{name: "data/0000/root.img", data: strings.Repeat("root", 1000)}, file{name: "data/0001/app", data: "app"}
	head := file{name: "header.tar.gz", data: pack(t, header(t))}
	return []file{
		version,
		{name: "manifest", data: sums(root, app, head, version)},
		{name: "manifest.sig", data: base64.StdEncoding.EncodeToString([]byte("a signature"))},
		head,
		{name: "data/0000.tar", data: archive(t, file{name: "root.img", data: root.data})},
		{name: "data/0001.tar.gz", data: pack(t, archive(t, file{name: "app", data: app.data}))},
	}
}

func parse(b string) (*mender.Artifact, error) {
	return mender.Parse(strings.NewReader(b), int64(len(b)))
}

func TestParse(t *testing.T) {
	b := archive(t, sample(t)...)
	require.True(t, mender.Detect([]byte(b)))
	a, err := parse(b + strings.Repeat("\x00", 512))
	require.NoError(t, err)
	assert.Equal(t, int64(len(b)), a.End)
	assert.Equal(t, mender.Info{
		Name: "r2", Group: "g", Devices: []string{"cam", "dome"}, DependsOn: []string{"r1"},
		Types: []string{"rootfs-image", "other"}, Versions: []string{"7.1"}, Scripts: []string{"ArtifactInstall_Enter_01"},
	}, a.Info)
	assert.Equal(t, "a signature", string(a.SignatureValue))
	assert.Len(t, a.Signed, 4)
	assert.Equal(t, "gz", a.HeaderCompression)
	for _, m := range []mender.Member{a.Version, a.Manifest, a.Signature, a.Header} {
		assert.NotZero(t, m.Length, m.Name)
	}
	assert.Equal(t, version.data, b[a.Version.Offset:a.Version.End()])
	require.Len(t, a.Payloads, 2)
	assert.Equal(t, "data/0000/", a.Payloads[0].Prefix())
	require.Len(t, a.Payloads[0].Files, 1)
	f := a.Payloads[0].Files[0]
	assert.Equal(t, "root.img", f.Name)
	assert.Equal(t, strings.Repeat("root", 1000), b[f.Offset:f.End()])
	assert.Equal(t, "gz", a.Payloads[1].Compression)
	assert.Empty(t, a.Payloads[1].Files)
}

func TestParseOtherForms(t *testing.T) {
	m := file{name: "manifest", data: sums(version)}
	augment := file{name: "manifest-augment", data: sums(file{name: "data/0000/delta", data: "x"})}
	a, err := parse(archive(t, version, m, augment, file{name: "header.tar", data: header(t)}, file{name: "header-augment.tar.gz", data: "?"}, file{name: "extra", data: "e"}))
	require.NoError(t, err)
	assert.Nil(t, a.SignatureValue)
	assert.Len(t, a.Unsigned, 1)
	assert.Equal(t, "header-augment.tar.gz", a.HeaderAugment.Name)
	assert.Equal(t, "r2", a.Info.Name)
	require.Len(t, a.Unknown, 1)
	assert.Equal(t, "extra", a.Unknown[0].Name)
	// What is compressed otherwise is not opened.
	for _, c := range []string{"xz", "zst"} {
		a, err = parse(archive(t, version, m, file{name: "header.tar." + c, data: "?"}, file{name: "data/0000.tar." + c, data: "?"}))
		require.NoError(t, err)
		assert.Equal(t, c, a.HeaderCompression)
		assert.Equal(t, mender.Info{}, a.Info)
		assert.Equal(t, c, a.Payloads[0].Compression)
	}
	// A device type may be a single string.
	a, err = parse(archive(t, version, m, file{name: "header.tar", data: archive(t, file{name: "header-info", data: `{"artifact_depends":{"device_type":"cam"}}`})}))
	require.NoError(t, err)
	assert.Equal(t, []string{"cam"}, a.Info.Devices)
}

func TestBadArtifacts(t *testing.T) {
	good := sample(t)
	with := func(i int, f ...file) string {
		return archive(t, append(append(append([]file{}, good[:i]...), f...), good[i+1:]...)...)
	}
	order := func(ix ...int) string {
		var out []file
		for _, i := range ix {
			out = append(out, good[i])
		}
		return archive(t, out...)
	}
	head := func(f ...file) string { return with(3, file{name: "header.tar.gz", data: pack(t, archive(t, f...))}) }
	info := file{name: "header-info", data: "{}"}
	var many []file
	for i := range 1100 {
		many = append(many, file{name: fmt.Sprint("f", i)})
	}
	var lines strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, "%064x  f%d\n", i, i)
	}
	sum := strings.Repeat("0", 64)
	for name, b := range map[string]string{
		"empty": "", "manifest first": order(1, 0, 2, 3), "signature late": order(0, 1, 3, 2), "no version": order(1, 2, 3), "no manifest": order(0, 3), "no header": order(0, 1, 2),
		"header after data": order(0, 1, 4, 3), "manifest late": order(0, 3, 1), "data first": order(4, 0, 1, 3), "nothing": archive(t),
		"version 2": with(0, file{name: "version", data: `{"format":"mender","version":2}`}), "other format": with(0, file{name: "version", data: `{"format":"x","version":3}`}),
		"version is no JSON": with(0, file{name: "version", data: "3"}), "long version": with(0, file{name: "version", data: strings.Repeat(" ", 5000)}),
		"link": with(5, file{name: "data/0001.tar.gz", kind: tar.TypeSymlink}), "directory": with(5, file{name: "data/", kind: tar.TypeDir}), "traversal": with(5, file{name: "data/../x"}),
		"twice": with(5, good[4]), "two of one number": with(5, file{name: "data/0000.tar.gz"}), "odd number": with(5, file{name: "data/00a0.tar"}), "long number": with(5, file{name: "data/00000.tar"}),
		"no tar": with(5, file{name: "data/0001.img"}), "no archive": with(4, file{name: "data/0000.tar", data: strings.Repeat("x", 2000)}), "many": archive(t, append(good, many...)...),
		"no digest": with(1, file{name: "manifest", data: "x  y\n"}), "short digest": with(1, file{name: "manifest", data: sum[2:] + "  y\n"}), "no space": with(1, file{name: "manifest", data: sum + " y\n"}),
		"listed twice": with(1, file{name: "manifest", data: sum + "  y\n" + sum + "  y\n"}), "bad name": with(1, file{name: "manifest", data: sum + "  ../y\n"}), "many lines": with(1, file{name: "manifest", data: lines.String()}),
		"bad augment": with(2, file{name: "manifest-augment", data: "x"}), "bad base64": with(2, file{name: "manifest.sig", data: "*"}), "empty signature": with(2, file{name: "manifest.sig"}), "long signature": with(2, file{name: "manifest.sig", data: strings.Repeat("A", 20000)}),
		"header no gzip": with(3, file{name: "header.tar.gz", data: "x"}), "header no tar": with(3, file{name: "header.tar.gz", data: pack(t, strings.Repeat("x", 600))}),
		"header-info second": head(file{name: "x"}, info), "header-info no JSON": head(file{name: "header-info", data: "x"}), "type-info no JSON": head(info, file{name: "headers/0000/type-info", data: "x"}),
		"header grows": head(info, file{name: "x", data: strings.Repeat("\x00", 20<<20)}), "many in header": head(append([]file{info}, many...)...), "link in header": head(info, file{name: "y", kind: tar.TypeSymlink}), "long header-info": head(file{name: "header-info", data: `{"a":"` + strings.Repeat(" ", 300<<10) + `"}`}),
	} {
		_, err := parse(b)
		var e *untrusted.Error
		require.ErrorAs(t, err, &e, name)
		assert.Equal(t, name == "header grows", strings.Contains(e.Reason, "unpacks to more than"), "%s: %s", name, e.Reason)
	}
	b := archive(t, good...)
	for n := range b {
		_, err := parse(b[:n])
		require.Error(t, err, n)
	}
}

func TestDetect(t *testing.T) {
	assert.True(t, mender.Detect([]byte(archive(t, version))))
	assert.False(t, mender.Detect([]byte(archive(t, version))[:512]))
	assert.False(t, mender.Detect([]byte(archive(t, file{name: "version", data: "1.0"}))))
	assert.False(t, mender.Detect([]byte(archive(t, file{name: "versions", data: version.data}))))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(archive(f, sample(f)...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parse(string(b))
		if err != nil {
			return
		}
		for _, p := range a.Payloads {
			require.LessOrEqual(t, p.End(), int64(len(b)))
			for _, x := range p.Files {
				require.LessOrEqual(t, x.End(), p.End())
			}
		}
	})
}
