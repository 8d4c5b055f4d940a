package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A Pool is one HTTP transport under all devices of a fleet. Each device is
// reached by a [PoolTransport] with a dialer, a TLS configuration and
// time-outs of its own; what they share are the books about connections and
// one bound on how many of these lie idle. A connection never serves another
// device than the one that it was made for, whatever their addresses:
// 192.168.1.64 exists at every site.
//
// It is safe for concurrent use, and needs no end: idle connections close by
// themselves.
type Pool struct {
	o    PoolOptions
	next atomic.Uint64 // names origins

	mu    sync.Mutex
	under map[time.Duration]*http.Transport // by the time that a header may take
}

// PoolOptions are the settings of a pool; zero fields are the defaults.
type PoolOptions struct {
	Idle        int           // idle connections of all devices together, default 128
	IdleTimeout time.Duration // after which one is closed, default 10 s
}

// NewPool returns a pool; nil options mean the defaults. It does no I/O.
func NewPool(o *PoolOptions) *Pool {
	p := &Pool{under: map[time.Duration]*http.Transport{}}
	if o != nil {
		p.o = *o
	}
	if p.o.Idle <= 0 {
		p.o.Idle = 128
	}
	if p.o.IdleTimeout <= 0 {
		p.o.IdleTimeout = 10 * time.Second
	}
	return p
}

// CloseIdleConnections closes the idle connections of all devices.
func (p *Pool) CloseIdleConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.under {
		t.CloseIdleConnections()
	}
}

// Transport returns the transport of one device, which is bounded like one of
// [NewHTTPTransport]. It does no I/O and is cheap to keep and to drop.
func (p *Pool) Transport(o TransportOptions) *PoolTransport {
	o.Timeouts = o.Timeouts.OrDefaults()
	if o.TLS != nil {
		o.TLS = o.TLS.Clone()
	}
	return &PoolTransport{pool: p, o: o, under: p.transport(max(o.Timeouts.Header, 0))}
}

// Or returns the transport of one device, and what closes its idle connections:
// the pool's, or for a nil pool one of its own.
func (p *Pool) Or(o TransportOptions) (http.RoundTripper, func()) {
	if p == nil {
		t := NewHTTPTransport(o)
		return t, t.CloseIdleConnections
	}
	t := p.Transport(o)
	return t, t.CloseIdleConnections
}

// transport returns the one under all devices that may take so long to begin
// their answer, which is the only time that it keeps itself.
func (p *Pool) transport(header time.Duration) *http.Transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.under[header]
	if t == nil {
		t = NewHTTPTransport(TransportOptions{Timeouts: Timeouts{Header: header}})
		t.ResponseHeaderTimeout = header
		t.MaxIdleConns, t.IdleConnTimeout = p.o.Idle, p.o.IdleTimeout
		t.DialContext, t.DialTLSContext = dialPooled, dialPooled
		p.under[header] = t
	}
	return t
}

// A PoolTransport reaches one device over a [Pool]. It is an
// [http.RoundTripper], safe for concurrent use.
type PoolTransport struct {
	pool  *Pool
	under *http.Transport
	o     TransportOptions

	mu      sync.Mutex
	origins []*poolOrigin
	conns   map[*pooledConn]struct{}
	busy    int  // requests whose reply is not read to its end
	closing bool // what is idle is to be closed; until the next request
}

// A poolOrigin is a scheme, host and port that one device is asked at. The
// transport below knows it by a name that no other origin of any device has,
// and so keeps its connections apart.
type poolOrigin struct {
	t              *PoolTransport
	scheme, host   string // as in a URL
	name           string
	address, plain string // to dial; and its host alone
}

type poolKey struct{}

// RoundTrip sends the request over a connection of this device.
func (t *PoolTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	o, err := t.origin(req.URL)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	r := req.WithContext(context.WithValue(req.Context(), poolKey{}, o))
	u := *req.URL
	u.Host = o.name
	r.URL = &u
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	resp, err := t.under.RoundTrip(r)
	if err != nil {
		t.done()
		return nil, err
	}
	resp.Request = req
	resp.Body = &pooledBody{ReadCloser: resp.Body, t: t}
	return resp, nil
}

// origin finds where a request goes, and counts it.
func (t *PoolTransport) origin(u *url.URL) (*poolOrigin, error) {
	if u == nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("wire: pool: the request's URL has no http origin")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var found *poolOrigin
	for _, o := range t.origins {
		if o.scheme == u.Scheme && o.host == u.Host {
			found = o
		}
	}
	if found == nil {
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		found = &poolOrigin{
			t: t, scheme: u.Scheme, host: u.Host, plain: u.Hostname(),
			name:    strconv.FormatUint(t.pool.next.Add(1), 10) + ".pool.invalid",
			address: net.JoinHostPort(u.Hostname(), port),
		}
		if len(t.origins) < maxOrigins { // a further one gets connections for one request
			t.origins = append(t.origins, found)
		}
	}
	t.busy++
	t.closing = false
	return found, nil
}

// maxOrigins bounds what a device is remembered to be asked at: its ports.
const maxOrigins = 16

// done ends a request.
func (t *PoolTransport) done() {
	t.mu.Lock()
	t.busy--
	t.mu.Unlock()
	t.sweep()
}

// CloseIdleConnections closes the device's idle connections, and those in use
// when they no longer are. The transport stays usable.
func (t *PoolTransport) CloseIdleConnections() {
	t.mu.Lock()
	t.closing = true
	t.mu.Unlock()
	t.sweep()
}

// sweep closes the connections if that is due and none is in use.
func (t *PoolTransport) sweep() {
	t.mu.Lock()
	var idle []*pooledConn
	if t.closing && t.busy == 0 {
		for c := range t.conns {
			idle = append(idle, c)
		}
	}
	t.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}

// dialPooled makes a connection for the origin that the request carries. For
// https it shakes hands, too.
func dialPooled(ctx context.Context, network, name string) (net.Conn, error) {
	o, ok := ctx.Value(poolKey{}).(*poolOrigin)
	if host, _, err := net.SplitHostPort(name); !ok || err != nil || host != o.name {
		return nil, errors.New("wire: pool: a connection is asked for that belongs to no device")
	}
	t := o.t
	raw, err := t.o.dialer()(ctx, network, o.address)
	if err != nil {
		return nil, err
	}
	conn := &pooledConn{Conn: raw, t: t}
	if !t.keep(conn) {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if o.scheme != "https" {
		return conn, nil
	}
	conf := t.o.TLS
	if conf == nil {
		conf = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if conf.ServerName == "" {
		conf = conf.Clone()
		conf.ServerName = o.plain
	}
	if d := t.o.Timeouts.TLS; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	secure := tls.Client(conn, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// keep takes a connection into the books; false if none is wanted any more.
func (t *PoolTransport) keep(c *pooledConn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing && t.busy == 0 {
		return false
	}
	if t.conns == nil {
		t.conns = map[*pooledConn]struct{}{}
	}
	t.conns[c] = struct{}{}
	return true
}

// A pooledConn leaves the books when it is closed.
type pooledConn struct {
	net.Conn
	t *PoolTransport
}

func (c *pooledConn) Close() error {
	c.t.mu.Lock()
	delete(c.t.conns, c)
	c.t.mu.Unlock()
	return c.Conn.Close()
}

// A pooledBody ends its request once it is closed.
type pooledBody struct {
	io.ReadCloser
	t    *PoolTransport
	once sync.Once
}

func (b *pooledBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.t.done)
	return err
}
