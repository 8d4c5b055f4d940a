package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/isapitest"
)

// camsecRun runs camsec in this process.
func camsecRun(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func passwordFile(t *testing.T, password string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pw")
	require.NoError(t, os.WriteFile(name, []byte("\uFEFF"+password+"\r\n"), 0o600))
	return name
}

func TestUsageErrors(t *testing.T) {
	pw := passwordFile(t, "some-password-9")
	bad := filepath.Join(t.TempDir(), "bad.csv")
	require.NoError(t, os.WriteFile(bad, []byte("address,password\n192.0.2.1,hunter2\n"), 0o600))
	t.Setenv("CAMSEC_TEST_EMPTY", "")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing":                {nil, "usage"},
		"no such command":        {[]string{"harden!"}, "no such command"},
		"no device":              {[]string{"inventory"}, "no device"},
		"unknown flag":           {[]string{"inventory", "192.0.2.1", "-frobnicate"}, "no flag -frobnicate"},
		"password flag":          {[]string{"inventory", "192.0.2.1", "-password=hunter2"}, "-password-file"},
		"password flag, apart":   {[]string{"inventory", "-password", "hunter2", "192.0.2.1"}, "-password-file"},
		"password in address":    {[]string{"inventory", "https://admin:hunter2@192.0.2.1"}, "-password-file"},
		"password in list":       {[]string{"inventory", "-inventory", bad}, ":1:"},
		"user without password":  {[]string{"inventory", "192.0.2.1", "-user", "admin"}, "-user needs"},
		"password without user":  {[]string{"inventory", "192.0.2.1", "-password-file", pw}, "needs -user"},
		"two passwords":          {[]string{"inventory", "192.0.2.1", "-user", "a", "-password-file", pw, "-password-env", "X"}, "exclude"},
		"no such environment":    {[]string{"inventory", "192.0.2.1", "-user", "a", "-password-env", "CAMSEC_TEST_NONE"}, "CAMSEC_TEST_NONE"},
		"empty password":         {[]string{"inventory", "192.0.2.1", "-user", "a", "-password-env", "CAMSEC_TEST_EMPTY"}, "empty"},
		"no such password file":  {[]string{"inventory", "192.0.2.1", "-user", "a", "-password-file", pw + "x"}, "pwx"},
		"bad pin":                {[]string{"inventory", "192.0.2.1", "-pin", "md5/x"}, "pin"},
		"pin and insecure":       {[]string{"inventory", "192.0.2.1", "-insecure-tls", "-pin", "sha256/x"}, "exclude"},
		"same device twice":      {[]string{"inventory", "192.0.2.1", "https://192.0.2.1:443"}, "same device"},
		"html of trust":          {[]string{"trust", "192.0.2.1", "-html", "x"}, "no flag -html"},
		"login of trust":         {[]string{"trust", "192.0.2.1", "-user", "admin"}, "no flag -user"},
		"trust of http":          {[]string{"trust", "http://192.0.2.1"}, "no key"},
		"from with user":         {[]string{"audit", "-from", bad, "-user", "a"}, "no meaning"},
		"from with address":      {[]string{"audit", "-from", bad, "192.0.2.1"}, "no meaning"},
		"from what is no such":   {[]string{"audit", "-from", bad}, "snapshot 1"},
		"timeout":                {[]string{"audit", "192.0.2.1", "-timeout", "0s"}, "-timeout"},
		"timeout not understood": {[]string{"audit", "192.0.2.1", "-timeout", "hunter2"}, "-timeout"},
		"demo of a device":       {[]string{"demo", "192.0.2.1"}, "no arguments"},
		"sim of none":            {[]string{"sim", "-n", "0"}, "-n"},
		"sim profile":            {[]string{"sim", "-profile", "toaster"}, "-profile"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := camsecRun(t, append(c.args, stateFlag(t, c.args)...)...)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, out)
			assert.Contains(t, errs, c.want)
			assert.NotContains(t, errs, "hunter2")
		})
	}
}

