package camsec

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteTable writes the reports as text for a terminal, what fails first.
// Control characters and characters that turn the direction of text, which a
// device may put into any name, are replaced. The error is the writer's.
func (rs Reports) WriteTable(w io.Writer, opts *ReportOptions) error {
	var b bytes.Buffer
	o := opts.orDefaults()
	for _, l := range o.about().lines() {
		fmt.Fprintf(&b, "%s: %s\n", l[0], l[1])
	}
	for i, r := range rs.present() {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s  %s\n%s\n", r.name(), r.what(), r.scoreText())
		fmt.Fprintf(&b, "%d pass, %d fail, %d unknown, %d not applicable, %d waived\n",
			r.Summary.Pass, r.Summary.Fail, r.Summary.Unknown, r.Summary.NotApplicable, r.Summary.Waived)
		for _, p := range r.problems() {
			fmt.Fprintf(&b, "%s\n", p)
		}
		tw := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
		fmt.Fprintln(tw, "STATUS\tSEVERITY\tCONTROL\tTITLE\tREASON")
		for _, res := range r.byUrgency() {
			fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", res.Status, res.Severity, printable(res.Control), printable(res.Title), printable(res.Reason))
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
