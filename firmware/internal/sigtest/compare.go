package sigtest

import (
	"crypto"
	"io"
	"slices"
	"time"
)

// B is what [Compare] needs of a benchmark.
type B interface {
	Loop() bool
	SetBytes(n int64)
	ReportAllocs()
	ReportMetric(n float64, unit string)
}

// Compare measures a whole verification of an image (what begin does, the
// image written to what begin returned, what finish does) against the hash of
// the same bytes, and reports the quotient as "ratio". The two take turns at
// every piece of 256 KiB, and medians are compared, so that what else the
// machine does counts for neither.
func Compare(b B, image []byte, hash crypto.Hash, begin func() (content io.Writer, finish func())) {
	var once, hashing, verifying []time.Duration
	timed := func(times *[]time.Duration, f func()) {
		start := time.Now()
		f()
		*times = append(*times, time.Since(start))
	}
	const piece = 256 << 10
	b.SetBytes(2 * int64(len(image)))
	b.ReportAllocs()
	for b.Loop() {
		h := hash.New()
		var content io.Writer
		var finish func()
		timed(&once, func() { content, finish = begin() })
		turn := 0
		for p := range slices.Chunk(image, piece) {
			if turn++; turn%2 == 0 {
				timed(&hashing, func() { h.Write(p) })
				timed(&verifying, func() { _, _ = content.Write(p) })
			} else {
				timed(&verifying, func() { _, _ = content.Write(p) })
				timed(&hashing, func() { h.Write(p) })
			}
		}
		h.Sum(nil)
		timed(&once, finish)
	}
	n := time.Duration(len(image) / piece)
	// Beginning and end are in one list: the dearer of them counts for both.
	b.ReportMetric(float64(2*at(once, 4, 3)+n*at(verifying, 2, 1))/float64(n*at(hashing, 2, 1)), "ratio")
}

// at returns the time that m of n are not above.
func at(d []time.Duration, n, m int) time.Duration {
	slices.Sort(d)
	return d[len(d)*m/n]
}
