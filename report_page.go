package camsec

// reportScript makes tables sortable and unfolds the page for printing. Its
// hash is in the page's policy, so nothing else can run.
const reportScript = `"use strict";
for (const table of document.querySelectorAll("table.sort")) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach((th, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    th.textContent = "";
    th.append(button);
    button.addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
      const rows = [...body.rows].sort((a, b) => key(a).localeCompare(key(b), document.documentElement.lang, {numeric: true}));
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
`

const reportPage = `<!DOCTYPE html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
<title>{{tr "Camera security report"}}{{with .Title}} – {{.}}{{end}}</title>
<style>
:root{--bg:#fff;--card:#f5f7f9;--fg:#1a1d21;--dim:#59616b;--line:#d5dae0;--pass:#14692f;--fail:#a8121d;--unknown:#7a4b00;--other:#45505c}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1d2227;--fg:#e7eaee;--dim:#a3acb6;--line:#353c44;--pass:#6fd08c;--fail:#ff8d8d;--unknown:#f0b75a;--other:#b3bdc8}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1rem;max-width:75rem;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif;overflow-wrap:anywhere}
header{display:flex;gap:1rem;align-items:flex-start;justify-content:space-between;flex-wrap:wrap}
header img{max-height:4rem;max-width:14rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem}
h2{font-size:1.25rem;margin:2.25rem 0 .5rem;padding-bottom:.25rem;border-bottom:2px solid var(--line)}
h3{font-size:1rem;margin:1.25rem 0 .25rem}
p{margin:.25rem 0}a{color:inherit}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .75rem;margin:.5rem 0}dt{color:var(--dim)}dd{margin:0}
.dim{color:var(--dim);font-size:.875rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1rem 0}
.cards div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem .8rem}
.cards b{display:block;font-size:1.75rem;line-height:1.2;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem 2rem}
.bar{display:grid;grid-template-columns:minmax(6rem,38%) 1fr max-content;gap:.5rem;align-items:center;margin:.3rem 0;font-size:.875rem}
.bar>i{display:flex;height:1rem;background:var(--card);border:1px solid var(--line);border-radius:.2rem;overflow:hidden}
.bar s{display:block;height:100%;text-decoration:none}
s.fail{background:var(--fail)}s.pass{background:var(--pass)}s.unknown{background:repeating-linear-gradient(45deg,var(--unknown) 0 3px,transparent 3px 6px)}
.key s{display:inline-block;width:.9rem;height:.9rem;vertical-align:-.1rem;border:1px solid var(--line);margin-right:.3rem}.key span{white-space:nowrap;margin-right:.8rem}
table{width:100%;border-collapse:collapse;margin:.75rem 0;font-size:.9375rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .5rem;border-bottom:1px solid var(--line)}
th{font-size:.875rem}th button{all:unset;cursor:pointer;border-bottom:1px dotted}th button:focus-visible{outline:2px solid}
th[aria-sort=ascending] button::after{content:" \25B2"}th[aria-sort=descending] button::after{content:" \25BC"}
.n,th,.id,.s{overflow-wrap:normal;white-space:nowrap}.n{text-align:right;font-variant-numeric:tabular-nums}
.s{font-weight:600}
td .fail,.s.fail,p.fail{color:var(--fail)}.s.pass{color:var(--pass)}.s.unknown{color:var(--unknown)}.s.notApplicable,.s.waived{color:var(--other)}
details{border:1px solid var(--line);border-radius:.5rem;margin:.6rem 0;padding:0 .8rem}
summary{cursor:pointer;padding:.6rem 0;font-weight:600}summary span{font-weight:400;color:var(--dim)}
.id{font-variant-numeric:tabular-nums}
@media (max-width:40rem){
thead{position:absolute;left:-999rem}table,tbody,tr,td{display:block}tr{padding:.5rem 0;border-bottom:1px solid var(--line)}td{border:0;padding:.1rem 0;text-align:left}
td[data-l]::before{content:attr(data-l) ": ";color:var(--dim)}td:empty{display:none}td.n{display:inline-block;text-align:left;margin-right:.9rem}
.r td{display:inline}.r td:last-child{display:block}
}
@page{margin:14mm 12mm}
@media print{
:root{--bg:#fff;--card:#fff;--fg:#000;--dim:#333;--line:#999;--pass:#14692f;--fail:#a8121d;--unknown:#7a4b00;--other:#333}
html{font-size:9.5pt}body{max-width:none;padding:0;font-size:1rem;print-color-adjust:exact;-webkit-print-color-adjust:exact}
h1{font-size:1.7rem}h2,h3,summary{break-after:avoid}tr,.bar,.cards div{break-inside:avoid}thead{display:table-header-group}
table{font-size:.875rem}.dim{font-size:.8125rem}th,td{padding:.15rem .3rem}details{border:0;padding:0}summary{list-style:none;border-bottom:1px solid var(--line)}
::details-content{content-visibility:visible;display:block}a{text-decoration:none}
}
</style>
</head>
<body>
<header><div><h1>{{tr "Camera security report"}}{{with .Title}}<br>{{.}}{{end}}</h1>
<dl>{{range .About}}<dt>{{index . 0}}</dt><dd>{{index . 1}}</dd>{{end}}</dl></div>
{{with .Logo}}<img src="{{.}}" alt="">{{end}}</header>
<p class="dim">{{tr .Note}} {{tr "What is unknown is neither safe nor unsafe: it was not learned, and the reason stands beside it."}}</p>
<div class="cards">
<div><b>{{.Summary.Devices}}</b>{{tr "Devices"}}</div>
<div><b>{{.Summary.NotReached}}</b>{{tr "Not reached"}}</div>
<div><b>{{.Critical}}</b>{{tr "Critical findings"}}</div>
<div><b>{{.Summary.Results.Fail}}</b>{{tr "Failing results"}}</div>
<div><b>{{.Summary.Results.Unknown}}</b>{{tr "Unknown results"}}</div>
</div>
{{if .Reports}}<h2>{{tr "The fleet"}}</h2>
<div class="charts">
<section><h3>{{tr "By severity"}}</h3>
<p class="dim key"><span><s class="fail"></s>{{tr "fail"}}</span><span><s class="unknown"></s>{{tr "unknown"}}</span><span><s class="pass"></s>{{tr "pass"}}</span></p>
{{range .Severities}}<div class="bar"><span>{{tr .Name}}</span><i><s class="fail" style="width:{{percent .Fail .All}}%"></s><s class="unknown" style="width:{{percent .Unknown .All}}%"></s><s class="pass" style="width:{{percent .Pass .All}}%"></s></i><span>{{.Fail}} / {{.Unknown}} / {{.Pass}}</span></div>
{{end}}</section>
<section><h3>{{tr "By model"}}</h3>
<p class="dim key"><span><s class="fail"></s>{{tr "devices with findings"}}</span><span><s class="unknown"></s>{{tr "too little known"}}</span><span><s class="pass"></s>{{tr "without findings"}}</span></p>
{{range .Models}}<div class="bar"><span>{{.Name}}</span><i><s class="fail" style="width:{{percent .Fail $.Summary.Devices}}%"></s><s class="unknown" style="width:{{percent .Unknown $.Summary.Devices}}%"></s><s class="pass" style="width:{{percent .Pass $.Summary.Devices}}%"></s></i><span>{{.Fail}} / {{.All}}</span></div>
{{end}}</section>
<section><h3>{{tr "By firmware"}}</h3>
<p class="dim key"><span><s class="fail"></s>{{tr "devices with findings"}}</span><span><s class="unknown"></s>{{tr "too little known"}}</span><span><s class="pass"></s>{{tr "without findings"}}</span></p>
{{range .Firmware}}<div class="bar"><span>{{.Name}}</span><i><s class="fail" style="width:{{percent .Fail $.Summary.Devices}}%"></s><s class="unknown" style="width:{{percent .Unknown $.Summary.Devices}}%"></s><s class="pass" style="width:{{percent .Pass $.Summary.Devices}}%"></s></i><span>{{.Fail}} / {{.All}}</span></div>
{{end}}</section>
</div>{{end}}
<h2>{{tr "Devices"}}</h2>
{{if .Reports}}<table class="sort">
<thead><tr><th scope="col">{{tr "Device"}}</th><th scope="col">{{tr "Model"}}</th><th scope="col">{{tr "Firmware"}}</th><th scope="col" class="n">{{tr "Score"}}</th><th scope="col" class="n">{{tr "Fail"}}</th><th scope="col" class="n">{{tr "Unknown"}}</th><th scope="col" class="n">{{tr "Pass"}}</th><th scope="col" class="n">{{tr "Clock"}}</th></tr></thead>
<tbody>
{{range $i, $r := .Reports}}<tr><td><a href="#d{{$i}}">{{name $r}}</a></td><td>{{$r.Inventory.Vendor | text}} {{$r.Inventory.Model | text}}</td><td>{{$r.Inventory.Firmware.Raw | text}}</td><td class="n" data-l="{{tr "Score"}}" data-v="{{with $r.Score}}{{.}}{{else}}-1{{end}}">{{with $r.Score}}{{.}}{{else}}{{tr "none"}}{{end}}</td><td class="n" data-l="{{tr "Fail"}}">{{$r.Summary.Fail}}</td><td class="n" data-l="{{tr "Unknown"}}">{{$r.Summary.Unknown}}</td><td class="n" data-l="{{tr "Pass"}}">{{$r.Summary.Pass}}</td><td class="n" data-l="{{tr "Clock"}}">{{clock $r}}</td></tr>
{{end}}</tbody>
</table>{{else}}<p>{{tr "No device."}}</p>{{end}}
<h2>{{tr "Not reached"}}</h2>
{{if .Away}}<table><thead><tr><th scope="col">{{tr "Device"}}</th><th scope="col">{{tr "Why"}}</th><th scope="col">{{tr "Message"}}</th></tr></thead><tbody>
{{range .Away}}{{$p := index .Errors "inventory"}}<tr><td>{{name .}}</td><td data-l="{{tr "Why"}}">{{tr (printf "%s" $p.Code)}}</td><td data-l="{{tr "Message"}}">{{text $p.Message}}</td></tr>
{{end}}</tbody></table>{{else}}<p>{{tr "All devices were reached."}}</p>{{end}}
<h2>{{tr "What to do"}}</h2>
{{range .Findings}}<h3><span class="s fail">{{tr (printf "%s" .Severity)}}</span> <a href="#c-{{.Control}}" class="id">{{text .Control}}</a> {{tr (text .Title)}}</h3>
<p>{{tr (text .Rationale)}}</p><p><b>{{tr "To do"}}:</b> {{tr (text .Remedy)}}{{with .CutOffRisk}} <span class="dim">{{tr "Cut-off risk"}}: {{tr .}}.</span>{{end}}</p>
<p class="dim">{{if eq .Count 1}}{{tr "1 device"}}{{else}}{{trf "%d devices" .Count}}{{end}}: {{range $n, $x := .Devices}}{{if $n}}, {{end}}{{$x}}{{end}}{{if .More}}, {{trf "%d more" .More}}{{end}}</p>
{{else}}<p>{{tr "Nothing fails."}}</p>{{end}}
<h2>{{tr "What could not be told"}}</h2>
{{if .Unknowns}}<table class="sort"><thead><tr><th scope="col" class="n">{{tr "Results"}}</th><th scope="col">{{tr "Reason"}}</th></tr></thead><tbody>
{{range .Unknowns}}<tr><td class="n">{{.Unknown}}</td><td>{{.Name}}</td></tr>
{{end}}</tbody></table>{{else}}<p>{{tr "none on record"}}</p>{{end}}
<h2>{{tr "Results"}}</h2>
{{range $i, $r := .Reports}}<details id="d{{$i}}"{{if $.Open}} open{{end}}><summary>{{name $r}} <span>{{what $r}} · {{score $r}}</span></summary>
<p class="dim">{{tr "Asked"}} {{time $r.TakenAt}}, {{tr "judged"}} {{time $r.JudgedAt}}{{with $r.Trust}}, {{tr "identity"}}: {{tr (text .)}}{{end}}, {{tr "clock against ours"}}: {{clock $r}}{{with $r.Inventory.Serial}}, {{tr "Serial"}}: {{text .}}{{end}}</p>
{{range problems $r}}<p class="fail">{{.}}</p>
{{end}}<table><thead><tr><th scope="col">{{tr "Status"}}</th><th scope="col">{{tr "Severity"}}</th><th scope="col">{{tr "Control"}}</th><th scope="col">{{tr "Found"}}</th></tr></thead><tbody>
{{range urgent $r}}<tr class="r"><td class="s {{.Status}}">{{tr (printf "%s" .Status)}}</td><td>{{tr (printf "%s" .Severity)}}</td><td class="id">{{text .Control}}</td><td>{{tr (text .Reason)}}{{with .Evidence}} <span class="dim">{{evidence .}}</span>{{end}}</td></tr>
{{end}}</tbody></table>
</details>
{{end}}<h2>{{tr "The controls"}}</h2>
<table class="sort"><thead><tr><th scope="col">{{tr "Control"}}</th><th scope="col">{{tr "Severity"}}</th><th scope="col" class="n">{{tr "Level"}}</th><th scope="col">{{tr "Why"}}</th><th scope="col">{{tr "Evidence towards"}}</th></tr></thead><tbody>
{{range .Controls}}<tr id="c-{{.Control}}"><td><span class="id">{{text .Control}}</span> {{tr (text .Title)}}</td><td data-l="{{tr "Severity"}}">{{tr (printf "%s" .Severity)}}</td><td class="n" data-l="{{tr "Level"}}">{{with .Level}}{{.}}{{end}}</td><td>{{tr (text .Rationale)}}</td><td class="dim">{{range $n, $x := .References}}{{if $n}}; {{end}}{{text $x}}{{end}}</td></tr>
{{end}}</tbody></table>
<h3>{{tr "How the score is made"}}</h3>
<p class="dim">{{tr "version"}} {{.Version}}: {{.Formula}}.</p>
<script>{{.Script}}</script>
</body>
</html>
`
