package main

import (
	"errors"
	"syscall"
)

// filesNote is what the help says of files.
const filesNote = "Files that are written get the permissions of their folder: Windows has no mode 0600.\n"

// inUse tells whether a file could not be replaced because it is open
// elsewhere: ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION or
// ERROR_LOCK_VIOLATION.
func inUse(err error) bool {
	code, ok := errors.AsType[syscall.Errno](err)
	return ok && (code == 5 || code == 32 || code == 33)
}
