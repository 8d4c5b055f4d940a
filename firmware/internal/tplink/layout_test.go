package tplink_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/tplink"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// slp and fwType write the two layouts, with a signature of 1, 2, 3 and so on.
func slp(word uint32, n int) []byte {
	b := make([]byte, n)
	binary.BigEndian.PutUint32(b, word)
	copy(b[4:], "\x55\xAA\x4C\x5E\x83\x1F\x53\x4B\xA1\xF8\xF7\xC9\x18\xDF\x8F\xBF\x7D\xA1\xAA\x55")
	for i := range min(256, max(0, n-0x20)) {
		b[0x20+i] = byte(i)
	}
	return b
}

func fwType(word uint32, n int) []byte {
	b := make([]byte, n)
	copy(b[0x14:], "fw-type:Cloud\nmore")
	binary.BigEndian.PutUint32(b[0x110:], word)
	for i := range min(256, max(0, n-0x130)) {
		b[0x130+i] = byte(i)
	}
	return b
}

func parse(b []byte) (*tplink.Image, error) {
	return tplink.Parse(bytes.NewReader(b), int64(len(b)))
}

func TestParse(t *testing.T) {
	m, err := parse(slp(0x200, 1000))
	require.NoError(t, err)
	assert.Equal(t, "slp", m.Kind)
	assert.Equal(t, []int64{0x20, 0, 2048}, []int64{m.SignatureAt, m.SignedFrom, int64(m.Bits)})
	require.Len(t, m.Signature, 256)
	assert.Equal(t, []byte{255, 254}, m.Signature[:2], "the file has it reversed")
	m, err = parse(slp(0x100, 0x20+128))
	require.NoError(t, err)
	assert.Equal(t, 1024, m.Bits)
	assert.Len(t, m.Signature, 128)
	m, err = parse(fwType(0x200, 0x130+256))
	require.NoError(t, err)
	assert.Equal(t, []string{"fw-type", "Cloud"}, []string{m.Kind, m.Type})
	assert.Equal(t, []int64{0x130, 0x14, 2048}, []int64{m.SignatureAt, m.SignedFrom, int64(m.Bits)})

	assert.True(t, tplink.Detect(slp(0x200, 24)))
	assert.False(t, tplink.Detect(slp(0x200, 24)[:23]))
	assert.True(t, tplink.Detect(fwType(0x200, 1000)[:0x14+8]))
	assert.False(t, tplink.Detect(fwType(0x200, 1000)[:0x14+7]))
	assert.False(t, tplink.Detect(make([]byte, 1000)))
}

func TestHostile(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		at   int64
		text string
	}{
		"another":            {make([]byte, 1000), 0, "no TP-Link magic"},
		"empty":              {nil, 0, "no TP-Link magic"},
		"length":             {slp(0x201, 1000), 0, "length of 0x201"},
		"length, zero":       {slp(0, 1000), 0, "length of 0x0"},
		"length, large":      {slp(0xffffffff, 1000), 0, "length of 0xffffffff"},
		"length of fw-type":  {fwType(0x400, 1000), 0x110, "length of 0x400"},
		"cut":                {slp(0x200, 0x20+255), 0x20, "signature reaches beyond"},
		"fw-type, cut":       {fwType(0x200, 0x130+255), 0x130, "signature reaches beyond"},
		"fw-type, head only": {fwType(0x200, 1000)[:0x12f], 0x12f, "the header is cut short"},
	} {
		_, err := parse(c.file)
		e, ok := errors.AsType[*untrusted.Error](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Contains(t, e.Reason, c.text, name)
		assert.Equal(t, c.at, e.Offset, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(slp(0x200, 400))
	f.Add(fwType(0x100, 600))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			_, ok := errors.AsType[*untrusted.Error](err)
			require.True(t, ok, err)
			return
		}
		in := untrusted.File{Size: int64(len(b))}
		require.True(t, in.Holds(m.SignatureAt, int64(len(m.Signature))) && m.SignedFrom <= m.SignatureAt)
	})
}
