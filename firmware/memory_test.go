package firmware_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// Memory does not depend on the image's size: an image of several mebibytes
// takes less than four in all that is ever allocated.
func TestSignedFormatsTakeLittleMemory(t *testing.T) {
	was := freshSize
	freshSize = 5 << 20
	defer func() { freshSize = was }()
	for f := range freshImages(t) {
		v, err := firmware.NewVerifier(f.trust)
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := v.Verify(t.Context(), bytes.NewReader(f.image), int64(len(f.image)), nil)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		assert.Equal(t, firmware.Accepted, r.Verdict, f.name)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), f.name)
	}
}
