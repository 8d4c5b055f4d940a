package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
