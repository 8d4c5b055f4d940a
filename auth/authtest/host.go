package authtest

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options say how a [Host] logs clients in. The zero value challenges with MD5,
// never locks and knows no account.
type Options struct {
	// Realm of the challenges; empty means "IP Camera(TEST)".
	Realm string
	// Users are the accounts and their passwords.
	Users map[string]string
	// Store names the account store that a request logs in to, for devices
	// that have several; nil is the one that Users is. Failed logins are
	// counted over all of them.
	Store func(*http.Request) string
	// Algorithms of the digest challenges, in the order they are sent, each
	// with a nonce of its own; "" means MD5 without naming it. Nil means MD5.
	// An empty slice that is not nil sends no digest challenge at all.
	Algorithms []string
	// Qop is the quality of protection offered: empty means "auth", "none"
	// leaves it out, as RFC 2069 servers do.
	Qop string
	// UserHash offers userhash=true: the account's name may come hashed with
	// the realm (RFC 7616, 3.4.4). Hashed names are taken without it, too.
	UserHash bool
	// UTF8 sends charset=UTF-8, which asks for names and passwords in UTF-8.
	UTF8 bool
	// Basic also offers, and accepts, Basic.
	Basic bool
	// Folded sends all challenges in one header field.
	Folded bool
	// Opaque is sent with each digest challenge when not empty, and must come
	// back.
	Opaque string
	// NonceLifetime is how long a nonce is accepted; zero means one minute.
	NonceLifetime time.Duration
	// OrderedCounts refuses a nonce count that is not above all earlier ones
	// of its nonce; otherwise only repeated counts are refused.
	OrderedCounts bool
	// LockAfter is the number of failed logins in a row, by one account from
	// one address, that locks it; zero never locks.
	LockAfter int
	// LockFor is how long a lock holds; zero means 30 minutes.
	LockFor time.Duration
	// Public tells which requests need no login; nil means none.
	Public func(*http.Request) bool
	// RefusalBody writes the body of a 401; nil means [UserCheckBody].
	RefusalBody func(Refusal) (contentType string, body []byte)
	// Handler serves requests that passed; nil answers 404.
	Handler http.Handler
	// Service tells what answers on a port of the in-memory network, "tcp" or
	// "udp", other than 80 and 443. It is asked for each connection. serve gets
	// the connection, which is closed when it returns; over "udp" each read and
	// each write is a datagram. A nil serve refuses. ok is false for a port that
	// is HTTP's; nil Service leaves all to HTTP.
	Service func(network, port string) (serve func(net.Conn), ok bool)
	// Server is the Server header; empty sends none.
	Server string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// TLS is the server side of TLS. A nil value means the defaults of
	// crypto/tls. Without certificates the host makes its own.
	TLS *tls.Config
	// AlwaysTLS speaks TLS on in-memory connections to every port but 80.
	// Otherwise only port 443 does.
	AlwaysTLS bool
}

// A Host is one simulated device's front door. Its methods may be called from
// several goroutines.
type Host struct {
	mu      sync.Mutex
	opts    Options
	users   map[string]string
	stores  map[string]map[string]string
	nonces  map[string]*nonce
	order   []string
	locks   map[lockKey]*lock
	faults  []*fault
	log     []Entry
	counts  counts
	servers []*http.Server
	plain   *pipeListener
	secure  *pipeListener
	tls     *tls.Config
	closed  bool
	down    bool
	idle    []*http.Transport

	served map[net.Conn]bool // connections to services that are open
}

type counts struct {
	requests, logins, failed, locked, challenges, replays, connections int
}

// New makes a host. It opens no port; see [Host.DialContext], [Host.Transport]
// and [Host.Listen] for ways to reach it.
func New(o Options) *Host {
	if o.Realm == "" {
		o.Realm = "IP Camera(TEST)"
	}
	if o.Algorithms == nil {
		o.Algorithms = []string{MD5}
	}
	if o.NonceLifetime == 0 {
		o.NonceLifetime = time.Minute
	}
	if o.LockFor == 0 {
		o.LockFor = 30 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RefusalBody == nil {
		o.RefusalBody = UserCheckBody
	}
	h := &Host{
		opts:   o,
		users:  make(map[string]string),
		stores: make(map[string]map[string]string),
		nonces: make(map[string]*nonce),
		locks:  make(map[lockKey]*lock),
	}
	for name, password := range o.Users {
		h.users[name] = password
	}
	return h
}

// SetUser adds an account or changes its password.
func (h *Host) SetUser(name, password string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users[name] = password
}

// SetUserIn is SetUser for a store of its own; see [Options.Store].
func (h *Host) SetUserIn(store, name, password string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stores[store] == nil {
		h.stores[store] = map[string]string{}
	}
	h.stores[store][name] = password
}

// accounts are those that a request may log in to.
func (h *Host) accounts(r *http.Request) map[string]string {
	if h.opts.Store != nil {
		if s := h.opts.Store(r); s != "" {
			return h.stores[s]
		}
	}
	return h.users
}

// RemoveUser takes an account away.
func (h *Host) RemoveUser(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.users, name)
}

