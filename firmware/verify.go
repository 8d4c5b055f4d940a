package firmware

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/sig"
)

// Evidence is what stands beside an image. The zero value, like nil, is
// nothing.
type Evidence struct {
	// Signatures are detached signatures.
	Signatures []Signature
	// Name is what the image is called, for lists of digests; the part before
	// its last slash does not count.
	Name string
	// Sums is a list of digests: SHA256SUMS, as sha256sum or openssl dgst
	// write it. When it is given, Signatures are over the list and not over
	// the image, and the list must name the image.
	Sums []byte
	// Progress is told how many bytes of the image were read; may be nil.
	Progress func(bytes int64)
}

// A Signature is a detached signature.
type Signature struct {
	// Name is what the caller calls it, for error texts.
	Name string
	// Data is the signature's text or bytes.
	Data []byte
	// Scheme says how it was made where it does not say so itself:
	// rsa-pkcs1v15-sha256, rsa-pss-sha256, ecdsa-sha256, ed25519 and their
	// like. See [Schemes].
	Scheme string
}

// Verify reads the image once and reports what is proven of it, and what the
// policy makes of that. The image is read to its end in any case but a
// malformed one; memory does not depend on its size.
//
// An error means that there is no report: reading failed, the file changed
// while it was read ([ErrChanged]), the caller gave up (the context's error), or a signature's scheme must be named and is not
// ([ErrSchemeNeeded]). All that is wrong with image or signatures stands in
// the report.
func (v *Verifier) Verify(ctx context.Context, r io.ReaderAt, size int64, e *Evidence) (*Report, error) {
	x, err := v.examine(ctx, r, size, e)
	if err != nil {
		return nil, err
	}
	x.judge(v)
	return x.report, nil
}

// CheckIntegrity reads the image once and reports what can be told without an
// anchor: whether its own sums and digests are right, and whether there is
// a signature that an anchor could verify. Its verdict is never Accepted.
func CheckIntegrity(ctx context.Context, r io.ReaderAt, size int64, e *Evidence) (*Report, error) {
	v := &Verifier{digests: map[string]bool{}}
	x, err := v.examine(ctx, r, size, e)
	if err != nil {
		return nil, err
	}
	x.judge(v)
	if x.report.Verdict == Accepted {
		x.report.Verdict = NotVerifiable
		x.report.because("no anchor was given to verify it with")
	}
	return x.report, nil
}

// An examination is one image on its way from a file to a report.
type examination struct {
	report *Report
	parsed *parsed
	size   int64
	whole  sig.Content // the whole file, for detached signatures and the digest
	opened []*opening
	checks []*pass.Check // of the image itself
	foul   error         // why the image is malformed
}

// An opening is one signature, embedded or detached, on its way to a result.
type opening struct {
	name     string
	detached bool
	// unit and leavesOut are those of an embedded signature.
	unit      string
	leavesOut string
	covers    []pass.Span
	check     sig.Check
	result    *sig.Result
	err       error
}

func (v *Verifier) examine(ctx context.Context, r io.ReaderAt, size int64, e *Evidence) (*examination, error) {
	if e == nil {
		e = &Evidence{}
	}
	if len(e.Signatures) > maxSigners {
		return nil, fmt.Errorf("firmware: more than %d signatures", maxSigners)
	}
	seen := &memo{r: r}
	p, err := parse(seen, size)
	x := &examination{parsed: p, size: size, foul: err, report: newReport(&p.image)}
	if _, malformed := errors.AsType[*FormatError](err); err != nil && !malformed {
		return nil, err
	}
	// Signatures in a malformed image are not looked at: what they would sign
	// cannot be told.
	contents := []*content{{content: &x.whole, sections: []pass.Section{{Len: size}}}}
	if x.foul == nil {
		x.checks = p.checks
		for i := range p.signatures {
			c := &content{content: &sig.Content{}, sections: p.signatures[i].content}
			x.opened = append(x.opened, v.embedded(&p.signatures[i], c.content))
			contents = append(contents, c)
		}
	}
	for i := range e.Signatures {
		o, err := v.detached(&e.Signatures[i], e, &x.whole)
		if err != nil {
			return nil, err
		}
		x.opened = append(x.opened, o)
	}
	sha := x.whole.Digest(crypto.SHA256)
	all := x.checks
	for _, c := range contents {
		all = append(all, c.checks()...)
	}
	steady := seen.check()
	if steady != nil {
		all = append(all, steady)
	}
	results, err := pass.Run(ctx, r, size, all, e.Progress)
	if err != nil {
		return nil, fmt.Errorf("firmware: %w", err)
	}
	if steady != nil && results[len(results)-1] != nil {
		return nil, ErrChanged
	}
	x.report.SHA256 = hex.EncodeToString(sha())
	x.integrity(results[:len(x.checks)])
	for _, o := range x.opened {
		if o.check != nil {
			o.result, o.err = o.check.Finish()
		}
	}
	return x, nil
}

// A content is bytes that signatures stand over, on its way through the pass.
type content struct {
	content  *sig.Content
	sections []pass.Section
}

// checks makes a check of each writer that wants the content, so that they
// run side by side. Who signed is judged later.
func (c *content) checks() []*pass.Check {
	var out []*pass.Check
	for _, w := range c.content.Writers() {
		out = append(out, &pass.Check{What: "signed bytes", Strength: pass.Signature, Sections: c.sections, To: w, Finish: func() error { return nil }})
	}
	return out
}

// integrity fills in the axis of that name.
func (x *examination) integrity(results []error) {
	in := &x.report.Integrity
	if x.foul != nil {
		in.Status, in.Reason = IntegrityBroken, x.foul.Error()
		return
	}
	in.Status = IntegrityNone
	for i, c := range x.checks {
		res := CheckResult{What: c.What, Strength: c.Strength.String(), OK: results[i] == nil}
		if results[i] != nil {
			res.Reason = results[i].Error()
			if in.Status != IntegrityBroken {
				in.Status, in.Reason = IntegrityBroken, c.What+": "+res.Reason
			}
		}
		switch {
		case in.Status == IntegrityBroken:
		case c.Strength == pass.Checksum && in.Status == IntegrityNone:
			in.Status = IntegrityChecksum
		case c.Strength == pass.Digest:
			in.Status = IntegrityDigest
		}
		in.Checks = append(in.Checks, res)
	}
	if in.Status == IntegrityNone {
		in.Reason = "the image holds neither sums nor digests"
	}
}
