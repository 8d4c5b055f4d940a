package main

import (
	"encoding/csv"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

// hostileName is what a device may call itself to do harm where it is shown: a
// formula, a script, terminal escapes of both kinds, a mark that turns the
// reading direction, a second line.
const hostileName = "=HYPERLINK(\"http://evil.test\")<script>alert(1)</script>\u009b31m\u202efdp\r\nok: all well"

// hostileRecorder names everything that a device may name in that way.
func hostileRecorder(t *testing.T) string {
	p := isapitest.Recorder()
	p.Model, p.Name, p.Serial, p.Firmware = hostileName, hostileName, hostileName, hostileName
	p.Realm = strings.NewReplacer("\"", "'", "\r\n", " ").Replace(hostileName)
	p.MoreUsers = []isapitest.User{{ID: 7, Name: hostileName, Level: "Operator", Password: "Another0ne!"}}
	for i := range p.Channels {
		c := &p.Channels[i]
		c.Name, c.Model, c.Serial, c.Firmware = hostileName, hostileName, hostileName, hostileName
	}
	dev, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = dev.Close() })
	dev.Fail("GET /ISAPI/System/time", http.StatusForbidden, `<ResponseStatus version="1.0"><statusCode>4</statusCode>`+
		"<statusString>\x1b[2J\u202eInvalid</statusString><subStatusCode>\u009b31m&lt;script&gt;</subStatusCode></ResponseStatus>")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: dev.Host()}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// TestHostileNames shows a device's names in every command and form of output,
// the debug log among them: none acts on what shows it.
func TestHostileNames(t *testing.T) {
	for _, c := range commands() {
		_, help, _ := camsecRun(t, c.name, "-h")
		if !strings.Contains(help, "[address …]") || !strings.Contains(help, "-password-file") {
			continue
		}
		for i, form := range leakForms(help, "") {
			t.Run(c.name+" "+strings.Join(form, " "), func(t *testing.T) {
				t.Parallel()
				addr, dir := hostileRecorder(t), t.TempDir()
				written := filepath.Join(dir, "written")
				require.NoError(t, os.Mkdir(written, 0o700))
				pw := filepath.Join(dir, "pw")
				require.NoError(t, os.WriteFile(pw, []byte(isapitest.Recorder().Password), 0o600))
				list, err := os.Create(filepath.Join(dir, "list.csv"))
				require.NoError(t, err)
				w := csv.NewWriter(list)
				require.NoError(t, w.WriteAll([][]string{
					{"address", "id", "site", "note"},
					{"http://" + addr, hostileName, hostileName, hostileName},
				}))
				require.NoError(t, list.Close())
				args := append([]string{c.name}, leakForms(help, written)[i]...)
				args = append(args, "-inventory", list.Name(), "-user", "admin", "-password-file", pw, "-state", filepath.Join(dir, "state"))
				code, out, errs := camsecRun(t, args...)
				require.NotEqual(t, exitUsage, code, errs)
				assert.Contains(t, out, "HYPERLINK", "the name is shown")
				if strings.Contains(strings.Join(form, " "), "-debug") {
					assert.Contains(t, errs, "isapi: exchange", "there is a log")
				}
				harmless(t, "standard output", out)
				harmless(t, "standard error", errs)
				files, err := os.ReadDir(written)
				require.NoError(t, err)
				for _, f := range files {
					b, err := os.ReadFile(filepath.Join(written, f.Name()))
					require.NoError(t, err)
					if strings.HasPrefix(string(b), "PK\x03\x04") {
						continue // a capture, for programs: in it is what the device said
					}
					harmless(t, f.Name(), string(b))
				}
			})
		}
	}
}

// harmless fails if text moves a terminal's cursor, runs in a browser or in a
// spreadsheet, turns the reading direction or adds a line of the device's own.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' || r == '\u202e' {
			t.Errorf("%s holds %U", what, r)
			break
		}
	}
	if strings.HasSuffix(what, ".html") {
		assert.NotContains(t, text, "<script>alert", what)
	}
	if strings.HasSuffix(what, ".csv") {
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		for _, row := range rows {
			for _, cell := range row {
				assert.False(t, strings.HasPrefix(cell, "="), "%s: %s", what, cell)
			}
		}
	}
	for line := range strings.Lines(text) {
		assert.False(t, strings.HasPrefix(line, "ok: all well"), "%s: a line of the device's own", what)
	}
}

// Escaped text is the same text.
func TestSpelled(t *testing.T) {
	in := "\u009b31m \u202e \u00a0 \U000e0001 \u00fc \u6444 \U0001f4f7 \x7f"
	var out strings.Builder
	require.NoError(t, printJSON(&out, in))
	harmless(t, "JSON", out.String())
	assert.Contains(t, out.String(), "\u00fc \u6444 \U0001f4f7", "letters and pictures stay")
	var back string
	require.NoError(t, json.Unmarshal([]byte(out.String()), &back))
	assert.Equal(t, in, back)
}
