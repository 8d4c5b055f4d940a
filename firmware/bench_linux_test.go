package firmware_test

import (
	"hash"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// The benchmarks of this package report, of each scheme and each form of
// image, what it takes to verify CAMSEC_BENCH_MIB mebibytes (16 where it is
// not set) as a multiple of what Go's same hashes take over the same file, one
// after the other: ratio is of the clock, on which hashes run side by side,
// and cpu-ratio of the processor's time, which other work on the machine does
// not change. Hashing is done before and after each verification, so that both
// see the same machine; the median of all rounds counts. tool-ratio is the
// scheme's own program by the clock. MiB is all that was ever allocated for
// one image, which peak memory cannot be above.
//
//	CAMSEC_BENCH_MIB=512 go test -run '^$' -bench . -benchtime 7x -timeout 60m ./firmware

func benchMiB() int64 {
	mib, _ := strconv.Atoi(os.Getenv("CAMSEC_BENCH_MIB"))
	return int64(max(mib, 16))
}

// A benched is one image on disk, and who verifies it.
type benched struct {
	path     string
	policy   firmware.Policy
	evidence *firmware.Evidence
	// hashes are those that its bytes must go through once each: the report's
	// digest, and what the signature hangs on.
	hashes []func() hash.Hash
	// tool verifies the same with a program of others; nil: none here.
	tool func() error
}

// A round is what verifying took, and hashing and the other program beside it.
type round struct{ ratio, cpu, tool float64 }

func (c *benched) run(b *testing.B) {
	f, err := os.Open(c.path)
	require.NoError(b, err)
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	require.NoError(b, err)
	v, err := firmware.NewVerifier(c.policy)
	require.NoError(b, err)
	b.SetBytes(st.Size())
	var rounds []round
	memory := uint64(0)
	for b.Loop() {
		b.StopTimer()
		hashing := c.hash(b, f, st.Size())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.StartTimer()
		start := now(b)
		r, err := v.Verify(b.Context(), f, st.Size(), c.evidence)
		ours := start.since(b)
		b.StopTimer()
		runtime.ReadMemStats(&after)
		memory = max(memory, after.TotalAlloc-before.TotalAlloc)
		if err != nil || r.Verdict != firmware.Accepted {
			b.Fatal(err, r)
		}
		again := c.hash(b, f, st.Size())
		hashing.clock, hashing.cpu = (hashing.clock+again.clock)/2, (hashing.cpu+again.cpu)/2
		one := round{ratio: over(ours.clock, hashing.clock), cpu: over(ours.cpu, hashing.cpu)}
		if c.tool != nil {
			start = now(b)
			require.NoError(b, c.tool())
			one.tool = over(start.since(b).clock, hashing.clock)
		}
		rounds = append(rounds, one)
		b.StartTimer()
	}
	b.ReportMetric(median(rounds, func(r round) float64 { return r.ratio }), "ratio")
	b.ReportMetric(median(rounds, func(r round) float64 { return r.cpu }), "cpu-ratio")
	if c.tool != nil {
		b.ReportMetric(median(rounds, func(r round) float64 { return r.tool }), "tool-ratio")
	}
	b.ReportMetric(float64(memory)/(1<<20), "MiB")
	if memory > 4<<20 {
		b.Errorf("%d bytes were allocated", memory)
	}
}

func (c *benched) hash(b *testing.B, f *os.File, size int64) spent {
	start := now(b)
	for _, h := range c.hashes {
		_, err := io.CopyBuffer(plainWriter{h()}, io.NewSectionReader(f, 0, size), make([]byte, 256<<10))
		require.NoError(b, err)
	}
	return start.since(b)
}

// plainWriter hides that a hash could do more than write.
type plainWriter struct{ io.Writer }

func over(a, b time.Duration) float64 { return float64(a) / float64(b) }

func median(rounds []round, of func(round) float64) float64 {
	var v []float64
	for _, r := range rounds {
		v = append(v, of(r))
	}
	slices.Sort(v)
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}

// spent is time by the clock and by the processor.
type spent struct{ clock, cpu time.Duration }

func now(b *testing.B) spent {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return spent{time.Since(began), time.Duration(u.Utime.Nano() + u.Stime.Nano())}
}

var began = time.Now()

func (s spent) since(b *testing.B) spent {
	n := now(b)
	return spent{n.clock - s.clock, n.cpu - s.cpu}
}
