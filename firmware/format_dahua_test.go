package firmware_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/imagetest"
)

// dhzip writes a package: a ZIP, and DH over its first two bytes.
func dhzip(t *testing.T, members ...imagetest.Member) []byte {
	t.Helper()
	return imagetest.DHZip(members...)
}

func goodDH(t *testing.T) []byte {
	return dhzip(
		t,
		imagetest.Member{Name: "Install", Data: []byte("CRC:1234567890\nVENDOR:General\nHWID:IPC-HX1:01.00\n"), Method: zip.Deflate},
		imagetest.Member{Name: "hwid", Data: []byte("IPC-HX1:01.00\r\nIPC-HX2:02.00\n"), Method: zip.Store, Raw: true},
		imagetest.Member{Name: "kernel.img", Data: imagetest.UImage(2, "kernel", bytes.Repeat([]byte{7}, 9000)), Method: zip.Store, Raw: true},
		imagetest.Member{Name: "romfs-x.squashfs.img", Data: imagetest.UImage(7, "romfs", bytes.Repeat([]byte("romfs"), 9000)), Method: zip.Deflate},
		imagetest.Member{Name: "sign.img", Data: bytes.Repeat([]byte{0x77}, 256), Method: zip.Store, Raw: true},
	)
}

func TestDahuaPackage(t *testing.T) {
	b := goodDH(t)
	m := inspect(t, b)
	assert.Equal(t, firmware.FormatDahua, m.Format)
	assert.Equal(t, firmware.Dahua, m.Claims.Vendor)
	assert.Equal(t, []string{"IPC-HX1", "IPC-HX2"}, m.Claims.Models)
	assert.Equal(t, []string{"IPC-HX1:01.00", "IPC-HX2:02.00"}, m.Claims.Hardware)
	assert.Equal(t, "General", m.Claims.Description)
	assert.Equal(t, "2023-08-22", m.Claims.Released)
	require.Len(t, m.Signatures, 1)
	assert.Empty(t, m.Signatures[0].Scheme)
	require.Len(t, m.Parts, 5)
	assert.Equal(t, "kernel.img (kernel)", m.Parts[2].Name)

	r := checkIntegrity(t, b)
	assert.Equal(t, firmware.IntegrityChecksum, r.Integrity.Status, r.Integrity.Reason)
	assert.Equal(t, firmware.NotVerifiable, r.Verdict)

	// The same with PK is not Dahua's.
	copy(b, "PK")
	assert.Equal(t, firmware.FormatPlain, inspect(t, b).Format)
}

// The last byte of what is deflated may end in bits that mean nothing, so that
// it is told to be open; nothing before it is, and nothing of what is stored.
func TestDahuaLastByteOfADeflatedMember(t *testing.T) {
	b := goodDH(t)
	m := inspect(t, b)
	for _, p := range m.Parts {
		end := int(p.Offset + p.Length)
		assert.Equal(t, p.Name == "Install" || strings.HasPrefix(p.Name, "romfs"), within(m.Uncovered, end-1), p.Name)
		assert.False(t, within(m.Uncovered, end-2), p.Name)
		assert.False(t, within(m.Uncovered, int(p.Offset)), p.Name)
	}
}

// A changed byte breaks a sum, or is in a range that is told to be uncovered.
func TestDahuaSums(t *testing.T) {
	good := goodDH(t)
	uncovered := inspect(t, good).Uncovered
	for i := 0; i < len(good); i += 5 {
		b := bytes.Clone(good)
		b[i] ^= 0x10
		r := checkIntegrity(t, b)
		assert.NotEqual(t, firmware.Accepted, r.Verdict)
		if r.Integrity.Status == firmware.IntegrityBroken || r.Format == firmware.FormatPlain || within(uncovered, i) {
			continue
		}
		t.Errorf("byte %d can change unnoticed", i)
	}
}

