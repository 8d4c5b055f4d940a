package bosch_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/bosch"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// image writes a header and what it heads.
func image(target, kind uint32, body []byte, change func([]byte)) []byte {
	h := make([]byte, 0x400)
	put := binary.BigEndian.PutUint32
	put(h, 0x10122003)
	put(h[4:], target)
	put(h[8:], 7)
	put(h[12:], 0x06320111)
	put(h[16:], uint32(len(body)))
	var sum uint32
	for _, c := range body {
		sum += uint32(c)
	}
	put(h[24:], sum)
	put(h[28:], kind)
	if change != nil {
		change(h)
	}
	return append(h, body...)
}

// record writes a record in the form that hides it.
func record(name string, data []byte, change func([]byte)) []byte {
	size := (0x40 + len(data) + 15) / 16 * 16
	r := make([]byte, size)
	put := binary.BigEndian.PutUint32
	put(r, 0xDEADAFFE)
	put(r[4:], uint32(size))
	copy(r[8:40], name)
	put(r[40:], uint32(len(data)))
	copy(r[0x40:], data)
	if change != nil {
		change(r)
	}
	for i := range r {
		r[i] ^= 0x42
	}
	return r
}

func plain(b []byte) []byte {
	out := bytes.Clone(b)
	for i := range out {
		out[i] ^= 0x42
	}
	return out
}

var end = bytes.Repeat([]byte{0x42}, 0x40)

func parse(b []byte) (*bosch.Image, error) {
	return bosch.Parse(bytes.NewReader(b), int64(len(b)))
}

func TestParse(t *testing.T) {
	inner := bytes.Join([][]byte{record("x", []byte("12345"), nil), record("y", nil, nil), end}, nil)
	list := bytes.Join([][]byte{record("kernel", []byte("abc"), nil), record("RomFS1", plain(inner), nil), end, []byte("padding")}, nil)
	m, err := parse(image(1, 0, list, nil))
	require.NoError(t, err)
	assert.Equal(t, []int64{0x400, int64(len(list)), 0x4c, 0}, []int64{m.Offset, m.Length, m.SignatureAt, m.HeaderAt()})
	assert.Equal(t, []uint32{1, 7, 0x06320111}, []uint32{m.Target, m.Variant, m.Version})
	assert.False(t, m.Encrypted)
	romfs := int64(0x400 + 0x50 + 0x40)
	assert.Equal(t, []bosch.Record{
		{Name: "kernel", Offset: 0x440, Length: 3},
		{Name: "RomFS1", Offset: romfs, Length: int64(len(inner))},
		{Name: "RomFS1/x", Offset: romfs + 0x40, Length: 5},
		{Name: "RomFS1/y", Offset: romfs + 0x50 + 0x40, Length: 0},
	}, m.Records)

	// A file of one piece, an encrypted one, and a container of both.
	one := image(1, 1, []byte("raw"), nil)
	hidden := image(1, 0, []byte("hidden"), func(h []byte) { h[0x24c+255] = 1 })
	m, err = parse(one)
	require.NoError(t, err)
	assert.Empty(t, m.Records)
	m, err = parse(hidden)
	require.NoError(t, err)
	assert.True(t, m.Encrypted)
	m, err = parse(image(0x10, 0, append(bytes.Clone(one), hidden...), nil))
	require.NoError(t, err)
	require.Len(t, m.Images, 2)
	assert.Equal(t, int64(0x400), m.Images[0].HeaderAt())
	assert.Equal(t, int64(0x400+len(one)+0x4c), m.Images[1].SignatureAt)
	assert.True(t, m.Images[1].Encrypted)

	assert.True(t, bosch.Detect(one[:4]))
	assert.False(t, bosch.Detect(one[:3]))
	assert.False(t, bosch.Detect(one[1:]))

	// A RomFS whose bytes are no list is one record.
	m, err = parse(image(1, 0, record("RomFS", bytes.Repeat([]byte{1}, 100), nil), nil))
	require.NoError(t, err)
	assert.Len(t, m.Records, 1)
}

// wrongAt is where the field lies that a hostile file is refused for.
var wrongAt = map[string]int64{
	"cut": 16, "length that wraps": 16, "no record": 0x400, "next is short": 0x404, "longer than its own": 0x404,
	"leads outside": 0x408, "no name": 0x408, "a list in a record": 0x400 + 0x40 + 0x40 + 8,
}

