package camsec_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func cameras(n int, change func(i int, t *camsec.Target)) iter.Seq[camsec.Target] {
	return func(yield func(camsec.Target) bool) {
		for i := range n {
			t := camsec.Target{ID: fmt.Sprintf("cam-%05d", i), Labels: map[string]string{}}
			if change != nil {
				change(i, &t)
			}
			if !yield(t) {
				return
			}
		}
	}
}

// gauge counts what is under way, by name, and the most that ever was.
type gauge struct {
	mu        sync.Mutex
	now, most map[string]int
	visits    map[string]int
}

func newGauge() *gauge {
	return &gauge{now: map[string]int{}, most: map[string]int{}, visits: map[string]int{}}
}

func (g *gauge) enter(names ...string) func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range names {
		g.now[n]++
		g.visits[n]++
		g.most[n] = max(g.most[n], g.now[n])
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, n := range names {
			g.now[n]--
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// No schedule exceeds a limit at any level of the tree, and every target gets
// its turn: whatever the limits, the targets, how long visits take, and which
// of them end in a device that is busy, so that its site is slowed.
func TestThrottleTree(t *testing.T) {
	slowed := 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 7))
		limits := camsec.Limits{
			All: 1 + rng.IntN(12), Site: rng.IntN(5), Recorder: 1 + rng.IntN(3), Device: 1, Account: rng.IntN(4),
		}
		n := 60 + rng.IntN(200)
		took := make([]time.Duration, n)
		trouble := []float64{0, 0, 0.1, 0.3, 0.9}[rng.IntN(5)]
		busy := make([][3]bool, n)
		targets := slices.Collect(cameras(n, func(i int, t *camsec.Target) {
			t.Scope = fmt.Sprintf("site-%d", rng.IntN(4))
			t.ID = fmt.Sprintf("cam-%d", i-rng.IntN(2)*min(i, 1)) // some twice
			t.Labels["n"] = fmt.Sprint(i)
			if rng.IntN(2) == 0 {
				t.Labels["via"] = fmt.Sprintf("nvr-%d", rng.IntN(3))
			}
			t.Labels["account"] = fmt.Sprintf("user-%d", rng.IntN(3))
			took[i] = time.Duration(rng.IntN(2000)) * time.Millisecond
			for try := range busy[i] {
				busy[i][try] = rng.Float64() < trouble
			}
		}))
		synctest.Test(t, func(t *testing.T) {
			g := newGauge()
			const pause = time.Millisecond
			total := time.Duration(n) * 20 * pause
			for i, d := range took {
				for _, b := range busy[i] {
					if total += d; !b {
						break
					}
				}
			}
			began := time.Now()
			seen, tries := map[string]int{}, make([]int, n)
			visit := func(ctx context.Context, target camsec.Target) (int, error) {
				names := []string{"all", "site " + target.Scope, "device " + target.Key(), "account " + target.Labels["account"]}
				if via := target.Labels["via"]; via != "" {
					names = append(names, "recorder "+target.Scope+via)
				}
				defer g.enter(names...)()
				var i int
				_, _ = fmt.Sscan(target.Labels["n"], &i)
				tries[i]++
				if err := sleep(ctx, took[i]); err != nil {
					return i, err
				}
				if busy[i][tries[i]-1] {
					return i, camsec.ErrBusy
				}
				return i, nil
			}
			opts := &camsec.RunOptions{Limits: limits, Backoff: pause, Events: func(e camsec.Event) {
				if e.What == "slow" {
					slowed++
				}
			}}
			for v := range camsec.Run(t.Context(), slices.Values(targets), visit, opts) {
				if !busy[v.Value][2] {
					require.NoError(t, v.Err)
				}
				seen[v.Target.Labels["n"]]++
			}
			require.Len(t, seen, n, "none starves")
			// Never idle while there is work: it takes no longer than one
			// visit after the other.
			require.LessOrEqual(t, time.Since(began), total)
			for name, most := range g.most {
				limit := map[string]int{"a": limits.All, "s": limits.Site, "d": 1, "r": limits.Recorder}[name[:1]]
				if name[:3] == "acc" {
					limit = limits.Account
				}
				if limit > 0 {
					require.LessOrEqual(t, most, limit, "seed %d: %s", seed, name)
				}
			}
		})
	}
	require.NotZero(t, slowed)
}

