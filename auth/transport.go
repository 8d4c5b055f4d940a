package auth

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/digest"
)

// TransportOptions are the settings of a [Transport].
type TransportOptions struct {
	Base    http.RoundTripper // required; decides about connections and TLS
	Target  camsec.Target     // the device; needs an ID or an address if there is a Source
	Account camsec.Account    // the account; an empty Name is that of the credential
	Source  Source            // nil: requests pass without credentials
	Budget  Budget            // nil: a memory budget of the transport's own
	Now     func() time.Time  // nil: time.Now
	Rand    io.Reader         // nil: crypto/rand
	Logger  *slog.Logger      // nil: no log. It is given no secret.

	// Message, when not nil, logs in where a device offers no digest, and reads
	// verdicts on logins in replies that are no 401.
	Message MessageLogin

	// AboutRequest, when not nil, tells whether a 403 speaks of the request, such
	// as of what the device does not offer; body is at most its first 64 KiB. It
	// is then handed out at once. Any other 403 to a login on an old nonce is
	// tried once more with a new one, as some recorders need.
	AboutRequest func(resp *http.Response, body []byte) bool

	// InsecureBasic allows Basic over https, where a device offers nothing
	// better. Digest is always taken first.
	InsecureBasic bool
	// InsecureBasicOverHTTP, together with InsecureBasic, allows it over http
	// too: the password is sent in the clear.
	InsecureBasicOverHTTP bool
}

// A Transport logs in to one account of one device. It implements
// [http.RoundTripper], never changes the caller's request and follows no
// redirect.
//
// It is safe for concurrent use. Requests go out one after the other until the
// reply's header is there, so that one authentication is in flight and nonce
// counts rise; bodies of replies may overlap. An error of the transport's own
// is an *[Error].
type Transport struct {
	o TransportOptions
	g *guard

	mu      sync.Mutex
	origin  string // scheme, host and port of the first request
	service string // scheme and port of it
}

// Limits of what is read of a refusal, kept of a body and hashed of a reply.
const (
	maxRefusalBody = 64 << 10
	maxReplayBody  = 1 << 20
	maxProofBody   = 1 << 20
	maxCookies     = 16
	maxCookieBytes = 4 << 10
)

// NewTransport returns a Transport; it does no I/O. It fails if Base is
// missing, or if there is a Source and the target has no name to file the
// budget under.
func NewTransport(o TransportOptions) (*Transport, error) {
	if o.Base == nil {
		return nil, errors.New("auth: transport without a base")
	}
	if o.Source != nil && o.Target.ID == "" && o.Target.Address == "" {
		return nil, errors.New("auth: transport for a target without ID and address")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Budget == nil {
		o.Budget = NewMemoryBudget(&BudgetOptions{Now: o.Now})
	}
	return &Transport{o: o, g: newGuard()}, nil
}

// CloseIdleConnections passes the call on to the base.
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.o.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Reset forgets what the transport and its budget know of the account: a
// refused credential may be sent again, and a device that was reset to older
// firmware may offer less than before. A person decides that, never a loop.
func (t *Transport) Reset(ctx context.Context) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer t.release()
	t.g.forget()
	if t.o.Source == nil {
		return nil
	}
	cred, err := t.o.Source.Credential(ctx, t.o.Target, t.o.Account)
	if err != nil {
		return fail(KindSource, err)
	}
	return t.o.Budget.Reset(ctx, t.login(cred))
}

// AcceptWeaker lets the device offer less than what has worked before, here and
// in the budget, for when its firmware was rolled back or its settings were
// reset. It forgets nothing else: unlike after [Transport.Reset] a refused
// credential stays refused. It sends nothing. It fails with
// [errors.ErrUnsupported] if the budget is no [SchemeForgetter].
//
// A person decides that, never a loop: who sits in between offers less, too.
func (t *Transport) AcceptWeaker(ctx context.Context) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer t.release()
	if t.o.Source == nil {
		return nil
	}
	forgetter, ok := t.o.Budget.(SchemeForgetter)
	if !ok {
		return fmt.Errorf("auth: the budget cannot forget schemes alone: %w", errors.ErrUnsupported)
	}
	cred, err := t.o.Source.Credential(ctx, t.o.Target, t.o.Account)
	if err != nil {
		return fail(KindSource, err)
	}
	if err := forgetter.ForgetSchemes(ctx, t.login(cred)); err != nil {
		return err
	}
	t.g.lower()
	return nil
}

