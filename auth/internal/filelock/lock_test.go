//go:build windows || (unix && !solaris && !illumos && !aix)

package filelock_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/internal/filelock"
)

// One file at a time holds the lock, also within a process, and closing it is
// what lets go.
func TestTryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first, second := open(), open()
	ok, err := filelock.TryLock(first)
	require.NoError(t, err)
	require.True(t, ok)
	for range 2 {
		ok, err = filelock.TryLock(second)
		require.NoError(t, err, "held by another is no error")
		require.False(t, ok)
	}
	require.NoError(t, first.Close())
	ok, err = filelock.TryLock(second)
	require.NoError(t, err)
	require.True(t, ok)

	ok, err = filelock.TryLock(first)
	require.Error(t, err, "it is closed")
	require.False(t, ok)
}
