package wire

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	defaultDial      = 5 * time.Second
	defaultTLS       = 10 * time.Second
	defaultHeader    = 10 * time.Second
	defaultBodyIdle  = 10 * time.Second
	defaultTotal     = 30 * time.Second
	maxHeaderBytes   = 64 << 10
	idleConnTimeout  = 30 * time.Second
	bufferSize       = 2 << 10 // most requests and replies; longer ones pass it by
	maxConnsPerHost  = 2
	keepAliveProbing = 15 * time.Second
)

// Timeouts bound the parts of an exchange. A field that is zero has its
// default; a negative one means no limit.
type Timeouts struct {
	Dial     time.Duration // to a connection, default 5 s
	TLS      time.Duration // the TLS handshake, default 10 s
	Header   time.Duration // from the request to the reply's headers, default 10 s
	BodyIdle time.Duration // the wait for the next bytes of the body, default 10 s
	Total    time.Duration // the whole exchange, default 30 s
}

// OrDefaults returns the timeouts with every zero field at its default.
func (t Timeouts) OrDefaults() Timeouts {
	for _, f := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&t.Dial, defaultDial},
		{&t.TLS, defaultTLS},
		{&t.Header, defaultHeader},
		{&t.BodyIdle, defaultBodyIdle},
		{&t.Total, defaultTotal},
	} {
		if *f.v == 0 {
			*f.v = f.def
		}
	}
	return t
}

// TransportOptions set up [NewHTTPTransport]. The zero value is usable.
type TransportOptions struct {
	// DialContext makes connections; nil means a plain [net.Dialer]. The
	// Dial timeout applies to it through its context.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS is the configuration for https, as from trust.Policy.TLSConfig. Nil
	// means the system's roots.
	TLS      *tls.Config
	Timeouts Timeouts
}

// NewHTTPTransport returns a transport for one device: at most two
// connections, small buffers, headers bounded to 64 KiB, HTTP/1 only, no proxy
// from the environment, and no compression asked for. It opens nothing and
// starts no goroutine until it is used; its CloseIdleConnections gives back
// what it holds. Each call returns a transport of its own.
func NewHTTPTransport(o TransportOptions) *http.Transport {
	t := o.Timeouts.OrDefaults()
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	conf := o.TLS
	if conf != nil {
		conf = conf.Clone()
	}
	return &http.Transport{
		DialContext:            o.dialer(),
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    max(t.TLS, 0),
		ResponseHeaderTimeout:  max(t.Header, 0),
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        idleConnTimeout,
		MaxIdleConns:           maxConnsPerHost,
		MaxIdleConnsPerHost:    maxConnsPerHost,
		MaxConnsPerHost:        maxConnsPerHost,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         bufferSize,
		WriteBufferSize:        bufferSize,
		DisableCompression:     true,
		Protocols:              &protocols,
	}
}

// dialer returns what makes connections, bounded in time.
func (o TransportOptions) dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial, limit := o.DialContext, o.Timeouts.OrDefaults().Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: keepAliveProbing}).DialContext
	}
	if limit < 0 {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return dial(ctx, network, addr)
	}
}
