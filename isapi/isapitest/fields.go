package isapitest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/camsec/camsec/auth/authtest"
)

// Field encryption by security=1, written here a second time so that a mistake
// in the client's is no mistake on both sides. The key of a login by session
// with a salt is salted, that of any other is not, as the web pages of an AX
// Hub have it.

const securityCapPath = "/ISAPI/Security/capabilities"

// hiddenNames are the fields that are hidden in the documents at a path.
func hiddenNames(path string) []string {
	switch {
	case path == usersPath || strings.HasPrefix(path, usersPath+"/"):
		return []string{"userName", "password", "loginPassword"}
	case path == onvifPath || strings.HasPrefix(path, onvifPath+"/"), strings.HasPrefix(path, channelsPath+"/"):
		return []string{"userName", "password"}
	case path == network+"SNMP":
		return []string{"userName", "snmpAuthenticationPassword", "snmpPrivacyPassword"}
	}
	return nil
}

// hidesFields: firmware before 2015 knows nothing of it.
func (p *Profile) hidesFields() bool { return p.NotSupported != http.StatusNotFound }

func (p *Profile) fieldSalt(user string) string {
	return strings.ToUpper(sha256Hex("field salt of " + user + p.Serial))
}

// userCapabilities are the security capabilities with what the key of one
// account is made of.
func (d *Device) userCapabilities(user string) string {
	p := &d.profile
	fields := p.securityFields()
	if d.salted() {
		fields = append(fields, el("isIrreversible", true), el("salt", p.fieldSalt(user)))
	}
	return p.in(securityCapPath).doc("SecurityCap", fields...)
}

func (d *Device) salted() bool { return d.profile.Sessions != "" && d.profile.Sessions != "1" }

// fieldKey is what both sides make of the requester's password.
func (d *Device) fieldKey(user string, bySession bool) []byte {
	base := ""
	for _, u := range d.users {
		if u.Name == user {
			base = u.Password
		}
	}
	if bySession && d.salted() {
		base = sha256Hex(user + d.profile.fieldSalt(user) + base)
	}
	key := base + "AaBbCcDd1234!@#$"
	for range 100 {
		key = sha256Hex(key)
	}
	raw, err := hex.DecodeString(key[:2*aes.BlockSize])
	if err != nil {
		return nil
	}
	return raw
}

// showField takes values padded with zeros, or by PKCS #7.
func showField(block cipher.Block, iv []byte, text string) (string, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) == 0 || len(b)%aes.BlockSize != 0 {
		return "", false
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(b, b)
	b = bytes.TrimRightFunc(b, func(r rune) bool { return r <= aes.BlockSize })
	value, err := base64.StdEncoding.DecodeString(string(b))
	return string(value), err == nil
}

// hideField pads as devices of the two namespaces do in answers: not recorded,
// so that clients meet both.
func (d *Device) hideField(block cipher.Block, iv []byte, text string) string {
	b := []byte(base64.StdEncoding.EncodeToString([]byte(text)))
	if n := aes.BlockSize - len(b)%aes.BlockSize; d.profile.Namespace == NamespaceISAPI {
		b = append(b, bytes.Repeat([]byte{byte(n)}, n)...)
	} else if n < aes.BlockSize {
		b = append(b, make([]byte, n)...)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(b, b)
	return hex.EncodeToString(b)
}

// withFields answers a request whose fields may be hidden.
func (d *Device) withFields(r *http.Request, sent string, next func(*http.Request, string) (int, string)) (int, string) {
	say := func(a answer) (int, string) { return a.http, d.status(a, r) }
	q := r.URL.Query()
	names, caller := hiddenNames(r.URL.Path), authtest.UserOf(r.Context())
	_, scripted := d.fails[r.Method+" "+r.URL.Path]
	if scripted || d.replay || !d.profile.hidesFields() {
		return next(r, sent)
	}
	if r.URL.Path == securityCapPath && q.Get("username") != "" && r.Method == http.MethodGet {
		if _, ok := d.find(http.MethodGet, securityCapPath); ok && d.activated {
			return http.StatusOK, d.userCapabilities(q.Get("username"))
		}
	}
	if q.Get("security") != "1" || len(names) == 0 || caller == "" {
		return next(r, sent)
	}
	iv, err := hex.DecodeString(q.Get("iv"))
	block, e := aes.NewCipher(d.fieldKey(caller, d.sessionOf(r) != nil))
	if err != nil || e != nil || len(iv) != aes.BlockSize {
		return say(answerContent)
	}
	if sent != "" {
		clear, ok := mapFields(sent, names, func(text string) (string, bool) { return showField(block, iv, text) })
		if !ok {
			return say(answerContent)
		}
		sent = clear
	}
	if hidden := q.Get("loginPassword"); hidden != "" {
		text, ok := showField(block, iv, hidden)
		if !ok {
			return say(answerContent)
		}
		q.Set("loginPassword", text)
		r = r.Clone(r.Context())
		r.URL.RawQuery = q.Encode()
	}
	// The guide: loginPassword is required when security is in the URL.
	isUser := strings.HasPrefix(r.URL.Path, usersPath)
	if isUser && r.Method != http.MethodGet && q.Get("loginPassword") == "" && word(parse(sent), "loginPassword") == "" {
		return say(answerConfirm)
	}
	status, body := next(r, sent)
	if r.Method == http.MethodGet && status == http.StatusOK {
		if hidden, ok := mapFields(body, names, func(text string) (string, bool) { return d.hideField(block, iv, text), true }); ok {
			body = hidden
		}
	}
	return status, body
}

// mapFields changes the texts of a document's fields.
func mapFields(body string, names []string, change func(string) (string, bool)) (string, bool) {
	doc := etree.NewDocument()
	if doc.ReadFromString(body) != nil || doc.Root() == nil {
		return "", false
	}
	doc.WriteSettings = etree.WriteSettings{CanonicalEndTags: true, CanonicalText: true}
	for _, e := range doc.Root().FindElements(".//*") {
		if text := e.Text(); slices.Contains(names, e.Tag) && len(e.ChildElements()) == 0 && text != "" {
			changed, ok := change(text)
			if !ok {
				return "", false
			}
			e.SetText(changed)
		}
	}
	out, err := doc.WriteToString()
	return out, err == nil
}

// confirmedQuery checks the requester's own password where a request without a
// body sends it.
func (d *Device) confirmedQuery(caller string, r *http.Request) answer {
	given := r.URL.Query().Get("loginPassword")
	if given == "" && d.profile.LoginPassword || given != "" && !d.host.PasswordIs(caller, given) {
		return answerConfirm
	}
	return answerOK
}

// confirmedJSON checks the requester's own password where a JSON document has
// it, and takes it out.
func (d *Device) confirmedJSON(caller, sent string) (string, answer) {
	var doc map[string]map[string]any
	if unmarshal(sent, &doc) != nil {
		return "", answerFormat
	}
	given := ""
	for _, fields := range doc {
		if text, ok := fields["adminPassword"].(string); ok {
			given = text
		}
		delete(fields, "adminPassword")
	}
	if given == "" && d.profile.LoginPassword || given != "" && !d.host.PasswordIs(caller, given) {
		return "", answerConfirm
	}
	out, err := json.Marshal(doc)
	if err != nil {
		return "", answerFormat
	}
	return string(out), answerOK
}
