package dahua

import (
	"bufio"
	"errors"
	"hash/crc32"
	"io"
)

// A Sum receives a member's bytes as they stand in the package and holds the
// inflated ones against the CRC32 and the size that the directory names.
type Sum struct {
	m    *Member
	pipe *io.PipeWriter
	done chan error
}

// NewSum makes a Sum. Finish must be called, since inflating goes on beside
// the caller.
func (m *Member) NewSum() *Sum { return &Sum{m: m} }

var (
	errCRC  = errors.New("CRC32 differs from what the directory says")
	errSize = errors.New("the size differs from what the directory says")
)

// Write takes more of the member. It never fails: what is wrong is told by
// Finish.
func (s *Sum) Write(b []byte) (int, error) {
	if s.pipe == nil {
		s.start()
	}
	// An error here is the one that the reading side ended with.
	_, _ = s.pipe.Write(b)
	return len(b), nil
}

func (s *Sum) start() {
	r, w := io.Pipe()
	s.pipe, s.done = w, make(chan error, 1)
	go func() {
		s.done <- s.check(r)
		_ = r.Close()
	}()
}

// check inflates no more than the directory promises, and ends as soon as the
// member does, so that few run at a time.
func (s *Sum) check(r io.Reader) error {
	h := crc32.NewIEEE()
	// A reader of bytes, so that inflating takes none that is not its own.
	in := bufio.NewReader(io.LimitReader(r, s.m.Length))
	n, err := io.Copy(h, io.LimitReader(s.m.open(in), s.m.Size+1))
	_, more := in.ReadByte()
	switch {
	case err != nil:
		return errors.New("cannot be inflated")
	case n != s.m.Size:
		return errSize
	case h.Sum32() != s.m.CRC:
		return errCRC
	case more == nil:
		return errors.New("bytes follow the compressed data")
	}
	return nil
}

// Finish tells whether CRC and size are right. It stops the goroutine.
func (s *Sum) Finish() error {
	if s.pipe == nil { // no bytes came
		s.start()
	}
	_ = s.pipe.Close()
	return <-s.done
}
