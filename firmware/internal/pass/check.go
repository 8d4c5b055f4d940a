// Package pass reads a file once, from its first byte to its last, and feeds
// its bytes to every check that wants them.
//
// A check says which byte ranges it wants, in ascending order, and where they
// go: into a hash, a sum, or a small machine that follows a stream. It judges
// after the pass, in Finish. Checks run side by side on a few workers, and
// memory does not depend on the file's size.
package pass

import (
	"cmp"
	"io"
	"math"
	"slices"
)

// A Section is a piece of what a check wants: bytes of the file, or, where
// Literal is not nil, bytes that stand there instead (a signature field taken
// as zeros, a header in its plain form).
type Section struct {
	Off, Len int64
	Literal  []byte
}

// A Span is a byte range of the file.
type Span struct{ Off, Len int64 }

// A Strength is what passing a check proves. The order is that of strength.
type Strength uint8

// Strengths.
const (
	// Checksum: no accident changed the bytes. Anybody can forge it.
	Checksum Strength = iota
	// Digest: the bytes are those that a digest in the file names. Whoever
	// changes both is not noticed.
	Digest
	// Signature: the holder of a trusted key stands for the bytes.
	Signature
)

// String returns "checksum", "digest" or "signature".
func (s Strength) String() string {
	return [...]string{"checksum", "digest", "signature"}[min(s, Signature)]
}

// A Check is one thing that the pass proves.
type Check struct {
	// What names the check for people: "CRC32 of kernel".
	What     string
	Strength Strength
	// Sections is what To receives, in this order. File sections ascend and
	// do not overlap. Empty: the check needs nothing of the pass.
	Sections []Section
	// To receives the bytes. It may keep an error to itself until Finish; one
	// that it returns ends this check alone.
	To io.Writer
	// Finish judges, once, after the pass. Its error says why the check
	// failed. It is called in any case, also when the pass was given up
	// half-way, so that it can clean up; then its verdict does not count.
	Finish func() error
	// Covers says which bytes of the file cannot change without failing the
	// check. Nil means the file sections.
	Covers []Span
}

// Covered returns the byte ranges that a success of the check covers.
func (c *Check) Covered() []Span {
	if c.Covers != nil {
		return c.Covers
	}
	var out []Span
	for _, s := range c.Sections {
		if s.Literal == nil && s.Len > 0 {
			out = append(out, Span{s.Off, s.Len})
		}
	}
	return out
}

// valid tells whether the sections ascend and lie within the file.
func (c *Check) valid(size int64) bool {
	var at int64
	for _, s := range c.Sections {
		if s.Literal != nil {
			continue
		}
		if s.Off < at || s.Len < 0 || s.Off > size || s.Len > size-s.Off {
			return false
		}
		at = s.Off + s.Len
	}
	return true
}

// Gaps returns the parts of a file of the given size that no span covers, in
// ascending order. Spans may overlap and reach beyond the file.
func Gaps(size int64, spans []Span) []Span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Off, b.Off) })
	var out []Span
	var at int64
	for _, s := range spans {
		if s.Len <= 0 || s.Off >= size {
			continue
		}
		if s.Off > at {
			out = append(out, Span{at, s.Off - at})
		}
		end := int64(math.MaxInt64)
		if s.Len < math.MaxInt64-max(s.Off, 0) {
			end = s.Off + s.Len
		}
		at = max(at, end)
	}
	if at < size {
		out = append(out, Span{at, size - at})
	}
	return out
}
