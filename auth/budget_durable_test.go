package auth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
)

// countedBudget is a file budget whose fsyncs are counted, and fail or wait
// if the test says so.
func countedBudget(t *testing.T) (b *fileBudget, syncs *atomic.Int64, fail func(error), hold func() (release func())) {
	t.Helper()
	opened, err := OpenFileBudget(t.TempDir(), nil)
	require.NoError(t, err)
	b, syncs = opened.(*fileBudget), new(atomic.Int64)
	var broken atomic.Pointer[error]
	var gate atomic.Pointer[chan struct{}]
	b.fsync = func(f *os.File) error {
		syncs.Add(1)
		if g := gate.Load(); g != nil {
			<-*g
		}
		if e := broken.Load(); e != nil && *e != nil {
			return *e
		}
		return f.Sync()
	}
	return b, syncs, func(err error) { broken.Store(&err) }, func() func() {
		g := make(chan struct{})
		gate.Store(&g)
		return func() { gate.Store(nil); close(g) }
	}
}

func accountOf(user string) Login {
	return Login{Target: camsec.Target{ID: "cam"}, Credential: Credential{User: user, Version: "1"}}
}

// What must outlive a power cut is on the disk before anything is sent: the
// try, and what the device said against it. What would only be gentler is not
// waited for.
func TestBudgetIsDurable(t *testing.T) {
	left, until := 4, time.Now().Add(time.Hour)
	for i, tc := range []struct {
		outcome Outcome
		syncs   int64
	}{
		{Outcome{Verdict: VerdictAccepted}, 0},
		{Outcome{Verdict: VerdictUnspent}, 0},
		{Outcome{Verdict: VerdictUnknown}, 0}, // says no more than the try
		{Outcome{Verdict: VerdictRefused}, 1},
		{Outcome{Verdict: VerdictDoubted}, 1},
		{Outcome{Verdict: VerdictAccepted, Left: &left}, 1},
		{Outcome{Verdict: VerdictUnspent, Until: until}, 1},
		{Outcome{Verdict: VerdictUnspent, Left: &left}, 1},
	} {
		b, syncs, _, _ := countedBudget(t)
		for range 2 {
			before := syncs.Load()
			r, err := b.Reserve(t.Context(), accountOf(fmt.Sprint("u", before)))
			require.NoError(t, err)
			require.EqualValues(t, 1, syncs.Load()-before, "the try itself")
			require.NoError(t, r.Report(tc.outcome))
			require.Equal(t, tc.syncs, syncs.Load()-before-1, "%d: %+v", i, tc.outcome)
		}
		before := syncs.Load()
		require.NoError(t, b.ReportForeign(t.Context(), accountOf("w"), Outcome{Left: &left}))
		require.Equal(t, before, syncs.Load(), "a device tells it again")
	}
}

// A disk that does not take the try is no login.
func TestBudgetThatCannotBeMadeDurable(t *testing.T) {
	b, _, fail, _ := countedBudget(t)
	full := errors.New("no space left on device")
	fail(full)
	for range 2 {
		_, err := b.Reserve(t.Context(), accountOf("u"))
		e, ok := errors.AsType[*Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, KindBudgetStore, e.Kind)
		require.ErrorIs(t, err, full)
	}
	fail(nil)
	r, err := b.Reserve(t.Context(), accountOf("u"))
	require.NoError(t, err, "the next one may")
	require.NoError(t, r.Report(Outcome{Verdict: VerdictAccepted}))
}

// Whoever waits at once shares an fsync.
func TestBudgetSharesSyncs(t *testing.T) {
	b, syncs, _, hold := countedBudget(t)
	release := hold()
	const logins = 16
	var wg sync.WaitGroup
	for i := range logins {
		wg.Go(func() {
			r, err := b.Reserve(t.Context(), accountOf(fmt.Sprint("u", i)))
			if err != nil {
				t.Error(err)
				return
			}
			_ = r.Report(Outcome{Verdict: VerdictUnspent})
		})
	}
	for { // until all are in the log; the disk is still at the first
		b.mu.Lock()
		n := b.lines
		b.mu.Unlock()
		if n == logins {
			break
		}
		time.Sleep(time.Millisecond)
	}
	release()
	wg.Wait()
	require.LessOrEqual(t, syncs.Load(), int64(3))
	require.GreaterOrEqual(t, syncs.Load(), int64(1))
}

// A log that is small is added to, and not written anew.
func TestBudgetLogIsAddedTo(t *testing.T) {
	b, _, _, _ := countedBudget(t)
	left := 0
	size := func() (int64, os.FileInfo) {
		st, err := os.Stat(filepath.Join(b.dir, "log"))
		require.NoError(t, err)
		return st.Size(), st
	}
	var last os.FileInfo
	for i := range 20 {
		left = i % 7
		before := int64(0)
		if last != nil {
			before, _ = size()
		}
		require.NoError(t, b.ReportForeign(t.Context(), accountOf("u"), Outcome{Left: &left}))
		now, st := size()
		require.Greater(t, now, before)
		require.True(t, last == nil || os.SameFile(last, st))
		last = st
	}
}
