package main

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/isapitest"
)

// redactCapture takes what must not leave a site out of a capture: secrets, of
// which nothing remains, and, unless they are to be kept, serials, addresses
// and names, each of which becomes a word that stands for it wherever it
// occurs, so that what belonged together still does. A body that cannot be
// looked through is left out. The password that was logged in with is removed
// wherever it stands, if it is long enough to be told from other words.
func redactCapture(c *isapitest.Capture, password string, keepIdentifiers bool) {
	r := &captureRedaction{keep: keepIdentifiers, words: map[string]string{}, count: map[string]int{}, networks: map[netip.Prefix]int{}}
	c.Redacted = !keepIdentifiers
	for i := range c.Answers {
		a := &c.Answers[i]
		if len(a.Body) == 0 {
			continue
		}
		if isPage(a.Body) {
			a.Body = []byte("<!DOCTYPE html>\n<html></html>\n") // what it said is nobody's business
			continue
		}
		spans, ok := spansOf(a.Body)
		if !ok {
			a.Body, a.LeftOut = nil, "neither XML nor JSON"
			continue
		}
		r.each(a.Body, spans, r.learn)
	}
	r.prepare()
	if len(password) >= 8 {
		r.password = password
	}
	for i := range c.Answers {
		a := &c.Answers[i]
		if spans, ok := spansOf(a.Body); ok && !isPage(a.Body) {
			a.Body = r.rewrite(a.Body, spans)
		}
	}
	if !keepIdentifiers {
		c.User, c.Server = r.identifier(classUser, c.User), r.within(span{}, c.Server)
	}
}

func isPage(body []byte) bool {
	head := bytes.ToLower(body[:min(len(body), 1024)])
	return bytes.Contains(head, []byte("<html")) || bytes.Contains(head, []byte("<!doctype html"))
}

// A captureClass is what kind of value a span holds.
type captureClass string

const (
	classPlain   captureClass = ""
	classSecret  captureClass = "secret"
	classSerial  captureClass = "serial"
	classMAC     captureClass = "mac"
	classAddress captureClass = "address"
	classHost    captureClass = "host"
	classUser    captureClass = "user"
	className    captureClass = "name"
	classMail    captureClass = "mail"
	classURL     captureClass = "url"
	classID      captureClass = "id"
)

// secretWords are parts of the names of elements that hold secrets, whatever
// else the name says.
var secretWords = []string{
	"password", "passwd", "passphrase", "pwd", "secret", "psk", "sharedkey", "encryptionkey", "privatekey", "secretkey",
	"community", "verificationcode", "token", "salt", "challenge", "answer", "credential", "pincode", "sessionid",
}

// countWords end the names of elements that tell of a secret how long it may be.
var countWords = []string{"limit", "length", "len", "num", "nums", "times", "validity", "version", "type", "mode", "cap", "lists"}

// protocolNames are names of things that the protocol knows, not of people or
// places.
var protocolNames = []string{"protocolname", "modelname", "typename", "eventname", "methodname", "functionname", "filename", "platformname"}

func classOf(s span) captureClass {
	name := s.element
	if s.attribute != "" {
		name = strings.ToLower(s.attribute)
	}
	counts := slices.ContainsFunc(countWords, func(w string) bool { return strings.HasSuffix(name, w) })
	switch {
	case strings.HasPrefix(name, "issupport"):
		return classPlain
	case name == "key" || name == "wepkey" || name == "value" && s.parent == "token":
		return classSecret
	case !counts && slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(name, w) }):
		return classSecret
	case strings.Contains(name, "serialn") || name == "devicesn":
		return classSerial
	case strings.Contains(name, "macaddr"):
		return classMAC
	case strings.HasSuffix(name, "ipaddress"), strings.HasSuffix(name, "ipv6address"), strings.HasSuffix(name, "ipv4address"), name == "receiveraddress":
		return classAddress
	case strings.HasSuffix(name, "hostname"), strings.HasSuffix(name, "domainname"), name == "proxy", name == "serveraddress":
		return classHost
	case strings.HasSuffix(name, "username"), name == "accountname", name == "authid", name == "name" && s.parent == "onlineuser":
		return classUser
	case strings.HasSuffix(name, "emailaddress"), strings.Contains(name, "phonenum"):
		return classMail
	case name == "url", strings.HasSuffix(name, "uri"):
		return classURL
	case strings.HasSuffix(name, "name") && !slices.Contains(protocolNames, name), name == "ssid", name == "devicedescription",
		strings.HasSuffix(name, "location"), strings.HasSuffix(name, "contact"), strings.HasSuffix(name, "remark"),
		strings.Contains(name, "latitude"), strings.Contains(name, "longitude"), strings.Contains(name, "telephone"):
		return className
	case name == "deviceid", name == "devindex", strings.HasSuffix(name, "engineid"), name == "guid", name == "uuid":
		return classID
	}
	return classPlain
}

