package camsec

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// A Secret is a password, key or community. It does not print: every verb of
// fmt, encoding/json and log/slog show a placeholder. The zero Secret is
// empty, which is not the same as a missing one: ask the [Account]'s source.
//
// A Secret is immutable and safe for concurrent use.
type Secret struct{ b *[]byte }

const redacted = "[secret]"

// NewSecret returns a Secret that holds a copy of b.
func NewSecret(b []byte) Secret {
	c := append([]byte(nil), b...)
	return Secret{&c}
}

// Reveal returns a copy of the bytes. Only code that puts them on the wire or
// into a store has a reason to call it; grep finds all that do.
func (s Secret) Reveal() []byte {
	if s.b == nil {
		return nil
	}
	return append([]byte(nil), *s.b...)
}

// Empty tells whether s holds no byte.
func (s Secret) Empty() bool { return s.b == nil || len(*s.b) == 0 }

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
