package isapi

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
)

// ErrNoSession is the error of [Client.SessionHeartbeat] where no session is
// open: none was begun, or the device has no logins by session.
var ErrNoSession = errors.New("isapi: no session is open")

// SessionLogin logs in as the device's own web page does: one login, then a
// cookie with every request. It is for what devices refuse to a digest login.
// From then on, and from the start with [Options.SessionLogin], all requests
// use the session; one that the device has forgotten is begun anew, once.
// Sessions are few in a device: end them with SessionLogout or Close.
//
// The rules against lock-outs are those of package auth: one login is in
// flight, each takes a try from the budget beforehand, and a credential that
// was refused is not sent again. On a device without sessions nothing is
// spent, the error matches [errors.ErrUnsupported], and requests go on to log
// in by digest.
//
// Versions 1, 2 and 2.1 were recorded (AX Hub, DS-PHA20-P, DS-7608NXI-I2
// V5.05.375, AX PRO).
//
//isapi:op GET /ISAPI/Security/sessionLogin/capabilities?username={id}
//isapi:op POST /ISAPI/Security/sessionLogin?timeStamp={id}
func (c *Client) SessionLogin(ctx context.Context) error {
	c.session.CompareAndSwap(nil, newSessionTransport(c))
	s, err := c.session.Load().current(ctx, nil)
	if err == nil && s == nil {
		err = fmt.Errorf("isapi: session login: %w", errors.ErrUnsupported)
	}
	return err
}

// SessionHeartbeat keeps a session from running out while nothing else is
// asked of the device, which takes one about every half minute.
//
//isapi:op PUT /ISAPI/Security/sessionHeartbeat
func (c *Client) SessionHeartbeat(ctx context.Context) error {
	return c.inSession(ctx, logins[2])
}

// SessionLogout ends the session; requests after it log in by digest. Without a
// session it does nothing. Where the device does not hear it, the session
// ends there by its own time.
//
//isapi:op PUT /ISAPI/Security/sessionLogout
func (c *Client) SessionLogout(ctx context.Context) error {
	t := c.session.Swap(nil)
	if t == nil {
		return nil
	}
	s, err := t.takeSession(ctx)
	if err != nil || s == nil {
		return err
	}
	op := logins[3]
	resp, err := wire.Do(c.plain, s.sign(c.request(ctx, op), nil), wire.Small().WithTimeouts(c.timeouts))
	if err != nil {
		return fmt.Errorf("isapi: %s: %w", op, trust.Explain(err))
	}
	doc, _ := parse(resp, wire.Small()) // its status says enough
	return refusal(op, resp.Status, doc)
}

func (c *Client) inSession(ctx context.Context, op Operation) error {
	t := c.session.Load()
	if t == nil || !t.open(ctx) {
		return ErrNoSession
	}
	resp, err := c.send(ctx, t, op, wire.Small())
	if err != nil {
		return err
	}
	doc, _ := parse(resp, wire.Small())
	return refusal(op, resp.Status, doc)
}

// A sessionTransport puts the session into requests and begins one where there
// is none.
type sessionTransport struct {
	c       *Client
	turn    chan struct{} // holds one token while nobody logs in
	session *webSession   // of whoever has the turn
	without bool          // the device has no sessions
}

