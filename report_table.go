package camsec

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteTable writes the reports as text for a terminal: the head, the devices
// of which nothing could be learned, then each device, what fails first.
// Control characters and characters that turn the direction of text, which a
// device may put into any name, are replaced. The error is the writer's.
func (rs Reports) WriteTable(w io.Writer, opts *ReportOptions) error {
	d := rs.document(opts)
	var b bytes.Buffer
	tr := d.tr.text
	if opts != nil {
		for _, l := range d.lines() {
			fmt.Fprintf(&b, "%s: %s\n", l[0], l[1])
		}
		b.WriteByte('\n')
	}
	if away := d.notReached(); len(away) > 0 {
		fmt.Fprintf(&b, "%s: %s\n", tr("Not reached"), d.tr.format("%d of %d devices", len(away), len(d.reports)))
		for _, r := range away {
			p := r.Errors["inventory"]
			fmt.Fprintf(&b, "  %s  %s (%s)\n", r.name(), tr(string(p.Code)), printable(p.Message))
		}
		b.WriteByte('\n')
	}
	for i, r := range d.reports {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s  %s\n%s\n", r.name(), r.what(), d.score(r))
		fmt.Fprintln(&b, d.tr.format("%d pass, %d fail, %d unknown, %d not applicable, %d waived",
			r.Summary.Pass, r.Summary.Fail, r.Summary.Unknown, r.Summary.NotApplicable, r.Summary.Waived))
		if r.ClockOffset != nil {
			fmt.Fprintf(&b, "%s: %s\n", tr("clock against ours"), d.clock(r))
		}
		for _, p := range d.problems(r) {
			fmt.Fprintf(&b, "%s\n", p)
		}
		tw := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", tr("Status"), tr("Severity"), tr("Control"), tr("Found"))
		for _, res := range r.byUrgency() {
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s: %s\n", tr(res.Status.String()), tr(res.Severity.String()), printable(res.Control),
				tr(printable(res.Title)), tr(printable(res.Reason)))
		}
		if err := tw.Flush(); err != nil {
			return fmt.Errorf("camsec: write table: %w", err)
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("camsec: write table: %w", err)
	}
	return nil
}
