package wire_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wire"
)

// A counter counts the connections that a dialer has made and are open.
type counter struct {
	dial        func(ctx context.Context, network, addr string) (net.Conn, error)
	mu          sync.Mutex
	asked       []string
	made, still atomic.Int32
}

func (c *counter) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c.mu.Lock()
	c.asked = append(c.asked, addr)
	c.mu.Unlock()
	conn, err := c.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c.made.Add(1)
	c.still.Add(1)
	return &counted{Conn: conn, still: &c.still}, nil
}

type counted struct {
	net.Conn
	still *atomic.Int32
	once  sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.still.Add(-1) })
	return c.Conn.Close()
}

// keptAlive answers every request of a connection with text.
func keptAlive(text string) *counter {
	return &counter{dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() { _ = quiet(says200(text)).Serve(&one{conn: server}) }()
		return client, nil
	}}
}

// quiet is a server that does not log what clients refuse.
func quiet(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)} //nolint:gosec // in memory
}

func says200(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintf(w, "%s %s", text, r.Host)
	})
}

// one is a listener of one connection.
type one struct {
	conn net.Conn
	done atomic.Bool
}

func (l *one) Accept() (net.Conn, error) {
	if l.done.Swap(true) {
		return nil, io.EOF
	}
	return l.conn, nil
}
func (l *one) Close() error   { return nil }
func (l *one) Addr() net.Addr { return l.conn.LocalAddr() }

func ask(t *testing.T, rt http.RoundTripper, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := wire.Do(rt, req, wire.Limits{})
	require.NoError(t, err)
	require.Equal(t, url, req.URL.String(), "the caller's request is left as it was")
	return string(resp.Body)
}

// The same address at two sites, asked for at once and in turns: every device
// is dialed its own way, and nothing goes over a connection of the other.
func TestPoolKeepsDevicesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(nil)
		names := []string{"north", "south", "east"}
		sites := map[string]*counter{}
		transports := map[string]*wire.PoolTransport{}
		for _, n := range names {
			sites[n] = keptAlive(n)
			transports[n] = pool.Transport(wire.TransportOptions{DialContext: sites[n].DialContext})
		}
		var wg sync.WaitGroup
		for range 4 {
			for _, n := range names {
				wg.Go(func() {
					for range 50 {
						assert.Equal(t, n+" 192.168.1.64", ask(t, transports[n], "http://192.168.1.64/x"))
					}
				})
			}
		}
		wg.Wait()
		for _, n := range names {
			for _, a := range sites[n].asked {
				require.Equal(t, "192.168.1.64:80", a)
			}
		}
		pool.CloseIdleConnections()
	})
}

// Over TLS each device has its own key, and its own word on which to accept.
func TestPoolKeepsTLSApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(nil)
		var roots [2]*x509.CertPool
		var sites [2]*counter
		for i := range roots {
			cert := selfSigned(t, "camera.test")
			roots[i] = x509.NewCertPool()
			roots[i].AddCert(cert.Leaf)
			sites[i] = &counter{dial: func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go func() {
					_ = quiet(says200(fmt.Sprint("site ", i))).Serve(&one{conn: tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})})
				}()
				return client, nil
			}}
		}
		via := func(site, root int) *wire.PoolTransport {
			return pool.Transport(wire.TransportOptions{DialContext: sites[site].DialContext, TLS: &tls.Config{RootCAs: roots[root], MinVersion: tls.VersionTLS12}})
		}
		first, second := via(0, 0), via(1, 1)
		require.Equal(t, "site 0 camera.test:8443", ask(t, first, "https://camera.test:8443/"))
		require.Equal(t, "site 1 camera.test:8443", ask(t, second, "https://camera.test:8443/"))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://camera.test:8443/", nil)
		require.NoError(t, err)
		resp, err := wire.Do(second, req, wire.Limits{})
		require.NoError(t, err)
		require.EqualValues(t, 1, sites[1].made.Load(), "its connection serves again")
		require.NotNil(t, resp)

		_, err = wire.Do(via(0, 1), req, wire.Limits{})
		_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
		require.True(t, unknown, "a connection that another device trusts is not taken: %v", err)
		pool.CloseIdleConnections()
		require.Zero(t, sites[0].still.Load()+sites[1].still.Load())
	})
}