func newSessionTransport(c *Client) *sessionTransport {
	t := &sessionTransport{c: c, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// A webSession is a login that a device has accepted.
type webSession struct {
	cookie, tag string
}

// sessionHeader carries the tag of a session beside its cookie (DS-7608NXI-I2
// V5.05.375, access terminals).
const sessionHeader = "SessionTag"

// RoundTrip sends the request with the session, and once more with a new one
// where the device has forgotten it. A body that cannot be read twice is not
// repeated.
func (t *sessionTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s, err := t.current(req.Context(), nil)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	if s == nil {
		return t.c.login.Load().RoundTrip(req)
	}
	resp, err := t.c.plain.RoundTrip(s.sign(req, req.Body))
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil {
		return resp, err
	}
	body := req.Body
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // the 401 says more
		}
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // to keep the connection
	_ = resp.Body.Close()
	if s, err = t.current(req.Context(), s); err != nil {
		return nil, err
	}
	return t.c.plain.RoundTrip(s.sign(req, body))
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// sign copies the request and adds the session.
func (s *webSession) sign(req *http.Request, body io.ReadCloser) *http.Request {
	r := req.Clone(req.Context())
	r.Body = body
	r.Header.Add("Cookie", s.cookie)
	if s.tag != "" {
		r.Header.Set(sessionHeader, s.tag)
	}
	return r
}

// current returns the session, after a login if there is none but the one
// given, which the device no longer takes. Nil is a device without sessions.
func (t *sessionTransport) current(ctx context.Context, stale *webSession) (*webSession, error) {
	if err := t.take(ctx); err != nil {
		return nil, err
	}
	defer t.release()
	if t.without || t.session != nil && t.session != stale {
		return t.session, nil
	}
	t.session = nil
	s, err := t.begin(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		t.without = true
		return nil, nil
	}
	t.session = s
	return s, err
}

func (t *sessionTransport) take(ctx context.Context) error {
	select {
	case <-t.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *sessionTransport) release() { t.turn <- struct{}{} }

// open tells whether a session is open.
func (t *sessionTransport) open(ctx context.Context) bool {
	if t.take(ctx) != nil {
		return false
	}
	defer t.release()
	return t.session != nil
}

// takeSession takes the session away, so that nobody uses it any more.
func (t *sessionTransport) takeSession(ctx context.Context) (*webSession, error) {
	if err := t.take(ctx); err != nil {
		return nil, err
	}
	defer t.release()
	s := t.session
	t.session = nil
	return s, nil
}

// begin logs in once.
func (t *sessionTransport) begin(ctx context.Context) (*webSession, error) {
	o := t.c.logins
	if o.Source == nil {
		return nil, &auth.Error{Kind: auth.KindNoCredential, Left: -1}
	}
	cred, err := o.Source.Credential(ctx, o.Target, o.Account)
	if err != nil {
		return nil, &auth.Error{Kind: auth.KindSource, Left: -1, Err: err}
	}
	res, err := o.Budget.Reserve(ctx, auth.Login{
		Target: o.Target, Account: o.Account, Credential: cred, Service: t.c.base.Scheme + ":session",
	})
	if err != nil {
		return nil, err
	}
	outcome := auth.Outcome{Verdict: auth.VerdictUnspent}
	defer func() { _ = res.Report(outcome) }() // the try stays spent if that fails
	c, err := t.challenge(ctx, cred.User)
	if err != nil {
		return nil, err
	}
	outcome.Verdict = auth.VerdictUnknown
	s, outcome, err := t.answer(ctx, c, cred)
	return s, err
}

// challenge asks for what the answer is made of, without a credential. The
// user's name goes out: the salt is the account's.
func (t *sessionTransport) challenge(ctx context.Context, user string) (sessionChallenge, error) {
	op := logins[0]
	op.Path = strings.Replace(op.Path, "{id}", url.QueryEscape(user), 1)
	resp, err := t.c.send(ctx, t.c.plain, op, wire.Small())
	if err != nil {
		return sessionChallenge{}, err
	}
	doc, err := document(op, resp, wire.Small(), "SessionLoginCap")
	if err != nil {
		if resp.Status == http.StatusUnauthorized {
			return sessionChallenge{}, fmt.Errorf("isapi: %s: %w", op, errors.ErrUnsupported)
		}
		return sessionChallenge{}, err
	}
	return readChallenge(doc)
}

// answer sends the answer and reads the verdict.
func (t *sessionTransport) answer(ctx context.Context, c sessionChallenge, cred auth.Credential) (*webSession, auth.Outcome, error) {
	op := logins[1].with(strconv.FormatInt(t.c.now().UnixMilli(), 10))
	body := element("userName", cred.User) + element("password", c.answer(cred.User, cred.Secret)) + element("sessionID", c.id) +
		element("isSessionIDValidLongTerm", "false")
	if c.version != "" {
		body += element("sessionIDVersion", c.version)
	}
	if c.tag {
		body += element("isNeedSessionTag", "true")
	}
	unknown := auth.Outcome{Verdict: auth.VerdictUnknown}
	body = "<SessionLogin>" + body + "</SessionLogin>"
	req := t.c.request(ctx, op)
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	req.Header.Set("Content-Type", `application/xml; charset="UTF-8"`)
	resp, err := wire.Do(t.c.plain, req, wire.Small().WithTimeouts(t.c.timeouts))
	if err != nil {
		return nil, unknown, fmt.Errorf("isapi: %s: %w", op, trust.Explain(err))
	}
	doc, _ := parse(resp, wire.Small()) // of a camera, HTML
	if resp.Status == http.StatusUnauthorized {
		return nil, t.refused(doc), t.refusal(doc)
	}
	if err := refusal(op, resp.Status, doc); err != nil {
		return nil, unknown, err
	}
	if v, ok := doc.Child("statusValue").Int(); ok && v != http.StatusOK {
		if v == http.StatusUnauthorized {
			return nil, t.refused(doc), t.refusal(doc)
		}
		return nil, unknown, malformed(op, "an answer that is neither a login nor a refusal")
	}
	s := newSession(resp.Header, doc)
	if s == nil {
		return nil, unknown, malformed(op, "a login without a session")
	}
	return s, auth.Outcome{Verdict: auth.VerdictAccepted}, nil
}

// newSession takes the session from an accepted login: the cookie that is set,
// or, of version 1, the id in the body.
func newSession(h http.Header, doc *wire.Node) *webSession {
	s := &webSession{tag: doc.Child("sessionTag").String()}
	for _, line := range h.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err == nil && strings.HasPrefix(c.Name, "WebSession") && c.Value != "" && s.cookie == "" {
			s.cookie = c.Name + "=" + c.Value
		}
	}
	if id := doc.Child("sessionID").String(); s.cookie == "" && id != "" {
		s.cookie = "WebSession=" + id
	}
	if s.cookie == "" || len(s.cookie)+len(s.tag) > 4<<10 || !isToken(s.cookie+s.tag) {
		return nil
	}
	return s
}

// isToken keeps what a device says out of the rest of a header.
func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ';' || r == ',' })
}

