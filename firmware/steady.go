package firmware

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/pass"
)

// ErrChanged is what an image gets that is not the same all the while it is
// read: a verdict would rest on bytes that are no longer there.
var ErrChanged = errors.New("firmware: the image changed while it was read")

// maxStructure bounds what parsing reads of an image in all. The formats'
// own limits stay far below it, but for trees that are made to be large.
const maxStructure = 16 << 20

var errStructure = errors.New("the structure of the image is larger than the limit")

// A memo reads an image and remembers what it read, so that the pass that
// hashes the image can tell whether it sees the same bytes. Without it one who
// writes to the file could show the parser a description of his own, and the
// pass the one that is signed.
type memo struct {
	r    io.ReaderAt
	size int
	read []piece
}

type piece struct {
	off int64
	b   []byte
}

func (m *memo) end(p piece) int64 { return p.off + int64(len(p.b)) }

// ReadAt reads and remembers.
func (m *memo) ReadAt(p []byte, off int64) (int, error) {
	if m.size += len(p); m.size > maxStructure {
		return 0, errStructure
	}
	n, err := m.r.ReadAt(p, off)
	m.read = append(m.read, piece{off, bytes.Clone(p[:n])})
	return n, err
}

// check makes a check that the pass sees what was read. Nil: nothing was.
func (m *memo) check() *pass.Check {
	slices.SortStableFunc(m.read, func(a, b piece) int { return cmp.Compare(a.off, b.off) })
	s := &steady{}
	var sections []pass.Section
	for _, p := range m.read {
		if len(p.b) == 0 {
			continue
		}
		n := len(s.want)
		if n == 0 || s.want[n-1].off+int64(len(s.want[n-1].b)) < p.off {
			s.want = append(s.want, p)
			continue
		}
		// It overlaps or follows the piece before: what both have must agree.
		last := &s.want[n-1]
		common := min(m.end(*last)-p.off, int64(len(p.b)))
		s.differs = s.differs || !bytes.Equal(last.b[p.off-last.off:][:common], p.b[:common])
		last.b = append(last.b, p.b[common:]...)
	}
	if len(s.want) == 0 {
		return nil
	}
	for _, p := range s.want {
		sections = append(sections, pass.Section{Off: p.off, Len: int64(len(p.b))})
	}
	return &pass.Check{What: "the structure of the image", Sections: sections, To: s, Finish: s.finish}
}

// steady compares what goes by with pieces that were read before.
type steady struct {
	want    []piece
	differs bool
}

func (s *steady) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && len(s.want) > 0 {
		w := &s.want[0].b
		k := min(len(p), len(*w))
		s.differs = s.differs || !bytes.Equal(p[:k], (*w)[:k])
		if p, *w = p[k:], (*w)[k:]; len(*w) == 0 {
			s.want = s.want[1:]
		}
	}
	return n, nil
}

func (s *steady) finish() error {
	if s.differs || len(s.want) > 0 {
		return ErrChanged
	}
	return nil
}
