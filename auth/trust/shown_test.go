package trust

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDaysLeft(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := Shown{NotBefore: from, NotAfter: from.Add(10 * 24 * time.Hour)}
	for at, want := range map[time.Duration]int{
		-time.Second: -1, 0: 10, time.Second: 9, 24 * time.Hour: 9, 10*24*time.Hour - time.Second: 0, 10 * 24 * time.Hour: 0,
		10*24*time.Hour + time.Second: -1, 11*24*time.Hour + time.Second: -2,
	} {
		assert.Equal(t, want, c.DaysLeft(from.Add(at)), "%v", at)
	}
}

func TestKeyNames(t *testing.T) {
	for want, key := range map[string]any{
		"RSA 2048":    &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047)},
		"ECDSA P-256": &ecdsa.PublicKey{Curve: elliptic.P256()},
		"Ed25519":     ed25519.PublicKey{},
		"DSA":         nil,
	} {
		assert.Equal(t, want, keyName(&x509.Certificate{PublicKey: key, PublicKeyAlgorithm: x509.DSA}))
	}
}

type stubTransport func(*http.Request) (*http.Response, error)

func (f stubTransport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The last certificate counts, and a handshake that showed none leaves it.
func TestHandshakesAreNoted(t *testing.T) {
	leaf := func(n byte, key any) *tls.ConnectionState {
		return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte{n}, PublicKey: key}}}
	}
	w := Watch(nil, "camera.test", camsec.StateUnknown)
	for _, step := range []struct {
		state *tls.ConnectionState
		want  string
	}{
		{nil, ""},
		{&tls.ConnectionState{}, ""},
		{leaf(1, ed25519.PublicKey{}), "Ed25519"},
		{leaf(1, ed25519.PublicKey{}), "Ed25519"},
		{leaf(2, &ecdsa.PublicKey{Curve: elliptic.P256()}), "ECDSA P-256"},
		{&tls.ConnectionState{}, "ECDSA P-256"},
		{nil, "ECDSA P-256"},
		{leaf(1, ed25519.PublicKey{}), "Ed25519"},
	} {
		w.RoundTripper = stubTransport(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, TLS: step.state}, nil
		})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://camera.test/", nil)
		require.NoError(t, err)
		resp, err := w.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		got, ok := w.Shown()
		require.Equal(t, step.want != "", ok)
		require.Equal(t, step.want, got.Key)
	}
}