// grammar are attributes that say something of the protocol and not of the
// device.
func grammar(attribute string) bool {
	a := strings.ToLower(attribute)
	return a == "version" || a == "opt" || a == "min" || a == "max" || a == "def" || a == "default" || a == "size" ||
		a == "xmlns" || strings.HasPrefix(a, "xmlns:") || a == "encoding" || strings.HasPrefix(a, "xsi:")
}

type captureRedaction struct {
	keep     bool
	password string            // empty: none to look for
	words    map[string]string // class and value -> what stands for it
	count    map[string]int
	networks map[netip.Prefix]int
	known    *strings.Replacer // what is replaced within other texts
}

func (r *captureRedaction) each(body []byte, spans []span, f func(s span, text string)) {
	for _, s := range spans {
		f(s, string(bytes.TrimSpace(body[s.start:s.end])))
	}
}

// learn gives a word to an identifier.
func (r *captureRedaction) learn(s span, text string) {
	if r.keep || s.comment || grammar(s.attribute) && s.attribute != "" {
		return
	}
	if c := classOf(s); c != classPlain && c != classSecret {
		r.identifier(c, text)
	}
}

// defaultUsers are names of accounts that every device of a make has.
var defaultUsers = []string{"admin", "administrator", "operator", "user", "guest", "root", "service", "viewer", "anonymous", "onvif", "default"}

// identifier is what stands for a value; the value itself where it names
// nobody.
func (r *captureRedaction) identifier(c captureClass, text string) string {
	if text == "" || (c == classSerial || c == classMAC) && camsec.IsPlaceholder(text) {
		return text
	}
	switch c {
	case classUser:
		if slices.Contains(defaultUsers, strings.ToLower(text)) {
			return text
		}
	case classMAC:
		return r.mac(text)
	case classAddress, classHost:
		if a, err := netip.ParseAddr(text); err == nil {
			return r.address(a)
		}
		c = classHost
	}
	key := string(c) + " " + text
	if r.words[key] == "" {
		r.count[string(c)]++
		n := r.count[string(c)]
		switch c {
		case classHost:
			r.words[key] = fmt.Sprintf("host-%d.example", n)
		case classMail:
			r.words[key] = fmt.Sprintf("mail-%d@example.com", n)
		case classURL:
			r.words[key] = fmt.Sprintf("/url-%d", n)
		default:
			r.words[key] = fmt.Sprintf("%s-%d", c, n)
		}
	}
	return r.words[key]
}