// The oldest that waits is not passed by for ever by younger ones that each
// need one of the two things that it needs.
func TestTheOldestIsNotPassedByForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		targets := cameras(400, func(i int, t *camsec.Target) {
			switch {
			case i == 4: // needs site A and account x, which others take in turn
				t.Scope, t.Labels["account"] = "A", "x"
			case i%2 == 0:
				t.Scope, t.Labels["account"] = "A", fmt.Sprint("own", i)
			default:
				t.Scope, t.Labels["account"] = fmt.Sprint("site", i), "x"
			}
		})
		visit := func(ctx context.Context, target camsec.Target) (struct{}, error) {
			d := time.Second
			if target.Scope == "A" {
				d = 1500 * time.Millisecond
			}
			return struct{}{}, sleep(ctx, d)
		}
		began := time.Now()
		for v := range camsec.Run(t.Context(), targets, visit, &camsec.RunOptions{Limits: camsec.Limits{All: 8, Site: 1, Account: 1}}) {
			if v.Target.ID == "cam-00004" {
				require.LessOrEqual(t, time.Since(began), 10*time.Second)
				return
			}
		}
		t.Fatal("never visited")
	})
}

func TestBreakStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		cancelled := 0
		var mu sync.Mutex
		visit := func(ctx context.Context, target camsec.Target) (string, error) {
			defer g.enter("all")()
			d := time.Hour
			if target.ID == "cam-00000" {
				d = time.Second
			}
			err := sleep(ctx, d)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				cancelled++
			}
			return target.ID, err
		}
		began := time.Now()
		for v := range camsec.Run(t.Context(), cameras(1000, nil), visit, &camsec.RunOptions{Limits: camsec.Limits{All: 10}}) {
			assert.Equal(t, "cam-00000", v.Value)
			break
		}
		assert.Equal(t, time.Second, time.Since(began))
		assert.Equal(t, 10, g.visits["all"], "nothing more was begun")
		assert.Equal(t, 9, cancelled)
		assert.Zero(t, g.now["all"], "and nothing is left behind")
	})
}

func TestEndOfContextNamesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		visit := func(ctx context.Context, _ camsec.Target) (int, error) { return 1, sleep(ctx, time.Second) }
		var ok, cut, never int
		for v := range camsec.Run(ctx, cameras(50, nil), visit, &camsec.RunOptions{Limits: camsec.Limits{All: 5}}) {
			switch {
			case v.Err == nil:
				ok++
			case v.Skipped != "":
				require.ErrorIs(t, v.Err, context.DeadlineExceeded)
				never++
			default:
				cut++
			}
		}
		assert.Equal(t, []int{10, 5, 35}, []int{ok, cut, never})
	})
}

func failing(err error) func(context.Context, camsec.Target) (int, error) {
	return func(context.Context, camsec.Target) (int, error) { return 0, err }
}

func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := map[string][]error{
			"cam-00000": {camsec.ErrBusy, camsec.ErrBusy, nil},
			"cam-00001": {camsec.ErrUnauthorized},
			"cam-00002": {camsec.ErrLocked},
			"cam-00003": {camsec.ErrUntrusted},
			"cam-00004": {camsec.ErrBusy, camsec.ErrBusy, camsec.ErrBusy},
			"cam-00005": {camsec.ErrForbidden},
			"cam-00006": {context.DeadlineExceeded, nil},
			"cam-00007": {errors.Join(camsec.ErrBusy, camsec.ErrUnauthorized)},
		}
		var mu sync.Mutex
		tries := map[string]int{}
		began := time.Now()
		visit := func(_ context.Context, target camsec.Target) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			tries[target.ID]++
			return 0, errs[target.ID][tries[target.ID]-1]
		}
		retries := 0
		opts := &camsec.RunOptions{Backoff: time.Second, Events: func(e camsec.Event) {
			if e.What == "retry" {
				retries++
			}
		}}
		for v := range camsec.Run(t.Context(), cameras(8, nil), visit, opts) {
			want := errs[v.Target.ID]
			assert.Equal(t, len(want), v.Tries, v.Target.ID)
			assert.ErrorIs(t, v.Err, want[len(want)-1], v.Target.ID)
		}
		assert.Equal(t, 5, retries)
		assert.GreaterOrEqual(t, time.Since(began), 3*time.Second, "1 s, then 2 s")
		assert.LessOrEqual(t, time.Since(began), 4500*time.Millisecond)
		opts.Retry = func(err error) bool { return !errors.Is(err, camsec.ErrBusy) }
		clear(tries)
		for v := range camsec.Run(t.Context(), cameras(1, nil), failing(camsec.ErrBusy), opts) {
			assert.Equal(t, 1, v.Tries, "the caller need not want it")
		}
	})
}

