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

func TestBoschFile(t *testing.T) {
	m := inspect(t, imagetest.Bosch(false, []byte("payload")))
	assert.Equal(t, firmware.FormatBosch, m.Format)
	assert.Equal(t, firmware.Claims{Vendor: firmware.Bosch, Version: "7.81.0065", DeviceClass: "0x60"}, m.Claims)
	var names []string
	for _, p := range m.Parts {
		names = append(names, p.Name)
	}
	assert.Equal(t, []string{"target 0x60", "target 0x60/arm.app1", "target 0x60/RomFS_x", "target 0x60/RomFS_x/inner"}, names)
	require.Len(t, m.Signatures, 1)
	assert.Empty(t, m.Signatures[0].Scheme)
	assert.Equal(t, []firmware.Range{{Offset: 0, Length: 0x400, What: "header of target 0x60"}}, m.Uncovered)

	m = inspect(t, imagetest.Bosch(true, []byte("payload")))
	assert.Len(t, m.Signatures, 3)
	assert.Equal(t, firmware.IntegrityChecksum, checkIntegrity(t, imagetest.Bosch(true, []byte("payload"))).Integrity.Status)

	encrypted := imagetest.Bosch(false, bytes.Repeat([]byte("payload"), 50))
	encrypted[0x24C] = 1
	m = inspect(t, encrypted)
	assert.True(t, m.Parts[0].Opaque)
	assert.Len(t, m.Parts, 1)
}

// A changed byte breaks a sum, or is in a range that is told to be uncovered.
func TestBoschSums(t *testing.T) {
	good := imagetest.Bosch(true, bytes.Repeat([]byte("payload"), 100))
	uncovered := inspect(t, good).Uncovered
	for i := 0; i < len(good); i += 3 {
		b := bytes.Clone(good)
		b[i] ^= 0x10
		r := checkIntegrity(t, b)
		assert.NotEqual(t, firmware.Accepted, r.Verdict)
		if r.Integrity.Status != firmware.IntegrityBroken && r.Format == firmware.FormatBosch {
			assert.True(t, within(uncovered, i), "byte %d can change unnoticed", i)
		}
	}
}

func TestHostileBoschFiles(t *testing.T) {
	with := func(at int, v uint32) []byte {
		b := imagetest.Bosch(false, []byte("payload"))
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
	const masked = 0x42424242
	deep := []byte{}
	for range 6 {
		h := make([]byte, 0x400)
		for i, v := range []uint32{0x10122003, 0x10, 0, 0, uint32(len(deep)), 0, imagetest.ByteSum(deep), 0} {
			binary.BigEndian.PutUint32(h[4*i:], v)
		}
		deep = append(h, deep...)
	}
	many := make([]byte, 0)
	for range 70 {
		many = append(many, imagetest.Bosch(false, nil)...)
	}
	container := imagetest.Bosch(true, nil)[:0x400]
	binary.BigEndian.PutUint32(container[16:], uint32(len(many)))
	for name, b := range map[string][]byte{
		"cut":              imagetest.Bosch(false, []byte("payload"))[:0x410],
		"cut header":       imagetest.Bosch(false, nil)[:0x200],
		"length":           with(16, 0xffffffff),
		"no record":        with(0x400, 1),
		"record too long":  with(0x400+40, 0x7fffffff^masked),
		"record goes back": with(0x400+4, 0^masked),
		"record wraps":     with(0x400+4, 0xffffffff^masked),
		"no name":          with(0x400+8, 0^masked),
		"traversal":        with(0x400+8, 0x2e2e2f2e^masked), // ../.
		"deep":             deep,
		"many":             append(container, many...),
		"cut container":    append(bytes.Clone(container), many[:0x300]...),
		"none inside":      append(bytes.Clone(container), make([]byte, len(many))...),
	} {
		var fe *firmware.FormatError
		require.ErrorAs(t, inspectErr(b), &fe, name)
		assert.Equal(t, firmware.FormatBosch, fe.Format, name)
		assert.Equal(t, firmware.Rejected, checkIntegrity(t, b).Verdict, name)
	}
}
