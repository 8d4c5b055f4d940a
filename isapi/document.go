package isapi

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// document turns an answer into its document, or into the error it tells. An
// answer that is neither, or whose root has none of the names given, matches
// camsec.ErrMalformed.
func document(op Operation, resp *wire.Response, lim wire.Limits, roots ...string) (*wire.Node, error) {
	doc, perr := parse(resp, lim)
	if err := refusal(op, resp.Status, doc); err != nil {
		return nil, err
	}
	if perr != nil {
		return nil, fmt.Errorf("isapi: %s: %w", op, perr)
	}
	for _, r := range roots {
		if strings.EqualFold(doc.Name, r) {
			return doc, nil
		}
	}
	return nil, malformed(op, fmt.Sprintf("root element %q", clean(doc.Name)))
}

func malformed(op Operation, what string) error {
	return fmt.Errorf("isapi: %s: %s: %w", op, what, camsec.ErrMalformed)
}

// parse goes by the first byte: devices label JSON as XML and the reverse.
func parse(resp *wire.Response, lim wire.Limits) (*wire.Node, error) {
	if bytes.HasPrefix(bytes.TrimLeft(resp.Body, " \t\r\n\uFEFF"), []byte("{")) {
		return parseJSON(resp.Body, lim)
	}
	return wire.ParseXML(resp.Body, resp.Header.Get("Content-Type"), lim)
}

// parseJSON reads a JSON object like an XML document: with one object inside
// it is a document of that name, else one without a name.
func parseJSON(b []byte, lim wire.Limits) (*wire.Node, error) {
	root, err := wire.ParseJSON(b, lim)
	if err != nil {
		return nil, err
	}
	if len(root.Children) == 1 && len(root.Children[0].Children) > 0 {
		return root.Children[0], nil
	}
	return root, nil
}

// state reads a switch; absent and unreadable ones are unknown.
func state(n *wire.Node) camsec.State {
	if on, ok := n.Bool(); ok {
		return camsec.StateOf(on)
	}
	return camsec.StateUnknown
}

// number reads a number; nil is unknown.
func number(n *wire.Node) *int {
	v, ok := n.Int()
	if !ok || v < -1<<31 || v > 1<<31-1 {
		return nil
	}
	i := int(v)
	return &i
}

// words splits the vendor's lists: "digest/basic", "MD5/SHA256".
func words(n *wire.Node) []string { return splitWords(n.String()) }

func splitWords(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return r == '/' || r == ',' || r == ' '
	})
}

// anyOf is on if one is on, off if all are known to be off.
func anyOf(states []camsec.State) camsec.State {
	switch {
	case slices.Contains(states, camsec.StateOn):
		return camsec.StateOn
	case len(states) == 0 || slices.Contains(states, camsec.StateUnknown):
		return camsec.StateUnknown
	}
	return camsec.StateOff
}

// members returns the children of a list document, or the document itself if
// the device answered with the single member.
func members(doc *wire.Node, name string) []*wire.Node {
	if strings.EqualFold(doc.Name, name) {
		return []*wire.Node{doc}
	}
	return doc.All(name)
}

// clean makes a device's words fit for an error message.
func clean(s string) string { return wire.Clean(s, 80) }
