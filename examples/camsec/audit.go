package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
	"github.com/camsec/camsec/onvif"
)

const auditSchema = "camsec.audit/1"

// An auditJSON is a device in the audit's document.
type auditJSON struct {
	deviceJSON
	Score   *int            `json:"score"`
	Scoring camsec.Scoring  `json:"scoring"`
	Summary camsec.Summary  `json:"summary"`
	Results []camsec.Result `json:"results"`
	TakenAt *time.Time      `json:"takenAt"`
}

func auditOf(v visit, r *camsec.Report) auditJSON {
	d := auditJSON{deviceJSON: deviceOf(v), Score: r.Score, Scoring: r.Scoring, Summary: r.Summary, Results: r.Results}
	if !r.TakenAt.IsZero() {
		d.TakenAt = &r.TakenAt
	}
	return d
}

func runAudit(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("audit", "[address …]")
	var t targetFlags
	var o outputFlags
	t.reach(f)
	t.login(f)
	o.add(f)
	var r reportFlags
	r.add(f)
	more := f.String("advisories", "", "judge by the advisories in `DIR` as well: CSAF, CVE records, CISA's catalogue, EPSS")
	total := tally{from: camsec.Info}
	f.Func("fail-on", "count only findings of this `severity` and above for the exit status: critical, high, medium, low or info (default info)", total.failOn)
	var from listFlag
	f.Var(&from, "from", "judge what an earlier run saved in `FILE`, without a packet; may be repeated")
	addresses, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if err := o.check(); err != nil {
		return exit{}, err
	}
	if err := r.read(); err != nil {
		return exit{}, err
	}
	db, err := advisories(*more)
	if err != nil {
		return exit{}, err
	}
	run := startRun("audit")
	a := &auditing{judge: judgingBy(r.owner, db, time.Now()), total: &total, report: &r}
	if len(from) > 0 {
		if err := f.refuse("with -from", append([]string{"save", "retry-from"}, loginFlags...)...); err != nil {
			return exit{}, err
		}
		if len(addresses) > 0 {
			return exit{}, usageErr(errors.New("addresses have no meaning with -from"))
		}
		visits, err := loadSnapshots(from)
		if err != nil {
			return exit{}, err
		}
		a.hold(len(visits), o)
		for i, v := range visits {
			a.got(e, run, i, v, o)
		}
	} else {
		fl, err := t.prepare(e, addresses)
		if err != nil {
			return exit{}, err
		}
		if err := fl.leaveOut(o.retryFrom, auditSchema); err != nil {
			return exit{}, err
		}
		run = startRun("audit")
		a.hold(len(fl.members), o)
		fl.visit(ctx, camsec.Collect, func(i int, v visit) { a.got(e, run, i, v, o) })
	}
	x := ended(ctx, total.exit())
	return x, a.write(e, run, x, o)
}

// An auditing is an audit under way.
type auditing struct {
	judge   func(visit) *camsec.Report
	total   *tally
	report  *reportFlags
	visits  []visit        // nil: lines are all that is asked for
	reports camsec.Reports // nil: made again when they are written
	errs    []error
}

// hold makes room for what the output is made of in the end. Reports are many
// times larger than what they are made from.
func (a *auditing) hold(n int, o outputFlags) {
	sarif := a.report.sarif != ""
	if !o.lines || o.html != "" || o.csv != "" || o.save != "" || sarif {
		a.visits = make([]visit, n)
	}
	if !o.lines && !o.json || o.html != "" || o.csv != "" || sarif {
		a.reports = make(camsec.Reports, n)
	}
}

func (a *auditing) got(e *env, run runInfo, i int, v visit, o outputFlags) {
	explainTrust(e, v)
	r := a.judge(v)
	a.total.visited(v)
	a.total.judged(r)
	if a.visits != nil {
		a.visits[i] = v
	}
	if a.reports != nil {
		a.reports[i] = r
	}
	if o.lines {
		d := auditOf(v, r)
		d.Schema, d.Run = auditSchema, run.ID
		a.errs = append(a.errs, printLine(e.stdout, d))
	}
}

func (a *auditing) write(e *env, run runInfo, x exit, o outputFlags) error {
	errs := a.errs
	if o.save != "" {
		snaps := make([]*camsec.Snapshot, len(a.visits))
		for i, v := range a.visits {
			snaps[i] = v.snap
		}
		errs = append(errs, saveSnapshots(o.save, snaps))
	}
	if o.html != "" {
		errs = append(errs, writeFile(o.html, func(w io.Writer) error { return a.reports.WriteHTML(w, &a.report.options) }))
	}
	if o.csv != "" {
		errs = append(errs, writeFile(o.csv, func(w io.Writer) error { return a.reports.WriteCSV(w, &a.report.options) }))
	}
	if name := a.report.sarif; name != "" {
		errs = append(errs, writeFile(name, func(w io.Writer) error { return a.reports.WriteSARIF(w, &a.report.options) }))
	}
	switch {
	case o.json:
		devices := func(yield func(auditJSON) bool) {
			for _, v := range a.visits {
				if !yield(auditOf(v, a.judge(v))) {
					return
				}
			}
		}
		errs = append(errs, writeDocument(e.stdout, auditSchema, run, devices, x))
	case !o.lines:
		errs = append(errs, a.reports.WriteTable(e.stdout, a.report.forTable()))
	}
	return errors.Join(errs...)
}

// judging makes a report of a device, also of one that was not reached: about
// it everything is unknown.
func judging(db *advisory.DB, now time.Time) func(visit) *camsec.Report {
	return judgingBy(&camsec.Baseline{}, db, now)
}

// judgingBy is judging as the owner's baseline has it.
func judgingBy(owner *camsec.Baseline, db *advisory.DB, now time.Time) func(visit) *camsec.Report {
	common := owner.Apply(slices.Concat(camsec.Controls(), advisory.Controls(db)))
	overONVIF := slices.Concat(common, owner.Apply(onvif.Controls()))
	return func(v visit) *camsec.Report {
		s := v.snap
		if s == nil {
			s = &camsec.Snapshot{
				Target: v.target.Target,
				Errors: map[string]*camsec.Problem{"inventory": camsec.ProblemOf(cmp.Or(v.err, context.Canceled))},
			}
		}
		controls := common
		if slices.Contains(strings.Split(s.Protocol, ","), "onvif") {
			controls = overONVIF
		}
		return camsec.Judge(s, controls, now)
	}
}
