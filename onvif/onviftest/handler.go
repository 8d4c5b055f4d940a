package onviftest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
	"github.com/camsec/camsec/auth/authtest"
)

const (
	soapType = "application/soap+xml; charset=utf-8"
	maxBody  = 16 << 20

	nsDevice   = "http://www.onvif.org/ver10/device/wsdl"
	nsSecurity = "http://www.onvif.org/ver10/advancedsecurity/wsdl"
	nsMedia    = "http://www.onvif.org/ver10/media/wsdl"
	nsSchema   = "http://www.onvif.org/ver10/schema"
	nsEnvelope = "http://www.w3.org/2003/05/soap-envelope"
	nsError    = "http://www.onvif.org/ver10/error"
)

// A request is one operation being carried out.
type request struct {
	action string
	el     *etree.Element
	user   string // logged in; empty: nobody
	file   []byte // an attachment
	host   string
	tls    bool
	peer   string
	// byCertificate: the user is the common name of the client's certificate.
	byCertificate bool
}

// faultError is a refusal with codes, in words of the standard.
type faultError struct {
	status int
	code   string // Sender or Receiver
	reason string
	sub    []string
}

func (e *faultError) Error() string { return e.reason }

func sender(reason string, sub ...string) error { return &faultError{400, "Sender", reason, sub} }

// class is who may do what (Core 5.9.4.3).
func class(action string) string {
	switch action {
	case "GetWsdlUrl", "GetServices", "GetServiceCapabilities", "GetCapabilities", "GetHostname", "GetSystemDateAndTime", "GetEndpointReference":
		return "PRE_AUTH"
	case "GetUsers", "GetAccessPolicy", "GetSystemLog", "GetSystemBackup", "GetSystemSupportInformation", "GetCertificates", "GetCACertificates",
		"GetCertificatesStatus", "GetCertificateInformation", "GetPkcs10Request", "GetClientCertificateMode", "GetDot1XConfiguration", "GetDot1XConfigurations":
		return "READ_SYSTEM_SECRET"
	case "GetAllKeys", "GetKeyStatus", "GetCertificate", "GetAllCertificates", "GetAllCertificationPaths", "GetCertificationPath", "GetAssignedServerCertificates",
		"GetAllPassphrases", "GetCRL", "GetAllCRLs", "GetCertPathValidationPolicy", "GetAllCertPathValidationPolicies", "GetAssignedCertPathValidationPolicies", "GetAllDot1XConfigurations",
		"GetNetworkInterfaceDot1XConfiguration", "GetAuthorizationServerConfigurations", "GetJWTConfiguration", "GetAssignedMediaSigningCertificates":
		return "READ_SYSTEM_SECRET"
	case "CreatePKCS10CSR":
		return "READ_SYSTEM"
	}
	if strings.HasPrefix(action, "Get") {
		return "READ_SYSTEM"
	}
	return "WRITE_SYSTEM"
}

// mayDo tells whether an account of that level may.
func mayDo(level, class string) bool {
	switch class {
	case "PRE_AUTH":
		return true
	case "READ_SYSTEM":
		return level != ""
	}
	return level == "Administrator"
}

