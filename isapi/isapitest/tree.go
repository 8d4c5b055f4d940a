package isapitest

import (
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// parse returns the root element, or nil when the text is not one document.
func parse(body string) *etree.Element {
	doc := etree.NewDocument()
	if body == "" || doc.ReadFromString(body) != nil {
		return nil
	}
	return doc.Root()
}

func walk(e *etree.Element, steps []string) *etree.Element {
	for _, step := range steps {
		if e == nil {
			return nil
		}
		e = e.SelectElement(step)
	}
	return e
}

func word(e *etree.Element, name string) string {
	if e == nil {
		return ""
	}
	child := e.SelectElement(name)
	if child == nil {
		return ""
	}
	return strings.TrimSpace(child.Text())
}

func number(e *etree.Element, name string) int {
	n, err := strconv.Atoi(word(e, name))
	if err != nil {
		return 0
	}
	return n
}

// edit changes a stored document in place.
func (d *Device) edit(key string, change func(root *etree.Element)) {
	doc := etree.NewDocument()
	if doc.ReadFromString(d.docs[key]) != nil || doc.Root() == nil {
		return
	}
	change(doc.Root())
	if s, err := doc.WriteToString(); err == nil {
		d.docs[key] = s
	}
}

// secrets are elements that devices take and never give back.
var secrets = map[string]bool{
	"password": true, "key": true, "loginPassword": true, "keypadPassword": true,
	"snmpAuthenticationPassword": true, "snmpPrivacyPassword": true,
}

// merge brings a written document into the stored one: elements that occur once
// in both are changed, lists are replaced, secrets are dropped, and what the
// writer left out stays.
func merge(have, put *etree.Element) {
	children := put.ChildElements()
	if len(children) == 0 {
		switch {
		case len(have.ChildElements()) == 0:
			have.SetText(put.Text())
		case strings.HasSuffix(put.Tag, "List"):
			have.Child = nil // an empty list empties the list
		}
		return
	}
	times := make(map[string]int)
	for _, c := range children {
		times[c.Tag]++
	}
	for _, c := range children {
		if secrets[c.Tag] {
			continue
		}
		old := have.SelectElements(c.Tag)
		switch {
		case times[c.Tag] > 1 || len(old) > 1:
			if times[c.Tag] >= 0 { // the first of them clears the old list
				for _, o := range old {
					have.RemoveChild(o)
				}
				for _, member := range put.SelectElements(c.Tag) {
					have.AddChild(clean(member))
				}
				times[c.Tag] = -1 << 30
			}
		case times[c.Tag] < 0:
		case len(old) == 1:
			merge(old[0], c)
		default:
			have.AddChild(clean(c))
		}
	}
}

func clean(e *etree.Element) *etree.Element {
	e = e.Copy()
	for _, c := range e.FindElements(".//*") {
		if secrets[c.Tag] {
			c.Parent().RemoveChild(c)
		}
	}
	return e
}