func selfSigned(t *testing.T, name string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestPoolClosesWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(nil)
		a, b := keptAlive("a"), keptAlive("b")
		at, bt := pool.Transport(wire.TransportOptions{DialContext: a.DialContext}), pool.Transport(wire.TransportOptions{DialContext: b.DialContext})
		ask(t, at, "http://c/")
		ask(t, bt, "http://c/")
		at.CloseIdleConnections()
		require.Zero(t, a.still.Load())
		require.EqualValues(t, 1, b.still.Load(), "the other's stay")
		ask(t, bt, "http://c/")
		require.EqualValues(t, 1, b.made.Load())

		// One in use is left, until its reply was read.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://c/", nil)
		require.NoError(t, err)
		resp, err := at.RoundTrip(req)
		require.NoError(t, err, "it stays usable")
		require.Same(t, req, resp.Request)
		at.CloseIdleConnections()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "a c", string(body))
		require.NoError(t, resp.Body.Close())
		require.NoError(t, resp.Body.Close())
		require.Zero(t, a.still.Load())
		ask(t, at, "http://c/")
		require.EqualValues(t, 3, a.made.Load())
		pool.CloseIdleConnections()
		require.Zero(t, a.still.Load()+b.still.Load())
	})
}

// One bound for all devices, and a short time.
func TestPoolBoundsWhatIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(&wire.PoolOptions{Idle: 3, IdleTimeout: 5 * time.Second})
		c := keptAlive("a")
		for range 20 {
			ask(t, pool.Transport(wire.TransportOptions{DialContext: c.DialContext}), "http://c/")
		}
		synctest.Wait()
		require.EqualValues(t, 20, c.made.Load())
		require.EqualValues(t, 3, c.still.Load())
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.Zero(t, c.still.Load())
	})
}

// Each device is waited for as long as its own options say.
func TestPoolTimeoutsAreTheDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(nil)
		silent := func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, server) }()
			return client, nil
		}
		hole := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		for _, tc := range []struct {
			url   string
			dial  func(context.Context, string, string) (net.Conn, error)
			o     wire.Timeouts
			after time.Duration
		}{
			{"http://c/", silent, wire.Timeouts{Header: 3 * time.Second}, 3 * time.Second},
			{"http://c/", silent, wire.Timeouts{Header: 7 * time.Second}, 7 * time.Second},
			{"http://c/", silent, wire.Timeouts{}, 10 * time.Second},
			{"https://c/", silent, wire.Timeouts{TLS: 4 * time.Second}, 4 * time.Second},
			{"http://c/", hole, wire.Timeouts{Dial: 2 * time.Second}, 2 * time.Second},
			{"https://c/", hole, wire.Timeouts{}, 5 * time.Second},
		} {
			rt := pool.Transport(wire.TransportOptions{DialContext: tc.dial, Timeouts: tc.o})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.url, nil)
			require.NoError(t, err)
			began := time.Now()
			_, err = wire.Do(rt, req, wire.Limits{})
			require.Equal(t, tc.after, time.Since(began))
			ne, ok := errors.AsType[net.Error](err)
			require.True(t, ok && ne.Timeout(), "%v", err)
		}
		pool.CloseIdleConnections()
	})
}

// What a device is asked at beyond its address has connections of its own.
func TestPoolOrigins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(nil)
		c := keptAlive("a")
		rt := pool.Transport(wire.TransportOptions{DialContext: c.DialContext})
		require.Equal(t, "a [fe80::1]", ask(t, rt, "http://[fe80::1%25eth0]/"), "the zone is our own business")
		require.Equal(t, []string{"[fe80::1%eth0]:80"}, c.asked)
		for range 2 {
			for port := 8000; port < 8010; port++ {
				host := fmt.Sprint("c:", port)
				require.Equal(t, "a "+host, ask(t, rt, "http://"+host+"/"))
			}
		}
		require.EqualValues(t, 11, c.made.Load())
		for port := range 100 { // more than are remembered
			ask(t, rt, fmt.Sprint("http://c:", 9000+port, "/"))
		}
		rt.CloseIdleConnections()
		require.Zero(t, c.still.Load())

		for _, url := range []string{"ftp://c/", "/x"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("x"))
			require.NoError(t, err)
			_, err = rt.RoundTrip(req)
			require.Error(t, err)
		}
	})
}

// A pool that there is none of is a transport of the device's own.
func TestNoPool(t *testing.T) {
	srv := httptest.NewServer(says200("a"))
	defer srv.Close()
	rt, idle := (*wire.Pool)(nil).Or(wire.TransportOptions{})
	require.IsType(t, &http.Transport{}, rt)
	require.Contains(t, ask(t, rt, srv.URL), "a ")
	idle()
	rt, idle = wire.NewPool(nil).Or(wire.TransportOptions{})
	require.Contains(t, ask(t, rt, srv.URL), "a ")
	idle()
}