// stateFlag keeps tests out of the user's state folder.
func stateFlag(t *testing.T, args []string) []string {
	t.Helper()
	if len(args) > 1 && (args[0] == "inventory" || args[0] == "audit") && args[1] != "-from" {
		return []string{"-state", t.TempDir()}
	}
	return nil
}

func TestHelp(t *testing.T) {
	code, out, errs := camsecRun(t, "help")
	assert.Zero(t, code)
	assert.Empty(t, errs)
	for _, c := range commands() {
		assert.Contains(t, out, c.name)
		code, out, errs := camsecRun(t, c.name, "-h")
		assert.Zero(t, code)
		assert.Empty(t, errs)
		assert.Contains(t, out, "usage: camsec "+c.name)
	}
}

func TestWorstExitWins(t *testing.T) {
	order := []int{exitUsage, exitUncertain, exitUnknown, exitFindings, exitOK}
	for i, a := range order {
		for _, b := range order[i:] {
			assert.Equal(t, a, exit{code: a}.worse(exit{code: b}).code)
			assert.Equal(t, a, exit{code: b}.worse(exit{code: a}).code)
		}
	}
}

func TestDemo(t *testing.T) {
	name := filepath.Join(t.TempDir(), "r.html")
	code, out, errs := camsecRun(t, "demo", "-o", name)
	require.Zero(t, code, errs)
	assert.Contains(t, out, name)
	assert.Contains(t, out, "Inventory")
	assert.Contains(t, out, "SVC-02")
	assert.GreaterOrEqual(t, strings.Count(out, "channel "), 9)
	assert.Regexp(t, `password of admin +applied +fresh login`, out)
	assert.Regexp(t, `service\.telnet off +applied +read back; port open before, closed now`, out)
	assert.Regexp(t, `service\.ssh off +applied +read back; port open before, closed now`, out)
	assert.Regexp(t, `SVC-01 +fail +pass`, out)
	assert.Regexp(t, `SVC-02 +fail +pass`, out)
	page, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Contains(t, string(page), "<html")
	assert.NotRegexp(t, `(?i)(src|href)="?https?:`, string(page), "the report loads nothing")
}

// parse reads the one document that must be all of standard output.
func parse(t *testing.T, out string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(out))
	var doc map[string]any
	require.NoError(t, d.Decode(&doc), out)
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF)
	return doc
}

