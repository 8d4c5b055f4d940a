package fit

import (
	"encoding/binary"
	"io"
	"strings"
	"time"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Limits on what a FIT may hold; U-Boot follows at most a hundred nodes.
const (
	maxHashes     = 8   // of one image
	maxSignatures = 256 // of the whole file
	// maxRehash bounds the bytes that are hashed, as a multiple of the file.
	maxRehash = 8
)

// A FIT is what a tree says as a FIT. None of it is verified.
type FIT struct {
	Tree        *Tree
	Description string
	Timestamp   time.Time // zero: none
	Images      []*Image
	Configs     []*Config
	// Default is the configuration that boots when nobody names one. No
	// signature covers this choice.
	Default string
	// End is where the last image data or the tree ends.
	End int64
	// At is a node with an @ in its name, empty when there is none. libfdt
	// takes "kernel" for "kernel@1", so that U-Boot refuses to verify such a
	// tree.
	At string
}

// An Image is a node below /images.
type Image struct {
	Node                        *Node
	Name, Description           string
	Type, Arch, OS, Compression string
	// Offset and Length are where the data lies in the file, inside the tree
	// or behind it.
	Offset, Length int64
	// Encrypted tells that the data is encrypted with a key that is not in
	// the file.
	Encrypted  bool
	Hashes     []Hash
	Signatures []*Signature
}

// A Hash is a hash node of an image.
type Hash struct {
	Path, Algo string
	Value      []byte
	ValueOff   int64
	// Ignored tells that U-Boot is told not to check it.
	Ignored bool
}

// A Config is a node below /configurations.
type Config struct {
	Node              *Node
	Name, Description string
	Compatible        []string
	// Images are those that the configuration names, each once.
	Images     []*Image
	Signatures []*Signature
}

// A Signature is a signature node.
type Signature struct {
	Path string
	// Hash and Key are the two halves of algo: "sha256" and "rsa2048".
	Hash, Key string
	PSS       bool
	KeyHint   string
	Value     []byte
	ValueOff  int64
	node      *Node
}

// Parse reads the tree and what it says as a FIT.
func Parse(r io.ReaderAt, size int64) (*FIT, error) {
	t, err := ReadTree(r, size)
	if err != nil {
		return nil, err
	}
	f := &FIT{Tree: t, Description: text(t.Root.Text("description")), At: t.at, End: t.Size}
	if s, ok := t.Root.cell("timestamp"); ok {
		f.Timestamp = time.Unix(int64(s), 0).UTC()
	}
	images := t.Root.Child("images")
	if images == nil {
		return nil, untrusted.Errorf(t.structOff, "a device tree without /images is no FIT")
	}
	var hashed int64
	signatures := 0
	for _, n := range images.Children {
		m, err := readImage(t, n, size)
		if err != nil {
			return nil, err
		}
		f.Images = append(f.Images, m)
		f.End = max(f.End, m.Offset+m.Length)
		if hashed += m.Length * int64(len(m.Hashes)+len(m.Signatures)); hashed > maxRehash*size {
			return nil, untrusted.Errorf(m.Offset, "images overlap: hashing them is %d times the file", maxRehash)
		}
		signatures += len(m.Signatures)
	}
	configs := t.Root.Child("configurations")
	f.Default = text(configs.Text("default"))
	if configs != nil {
		for _, n := range configs.Children {
			c, err := f.readConfig(n)
			if err != nil {
				return nil, err
			}
			f.Configs = append(f.Configs, c)
			signatures += len(c.Signatures)
		}
	}
	if signatures > maxSignatures {
		return nil, untrusted.Errorf(t.structOff, "more than %d signatures", maxSignatures)
	}
	return f, nil
}

func readImage(t *Tree, n *Node, size int64) (*Image, error) {
	m := &Image{
		Node: n, Name: n.Name, Description: text(n.Text("description")), Type: text(n.Text("type")),
		Arch: text(n.Text("arch")), OS: text(n.Text("os")), Compression: text(n.Text("compression")),
		Encrypted: n.Child("cipher") != nil,
	}
	var err error
	if m.Offset, m.Length, err = dataOf(t, n, size); err != nil {
		return nil, err
	}
	for _, c := range n.Children {
		switch {
		case strings.HasPrefix(c.Name, "hash"):
			h := Hash{Path: c.Path, Algo: text(c.Text("algo")), Ignored: c.Prop("uboot-ignore") != nil}
			if v := c.Prop("value"); v != nil {
				h.Value, h.ValueOff = v.Value, v.ValueOff
			}
			m.Hashes = append(m.Hashes, h)
		case strings.HasPrefix(c.Name, "signature"):
			m.Signatures = append(m.Signatures, readSignature(c))
		}
	}
	if len(m.Hashes) > maxHashes || len(m.Signatures) > maxHashes {
		return nil, untrusted.Errorf(m.Offset, "an image with %d hashes and %d signatures", len(m.Hashes), len(m.Signatures))
	}
	return m, nil
}

// dataOf finds an image's data: in the tree, at an offset from its padded
// end, or at a position in the file.
func dataOf(t *Tree, n *Node, size int64) (off, length int64, err error) {
	data, offset, position := n.Prop("data"), n.Prop("data-offset"), n.Prop("data-position")
	at := t.structOff
	if data != nil {
		at = data.ValueOff
	}
	if (data != nil && (offset != nil || position != nil)) || (offset != nil && position != nil) {
		return 0, 0, untrusted.Errorf(at, "image %q has data in two places", n.Name)
	}
	if data != nil {
		return data.ValueOff, data.Len, nil
	}
	long, ok := n.cell("data-size")
	where, okOffset := n.cell("data-offset")
	base := (t.Size + 3) &^ 3
	if !okOffset {
		base = 0
		where, okOffset = n.cell("data-position")
	}
	if !ok || !okOffset {
		return 0, 0, untrusted.Errorf(at, "image %q has no data", n.Name)
	}
	off, length = base+int64(where), int64(long)
	if !(untrusted.File{Size: size}).Holds(off, length) {
		return 0, 0, untrusted.Errorf(off, "data of image %q reaches beyond the end of the file", n.Name)
	}
	if off < t.Size && length > 0 {
		return 0, 0, untrusted.Errorf(off, "data of image %q lies in the tree", n.Name)
	}
	return off, length, nil
}

func readSignature(n *Node) *Signature {
	s := &Signature{Path: n.Path, node: n, KeyHint: text(n.Text("key-name-hint")), PSS: n.Text("padding") == "pss"}
	s.Hash, s.Key, _ = strings.Cut(text(n.Text("algo")), ",")
	if v := n.Prop("value"); v != nil {
		s.Value, s.ValueOff = v.Value, v.ValueOff
	}
	return s
}

// aboutConfig are properties of a configuration that name no image. Any other
// may: kernel, fdt, ramdisk, loadables, firmware, fpga, and what comes next.
func aboutConfig(name string) bool { return name == "description" || name == "compatible" }

func (f *FIT) readConfig(n *Node) (*Config, error) {
	c := &Config{Node: n, Name: n.Name, Description: text(n.Text("description"))}
	for _, s := range n.List("compatible") {
		c.Compatible = append(c.Compatible, text(s))
	}
	byName := map[string]*Image{}
	for _, m := range f.Images {
		byName[m.Name] = m
	}
	seen := map[*Image]bool{}
	for _, p := range n.Props {
		if aboutConfig(p.Name) {
			continue
		}
		for _, name := range n.List(p.Name) {
			if m := byName[name]; m != nil && !seen[m] {
				seen[m] = true
				c.Images = append(c.Images, m)
			}
		}
	}
	for _, s := range n.Children {
		if strings.HasPrefix(s.Name, "signature") {
			c.Signatures = append(c.Signatures, readSignature(s))
		}
	}
	return c, nil
}

// hashedStrings returns how much of the strings block a signature says it
// covers, zero when it says nothing.
func (s *Signature) hashedStrings() (int64, bool) {
	p := s.node.Prop("hashed-strings")
	if p == nil {
		return 0, true
	}
	if len(p.Value) != 8 || binary.BigEndian.Uint32(p.Value) != 0 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint32(p.Value[4:])), true
}

func text(s string) string { return untrusted.Text([]byte(s)) }
