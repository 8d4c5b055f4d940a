package camsec_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every sentence that a verdict may hold, and every word that the page and
// the table print, is in the list that translators get, and has a German
// text.
func TestTextsAreComplete(t *testing.T) {
	assert.Empty(t, camsec.ReportOptions{Language: "de"}.Untranslated())
	all := map[string]bool{}
	for _, s := range (camsec.ReportOptions{}).Untranslated() {
		all[s] = true
	}
	require.Greater(t, len(all), 300)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	check := func(s string) {
		if !all[s] {
			t.Errorf("not in the list of texts: %q", s)
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				if !ok || len(n.Args) == 0 {
					return true
				}
				x, _ := sel.X.(*ast.Ident)
				if x == nil || x.Name != "q" || !strings.Contains("pass fail unknown notApplicable", sel.Sel.Name) {
					return true
				}
				if lit, ok := n.Args[0].(*ast.BasicLit); ok {
					s, err := strconv.Unquote(lit.Value)
					require.NoError(t, err)
					if s != "%s" && s != "%s: %s" && s != "%s on channel %s" { // put together from others
						check(strings.ReplaceAll(s, "%v", "%s"))
					}
				}
			case *ast.CompositeLit:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "labelled" && len(n.Elts) == 2 {
					s, err := strconv.Unquote(n.Elts[1].(*ast.BasicLit).Value)
					require.NoError(t, err)
					check(s)
				}
			case *ast.BasicLit:
				if name != "report_page.go" || n.Kind != token.STRING {
					return true
				}
				for _, m := range regexp.MustCompile(`\{\{trf? "([^"]*)"`).FindAllStringSubmatch(n.Value, -1) {
					check(m[1])
				}
			}
			return true
		})
	}
}

func TestGermanReport(t *testing.T) {
	s := snap(on("service.telnet"), num("login.lockout.tries", 3), on("login.lockout"), num("login.lockout.seconds", 600))
	s.Settings = append(s.Settings, camsec.Setting{ID: "service.ssh", Err: &camsec.Problem{Code: camsec.ReasonForbidden, Message: "HTTP 403"}})
	r := camsec.Reports{camsec.Judge(s, camsec.Controls(), day)}
	var b bytes.Buffer
	require.NoError(t, r.WriteTable(&b, &camsec.ReportOptions{Language: "de", Customer: "Nordwind"}))
	for _, want := range []string{
		"Kunde: Nordwind", "nicht erfüllt", "Telnet ist aus: an: Telnet", "sperrt nach 3 Versuchen, außerhalb von 5 bis 10",
		"SSH war nicht zu erfahren: nicht erlaubt (HTTP 403)",
	} {
		assert.Contains(t, b.String(), want)
	}
	assert.NotContains(t, b.String(), "could not be told")
	b.Reset()
	require.NoError(t, r.WriteJSON(&b, &camsec.ReportOptions{Language: "de"}))
	assert.Contains(t, b.String(), `"Telnet is off"`, "what programs read stays English")
	b.Reset()
	require.NoError(t, r.WriteTable(&b, &camsec.ReportOptions{Language: "fr", Texts: map[string]string{"Telnet is off": "Telnet est coupé", "on: %s": "actif : %s"}}))
	assert.Contains(t, b.String(), "Telnet est coupé: actif : Telnet")
}

func TestRedaction(t *testing.T) {
	s := withInventory(nil)
	s.Target = camsec.Target{ID: "C1-0042", Address: "https://10.1.2.3:8443", Labels: map[string]string{"note": "beside 10.1.2.4"}}
	s.Settings = []camsec.Setting{text("network.gateway", "10.1.2.254"), list("network.dns", "2001:db8::53")}
	s.Errors = map[string]*camsec.Problem{"users": {Code: camsec.ReasonUnreachable, Message: "dial tcp 10.1.2.3:8443: refused; mac 02-00-00-00-00-2A"}}
	b := &camsec.Baseline{Gateways: []string{"10.9.9.9"}, NameServers: []string{"10.9.9.9"}}
	reports := camsec.Reports{camsec.Judge(s, b.Apply(camsec.Controls()), day)}
	for name, write := range writers {
		var out bytes.Buffer
		require.NoError(t, write(reports, &out, &camsec.ReportOptions{Redact: true}))
		for _, secret := range []string{"10.1.2.", "C1-0042", "2001:db8", "02:00:00", "02-00-00"} {
			assert.NotContains(t, out.String(), secret, name)
		}
		assert.Contains(t, out.String(), "serial-1", name)
	}
	assert.Equal(t, "C1-0042", reports[0].ID, "the reports themselves are not changed")

	// What holds something of a device is redacted by name, so a new field has
	// to be thought of there.
	for typ, fields := range map[reflect.Type]int{
		reflect.TypeFor[camsec.Report](): 13, reflect.TypeFor[camsec.Target](): 4, reflect.TypeFor[camsec.Inventory](): 8,
		reflect.TypeFor[camsec.Channel](): 13, reflect.TypeFor[camsec.Result](): 11, reflect.TypeFor[camsec.Problem](): 3,
		reflect.TypeFor[camsec.Source](): 3, reflect.TypeFor[camsec.Firmware](): 5,
	} {
		assert.Equal(t, fields, typ.NumField(), "%s: does a new field need redacting?", typ)
	}

	// A device that names itself by words of the report does not change it.
	for _, serial := range []string{"1", "critical", "pass", "2026-03-01T12:00:00Z", "ACC-01", "camsec"} {
		odd := withInventory(func(i *camsec.Inventory) { i.Serial = serial })
		odd.Settings = []camsec.Setting{on("service.telnet")}
		plain, redacted := camsec.Reports{camsec.Judge(odd, camsec.Controls(), day)}, bytes.Buffer{}
		require.NoError(t, plain.WriteJSONL(&redacted, &camsec.ReportOptions{Redact: true}))
		var got camsec.Report
		require.NoError(t, json.Unmarshal(redacted.Bytes(), &got))
		assert.Equal(t, "serial-1", got.Inventory.Serial)
		assert.Equal(t, plain[0].Summary, got.Summary, serial)
		assert.Equal(t, plain[0].TakenAt, got.TakenAt, serial)
		for i, r := range got.Results {
			assert.Equal(t, plain[0].Results[i].Status, r.Status)
			assert.Equal(t, plain[0].Results[i].Severity, r.Severity)
			assert.Equal(t, plain[0].Results[i].Control, r.Control)
		}
	}
}

