package advisory

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func dbOf(t *testing.T, day string, all ...Advisory) *DB {
	t.Helper()
	asOf := time.Time{}
	if day != "" {
		var err error
		asOf, err = time.Parse(time.DateOnly, day)
		require.NoError(t, err)
	}
	db, err := newDB(asOf, all)
	require.NoError(t, err)
	return db
}

// Of what two sources say of one vulnerability, each single value is the one
// that serves the owner: the earliest day, the highest score, the newest
// estimate.
func TestMergeOfValues(t *testing.T) {
	entry := func(published string, cvss float64, epss *EPSS, source string) Advisory {
		return Advisory{ID: "X-1", Vendor: "acme", Published: published, CVSS: cvss, EPSS: epss, Affected: []Row{{Patterns: []string{"*"}, Source: source}}}
	}
	old, young := &EPSS{Score: 0.1, Date: "2025-01-01"}, &EPSS{Score: 0.2, Date: "2025-02-01"}
	for _, tt := range []struct {
		a, b, want Advisory
	}{
		{entry("2025-01-02", 5, old, "a"), entry("2025-01-01", 9, young, "b"), entry("2025-01-01", 9, young, "")},
		{entry("2025-01-01", 9, young, "a"), entry("2025-01-02", 5, old, "b"), entry("2025-01-01", 9, young, "")},
		{entry("", 0, nil, "a"), entry("2025-01-02", 0, old, "b"), entry("2025-01-02", 0, old, "")},
		{entry("2025-01-02", 0, old, "a"), entry("", 0, nil, "b"), entry("2025-01-02", 0, old, "")},
	} {
		got := Merge(dbOf(t, "2026-01-01", tt.a), dbOf(t, "2026-01-02", tt.b)).Advisories()
		require.Len(t, got, 1)
		assert.Equal(t, tt.want.Published, got[0].Published)
		assert.InDelta(t, tt.want.CVSS, got[0].CVSS, 0)
		assert.Equal(t, tt.want.EPSS, got[0].EPSS)
		assert.Len(t, got[0].Affected, 2)
	}
	same := &EPSS{Score: 0.3, Date: old.Date}
	got := Merge(dbOf(t, "2026-01-01", entry("", 0, old, "a")), dbOf(t, "2026-01-01", entry("", 0, same, "b"))).Advisories()
	assert.Equal(t, old, got[0].EPSS, "of one day the first stays")
}

func TestMergeIsOfTheEarliestDayTold(t *testing.T) {
	for _, days := range [][]string{{"2026-01-01", "2026-01-02"}, {"2026-01-02", "2026-01-01"}, {"", "2026-01-01"}, {"2026-01-01", ""}} {
		assert.Equal(t, "2026-01-01", Merge(dbOf(t, days[0]), dbOf(t, days[1])).AsOf().Format(time.DateOnly), days)
	}
}

// What is put together stays within what a dataset may hold.
func TestMergeStaysWithinLimits(t *testing.T) {
	list := func(from, n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint("A", from+i))
		}
		return out
	}
	assert.Equal(t, list(0, maxList), union(list(0, maxList-1), list(maxList-1, 2)))
	assert.Equal(t, list(0, 3), union(list(0, 2), list(1, 2)))
	entry := func(from, n int) Advisory {
		a := Advisory{ID: "X-1", Vendor: "acme"}
		for _, p := range list(from, n) {
			a.Affected = append(a.Affected, Row{Patterns: []string{p}})
		}
		return a
	}
	got := Merge(dbOf(t, "2026-01-01", entry(0, maxRows-1)), dbOf(t, "2026-01-01", entry(maxRows-1, 2))).Advisories()
	assert.Len(t, got[0].Affected, maxRows)
}
