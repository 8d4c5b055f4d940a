package auth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
)

// What becomes of calls, connections and logins when calls are given up and
// devices come and go. Where time matters it is a bubble's.

// watched tells whether every connection that was dialed has been closed.
type watchedDial struct {
	dial authtest.DialFunc
	open atomic.Int64
}

func (w *watchedDial) dialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.open.Add(1)
	return &watchedConn{Conn: c, w: w}, nil
}

type watchedConn struct {
	net.Conn
	w    *watchedDial
	once sync.Once
}

func (c *watchedConn) Close() error {
	c.once.Do(func() { c.w.open.Add(-1) })
	return c.Conn.Close()
}

func TestCase140Cancelled(t *testing.T) {
	stuck := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tc := range map[string]struct {
		url     string
		host    func(*authtest.Options)
		dial    func(*authtest.Host) authtest.DialFunc
		before  func(*testing.T, http.RoundTripper) // holds what the call has to wait for
		change  func(*testing.T, *auth.TransportOptions)
		logins  int // sent by the call
		connect bool
	}{
		"case 140: in the dial": {dial: func(*authtest.Host) authtest.DialFunc {
			return func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		}},
		"case 140: in the TLS handshake": {url: "https://192.0.2.1/x", dial: func(*authtest.Host) authtest.DialFunc {
			return func(context.Context, string, string) (net.Conn, error) {
				client, device := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, device) }()
				return client, nil
			}
		}},
		"case 140: before the header": {host: func(o *authtest.Options) { o.Handler = http.HandlerFunc(stuck) }, logins: 1},
		"case 140: before the challenge's header": {host: func(o *authtest.Options) {
			o.Handler, o.Public = http.HandlerFunc(stuck), func(*http.Request) bool { return true }
		}},
		"case 140: in the body": {host: func(o *authtest.Options) {
			o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, "<a>")
				w.(http.Flusher).Flush()
				stuck(w, r)
			})
		}, logins: 1},
		"case 140: in the body of a refusal": {host: func(o *authtest.Options) {
			o.Public = func(*http.Request) bool { return true }
			o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(challenge, md5Challenge)
				w.WriteHeader(http.StatusUnauthorized)
				w.(http.Flusher).Flush()
				stuck(w, r)
			})
		}},
		"case 140: while another login is in flight": {change: func(t *testing.T, o *auth.TransportOptions) {
			r, err := o.Budget.Reserve(t.Context(), auth.Login{Target: device, Credential: auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(right))}})
			require.NoError(t, err)
			t.Cleanup(func() { _ = r.Report(auth.Outcome{}) })
		}},
		"case 140: while the source looks up": {change: func(_ *testing.T, o *auth.TransportOptions) {
			o.Source = auth.SourceFunc(func(ctx context.Context, _ camsec.Target, _ camsec.Account) (auth.Credential, error) {
				<-ctx.Done()
				return auth.Credential{}, ctx.Err()
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, tc.host)
				dial := h.DialContext
				if tc.dial != nil {
					dial = tc.dial(h)
				}
				w := &watchedDial{dial: dial}
				base := onWire(t, w.dialContext)
				rt := transport(t, base, right, func(o *auth.TransportOptions) {
					o.Budget = auth.NewMemoryBudget(nil)
					if tc.change != nil {
						tc.change(t, o)
					}
				})
				url := tc.url
				if url == "" {
					url = deviceURL
				}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
				require.NoError(t, err)
				start := time.Now()
				resp, err := wire.Do(rt, req, wire.Limits{})
				require.Equal(t, time.Second, time.Since(start), "at once")
				require.Nil(t, resp)
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, camsec.ReasonCancelled, camsec.ReasonOf(err))
				require.NotErrorIs(t, err, camsec.ErrUnauthorized)
				harmless(t, err)
				require.Equal(t, tc.logins, credentials(h))
				base.CloseIdleConnections()
				_ = h.Close()
				synctest.Wait()
				require.Zero(t, w.open.Load(), "the connection is closed")
				// The bubble fails the test if a goroutine is left.
			})
		})
	}
	t.Run("case 140: waiting for its turn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, func(o *authtest.Options) { o.Handler = http.HandlerFunc(stuck) })
			rt := transport(t, onWire(t, h.DialContext), right, nil)
			first, endFirst := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				_, err := get(first, rt, deviceURL)
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			_, err := get(ctx, rt, deviceURL)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(start))
			require.ErrorIs(t, rt.Reset(ctx), context.DeadlineExceeded)
			require.ErrorIs(t, rt.Renew(ctx), context.DeadlineExceeded)
			endFirst()
			wg.Wait()
			rt.CloseIdleConnections()
			_ = h.Close()
		})
	})
	t.Run("case 140: waiting for the file of a budget", func(t *testing.T) {
		// Another process holds the lock; its wait is on the system's clock.
		b := openBudget(t, t.TempDir())
		login := auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "1"}}
		r, err := b.Reserve(t.Context(), login)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { _, err := b.Reserve(ctx, login); done <- err }()
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
	})
}

func TestCase141DeadlineShorterThanTheRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) {
			o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(20 * time.Millisecond)
				okHandler(w, r)
			})
		})
		base := onWire(t, h.DialContext)
		rt := transport(t, base, right, nil)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			start := time.Now()
			_, err := get(ctx, rt, deviceURL)
			cancel()
			if err == nil {
				t.Error("five milliseconds were enough")
			}
			require.LessOrEqual(t, time.Since(start), 5*time.Millisecond)
			require.NotErrorIs(t, err, camsec.ErrUnauthorized, "no verdict on the password")
		}
		_, err := get(t.Context(), rt, deviceURL)
		require.ErrorIs(t, err, camsec.ErrLocked, "three logins without an answer may be three failures")
		require.Zero(t, h.FailedLogins())
		require.NoError(t, rt.Reset(t.Context()))
		for range 3 {
			_, err := get(t.Context(), rt, deviceURL)
			require.NoError(t, err)
		}
		rt.CloseIdleConnections()
		_ = h.Close()
	})
}

