package main

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the digest that must not be found
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi/isapitest"
)

// leakPassword differs in each of the forms that it is looked for in.
const leakPassword = `S3cr+t & <"Pw'>/=9`

// A trap is a camera that goes wrong in one way, and what must not be found in
// any output of a run that met it.
type trap struct {
	dev  *isapitest.Device
	addr string

	mu     sync.Mutex
	hidden map[string]bool
}

var parameter = regexp.MustCompile(`(response|cnonce)="([^"]+)"`)

func newTrap(t *testing.T, password string) *trap {
	p := isapitest.CurrentCamera()
	p.Password, p.LockAfter = leakPassword, 0
	p.Basic = true
	dev, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = dev.Close() })
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	tr := &trap{dev: dev, addr: "http://" + l.Addr().String(), hidden: map[string]bool{}}
	var escaped bytes.Buffer
	require.NoError(t, xml.EscapeText(&escaped, []byte(password)))
	a1 := []byte(p.User + ":" + p.Realm + ":" + password)
	ha1, ha2 := md5.Sum(a1), sha256.Sum256(a1) //nolint:gosec // see the import
	sum1, sum2 := md5.Sum([]byte(password)), sha256.Sum256([]byte(password))
	for _, s := range []string{
		password, url.QueryEscape(password), url.PathEscape(password), escaped.String(),
		base64.StdEncoding.EncodeToString([]byte(password)), base64.URLEncoding.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte(p.User + ":" + password)), hex.EncodeToString([]byte(password)),
		strings.Trim(fmt.Sprintf("%q", password), `"`),
		hex.EncodeToString(ha1[:]), hex.EncodeToString(ha2[:]), hex.EncodeToString(sum1[:]), hex.EncodeToString(sum2[:]),
	} {
		tr.hidden[s] = true
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range parameter.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
			tr.mu.Lock()
			tr.hidden[m[2]] = true
			tr.mu.Unlock()
		}
		dev.Host().ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return tr
}

// faults are all the ways to go wrong that the kit knows: TestLeakFaults holds
// the table to the kit.
func faults() map[string]authtest.Fault {
	never, slow := make(chan struct{}), make(chan struct{})
	close(slow)
	const document = "GET /ISAPI/System/deviceInfo"
	return map[string]authtest.Fault{
		"none":                {On: "/nowhere", Drop: true},
		"hold":                {Hold: never},
		"hold after login":    {Hold: never, AfterLogin: true},
		"tick":                {Tick: slow, Body: []byte("<DeviceInfo><model>x</model></DeviceInfo>")},
		"status 400":          {Status: http.StatusBadRequest, AfterLogin: true},
		"status 401":          {Status: http.StatusUnauthorized, AfterLogin: true},
		"status 403":          {Status: http.StatusForbidden, AfterLogin: true},
		"status 407":          {Status: http.StatusProxyAuthRequired},
		"status 500":          {Status: http.StatusInternalServerError, AfterLogin: true},
		"status 503":          {Status: http.StatusServiceUnavailable},
		"redirect":            {Status: http.StatusFound, Header: http.Header{"Location": {"http://admin:x@192.0.2.1/"}}, AfterLogin: true},
		"html":                {Body: []byte("<html><body>login</body></html>"), AfterLogin: true},
		"noise":               {Body: []byte("\x00\x01\xff<a"), AfterLogin: true},
		"doctype":             {Body: []byte("<!DOCTYPE a [<!ENTITY b 'c'>]><DeviceInfo><model>&b;</model></DeviceInfo>"), AfterLogin: true},
		"cut":                 {Body: []byte("<DeviceInfo><model>x</model></DeviceInfo>"), Cut: 12, AfterLogin: true},
		"cut at once":         {Body: []byte("<DeviceInfo/>"), Cut: -1},
		"raw":                 {Raw: []byte("RTSP/1.0 200 OK\r\n\r\n")},
		"drop":                {Drop: true},
		"drop after login":    {Drop: true, AfterLogin: true, On: document},
		"endless":             {Endless: 64 << 20, AfterLogin: true, On: document},
		"endless refusal":     {Endless: 64 << 20, Status: http.StatusUnauthorized},
		"wrong challenge":     {Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {`Digest realm="x"`}}},
		"basic only":          {Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": {`Basic realm="x"`}}},
		"the second goes":     {Nth: 2, Drop: true},
		"unknown document":    {Body: []byte("<Other/>"), AfterLogin: true},
		"names with controls": {Body: []byte("<DeviceInfo><model>\x1b[2J</model><serialNumber>=cmd()</serialNumber></DeviceInfo>"), AfterLogin: true, On: document},
	}
}

// selectors are the fields of a Fault that say when it fires, not what it does.
var selectors = []string{"On", "Nth", "AfterLogin", "Header"}