// readAll reads a body and leaves it to be read again.
func readAll(r *http.Request) []byte {
	if r.Body == nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(b) > maxBody {
		b = nil
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b
}

func isONVIF(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/onvif/") }

// public tells which requests need no login in HTTP: what everybody may do,
// what a token is in, and everything on a device without digest.
func (d *Device) public(r *http.Request) bool {
	if !isONVIF(r) {
		return d.open != nil && d.open(r)
	}
	if len(d.p.Digest) == 0 {
		return true
	}
	if d.certificateUser(r) != "" {
		return true
	}
	root, _ := parse(r.Header.Get("Content-Type"), readAll(r))
	action := actionOf(root)
	if action == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return class(action.Tag) == "PRE_AUTH" || slices.Contains(d.p.Faults.Opens, action.Tag) ||
		d.p.Token && root.FindElement("./Header/Security/UsernameToken") != nil
}

// parse reads an envelope, and the file attached to it.
func parse(kind string, body []byte) (root *etree.Element, file []byte) {
	if t, params, err := mime.ParseMediaType(kind); err == nil && strings.HasPrefix(t, "multipart/") {
		mr := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for i := 0; ; i++ {
			p, err := mr.NextRawPart()
			if err != nil {
				break
			}
			b, _ := io.ReadAll(p)
			if i == 0 {
				body = b
			} else {
				file = b
			}
		}
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(body); err != nil || doc.Root() == nil || doc.Root().Tag != "Envelope" || doc.Root().NamespaceURI() != nsEnvelope {
		return nil, nil
	}
	return doc.Root(), file
}

func actionOf(root *etree.Element) *etree.Element {
	if root == nil {
		return nil
	}
	body := root.SelectElement("Body")
	if body == nil || len(body.ChildElements()) != 1 {
		return nil
	}
	return body.ChildElements()[0]
}

// ServeHTTP answers requests whose login in HTTP has passed, or that need
// none. Clients reach it through the device's Host.
func (d *Device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !isONVIF(r):
		if d.other == nil {
			http.NotFound(w, r)
			return
		}
		d.other.ServeHTTP(w, r)
	case d.isOff():
		http.NotFound(w, r)
	case strings.HasPrefix(r.URL.Path, "/onvif/upload/"):
		d.upload(w, r)
	case r.Method != http.MethodPost:
		http.Error(w, "", http.StatusMethodNotAllowed)
	case r.URL.Path != "/onvif/device_service" && r.URL.Path != d.p.ServicePath:
		http.NotFound(w, r)
	default:
		d.serveSOAP(w, r)
	}
}

func (d *Device) isOff() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

func (d *Device) serveSOAP(w http.ResponseWriter, r *http.Request) {
	sent := readAll(r)
	root, file := parse(r.Header.Get("Content-Type"), sent)
	el := actionOf(root)
	d.mu.Lock()
	status, kind, body := d.answer(r, root, el, file)
	if el != nil {
		d.last[el.Tag], d.replies[el.Tag] = string(sent), body
	}
	d.mu.Unlock()
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (d *Device) answer(r *http.Request, root, el *etree.Element, file []byte) (status int, kind, body string) {
	if el == nil {
		return 400, soapType, d.envelope(d.faultBody("Sender", "Well-formed error", "ter:WellFormed"))
	}
	q := &request{action: el.Tag, el: el, file: file, host: r.Host, tls: r.TLS != nil, peer: r.RemoteAddr, user: authtest.UserOf(r.Context())}
	if q.user == "" {
		q.user = d.certificateUser(r)
		q.byCertificate = q.user != ""
	}
	out, err := d.carryOut(q, root)
	if err == nil {
		d.requests[q.action]++
		if strings.HasPrefix(out, "--") { // with an attachment
			return 200, `multipart/related; type="application/xop+xml"; boundary="sim"; start="<root>"`, out
		}
		return 200, soapType, d.envelope(out)
	}
	var f *faultError
	if !errors.As(err, &f) {
		f = &faultError{500, "Receiver", err.Error(), []string{"ter:Action"}}
	}
	if f.status == 200 {
		return 200, soapType, ""
	}
	return f.status, soapType, d.envelope(d.faultBody(f.code, f.reason, f.sub...))
}

// carryOut logs in, checks the level and does what is asked for.
func (d *Device) carryOut(q *request, root *etree.Element) (string, error) {
	needs := class(q.action)
	open := slices.Contains(d.p.Faults.Opens, q.action)
	if q.user == "" && d.p.Token {
		user, why := d.tokenUser(root)
		if why != "" && !open {
			status := d.p.RefusalStatus
			if status == 0 {
				status = 400
			}
			return "", &faultError{status, "Sender", why, []string{"ter:NotAuthorized"}}
		}
		q.user = user
	}
	do, ok := d.operation(q)
	if !ok || slices.Contains(d.p.Missing, q.action) {
		return "", d.unsupported(q.action)
	}
	level := ""
	if i := d.userAt(q.user); i >= 0 {
		level = d.users[i].Level
	}
	if !open && !mayDo(level, needs) {
		status := 400
		switch {
		case q.byCertificate:
			status = 403
		case q.user == "" && d.p.RefusalStatus != 0:
			status = d.p.RefusalStatus
		}
		return "", &faultError{status, "Sender", "Sender not authorized", []string{"ter:NotAuthorized"}}
	}
	if needs == "WRITE_SYSTEM" && d.p.Faults.SilentWrites {
		if reply := pretend(q); reply != "" {
			return reply, nil
		}
	}
	out, err := do(d, q)
	if err == nil && needs == "WRITE_SYSTEM" {
		d.writes = append(d.writes, Write{q.action, q.user})
	}
	return out, err
}

// operation finds what carries a request out.
func (d *Device) operation(q *request) (do func(*Device, *request) (string, error), ok bool) {
	switch ns := q.el.NamespaceURI(); {
	case ns == nsDevice:
		do, ok = operations[q.action]
	case ns == nsSecurity && d.p.Security:
		do, ok = keystoreOperations[q.action]
	case ns == nsMedia:
		do, ok = mediaOperations[q.action]
	}
	return do, ok
}

// pretend is the answer of a device that does nothing.
func pretend(q *request) string {
	switch q.action {
	case "StartFirmwareUpgrade", "StartSystemRestore", "SystemReboot", "CreateCertificate":
		return ""
	}
	if q.el.NamespaceURI() == nsSecurity {
		return ""
	}
	return "<tds:" + q.action + "Response/>"
}

func (d *Device) unsupported(action string) error {
	switch d.p.Unsupported {
	case RefuseTwice:
		return &faultError{500, "Receiver", "Optional Action Not Implemented", []string{"ter:ActionNotSupported", "ter:InvalidOperation"}}
	case RefuseAction:
		return &faultError{500, "Receiver", "Action failed", []string{"ter:Action"}}
	case RefuseBare:
		return &faultError{400, "Sender", "Method '" + action + "' not implemented: method name or namespace not recognized", nil}
	case Refuse501:
		return &faultError{501, "Receiver", "Not implemented", []string{"ter:ActionNotSupported"}}
	case RefuseEmpty:
		return &faultError{status: 200}
	}
	return &faultError{500, "Receiver", "Optional Action Not Implemented", []string{"ter:ActionNotSupported"}}
}

// faultBody writes a fault; a device that cannot spell mixes the codes up.
func (d *Device) faultBody(code, reason string, sub ...string) string {
	p := "E:" // replaced by the envelope's own prefix
	if d.p.Faults.Misspelt {
		if code == "Receiver" {
			code = "Reveiver"
		}
		sub = slices.Clone(sub)
		slices.Reverse(sub)
	}
	inner := ""
	for _, s := range slices.Backward(sub) {
		inner = "<" + p + "Subcode><" + p + "Value>" + s + "</" + p + "Value>" + inner + "</" + p + "Subcode>"
	}
	return "<" + p + "Fault><" + p + "Code><" + p + "Value>" + p + code + "</" + p + "Value>" + inner + "</" + p + "Code><" +
		p + `Reason><` + p + `Text xml:lang="en">` + esc(reason) + "</" + p + "Text></" + p + "Reason></" + p + "Fault>"
}

// envelope puts a body into an envelope of the device's style.
func (d *Device) envelope(body string) string {
	prefix := string(d.p.Style)
	if d.p.Style == StyleBare {
		return d.bare(body)
	}
	body = strings.NewReplacer("<E:", "<"+prefix+":", "</E:", "</"+prefix+":", ">E:", ">"+prefix+":").Replace(body)
	header := ""
	if d.p.Style == StyleGSOAP {
		header = "<SOAP-ENV:Header></SOAP-ENV:Header>"
	}
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + prefix + `:Envelope xmlns:` + prefix + `="` + nsEnvelope + `"` + spaces + ">" +
		header + "<" + prefix + ":Body>" + body + "</" + prefix + ":Body></" + prefix + ":Envelope>"
}

const spaces = ` xmlns:tds="` + nsDevice + `" xmlns:tas="` + nsSecurity + `" xmlns:trt="` + nsMedia + `" xmlns:tt="` + nsSchema + `" xmlns:ter="` + nsError + `" xmlns:xop="http://www.w3.org/2004/08/xop/include"`

// bare writes a default namespace on each element, as Bosch does, with
// attributes that only look like declarations.
func (d *Device) bare(body string) string {
	doc := etree.NewDocument()
	whole := `<E:Envelope xmlns:E="` + nsEnvelope + `"` + spaces + `><E:Body>` + body + `</E:Body></E:Envelope>`
	if err := doc.ReadFromString(whole); err != nil {
		return whole
	}
	space := map[string]string{"E": nsEnvelope, "tds": nsDevice, "tas": nsSecurity, "trt": nsMedia, "tt": nsSchema, "xop": "http://www.w3.org/2004/08/xop/include"}
	var walk func(*etree.Element)
	walk = func(e *etree.Element) {
		if ns, ok := space[e.Space]; ok {
			e.Space = ""
			attrs := []etree.Attr{{Key: "xmlns", Value: ns}}
			for _, a := range e.Attr {
				if a.Space != "xmlns" || a.Key == "ter" {
					attrs = append(attrs, a)
				}
			}
			e.Attr = attrs
		}
		for _, c := range e.ChildElements() {
			walk(c)
		}
	}
	walk(doc.Root())
	for _, v := range doc.FindElements("//Value") {
		v.SetText(strings.TrimPrefix(v.Text(), "E:"))
	}
	out, err := doc.WriteToString()
	if err != nil {
		return whole
	}
	return `<?xml version="1.0" encoding="UTF-8"?>` + out
}

// upload takes a firmware image or a backup.
func (d *Device) upload(w http.ResponseWriter, r *http.Request) {
	body := readAll(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	what := d.uploads[r.URL.RequestURI()]
	switch {
	case what == "" || r.Method != http.MethodPost:
		http.NotFound(w, r)
	case r.Header.Get("Content-Type") != "application/octet-stream":
		http.Error(w, "", http.StatusUnsupportedMediaType)
	case what == "restore":
		d.restored++
	default:
		if !d.takeImage(body) {
			http.Error(w, "", http.StatusUnsupportedMediaType)
		}
	}
}

// ImageFor returns an image that the device takes and that makes it report the
// version.
func ImageFor(version string) []byte {
	return append([]byte("CAMSEC-SIM-FIRMWARE "+version+"\n"), bytes.Repeat([]byte{0xa5}, 4096)...)
}

func (d *Device) takeImage(image []byte) bool {
	line, _, _ := bytes.Cut(image, []byte("\n"))
	version, ok := strings.CutPrefix(string(line), "CAMSEC-SIM-FIRMWARE ")
	if !ok {
		return false
	}
	h := sha256.Sum256(image)
	d.images = append(d.images, Image{int64(len(image)), hex.EncodeToString(h[:])})
	if d.p.Faults.SilentWrites {
		return true
	}
	d.p.Firmware = version
	d.off = d.p.Faults.OffAfterUpgrade
	if d.p.Faults.DropsUsers {
		for _, u := range d.users[1:] {
			d.host.RemoveUser(u.Name)
		}
		d.users = d.users[:1]
	}
	d.reboot()
	return true
}

func (d *Device) reboot() {
	d.reboots++
	d.host.ExpireNonces()
	d.tokens.seen = nil
}

// esc escapes text for an element or an attribute.
func esc(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

// el writes an element with text in it.
func el(name string, value any) string {
	return "<" + name + ">" + esc(fmt.Sprint(value)) + "</" + name + ">"
}

// in writes an element with elements in it.
func in(name string, content ...string) string {
	first, _, _ := strings.Cut(name, " ")
	return "<" + name + ">" + strings.Join(content, "") + "</" + first + ">"
}
