package auth

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// ofdSetLock is F_OFD_SETLK of fcntl(2): the lock belongs to the open file, so
// that it excludes other users of it in this process as well as in others.
const ofdSetLock = 37

// tryByte locks one byte of f if nobody else has; it is dropped when f is
// closed, also by the end of the process.
func tryByte(f *os.File, at int64) (bool, error) {
	err := setByte(f, at, syscall.F_WRLCK)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EACCES):
		return false, nil
	case errors.Is(err, syscall.EINVAL):
		return false, errors.ErrUnsupported // a kernel before 3.15
	}
	return false, err
}

func unlockByte(f *os.File, at int64) { _ = setByte(f, at, syscall.F_UNLCK) }

func setByte(f *os.File, at int64, kind int16) error {
	for {
		err := syscall.FcntlFlock(f.Fd(), ofdSetLock, &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: at, Len: 1})
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
