package firmware

import (
	"bytes"
	"errors"
	"hash"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// errDiffers is what a sum or digest that does not match says.
var errDiffers = errors.New("differs from what the image says")

// sumCheck holds the bytes of a range against a 32-bit sum.
func sumCheck(what string, off, n int64, h hash.Hash32, want uint32) *pass.Check {
	return &pass.Check{
		What: what, Strength: pass.Checksum,
		Sections: []pass.Section{{Off: off, Len: n}}, To: h,
		Finish: func() error {
			if h.Sum32() != want {
				return errDiffers
			}
			return nil
		},
	}
}

// digestCheck holds sections of the file against a digest.
func digestCheck(what string, sections []pass.Section, h hash.Hash, want []byte) *pass.Check {
	return &pass.Check{
		What: what, Strength: pass.Digest, Sections: sections, To: h,
		Finish: func() error {
			if !bytes.Equal(h.Sum(nil), want) {
				return errDiffers
			}
			return nil
		},
	}
}

// clean makes text from a file safe to print.
func clean(s string) string { return untrusted.Text([]byte(s)) }

// formatError puts a parser's complaint into the public form; an error of
// reading stays what it is.
func formatError(name string, err error) error {
	if e, ok := errors.AsType[*untrusted.Error](err); ok {
		return &FormatError{Format: name, Offset: e.Offset, Reason: e.Reason}
	}
	return err
}
