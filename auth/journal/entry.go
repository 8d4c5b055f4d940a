package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/camsec/camsec"
)

// An Entry is one thing that was done.
type Entry struct {
	Seq  uint64          `json:"seq"` // from 1, given by Append
	Time time.Time       `json:"time"`
	Kind string          `json:"kind"`
	Key  string          `json:"key,omitempty"`  // whom it is about, often a camsec.Target.Key
	Data json.RawMessage `json:"data,omitempty"` // any JSON; no secret
}

// A Hash stands for an entry and all before it.
type Hash [sha256.Size]byte

// String returns the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// maxLine bounds one entry.
const maxLine = 1 << 20

// seal writes an entry as a line, with the hash that chains it to prev.
func seal(e Entry, prev Hash) ([]byte, Hash, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, Hash{}, fmt.Errorf("journal: %w", err)
	}
	if len(body) > maxLine {
		return nil, Hash{}, errors.New("journal: entry over 1 MiB")
	}
	h := chain(prev, body)
	line := body[:len(body)-1] // its last brace
	line = fmt.Appendf(line, `,"hash":"%s"}`+"\n", h)
	return line, h, nil
}

func chain(prev Hash, body []byte) Hash {
	d := sha256.New()
	d.Write(prev[:])
	d.Write(body)
	return Hash(d.Sum(nil))
}

// open reads a line that follows prev.
func open(line []byte, prev Hash, seq uint64) (Entry, Hash, error) {
	const tail = len(`,"hash":""}`) + 2*sha256.Size
	at := len(line) - tail
	if at < 1 || !bytes.HasPrefix(line[at:], []byte(`,"hash":"`)) || !bytes.HasSuffix(line, []byte(`"}`)) {
		return Entry{}, Hash{}, errors.New("no entry")
	}
	body := append(append([]byte{}, line[:at]...), '}')
	h := chain(prev, body)
	if string(line[at+len(`,"hash":"`):len(line)-2]) != h.String() {
		return Entry{}, Hash{}, errors.New("the hash does not fit")
	}
	var e Entry
	if err := json.Unmarshal(body, &e); err != nil {
		return Entry{}, Hash{}, errors.New("no entry")
	}
	if e.Seq != seq {
		return Entry{}, Hash{}, fmt.Errorf("number %d where %d was expected", e.Seq, seq)
	}
	return e, h, nil
}

// An Error says where a journal is broken. It matches [camsec.ErrMalformed].
type Error struct {
	Path   string
	Offset int64 // of the line
	Reason string
}

// Error returns path, place and reason.
func (e *Error) Error() string {
	return fmt.Sprintf("journal: %s is broken at byte %d: %s", e.Path, e.Offset, e.Reason)
}

// Is tells that the error matches [camsec.ErrMalformed].
func (e *Error) Is(target error) bool { return target == camsec.ErrMalformed }
