package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/camsec/camsec"
)

// reportFlags say for whom a report is made, and against which baseline.
type reportFlags struct {
	baseline string
	level    int
	sarif    string
	tz       string
	texts    string
	logo     string

	options camsec.ReportOptions
	owner   *camsec.Baseline
}

func (r *reportFlags) add(f *flagSet) {
	f.StringVar(&r.baseline, "baseline", "", "judge by the owner's baseline in `FILE`: level, declared accounts and servers, waivers")
	f.IntVar(&r.level, "level", 0, "ask the controls up to this level: 1 for every site, 2 hardened, 3 high security (default: the baseline's, or 3)")
	f.StringVar(&r.sarif, "sarif", "", "write the report as SARIF 2.1.0 to `FILE`")
	f.StringVar(&r.options.Customer, "customer", "", "the report's customer")
	f.StringVar(&r.options.Site, "site", "", "the report's site")
	f.StringVar(&r.options.Operator, "operator", "", "who makes the report")
	f.StringVar(&r.options.Ticket, "ticket", "", "the order or case that the report belongs to")
	f.StringVar(&r.tz, "tz", "", "time zone of the report's times, such as Europe/Berlin (default UTC)")
	f.StringVar(&r.options.Language, "lang", "", "language of the report: en, de, or another with -texts")
	f.StringVar(&r.texts, "texts", "", "translations for the report, a JSON object of English texts in `FILE`")
	f.StringVar(&r.logo, "logo", "", "picture for the HTML report, PNG, JPEG, GIF or WebP, in `FILE`")
	f.BoolVar(&r.options.Redact, "redact", false, "replace serials, MACs and addresses in the report")
}

// read reads the files that the flags name, before the first packet.
func (r *reportFlags) read() error {
	var errs []error
	file := func(name, flag string) []byte {
		if name == "" {
			return nil
		}
		b, err := readSmall(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("-%s: %w", flag, err))
		}
		return b
	}
	r.owner = &camsec.Baseline{}
	if r.baseline != "" {
		f, err := os.Open(r.baseline)
		if err == nil {
			r.owner, err = camsec.ReadBaseline(f)
			_ = f.Close()
		}
		if err != nil {
			return usageErr(fmt.Errorf("-baseline: %w", err))
		}
	}
	switch {
	case r.level < 0 || r.level > 3:
		errs = append(errs, errors.New("-level is 1, 2 or 3"))
	case r.level > 0:
		r.owner.Level = r.level
	}
	if r.tz != "" {
		zone, err := time.LoadLocation(r.tz)
		if err != nil {
			errs = append(errs, fmt.Errorf("-tz: %q is no time zone", clean(r.tz)))
		}
		r.options.Zone = zone
	}
	r.options.Logo = file(r.logo, "logo")
	if b := file(r.texts, "texts"); b != nil {
		if err := json.Unmarshal(b, &r.options.Texts); err != nil {
			errs = append(errs, errors.New("-texts: the file is no JSON object of texts"))
		}
	}
	if lang := r.options.Language; !slices.Contains([]string{"", "en", "de"}, lang) && r.texts == "" {
		errs = append(errs, fmt.Errorf("-lang: %q is not spoken here; -texts may bring it", clean(lang)))
	}
	if len(r.options.Logo) > 0 { // a picture that cannot be used shows now
		if err := (camsec.Reports{}).WriteHTML(io.Discard, &r.options); err != nil {
			errs = append(errs, fmt.Errorf("-logo: %w", err))
		}
	}
	return usageErr(errors.Join(errs...))
}

// forTable is nil if nobody is named, so that the plain table has no head.
func (r *reportFlags) forTable() *camsec.ReportOptions {
	o := r.options
	if o.Customer+o.Site+o.Operator+o.Ticket+o.Language == "" && o.Zone == nil && !o.Redact && o.Texts == nil {
		return nil
	}
	return &r.options
}
