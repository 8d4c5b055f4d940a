package firmware_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// What belongs to other modules is known by sight, and nothing else is taken
// for it.
func TestForeignFormats(t *testing.T) {
	pe := func(at uint32, size int) []byte {
		b := make([]byte, size)
		copy(b, "MZ")
		binary.LittleEndian.PutUint32(b[0x3c:], at)
		if int(at) <= size-4 {
			copy(b[at:], "PE\x00\x00")
		}
		return b
	}
	pgp := func(size int, head ...byte) []byte { return append(head, make([]byte, size-len(head))...) }
	for _, c := range []struct {
		name  string
		image []byte
		want  string
	}{
		{"PE", pe(0x40, 0x44), firmware.FormatAuthenticode},
		{"PE, farther on", pe(0x80, 0x200), firmware.FormatAuthenticode},
		{"PE, its mark in the header", pe(0x10, 0x40), firmware.FormatAuthenticode},
		{"PE, its mark cut", pe(0x40, 0x43), firmware.FormatPlain},
		{"PE, its mark beyond", pe(0xfffffffe, 0x100), firmware.FormatPlain},
		{"PE without a header", []byte("MZ"), firmware.FormatPlain},
		{"another program", append(pe(0x40, 0x44)[:0x40], "NE\x00\x00"...), firmware.FormatPlain},
		{"cabinet", []byte("MSCF\x00\x00\x00\x00"), firmware.FormatAuthenticode},
		{"not quite a cabinet", []byte("MSCF\x00\x00\x00\x01"), firmware.FormatPlain},
		{"SUIT", []byte{0xd8, 0x6b, 0xa0}, firmware.FormatSUIT},
		{"TUF", []byte(` {"signed": {"_type": "root"}}`), firmware.FormatTUF},
		{"TUF, signatures first", []byte(`{"signatures": [], "signed": {}}`), firmware.FormatTUF},
		{"other JSON", []byte(`{"signed": true}`), firmware.FormatPlain},
		{"a list", []byte(`[{"signed": {"_type": "root"}}]`), firmware.FormatPlain},
		{"OpenPGP, armoured", []byte("-----BEGIN PGP SIGNED MESSAGE-----\n"), firmware.FormatOpenPGP},
		{"OpenPGP, one byte of length", pgp(60, 0x88, 58, 4, 0), firmware.FormatOpenPGP},
		{"OpenPGP, two bytes", pgp(300, 0x89, 1, 41, 4, 0x10), firmware.FormatOpenPGP},
		{"OpenPGP, new form", pgp(60, 0xc2, 58, 6, 0x1f), firmware.FormatOpenPGP},
		{"OpenPGP, new form, longer", pgp(300, 0xc2, 192, 1, 3, 0), firmware.FormatOpenPGP},
		{"of version 2", pgp(60, 0x88, 58, 2, 0), firmware.FormatPlain},
		{"of version 7", pgp(60, 0x88, 58, 7, 0), firmware.FormatPlain},
		{"of no known kind", pgp(60, 0x88, 58, 4, 0x20), firmware.FormatPlain},
		{"as short as one may be", pgp(8, 0x88, 6, 4, 0), firmware.FormatOpenPGP},
		{"shorter", pgp(7, 0x88, 5, 4, 0), firmware.FormatPlain},
		{"as long as one may be", pgp(4095, 0x89, 15, 252, 4, 0), firmware.FormatOpenPGP},
		{"longer, and so an image that begins so", pgp(4096, 0x89, 15, 253, 4, 0), firmware.FormatPlain},
	} {
		m, err := firmware.Inspect(bytes.NewReader(c.image), int64(len(c.image)))
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, m.Format, c.name)
		r, err := firmware.CheckIntegrity(t.Context(), bytes.NewReader(c.image), int64(len(c.image)), nil)
		require.NoError(t, err)
		if c.want == firmware.FormatPlain {
			assert.Equal(t, firmware.AuthenticityUnsigned, r.Authenticity.Status, c.name)
			continue
		}
		assert.Equal(t, firmware.NotVerifiable, r.Verdict, c.name)
		assert.Contains(t, r.Authenticity.Reason, c.want, "the module that would is named")
	}
}
