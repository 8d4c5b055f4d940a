package firmware_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// What lies where in a bundle that rauc made, of each format; a signature that
// nobody trusts leaves the parts named and open.
func TestWhatIsInABundle(t *testing.T) {
	for _, f := range gather(t, freshRAUC) {
		m := inspect(t, f.image)
		notes := strings.Join(m.Notes, "\n")
		size := int64(len(f.image))
		cms := size - 8 - int64(binary.BigEndian.Uint64(f.image[size-8:]))
		payload := m.Parts[0]
		assert.Equal(t, "payload", payload.Name)
		assert.Equal(t, "squashfs", payload.Kind)
		require.Len(t, m.Signatures, 1)
		assert.Equal(t, []int64{cms, size - 8 - cms}, []int64{m.Signatures[0].Offset, m.Signatures[0].Length})
		plain := f.name == "RAUC plain"
		assert.Equal(t, f.name == "RAUC crypt", payload.Opaque, f.name)
		assert.Equal(t, f.name == "RAUC crypt", strings.Contains(notes, "the payload is encrypted"), f.name)
		assert.Equal(t, plain, strings.Contains(notes, "the manifest of a plain bundle lies in the SquashFS"), f.name)
		if plain {
			assert.Equal(t, cms, payload.Length)
			assert.Len(t, m.Parts, 1)
		} else {
			assert.Less(t, payload.Length, cms, "the tree is behind it")
			assert.Zero(t, payload.Length%4096)
			require.Len(t, m.Parts, 2)
			assert.Equal(t, firmware.Part{Name: "rootfs.img", Kind: "image for slot rootfs", Length: payload.Length, Opaque: true}, m.Parts[1])
		}

		// Before a verdict the tree alone covers what it is over.
		open := map[string]firmware.Range{}
		for _, u := range verify(t, f.another, f.image).Uncovered {
			open[u.What] = u
		}
		assert.Equal(t, firmware.Range{Offset: size - 8, Length: 8, What: "trailer"}, open["trailer"])
		if plain {
			assert.Equal(t, firmware.Range{Length: cms, What: "payload"}, open["payload"])
		} else {
			assert.NotContains(t, open, "payload")
			assert.NotContains(t, open, "hash tree")
		}
	}
}
