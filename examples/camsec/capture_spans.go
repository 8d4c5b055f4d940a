package main

import (
	"bytes"
	"strings"
)

// A span is one value in a document: the text of an element, an attribute, a
// comment, or a JSON value.
type span struct {
	start, end int
	element    string // local name, lower case; in JSON the key
	parent     string // of the element that it stands in
	attribute  string // empty: text
	comment    bool
	bare       bool // a JSON value that is no string
}

// spansOf finds the values of a document, byte by byte and whatever is wrong
// with it: what devices send need not be well-formed, nor in UTF-8. Bytes that
// belong to no value are names and punctuation. ok is false for what is neither
// XML nor JSON, and for encodings in which a byte is not a character.
func spansOf(doc []byte) (list []span, ok bool) {
	body := bytes.TrimSpace(bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) == 0 || bytes.IndexByte(body, 0) >= 0:
		return nil, false
	case body[0] == '<':
		return xmlSpans(doc), true
	case body[0] == '{' || body[0] == '[':
		return jsonSpans(doc)
	}
	return nil, false
}

func localName(s []byte) string {
	if i := bytes.LastIndexByte(s, ':'); i >= 0 {
		s = s[i+1:]
	}
	return strings.ToLower(string(s))
}

// xmlSpans walks over tags. An end tag ends the innermost element, whatever its
// name.
func xmlSpans(doc []byte) (list []span) {
	var open []string
	in := func() (element, parent string) {
		if n := len(open); n > 0 {
			element = open[n-1]
			if n > 1 {
				parent = open[n-2]
			}
		}
		return element, parent
	}
	add := func(start, end int, comment bool) {
		if len(bytes.TrimSpace(doc[start:end])) == 0 {
			return
		}
		element, parent := in()
		list = append(list, span{start: start, end: end, element: element, parent: parent, comment: comment})
	}
	until := func(from int, mark string) (at, next int) {
		if i := bytes.Index(doc[from:], []byte(mark)); i >= 0 {
			return from + i, from + i + len(mark)
		}
		return len(doc), len(doc)
	}
	for at := 0; at < len(doc); {
		if doc[at] != '<' {
			next, _ := until(at, "<")
			add(at, next, false)
			at = next
			continue
		}
		rest := doc[at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			end, next := until(at+4, "-->")
			add(at+4, end, true)
			at = next
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			end, next := until(at+9, "]]>")
			add(at+9, end, false)
			at = next
		case bytes.HasPrefix(rest, []byte("<?xml ")):
			_, at = until(at, "?>")
		case bytes.HasPrefix(rest, []byte("<?")):
			end, next := until(at+2, "?>")
			if i := bytes.IndexByte(doc[at:end], ' '); i >= 0 { // after its target
				add(at+i, end, true)
			}
			at = next
		case bytes.HasPrefix(rest, []byte("<!")):
			end, next := until(at+2, ">")
			add(at+2, end, true)
			at = next
		case bytes.HasPrefix(rest, []byte("</")):
			_, at = until(at, ">")
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		default:
			var tag []span
			var name string
			var empty bool
			tag, name, empty, at = startTag(doc, at)
			_, parent := in()
			for _, s := range tag {
				s.parent = parent
				list = append(list, s)
			}
			if !empty && len(open) < 1000 {
				open = append(open, name)
			}
		}
	}
	return list
}

// startTag reads a tag that begins at the byte given.
func startTag(doc []byte, at int) (attrs []span, name string, empty bool, next int) {
	i := at + 1
	word := func() []byte {
		start := i
		for i < len(doc) && !bytes.ContainsRune([]byte(" \t\r\n=/>\"'<"), rune(doc[i])) {
			i++
		}
		return doc[start:i]
	}
	name = localName(word())
	attribute := ""
	for i < len(doc) {
		switch c := doc[i]; c {
		case '>':
			return attrs, name, doc[i-1] == '/', i + 1
		case '<': // a tag that was never closed
			return attrs, name, false, i
		case '"', '\'':
			end := bytes.IndexByte(doc[i+1:], c)
			if end < 0 {
				end = len(doc) - i - 1
			}
			attrs = append(attrs, span{start: i + 1, end: i + 1 + end, element: name, attribute: attribute})
			i = min(len(doc), i+end+2)
		case ' ', '\t', '\r', '\n', '=', '/':
			i++
		default:
			from := i
			w := word()
			if i == from {
				i++ // a byte of no word
				continue
			}
			if from > 0 && doc[from-1] == '=' { // a value without quotes
				attrs = append(attrs, span{start: from, end: i, element: name, attribute: attribute})
				continue
			}
			attribute = string(w)
		}
	}
	return attrs, name, false, len(doc)
}

// jsonSpans finds values with the key that they stand under, whatever the
// nesting; ok is false where a string does not end.
func jsonSpans(doc []byte) (list []span, ok bool) {
	var keys []string // of the objects and arrays that are open
	key := ""
	parent := func() string {
		if len(keys) > 0 {
			return keys[len(keys)-1]
		}
		return ""
	}
	for at := 0; at < len(doc); {
		switch c := doc[at]; {
		case c == '"':
			end := at + 1
			for end < len(doc) && doc[end] != '"' {
				if doc[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(doc) {
				return nil, false
			}
			after := bytes.TrimLeft(doc[end+1:], " \t\r\n")
			if len(after) > 0 && after[0] == ':' {
				key = strings.ToLower(string(doc[at+1 : end]))
			} else if end > at+1 {
				list = append(list, span{start: at + 1, end: end, element: key, parent: parent()})
			}
			at = end + 1
		case c == '{' || c == '[':
			if len(keys) >= 1000 {
				return nil, false
			}
			keys = append(keys, key)
			at++
		case c == '}' || c == ']':
			if len(keys) > 0 {
				keys = keys[:len(keys)-1]
			}
			at++
		case strings.ContainsRune(" \t\r\n,:", rune(c)):
			at++
		default:
			end := at
			for end < len(doc) && !strings.ContainsRune(" \t\r\n,:{}[]\"", rune(doc[end])) {
				end++
			}
			list = append(list, span{start: at, end: end, element: key, parent: parent(), bare: true})
			at = end
		}
	}
	return list, true
}
