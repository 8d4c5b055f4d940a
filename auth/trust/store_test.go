package trust_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/trust"
)

func TestStores(t *testing.T) {
	a, b := trust.PinOf(selfSigned(t, ecKey(t)).Leaf), trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	for name, store := range map[string]trust.OnceStore{
		"memory": trust.MemoryStore(),
		"zero":   &trust.Memory{},
		"file":   trust.FileStore(filepath.Join(t.TempDir(), "pins.json")),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := store.Pin(key)
			require.NoError(t, err)
			require.Empty(t, got)

			require.Error(t, store.SetPin(key, "sha256/short"))
			_, err = store.PinOnce(key, "nonsense")
			require.Error(t, err)

			got, err = store.PinOnce(key, a)
			require.NoError(t, err)
			require.Equal(t, a, got)
			got, err = store.PinOnce(key, b)
			require.NoError(t, err)
			require.Equal(t, a, got, "the first stays")

			require.NoError(t, store.SetPin(key, b))
			got, err = store.Pin(key)
			require.NoError(t, err)
			require.Equal(t, b, got)
		})
	}
}

func TestFileLasts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pins.json")
	pin := trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	require.NoError(t, trust.FileStore(path).WithTime(func() time.Time { return at }).SetPin(`a\/b/"ü`, pin))

	again := trust.FileStore(path)
	all, err := again.Pins()
	require.NoError(t, err)
	assert.Equal(t, map[string]string{`a\/b/"ü`: pin}, all)
	since, err := again.Since(`a\/b/"ü`)
	require.NoError(t, err)
	assert.Equal(t, at, since)

	require.Error(t, again.SetPin("a/\xff", pin), "JSON would change the key")
	require.Error(t, again.SetPin("", pin))

	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestFileDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pins.json")
	pin := trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	require.NoError(t, trust.FileStore(path).SetPin(key, pin))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	damaged := map[string][]byte{
		"two documents": append(bytes.Clone(whole), whole...),
		"null":          []byte("null"),
		"other version": bytes.Replace(whole, []byte(`"version": 1`), []byte(`"version": 2`), 1),
		"entry removed": []byte(`{"version":1,"sum":"","pins":{}}`),
		"binary":        {0, 1, 2, 3},
	}
	for n := range len(strings.TrimRight(string(whole), "\n")) {
		damaged[fmt.Sprintf("torn at %d", n)] = whole[:n]
		flipped := bytes.Clone(whole)
		flipped[n] ^= 1
		damaged[fmt.Sprintf("bit flipped at %d", n)] = flipped
	}
	for name, raw := range damaged {
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		store := trust.FileStore(path)
		got, err := store.Pin(key)
		if err == nil && strings.HasPrefix(name, "bit flipped") {
			// White space, or a letter's case in a field name.
			require.Equal(t, pin, got, "%s: %s", name, raw)
			continue
		}
		e, ok := errors.AsType[*trust.StoreError](err)
		require.True(t, ok, "%s: %v", name, err)
		require.True(t, e.Damaged, name)
		require.Contains(t, err.Error(), "damaged")
		require.Error(t, store.SetPin(key, pin), name)
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, raw, now, "%s: a damaged file is left as it is", name)
	}
}

func TestFileUnreadable(t *testing.T) {
	_, err := trust.FileStore(t.TempDir()).Pin(key)
	e, ok := errors.AsType[*trust.StoreError](err)
	require.True(t, ok, "%v", err)
	assert.False(t, e.Damaged)
	err = trust.FileStore(filepath.Join(t.TempDir(), "missing", "pins.json")).SetPin(key, trust.PinOf(selfSigned(t, ecKey(t)).Leaf))
	_, ok = errors.AsType[*trust.StoreError](err)
	require.True(t, ok, "%v", err)
}

func TestFileSize(t *testing.T) {
	const most = 64 << 20
	path := filepath.Join(t.TempDir(), "pins.json")
	pin := trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	require.NoError(t, trust.FileStore(path).SetPin(key, pin))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	raw = append(raw, bytes.Repeat([]byte(" "), most+1-len(raw))...)
	require.NoError(t, os.WriteFile(path, raw[:most], 0o600))
	got, err := trust.FileStore(path).Pin(key)
	require.NoError(t, err)
	require.Equal(t, pin, got)
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	_, err = trust.FileStore(path).Pin(key)
	e, ok := errors.AsType[*trust.StoreError](err)
	require.True(t, ok, "%v", err)
	require.True(t, e.Damaged)
}

// A handshake asks for a pin, so a file that did not change is not read again.
func TestFileIsReadOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pins.json")
	pin := trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	store := trust.FileStore(path)
	require.NoError(t, store.SetPin(key, pin))
	first := testing.AllocsPerRun(1, func() { _, _ = trust.FileStore(path).Pin(key) })
	_, err := store.Pin(key)
	require.NoError(t, err)
	again := testing.AllocsPerRun(10, func() { _, _ = store.Pin(key) })
	assert.Less(t, again, first/2, "allocations")

	require.NoError(t, trust.FileStore(path).SetPin("site/other", pin))
	got, err := store.Pin("site/other")
	require.NoError(t, err)
	assert.Equal(t, pin, got, "and one that did is")
}

// A change that does not reach the disk is an error, and leaves no rest.
func TestFileThatCannotBeReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pins.json")
	store := trust.FileStore(path).WithTime(func() time.Time {
		require.NoError(t, os.Mkdir(path, 0o700)) // in the way, after the file was read
		return time.Time{}
	})
	pin := trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	got, err := store.PinOnce(key, pin)
	_, ok := errors.AsType[*trust.StoreError](err)
	require.True(t, ok, "%v", err)
	require.Empty(t, got)
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// Files opened separately stand for processes that share one.
func TestFileSharedWritersLoseNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no lock between processes here")
	}
	path := filepath.Join(t.TempDir(), "pins.json")
	pin := trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	const writers, each = 4, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			store := trust.FileStore(path)
			for i := range each {
				assert.NoError(t, store.SetPin(fmt.Sprintf("site/%d-%d", w, i), pin))
			}
		})
	}
	wg.Wait()
	all, err := trust.FileStore(path).Pins()
	require.NoError(t, err)
	assert.Len(t, all, writers*each)
}

func FuzzFile(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.json")
	require.NoError(f, trust.FileStore(path).SetPin(key, trust.PinOf(selfSigned(f, ecKey(f)).Leaf)))
	seed, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(seed)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), "pins.json")
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		all, err := trust.FileStore(path).Pins()
		if err != nil {
			_, ok := errors.AsType[*trust.StoreError](err)
			require.True(t, ok)
			return
		}
		for _, pin := range all {
			_, err := trust.Pins(pin)
			require.NoError(t, err, "only whole pins come out")
		}
	})
}
