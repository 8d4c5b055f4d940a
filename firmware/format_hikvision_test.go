package firmware_test

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/imagetest"
)

func goodHKWS() []byte {
	return imagetest.HKWS(
		1,
		imagetest.File{Name: "hicore.tar.lzma", Data: bytes.Repeat([]byte("hicore"), 5000)},
		imagetest.File{Name: "initrun.sh", Data: []byte("#!/bin/sh\n")},
		imagetest.File{Name: "uImage", Data: bytes.Repeat([]byte{0xff}, 20_000)},
	)
}

// patched changes a header's bytes and makes its sum right again.
func patched(at int, b ...byte) []byte {
	all := goodHKWS()
	const headerLength = 0x40 + 3*44
	h := imagetest.Hidden(all[:headerLength])
	copy(h[at:], b)
	binary.LittleEndian.PutUint32(h[4:], imagetest.ByteSum(h[12:]))
	copy(all, imagetest.Hidden(h))
	return all
}

func checkIntegrity(t *testing.T, b []byte) *firmware.Report {
	t.Helper()
	r, err := firmware.CheckIntegrity(t.Context(), bytes.NewReader(b), int64(len(b)), nil)
	require.NoError(t, err)
	return r
}

func TestHikvisionPackage(t *testing.T) {
	b := goodHKWS()
	m := inspect(t, b)
	assert.Equal(t, firmware.FormatHikvision, m.Format)
	assert.Equal(t, firmware.Claims{Vendor: firmware.Hikvision, Language: "EN/ML", DeviceClass: "0x2C", Released: "2023-08-22"}, m.Claims)
	require.Len(t, m.Parts, 3)
	assert.Equal(t, firmware.Part{Name: "hicore.tar.lzma", Kind: "file", Offset: 0xC4, Length: 30_000}, m.Parts[0])
	assert.Empty(t, m.Uncovered)

	r := checkIntegrity(t, b)
	assert.Equal(t, firmware.IntegrityChecksum, r.Integrity.Status)
	assert.Equal(t, firmware.NotVerifiable, r.Verdict)
	assert.Equal(t, "CN", inspect(t, imagetest.HKWS(2)).Claims.Language)
}

// Every byte of a package is covered by a sum, and no sum proves an origin.
func TestHikvisionSums(t *testing.T) {
	good := goodHKWS()
	for i := 0; i < len(good); i += 7 {
		b := bytes.Clone(good)
		b[i] ^= 0x10
		r := checkIntegrity(t, b)
		if r.Format == firmware.FormatPlain { // the magic
			assert.Equal(t, firmware.Rejected, r.Verdict)
			continue
		}
		assert.Equal(t, firmware.IntegrityBroken, r.Integrity.Status, "byte %d", i)
		assert.Equal(t, firmware.Rejected, r.Verdict)
	}
	forged := bytes.Clone(good)
	forged[1000]++
	forged[1001]--
	r := checkIntegrity(t, forged)
	assert.Equal(t, firmware.IntegrityChecksum, r.Integrity.Status, "sums can be forged")
	assert.Equal(t, firmware.NotVerifiable, r.Verdict)
	assert.Contains(t, r.Authenticity.Reason, "forged")
}

func TestHikvisionBlocks(t *testing.T) {
	two := append(goodHKWS(), imagetest.OpaqueBlock("03KH")...)
	m := inspect(t, two)
	last := m.Parts[len(m.Parts)-1]
	assert.Equal(t, "HK30", last.Kind)
	assert.True(t, last.Opaque)
	assert.Equal(t, []firmware.Range{{Offset: int64(len(goodHKWS())), Length: 4112, What: "HK30 block, encrypted"}}, m.Uncovered)
	assert.Equal(t, firmware.IntegrityChecksum, checkIntegrity(t, two).Integrity.Status)

	m = inspect(t, imagetest.OpaqueBlock("02KH"))
	assert.Equal(t, firmware.FormatHikvision, m.Format)
	assert.Equal(t, "HK20", m.Parts[0].Kind)
	assert.Empty(t, m.Claims.Language, "an opaque block tells nothing")

	// Offsets count from each block's beginning.
	twice := append(goodHKWS(), imagetest.HKWS(2, imagetest.File{Name: "second", Data: []byte("data")})...)
	m = inspect(t, twice)
	require.Len(t, m.Parts, 4)
	assert.Equal(t, int64(len(twice)-4), m.Parts[3].Offset)
	assert.Contains(t, m.Notes[0], "another language")
	assert.Equal(t, firmware.IntegrityChecksum, checkIntegrity(t, twice).Integrity.Status)

	trailing := append(goodHKWS(), make([]byte, 64)...)
	assert.Equal(t, []firmware.Range{{Offset: int64(len(goodHKWS())), Length: 64, What: "trailing data"}}, inspect(t, trailing).Uncovered)
	gap := imagetest.HKWS(1, imagetest.File{Name: "late", Data: bytes.Repeat([]byte{1}, 100), Offset: 0x40 + 44 + 10, Size: 90})
	assert.Equal(t, "between the files", inspect(t, gap).Uncovered[0].What)
}

func TestHostileHikvisionPackages(t *testing.T) {
	le := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	for name, b := range map[string][]byte{
		"cut in a file":        goodHKWS()[:20_000],
		"cut in the table":     goodHKWS()[:0x60],
		"cut in the header":    goodHKWS()[:0x30],
		"cut in the magic":     goodHKWS()[:10],
		"offset outside":       patched(0x60, le(0x7fffffff)...),
		"size wraps":           patched(0x64, le(0xffffffff)...),
		"offset in the header": patched(0x60, le(0x10)...),
		"overlap":              patched(0x60+44, le(0xC4)...),
		"count overflows":      patched(0x0c, le(0x10000000)...),
		"count and length":     patched(0x0c, le(4)...),
		"header length":        patched(0x08, le(0xffffffff)...),
		"traversal":            patched(0x40, []byte("../../etc/passwd\x00")...),
		"absolute":             patched(0x40, []byte("/etc/passwd\x00")...),
		"no name":              patched(0x40, 0),
		"backslash":            patched(0x40, []byte(`..\x`+"\x00")...),
		"many blocks":          bytes.Repeat(imagetest.HKWS(1), 40),
	} {
		err := inspectErr(b)
		var fe *firmware.FormatError
		require.ErrorAs(t, err, &fe, name)
		assert.Equal(t, firmware.FormatHikvision, fe.Format, name)
		assert.ErrorIs(t, err, camsec.ErrMalformed, name)
		r := checkIntegrity(t, b)
		assert.Equal(t, firmware.Rejected, r.Verdict, name)
		assert.Equal(t, firmware.IntegrityBroken, r.Integrity.Status, name)
		require.Len(t, r.Uncovered, 1, name)
		assert.Equal(t, int64(len(b)), r.Uncovered[0].Length, "nothing of a malformed file is covered")
	}
	var many []imagetest.File
	for i := range 1025 {
		many = append(many, imagetest.File{Name: strconv.Itoa(i)})
	}
	assert.Error(t, inspectErr(imagetest.HKWS(1, many...)))
	assert.NoError(t, inspectErr(imagetest.HKWS(1, many[:1024]...)))
}
