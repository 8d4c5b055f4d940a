package hikvision_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/hikvision"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// hidden is the XOR that hides a block's header, as the unpackers describe it.
func hidden(h []byte) []byte {
	k := []byte{0xBA, 0xCD, 0xBC, 0xFE, 0xD6, 0xCA, 0xDD, 0xD3, 0xBA, 0xB9, 0xA3, 0xAB, 0xBF, 0xCB, 0xB5, 0xBE}
	out := bytes.Clone(h)
	for i := range out {
		out[i] ^= k[(i+i/16)%16]
	}
	return out
}

type file struct {
	name string
	data string
	at   uint32 // zero: after the one before
}

// block writes an HKWS block; change works on the plain header before its sum
// is taken.
func block(files []file, change func([]byte)) []byte {
	n := 0x40 + 44*len(files)
	h := make([]byte, n)
	put := binary.LittleEndian.PutUint32
	copy(h, "SWKH")
	put(h[8:], uint32(n))
	put(h[12:], uint32(len(files)))
	put(h[16:], 1)
	put(h[20:], 0x2c)
	put(h[24:], 0xffffffff)
	put(h[28:], 0x50600)
	put(h[0x34:], 0x20150315)
	var body []byte
	for i, f := range files {
		r := h[0x40+44*i:]
		copy(r[:32], f.name)
		at := uint32(n + len(body))
		if f.at != 0 {
			at = f.at
		}
		put(r[32:], at)
		put(r[36:], uint32(len(f.data)))
		var sum uint32
		for _, c := range []byte(f.data) {
			sum += uint32(c)
		}
		put(r[40:], sum)
		body = append(body, f.data...)
	}
	if change != nil {
		change(h)
	}
	var sum uint32
	for _, c := range h[12:] {
		sum += uint32(c)
	}
	put(h[4:], sum)
	return append(hidden(h), body...)
}

func opaque(magic string, n int) []byte {
	return append(hidden(append([]byte(magic), make([]byte, 12)...)), make([]byte, n)...)
}

func parse(b []byte) (*hikvision.Package, error) {
	return hikvision.Parse(bytes.NewReader(b), int64(len(b)))
}

var two = []file{{name: "a.bin", data: "one"}, {name: "b/c", data: "three"}}

func TestParse(t *testing.T) {
	b := block(two, nil)
	p, err := parse(b)
	require.NoError(t, err)
	assert.Equal(t, &hikvision.Package{End: 0x40 + 88 + 8, Blocks: []hikvision.Block{{
		Kind: "HKWS", Length: 0x40 + 88 + 8, HeaderRead: true, HeaderLength: 0x40 + 88, HeaderOK: true,
		HeaderSum: p.Blocks[0].HeaderSum, Language: 1, DeviceClass: 0x2c, OEM: 0xffffffff, Version: 0x50600, Date: 0x20150315,
		Files: []hikvision.File{
			{Name: "a.bin", Offset: 0x40 + 88, Length: 3, Sum: 'o' + 'n' + 'e'},
			{Name: "b/c", Offset: 0x40 + 88 + 3, Length: 5, Sum: 't' + 'h' + 'r' + 'e' + 'e'},
		},
	}}}, p)
	assert.Equal(t, "2015-03-15", p.Blocks[0].Released())
	assert.Equal(t, "EN/ML", p.Blocks[0].LanguageName())

	// Several blocks, and bytes after them.
	all := bytes.Join([][]byte{b, block(nil, func(h []byte) { h[16] = 2 }), b, []byte("rest")}, nil)
	p, err = parse(all)
	require.NoError(t, err)
	require.Len(t, p.Blocks, 3)
	assert.Equal(t, int64(len(all)-4), p.End)
	assert.Equal(t, "CN", p.Blocks[1].LanguageName())
	assert.Equal(t, int64(len(b)+0x40), p.Blocks[2].Offset)
	assert.Equal(t, p.Blocks[2].Offset+0x40+88, p.Blocks[2].Files[0].Offset)
	assert.Equal(t, int64(0x40), p.Blocks[1].Length)

	for magic, kind := range map[string]string{"02KH": "HK20", "03KH": "HK30"} {
		p, err = parse(append(bytes.Clone(b), opaque(magic, 100)...))
		require.NoError(t, err)
		require.Len(t, p.Blocks, 2)
		assert.Equal(t, hikvision.Block{Kind: kind, Offset: int64(len(b)), Length: 116}, p.Blocks[1])
	}
	assert.True(t, hikvision.Detect(b[:4]))
	assert.False(t, hikvision.Detect(b[:3]))
	assert.False(t, hikvision.Detect([]byte("SWKH")))

	// Files may stand in any order.
	p, err = parse(block([]file{{name: "b", data: "22", at: 0x40 + 88 + 1}, {name: "a", data: "1", at: 0x40 + 88}}, nil))
	require.NoError(t, err)
	assert.Equal(t, int64(0x40+88+3), p.End)

	b[5] ^= 1 // the sum in the header
	p, err = parse(b)
	require.NoError(t, err)
	assert.False(t, p.Blocks[0].HeaderOK)
}

