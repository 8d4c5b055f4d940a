package isapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
)

// ErrReadOnly is returned, before a byte is sent, for an operation that
// changes the device on a client with [Options.ReadOnly].
var ErrReadOnly = errors.New("isapi: client is read-only")

// Options are the optional settings of [New]; nil means all defaults.
type Options struct {
	// Target names the device to the caller and is what pins and budgets are
	// filed under. The zero Target is the address alone.
	Target camsec.Target
	// Account is the name of the account to log in with, passed on to the
	// credential source; empty leaves the choice to the source.
	Account string
	// Base replaces all dialing and TLS when not nil: DialContext, Trust and
	// the finer Timeouts are then its own business.
	Base http.RoundTripper
	// Pool, if there is no Base, is what the client shares with those of other
	// devices: one bound on idle connections, and less memory. Nil means a
	// transport of its own. What the other options say stays the device's own.
	Pool *wire.Pool
	// DialContext replaces net.Dialer when not nil.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Trust says which certificates are accepted; zero verifies against the
	// system's roots.
	Trust trust.Policy
	// Timeouts bound the parts of an exchange; zero fields are defaults.
	Timeouts wire.Timeouts
	// Budget is the lock-out budget shared with other clients of the device;
	// nil is what package auth does without one.
	Budget auth.Budget
	Now    func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	Logger *slog.Logger     // nil logs nothing; exchanges are logged at debug level, without bodies
	// ReadOnly refuses every operation that changes the device.
	ReadOnly bool
	// Settle is how long a device is watched after a write whose answer was
	// lost: it may carry out the request after that. Default 30 s, the longest
	// that a device is known to take; negative looks once.
	Settle time.Duration
	// Seen are the addresses that the device sees this client under, for the
	// guards of address filters. Nil means the local address of the
	// connection, which behind address translation is another one.
	Seen []netip.Addr
	// SessionLogin logs in by session instead of digest where the device can;
	// see [Client.SessionLogin]. Close then ends the session.
	SessionLogin bool
	// InsecureBasic answers Basic challenges over TLS that is verified or
	// pinned.
	InsecureBasic bool
	// InsecureBasicOverHTTP, with InsecureBasic, answers them in the clear
	// and over TLS that anybody can stand in for, too.
	InsecureBasicOverHTTP bool
}

// A Client speaks ISAPI to one device. It is safe for concurrent use.
type Client struct {
	base     url.URL
	target   camsec.Target
	plain    http.RoundTripper // without credentials
	ownBase  bool              // plain is ours, and tells what it has sent
	newBase  func() *http.Transport
	logins   auth.TransportOptions
	login    atomic.Pointer[auth.Transport]
	session  atomic.Pointer[sessionTransport] // in place of login; nil: by digest
	writing  chan struct{}                    // holds a token while a write goes on
	settle   time.Duration
	seen     []netip.Addr
	local    atomic.Pointer[netip.Addr] // our end of the last connection to write by
	timeouts wire.Timeouts
	trust    string
	now      func() time.Time
	readOnly bool
	hasCred  bool
	watched  *trust.Watched
	loggedIn atomic.Bool // the device has accepted our credential
	// hideFields and fieldKey are of EncryptFields.
	hideFields atomic.Bool
	anyPeer    bool // whoever answers is trusted
	fieldKey   atomic.Pointer[keyedCipher]
	idle       func()
	log        *slog.Logger // nil: no log
}

