package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi/isapitest"
)

// several are cameras with one password, and a list of them.
func several(t *testing.T, n int) (cams []*isapitest.Device, args []string) {
	dir := t.TempDir()
	var list strings.Builder
	list.WriteString("address,id,scope\n")
	for i := range n {
		cam := isapitest.New(t, isapitest.CurrentCamera())
		cams = append(cams, cam)
		fmt.Fprintf(&list, "%s,cam-%d,site\n", cam.Addr(), i)
	}
	file := filepath.Join(dir, "all.csv")
	require.NoError(t, os.WriteFile(file, []byte(list.String()), 0o600))
	return cams, []string{"-inventory", file, "-user", cams[0].User(), "-password-file", passwordFile(t, cams[0].Password()), "-state", dir}
}

func linesOf(t *testing.T, out string) []map[string]any {
	var all []map[string]any
	for line := range strings.Lines(out) {
		require.True(t, strings.HasSuffix(line, "\n"))
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		all = append(all, m)
	}
	return all
}

func TestLinesAndRetry(t *testing.T) {
	for _, command := range []string{"inventory", "audit"} {
		t.Run(command, func(t *testing.T) {
			cams, args := several(t, 5)
			cams[2].Host().Script(authtest.Fault{Drop: true})
			code, out, errs := camsecRun(t, append([]string{command, "-jsonl"}, args...)...)
			require.Equal(t, exitUnknown, code, errs)
			all := linesOf(t, out)
			require.Len(t, all, 5)
			for _, m := range all {
				assert.Equal(t, "camsec."+command+"/1", m["schema"])
				assert.NotEmpty(t, m["run"])
				assert.Equal(t, m["id"] == "cam-2", m["error"] != nil, m["id"])
				if command == "audit" {
					assert.NotEmpty(t, m["results"])
				}
			}
			// Killed while it wrote the last but one: one line lost, one cut.
			kept := strings.SplitAfter(out, "\n")
			old := filepath.Join(t.TempDir(), "old.jsonl")
			require.NoError(t, os.WriteFile(old, []byte(strings.Join(kept[:3], "")+kept[3][:40]), 0o600))
			want := map[any]bool{"cam-2": true, all[3]["id"]: true, all[4]["id"]: true}
			cams[2].Host().ClearScript()
			before := map[any]int{}
			for i, c := range cams {
				before[fmt.Sprint("cam-", i)] = c.Host().Requests()
			}
			code, out, errs = camsecRun(t, append([]string{command, "-jsonl", "-retry-from", old}, args...)...)
			assert.NotEqual(t, exitUnknown, code, errs)
			assert.NotEqual(t, exitUsage, code, errs)
			again := linesOf(t, out)
			assert.Len(t, again, len(want))
			for _, m := range again {
				assert.True(t, want[m["id"]], m["id"])
				assert.Nil(t, m["error"])
			}
			for i, c := range cams {
				id := fmt.Sprint("cam-", i)
				assert.Equal(t, want[id], c.Host().Requests() > before[id], id)
			}
			// What is appended counts: nothing is left to do.
			f, err := os.OpenFile(old, os.O_APPEND|os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteString("\n" + out)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			code, _, errs = camsecRun(t, append([]string{command, "-jsonl", "-retry-from", old}, args...)...)
			assert.Equal(t, exitUsage, code, "the cut line has become one in the middle")
			assert.Contains(t, errs, "old.jsonl:4:")
			require.NoError(t, os.WriteFile(old, []byte(strings.Join(kept[:3], "")+out), 0o600))
			code, out, errs = camsecRun(t, append([]string{command, "-jsonl", "-retry-from", old}, args...)...)
			assert.Zero(t, code, errs)
			assert.Empty(t, out)
			assert.Contains(t, errs, "5 of 5 devices were read before")
		})
	}
}

func TestRetryErrors(t *testing.T) {
	_, args := several(t, 1)
	for name, c := range map[string]struct{ text, want string }{
		"other command": {`{"schema":"camsec.audit/1","address":"10.0.0.5","error":null}` + "\n", ":1:"},
		"no document":   {"\nnoise\n", ":2: no device"},
		"no address":    {"{}\n", ":1: no device"},
		"too long":      {`{"address":"` + strings.Repeat("x", maxLine) + "\"}\n", ":1: a line is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			old := filepath.Join(t.TempDir(), "old.jsonl")
			require.NoError(t, os.WriteFile(old, []byte(c.text), 0o600))
			code, _, errs := camsecRun(t, append([]string{"inventory", "-retry-from", old}, args...)...)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, errs, c.want)
			assert.Less(t, len(errs), 1000)
		})
	}
	code, _, errs := camsecRun(t, append([]string{"inventory", "-json", "-jsonl"}, args...)...)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "exclude")
}

