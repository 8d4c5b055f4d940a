package auth_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
)

const (
	deviceURL = "http://192.0.2.1/x"
	right     = "correct-horse"
	wrong     = "battery-staple"
)

var device = camsec.Target{Address: "192.0.2.1"}

func okHandler(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("fine")) }

// newHost is a device with the account u, which it locks after five failures.
func newHost(t *testing.T, change func(*authtest.Options)) *authtest.Host {
	t.Helper()
	o := authtest.Options{
		Users: map[string]string{"u": right}, LockAfter: 5, LockFor: 30 * time.Minute,
		Handler: http.HandlerFunc(okHandler),
	}
	if change != nil {
		change(&o)
	}
	h := authtest.New(o)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func static(password string) auth.Source {
	return auth.Static("u", camsec.NewSecret([]byte(password)))
}

func transport(t *testing.T, base http.RoundTripper, password string, change func(*auth.TransportOptions)) *auth.Transport {
	t.Helper()
	o := auth.TransportOptions{Base: base, Target: device, Source: static(password)}
	if change != nil {
		change(&o)
	}
	rt, err := auth.NewTransport(o)
	require.NoError(t, err)
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func kindOf(t *testing.T, err error) auth.Kind {
	t.Helper()
	var e *auth.Error
	require.ErrorAs(t, err, &e)
	return e.Kind
}

// credentials counts the requests that carried one.
func credentials(h *authtest.Host) (n int) {
	for _, e := range h.Log() {
		if e.Scheme != "" {
			n++
		}
	}
	return n
}

// together makes n calls that start at once and returns their errors.
func together(t *testing.T, rt http.RoundTripper, n int) []error {
	t.Helper()
	errs, start := make([]error, n), make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			_, errs[i] = get(t.Context(), rt, deviceURL)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// get reads url and returns the status.
func get(ctx context.Context, rt http.RoundTripper, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

func TestLockout(t *testing.T) {
	for _, algorithm := range []string{authtest.MD5, authtest.SHA256} {
		t.Run("case 14: wrong password for ever, "+algorithm, func(t *testing.T) {
			h := newHost(t, func(o *authtest.Options) { o.Algorithms = []string{algorithm} })
			rt := transport(t, h.Transport(), wrong, nil)
			for range 10 {
				_, err := get(t.Context(), rt, deviceURL)
				require.ErrorIs(t, err, camsec.ErrUnauthorized)
				require.Equal(t, auth.KindRefused, kindOf(t, err))
			}
			require.Equal(t, 1, h.FailedLogins())
			require.Equal(t, 2, h.Requests(), "the challenge and one login; then no packet")
		})
	}
	t.Run("case 14: wrong password for ever, Basic", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) { o.Algorithms, o.Basic = []string{}, true })
		rt := transport(t, h.Transport(), wrong, func(o *auth.TransportOptions) {
			o.InsecureBasic, o.InsecureBasicOverHTTP = true, true
		})
		for range 10 {
			_, err := get(t.Context(), rt, deviceURL)
			require.ErrorIs(t, err, camsec.ErrUnauthorized)
		}
		require.Equal(t, 1, h.FailedLogins())
	})
	t.Run("case 15: locked account", func(t *testing.T) {
		h := newHost(t, nil)
		h.Lock("u", authtest.DefaultClient, 30*time.Minute)
		rt := transport(t, h.Transport(), right, nil)
		for range 5 {
			_, err := get(t.Context(), rt, deviceURL)
			require.ErrorIs(t, err, camsec.ErrLocked)
			var e *auth.Error
			require.ErrorAs(t, err, &e)
			require.WithinDuration(t, time.Now().Add(30*time.Minute), e.Until, time.Minute)
		}
		require.Zero(t, credentials(h))
		require.Equal(t, 1, h.Requests())
	})
	t.Run("case 16: one try left", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) {
			o.RefusalBody = func(r authtest.Refusal) (string, []byte) { r.Left = 1; return authtest.UserCheckBody(r) }
		})
		rt := transport(t, h.Transport(), right, nil)
		for range 5 {
			_, err := get(t.Context(), rt, deviceURL)
			require.ErrorIs(t, err, camsec.ErrLocked)
			var e *auth.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, auth.KindFewTries, e.Kind)
			require.Equal(t, 1, e.Left)
		}
		require.Zero(t, credentials(h), "the last tries belong to people")
	})
	t.Run("case 45: connection limit on a proven credential", func(t *testing.T) {
		h := newHost(t, nil)
		rt := transport(t, h.Transport(), right, nil)
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		h.Script(authtest.Fault{Status: http.StatusUnauthorized})
		before := h.Requests()
		_, err = get(t.Context(), rt, deviceURL)
		require.ErrorIs(t, err, camsec.ErrBusy)
		require.NotErrorIs(t, err, camsec.ErrUnauthorized)
		require.LessOrEqual(t, h.Requests()-before, 2)
		h.ClearScript()
		_, err = get(t.Context(), rt, deviceURL)
		require.NoError(t, err, "the credential is still good")
	})
	t.Run("case 46: 64 at once, cold, wrong", func(t *testing.T) {
		h := newHost(t, nil)
		for _, err := range together(t, transport(t, h.Transport(), wrong, nil), 64) {
			require.ErrorIs(t, err, camsec.ErrUnauthorized)
		}
		require.Equal(t, 1, h.FailedLogins())
		require.Zero(t, h.LockedLogins())
	})
	t.Run("case 46: 64 transports of one budget", func(t *testing.T) {
		h := newHost(t, nil)
		b := auth.NewMemoryBudget(nil)
		errs := make([]error, 64)
		base := h.Transport()
		defer base.CloseIdleConnections()
		var wg sync.WaitGroup
		for i := range errs {
			rt := transport(t, base, wrong, func(o *auth.TransportOptions) { o.Budget = b })
			wg.Go(func() { _, errs[i] = get(t.Context(), rt, deviceURL) })
		}
		wg.Wait()
		for _, err := range errs {
			require.ErrorIs(t, err, camsec.ErrUnauthorized)
		}
		require.Equal(t, 1, h.FailedLogins())
	})
	t.Run("case 47: 64 at once, right, strict nc", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) { o.OrderedCounts = true })
		for _, err := range together(t, transport(t, h.Transport(), right, nil), 64) {
			require.NoError(t, err)
		}
		require.LessOrEqual(t, h.Requests(), 66)
		require.Zero(t, h.FailedLogins())
		require.Zero(t, h.Replays())
	})
	t.Run("case 49: password rotated mid-flight", func(t *testing.T) {
		const fresh = "new-staple-1"
		for _, next := range []string{fresh, wrong} {
			h := newHost(t, nil)
			var password atomic.Value
			password.Store(right)
			rt := transport(t, h.Transport(), "", func(o *auth.TransportOptions) {
				o.Source = auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
					p := password.Load().(string)
					return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(p)), Version: p}, nil
				})
			})
			_, err := get(t.Context(), rt, deviceURL)
			require.NoError(t, err)
			h.SetUser("u", fresh)
			password.Store(next)
			before := credentials(h)
			_, err = get(t.Context(), rt, deviceURL)
			require.Error(t, err)
			require.Equal(t, 1, credentials(h)-before, "old and new are not both tried in one call")
			for range 5 {
				_, err = get(t.Context(), rt, deviceURL)
			}
			if next == fresh {
				require.NoError(t, err)
				require.Equal(t, 1, h.FailedLogins())
			} else {
				require.ErrorIs(t, err, camsec.ErrUnauthorized)
				require.Equal(t, 2, h.FailedLogins(), "the old one on an old nonce, and the new one once")
			}
		}
	})
	t.Run("a source that fails sends nothing", func(t *testing.T) {
		h := newHost(t, nil)
		broken := errors.New("vault sealed")
		rt := transport(t, h.Transport(), "", func(o *auth.TransportOptions) {
			o.Source = auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
				return auth.Credential{}, broken
			})
		})
		_, err := get(t.Context(), rt, deviceURL)
		require.ErrorIs(t, err, broken)
		require.Equal(t, auth.KindSource, kindOf(t, err))
		require.Zero(t, h.Requests())
	})
}
