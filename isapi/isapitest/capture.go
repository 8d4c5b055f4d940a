package isapitest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
	"time"
)

// CaptureSchema names the form of a capture.
const CaptureSchema = "camsec.capture/1"

// ErrCapture is what is wrong with a file that is no capture, or one made to do
// harm.
var ErrCapture = errors.New("isapitest: not a capture")

// Bounds of a capture, whatever its file says.
const (
	MaxCaptureAnswers = 512
	MaxCaptureAnswer  = 4 << 20
	MaxCapture        = 64 << 20
	maxManifest       = 1 << 20
)

// A Capture is what one device answered to reads: camsec capture makes one, and
// [Capture.Start] serves it. Its file is a zip archive of capture.json and the
// bodies.
type Capture struct {
	Schema  string    `json:"schema"` // written by itself
	TakenAt time.Time `json:"takenAt"`
	// Redacted says that serials, addresses and names were replaced. Secrets
	// are never in it.
	Redacted bool `json:"redacted"`
	// User is the account that was used, as the answers name it.
	User string `json:"user"`
	// Server is the header of that name.
	Server string `json:"server,omitempty"`
	// Challenges are those of a 401, in their order, and RefusalForm says what
	// its body was: page, userCheck, or fullUserCheck with a namespace.
	Challenges  []CaptureChallenge `json:"challenges"`
	RefusalForm string             `json:"refusalForm,omitempty"`
	Answers     []CaptureAnswer    `json:"answers"`
}

// A CaptureChallenge is one challenge, without its realm and nonce.
type CaptureChallenge struct {
	Scheme    string `json:"scheme"`              // digest, basic, or another
	Algorithm string `json:"algorithm,omitempty"` // as it was spelt
	Folded    bool   `json:"folded,omitempty"`    // in one header field with the one before
}

// A CaptureAnswer is the answer to one read.
type CaptureAnswer struct {
	Path        string `json:"path"` // with its query
	Status      int    `json:"status"`
	ContentType string `json:"contentType,omitempty"`
	Public      bool   `json:"public,omitempty"`  // it needs no login
	LeftOut     string `json:"leftOut,omitempty"` // why the body is not here
	File        string `json:"file,omitempty"`    // of the body; empty: it was empty

	Body []byte `json:"-"`
}

var (
	capturePath = regexp.MustCompile(`^/(ISAPI|SDK)/[\x21-\x7e]{1,500}$`)
	captureFile = regexp.MustCompile(`^answers/[0-9]{3}\.(xml|json|txt)$`)
)

// Write writes the capture's file.
func (c *Capture) Write(w io.Writer) error {
	out := *c
	out.Schema, out.Answers = CaptureSchema, nil
	z := zip.NewWriter(w)
	add := func(name string, body []byte) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: c.TakenAt.UTC()})
		if err == nil {
			_, err = f.Write(body)
		}
		return err
	}
	for i, a := range c.Answers {
		a.File = ""
		if len(a.Body) > 0 {
			a.File = fmt.Sprintf("answers/%03d.%s", i, extension(a.Body))
			if err := add(a.File, a.Body); err != nil {
				return err
			}
		}
		out.Answers = append(out.Answers, a)
	}
	if err := out.check(); err != nil {
		return err
	}
	manifest, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	if err := add("capture.json", append(manifest, '\n')); err != nil {
		return err
	}
	return z.Close()
}

func extension(body []byte) string {
	switch b := bytes.TrimSpace(body); {
	case bytes.HasPrefix(b, []byte("<")):
		return "xml"
	case bytes.HasPrefix(b, []byte("{")), bytes.HasPrefix(b, []byte("[")):
		return "json"
	}
	return "txt"
}

// ReadCapture reads a capture's file of that many bytes. Whatever the file is,
// it takes no more memory than [MaxCapture], and nothing is written anywhere;
// what is wrong with it is an error that matches [ErrCapture].
func ReadCapture(r io.ReaderAt, size int64) (*Capture, error) {
	bad := func(format string, args ...any) (*Capture, error) {
		return nil, fmt.Errorf("%w: %s", ErrCapture, fmt.Sprintf(format, args...))
	}
	if size > MaxCapture {
		return bad("the file is over %d MiB", MaxCapture>>20)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return bad("no zip archive")
	}
	if len(z.File) > MaxCaptureAnswers+1 {
		return bad("over %d files", MaxCaptureAnswers)
	}
	files := map[string]*zip.File{}
	for _, f := range z.File {
		switch {
		case files[f.Name] != nil:
			return bad("a file is there twice")
		case f.Name != "capture.json" && !captureFile.MatchString(f.Name):
			return bad("a file has a name that no capture gives: %q", path.Base(printable(f.Name)))
		}
		files[f.Name] = f
	}
	if files["capture.json"] == nil {
		return bad("no capture.json")
	}
	manifest, err := unzip(files["capture.json"], maxManifest)
	if err != nil {
		return nil, err
	}
	c := &Capture{}
	if err := json.Unmarshal(manifest, c); err != nil {
		return bad("capture.json is not understood")
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	total := 0
	for i := range c.Answers {
		a := &c.Answers[i]
		if a.File == "" {
			continue
		}
		f := files[a.File]
		if f == nil {
			return bad("%s is missing", a.File)
		}
		if a.Body, err = unzip(f, min(MaxCaptureAnswer, MaxCapture-total)); err != nil {
			return nil, err
		}
		total += len(a.Body)
	}
	return c, nil
}

// unzip reads a file of an archive, whatever length it announces.
func unzip(f *zip.File, limit int) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %s cannot be read", ErrCapture, f.Name)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case len(b) > limit:
		return nil, fmt.Errorf("%w: %s is too large", ErrCapture, f.Name)
	case err != nil:
		return nil, fmt.Errorf("%w: %s cannot be read", ErrCapture, f.Name)
	}
	return b, nil
}

// check tells what no capture holds.
func (c *Capture) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrCapture, fmt.Sprintf(format, args...))
	}
	if c.Schema != CaptureSchema {
		return bad("its schema is not %s", CaptureSchema)
	}
	if len(c.Answers) == 0 || len(c.Answers) > MaxCaptureAnswers || len(c.Challenges) > 16 {
		return bad("no answers, or too many")
	}
	seen, file := map[string]bool{}, map[string]bool{}
	for _, a := range c.Answers {
		switch {
		case !capturePath.MatchString(a.Path):
			return bad("an answer is to no read")
		case seen[a.Path]:
			return bad("two answers to %s", a.Path)
		case a.Status != 0 && (a.Status < 200 || a.Status > 599):
			return bad("an answer has no HTTP status")
		case a.File != "" && (!captureFile.MatchString(a.File) || file[a.File]):
			return bad("an answer is in no file of its own")
		}
		seen[a.Path], file[a.File] = true, a.File != ""
	}
	return nil
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), 100)])
}
