package firmware

import (
	"crypto"
	"crypto/md5"  //nolint:gosec // what a FIT may hold: counted as a checksum.
	"crypto/sha1" //nolint:gosec // what a FIT may hold: the floor admits it by a Legacy word alone.
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec/firmware/internal/fit"
	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/sig"
)

var fitFormat = format{
	name:   FormatFIT,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return fit.Detect(head) },
	parse:  parseFIT,
}

func parseFIT(r io.ReaderAt, size int64) (*parsed, error) {
	f, err := fit.Parse(r, size)
	if err != nil {
		return nil, formatError(FormatFIT, err)
	}
	p := &parsed{}
	c := &p.image.Claims
	c.Description = f.Description
	if f.Timestamp.Unix() > 0 {
		c.Released = f.Timestamp.Format(time.DateOnly)
	}
	for _, n := range f.Configs {
		for _, s := range n.Compatible {
			if !slices.Contains(c.Models, s) {
				c.Models = append(c.Models, s)
			}
		}
	}
	for _, l := range f.Layout() {
		p.layout = append(p.layout, Range{l.Off, l.Len, l.What})
	}
	p.layout = append(p.layout, Range{f.End, size - f.End, "trailing data"}, Range{f.Tree.Size, f.End - f.Tree.Size, "between image data"})
	for _, m := range f.Images {
		p.image.Parts = append(p.image.Parts, Part{Name: clean(m.Name), Kind: m.Type, Offset: m.Offset, Length: m.Length, Opaque: m.Encrypted})
		for _, h := range m.Hashes {
			p.checks = append(p.checks, fitHash(m, h))
		}
	}
	p.signFIT(f)
	return p, nil
}

// fitHash makes a check of a hash node.
func fitHash(m *fit.Image, h fit.Hash) *pass.Check {
	sums := map[string]func() hash.Hash{
		"crc32": func() hash.Hash { return crc32.NewIEEE() }, "md5": md5.New, "sha1": sha1.New,
		"sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
	}
	what := fmt.Sprintf("%s of image %s", h.Algo, clean(m.Name))
	c := &pass.Check{What: what, Strength: pass.Checksum}
	if sums[h.Algo] == nil {
		c.Finish = func() error { return errors.New("a hash of this name is not known") }
		return c
	}
	c = digestCheck(what, []pass.Section{{Off: m.Offset, Len: m.Length}}, sums[h.Algo](), h.Value)
	if h.Ignored {
		c.What += " (U-Boot does not check it)"
	}
	if !h.Digest() {
		c.Strength = pass.Checksum
	}
	return c
}

// signFIT lists the signatures that count: those of the configurations, or,
// when not all of these are signed but all images are, those of the images.
func (p *parsed) signFIT(f *fit.FIT) {
	var configs, images []embedded
	var openConfigs, openImages []string // those without a signature
	for _, c := range f.Configs {
		got, why := configSignatures(f, c)
		configs = append(configs, got...)
		if why != "" {
			openConfigs = append(openConfigs, why)
		}
	}
	for _, m := range f.Images {
		got := imageSignatures(m)
		images = append(images, got...)
		if len(got) == 0 {
			openImages = append(openImages, fmt.Sprintf("image %q is not signed", clean(m.Name)))
		}
	}
	switch {
	case len(configs) > 0 && (len(openConfigs) == 0 || len(openImages) > 0):
		p.signatures, p.unsigned = configs, openConfigs
		p.image.Notes = append(p.image.Notes, "which configuration boots is not signed: "+defaultConfig(f))
	case len(images) > 0:
		p.signatures, p.unsigned, p.loose = images, openImages, true
		p.image.Notes = append(p.image.Notes, fitLeavesOut)
	}
	p.image.Notes = append(p.image.Notes, "the format holds no version: it does not protect from an older image")
}

// fitLeavesOut says what signatures of single images are worth.
const fitLeavesOut = "only the data of single images is signed: signed images can be put together anew, " +
	"and load addresses, entry points, types and configurations can be changed"

func defaultConfig(f *fit.FIT) string {
	switch {
	case f.Default == "":
		return "the image names no default"
	case !slices.ContainsFunc(f.Configs, func(c *fit.Config) bool { return c.Name == f.Default }):
		return fmt.Sprintf("the default is %q, which it does not hold", f.Default)
	}
	return fmt.Sprintf("the default is %q", f.Default)
}

// configSignatures returns a configuration's signatures, or why it has none
// that could prove anything.
func configSignatures(f *fit.FIT, c *fit.Config) (out []embedded, why string) {
	unit := "configuration " + clean(c.Name)
	why = unit + " is not signed"
	for _, s := range c.Signatures {
		sections, err := f.Signed(c, s)
		if err != nil {
			why = unit + ": " + err.Error()
			continue
		}
		e := fitSignature(s, unit)
		e.content = sections
		e.about = unit + ", with the metadata and hashes of its images"
		e.covers = []pass.Span{e.at}
		for _, x := range sections {
			e.covers = append(e.covers, pass.Span{Off: x.Off, Len: x.Len})
		}
		for _, m := range c.Images {
			e.covers = append(e.covers, pass.Span{Off: m.Offset, Len: m.Length})
			if m.Weak() {
				e.weakest = crypto.SHA1
			}
		}
		out = append(out, e)
	}
	if len(out) > 0 {
		why = ""
	}
	return out, why
}

func imageSignatures(m *fit.Image) []embedded {
	var out []embedded
	for _, s := range m.Signatures {
		e := fitSignature(s, "image "+clean(m.Name))
		e.content = []pass.Section{{Off: m.Offset, Len: m.Length}}
		e.covers = []pass.Span{{Off: m.Offset, Len: m.Length}, e.at}
		e.about = "the data of " + e.unit + " and nothing else"
		e.leavesOut = fitLeavesOut
		out = append(out, e)
	}
	return out
}

func fitSignature(s *fit.Signature, unit string) embedded {
	e := embedded{value: s.Value, at: pass.Span{Off: s.ValueOff, Len: int64(len(s.Value))}, unit: unit}
	method := ""
	switch {
	case strings.HasPrefix(s.Key, "rsa") && s.PSS:
		method = "rsa-pss"
	case strings.HasPrefix(s.Key, "rsa"):
		method = "rsa-pkcs1v15"
	case strings.HasPrefix(s.Key, "ecdsa"), strings.HasPrefix(s.Key, "secp"):
		method = "ecdsa-p1363"
	}
	e.scheme = method + "-" + s.Hash
	if _, err := sig.Named(e.scheme); err != nil {
		e.scheme = schemeFIT
	}
	return e
}
