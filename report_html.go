package camsec

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"time"
)

// WriteHTML writes one page that needs nothing else: no script, no picture,
// no font, nothing fetched. It reads on a phone and a desktop, in light and
// dark, and prints. What devices say of themselves is escaped and has its
// control characters replaced. Nothing is written if the page cannot be made.
func (rs Reports) WriteHTML(w io.Writer, opts *ReportOptions) error {
	o := opts.orDefaults()
	// Parsed here and not at start-up: few programs write HTML.
	t, err := template.New("report").Funcs(template.FuncMap{
		"text":     printable,
		"evidence": evidenceText,
		"name":     (*Report).name,
		"what":     (*Report).what,
		"score":    (*Report).scoreText,
		"urgent":   (*Report).byUrgency,
		"problems": (*Report).problems,
		"time": func(t time.Time) string {
			if t.IsZero() {
				return "unknown"
			}
			return t.In(o.Zone).Format("2006-01-02 15:04 MST")
		},
	}).Parse(reportPage)
	if err != nil {
		return fmt.Errorf("camsec: write HTML report: %w", err)
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Note, Formula, Version string
		About                  [][2]string
		Reports                Reports
	}{evidenceNote, scoreFormula, scoreVersion, o.about().lines(), rs.present()})
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("camsec: write HTML report: %w", err)
	}
	return nil
}

const reportPage = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Camera security report</title>
<style>
:root{--bg:#fff;--fg:#1a1d21;--dim:#59616b;--line:#d5dae0;--pass:#14692f;--fail:#a8121d;--unknown:#7a4b00;--other:#45505c}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e7eaee;--dim:#a3acb6;--line:#353c44;--pass:#6fd08c;--fail:#ff8d8d;--unknown:#f0b75a;--other:#b3bdc8}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:75rem;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin:2rem 0 .25rem}
p{margin:.25rem 0}a{color:inherit}.dim{color:var(--dim);font-size:.875rem}
table{width:100%;border-collapse:collapse;margin:.75rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .5rem;border-bottom:1px solid var(--line)}
.s{font-weight:600;white-space:nowrap}
.pass{color:var(--pass)}.fail{color:var(--fail)}.unknown{color:var(--unknown)}.notApplicable,.waived{color:var(--other)}
@media (max-width:40rem){thead{position:absolute;left:-999rem}tr,td{display:block}tr{padding:.5rem 0;border-bottom:1px solid var(--line)}td{border:0;padding:.1rem 0}td[data-label]::before{content:attr(data-label) ": ";color:var(--dim)}}
@media print{:root{--bg:#fff;--fg:#000;--dim:#333;--line:#999;--pass:#14692f;--fail:#a8121d;--unknown:#7a4b00;--other:#333}body{max-width:none;padding:0;font-size:9pt}tr{break-inside:avoid}h2{break-after:avoid}}
</style>
</head>
<body>
<h1>Camera security report</h1>
{{range .About}}<p>{{index . 0}}: {{index . 1}}</p>
{{end}}<p class="dim">{{.Note}}</p>
<table>
<thead><tr><th scope="col">Device</th><th scope="col">Score</th><th scope="col">Fail</th><th scope="col">Unknown</th><th scope="col">Pass</th></tr></thead>
<tbody>
{{range $i, $r := .Reports}}<tr><td><a href="#d{{$i}}">{{name $r}}</a></td><td data-label="Score">{{with $r.Score}}{{.}}{{else}}none{{end}}</td><td data-label="Fail">{{$r.Summary.Fail}}</td><td data-label="Unknown">{{$r.Summary.Unknown}}</td><td data-label="Pass">{{$r.Summary.Pass}}</td></tr>
{{else}}<tr><td>No device.</td></tr>
{{end}}</tbody>
</table>
{{range $i, $r := .Reports}}<section>
<h2 id="d{{$i}}">{{name $r}}</h2>
<p>{{what $r}}</p>
<p>{{score $r}}</p>
<p class="dim">Asked {{time $r.TakenAt}}, judged {{time $r.JudgedAt}}{{with $r.Trust}}, identity: {{text .}}{{end}}</p>
{{range problems $r}}<p class="fail">{{.}}</p>
{{end}}<table>
<thead><tr><th scope="col">Status</th><th scope="col">Severity</th><th scope="col">Control</th><th scope="col">Found</th></tr></thead>
<tbody>
{{range urgent $r}}<tr><td class="s {{.Status}}">{{.Status}}</td><td data-label="Severity">{{.Severity}}</td><td>{{text .Control}} {{text .Title}}</td><td><p>{{text .Reason}}</p>{{with .Remedy}}<p>To do: {{text .}}</p>{{end}}{{with .Evidence}}<p class="dim">Seen in: {{evidence .}}</p>{{end}}{{with .References}}<p class="dim">Evidence towards: {{range $n, $x := .}}{{if $n}}; {{end}}{{text $x}}{{end}}</p>{{end}}</td></tr>
{{end}}</tbody>
</table>
</section>
{{end}}<p class="dim">Score, version {{.Version}}: {{.Formula}}.</p>
</body>
</html>
`
