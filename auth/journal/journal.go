package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/internal/filelock"
)

// ErrInUse is returned by [Open] while another process, or another Journal of
// this one, writes the file.
var ErrInUse = errors.New("journal: in use")

// Options are the optional settings of [Open]; nil means the defaults.
type Options struct {
	Now func() time.Time // nil means time.Now

	// sync is fsync, for tests that count or fail it.
	sync func(*os.File) error
	// write adds bytes to the file, for tests of full disks.
	write func(*os.File, []byte) (int, error)
}

// A Journal is an open file of entries. It is safe for concurrent use.
type Journal struct {
	path string
	opts Options
	lock *os.File

	mu     sync.Mutex
	file   *os.File
	at     head   // of what is durable
	next   head   // of what is waiting, too
	buf    []byte // entries that wait for the next write
	batch  *batch // that they belong to
	busy   bool   // a goroutine is writing
	broken error
	closed bool

	writing sync.WaitGroup
	torn    int64
}

// A batch is entries that are written together.
type batch struct {
	done chan struct{}
	err  error
}

// Open opens a journal, or makes one, for this process alone. What a crash
// left of the last write is cut off; [Journal.Torn] tells how much that was.
// A file that is broken elsewhere is an [*Error] and left as it is.
func Open(path string, opts *Options) (*Journal, error) {
	j := &Journal{path: path}
	if opts != nil {
		j.opts = *opts
	}
	if j.opts.Now == nil {
		j.opts.Now = time.Now
	}
	if j.opts.sync == nil {
		j.opts.sync = (*os.File).Sync
	}
	if j.opts.write == nil {
		j.opts.write = (*os.File).Write
	}
	// A file of its own, since a locked range of a file cannot be read
	// everywhere. It is left behind: taking it away would race.
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's journal
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	ok, err := filelock.TryLock(lock)
	if err != nil || !ok {
		_ = lock.Close()
		if err == nil {
			err = ErrInUse
		}
		return nil, fmt.Errorf("journal: lock %s: %w", path, err)
	}
	j.lock = lock
	if err := j.load(); err != nil {
		_ = j.lock.Close()
		_ = j.file.Close() // or nil, which does not mind
		return nil, err
	}
	return j, nil
}

// load reads the file to its end and cuts off what is torn.
func (j *Journal) load() error {
	_, statErr := os.Stat(j.path)
	f, err := os.OpenFile(j.path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's journal
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.file = f
	if os.IsNotExist(statErr) {
		if err := syncDir(filepath.Dir(j.path)); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	at, err := scan(f, j.path, func(Entry, Hash) bool { return true })
	if err != nil {
		return err
	}
	if at.torn > 0 {
		if err = f.Truncate(at.offset); err == nil {
			err = j.opts.sync(f)
		}
		if err != nil {
			return fmt.Errorf("journal: cut off a torn end: %w", err)
		}
	}
	if _, err := f.Seek(at.offset, 0); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.torn, j.at, j.next = at.torn, at.head, at.head
	return nil
}

// Torn returns how many bytes of a torn write Open cut off.
func (j *Journal) Torn() int64 { return j.torn }

// Head returns the hash of the last durable entry, the zero Hash of an empty
// journal. Noted somewhere else it proves later, with [Verify], that nothing
// before it was changed.
func (j *Journal) Head() Hash {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.at.hash
}

// Append adds entries in this order and returns when they are durable. Seq is
// given to them, and Time if they have none. Calls at the same time share a
// write and an fsync.
//
// An error of the disk is final: what the file then holds is not known, so
// every later call fails with it, too, and the journal must be opened anew.
// When ctx is done first the entries may still become durable; the error
// then matches [camsec.ErrUncertain] and ctx's.
func (j *Journal) Append(ctx context.Context, entries ...Entry) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	if j.broken != nil || j.closed {
		defer j.mu.Unlock()
		if j.broken != nil {
			return j.broken
		}
		return fmt.Errorf("journal: %w", os.ErrClosed)
	}
	buf, next := j.buf, j.next
	for _, e := range entries {
		e.Seq = next.seq + 1
		if e.Time.IsZero() {
			e.Time = j.opts.Now()
		}
		e.Time = e.Time.UTC()
		line, h, err := seal(e, next.hash)
		if err != nil {
			j.mu.Unlock()
			return err // nothing of this call was added
		}
		buf = append(buf, line...)
		next = head{seq: e.Seq, hash: h}
	}
	j.buf, j.next = buf, next
	if j.batch == nil {
		j.batch = &batch{done: make(chan struct{})}
	}
	mine := j.batch
	if !j.busy {
		j.busy = true
		j.writing.Go(j.write)
	}
	j.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return fmt.Errorf("journal: %w: %w", camsec.ErrUncertain, ctx.Err())
	}
}

// write writes batch after batch until none waits. The mutex is not held
// while the disk works, so the next batch gathers meanwhile.
func (j *Journal) write() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.batch != nil {
		buf, b, next := j.buf, j.batch, j.next
		j.buf, j.batch = nil, nil
		if j.broken == nil {
			j.mu.Unlock()
			_, err := j.opts.write(j.file, buf)
			if err == nil {
				err = j.opts.sync(j.file)
			}
			j.mu.Lock()
			if err != nil {
				j.broken = fmt.Errorf("journal: write %s: %w", j.path, err)
			} else {
				j.at = next
			}
		}
		b.err = j.broken
		close(b.done)
	}
	j.busy = false
}

// Close closes the journal, after what is being written. What was appended is
// durable already.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	j.mu.Unlock()
	j.writing.Wait()
	return errors.Join(j.file.Close(), j.lock.Close())
}

// syncDir makes a new file's name durable, where folders can be synced.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // of the caller's journal
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrInvalid) {
		if os.PathSeparator == '\\' {
			return nil // folders cannot be synced there, and need not be
		}
		return err
	}
	return nil
}
