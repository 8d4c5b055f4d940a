//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi/isapitest"
)

// More devices than the process may have files, and more in flight wanted,
// too: none may be lost over it.
func TestCase146HardLimitOnFiles(t *testing.T) {
	const devices, late, files = 600, 300, 256
	t.Setenv("CAMSEC_TEST_PW", "Fleet-Password-1")
	list := "address,user,secret\n"
	hosts, open := make([]*authtest.Host, devices), make(chan struct{})
	for i := range hosts {
		cam := isapitest.New(t, isapitest.OldCamera())
		hosts[i] = cam.Host()
		hosts[i].SetUser("fleet", "Fleet-Password-1")
		if i >= late { // by then the password is known to be good
			hosts[i].Script(authtest.Fault{Nth: 1, Hold: open})
		}
		list += cam.Addr() + ",fleet,env:CAMSEC_TEST_PW\n"
	}
	// They answer once no more come, so that all wait that may be in flight.
	go func() {
		defer close(open)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for held, still := 0, 0; held == 0 || still < 20; still++ {
			select {
			case <-tick.C:
			case <-t.Context().Done():
				return
			}
			now := 0
			for _, h := range hosts[late:] {
				now += h.Requests()
			}
			if now != held {
				held, still = now, 0
			}
		}
	}()
	dir := t.TempDir()
	file := filepath.Join(dir, "all.csv")
	require.NoError(t, os.WriteFile(file, []byte(list), 0o600))
	camsec := process(t, "inventory", "-json", "-inventory", file, "-state", filepath.Join(dir, "state"), "-in-flight", fmt.Sprint(devices))
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, files), "sh"}, camsec.Args...)...)
	cmd.Env = camsec.Env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(t, cmd.Run(), "%s", errs.String())
	var doc struct {
		Devices []struct {
			Model string
			Error any
		}
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
	require.Len(t, doc.Devices, devices)
	for _, d := range doc.Devices {
		require.Nil(t, d.Error)
		require.NotEmpty(t, d.Model)
	}
	require.NotContains(t, strings.ToLower(errs.String()), "too many open files")
}