func keys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func TestInventoryAndAuditDocuments(t *testing.T) {
	cam := isapitest.New(t, isapitest.OldCamera())
	dir := t.TempDir()
	pw := passwordFile(t, cam.Password())
	login := []string{"-user", cam.User(), "-password-file", pw, "-state", dir, "-json"}

	code, out, errs := camsecRun(t, append([]string{"inventory", cam.Addr(), "-csv", dir + "/i.csv"}, login...)...)
	require.Zero(t, code, errs)
	doc := parse(t, out)
	assert.Equal(t, "camsec.inventory/1", doc["schema"])
	assert.Subset(t, keys(doc["run"].(map[string]any)), []string{"id", "startedAt", "finishedAt", "tool"})
	assert.EqualValues(t, 0, doc["exit"].(map[string]any)["code"])
	dev := doc["devices"].([]any)[0].(map[string]any)
	assert.Subset(t, keys(dev), []string{"address", "id", "protocols", "vendor", "model", "serial", "mac", "firmware", "type", "channels", "error"})
	assert.Equal(t, cam.Addr(), dev["address"])
	assert.Nil(t, dev["id"])
	assert.Nil(t, dev["error"])
	assert.NotEmpty(t, dev["model"])
	fw := dev["firmware"].(map[string]any)
	assert.Regexp(t, `^V5\.2`, fw["version"])
	p := dev["protocols"].([]any)[0].(map[string]any)
	assert.Equal(t, "isapi", p["protocol"])
	assert.Equal(t, "device", p["accountStore"])
	assert.NotZero(t, p["port"])

	saved := filepath.Join(dir, "s.jsonl")
	code, out, errs = camsecRun(t, append([]string{"audit", cam.Addr(), "-save", saved, "-html", dir + "/a.html", "-csv", dir + "/a.csv"}, login...)...)
	require.Equal(t, exitFindings, code, errs)
	doc = parse(t, out)
	assert.Equal(t, "camsec.audit/1", doc["schema"])
	dev = doc["devices"].([]any)[0].(map[string]any)
	assert.Contains(t, dev, "score") // null: this old camera tells too little
	assert.Subset(t, keys(dev["summary"].(map[string]any)), []string{"pass", "fail", "unknown", "notApplicable", "waived"})
	results := dev["results"].([]any)
	assert.GreaterOrEqual(t, len(results), 20)
	failed := false
	for _, r := range results {
		m := r.(map[string]any)
		assert.Subset(t, keys(m), []string{"control", "title", "severity", "status", "reason", "evidence"})
		failed = failed || m["control"] == "SVC-02" && m["status"] == "fail"
	}
	assert.True(t, failed, "telnet is on")

	requests := cam.Host().Requests()
	code, again, errs := camsecRun(t, "audit", "-from", saved, "-json")
	require.Equal(t, exitFindings, code, errs)
	assert.Equal(t, requests, cam.Host().Requests(), "judging again asks nothing")
	assert.Equal(t, doc["devices"].([]any)[0].(map[string]any)["summary"], parse(t, again)["devices"].([]any)[0].(map[string]any)["summary"])
}

func TestNotReached(t *testing.T) {
	gone := isapitest.New(t, isapitest.CurrentCamera())
	require.NoError(t, gone.Close())
	code, out, errs := camsecRun(t, "audit", gone.Addr(), "-json", "-timeout", "5s", "-state", t.TempDir())
	assert.Equal(t, exitUnknown, code, errs)
	dev := parse(t, out)["devices"].([]any)[0].(map[string]any)
	assert.Equal(t, "unreachable", dev["error"].(map[string]any)["code"])
	assert.Nil(t, dev["score"])
	assert.Nil(t, dev["firmware"])
	assert.EqualValues(t, 0, dev["summary"].(map[string]any)["pass"], "nothing passes unseen")
}

func TestInterrupted(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := run(ctx, []string{"inventory", cam.Addr(), "-json", "-state", t.TempDir()}, nil, &out, &errs)
	assert.Equal(t, exitInterrupted, code)
	assert.EqualValues(t, exitInterrupted, parse(t, out.String())["exit"].(map[string]any)["code"])
}

func TestUntrustedThenPinned(t *testing.T) {
	cam, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{TLS: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = cam.Close() })
	login := []string{"-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", t.TempDir(), "-json"}
	code, out, errs := camsecRun(t, append([]string{"inventory", cam.Addr()}, login...)...)
	require.Equal(t, exitUnknown, code, errs)
	e := parse(t, out)["devices"].([]any)[0].(map[string]any)["error"].(map[string]any)
	assert.Equal(t, "untrusted", e["code"])
	assert.NotContains(t, parse(t, out)["devices"].([]any)[0], "trust")
	pin, _ := e["pin"].(string)
	assert.Contains(t, errs, "-pin "+pin)
	assert.Zero(t, cam.Host().Requests(), "nothing was sent")

	pins := filepath.Join(t.TempDir(), "pins")
	code, out, errs = camsecRun(t, "trust", cam.Addr(), "-json", "-o", pins)
	require.Zero(t, code, errs)
	assert.Equal(t, pin, parse(t, out)["devices"].([]any)[0].(map[string]any)["pin"])

	for _, accept := range [][]string{
		{"-pin", pin},
		{"-pins", pins},
		{"-trust-first-use", filepath.Join(t.TempDir(), "first")},
		{"-insecure-tls"},
	} {
		code, _, errs = camsecRun(t, append(append([]string{"inventory", cam.Addr()}, login...), accept...)...)
		assert.Zero(t, code, "%v: %s", accept, errs)
	}
}

