package camsec

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// WriteCSV writes a line for each result of each report, under a heading. A
// report without results has one line that says what went wrong. A cell that
// a spreadsheet would take for a formula gets an apostrophe in front, and
// control characters are replaced. Titles, reasons and remedies are in the
// options' language, words that programs go by are not. The error is the writer's.
func (rs Reports) WriteCSV(w io.Writer, opts *ReportOptions) error {
	d := rs.document(opts)
	cw := csv.NewWriter(w)
	line := func(cells ...string) error {
		for i, c := range cells {
			cells[i] = harmlessCell(c)
		}
		return cw.Write(cells)
	}
	err := line("scope", "address", "id", "vendor", "model", "serial", "firmware", "taken", "score",
		"control", "title", "severity", "status", "reason", "remedy", "evidence",
		"level", "cutOffRisk", "evidence towards (no statement of compliance)", "judged", "clockOffset", "reached", "data")
	for _, r := range d.reports {
		score := ""
		if r.Score != nil {
			score = fmt.Sprint(*r.Score)
		}
		tail := []string{r.JudgedAt.In(d.Zone).Format(time.RFC3339), "", fmt.Sprint(r.reached())}
		var data []string
		for name, asOf := range r.Data {
			data = append(data, name+" "+asOf.UTC().Format(time.DateOnly))
		}
		slices.Sort(data)
		tail = append(tail, strings.Join(data, "; "))
		if r.ClockOffset != nil {
			tail[1] = fmt.Sprint(*r.ClockOffset)
		}
		head := []string{
			r.Scope, r.Address, r.ID, r.Inventory.Vendor, r.Inventory.Model, r.Inventory.Serial,
			r.Inventory.Firmware.Version, r.TakenAt.In(d.Zone).Format(time.RFC3339), score,
		}
		if len(r.Results) == 0 && err == nil {
			err = line(append(head, "", "", "", StatusUnknown.String(), strings.Join(d.problems(r), "; "), "", "", "", "", "", tail[0], tail[1], tail[2], tail[3])...)
		}
		for _, res := range r.Results {
			if err != nil {
				break
			}
			err = line(append(head[:len(head):len(head)], res.Control, d.tr.text(res.Title), res.Severity.String(), res.Status.String(),
				d.tr.text(res.Reason), d.tr.text(res.Remedy), evidenceText(res.Evidence),
				fmt.Sprint(res.Level), res.CutOffRisk, strings.Join(res.References, "; "), tail[0], tail[1], tail[2], tail[3])...)
		}
	}
	cw.Flush()
	if err == nil {
		err = cw.Error()
	}
	if err != nil {
		return fmt.Errorf("camsec: write CSV: %w", err)
	}
	return nil
}

// harmlessCell makes a cell that no spreadsheet calculates. The rule is that
// of OWASP's page on CSV injection, with the full-width signs that some
// programs read as the plain ones.
func harmlessCell(s string) string {
	clean := printable(s)
	led := strings.TrimLeft(clean, " \u00a0\u3000\uFFFD")
	if strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") || strings.HasPrefix(s, "\n") ||
		(led != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(led)[0])) {
		return "'" + clean
	}
	return clean
}
