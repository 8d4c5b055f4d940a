package journal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/journal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func cameras(n int) iter.Seq[camsec.Target] {
	return func(yield func(camsec.Target) bool) {
		for i := range n {
			if !yield(camsec.Target{ID: fmt.Sprintf("cam-%03d", i), Scope: "shop"}) {
				return
			}
		}
	}
}

func TestRunsAreApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	audit, err := j.Run("audit 1")
	require.NoError(t, err)
	require.NoError(t, audit.Finish(t.Context(), "shop/gate"))
	require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "note", Key: "shop/yard"}))
	assert.True(t, audit.Finished("shop/gate"))
	assert.False(t, audit.Finished("shop/yard"))
	other, err := j.Run("audit 2")
	require.NoError(t, err)
	assert.False(t, other.Finished("shop/gate"))
	again, err := j.Run("audit 1")
	require.NoError(t, err)
	assert.True(t, again.Finished("shop/gate"))
}

// A run that is killed without warning after 150 of 200 leaves 150 whole
// lines, and going on with it visits 50.
func TestKilledRunGoesOn(t *testing.T) {
	dir := t.TempDir()
	const child = "CAMSEC_JOURNAL_CHILD"
	if at := os.Getenv(child); at != "" {
		killed(t, at)
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestKilledRunGoesOn$")
	cmd.Env = append(os.Environ(), child+"="+dir)
	ready, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = ready.Read(make([]byte, 1)) // it has written 150 and goes nowhere
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	out, err := os.ReadFile(filepath.Join(dir, "out.jsonl"))
	require.NoError(t, err)
	require.Equal(t, 150, bytes.Count(out, []byte("\n")))
	seen := map[string]bool{}
	for line := range bytes.Lines(out) {
		var v camsec.Target
		require.NoError(t, json.Unmarshal(line, &v))
		seen[v.Key()] = true
	}
	j := open(t, filepath.Join(dir, "journal"), nil)
	run, err := j.Run("audit")
	require.NoError(t, err)
	visited := 0
	visit := func(context.Context, camsec.Target) (int, error) { return 0, nil }
	for v := range camsec.Run(t.Context(), cameras(200), visit, &camsec.RunOptions{Journal: run}) {
		if v.Skipped == "" {
			visited++
			assert.False(t, seen[v.Target.Key()])
			seen[v.Target.Key()] = true
		}
	}
	assert.Equal(t, 50, visited)
	assert.Len(t, seen, 200)
}

// killed is the process that will be killed.
func killed(t *testing.T, dir string) {
	j := open(t, filepath.Join(dir, "journal"), nil)
	run, err := j.Run("audit")
	require.NoError(t, err)
	out, err := os.OpenFile(filepath.Join(dir, "out.jsonl"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	visit := func(ctx context.Context, _ camsec.Target) (int, error) { return 0, ctx.Err() }
	n := 0
	for v := range camsec.Run(t.Context(), cameras(200), visit, &camsec.RunOptions{Journal: run}) {
		if n == 150 {
			fmt.Println("ready") // the parent waits for it
			time.Sleep(time.Hour)
		}
		line, err := json.Marshal(v.Target)
		require.NoError(t, err)
		_, err = out.Write(append(line, '\n'))
		require.NoError(t, err)
		n++
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			j, err := journal.Open(filepath.Join(b.TempDir(), "journal"), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer j.Close()
			b.SetParallelism(writers)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := j.Append(context.Background(), journal.Entry{Kind: "x", Key: "shop/gate"}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
