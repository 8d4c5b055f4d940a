package pass

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// chunk is how much is read at once; chunks is how many are in memory.
const (
	chunk  = 256 << 10
	chunks = 4
)

// maxWorkers bounds the goroutines that hash, whatever the number of checks.
const maxWorkers = 4

// ErrSections reports a check whose sections do not ascend or leave the file:
// a mistake of whoever parsed it, found before anything is read.
var ErrSections = errors.New("pass: sections do not ascend within the file")

// A block is a chunk of the file on its way through the workers.
type block struct {
	off  int64
	data []byte
	left atomic.Int32 // workers that have not finished with it
}

// Run reads the file once and returns, check by check, what Finish said, nil
// for a check that holds. The second result is a failure of the pass itself
// (reading, a wrong section, the caller gave up): then nothing is proven, and
// what Finish says is thrown away. progress, which may be nil, is told how
// many bytes were read.
func Run(ctx context.Context, r io.ReaderAt, size int64, checks []*Check, progress func(int64)) ([]error, error) {
	crews := share(checks)
	err := stream(ctx, r, size, checks, crews, progress)
	out := make([]error, len(checks))
	for _, crew := range crews {
		for _, f := range crew {
			if err == nil {
				f.literals()
			}
			out[f.index] = f.finish()
		}
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// stream sends every chunk that some check wants to all crews.
func stream(ctx context.Context, r io.ReaderAt, size int64, checks []*Check, crews [][]*feed, progress func(int64)) error {
	for _, c := range checks {
		if !c.valid(size) {
			return fmt.Errorf("%w: %s", ErrSections, c.What)
		}
	}
	free := make(chan *block, chunks)
	var queues []chan *block
	var wg sync.WaitGroup
	for _, crew := range crews {
		q := make(chan *block, chunks)
		queues = append(queues, q)
		wg.Go(func() {
			for b := range q {
				for _, f := range crew {
					f.take(b.off, b.data)
				}
				if b.left.Add(-1) == 0 {
					free <- b
				}
			}
		})
	}
	defer func() {
		for _, q := range queues {
			close(q)
		}
		wg.Wait()
	}()
	made := 0
	for off := int64(0); off < size; off += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		var b *block
		if made < chunks {
			b = &block{data: make([]byte, min(chunk, size))}
			made++
		} else {
			b = <-free
		}
		n := min(chunk, size-off)
		b.off, b.data = off, b.data[:n]
		if got, err := r.ReadAt(b.data, off); got < int(n) {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("reading at %d: %w", off+int64(got), err)
		}
		b.left.Store(int32(len(queues))) //nolint:gosec // at most maxWorkers.
		if len(queues) == 0 {
			free <- b
		}
		for _, q := range queues {
			q <- b
		}
		if progress != nil {
			progress(off + n)
		}
	}
	return nil
}

// share deals the checks out to workers, the longest first, each to the one
// with the least to do.
func share(checks []*Check) [][]*feed {
	feeds := make([]*feed, len(checks))
	for i, c := range checks {
		feeds[i] = &feed{index: i, check: c, rest: c.Sections}
		for _, s := range c.Sections {
			feeds[i].bytes += s.Len
		}
	}
	slices.SortStableFunc(feeds, func(a, b *feed) int { return cmp.Compare(b.bytes, a.bytes) })
	crews := make([][]*feed, min(len(feeds), maxWorkers, max(2, runtime.GOMAXPROCS(0))))
	load := make([]int64, len(crews))
	for _, f := range feeds {
		i := slices.Index(load, slices.Min(load))
		crews[i] = append(crews[i], f)
		load[i] += f.bytes
	}
	return crews
}

// A feed is a check on its way through the file.
type feed struct {
	index int
	check *Check
	rest  []Section // what is still to come
	done  int64     // bytes of the first of them that were given
	bytes int64
	err   error
}

// take gives the check what it wants of the chunk at off.
func (f *feed) take(off int64, data []byte) {
	end := off + int64(len(data))
	for f.err == nil {
		f.literals()
		if len(f.rest) == 0 {
			return
		}
		s := f.rest[0]
		from := s.Off + f.done
		if from >= end {
			return
		}
		n := min(s.Len-f.done, end-from)
		f.write(data[from-off : from-off+n])
		if f.done += n; f.done < s.Len {
			return
		}
		f.rest, f.done = f.rest[1:], 0
	}
}

// literals writes the literals, and passes over the empty sections, that come
// next.
func (f *feed) literals() {
	for len(f.rest) > 0 && (f.rest[0].Literal != nil || f.rest[0].Len == 0) {
		f.write(f.rest[0].Literal)
		f.rest = f.rest[1:]
	}
}

func (f *feed) write(b []byte) {
	if f.err == nil && f.check.To != nil && len(b) > 0 {
		_, f.err = f.check.To.Write(b)
	}
}

func (f *feed) finish() error {
	if f.check.Finish == nil {
		return errors.New("pass: a check that judges nothing")
	}
	err := f.check.Finish()
	switch {
	case f.err != nil:
		return f.err
	case len(f.rest) > 0:
		return io.ErrUnexpectedEOF // the pass ended early
	}
	return err
}
