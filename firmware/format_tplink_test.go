package firmware_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/imagetest"
)

// Both kinds, without a signature yet.
var slp, fwType = imagetest.SLP, imagetest.FwType

func TestInspectTPLink(t *testing.T) {
	m := inspect(t, slp(make([]byte, 100)))
	assert.Equal(t, firmware.FormatTPLink, m.Format)
	assert.Equal(t, firmware.TPLink, m.Claims.Vendor)
	require.Len(t, m.Signatures, 1)
	assert.Equal(t, "rsa-pss-sha256", m.Signatures[0].Scheme)
	assert.Equal(t, int64(0x20), m.Signatures[0].Offset)
	assert.Empty(t, m.Uncovered)
	assert.EqualValues(t, []int64{0x120, m.Size - 0x120}, []int64{m.Parts[0].Offset, m.Parts[0].Length})

	m = inspect(t, fwType(make([]byte, 100)))
	assert.Equal(t, "Cloud", m.Claims.Description)
	assert.Equal(t, int64(0x130), m.Signatures[0].Offset)
	assert.Equal(t, []firmware.Range{{Offset: 0, Length: 0x14, What: "before the signed bytes"}}, m.Uncovered)
}

func TestHostileTPLinkImages(t *testing.T) {
	odd := slp(nil)
	binary.BigEndian.PutUint32(odd, 0xffffffff)
	for name, b := range map[string][]byte{
		"cut signature":       slp(nil)[:256],
		"cut header":          fwType(nil)[:0x100],
		"cut before the word": fwType(nil)[:0x20],
		"odd length word":     odd,
	} {
		var fe *firmware.FormatError
		require.ErrorAs(t, inspectErr(b), &fe, name)
		assert.Equal(t, firmware.FormatTPLink, fe.Format, name)
	}
	assert.NotEqual(t, firmware.FormatTPLink, inspect(t, bytes.Repeat([]byte{0x55}, 64)).Format)
}
