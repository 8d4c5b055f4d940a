package auth

import (
	"context"
	"crypto/rand"
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
