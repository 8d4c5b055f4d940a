package camsec_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ids(controls []camsec.Control) []string {
	var out []string
	for _, c := range controls {
		out = append(out, c.ID())
	}
	return out
}

func TestWaivers(t *testing.T) {
	bad, good := cases["SVC-02"].fail, cases["SVC-02"].pass
	bad.Target = camsec.Target{Scope: "shop", ID: "gate"}
	until := day.Add(time.Hour)
	full := camsec.Waiver{Control: "SVC-02", Owner: "Site owner", Until: until, Reason: "replaced in May"}
	with := func(change func(*camsec.Waiver)) camsec.Waiver {
		w := full
		change(&w)
		return w
	}
	judge := func(w camsec.Waiver, s *camsec.Snapshot) camsec.Result {
		controls := (&camsec.Baseline{Waivers: []camsec.Waiver{w}}).Apply(camsec.Controls())
		for _, r := range camsec.Judge(s, controls, day).Results {
			if r.Control == "SVC-02" {
				return r
			}
		}
		t.Fatal("no result")
		return camsec.Result{}
	}
	for _, tc := range []struct {
		name string
		w    camsec.Waiver
		s    *camsec.Snapshot
		want camsec.Status
	}{
		{"fails", full, bad, camsec.Waived},
		{"passes", full, good, camsec.Pass},
		{"unknown", full, snap(), camsec.StatusUnknown},
		{"run out", with(func(w *camsec.Waiver) { w.Until = day }), bad, camsec.Fail},
		{"nobody", with(func(w *camsec.Waiver) { w.Owner = "" }), bad, camsec.Fail},
		{"no reason", with(func(w *camsec.Waiver) { w.Reason = "" }), bad, camsec.Fail},
		{"no end", with(func(w *camsec.Waiver) { w.Until = time.Time{} }), bad, camsec.Fail},
		{"another control", with(func(w *camsec.Waiver) { w.Control = "SVC-01" }), bad, camsec.Fail},
		{"this device", with(func(w *camsec.Waiver) { w.Device = "shop/gate" }), bad, camsec.Waived},
		{"this site", with(func(w *camsec.Waiver) { w.Device = "shop/" }), bad, camsec.Waived},
		{"another device", with(func(w *camsec.Waiver) { w.Device = "shop/gate2" }), bad, camsec.Fail},
		{"a longer name", with(func(w *camsec.Waiver) { w.Device = "shop/gat" }), bad, camsec.Fail},
		{"another site", with(func(w *camsec.Waiver) { w.Device = "sho/" }), bad, camsec.Fail},
		{"zero", camsec.Waiver{}, bad, camsec.Fail},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, judge(tc.w, tc.s).Status)
		})
	}
	r := judge(full, bad)
	for _, part := range []string{"Site owner", "2026-03-01", "replaced in May", "Telnet"} {
		assert.Contains(t, r.Reason, part)
	}
	assert.NotEmpty(t, r.Remedy, "the control's remedy is kept")
	assert.NotEmpty(t, r.References)
}

// What a baseline leaves out is in the report, and counts for nothing.
func TestBaselineLevels(t *testing.T) {
	s := snap(on("service.telnet"), off("network.ip-filter"), off("service.srtp"))
	byID := func(b *camsec.Baseline) map[string]camsec.Result {
		out := map[string]camsec.Result{}
		for _, r := range camsec.Judge(s, b.Apply(camsec.Controls()), day).Results {
			out[r.Control] = r
		}
		return out
	}
	all := byID(&camsec.Baseline{})
	assert.Equal(t, camsec.Fail, all["NET-01"].Status)
	for level := 1; level <= 3; level++ {
		for id, r := range byID(&camsec.Baseline{Level: level, Also: []string{"TLS-08"}}) {
			if r.Level > level && id != "TLS-08" {
				assert.Equal(t, camsec.NotApplicable, r.Status, id)
				assert.Contains(t, r.Reason, "not asked")
				continue
			}
			assert.Equal(t, all[id].Status, r.Status, id)
		}
	}
	assert.Equal(t, camsec.Fail, byID(&camsec.Baseline{Level: 1, Also: []string{"TLS-08"}})["TLS-08"].Status)
}

