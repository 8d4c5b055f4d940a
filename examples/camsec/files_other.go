//go:build !unix

package main

// openFileLimit is unknown: handles are bounded by memory here.
func openFileLimit() (int, bool) { return 0, false }
