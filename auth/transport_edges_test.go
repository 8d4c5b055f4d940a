package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
)

func TestNewTransportWantsANameForTheBudget(t *testing.T) {
	for name, tc := range map[string]struct {
		o  auth.TransportOptions
		ok bool
	}{
		"no base":               {auth.TransportOptions{}, false},
		"no source, no target":  {auth.TransportOptions{Base: &odd{}}, true},
		"a source, no target":   {auth.TransportOptions{Base: &odd{}, Source: static(right)}, false},
		"a source, an address":  {auth.TransportOptions{Base: &odd{}, Source: static(right), Target: device}, true},
		"a source, an ID alone": {auth.TransportOptions{Base: &odd{}, Source: static(right), Target: camsec.Target{ID: "a"}}, true},
	} {
		_, err := auth.NewTransport(tc.o)
		require.Equal(t, tc.ok, err == nil, "%s: %v", name, err)
	}
}

// 64 calls make one look-up, and one packet where that is the end of it.
func TestWaitingCallsShareTheEnd(t *testing.T) {
	broken := errors.New("vault sealed")
	for name, tc := range map[string]struct {
		source, base error
		lookups      int64
		requests     int64
	}{
		"the credential works":   {nil, nil, 1, 65},
		"the source fails":       {broken, nil, 1, 0},
		"the device is not here": {nil, io.ErrUnexpectedEOF, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, nil)
				var lookups, requests atomic.Int64
				base := onWire(t, h.DialContext)
				rt := transport(t, roundTrip(func(r *http.Request) (*http.Response, error) {
					requests.Add(1)
					if tc.base != nil {
						time.Sleep(time.Second)
						return nil, tc.base
					}
					return base.RoundTrip(r)
				}), "", func(o *auth.TransportOptions) {
					o.Source = auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
						lookups.Add(1)
						time.Sleep(time.Second)
						return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(right))}, tc.source
					})
				})
				for _, err := range together(t, rt, 64) {
					want := tc.source
					if want == nil {
						want = tc.base
					}
					require.ErrorIs(t, err, want)
				}
				require.Equal(t, tc.lookups, lookups.Load())
				require.Equal(t, tc.requests, requests.Load())
				base.CloseIdleConnections()
				_ = h.Close()
			})
		})
	}
	t.Run("one that is given up is nobody else's end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, nil)
			var lookups atomic.Int64
			base := onWire(t, h.DialContext)
			rt := transport(t, base, "", func(o *auth.TransportOptions) {
				o.Source = auth.SourceFunc(func(ctx context.Context, _ camsec.Target, _ camsec.Account) (auth.Credential, error) {
					if lookups.Add(1) == 1 {
						<-ctx.Done()
						return auth.Credential{}, ctx.Err()
					}
					return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(right))}, nil
				})
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := get(ctx, rt, deviceURL); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
			synctest.Wait()
			_, err := get(t.Context(), rt, deviceURL)
			require.NoError(t, err)
			wg.Wait()
			base.CloseIdleConnections()
			_ = h.Close()
		})
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWarnsOfWhatFewDevicesTake(t *testing.T) {
	for _, tc := range []struct {
		user, password string
		warns          int
	}{{"u", right, 0}, {"ü", right, 1}, {"u", "pässword", 1}, {"u", "p\x80", 1}, {"u\x80", "p", 1}, {"u\x7e", "p\x7f", 0}} {
		var log bytes.Buffer
		h := newHost(t, func(o *authtest.Options) { o.Users = map[string]string{tc.user: tc.password} })
		rt := transport(t, h.Transport(), "", func(o *auth.TransportOptions) {
			o.Source = auth.Static(tc.user, camsec.NewSecret([]byte(tc.password)))
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		for range 3 {
			_, err := get(t.Context(), rt, deviceURL)
			require.NoError(t, err)
			h.ExpireNonces()
		}
		require.Equal(t, tc.warns, strings.Count(log.String(), "not ASCII"), "%q: %s", tc, log.String())
		require.NotContains(t, log.String(), `"`+tc.password+`"`)
	}
}

func TestLocksOfStrangers(t *testing.T) {
	locked := func(_ int, r *http.Request) *http.Response {
		resp := says(r, 401, challenge, md5Challenge)
		resp.Body = io.NopCloser(strings.NewReader(`{"UserCheck": {"lockStatus": "lock"}}`))
		return resp
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func(o *auth.TransportOptions) { o.Now = func() time.Time { return now } }
	rt, err := auth.NewTransport(auth.TransportOptions{Base: &odd{answer: locked}, Now: func() time.Time { return now }})
	require.NoError(t, err)
	_, err = get(t.Context(), rt, deviceURL)
	var e *auth.Error
	require.ErrorAs(t, err, &e, "without a credential it is worth knowing")
	require.Equal(t, auth.Error{Kind: auth.KindLocked, Left: -1, Until: now.Add(30 * time.Minute)}, *e)

	o := &odd{answer: func(n int, r *http.Request) *http.Response {
		if r.URL.Host == "192.0.2.9" {
			return locked(n, r)
		}
		return says(r, 200)
	}}
	own := transport(t, o, right, clock)
	_, err = get(t.Context(), own, deviceURL)
	require.NoError(t, err)
	_, err = get(t.Context(), own, "http://192.0.2.9/")
	require.Equal(t, auth.KindOrigin, kindOf(t, err), "another origin cannot lock this account")
	_, err = get(t.Context(), own, deviceURL)
	require.NoError(t, err)
}

func TestCookiesOfARefusal(t *testing.T) {
	cookies := func(set ...string) []string {
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			if r.Header.Get("Authorization") != "" {
				return says(r, 200)
			}
			resp := says(r, 401, challenge, md5Challenge)
			resp.Header["Set-Cookie"] = set
			return resp
		}}
		rt := transport(t, o, right, nil)
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		var names []string
		for _, c := range o.seen[len(o.seen)-1].Cookies() {
			names = append(names, c.Name)
		}
		return names
	}
	require.Equal(t, []string{"a", "b"}, cookies("a=1", "b=2; HttpOnly"))
	require.Equal(t, []string{"a"}, cookies("a=1", "b=2; Secure"), "not over http")
	require.Equal(t, []string{"b"}, cookies("a=1; Max-Age=-1", "b=2"), "one that is taken back")
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("c%d=x", i))
	}
	require.Len(t, cookies(many...), 16)
	require.Equal(t, []string{"a"}, cookies("a="+strings.Repeat("x", 4<<10-1), "b=2"), "4 KiB, names and values")
	require.Empty(t, cookies("a="+strings.Repeat("x", 4<<10)))
}

