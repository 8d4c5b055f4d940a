package camsec

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Status is what a control found. Its zero value is unknown: what was not
// read is neither good nor bad.
type Status uint8

// Statuses.
const (
	StatusUnknown Status = iota
	Pass
	Fail
	NotApplicable // the control has no meaning for this device
	Waived        // it fails, and somebody answers for that until a date
)

var statusNames = [...]string{"unknown", "pass", "fail", "notApplicable", "waived"}

// String returns the status's name.
func (s Status) String() string { return nameOf(statusNames[:], s) }

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the status's name; one it does not know is unknown.
func (s *Status) UnmarshalText(b []byte) error { *s = valueOf[Status](statusNames[:], b); return nil }

// A Severity says how much a failing control matters.
type Severity uint8

// Severities, from least to most. Info never counts in a score.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String returns the severity's name.
func (s Severity) String() string { return nameOf(severityNames[:], s) }

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the severity's name; one it does not know is info.
func (s *Severity) UnmarshalText(b []byte) error {
	*s = valueOf[Severity](severityNames[:], b)
	return nil
}

// A Control is one question asked of a snapshot. The built-in ones come from
// [Controls]; advisories, other protocols and outsiders supply their own.
//
// Some methods are optional and found by type assertion:
//
//   - Rationale() string says why the question matters
//   - Remedy() string says what to do when the control fails
//   - CutOffRisk() string says how easily doing so cuts somebody off: "none",
//     "low", "medium" or "high"
//   - References() []string names the clauses of standards for which the
//     result is evidence, which is not compliance
//   - Level() int, 1 for every site to 3 for high security, is what a
//     [Baseline] goes by
//
// A control that wraps another offers Unwrap() Control.
type Control interface {
	// ID is stable for ever and never given to another question. Outsiders
	// put a prefix of their own before theirs.
	ID() string
	// Title says in one line what is so when the control passes.
	Title() string
	// Severity says how much it matters when the control fails.
	Severity() Severity
	// Judge answers from s alone: it does no I/O, changes nothing in s, may
	// run concurrently with itself, and takes now for the time. What was not
	// read, or not understood, is [StatusUnknown] with a reason.
	Judge(s *Snapshot, now time.Time) Verdict
}

// A Verdict is a control's answer. The zero Verdict is unknown.
type Verdict struct {
	Status   Status
	Reason   string   // a sentence for people; never empty from built-in controls
	Evidence []Source // the documents that the answer rests on
}

// Controls returns the built-in catalogue, ordered by id. The slice is the
// caller's. Controls that compare with what the owner declares, such as
// ACC-08 with the expected accounts, stay unknown until a [Baseline] is
// applied. Nothing here knows of vulnerabilities: controls for
// those come from package firmware/advisory.
func Controls() []Control {
	all := slices.Concat(accountsControls(), authenticationControls(), tlsControls(), servicesControls(),
		networkControls(), loggingControls(), dataControls(), recorderControls(), inventoryControls())
	slices.SortFunc(all, func(a, b *control) int { return strings.Compare(a.id, b.id) })
	out := make([]Control, len(all))
	for i, c := range all {
		out[i] = c
	}
	return out
}

// optional finds an optional method of a control, or of one that it wraps.
func optional[T any](c Control) (T, bool) {
	for c != nil {
		if t, ok := c.(T); ok {
			return t, true
		}
		u, ok := c.(interface{ Unwrap() Control })
		if !ok {
			break
		}
		c = u.Unwrap()
	}
	var zero T
	return zero, false
}

func remedyOf(c Control) string {
	if r, ok := optional[interface{ Remedy() string }](c); ok {
		return r.Remedy()
	}
	return ""
}

func referencesOf(c Control) []string {
	if r, ok := optional[interface{ References() []string }](c); ok {
		return r.References()
	}
	return nil
}

func rationaleOf(c Control) string {
	if r, ok := optional[interface{ Rationale() string }](c); ok {
		return r.Rationale()
	}
	return ""
}

func cutOffRiskOf(c Control) string {
	if r, ok := optional[interface{ CutOffRisk() string }](c); ok {
		return r.CutOffRisk()
	}
	return ""
}

func levelOf(c Control) (int, bool) {
	if l, ok := optional[interface{ Level() int }](c); ok {
		return l.Level(), true
	}
	return 0, false
}

// control is a built-in one. Its judge gets a fresh inquiry each time.
type control struct {
	id, title string
	severity  Severity
	level     int
	risk      string // of cutting oneself off: none, low, medium, high
	why       string
	remedy    string
	refs      string // separated by "; "
	judge     func(q *inquiry) Verdict
}

