package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
)

// odd is a device that does what its function says, and remembers requests.
type odd struct {
	mu     sync.Mutex
	answer func(n int, r *http.Request) *http.Response
	seen   []*http.Request
}

func (o *odd) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, r)
	return o.answer(len(o.seen), r), nil
}

// credentials counts the requests that carried one.
func (o *odd) credentials() (n int) {
	for _, r := range o.seen {
		if r.Header.Get("Authorization") != "" {
			n++
		}
	}
	return n
}

func says(r *http.Request, status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("")), Request: r}
}

const challenge = "Www-Authenticate"

func TestTransport(t *testing.T) {
	t.Run("case 1: 401 without a challenge", func(t *testing.T) {
		o := &odd{answer: func(_ int, r *http.Request) *http.Response { return says(r, 401) }}
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		require.Equal(t, auth.KindNoChallenge, kindOf(t, err))
		require.Len(t, o.seen, 1)
	})
	for name, header := range map[string]string{
		"case 2: realm without a value": "Digest realm",
		"case 4: no nonce":              `Digest realm="r", qop="auth"`,
		"case 5: nonce of 1 MB":         `Digest realm="r", qop="auth", nonce="` + strings.Repeat("n", 1<<20) + `"`,
		"case 7: unknown algorithm":     `Digest realm="r", qop="auth", nonce="n", algorithm=TIGER`,
	} {
		t.Run(name, func(t *testing.T) {
			o := &odd{answer: func(_ int, r *http.Request) *http.Response { return says(r, 401, challenge, header) }}
			_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
			require.ErrorIs(t, err, camsec.ErrMalformed)
			require.Zero(t, o.credentials())
		})
	}
	t.Run("case 9: MD5 then SHA-256", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) {
			o.Algorithms, o.Opaque = []string{authtest.MD5, authtest.SHA256}, "o"
		})
		_, err := get(t.Context(), transport(t, h.Transport(), right, nil), deviceURL)
		require.NoError(t, err)
		log := h.Log()
		require.Equal(t, authtest.SHA256, log[len(log)-1].Algorithm)
	})
	t.Run("case 10: SHA-256 once, then MD5", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) { o.Algorithms = []string{authtest.SHA256} })
		rt := transport(t, h.Transport(), right, nil)
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		h.SetAlgorithms(authtest.MD5)
		for range 3 {
			_, err = get(t.Context(), rt, deviceURL)
			require.ErrorIs(t, err, auth.ErrDowngrade)
			require.ErrorIs(t, err, camsec.ErrUntrusted)
		}
		for _, e := range h.Log() {
			require.NotEqual(t, authtest.MD5, e.Algorithm, "the MD5 answer is not sent")
		}
	})
	t.Run("case 11: Digest, then Basic", func(t *testing.T) {
		h := newHost(t, nil)
		rt := transport(t, h.Transport(), right, func(o *auth.TransportOptions) {
			o.InsecureBasic, o.InsecureBasicOverHTTP = true, true
		})
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		h.SetAlgorithms()
		h.SetBasic(true)
		for range 3 {
			_, err = get(t.Context(), rt, deviceURL)
			require.ErrorIs(t, err, auth.ErrDowngrade)
		}
		for _, e := range h.Log() {
			require.NotEqual(t, "Basic", e.Scheme)
		}
	})
	for _, c := range []struct {
		url         string
		basic, http bool
		works       bool
	}{
		{deviceURL, false, false, false},
		{deviceURL, true, false, false},
		{deviceURL, false, true, false},
		{deviceURL, true, true, true},
		{"https://192.0.2.1/x", false, false, false},
		{"https://192.0.2.1/x", false, true, false},
		{"https://192.0.2.1/x", true, false, true},
	} {
		t.Run(fmt.Sprintf("case 12: Basic only, %.5s %t %t", c.url, c.basic, c.http), func(t *testing.T) {
			h := newHost(t, func(o *authtest.Options) { o.Algorithms, o.Basic = []string{}, true })
			rt := transport(t, h.Transport(), right, func(o *auth.TransportOptions) {
				o.InsecureBasic, o.InsecureBasicOverHTTP = c.basic, c.http
			})
			_, err := get(t.Context(), rt, c.url)
			if c.works {
				require.NoError(t, err)
				return
			}
			require.Equal(t, auth.KindInsecureScheme, kindOf(t, err))
			require.ErrorIs(t, err, camsec.ErrUntrusted)
			require.Zero(t, credentials(h))
		})
	}
	t.Run("case 13: Basic and Digest in one line", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) { o.Basic, o.Folded = true, true })
		_, err := get(t.Context(), transport(t, h.Transport(), right, nil), deviceURL)
		require.NoError(t, err)
		log := h.Log()
		require.Equal(t, "Digest", log[len(log)-1].Scheme)
	})
	t.Run("case 17: stale for ever", func(t *testing.T) {
		o := &odd{answer: func(n int, r *http.Request) *http.Response {
			return says(r, 401, challenge, fmt.Sprintf(`Digest realm="r", qop="auth", nonce="n%d", stale=true`, n))
		}}
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		require.Equal(t, auth.KindNonce, kindOf(t, err))
		require.NotErrorIs(t, err, camsec.ErrUnauthorized)
		require.LessOrEqual(t, len(o.seen), 3)
	})
	t.Run("case 18: one-time nonces and stale=FALSE", func(t *testing.T) {
		used := map[string]bool{}
		refused := 0
		o := &odd{answer: func(n int, r *http.Request) *http.Response {
			a := r.Header.Get("Authorization")
			_, rest, _ := strings.Cut(a, ` nonce="`)
			nonce, _, _ := strings.Cut(rest, `"`)
			if nonce != "" && !used[nonce] {
				used[nonce] = true
				return says(r, 200)
			}
			if a != "" {
				refused++
			}
			return says(r, 401, challenge, fmt.Sprintf(`Digest realm="r", qop="auth", nonce="n%d", stale="FALSE"`, n))
		}}
		rt := transport(t, o, right, nil)
		for range 20 {
			_, err := get(t.Context(), rt, deviceURL)
			require.NoError(t, err)
		}
		require.LessOrEqual(t, refused, 2, "it learns that nonces serve once")
	})
	t.Run("case 20: wrong rspauth", func(t *testing.T) {
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			if r.Header.Get("Authorization") == "" {
				return says(r, 401, challenge, `Digest realm="r", qop="auth", nonce="n"`)
			}
			return says(r, 200, "Authentication-Info", `rspauth="`+strings.Repeat("0", 32)+`", qop=auth, nc=00000001`)
		}}
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		require.Equal(t, auth.KindServer, kindOf(t, err))
		require.ErrorIs(t, err, camsec.ErrUntrusted)
	})
	t.Run("case 29: 403 to an old nonce", func(t *testing.T) {
		h := newHost(t, nil)
		rt := transport(t, h.Transport(), right, nil)
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		h.Script(authtest.Fault{Status: http.StatusForbidden, Nth: 1})
		status, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.Zero(t, h.FailedLogins())
	})
	t.Run("case 30: 407 from a device", func(t *testing.T) {
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			return says(r, 407, "Proxy-Authenticate", `Basic realm="r"`)
		}}
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		require.Equal(t, auth.KindProxy, kindOf(t, err))
		require.Len(t, o.seen, 1)
		require.Zero(t, o.credentials())
		require.Empty(t, o.seen[0].Header.Get("Proxy-Authorization"))
	})
	t.Run("case 31: another origin gets no credential", func(t *testing.T) {
		h := newHost(t, nil)
		rt := transport(t, h.Transport(), right, nil)
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		before := credentials(h)
		for _, url := range []string{"http://192.0.2.9/x", "http://192.0.2.1:8080/x", "https://192.0.2.1/x"} {
			_, err = get(t.Context(), rt, url)
			require.Equal(t, auth.KindOrigin, kindOf(t, err), url)
			require.ErrorIs(t, err, camsec.ErrUntrusted)
		}
		require.Equal(t, before, credentials(h))
	})
	t.Run("case 31: a redirect is handed out", func(t *testing.T) {
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			return says(r, 302, "Location", "http://192.0.2.9/")
		}}
		status, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		require.NoError(t, err)
		require.Equal(t, 302, status)
		require.Len(t, o.seen, 1)
	})
	t.Run("case 36: cookie on the 401", func(t *testing.T) {
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			if c, err := r.Cookie("sid"); err == nil && c.Value == "7" && r.Header.Get("Authorization") != "" {
				return says(r, 200)
			}
			return says(r, 401, challenge, `Digest realm="r", qop="auth", nonce="n"`, "Set-Cookie", "sid=7; Path=/; HttpOnly")
		}}
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		require.NoError(t, err)
		require.Len(t, o.seen, 2)
	})
	t.Run("case 42: 503 is no wrong password", func(t *testing.T) {
		h := newHost(t, nil)
		rt := transport(t, h.Transport(), right, nil)
		h.Script(authtest.Fault{Status: http.StatusServiceUnavailable, Nth: 1, AfterLogin: true})
		status, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, 2, h.Requests(), "not repeated here")
		_, err = get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
	})
	t.Run("case 150: errors hold no secret and the request stays as it was", func(t *testing.T) {
		h := newHost(t, nil)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, deviceURL, strings.NewReader("body"))
		require.NoError(t, err)
		_, err = transport(t, h.Transport(), wrong, nil).RoundTrip(req)
		require.Error(t, err)
		require.Empty(t, req.Header)
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			require.NotContains(t, text, wrong)
			require.NotContains(t, text, base64.StdEncoding.EncodeToString([]byte("u:"+wrong)))
		}
	})
}

