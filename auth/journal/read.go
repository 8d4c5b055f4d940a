package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// Read yields the entries of a journal, oldest first, with each one's hash
// checked against all before it. A torn end is the end. Anything else that
// does not fit is an [*Error] in place of an entry, and the last thing
// yielded. It takes no lock: what is being appended meanwhile may be missing.
func Read(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := os.Open(path) //nolint:gosec // the caller's journal
		if err != nil {
			yield(Entry{}, fmt.Errorf("journal: %w", err))
			return
		}
		defer f.Close()
		_, err = scan(f, path, func(e Entry, _ Hash) bool { return yield(e, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(Entry{}, err)
		}
	}
}

// Verify reads a whole journal and returns how many entries it has and the
// hash of the last. An anchor, if it is not the zero Hash, is one that was
// noted before and must occur: who can rewrite the file can make it fit
// itself, but not the anchor. An anchor that is missing, like a chain that
// does not fit, is an [*Error].
func Verify(path string, anchor Hash) (entries uint64, head Hash, err error) {
	f, err := os.Open(path) //nolint:gosec // the caller's journal
	if err != nil {
		return 0, Hash{}, fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	found := anchor == Hash{}
	end, err := scan(f, path, func(_ Entry, h Hash) bool {
		found = found || h == anchor
		return true
	})
	if err == nil && !found {
		err = &Error{Path: path, Offset: end.offset, Reason: "no entry has the hash that was noted"}
	}
	return end.seq, end.hash, err
}

var errStopped = errors.New("journal: stopped")

// A head is the last entry.
type head struct {
	seq  uint64
	hash Hash
}

// An end is where a file stands.
type end struct {
	head
	offset int64 // behind the last whole entry
	torn   int64 // bytes behind it that a crash left
}

// scan reads lines and gives each to see. A last line that is not whole, or
// does not fit, is what a crash left of a write; one that does not fit with
// others behind it is not.
func scan(f io.Reader, path string, see func(Entry, Hash) bool) (end, error) {
	var at end
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(r)
		switch {
		case errors.Is(err, io.EOF): // what is there has no end of line
			at.torn = int64(len(line))
			return at, nil
		case errors.Is(err, errLong):
			return at, &Error{Path: path, Offset: at.offset, Reason: err.Error()}
		case err != nil:
			return at, fmt.Errorf("journal: read %s: %w", path, err)
		}
		e, h, bad := open(line[:len(line)-1], at.hash, at.seq+1)
		if bad != nil {
			rest, err := io.Copy(io.Discard, r)
			if err != nil {
				return at, fmt.Errorf("journal: read %s: %w", path, err)
			}
			// Blocks of zeros are what some file systems leave of a write.
			if rest > 0 && len(bytes.Trim(line, "\x00\n")) > 0 {
				return at, &Error{Path: path, Offset: at.offset, Reason: bad.Error()}
			}
			at.torn = int64(len(line)) + rest
			return at, nil
		}
		at.offset, at.seq, at.hash = at.offset+int64(len(line)), e.Seq, h
		if !see(e, h) {
			return at, errStopped
		}
	}
}

var errLong = errors.New("a line over 2 MiB")

// readLine reads to the end of a line, within the limit of one entry.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > 2*maxLine {
			return line, errLong
		}
	}
}
