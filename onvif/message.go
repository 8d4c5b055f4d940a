package onvif

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/camsec/camsec/auth/wire"
)

// Namespaces of what is sent.
const (
	nsEnvelope = "http://www.w3.org/2003/05/soap-envelope"
	nsDevice   = "http://www.onvif.org/ver10/device/wsdl"
	nsSecurity = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
	nsSchema   = "http://www.onvif.org/ver10/schema"
)

const (
	envelopeHead = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + nsEnvelope + `"`
	bodyStart    = `<s:Body>`
	envelopeTail = `</s:Body></s:Envelope>`
)

// errUnsendable is returned, before a byte is sent, for text that cannot stand
// in an XML document, such as control characters.
var errUnsendable = errors.New("onvif: text that cannot be sent")

// A message is a request being written, schema-exact: names come with their
// prefix (tds, tas, tt) and in the order in which they are to stand.
type message struct {
	b   []byte
	err error
}

// newMessage writes the envelope up to the content of the operation's element.
func newMessage(op Operation) *message {
	m := &message{b: make([]byte, 0, 384)}
	m.raw(envelopeHead, ` xmlns:`, op.Service.prefix(), `="`, op.Service.namespace(), `" xmlns:tt="`, nsSchema, `">`, bodyStart)
	m.raw("<", op.Service.prefix(), ":", op.Action, ">")
	return m
}

// end closes the message and returns it.
func (m *message) end(op Operation) ([]byte, error) {
	m.raw("</", op.Service.prefix(), ":", op.Action, ">", envelopeTail)
	return m.b, m.err
}

func (m *message) raw(parts ...string) {
	for _, s := range parts {
		m.b = append(m.b, s...)
	}
}

func (m *message) open(name string)  { m.raw("<", name, ">") }
func (m *message) close(name string) { m.raw("</", name, ">") }

// in writes an element with elements in it.
func (m *message) in(name string, content func()) {
	m.open(name)
	content()
	m.close(name)
}

// text writes an element with text in it, an empty one too.
func (m *message) text(name, value string) {
	m.open(name)
	m.escape(value)
	m.close(name)
}

// textIf leaves out what is empty.
func (m *message) textIf(name, value string) {
	if value != "" {
		m.text(name, value)
	}
}

func (m *message) bool(name string, v bool) {
	m.raw("<", name, ">", strconv.FormatBool(v), "</", name, ">")
}

func (m *message) int(name string, v int) { m.raw("<", name, ">", strconv.Itoa(v), "</", name, ">") }

func (m *message) boolIf(name string, v *bool) {
	if v != nil {
		m.bool(name, *v)
	}
}

func (m *message) intIf(name string, v *int) {
	if v != nil {
		m.int(name, *v)
	}
}

// secret writes an element with a secret in it.
func (m *message) secret(name string, value []byte) {
	m.open(name)
	m.escape(string(value))
	m.close(name)
}

func (m *message) escape(s string) {
	if !utf8.ValidString(s) {
		m.err = errUnsendable
		return
	}
	for _, r := range s {
		switch {
		case r == '&':
			m.raw("&amp;")
		case r == '<':
			m.raw("&lt;")
		case r == '>':
			m.raw("&gt;")
		case r == '"':
			m.raw("&quot;")
		case r == '\t', r == '\n', r == '\r':
			m.raw("&#", strconv.Itoa(int(r)), ";")
		case r < 0x20, r == 0xFFFE, r == 0xFFFF:
			m.err = errUnsendable
			return
		default:
			m.b = utf8.AppendRune(m.b, r)
		}
	}
}

// nodes writes elements of a device's document back as they were read.
func (m *message) nodes(list []*wire.Node) {
	for _, n := range list {
		m.node(n)
	}
}

// node writes an element of a device's document back as it was read.
func (m *message) node(n *wire.Node) {
	if n == nil {
		return
	}
	name := "x:" + n.Name
	decl := ""
	switch n.Space {
	case nsSchema:
		name = "tt:" + n.Name
	case "":
		name = n.Name
	default:
		decl = n.Space
	}
	m.raw("<", name)
	if decl != "" {
		m.raw(` xmlns:x="`)
		m.escape(decl)
		m.raw(`"`)
	}
	for i, a := range n.Attrs {
		if a.Space == "" {
			m.raw(" ", a.Name, `="`)
		} else {
			p := fmt.Sprintf("a%d", i)
			m.raw(" xmlns:", p, `="`)
			m.escape(a.Space)
			m.raw(`" `, p, ":", a.Name, `="`)
		}
		m.escape(a.Value)
		m.raw(`"`)
	}
	m.raw(">")
	m.escape(n.Text)
	for _, c := range n.Children {
		m.node(c)
	}
	m.close(name)
}
