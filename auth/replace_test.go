package auth

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file that cannot be replaced is an error, and nothing is left beside it.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	for _, text := range []string{"one", "two", ""} {
		require.NoError(t, replaceFile(path, []byte(text)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	full := filepath.Join(dir, "full")
	require.NoError(t, os.MkdirAll(filepath.Join(full, "in the way"), 0o700))
	require.Error(t, replaceFile(full, []byte("x")))
	require.Error(t, replaceFile(filepath.Join(dir, "missing", "log"), []byte("x")))
	left, err := filepath.Glob(filepath.Join(dir, ".new-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
