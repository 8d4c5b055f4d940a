package dahua_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A package that somebody else's writer made, larger than the window in which
// the end is looked for, with extra fields, comments and descriptors: every
// member lies where it says.
func TestParseWhatTheStandardLibraryWrites(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	data := map[string]string{
		"Install": "run me", "kernel.img": strings.Repeat("kernel", 20_000), "romfs.img": strings.Repeat("r", 3000), "logo.img": "logo",
	}
	for i, name := range []string{"Install", "kernel.img", "romfs.img", "logo.img"} {
		h := &zip.FileHeader{Name: name, Extra: append([]byte{0xfe, 0xca, byte(i + 1), 0}, make([]byte, i+1)...), Comment: strings.Repeat("c", i)}
		if i%2 == 0 { // with a descriptor behind it
			h.Method = zip.Deflate
			m, err := w.CreateHeader(h)
			require.NoError(t, err)
			_, err = m.Write([]byte(data[name]))
			require.NoError(t, err)
			continue
		}
		h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc32.ChecksumIEEE([]byte(data[name])), uint64(len(data[name])), uint64(len(data[name]))
		m, err := w.CreateRaw(h)
		require.NoError(t, err)
		_, err = m.Write([]byte(data[name]))
		require.NoError(t, err)
	}
	require.NoError(t, w.SetComment("a package"))
	require.NoError(t, w.Close())
	file := b.Bytes()
	copy(file, "DH")
	require.Greater(t, len(file), 22+65535)

	p, err := parse(file)
	require.NoError(t, err)
	require.Len(t, p.Members, 4)
	for _, m := range p.Members {
		if m.Stored {
			assert.Equal(t, data[m.Name], string(file[m.Offset:m.Offset+m.Length]))
		}
		assert.EqualValues(t, len(data[m.Name]), m.Size)
	}
	for name, err := range sums(t, p, file) {
		require.NoError(t, err, name)
	}
	// Of what its reader would find at the wrong end nothing is believed.
	_, err = parse(file[:len(file)-1])
	require.Error(t, err)
}

// So many boards may be named, and the rest are passed over.
func TestBordersOfAPackage(t *testing.T) {
	var ids strings.Builder
	for i := range 70 {
		fmt.Fprintf(&ids, "BOARD-%d\n", i)
	}
	p, err := parse(archive([]member{{name: "hwid", data: ids.String()}}, nil))
	require.NoError(t, err)
	assert.Len(t, p.HardwareIDs, 64)
}
