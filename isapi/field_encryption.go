package isapi

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
)

// Fields that the vendor's web pages hide under security=1, by document.
var (
	userFields    = []string{"userName", "password", "loginPassword"}
	snmpFields    = []string{"userName", "snmpAuthenticationPassword", "snmpPrivacyPassword"}
	channelFields = []string{"userName", "password"}
)

// EncryptFields has the client hide names and passwords inside requests and
// answers from here on, as the vendor's web pages do with security=1: of
// accounts, of ONVIF's, of SNMP's users and of a recorder's channels. It is for
// devices that can be reached over plain HTTP alone, or that take these writes
// in no other way. The key comes from the password of the account in use, so
// that it hides nothing from who knows or guesses that one: it is no substitute
// for https.
//
// No exchange of a device with a known key was recorded, and makers differ in
// what the key is made of. So the key is proven first: the device's list of
// accounts is read hidden, and must show the account in use. Until it has, and
// again after that account's password changed, nothing is written. A device
// that does not say that it can, or answers in the clear, matches
// [errors.ErrUnsupported], and the client goes on without.
//
//isapi:op GET /ISAPI/Security/capabilities?username={id}
//isapi:op GET /ISAPI/Security/users?security=1&iv={id}
func (c *Client) EncryptFields(ctx context.Context) error {
	if _, err := c.proveFields(ctx); err != nil {
		return err
	}
	c.hideFields.Store(true)
	return nil
}

// A keyedCipher is a proven cipher with the login that it is for.
type keyedCipher struct {
	*fieldCipher
	login auth.Credential
}

// fields returns the cipher to hide fields with, nil if they are not hidden.
func (c *Client) fields(ctx context.Context) (*fieldCipher, error) {
	if !c.hideFields.Load() {
		return nil, nil //nolint:nilnil // the way to say: in the clear
	}
	if k := c.fieldKey.Load(); k != nil {
		cred, err := c.logins.Source.Credential(ctx, c.target, c.logins.Account)
		if err == nil && sameLogin(cred, k.login) {
			return k.fieldCipher, nil
		}
	}
	return c.proveFields(ctx)
}

// proveFields finds the key that opens what the device hides.
func (c *Client) proveFields(ctx context.Context) (*fieldCipher, error) {
	if c.logins.Source == nil {
		return nil, fmt.Errorf("isapi: encrypt fields: %w", camsec.ErrUnauthorized)
	}
	cred, err := c.logins.Source.Credential(ctx, c.target, c.logins.Account)
	if err != nil {
		return nil, fmt.Errorf("isapi: encrypt fields: %w", err)
	}
	asks, lists := operation("EncryptFields"), step(operations, "EncryptFields", 1)
	req := c.request(ctx, asks)
	req.URL.RawQuery = url.Values{"username": {cred.User}}.Encode()
	doc, _, err := c.fetchAnswer(asks, req, wire.Small(), "SecurityCap")
	if err != nil {
		return nil, err
	}
	caps := Capabilities{doc}
	versions := slices.Concat(splitWords(caps.Attr("opt", "securityVersion")), splitWords(caps.Text("securityVersion")))
	if !slices.Contains(versions, "1") {
		return nil, fmt.Errorf("isapi: %s: no securityVersion 1: %w", asks, errors.ErrUnsupported)
	}
	rounds, _ := strconv.Atoi(caps.Text("keyIterateNum"))
	salts := []string{""} // what a login by digest goes by, and old devices always
	if salt := caps.Text("salt"); salt != "" && caps.Flag("isIrreversible") == camsec.StateOn {
		salts = append(salts, salt)
	}
	iv, err := newIV(c.random())
	if err != nil {
		return nil, err
	}
	req = c.request(ctx, lists)
	req.URL.RawQuery = hiddenQuery(iv)
	doc, _, err = c.fetchAnswer(lists, req, wire.Small(), "UserList")
	if err != nil {
		return nil, err
	}
	for _, salt := range salts {
		f, err := newFieldCipher(cred.User, cred.Secret, salt, rounds)
		if err != nil {
			return nil, err
		}
		switch opened, inTheClear := f.opensNames(doc, iv, cred.User); {
		case inTheClear:
			return nil, fmt.Errorf("isapi: %s: the device hides nothing: %w", lists, errors.ErrUnsupported)
		case opened:
			c.fieldKey.Store(&keyedCipher{f, cred})
			return f, nil
		}
	}
	return nil, malformed(lists, "no key of ours opens what the device hides")
}