// One wrong credential over two hundred cameras costs three failed logins in
// all, however many visits run at once.
func TestBreakerOfRefusedLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		visit := func(ctx context.Context, target camsec.Target) (int, error) {
			defer g.enter(target.Labels["account"])()
			_ = sleep(ctx, time.Duration(rand.IntN(1000))*time.Millisecond)
			if target.Labels["account"] == "wrong" {
				return 0, fmt.Errorf("camera: %w", camsec.ErrUnauthorized)
			}
			return 0, nil
		}
		var told []string
		skipped := 0
		opts := &camsec.RunOptions{Events: func(e camsec.Event) {
			if e.What == "stop" {
				told = append(told, e.Message)
			}
		}}
		targets := cameras(400, func(i int, t *camsec.Target) { t.Labels["account"] = []string{"wrong", "right"}[i%2] })
		for v := range camsec.Run(t.Context(), targets, visit, opts) {
			if v.Skipped != "" {
				skipped++
				assert.Equal(t, camsec.ReasonNoCredential, camsec.ReasonOf(v.Err))
			}
		}
		assert.Equal(t, 3, g.visits["wrong"])
		assert.Equal(t, 197, skipped)
		assert.Equal(t, 200, g.visits["right"])
		require.Len(t, told, 1)
		assert.Contains(t, told[0], "wrong")
	})
}

// A few cameras that refuse a good account do not stop the fleet.
func TestBreakerOfAProvenAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		visit := func(ctx context.Context, target camsec.Target) (int, error) {
			_ = sleep(ctx, time.Second)
			if target.Labels["odd"] != "" {
				return 0, camsec.ErrUnauthorized
			}
			return 0, nil
		}
		targets := cameras(1000, func(i int, t *camsec.Target) {
			t.Labels["account"] = "admin"
			if i%50 == 49 {
				t.Labels["odd"] = "yes"
			}
		})
		visited := 0
		for v := range camsec.Run(t.Context(), targets, visit, nil) {
			if v.Skipped == "" {
				visited++
			}
		}
		assert.Equal(t, 1000, visited)
	})
}

func TestLocksOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGauge()
		visit := func(context.Context, camsec.Target) (int, error) {
			defer g.enter("all")()
			return 0, camsec.ErrLocked
		}
		for range camsec.Run(t.Context(), cameras(100, func(_ int, t *camsec.Target) { t.Labels["account"] = "a" }), visit, nil) {
		}
		assert.Equal(t, 3, g.visits["all"])
	})
}

func TestWaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		first := map[int]time.Duration{}
		size := map[int]int{}
		visit := func(ctx context.Context, _ camsec.Target) (int, error) { return 0, sleep(ctx, time.Second) }
		opts := &camsec.RunOptions{
			Limits: camsec.Limits{All: -1},
			Waves:  &camsec.Waves{Soak: 30 * time.Minute, Steps: []float64{1, 5, 0.05, 0.25}},
		}
		for v := range camsec.Run(t.Context(), cameras(400, func(_ int, t *camsec.Target) { t.Labels["model"] = "M" }), visit, opts) {
			if _, ok := first[v.Wave]; !ok {
				first[v.Wave] = time.Since(began)
			}
			size[v.Wave]++
		}
		assert.Equal(t, map[int]int{1: 1, 2: 4, 3: 15, 4: 80, 5: 300}, size)
		for wave := 2; wave <= 5; wave++ {
			assert.GreaterOrEqual(t, first[wave]-first[wave-1], 30*time.Minute, wave)
		}
	})
}

func TestWavesStop(t *testing.T) {
	lock := func(target camsec.Target) error {
		if target.ID == "cam-00003" {
			return camsec.ErrLocked
		}
		return nil
	}
	for name, tc := range map[string]struct {
		fail  func(camsec.Target) error
		check func(string, int) error
		// Cameras of group A that are visited; B has a hundred, too.
		visited int
		why     string
	}{
		"a lock":          {fail: lock, visited: 5, why: "locked"},
		"what is unknown": {fail: func(t camsec.Target) error { return map[bool]error{true: camsec.ErrUncertain}[t.ID == "cam-00000"] }, visited: 1, why: "not known"},
		"many failures":   {fail: func(camsec.Target) error { return camsec.ErrForbidden }, visited: 1, why: "1 of 1 visits failed"},
		"a regression": {check: func(g string, wave int) error {
			return map[bool]error{true: errors.New("no picture")}[g[0] == 'A' && wave == 2]
		}, visited: 5, why: "no picture"},
		"all as it should": {visited: 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				visit := func(ctx context.Context, target camsec.Target) (int, error) {
					_ = sleep(ctx, time.Second)
					if tc.fail != nil && target.Labels["model"] == "A" {
						return 0, tc.fail(target)
					}
					return 0, nil
				}
				visited := map[string]int{}
				var skipped []camsec.Visit[int]
				opts := &camsec.RunOptions{Waves: &camsec.Waves{Check: tc.check}}
				targets := cameras(200, func(i int, t *camsec.Target) { t.Labels["model"] = []string{"A", "B"}[i/100] })
				for v := range camsec.Run(t.Context(), targets, visit, opts) {
					if v.Skipped != "" {
						skipped = append(skipped, v)
						continue
					}
					visited[v.Target.Labels["model"]]++
				}
				assert.Equal(t, map[string]int{"A": tc.visited, "B": 100}, visited)
				assert.Len(t, skipped, 100-tc.visited)
				for _, v := range skipped {
					assert.Contains(t, v.Skipped, tc.why)
					assert.Error(t, v.Err)
				}
			})
		})
	}
}

