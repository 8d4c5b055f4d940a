package untrusted_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

const maxInt64 = 1<<63 - 1

func TestHolds(t *testing.T) {
	f := untrusted.File{Size: 10}
	for _, c := range []struct {
		off, n int64
		want   bool
	}{
		{0, 0, true},
		{0, 10, true},
		{10, 0, true},
		{9, 1, true},
		{3, 4, true},
		{0, 11, false},
		{10, 1, false},
		{11, 0, false},
		{9, 2, false},
		{-1, 1, false},
		{1, -1, false},
		{1, maxInt64, false},
		{maxInt64, 1, false},
		{maxInt64, maxInt64, false},
	} {
		assert.Equal(t, c.want, f.Holds(c.off, c.n), "%d bytes at %d of 10", c.n, c.off)
	}
}

type broken struct{ err error }

func (b broken) ReadAt(p []byte, _ int64) (int, error) { return 0, b.err }

func TestBytes(t *testing.T) {
	f := untrusted.File{R: bytes.NewReader([]byte("0123456789")), Size: 10}
	b, err := f.Bytes(3, 4, 4, "piece")
	require.NoError(t, err)
	assert.Equal(t, "3456", string(b))
	b, err = f.Bytes(10, 0, 4, "piece")
	require.NoError(t, err)
	assert.Empty(t, b)
	for _, c := range []struct {
		off, n, limit int64
		text          string
	}{
		{3, 4, 3, "at 3: piece: 4 bytes, more than the limit of 3"},
		{3, -1, 3, "at 3: piece: -1 bytes, more than the limit of 3"},
		{3, 8, 9, "at 3: piece reaches beyond the end of the file"},
		{-3, 8, 9, "at -3: piece reaches beyond the end of the file"},
	} {
		_, err := f.Bytes(c.off, c.n, c.limit, "piece")
		assert.EqualError(t, err, c.text)
		e, ok := errors.AsType[*untrusted.Error](err)
		require.True(t, ok)
		assert.Equal(t, c.off, e.Offset)
	}
	// A reader that has less than it says is no fault of the file's.
	short := untrusted.File{R: bytes.NewReader([]byte("01")), Size: 10}
	_, err = short.Bytes(1, 2, 2, "piece")
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "reading at 1")
	for _, cause := range []error{nil, io.EOF} {
		_, err = untrusted.File{R: broken{cause}, Size: 10}.Bytes(1, 2, 2, "piece")
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	cause := errors.New("no disk")
	_, err = untrusted.File{R: broken{cause}, Size: 10}.Bytes(1, 2, 2, "piece")
	assert.ErrorIs(t, err, cause)
	_, ok := errors.AsType[*untrusted.Error](err)
	assert.False(t, ok)
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "plain": "plain", "a\x00b": "a", "\x00": "", "a\x1b[2J\n": "a?[2J?", "a\xffb": "a?b", "für 摄": "für 摄", "a\u202eb": "a?b",
	} {
		assert.Equal(t, want, untrusted.Text([]byte(in)))
	}
}

func TestSafeName(t *testing.T) {
	for _, name := range []string{"a", "a.b", "a/b", "..a", "a..", ".", "a/./b", "für", " "} {
		assert.True(t, untrusted.SafeName(name), name)
	}
	for _, name := range []string{"", "/", "/a", "..", "../a", "a/..", "a/../b", `a\b`, "C:a", "a\nb", "a\x7fb", "a\xffb", "a\x00"} {
		assert.False(t, untrusted.SafeName(name), name)
	}
}

func TestDER(t *testing.T) {
	for _, c := range []struct {
		head []byte
		want int64
	}{
		{nil, 0},
		{[]byte{0x30}, 0},
		{[]byte{0x31, 5}, 0},
		{[]byte{0x30, 0}, 2},
		{[]byte{0x30, 0x7f}, 129},
		{[]byte{0x30, 0x80}, 0}, // BER's indefinite length
		{[]byte{0x30, 0x81}, 0}, // the length itself is missing
		{[]byte{0x30, 0x81, 0x80}, 131},
		{[]byte{0x30, 0x82, 1, 2, 0xff}, 4 + 258},
		{[]byte{0x30, 0x82, 1}, 0},
		{[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, 6 + 1<<32 - 1},
		{[]byte{0x30, 0x85, 0, 0, 0, 0, 1}, 0},
	} {
		assert.Equal(t, c.want, untrusted.DER(c.head), "%x", c.head)
	}
}

func TestClean(t *testing.T) {
	assert.Equal(t, "[31mred 門 é.\uFFFDx", untrusted.Clean("\x1b[31mr\u202eed\u200b \u2066門\u2028 é\x00.\x85\u0085\ufeffx"))
}
