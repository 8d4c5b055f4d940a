package firmware

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/camsec/camsec"
)

// A Statement is what the owner of cameras says of an image that he signs:
// which bytes they are, and which devices they are for. A maker's image whose
// signature nobody outside can verify gets with it what the file cannot give.
//
// It travels inside the owner's signature: as the trusted comment of a
// minisign signature, which stock minisign verifies and prints, or as a
// signed attribute of a CMS signature. Empty fields bind nothing.
type Statement struct {
	// SHA256 and Size bind the image.
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`

	Vendor string `json:"vendor,omitempty"` // as VendorKey gives it
	// Model is the pattern of the models that the image is for: * stands for
	// any run of characters and ? for one; case does not count.
	Model       string `json:"model,omitempty"`
	Platform    string `json:"platform,omitempty"`
	Language    string `json:"language,omitempty"`
	DeviceClass string `json:"deviceClass,omitempty"`
	Hardware    string `json:"hardware,omitempty"`

	// Version and Build are the image's, in the maker's spelling.
	Version string `json:"version,omitempty"`
	Build   string `json:"build,omitempty"`
	// From are the versions from which a device may go to this image: single
	// ones, or ranges "A..B" that include their ends, either of which may be
	// missing. None: from any.
	From []string `json:"from,omitempty"`

	// Issued and Expires bound when the statement holds, in whole seconds of
	// UTC. A zero Expires never comes.
	Issued  time.Time `json:"issued,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

// statementMark begins a trusted comment that is a statement; its number is
// the form's version.
const statementMark = "camsec-countersignature/1 "

// maxStatement keeps the text below the 8,192 bytes that minisign reads.
const maxStatement = 7800

// encode writes the statement as the one line of text that is signed.
func (s *Statement) encode() (string, error) {
	if err := s.valid(); err != nil {
		return "", err
	}
	c := *s
	c.Issued, c.Expires = c.Issued.UTC().Truncate(time.Second), c.Expires.UTC().Truncate(time.Second)
	b, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	if len(b) > maxStatement {
		return "", errors.New("firmware: the statement is too long to be signed")
	}
	return statementMark + string(b), nil
}

// decodeStatement reads what encode wrote. Text that is no statement gives
// nil; one that begins as a statement and is none is an error.
func decodeStatement(text string) (*Statement, error) {
	body, ok := strings.CutPrefix(text, statementMark)
	if !ok {
		if strings.HasPrefix(text, strings.TrimRight(statementMark, "1 ")) {
			return nil, malformedStatement("a version of the statement that is not known here")
		}
		return nil, nil
	}
	if len(body) > maxStatement {
		return nil, malformedStatement("too long")
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields() // what is not understood may be a restriction
	s := &Statement{}
	if err := d.Decode(s); err != nil || d.More() || bytes.ContainsAny([]byte(body), "\r\n") {
		return nil, malformedStatement("not understood")
	}
	if err := s.valid(); err != nil {
		return nil, err
	}
	return s, nil
}

// A StatementError says what is wrong with an owner's statement. It matches
// [camsec.ErrMalformed].
type StatementError struct{ Reason string }

// Error returns the reason.
func (e *StatementError) Error() string { return "firmware: countersignature's statement: " + e.Reason }

// Is tells that the error matches [camsec.ErrMalformed].
func (e *StatementError) Is(target error) bool { return target == camsec.ErrMalformed }

func malformedStatement(reason string) error { return &StatementError{Reason: reason} }

func (s *Statement) valid() error {
	if _, err := parseDigest(s.SHA256); err != nil {
		return malformedStatement("no SHA-256 of the image")
	}
	if s.Size < 0 {
		return malformedStatement("a negative size")
	}
	if !s.Expires.IsZero() && !s.Expires.After(s.Issued) {
		return malformedStatement("it expires before it is issued")
	}
	if len(s.From) > 64 {
		return malformedStatement("too many versions to come from")
	}
	for _, text := range append([]string{s.Vendor, s.Model, s.Platform, s.Language, s.DeviceClass, s.Hardware, s.Version, s.Build}, s.From...) {
		if len(text) > maxText || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return malformedStatement("a field is too long or not printable")
		}
	}
	return nil
}

// inForce tells whether the statement holds at a time.
func (s *Statement) inForce(now time.Time) error {
	switch {
	case !s.Expires.IsZero() && !now.Before(s.Expires):
		return fmt.Errorf("the countersignature expired on %s", s.Expires.UTC().Format(time.DateOnly))
	case !s.Issued.IsZero() && now.Add(clockSkew).Before(s.Issued):
		return fmt.Errorf("the countersignature is issued in the future, on %s", s.Issued.UTC().Format(time.DateOnly))
	}
	return nil
}

// clockSkew is how far the signer's clock may be ahead.
const clockSkew = 5 * time.Minute

// Allows tells whether a device that runs this version may go to the image,
// and if not, or if it cannot be told, why.
func (s *Statement) Allows(running Version) (ok bool, reason string) {
	ok, _, reason = s.allows(running)
	return ok, reason
}

// allows tells whether a device may come from a version, and why not. The
// third answer is that it cannot be told.
func (s *Statement) allows(running Version) (ok, known bool, reason string) {
	if len(s.From) == 0 {
		return true, true, ""
	}
	known = true
	vendor := cmp.Or(s.Vendor, running.Vendor)
	running = running.by(vendor)
	for _, f := range s.From {
		in, told := within(vendor, s.Platform, f, running)
		if in && told {
			return true, true, ""
		}
		known = known && told
	}
	reason = fmt.Sprintf("the countersignature allows to come from %s, and %s runs", strings.Join(s.From, ", "), running.Raw)
	if !known {
		reason += ", which cannot be put in order with it"
	}
	return false, known, reason
}

// by reads a version whose maker is not known as one of the given maker's.
func (v Version) by(vendor string) Version {
	if v.Vendor != "" || vendor == "" {
		return v
	}
	return versionOf(vendor, v.Raw, "", v.Platform)
}

// within tells whether v is the version, or in the range, that text names.
func within(vendor, platform, text string, v Version) (in, known bool) {
	low, high, ranged := strings.Cut(text, "..")
	if !ranged {
		high = low
	}
	in, known = true, true
	for i, end := range []string{low, high} {
		if end = strings.TrimSpace(end); end == "" {
			continue
		}
		o, _ := Compare(v, versionOf(vendor, end, "", platform))
		switch {
		case o == Incomparable:
			known = false
		case !ranged && o != Same, i == 0 && o == Older, i == 1 && o == Newer:
			in = false
		}
	}
	// Outside by one end is outside, whatever the other end.
	return in && known, known || !in
}

// versionOf puts the parts of a version together as their maker writes them.
func versionOf(vendor, version, build, platform string) Version {
	if version != "" && build != "" {
		version += " build " + build
	}
	v := Parse(vendor, version)
	if v.Platform == "" {
		v.Platform = platform
	}
	return v
}

// MatchModel holds a model against a pattern as [Statement.Model] has it.
func MatchModel(pattern, model string) bool {
	p, m := strings.ToUpper(strings.TrimSpace(pattern)), strings.ToUpper(strings.TrimSpace(model))
	// star is where the last * stood, and from where in m it was tried.
	i, j, star, from := 0, 0, -1, 0
	for j < len(m) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == m[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}
