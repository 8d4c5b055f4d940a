package isapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
)

// SetPassword changes the password of one of the device's own accounts and
// proves it: a new handshake, on a connection of its own where the client
// makes its connections itself, logs in with the new value. That login is
// tried once and draws on the client's budget. Administrators may change any
// account; on most firmware others may not even their own.
//
// Only number, name and password are sent, in the clear within the request: use
// https, or [Client.EncryptFields]. With either, the password of the account in
// use goes along to firmware that wants it (isSupportUserCheck). The number is looked up by name. A password longer than the
// device says it keeps is refused before it is sent, since some devices cut it
// without a word.
//
// The error matches [camsec.ErrNotFound] if there is no such account and
// [camsec.ErrWeakPassword] if the device refuses the value, and the outcome is
// then NotApplied. If the answer is lost, [Options.Settle] goes by before the
// new value is tried: when it is refused, the outcome is NotApplied, when
// nothing answers, unknown ([camsec.ErrUncertain]). It is unknown, too, if the
// device says done and then refuses the new value: it may hold either, or a
// part of it. Keep both values until one has logged in.
//
// When the account is the one that this client uses, the client goes on with
// the new password by itself for as long as its source still gives the old.
//
//isapi:op PUT /ISAPI/Security/users/{id}
func (c *Client) SetPassword(ctx context.Context, name string, password camsec.Secret) (camsec.Change, error) {
	op := writeOf("SetPassword")
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if password.Empty() {
		return notApplied(fmt.Errorf("isapi: %s: an empty password: %w", op, camsec.ErrWeakPassword))
	}
	list, user, err := c.account(ctx, "Users", name)
	if err != nil {
		return notApplied(err)
	}
	op = op.with(childText(user, "id"))
	caps, err := c.fits(ctx, op, password)
	if err != nil {
		return notApplied(err)
	}
	a, err := c.attemptUser(ctx, op, list, caps, field{"id", childText(user, "id")}, field{"userName", name},
		field{"password", string(password.Reveal())})
	if err != nil {
		return notApplied(err)
	}
	if a.refused != nil {
		return notApplied(a.refused)
	}
	return c.provePassword(ctx, op, a, name, password)
}

// account finds an account in a list by its name.
func (c *Client) account(ctx context.Context, op, name string) (list *draft, user *etree.Element, err error) {
	h, err := c.hide(ctx, userFields)
	if err != nil {
		return nil, nil, err
	}
	if list, err = c.draftHidden(ctx, operation(op), []string{"UserList"}, h); err != nil {
		return nil, nil, err
	}
	if list.doc == nil {
		return nil, nil, malformed(operation(op), "a list in JSON")
	}
	for _, u := range list.root.SelectElements("User") {
		if childText(u, "userName") == name && childText(u, "id") != "" {
			return list, u, nil
		}
	}
	return list, nil, fmt.Errorf("isapi: %s: no account of that name: %w", operation(op), camsec.ErrNotFound)
}

// fits refuses a password longer than the device says it keeps, and returns
// what else it says. A device that does not say is asked nothing more.
func (c *Client) fits(ctx context.Context, op Operation, password camsec.Secret) (Capabilities, error) {
	caps, err := c.SecurityCapabilities(ctx)
	if err != nil {
		if hopeless(ctx, err) {
			return caps, err
		}
		return caps, nil // the device itself will judge
	}
	most, err := strconv.Atoi(caps.Attr("max", "LoginPasswordLenLimit"))
	if n := len(password.Reveal()); err == nil && most > 0 && n > most {
		return caps, fmt.Errorf("isapi: %s: %d bytes, and the device keeps %d: %w", op, n, most, camsec.ErrWeakPassword)
	}
	return caps, nil
}

// provePassword tells by one login whether a password was set.
func (c *Client) provePassword(ctx context.Context, op Operation, a attempt, name string, password camsec.Secret) (camsec.Change, error) {
	if a.lost != nil {
		wait := c.settle
		if a.failed {
			wait = min(shortSettle, c.settle)
		}
		if err := sleep(ctx, wait); err != nil {
			return uncertain(op, false, errors.Join(a.lost, err))
		}
	}
	err := c.freshLogin(ctx, name, password)
	// A device that is restarting answers nothing: that is no verdict.
	for tries := 0; tries < 3 && err != nil && camsec.ReasonOf(err) == camsec.ReasonUnreachable && c.settle > 0; tries++ {
		if e := sleep(ctx, longestWait<<tries); e != nil {
			break
		}
		err = c.freshLogin(ctx, name, password)
	}
	refused := false
	if e, ok := errors.AsType[*auth.Error](err); ok {
		refused = e.Kind == auth.KindRefused
	}
	switch {
	case err == nil:
		c.adopt(ctx, name, password)
		return camsec.Change{Outcome: camsec.Applied, RebootRequired: a.reboot, Proof: proofLogin}, nil
	case refused && a.lost != nil:
		return notApplied(a.lost)
	case refused:
		err = fmt.Errorf("the device says done and refuses the new password (perhaps cut or ignored): %w", err)
	}
	return uncertain(op, a.reboot, errors.Join(a.lost, err))
}

