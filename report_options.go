package camsec

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ReportOptions say for whom a report is made and how. The zero value, and a
// nil pointer, name nobody, write English and times in UTC, and leave nothing
// out.
type ReportOptions struct {
	Customer string
	Site     string
	Operator string // who made the report
	Ticket   string // the order or case it belongs to
	// Zone is the time zone of times that people read; nil means UTC. JSON
	// and its kin are always in UTC.
	Zone *time.Location
	// Language of what people read: "en", which is also the empty one, or
	// "de". Another one takes Texts. The words of standards, of devices and
	// of JSON's fields stay as they are.
	Language string
	// Texts are further translations, or better ones, from the English text.
	// [ReportOptions.Untranslated] lists what is needed.
	Texts map[string]string
	// Logo is a picture for the head of HTML: PNG, JPEG, GIF or WebP, at most
	// 256 KiB.
	Logo []byte
	// Redact replaces serials, MACs and addresses by words that stand for
	// them, the same for the same device everywhere in the report.
	Redact bool
}

// about is the head of a report: what the options say of it.
type about struct {
	Customer string `json:"customer,omitempty"`
	Site     string `json:"site,omitempty"`
	Operator string `json:"operator,omitempty"`
	Ticket   string `json:"ticket,omitempty"`
	Redacted bool   `json:"redacted,omitempty"`
}

// A document is what all writers start from: the devices of a report as its
// options have them.
type document struct {
	ReportOptions
	about   about
	tr      *translator
	reports Reports
	data    []dataset
	judged  time.Time // the latest
}

// A dataset is data that answers depend on, with its date.
type dataset struct {
	Name string    `json:"name"`
	AsOf time.Time `json:"asOf"`
}

// document leaves out nil reports, redacts, and gathers what the head needs.
func (rs Reports) document(opts *ReportOptions) *document {
	d := &document{}
	if opts != nil {
		d.ReportOptions = *opts
	}
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	d.tr = newTranslator(d.Language, d.Texts)
	d.about = about{printable(d.Customer), printable(d.Site), printable(d.Operator), printable(d.Ticket), d.Redact}
	d.reports = slices.DeleteFunc(slices.Clone(rs), func(r *Report) bool { return r == nil })
	for _, r := range d.reports {
		if r.JudgedAt.After(d.judged) {
			d.judged = r.JudgedAt
		}
		for name, asOf := range r.Data {
			if set := (dataset{printable(name), asOf.UTC()}); !slices.Contains(d.data, set) {
				d.data = append(d.data, set)
			}
		}
	}
	slices.SortFunc(d.data, func(a, b dataset) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.AsOf.Compare(b.AsOf))
	})
	if d.Redact {
		d.reports = redactReports(d.reports)
	}
	return d
}

// lines are the head for people, label and text.
func (d *document) lines() [][2]string {
	var out [][2]string
	for _, l := range [][2]string{
		{"Customer", d.about.Customer}, {"Site", d.about.Site}, {"Operator", d.about.Operator}, {"Ticket", d.about.Ticket},
	} {
		if l[1] != "" {
			out = append(out, [2]string{d.tr.text(l[0]), l[1]})
		}
	}
	if !d.judged.IsZero() {
		out = append(out, [2]string{d.tr.text("Judged"), d.time(d.judged)})
	}
	for _, s := range d.data {
		out = append(out, [2]string{d.tr.text("Data as of"), d.tr.text(s.Name) + " " + s.AsOf.Format(time.DateOnly)})
	}
	if d.Redact {
		out = append(out, [2]string{d.tr.text("Redacted"), d.tr.text("serials and addresses are replaced")})
	}
	return out
}

// time renders a time for people.
func (d *document) time(t time.Time) string {
	if t.IsZero() {
		return d.tr.text("unknown")
	}
	return t.In(d.Zone).Format("2006-01-02 15:04 MST")
}

// notReached are the devices of which nothing could be learned, and why.
func (d *document) notReached() Reports {
	return slices.DeleteFunc(slices.Clone(d.reports), (*Report).reached)
}

// reached tells whether the device talked to us at all.
func (r *Report) reached() bool {
	p := r.Errors["inventory"]
	if p == nil {
		return true
	}
	switch p.Code {
	case ReasonForbidden, ReasonNotOffered, ReasonNotReadable, ReasonUnparsable:
		return true
	}
	return false
}

// clock is the device's clock against ours, for people.
func (d *document) clock(r *Report) string {
	if r.ClockOffset == nil {
		return d.tr.text("unknown")
	}
	return d.tr.format("%d s", *r.ClockOffset)
}

// Untranslated returns the English texts that reports may hold and that the
// options' language has no translation of, in the form that keys of Texts
// take: %s and %d stand for what is filled in.
func (o ReportOptions) Untranslated() []string {
	t := newTranslator(o.Language, o.Texts)
	var out []string
	for _, s := range reportTexts() {
		if !t.has(s) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return slices.Compact(out)
}