func (t *sessionTransport) refused(doc *wire.Node) auth.Outcome {
	u := userCheck(doc)
	o := auth.Outcome{Verdict: auth.VerdictRefused, Left: u.TriesLeft}
	if u.Locked == camsec.StateOn {
		o.Verdict, o.Until = auth.VerdictUnspent, t.until(u)
	}
	return o
}

func (t *sessionTransport) refusal(doc *wire.Node) error {
	u := userCheck(doc)
	e := &auth.Error{Kind: auth.KindRefused, Left: -1}
	if u.TriesLeft != nil {
		e.Left = *u.TriesLeft
	}
	if u.Locked == camsec.StateOn {
		e.Kind, e.Until = auth.KindLocked, t.until(u)
	}
	return e
}

// until is the end of a lock. A device that does not say gets half an hour.
func (t *sessionTransport) until(u UserCheck) time.Time {
	d := 30 * time.Minute
	if u.UnlockSeconds != nil && *u.UnlockSeconds > 0 {
		d = min(time.Duration(*u.UnlockSeconds)*time.Second, 24*time.Hour)
	}
	return t.c.now().Add(d)
}

// logoutLimit is how long Close waits for a device to hear of it. The caller's
// context is over by then.
const logoutLimit = 5 * time.Second

// element writes one element with character data.
func element(name, value string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(value)) // a Builder takes all
	return "<" + name + ">" + b.String() + "</" + name + ">"
}
