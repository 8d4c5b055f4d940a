package fwtool_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/fwtool"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// add appends a chunk as fwtool does.
func add(file []byte, kind byte, body string) []byte {
	file = append(bytes.Clone(file), body...)
	sum := ^crc32.ChecksumIEEE(file)
	file = append(file, "FWx0"...)
	file = binary.BigEndian.AppendUint32(file, sum)
	file = append(file, kind, 0, 0, 0)
	return binary.BigEndian.AppendUint32(file, uint32(len(body)+16))
}

const (
	zeros = "\x00\x00\x00\x00\x00\x00\x00\x00"
	meta  = zeros + `{"metadata_version":"1.1","compat_version":"1.0","supported_devices":["acme,cam","acme,dome"],
		"version":{"dist":"AcmeWrt","version":"5.7","revision":"r1","target":"cam/generic","board":"cam"}}` + "\n"
	usign = "untrusted comment: x\nAAAA\n"
)

var image = bytes.Repeat([]byte("image"), 100)

func parse(b []byte) (*fwtool.File, error) { return fwtool.Parse(bytes.NewReader(b), int64(len(b))) }

func TestParse(t *testing.T) {
	b := add(add(image, 1, meta), 0, usign)
	require.True(t, fwtool.Detect(bytes.NewReader(b), int64(len(b))))
	f, err := parse(b)
	require.NoError(t, err)
	assert.Equal(t, int64(len(image)), f.Image)
	assert.Equal(t, usign, string(f.Signature))
	assert.Equal(t, int64(len(image)+len(meta)+16), f.SignatureAt)
	assert.Equal(t, fwtool.Metadata{
		Devices: []string{"acme,cam", "acme,dome"}, Dist: "AcmeWrt", Version: "5.7", Revision: "r1", Target: "cam/generic", Board: "cam", CompatVersion: "1.0",
	}, f.Metadata)
	require.Len(t, f.Chunks, 2)
	assert.True(t, f.Chunks[0].Info())
	assert.False(t, f.Chunks[1].Info())
	assert.Equal(t, byte('{'), b[f.Chunks[0].Offset])
	assert.Equal(t, f.Chunks[0].End(), f.Chunks[1].Start)
	assert.Equal(t, int64(len(b)), f.Chunks[1].End())
	for _, c := range f.Chunks {
		sum := crc32.ChecksumIEEE(b[:c.Offset+c.Length])
		assert.True(t, c.SumIs(sum))
		assert.False(t, c.SumIs(^sum))
	}
	assert.False(t, fwtool.IsCert(f.Signature))
	assert.True(t, fwtool.IsCert([]byte{0, 0, 1, 2}))
}

// A signature that does not come last is none: fwtool does not find it.
func TestOnlyTheLastSignatureCounts(t *testing.T) {
	f, err := parse(add(add(image, 0, usign), 1, meta))
	require.NoError(t, err)
	assert.Nil(t, f.Signature)
	assert.Len(t, f.Chunks, 2)
	f, err = parse(add(add(image, 0, "untrusted comment: first\n"), 0, usign))
	require.NoError(t, err)
	assert.Equal(t, usign, string(f.Signature))
	f, err = parse(add(add(image, 0, usign), 7, "of a kind that is not known"))
	require.NoError(t, err)
	assert.Nil(t, f.Signature)
	f, err = parse(add(nil, 0, usign))
	require.NoError(t, err)
	assert.Zero(t, f.Image)
}

func TestBadTrailers(t *testing.T) {
	good := add(image, 1, meta)
	size := func(n uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[len(b)-4:], n)
		return b
	}
	many := image
	for range 9 {
		many = add(many, 0, usign)
	}
	pad := bytes.Clone(good)
	pad[len(pad)-5] = 1
	for name, b := range map[string][]byte{
		"none": image, "empty": nil, "huge": size(0xffffffff), "too small": size(15), "beyond the file": size(uint32(len(good) + 1)), "above the limit": add(make([]byte, 1000), 0, strings.Repeat("x", 33<<10)),
		"padding": pad, "many": many, "metadata twice": add(good, 1, meta), "no JSON": add(image, 1, zeros+"{"), "no header": add(image, 1, "{}"), "another version": add(image, 1, "\x00\x00\x00\x01\x00\x00\x00\x00{}"),
	} {
		_, err := parse(b)
		var e *untrusted.Error
		require.ErrorAs(t, err, &e, name)
		end := int64(len(b))
		if at, ok := map[string]int64{"huge": end - 4, "too small": end - 4, "beyond the file": end - 4, "padding": end - 7, "no JSON": int64(len(image)) + 8, "no header": int64(len(image))}[name]; ok {
			assert.Equal(t, at, e.Offset, name)
		}
	}
	_, err := parse(add(nil, 0, ""))
	require.NoError(t, err, "a trailer, and nothing else")
	_, err = parse(add(nil, 0, strings.Repeat("x", 32<<10-16)))
	require.NoError(t, err, "as long as a chunk may be")
	_, err = parse(add(nil, 0, strings.Repeat("x", 32<<10-15)))
	require.Error(t, err)
	assert.False(t, fwtool.Detect(bytes.NewReader(good), int64(len(good)-1)))
	assert.False(t, fwtool.Detect(bytes.NewReader(nil), 0))
	f, err := parse(add(image, 1, zeros+"{}\x00\x00"))
	require.NoError(t, err)
	assert.Equal(t, fwtool.Metadata{}, f.Metadata)
	_, err = parse(add(make([]byte, 10), 0, ""))
	assert.NoError(t, err, "a chunk of its trailer alone")
}

func FuzzParse(f *testing.F) {
	f.Add(add(add(image, 1, meta), 0, usign))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		at := m.Image
		for _, c := range m.Chunks {
			require.Equal(t, at, c.Start)
			at = c.End()
		}
		require.Equal(t, int64(len(b)), at)
	})
}
