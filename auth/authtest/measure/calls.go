package measure

import "runtime"

// B is the part of testing.B that [Calls] needs.
type B interface {
	TB
	Loop() bool
	ReportMetric(n float64, unit string)
}

// A Cost is what one call allocates on average.
type Cost struct{ Bytes, Allocs float64 }

// Calls measures calls in steady state: the first three, in which a client
// connects and logs in, do not count.
func Calls(b B, call func() error) Cost {
	b.Helper()
	for range 3 {
		if err := call(); err != nil {
			b.Fatalf("measure: %v", err)
		}
	}
	var before, after runtime.MemStats
	n := 0
	for b.Loop() {
		if n == 0 {
			runtime.ReadMemStats(&before)
		}
		if err := call(); err != nil {
			b.Fatalf("measure: %v", err)
		}
		n++
	}
	runtime.ReadMemStats(&after)
	c := Cost{float64(after.TotalAlloc-before.TotalAlloc) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)}
	b.ReportMetric(c.Bytes, "B/call")
	b.ReportMetric(c.Allocs, "allocs/call")
	return c
}

// ReportAgainst reports the cost as ratios to a bare exchange's, if that was
// measured.
func (c Cost) ReportAgainst(b B, bare Cost) {
	if bare.Allocs > 0 {
		b.ReportMetric(c.Bytes/bare.Bytes, "B/bare")
		b.ReportMetric(c.Allocs/bare.Allocs, "allocs/bare")
	}
}
