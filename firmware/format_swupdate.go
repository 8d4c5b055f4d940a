package firmware

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/bytesum"
	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/swupdate"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

var swupdateFormat = format{
	name:   FormatSWUpdate,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return swupdate.Detect(head) },
	parse:  parseSWUpdate,
}

func parseSWUpdate(r io.ReaderAt, size int64) (*parsed, error) {
	f, err := swupdate.Parse(r, size)
	if err != nil {
		return nil, formatError(FormatSWUpdate, err)
	}
	p := &parsed{}
	p.image.Claims = Claims{Version: f.Version, Description: f.About, Hardware: f.Hardware, Models: f.Boards}
	kinds := map[string]string{f.Description.Name: "description", f.Signature.Name: "signature"}
	opaque := map[string]bool{}
	for _, l := range f.Payloads {
		kinds[l.Filename] = l.Kind
		opaque[l.Filename] = opaque[l.Filename] || l.Encrypted
	}
	for _, m := range f.Members {
		p.layout = append(p.layout, Range{m.Header, m.Offset - m.Header, "cpio header of " + clean(m.Name)}, Range{m.Offset, m.Size, clean(m.Name)})
		p.image.Parts = append(p.image.Parts, Part{Name: clean(m.Name), Kind: kinds[m.Name], Offset: m.Offset, Length: m.Size, Opaque: opaque[m.Name]})
		if m.HasSum {
			p.checks = append(p.checks, sumCheck("sum of "+clean(m.Name), m.Offset, m.Size, bytesum.New(), m.Sum))
		}
	}
	p.layout = append(p.layout, Range{f.End, size - f.End, "padding behind the archive"}, Range{0, f.End, "padding in the archive"})
	signed := p.payloadsOfSWUpdate(f)
	for _, m := range f.RideAlong() {
		p.image.Notes = append(p.image.Notes, fmt.Sprintf("%q is not named in sw-description: it rides along, and no signature covers it", clean(m.Name)))
	}
	if f.SignatureValue != nil {
		at := pass.Span{Off: f.Signature.Offset, Len: f.Signature.Size}
		covers := []pass.Span{at}
		description := pass.Section{Off: f.Description.Offset, Len: f.Description.Size}
		// SWUpdate is built for one kind of signature, and the file does not say
		// which: CMS shows, the two paddings of a bare RSA signature do not.
		scheme := "rsa-pkcs1v15-sha256" + alternatives + "rsa-pss-sha256"
		if untrusted.DER(f.SignatureValue) == int64(len(f.SignatureValue)) {
			scheme = schemeCMS
			var certificates Range
			covers, certificates = cmsCovers(f.SignatureValue, at.Off)
			p.layout = slices.Insert(p.layout, 0, certificates)
		}
		p.signatures = []embedded{{
			scheme: scheme, value: f.SignatureValue, at: at,
			content: []pass.Section{description},
			covers:  append(append(covers, pass.Span{Off: description.Off, Len: description.Len}), signed...),
			about:   "over sw-description, which holds the SHA-256 of the payloads",
		}}
	}
	return p, nil
}

// payloadsOfSWUpdate makes a check of each payload that the description names
// and returns what they cover.
func (p *parsed) payloadsOfSWUpdate(f *swupdate.File) []pass.Span {
	var covers []pass.Span
	seen := map[string]bool{}
	for _, l := range f.Payloads {
		var problem error
		switch {
		case l.Member == nil:
			problem = errors.New("sw-description names it, the archive does not hold it")
		case l.SHA256 == nil && f.SignatureValue != nil:
			problem = errors.New("sw-description is signed but holds no SHA-256 of it")
		case l.SHA256 == nil:
			continue // an unsigned file may do without
		}
		// One file may stand in the lists of several boards.
		key := fmt.Sprintf("%s %x", l.Filename, l.SHA256)
		if seen[key] {
			continue
		}
		seen[key] = true
		what := "SHA-256 of " + l.Filename
		if problem != nil {
			p.checks = append(p.checks, &pass.Check{What: what, Strength: pass.Digest, Finish: func() error { return problem }})
			continue
		}
		section := pass.Section{Off: l.Member.Offset, Len: l.Member.Size}
		p.checks = append(p.checks, digestCheck(what, []pass.Section{section}, sha256.New(), l.SHA256))
		covers = append(covers, pass.Span{Off: section.Off, Len: section.Len})
	}
	return covers
}
