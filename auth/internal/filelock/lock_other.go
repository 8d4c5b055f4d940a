//go:build !windows && (!unix || solaris || illumos || aix)

package filelock

import (
	"errors"
	"os"
)

// TryLock fails where files cannot be locked: what processes cannot share
// safely is not shared.
func TryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }

// Unlock drops the lock on f.
func Unlock(*os.File) error { return errors.ErrUnsupported }
