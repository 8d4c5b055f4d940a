//go:build !windows && (!unix || solaris || illumos || aix)

package journal

import (
	"errors"
	"os"
)

// tryLock fails where files cannot be locked: a journal that two processes write
// is none.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
