package firmware

import (
	"io"
	"runtime"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/rauc"
)

var raucFormat = format{name: FormatRAUC, detect: rauc.Detect, parse: parseRAUC}

// verityWorkers is how many blocks of a payload are hashed at once: the tree
// over them costs more than the plain digest that other formats need.
const verityWorkers = 2

func parseRAUC(r io.ReaderAt, size int64) (*parsed, error) {
	b, err := rauc.Parse(r, size)
	if err != nil {
		return nil, formatError(FormatRAUC, err)
	}
	n := int64(len(b.CMS))
	signature := pass.Span{Off: b.CMSAt, Len: n}
	covers, certificates := cmsCovers(b.CMS, b.CMSAt)
	p := &parsed{
		layout: []Range{certificates, {0, b.Payload, "payload"}, {b.Payload, b.Tree, "hash tree"}, {b.CMSAt, n, "signature"}, {b.CMSAt + n, size - b.CMSAt - n, "trailer"}},
	}
	p.image.Parts = []Part{{Name: "payload", Kind: "squashfs", Length: b.Payload, Opaque: b.Encrypted || b.Format == rauc.Crypt}}
	covers = append(covers, pass.Span{Len: b.CMSAt}, pass.Span{Off: b.CMSAt + n, Len: size - b.CMSAt - n})
	switch {
	case b.Encrypted:
		p.image.Parts[0].Kind = ""
		p.opaque = "the bundle's signature is encrypted to its recipients; only the key of one of them can open it"
	case b.Format == rauc.Plain:
		p.signatures = []embedded{{
			scheme: schemeCMS, value: b.CMS, at: signature, content: []pass.Section{{Len: b.Payload}}, covers: covers,
			about: "plain bundle: over the payload",
		}}
		p.image.Notes = []string{"the manifest of a plain bundle lies in the SquashFS, which is not read: what the bundle is for, and its version, are not known"}
	default:
		tree := rauc.NewTree(b.Salt, b.Root, b.Payload, min(verityWorkers, runtime.GOMAXPROCS(0)))
		p.checks = []*pass.Check{{
			What: "dm-verity tree of the payload", Strength: pass.Digest,
			Sections: []pass.Section{{Len: b.CMSAt}}, To: tree, Finish: tree.Finish,
		}}
		p.signatures = []embedded{{
			scheme: schemeCMS, value: b.CMS, at: signature, content: []pass.Section{{Literal: b.Content}}, covers: covers,
			about: b.Format + " bundle: over the manifest, which holds the root hash of the payload's dm-verity tree",
		}}
		p.claimRAUC(b)
	}
	return p, nil
}

// claimRAUC reads out the manifest.
func (p *parsed) claimRAUC(b *rauc.Bundle) {
	c := &p.image.Claims
	for _, f := range []struct {
		dst *string
		key string
	}{{&c.Version, "version"}, {&c.Build, "build"}, {&c.Description, "description"}} {
		*f.dst = clean(b.Manifest.Get("update", f.key))
	}
	if s := clean(b.Manifest.Get("update", "compatible")); s != "" {
		c.Models = []string{s}
	}
	if p.image.Parts[0].Opaque {
		p.image.Notes = append(p.image.Notes, "the payload is encrypted: that it is unchanged can be seen, what is in it cannot")
	}
	for _, m := range b.Manifest.Images {
		// Where in the file system an image lies is not read.
		p.image.Parts = append(p.image.Parts, Part{Name: m.Filename, Kind: "image for slot " + m.Slot, Length: b.Payload, Opaque: true})
	}
}