// opensNames tells whether the cipher opens all names of a list, the user's own
// among them; or whether that one stands there for all to read.
func (f *fieldCipher) opensNames(list *wire.Node, iv []byte, user string) (opened, inTheClear bool) {
	for _, u := range list.All("User") {
		name := u.Child("userName").String()
		if name == user {
			return false, true
		}
		clear, err := f.open(iv, name)
		if err != nil {
			return false, false
		}
		opened = opened || clear == user
	}
	return opened, false
}

// hiddenQuery asks for hidden fields.
func hiddenQuery(iv []byte) string { return "security=1&iv=" + hex.EncodeToString(iv) }

// A hiding is how the fields of one exchange are hidden; nil is in the clear.
type hiding struct {
	f     *fieldCipher
	iv    []byte
	names []string
}

// hide prepares an exchange in which fields of those names are hidden, if the
// client hides any.
func (c *Client) hide(ctx context.Context, names []string) (*hiding, error) {
	if len(names) == 0 {
		return nil, nil //nolint:nilnil // in the clear
	}
	f, err := c.fields(ctx)
	if f == nil || err != nil {
		return nil, err
	}
	iv, err := newIV(c.random())
	return &hiding{f, iv, names}, err
}

// query returns what the exchange asks for; empty is as the operation has it.
func (h *hiding) query() string {
	if h == nil {
		return ""
	}
	return hiddenQuery(h.iv)
}

// value hides the value of one field.
func (h *hiding) value(name, value string) (string, error) {
	if h == nil || value == "" || !slices.Contains(h.names, name) {
		return value, nil
	}
	return h.f.seal(h.iv, value)
}

// shown shows one value that a device has hidden.
func (h *hiding) shown(text string) (string, error) {
	if h == nil || text == "" {
		return text, nil
	}
	return h.f.open(h.iv, text)
}

// open shows the fields of a document that a device has hidden. One that cannot
// be opened makes the document of no use: a device that leaves fields as they
// are would store hidden ones as they are, too.
func (h *hiding) open(root *etree.Element) error {
	return h.each(root, func(text string) (string, error) { return h.f.open(h.iv, text) })
}

// seal hides the fields of a document of ours.
func (h *hiding) seal(root *etree.Element) error {
	return h.each(root, func(text string) (string, error) { return h.f.seal(h.iv, text) })
}

func (h *hiding) each(root *etree.Element, change func(string) (string, error)) error {
	if h == nil || root == nil {
		return nil
	}
	for _, e := range root.FindElements(".//*") {
		if text := e.Text(); slices.Contains(h.names, e.Tag) && len(e.ChildElements()) == 0 && text != "" {
			changed, err := change(text)
			if err != nil {
				return err
			}
			e.SetText(changed)
		}
	}
	return nil
}

// attemptMinimal sends a document of our own in the device's namespace and
// version, once, with its fields hidden if they are.
func (c *Client) attemptMinimal(ctx context.Context, op Operation, list *draft, h *hiding, root string, fields ...field) (attempt, error) {
	for i, f := range fields {
		text, err := h.value(f.name, f.text)
		if err != nil {
			return attempt{}, err
		}
		list.fit(f.name, f.text)
		fields[i].text = text
	}
	body, err := list.minimal(root, fields...)
	if err != nil {
		return attempt{}, err
	}
	a := c.attemptQuery(ctx, c.transport(), op, h.query(), body, list.contentType())
	clear(body)
	return a, nil
}

