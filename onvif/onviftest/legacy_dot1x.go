package onviftest

import (
	"slices"

	"github.com/beevik/etree"
)

// A legacyDot1x is a way of logging in to the switch, by the device service.
type legacyDot1x struct {
	token, identity, anonymous, method string
	authorities                        []string
	cert, password, version            string
}

// versionSpace is of what the maker puts beside it: the version of EAPOL.
const versionSpace = "urn:camsec:sim"

// maxLegacyDot1X is what there is room for, as the capabilities tell.
const maxLegacyDot1X = 2

var errNoLegacyDot1X = sender("No such configuration", "ter:InvalidArgVal", "ter:ReferenceToken")

func (d *Device) legacyDot1XAt(token string) int {
	return slices.IndexFunc(d.dot1x, func(x legacyDot1x) bool { return x.token == token })
}

// readLegacyDot1X reads what is to be set, and holds it against the
// certificates that there are.
func (d *Device) readLegacyDot1X(e *etree.Element) (legacyDot1x, error) {
	if e == nil {
		return legacyDot1x{}, sender("Nothing to set", "ter:InvalidArgs")
	}
	x := legacyDot1x{
		token: text(e, "Dot1XConfigurationToken"), identity: text(e, "Identity"), anonymous: text(e, "AnonymousID"), method: text(e, "EAPMethod"),
		cert: text(e, "EAPMethodConfiguration/TLSConfiguration/CertificateID"), version: text(e, "Extension/EAPOLVersion"),
	}
	if how := e.SelectElement("EAPMethodConfiguration"); how != nil {
		x.password = verbatim(how, "Password")
	}
	for _, ca := range e.SelectElements("CACertificateID") {
		id := ca.Text()
		if !slices.ContainsFunc(d.cas, func(c certificate) bool { return c.id == id }) {
			return x, errNoCertificate
		}
		x.authorities = append(x.authorities, id)
	}
	switch {
	case x.token == "" || !slices.Contains([]string{"13", "25"}, x.method):
		return x, sender("Not that way", "ter:InvalidArgVal")
	case x.cert != "" && d.certAt(x.cert) < 0, x.cert == "" && x.method == "13":
		return x, errNoCertificate
	}
	return x, nil
}

func (d *Device) createLegacyDot1X(q *request) (string, error) {
	x, err := d.readLegacyDot1X(q.el.SelectElement("Dot1XConfiguration"))
	switch {
	case err != nil:
		return "", err
	case d.legacyDot1XAt(x.token) >= 0:
		return "", sender("There already", "ter:InvalidArgVal", "ter:ReferenceToken")
	case len(d.dot1x) >= maxLegacyDot1X:
		return "", &faultError{500, "Receiver", "No room", []string{"ter:Action"}}
	}
	x.version = "2"
	d.dot1x = append(d.dot1x, x)
	return done(q)
}

// setLegacyDot1X keeps the password that it has unless there is a new one.
func (d *Device) setLegacyDot1X(q *request) (string, error) {
	e := q.el.SelectElement("Dot1XConfiguration")
	x, err := d.readLegacyDot1X(e)
	if err != nil {
		return "", err
	}
	i := d.legacyDot1XAt(x.token)
	if i < 0 {
		return "", errNoLegacyDot1X
	}
	if e.FindElement("./EAPMethodConfiguration/Password") == nil {
		x.password = d.dot1x[i].password
	}
	d.dot1x[i] = x
	return done(q)
}

func (d *Device) getLegacyDot1X(q *request) (string, error) {
	i := d.legacyDot1XAt(text(q.el, "Dot1XConfigurationToken"))
	if i < 0 {
		return "", errNoLegacyDot1X
	}
	return in("tds:GetDot1XConfigurationResponse", d.dot1x[i].xml()), nil
}

func (d *Device) getAllLegacyDot1X(*request) (string, error) {
	var list []string
	for _, x := range d.dot1x {
		list = append(list, x.xml())
	}
	return in("tds:GetDot1XConfigurationsResponse", list...), nil
}

func (d *Device) deleteLegacyDot1X(q *request) (string, error) {
	left := slices.Clone(d.dot1x)
	for _, e := range q.el.SelectElements("Dot1XConfigurationToken") {
		if d.legacyDot1XAt(e.Text()) < 0 {
			return "", errNoLegacyDot1X
		}
		left = slices.DeleteFunc(left, func(x legacyDot1x) bool { return x.token == e.Text() })
	}
	d.dot1x = left
	return done(q)
}

// xml writes everything but the password.
func (x legacyDot1x) xml() string {
	list := []string{el("tt:Dot1XConfigurationToken", x.token), el("tt:Identity", x.identity)}
	if x.anonymous != "" {
		list = append(list, el("tt:AnonymousID", x.anonymous))
	}
	list = append(list, el("tt:EAPMethod", x.method))
	for _, id := range x.authorities {
		list = append(list, el("tt:CACertificateID", id))
	}
	if x.cert != "" {
		list = append(list, in("tt:EAPMethodConfiguration", in("tt:TLSConfiguration", el("tt:CertificateID", x.cert))))
	}
	if x.version != "" {
		list = append(list, in("tt:Extension", `<v:EAPOLVersion xmlns:v="`+versionSpace+`">`+esc(x.version)+"</v:EAPOLVersion>"))
	}
	return in("tds:Dot1XConfiguration", list...)
}

// Dot1XPassword returns the password with which the device logs in to its
// switch by the legacy configuration of that token.
func (d *Device) Dot1XPassword(token string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.legacyDot1XAt(token); i >= 0 {
		return d.dot1x[i].password
	}
	return ""
}
