package journal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/journal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string, opts *journal.Options) *journal.Journal {
	t.Helper()
	if opts == nil {
		opts = &journal.Options{Now: func() time.Time { return day }}
	}
	j, err := journal.Open(path, opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func read(t *testing.T, path string) []journal.Entry {
	t.Helper()
	var out []journal.Entry
	for e, err := range journal.Read(path) {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

func TestAppendAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	require.Equal(t, journal.Hash{}, j.Head())
	require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "begin", Key: "shop/gate", Data: json.RawMessage(`{"n":1}`)}))
	require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "a", Seq: 99}, journal.Entry{Kind: "b", Time: day.Add(time.Hour)}))
	noted := j.Head()
	require.NoError(t, j.Close())
	require.NoError(t, j.Close())
	require.ErrorIs(t, j.Append(t.Context(), journal.Entry{}), os.ErrClosed)

	j = open(t, path, nil)
	require.Equal(t, noted, j.Head())
	require.Zero(t, j.Torn())
	require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "end"}))
	got := read(t, path)
	require.Equal(t, []journal.Entry{
		{Seq: 1, Time: day, Kind: "begin", Key: "shop/gate", Data: json.RawMessage(`{"n":1}`)},
		{Seq: 2, Time: day, Kind: "a"},
		{Seq: 3, Time: day.Add(time.Hour), Kind: "b"},
		{Seq: 4, Time: day, Kind: "end"},
	}, got)
	n, head, err := journal.Verify(path, noted)
	require.NoError(t, err)
	assert.Equal(t, uint64(4), n)
	assert.Equal(t, j.Head(), head)
	_, _, err = journal.Verify(path, journal.Hash{1})
	require.ErrorIs(t, err, camsec.ErrMalformed)
	info, err := os.Stat(path)
	require.NoError(t, err)
	if os.PathSeparator == '/' {
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
}

func TestOneWriterAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	_, err := journal.Open(path, nil)
	require.ErrorIs(t, err, journal.ErrInUse)
	require.NoError(t, j.Close())
	open(t, path, nil)
}

// Wherever a crash tears the last write, every entry before it is there, and
// the journal goes on.
func TestTornTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	for i := range 5 {
		require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "x", Key: fmt.Sprint(i)}))
	}
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := 0
	for cut := range len(whole) + 1 {
		if cut > 0 && whole[cut-1] == '\n' {
			lines++
		}
		for _, tail := range []string{"", "\x00\x00\x00\x00", "garbage"} {
			require.NoError(t, os.WriteFile(path, append(append([]byte{}, whole[:cut]...), tail...), 0o600))
			require.Len(t, read(t, path), lines, "cut at %d", cut)
			j, err := journal.Open(path, nil)
			require.NoError(t, err)
			require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "after"}))
			require.NoError(t, j.Close())
			got := read(t, path)
			require.Len(t, got, lines+1)
			require.Equal(t, "after", got[lines].Kind)
			if cut%97 != 0 {
				break // one kind of tail is enough
			}
		}
	}
}

// A last line that has its end but does not fit is torn, too, and so are
// blocks of zeros, which some file systems leave of a write.
func TestTornLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "x"}))
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, tail := range []string{"", "garbage\n", "{}\n", "\n", "\x00\x00\n", "\x00\x00\n\x00\x00", "\x00\n\x00\n\x00"} {
		require.NoError(t, os.WriteFile(path, append(whole[:len(whole):len(whole)], tail...), 0o600))
		require.Len(t, read(t, path), 1, "%q", tail)
		syncs := 0
		j, err := journal.Open(path, journal.WithSync(&journal.Options{}, func(f *os.File) error { syncs++; return f.Sync() }))
		require.NoError(t, err, "%q", tail)
		require.NoError(t, j.Close())
		require.EqualValues(t, len(tail), j.Torn())
		require.Equal(t, tail != "", syncs == 1, "the cut is durable before anything is added")
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, whole, after, "%q", tail)
	}
	for _, tail := range []string{"garbage\nmore", "{}\n\n"} {
		require.NoError(t, os.WriteFile(path, append(whole[:len(whole):len(whole)], tail...), 0o600))
		_, err := journal.Open(path, nil)
		e, ok := errors.AsType[*journal.Error](err)
		require.True(t, ok, "%q: %v", tail, err)
		require.EqualValues(t, len(whole), e.Offset)
	}
	require.NoError(t, os.WriteFile(path, append(whole[:len(whole):len(whole)], "torn"...), 0o600))
	broken := errors.New("broken disk")
	_, err = journal.Open(path, journal.WithSync(&journal.Options{}, func(*os.File) error { return broken }))
	require.ErrorIs(t, err, broken)
}