// A witness notes whether the last request went out with a login.
type witness struct {
	http.RoundTripper
	loggedIn atomic.Bool
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.loggedIn.Store(r.Header.Get("Authorization") != "")
	return w.RoundTripper.RoundTrip(r)
}

// freshLogin logs in once with a credential of its own, and tells by the error
// whether it was accepted. An answer that no login was asked for proves nothing.
func (c *Client) freshLogin(ctx context.Context, name string, password camsec.Secret) error {
	base, done := c.freshBase()
	defer done()
	w := &witness{RoundTripper: base}
	o := c.logins
	o.Base, o.Account.Name, o.Source = w, name, auth.Static(name, password)
	rt, err := auth.NewTransport(o)
	if err != nil {
		return fmt.Errorf("isapi: %w", err)
	}
	op := operation("UserCheck")
	for _, op = range []Operation{op, operation("DeviceInfo")} {
		resp, e := c.send(ctx, rt, op, wire.Small())
		if err = e; err != nil {
			return err
		}
		var doc *wire.Node
		doc, err = document(op, resp, wire.Small(), "userCheck", "SessionUserCheck", "DeviceInfo")
		if err == nil {
			if v, ok := doc.Child("statusValue").Int(); ok && v != http.StatusOK {
				return malformed(op, "a login that is answered and not accepted")
			}
			break
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	if err == nil && !w.loggedIn.Load() {
		return malformed(op, "no login was asked for, so none is proven")
	}
	return err
}

// adopt has the client go on with a password that it has just proven, if the
// account is its own.
func (c *Client) adopt(ctx context.Context, name string, password camsec.Secret) {
	if c.logins.Source == nil {
		return
	}
	old, err := c.logins.Source.Credential(ctx, c.target, c.logins.Account)
	if err != nil || old.User != name {
		return
	}
	c.logins.Source = &successor{Source: c.logins.Source, old: old, now: auth.Credential{User: name, Secret: password}}
	c.loginAnew(ctx, false)
}

// A successor is a source that gives the new password where another still
// gives the old.
type successor struct {
	auth.Source
	old, now auth.Credential
}

func (s *successor) Credential(ctx context.Context, target camsec.Target, account camsec.Account) (auth.Credential, error) {
	c, err := s.Source.Credential(ctx, target, account)
	if err == nil && c.Version == s.old.Version && sameLogin(c, s.old) {
		return s.now, nil
	}
	return c, err
}

// sameLogin tells whether two credentials log in alike, whatever their versions.
func sameLogin(a, b auth.Credential) bool {
	return a.User == b.User && bytes.Equal(a.Secret.Reveal(), b.Secret.Reveal())
}

// isOwn tells whether the client logs in with that account, or might.
func (c *Client) isOwn(ctx context.Context, name string) bool {
	if c.logins.Source == nil {
		return false
	}
	cred, err := c.logins.Source.Credential(ctx, c.target, c.logins.Account)
	return err != nil || strings.EqualFold(cred.User, name)
}

// A field is one element of a minimal document.
type field struct{ name, text string }

// minimal writes a document of our own in the device's namespace and version.
func (d *draft) minimal(root string, fields ...field) ([]byte, error) {
	doc := etree.NewDocument()
	doc.WriteSettings = etree.WriteSettings{CanonicalText: true, CanonicalAttrVal: true, CanonicalEndTags: true}
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	e := doc.CreateElement(root)
	for _, a := range d.root.Attr {
		if k := a.FullKey(); k == "version" || k == "xmlns" {
			e.CreateAttr(k, a.Value)
		}
	}
	for _, f := range fields {
		d.fit(f.name, f.text)
		e.CreateElement(f.name).SetText(f.text)
	}
	if d.err != nil {
		return nil, d.err
	}
	return doc.WriteToBytes()
}
