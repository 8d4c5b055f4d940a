// Package untrusted reads pieces of a file that nobody has reason to trust: no
// offset and no length is believed before it was held against the file's size
// and against a limit of the reader's.
package untrusted

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A File is a file of known size.
type File struct {
	R    io.ReaderAt
	Size int64
}

// An Error says where a file breaks the rules of its format, or a limit.
type Error struct {
	Offset int64
	Reason string
}

// Error returns offset and reason.
func (e *Error) Error() string { return fmt.Sprintf("at %d: %s", e.Offset, e.Reason) }

// Errorf makes an Error.
func Errorf(offset int64, format string, args ...any) error {
	return &Error{Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// Holds tells whether n bytes at off lie within the file.
func (f File) Holds(off, n int64) bool {
	return off >= 0 && n >= 0 && off <= f.Size && n <= f.Size-off
}

// Bytes reads n bytes at off. what names them for the error that tells that
// they are not there, or are more than limit.
func (f File) Bytes(off, n, limit int64, what string) ([]byte, error) {
	if n < 0 || n > limit {
		return nil, Errorf(off, "%s: %d bytes, more than the limit of %d", what, n, limit)
	}
	if !f.Holds(off, n) {
		return nil, Errorf(off, "%s reaches beyond the end of the file", what)
	}
	b := make([]byte, n)
	if got, err := f.R.ReadAt(b, off); got < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("reading at %d: %w", off, err)
	}
	return b, nil
}

// DER reads the head of a DER SEQUENCE and returns how long the head and what
// follows it are together, zero when there is no such head.
func DER(b []byte) int64 {
	if len(b) < 2 || b[0] != 0x30 {
		return 0
	}
	if b[1] < 0x80 {
		return 2 + int64(b[1])
	}
	n := int(b[1] & 0x7f)
	if n == 0 || n > 4 || len(b) < 2+n {
		return 0
	}
	var length int64
	for _, c := range b[2 : 2+n] {
		length = length<<8 | int64(c)
	}
	return int64(2+n) + length
}

// Text returns the bytes before the first NUL as text that is safe to print:
// what is no printable UTF-8 becomes a question mark.
func Text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, string(b))
}

// Clean leaves out of a text what no reader sees and a terminal or a
// spreadsheet may act on: control characters, marks that turn the direction of
// writing, and their like. What is no UTF-8 becomes U+FFFD.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// SafeName tells whether a name from a file is a plain relative path: not
// empty, not absolute, no dot-dot, no backslash, colon or control character.
func SafeName(name string) bool {
	if name == "" || name[0] == '/' || strings.ContainsAny(name, "\\:") {
		return false
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	for elem := range strings.SplitSeq(name, "/") {
		if elem == ".." {
			return false
		}
	}
	return true
}