func TestLeakFaults(t *testing.T) {
	covered := map[string]bool{}
	for _, f := range faults() {
		v := reflect.ValueOf(f)
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				covered[v.Type().Field(i).Name] = true
			}
		}
	}
	fields := reflect.TypeFor[authtest.Fault]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		assert.True(t, covered[name] || slices.Contains(selectors, name), "no fault with %s is tried", name)
	}
}

// withoutAddress is how commands are run that reach no given device.
func withoutAddress(t *testing.T) map[string][]string {
	return map[string][]string{
		"demo":     {"-o", filepath.Join(t.TempDir(), "demo.html")},
		"discover": {"-interface", "lo", "-wait", "10ms"},
		"sim":      {"-n", "1"},
	}
}

// leakForms are the ways to ask for output that a command has flags for.
func leakForms(help, dir string) [][]string {
	has := func(flag string) bool { return regexp.MustCompile(`(?m)^  -` + flag + `\b`).MatchString(help) }
	var files []string
	for _, f := range []string{"html", "csv", "save", "o", "sarif"} {
		if has(f) {
			files = append(files, "-"+f, filepath.Join(dir, "out."+f))
		}
	}
	if has("debug") {
		files = append(files, "-debug")
	}
	forms := [][]string{files}
	for _, f := range []string{"json", "jsonl"} {
		if has(f) {
			forms = append(forms, append(slices.Clone(files), "-"+f))
		}
	}
	return forms
}

// TestNoSecretInAnyOutput runs every command, in every form of output, against
// a camera with each fault of the kit, with the right and with a wrong
// password. Commands, flags and faults are found by what they say of
// themselves, so that a new one is tried, too.
func TestNoSecretInAnyOutput(t *testing.T) {
	others := withoutAddress(t)
	for _, c := range commands() {
		_, help, _ := camsecRun(t, c.name, "-h")
		if !strings.Contains(help, "[address …]") {
			args, ok := others[c.name]
			if !ok {
				if strings.Contains(help, "-password-file") {
					t.Errorf("no way to run %s with a password", c.name)
				}
				continue // it is given no secret
			}
			if c.name != "demo" { // its own outputs are looked at in TestDemo
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				var out bytes.Buffer
				run(ctx, append([]string{c.name}, args...), nil, &out, &out)
				cancel()
				assert.NotContains(t, out.String(), leakPassword)
			}
			continue
		}
		for name, fault := range faults() {
			for kind, password := range map[string]string{"right": leakPassword, "wrong": leakPassword + "7"} {
				if kind == "wrong" && (fault.AfterLogin || fault.On == "") {
					continue // as with the right one: the login is not reached
				}
				t.Run(strings.Join([]string{c.name, name, kind}, "/"), func(t *testing.T) {
					t.Parallel()
					forms := leakForms(help, "")
					if name != "none" {
						forms = forms[:min(2, len(forms))] // lines are as the document is
					}
					for i := range forms {
						tr := newTrap(t, password)
						tr.dev.Host().Script(fault)
						dir := t.TempDir()
						require.NoError(t, os.Mkdir(filepath.Join(dir, "written"), 0o700))
						timeout := "10s"
						if fault.Hold != nil {
							timeout = "100ms"
						}
						args := append([]string{c.name, "-timeout", timeout}, leakForms(help, filepath.Join(dir, "written"))[i]...)
						if strings.Contains(help, "-password-file") {
							pw := filepath.Join(dir, "pw")
							require.NoError(t, os.WriteFile(pw, []byte(password+"\n"), 0o600))
							args = append(args, tr.addr, "-user", tr.dev.User(), "-password-file", pw, "-state", filepath.Join(dir, "written"))
						} else {
							args = append(args, strings.Replace(tr.addr, "http:", "https:", 1))
						}
						code, out, errs := camsecRun(t, args...)
						require.NotEqual(t, exitUsage, code, errs)
						if name == "none" && kind == "right" && c.name != "trust" {
							require.NotEqual(t, exitUnknown, code, "the trap works: %s", errs)
							require.Contains(t, out, "DS-2CD2T47G2-TEST")
						}
						tr.requireNone(t, args, filepath.Join(dir, "written"), out+errs)
					}
				})
			}
		}
	}
}

// requireNone fails if a secret is in the text or in a file.
func (tr *trap) requireNone(t *testing.T, args []string, dir, text string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		text += path + "\n" + string(b)
		return err
	}))
	tr.mu.Lock()
	defer tr.mu.Unlock()
	lower := strings.ToLower(text)
	for s := range tr.hidden {
		require.NotContains(t, lower, strings.ToLower(s), "%v", args)
	}
}
