package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

func TestInventoryFileWithSecretsOfItsOwn(t *testing.T) {
	old, cur := isapitest.New(t, isapitest.OldCamera()), isapitest.New(t, isapitest.CurrentCamera())
	t.Setenv("CAMSEC_TEST_PW", old.Password())
	file := filepath.Join(t.TempDir(), "all.csv")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "address,id,scope,user,secret,Rack\n%s,a,north,%s,env:CAMSEC_TEST_PW,7\n%s,b,south,%s,file:%s,\n",
		old.Addr(), old.User(), cur.Addr(), cur.User(), passwordFile(t, cur.Password())), 0o600))
	code, out, errs := camsecRun(t, "inventory", "-json", "-inventory", file, "-state", t.TempDir())
	require.Zero(t, code, errs)
	devices := parse(t, out)["devices"].([]any)
	require.Len(t, devices, 2)
	first, second := devices[0].(map[string]any), devices[1].(map[string]any)
	assert.Equal(t, "a", first["id"])
	assert.Equal(t, "north", first["scope"])
	assert.Equal(t, map[string]any{"Rack": "7"}, first["labels"])
	assert.Equal(t, "b", second["id"])
	assert.NotEqual(t, first["model"], second["model"])
	assert.Zero(t, old.Host().FailedLogins()+cur.Host().FailedLogins())
}

func TestBadRowSendsNothing(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	file := filepath.Join(t.TempDir(), "all.csv")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "address\n%s\nftp://x\n%s\n", cam.Addr(), cam.Addr()), 0o600))
	code, _, errs := camsecRun(t, "audit", "-inventory", file, "-state", t.TempDir())
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "all.csv:3:")
	assert.Contains(t, errs, "all.csv:4: the same device as "+file+":2")
	assert.Zero(t, cam.Host().Requests())
}

func TestSecondProcessDoesNotRepeatARefusedPassword(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	args := []string{"inventory", cam.Addr(), "-user", cam.User(), "-password-file", passwordFile(t, "Wrong-Password-7"), "-state", t.TempDir()}
	for range 5 {
		code, _, errs := camsecRun(t, args...)
		assert.Equal(t, exitUnknown, code, errs)
	}
	assert.Equal(t, 1, cam.Host().FailedLogins())
}

func TestNoCredential(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	code, out, errs := camsecRun(t, "inventory", cam.Addr(), "-json", "-state", t.TempDir())
	assert.Equal(t, exitUnknown, code, errs)
	dev := parse(t, out)["devices"].([]any)[0].(map[string]any)
	assert.Equal(t, "no-credential", dev["error"].(map[string]any)["code"])
	assert.Zero(t, cam.Host().FailedLogins())
}

func TestSharedKeysAreFindings(t *testing.T) {
	pin, other := "sha256/a", "sha256/b"
	devices := []trustJSON{{Address: "1", Pin: &pin}, {Address: "2", Pin: &other}, {Address: "3", Pin: &pin}}
	assert.Equal(t, exitFindings, compare(devices).code)
	assert.Equal(t, []string{"3"}, devices[0].SharedWith)
	assert.Empty(t, devices[1].SharedWith)
	assert.Equal(t, exitUnknown, compare(append(devices, trustJSON{Address: "4"})).code)
}

func TestHostileNamesInHTML(t *testing.T) {
	name := "<script>alert(1)</script>"
	var b strings.Builder
	require.NoError(t, writeInventoryHTML(&b, []deviceJSON{{Address: "10.0.0.5", Model: &name, Channels: []channelJSON{{ID: name}}}}, time.Unix(0, 0)))
	assert.NotContains(t, b.String(), "<script")
	assert.Contains(t, b.String(), "&lt;script&gt;")
	assert.Contains(t, b.String(), "<td>unknown</td>", "firmware was not told")
}

func TestTextOfDevicesIsHarmless(t *testing.T) {
	assert.Equal(t, "'=cmd()", cell("=cmd()"))
	assert.Equal(t, "'@x", cell("@x"))
	assert.NotContains(t, clean("\x1b[2J\u202e\x9b"), "\x1b")
	assert.NotContains(t, clean("a\u202eb"), "\u202e")
}

