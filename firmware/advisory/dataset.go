package advisory

import (
	"bytes"
	_ "embed" // for the dataset
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// Schema names the JSON form of a dataset.
const Schema = "camsec.advisories/1"

// Limits of what Load takes.
const (
	maxDataset    = 16 << 20
	maxAdvisories = 50_000
	maxRows       = 2_000 // affected rows of one advisory
	maxList       = 2_000 // names of one row
	maxString     = 512
)

// A DB is a loaded dataset. It does not change and is safe for concurrent use.
type DB struct {
	asOf       time.Time
	advisories []Advisory
	vendors    map[string]int
}

// An Advisory is one published vulnerability, as far as it concerns one maker.
type Advisory struct {
	ID             string     `json:"id"`
	Aliases        []string   `json:"aliases,omitempty"`
	Vendor         string     `json:"vendor"` // as firmware.VendorKey gives it
	Title          string     `json:"title"`
	Published      string     `json:"published,omitempty"` // YYYY-MM-DD
	CWE            string     `json:"cwe,omitempty"`
	CVSS           float64    `json:"cvss,omitempty"` // highest base score told; 0 is unknown
	References     []string   `json:"references,omitempty"`
	KnownExploited *Exploited `json:"knownExploited,omitempty"`
	EPSS           *EPSS      `json:"epss,omitempty"`
	Fixed          []Fix      `json:"fixed,omitempty"`
	Affected       []Row      `json:"affected"`
}

// Exploited says since when and by whom a vulnerability is listed as one that
// is exploited.
type Exploited struct {
	DateAdded string `json:"dateAdded"`
	Source    string `json:"source"`
}

// A Fix is a version that a source names as repaired.
type Fix struct {
	Model   string `json:"model,omitempty"`
	Version string `json:"version,omitempty"`
	Build   string `json:"build,omitempty"`
	Source  string `json:"source,omitempty"`
}

// A Row is one line of an advisory: some models and one range of versions.
type Row struct {
	// Models are the names as the source writes them.
	Models []string `json:"models,omitempty"`
	// Patterns are the names to match: ? is one letter or digit, @ one to
	// four letters, * the rest of the name; * alone is every model.
	Patterns []string `json:"patterns,omitempty"`
	// Platform is a platform code, in place of models.
	Platform string `json:"platform,omitempty"`
	Family   string `json:"family,omitempty"`
	Package  string `json:"package,omitempty"` // last package known to be affected
	// Range are constraints that must all hold. None means every version.
	Range []Constraint `json:"range,omitempty"`
	// RangeUnknown means that the source's range could not be put into
	// constraints, or is wider than them.
	RangeUnknown bool `json:"rangeUnknown,omitempty"`
	// Vague means that the source names its models in a way that does not
	// tell which are meant.
	Vague bool `json:"vague,omitempty"`
	// Software means that the row is about software for a PC or server.
	Software bool `json:"software,omitempty"`
	// EndOfLife means that the source says that these models get no fixes any
	// more.
	EndOfLife bool      `json:"endOfLife,omitempty"`
	Source    string    `json:"source,omitempty"`
	Conflict  *Conflict `json:"conflict,omitempty"`
}

// A Conflict is the range that another source gives for the same row.
type Conflict struct {
	Source string       `json:"source"`
	Range  []Constraint `json:"range"`
}

// A Constraint is one condition on a version.
type Constraint struct {
	// Field is version (dotted numbers), version-prefix (11.5 covers 11.5.x),
	// build (YYMMDD), build_date (YYYY-MM-DD), or version+build (the numbers
	// first, then the build).
	Field string `json:"field"`
	Op    string `json:"op"` // < <= == >= >
	Value string `json:"value"`
}

// An Error says what is wrong with a dataset. It matches
// [camsec.ErrMalformed], and the cause if there is one.
type Error struct {
	ID     string // of the advisory; empty for the dataset as a whole
	Reason string
	Err    error
}

// Error returns the reason and where it applies.
func (e *Error) Error() string {
	s := "advisory: dataset"
	if e.ID != "" {
		s += fmt.Sprintf(": %.64q", e.ID)
	}
	s += ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is tells that the error matches [camsec.ErrMalformed].
func (e *Error) Is(target error) bool { return target == camsec.ErrMalformed }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

//go:embed dataset.json
var embedded []byte

var load = sync.OnceValue(func() *DB {
	db, err := Load(bytes.NewReader(embedded))
	if err != nil {
		panic(err) // The dataset is part of the program; a test loads it.
	}
	return db
})

// Embedded returns the dataset that comes with the package.
func Embedded() *DB { return load() }

// Load reads a dataset in the form of [Schema], at most 16 MiB. An error in
// the data is an *[Error]; one of r is returned wrapped. [LoadFS] reads other
// forms, too.
func Load(r io.Reader) (*DB, error) {
	b, err := readBounded(r)
	if err != nil {
		return nil, err
	}
	all, asOf, err := readDataset(b)
	if err != nil {
		return nil, err
	}
	return newDB(asOf, all)
}

// newDB checks advisories and takes them over.
func newDB(asOf time.Time, all []Advisory) (*DB, error) {
	if len(all) > maxAdvisories {
		return nil, &Error{Reason: "too many advisories"}
	}
	db := &DB{asOf: asOf, advisories: all, vendors: map[string]int{}}
	seen := make(map[[2]string]bool, len(all))
	for i := range db.advisories {
		a := &db.advisories[i]
		a.Vendor = firmware.VendorKey(a.Vendor)
		if err := a.check(); err != nil {
			return nil, &Error{ID: a.ID, Reason: err.Error()}
		}
		key := [2]string{a.ID, a.Vendor}
		if seen[key] {
			return nil, &Error{ID: a.ID, Reason: "there twice"}
		}
		seen[key] = true
		db.vendors[a.Vendor]++
	}
	return db, nil
}

// AsOf returns the day up to which the dataset's facts were gathered.
func (db *DB) AsOf() time.Time { return db.asOf }

// Advisories returns a copy of the list of advisories, by the order of the
// dataset. What the elements point to must not be changed.
func (db *DB) Advisories() []Advisory { return slices.Clone(db.advisories) }

// Covers returns how many advisories the dataset has for a maker.
func (db *DB) Covers(vendor string) int { return db.vendors[firmware.VendorKey(vendor)] }

func (a *Advisory) check() error {
	if a.ID == "" || a.Vendor == "" {
		return errors.New("no id or no vendor")
	}
	if len(a.Affected) == 0 || len(a.Affected) > maxRows {
		return errors.New("no rows, or too many")
	}
	if len(a.ID) > maxString || len(a.Title) > maxString {
		return errors.New("id or title too long")
	}
	for _, r := range a.Affected {
		if len(r.Patterns) > maxList || len(r.Models) > maxList || len(r.Range) > maxList {
			return errors.New("a row is too long")
		}
		if len(r.Patterns) == 0 && r.Platform == "" {
			return errors.New("a row has neither pattern nor platform")
		}
		for _, p := range r.Patterns {
			if p == "" || len(p) > maxString {
				return errors.New("a pattern is empty or too long")
			}
		}
		for _, c := range r.Range {
			if err := c.check(a.Vendor); err != nil {
				return err
			}
		}
		if r.Conflict != nil {
			for _, c := range r.Conflict.Range {
				if err := c.check(a.Vendor); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c Constraint) check(vendor string) error {
	if !slices.Contains([]string{"<", "<=", "==", ">=", ">"}, c.Op) {
		return fmt.Errorf("unknown operator %.16q", c.Op)
	}
	bound := c.bound(vendor)
	switch c.Field {
	case "version", "version-prefix":
		if !bound.Known() {
			return fmt.Errorf("value %.64q is no version", c.Value)
		}
	case "version+build":
		if !bound.Known() || bound.Released == "" {
			return fmt.Errorf("value %.64q is no version with a build", c.Value)
		}
	case "build", "build_date":
		if bound.Released == "" {
			return fmt.Errorf("value %.64q is no date", c.Value)
		}
	default:
		return fmt.Errorf("unknown field %.32q", c.Field)
	}
	return nil
}

// bound is the constraint's value as a version.
func (c Constraint) bound(vendor string) firmware.Version {
	if c.Field == "build" || c.Field == "build_date" {
		return firmware.FromReport(vendor, camsec.Firmware{Build: c.Value, Released: c.Value})
	}
	return firmware.Parse(vendor, c.Value)
}
