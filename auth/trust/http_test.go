package trust_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/trust"
)

// What net/http does with the configuration and its errors.
func TestCase120ThroughHTTP(t *testing.T) {
	cert := selfSigned(t, ecKey(t))
	cam := newCamera(t, serving(cert))
	rt := &http.Transport{TLSClientConfig: trust.System().TLSConfig(key, host)}
	defer rt.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+cam.addr+"/", http.NoBody)
	require.NoError(t, err)
	req.SetBasicAuth("admin", "k9fWz2Lq")
	resp, err := rt.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	assert.Equal(t, trust.PinOf(cert.Leaf), untrusted(t, err).Pin)
	assert.Empty(t, cam.received(), "nothing may be sent")
}

// The configuration leaves a stalled handshake to the transport's limit.
func TestCase129HandshakeStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, device := net.Pipe()
		go func() {
			_, _ = io.Copy(io.Discard, device) // listens, never answers
			_ = device.Close()
		}()
		rt := &http.Transport{
			TLSClientConfig:     trust.InsecureAny().TLSConfig(key, host),
			TLSHandshakeTimeout: 10 * time.Second,
			DialContext:         func(context.Context, string, string) (net.Conn, error) { return client, nil },
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1/", http.NoBody)
		require.NoError(t, err)
		start := time.Now()
		resp, err := rt.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		var timeout net.Error
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())
		assert.Equal(t, 10*time.Second, time.Since(start))
		_ = client.Close()
		synctest.Wait()
	})
}
