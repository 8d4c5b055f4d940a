package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ParseXML reads body as one XML document within lim.
//
// It is tolerant: white space and NULs around the document, a byte order mark,
// UTF-16, the charsets that devices declare, unknown prefixes; illegal
// characters become U+FFFD; what follows the root element is left. Where that
// matters the root's Flags say so. A byte order mark rules over the XML
// declaration, that over contentType, which may be empty.
//
// It is strict where it must be: any document type declaration is
// [KindDTD], a document that ends early [KindTruncated], bad markup
// [KindSyntax], other formats [KindContent], nothing at all [KindEmpty], and
// what is over lim [KindTooLarge] or [KindTooDeep]. With an error there is no
// Node.
func ParseXML(body []byte, contentType string, lim Limits) (*Node, error) {
	lim = lim.OrDefaults()
	if int64(len(body)) > lim.Body {
		return nil, &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("document over %d bytes", lim.Body)}
	}
	doc, flags := toUTF8(body, contentType)
	if len(doc) == 0 {
		return nil, &Error{Kind: KindEmpty}
	}
	if err := sniff(doc); err != nil {
		return nil, err
	}
	doc, replaced := sanitize(doc)
	if replaced {
		flags |= FlagReplaced
	}
	elements, err := checkTags(doc, lim)
	if err != nil {
		return nil, err
	}
	p := xmlParser{doc: doc, lim: lim, expect: elements}
	root, rest, err := p.parse()
	if err != nil {
		if KindOf(err) == KindSyntax && strings.Contains(strings.ToLower(contentType), "html") {
			return nil, &Error{Kind: KindContent, Detail: "html"}
		}
		return nil, err
	}
	if len(bytes.Trim(rest, " \t\r\n")) > 0 {
		flags |= FlagTrailing
	}
	root.Flags = flags
	return root, nil
}

// sniff refuses what is plainly not XML.
func sniff(doc []byte) error {
	if doc[0] == '{' || doc[0] == '[' {
		return &Error{Kind: KindContent, Detail: "json"}
	}
	if doc[0] != '<' {
		return &Error{Kind: KindContent, Detail: "not XML"}
	}
	head := bytes.ToLower(doc[:min(len(doc), 64)])
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<body", "<script"} {
		if rest, ok := bytes.CutPrefix(head, []byte(tag)); ok {
			if len(rest) == 0 || isSpace(rest[0]) || rest[0] == '>' || rest[0] == '[' {
				return &Error{Kind: KindContent, Detail: "html"}
			}
		}
	}
	return nil
}

// checkTags bounds the attributes of each tag before the decoder, which would
// hold them all, sees them. It returns how many elements there seem to be.
func checkTags(doc []byte, lim Limits) (elements int, err error) {
	for {
		i := bytes.IndexByte(doc, '<')
		if i < 0 {
			return elements, nil
		}
		doc = doc[i:]
		var end string
		switch {
		case bytes.HasPrefix(doc, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(doc, []byte("<![CDATA[")):
			end = "]]>"
		case bytes.HasPrefix(doc, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(doc, []byte("<!")):
			// Nothing of it is read, nor expanded.
			return 0, &Error{Kind: KindDTD}
		}
		if end != "" {
			// Without an end nothing is left; the decoder will tell.
			_, doc, _ = bytes.Cut(doc, []byte(end))
			continue
		}
		if !bytes.HasPrefix(doc, []byte("</")) {
			elements++
		}
		quote, attrs := byte(0), 0
		n := len(doc)
		for j := 1; j < len(doc); j++ {
			c := doc[j]
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
				continue
			case c == '"' || c == '\'':
				quote = c
			case c == '=':
				if attrs++; attrs > lim.Attrs {
					return 0, &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("over %d attributes", lim.Attrs)}
				}
			}
			if c == '>' {
				n = j
				break
			}
		}
		doc = doc[n:]
	}
}

// maxBindings bounds the namespace declarations in force at one place, since
// every prefix is looked up among them.
const maxBindings = 1024

type binding struct{ prefix, space string }

// A frame is an open element.
type frame struct {
	node   *Node
	prefix string
	text   []byte // kept for the next element of the same depth
	bound  int    // bindings in force outside the element
}

type xmlParser struct {
	doc      []byte
	lim      Limits
	frames   []frame // those up to depth are open
	depth    int
	bindings []binding

	expect int    // elements that are still to come, by a rough count
	free   []Node // made in one go
}

// maxSlab bounds how many nodes are made in one go.
const maxSlab = 64

func (p *xmlParser) node() *Node {
	if len(p.free) == 0 {
		p.free = make([]Node, max(1, min(p.expect, maxSlab)))
		p.expect -= len(p.free)
	}
	n := &p.free[0]
	p.free = p.free[1:]
	return n
}