func (c *control) ID() string           { return c.id }
func (c *control) Title() string        { return c.title }
func (c *control) Severity() Severity   { return c.severity }
func (c *control) Level() int           { return c.level }
func (c *control) Rationale() string    { return c.why }
func (c *control) Remedy() string       { return c.remedy }
func (c *control) CutOffRisk() string   { return c.risk }
func (c *control) References() []string { return strings.Split(c.refs, "; ") }

func (c *control) Judge(s *Snapshot, now time.Time) Verdict { return c.ask(s, now, &Baseline{}) }

func (c *control) ask(s *Snapshot, now time.Time, b *Baseline) Verdict {
	if s == nil {
		s = &Snapshot{}
	}
	return c.judge(&inquiry{s: s, now: now, baseline: b})
}

// An inquiry reads what a control needs from a snapshot and remembers which
// documents it saw and what was missing, so that no control forgets either.
type inquiry struct {
	s        *Snapshot
	now      time.Time
	baseline *Baseline
	evidence []Source
	missing  []string
}

// setting reads one setting of the given kind. Anything but one answer of
// that kind is missing, also two answers that differ.
func (q *inquiry) setting(id, label, kind string) (Value, bool) {
	var got []Setting
	for _, v := range q.s.Settings {
		if v.ID == id {
			got = append(got, v)
		}
	}
	if len(got) == 0 {
		got = append(got, q.s.Setting(id))
	}
	for _, v := range got {
		q.saw(v.Source)
	}
	first := got[0]
	for _, v := range got {
		switch {
		case v.Err != nil:
			q.lack(label, v.Err)
			return Value{}, false
		case v.Value.IsZero():
			q.missing = append(q.missing, label+" has no value")
			return Value{}, false
		case v.Value.Kind() != kind:
			q.missing = append(q.missing, fmt.Sprintf("%s is a %s where a %s was expected", label, v.Value.Kind(), kind))
			return Value{}, false
		case v.Value.String() != first.Value.String():
			q.missing = append(q.missing, label+" was reported twice with different values")
			return Value{}, false
		}
	}
	return first.Value, true
}

// on reads a switch.
func (q *inquiry) on(id, label string) State {
	v, ok := q.setting(id, label, kindBool)
	if !ok {
		return StateUnknown
	}
	return StateOf(v.Bool())
}

func (q *inquiry) saw(src Source) {
	if src != (Source{}) && !slices.Contains(q.evidence, src) {
		q.evidence = append(q.evidence, src)
	}
}

func (q *inquiry) lack(label string, p *Problem) {
	text := label + " could not be told: " + string(p.Code)
	if p.Message != "" {
		text += " (" + printable(p.Message) + ")"
	}
	q.missing = append(q.missing, text)
}

func (q *inquiry) pass(format string, args ...any) Verdict {
	return q.verdict(Pass, fmt.Sprintf(format, args...))
}

func (q *inquiry) fail(format string, args ...any) Verdict {
	return q.verdict(Fail, fmt.Sprintf(format, args...))
}

func (q *inquiry) notApplicable(reason string) Verdict { return q.verdict(NotApplicable, reason) }

// unknown says what was missing; extra is added to that.
func (q *inquiry) unknown(extra ...string) Verdict {
	return q.verdict(StatusUnknown, strings.Join(append(q.missing, extra...), "; "))
}

func (q *inquiry) verdict(s Status, reason string) Verdict {
	return Verdict{Status: s, Reason: reason, Evidence: q.evidence}
}

// A labelled is a setting id with the words that reasons use for it.
type labelled struct{ id, label string }

// allAre judges switches that must all stand at want. One that does not is a
// failure whatever the others are; else one that is unknown decides.
func allAre(want State, switches ...labelled) func(*inquiry) Verdict {
	return func(q *inquiry) Verdict {
		var wrong, right, used []string
		for _, sw := range switches {
			switch q.on(sw.id, sw.label) {
			case StateUnknown:
			case want:
				right = append(right, sw.label)
			default:
				if who, ok := q.baseline.InUse[sw.id]; ok && want == StateOff {
					used = append(used, fmt.Sprintf("%s is in use by %s", sw.label, who))
				} else {
					wrong = append(wrong, sw.label)
				}
			}
		}
		if len(wrong) > 0 {
			opposite := StateOn
			if want == StateOn {
				opposite = StateOff
			}
			return q.fail("%s: %s", opposite, strings.Join(wrong, ", "))
		}
		if len(right)+len(used) < len(switches) {
			return q.unknown()
		}
		if len(used) > 0 {
			return q.pass("declared: %s", strings.Join(used, ", "))
		}
		return q.pass("%s: %s", want, strings.Join(right, ", "))
	}
}

// words splits and lower-cases a list setting whose entries a device may join
// as in "digest/basic".
func words(v Value) []string {
	var out []string
	for _, s := range v.Strings() {
		out = append(out, strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
			return r == '/' || r == ',' || r == ' ' || r == '&'
		})...)
	}
	return out
}
