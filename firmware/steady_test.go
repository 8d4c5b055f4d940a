package firmware_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// A swap is a file that becomes another after so many reads.
type swap struct {
	before, after []byte
	reads         int
}

func (s *swap) ReadAt(p []byte, off int64) (int, error) {
	s.reads--
	if s.reads >= 0 {
		return bytes.NewReader(s.before).ReadAt(p, off)
	}
	return bytes.NewReader(s.after).ReadAt(p, off)
}

// One who can write to the file shows the parser a description with the
// digests of his own payload, and the pass the signed one beside that payload.
// No verdict may come of it, whenever he changes the file.
func TestNoVerdictOnAFileThatChanges(t *testing.T) {
	f := pick(t, gather(t, freshSWU), "SWUpdate rsa")
	forged := bytes.Clone(f.image)
	payload := bytes.Index(forged, []byte("an application"))
	copy(forged[payload:], "AN APPLICATION")
	sum := sha256Hex([]byte("an application"))
	at := bytes.Index(forged, []byte(sum))
	require.Positive(t, at)
	shown := bytes.Clone(forged)
	copy(shown[at:], sha256Hex([]byte("AN APPLICATION")))
	v, err := firmware.NewVerifier(f.trust)
	require.NoError(t, err)
	changed := 0
	for reads := range 20 {
		r, err := v.Verify(t.Context(), &swap{shown, forged, reads}, int64(len(forged)), nil)
		if err != nil {
			require.ErrorIs(t, err, firmware.ErrChanged)
			changed++
			continue
		}
		assert.NotEqual(t, firmware.Accepted, r.Verdict, reads)
	}
	assert.Positive(t, changed)
	r, err := v.Verify(t.Context(), &swap{f.image, f.image, 3}, int64(len(f.image)), nil)
	require.NoError(t, err)
	assert.Equal(t, firmware.Accepted, r.Verdict)
}

// A tree that is made to be read nearly whole is refused, and not remembered.
func TestHugeStructures(t *testing.T) {
	const property = 8300 // just too long to be kept
	word := func(b []byte, v ...uint32) []byte {
		for _, x := range v {
			b = binary.BigEndian.AppendUint32(b, x)
		}
		return b
	}
	body := word(nil, 1, 0)
	for range 2500 {
		// A node with one property of the name at 0.
		body = word(body, 1, 0x61000000|uint32(len(body)%26)<<16, 3, property-12, 0)
		body = append(body, make([]byte, property-12)...)
		body = word(body, 2)
	}
	b := word(nil, 0xd00dfeed, uint32(56+len(body)+12+2), 56, uint32(56+len(body)+12), 40, 17, 16, 0, 2, uint32(len(body)+12))
	b = append(append(b, make([]byte, 16)...), body...)
	b = append(word(b, 2, 9, 4), "p\x00"...)
	var e *firmware.FormatError
	require.ErrorAs(t, inspectErr(b), &e)
	assert.Equal(t, firmware.FormatFIT, e.Format)
}