func TestCase142ThousandCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, nil)
		before := runtime.NumGoroutine()
		w := &watchedDial{dial: h.DialContext}
		rt := transport(t, onWire(t, w.dialContext), right, nil)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 125 {
					if _, err := exchangeOn(t.Context(), rt, "GET", ""); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.LessOrEqual(t, h.Connections(), 2)
		require.Equal(t, 1001, h.Requests())
		rt.CloseIdleConnections()
		_ = h.Close()
		synctest.Wait()
		require.Zero(t, w.open.Load())
		require.LessOrEqual(t, runtime.NumGoroutine(), before+1)
	})
}

func TestCase143CloseWhileCallsRun(t *testing.T) {
	h := newHost(t, nil)
	rt := transport(t, onWire(t, h.DialContext), right, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var closer, calls sync.WaitGroup
	closer.Go(func() {
		for ctx.Err() == nil {
			rt.CloseIdleConnections()
			runtime.Gosched()
		}
	})
	for range 8 {
		calls.Go(func() {
			for range 25 {
				resp, err := exchangeOn(ctx, rt, "GET", "")
				if err != nil || string(resp.Body) != "fine" {
					t.Errorf("%v %v", resp, err)
				}
			}
		})
	}
	calls.Wait()
	cancel()
	closer.Wait()
	require.Zero(t, h.FailedLogins())
}

func exchangeOn(ctx context.Context, rt http.RoundTripper, method, body string) (*wire.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, deviceURL, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	return wire.Do(rt, req, wire.Limits{})
}

func TestCase144RebootBetweenCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		method, body string
		again        bool
	}{
		"case 144: a read":                            {"GET", "", true},
		"case 144: a write, after bytes were sent":    {"PUT", "<v/>", false},
		"case 144: a write without a body, sent, too": {"POST", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var falls atomic.Bool
			var arrived atomic.Int64
			h := newBare(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "" {
					w.Header().Set(challenge, md5Challenge)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				arrived.Add(1)
				if falls.CompareAndSwap(true, false) {
					reset(t, w) // the idle connection was dead all along
					return
				}
				okHandler(w, r)
			})
			rt := transport(t, onWire(t, h.dial), right, nil)
			_, err := exchange(t, rt, tc.method, deviceURL, tc.body)
			require.NoError(t, err)
			falls.Store(true)
			arrived.Store(0)
			_, err = exchange(t, rt, tc.method, deviceURL, tc.body)
			if tc.again {
				require.NoError(t, err, "nobody notices")
				require.EqualValues(t, 2, arrived.Load())
				return
			}
			require.Error(t, err)
			require.Equal(t, camsec.ReasonUnreachable, camsec.ReasonOf(err))
			require.EqualValues(t, 1, arrived.Load(), "whether it took effect is for the caller to find out")
			_, err = exchange(t, rt, tc.method, deviceURL, tc.body)
			require.NoError(t, err, "the login outlives the connection")
		})
	}
}

func TestCase145AnotherCameraAtTheAddress(t *testing.T) {
	a, b := newHost(t, nil), newHost(t, nil)
	at := a
	client := func(p trust.Policy) *auth.Transport {
		base := wire.NewHTTPTransport(wire.TransportOptions{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return at.DialContext(ctx, network, addr)
			},
			TLS: p.TLSConfig(device.Key(), "192.0.2.1"),
		})
		t.Cleanup(base.CloseIdleConnections)
		return transport(t, base, right, nil)
	}
	const url = "https://192.0.2.1/x"
	pinned := func(h *authtest.Host) string {
		c, err := h.Certificate()
		require.NoError(t, err)
		return trust.PinOf(c)
	}
	pins, err := trust.Pins(pinned(a))
	require.NoError(t, err)
	for name, p := range map[string]trust.Policy{"pinned": pins, "first use": trust.FirstUse(trust.MemoryStore())} {
		t.Run(name, func(t *testing.T) {
			at = a
			rt := client(p)
			_, err := exchange(t, rt, "GET", url, "")
			require.NoError(t, err)
			at = b
			rt.CloseIdleConnections()
			for _, rt := range []*auth.Transport{rt, client(p)} { // with a session to resume, and without
				_, err = exchange(t, rt, "GET", url, "")
				e, ok := errors.AsType[*trust.UntrustedError](err)
				require.True(t, ok, "%v", err)
				require.ErrorIs(t, err, camsec.ErrUntrusted)
				require.Equal(t, trust.ReasonPin, e.Reason)
				require.Equal(t, pinned(b), e.Pin, "so that the fleet can say which camera it is")
			}
			require.Zero(t, b.Requests(), "nothing was sent")
			at = a
			_, err = exchange(t, rt, "GET", url, "")
			require.NoError(t, err)
		})
	}
}

// TLS of the same device, resumed, must not need the login anew.
func TestLoginOutlivesTLS(t *testing.T) {
	h := newHost(t, nil)
	rt := transport(t, wire.NewHTTPTransport(wire.TransportOptions{
		DialContext: h.DialContext,
		TLS:         &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(1)}, //nolint:gosec // trust has tests of its own
	}), right, nil)
	for range 3 {
		_, err := exchange(t, rt, "GET", "https://192.0.2.1/x", "")
		require.NoError(t, err)
		rt.CloseIdleConnections()
	}
	require.Equal(t, 4, h.Requests())
}
