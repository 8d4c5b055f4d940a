package main

import (
	"errors"
	"slices"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFindings    = 1
	exitUsage       = 2
	exitUnknown     = 3 // something could not be told
	exitUncertain   = 4 // a change is unknown or partly applied
	exitInterrupted = 130
)

// severity orders exit statuses, mildest first.
var severity = []int{exitOK, exitFindings, exitUnknown, exitUncertain, exitUsage, exitInterrupted}

// An exit is a status with its reason, as reports carry it.
type exit struct {
	code    int
	because string
}

// worse returns the worse of two; the first reason for a status stays.
func (x exit) worse(y exit) exit {
	if slices.Index(severity, y.code) > slices.Index(severity, x.code) {
		return y
	}
	return x
}

// A usageError is a mistake in the command line or in a file that it names,
// found before anything was sent.
type usageError struct{ err error }

func (u *usageError) Error() string { return u.err.Error() }
func (u *usageError) Unwrap() error { return u.err }

func usageErr(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

func isUsage(err error) bool {
	_, ok := errors.AsType[*usageError](err)
	return ok
}

// exitOf is the status of a command that ended with err.
func exitOf(err error) exit {
	if isUsage(err) {
		return exit{exitUsage, "usage"}
	}
	return exit{exitUnknown, err.Error()}
}
