package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/auth/authtest/measure"
	"github.com/camsec/camsec/isapi/isapitest"
)

// process is camsec as a process of its own: this test program in that role.
func process(t *testing.T, args ...string) *exec.Cmd {
	return measure.Command(t.Context(), "command", args...)
}

// The statuses that scripts branch on, from the process itself.
func TestExitStatuses(t *testing.T) {
	cam, gone := isapitest.New(t, isapitest.CurrentCamera()), isapitest.New(t, isapitest.CurrentCamera())
	require.NoError(t, gone.Close())
	secure, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{TLS: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = secure.Close() })
	silent := isapitest.New(t, isapitest.CurrentCamera())
	silent.Host().Script(authtest.Fault{Hold: make(chan struct{})})
	right, wrong := passwordFile(t, cam.Password()), passwordFile(t, "Wrong-Password-7")
	login := func(file string) []string {
		return []string{"-user", cam.User(), "-password-file", file, "-state", t.TempDir()}
	}
	notThere := filepath.Join(t.TempDir(), "none", "x")
	for name, c := range map[string]struct {
		want int
		args []string
	}{
		"read":                {exitOK, append([]string{"inventory", cam.Addr()}, login(right)...)},
		"findings":            {exitFindings, append([]string{"audit", cam.Addr()}, login(right)...)},
		"no such flag":        {exitUsage, append([]string{"audit", cam.Addr(), "-x"}, login(right)...)},
		"no command":          {exitUsage, nil},
		"unreachable":         {exitUnknown, append([]string{"inventory", gone.Addr()}, login(right)...)},
		"findings and a gap":  {exitUnknown, append([]string{"audit", cam.Addr(), gone.Addr()}, login(right)...)},
		"silent":              {exitUnknown, append([]string{"inventory", silent.Addr(), "-timeout", "50ms"}, login(right)...)},
		"untrusted":           {exitUnknown, append([]string{"inventory", secure.Addr()}, login(right)...)},
		"refused":             {exitUnknown, append([]string{"inventory", cam.Addr()}, login(wrong)...)},
		"no credential":       {exitUnknown, []string{"inventory", cam.Addr(), "-state", t.TempDir()}},
		"output not writable": {exitUnknown, append([]string{"inventory", cam.Addr(), "-csv", notThere}, login(right)...)},
		"help":                {exitOK, []string{"inventory", "-h"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, _ := process(t, c.args...).CombinedOutput()
			cmd := process(t, c.args...)
			_ = cmd.Run()
			assert.Equal(t, c.want, cmd.ProcessState.ExitCode(), "%s", out)
		})
	}
	assert.Equal(t, 1, cam.Host().FailedLogins(), "run twice, refused once")
}

func TestInterruptedProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signal can be sent to a process here")
	}
	cmd := process(t, "sim", "-n", "1", "-json")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_ = cmd.Wait()
	assert.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
}

// What a device sends without being asked is not shown to anybody.
func TestUnsolicitedBytesAreNotShown(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	cam.Host().Script(authtest.Fault{Raw: []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html>unasked-for")})
	out, err := process(t, "inventory", cam.Addr(), "-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", t.TempDir()).CombinedOutput()
	require.Error(t, err)
	assert.NotContains(t, string(out), "unasked-for")
}

// The zones of sites are in the program, for systems that have none.
func TestZonesAreEmbedded(t *testing.T) {
	_, err := readInventory(strings.NewReader("address,tz\n10.0.0.5,America/St_Johns\n"), "x.csv")
	require.NoError(t, err)
	t.Setenv("ZONEINFO", "/nowhere")
	_, err = time.LoadLocation("Asia/Kathmandu")
	require.NoError(t, err)
}

// A password that the device will hardly have taken is named before it is
// refused, and not shown.
func TestWarnsOfPasswordsBeyondASCII(t *testing.T) {
	const warning = "not plain ASCII"
	for password, warns := range map[string]bool{"Plain-Word-42~": false, "Gerät-Word-42": true, "\x80-Word-42": true} {
		cam := isapitest.New(t, isapitest.CurrentCamera())
		cam.Host().SetUser(cam.User(), password)
		code, _, errs := camsecRun(t, "inventory", cam.Addr(), "-user", cam.User(), "-password-file", passwordFile(t, password), "-state", t.TempDir())
		require.Zero(t, code, errs)
		assert.Equal(t, warns, strings.Contains(errs, warning), errs)
		assert.NotContains(t, errs, password)
	}
	cam := isapitest.New(t, isapitest.CurrentCamera())
	_, _, errs := camsecRun(t, "inventory", cam.Addr(), "-user", "wächter", "-password-file", passwordFile(t, "Plain-Word-42"), "-state", t.TempDir())
	assert.Contains(t, errs, warning+", which few devices take (1 of 1 devices)")
}

func TestDebugLogsExchanges(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	code, _, errs := camsecRun(t, "inventory", cam.Addr(), "-debug", "-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", t.TempDir())
	require.Zero(t, code, errs)
	assert.Contains(t, errs, `operation="GET /ISAPI/System/deviceInfo"`)
	assert.Contains(t, errs, "status=200")
}