// A request goes out with the fields that its caller gave it, each time, and
// the caller's own stays as it was.
func TestRequestsKeepTheirFields(t *testing.T) {
	o := &odd{answer: func(_ int, r *http.Request) *http.Response {
		if r.Header.Get("Authorization") != "" {
			return says(r, 200)
		}
		return says(r, 401, challenge, md5Challenge)
	}}
	for _, h := range []http.Header{{"X-Mine": {"a", "b"}, "Content-Type": {"application/xml"}}, nil} {
		o.seen = nil
		rt := transport(t, o, right, nil)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, deviceURL, strings.NewReader("<a/>"))
		require.NoError(t, err)
		req.Header = h
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Len(t, o.seen, 2)
		for _, r := range o.seen {
			require.Equal(t, h["X-Mine"], r.Header["X-Mine"])
			require.Equal(t, h["Content-Type"], r.Header["Content-Type"])
		}
		require.Equal(t, h, req.Header)
	}
}

func TestBodiesThatAreSentAgain(t *testing.T) {
	h := newHost(t, func(o *authtest.Options) {
		o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, len(b))
		})
	})
	send := func(rt http.RoundTripper, n int) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, deviceURL, io.MultiReader(strings.NewReader(strings.Repeat("x", n))))
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	got, err := send(transport(t, h.Transport(), right, nil), 1<<20)
	require.NoError(t, err)
	require.Equal(t, "1048576", got)
	rt := transport(t, h.Transport(), right, nil)
	_, err = send(rt, 1<<20+1)
	require.Equal(t, auth.KindBody, kindOf(t, err))
	_, err = get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	got, err = send(rt, 1<<20+1)
	require.NoError(t, err, "once a login is established")
	require.Equal(t, "1048577", got)

	broken := errors.New("disk gone")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, deviceURL, io.MultiReader(strings.NewReader("x"), failing{broken}))
	require.NoError(t, err)
	_, err = rt.RoundTrip(req)
	require.ErrorIs(t, err, broken)
	require.Equal(t, auth.KindBody, kindOf(t, err))
	require.Zero(t, h.FailedLogins())
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A device whose nonces serve once is learnt after two of them.
func TestOneTimeNoncesAreLearnt(t *testing.T) {
	used := map[string]bool{}
	refused := 0
	o := &odd{answer: func(n int, r *http.Request) *http.Response {
		_, rest, _ := strings.Cut(r.Header.Get("Authorization"), ` nonce="`)
		nonce, _, _ := strings.Cut(rest, `"`)
		if nonce != "" && !used[nonce] {
			used[nonce] = true
			return says(r, 200)
		}
		if nonce != "" {
			refused++
		}
		return says(r, 401, challenge, fmt.Sprintf(`Digest realm="r", qop="auth", nonce="n%d"`, n))
	}}
	rt := transport(t, o, right, nil)
	var requests []int
	for range 6 {
		before := len(o.seen)
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		requests = append(requests, len(o.seen)-before)
	}
	require.Equal(t, []int{2, 2, 2, 2, 2, 2}, requests)
	require.Equal(t, 2, refused, "the second use of two nonces; then none is used twice")
	for _, r := range o.seen {
		for _, v := range r.Header["Authorization"] {
			require.NotEmpty(t, v, "no login is no field")
		}
	}
}
