package isapitest

import (
	"encoding/json"
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
	doc.WriteSettings = etree.WriteSettings{CanonicalEndTags: true, CanonicalText: true}
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

func unmarshal(body string, v any) error { return json.Unmarshal([]byte(body), v) }

// lists are the documents whose members have paths of their own.
var lists = map[string]string{
	network + "DDNS": "DDNS", network + "ftp": "FTPNotification", network + "mailing": "mailing",
	"/ISAPI/System/time/ntpServers": "NTPServer", "/ISAPI/Event/notification/httpHosts": "HttpHostNotification",
	"/ISAPI/Streaming/channels": "StreamingChannel", "/ISAPI/Event/triggers": "EventTrigger",
	channelsPath: "InputProxyChannel", rightsPath: "UserPermission", onvifPath: "User",
}

// whole returns the path of the document that holds what is at path, and the
// number of the member if path is one's.
func (d *Device) whole(path string) (document, member string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return path, ""
	}
	if _, own := d.docs["GET "+path]; own || lists[path[:i]] == "" {
		return path, ""
	}
	return path[:i], path[i+1:]
}

func (d *Device) isMember(path string) bool { return d.member(path) != "" }

// member writes a member of a list as a document of its own.
func (d *Device) member(path string) string {
	list, id := d.whole(path)
	if _, gone := d.docs["-GET "+list]; gone || id == "" {
		return ""
	}
	root := parse(d.docs["GET "+list])
	e := memberOf(root, id)
	if e == nil {
		return ""
	}
	doc := etree.NewDocument()
	doc.WriteSettings = etree.WriteSettings{CanonicalEndTags: true, CanonicalText: true}
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	doc.CreateText("\n")
	e = e.Copy()
	for _, name := range []string{"version", "xmlns"} {
		if v := root.SelectAttrValue(name, ""); v != "" && e.SelectAttr(name) == nil {
			e.CreateAttr(name, v)
		}
	}
	doc.AddChild(e)
	doc.CreateText("\n")
	s, err := doc.WriteToString()
	if err != nil {
		return ""
	}
	return s
}

// memberOf finds a member of a list by its number.
func memberOf(root *etree.Element, id string) *etree.Element {
	if root == nil {
		return nil
	}
	for _, e := range root.FindElements("./*") {
		if word(e, "id") == id {
			return e
		}
		if strings.HasSuffix(e.Tag, "List") {
			if m := memberOf(e, id); m != nil {
				return m
			}
		}
	}
	return nil
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
	seen := make(map[string]int)
	for _, c := range children {
		if secrets[c.Tag] {
			continue
		}
		old := have.SelectElements(c.Tag)
		seen[c.Tag]++
		switch {
		case times[c.Tag] == len(old) && word(old[seen[c.Tag]-1], "id") == word(c, "id"):
			merge(old[seen[c.Tag]-1], c) // the same list
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
