package signify_test

import (
	"bytes"
	"crypto/sha512"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/signify"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// gzipVerify verifies the signature over the text, and the blocks by it.
func gzipVerify(file []byte, a sig.Anchors) error {
	g, err := signify.ParseGzip(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return err
	}
	c, err := g.Signature.Open(a, sig.Floor{})
	if err != nil {
		return err
	}
	if _, err := sig.VerifyBytes(c, g.Text); err != nil {
		return err
	}
	to, right := g.Blocks()
	for p := file[g.DataAt:]; len(p) > 0; {
		n := min(len(p), 1000)
		_, _ = to.Write(p[:n])
		p = p[n:]
	}
	if !right() {
		return sig.Errorf(sig.Invalid, signify.Scheme, "a block differs")
	}
	return nil
}

func gzipAnchors(t testing.TB, m sigtest.Maker) sig.Anchors { return anchors(t, m.Public("x")) }

// gzipped writes a file of signify's layout.
func gzipped(m sigtest.Maker, data []byte) []byte {
	text := []byte("date=2026-01-01T00:00:00Z\nkey=k.sec\nalgorithm=SHA512/256\nblocksize=65536\n\n")
	for off := 0; off < len(data); off += 65536 {
		text = fmt.Appendf(text, "%x\n", sha512.Sum512_256(data[off:min(len(data), off+65536)]))
	}
	return bytes.Join([][]byte{{0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 3}, m.Signify("Ed", text), text, {0}, data}, nil)
}

func TestGzipSample(t *testing.T) {
	file := sigtest.Sample(t, "signify", "fw.bin.sigz.gz")
	require.NoError(t, gzipVerify(file, anchors(t, sigtest.Sample(t, "signify", "test.pub"))))
	assert.Equal(t, sig.Untrusted, sig.KindOf(gzipVerify(file, anchors(t, sigtest.Sample(t, "signify", "other.pub")))))
}

func TestGzip(t *testing.T) {
	m := sigtest.SeededMaker("12345678")
	a := gzipAnchors(t, m)
	for _, n := range []int{1, 65535, 65536, 65537, 200_000} {
		file := gzipped(m, sigtest.Image(n))
		require.NoError(t, gzipVerify(file, a), n)
		assert.Error(t, gzipVerify(file[:len(file)-1], a))
		assert.Error(t, gzipVerify(append(bytes.Clone(file), 0), a))
		assert.Error(t, gzipVerify(append(bytes.Clone(file), make([]byte, 65536)...), a), "a block more")
		if n > 65536 {
			assert.Error(t, gzipVerify(file[:len(file)-65536], a), "a block less")
		}
	}
	good := gzipped(m, sigtest.Image(1000))
	for name, c := range map[string]struct {
		file []byte
		kind sig.Kind
		text string
	}{
		"no comment":    {append([]byte{0x1f, 0x8b, 8, 0}, good[4:]...), sig.Malformed, "no gzip file with a signature"},
		"other comment": {bytes.Replace(good, []byte("untrusted"), []byte("mistrusted"), 1), sig.Malformed, "no gzip file with a signature"},
		"short":         {good[:20], sig.Malformed, "no gzip file with a signature"},
		"no end":        {append(bytes.Clone(good[:100]), bytes.Repeat([]byte("x"), 3<<20)...), sig.Malformed, "no end"},
		"no signature":  {append(bytes.Clone(good[:40]), 0), sig.Malformed, "cannot be read"},
		"other digests": {bytes.Replace(good, []byte("SHA512/256"), []byte("SHA256"), 1), sig.Unsupported, "another kind"},
		"other blocks":  {bytes.Replace(good, []byte("65536"), []byte("32768"), 1), sig.Unsupported, "another kind"},
	} {
		err := gzipVerify(c.file, a)
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, c.text, name)
	}
}

// What signify signs with -z verifies, and no change does, but of the header's
// first bytes and the untrusted comment.
func TestGzipFresh(t *testing.T) {
	tool := sigtest.Stranger(t, "signify-openbsd")
	gzip := sigtest.Stranger(t, "gzip")
	sigtest.Write(t, sigtest.Image(200_000), tool.Dir, "fw.bin")
	gzip.Run("-n", tool.Dir+"/fw.bin")
	tool.Run("-G", "-n", "-p", "k.pub", "-s", "k.sec")
	tool.Run("-S", "-z", "-s", "k.sec", "-m", "fw.bin.gz", "-x", "signed.gz")
	file := sigtest.Read(t, tool.Dir+"/signed.gz")
	a := anchors(t, sigtest.Read(t, tool.Dir+"/k.pub"))
	require.NoError(t, gzipVerify(file, a))
	commentEnd := bytes.IndexByte(file, '\n')
	judge := func(at int, changed []byte) {
		err := gzipVerify(changed, a)
		free := at >= 4 && at < 10 || at >= 10+len("untrusted comment: ") && at < commentEnd
		if err == nil {
			require.True(t, free, "byte %d", at)
		} else {
			require.NotZero(t, sig.KindOf(err), err)
		}
	}
	sigtest.Changes(file, 1000, judge)
	sigtest.Changes(file[:1000], 1000, func(at int, changed []byte) {
		judge(at, append(bytes.Clone(changed), file[1000:]...))
	})
}

func FuzzParseGzip(f *testing.F) {
	m := sigtest.SeededMaker("12345678")
	a := gzipAnchors(f, m)
	data := []byte("deflated")
	f.Add(gzipped(m, data))
	f.Fuzz(func(t *testing.T, file []byte) {
		if err := gzipVerify(file, a); err != nil {
			require.NotZero(t, sig.KindOf(err), err)
			return
		}
		require.True(t, bytes.HasSuffix(file, data))
	})
}
