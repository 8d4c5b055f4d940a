package fit

import "github.com/camsec/camsec/firmware/internal/pass"

// maxLayout bounds the names that a layout gives; a tree of more nodes is
// named as a whole.
const maxLayout = 2048

// A Place is a byte range of the file with its name.
type Place struct {
	pass.Span
	What string
}

// Layout names what lies where: image data first, then the tree's parts. Of
// places that overlap, the first is meant.
func (f *FIT) Layout() []Place {
	t := f.Tree
	var out []Place
	for _, m := range f.Images {
		out = append(out, Place{pass.Span{Off: m.Offset, Len: m.Length}, "data of image " + text(m.Name)})
	}
	for _, s := range f.signatures() {
		out = append(out, Place{pass.Span{Off: s.ValueOff, Len: int64(len(s.Value))}, "signature " + text(s.Path)})
	}
	out = append(out,
		Place{pass.Span{Len: headerSize}, "header of the tree"},
		Place{pass.Span{Off: t.stringsOff, Len: int64(len(t.strings))}, "names of properties"},
	)
	if len(t.tokens) <= maxLayout {
		out = append(out, t.nodes()...)
	}
	return append(out, Place{pass.Span{Off: headerSize, Len: t.Size - headerSize}, "device tree"})
}

// nodes names the tokens after the nodes that they belong to.
func (t *Tree) nodes() []Place {
	var out []Place
	var open []*Node
	for _, tok := range t.tokens {
		switch tok.kind {
		case beginNode:
			open = append(open, tok.node)
		case endTree:
			continue
		}
		what := "node " + text(open[len(open)-1].Path)
		if tok.kind == endNode {
			open = open[:len(open)-1]
		}
		if n := len(out); n > 0 && out[n-1].What == what && out[n-1].Off+out[n-1].Len == tok.off {
			out[n-1].Len += tok.end - tok.off
			continue
		}
		out = append(out, Place{pass.Span{Off: tok.off, Len: tok.end - tok.off}, what})
	}
	return out
}

func (f *FIT) signatures() []*Signature {
	var out []*Signature
	for _, c := range f.Configs {
		out = append(out, c.Signatures...)
	}
	for _, m := range f.Images {
		out = append(out, m.Signatures...)
	}
	return out
}