func TestBaselineNotApplicable(t *testing.T) {
	b := &camsec.Baseline{NotApplicable: map[string]string{"SVC-02": "no such port on this network"}}
	for _, c := range b.Apply(camsec.Controls()) {
		if c.ID() != "SVC-02" {
			continue
		}
		v := c.Judge(cases["SVC-02"].fail, day)
		assert.Equal(t, camsec.NotApplicable, v.Status)
		assert.Contains(t, v.Reason, "no such port")
	}
}

func TestBaselineInUse(t *testing.T) {
	b := &camsec.Baseline{InUse: map[string]string{"service.cloud": "the owner's app", "login.lockout": "nobody"}}
	byID := map[string]camsec.Control{}
	for _, c := range b.Apply(camsec.Controls()) {
		byID[c.ID()] = c
	}
	v := byID["SVC-06"].Judge(cases["SVC-06"].fail, day)
	assert.Equal(t, camsec.Pass, v.Status)
	assert.Contains(t, v.Reason, "the owner's app")
	assert.Equal(t, camsec.StatusUnknown, byID["SVC-06"].Judge(snap(), day).Status, "declared is not read")
	assert.Equal(t, camsec.Fail, byID["ACC-12"].Judge(cases["ACC-12"].fail, day).Status, "what must be on is not excused")
}

func TestReadBaseline(t *testing.T) {
	b, err := camsec.ReadBaseline(strings.NewReader(`{"schema":"camsec.baseline/1","name":"shops","level":2,"also":["TLS-08"],
		"accounts":["admin","vms"],"inUse":{"service.cloud":"owner"},"notApplicable":{"SVC-18":"no radio"},
		"waivers":[{"control":"SVC-06","device":"shop/gate","owner":"Kim","reason":"app","until":"2026-06-01T00:00:00Z"}]}`))
	require.NoError(t, err)
	assert.Equal(t, 2, b.Level)
	assert.Equal(t, "Kim", b.Waivers[0].Owner)
	raw, err := json.Marshal(b)
	require.NoError(t, err)
	again, err := camsec.ReadBaseline(strings.NewReader(string(raw)))
	require.NoError(t, err)
	assert.Equal(t, b, again)

	for name, doc := range map[string]string{
		"empty":           ``,
		"no schema":       `{"level":1}`,
		"other schema":    `{"schema":"camsec.baseline/2"}`,
		"misspelt":        `{"schema":"camsec.baseline/1","lvl":1}`,
		"level":           `{"schema":"camsec.baseline/1","level":4}`,
		"no reason":       `{"schema":"camsec.baseline/1","notApplicable":{"SVC-18":" "}}`,
		"no switch":       `{"schema":"camsec.baseline/1","inUse":{"tls.min":"x"}}`,
		"nobody":          `{"schema":"camsec.baseline/1","inUse":{"service.cloud":""}}`,
		"endless waiver":  `{"schema":"camsec.baseline/1","waivers":[{"control":"SVC-06","owner":"K","reason":"r"}]}`,
		"unowned waiver":  `{"schema":"camsec.baseline/1","waivers":[{"control":"SVC-06","reason":"r","until":"2026-06-01T00:00:00Z"}]}`,
		"two documents":   `{"schema":"camsec.baseline/1"}{"schema":"camsec.baseline/1"}`,
		"not an object":   `[]`,
		"date only":       `{"schema":"camsec.baseline/1","waivers":[{"control":"SVC-06","owner":"K","reason":"r","until":"soon"}]}`,
		"over four MiB":   `{"schema":"camsec.baseline/1","name":"` + strings.Repeat("x", 4<<20) + `"}`,
		"number as level": `{"schema":"camsec.baseline/1","level":"2"}`,
	} {
		_, err := camsec.ReadBaseline(strings.NewReader(doc))
		assert.ErrorIs(t, err, camsec.ErrMalformed, name)
	}
}

func TestBaselineKeepsOutsiders(t *testing.T) {
	x := verdict("x-1", camsec.High, camsec.Fail)
	b := &camsec.Baseline{Level: 1, Waivers: []camsec.Waiver{{Control: "x-1", Owner: "a", Reason: "b", Until: day.Add(time.Hour)}}}
	got := b.Apply([]camsec.Control{nil, x})
	require.Equal(t, []string{"x-1"}, ids(got), "a control without a level is always asked")
	assert.Equal(t, camsec.Waived, got[0].Judge(nil, day).Status)
}
