// Package filelock locks whole files between processes, for what package auth
// and its parts keep on disk. On systems without such locks TryLock fails with
// [errors.ErrUnsupported].
package filelock
