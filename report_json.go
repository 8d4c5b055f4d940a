package camsec

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// WriteJSON writes one JSON document: its schema "camsec.report/1", the note
// that results are evidence and no certificate, what the options say, a
// summary, the devices of which nothing could be learned, and the reports
// under "devices". [Reports.JSONSchema] describes it. Characters that HTML
// gives a meaning are escaped. The error is the writer's.
func (rs Reports) WriteJSON(w io.Writer, opts *ReportOptions) error {
	d := rs.document(opts)
	doc := struct {
		Schema     string         `json:"schema"`
		Note       string         `json:"note"`
		About      about          `json:"about"`
		JudgedAt   *time.Time     `json:"judgedAt"`
		Data       []dataset      `json:"data"`
		Summary    fleetSummary   `json:"summary"`
		NotReached []notReached   `json:"notReached"`
		Devices    []deviceReport `json:"devices"`
	}{
		Schema: reportSchema, Note: evidenceNote, About: d.about, Data: append([]dataset{}, d.data...),
		Summary: d.summary(), NotReached: []notReached{}, Devices: []deviceReport{},
	}
	if !d.judged.IsZero() {
		doc.JudgedAt = &d.judged
	}
	for _, r := range d.notReached() {
		doc.NotReached = append(doc.NotReached, notReached{r.Scope, r.Address, r.ID, r.Errors["inventory"]})
	}
	for _, r := range d.reports {
		doc.Devices = append(doc.Devices, forJSON(r))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("camsec: write JSON report: %w", err)
	}
	return nil
}

// WriteJSONL writes each report as one line of JSON, in the form that it has
// under "devices" in [Reports.WriteJSON]: whole lines, which may be appended
// to a file as devices come in. The error is the writer's.
func (rs Reports) WriteJSONL(w io.Writer, opts *ReportOptions) error {
	for _, r := range rs.document(opts).reports {
		d := forJSON(r)
		d.Note = evidenceNote
		line, err := json.Marshal(d)
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		if err != nil {
			return fmt.Errorf("camsec: write JSON lines: %w", err)
		}
	}
	return nil
}

// A deviceReport is a report with lists and times as the schema has them:
// a list that holds nothing is empty, and a time that is not known is null.
type deviceReport struct {
	*Report
	Note    string              `json:"note,omitempty"` // of a line that stands alone
	TakenAt *time.Time          `json:"takenAt"`
	Results []Result            `json:"results"`
	Errors  map[string]*Problem `json:"errors"`
}

func forJSON(r *Report) deviceReport {
	out := deviceReport{Report: r, Results: r.Results, Errors: r.Errors}
	if !r.TakenAt.IsZero() {
		out.TakenAt = &r.TakenAt
	}
	if out.Results == nil {
		out.Results = []Result{}
	}
	if out.Errors == nil {
		out.Errors = map[string]*Problem{}
	}
	return out
}

type notReached struct {
	Scope   string   `json:"scope,omitempty"`
	Address string   `json:"address,omitempty"`
	ID      string   `json:"id,omitempty"`
	Error   *Problem `json:"error"`
}

// A fleetSummary counts over all devices of a report.
type fleetSummary struct {
	Devices    int `json:"devices"`
	NotReached int `json:"notReached"`
	// Findings are failing results by severity.
	Findings map[string]int `json:"findings"`
	Results  Summary        `json:"results"`
}

func (d *document) summary() fleetSummary {
	s := fleetSummary{Devices: len(d.reports), NotReached: len(d.notReached()), Findings: map[string]int{}}
	for _, name := range severityNames {
		s.Findings[name] = 0
	}
	for _, r := range d.reports {
		s.Results.Pass += r.Summary.Pass
		s.Results.Fail += r.Summary.Fail
		s.Results.Unknown += r.Summary.Unknown
		s.Results.NotApplicable += r.Summary.NotApplicable
		s.Results.Waived += r.Summary.Waived
		for _, res := range r.Results {
			if res.Status == Fail {
				s.Findings[res.Severity.String()]++
			}
		}
	}
	return s
}
