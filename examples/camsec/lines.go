package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/camsec/camsec"
)

// maxLine bounds a line of an earlier run.
const maxLine = 16 << 20

// printLine writes a device as a line of its own, in one write, so that a run
// that is killed leaves whole lines.
func printLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(spelled(b), '\n'))
	return err
}

// readDone returns the keys of the devices that an earlier run has read, by
// its lines. The last line of a device counts, and a last line that is cut,
// since its run was killed, counts for nothing.
func readDone(name, schema string) (map[string]bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	done := map[string]bool{}
	r := bufio.NewReaderSize(io.LimitReader(f, 4<<30), 64<<10)
	for n := 1; ; n++ {
		text, err := readLine(r)
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		var d deviceJSON
		if json.Unmarshal(text, &d) != nil || d.Address == "" {
			return nil, fmt.Errorf("%s:%d: no device of an earlier -jsonl", name, n)
		}
		if d.Schema != schema {
			return nil, fmt.Errorf("%s:%d: %q, where this command writes %q", name, n, clean(d.Schema), schema)
		}
		key := camsec.Target{Scope: d.Scope, ID: or(d.ID, ""), Address: d.Address}.Key()
		done[key] = d.Error == nil
	}
}

// readLine reads a whole line; what follows the last is no line.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, errors.New("a line is too long")
		}
		if err == nil || !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// leaveOut drops the devices that an earlier run has read.
func (fl *fleet) leaveOut(name, schema string) error {
	if name == "" {
		return nil
	}
	done, err := readDone(name, schema)
	if err != nil {
		return usageErr(err)
	}
	all := len(fl.members)
	left := fl.members[:0]
	for _, m := range fl.members {
		if !done[m.Key()] {
			left = append(left, m)
		}
	}
	fl.members = left
	fl.env.warn("%d of %d devices were read before and are left out", all-len(left), all)
	return nil
}
