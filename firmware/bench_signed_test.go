package firmware_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// BenchmarkSignedFormats reports, of each form, the time to verify an image
// as a multiple of what Go's hashes need for the same passes over the same
// bytes, one after the other, in the same run; the best of all rounds counts,
// for both. CRCs and sums come on top and are not counted. Beside it stand the formats' own programs. CAMSEC_BENCH_MIB is how large the payloads are.
func BenchmarkSignedFormats(b *testing.B) {
	mib, _ := strconv.Atoi(os.Getenv("CAMSEC_BENCH_MIB"))
	was := freshSize
	freshSize = max(mib, 16) << 20
	defer func() { freshSize = was }()
	for _, f := range freshImages(b) {
		v, err := firmware.NewVerifier(f.trust)
		require.NoError(b, err)
		hashes := f.hashes
		if hashes == nil {
			hashes = []func() hash.Hash{sha256.New, sha256.New}
		}
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(f.image)))
			b.ReportAllocs()
			ours, hash := time.Hour, time.Hour
			for b.Loop() {
				start := time.Now()
				r, err := v.Verify(b.Context(), bytes.NewReader(f.image), int64(len(f.image)), nil)
				ours = min(ours, time.Since(start))
				if err != nil || r.Verdict != firmware.Accepted {
					b.Fatal(err, r)
				}
				b.StopTimer()
				start = time.Now()
				for _, h := range hashes {
					h := h()
					_, _ = io.CopyBuffer(onlyWriter{h}, bytes.NewReader(f.image), make([]byte, 256<<10))
				}
				hash = min(hash, time.Since(start))
				b.StartTimer()
			}
			b.ReportMetric(float64(ours)/float64(hash), "ratio")
		})
		if f.judge == nil {
			continue
		}
		f.put(f.image)
		b.Run(fmt.Sprintf("%s, own program", f.name), func(b *testing.B) {
			b.SetBytes(int64(len(f.image)))
			for b.Loop() {
				require.NoError(b, f.judge())
			}
		})
	}
}

// onlyWriter hides that a hash could do more.
type onlyWriter struct{ io.Writer }

// Memory does not depend on the image's size: an image of several mebibytes
// takes less than four in all that is ever allocated.
func TestSignedFormatsTakeLittleMemory(t *testing.T) {
	was := freshSize
	freshSize = 8 << 20
	defer func() { freshSize = was }()
	for _, f := range freshImages(t) {
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
