package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	fileVersion = 1
	fileMax     = 64 << 20
)

// File is a [OnceStore] in one file of JSON. Every change writes a new file
// with mode 0600, syncs it and renames it into place, so that a crash leaves
// the old or the new file whole. A checksum covers the entries, and a file
// that does not hold together is a [*StoreError], never an empty store. A
// missing file is an empty store.
//
// A File is safe for concurrent use. On Unix, processes that share the file
// take turns through a lock file beside it; elsewhere one process at a time
// may write. Each change rewrites the file, which suits some thousands of
// devices.
type File struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	info   os.FileInfo // of the file that cached was read from
	cached map[string]entry
}

type entry struct {
	Pin   string    `json:"pin"`
	Since time.Time `json:"since"`
}

type document struct {
	Version int              `json:"version"`
	Sum     string           `json:"sum"`
	Pins    map[string]entry `json:"pins"`
}

// FileStore returns a [File] at path. It does no I/O.
func FileStore(path string) *File { return &File{path: path, now: time.Now} }

// WithTime returns a File at the same path that takes the times of its entries
// from now.
func (f *File) WithTime(now func() time.Time) *File { return &File{path: f.path, now: now} }

// Pin implements [Store]. Its errors are [*StoreError].
func (f *File) Pin(key string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pins, err := f.load()
	if err != nil {
		return "", err
	}
	return pins[key].Pin, nil
}

// Since returns when the pin of key was recorded, the zero time if there is
// none. Its errors are [*StoreError].
func (f *File) Since(key string) (time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pins, err := f.load()
	if err != nil {
		return time.Time{}, err
	}
	return pins[key].Since, nil
}

// Pins returns all pins by key, for [SharedPins]. Its errors are
// [*StoreError].
func (f *File) Pins() (map[string]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entries, err := f.load()
	if err != nil {
		return nil, err
	}
	pins := make(map[string]string, len(entries))
	for key, e := range entries {
		pins[key] = e.Pin
	}
	return pins, nil
}

// SetPin implements [Store]. A malformed pin or key is an error; others
// are [*StoreError].
func (f *File) SetPin(key, pin string) error {
	_, err := f.change(key, pin, true)
	return err
}

// PinOnce implements [OnceStore]. A malformed pin or key is an error; others
// are [*StoreError].
func (f *File) PinOnce(key, pin string) (string, error) {
	if known, err := f.Pin(key); err != nil || known != "" {
		return known, err
	}
	return f.change(key, pin, false)
}

func (f *File) change(key, pin string, replace bool) (string, error) {
	if err := checkPin(pin); err != nil {
		return "", err
	}
	if key == "" || !utf8.ValidString(key) {
		// JSON would store another key, under which nobody would look.
		return "", errors.New("trust: key is empty or not UTF-8")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	unlock, err := lockFile(f.path + ".lock")
	if err != nil {
		return "", &StoreError{Path: f.path, Err: err}
	}
	defer unlock()
	old, err := f.load()
	if err != nil {
		return "", err
	}
	if known := old[key].Pin; known != "" && !replace {
		return known, nil
	}
	pins := make(map[string]entry)
	maps.Copy(pins, old)
	pins[key] = entry{Pin: pin, Since: f.now().UTC().Round(0)}
	if err := f.save(pins); err != nil {
		return "", &StoreError{Path: f.path, Err: err}
	}
	return pin, nil
}

// load returns the entries of the file, read again only if it is another file
// than last time. The map must not be changed.
func (f *File) load() (map[string]entry, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		f.info, f.cached = nil, nil
		return nil, nil
	}
	if err != nil {
		return nil, &StoreError{Path: f.path, Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, &StoreError{Path: f.path, Err: err}
	}
	if f.info != nil && os.SameFile(info, f.info) && info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime()) {
		return f.cached, nil
	}
	f.info, f.cached = nil, nil
	raw, err := io.ReadAll(io.LimitReader(file, fileMax+1))
	if err != nil {
		return nil, &StoreError{Path: f.path, Err: err}
	}
	pins, err := parse(raw)
	if err != nil {
		return nil, &StoreError{Path: f.path, Damaged: true, Err: err}
	}
	f.info, f.cached = info, pins
	return pins, nil
}

func parse(raw []byte) (map[string]entry, error) {
	if len(raw) > fileMax {
		return nil, errors.New("too large")
	}
	var doc document
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, errors.New("not a whole JSON document of pins")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the document")
	}
	if doc.Version != fileVersion {
		return nil, errors.New("unknown version")
	}
	sum, err := sumOf(doc.Pins)
	if err != nil || sum != doc.Sum {
		return nil, errors.New("checksum does not match")
	}
	for _, e := range doc.Pins {
		if err := checkPin(e.Pin); err != nil {
			return nil, err
		}
	}
	return doc.Pins, nil
}

// sumOf relies on encoding/json writing the keys of a map in order.
func sumOf(pins map[string]entry) (string, error) {
	raw, err := json.Marshal(pins)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

func (f *File) save(pins map[string]entry) error {
	sum, err := sumOf(pins)
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(document{Version: fileVersion, Sum: sum, Pins: pins}, "", " ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.path)
	tmp, err := os.CreateTemp(dir, filepath.Base(f.path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	_, err = tmp.Write(append(raw, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		return err
	}
	// The rename itself becomes durable with the folder. Some systems cannot
	// sync one; the file is whole either way.
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	f.info, f.cached = nil, nil
	return nil
}
