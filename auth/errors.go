package auth

import (
	"fmt"
	"time"

	"github.com/camsec/camsec"
)

// A Kind says what kept a login from working.
type Kind uint8

// Kinds. In parentheses: the root's error that an [Error] of the kind matches.
const (
	KindUnknown        Kind = iota
	KindRefused             // the device refused the credential, now or before (ErrUnauthorized)
	KindDoubtful            // a credential that worked before was refused: changed elsewhere, or the device's connection limit; sent once more after Until (ErrUnauthorized and ErrBusy)
	KindNoCredential        // the device asks for a login and there is no credential (ErrUnauthorized)
	KindNoChallenge         // 401 without a challenge; nothing was sent (ErrUnauthorized)
	KindSource              // the credential source failed; nothing was sent
	KindLocked              // the device says that logins are locked (ErrLocked)
	KindFewTries            // so few tries are left that they belong to people (ErrLocked)
	KindBudget              // our own budget of tries is spent (ErrLocked)
	KindBudgetStore         // the budget cannot be read or written; nothing was sent
	KindChallenge           // malformed challenge (ErrMalformed)
	KindAlgorithm           // only unknown algorithms offered (ErrMalformed)
	KindFIPS                // only MD5 offered, in FIPS-only mode (ErrUntrusted)
	KindNonce               // the device calls every nonce stale (ErrMalformed)
	KindDowngrade           // a weaker scheme than one that has worked, also in an earlier process; AcceptWeaker allows it (ErrUntrusted)
	KindInsecureScheme      // only Basic offered, and it was not allowed (ErrUntrusted)
	KindServer              // the device's proof that it knows the password is wrong (ErrUntrusted)
	KindOrigin              // another origin asks for the credential (ErrUntrusted)
	KindProxy               // a 407 from a device (ErrUntrusted)
	KindBody                // the request's body cannot be sent twice, or not be hashed before sending
	KindUser                // the user name cannot be sent
	KindBusy                // a proven credential met a 401 without a challenge (ErrBusy)
)

var kindTexts = [...]string{
	KindUnknown:        "login failed",
	KindRefused:        "credential refused",
	KindDoubtful:       "credential refused that worked before (changed elsewhere, or the device's connection limit)",
	KindNoCredential:   "login asked for and no credential given",
	KindNoChallenge:    "login asked for without a challenge",
	KindSource:         "credential source failed",
	KindLocked:         "logins are locked",
	KindFewTries:       "the last login tries are left to people",
	KindBudget:         "login tries are spent",
	KindBudgetStore:    "login budget not available",
	KindChallenge:      "challenge not understood",
	KindAlgorithm:      "no known algorithm offered",
	KindFIPS:           "only MD5 offered, not allowed in FIPS-only mode",
	KindNonce:          "device calls every nonce stale",
	KindDowngrade:      "device offers less than what has worked before",
	KindInsecureScheme: "only Basic offered, which is not allowed here",
	KindServer:         "device's own proof is wrong",
	KindOrigin:         "another origin asks for the credential",
	KindProxy:          "device asks for proxy credentials",
	KindBody:           "request body cannot be repeated",
	KindUser:           "user name cannot be sent",
	KindBusy:           "device refuses a login that works, for now",
}

// String returns a short text.
func (k Kind) String() string {
	if int(k) >= len(kindTexts) {
		k = KindUnknown
	}
	return kindTexts[k]
}

// ErrDowngrade matches an [Error] of KindDowngrade with [errors.Is].
var ErrDowngrade = &Error{Kind: KindDowngrade, Left: -1}

// An Error is why a login did not work. It matches the root's errors with
// [errors.Is], and another *Error of the same Kind. It holds no secret and no
// part of a header.
type Error struct {
	Kind  Kind
	Until time.Time // when trying again may help; zero is unknown
	Left  int       // tries left, as the device told; -1 is unknown
	Err   error     // the cause; may be nil
}

// Error returns the text.
func (e *Error) Error() string {
	s := "auth: " + e.Kind.String()
	if e.Left >= 0 {
		s += fmt.Sprintf(", %d tries left", e.Left)
	}
	if !e.Until.IsZero() {
		s += ", until " + e.Until.UTC().Format(time.RFC3339)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is maps the kind to the root's errors.
func (e *Error) Is(target error) bool {
	if o, ok := target.(*Error); ok {
		return o.Kind == e.Kind
	}
	switch target {
	case camsec.ErrUnauthorized:
		return e.Kind == KindRefused || e.Kind == KindDoubtful || e.Kind == KindNoCredential || e.Kind == KindNoChallenge
	case camsec.ErrLocked:
		return e.Kind == KindLocked || e.Kind == KindFewTries || e.Kind == KindBudget
	case camsec.ErrBusy:
		return e.Kind == KindBusy || e.Kind == KindDoubtful
	case camsec.ErrUntrusted:
		switch e.Kind {
		case KindFIPS, KindDowngrade, KindInsecureScheme, KindServer, KindOrigin, KindProxy:
			return true
		}
	case camsec.ErrMalformed:
		return e.Kind == KindChallenge || e.Kind == KindAlgorithm || e.Kind == KindNonce
	}
	return false
}

// Reason tells a missing credential from a refused one; for the other kinds
// it leaves the answer to what the error matches.
func (e *Error) Reason() camsec.Reason {
	if e.Kind == KindNoCredential {
		return camsec.ReasonNoCredential
	}
	return ""
}

func fail(k Kind, err error) *Error { return &Error{Kind: k, Left: -1, Err: err} }
