package onvif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
)

// ErrReadOnly is returned, before a byte is sent, for an operation that
// changes the device on a client with [Options.ReadOnly].
var ErrReadOnly = errors.New("onvif: client is read-only")

// DefaultPath is where devices have their device service, by convention.
const DefaultPath = "/onvif/device_service"

// Options are the optional settings of [New]; nil means all defaults.
type Options struct {
	// Target names the device to the caller and is what pins and budgets are
	// filed under. The zero Target is the address alone.
	Target camsec.Target
	// Account is the name of the account to log in with, passed on to the
	// credential source with [camsec.StoreONVIF]; empty leaves the choice to
	// the source.
	Account string
	// Path of the device service; empty means [DefaultPath].
	Path string
	// KeepXAddr takes host and port of a service from the device instead of
	// the address that was dialled. Another origin than the address's gets no
	// credential.
	KeepXAddr bool
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
	// Budget is the lock-out budget shared with other clients of the device,
	// of whatever protocol; nil is what package auth does without one.
	Budget auth.Budget
	Now    func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	Logger *slog.Logger     // nil logs nothing
	// ReadOnly refuses every operation that changes the device.
	ReadOnly bool
	// InsecureBasic answers Basic challenges over TLS that is verified or
	// pinned, where a device takes no UsernameToken either.
	InsecureBasic bool
	// InsecureBasicOverHTTP, with InsecureBasic, answers them in the clear
	// and over TLS that anybody can stand in for, too.
	InsecureBasicOverHTTP bool
}

// A Client speaks ONVIF to one device. It is safe for concurrent use.
type Client struct {
	base      url.URL // of the device service
	target    camsec.Target
	account   string
	plain     http.RoundTripper // without credentials
	watched   *trust.Watched
	authed    *auth.Transport
	budget    auth.Budget
	timeouts  wire.Timeouts
	trust     string
	now       func() time.Time
	rand      io.Reader
	readOnly  bool
	keepXAddr bool
	hasCred   bool
	certified bool // by a certificate that the device may go by instead
	idle      func()

	token   *usernameToken
	proving chan struct{} // holds one token while nobody proves the login
	proved  atomic.Bool   // the device has accepted our credential
	user    atomic.Value  // string: whom the source last named

	mu    sync.Mutex
	local net.Addr            // our side of a connection, as far as it is known
	paths map[string]*url.URL // of services by namespace, once they were asked for
}

// New returns a client of the device at address, without any I/O. An address
// without a scheme means https; http:// must be written out. IPv6 addresses
// may carry a zone ("[fe80::1%eth0]:443", or bare). The address must not hold
// credentials or a path; see [Options.Path] for the latter.
//
// A nil source is allowed: what needs a login then fails.
func New(address string, source auth.Source, opts *Options) (*Client, error) {
	if opts == nil {
		opts = &Options{}
	}
	base, host, err := wire.ParseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("onvif: %w", err)
	}
	path := opts.Path
	if path == "" {
		path = DefaultPath
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#\r\n") {
		return nil, errors.New("onvif: path of the device service must begin with a slash and have no query")
	}
	base.Path = path
	c := &Client{
		base: base, target: opts.Target, account: opts.Account, budget: opts.Budget, now: opts.Now, rand: opts.Rand,
		readOnly: opts.ReadOnly, keepXAddr: opts.KeepXAddr, timeouts: opts.Timeouts.OrDefaults(),
		hasCred: source != nil, certified: opts.Trust.HasCertificates(), idle: func() {}, proving: make(chan struct{}, 1),
	}
	c.proving <- struct{}{}
	c.token = &usernameToken{c: c}
	if c.target.Address == "" {
		c.target.Address = address
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.budget == nil {
		c.budget = auth.NewMemoryBudget(&auth.BudgetOptions{Now: c.now})
	}
	c.plain = opts.Base
	if c.plain == nil {
		to := wire.TransportOptions{DialContext: opts.DialContext, Timeouts: opts.Timeouts}
		if base.Scheme == "https" {
			to.TLS = opts.Trust.TLSConfig(c.target.Key(), host)
		}
		c.trust = trustWord(base.Scheme, opts.Trust)
		c.plain, c.idle = opts.Pool.Or(to)
	}
	verified := camsec.StateUnknown
	if opts.Base == nil && base.Scheme == "https" && c.trust == "" {
		verified = camsec.StateOn
	}
	c.watched = trust.Watch(c.plain, host, verified)
	c.plain = c.watched
	if source != nil {
		source = c.noting(source)
	}
	basic := opts.InsecureBasic && (!opts.Trust.Insecure() || opts.InsecureBasicOverHTTP)
	c.authed, err = auth.NewTransport(auth.TransportOptions{
		Base: c.plain, Target: c.target,
		Account: camsec.Account{Store: camsec.StoreONVIF, Name: opts.Account},
		Source:  source, Budget: c.budget, Now: c.now, Rand: opts.Rand, Message: c.token,
		InsecureBasic: basic, InsecureBasicOverHTTP: opts.InsecureBasicOverHTTP,
		Logger: opts.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("onvif: %w", err)
	}
	return c, nil
}

// noting remembers whom the source names, for the sake of changes to that very
// account.
func (c *Client) noting(source auth.Source) auth.Source {
	return auth.SourceFunc(func(ctx context.Context, t camsec.Target, a camsec.Account) (auth.Credential, error) {
		cred, err := source.Credential(ctx, t, a)
		if err == nil {
			c.user.Store(cred.User)
		}
		return cred, err
	})
}

// isOwn tells whether an account is the one that the client logs in with.
func (c *Client) isOwn(name string) bool {
	user, _ := c.user.Load().(string)
	return name != "" && (name == user || name == c.account)
}

// Certificate returns what the device showed of itself in the last TLS
// handshake, without any I/O; false if there was none yet, or the client
// speaks plain HTTP.
func (c *Client) Certificate() (trust.Shown, bool) { return c.watched.Shown() }

// Target returns how the caller named the device.
func (c *Client) Target() camsec.Target { return c.target }

// BaseURL returns scheme and host that requests go to.
func (c *Client) BaseURL() string { return c.base.Scheme + "://" + c.base.Host }

// Trust names how the device's identity is accepted, in the words of
// [camsec.Snapshot]: empty for a verified certificate, and where
// [Options.Base] decides.
func (c *Client) Trust() string { return c.trust }

// Close closes the idle connections that the client opened itself. It always
// returns nil; the client stays usable.
func (c *Client) Close() error {
	c.idle()
	return nil
}

// Renew makes the next call ask the source for the credential and log in anew;
// due after the password was changed elsewhere.
func (c *Client) Renew(ctx context.Context) error {
	c.proved.Store(false)
	return c.authed.Renew(ctx)
}

// AcceptWeaker lets the device log this account in with less than what has
// worked before, for when its firmware was rolled back or its settings were
// reset; without it such a login fails with [auth.ErrDowngrade]. Refused
// credentials stay refused. It sends nothing; see [auth.Transport.AcceptWeaker].
func (c *Client) AcceptWeaker(ctx context.Context) error {
	if err := c.authed.AcceptWeaker(ctx); err != nil {
		return fmt.Errorf("onvif: %w", err)
	}
	return nil
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
