package wire_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wire"
)

// A device is asked by its own name, or by the one that the request has, and
// never by the pool's name for it.
func TestPoolNamesTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(nil)
		rt := pool.Transport(wire.TransportOptions{DialContext: keptAlive("north").DialContext})
		for host, want := range map[string]string{"": "north camera.test:81", "other.test": "north other.test"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://camera.test:81/", nil)
			require.NoError(t, err)
			req.Host = host
			resp, err := wire.Do(rt, req, wire.Limits{})
			require.NoError(t, err)
			assert.Equal(t, want, string(resp.Body))
			assert.Equal(t, host, req.Host)
		}
		pool.CloseIdleConnections()
	})
}

// A request that goes nowhere has its body closed.
func TestPoolClosesTheBodyOfABadRequest(t *testing.T) {
	rt := wire.NewPool(nil).Transport(wire.TransportOptions{})
	for _, scheme := range []string{"ftp", ""} {
		var closed atomic.Int32
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://camera.test/", nil)
		require.NoError(t, err)
		req.URL.Scheme = scheme
		req.Body = closing{strings.NewReader("x"), &closed}
		_, err = rt.RoundTrip(req)
		require.ErrorContains(t, err, "no http origin")
		assert.EqualValues(t, 1, closed.Load())
		req.Body = nil
		_, err = rt.RoundTrip(req)
		require.Error(t, err)
	}
}

type closing struct {
	io.Reader
	closed *atomic.Int32
}

func (c closing) Close() error {
	c.closed.Add(1)
	return nil
}

// Unless told otherwise, 128 idle connections are kept, for ten seconds.
func TestPoolDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := wire.NewPool(&wire.PoolOptions{})
		site := keptAlive("x")
		for i := range 130 {
			ask(t, pool.Transport(wire.TransportOptions{DialContext: site.DialContext}), fmt.Sprintf("http://10.0.0.%d/", i))
		}
		synctest.Wait()
		assert.EqualValues(t, 128, site.still.Load())
		time.Sleep(9 * time.Second)
		synctest.Wait()
		assert.EqualValues(t, 128, site.still.Load())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Zero(t, site.still.Load())
	})
}

// What the caller does to a TLS configuration later is nothing to the pool.
func TestPoolKeepsItsConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cert := selfSigned(t, "camera.test")
		roots := x509.NewCertPool()
		roots.AddCert(cert.Leaf)
		conf := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		site := &counter{dial: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				_ = quiet(says200("x")).Serve(&one{conn: tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})})
			}()
			return client, nil
		}}
		pool := wire.NewPool(nil)
		rt := pool.Transport(wire.TransportOptions{DialContext: site.DialContext, TLS: conf})
		conf.RootCAs = x509.NewCertPool()
		assert.Equal(t, "x camera.test", ask(t, rt, "https://camera.test/"))
		pool.CloseIdleConnections()
	})
}
