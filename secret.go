package camsec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
)

// A Secret is a password, key or community. It does not print: every verb of
// fmt, encoding/json and log/slog show a placeholder. The zero Secret is
// empty, which is not the same as a missing one: ask the [Account]'s source.
//
// A Secret is immutable and safe for concurrent use.
type Secret struct {
	// A function, because printers that go by reflection follow pointers:
	// fmt does in an unexported field when the verb is wrong, and so do the
	// dumps of test packages. None looks into a closure.
	reveal func() []byte
}

const redacted = "[secret]"

// NewSecret returns a Secret that holds a copy of b.
func NewSecret(b []byte) Secret {
	c := bytes.Clone(b)
	return Secret{func() []byte { return c }}
}

// Reveal returns a copy of the bytes. Only code that puts them on the wire or
// into a store has a reason to call it; grep finds all that do.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return bytes.Clone(s.reveal())
}

// Empty tells whether s holds no byte.
func (s Secret) Empty() bool { return s.reveal == nil || len(s.reveal()) == 0 }

// String returns a placeholder.
func (Secret) String() string { return redacted }

// GoString returns a placeholder.
func (Secret) GoString() string { return redacted }

// Format writes a placeholder, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON writes a placeholder.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText writes a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
