package sig

import (
	"errors"
	"fmt"

	"github.com/camsec/camsec"
)

// A Kind says what is wrong with a signature.
type Kind uint8

// Kinds. The zero Kind is none.
const (
	_ Kind = iota
	// Invalid: the signature does not belong to these bytes and this key.
	Invalid
	// Untrusted: whoever signed leads to none of the caller's anchors.
	Untrusted
	// BelowPolicy: the signature may be right, but a hash, a key or a
	// certificate is not good enough for the caller.
	BelowPolicy
	// Malformed: the signature, or a key, cannot be read or breaks a limit.
	Malformed
	// Unsupported: a scheme, or a variant of one, that is not verified here.
	Unsupported
	// NoAnchor: nothing was given to verify it with. Nothing is proven.
	NoAnchor
)

// String returns the kind in words.
func (k Kind) String() string {
	return [...]string{"no error", "invalid", "untrusted", "below policy", "malformed", "unsupported", "no anchor"}[min(k, NoAnchor)]
}

// An Error says why a signature stands for nothing.
type Error struct {
	Kind   Kind
	Scheme string
	Reason string
}

// Error returns scheme and reason.
func (e *Error) Error() string {
	if e.Scheme == "" {
		return e.Kind.String() + ": " + e.Reason
	}
	return e.Scheme + ": " + e.Kind.String() + ": " + e.Reason
}

// Is tells that the error matches [camsec.ErrMalformed],
// [camsec.ErrUntrusted] or [errors.ErrUnsupported] where its kind is that.
func (e *Error) Is(target error) bool {
	switch e.Kind {
	case Malformed:
		return target == camsec.ErrMalformed
	case Untrusted:
		return target == camsec.ErrUntrusted
	case Unsupported:
		return target == errors.ErrUnsupported
	}
	return false
}

// Errorf makes an Error.
func Errorf(kind Kind, scheme, format string, args ...any) error {
	return &Error{Kind: kind, Scheme: scheme, Reason: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of an error of this package, or zero.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}