var writers = map[string]func(camsec.Reports, io.Writer, *camsec.ReportOptions) error{
	"json": camsec.Reports.WriteJSON, "jsonl": camsec.Reports.WriteJSONL, "csv": camsec.Reports.WriteCSV,
	"sarif": camsec.Reports.WriteSARIF, "html": camsec.Reports.WriteHTML, "table": camsec.Reports.WriteTable,
}

// Who is not reached, what is not known, the dates of data and the clock's
// offset stand in every report.
func TestEveryReportSaysWhatItRestsOn(t *testing.T) {
	s := snap(num("time.offset-seconds", 97), camsec.Setting{ID: "service.ssh", Err: &camsec.Problem{Code: camsec.ReasonForbidden, Message: "HTTP 403"}})
	s.Target.Address = "10.0.0.5"
	away := &camsec.Snapshot{Target: camsec.Target{Address: "10.0.0.6"}, Errors: map[string]*camsec.Problem{
		"inventory": {Code: camsec.ReasonUnreachable, Message: "no route to host"},
	}}
	controls := append(camsec.Controls(), dated{verdict("x-data", camsec.Low, camsec.Pass)})
	reports := camsec.Reports{camsec.Judge(s, controls, day), camsec.Judge(away, controls, day)}
	for name, write := range writers {
		var b bytes.Buffer
		require.NoError(t, write(reports, &b, &camsec.ReportOptions{}))
		for _, want := range []string{"97", "no route to host", "unreachable", "forbidden", "2026-02-28", "2026-03-01"} {
			assert.Contains(t, b.String(), want, name)
		}
	}
	// Where clauses of standards are named, the sentence that they are
	// evidence stands, too.
	for name, write := range writers {
		var b bytes.Buffer
		require.NoError(t, write(reports, &b, nil))
		if strings.Contains(b.String(), "IEC 62443") {
			assert.Regexp(t, "no statement (of compliance|that the device)", b.String(), name)
		}
	}
	zone, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, reports.WriteTable(&b, &camsec.ReportOptions{Zone: zone}))
	assert.Contains(t, b.String(), "2026-03-01 21:00 JST")
}

// dated is a control that rests on data of a date.
type dated struct{ fixed }

func (dated) Dataset() (string, time.Time) {
	return "advisories", time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
}

func TestWriteJSONL(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReports().WriteJSONL(&b, nil))
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	require.Len(t, lines, 2)
	for _, l := range lines {
		var r camsec.Report
		require.NoError(t, json.Unmarshal([]byte(l), &r))
	}
}

func TestWriteSARIF(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, hostileReports().WriteSARIF(&b, nil))
	var doc struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID, Kind, Level string
				RuleIndex           int
				Message             struct{ Text string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &doc))
	assert.Equal(t, "2.1.0", doc.Version)
	kinds := map[string]int{}
	run := doc.Runs[0]
	for _, r := range run.Results {
		assert.Equal(t, r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		assert.NotEmpty(t, r.Message.Text)
		kinds[r.Kind]++
		assert.Equal(t, r.Kind == "fail", r.Level != "none", "only what fails has a level")
	}
	assert.Positive(t, kinds["pass"])
	assert.Positive(t, kinds["open"])
	assert.Equal(t, 3, kinds["fail"])
}

func TestLogo(t *testing.T) {
	png := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 40)...)
	var b bytes.Buffer
	require.NoError(t, camsec.Reports{}.WriteHTML(&b, &camsec.ReportOptions{Logo: png}))
	assert.Contains(t, b.String(), `src="data:image/png;base64,`)
	for name, logo := range map[string][]byte{
		"script": []byte("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"), "big": append(png, make([]byte, 256<<10)...),
	} {
		b.Reset()
		require.Error(t, camsec.Reports{}.WriteHTML(&b, &camsec.ReportOptions{Logo: logo}), name)
		assert.Zero(t, b.Len(), "nothing half-written")
	}
}
