package camsec_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func TestWindow(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	night := camsec.Window{From: 22 * time.Hour, To: 5 * time.Hour, Zone: berlin, Days: []time.Weekday{time.Friday}}
	for at, want := range map[string]bool{
		"2026-03-06T21:59:59+01:00": false, // Friday
		"2026-03-06T22:00:00+01:00": true,
		"2026-03-07T04:59:00+01:00": true, // Saturday, of Friday's window
		"2026-03-07T05:00:00+01:00": false,
		"2026-03-07T22:30:00+01:00": false,
		"2026-03-06T04:00:00+01:00": false, // Friday, of Thursday's
		"2026-03-06T21:30:00Z":      true,
	} {
		when, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		assert.Equal(t, want, night.Contains(when), at)
	}
	assert.True(t, camsec.Window{}.Contains(time.Now()), "the zero window is always open")
	assert.True(t, camsec.Window{From: time.Hour, To: 2 * time.Hour, Days: []time.Weekday{}}.Next(time.Now()).IsZero(), "no day at all")
}

// Next is held against a clock that is looked at every minute, over the days
// that change the clocks: in Berlin, in New York, on an island that changes
// by half an hour, and where midnight itself is skipped.
func TestWindowsOnBothDaysOfDaylightSaving(t *testing.T) {
	for _, tc := range []struct {
		zone string
		days []string
	}{
		{"Europe/Berlin", []string{"2026-03-29", "2026-10-25"}},
		{"America/New_York", []string{"2026-03-08", "2026-11-01"}},
		{"Australia/Lord_Howe", []string{"2026-10-04", "2026-04-05"}},
		{"America/Asuncion", []string{"2023-10-01", "2023-03-26"}},
	} {
		z := zone(t, tc.zone)
		for _, day := range tc.days {
			start, err := time.ParseInLocation(time.DateOnly, day, z)
			require.NoError(t, err)
			from := start.Add(-26 * time.Hour)
			for _, w := range []camsec.Window{
				{From: 2*time.Hour + 30*time.Minute, To: 3*time.Hour + 30*time.Minute},
				{From: 1 * time.Hour, To: 2 * time.Hour},
				{From: 2 * time.Hour, To: 3 * time.Hour},
				{From: 22 * time.Hour, To: 5 * time.Hour},
				{From: 0, To: time.Hour},
				{From: 23*time.Hour + 30*time.Minute, To: 30 * time.Minute, Days: []time.Weekday{start.Weekday()}},
				{From: 2 * time.Hour, To: 2 * time.Hour, Days: []time.Weekday{start.Weekday()}},
			} {
				w.Zone = z
				const minutes = 60 * 60
				next := make([]time.Time, minutes+1)
				for m := minutes - 1; m >= 0; m-- {
					at := from.Add(time.Duration(m) * time.Minute)
					next[m] = next[m+1]
					if w.Contains(at) {
						next[m] = at
					}
				}
				for m := 0; m < minutes; m += 7 {
					at := from.Add(time.Duration(m) * time.Minute)
					if next[m].IsZero() {
						continue // beyond what was looked at
					}
					require.True(t, next[m].Equal(w.Next(at)), "%s %s %v: from %s next is %s, want %s", tc.zone, day, w, at, w.Next(at), next[m])
				}
			}
		}
	}
	// How long the window is open on those days, by our own clock.
	berlin := zone(t, "Europe/Berlin")
	for day, want := range map[string]time.Duration{"2026-03-28": time.Hour, "2026-03-29": 30 * time.Minute, "2026-10-25": 90 * time.Minute} {
		start, err := time.ParseInLocation(time.DateOnly, day, berlin)
		require.NoError(t, err)
		w := camsec.Window{From: 2*time.Hour + 30*time.Minute, To: 3*time.Hour + 30*time.Minute, Zone: berlin}
		open := time.Duration(0)
		for at := start; at.Before(start.Add(23 * time.Hour)); at = at.Add(time.Minute) {
			if w.Contains(at) {
				open += time.Minute
			}
		}
		assert.Equal(t, want, open, day)
	}
}

// A run visits in the window of each site and at no other time.
func TestRunKeepsToWindows(t *testing.T) {
	tokyo, newYork := zone(t, "Asia/Tokyo"), zone(t, "America/New_York")
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC
		windows := map[string]*camsec.Window{
			"tokyo":    {From: 22 * time.Hour, To: 23 * time.Hour, Zone: tokyo},
			"new york": {From: 22 * time.Hour, To: 23 * time.Hour, Zone: newYork},
			"any time": nil,
		}
		names := []string{"tokyo", "new york", "any time"}
		visit := func(ctx context.Context, target camsec.Target) (time.Time, error) {
			return time.Now(), sleep(ctx, 10*time.Minute)
		}
		opts := &camsec.RunOptions{
			Limits: camsec.Limits{Site: 4}, Jitter: 20 * time.Minute,
			Window: func(t camsec.Target) *camsec.Window { return windows[t.Scope] },
		}
		begun := map[string]int{}
		for v := range camsec.Run(t.Context(), cameras(120, func(i int, t *camsec.Target) { t.Scope = names[i%3] }), visit, opts) {
			require.NoError(t, v.Err)
			if w := windows[v.Target.Scope]; w != nil {
				require.True(t, w.Contains(v.Value), "%s at %s", v.Target.Scope, v.Value)
			}
			begun[v.Target.Scope]++
		}
		assert.Equal(t, map[string]int{"tokyo": 40, "new york": 40, "any time": 40}, begun)
	})
	synctest.Test(t, func(t *testing.T) {
		never := &camsec.Window{Days: []time.Weekday{}, From: time.Hour, To: 2 * time.Hour}
		for v := range camsec.Run(t.Context(), cameras(1, nil), func(context.Context, camsec.Target) (int, error) { return 1, nil },
			&camsec.RunOptions{Window: func(camsec.Target) *camsec.Window { return never }}) {
			assert.Contains(t, v.Skipped, "never opens")
		}
	})
}
