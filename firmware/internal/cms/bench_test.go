package cms_test

import (
	"crypto"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// BenchmarkVerify compares a whole verification (reading the message, the way
// to the root, hashing, judging) with SHA-256 over the same bytes. "ratio"
// is the quotient, as sigtest.Ratio makes it.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	image := sigtest.Image(64 << 20)
	rsaSigner := issue(b, w.inter, "RSA", rsaKey(b, 2048), nil)
	for name, m := range map[string]maker{
		"ecdsa": {by: []*entity{w.signer}}, "rsa": {by: []*entity{rsaSigner}},
		"no-attributes": {by: []*entity{rsaSigner}, noAttr: true}, "two-signers": {by: []*entity{rsaSigner, w.signer}},
	} {
		m.content, m.certs = image, []*entity{w.signer, rsaSigner, w.inter}
		message := m.make(b)
		o := w.options()
		b.Run(name, func(b *testing.B) {
			var once, hashing, verifying []time.Duration
			timed := func(times *[]time.Duration, f func()) {
				start := time.Now()
				f()
				*times = append(*times, time.Since(start))
			}
			b.SetBytes(2 * int64(len(image)))
			b.ReportAllocs()
			for b.Loop() {
				h := crypto.SHA256.New()
				var c sig.Check
				var content sig.Content
				timed(&once, func() {
					parsed, err := cms.Parse(message)
					require.NoError(b, err)
					c, err = parsed.Open(o)
					require.NoError(b, err)
					c.Attach(&content)
				})
				turn := 0
				for p := range slices.Chunk(image, 256<<10) {
					if turn++; turn%2 == 0 {
						timed(&hashing, func() { h.Write(p) })
						timed(&verifying, func() { _, _ = content.Write(p) })
					} else {
						timed(&verifying, func() { _, _ = content.Write(p) })
						timed(&hashing, func() { h.Write(p) })
					}
				}
				h.Sum(nil)
				timed(&once, func() {
					_, err := c.Finish()
					require.NoError(b, err)
				})
			}
			b.ReportMetric(sigtest.Ratio(len(image)/(256<<10), once, verifying, hashing), "ratio")
		})
	}
}

// Reading and judging a message takes a bounded amount of memory that has
// nothing to do with the image.
func TestMemory(t *testing.T) {
	w := newWorld(t)
	image := sigtest.Image(1000)
	message := w.mutate(image, nil).make(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		_, err := check(message, image, w.options())
		require.NoError(t, err)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/20, uint64(128<<10))
}
