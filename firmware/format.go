package firmware

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"github.com/camsec/camsec/firmware/internal/pass"
)

// A format is how one kind of image is recognised and read. Each lives in a
// file of its own, format_NAME.go, which adapts the parser in internal/NAME
// and is listed in formats.
type format struct {
	name string
	// detect tells whether the file is of the format, from its first
	// headLength bytes (fewer when the file is shorter) and, where those do
	// not tell, from a look elsewhere. It must be cheap.
	detect func(head []byte, r io.ReaderAt, size int64) bool
	// parse reads the structure and nothing else: it trusts no length that it
	// has not checked, hashes no payload, and reads and keeps a bounded
	// amount whatever the file says. The error is a *FormatError, or one of
	// reading; beside it there may be a value that holds what was read before.
	parse func(r io.ReaderAt, size int64) (*parsed, error)
}

// headLength is how much of a file's beginning detect is shown.
const headLength = 4096

// formats are asked in this order; the first that recognises the file has it.
func formats() []format {
	return append([]format{
		// These two are told by the last bytes and wrap files of other formats.
		fwtoolFormat,
		raucFormat,
		cmsFormat,
		signifyFormat,
		uimageFormat,
		tplinkFormat,
		fitFormat,
		swupdateFormat,
		menderFormat,
		hikvisionFormat,
		dahuaFormat,
		boschFormat,
		saltedFormat,
	}, foreignFormats()...)
}

// parsed is what a format's parser makes of a file.
type parsed struct {
	image Image
	// layout names what lies where, so that a byte range that nothing covers
	// can be called by its name. Earlier entries win where two overlap.
	layout []Range
	// checks are what the file itself lets anybody check without a key:
	// checksums and digests. Finish of each is called at most once.
	checks []*pass.Check
	// signatures are those in the file that could be verified, given an
	// anchor.
	signatures []embedded
	// opaque says, where the format has no signature that an outsider could
	// verify, why; it is the reason of "not verifiable". Empty with no
	// signatures means that the format, or this file, is simply unsigned.
	opaque string
	// loose says that what the image claims to be lies outside what its
	// signatures cover.
	loose bool
	// unsigned says, in sentences, which units (see embedded) have no
	// signature although others have one. Such an image is not authentic.
	unsigned []string
}

// alternatives stands between the schemes that a signature may be of, where
// the format does not say which: "rsa-pkcs1v15-sha256 or rsa-pss-sha256".
const alternatives = " or "

// An embedded is a signature in a file, ready to become a check in the pass.
type embedded struct {
	// scheme names how to read value: a name that Schemes returns, or "cms",
	// "signify", "minisign"; several with alternatives between them.
	scheme string
	value  []byte
	at     pass.Span // where value stands in the file
	// content is what was signed: sections of the file, or bytes that the
	// parser put together from it, as literals.
	content []pass.Section
	// covers is what follows from the signature: the signed bytes, and those
	// whose digests they hold, provided that checks of Strength Digest in
	// parsed.checks hold too. Nil means the file sections of content.
	covers []pass.Span
	// about says for people what it signs.
	about string
	// unit names what of the image the signature stands for, where each of
	// several parts has signatures of its own: the image is authentic when of
	// every unit one signature verifies. Empty: the whole image.
	unit string
	// weakest is the weakest hash between the signed bytes and what covers
	// names, where the signature's own is not; the floor must admit it.
	weakest crypto.Hash
	// leavesOut says, for people, what such a signature leaves open although
	// it verifies. Empty: nothing but the uncovered ranges.
	leavesOut string
}

// Inspect reads what is in a firmware file: format, contents, and what it
// says of itself. It checks no signature and no sum, so nothing that it
// returns is proven; use a [Verifier] for that. A file of no known format is
// an Image of [FormatPlain]. The error is a *[FormatError], or one of reading
// r; with it comes an Image that tells what was read before.
//
// Memory and time do not depend on the file's size.
func Inspect(r io.ReaderAt, size int64) (*Image, error) {
	p, err := parse(r, size)
	p.image.fill()
	if err != nil {
		return &p.image, err
	}
	var spans []pass.Span
	for _, c := range p.checks {
		spans = append(spans, c.Covered()...)
	}
	for _, s := range p.signatures {
		spans = append(spans, s.covered()...)
	}
	p.image.Uncovered = p.uncovered(size, spans)
	return &p.image, nil
}

// parse detects and reads. It always returns a value; with an error it holds
// the image as far as it was read, and no checks.
func parse(r io.ReaderAt, size int64) (*parsed, error) {
	plain := &parsed{
		image:  Image{Format: FormatPlain, Size: size},
		layout: []Range{{0, max(0, size), "the whole file"}},
	}
	if size < 0 {
		return plain, errors.New("firmware: the size of the image is negative")
	}
	head := make([]byte, min(size, headLength))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return plain, fmt.Errorf("firmware: reading the image: %w", orShort(err))
	}
	for _, f := range formats() {
		if !f.detect(head, r, size) {
			continue
		}
		p, err := f.parse(r, size)
		if p == nil {
			p = &parsed{}
		}
		p.image.Format, p.image.Size = f.name, size
		if errors.Is(err, errStructure) {
			err = &FormatError{Format: f.name, Reason: errStructure.Error()}
		}
		if err != nil {
			// Nothing in a broken file is checked; what was read of it before
			// is still told.
			return &parsed{image: p.image, opaque: p.opaque}, err
		}
		p.describe()
		for _, s := range p.layout {
			if s.Offset < 0 || s.Length < 0 || s.Offset > size || s.Length > size-s.Offset {
				return &parsed{image: Image{Format: f.name, Size: size}},
					&FormatError{Format: f.name, Offset: s.Offset, Reason: "a part lies outside the file: " + s.What}
			}
		}
		return p, nil
	}
	return plain, nil
}

// describe puts what the parser found of signatures into the public image.
func (p *parsed) describe() {
	for _, s := range p.signatures {
		p.image.Signatures = append(p.image.Signatures, EmbeddedSignature{
			Scheme: s.scheme, Offset: s.at.Off, Length: s.at.Len, Note: s.about,
		})
	}
	if p.opaque != "" {
		p.image.Notes = append(p.image.Notes, "authenticity is not verifiable: "+p.opaque)
	}
}

func orShort(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *embedded) covered() []pass.Span {
	if s.covers != nil {
		return s.covers
	}
	c := pass.Check{Sections: s.content}
	return c.Covered()
}

// uncovered returns what no span covers, cut along the layout and named after
// it.
func (p *parsed) uncovered(size int64, spans []pass.Span) []Range {
	out := []Range{}
	for _, gap := range pass.Gaps(size, spans) {
		for at, end := gap.Off, gap.Off+gap.Len; at < end; {
			what, next := p.what(at, end)
			out = append(out, Range{Offset: at, Length: next - at, What: what})
			at = next
		}
	}
	return out
}

// what names the bytes at an offset, and says up to where the name holds.
func (p *parsed) what(at, end int64) (string, int64) {
	for _, r := range p.layout {
		switch {
		case r.Offset <= at && at < r.Offset+r.Length:
			return r.What, min(end, r.Offset+r.Length)
		case r.Offset > at && r.Length > 0:
			end = min(end, r.Offset)
		}
	}
	return "no part of the image", end
}