// parse reads the first element of the document and returns what follows it.
func (p *xmlParser) parse() (root *Node, rest []byte, err error) {
	dec := xml.NewDecoder(bytes.NewReader(p.doc))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for tokens := 1; ; tokens++ {
		if tokens > p.lim.Tokens {
			return nil, nil, &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("over %d tokens", p.lim.Tokens)}
		}
		tok, err := dec.RawToken()
		if err != nil {
			return nil, nil, p.tokenError(err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if root == nil && strings.EqualFold(t.Name.Local, "html") {
				return nil, nil, &Error{Kind: KindContent, Detail: "html"}
			}
			n, err := p.start(t)
			if err != nil {
				return nil, nil, err
			}
			if root == nil {
				root = n
			}
		case xml.EndElement:
			if err := p.end(t, dec); err != nil {
				return nil, nil, err
			}
			if p.depth == 0 {
				return root, p.doc[dec.InputOffset():], nil
			}
		case xml.CharData:
			if err := p.text(t, dec); err != nil {
				return nil, nil, err
			}
		case xml.Directive:
			return nil, nil, &Error{Kind: KindDTD}
		}
	}
}

func (p *xmlParser) start(t xml.StartElement) (*Node, error) {
	if p.depth >= p.lim.Depth {
		return nil, &Error{Kind: KindTooDeep, Detail: fmt.Sprintf("over %d levels", p.lim.Depth)}
	}
	if p.depth == len(p.frames) {
		p.frames = append(p.frames, frame{})
	}
	f := &p.frames[p.depth]
	f.bound, f.prefix = len(p.bindings), t.Name.Space
	kept := 0
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns":
			p.bindings = append(p.bindings, binding{a.Name.Local, a.Value})
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			p.bindings = append(p.bindings, binding{"", a.Value})
		default:
			kept++
		}
	}
	if len(p.bindings) > maxBindings {
		return nil, &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("over %d namespace declarations", maxBindings)}
	}
	n := p.node()
	n.Name, n.Space = t.Name.Local, p.space(t.Name.Space)
	if kept > 0 {
		n.Attrs = make([]Attr, 0, kept)
		for _, a := range t.Attr {
			switch {
			case a.Name.Space == "xmlns", a.Name.Space == "" && a.Name.Local == "xmlns":
				continue
			case a.Name.Space == "":
				n.Attrs = append(n.Attrs, Attr{Name: a.Name.Local, Value: a.Value})
			default:
				n.Attrs = append(n.Attrs, Attr{Space: p.space(a.Name.Space), Name: a.Name.Local, Value: a.Value})
			}
		}
	}
	f.node, f.text = n, f.text[:0]
	if p.depth > 0 {
		parent := p.frames[p.depth-1].node
		parent.Children = append(parent.Children, n)
	}
	p.depth++
	return n, nil
}

func (p *xmlParser) end(t xml.EndElement, dec *xml.Decoder) error {
	if p.depth == 0 {
		return syntaxAt(dec, "end without a start")
	}
	f := &p.frames[p.depth-1]
	if t.Name.Local != f.node.Name || t.Name.Space != f.prefix {
		return syntaxAt(dec, "end of another element")
	}
	f.node.Text = string(bytes.TrimSpace(f.text))
	p.bindings = p.bindings[:f.bound]
	p.depth--
	return nil
}

func (p *xmlParser) text(t xml.CharData, dec *xml.Decoder) error {
	if p.depth == 0 {
		if len(bytes.TrimSpace(t)) > 0 {
			return syntaxAt(dec, "text outside the root element")
		}
		return nil
	}
	f := &p.frames[p.depth-1]
	if len(f.text) == 0 {
		t = bytes.TrimLeft(t, " \t\r\n")
	}
	if len(f.text)+len(t) > p.lim.Text {
		return &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("text over %d bytes", p.lim.Text)}
	}
	f.text = append(f.text, t...)
	return nil
}

// space resolves a prefix; one that nothing declares stands for itself.
func (p *xmlParser) space(prefix string) string {
	for i := len(p.bindings) - 1; i >= 0; i-- {
		if p.bindings[i].prefix == prefix {
			return p.bindings[i].space
		}
	}
	return prefix
}

func (p *xmlParser) tokenError(err error) error {
	if errors.Is(err, io.EOF) {
		if p.depth == 0 {
			return &Error{Kind: KindEmpty, Detail: "no element"}
		}
		return &Error{Kind: KindTruncated, Detail: "document"}
	}
	// The decoder's words quote the document, which may hold a secret.
	if se, ok := errors.AsType[*xml.SyntaxError](err); ok {
		if se.Msg == "unexpected EOF" {
			return &Error{Kind: KindTruncated, Detail: "document"}
		}
		return &Error{Kind: KindSyntax, Detail: fmt.Sprintf("line %d", se.Line)}
	}
	return &Error{Kind: KindSyntax}
}

func syntaxAt(dec *xml.Decoder, what string) error {
	line, _ := dec.InputPos()
	return &Error{Kind: KindSyntax, Detail: fmt.Sprintf("line %d: %s", line, what)}
}