// A bit that flips anywhere never yields an entry that was not written: what
// stands before it is read, and it is noticed unless it is in the last line,
// where it looks like a torn write.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	for i := range 4 {
		require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "x", Key: fmt.Sprint(i)}))
	}
	require.NoError(t, j.Close())
	want := read(t, path)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	last := len(whole) - len(whole)/4 - 8
	for at := range len(whole) {
		bad := append([]byte{}, whole...)
		bad[at] ^= 1 << (at % 8)
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		var got []journal.Entry
		var broken error
		for e, err := range journal.Read(path) {
			if err != nil {
				broken = err
				break
			}
			got = append(got, e)
		}
		require.Equal(t, want[:len(got)], append([]journal.Entry{}, got...), "at %d", at)
		if at < last {
			require.ErrorIs(t, broken, camsec.ErrMalformed, "at %d", at)
			_, err := journal.Open(path, nil)
			e, ok := errors.AsType[*journal.Error](err)
			require.True(t, ok)
			require.LessOrEqual(t, e.Offset, int64(at))
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, bad, after, "a broken file is left as it is")
		}
	}
}

// An entry taken out, or put in, does not fit the chain.
func TestTamperedChain(t *testing.T) {
	path, other := filepath.Join(t.TempDir(), "journal"), filepath.Join(t.TempDir(), "other")
	for i, p := range []string{path, other} {
		j := open(t, p, nil)
		for n := range 3 {
			require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "x", Key: fmt.Sprint(i, n)}))
		}
		require.NoError(t, j.Close())
	}
	a, b := lines(t, path), lines(t, other)
	for name, mix := range map[string][]string{
		"taken out":   {a[0], a[2]},
		"exchanged":   {a[0], b[1], a[2]},
		"out of turn": {a[1], a[0], a[2]},
		"twice":       {a[0], a[0], a[1]},
	} {
		var all string
		for _, l := range mix {
			all += l
		}
		require.NoError(t, os.WriteFile(path, []byte(all+a[2]), 0o600))
		_, _, err := journal.Verify(path, journal.Hash{})
		require.ErrorIs(t, err, camsec.ErrMalformed, name)
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var out []string
	for len(raw) > 0 {
		n := 0
		for raw[n] != '\n' {
			n++
		}
		out, raw = append(out, string(raw[:n+1])), raw[n+1:]
	}
	return out
}

// Many writers share few fsyncs, and each returns only when its entry is on
// the disk.
func TestGroupCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	var syncs atomic.Int64
	opts := journal.WithSync(&journal.Options{}, func(f *os.File) error {
		syncs.Add(1)
		time.Sleep(time.Millisecond) // a disk's pace, so that writers gather
		return f.Sync()
	})
	j := open(t, path, opts)
	const writers, each = 64, 20
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				assert.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "x", Key: fmt.Sprint(w, " ", i)}))
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, e := range read(t, path) {
		seen[e.Key] = true
	}
	assert.Len(t, seen, writers*each)
	assert.Less(t, syncs.Load(), int64(writers*each/4), "fsyncs for %d entries", writers*each)
	t.Logf("%d fsyncs for %d entries", syncs.Load(), writers*each)
}

