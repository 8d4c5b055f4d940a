package wire

import (
	"strconv"
	"strings"
)

// Flags tell where a document was taken with tolerance. A caller that judges
// by the document should look at them.
type Flags uint8

// Flags of a document; they stand on its root.
const (
	FlagReplaced Flags = 1 << iota // undecodable or illegal characters became U+FFFD
	FlagTrailing                   // something followed the document and was left
	FlagCharset                    // the declared charset is unknown, UTF-8 was assumed
)

// Has tells whether all of f are set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// An Attr is an attribute; namespace declarations are not among them.
type Attr struct {
	Space string // namespace, empty without a prefix
	Name  string // local name
	Value string
}

// A Node is an element of a document. All methods take a nil Node and then
// find nothing, so that walks need no checks; what is missing reads as
// missing, never as empty. A Node is not changed after parsing and is safe for
// concurrent reads.
type Node struct {
	Name     string // local name
	Space    string // namespace, or the prefix when nothing declares it
	Attrs    []Attr
	Text     string // own text without surrounding white space
	Children []*Node
	Flags    Flags // on the root only
}

// Has tells whether the node exists.
func (n *Node) Has() bool { return n != nil }

// Child returns the first child of that local name, nil if there is none.
// Where a device repeats an element, the first counts.
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

// At walks down first children by name.
func (n *Node) At(path ...string) *Node {
	for _, name := range path {
		n = n.Child(name)
	}
	return n
}

// Find returns the first node of that name below n, in document order, at any
// depth. n itself is not looked at.
func (n *Node) Find(name string) *Node {
	if n == nil {
		return nil
	}
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
		if f := c.Find(name); f != nil {
			return f
		}
	}
	return nil
}

// All returns the direct children of that name.
func (n *Node) All(name string) []*Node {
	if n == nil {
		return nil
	}
	var out []*Node
	for _, c := range n.Children {
		if c.Name == name {
			out = append(out, c)
		}
	}
	return out
}

// FindAll returns the nodes of that name below n, in document order.
func (n *Node) FindAll(name string) []*Node {
	return n.findAll(name, nil)
}

func (n *Node) findAll(name string, out []*Node) []*Node {
	if n == nil {
		return out
	}
	for _, c := range n.Children {
		if c.Name == name {
			out = append(out, c)
		}
		out = c.findAll(name, out)
	}
	return out
}

// String returns the node's text, empty for a nil node; [Node.Has] tells the
// two apart.
func (n *Node) String() string {
	if n == nil {
		return ""
	}
	return n.Text
}

// Bool reads true, 1, yes, on and false, 0, no, off in any case; ok is false
// for anything else and for a nil node.
func (n *Node) Bool() (v, ok bool) {
	if n == nil {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(n.Text)) {
	case "true", "1", "yes", "on":
		return true, true
	case "false", "0", "no", "off":
		return false, true
	}
	return false, false
}

// Int reads a decimal number; ok is false for anything else (also "0x10",
// "12.0", "" and what overflows) and for a nil node.
func (n *Node) Int() (int64, bool) {
	if n == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(strings.TrimSpace(n.Text), 10, 64)
	return v, err == nil
}

// Attr returns the value of the first attribute of that local name, empty if
// there is none.
func (n *Node) Attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
