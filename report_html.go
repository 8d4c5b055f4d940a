package camsec

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

// WriteHTML writes one page that needs nothing else: no file, no font,
// nothing fetched. It reads on a phone and a desktop, in light and dark, and
// prints on A4 and Letter. Its one script sorts tables and opens what is
// folded before printing; the page is whole without it. What devices say of
// themselves is escaped and has its control characters replaced. Nothing is
// written if the page cannot be made; the error is otherwise the writer's.
func (rs Reports) WriteHTML(w io.Writer, opts *ReportOptions) error {
	d := rs.document(opts)
	logo, err := d.logo()
	if err != nil {
		return fmt.Errorf("camsec: write HTML report: %w", err)
	}
	// Parsed here and not at start-up: few programs write HTML.
	t, err := template.New("report").Funcs(template.FuncMap{
		"text":     printable,
		"tr":       d.tr.text,
		"trf":      d.tr.format,
		"evidence": evidenceText,
		"name":     (*Report).name,
		"what":     (*Report).what,
		"score":    d.score,
		"urgent":   (*Report).byUrgency,
		"problems": d.problems,
		"clock":    d.clock,
		"time":     d.time,
		"percent": func(n, of int) string {
			if of == 0 {
				return "0"
			}
			return fmt.Sprintf("%.2f", 100*float64(n)/float64(of))
		},
	}).Parse(reportPage)
	if err != nil {
		return fmt.Errorf("camsec: write HTML report: %w", err)
	}
	sum := sha256.Sum256([]byte(reportScript))
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Lang": cmp.Or(d.Language, "en"), "Note": evidenceNote, "Formula": scoreFormula, "Version": scoreVersion,
		"Logo": logo, "About": d.lines(), "Title": cmp.Or(d.about.Site, d.about.Customer),
		"Reports": d.reports, "Away": d.notReached(), "Summary": d.summary(), "Critical": d.summary().Findings["critical"],
		"Severities": d.bySeverity(), "Models": d.groups((*Report).model), "Firmware": d.groups((*Report).firmware),
		"Findings": d.collect(Fail), "Unknowns": d.unknowns(), "Controls": d.controls(), "Open": len(d.reports) <= 5,
		"Script": template.JS(reportScript), //nolint:gosec // a constant of this package
		"Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
	})
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("camsec: write HTML report: %w", err)
	}
	return nil
}