// memory is a journal that is lost with the process.
type memory struct {
	mu   sync.Mutex
	done map[string]bool
	err  error
}

func (m *memory) Finished(key string) bool { m.mu.Lock(); defer m.mu.Unlock(); return m.done[key] }
func (m *memory) Finish(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.done[key] = true
	}
	return m.err
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &memory{done: map[string]bool{}}
		visit := func(ctx context.Context, target camsec.Target) (int, error) {
			_ = sleep(ctx, time.Second)
			if target.ID == "cam-00007" {
				return 0, camsec.ErrForbidden
			}
			return 0, ctx.Err()
		}
		opts := &camsec.RunOptions{Journal: j}
		n := 0
		for range camsec.Run(t.Context(), cameras(200, nil), visit, opts) {
			if n++; n == 150 {
				break
			}
		}
		assert.Len(t, j.done, 148, "neither what failed nor what was not taken is finished")
		var visited, before int
		for v := range camsec.Run(t.Context(), cameras(200, nil), visit, opts) {
			if v.Skipped == "" {
				visited++
				continue
			}
			before++
			assert.NoError(t, v.Err)
		}
		assert.Equal(t, []int{52, 148}, []int{visited, before})
	})
}

func TestAJournalThatFailsEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		visits := newGauge()
		visit := func(ctx context.Context, _ camsec.Target) (int, error) {
			defer visits.enter("all")()
			return 0, sleep(ctx, time.Second)
		}
		rest := 0
		for v := range camsec.Run(t.Context(), cameras(500, nil), visit, &camsec.RunOptions{Journal: &memory{err: full}}) {
			if v.Skipped != "" {
				rest++
				require.ErrorIs(t, v.Err, full)
			}
		}
		assert.LessOrEqual(t, visits.visits["all"], 64)
		assert.Equal(t, 500-visits.visits["all"], rest)
	})
}

// Forty thousand targets and a reader that takes its time stay small.
func TestSlowReaderStaysSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pulled, most := 0, 0
		targets := func(yield func(camsec.Target) bool) {
			for i := range 40_000 {
				pulled++
				if !yield(camsec.Target{ID: fmt.Sprintf("cam-%d", i), Scope: fmt.Sprint(i % 300)}) {
					return
				}
			}
		}
		visit := func(context.Context, camsec.Target) ([]byte, error) { return make([]byte, 64<<10), nil }
		taken := 0
		var mem runtime.MemStats
		for v := range camsec.Run(t.Context(), targets, visit, nil) {
			time.Sleep(10 * time.Millisecond)
			require.Len(t, v.Value, 64<<10)
			taken++
			most = max(most, pulled-taken)
			if taken%5000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&mem)
				require.Less(t, mem.HeapAlloc, uint64(100<<20))
			}
		}
		assert.Equal(t, 40_000, taken)
		assert.LessOrEqual(t, most, 64, "no more is taken than can be used")
	})
}

func TestDescriptorsBoundVisits(t *testing.T) {
	for descriptors, want := range map[int]int{1024: 480, 256: 96, 10: 1, 0: 500} {
		synctest.Test(t, func(t *testing.T) {
			g := newGauge()
			visit := func(ctx context.Context, _ camsec.Target) (int, error) {
				defer g.enter("all")()
				return 0, sleep(ctx, time.Second)
			}
			opts := &camsec.RunOptions{Limits: camsec.Limits{All: 500, Descriptors: descriptors}}
			for range camsec.Run(t.Context(), cameras(600, nil), visit, opts) {
			}
			assert.Equal(t, want, g.most["all"], descriptors)
		})
	}
}

func TestJitterSpreadsTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		at := map[string]time.Duration{}
		visit := func(_ context.Context, target camsec.Target) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			at[target.ID] = time.Since(began)
			return 0, nil
		}
		opts := &camsec.RunOptions{Jitter: time.Hour, Limits: camsec.Limits{All: -1}}
		for range camsec.Run(t.Context(), cameras(600, nil), visit, opts) {
		}
		thirds := [3]int{}
		for _, d := range at {
			require.Less(t, d, time.Hour)
			thirds[d/(20*time.Minute)]++
		}
		for _, n := range thirds {
			assert.Greater(t, n, 120)
		}
	})
}