// A 403 on an old nonce is tried once more, but not for a request that says
// that it is a write.
func TestForbiddenWriteIsNotRepeated(t *testing.T) {
	served := 0
	h := authtest.New(authtest.Options{
		Users: map[string]string{"admin": "right"},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if served++; served > 1 {
				w.WriteHeader(http.StatusForbidden)
			}
		}),
	})
	defer h.Close()
	rt, err := auth.NewTransport(auth.TransportOptions{
		Base: h.Transport(), Target: camsec.Target{Address: "camera.test"},
		Source: auth.Static("admin", camsec.NewSecret([]byte("right"))),
	})
	require.NoError(t, err)
	for i, ctx := range []context.Context{t.Context(), auth.WithoutRetry(t.Context()), t.Context()} {
		before := served
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://camera.test/x", strings.NewReader("<x/>"))
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, []int{1, 1, 2}[i], served-before)
	}
}

// A 403 that speaks of the request is told at once: no login is made anew for
// it, nor a try spent.
func TestForbiddenRequestIsNotRepeated(t *testing.T) {
	const told = "<ResponseStatus><subStatusCode>notSupport</subStatusCode></ResponseStatus>"
	served := map[string]int{}
	h := authtest.New(authtest.Options{
		Users: map[string]string{"admin": "right"},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if served[r.URL.Path]++; r.URL.Path != "/" {
				w.WriteHeader(http.StatusForbidden)
			}
			if r.URL.Path == "/told" {
				_, _ = io.WriteString(w, told)
			}
		}),
	})
	defer h.Close()
	reserved := 0
	rt, err := auth.NewTransport(auth.TransportOptions{
		Base: h.Transport(), Target: camsec.Target{Address: "camera.test"},
		Source: auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
			reserved++
			return auth.Credential{User: "admin", Secret: camsec.NewSecret([]byte("right"))}, nil
		}),
		AboutRequest: func(_ *http.Response, body []byte) bool { return bytes.Contains(body, []byte("notSupport")) },
	})
	require.NoError(t, err)
	for _, path := range []string{"/", "/told", "/told", "/bare", "/told"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://camera.test"+path, nil)
		require.NoError(t, err)
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, map[bool]string{true: told}[path == "/told"], string(body), "the words are the caller's to read")
		resp.Body.Close()
	}
	require.Equal(t, map[string]int{"/": 1, "/told": 3, "/bare": 2}, served)
	require.Equal(t, 2, reserved, "at first, and for the one that might have been an old nonce")
	require.Equal(t, 8, h.Requests(), "with two challenges")
}