// logo is the picture as it stands in the page. Only pictures that can hold
// no script are taken.
func (d *document) logo() (template.URL, error) {
	if len(d.Logo) == 0 {
		return "", nil
	}
	if len(d.Logo) > 256<<10 {
		return "", fmt.Errorf("the logo is over 256 KiB")
	}
	for kind, head := range map[string]string{
		"png": "\x89PNG\r\n\x1a\n", "jpeg": "\xff\xd8\xff", "gif": "GIF8", "webp": "RIFF",
	} {
		if strings.HasPrefix(string(d.Logo[:min(len(d.Logo), 16)]), head) {
			return template.URL("data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(d.Logo)), nil
		}
	}
	return "", fmt.Errorf("the logo is no PNG, JPEG, GIF or WebP")
}

// A chartBar is one line of a chart.
type chartBar struct {
	Name                     string
	Fail, Unknown, Pass, All int
}

// bySeverity counts results of every severity, the worst first.
func (d *document) bySeverity() []chartBar {
	bars := make([]chartBar, len(severityNames))
	for i := range bars {
		bars[i].Name = Severity(len(bars) - 1 - i).String()
	}
	for _, r := range d.reports {
		for _, res := range r.Results {
			if int(res.Severity) >= len(bars) {
				continue
			}
			b := &bars[len(bars)-1-int(res.Severity)]
			switch res.Status {
			case Fail:
				b.Fail++
			case Pass:
				b.Pass++
			case StatusUnknown:
				b.Unknown++
			default:
				continue
			}
			b.All++
		}
	}
	return slices.DeleteFunc(bars, func(b chartBar) bool { return b.All == 0 })
}

func (r *Report) model() string {
	return printable(strings.Join(strings.Fields(r.Inventory.Vendor+" "+r.Inventory.Model), " "))
}

func (r *Report) firmware() string {
	return printable(cmp.Or(r.Inventory.Firmware.Raw, r.Inventory.Firmware.Version))
}

// mostBars is how many lines a chart has; the rest is one line.
const mostBars = 12

// groups counts devices by what of says, the most frequent first.
func (d *document) groups(of func(*Report) string) []chartBar {
	at := map[string]int{}
	var bars []chartBar
	for _, r := range d.reports {
		name := cmp.Or(of(r), d.tr.text("unknown"))
		i, ok := at[name]
		if !ok {
			i = len(bars)
			at[name] = i
			bars = append(bars, chartBar{Name: name})
		}
		bars[i].All++
		switch {
		case r.Summary.Fail > 0:
			bars[i].Fail++
		case r.Score == nil: // not reached, or too dark to say
			bars[i].Unknown++
		default:
			bars[i].Pass++
		}
	}
	slices.SortStableFunc(bars, func(a, b chartBar) int {
		return cmp.Or(cmp.Compare(b.All, a.All), cmp.Compare(b.Fail, a.Fail), cmp.Compare(a.Name, b.Name))
	})
	if len(bars) > mostBars {
		rest := chartBar{Name: d.tr.format("%d more", len(bars)-mostBars+1)}
		for _, b := range bars[mostBars-1:] {
			rest.All, rest.Fail, rest.Unknown, rest.Pass = rest.All+b.All, rest.Fail+b.Fail, rest.Unknown+b.Unknown, rest.Pass+b.Pass
		}
		bars = append(bars[:mostBars-1], rest)
	}
	return bars
}

// A finding is a control with the devices that it fails on.
type finding struct {
	Result
	Devices []string
	More    int
}

// mostNames is how many devices a finding names.
const mostNames = 12

func (d *document) collect(want Status) []finding {
	at := map[string]int{}
	var out []finding
	for _, r := range d.reports {
		for _, res := range r.Results {
			if res.Status != want {
				continue
			}
			i, ok := at[res.Control]
			if !ok {
				i = len(out)
				at[res.Control] = i
				out = append(out, finding{Result: res})
			}
			if len(out[i].Devices) < mostNames {
				out[i].Devices = append(out[i].Devices, r.name())
			} else {
				out[i].More++
			}
		}
	}
	slices.SortStableFunc(out, func(a, b finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Count(), a.Count()), cmp.Compare(a.Control, b.Control))
	})
	return out
}

// Count is how many devices the finding is about.
func (f finding) Count() int { return len(f.Devices) + f.More }

// unknowns say why results are unknown, the most frequent first.
func (d *document) unknowns() []chartBar {
	at := map[string]int{}
	var out []chartBar
	for _, r := range d.reports {
		for _, res := range r.Results {
			if res.Status != StatusUnknown {
				continue
			}
			reason := d.tr.text(printable(res.Reason))
			i, ok := at[reason]
			if !ok {
				i = len(out)
				at[reason] = i
				out = append(out, chartBar{Name: reason})
			}
			out[i].Unknown++
		}
	}
	slices.SortStableFunc(out, func(a, b chartBar) int {
		return cmp.Or(cmp.Compare(b.Unknown, a.Unknown), cmp.Compare(a.Name, b.Name))
	})
	const most = 40
	if len(out) > most {
		rest := 0
		for _, o := range out[most:] {
			rest += o.Unknown
		}
		out = append(out[:most], chartBar{Name: d.tr.format("%d more", len(out)-most), Unknown: rest})
	}
	return out
}

// controls are all that were asked, each once, by id.
func (d *document) controls() []Result {
	seen := map[string]bool{}
	var out []Result
	for _, r := range d.reports {
		for _, res := range r.Results {
			if !seen[res.Control] {
				seen[res.Control] = true
				out = append(out, res)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Result) int { return cmp.Compare(a.Control, b.Control) })
	return out
}