// A line is there as soon as its device is read, while others are still being
// visited; what a killed process leaves is whole lines and one that is cut at
// most; and a second run visits the rest alone.
func TestKilledRunLeavesWholeLines(t *testing.T) {
	cams, args := several(t, 12)
	held := make(chan struct{})
	defer close(held)
	for _, c := range cams[8:] {
		c.Host().Script(authtest.Fault{Hold: held})
	}
	cmd := process(t, append([]string{"inventory", "-jsonl"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var got bytes.Buffer
	r := bufio.NewReader(io.TeeReader(stdout, &got))
	for range 8 {
		_, err := r.ReadString('\n')
		require.NoError(t, err)
	}
	require.NoError(t, cmd.Process.Kill())
	_, _ = io.Copy(io.Discard, r)
	_ = cmd.Wait()
	require.Len(t, linesOf(t, got.String()), 8)
	old := filepath.Join(t.TempDir(), "old.jsonl")
	require.NoError(t, os.WriteFile(old, got.Bytes(), 0o600))
	for _, c := range cams {
		c.Host().ClearScript()
	}
	code, out, errs := camsecRun(t, append([]string{"inventory", "-jsonl", "-retry-from", old}, args...)...)
	require.Zero(t, code, errs)
	assert.Len(t, linesOf(t, out), 4)
	for i, c := range cams {
		if i < 8 {
			assert.Equal(t, 4, c.Host().Requests(), "visited once: twice to find out what it speaks, then the challenge and the answer")
		}
	}
}

// Ctrl-C ends the visits, and what was read by then is written in every form.
func TestInterruptLeavesAPartialResult(t *testing.T) {
	cams, args := several(t, 4)
	cams[3].Host().Script(authtest.Fault{Hold: make(chan struct{})})
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	errs := &notingWriter{on: "3/4", do: cancel}
	code := run(ctx, append([]string{"audit", "-json", "-html", dir + "/r.html", "-csv", dir + "/r.csv", "-save", dir + "/s"}, args...), nil, &out, errs)
	assert.Equal(t, exitInterrupted, code)
	doc := parse(t, out.String())
	assert.EqualValues(t, exitInterrupted, doc["exit"].(map[string]any)["code"])
	for i, d := range doc["devices"].([]any) {
		m := d.(map[string]any)
		assert.Equal(t, fmt.Sprint("cam-", i), m["id"])
		if i < 3 {
			assert.Nil(t, m["error"])
			assert.NotNil(t, m["model"])
		} else {
			assert.Equal(t, "cancelled", m["error"].(map[string]any)["code"])
			assert.Nil(t, m["model"])
		}
	}
	for _, f := range []string{"r.html", "r.csv", "s"} {
		assert.FileExists(t, filepath.Join(dir, f))
	}
	code, _, text := camsecRun(t, "audit", "-from", dir+"/s", "-json")
	assert.Equal(t, exitUnknown, code, text)
}

// A notingWriter does something once a text was written.
type notingWriter struct {
	on string
	do func()
}

func (n *notingWriter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), n.on) {
		n.do()
	}
	return len(p), nil
}

func TestProgress(t *testing.T) {
	now := time.Unix(0, 0)
	var out bytes.Buffer
	p := newProgress(&env{stderr: &out}, 100, func() time.Time { return now })
	for i := range 100 {
		now = now.Add(100 * time.Millisecond)
		v := visit{target: &target{Target: camsec.Target{Address: fmt.Sprint("10.0.0.", i)}}}
		if i == 7 {
			v.err = camsec.ErrBusy
		}
		p.add(v)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 6, out.String())
	assert.Contains(t, lines[0], "8/100 10.0.0.7: ")
	assert.Contains(t, lines[1], "20 of 100 devices, 1 not read, 10.0 a second, about 8s left")
	assert.Contains(t, lines[5], "100 of 100 devices, 1 not read, 10.0 a second")
	assert.NotContains(t, lines[5], "left")
}

func TestFailOn(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	dir := t.TempDir()
	saved := filepath.Join(dir, "s")
	code, out, errs := camsecRun(t, "audit", "-json", "-save", saved, cam.Addr(), "-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", dir)
	require.Equal(t, exitFindings, code, errs)
	worst := camsec.Info
	for _, r := range parse(t, out)["devices"].([]any)[0].(map[string]any)["results"].([]any) {
		m := r.(map[string]any)
		var s camsec.Severity
		require.NoError(t, s.UnmarshalText([]byte(m["severity"].(string))))
		if m["status"] == "fail" {
			worst = max(worst, s)
		}
	}
	require.Less(t, worst, camsec.Critical, "a current camera has no critical finding")
	for s := camsec.Info; s <= camsec.Critical; s++ {
		want := exitFindings
		if s > worst {
			want = exitOK
		}
		code, _, errs = camsecRun(t, "audit", "-from", saved, "-fail-on", s.String())
		assert.Equal(t, want, code, "%s: %s", s, errs)
	}
	code, _, errs = camsecRun(t, "audit", "-from", saved, "-fail-on", "hunter2")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "-fail-on")
	assert.NotContains(t, errs, "hunter2")
}
