//go:build unix

package main

import (
	"math"
	"syscall"
)

// openFileLimit is how many files this process may have open. The Go runtime
// raises the soft limit to the hard one at start.
func openFileLimit() (int, bool) {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0, false
	}
	return int(min(uint64(l.Cur), math.MaxInt32)), true //nolint:unconvert // signed on some systems
}
