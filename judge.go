package camsec

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// scoreFormula says in words how a score is made; scoreVersion changes
// whenever that does, so that two scores can be compared or known not to be.
const (
	scoreVersion = "1"
	scoreFormula = "100 * weight(pass) / weight(pass + fail), rounded down; weights critical 10, high 5, medium 2, low 1, info 0; " +
		"at most 49 while a critical control fails; null when more than half of weight(pass + fail + unknown) is unknown; " +
		"notApplicable and waived do not count"
)

var severityWeight = map[Severity]int{Critical: 10, High: 5, Medium: 2, Low: 1}

// scoreCap is the most that a device with a failing critical control gets.
const scoreCap = 49

// Judge holds s against controls and makes the report of that one device. It
// does no I/O and changes nothing: the same snapshot, controls and time give
// the same report, today or in a year. Of several controls with one id the
// last is asked, so that a caller's own can follow the built-in ones. A nil
// snapshot, like an empty one, makes everything unknown.
func Judge(s *Snapshot, controls []Control, now time.Time) *Report {
	if s == nil {
		s = &Snapshot{}
	}
	r := &Report{
		Target: s.Target, Inventory: s.Inventory, Protocol: s.Protocol, Trust: s.Trust,
		TakenAt: s.TakenAt.UTC(), JudgedAt: now.UTC(),
		Scoring: Scoring{Version: scoreVersion, Formula: scoreFormula},
		Results: []Result{}, Errors: map[string]*Problem{},
	}
	r.ID = cmp.Or(r.ID, r.Address) // as Target.Key has it
	maps.Copy(r.Errors, s.Errors)
	if offset := s.Setting("time.offset-seconds"); offset.Known() && offset.Value.Kind() == kindInt {
		seconds := offset.Value.Int()
		r.ClockOffset = &seconds
	}
	byID := map[string]int{}
	for _, c := range controls {
		if c == nil {
			continue
		}
		if d, ok := optional[interface{ Dataset() (string, time.Time) }](c); ok {
			if r.Data == nil {
				r.Data = map[string]time.Time{}
			}
			name, asOf := d.Dataset()
			r.Data[name] = asOf.UTC()
		}
		res := ask(c, s, now)
		if i, ok := byID[res.Control]; ok {
			r.Results[i] = res
			continue
		}
		byID[res.Control] = len(r.Results)
		r.Results = append(r.Results, res)
	}
	slices.SortStableFunc(r.Results, func(a, b Result) int { return cmp.Compare(a.Control, b.Control) })
	r.count()
	return r
}

// ask puts one control's question and keeps a careless answer in form.
func ask(c Control, s *Snapshot, now time.Time) Result {
	v := c.Judge(s, now)
	if int(v.Status) >= len(statusNames) {
		v.Status = StatusUnknown
	}
	if v.Status == StatusUnknown && v.Reason == "" {
		v.Reason = "the control gives no reason"
	}
	if v.Evidence == nil {
		v.Evidence = []Source{}
	}
	res := Result{
		Control: c.ID(), Title: c.Title(), Severity: c.Severity(),
		Status: v.Status, Reason: printable(v.Reason), Evidence: v.Evidence, References: referencesOf(c),
		Rationale: rationaleOf(c), CutOffRisk: cutOffRiskOf(c),
	}
	res.Level, _ = levelOf(c)
	if v.Status == Fail || v.Status == Waived {
		res.Remedy = remedyOf(c)
	}
	return res
}

// count fills in the summary and the score from the results.
func (r *Report) count() {
	var pass, fail, unknown int
	critical := false
	for _, res := range r.Results {
		w := severityWeight[res.Severity]
		switch res.Status {
		case Pass:
			r.Summary.Pass++
			pass += w
		case Fail:
			r.Summary.Fail++
			fail += w
			critical = critical || res.Severity == Critical
		case NotApplicable:
			r.Summary.NotApplicable++
		case Waived:
			r.Summary.Waived++
		default:
			r.Summary.Unknown++
			unknown += w
		}
	}
	total := pass + fail + unknown
	if total == 0 {
		r.Scoring.UnknownShare = 1
		return
	}
	r.Scoring.UnknownShare = float64(unknown) / float64(total)
	if 2*unknown > total {
		return
	}
	score := 100 * pass / (pass + fail)
	if critical && score > scoreCap {
		score = scoreCap
		r.Scoring.Capped = true
	}
	r.Score = &score
}
