package advisory

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
)

// maxFiles bounds how many files of a folder are looked at.
const maxFiles = 300_000

// LoadFS reads every file of fsys that it understands into one dataset:
//
//   - datasets in the form of [Schema],
//   - CSAF 2.0 advisories,
//   - CVE records in JSON 5.x form,
//   - CISA's catalogue of known-exploited vulnerabilities in JSON form,
//   - EPSS scores as the daily CSV file.
//
// A file is told by its content; it ends in .json or .csv, or in that and
// .gz. Other files (signatures, checksums, texts) are passed over. What several
// sources say of one vulnerability is kept side by side as [Merge] has it,
// and the dataset is as of the newest day that any file tells.
//
// One broken file does not hide the others: the error joins an *[Error] for
// each file that could not be used, naming it, and the dataset holds the
// rest. It is nil only when there was nothing to use at all.
func LoadFS(fsys fs.FS) (*DB, error) {
	l := loader{}
	var errs []error
	n := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, &Error{ID: name, Reason: "cannot be read", Err: err})
			return nil //nolint:nilerr // kept with the others
		}
		if n++; n > maxFiles {
			return &Error{Reason: "too many files"}
		}
		kind := path.Ext(strings.TrimSuffix(name, ".gz"))
		if d.IsDir() || kind != ".json" && kind != ".csv" {
			return nil
		}
		if err := l.file(fsys, name, kind == ".csv"); err != nil {
			errs = append(errs, inFile(name, err))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	db, err := l.finish(fsys)
	if err != nil {
		errs = append(errs, err)
	}
	return db, errors.Join(errs...)
}

// inFile names the file that an error is about.
func inFile(name string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{ID: name, Reason: strings.TrimPrefix(e.Error(), "advisory: dataset: ")}
	}
	return &Error{ID: name, Reason: "cannot be read", Err: err}
}

// A loader gathers what files hold.
type loader struct {
	parts  []*DB
	scores []string // files to read once it is known which scores matter
}

func (l *loader) file(fsys fs.FS, name string, scores bool) error {
	if scores {
		l.scores = append(l.scores, name)
		return nil
	}
	b, err := readFile(fsys, name)
	if err != nil {
		return err
	}
	read, ok := reader(b)
	if !ok {
		return nil // some other JSON, which is nobody's fault
	}
	all, asOf, err := read(b)
	if err != nil {
		return err
	}
	db, err := newDB(asOf, all)
	if err != nil {
		return err
	}
	l.parts = append(l.parts, db)
	return nil
}

// reader tells which form a document has.
func reader(b []byte) (read func([]byte) ([]Advisory, time.Time, error), ok bool) {
	var head struct {
		Schema   string `json:"schema"`
		DataType string `json:"dataType"`
		Catalog  string `json:"catalogVersion"`
		Document *struct {
			Version string `json:"csaf_version"`
		} `json:"document"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		// A document that says what it is but is broken must not be passed over.
		return func([]byte) ([]Advisory, time.Time, error) {
			return nil, time.Time{}, &Error{Reason: "no JSON of a known form", Err: err}
		}, true
	}
	switch {
	case strings.HasPrefix(head.Schema, "camsec."):
		return readDataset, true
	case head.Document != nil && head.Document.Version != "":
		return readCSAF, true
	case head.DataType == "CVE_RECORD":
		return readCVE, true
	case head.Catalog != "":
		return readKEV, true
	}
	return nil, false
}

func (l *loader) finish(fsys fs.FS) (*DB, error) {
	if len(l.parts) == 0 {
		return nil, &Error{Reason: "no file of a known form"}
	}
	asOf := l.parts[0].asOf
	for _, p := range l.parts {
		if p.asOf.After(asOf) {
			asOf = p.asOf
		}
	}
	db := Merge(l.parts...)
	db.asOf = asOf
	wanted := map[string]bool{}
	for i := range db.advisories {
		wanted[db.advisories[i].ID] = true
	}
	var errs []error
	for _, name := range l.scores {
		scores, err := scoresIn(fsys, name, wanted)
		if err != nil {
			errs = append(errs, inFile(name, err))
			continue
		}
		for i := range db.advisories {
			if s, ok := scores[db.advisories[i].ID]; ok && (db.advisories[i].EPSS == nil || db.advisories[i].EPSS.Date <= s.Date) {
				db.advisories[i].EPSS = &s
			}
		}
	}
	return db, errors.Join(errs...)
}

// open opens a file, unpacked if it is packed.
func open(fsys fs.FS, name string) (io.ReadCloser, error) {
	f, err := fsys.Open(name)
	if err != nil || !strings.HasSuffix(name, ".gz") {
		return f, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		_ = f.Close() // It was only read.
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // It was only read.
	return readBounded(f)
}

func scoresIn(fsys fs.FS, name string, wanted map[string]bool) (map[string]EPSS, error) {
	f, err := open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // It was only read.
	return readEPSS(io.LimitReader(f, 1<<28), wanted)
}

// readDataset reads the form of [Schema].
func readDataset(b []byte) ([]Advisory, time.Time, error) {
	var doc struct {
		Schema     string     `json:"schema"`
		AsOf       string     `json:"asOf"`
		Advisories []Advisory `json:"advisories"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, time.Time{}, &Error{Reason: "no JSON of this form", Err: err}
	}
	if doc.Schema != Schema {
		return nil, time.Time{}, &Error{Reason: fmt.Sprintf("schema %.64q, want %q", doc.Schema, Schema)}
	}
	asOf, err := time.Parse(time.DateOnly, doc.AsOf)
	if err != nil {
		return nil, time.Time{}, &Error{Reason: "asOf is no date", Err: err}
	}
	return doc.Advisories, asOf, nil
}

// readBounded reads all of r, at most maxDataset.
func readBounded(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxDataset+1))
	if err != nil {
		return nil, fmt.Errorf("advisory: read dataset: %w", err)
	}
	if len(b) > maxDataset {
		return nil, &Error{Reason: "over 16 MiB"}
	}
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), nil
}

var (
	reCVE    = regexp.MustCompile(`^CVE-\d{4}-\d{4,19}$`)
	reNumber = regexp.MustCompile(`\d\.\d`)
	reEnded  = regexp.MustCompile(`(?i)end[- ]of[- ](?:life|service|support)|no longer (?:supported|maintained|actively in business)|discontinued`)
)

func isCVE(id string) bool { return reCVE.MatchString(id) }

// endOfLife tells whether a source's words say that a product gets no fixes
// any more.
func endOfLife(words string) bool { return reEnded.MatchString(words) }

// clip keeps a source's text within what a dataset takes.
func clip(s string) string {
	if len(s) > maxString {
		s = strings.ToValidUTF8(s[:maxString-len("…")], "") + "…"
	}
	return s
}

// day is the day of a date or time that a document tells; zero if none.
func day(s string) time.Time {
	if len(s) < len(time.DateOnly) {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	if err != nil {
		return time.Time{}
	}
	return t
}