// PasswordIs tells whether password is the account's.
func (h *Host) PasswordIs(name, password string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	have, ok := h.users[name]
	return ok && have == password
}

// SetAlgorithms changes the digest challenges and forgets every nonce.
func (h *Host) SetAlgorithms(algorithms ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opts.Algorithms = append([]string{}, algorithms...)
	h.forgetNonces()
}

// SetBasic says whether Basic is offered and accepted.
func (h *Host) SetBasic(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opts.Basic = on
}

// ExpireNonces forgets every nonce, as a device does when it restarts; the next
// answer to an old challenge is told that it is stale.
func (h *Host) ExpireNonces() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forgetNonces()
}

// SetDown says whether the device is off, as while it restarts: connections
// break without an answer and requests do not count.
func (h *Host) SetDown(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

// Down tells whether the device is off.
func (h *Host) Down() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.down
}

// Now is the host's clock.
func (h *Host) Now() time.Time { return h.opts.Now() }

// Requests counts the requests that arrived, challenged ones among them.
func (h *Host) Requests() int { return h.count(func(c counts) int { return c.requests }) }

// Logins counts the requests that carried a right answer.
func (h *Host) Logins() int { return h.count(func(c counts) int { return c.logins }) }

// FailedLogins counts wrong answers: those that bring a lock nearer. Answers
// sent during a lock are in [Host.LockedLogins].
func (h *Host) FailedLogins() int { return h.count(func(c counts) int { return c.failed }) }

// LockedLogins counts answers refused because of a lock, right or wrong.
func (h *Host) LockedLogins() int { return h.count(func(c counts) int { return c.locked }) }

// Challenges counts the 401 answers to requests without credentials or with a
// stale nonce.
func (h *Host) Challenges() int { return h.count(func(c counts) int { return c.challenges }) }

// Replays counts nonce counts that were used before.
func (h *Host) Replays() int { return h.count(func(c counts) int { return c.replays }) }

// Connections counts the connections opened.
func (h *Host) Connections() int { return h.count(func(c counts) int { return c.connections }) }

func (h *Host) count(get func(counts) int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return get(h.counts)
}

// An Entry is one request as the host saw it. It holds no secrets.
type Entry struct {
	Method, URI string
	User        string // the account named in the request, if any
	Scheme      string // "Digest", "Basic" or none
	Algorithm   string // of the digest challenge answered
	Address     string // the client's IP address
	Outcome     Outcome
}

// maxLog bounds what a host remembers of past requests.
const maxLog = 10000

// Log returns the requests seen so far, oldest first.
func (h *Host) Log() []Entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Entry(nil), h.log...)
}

type userKey struct{}

// UserOf returns the account a request logged in with, or "".
func UserOf(ctx context.Context) string {
	name, _ := ctx.Value(userKey{}).(string)
	return name
}

// AsUser returns a context for which UserOf says name: for a handler that has
// logged its client in by itself, see [Host.Login].
func AsUser(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, userKey{}, name)
}

// ServeHTTP plays the faults due, checks the login and calls the handler.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	server, down := h.opts.Server, h.down
	if !down {
		h.counts.requests++
	}
	h.mu.Unlock()
	if down {
		panic(http.ErrAbortHandler)
	}
	if server != "" {
		w.Header().Set("Server", server)
	}
	if h.play(w, r, false) {
		h.note(r, attempt{outcome: Scripted})
		return
	}
	if h.opts.Public != nil && r.Header.Get("Authorization") == "" && h.opts.Public(r) {
		h.note(r, attempt{outcome: Open})
		h.serve(w, r)
		return
	}
	a := h.check(r)
	h.note(r, a)
	if a.outcome != LoggedIn {
		h.refuse(w, r, a)
		return
	}
	r = r.WithContext(AsUser(r.Context(), a.user))
	if h.play(w, r, true) {
		return
	}
	h.serve(w, r)
}

func (h *Host) serve(w http.ResponseWriter, r *http.Request) {
	if h.opts.Handler == nil {
		http.NotFound(w, r)
		return
	}
	h.opts.Handler.ServeHTTP(w, r)
}

func (h *Host) note(r *http.Request, a attempt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch a.outcome {
	case LoggedIn:
		h.counts.logins++
	case Wrong:
		h.counts.failed++
	case Locked:
		h.counts.locked++
	case Challenged, Stale:
		h.counts.challenges++
	}
	if len(h.log) < maxLog {
		h.log = append(h.log, Entry{
			Method: r.Method, URI: r.RequestURI, User: a.user, Scheme: a.scheme,
			Algorithm: a.algorithm, Address: clientIP(r), Outcome: a.outcome,
		})
	}
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Close ends all servers and connections of the host.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	servers, transports := h.servers, h.idle
	h.servers, h.idle = nil, nil
	for c := range h.served {
		_ = c.Close()
	}
	h.mu.Unlock()
	var first error
	for _, s := range servers {
		if err := s.Close(); err != nil && first == nil {
			first = err
		}
	}
	for _, t := range transports {
		t.CloseIdleConnections()
	}
	return first
}

func quiet() *log.Logger { //nolint:forbidigo // what net/http wants, to keep it from printing
	return log.New(io.Discard, "", 0) //nolint:forbidigo // as above
}