// Lists in records are followed so deep, and no deeper; one record is a list.
func TestListsInLists(t *testing.T) {
	inner := record("last", nil, nil)
	for range 6 {
		inner = record("RomFS", plain(inner), nil)
	}
	m, err := parse(image(1, 0, inner, nil))
	require.NoError(t, err)
	require.Len(t, m.Records, 5)
	assert.Equal(t, "RomFS/RomFS/RomFS/RomFS/RomFS", m.Records[4].Name)
	m, err = parse(image(1, 0, record("RomFS", plain(record("only", nil, nil)), nil), nil))
	require.NoError(t, err)
	require.Len(t, m.Records, 2)
	assert.Equal(t, "RomFS/only", m.Records[1].Name)
}

func TestHostile(t *testing.T) {
	put := func(at int, v uint32) func([]byte) {
		return func(h []byte) { binary.BigEndian.PutUint32(h[at:], v) }
	}
	leaf := image(1, 1, nil, nil)
	deep := leaf
	for range 5 {
		deep = image(0x10, 0, deep, nil)
	}
	good := image(1, 0, append(record("a", []byte("abc"), nil), record("b", nil, nil)...), nil)
	for name, c := range map[string]struct {
		file []byte
		text string
	}{
		"short":               {good[:0x3ff], "the header is cut short"},
		"another":             {make([]byte, 0x400), "no image where"},
		"cut":                 {good[:len(good)-1], "reach beyond the end"},
		"length that wraps":   {image(1, 1, nil, put(16, 0xffffffff)), "reach beyond the end"},
		"container of junk":   {image(0x10, 0, make([]byte, 0x400), nil), "no image where"},
		"container, cut":      {image(0x10, 0, leaf[:100], nil), "the header is cut short"},
		"five levels":         {deep, "more than 4 levels"},
		"64 in a container":   {image(0x10, 0, bytes.Repeat(leaf, 64), nil), "more than 64 images"},
		"no record":           {image(1, 0, bytes.Repeat([]byte{1}, 0x40), nil), "no record where"},
		"next is short":       {image(1, 0, record("a", nil, put(4, 0x3f)), nil), "reaches beyond"},
		"next is far":         {image(1, 0, record("a", nil, put(4, 0x41)), nil), "reaches beyond"},
		"next is zero":        {image(1, 0, record("a", nil, put(4, 0)), nil), "reaches beyond"},
		"longer than its own": {image(1, 0, record("a", nil, put(40, 1)), nil), "reaches beyond"},
		"leads outside":       {image(1, 0, record("../a", nil, nil), nil), "lead outside"},
		"no name":             {image(1, 0, record("", nil, nil), nil), "lead outside"},
		"a list in a record":  {image(1, 0, record("RomFS", plain(append(record("a", nil, nil), record("../b", nil, nil)...)), nil), nil), "lead outside"},
		"1025 records":        {image(1, 0, bytes.Repeat(record("a", nil, nil), 1025), nil), "more than 1024 records"},
	} {
		_, err := parse(c.file)
		e, ok := errors.AsType[*untrusted.Error](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Contains(t, e.Reason, c.text, name)
		if at, ok := wrongAt[name]; ok {
			assert.Equal(t, at, e.Offset, name)
		}
	}
	m, err := parse(image(1, 0, bytes.Repeat(record("a", nil, nil), 1024), nil))
	require.NoError(t, err)
	assert.Len(t, m.Records, 1024)
	m, err = parse(image(0x10, 0, bytes.Repeat(leaf, 63), nil))
	require.NoError(t, err)
	assert.Len(t, m.Images, 63)
}

func FuzzParse(f *testing.F) {
	f.Add(image(1, 0, append(record("a", []byte("abc"), nil), record("RomFS", plain(record("b", nil, nil)), nil)...), nil))
	f.Add(image(0x10, 0, image(1, 1, []byte("raw"), nil), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			_, ok := errors.AsType[*untrusted.Error](err)
			require.True(t, ok, err)
			return
		}
		in := untrusted.File{Size: int64(len(b))}
		var walk func(*bosch.Image)
		walk = func(m *bosch.Image) {
			require.True(t, in.Holds(m.Offset, m.Length))
			for _, r := range m.Records {
				require.True(t, in.Holds(r.Offset, r.Length))
			}
			for i := range m.Images {
				walk(&m.Images[i])
			}
		}
		walk(m)
	})
}