func (t *Transport) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-t.g.turn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Transport) release() { t.g.turn <- struct{}{} }

func (t *Transport) login(c Credential) Login {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Login{Target: t.o.Target, Account: t.o.Account, Credential: c, Service: t.service}
}

// RoundTrip sends the request, and sends it again with a login where the
// device asks for one. A credential that is refused is an *[Error], not a
// reply; so is a 407. Other replies are handed out as they are.
//
// A body without GetBody is kept in memory up to 1 MiB, since the first
// request may have to be repeated; a longer one is sent only where a login is
// established, and not repeated.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := t.body(req)
	if err != nil {
		return nil, err
	}
	defer body.close()
	if req.Header.Get("Authorization") != "" {
		return nil, errors.New("auth: the request has an Authorization field of its own")
	}
	if t.o.Source == nil {
		return t.anonymous(req, body)
	}
	if !t.ownOrigin(req.URL) {
		return t.foreign(req, body)
	}
	seen := t.g.verdicts.Load()
	if err := t.take(req.Context()); err != nil {
		return nil, err
	}
	defer t.release()
	if err := t.g.waited(seen); err != nil {
		return nil, err
	}
	c := &call{t: t, g: t.g, req: req, body: body}
	// A try that no verdict was given for stays spent only if a credential
	// went out.
	defer func() { c.settle(Outcome{Verdict: c.doubt}) }()
	c.doubt = VerdictUnspent
	return c.run()
}

// ownOrigin tells whether u is of the origin that the first request went to.
func (t *Transport) ownOrigin(u *url.URL) bool {
	origin, service := originOf(u)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.origin == "" {
		t.origin, t.service = origin, service
	}
	return t.origin == origin
}

// originOf returns scheme, host and port of u, and without the host what the
// budget remembers schemes by.
func originOf(u *url.URL) (origin, service string) {
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(net.JoinHostPort(u.Hostname(), port)), scheme + ":" + port
}

// anonymous sends a request of a transport that has no credential.
func (t *Transport) anonymous(req *http.Request, b *body) (*http.Response, error) {
	return t.plain(req, b, KindNoCredential)
}

// foreign sends a request to an origin that gets no credential.
func (t *Transport) foreign(req *http.Request, b *body) (*http.Response, error) {
	return t.plain(req, b, KindOrigin)
}

func (t *Transport) plain(req *http.Request, b *body, k Kind) (*http.Response, error) {
	r, err := b.attach(req, false)
	if err != nil {
		return nil, err
	}
	resp, err := t.o.Base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		info := parseLockInfo(readRefusal(resp))
		if info.locked && k == KindNoCredential {
			return nil, &Error{Kind: KindLocked, Until: t.until(info), Left: info.left}
		}
		return nil, &Error{Kind: k, Left: info.left}
	case http.StatusProxyAuthRequired:
		readRefusal(resp)
		return nil, fail(KindProxy, nil)
	}
	return resp, nil
}

// until tells when a lock ends; without the device's word, in half an hour.
func (t *Transport) until(info lockInfo) time.Time {
	if !info.locked {
		return time.Time{}
	}
	if info.unlock == 0 {
		info.unlock = 30 * time.Minute
	}
	return t.o.Now().Add(min(info.unlock, maxLock))
}

// readRefusal reads a bounded part of a body that nobody is handed, and drops
// the connection with the rest.
func readRefusal(resp *http.Response) []byte {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBody))
	_ = resp.Body.Close()
	return b
}

// A call is one RoundTrip that has the turn.
type call struct {
	t    *Transport
	g    *guard
	req  *http.Request
	body *body

	cred    *Credential
	res     Reservation
	doubt   Verdict // what the reservation gets if nothing better is known
	session *digest.Session
	basic   string
	power   strength
	answer  *digest.Answer
	answers int // logins sent on nonces of this call

	message bool        // the login goes into the message
	again   bool        // for the second time
	signer  *Credential // what it is made of
}

