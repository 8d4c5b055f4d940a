package camsec_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

const hostile = "=cmd|'/c calc'!A1<script>alert(1)</script>\x1b[2J\r\n\u202eevil"

func hostileReports() camsec.Reports {
	s := withInventory(func(i *camsec.Inventory) { i.Vendor, i.Model = hostile, hostile })
	s.Target = camsec.Target{ID: hostile, Scope: "+1", Address: "@10.0.0.5"}
	s.Settings = []camsec.Setting{on("service.telnet"), off("service.ssh"), text("tls.min", hostile)}
	s.Settings[0].Source.Operation = "-" + hostile
	s.Users = []camsec.User{{Account: camsec.Account{Name: hostile}}}
	s.Errors = map[string]*camsec.Problem{"settings": {Code: camsec.ReasonBusy, Message: hostile}}
	controls := append((&camsec.Baseline{Accounts: []string{"admin"}}).Apply(camsec.Controls()),
		fixed{id: "\t=1+1", sev: camsec.Low, v: camsec.Verdict{Status: camsec.Fail, Reason: "\t" + hostile}})
	return camsec.Reports{camsec.Judge(s, controls, day), nil, camsec.Judge(nil, nil, day)}
}

func TestWriteJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReports().WriteJSON(&b, nil))
	assert.NotContains(t, b.String(), "<script>")
	assert.NotContains(t, b.String(), "\x1b")
	var doc struct {
		Schema, Note string
		Devices      []map[string]any
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	assert.Equal(t, "camsec.report/1", doc.Schema)
	assert.Contains(t, doc.Note, "evidence")
	require.Len(t, doc.Devices, 2)
	d := doc.Devices[0]
	for _, f := range []string{"address", "id", "score", "summary", "results", "errors", "takenAt", "judgedAt", "scoring"} {
		assert.Contains(t, d, f)
	}
	for _, f := range []string{"pass", "fail", "unknown", "notApplicable", "waived"} {
		assert.Contains(t, d["summary"], f)
	}
	failing := 0
	for _, res := range d["results"].([]any) {
		res := res.(map[string]any)
		for _, f := range []string{"control", "title", "severity", "status", "reason", "evidence"} {
			assert.Contains(t, res, f)
		}
		if res["status"] == "fail" && res["control"] != "\t=1+1" {
			failing++
			assert.Contains(t, res, "remedy")
		}
		if res["control"] == "SVC-01" {
			assert.Equal(t, "pass", res["status"])
			assert.Equal(t, []any{map[string]any{"operation": "GET /service.ssh", "path": "service.ssh", "kind": "recorded"}}, res["evidence"])
		}
	}
	assert.Equal(t, 2, failing, "Telnet and the account that nobody expects")

	b.Reset()
	require.NoError(t, camsec.Reports(nil).WriteJSON(&b, nil))
	assert.Contains(t, b.String(), `"devices": []`)
}

func TestWriteTable(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReports().WriteTable(&b, nil))
	for _, r := range b.String() {
		if r != '\n' && (r < 0x20 || r == 0x7f || r == 0x202e) {
			t.Fatalf("control character %U in\n%s", r, b.String())
		}
	}
	out := b.String()
	telnet, ssh := strings.Index(out, "SVC-02"), strings.Index(out, "SVC-01")
	require.Positive(t, telnet)
	assert.Less(t, telnet, ssh, "what fails comes first")
	assert.Contains(t, out, "settings not read: busy")
}

func TestWriteCSV(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReports().WriteCSV(&b, nil))
	rows, err := csv.NewReader(&b).ReadAll()
	require.NoError(t, err)
	require.Greater(t, len(rows), 3)
	for _, row := range rows {
		require.Len(t, row, len(rows[0]))
		for _, cell := range row {
			first := strings.TrimLeft(cell, " \uFFFD")
			if first != "" {
				assert.NotContains(t, "=+-@\t\r\n", first[:1], "cell %q", cell)
			}
			assert.NotContains(t, cell, "\x1b")
		}
	}
	assert.Equal(t, "'+1", rows[1][0])
	assert.Equal(t, "'@10.0.0.5", rows[1][1])
	last := rows[len(rows)-1]
	assert.Equal(t, "unknown", last[12], "a device without results still has a line")
}

func TestWriteHTML(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReports().WriteHTML(&b, nil))
	page := b.String()
	for _, want := range []string{
		"prefers-color-scheme:dark", "@media print", "max-width:40rem", `name="viewport"`, "default-src &#39;none&#39;",
		"&lt;script&gt;", "Telnet is off", "weight(pass)", "no statement that",
	} {
		if !strings.Contains(page, want) && !strings.Contains(page, html.UnescapeString(want)) {
			t.Errorf("page lacks %q", want)
		}
	}
	scripts := 0
	z := html.NewTokenizer(&b)
	for {
		tt := z.Next()
		if tt == html.ErrorToken {
			require.ErrorIs(t, z.Err(), io.EOF)
			break
		}
		if tt != html.StartTagToken && tt != html.SelfClosingTagToken {
			continue
		}
		tok := z.Token()
		assert.NotContains(t, []string{"link", "img", "iframe", "object", "form"}, tok.Data)
		if tok.Data == "script" {
			scripts++
		}
		for _, a := range tok.Attr {
			assert.False(t, strings.HasPrefix(a.Key, "on"), "event handler %s", a.Key)
			if a.Key == "href" || a.Key == "src" {
				assert.True(t, strings.HasPrefix(a.Val, "#"), "link to %s", a.Val)
			}
		}
	}
	assert.Equal(t, 1, scripts, "our own")
	assert.NotContains(t, page, "\x1b")
	assert.NotContains(t, page, "\u202e")
	assert.NotContains(t, page, "http://")
	assert.NotContains(t, page, "https://")

	b.Reset()
	require.NoError(t, camsec.Reports(nil).WriteHTML(&b, nil))
	assert.Contains(t, b.String(), "No device.")
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWritersReportErrors(t *testing.T) {
	for name, write := range writers {
		assert.ErrorIs(t, write(hostileReports(), full{}, nil), errFull, name)
	}
}
