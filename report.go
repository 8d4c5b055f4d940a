package camsec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// reportSchema names the JSON document of [Reports.WriteJSON].
const reportSchema = "camsec.report/1"

// evidenceNote stands in every report made for people.
const evidenceNote = "A result is evidence towards the clauses it names. It is no statement that the device or its owner complies with them."

// A Report is what [Judge] found on one device. Its JSON form is also the
// device's entry in the document of [Reports.WriteJSON].
type Report struct {
	Target
	Inventory Inventory `json:"inventory"`
	Protocol  string    `json:"protocol,omitempty"`
	Trust     string    `json:"trust,omitempty"` // see [Snapshot]
	TakenAt   time.Time `json:"takenAt"`         // when the device was asked, UTC
	JudgedAt  time.Time `json:"judgedAt"`        // when that was judged, UTC
	// ClockOffset is the device's clock minus ours, in seconds; nil is unknown.
	ClockOffset *int64 `json:"clockOffsetSeconds"`
	// Data names the data that answers depend on, with its date.
	Data map[string]time.Time `json:"data,omitempty"`
	// Score, 0 to 100, is made as Scoring says and is for following one device
	// over time; the results are what counts. It is nil when too much is
	// unknown to give one.
	Score   *int    `json:"score"`
	Scoring Scoring `json:"scoring"`
	Summary Summary `json:"summary"`
	// Results are ordered by control id.
	Results []Result `json:"results"`
	// Errors are the snapshot's: which part could not be read, and why.
	Errors map[string]*Problem `json:"errors"`
}

// Scoring says how a report's score came about.
type Scoring struct {
	Version string `json:"version"`
	Formula string `json:"formula"`
	// Capped is true when a failing critical control kept the score down.
	Capped bool `json:"capped"`
	// UnknownShare is the share, 0 to 1, of the weight that is unknown.
	UnknownShare float64 `json:"unknownShare"`
}

// A Summary counts results by status.
type Summary struct {
	Pass          int `json:"pass"`
	Fail          int `json:"fail"`
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"notApplicable"`
	Waived        int `json:"waived"`
}

// A Result is the answer of one control for one device.
type Result struct {
	Control  string   `json:"control"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	Status   Status   `json:"status"`
	Reason   string   `json:"reason"`
	// Level is 1 for every site to 3 for high security; 0 if it has none.
	Level int `json:"level,omitempty"`
	// Rationale says why the control is asked.
	Rationale string `json:"rationale,omitempty"`
	// CutOffRisk says how easily the remedy cuts somebody off: none, low,
	// medium or high.
	CutOffRisk string `json:"cutOffRisk,omitempty"`
	// Remedy says what to do; empty unless the control failed.
	Remedy   string   `json:"remedy,omitempty"`
	Evidence []Source `json:"evidence"`
	// References are clauses for which the result is evidence, never proof.
	References []string `json:"references,omitempty"`
}

// name is what people call the device.
func (r *Report) name() string {
	name := cmp.Or(r.Address, r.ID, "unnamed device")
	if r.ID != "" && r.ID != name {
		name += " (" + r.ID + ")"
	}
	if r.Scope != "" {
		name = r.Scope + ": " + name
	}
	return printable(name)
}

// model and firmware are what stands under the name.
func (r *Report) what() string {
	fw := cmp.Or(r.Inventory.Firmware.Version, r.Inventory.Firmware.Raw)
	return printable(strings.Join(strings.Fields(r.Inventory.Vendor+" "+r.Inventory.Model+" "+fw), " "))
}

// score is the score with all that qualifies it.
func (d *document) score(r *Report) string {
	share := fmt.Sprintf("%.0f %%", 100*r.Scoring.UnknownShare)
	all := len(r.Results)
	answered := all - r.Summary.Unknown
	switch {
	case r.Score == nil:
		return d.tr.format("no score (%d of %d controls answered; %s unknown by weight)", answered, all, share)
	case r.Scoring.Capped:
		return d.tr.format("score %d of 100 (capped: a critical control fails; %d of %d controls answered; %s unknown by weight)", *r.Score, answered, all, share)
	}
	return d.tr.format("score %d of 100 (%d of %d controls answered; %s unknown by weight)", *r.Score, answered, all, share)
}

// byUrgency orders results for people: what fails first, the worst on top.
func (r *Report) byUrgency() []Result {
	rank := map[Status]int{Fail: 0, StatusUnknown: 1, Waived: 2, Pass: 3, NotApplicable: 4}
	out := slices.Clone(r.Results)
	slices.SortStableFunc(out, func(a, b Result) int {
		return cmp.Or(cmp.Compare(rank[a.Status], rank[b.Status]), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Control, b.Control))
	})
	return out
}

// problems lists the parts that were not read, for people.
func (d *document) problems(r *Report) []string {
	var out []string
	for part, p := range r.Errors {
		if p != nil {
			out = append(out, d.tr.format("%s not read: %s (%s)", d.tr.text(printable(part)), d.tr.text(string(p.Code)), printable(p.Message)))
		}
	}
	slices.Sort(out)
	return out
}

// evidenceText is the evidence in one line.
func evidenceText(sources []Source) string {
	var out []string
	for _, s := range sources {
		out = append(out, strings.Join(strings.Fields(s.Operation+" "+s.Path+" "+string(s.Kind)), " "))
	}
	return printable(strings.Join(out, "; "))
}

// Reports are the devices of one report that people or programs are given.
// Nil ones are left out.
type Reports []*Report
