package firmware

import (
	"hash/crc32"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/fwtool"
	"github.com/camsec/camsec/firmware/internal/pass"
)

var fwtoolFormat = format{
	name:   FormatFwtool,
	detect: func(_ []byte, r io.ReaderAt, size int64) bool { return fwtool.Detect(r, size) },
	parse:  parseFwtool,
}

func parseFwtool(r io.ReaderAt, size int64) (*parsed, error) {
	f, err := fwtool.Parse(r, size)
	if err != nil {
		return nil, formatError(FormatFwtool, err)
	}
	p := &parsed{layout: []Range{{0, f.Image, "image"}}}
	m := f.Metadata
	p.image.Claims = Claims{Models: m.Devices, Platform: m.Target, Version: m.Version, Build: m.Revision, Description: m.Dist}
	if m.CompatVersion != "" {
		p.image.Claims.Hardware = []string{"compat version " + m.CompatVersion}
	}
	p.image.Parts = []Part{{Name: "image", Length: f.Image}}
	for _, c := range f.Chunks {
		what := "signature"
		if c.Info() {
			what = "metadata"
		}
		p.image.Parts = append(p.image.Parts, Part{Name: what, Offset: c.Offset, Length: c.Length})
		p.layout = append(p.layout, Range{c.Start, c.End() - c.Start, what})
		sum := crc32.NewIEEE()
		p.checks = append(p.checks, &pass.Check{
			What: "CRC32 up to the trailer of the " + what, Strength: pass.Checksum,
			Sections: []pass.Section{{Len: c.Offset + c.Length}}, To: sum,
			Finish: func() error {
				if !c.SumIs(sum.Sum32()) {
					return errDiffers
				}
				return nil
			},
			// A wrong sum, or size, in the trailer is found as well.
			Covers: []pass.Span{{Len: c.End()}},
		})
	}
	if f.Signature == nil {
		if slices.ContainsFunc(f.Chunks, fwtool.Chunk.IsSignature) {
			p.image.Notes = append(p.image.Notes, "the signature is not the last chunk: fwtool does not find it, and what follows would not be signed")
		}
		return p, nil
	}
	scheme := schemeSignify // usign's form
	if fwtool.IsCert(f.Signature) {
		scheme = schemeUcert
	}
	p.signatures = []embedded{{
		scheme: scheme, value: f.Signature, at: pass.Span{Off: f.SignatureAt, Len: int64(len(f.Signature))},
		content: []pass.Section{{Len: f.SignatureAt}},
		about:   "over all before the signature, metadata included",
	}}
	return p, nil
}