func TestOneWrongPasswordOverManyDevices(t *testing.T) {
	const n = 200
	dir := t.TempDir()
	var list strings.Builder
	list.WriteString("address;id\n")
	var cams []*isapitest.Device
	for range n {
		cam := isapitest.New(t, isapitest.CurrentCamera())
		cams = append(cams, cam)
		list.WriteString(cam.Addr() + ";\n")
	}
	inventory := filepath.Join(dir, "all.csv")
	require.NoError(t, os.WriteFile(inventory, []byte(list.String()), 0o600))
	args := []string{"inventory", "-inventory", inventory, "-user", cams[0].User(), "-state", dir, "-json"}
	failed := func() (sum int) {
		for _, c := range cams {
			sum += c.Host().FailedLogins()
		}
		return sum
	}
	code, out, errs := camsecRun(t, append(args, "-password-file", passwordFile(t, "Wrong-Password-7"))...)
	assert.Equal(t, exitUnknown, code)
	assert.Contains(t, errs, "stopped")
	assert.LessOrEqual(t, failed(), maxRefusals)
	codes := map[string]int{}
	for _, d := range parse(t, out)["devices"].([]any) {
		codes[d.(map[string]any)["error"].(map[string]any)["code"].(string)]++
	}
	assert.Equal(t, map[string]int{"refused": maxRefusals, "no-credential": n - maxRefusals}, codes)

	code, _, errs = camsecRun(t, append(args, "-password-file", passwordFile(t, cams[0].Password()))...)
	assert.Zero(t, code, "the right one reaches all: %s", errs)
	assert.LessOrEqual(t, failed(), maxRefusals)
}

func TestSim(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- run(ctx, []string{"sim", "-n", "4", "-json"}, nil, w, io.Discard)
		_ = w.Close()
	}()
	var doc struct{ Devices []simDevice }
	d := json.NewDecoder(r)
	require.NoError(t, d.Decode(&doc))
	require.Len(t, doc.Devices, 4)
	for _, s := range doc.Devices {
		u, err := url.Parse(s.Address)
		require.NoError(t, err)
		assert.NotEmpty(t, u.Port())
		assert.NotZero(t, s.Ports["http"])
		assert.NotEmpty(t, s.Profile)
	}
	assert.NotZero(t, doc.Devices[0].Ports["telnet"], "an old camera's")
	assert.NotZero(t, doc.Devices[1].Ports["rtsp"])
	assert.Zero(t, doc.Devices[1].Ports["telnet"])
	s := doc.Devices[1]
	code, _, errs := camsecRun(t, "inventory", s.Address, "-user", s.User, "-password-file", passwordFile(t, s.Password), "-state", t.TempDir())
	assert.Zero(t, code, errs)
	go func() { _, _ = io.Copy(io.Discard, r) }()
	cancel()
	assert.Equal(t, exitInterrupted, <-done)
}

func TestLoginGateGrowsWithSuccess(t *testing.T) {
	l := newLogins().get(camsec.StoreDevice, "u", camsec.NewSecret([]byte("p")))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range maxRefusals {
		require.NoError(t, l.enter(ctx))
	}
	gone, stop := context.WithCancel(ctx)
	stop()
	require.ErrorIs(t, l.enter(gone), context.Canceled, "a fourth waits")
	l.leave(true, false)
	require.NoError(t, l.enter(ctx))
	require.NoError(t, l.enter(ctx), "one success makes room for one more")
	for range maxRefusals {
		l.leave(false, true)
	}
	require.Error(t, l.enter(ctx))
	require.Error(t, l.stopped())
}