func TestForgetLogins(t *testing.T) {
	cam, state := isapitest.New(t, isapitest.CurrentCamera()), t.TempDir()
	password := "Chosen-Later-7"
	cam.Host().SetAlgorithms("SHA-256")
	args := []string{"inventory", cam.Addr(), "-user", cam.User(), "-password-file", passwordFile(t, password), "-state", state}
	code, _, errs := camsecRun(t, args...)
	assert.Equal(t, exitUnknown, code, errs)
	assert.Contains(t, errs, "-forget-logins")
	cam.Host().SetUser(cam.User(), password)
	before := cam.Host().Logins() + cam.Host().FailedLogins()
	code, _, errs = camsecRun(t, args...)
	assert.Equal(t, exitUnknown, code, "refused once, and so not sent: %s", errs)
	assert.Equal(t, before, cam.Host().Logins()+cam.Host().FailedLogins())
	code, _, errs = camsecRun(t, append(args, "-forget-logins")...)
	assert.Zero(t, code, errs)
	assert.NotContains(t, errs, "-forget-logins")

	// Another camera in its place that offers less.
	cam.Host().SetAlgorithms("MD5")
	code, _, errs = camsecRun(t, args...)
	assert.Equal(t, exitUnknown, code, errs)
	assert.Contains(t, errs, "offers less")
	assert.Contains(t, errs, "-forget-logins")
	code, _, errs = camsecRun(t, append(args, "-forget-logins")...)
	assert.Zero(t, code, errs)
	assert.Equal(t, 1, cam.Host().FailedLogins())
}

// What a device refused stays refused when it may offer less.
func TestAcceptWeaker(t *testing.T) {
	cam, state := isapitest.New(t, isapitest.CurrentCamera()), t.TempDir()
	run := func(password string, more ...string) (int, string) {
		args := append([]string{"inventory", cam.Addr(), "-user", cam.User(), "-password-file", passwordFile(t, password), "-state", state}, more...)
		code, _, errs := camsecRun(t, args...)
		return code, errs
	}
	cam.Host().SetAlgorithms("SHA-256")
	code, errs := run("Not-The-One-8")
	assert.Equal(t, exitUnknown, code, errs)
	code, errs = run(cam.Password())
	assert.Zero(t, code, errs)
	cam.Host().SetAlgorithms("MD5")
	code, errs = run(cam.Password())
	assert.Equal(t, exitUnknown, code, errs)
	assert.Contains(t, errs, "-accept-weaker")
	code, errs = run(cam.Password(), "-accept-weaker")
	assert.Zero(t, code, errs)
	code, errs = run("Not-The-One-8", "-accept-weaker")
	assert.Equal(t, exitUnknown, code, errs)
	assert.Equal(t, 1, cam.Host().FailedLogins(), "it was not sent again")
}

// Cameras behind one recorder are visited two at a time, however many visits
// the run may have under way; the output says what they are behind.
func TestCamerasBehindARecorder(t *testing.T) {
	var now, most atomic.Int32
	list := "address,id,via,protocol\n"
	for i := range 8 {
		cam, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true})
		require.NoError(t, err)
		t.Cleanup(func() { _ = cam.Close() })
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(5 * time.Millisecond) // so that others would be seen beside it
			cam.Host().ServeHTTP(w, r)
			now.Add(-1)
		}))
		t.Cleanup(srv.Close)
		list += fmt.Sprintf("%s,cam-%d,nvr,isapi\n", srv.URL, i)
	}
	nvr := isapitest.New(t, isapitest.CurrentCamera())
	list += nvr.Addr() + ",nvr,,isapi\n"
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list.csv"), []byte(list), 0o600))
	code, out, errs := camsecRun(t, "inventory", "-json", "-inventory", filepath.Join(dir, "list.csv"), "-csv", filepath.Join(dir, "out.csv"),
		"-user", nvr.User(), "-password-file", passwordFile(t, nvr.Password()), "-state", filepath.Join(dir, "state"))
	require.Equal(t, exitOK, code, errs)
	assert.LessOrEqual(t, most.Load(), int32(2))
	devices := parse(t, out)["devices"].([]any)
	require.Len(t, devices, 9)
	assert.Equal(t, "nvr", devices[0].(map[string]any)["via"])
	assert.NotContains(t, devices[8], "via")
	table, err := os.ReadFile(filepath.Join(dir, "out.csv"))
	require.NoError(t, err)
	records, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	require.NoError(t, err)
	at := slices.Index(records[0], "via")
	assert.Equal(t, "nvr", records[1][at])
	assert.Empty(t, records[9][at])
}
