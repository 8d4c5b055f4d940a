package fit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/camsec/camsec/firmware/internal/pass"
)

// maxSections bounds the pieces that a configuration's signature covers.
// U-Boot stops at 720.
const maxSections = 1024

// leftOut are properties that no signature covers: where and how long the
// data is. The data itself is held to the image's hashes, which are signed.
func leftOut(name string) bool {
	return name == "data" || name == "data-size" || name == "data-offset" || name == "data-position"
}

// Signed returns what a signature of the configuration covers, as sections of
// the file, as U-Boot since 2026 rebuilds it: the root's, the configuration's
// and its images' properties, those of the images' hash, cipher and dm-verity
// nodes, the names of the nodes right below, and the strings block up to
// where the signature says.
//
// What the signature node lists as hashed-nodes is not asked: no signature
// covers that list, and a shorter one would leave an image out.
//
// The error says why such a signature proves nothing, whatever its value.
func (f *FIT) Signed(c *Config, s *Signature) ([]pass.Section, error) {
	if f.At != "" {
		return nil, fmt.Errorf("the node name %q holds an @: U-Boot would take it for another", f.At)
	}
	if len(c.Images) == 0 {
		return nil, errors.New("the configuration names no image")
	}
	include := map[*Node]bool{f.Tree.Root: true, c.Node: true}
	for _, m := range c.Images {
		if !slices.ContainsFunc(m.Hashes, Hash.Digest) {
			return nil, fmt.Errorf("image %q has no digest: its data is not covered", m.Name)
		}
		include[m.Node] = true
		for _, n := range m.Node.Children {
			if n.Name == "cipher" || n.Name == "dm-verity" {
				include[n] = true
			}
			for _, h := range m.Hashes {
				include[n] = include[n] || h.Path == n.Path
			}
		}
	}
	names, ok := s.hashedStrings()
	if !ok || names > int64(len(f.Tree.strings)) {
		return nil, errors.New("hashed-strings reaches beyond the strings block")
	}
	sections, err := f.Tree.sections(include, names)
	if err != nil {
		return nil, err
	}
	if names > 0 {
		sections = append(sections, pass.Section{Off: f.Tree.stringsOff, Len: names})
	}
	return sections, nil
}

// sections returns the tokens that a list of nodes makes a signature cover:
// of a listed node everything but the properties left out, of any other right
// below one only its beginning and end.
func (t *Tree) sections(include map[*Node]bool, names int64) ([]pass.Section, error) {
	var out []pass.Section
	var outer []int
	depth := 0 // 2: in a listed node; 1: right below one; 0: elsewhere
	for _, tok := range t.tokens {
		in := false
		switch tok.kind {
		case beginNode:
			outer = append(outer, depth)
			if include[tok.node] {
				depth = 2
			} else {
				depth = max(0, depth-1)
			}
			in = depth > 0
		case endNode:
			in = depth > 0
			depth = outer[len(outer)-1]
			outer = outer[:len(outer)-1]
		case property:
			in = depth == 2 && !leftOut(tok.prop.Name)
			if in && tok.prop.nameOff+int64(len(tok.prop.Name)) >= names {
				return nil, fmt.Errorf("the name of property %q is not covered", tok.prop.Name)
			}
		case nop:
			in = depth == 2
		case endTree:
			in = true
		}
		if !in {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Off+out[n-1].Len == tok.off {
			out[n-1].Len += tok.end - tok.off
			continue
		}
		if len(out) >= maxSections {
			return nil, fmt.Errorf("the signature would cover more than %d pieces", maxSections)
		}
		out = append(out, pass.Section{Off: tok.off, Len: tok.end - tok.off})
	}
	return out, nil
}

// digests are the hash algorithms that U-Boot knows and that cover data
// against an attacker, with their sizes; SHA-1 does so no longer.
var digests = map[string]int{"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}

// Digest tells whether the hash is a digest, whole and not to be ignored. A
// CRC32 or MD5 is none.
func (h Hash) Digest() bool {
	return !h.Ignored && digests[h.Algo] != 0 && len(h.Value) == digests[h.Algo]
}

// Weak tells whether the image's data hangs on SHA-1 alone.
func (m *Image) Weak() bool {
	return !slices.ContainsFunc(m.Hashes, func(h Hash) bool { return h.Digest() && h.Algo != "sha1" })
}