func (c *call) run() (*http.Response, error) {
	was := sentNothing
	if c.g.preempts() {
		was = sentPreemptive
		c.session, c.basic, c.power = c.g.session, c.g.basic, c.g.floor
		c.message, c.signer = c.g.message != nil, c.g.message
	} else {
		if !c.body.repeatable() {
			return nil, fail(KindBody, nil)
		}
		if err := c.prepare(); err != nil {
			return nil, err
		}
	}
	for retried := false; ; {
		resp, err := c.send(was)
		if err != nil {
			if was == sentNothing && c.req.Context().Err() == nil {
				c.g.share(err)
			}
			return nil, err
		}
		switch {
		case resp.StatusCode == http.StatusProxyAuthRequired:
			readRefusal(resp)
			return nil, fail(KindProxy, nil)
		case resp.StatusCode == http.StatusForbidden && was == sentPreemptive && !retried && !withoutRetry(c.req.Context()) && !c.g.denied[c.path()] && c.body.repeatable() && !c.aboutRequest(resp):
			// Some recorders answer 403 to an old nonce (rroller/dahua#647).
			retried = true
			readRefusal(resp)
			c.g.session, c.session, c.basic, c.message = nil, nil, "", false
			if err := c.prepare(); err != nil {
				return nil, err
			}
			was = sentNothing
		case resp.StatusCode == http.StatusUnauthorized:
			handOut, err := c.refusal(resp, was)
			if err != nil {
				return nil, err
			}
			if handOut {
				return resp, nil
			}
			was = sentFresh
		default:
			next, err := c.inMessage(resp, was)
			switch {
			case err != nil:
				return nil, err
			case next == nextHandOut:
				return resp, nil
			case next == nextAgain:
				was = sentFresh
				continue
			}
			return c.reply(resp, was)
		}
	}
}

func (c *call) aboutRequest(resp *http.Response) bool {
	f := c.t.o.AboutRequest
	return f != nil && f(resp, peek(resp))
}

func (c *call) path() string { return c.req.Method + " " + c.req.URL.Path }

// prepare asks for the credential and spends a try beforehand, if that has not
// been done in this call.
func (c *call) prepare() error {
	if c.cred == nil {
		cred, err := c.t.o.Source.Credential(c.req.Context(), c.t.o.Target, c.t.o.Account)
		if err != nil {
			e := fail(KindSource, err)
			if c.req.Context().Err() == nil {
				c.g.share(e)
			}
			return e
		}
		if err := digest.CheckUser(cred.User); err != nil {
			return fail(KindUser, err)
		}
		was := c.g.version
		if err := c.g.offer(cred.version(), c.t.o.Now()); err != nil {
			return err
		}
		if c.g.version != was && !cred.ascii() {
			c.t.o.Logger.Warn("auth: user name or password is not ASCII, which few devices take", "target", c.t.o.Target.Key())
		}
		c.cred = &cred
	}
	if c.res != nil {
		return nil
	}
	res, err := c.t.o.Budget.Reserve(c.req.Context(), c.t.login(*c.cred))
	if err != nil {
		var e *Error
		if errors.As(err, &e) && (e.Kind == KindRefused || e.Kind == KindDoubtful) {
			c.g.bury(*e)
		}
		return err
	}
	c.res = res
	c.g.floor = max(c.g.floor, strengthNamed(res.Strongest()))
	return nil
}

// settle gives the reservation its outcome, once.
func (c *call) settle(o Outcome) {
	if c.res == nil {
		return
	}
	if err := c.res.Report(o); err != nil {
		c.t.o.Logger.Warn("auth: login budget not written", "target", c.t.o.Target.Key(), "error", err)
	}
	c.res = nil
}

