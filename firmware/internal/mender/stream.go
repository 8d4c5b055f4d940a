package mender

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// How far a compressed payload may grow: a few hundred times, which images of
// half-empty file systems do, and something on top for small ones.
const (
	maxGrowth = 256
	growsFree = 16 << 20
)

// A Stream checks a payload that is compressed with gzip while its bytes go
// by: every file in it must be one that was asked for and have its digest,
// and every one that was asked for must be there.
//
// Finish must be called, also of a check that is given up.
type Stream struct {
	want  map[string][]byte
	limit int64
	in    *io.PipeWriter
	done  chan error
}

// NewStream starts a check of a payload of n bytes, which holds files of
// those names and digests.
func NewStream(n int64, want map[string][]byte) *Stream {
	return &Stream{want: want, limit: growsFree + maxGrowth*n}
}

func (s *Stream) start() {
	if s.in != nil {
		return
	}
	out, in := io.Pipe()
	s.in, s.done = in, make(chan error, 1)
	go func() {
		err := s.read(out)
		out.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // what comes after an error is not wanted
		s.done <- err
	}()
}

// Write takes the next bytes of the payload. What is wrong with them is told
// by Finish.
func (s *Stream) Write(p []byte) (int, error) {
	s.start()
	_, _ = s.in.Write(p)
	return len(p), nil
}

// Finish judges what came until then.
func (s *Stream) Finish() error {
	s.start()
	_ = s.in.Close()
	return <-s.done
}

func (s *Stream) read(in io.Reader) error {
	packed, err := gzip.NewReader(in)
	if err != nil {
		return unpackError(err)
	}
	limited := &io.LimitedReader{R: packed, N: s.limit + 1}
	err = s.files(tar.NewReader(limited))
	if err == nil {
		err = rest(limited)
	}
	if limited.N <= 0 {
		return fmt.Errorf("it unpacks to more than %d times its size", maxGrowth)
	}
	if err == nil && len(s.want) > 0 {
		return errors.New("a file that the manifest lists is missing")
	}
	return err
}

func (s *Stream) files(in *tar.Reader) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unpackError(err)
		}
		want := s.want[h.Name]
		if want == nil || !regular(h) {
			return errors.New("it holds a file that no manifest lists, or lists once")
		}
		delete(s.want, h.Name)
		sum := sha256.New()
		if _, err := io.Copy(sum, in); err != nil {
			return unpackError(err)
		}
		if !bytes.Equal(sum.Sum(nil), want) {
			return errors.New("a file in it differs from what the manifest says")
		}
	}
}

// rest reads what stands behind the archive: zeros, and gzip's own sum.
func rest(in io.Reader) error {
	buf := make([]byte, 4096)
	for {
		n, err := in.Read(buf)
		for _, c := range buf[:n] {
			if c != 0 {
				return errors.New("data behind the end of the archive in it")
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unpackError(err)
		}
	}
}

func unpackError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("it cannot be unpacked: %w", err)
}
