package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/camsec/camsec"
)

// saveSnapshots writes the snapshots of a run, one a line.
func saveSnapshots(name string, snaps []*camsec.Snapshot) error {
	return writeFile(name, func(w io.Writer) error {
		for _, s := range snaps {
			if s == nil {
				continue
			}
			if err := printLine(w, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// loadSnapshots reads files of snapshots as visits.
func loadSnapshots(names []string) ([]visit, error) {
	var out []visit
	var errs []error
	for _, name := range names {
		v, err := loadFile(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		out = append(out, v...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usageErr(err)
	}
	return out, nil
}

func loadFile(name string) ([]visit, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	const limit = 1 << 30
	dec := json.NewDecoder(io.LimitReader(f, limit))
	var out []visit
	for {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			if len(out) == 0 {
				return nil, errors.New("no snapshot in it")
			}
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("snapshot %d: %w", len(out)+1, err)
		}
		s, err := camsec.ReadSnapshot(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("snapshot %d: %w", len(out)+1, err)
		}
		t := &target{Target: s.Target}
		_ = t.parseAddress() // for the port; a snapshot may be of anything
		v := visit{target: t, snap: s}
		if p := s.Errors["inventory"]; p != nil {
			v.err = p
		}
		out = append(out, v)
	}
}