// A disk that fails is an error at once and from then on; what was durable
// before still is.
func TestFailingDisk(t *testing.T) {
	full := errors.New("no space left on device")
	for name, fail := range map[string]func(*journal.Options, *atomic.Bool) *journal.Options{
		"write": func(o *journal.Options, bad *atomic.Bool) *journal.Options {
			return journal.WithWrite(o, func(f *os.File, b []byte) (int, error) {
				if bad.Load() {
					n, _ := f.Write(b[:len(b)/2])
					return n, full
				}
				return f.Write(b)
			})
		},
		"sync": func(o *journal.Options, bad *atomic.Bool) *journal.Options {
			return journal.WithSync(o, func(f *os.File) error {
				if bad.Load() {
					return full
				}
				return f.Sync()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal")
			var bad atomic.Bool
			j := open(t, path, fail(&journal.Options{}, &bad))
			require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "good"}))
			head := j.Head()
			bad.Store(true)
			require.ErrorIs(t, j.Append(t.Context(), journal.Entry{Kind: "lost"}), full)
			bad.Store(false)
			require.ErrorIs(t, j.Append(t.Context(), journal.Entry{Kind: "late"}), full, "what the file holds is not known")
			assert.Equal(t, head, j.Head())
			require.NoError(t, j.Close())
			j = open(t, path, nil)
			require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "again"}))
			got := read(t, path)
			assert.Equal(t, "good", got[0].Kind)
			assert.Equal(t, "again", got[len(got)-1].Kind)
		})
	}
}

func TestAbandonedAppendIsUncertain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	hold := make(chan struct{})
	j := open(t, path, journal.WithSync(&journal.Options{}, func(f *os.File) error { <-hold; return f.Sync() }))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		err := j.Append(ctx, journal.Entry{Kind: "x"})
		assert.ErrorIs(t, err, camsec.ErrUncertain)
		assert.ErrorIs(t, err, context.Canceled)
	})
	time.Sleep(time.Millisecond)
	cancel()
	wg.Wait()
	close(hold)
	require.NoError(t, j.Close())
	require.ErrorIs(t, j.Append(ctx, journal.Entry{}), context.Canceled)
}

func TestEntriesAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path, nil)
	huge := json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
	require.Error(t, j.Append(t.Context(), journal.Entry{Kind: "ok"}, journal.Entry{Kind: "huge", Data: huge}))
	require.Error(t, j.Append(t.Context(), journal.Entry{Kind: "no JSON", Data: json.RawMessage(`{`)}))
	require.NoError(t, j.Append(t.Context(), journal.Entry{Kind: "next"}))
	got := read(t, path)
	require.Len(t, got, 1, "nothing of a call that fails is added")
	require.Equal(t, uint64(1), got[0].Seq)

	// One of just 1 MiB is taken, and read again.
	entry := func(n int) journal.Entry {
		return journal.Entry{Seq: 2, Time: day, Kind: "big", Data: json.RawMessage(`"` + strings.Repeat("x", n) + `"`)}
	}
	plain, err := json.Marshal(entry(0))
	require.NoError(t, err)
	room := 1<<20 - len(plain)
	require.Error(t, j.Append(t.Context(), entry(room+1)))
	require.NoError(t, j.Append(t.Context(), entry(room)))
	require.NoError(t, j.Close())
	require.Equal(t, entry(room), read(t, path)[1])

	// A line of more than twice that is not held in memory.
	for size, long := range map[int]bool{2 << 20: false, 2<<20 + 64<<10: true, 5 << 20: true} {
		line := append(make([]byte, size, size+1), '\n')
		require.NoError(t, os.WriteFile(path+".long", line, 0o600))
		_, _, err := journal.Verify(path+".long", journal.Hash{})
		if long {
			require.ErrorIs(t, err, camsec.ErrMalformed, "%d", size)
		} else {
			require.NoError(t, err, "torn, %d", size)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"seq":1,"time":"2026-03-01T12:00:00Z","kind":"x","hash":"00"}` + "\n"))
	f.Add([]byte("\x00\x00\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "journal")
		if os.WriteFile(path, raw, 0o600) != nil {
			t.Skip()
		}
		n := 0
		var broken error
		for _, err := range journal.Read(path) {
			if err != nil {
				broken = err
				break
			}
			n++
		}
		if broken != nil && !errors.Is(broken, camsec.ErrMalformed) {
			t.Fatal(broken)
		}
		j, err := journal.Open(path, nil)
		if (err != nil) != (broken != nil) {
			t.Fatalf("read says %v, open says %v", broken, err)
		}
		if err == nil {
			_ = j.Close()
		}
	})
}
