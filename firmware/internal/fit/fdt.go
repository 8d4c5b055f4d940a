// Package fit reads flattened image trees (FIT): U-Boot's container, a
// flattened device tree (FDT) whose nodes name images, configurations, hashes
// and signatures. Image data lies inside the tree or behind it.
//
// The tree is walked token by token, since a configuration's signature covers
// tokens of the tree and not the text they stand for. Nothing is believed of
// a length before it is held against the file, and no image data is read.
//
// Source: Devicetree Specification 0.4, chapter 5; U-Boot doc/usage/fit.
// Layout seen in files of mkimage 2023.01.
package fit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Limits. U-Boot itself stops at 32 levels; the others leave ten times the
// room that a tree of two hundred device trees needs.
const (
	maxDepth   = 32
	maxTokens  = 1 << 16
	maxStrings = 1 << 16
	maxName    = 256
	// A node holds a handful of properties; a list node some hundred nodes.
	maxProps    = 128
	maxChildren = 2048
	// keep is the longest property that is read. Longer ones are image data.
	keep = 8 << 10
	// maxKept bounds what all kept properties hold together.
	maxKept = 4 << 20
)

const (
	headerSize = 40
	magic      = 0xD00DFEED
)

// Tokens of the structure block.
const (
	beginNode = 1
	endNode   = 2
	property  = 3
	nop       = 4
	endTree   = 9
)

// Detect tells whether a file that starts with head may be a tree.
func Detect(head []byte) bool {
	return len(head) >= 4 && binary.BigEndian.Uint32(head) == magic
}

// A Node is a node of the tree.
type Node struct {
	Name, Path string
	Props      []*Prop
	Children   []*Node
}

// A Prop is a property of a node. Value is nil when it is too long to be
// anything but image data.
type Prop struct {
	Name     string
	nameOff  int64 // in the strings block
	ValueOff int64 // in the file
	Len      int64
	Value    []byte
}

// A token is a piece of the structure block: [off, end) of the file.
type token struct {
	kind     uint32
	off, end int64
	node     *Node
	prop     *Prop
}

// A Tree is a parsed FDT.
type Tree struct {
	Root *Node
	// Size is where the tree ends in the file.
	Size       int64
	tokens     []token
	stringsOff int64
	strings    []byte
	reserveOff int64
	structOff  int64
	structEnd  int64
	at         string // the path of a node with an @ in its name
}

