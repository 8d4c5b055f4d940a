package camsec

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"time"
)

// WriteSARIF writes one SARIF 2.1.0 log with one run: controls are its rules,
// devices its logical locations, and every answer is a result, also those
// that pass or could not be told (kind "open"). What is waived fails and is
// suppressed. Devices of which nothing could be learned are notifications of
// the invocation. Nothing is written if the log cannot be made; the error is
// the writer's.
func (rs Reports) WriteSARIF(w io.Writer, opts *ReportOptions) error {
	d := rs.document(opts)
	// SARIF knows no more of a language than its two letters and a region.
	language := "en-US"
	if sarifLanguage.MatchString(d.Language) {
		language = d.Language
	}
	run := sarifRun{
		Tool:     sarifTool{Driver: sarifDriver{Name: "camsec", Language: language, Rules: []sarifRule{}}},
		Language: language, Newlines: []string{"\r\n", "\n"}, ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
		Properties: map[string]any{"note": evidenceNote, "about": d.about, "data": d.data, "scoring": scoreFormula},
	}
	invocation := sarifInvocation{ExecutionSuccessful: true}
	rules, clocks := map[string]int{}, map[string]int64{}
	run.Properties["clockOffsetSeconds"] = clocks
	for _, r := range d.reports {
		if r.TakenAt.After(invocation.end) {
			invocation.end = r.TakenAt
		}
		if !r.reached() {
			p := r.Errors["inventory"]
			invocation.ToolExecutionNotifications = append(invocation.ToolExecutionNotifications, sarifNotification{
				Level:      "error",
				Message:    sarifText{fmt.Sprintf("%s was not reached: %s (%s)", r.name(), p.Code, printable(p.Message))},
				Locations:  []sarifLocation{r.location()},
				Properties: map[string]any{"code": p.Code, "retryable": p.Retryable},
			})
		}
		if r.ClockOffset != nil {
			clocks[printable(r.Key())] = *r.ClockOffset
		}
		for _, res := range r.Results {
			if _, ok := rules[res.Control]; !ok {
				rules[res.Control] = len(run.Tool.Driver.Rules)
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, d.rule(res))
			}
			run.Results = append(run.Results, d.result(r, res, rules[res.Control]))
		}
	}
	if !invocation.end.IsZero() {
		invocation.EndTimeUTC = invocation.end.UTC().Format(time.RFC3339)
	}
	run.Invocations = []sarifInvocation{invocation}
	raw, err := json.MarshalIndent(map[string]any{
		"$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		"version": "2.1.0",
		"runs":    []sarifRun{run},
	}, "", "  ")
	if err == nil {
		_, err = w.Write(append(raw, '\n'))
	}
	if err != nil {
		return fmt.Errorf("camsec: write SARIF: %w", err)
	}
	return nil
}

var sarifLanguage = regexp.MustCompile(`^[a-zA-Z]{2}(-[a-zA-Z]{2})?$`)

type sarifText struct {
	Text string `json:"text"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Language    string            `json:"language"`
	Newlines    []string          `json:"newlineSequences"`
	ColumnKind  string            `json:"columnKind"`
	Results     []sarifResult     `json:"results"`
	Properties  map[string]any    `json:"properties"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name     string      `json:"name"`
	Language string      `json:"language"`
	Rules    []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID            string         `json:"id"`
	Short         sarifText      `json:"shortDescription"`
	Full          *sarifText     `json:"fullDescription,omitempty"`
	Help          *sarifText     `json:"help,omitempty"`
	Configuration sarifLevel     `json:"defaultConfiguration"`
	Properties    map[string]any `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifInvocation struct {
	end                        time.Time
	ExecutionSuccessful        bool                `json:"executionSuccessful"`
	EndTimeUTC                 string              `json:"endTimeUtc,omitempty"`
	ToolExecutionNotifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level      string          `json:"level"`
	Message    sarifText       `json:"message"`
	Locations  []sarifLocation `json:"locations"`
	Properties map[string]any  `json:"properties"`
}

type sarifLocation struct {
	Logical []sarifLogical `json:"logicalLocations"`
}

type sarifLogical struct {
	Name          string `json:"name"`
	QualifiedName string `json:"fullyQualifiedName"`
	Kind          string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Kind         string             `json:"kind"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Properties   map[string]any     `json:"properties"`
}

// location is a device as a place of results.
func (r *Report) location() sarifLocation {
	return sarifLocation{[]sarifLogical{{Name: r.name(), QualifiedName: printable(r.Key()), Kind: "device"}}}
}

var sarifLevels = map[Severity]string{Critical: "error", High: "error", Medium: "warning", Low: "note", Info: "note"}

// rule is a control as all devices share it.
func (d *document) rule(res Result) sarifRule {
	r := sarifRule{
		ID: printable(res.Control), Short: sarifText{d.tr.text(printable(res.Title))},
		Configuration: sarifLevel{sarifLevels[res.Severity]},
		Properties: map[string]any{
			"severity": res.Severity, "level": res.Level, "cutOffRisk": res.CutOffRisk, "tags": append([]string{}, res.References...),
		},
	}
	if res.Rationale != "" {
		r.Full = &sarifText{d.tr.text(printable(res.Rationale))}
	}
	if res.Remedy != "" {
		r.Help = &sarifText{d.tr.text(printable(res.Remedy))}
	}
	return r
}

func (d *document) result(r *Report, res Result, rule int) sarifResult {
	out := sarifResult{
		RuleID: printable(res.Control), RuleIndex: rule, Level: "none",
		Message:      sarifText{d.tr.text(printable(res.Reason))},
		Locations:    []sarifLocation{r.location()},
		Fingerprints: map[string]string{"deviceControl/v1": printable(r.Key() + "/" + res.Control)},
		Properties:   map[string]any{"status": res.Status, "evidence": res.Evidence},
	}
	if !r.TakenAt.IsZero() {
		out.Properties["takenAt"] = r.TakenAt
	}
	if out.Message.Text == "" {
		out.Message.Text = d.tr.text(res.Status.String())
	}
	switch res.Status {
	case Pass:
		out.Kind = "pass"
	case NotApplicable:
		out.Kind = "notApplicable"
	case Fail, Waived:
		out.Kind, out.Level = "fail", sarifLevels[res.Severity]
	default:
		out.Kind = "open"
	}
	if res.Status == Waived {
		out.Suppressions = []sarifSuppression{{"external", "accepted", out.Message.Text}}
	}
	return out
}
