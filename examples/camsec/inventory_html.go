package main

import (
	"html/template"
	"io"
	"time"
)

const inventoryPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Inventory</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{font:15px/1.4 system-ui,sans-serif;margin:2em}table{border-collapse:collapse}
th,td{text-align:left;padding:.3em .8em;border-bottom:1px solid #ccc;vertical-align:top}
.channel td:first-child{padding-left:2em}.error{color:#a00}</style></head><body>
<h1>Inventory</h1><p>Read {{.At}}; {{len .Devices}} devices. What a device did not tell is unknown.</p>
<table><tr><th>Address</th><th>Id</th><th>Model</th><th>Firmware</th><th>Serial</th><th>Type</th><th>Not read, and why</th></tr>
{{range .Devices}}<tr><td>{{text .Address}}</td><td>{{known .ID ""}}</td><td>{{known .Model "unknown"}}</td><td>{{.Firmware.Text}}</td><td>{{known .Serial "unknown"}}</td><td>{{known .Type "unknown"}}</td><td class="error">{{with .Error}}{{.Code}}: {{text .Message}}{{end}}</td></tr>
{{range .Channels}}<tr class="channel"><td>channel {{text .ID}}</td><td></td><td>{{known .Model "unknown"}}</td><td>{{.Firmware.Text}}</td><td>{{known .Serial "unknown"}}</td><td></td><td></td></tr>
{{end}}{{end}}</table></body></html>
`

// writeInventoryHTML writes a page that loads nothing and in which names that
// devices give themselves are text alone.
func writeInventoryHTML(w io.Writer, devices []deviceJSON, at time.Time) error {
	t, err := template.New("inventory").Funcs(template.FuncMap{"text": clean, "known": or}).Parse(inventoryPage)
	if err != nil {
		return err
	}
	return t.Execute(w, struct {
		At      string
		Devices []deviceJSON
	}{at.UTC().Format(time.RFC3339), devices})
}