func within(ranges []firmware.Range, at int) bool {
	for _, r := range ranges {
		if int64(at) >= r.Offset && int64(at) < r.Offset+r.Length {
			return true
		}
	}
	return false
}

func TestHostileDahuaPackages(t *testing.T) {
	good := goodDH(t)
	end := bytes.LastIndex(good, []byte("PK\x05\x06"))
	dir := int(binary.LittleEndian.Uint32(good[end+16:]))
	with := func(at int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	var many []imagetest.Member
	for i := range 600 {
		many = append(many, imagetest.Member{Name: strconv.Itoa(i), Raw: true})
	}
	// An image whose header inside the package tells more than there is.
	short := imagetest.UImage(2, "k", make([]byte, 100))
	binary.BigEndian.PutUint32(short[12:], 1<<30)
	for name, b := range map[string][]byte{
		"cut":                 good[:end-10],
		"cut in the end":      good[:end+10],
		"head alone":          good[:30],
		"directory elsewhere": with(end+16, 0, 0, 0, 0),
		"directory too long":  with(end+12, 0xff, 0xff, 0xff, 0x7f),
		"count":               with(end+8, 9, 0, 9, 0),
		"fewer":               with(end+8, 1, 0, 1, 0),
		"volumes":             with(end+4, 1, 0),
		"comment":             with(end+20, 9, 0),
		"member outside":      with(dir+42, 0xff, 0xff, 0xff, 0x7f),
		"member in another":   with(dir+42, 1, 0, 0, 0),
		"another name":        with(dir+46, 'X'),
		"another method":      with(dir+10, 0),
		"size":                with(dir+24, 0xff, 0xff, 0xff, 0xff),
		"descriptor":          with(dir+16, 1, 2, 3, 4),
		"bomb":                with(dir+24, 0xff, 0xff, 0xff, 0x7f),
		"traversal":           dhzip(t, imagetest.Member{Name: "../x", Raw: true}),
		"absolute":            dhzip(t, imagetest.Member{Name: "/x", Raw: true}),
		"twice":               dhzip(t, imagetest.Member{Name: "x", Raw: true}, imagetest.Member{Name: "x", Raw: true}),
		"many":                dhzip(t, many...),
		"method":              dhzip(t, imagetest.Member{Name: "x", Method: 99, Raw: true}),
		"image in it":         dhzip(t, imagetest.Member{Name: "kernel.img", Data: short, Raw: true}),
	} {
		var fe *firmware.FormatError
		require.ErrorAs(t, inspectErr(b), &fe, name)
		assert.Equal(t, firmware.FormatDahua, fe.Format, name)
		assert.Equal(t, firmware.Rejected, checkIntegrity(t, b).Verdict, name)
	}
	trailing := append(bytes.Clone(good), "more"...)
	assert.Equal(t, firmware.Range{Offset: int64(len(good)), Length: 4, What: "trailing data"}, last(inspect(t, trailing).Uncovered))
}

func last[T any](s []T) T { return s[len(s)-1] }

// What inflates to more, or to less, than the directory says is broken, and
// no more than that is inflated.
func TestDahuaDeflatedSizes(t *testing.T) {
	b := dhzip(t, imagetest.Member{Name: "x", Data: make([]byte, 1<<20), Method: zip.Deflate})
	end := bytes.LastIndex(b, []byte("PK\x05\x06"))
	dir := int(binary.LittleEndian.Uint32(b[end+16:]))
	desc := dir - 4
	for _, size := range []uint32{10, 1<<20 - 1, 1<<20 + 1} {
		c := bytes.Clone(b)
		binary.LittleEndian.PutUint32(c[dir+24:], size)
		binary.LittleEndian.PutUint32(c[desc:], size)
		r := checkIntegrity(t, c)
		assert.Equal(t, firmware.IntegrityBroken, r.Integrity.Status, size)
		assert.Contains(t, r.Integrity.Reason, "size")
	}
	assert.Equal(t, firmware.IntegrityChecksum, checkIntegrity(t, b).Integrity.Status)
}
