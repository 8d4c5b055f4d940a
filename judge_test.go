package camsec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fixed is a control of an outsider whose verdict is fixed.
type fixed struct {
	id  string
	sev camsec.Severity
	v   camsec.Verdict
}

func (f fixed) ID() string                                       { return f.id }
func (f fixed) Title() string                                    { return "title of " + f.id }
func (f fixed) Severity() camsec.Severity                        { return f.sev }
func (f fixed) Judge(*camsec.Snapshot, time.Time) camsec.Verdict { return f.v }
func verdict(id string, sev camsec.Severity, s camsec.Status) fixed {
	return fixed{id, sev, camsec.Verdict{Status: s}}
}

func TestScore(t *testing.T) {
	const none = -1
	c, h, m, l, i := camsec.Critical, camsec.High, camsec.Medium, camsec.Low, camsec.Info
	for _, tc := range []struct {
		name     string
		controls []camsec.Control
		want     int
		capped   bool
	}{
		{"no control", nil, none, false},
		{"all pass", []camsec.Control{verdict("a", c, camsec.Pass), verdict("b", l, camsec.Pass)}, 100, false},
		{"weights", []camsec.Control{verdict("a", c, camsec.Pass), verdict("b", h, camsec.Fail)}, 66, false},
		{"medium against low", []camsec.Control{verdict("a", m, camsec.Pass), verdict("b", l, camsec.Fail)}, 66, false},
		{"critical caps", []camsec.Control{
			verdict("a", c, camsec.Fail), verdict("b", c, camsec.Pass), verdict("c", c, camsec.Pass),
		}, 49, true},
		{"critical below the cap", []camsec.Control{verdict("a", c, camsec.Fail), verdict("b", h, camsec.Pass)}, 33, false},
		{"half unknown", []camsec.Control{verdict("a", h, camsec.Pass), verdict("b", h, camsec.StatusUnknown)}, 100, false},
		{"over half unknown", []camsec.Control{
			verdict("a", h, camsec.Pass), verdict("b", h, camsec.StatusUnknown), verdict("c", l, camsec.StatusUnknown),
		}, none, false},
		{"over half unknown and a critical", []camsec.Control{
			verdict("a", c, camsec.Fail), verdict("b", c, camsec.StatusUnknown), verdict("c", l, camsec.StatusUnknown),
		}, none, false},
		{"info does not count", []camsec.Control{verdict("a", i, camsec.Fail), verdict("b", l, camsec.Pass)}, 100, false},
		{"info alone", []camsec.Control{verdict("a", i, camsec.Pass)}, none, false},
		{"waived and not applicable do not count", []camsec.Control{
			verdict("a", c, camsec.Waived), verdict("b", c, camsec.NotApplicable), verdict("c", l, camsec.Pass),
		}, 100, false},
		{"all fail", []camsec.Control{verdict("a", l, camsec.Fail)}, 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := camsec.Judge(snap(), tc.controls, day)
			b, err := json.Marshal(r)
			require.NoError(t, err)
			var wire struct {
				Score   *int
				Scoring struct{ Formula, Version string }
			}
			require.NoError(t, json.Unmarshal(b, &wire))
			assert.Contains(t, wire.Scoring.Formula, "weight(pass)")
			assert.Equal(t, "1", wire.Scoring.Version)
			var table bytes.Buffer
			require.NoError(t, camsec.Reports{r}.WriteTable(&table, nil))
			assert.Equal(t, tc.capped, strings.Contains(table.String(), "capped"))
			assert.Contains(t, table.String(), "% unknown", "the share of unknowns stands beside every score")
			assert.Contains(t, table.String(), fmt.Sprintf("%d of %d controls answered", len(r.Results)-r.Summary.Unknown, len(r.Results)))
			if tc.want == none {
				assert.Nil(t, wire.Score)
				assert.Contains(t, table.String(), "no score")
				assert.Contains(t, string(b), `"score":null`)
				return
			}
			require.NotNil(t, wire.Score)
			assert.Equal(t, tc.want, *wire.Score)
			assert.Equal(t, tc.capped, r.Scoring.Capped)
		})
	}
}

func TestJudge(t *testing.T) {
	s := snap(on("service.telnet"))
	s.Target = camsec.Target{Scope: "shop", Address: "10.0.0.5"}
	s.Errors = map[string]*camsec.Problem{"users": {Code: camsec.ReasonForbidden, Message: "no"}}
	before, err := json.Marshal(s)
	require.NoError(t, err)

	controls := append((&camsec.Baseline{Accounts: []string{"admin"}}).Apply(camsec.Controls()), nil,
		fixed{id: "x-odd", v: camsec.Verdict{Status: 200}},
		verdict("SVC-01", camsec.Low, camsec.Pass))
	r := camsec.Judge(s, controls, day)
	again := camsec.Judge(s, controls, day)
	assert.Equal(t, r, again, "the same question has the same answer")
	after, err := json.Marshal(s)
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after), "the snapshot is not changed")

	byID := map[string]camsec.Result{}
	for _, res := range r.Results {
		assert.NotContains(t, byID, res.Control)
		byID[res.Control] = res
		assert.NotNil(t, res.Evidence)
		if res.Status != camsec.Pass {
			assert.NotEmpty(t, res.Reason, res.Control)
		}
	}
	assert.Equal(t, camsec.Fail, byID["SVC-02"].Status)
	assert.NotEmpty(t, byID["SVC-02"].Remedy)
	assert.Equal(t, "GET /service.telnet", byID["SVC-02"].Evidence[0].Operation)
	assert.Equal(t, camsec.Pass, byID["SVC-01"].Status, "a later control replaces an earlier one of its id")
	assert.Contains(t, byID["ACC-08"].Reason, "forbidden")
	assert.Empty(t, byID["ACC-08"].Remedy, "nothing to mend where nothing is known")
	assert.Equal(t, camsec.StatusUnknown, byID["x-odd"].Status, "a status out of range is unknown")
	sum := r.Summary
	assert.Equal(t, len(r.Results), sum.Pass+sum.Fail+sum.Unknown+sum.NotApplicable+sum.Waived)
	assert.Equal(t, 1, sum.Fail)
	assert.Equal(t, "10.0.0.5", r.ID, "a target without an id goes by its address")
	assert.Equal(t, s.Target.Key(), r.Key())
	assert.Contains(t, r.Errors, "users")

	nothing := camsec.Judge(nil, camsec.Controls(), day)
	assert.Equal(t, len(camsec.Controls()), nothing.Summary.Unknown)
	assert.Nil(t, nothing.Score)
}

func TestStatusAndSeverityText(t *testing.T) {
	for i, name := range []string{"unknown", "pass", "fail", "notApplicable", "waived"} {
		var s camsec.Status
		require.NoError(t, s.UnmarshalText([]byte(name)))
		assert.Equal(t, camsec.Status(i), s)
		assert.Equal(t, name, s.String())
	}
	for i, name := range []string{"info", "low", "medium", "high", "critical"} {
		var s camsec.Severity
		require.NoError(t, s.UnmarshalText([]byte(name)))
		assert.Equal(t, camsec.Severity(i), s)
		assert.Equal(t, name, s.String())
	}
	s := camsec.Pass
	require.NoError(t, s.UnmarshalText([]byte("PASSED")))
	assert.Equal(t, camsec.StatusUnknown, s, "a word that is not known never reads as a pass")
	assert.Equal(t, "unknown", camsec.Status(99).String())
}
