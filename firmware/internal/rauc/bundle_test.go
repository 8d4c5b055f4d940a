package rauc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/rauc"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// message writes the outside of a CMS message by RFC 5652: signed data that
// carries content, or none, and nothing else.
func message(t testing.TB, content []byte) []byte {
	t.Helper()
	der := func(v any) []byte {
		b, err := asn1.Marshal(v)
		require.NoError(t, err)
		return b
	}
	wrap := func(class, tag int, b ...[]byte) []byte {
		return der(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: bytes.Join(b, nil)})
	}
	data := der(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1})
	if content != nil {
		data = append(data, wrap(2, 0, der(content))...)
	}
	signed := wrap(0, 16, der(1), wrap(0, 17), wrap(0, 16, data), wrap(0, 17))
	return wrap(0, 16, der(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}), wrap(2, 0, signed))
}

func enveloped(t testing.TB) []byte {
	return bytes.Replace(message(t, nil), []byte{0x86, 0xf7, 0x0d, 1, 7, 2}, []byte{0x86, 0xf7, 0x0d, 1, 7, 3}, 1)
}

func bundle(payload, cms []byte) []byte {
	out := append(bytes.Clone(payload), cms...)
	return binary.BigEndian.AppendUint64(out, uint64(len(cms)))
}

// tree makes a dm-verity tree the simple way: all of it in memory, as the
// kernel's documentation has it.
func tree(salt, data []byte) (root, stored []byte) {
	sum := func(b []byte) []byte {
		s := sha256.Sum256(append(bytes.Clone(salt), b...))
		return s[:]
	}
	level := data
	for {
		var next []byte
		for i := 0; i < len(level); i += 4096 {
			next = append(next, sum(level[i:i+4096])...)
		}
		if len(next) == 32 {
			return next, stored
		}
		next = append(next, make([]byte, (4096-len(next)%4096)%4096)...)
		stored = append(bytes.Clone(next), stored...)
		level = next
	}
}

var salt = bytes.Repeat([]byte{0x5a}, 32)

func payload(blocks int) []byte {
	out := make([]byte, blocks*4096)
	r := rand.New(rand.NewPCG(1, uint64(blocks)))
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	copy(out, "hsqs")
	binary.LittleEndian.PutUint64(out[40:], uint64(len(out)-100))
	return out
}

func manifest(root, stored []byte, format string) string {
	return fmt.Sprintf(`# ours
[update]
compatible=acme-cam
version = 2023.08-1
description=a sample
build=230822

[bundle]
format=%s
verity-hash=%x
verity-salt=%x
verity-size=%d
crypt-key=%s

[image.rootfs]
filename=rootfs.img
sha256=00
version=7

[image.appfs]
filename=app.img
`, format, root, salt, len(stored), strings.Repeat("5e", 32))
}

func verity(t testing.TB, blocks int, format string) []byte {
	data := payload(blocks)
	root, stored := tree(salt, data)
	return bundle(append(data, stored...), message(t, []byte(manifest(root, stored, format))))
}

func parse(b []byte) (*rauc.Bundle, error) { return rauc.Parse(bytes.NewReader(b), int64(len(b))) }

func detect(b []byte) bool {
	return rauc.Detect(b[:min(len(b), 4096)], bytes.NewReader(b), int64(len(b)))
}

func TestParse(t *testing.T) {
	for _, format := range []string{rauc.Verity, rauc.Crypt} {
		b := verity(t, 130, format)
		require.True(t, detect(b))
		m, err := parse(b)
		require.NoError(t, err)
		assert.Equal(t, format, m.Format)
		assert.Equal(t, int64(130*4096), m.Payload)
		assert.Equal(t, int64(3*4096), m.Tree)
		assert.Equal(t, m.Payload+m.Tree, m.CMSAt)
		assert.False(t, m.Encrypted)
		assert.Equal(t, "2023.08-1", m.Manifest.Get("update", "version"))
		assert.Equal(t, "acme-cam", m.Manifest.Get("update", "compatible"))
		assert.Empty(t, m.Manifest.Get("bundle", "crypt-key"), "a secret")
		assert.Equal(t, []rauc.ManifestImage{{"rootfs", "rootfs.img", "7"}, {"appfs", "app.img", ""}}, m.Manifest.Images)
		assert.Contains(t, string(m.Content), "[update]")
	}
	m, err := parse(bundle(payload(2), message(t, nil)))
	require.NoError(t, err)
	assert.Equal(t, rauc.Plain, m.Format)
	assert.Equal(t, int64(8192), m.CMSAt)
	assert.Nil(t, m.Manifest)
	m, err = parse(bundle(payload(2), enveloped(t)))
	require.NoError(t, err)
	assert.True(t, m.Encrypted)
	assert.Empty(t, m.Format)
}

