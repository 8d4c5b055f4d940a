package camsec_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fleetReports is a fleet of n devices of several models, some of them not
// reached, some with hostile names.
func fleetReports(n int) camsec.Reports {
	models := []string{"DS-2CD2143G2-I", "DS-2CD2T47G2-L", "DS-2CD2032-I", "DS-7616NI-K2"}
	firmware := []string{"V5.7.18 build 240826", "V5.5.80 build 190129", "V5.2.0 build 140721"}
	b := &camsec.Baseline{Accounts: []string{"admin"}, InUse: map[string]string{"service.cloud": "the owner's app"}}
	controls := b.Apply(camsec.Controls())
	var out camsec.Reports
	for i := range n {
		s := snap()
		s.Protocol, s.Trust = "isapi", "pinned"
		s.Target = camsec.Target{Scope: fmt.Sprintf("site-%d", i%5), ID: fmt.Sprintf("cam-%03d", i), Address: fmt.Sprintf("192.0.2.%d", i%250+1)}
		s.Inventory = camsec.Inventory{
			Vendor: "Hikvision", Model: models[i%len(models)], Serial: fmt.Sprintf("SN%06d", i), MAC: fmt.Sprintf("02:00:5e:00:%02x:%02x", i/256, i%256),
			Type: "IPCamera", Firmware: camsec.Firmware{Raw: firmware[i%len(firmware)], Version: firmware[i%len(firmware)][:6], Build: "240826"},
		}
		if i%17 == 3 {
			s.Inventory.Model = hostile
		}
		for id, kind := range camsec.SettingKinds() {
			switch {
			case (i+len(id))%11 == 0:
				s.Settings = append(s.Settings, camsec.Setting{ID: id, Err: &camsec.Problem{Code: camsec.ReasonForbidden, Message: "isapi: GET /ISAPI/x: HTTP 403"}})
			case kind == "bool":
				s.Settings = append(s.Settings, set(id, camsec.ValueOf((i+len(id))%3 == 0)))
			case kind == "int":
				s.Settings = append(s.Settings, num(id, int64(i%40)))
			case kind == "string":
				s.Settings = append(s.Settings, text(id, "1.2"))
			default:
				s.Settings = append(s.Settings, list(id, "digest"))
			}
		}
		if i%23 == 7 {
			s = &camsec.Snapshot{Target: s.Target, Errors: map[string]*camsec.Problem{"inventory": {Code: camsec.ReasonUnreachable, Message: "dial tcp: no route"}}}
		}
		out = append(out, camsec.Judge(s, controls, day))
	}
	return out
}

// browser finds Chromium, which .ci/run installs.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CAMSEC_REQUIRE") == "1" {
		t.Fatal("no Chromium here and CAMSEC_REQUIRE is 1")
	}
	t.Skip("no Chromium here")
	return ""
}

// visited is what a browser did with a page.
type visited struct {
	dom      string
	console  []string // what the page, or the browser about it, said there
	requests []string // that the page made, to anywhere but itself
}

// open opens a page in the browser. The browser's own requests, which no page
// asked for, are not counted: their initiator is no origin.
func open(t *testing.T, page []byte) visited {
	t.Helper()
	dir := t.TempDir()
	file, netlog := filepath.Join(dir, "report.html"), filepath.Join(dir, "net.json")
	require.NoError(t, os.WriteFile(file, page, 0o600))
	cmd := exec.CommandContext(t.Context(), browser(t), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+filepath.Join(dir, "profile"), "--log-net-log="+netlog,
		"--enable-logging=stderr", "--dump-dom", "file://"+file)
	cmd.WaitDelay = time.Second
	var dom, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &dom, &log
	require.NoError(t, cmd.Run(), log.String())
	v := visited{dom: dom.String()}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, ":CONSOLE") {
			v.console = append(v.console, line)
		}
	}
	raw, err := os.ReadFile(netlog)
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`"initiator":"([^"]*)".*?"url":"([^"]*)"`).FindAllStringSubmatch(string(raw), -1) {
		if m[1] != "not an origin" && !strings.HasPrefix(m[2], "file:") && !strings.HasPrefix(m[2], "data:") {
			v.requests = append(v.requests, m[2])
		}
	}
	return v
}

// The page runs in a browser: its script works, nothing else runs, nothing
// is fetched.
func TestHTMLInABrowser(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, fleetReports(20).WriteHTML(&b, &camsec.ReportOptions{
		Site: hostile, Customer: "<script>alert(2)</script><img src=http://evil.test/>",
	}))
	v := open(t, b.Bytes())
	assert.Contains(t, v.dom, `<button type="button">`, "the script ran")
	assert.Empty(t, v.console, "the page says nothing on the console")
	assert.Empty(t, v.requests)
}

// The test above would notice.
func TestBrowserNotices(t *testing.T) {
	t.Parallel()
	v := open(t, []byte(`<!DOCTYPE html><img src="http://evil.test/x.png"><script>nothing.here()</script>`))
	assert.NotEmpty(t, v.console)
	assert.Contains(t, v.requests, "http://evil.test/x.png")
}

// Two hundred cameras make a page that can be mailed.
func TestHTMLStaysSmall(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, fleetReports(200).WriteHTML(&b, &camsec.ReportOptions{Language: "de"}))
	t.Logf("%.2f MB", float64(b.Len())/1e6)
	assert.LessOrEqual(t, b.Len(), 5_000_000)
}