// New returns a client of the device at address, without any I/O. An address
// without a scheme means https; http:// must be written out. IPv6 addresses
// may carry a zone ("[fe80::1%eth0]:443", or bare). The address must not
// hold credentials or a path.
//
// A nil source is allowed: what needs a login then fails.
func New(address string, source auth.Source, opts *Options) (*Client, error) {
	if opts == nil {
		opts = &Options{}
	}
	base, host, err := wire.ParseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("isapi: %w", err)
	}
	c := &Client{
		base: base, target: opts.Target, now: opts.Now, readOnly: opts.ReadOnly,
		timeouts: opts.Timeouts.OrDefaults(), hasCred: source != nil, idle: func() {}, log: opts.Logger,
		writing: make(chan struct{}, 1), settle: opts.Settle, seen: slices.Clone(opts.Seen),
	}
	if c.settle == 0 {
		c.settle = defaultSettle
	}
	if c.target.Address == "" {
		c.target.Address = address
	}
	if c.now == nil {
		c.now = time.Now
	}
	verified := camsec.StateUnknown
	c.plain = opts.Base
	if c.plain == nil {
		to := wire.TransportOptions{DialContext: opts.DialContext, Timeouts: opts.Timeouts}
		if base.Scheme == "https" {
			to.TLS = opts.Trust.TLSConfig(c.target.Key(), host)
		}
		c.trust = trustWord(base.Scheme, opts.Trust)
		c.anyPeer = opts.Trust.Insecure()
		if c.trust == "" {
			verified = camsec.StateOn
		}
		c.newBase = func() *http.Transport {
			// A resumed session would show the certificate of the first.
			fresh := to
			if fresh.TLS != nil {
				fresh.TLS = fresh.TLS.Clone()
				fresh.TLS.ClientSessionCache = nil
			}
			return wire.NewHTTPTransport(fresh)
		}
		c.plain, c.idle = opts.Pool.Or(to)
		c.ownBase = true
	}
	c.watched = trust.Watch(c.plain, host, verified)
	c.plain = c.watched
	// The transport sees the scheme but not how the certificate was accepted.
	basic := opts.InsecureBasic && (!opts.Trust.Insecure() || opts.InsecureBasicOverHTTP)
	budget := opts.Budget
	if budget == nil {
		// Logins made anew draw on the budget of those before.
		budget = auth.NewMemoryBudget(&auth.BudgetOptions{Now: c.now})
	}
	c.logins = auth.TransportOptions{
		Base: c.plain, Target: c.target,
		Account: camsec.Account{Store: camsec.StoreDevice, Name: opts.Account},
		Source:  source, Budget: budget, Now: opts.Now, Rand: opts.Rand, AboutRequest: aboutRequest,
		InsecureBasic: basic, InsecureBasicOverHTTP: opts.InsecureBasicOverHTTP,
		Logger: opts.Logger,
	}
	login, err := auth.NewTransport(c.logins)
	if err != nil {
		return nil, fmt.Errorf("isapi: %w", err)
	}
	c.login.Store(login)
	if opts.SessionLogin {
		c.session.Store(newSessionTransport(c))
	}
	return c, nil
}

// Target returns how the caller named the device.
func (c *Client) Target() camsec.Target { return c.target }

// BaseURL returns scheme and host that requests go to.
func (c *Client) BaseURL() string { return c.base.Scheme + "://" + c.base.Host }

// Certificate returns what the device showed of itself in the last TLS
// handshake, without any I/O; false if there was none yet, or the client
// speaks plain HTTP.
func (c *Client) Certificate() (trust.Shown, bool) { return c.watched.Shown() }

// Close ends a session, for which it gives the device five seconds, and closes
// the idle connections that the client opened itself. It always returns nil;
// the client stays usable, by digest.
func (c *Client) Close() error {
	if c.session.Load() != nil {
		ctx, cancel := context.WithTimeout(context.Background(), logoutLimit)
		_ = c.SessionLogout(ctx) // a session that cannot be ended runs out
		cancel()
	}
	c.idle()
	return nil
}

// Trust names how the device's identity is accepted, in the words of
// [camsec.Snapshot]: empty for a verified certificate, and where
// [Options.Base] decides.
func (c *Client) Trust() string { return c.trust }

// random is where what must not be guessed comes from.
func (c *Client) random() io.Reader {
	if c.logins.Rand != nil {
		return c.logins.Rand
	}
	return rand.Reader
}

// request builds the request of an operation, without a body.
func (c *Client) request(ctx context.Context, op Operation) *http.Request {
	u := c.base
	u.Path, u.RawQuery, _ = strings.Cut(op.Path, "?")
	return (&http.Request{
		Method: op.Method, URL: &u, Host: u.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{},
	}).WithContext(ctx)
}

// setBody gives a request a body that can be sent again.
func setBody(req *http.Request, body []byte, contentType string) {
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	req.Header.Set("Content-Type", contentType)
}

// exchange performs one operation over rt and returns whatever was answered;
// along with the error, if the device is busy.
func (c *Client) exchange(rt http.RoundTripper, op Operation, req *http.Request, lim wire.Limits) (*wire.Response, error) {
	return c.exchangeWithin(rt, op, req, lim.WithTimeouts(c.timeouts))
}

