package authtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultClient is the address that clients of the in-memory network seem to
// come from (documentation range, RFC 5737).
const DefaultClient = "192.0.2.10"

// A DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// DialContext opens an in-memory connection to the host whatever the address
// says. The port decides about TLS; see [Options.AlwaysTLS].
func (h *Host) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return h.DialFrom(DefaultClient)(ctx, network, addr)
}

// DialFrom is DialContext for a client at the IP address from, since locks are
// kept for each account and address.
func (h *Host) DialFrom(from string) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		if conn, ok, err := h.dialService(network, port, from); ok {
			return conn, err
		}
		l, err := h.listener(port == "443" || h.opts.AlwaysTLS && port != "80")
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return l.dial(ctx, from)
	}
}

// Transport returns a client transport over the in-memory network. It trusts
// exactly the host's own certificate, under any name.
func (h *Host) Transport() *http.Transport { return h.TransportFrom(DefaultClient) }

// TransportFrom is Transport for a client at the IP address from.
func (h *Host) TransportFrom(from string) *http.Transport {
	t := h.transportFrom(from)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.idle = append(h.idle, t)
	return t
}

// transportFrom is TransportFrom for who closes its connections himself.
func (h *Host) transportFrom(from string) *http.Transport {
	return &http.Transport{
		DialContext: h.DialFrom(from),
		TLSClientConfig: &tls.Config{
			// The exact certificate is compared instead of its name.
			InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
			VerifyConnection: func(cs tls.ConnectionState) error {
				want, err := h.Certificate()
				if err != nil {
					return err
				}
				if len(cs.PeerCertificates) == 0 || !bytes.Equal(cs.PeerCertificates[0].Raw, want.Raw) {
					return errors.New("authtest: another certificate than the host's")
				}
				return nil
			},
		},
		DisableCompression: true,
	}
}

// Listen serves the host on a real address, usually "127.0.0.1:0", with or
// without TLS, and returns the address it got.
func (h *Host) Listen(addr string, secure bool) (net.Addr, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("authtest: listening: %w", err)
	}
	if err := h.start(l, secure); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l.Addr(), nil
}

func (h *Host) start(l net.Listener, secure bool) error {
	if secure {
		config, err := h.tlsConfig()
		if err != nil {
			return err
		}
		l = tls.NewListener(l, config)
	}
	s := &http.Server{
		Handler:           h,
		ErrorLog:          quiet(),
		ReadHeaderTimeout: time.Minute,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				h.mu.Lock()
				h.counts.connections++
				h.mu.Unlock()
			}
		},
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return net.ErrClosed
	}
	h.servers = append(h.servers, s)
	go func() { _ = s.Serve(l) }()
	return nil
}

func (h *Host) listener(secure bool) (*pipeListener, error) {
	h.mu.Lock()
	slot := &h.plain
	if secure {
		slot = &h.secure
	}
	if *slot != nil || h.closed {
		defer h.mu.Unlock()
		if h.closed {
			return nil, net.ErrClosed
		}
		return *slot, nil
	}
	l := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	*slot = l
	h.mu.Unlock()
	return l, h.start(l, secure)
}

// Certificate is the one the host shows over TLS.
func (h *Host) Certificate() (*x509.Certificate, error) {
	config, err := h.tlsConfig()
	if err != nil {
		return nil, err
	}
	if len(config.Certificates) == 0 {
		return nil, errors.New("authtest: no fixed certificate")
	}
	cert, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("authtest: own certificate: %w", err)
	}
	return cert, nil
}

func (h *Host) tlsConfig() (*tls.Config, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tls != nil {
		return h.tls, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if h.opts.TLS != nil {
		config = h.opts.TLS.Clone()
	}
	config.NextProtos = nil
	if len(config.Certificates) == 0 && config.GetCertificate == nil {
		cert, err := selfSigned(h.opts.Now())
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{cert}
	}
	h.tls = config
	return config, nil
}

func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("authtest: making a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "camera.test"},
		DNSNames:              []string{"camera.test", "localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(10 * 365 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("authtest: making a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// pipeListener accepts in-memory connections.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) dial(ctx context.Context, from string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- newPipeConn(server, pipeAddr(net.JoinHostPort(from, "40000"))):
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return pipeAddr("192.0.2.1:80") }

// pipeConn is the host's end of a connection. What the host sends waits in a
// small buffer, as it does in a socket: over the bare pipe, host and client
// would wait for each other where both send, such as in a handshake that the
// client ends with an alert.
type pipeConn struct {
	net.Conn
	remote  net.Addr
	queue   chan []byte
	closing chan struct{} // nothing more comes
	broken  chan struct{} // nothing more goes
	once    sync.Once
}

// Sizes of the buffer, and how long a host that has closed its end waits for
// the client to take the rest.
const (
	pipePieces = 16
	pipePiece  = 4 << 10
	pipeLinger = time.Second
)

func newPipeConn(conn net.Conn, remote net.Addr) *pipeConn {
	c := &pipeConn{
		Conn: conn, remote: remote,
		queue: make(chan []byte, pipePieces), closing: make(chan struct{}), broken: make(chan struct{}),
	}
	go c.send()
	return c
}

// send hands on what is written, until the host closes or the client does.
func (c *pipeConn) send() {
	defer c.Conn.Close()
	defer close(c.broken)
	for {
		select {
		case b := <-c.queue:
			if _, err := c.Conn.Write(b); err != nil {
				return
			}
			continue
		case <-c.closing:
		}
		_ = c.SetWriteDeadline(time.Now().Add(pipeLinger))
		for {
			select {
			case b := <-c.queue:
				if _, err := c.Conn.Write(b); err != nil {
					return
				}
			default:
				return
			}
		}
	}
}

func (c *pipeConn) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		piece := bytes.Clone(p[sent:min(len(p), sent+pipePiece)])
		select {
		case <-c.closing:
			return sent, net.ErrClosed
		default:
		}
		select {
		case c.queue <- piece:
			sent += len(piece)
		case <-c.closing:
			return sent, net.ErrClosed
		case <-c.broken:
			return sent, io.ErrClosedPipe
		}
	}
	return len(p), nil
}

// Close lets go of the connection once what was written has been sent; reads
// end at once.
func (c *pipeConn) Close() error {
	c.once.Do(func() { close(c.closing) })
	return c.SetReadDeadline(time.Unix(1, 0))
}

func (c *pipeConn) RemoteAddr() net.Addr { return c.remote }

type pipeAddr string

func (a pipeAddr) Network() string { return "pipe" }
func (a pipeAddr) String() string  { return string(a) }
