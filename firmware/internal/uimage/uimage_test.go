package uimage_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/uimage"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// image writes an image by U-Boot's description; change works on the header
// before its sum is taken.
func image(kind byte, data []byte, change func([]byte)) []byte {
	h := make([]byte, 64)
	put := binary.BigEndian.PutUint32
	put(h[0:], 0x27051956)
	put(h[8:], 1_700_000_000)
	put(h[12:], uint32(len(data)))
	put(h[24:], crc32.ChecksumIEEE(data))
	h[28], h[29], h[30], h[31] = 5, 2, kind, 1
	copy(h[32:], "a name")
	if change != nil {
		change(h)
	}
	put(h[4:], 0)
	put(h[4:], crc32.ChecksumIEEE(h))
	return append(h, data...)
}

func table(sizes ...uint32) []byte {
	var b []byte
	for _, n := range sizes {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func parse(b []byte) (*uimage.Image, error) {
	return uimage.Parse(bytes.NewReader(b), int64(len(b)))
}

func TestParse(t *testing.T) {
	b := image(2, []byte("kernel"), nil)
	m, err := parse(append(b, "more"...))
	require.NoError(t, err)
	assert.Equal(t, &uimage.Image{
		Name: "a name", Time: time.Unix(1_700_000_000, 0).UTC(), Data: 64, Size: 6,
		Sum: crc32.ChecksumIEEE([]byte("kernel")), OS: 5, Arch: 2, Type: "kernel", Comp: 1, HeaderOK: true,
	}, m)
	assert.True(t, uimage.Detect(b))
	assert.True(t, uimage.Detect(b[:4]))
	assert.False(t, uimage.Detect(b[:3]))
	assert.False(t, uimage.Detect(b[1:]))

	b[33] ^= 1
	m, err = parse(b)
	require.NoError(t, err)
	assert.False(t, m.HeaderOK)
	m, err = parse(image(99, nil, nil))
	require.NoError(t, err)
	assert.Equal(t, "type 99", m.Type)
}

func TestParts(t *testing.T) {
	data := append(table(5, 3, 0), "fivex\x00\x00\x00abc"...)
	m, err := parse(image(4, data, nil))
	require.NoError(t, err)
	assert.Equal(t, []uimage.Part{{Offset: 64 + 12, Length: 5}, {Offset: 64 + 12 + 8, Length: 3}}, m.Parts)
	many := make([]uint32, 65)
	for i := range 64 {
		many[i] = 1
	}
	m, err = parse(image(4, append(table(many...), make([]byte, 256)...), nil))
	require.NoError(t, err)
	assert.Len(t, m.Parts, 64)
	m, err = parse(image(4, table(0), nil))
	require.NoError(t, err)
	assert.Empty(t, m.Parts)
}

func TestHostile(t *testing.T) {
	size := func(n uint32) func([]byte) { return func(h []byte) { binary.BigEndian.PutUint32(h[12:], n) } }
	many := make([]uint32, 66)
	for i := range 65 {
		many[i] = 1
	}
	for name, c := range map[string]struct {
		file []byte
		at   int64
		text string
	}{
		"short":            {image(2, nil, nil)[:63], 0, "header"},
		"no magic":         {make([]byte, 64), 0, "no uImage magic"},
		"too long":         {image(2, []byte("x"), size(2)), 12, "reach beyond the end"},
		"as long as can":   {image(2, []byte("x"), size(0xffffffff)), 12, "reach beyond the end"},
		"no table":         {image(4, []byte("abc"), nil), 64, "no end"},
		"table of no end":  {image(4, table(1), nil), 68, "no end"},
		"65 parts":         {image(4, append(table(many...), make([]byte, 300)...), nil), 64 + 65*4, "more than 64 parts"},
		"part too long":    {image(4, append(table(2, 0), 'x'), nil), 72, "part 0 reaches beyond"},
		"second too long":  {image(4, append(table(1, 1, 0), 'x'), nil), 77, "part 1 reaches beyond"},
		"part without end": {image(4, table(0xffffffff, 0), nil), 72, "part 0 reaches beyond"},
	} {
		_, err := parse(c.file)
		e, ok := errors.AsType[*untrusted.Error](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Contains(t, e.Reason, c.text, name)
		assert.Equal(t, c.at, e.Offset, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(image(2, []byte("kernel"), nil))
	f.Add(image(4, append(table(5, 3, 0), "fivex\x00\x00\x00abc"...), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			_, ok := errors.AsType[*untrusted.Error](err)
			require.True(t, ok, err)
			return
		}
		in := untrusted.File{Size: int64(len(b))}
		require.True(t, in.Holds(m.Data, m.Size))
		for _, p := range m.Parts {
			require.True(t, in.Holds(p.Offset, p.Length))
		}
	})
}
