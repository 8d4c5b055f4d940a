package camsec_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/camsec/camsec"
)

// A thin site is busy whenever more than bears visits are under way there.
type thin struct {
	mu         sync.Mutex
	bears, now int
	busy       int
	most       int
}

func (s *thin) visit(ctx context.Context) error {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	over := s.now > s.bears
	if over {
		s.busy++
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	if err := sleep(ctx, time.Second); err != nil || !over {
		return err
	}
	return fmt.Errorf("camera: %w", camsec.ErrBusy)
}

// A site that cannot keep up is visited by fewer at once, and by as many as
// before once it can; other sites do not wait for it.
func TestSiteIsSlowedAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sites := map[string]*thin{"thin": {bears: 5}, "wide": {bears: 1000}}
		began := time.Now()
		time.AfterFunc(90*time.Second, func() {
			s := sites["thin"]
			s.mu.Lock()
			defer s.mu.Unlock()
			s.bears, s.most = 1000, 0
		})
		visit := func(ctx context.Context, target camsec.Target) (int, error) {
			return 0, sites[target.Scope].visit(ctx)
		}
		var told []camsec.Event
		opts := &camsec.RunOptions{
			Limits: camsec.Limits{All: 80, Site: 40}, Tries: 8, Backoff: time.Second,
			Events: func(e camsec.Event) {
				if e.What == "slow" {
					told = append(told, e)
				}
			},
		}
		targets := cameras(1600, func(i int, t *camsec.Target) { t.Scope = []string{"thin", "wide"}[i%2] })
		var wide, busyEarly, failed int
		for v := range camsec.Run(t.Context(), targets, visit, opts) {
			switch {
			case v.Err != nil:
				failed++
			case v.Target.Scope == "wide":
				if wide++; wide == 800 {
					assert.LessOrEqual(t, time.Since(began), 25*time.Second, "20 s at 40 a second")
				}
			}
			if time.Since(began) < 90*time.Second {
				s := sites["thin"]
				s.mu.Lock()
				busyEarly = s.busy
				s.mu.Unlock()
			}
		}
		assert.Zero(t, failed)
		assert.NotEmpty(t, told)
		for _, e := range told {
			assert.Equal(t, "thin", e.Target.Scope)
			assert.Contains(t, e.Message, "site thin")
			assert.ErrorIs(t, e.Err, camsec.ErrBusy)
		}
		// At forty at once it would be thirty-five a second, 3,150 in all.
		assert.Less(t, busyEarly, 600)
		assert.Greater(t, sites["thin"].most, 30, "at the end it is visited as before")
	})
}

// What does not speak of a site does not slow it.
func TestSiteIsNotSlowed(t *testing.T) {
	unreachable := &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
	for name, tc := range map[string]struct {
		scope string
		err   func(i int) error
		slow  bool
	}{
		"logins refused":            {"a", func(int) error { return camsec.ErrUnauthorized }, false},
		"accounts locked":           {"a", func(int) error { return camsec.ErrLocked }, false},
		"busy and refused":          {"a", func(int) error { return fmt.Errorf("%w: %w", camsec.ErrUnauthorized, camsec.ErrBusy) }, false},
		"keys not trusted":          {"a", func(int) error { return camsec.ErrUntrusted }, false},
		"one that is gone":          {"a", func(i int) error { return map[bool]error{true: unreachable}[i == 3] }, false},
		"one in fifty":              {"a", func(i int) error { return map[bool]error{true: unreachable}[i%50 == 0] }, false},
		"no site":                   {"", func(int) error { return camsec.ErrBusy }, false},
		"all are busy":              {"a", func(int) error { return camsec.ErrBusy }, true},
		"many are out of reach":     {"a", func(i int) error { return map[bool]error{true: unreachable}[i%2 == 0] }, true},
		"refused, and out of reach": {"a", func(i int) error { return []error{camsec.ErrUnauthorized, unreachable}[i%2] }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				visit := func(ctx context.Context, target camsec.Target) (int, error) {
					var i int
					_, _ = fmt.Sscanf(target.ID, "cam-%d", &i)
					_ = sleep(ctx, time.Second)
					return 0, tc.err(i)
				}
				slowed := false
				opts := &camsec.RunOptions{Events: func(e camsec.Event) {
					// At the end nothing is left beside what is tried again.
					slowed = slowed || e.What == "slow" && e.Done < 150
				}}
				began := time.Now()
				n := 0
				for range camsec.Run(t.Context(), cameras(200, func(_ int, t *camsec.Target) { t.Scope = tc.scope }), visit, opts) {
					n++
				}
				assert.Equal(t, 200, n)
				assert.Equal(t, tc.slow, slowed)
				assert.Less(t, time.Since(began), 10*time.Minute, "a site that is gone does not hold up the run for ever")
			})
		})
	}
}

// A device's own word on when to come back counts, within reason.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		visit := func(context.Context, camsec.Target) (int, error) {
			at = append(at, time.Since(began).Round(time.Second))
			return 0, waitError{[]time.Duration{30 * time.Second, 24 * time.Hour, 0}[len(at)-1]}
		}
		for range camsec.Run(t.Context(), slices.Values([]camsec.Target{{ID: "c"}}), visit, &camsec.RunOptions{Backoff: time.Second}) {
		}
		assert.Len(t, at, 3)
		assert.GreaterOrEqual(t, at[1], 30*time.Second)
		assert.Less(t, at[1], 50*time.Second)
		assert.GreaterOrEqual(t, at[2]-at[1], 5*time.Minute)
		assert.Less(t, at[2]-at[1], 10*time.Minute)
	})
}

type waitError struct{ d time.Duration }

func (e waitError) Error() string       { return "busy" }
func (e waitError) Unwrap() error       { return camsec.ErrBusy }
func (e waitError) Wait() time.Duration { return e.d }
