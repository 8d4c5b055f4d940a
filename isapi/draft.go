package isapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A draft is a device's own document on its way to becoming the body of a
// write. Only what an edit names is changed: every other element, attribute
// and white space goes back as it came, in its order, with the device's own
// root, namespace and version. DS-2CD2543G2-IS answers badXmlFormat to an
// Integrate document that differs in anything but the value (isapi-bodies,
// System/Network/Integrate).
type draft struct {
	op   Operation
	doc  *etree.Document // nil for JSON
	root *etree.Element
	crlf bool
	json []byte

	marks  []mark
	hidden bool  // a value was put in that the device will not show again
	err    error // the first thing that the document has no place for
}

// A mark is one value that an edit wants, and what was there.
type mark struct{ name, was, want string }

// maxDepth of a document that is edited; the reader's limit.
const maxDepth = 64

// newDraft reads a reply that document has accepted. A document that cannot
// be given back as it came is not edited at all.
func newDraft(op Operation, resp *wire.Response, doc *wire.Node) (*draft, error) {
	body := bytes.TrimPrefix(resp.Body, []byte("\xEF\xBB\xBF"))
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return &draft{op: op, json: bytes.Clone(body)}, nil
	}
	if doc.Flags != 0 || !utf8.Valid(body) || bytes.Contains(body, []byte{0}) {
		return nil, malformed(op, "document that cannot be written back as it came")
	}
	d := &draft{op: op, crlf: bytes.Contains(body, []byte("\r\n"))}
	if err := d.parse(body); err != nil {
		return nil, malformed(op, "document that cannot be edited")
	}
	return d, nil
}

func (d *draft) parse(body []byte) error {
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{MaxDepth: maxDepth, PreserveCData: true, PreserveDuplicateAttrs: true}
	if err := doc.ReadFromBytes(body); err != nil {
		return err
	}
	d.doc, d.root = doc, doc.Root()
	if d.root == nil {
		return errors.New("no root")
	}
	if err := keepEndTags(d.root, body); err != nil {
		return err
	}
	// What the device escapes and how it quotes is found by trying.
	for i := range 8 {
		doc.WriteSettings = etree.WriteSettings{
			CanonicalText: i&1 == 0, CanonicalAttrVal: i&2 == 0, AttrSingleQuote: i&4 != 0,
		}
		if b, err := d.body(); err == nil && bytes.Equal(b, body) {
			return nil
		}
	}
	doc.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true}
	return nil
}

// keepEndTags lets <a></a> stay so; etree writes an element without content
// as <a/>, unless there is content of no length.
func keepEndTags(root *etree.Element, body []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var closed []bool // of each element in document order: written as <a/>
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if _, ok := tok.(xml.StartElement); ok {
			closed = append(closed, bytes.HasSuffix(body[:dec.InputOffset()], []byte("/>")))
		}
	}
	var walk func(*etree.Element)
	walk = func(e *etree.Element) {
		if len(closed) == 0 {
			return
		}
		selfClosed := closed[0]
		closed = closed[1:]
		if len(e.Child) == 0 && !selfClosed {
			e.AddChild(etree.NewText(""))
		}
		for _, c := range e.ChildElements() {
			walk(c)
		}
	}
	walk(root)
	return nil
}

// body writes the draft.
func (d *draft) body() ([]byte, error) {
	if d.doc == nil {
		return d.json, nil
	}
	b, err := d.doc.WriteToBytes()
	if err != nil {
		return nil, err
	}
	if d.crlf {
		b = bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
	}
	return b, nil
}

// keep cuts the root down to the children named: a minimal document, for the
// few that devices are known to accept.
func (d *draft) keep(names []string) {
	for _, c := range d.root.ChildElements() {
		if !slices.Contains(names, c.Tag) {
			d.root.RemoveChild(c)
		}
	}
	for _, c := range slices.Clone(d.root.Child) {
		if _, ok := c.(*etree.CharData); ok {
			d.root.RemoveChild(c)
		}
	}
}

// neverShown are elements that devices take and do not give back.
var neverShown = []string{
	"password", "key", "loginPassword", "keypadPassword", "snmpAuthenticationPassword", "snmpPrivacyPassword",
	"sharedKey", "encryptionKey",
}

// spareSecrets takes out elements in which a device shows that there is a
// secret without showing it: sent back, an empty one would wipe the secret and
// a row of stars would become it. The vendor's own pages leave them out, too,
// when they are not changed.
func (d *draft) spareSecrets() {
	if d.root == nil {
		return
	}
	for _, e := range d.root.FindElements(".//*") {
		if slices.Contains(neverShown, e.Tag) && len(e.ChildElements()) == 0 && strings.Trim(e.Text(), "* \t\r\n") == "" {
			drop(e)
		}
	}
}

// drop removes an element with the white space before it.
func drop(e *etree.Element) {
	p, i := e.Parent(), e.Index()
	p.RemoveChildAt(i)
	if i > 0 {
		if c, ok := p.Child[i-1].(*etree.CharData); ok && c.IsWhitespace() {
			p.RemoveChildAt(i - 1)
		}
	}
}