func TestBadTrailers(t *testing.T) {
	cms := message(t, nil)
	good := bundle(payload(2), cms)
	size := func(n uint64) []byte {
		return binary.BigEndian.AppendUint64(bytes.Clone(good[:len(good)-8]), n)
	}
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[len(good)-7:], "zero": size(0), "huge": size(1 << 63), "longer than the file": size(uint64(len(good)) - 7),
		"one too long": size(uint64(len(cms) + 1)), "one too short": size(uint64(len(cms) - 1)), "cut": good[:len(good)-1], "above the limit": bundle(nil, make([]byte, 2<<20)),
	} {
		_, err := parse(b)
		var e *untrusted.Error
		require.ErrorAs(t, err, &e, name)
	}
	// It still is a bundle, and not a file of no known format.
	assert.True(t, detect(size(0)))
	assert.True(t, detect(good[:len(good)-20]))
	assert.False(t, detect(payload(2)))
	assert.False(t, detect(append(payload(2), make([]byte, 20000)...)))
	assert.False(t, detect(nil))
	lies := bytes.Clone(size(0))
	binary.LittleEndian.PutUint64(lies[40:], 1<<63)
	assert.False(t, detect(lies))
	assert.True(t, detect(bundle(make([]byte, 100), cms)), "an encrypted payload has no magic")
}

func TestBadManifests(t *testing.T) {
	data := payload(3)
	root, stored := tree(salt, data)
	good := manifest(root, stored, "verity")
	edit := func(old, new string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, new, 1)
	}
	hash := hex.EncodeToString(root)
	for name, text := range map[string]string{
		"empty": "", "no equals": edit("build=", "build"), "no section": "a=b\n" + good, "no key": edit("build=", "="), "section twice": good + "[update]\n",
		"key twice": edit("build=", "version="), "unclosed section": edit("[bundle]", "[bundle"), "unnamed section": edit("[bundle]", "[]"),
		"plain inside": edit("format=verity", "format=plain"), "no format": edit("format=verity", "x=y"), "no hash": edit(hash, hash[1:]), "short hash": edit(hash, hash[2:]),
		"short salt": edit("verity-salt=5a", "verity-salt="), "no salt": edit("verity-salt=5a", "verity-salt=zz"), "no size": edit("verity-size=4096", "verity-size=x"),
		"size zero": edit("verity-size=4096", "verity-size=0"), "negative": edit("verity-size=4096", "verity-size=-4096"), "too large": edit("verity-size=4096", "verity-size=8192"),
		"all": edit("verity-size=4096", "verity-size=16384"), "huge": edit("verity-size=4096", "verity-size=99999999999999999999"), "unaligned": edit("verity-size=4096", "verity-size=4095"),
		"long": good + strings.Repeat("#", 300<<10), "many lines": good + manyLines(),
	} {
		_, err := parse(bundle(append(bytes.Clone(data), stored...), message(t, []byte(text))))
		var e *untrusted.Error
		require.ErrorAs(t, err, &e, name)
	}
}

func manyLines() string {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "k%d=1\n", i)
	}
	return b.String()
}

func TestBadMessages(t *testing.T) {
	good := message(t, []byte("x"))
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 0x21
		_, _ = parse(bundle(payload(2), b)) // no panic
	}
	data := bytes.Replace(message(t, nil), []byte{0x86, 0xf7, 0x0d, 1, 7, 2}, []byte{0x86, 0xf7, 0x0d, 1, 7, 6}, 1)
	_, err := parse(bundle(payload(2), data))
	var e *untrusted.Error
	require.ErrorAs(t, err, &e)
}

func FuzzParse(f *testing.F) {
	f.Add(verity(f, 2, "verity"))
	f.Add(bundle(payload(1), message(f, nil)))
	f.Add(bundle(payload(1), enveloped(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		require.True(t, detect(b))
		require.LessOrEqual(t, m.Payload+m.Tree+int64(len(m.CMS))+8, int64(len(b)))
	})
}
