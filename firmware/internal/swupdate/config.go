package swupdate

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// sw-description is written in libconfig's language or in JSON. One reader
// takes both, as the second is nearly a part of the first: keys may be quoted,
// and = and :, comma and semicolon mean the same. What libconfig includes from
// other files is refused, as SWUpdate does.

// Limits on a description. SWUpdate's own examples are a few kilobytes.
const (
	maxNesting = 32
	maxValues  = 1 << 16
)

// A value is a string, a number's text, a list or a group.
type value struct {
	text  string
	isStr bool
	list  []*value
	group *group
}

// A group keeps its settings in order.
type group struct {
	names  []string
	values map[string]*value
}

func (g *group) get(name string) *value {
	if g == nil {
		return nil
	}
	return g.values[name]
}

// str returns a setting that is a string, "" when it is none.
func (g *group) str(name string) string {
	if v := g.get(name); v != nil && v.isStr {
		return v.text
	}
	return ""
}

// flag tells whether a setting is true.
func (g *group) flag(name string) bool {
	v := g.get(name)
	return v != nil && v.text == "true"
}

type parser struct {
	in     string
	at     int
	base   int64 // of the text in the file
	values int
}

// parseConfig reads a whole description.
func parseConfig(text string, base int64) (*group, error) {
	if !utf8.ValidString(text) {
		return nil, untrusted.Errorf(base, "sw-description is not UTF-8")
	}
	p := &parser{in: text, base: base}
	if err := p.space(); err != nil {
		return nil, err
	}
	if p.peek() == '{' {
		v, err := p.value(0)
		if err != nil {
			return nil, err
		}
		if err := p.space(); err != nil {
			return nil, err
		}
		if p.at < len(p.in) {
			return nil, p.fail("text behind the description")
		}
		return v.group, nil
	}
	return p.settings(0, 0)
}

func (p *parser) fail(format string, args ...any) error {
	return untrusted.Errorf(p.base+int64(p.at), "sw-description: %s", fmt.Sprintf(format, args...))
}

func (p *parser) peek() byte {
	if p.at >= len(p.in) {
		return 0
	}
	return p.in[p.at]
}

// space skips white space and comments.
func (p *parser) space() error {
	for p.at < len(p.in) {
		rest := p.in[p.at:]
		switch {
		case strings.ContainsRune(" \t\r\n\f\v", rune(rest[0])):
			p.at++
		case rest[0] == '#' || strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest) - 1
			}
			p.at += end + 1
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return p.fail("a comment does not end")
			}
			p.at += end + 4
		default:
			return nil
		}
	}
	return nil
}

// settings reads name-value pairs up to the closing byte, or to the end of
// the text when it is zero.
func (p *parser) settings(until byte, depth int) (*group, error) {
	g := &group{values: map[string]*value{}}
	for {
		if err := p.space(); err != nil {
			return nil, err
		}
		if p.at >= len(p.in) {
			if until != 0 {
				return nil, p.fail("a group does not end")
			}
			return g, nil
		}
		if p.peek() == until {
			p.at++
			return g, nil
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if _, ok := g.values[name]; ok {
			return nil, p.fail("a setting stands twice in a group")
		}
		if err := p.space(); err != nil {
			return nil, err
		}
		if c := p.peek(); c != '=' && c != ':' {
			return nil, p.fail("a name without = or :")
		}
		p.at++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		g.names = append(g.names, name)
		g.values[name] = v
		if err := p.space(); err != nil {
			return nil, err
		}
		if c := p.peek(); c == ';' || c == ',' {
			p.at++
		}
	}
}

func (p *parser) name() (string, error) {
	if p.peek() == '"' {
		return p.str()
	}
	start := p.at
	for p.at < len(p.in) {
		c := p.in[p.at]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '*'
		if !letter && (p.at == start || !strings.ContainsRune("-_0123456789", rune(c))) {
			break
		}
		p.at++
	}
	if p.at == start {
		return "", p.fail("a name was expected")
	}
	return p.in[start:p.at], nil
}

func (p *parser) value(depth int) (*value, error) {
	if depth > maxNesting {
		return nil, p.fail("more than %d levels", maxNesting)
	}
	if p.values++; p.values > maxValues {
		return nil, p.fail("more than %d values", maxValues)
	}
	if err := p.space(); err != nil {
		return nil, err
	}
	switch c := p.peek(); c {
	case '{':
		p.at++
		g, err := p.settings('}', depth)
		return &value{group: g}, err
	case '(':
		p.at++
		return p.list(')', depth)
	case '[':
		p.at++
		return p.list(']', depth)
	case '"':
		text, err := p.strings()
		return &value{text: text, isStr: true}, err
	}
	start := p.at
	for p.at < len(p.in) && !strings.ContainsRune(" \t\r\n\f\v,;)]}#", rune(p.in[p.at])) {
		p.at++
	}
	word := strings.ToLower(p.in[start:p.at])
	switch word {
	case "true", "false", "null":
		return &value{text: word}, nil
	}
	number := strings.TrimSuffix(strings.TrimSuffix(word, "l"), "l")
	if _, err := strconv.ParseInt(number, 0, 64); err == nil {
		return &value{text: number}, nil
	}
	if _, err := strconv.ParseFloat(word, 64); err == nil {
		return &value{text: word}, nil
	}
	p.at = start
	return nil, p.fail("a value was expected")
}

func (p *parser) list(until byte, depth int) (*value, error) {
	v := &value{list: []*value{}}
	for {
		if err := p.space(); err != nil {
			return nil, err
		}
		if p.peek() == until && p.at < len(p.in) {
			p.at++
			return v, nil
		}
		e, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v.list = append(v.list, e)
		if err := p.space(); err != nil {
			return nil, err
		}
		switch c := p.peek(); {
		case c == ',':
			p.at++
		case c != until:
			return nil, p.fail("a list does not end")
		}
	}
}

// strings reads one or more quoted strings, which libconfig joins.
func (p *parser) strings() (string, error) {
	var out strings.Builder
	for p.peek() == '"' {
		s, err := p.str()
		if err != nil {
			return "", err
		}
		out.WriteString(s)
		if err := p.space(); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func (p *parser) str() (string, error) {
	var out strings.Builder
	for p.at++; p.at < len(p.in); p.at++ {
		switch c := p.in[p.at]; c {
		case '"':
			p.at++
			return out.String(), nil
		case '\\':
			if err := p.escape(&out); err != nil {
				return "", err
			}
		default:
			out.WriteByte(c)
		}
	}
	return "", p.fail("a string does not end")
}

// escape reads one escape and leaves the parser on its last byte.
func (p *parser) escape(out *strings.Builder) error {
	plain := map[byte]byte{
		'n': '\n', 't': '\t', 'r': '\r', 'f': '\f', 'b': '\b', 'v': '\v', 'a': '\a', '\\': '\\', '"': '"', '/': '/',
	}
	p.at++
	c := p.peek()
	digits := map[byte]int{'x': 2, 'u': 4}[c]
	switch {
	case digits > 0:
		if p.at+digits >= len(p.in) {
			return p.fail("a string does not end")
		}
		n, err := strconv.ParseUint(p.in[p.at+1:p.at+1+digits], 16, 16)
		if err != nil || n == 0 {
			return p.fail("a bad escape in a string")
		}
		out.WriteRune(rune(n))
		p.at += digits
	case plain[c] != 0:
		out.WriteByte(plain[c])
	default:
		return p.fail("a bad escape in a string")
	}
	return nil
}