// Child returns the child of that exact name, nil when there is none.
func (n *Node) Child(name string) *Node {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Prop returns the property of that name, nil when there is none.
func (n *Node) Prop(name string) *Prop {
	if n == nil {
		return nil
	}
	for _, p := range n.Props {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Text returns a property as one string: "" when it is missing, has no final
// NUL or holds more than one string.
func (n *Node) Text(name string) string {
	list := n.List(name)
	if len(list) != 1 {
		return ""
	}
	return list[0]
}

// List returns a property as a list of strings, nil when it is none.
func (n *Node) List(name string) []string {
	p := n.Prop(name)
	if p == nil || len(p.Value) == 0 || p.Value[len(p.Value)-1] != 0 {
		return nil
	}
	return strings.Split(string(p.Value[:len(p.Value)-1]), "\x00")
}

// cell returns a property of one 32-bit cell.
func (n *Node) cell(name string) (uint32, bool) {
	p := n.Prop(name)
	if p == nil || len(p.Value) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(p.Value), true
}

// ReadTree walks the FDT at the start of r.
func ReadTree(r io.ReaderAt, size int64) (*Tree, error) {
	f := untrusted.File{R: r, Size: size}
	head, err := f.Bytes(0, headerSize, headerSize, "header")
	if err != nil {
		return nil, err
	}
	word := func(i int) int64 { return int64(binary.BigEndian.Uint32(head[4*i:])) }
	if word(0) != magic {
		return nil, untrusted.Errorf(0, "no FDT magic")
	}
	total, offStruct, offStrings, offReserve := word(1), word(2), word(3), word(4)
	version, compatible, sizeStrings, sizeStruct := word(5), word(6), word(8), word(9)
	switch {
	case total > size:
		return nil, untrusted.Errorf(4, "the tree claims %d bytes, the file has %d", total, size)
	case version < 17 || compatible > 17:
		return nil, untrusted.Errorf(20, "FDT version %d, readable from %d", version, compatible)
	case offReserve < headerSize || offReserve%8 != 0 || offReserve > total-16:
		return nil, untrusted.Errorf(16, "memory reservation block at %d", offReserve)
	case offStruct < headerSize || offStruct%4 != 0:
		return nil, untrusted.Errorf(8, "structure block of %d bytes at %d", sizeStruct, offStruct)
	case offStrings < offStruct+sizeStruct || offStrings > total || sizeStrings > total-offStrings:
		// The names follow the structure, so that this bounds both.
		return nil, untrusted.Errorf(12, "strings block of %d bytes at %d", sizeStrings, offStrings)
	}
	t := &Tree{
		Size: total, stringsOff: offStrings, reserveOff: offReserve, structOff: offStruct, structEnd: offStruct + sizeStruct,
	}
	if t.strings, err = f.Bytes(offStrings, sizeStrings, maxStrings, "strings block"); err != nil {
		return nil, err
	}
	w := walker{tree: t, in: window{r: r, end: t.structEnd}, at: offStruct}
	if err := w.walk(); err != nil {
		return nil, err
	}
	return t, nil
}

// A walker turns the structure block into tokens and nodes.
type walker struct {
	tree *Tree
	in   window
	at   int64
	open []*Node
	kept int
}

func (w *walker) walk() error {
	for {
		start := w.at
		kind, err := w.u32()
		if err != nil {
			return err
		}
		if len(w.tree.tokens) >= maxTokens {
			return untrusted.Errorf(start, "more than %d tokens", maxTokens)
		}
		tok := token{kind: kind, off: start}
		switch kind {
		case beginNode:
			tok.node, err = w.begin(start)
		case endNode:
			if len(w.open) == 0 {
				return untrusted.Errorf(start, "a node ends that did not begin")
			}
			tok.node = w.open[len(w.open)-1]
			w.open = w.open[:len(w.open)-1]
		case property:
			tok.prop, err = w.prop(start)
		case nop:
			if len(w.open) == 0 {
				return untrusted.Errorf(start, "a token outside the root node")
			}
		case endTree:
			if len(w.open) > 0 || w.tree.Root == nil || w.at != w.tree.structEnd {
				return untrusted.Errorf(start, "the tree ends early")
			}
		default:
			return untrusted.Errorf(start, "unknown token %#x", kind)
		}
		if err != nil {
			return err
		}
		tok.end = w.at
		w.tree.tokens = append(w.tree.tokens, tok)
		if kind == endTree {
			return nil
		}
	}
}

func (w *walker) begin(start int64) (*Node, error) {
	name, err := w.name()
	if err != nil {
		return nil, err
	}
	n := &Node{Name: name, Path: "/" + name}
	switch depth := len(w.open); {
	case depth >= maxDepth:
		return nil, untrusted.Errorf(start, "nodes nest deeper than %d", maxDepth)
	case depth == 0:
		if w.tree.Root != nil || name != "" {
			return nil, untrusted.Errorf(start, "a second root, or a root with a name")
		}
		w.tree.Root = n
	default:
		parent := w.open[depth-1]
		if len(parent.Children) >= maxChildren {
			return nil, untrusted.Errorf(start, "more than %d nodes in %s", maxChildren, untrusted.Text([]byte(parent.Path)))
		}
		// A second node of one name would be signed under the first one's path.
		if name == "" || strings.Contains(name, "/") || parent.Child(name) != nil {
			return nil, untrusted.Errorf(start, "node name %q is empty, a path or taken", name)
		}
		if depth > 1 {
			n.Path = parent.Path + "/" + name
		}
		parent.Children = append(parent.Children, n)
	}
	if w.tree.at == "" && strings.Contains(name, "@") {
		w.tree.at = n.Path
	}
	w.open = append(w.open, n)
	return n, nil
}

func (w *walker) prop(start int64) (*Prop, error) {
	if len(w.open) == 0 {
		return nil, untrusted.Errorf(start, "a token outside the root node")
	}
	node := w.open[len(w.open)-1]
	length, err := w.u32()
	if err != nil {
		return nil, err
	}
	nameOff, err := w.u32()
	if err != nil {
		return nil, err
	}
	p := &Prop{nameOff: int64(nameOff), ValueOff: w.at, Len: int64(length)}
	rest := w.tree.strings[min(p.nameOff, int64(len(w.tree.strings))):]
	end := bytes.IndexByte(rest, 0)
	if end < 1 || end > maxName {
		return nil, untrusted.Errorf(start, "property name at %d of the strings", p.nameOff)
	}
	p.Name = string(rest[:end])
	switch {
	case len(node.Props) >= maxProps:
		return nil, untrusted.Errorf(start, "more than %d properties in a node", maxProps)
	case node.Prop(p.Name) != nil:
		return nil, untrusted.Errorf(start, "property %q of %s twice", p.Name, node.Path)
	case len(node.Children) > 0:
		// libfdt does not find such a property, although it is signed.
		return nil, untrusted.Errorf(start, "property %q of %s after a node", p.Name, node.Path)
	}
	if p.Len <= keep && p.Name != "data" {
		if w.kept += int(p.Len); w.kept > maxKept {
			return nil, untrusted.Errorf(start, "properties of more than %d bytes", maxKept)
		}
		if p.Value, err = w.bytes(p.Len); err != nil {
			return nil, err
		}
	} else {
		w.at += p.Len
	}
	if err := w.pad(); err != nil {
		return nil, err
	}
	node.Props = append(node.Props, p)
	return p, nil
}

func (w *walker) u32() (uint32, error) {
	b, err := w.in.bytes(w.at, 4)
	if err != nil {
		return 0, err
	}
	w.at += 4
	return binary.BigEndian.Uint32(b), nil
}

func (w *walker) bytes(n int64) ([]byte, error) {
	b, err := w.in.bytes(w.at, n)
	if err != nil {
		return nil, err
	}
	w.at += n
	return bytes.Clone(b), nil
}

// name reads a node's name up to its NUL and the padding behind it.
func (w *walker) name() (string, error) {
	for n := int64(4); ; n += 4 {
		b, err := w.in.bytes(w.at, n)
		if err != nil {
			return "", err
		}
		if i := bytes.IndexByte(b, 0); i >= 0 {
			w.at += int64(i) + 1
			return string(b[:i]), w.pad()
		}
		if n > maxName {
			return "", untrusted.Errorf(w.at, "a node name of more than %d bytes", maxName)
		}
	}
}

// pad moves to the next multiple of four. What stands in between is not asked:
// mkimage leaves remains there.
func (w *walker) pad() error {
	w.at = (w.at + 3) &^ 3
	if w.at > w.tree.structEnd {
		return untrusted.Errorf(w.at, "the structure block ends within a token")
	}
	return nil
}

// A window reads the file in pieces, so that a walk over thousands of small
// tokens is not thousands of reads.
type window struct {
	r   io.ReaderAt
	end int64
	off int64
	buf []byte
}

const windowSize = 16 << 10

// bytes returns n bytes at off; the slice holds until the next call.
func (w *window) bytes(off, n int64) ([]byte, error) {
	if n > w.end-off {
		return nil, untrusted.Errorf(off, "the structure block ends within a token")
	}
	if off < w.off || off+n > w.off+int64(len(w.buf)) {
		size := min(max(n, windowSize), w.end-off)
		if int64(cap(w.buf)) < size {
			w.buf = make([]byte, size)
		}
		w.buf, w.off = w.buf[:size], off
		if got, err := w.r.ReadAt(w.buf, off); got < len(w.buf) {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			w.buf = nil
			return nil, fmt.Errorf("reading at %d: %w", off+int64(got), err)
		}
	}
	return w.buf[off-w.off:][:n], nil
}