// attemptUser sends a change of accounts, with what newer firmware wants of the
// requester.
func (c *Client) attemptUser(ctx context.Context, op Operation, list *draft, caps Capabilities, fields ...field) (attempt, error) {
	h, err := c.hide(ctx, userFields)
	if err != nil {
		return attempt{}, err
	}
	own, err := c.confirmation(ctx, caps, h)
	if err != nil {
		return attempt{}, err
	}
	return c.attemptMinimal(ctx, op, list, h, "User", slices.Concat(fields, own)...)
}

// confirm puts the requester's own password into a draft, under the name that
// the document has for it.
func (c *Client) confirm(ctx context.Context, name string, d *draft, h *hiding) error {
	if name == "adminPassword" { // the guide has it required, whatever the device says of itself
		own, err := c.ownPassword(ctx, h)
		if err == nil && own != "" {
			d.add(name, own)
		}
		return errors.Join(err, d.err)
	}
	caps, err := c.SecurityCapabilities(ctx)
	if err != nil && hopeless(ctx, err) {
		return err
	}
	own, err := c.confirmation(ctx, caps, h)
	for _, f := range own {
		d.add(f.name, f.text)
	}
	return errors.Join(err, d.err)
}

// add puts a value of no mark at the end of a document.
func (d *draft) add(name, text string) {
	d.fit(name, text)
	if d.doc != nil {
		d.root.CreateElement(name).SetText(text)
		return
	}
	b, err := json.Marshal(map[string]string{name: text})
	end := bytes.LastIndexByte(d.json, '}')
	if inner := bytes.LastIndexByte(d.json[:max(end, 0)], '}'); inner >= 0 {
		end = inner // of the object within
	}
	if err != nil || end < 0 {
		d.fail(errors.Join(err, errors.New("isapi: no object to add to")))
		return
	}
	d.json = slices.Concat(d.json[:end], []byte(","), b[1:len(b)-1], d.json[end:])
}

// confirmationQuery is the requester's own password for a request without a
// body.
func (c *Client) confirmationQuery(ctx context.Context) (string, error) {
	h, err := c.hide(ctx, userFields)
	if err != nil {
		return "", err
	}
	caps, err := c.SecurityCapabilities(ctx)
	if err != nil && hopeless(ctx, err) {
		return "", err
	}
	own, err := c.confirmation(ctx, caps, h)
	if err != nil {
		return "", err
	}
	query := h.query()
	for _, f := range own {
		text, err := h.value(f.name, f.text)
		if err != nil {
			return "", err
		}
		if query != "" {
			query += "&"
		}
		query += url.Values{f.name: {text}}.Encode()
	}
	return query, nil
}

// confirmation is the requester's own password, which newer firmware wants with
// a change of accounts: those that say isSupportUserCheck, whose web pages send
// it, too.
func (c *Client) confirmation(ctx context.Context, caps Capabilities, h *hiding) ([]field, error) {
	if caps.Flag("isSupportUserCheck") != camsec.StateOn {
		return nil, nil
	}
	own, err := c.ownPassword(ctx, h)
	if err != nil || own == "" {
		return nil, err
	}
	return []field{{"loginPassword", own}}, nil
}

// ownPassword is that of the account in use. It is empty where somebody on the
// way could read it: over plain HTTP, or TLS that accepts any certificate, it
// goes along hidden alone.
func (c *Client) ownPassword(ctx context.Context, h *hiding) (string, error) {
	if h == nil && (c.base.Scheme != "https" || c.anyPeer) || c.logins.Source == nil {
		return "", nil
	}
	cred, err := c.logins.Source.Credential(ctx, c.target, c.logins.Account)
	if err != nil {
		return "", fmt.Errorf("isapi: %w", err)
	}
	return string(cred.Secret.Reveal()), nil
}