// mac keeps how an address is written. The words are locally administered.
func (r *captureRedaction) mac(text string) string {
	digits := strings.ToLower(strings.NewReplacer(":", "", "-", "", ".", "").Replace(text))
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 6 {
		return r.identifier(classID, text)
	}
	key := "mac " + digits
	if r.words[key] == "" {
		r.count["mac"]++
		r.words[key] = fmt.Sprintf("02005e10%04x", r.count["mac"]&0xffff)
	}
	out, i := []byte(text), 0
	for _, d := range []byte(r.words[key]) {
		for !isHex(out[i]) {
			i++
		}
		out[i] = d
		i++
	}
	if strings.ToUpper(text) == text && strings.ToLower(text) != text {
		return strings.ToUpper(string(out))
	}
	return string(out)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// address keeps addresses of one network in one network, in the ranges of RFC
// 2544 and RFC 3849, and those that name no device as they are.
func (r *captureRedaction) address(a netip.Addr) string {
	if a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || isMask(a) {
		return a.String()
	}
	key := "address " + a.String()
	if r.words[key] != "" {
		return r.words[key]
	}
	bits := 24
	if a.Is6() {
		bits = 64
	}
	net, _ := a.WithZone("").Prefix(bits)
	if _, ok := r.networks[net]; !ok {
		r.networks[net] = len(r.networks) + 1
	}
	r.count[net.String()]++
	n, host := r.networks[net], r.count[net.String()]
	if a.Is6() {
		r.words[key] = fmt.Sprintf("2001:db8:%x::%x", n, host)
	} else {
		r.words[key] = fmt.Sprintf("198.%d.%d.%d", 18+n>>8&1, n&0xff, host)
	}
	return r.words[key]
}

func isMask(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	b := a.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return b[0] == 255 && ^n&(^n+1) == 0
}

// prepare makes the replacer of what is also found within other texts: a
// serial in a name, a MAC without its colons.
func (r *captureRedaction) prepare() {
	var pairs [][2]string
	for key, word := range r.words {
		class, value, _ := strings.Cut(key, " ")
		switch captureClass(class) {
		case classSerial, classHost, classMail, classMAC:
			if len(value) >= 6 {
				pairs = append(pairs, [2]string{value, word})
			}
			if class == "mac" && strings.ToUpper(value) != value {
				pairs = append(pairs, [2]string{strings.ToUpper(value), strings.ToUpper(word)})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(len(b[0])-len(a[0]), strings.Compare(a[0], b[0])) })
	var flat []string
	for _, p := range pairs {
		flat = append(flat, p[0], p[1])
	}
	r.known = strings.NewReplacer(flat...)
}

func (r *captureRedaction) rewrite(body []byte, spans []span) []byte {
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	var out bytes.Buffer
	at := 0
	for _, s := range spans {
		if s.start < at {
			continue
		}
		text := string(body[s.start:s.end])
		trimmed := strings.TrimSpace(text)
		lead, tail, _ := strings.Cut(text, trimmed)
		out.Write(body[at:s.start])
		if r.password != "" {
			trimmed = strings.ReplaceAll(trimmed, r.password, removed)
		}
		out.WriteString(lead + r.value(s, trimmed) + tail)
		at = s.end
	}
	out.Write(body[at:])
	return out.Bytes()
}

const removed = "removed"

// value is what stands in the place of a value.
func (r *captureRedaction) value(s span, text string) string {
	switch {
	case s.comment:
		return " "
	case s.attribute != "" && grammar(s.attribute), isSwitch(text):
		return text
	}
	c := classOf(s)
	switch {
	case c == classSecret && s.bare:
		return "0"
	case c == classSecret:
		return removed
	case s.bare:
		return text
	case c == classPlain && isOpaque(text):
		return removed // a key, a hash or a certificate, under a name that nobody knows
	case r.keep:
		return text
	case c != classPlain:
		return r.identifier(c, text)
	case strings.ContainsFunc(text, func(c rune) bool { return c > '~' }):
		return r.identifier(className, text) // in somebody's own language
	}
	return r.within(s, text)
}

func isOpaque(text string) bool {
	return len(text) >= 32 && opaqueText.MatchString(text) && !uuidText.MatchString(text) || strings.Contains(text, "-----BEGIN")
}

// isSwitch tells the words that are a value of the protocol under any name.
func isSwitch(text string) bool {
	return text == "true" || text == "false" || text == "null" || text == ""
}

var (
	opaqueText = regexp.MustCompile(`^[0-9A-Za-z+/=_-]*([0-9][0-9A-Za-z+/=_-]*[A-Za-z]|[A-Za-z][0-9A-Za-z+/=_-]*[0-9])[0-9A-Za-z+/=_-]*$`)
	mailText   = regexp.MustCompile(`[\w.+-]+@[\w-]+(\.[\w-]+)+`)
	macText    = regexp.MustCompile(`(?i)\b[0-9a-f]{2}([:-][0-9a-f]{2}){5}\b`)
	addrText   = regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`)
	uuidText   = regexp.MustCompile(`(?i)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
)

// within replaces identifiers in a text that is none itself.
func (r *captureRedaction) within(s span, text string) string {
	text = r.known.Replace(text)
	text = uuidText.ReplaceAllStringFunc(text, func(v string) string { return r.identifier(classID, v) })
	text = mailText.ReplaceAllStringFunc(text, func(v string) string { return r.identifier(classMail, v) })
	text = macText.ReplaceAllStringFunc(text, r.mac)
	if strings.Contains(s.element, "version") || strings.Contains(s.element, "mask") {
		return text
	}
	return addrText.ReplaceAllStringFunc(text, func(v string) string {
		if a, err := netip.ParseAddr(v); err == nil {
			return r.address(a)
		}
		return v
	})
}

// summary is what a person is told of a capture.
func summary(c *isapitest.Capture) string {
	refused, left := 0, 0
	for _, a := range c.Answers {
		switch {
		case a.LeftOut != "":
			left++
		case a.Status != 200:
			refused++
		}
	}
	s := strconv.Itoa(len(c.Answers)) + " answers, " + strconv.Itoa(refused) + " of them refusals"
	if left > 0 {
		s += ", " + strconv.Itoa(left) + " without the body"
	}
	if c.Redacted {
		return s + "; secrets removed, identifiers replaced"
	}
	return s + "; secrets removed, identifiers kept"
}
