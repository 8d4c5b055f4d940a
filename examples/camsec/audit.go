package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

// An auditJSON is a device in the audit's document.
type auditJSON struct {
	deviceJSON
	Score   *int            `json:"score"`
	Scoring camsec.Scoring  `json:"scoring"`
	Summary camsec.Summary  `json:"summary"`
	Results []camsec.Result `json:"results"`
	TakenAt *time.Time      `json:"takenAt"`
}

func runAudit(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("audit", "[address …]")
	var t targetFlags
	t.reach(f)
	t.login(f)
	asJSON := f.Bool("json", false, "print one JSON document")
	htmlFile := f.String("html", "", "write a report in HTML to `FILE`, too")
	csvFile := f.String("csv", "", "write a CSV `FILE`, too")
	save := f.String("save", "", "save what was read in `FILE`, for -from")
	more := f.String("advisories", "", "judge by the advisories in `DIR` as well: CSAF, CVE records, CISA's catalogue, EPSS")
	var from listFlag
	f.Var(&from, "from", "judge what an earlier run saved in `FILE`, without a packet; may be repeated")
	addresses, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	db, err := advisories(*more)
	if err != nil {
		return exit{}, err
	}
	run := startRun("audit")
	var visits []visit
	if len(from) > 0 {
		if err := f.refuse("with -from", append([]string{"save"}, loginFlags...)...); err != nil {
			return exit{}, err
		}
		if len(addresses) > 0 {
			return exit{}, usageErr(errors.New("addresses have no meaning with -from"))
		}
		if visits, err = loadSnapshots(from); err != nil {
			return exit{}, err
		}
	} else {
		fl, err := t.prepare(e, addresses)
		if err != nil {
			return exit{}, err
		}
		visits = fl.visit(ctx, camsec.Collect)
	}
	explainTrust(e, visits)
	reports := judge(visits, db, time.Now())
	x := ended(ctx, reached(visits).worse(found(reports)))
	var errs []error
	if *save != "" {
		errs = append(errs, saveSnapshots(*save, visits))
	}
	if *htmlFile != "" {
		errs = append(errs, writeFile(*htmlFile, func(w io.Writer) error { return reports.WriteHTML(w, nil) }))
	}
	if *csvFile != "" {
		errs = append(errs, writeFile(*csvFile, func(w io.Writer) error { return reports.WriteCSV(w, nil) }))
	}
	if *asJSON {
		devices := make([]auditJSON, len(visits))
		for i, v := range visits {
			r := reports[i]
			devices[i] = auditJSON{deviceJSON: deviceOf(v), Score: r.Score, Scoring: r.Scoring, Summary: r.Summary, Results: r.Results}
			if !r.TakenAt.IsZero() {
				devices[i].TakenAt = &r.TakenAt
			}
		}
		errs = append(errs, writeDocument(e.stdout, "camsec.audit/1", run, devices, x))
	} else {
		errs = append(errs, reports.WriteTable(e.stdout, nil))
	}
	return x, errors.Join(errs...)
}

// judge makes a report of every device, also of those that were not reached:
// about them everything is unknown.
func judge(visits []visit, db *advisory.DB, now time.Time) camsec.Reports {
	controls := append(camsec.Controls(), advisory.Controls(db)...)
	out := make(camsec.Reports, len(visits))
	for i, v := range visits {
		s := v.snap
		if s == nil {
			s = &camsec.Snapshot{
				Target: v.target.Target,
				Errors: map[string]*camsec.Problem{"inventory": camsec.ProblemOf(cmp.Or(v.err, context.Canceled))},
			}
		}
		out[i] = camsec.Judge(s, controls, now)
	}
	return out
}

// found is the exit of what reports say.
func found(reports camsec.Reports) exit {
	failed, blank := 0, 0
	for _, r := range reports {
		switch {
		case r.Summary.Fail > 0:
			failed++ // for certain, whatever else is unknown
		case r.Score == nil:
			blank++ // nothing found, in a place too dark to say so
		}
	}
	x := exit{exitOK, "no findings"}
	if failed > 0 {
		x = exit{exitFindings, fmt.Sprintf("%d of %d devices have findings", failed, len(reports))}
	}
	if blank > 0 {
		x = x.worse(exit{exitUnknown, fmt.Sprintf("too little could be told about %d of %d devices", blank, len(reports))})
	}
	return x
}
