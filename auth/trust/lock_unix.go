//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package trust

import (
	"os"
	"syscall"
)

// lockFile waits for the lock at path and returns how to release it. The file
// stays, since removing it would let two holders lock different files.
func lockFile(path string) (func(), error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR { //nolint:errorlint // an Errno, never wrapped
			break
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return func() { _ = file.Close() }, nil
}
