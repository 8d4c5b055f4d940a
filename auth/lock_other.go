//go:build !windows && (!unix || solaris || illumos || aix)

package auth

import (
	"errors"
	"os"
)

// tryLock fails where files cannot be locked: a budget that processes cannot
// share safely is none.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
