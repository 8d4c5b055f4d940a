package camsec

import (
	"context"
	"errors"
	"net"
)

// Errors that every driver's errors match with [errors.Is]. The device's own
// words are in the driver's error type (isapi.Error, auth.Error). What a
// device does not offer matches the standard [errors.ErrUnsupported].
var (
	// ErrUnauthorized: the credential was refused. It is not sent again
	// until it changes.
	ErrUnauthorized = errors.New("camsec: credentials refused")
	// ErrForbidden: the account may log in but may not do this.
	ErrForbidden = errors.New("camsec: not allowed for this account")
	// ErrLocked: the device, or our own guard before it, refuses logins for a
	// while.
	ErrLocked = errors.New("camsec: account locked out")
	// ErrNotActivated: the device has no administrator password yet.
	ErrNotActivated = errors.New("camsec: device not activated")
	// ErrWeakPassword: the device refused a new password by its policy.
	ErrWeakPassword = errors.New("camsec: password refused by policy")
	// ErrNotFound: there is no such account, channel or setting.
	ErrNotFound = errors.New("camsec: no such thing")
	// ErrUntrusted: the device's identity is not trusted; no credential was
	// sent.
	ErrUntrusted = errors.New("camsec: device not trusted")
	// ErrMalformed: the reply was not understood, or broke a limit.
	ErrMalformed = errors.New("camsec: reply not understood")
	// ErrUncertain: a write was sent and its outcome is unknown.
	ErrUncertain = errors.New("camsec: outcome of the write unknown")
	// ErrBusy: the device asks for patience; trying later may work.
	ErrBusy = errors.New("camsec: device busy")
)

// A Reason says why something is unknown. The set is closed; its words are
// part of the JSON form of snapshots and reports.
type Reason string

// Reasons. The empty Reason means that nothing is missing.
const (
	ReasonUnreachable  Reason = "unreachable"   // no answer, or the connection broke
	ReasonUntrusted    Reason = "untrusted"     // certificate not accepted, nothing sent
	ReasonRefused      Reason = "refused"       // credential refused
	ReasonLocked       Reason = "locked"        // logins locked out
	ReasonForbidden    Reason = "forbidden"     // account lacks the privilege
	ReasonNotOffered   Reason = "not-offered"   // device says it has no such thing
	ReasonNotReadable  Reason = "not-readable"  // this protocol cannot tell
	ReasonNoCredential Reason = "no-credential" // the caller gave none
	ReasonUnparsable   Reason = "unparsable"    // answered, but not understood
	ReasonBusy         Reason = "busy"          // device busy
	ReasonCancelled    Reason = "cancelled"     // the caller gave up first
)

// ReasonOf tells the reason behind err: empty for nil, and for an error of no
// known kind [ReasonUnreachable], since nothing was learned from the device.
// An error of a driver that knows better has a method Reason() Reason; an
// empty one leaves it to the errors of this package that it matches.
func ReasonOf(err error) Reason {
	if err == nil {
		return ""
	}
	if own, ok := errors.AsType[interface {
		error
		Reason() Reason
	}](err); ok && own.Reason() != "" {
		return own.Reason()
	}
	for _, m := range []struct {
		err    error
		reason Reason
	}{
		{ErrUntrusted, ReasonUntrusted},
		{ErrLocked, ReasonLocked},
		{ErrUnauthorized, ReasonRefused},
		{ErrForbidden, ReasonForbidden},
		{errors.ErrUnsupported, ReasonNotOffered},
		{ErrNotFound, ReasonNotOffered},
		{ErrNotActivated, ReasonRefused},
		{ErrMalformed, ReasonUnparsable},
		{ErrBusy, ReasonBusy},
		{context.Canceled, ReasonCancelled},
	} {
		if errors.Is(err, m.err) {
			return m.reason
		}
	}
	return ReasonUnreachable
}

// retryable tells whether trying again later, with nothing changed, may work.
func retryable(err error) bool {
	if errors.Is(err, ErrBusy) || errors.Is(err, ErrLocked) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	_, isNet := errors.AsType[net.Error](err)
	return isNet
}
