package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ParseJSON reads body as one JSON object within lim, in the shape that
// [ParseXML] gives: the root has no name, a key is a child's Name, a scalar is
// its Text, an array repeats the child, null is a child without text. Nested
// arrays are flattened.
//
// Errors are those of ParseXML; XML and anything but an object is
// [KindContent].
func ParseJSON(body []byte, lim Limits) (*Node, error) {
	lim = lim.OrDefaults()
	if int64(len(body)) > lim.Body {
		return nil, &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("document over %d bytes", lim.Body)}
	}
	doc, flags := toUTF8(body, "")
	switch {
	case len(doc) == 0:
		return nil, &Error{Kind: KindEmpty}
	case doc[0] == '<':
		return nil, &Error{Kind: KindContent, Detail: "xml"}
	case doc[0] != '{':
		return nil, &Error{Kind: KindContent, Detail: "not a JSON object"}
	}
	doc, replaced := sanitizeJSON(doc)
	if replaced {
		flags |= FlagReplaced
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	p := jsonParser{dec: dec, lim: lim}
	root := &Node{}
	if _, err := p.token(); err != nil {
		return nil, err
	}
	if err := p.object(root, 1); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(doc[dec.InputOffset():])) > 0 {
		flags |= FlagTrailing
	}
	root.Flags = flags
	return root, nil
}

func sanitizeJSON(doc []byte) ([]byte, bool) {
	valid := bytes.ToValidUTF8(doc, []byte("\uFFFD"))
	return valid, !bytes.Equal(valid, doc)
}

type jsonParser struct {
	dec    *json.Decoder
	lim    Limits
	tokens int
}

func (p *jsonParser) token() (json.Token, error) {
	if p.tokens++; p.tokens > p.lim.Tokens {
		return nil, &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("over %d tokens", p.lim.Tokens)}
	}
	tok, err := p.dec.Token()
	switch {
	case err == nil:
		return tok, nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &Error{Kind: KindTruncated, Detail: "document"}
	}
	return nil, &Error{Kind: KindSyntax, Detail: fmt.Sprintf("byte %d", p.dec.InputOffset())}
}

// object reads the members of an object whose brace is read into n.
func (p *jsonParser) object(n *Node, depth int) error {
	for {
		tok, err := p.token()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return nil // the closing brace
		}
		if tok, err = p.token(); err != nil {
			return err
		}
		if err := p.value(n, key, tok, depth+1); err != nil {
			return err
		}
	}
}

// value adds the value that begins with tok to parent, as one child or, for
// an array, several.
func (p *jsonParser) value(parent *Node, name string, tok json.Token, depth int) error {
	if depth > p.lim.Depth {
		return &Error{Kind: KindTooDeep, Detail: fmt.Sprintf("over %d levels", p.lim.Depth)}
	}
	if tok == json.Delim('[') {
		for {
			tok, err := p.token()
			if err != nil {
				return err
			}
			if tok == json.Delim(']') {
				return nil
			}
			if err := p.value(parent, name, tok, depth+1); err != nil {
				return err
			}
		}
	}
	n := &Node{Name: name}
	parent.Children = append(parent.Children, n)
	switch v := tok.(type) {
	case json.Delim:
		return p.object(n, depth)
	case string:
		if len(v) > p.lim.Text {
			return &Error{Kind: KindTooLarge, Detail: fmt.Sprintf("text over %d bytes", p.lim.Text)}
		}
		n.Text = string(bytes.TrimSpace([]byte(v)))
	case json.Number:
		n.Text = v.String()
	case bool:
		n.Text = strconv.FormatBool(v)
	}
	return nil
}
