package wire

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/camsec/camsec"
)

// A Kind says what is wrong with a reply.
type Kind uint8

// Kinds of errors. The zero Kind is of no known kind.
const (
	KindUnknown   Kind = iota
	KindTruncated      // the body or the document ends too early
	KindTooLarge       // a limit on bytes, tokens, attributes or text was reached
	KindTooDeep        // the document is nested too deeply
	KindDTD            // the document has a document type declaration
	KindSyntax         // the document is not well-formed
	KindEmpty          // there is no document
	KindContent        // a document of another kind: HTML, JSON, XML, text
	KindEncoding       // a content encoding or a charset that cannot be decoded
	KindProtocol       // the answer is not HTTP, or not proper HTTP
	KindRedirect       // the device points elsewhere; nothing was sent there
	KindBusy           // the device asks for patience (429, 503)
)

var kindNames = [...]string{
	"unknown", "truncated", "too large", "too deep", "document type declaration",
	"syntax", "empty", "content", "encoding", "protocol", "redirect", "busy",
}

// String returns the kind in words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// An Error says why a reply is no use. It matches [camsec.ErrMalformed], or
// [camsec.ErrBusy] for [KindBusy], and what Err matches. Its text has no part
// of a body.
type Error struct {
	Kind       Kind
	Status     int           // HTTP status, 0 when there was none or a document was read
	Detail     string        // what was found: "html", "line 3", "over 1048576 bytes"
	Location   string        // for KindRedirect: where to, without user, query and fragment
	RetryAfter time.Duration // for KindBusy: what the device asked for, 0 when it did not say
	Err        error         // the cause, may be nil
}

// Error returns one clean line of bounded length.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("wire: ")
	b.WriteString(e.Kind.String())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	switch {
	case e.Detail != "":
		b.WriteString(": " + clean(e.Detail))
	case e.Kind == KindRedirect && e.Location != "":
		b.WriteString(" to " + clean(e.Location))
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %v", e.RetryAfter)
	}
	if e.Err != nil {
		b.WriteString(": " + clean(e.Err.Error()))
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is maps the kind to the root's errors.
func (e *Error) Is(target error) bool {
	if e.Kind == KindBusy {
		return target == camsec.ErrBusy
	}
	return target == camsec.ErrMalformed
}

// Wait tells how long the device asks to be left alone, 0 when it did not say.
// It is what [camsec.Run] goes by.
func (e *Error) Wait() time.Duration { return e.RetryAfter }

// KindOf returns the kind of the first [Error] in err's chain, KindUnknown
// when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindUnknown
}

// idleError ends an exchange whose body stopped coming. It is a timeout to
// everybody who asks.
type idleError struct{}

func (idleError) Error() string   { return "no bytes of the body for too long" }
func (idleError) Timeout() bool   { return true }
func (idleError) Temporary() bool { return true }
func (idleError) Is(target error) bool {
	return target == context.DeadlineExceeded
}

const maxErrorText = 200

func clean(s string) string { return Clean(s, maxErrorText) }

// Clean makes a device's words fit for one line of a log, an error or a
// terminal: what is not printable becomes U+FFFD, control characters and
// those that turn the direction of text among it, and what is longer than
// most characters is cut.
func Clean(s string, most int) string {
	s = s[:min(len(s), utf8.UTFMax*(most+1))]
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// AttemptsLeft reads how many logins a device says are left: the number right
// before "attempt", as in "You still have 22 attempt(s)" of Dahua and Imou; -1
// where the text tells nothing of the kind.
func AttemptsLeft(text string) int {
	before, _, ok := strings.Cut(strings.ToLower(text), "attempt")
	words := strings.Fields(before)
	if !ok || len(words) == 0 {
		return -1
	}
	n, err := strconv.ParseUint(words[len(words)-1], 10, 16)
	if err != nil {
		return -1
	}
	return int(n)
}
