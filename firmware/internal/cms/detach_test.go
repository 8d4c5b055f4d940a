package cms_test

import (
	"bytes"
	"crypto"
	"errors"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func TestDetach(t *testing.T) {
	w := newWorld(t)
	for _, n := range []int{0, 1, 127, 128, 255, 256, 70_000} {
		image := sigtest.Image(n)
		m := w.mutate(image, func(m *maker) { m.embed = true })
		whole := m.make(t)
		message, off, length, err := cms.Detach(bytes.NewReader(whole), int64(len(whole)))
		require.NoError(t, err)
		assert.Equal(t, image, whole[off:off+length])
		_, err = check(message, image, w.options())
		require.NoError(t, err)
		_, err = check(message, append(image, 'x'), w.options())
		assert.Equal(t, sig.Invalid, sig.KindOf(err))

		m.embed = false
		bare := m.make(t)
		_, _, _, err = cms.Detach(bytes.NewReader(bare), int64(len(bare)))
		assert.Equal(t, sig.Malformed, sig.KindOf(err), "there is no content")
		for cut := range 40 {
			_, _, _, err = cms.Detach(bytes.NewReader(whole[:cut]), int64(cut))
			assert.Equal(t, sig.Malformed, sig.KindOf(err), "cut to %d", cut)
		}
		longer := append(bytes.Clone(whole), 0)
		_, _, _, err = cms.Detach(bytes.NewReader(longer), int64(len(longer)))
		assert.Equal(t, sig.Malformed, sig.KindOf(err))
	}
}

// A file that says it is large and cannot be read, but at its ends.
type hole struct {
	head, tail []byte
	size       int64
}

var errHole = errors.New("the content was read")

func (h hole) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		at := off + int64(i)
		switch {
		case at < int64(len(h.head)):
			p[i] = h.head[at]
		case at >= h.size-int64(len(h.tail)):
			p[i] = h.tail[at-(h.size-int64(len(h.tail)))]
		default:
			return i, errHole
		}
	}
	return len(p), nil
}

// Three GiB of content are found without reading a byte of them.
func TestDetachDoesNotReadTheContent(t *testing.T) {
	w := newWorld(t)
	const content = int64(3) << 30
	bare := w.mutate(nil, nil).make(t)
	m, off, n, err := cms.Detach(bytes.NewReader(bare), int64(len(bare)))
	require.Error(t, err, "%d %d %d", len(m), off, n)

	whole := w.mutate([]byte("0123456789"), func(m *maker) { m.embed = true }).make(t)
	_, at, length, err := cms.Detach(bytes.NewReader(whole), int64(len(whole)))
	require.NoError(t, err)
	require.Equal(t, int64(10), length)
	tail := whole[at+length:]
	// The same again, with lengths of four octets and content that is not there.
	long := func(tag byte, n int64) []byte {
		return []byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	}
	oid := encode(t, idSignedData)
	front := encode(t, 1)
	front = append(front, wrap(0x31, wrap(0x30, encode(t, idSHA256)))...)
	data := encode(t, idData)
	octets := long(0x04, content)
	explicit := long(0xa0, content+int64(len(octets)))
	encap := long(0x30, content+int64(len(octets)+len(explicit)+len(data)))
	signed := long(0x30, content+int64(len(octets)+len(explicit)+len(data)+len(encap)+len(front)+len(tail)))
	outer := long(0xa0, content+int64(len(octets)+len(explicit)+len(data)+len(encap)+len(front)+len(tail)+len(signed)))
	all := content + int64(len(octets)+len(explicit)+len(data)+len(encap)+len(front)+len(tail)+len(signed)+len(outer)+len(oid))
	head := bytes.Join([][]byte{long(0x30, all), oid, outer, signed, front, encap, data, explicit, octets}, nil)
	file := hole{head: head, tail: tail, size: int64(len(head)) + content + int64(len(tail))}
	message, at, length, err := cms.Detach(file, file.size)
	require.NoError(t, err)
	assert.Equal(t, int64(len(head)), at)
	assert.Equal(t, content, length)
	_, err = check(message, []byte("0123456789"), w.options())
	require.NoError(t, err)
}

func TestDetachSample(t *testing.T) {
	whole := sigtest.Sample(t, "cms", "rsa-attached.p7m")
	message, off, n, err := cms.Detach(bytes.NewReader(whole), int64(len(whole)))
	require.NoError(t, err)
	assert.Equal(t, sigtest.Sample(t, "payload", "fw.bin"), whole[off:off+n])
	_, err = cms.Parse(message)
	require.NoError(t, err)
}

func FuzzDetach(f *testing.F) {
	w := &world{}
	serial = big.NewInt(1)
	w.root = issue(f, nil, "Root", fixedKey(1), authority)
	m := maker{content: []byte("an image"), embed: true, by: []*entity{w.root}, certs: []*entity{w.root}, hash: crypto.SHA512}
	f.Add(m.make(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		message, off, n, err := cms.Detach(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			require.NotZero(t, sig.KindOf(err), err)
			return
		}
		require.True(t, off >= 0 && n >= 0 && off+n <= int64(len(file)))
		// What can be read detached could be read whole, and is the same.
		one, err := cms.Parse(message)
		if err != nil {
			return
		}
		two, err := cms.Parse(file)
		require.NoError(t, err)
		require.Nil(t, one.Content)
		require.Equal(t, file[off:off+n], two.Content)
	})
}
