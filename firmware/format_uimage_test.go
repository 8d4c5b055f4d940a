package firmware_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/imagetest"
)

// placed tells that all that an image is said to hold lies within it, and that
// what nothing covers is told in order, each byte once.
func placed(t *testing.T, m *firmware.Image) {
	t.Helper()
	for _, p := range m.Parts {
		require.True(t, p.Offset >= 0 && p.Length >= 0 && p.Length <= m.Size-p.Offset, "%+v", p)
	}
	for _, s := range m.Signatures {
		require.True(t, s.Offset >= 0 && s.Length >= 0 && s.Length <= m.Size-s.Offset, "%+v", s)
	}
	at := int64(0)
	for _, u := range m.Uncovered {
		require.True(t, u.Offset >= at && u.Length > 0 && u.Offset+u.Length <= m.Size && u.What != "", "%+v", m.Uncovered)
		at = u.Offset + u.Length
	}
}

func inspect(t *testing.T, b []byte) *firmware.Image {
	t.Helper()
	m, err := firmware.Inspect(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	placed(t, m)
	return m
}

func inspectErr(b []byte) error {
	_, err := firmware.Inspect(bytes.NewReader(b), int64(len(b)))
	return err
}

func TestInspectUImage(t *testing.T) {
	b := append(imagetest.UImage(2, "kernel", make([]byte, 1000)), 1, 2, 3)
	m := inspect(t, b)
	assert.Equal(t, firmware.FormatUImage, m.Format)
	assert.Equal(t, "kernel", m.Claims.Description)
	assert.Equal(t, "2023-08-22", m.Claims.Released)
	assert.Equal(t, []firmware.Part{{Name: "kernel", Kind: "kernel", Offset: 64, Length: 1000}}, m.Parts)
	assert.Equal(t, []firmware.Range{{Offset: 1064, Length: 3, What: "trailing data"}}, m.Uncovered)
}

func TestInspectUImageOfSeveralParts(t *testing.T) {
	table := []byte{0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 0}
	m := inspect(t, imagetest.UImage(4, "multi", append(table, "aaaaa\x00\x00\x00bb"...)))
	require.Len(t, m.Parts, 3)
	assert.Equal(t, firmware.Part{Name: "part 0", Offset: 76, Length: 5}, m.Parts[1])
	assert.Equal(t, firmware.Part{Name: "part 1", Offset: 84, Length: 2}, m.Parts[2])
	assert.Empty(t, m.Uncovered)
}

func TestHostileUImages(t *testing.T) {
	huge := imagetest.UImage(2, "k", make([]byte, 10))
	binary.BigEndian.PutUint32(huge[12:], 0xffffffff)
	for name, b := range map[string][]byte{
		"cut header":    imagetest.UImage(2, "k", nil)[:40],
		"cut data":      imagetest.UImage(2, "k", make([]byte, 100))[:120],
		"huge size":     huge,
		"endless table": imagetest.UImage(4, "m", bytes.Repeat([]byte{0, 0, 0, 1}, 10)),
		"many parts":    imagetest.UImage(4, "m", append(bytes.Repeat([]byte{0, 0, 0, 1}, 65), make([]byte, 300)...)),
		"part too long": imagetest.UImage(4, "m", []byte{0, 0, 0, 9, 0, 0, 0, 0, 1, 2, 3}),
		"no table":      imagetest.UImage(4, "m", []byte{0, 0}),
	} {
		err := inspectErr(b)
		var fe *firmware.FormatError
		require.ErrorAs(t, err, &fe, name)
		assert.Equal(t, firmware.FormatUImage, fe.Format, name)
		assert.ErrorIs(t, err, camsec.ErrMalformed, name)
	}
}

func TestInspectPlainFiles(t *testing.T) {
	for _, b := range [][]byte{nil, {0x27}, []byte("anything else")} {
		m := inspect(t, b)
		assert.Equal(t, firmware.FormatPlain, m.Format)
		assert.Equal(t, int64(len(b)), m.Size)
	}
}