// exchangeWithin is exchange with time limits of its own.
func (c *Client) exchangeWithin(rt http.RoundTripper, op Operation, req *http.Request, lim wire.Limits) (*wire.Response, error) {
	if op.Writes {
		if err := c.mayWrite(op); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	resp, err := wire.Do(rt, req, lim)
	if c.log != nil {
		c.note(req.Context(), op, resp, err, time.Since(start))
	}
	if err != nil {
		return resp, fmt.Errorf("isapi: %s: %w", op, trust.Explain(err))
	}
	return resp, nil
}

// send performs an operation without a body.
func (c *Client) send(ctx context.Context, rt http.RoundTripper, op Operation, lim wire.Limits) (*wire.Response, error) {
	return c.exchange(rt, op, c.request(ctx, op), lim)
}

// transport is what logs in to the device at the moment.
func (c *Client) transport() http.RoundTripper {
	if s := c.session.Load(); s != nil {
		return s
	}
	return c.login.Load()
}

// freshBase returns connections that nothing was sent over, if the client makes
// its connections itself, and what gives them back.
func (c *Client) freshBase() (base http.RoundTripper, done func()) {
	if c.newBase == nil {
		return c.plain, func() {}
	}
	tr := c.newBase()
	return tr, tr.CloseIdleConnections
}

// AcceptWeaker lets the device log this account in with less than what has
// worked before, for when its firmware was rolled back or its settings were
// reset; without it such a login fails with [auth.ErrDowngrade]. Refused
// credentials stay refused. It sends nothing; see [auth.Transport.AcceptWeaker].
func (c *Client) AcceptWeaker(ctx context.Context) error {
	if err := c.login.Load().AcceptWeaker(ctx); err != nil {
		return fmt.Errorf("isapi: %w", err)
	}
	return nil
}

// loginAnew forgets nonces, when a write of ours has changed what the device
// asks for. If that may be something weaker than has worked before, it has the
// budget forget what that was: whoever asked for the write has decided so.
func (c *Client) loginAnew(ctx context.Context, weaker bool) {
	if weaker { // without it the login that follows is refused, and says why
		if err := c.AcceptWeaker(ctx); errors.Is(err, errors.ErrUnsupported) {
			_ = c.login.Load().Reset(ctx)
		}
	}
	if t, err := auth.NewTransport(c.logins); err == nil { // as it was made before
		c.login.Store(t)
	}
	if s := c.session.Load(); s != nil {
		_, _ = s.takeSession(ctx) // if ctx is over, the device ends it
	}
}

// note logs an exchange: neither its bodies nor its headers.
func (c *Client) note(ctx context.Context, op Operation, resp *wire.Response, err error, took time.Duration) {
	args := []any{"target", c.target.Key(), "operation", op.String(), "took", took.Round(time.Millisecond)}
	if resp != nil {
		args = append(args, "status", resp.Status, "bytes", len(resp.Body))
	}
	if err != nil {
		args = append(args, "error", err)
	}
	c.log.DebugContext(ctx, "isapi: exchange", args...)
}

// get reads the document of an operation and checks that its root has one of
// the names given.
func (c *Client) get(ctx context.Context, name string, lim wire.Limits, roots ...string) (*wire.Node, error) {
	doc, _, err := c.fetch(ctx, operation(name), lim, roots...)
	return doc, err
}

// getHidden is get with fields that may be hidden.
func (c *Client) getHidden(ctx context.Context, name string, h *hiding, lim wire.Limits, roots ...string) (*wire.Node, error) {
	op := operation(name)
	doc, _, err := c.fetchAnswer(op, c.hiddenRequest(ctx, op, h), lim, roots...)
	return doc, err
}

// hiddenRequest is request with the query for hidden fields, if they are.
func (c *Client) hiddenRequest(ctx context.Context, op Operation, h *hiding) *http.Request {
	req := c.request(ctx, op)
	if q := h.query(); q != "" {
		req.URL.RawQuery = q
	}
	return req
}

// fetch is get that also returns the reply as it came.
func (c *Client) fetch(ctx context.Context, op Operation, lim wire.Limits, roots ...string) (*wire.Node, *wire.Response, error) {
	return c.fetchAnswer(op, c.request(ctx, op), lim, roots...)
}

// fetchAnswer is fetch for a request that has a body.
func (c *Client) fetchAnswer(op Operation, req *http.Request, lim wire.Limits, roots ...string) (*wire.Node, *wire.Response, error) {
	resp, err := c.exchange(c.transport(), op, req, lim)
	if err != nil {
		if errors.Is(err, camsec.ErrUnauthorized) {
			c.loggedIn.Store(false)
		}
		if resp != nil {
			// The body of a 503 knows better what is meant, if it says so.
			doc, _ := parse(resp, lim)
			if e, ok := errors.AsType[*Error](refusal(op, resp.Status, doc)); ok && e.told() {
				return nil, nil, e
			}
		}
		return nil, nil, err
	}
	doc, err := document(op, resp, lim, roots...)
	if err == nil && c.hasCred {
		c.loggedIn.Store(true)
	}
	return doc, resp, err
}

func trustWord(scheme string, p trust.Policy) string {
	if scheme == "http" {
		return "plain-http"
	}
	if w := p.String(); w != "verified" {
		return w
	}
	return ""
}