func TestReleased(t *testing.T) {
	for date, want := range map[uint32]string{
		0x20150315: "2015-03-15", 0x19900101: "1990-01-01", 0x20991231: "2099-12-31",
		0x19891231: "", 0x21000101: "", 0x20150015: "", 0x20151315: "", 0x20150300: "", 0x20150332: "", 0x2015031a: "", 0: "", 0xffffffff: "",
	} {
		assert.Equal(t, want, (&hikvision.Block{Date: date}).Released(), "%08x", date)
	}
	assert.Equal(t, "0x3", (&hikvision.Block{Language: 3}).LanguageName())
}

func TestHostile(t *testing.T) {
	put := func(at int, v uint32) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint32(h[at:], v) }
	}
	whole := block(two, nil)
	for name, c := range map[string]struct {
		file []byte
		text string
	}{
		"empty":             {nil, "no block"},
		"another":           {[]byte("hello"), "no block"},
		"short":             {whole[:15], "header of a block"},
		"cut in the fields": {whole[:0x3f], "the header is cut short"},
		"cut in the table":  {whole[:0x40+43], "the table of files is cut short"},
		"cut in a file":     {whole[:len(whole)-1], "file b/c reaches beyond the end"},
		"too many files":    {block(two, put(12, 1025)), "1025 files"},
		"count that wraps":  {block(two, put(12, 0x05d1745e)), "files, more than the limit"},
		"other length":      {block(two, put(8, 0x40)), "does not fit 2 files"},
		"offset that wraps": {block(two, put(0x40+32, 0xffffffff)), "reaches beyond the end"},
		"length that wraps": {block(two, put(0x40+36, 0xffffffff)), "reaches beyond the end"},
		"in the header":     {block([]file{{name: "a", data: "x", at: 0x41}}, nil), "lies in the header"},
		"in another":        {block([]file{{name: "a", data: "xxx"}, {name: "b", data: "yyy", at: 0x40 + 88 + 2}}, nil), "in another file"},
		"leads outside":     {block([]file{{name: "../a", data: "x"}}, nil), "lead outside"},
		"no name":           {block([]file{{name: "", data: "x"}}, nil), "lead outside"},
		"33 blocks":         {bytes.Repeat(block(nil, nil), 33), "more than 32 blocks"},
	} {
		_, err := parse(c.file)
		e, ok := errors.AsType[*untrusted.Error](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Contains(t, e.Reason, c.text, name)
	}
	p, err := parse(bytes.Repeat(block(nil, nil), 32))
	require.NoError(t, err)
	assert.Len(t, p.Blocks, 32)
	p, err = parse(block(make1024(), nil))
	require.NoError(t, err)
	assert.Len(t, p.Blocks[0].Files, 1024)
}

// What is wrong with a block behind another is told with its place in the
// file; a few bytes behind the last one are no block.
func TestHostileSecondBlock(t *testing.T) {
	put := func(at int, v uint32) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint32(h[at:], v) }
	}
	first := block(two, nil)
	at := int64(len(first))
	for name, c := range map[string]struct {
		second []byte
		text   string
		at     int64
	}{
		"too many files":   {block(two, put(12, 1025)), "1025 files", at + 12},
		"other length":     {block(two, put(8, 0x40)), "does not fit 2 files", at + 8},
		"leads outside":    {block([]file{{name: "a", data: "x"}, {name: "../b", data: "x"}}, nil), "file 1: a name", at + 0x40 + 44},
		"cut in the table": {first[:0x40+43], "the table of files is cut short", at + 0x40 + 43},
	} {
		_, err := parse(append(bytes.Clone(first), c.second...))
		e, ok := errors.AsType[*untrusted.Error](err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Contains(t, e.Reason, c.text, name)
		assert.Equal(t, c.at, e.Offset, name)
	}
	for n := range 4 {
		p, err := parse(append(bytes.Clone(first), make([]byte, n)...))
		require.NoError(t, err, n)
		assert.Equal(t, at, p.End)
		assert.Len(t, p.Blocks, 1)
	}
}

func make1024() (out []file) {
	for range 1024 {
		out = append(out, file{name: "x"})
	}
	return out
}

func FuzzParse(f *testing.F) {
	f.Add(block(two, nil))
	f.Add(append(block(nil, nil), opaque("03KH", 50)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			_, ok := errors.AsType[*untrusted.Error](err)
			require.True(t, ok, err)
			return
		}
		in := untrusted.File{Size: int64(len(b))}
		for _, block := range p.Blocks {
			require.True(t, in.Holds(block.Offset, block.Length))
			for _, file := range block.Files {
				require.True(t, in.Holds(file.Offset, file.Length))
			}
		}
	})
}
