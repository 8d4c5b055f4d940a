package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReplaceWaitsForAScanner(t *testing.T) {
	held, other := errors.New("in use"), errors.New("disk full")
	inUse := func(err error) bool { return errors.Is(err, held) }
	for name, c := range map[string]struct {
		answers []error // of the tries; the last stays
		tries   int
		want    error
	}{
		"at once":        {[]error{nil}, 1, nil},
		"third try":      {[]error{held, held, nil}, 3, nil},
		"another reason": {[]error{held, other}, 2, other},
		"for ever":       {[]error{held}, 10, held},
	} {
		t.Run(name, func(t *testing.T) {
			tries := 0
			var slept time.Duration
			err := patiently(func() error {
				tries++
				return c.answers[min(tries, len(c.answers))-1]
			}, inUse, func(d time.Duration) { slept += d })
			assert.Equal(t, c.want, err)
			assert.Equal(t, c.tries, tries)
			assert.Less(t, slept, 5*time.Second)
		})
	}
}

func TestWriteFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(name, []byte("old"), 0o644)) //nolint:gosec // what is replaced
	err := writeFile(name, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("no more")
	})
	require.Error(t, err)
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "old", string(b), "left as it was")
	require.NoError(t, writeFile(name, func(w io.Writer) error { _, err := io.WriteString(w, "new"); return err }))
	b, err = os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "new", string(b))
	left, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	assert.Len(t, left, 1)
	if runtime.GOOS != "windows" {
		st, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), st.Mode())
	}
	require.Error(t, writeFile(filepath.Join(name, "below-a-file"), func(io.Writer) error { return nil }))
}
