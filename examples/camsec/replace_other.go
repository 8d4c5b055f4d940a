//go:build !windows

package main

// filesNote is what the help says of files.
const filesNote = "Files that are written can be read by their owner alone (mode 0600).\n"

// inUse is never so: here a file is replaced whoever has it open.
func inUse(error) bool { return false }