// send sends the request with what there is.
func (c *call) send(was sent) (*http.Response, error) {
	r, err := c.body.attach(c.req, len(c.g.cookies) > 0 || was != sentNothing && !c.message)
	if err != nil {
		return nil, err
	}
	for _, k := range c.g.cookies {
		if !k.secure || r.URL.Scheme == "https" {
			r.AddCookie(&http.Cookie{Name: k.name, Value: k.value})
		}
	}
	c.answer = nil
	switch {
	case was == sentNothing:
	case c.message:
		if err := c.sign(r); err != nil {
			return nil, err
		}
	case c.session != nil:
		var hashed io.ReadCloser
		if c.session.Int() {
			if hashed, err = c.body.open(); err != nil {
				closeBody(r)
				return nil, err
			}
		}
		var in io.Reader
		if hashed != nil {
			in = hashed
		}
		c.answer, err = c.session.Answer(r.Method, r.URL.RequestURI(), in)
		if hashed != nil {
			_ = hashed.Close()
		}
		if err != nil {
			closeBody(r)
			return nil, fail(KindBody, err)
		}
		r.Header.Set("Authorization", c.answer.Authorization)
	default:
		r.Header.Set("Authorization", c.basic)
	}
	if was == sentFresh {
		c.answers++
		if c.g.state != proven {
			c.doubt = VerdictUnknown
		}
	}
	return c.t.o.Base.RoundTrip(r)
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// refusal handles a 401: without an error the request is to be sent again with
// the new login in c, unless the reply is to be handed out as it is.
func (c *call) refusal(resp *http.Response, was sent) (handOut bool, err error) {
	body := readRefusal(resp)
	info := parseLockInfo(body)
	challenges, err := digest.Parse(resp.Header)
	var chosen *digest.Challenge
	if err == nil {
		ch, e := digest.Choose(challenges)
		switch err = e; {
		case e == nil:
			chosen = &ch
		case errors.Is(e, digest.ErrNoChallenge):
			err = nil
		}
	}
	until := c.t.until(info)
	if err != nil && !info.locked {
		return false, challengeError(err)
	}
	if c.message || c.t.o.Message != nil && was == sentNothing && !info.locked && (chosen == nil || chosen.Scheme == "basic") {
		r := c.t.o.Message.Read(resp, body)
		r.Refused = true
		if info.locked {
			r.Locked, r.Unlock = true, info.unlock
		}
		if r.Left < 0 {
			r.Left = info.left
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		next, err := c.refusedInMessage(resp, was, r)
		return next == nextHandOut, err
	}
	before := c.g.state
	if e := c.g.on401(was, chosen, info, c.answers, until, c.t.o.Now()); e != nil {
		c.report(e, info, until)
		c.t.o.Logger.Info("auth: login failed", "target", c.t.o.Target.Key(), "kind", e.Kind.String(), "proven", before == proven)
		return false, e
	}
	c.foreign(info, until)
	if !c.body.repeatable() {
		return false, fail(KindBody, nil)
	}
	return false, c.log(resp, *chosen)
}

func challengeError(err error) error {
	switch {
	case errors.Is(err, digest.ErrFIPS):
		return fail(KindFIPS, err)
	case errors.Is(err, digest.ErrAlgorithm):
		return fail(KindAlgorithm, err)
	case errors.Is(err, digest.ErrUser):
		return fail(KindUser, err)
	case errors.Is(err, digest.ErrChallenge):
		return fail(KindChallenge, err)
	default:
		return err
	}
}

// report tells the budget how a login ended that did not work.
func (c *call) report(e *Error, info lockInfo, until time.Time) {
	o := Outcome{Until: until}
	if info.left >= 0 {
		o.Left = &info.left
	}
	if c.res == nil { // a pre-emptive login spent no try beforehand
		c.foreign(info, until)
		return
	}
	switch e.Kind {
	case KindRefused:
		o.Verdict = VerdictRefused
	case KindDoubtful:
		o.Verdict = VerdictDoubted
	case KindLocked:
		o.Verdict = VerdictUnspent
	default:
		o.Verdict = c.doubt
	}
	c.settle(o)
}

// foreign tells the budget what the device says of its counters.
func (c *call) foreign(info lockInfo, until time.Time) {
	o := Outcome{Until: until}
	if info.left >= 0 {
		o.Left = &info.left
	}
	if o.Left == nil && o.Until.IsZero() {
		return
	}
	l := c.t.login(Credential{})
	if c.cred != nil {
		l.Credential = *c.cred
	} else if l.Account.Name == "" {
		cred, err := c.t.o.Source.Credential(c.req.Context(), c.t.o.Target, c.t.o.Account)
		if err != nil {
			return
		}
		l.Credential = cred
	}
	if err := c.t.o.Budget.ReportForeign(context.WithoutCancel(c.req.Context()), l, o); err != nil {
		c.t.o.Logger.Warn("auth: login budget not written", "target", c.t.o.Target.Key(), "error", err)
	}
}

// log makes a login of a challenge.
func (c *call) log(resp *http.Response, ch digest.Challenge) error {
	s := strengthOf(ch)
	if s < max(c.g.floor, c.power) {
		return fail(KindDowngrade, nil)
	}
	wasProven, oldVersion := c.g.state == proven, c.g.version
	old := c.session
	if err := c.prepare(); err != nil {
		return err
	}
	if wasProven && c.g.version != oldVersion && c.answerSent() && !ch.Stale {
		// The old credential may have been refused just now: the new one is
		// the next call's.
		return fail(KindDoubtful, errors.New("the credential has changed meanwhile; try again"))
	}
	c.g.cookies = cookiesOf(resp)
	c.session, c.basic = nil, ""
	if ch.Scheme == "basic" {
		https := strings.EqualFold(c.req.URL.Scheme, "https")
		if !c.t.o.InsecureBasic || !https && !c.t.o.InsecureBasicOverHTTP {
			return fail(KindInsecureScheme, nil)
		}
		pair := append([]byte(c.cred.User+":"), c.cred.Secret.Reveal()...)
		c.basic = "Basic " + base64.StdEncoding.EncodeToString(pair)
		clear(pair)
		c.power = s
		return nil
	}
	if ch.Int() && !c.body.repeatable() {
		return fail(KindBody, nil)
	}
	var err error
	if old != nil && c.g.version == oldVersion && old.Matches(ch) {
		c.session, err = old.Renew(ch, c.t.o.Rand)
	} else {
		secret := c.cred.Secret.Reveal()
		c.session, err = digest.NewSession(ch, c.cred.User, secret, c.t.o.Rand)
		clear(secret)
	}
	if err != nil {
		return challengeError(err)
	}
	c.power = s
	return nil
}

// answerSent tells whether the last request carried a login.
func (c *call) answerSent() bool { return c.answer != nil || c.basic != "" || c.message }

// reply handles an answer that is no refusal.
func (c *call) reply(resp *http.Response, was sent) (*http.Response, error) {
	if was == sentNothing { // nothing was asked for
		c.settle(Outcome{Verdict: VerdictUnspent})
		return resp, nil
	}
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		c.doubt = VerdictUnspent // too busy to look at the login
		if c.g.state == proven && c.session != nil {
			c.g.session = c.session
		}
		return resp, nil
	}
	session := c.session
	if c.answer != nil {
		info := digest.ParseInfo(resp.Header)
		if err := c.check(resp, info); err != nil {
			_ = resp.Body.Close()
			c.g.session = nil
			return nil, err
		}
		if info.NextNonce != "" {
			if next, err := session.Next(info.NextNonce); err == nil {
				session = next
			}
		}
	}
	message := c.signer
	if !c.message {
		message = nil
	}
	c.g.accepted(c.power, session, c.basic, message)
	if was == sentFresh {
		if resp.StatusCode == http.StatusForbidden {
			c.g.deny(c.path())
		}
		c.settle(Outcome{Verdict: VerdictAccepted, Scheme: c.power.String()})
	}
	return resp, nil
}

// check holds the device's own proof against what it must be, before the body
// is handed out. A body of more than 1 MiB is not checked under auth-int.
func (c *call) check(resp *http.Response, info digest.Info) error {
	if !info.HasProof {
		return nil
	}
	var b []byte
	if info.Int {
		var err error
		b, err = io.ReadAll(io.LimitReader(resp.Body, maxProofBody+1))
		resp.Body = rest{io.MultiReader(bytes.NewReader(b), errReader{resp.Body, err}), resp.Body}
		if err != nil || len(b) > maxProofBody {
			return nil //nolint:nilerr // the reader of the body meets the error again
		}
	}
	if err := c.answer.Check(info, b); err != nil {
		return fail(KindServer, err)
	}
	return nil
}

// rest is a body of which a part has been read.
type rest struct {
	io.Reader
	io.Closer
}

// errReader reads on where there was no error, and repeats one that there was.
type errReader struct {
	r   io.Reader
	err error
}

func (e errReader) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	return e.r.Read(p)
}
