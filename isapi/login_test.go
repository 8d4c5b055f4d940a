package isapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// loginHost is a device that asks for a login and serves the own fixtures.
func loginHost(t *testing.T, password string) (*authtest.Host, *isapi.Client) {
	t.Helper()
	h := authtest.New(authtest.Options{
		Users: map[string]string{"admin": "Right-1234"}, Algorithms: []string{"MD5", "SHA-256"}, LockAfter: 5,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, ok := documents[r.URL.RequestURI()]
			if !ok {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = w.Write([]byte(body))
		}),
	})
	t.Cleanup(func() { _ = h.Close() })
	c, err := isapi.New("http://192.0.2.7", auth.Static("admin", camsec.NewSecret([]byte(password))),
		&isapi.Options{DialContext: h.DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return h, c
}

func TestOneRequestACall(t *testing.T) {
	h, c := loginHost(t, "Right-1234")
	_, err := c.DeviceInfo(t.Context())
	require.NoError(t, err)
	before := h.Requests()
	for range 5 {
		_, err := c.DeviceInfo(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, 5, h.Requests()-before)
	require.Zero(t, h.FailedLogins())
}

func TestLoginStateSpendsNoTry(t *testing.T) {
	h, c := loginHost(t, "wrong")
	s, err := c.Device().LoginState(t.Context())
	require.NoError(t, err)
	require.Equal(t, camsec.StateUnknown, s.RiskPassword)
	require.Zero(t, h.FailedLogins())

	h, c = loginHost(t, "Right-1234")
	_, err = c.Device().Inventory(t.Context())
	require.NoError(t, err)
	s, err = c.Device().LoginState(t.Context())
	require.NoError(t, err)
	require.Equal(t, camsec.StateOn, s.RiskPassword)
	require.Equal(t, camsec.StateOff, s.DefaultPassword)
	require.Zero(t, h.FailedLogins())
}

func TestRefusedCredentialIsSentOnce(t *testing.T) {
	h, c := loginHost(t, "wrong")
	list, err := c.Device().Settings(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
	require.Equal(t, 1, h.FailedLogins())
	for _, s := range list {
		require.False(t, s.Known(), s.ID)
		require.Equal(t, camsec.ReasonRefused, s.Err.Code, s.ID)
	}
	_, err = c.Device().Users(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
	require.Equal(t, 1, h.FailedLogins())
}

func TestNoCredential(t *testing.T) {
	h, _ := loginHost(t, "")
	c, err := isapi.New("http://192.0.2.7", nil, &isapi.Options{DialContext: h.DialContext})
	require.NoError(t, err)
	list, err := c.Device().Settings(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
	require.Equal(t, camsec.ReasonNoCredential, setting(t, list, "service.ssh").Err.Code)
	require.Equal(t, 1, h.Requests())
}

func TestUntrustedDeviceGetsNoRequest(t *testing.T) {
	h, _ := loginHost(t, "")
	addr, err := h.Listen("127.0.0.1:0", true)
	require.NoError(t, err)
	c, err := isapi.New(addr.String(), auth.Static("admin", camsec.NewSecret([]byte("Right-1234"))), nil)
	require.NoError(t, err)
	_, err = c.DeviceInfo(t.Context())
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	require.Zero(t, h.Requests())
}

// Older firmware offers less: a person may accept that, and no refusal is
// forgotten.
func TestAcceptWeaker(t *testing.T) {
	p := isapitest.CurrentCamera()
	b := newBench(t, p, nil)
	_, err := b.client.DeviceInfo(t.Context())
	require.NoError(t, err)
	b.Host().SetAlgorithms(authtest.MD5)
	b.Host().ExpireNonces()
	_, err = b.client.DeviceInfo(t.Context())
	require.ErrorIs(t, err, auth.ErrDowngrade)
	sent, failed := len(b.tap.sent), b.Host().FailedLogins()
	require.NoError(t, b.client.AcceptWeaker(t.Context()))
	assert.Len(t, b.tap.sent, sent)
	_, err = b.client.DeviceInfo(t.Context())
	require.NoError(t, err)
	assert.Equal(t, failed, b.Host().FailedLogins())
}