func (d *draft) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// fit refuses text that no XML document can carry; everything else is escaped.
func (d *draft) fit(what, text string) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
		return r < 0x20 && r != '\t' || r == 0x7f || r == '\uFFFD' || r == 0xfffe || r == 0xffff
	}) {
		d.fail(fmt.Errorf("isapi: %s: %s with a character that cannot be sent", d.op, what))
	}
}

// lacks notes that the document has no place for what is wanted. An element
// that a device does not show is not made up.
func (d *draft) lacks(what string) {
	d.fail(fmt.Errorf("isapi: %s: the document has no %s: %w", d.op, what, errors.ErrUnsupported))
}

// at walks down first children by name; nil notes that there is no such place.
func (d *draft) at(e *etree.Element, path ...string) *etree.Element {
	for _, name := range path {
		if e == nil {
			return nil
		}
		next := child(e, name)
		if next == nil {
			d.lacks(name)
			return nil
		}
		e = next
	}
	return e
}

// child returns the first child of one of the names.
func child(e *etree.Element, names ...string) *etree.Element {
	if e == nil {
		return nil
	}
	for _, c := range e.ChildElements() {
		if slices.Contains(names, c.Tag) {
			return c
		}
	}
	return nil
}

// childText returns a child's text without the white space around it.
func childText(e *etree.Element, name string) string {
	if c := child(e, name); c != nil {
		return strings.TrimSpace(c.Text())
	}
	return ""
}

// set writes text into an element that is there.
func (d *draft) set(e *etree.Element, want string) {
	if e == nil {
		return
	}
	d.fit(e.Tag, want)
	was := strings.TrimSpace(e.Text())
	d.marks = append(d.marks, mark{e.GetPath(), was, want})
	if was != want {
		e.SetText(want)
	}
}

// text writes the text of a child that must be there.
func (d *draft) text(e *etree.Element, name, want string) { d.set(d.at(e, name), want) }

// flag writes a switch, in the device's own spelling of true and false.
func (d *draft) flag(e *etree.Element, name string, on bool) {
	c := d.at(e, name)
	if c == nil {
		return
	}
	was := strings.TrimSpace(c.Text())
	want := fmt.Sprint(on)
	if was == "0" || was == "1" {
		want = map[bool]string{false: "0", true: "1"}[on]
	}
	if strings.EqualFold(was, want) {
		want = was
	}
	d.set(c, want)
}

// secret writes a value that the device will not show again, behind the
// element named.
func (d *draft) secret(e *etree.Element, name, after string, s camsec.Secret) {
	if e == nil {
		return
	}
	c := child(e, name)
	if c == nil {
		c = etree.NewElement(name)
		c.Space = e.Space
		if before := child(e, after); before != nil {
			at := before.Index() + 1
			e.InsertChildAt(at, c)
			if at >= 2 {
				if w, ok := e.Child[at-2].(*etree.CharData); ok && w.IsWhitespace() {
					e.InsertChildAt(at, etree.NewText(w.Data))
				}
			}
		} else {
			e.AddChild(c)
		}
	}
	d.fit(name, string(s.Reveal()))
	c.SetText(string(s.Reveal()))
	d.hidden = true
}

// literal writes a value of a JSON document: the first of that name, at any
// depth.
func (d *draft) literal(name string, want any) {
	at, end, was, ok := findLiteral(d.json, name)
	if !ok {
		d.lacks(name)
		return
	}
	b, err := json.Marshal(want)
	if err != nil {
		d.fail(err)
		return
	}
	d.marks = append(d.marks, mark{name, was, string(b)})
	if was != string(b) {
		d.json = slices.Concat(d.json[:at], b, d.json[end:])
	}
}

// findLiteral finds a number, string or boolean by its name.
func findLiteral(doc []byte, name string) (at, end int, text string, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var object []bool // of the open brackets: is an object, whose next string is a name
	isName, found := false, false
	for {
		start := int(dec.InputOffset())
		tok, err := dec.Token()
		if err != nil {
			return 0, 0, "", false
		}
		delim, isDelim := tok.(json.Delim)
		if found && !isDelim {
			end = int(dec.InputOffset())
			at = start + len(doc[start:end]) - len(bytes.TrimLeft(doc[start:end], " \t\r\n:"))
			return at, end, string(doc[at:end]), true
		}
		found = false
		switch {
		case isDelim && (delim == '{' || delim == '['):
			object = append(object, delim == '{')
			isName = delim == '{'
			continue
		case isDelim:
			object = object[:len(object)-1]
		case isName:
			found = tok == name
			isName = false
			continue
		}
		isName = len(object) > 0 && object[len(object)-1]
	}
}

// A likeness is how a document that was read later compares with an edit.
type likeness uint8

const (
	likeNeither likeness = iota
	likeBefore
	likeWanted
)

// compare holds what an edit met on reading back against what it met before.
func compare(before, after *draft) likeness {
	if len(before.marks) != len(after.marks) {
		return likeNeither
	}
	old, wanted := true, true
	for i, m := range after.marks {
		old = old && m.was == before.marks[i].was
		wanted = wanted && m.was == m.want
	}
	switch {
	case wanted:
		return likeWanted
	case old:
		return likeBefore
	}
	return likeNeither
}

// settled tells whether an edit has nothing to change.
func (d *draft) settled() bool {
	for _, m := range d.marks {
		if m.was != m.want {
			return false
		}
	}
	return !d.hidden
}
