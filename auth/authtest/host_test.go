package authtest_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/camsec/camsec/auth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const base = "http://camera.test"

// clock is a clock that moves only when told.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "hello "+authtest.UserOf(r.Context()))
}

func newHost(t *testing.T, o authtest.Options) *authtest.Host {
	t.Helper()
	if o.Users == nil {
		o.Users = map[string]string{"admin": "right"}
	}
	if o.Handler == nil {
		o.Handler = http.HandlerFunc(hello)
	}
	h := authtest.New(o)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

var param = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^\s,]+))`)

func digestSum(algorithm, s string) string {
	switch strings.TrimSuffix(algorithm, "-sess") {
	case "SHA-256":
		b := sha256.Sum256([]byte(s))
		return hex.EncodeToString(b[:])
	case "SHA-512-256":
		b := sha512.Sum512_256([]byte(s))
		return hex.EncodeToString(b[:])
	}
	b := md5.Sum([]byte(s))
	return hex.EncodeToString(b[:])
}

// respond answers one challenge by the letter of RFC 7616.
func respond(challenge, method, uri, user, password string, nc int) string {
	p := map[string]string{}
	for _, m := range param.FindAllStringSubmatch(challenge, -1) {
		p[m[1]] = m[2] + m[3]
	}
	ha1 := digestSum(p["algorithm"], user+":"+p["realm"]+":"+password)
	if strings.HasSuffix(p["algorithm"], "-sess") {
		ha1 = digestSum(p["algorithm"], ha1+":"+p["nonce"]+":abcdef")
	}
	ha2 := digestSum(p["algorithm"], method+":"+uri)
	out := fmt.Sprintf(`Digest username=%q, realm=%q, nonce=%q, uri=%q`, user, p["realm"], p["nonce"], uri)
	if p["algorithm"] != "" {
		out += ", algorithm=" + p["algorithm"]
	}
	if p["opaque"] != "" {
		out += fmt.Sprintf(", opaque=%q", p["opaque"])
	}
	if p["qop"] == "" {
		return out + fmt.Sprintf(", response=%q", digestSum(p["algorithm"], ha1+":"+p["nonce"]+":"+ha2))
	}
	count := fmt.Sprintf("%08x", nc)
	response := digestSum(p["algorithm"], ha1+":"+p["nonce"]+":"+count+":abcdef:auth:"+ha2)
	return out + fmt.Sprintf(`, qop=auth, nc=%s, cnonce="abcdef", response=%q`, count, response)
}

type reply struct {
	status     int
	body       string
	challenges []string
}

func ask(t *testing.T, rt http.RoundTripper, path, authorization string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	require.NoError(t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{resp.StatusCode, string(body), resp.Header.Values("WWW-Authenticate")}
}

// login makes one challenge and one answer.
func login(t *testing.T, rt http.RoundTripper, user, password string) reply {
	t.Helper()
	first := ask(t, rt, "/x?a=b", "")
	require.Equal(t, http.StatusUnauthorized, first.status)
	require.NotEmpty(t, first.challenges)
	return ask(t, rt, "/x?a=b", respond(first.challenges[0], "GET", "/x?a=b", user, password, 1))
}

func TestDigestAlgorithms(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{
		"", authtest.MD5, authtest.MD5Sess, authtest.SHA256, authtest.SHA256Sess,
		authtest.SHA512_256, authtest.SHA512256Sess,
	} {
		t.Run("algorithm "+algorithm, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, authtest.Options{Algorithms: []string{algorithm}, Opaque: "x1"})
			rt := h.Transport()
			got := login(t, rt, "admin", "right")
			assert.Equal(t, http.StatusOK, got.status)
			assert.Equal(t, "hello admin", got.body)
			assert.Equal(t, http.StatusUnauthorized, login(t, rt, "admin", "wrong").status)
			assert.Equal(t, http.StatusUnauthorized, login(t, rt, "nobody", "right").status)
			assert.Equal(t, 1, h.Logins())
			assert.Equal(t, 2, h.FailedLogins())
			assert.Equal(t, 3, h.Challenges())
			assert.Equal(t, 6, h.Requests())
		})
	}
}

func TestWithoutQop(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{Qop: "none"})
	assert.Equal(t, http.StatusOK, login(t, h.Transport(), "admin", "right").status)
}

func TestEachChallengeHasItsOwnNonce(t *testing.T) {
	t.Parallel()
	for _, folded := range []bool{false, true} {
		h := newHost(t, authtest.Options{
			Algorithms: []string{authtest.SHA256, authtest.MD5}, Basic: true, Folded: folded,
		})
		got := ask(t, h.Transport(), "/x", "")
		all := strings.Join(got.challenges, "\n")
		nonces := regexp.MustCompile(`nonce="([^"]+)"`).FindAllStringSubmatch(all, -1)
		require.Len(t, nonces, 2)
		assert.NotEqual(t, nonces[0][1], nonces[1][1])
		assert.Contains(t, all, "Basic realm=")
		if folded {
			assert.Len(t, got.challenges, 1)
			continue
		}
		require.Len(t, got.challenges, 3)
		// The nonce of one challenge does not serve the other algorithm.
		mixed := strings.Replace(got.challenges[1], nonces[1][1], nonces[0][1], 1)
		assert.Equal(t, http.StatusUnauthorized,
			ask(t, h.Transport(), "/x", respond(mixed, "GET", "/x", "admin", "right", 1)).status)
		assert.Equal(t, 1, h.FailedLogins())
	}
}

func TestNonceCountsAndLifetime(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHost(t, authtest.Options{Now: c.now, NonceLifetime: time.Minute})
	rt := h.Transport()
	challenge := ask(t, rt, "/x", "").challenges[0]
	answer := func(nc int) reply {
		return ask(t, rt, "/x", respond(challenge, "GET", "/x", "admin", "right", nc))
	}
	assert.Equal(t, http.StatusOK, answer(1).status)
	assert.Equal(t, http.StatusOK, answer(3).status)
	assert.Equal(t, http.StatusOK, answer(2).status, "counts may overtake each other")

	again := answer(2)
	assert.Equal(t, http.StatusUnauthorized, again.status)
	assert.Contains(t, again.challenges[0], `stale="TRUE"`)
	assert.Equal(t, 1, h.Replays())

	c.add(2 * time.Minute)
	old := answer(4)
	assert.Equal(t, http.StatusUnauthorized, old.status)
	assert.Contains(t, old.challenges[0], `stale="TRUE"`)
	assert.Zero(t, h.FailedLogins(), "a stale nonce is not a failed login")
}

func TestBasicOnlyWhenOffered(t *testing.T) {
	t.Parallel()
	const header = "Basic YWRtaW46cmlnaHQ=" // admin:right
	h := newHost(t, authtest.Options{})
	assert.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", header).status)
	h.SetBasic(true)
	assert.Equal(t, http.StatusOK, ask(t, h.Transport(), "/x", header).status)
}

func TestLockOut(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHost(t, authtest.Options{
		Now: c.now, LockAfter: 3, LockFor: 10 * time.Minute, NonceLifetime: time.Hour,
		Users: map[string]string{"admin": "right", "guard": "other"},
	})
	rt := h.Transport()
	assert.Contains(t, login(t, rt, "admin", "bad").body, "<retryLoginTime>2</retryLoginTime>")
	assert.Equal(t, http.StatusOK, login(t, rt, "admin", "right").status, "a success starts the count anew")
	for range 3 {
		assert.Equal(t, http.StatusUnauthorized, login(t, rt, "admin", "bad").status)
	}

	c.add(time.Minute)
	locked := login(t, rt, "admin", "right")
	assert.Equal(t, http.StatusUnauthorized, locked.status)
	assert.Contains(t, locked.body, "<lockStatus>lock</lockStatus>")
	assert.Contains(t, locked.body, "<unlockTime>540</unlockTime>")
	assert.Contains(t, locked.body, "<retryLoginTime>0</retryLoginTime>")
	assert.Equal(t, 1, h.LockedLogins())
	assert.Equal(t, c.now().Add(9*time.Minute), h.LockedUntil("admin", authtest.DefaultClient))

	assert.Equal(t, http.StatusOK, login(t, rt, "guard", "other").status, "another account")
	assert.Equal(t, http.StatusOK, login(t, h.TransportFrom("192.0.2.99"), "admin", "right").status, "another address")

	c.add(9 * time.Minute)
	assert.Equal(t, http.StatusOK, login(t, rt, "admin", "right").status, "the lock has ended")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	close(open)
	body := []byte("<a>1234</a>")
	tests := []struct {
		name   string
		fault  authtest.Fault
		status int
		body   string
		broken bool
	}{
		{name: "status", fault: authtest.Fault{Status: 503, Body: body}, status: 503, body: string(body)},
		{name: "held, then served", fault: authtest.Fault{Hold: open}, status: 200, body: "hello "},
		{name: "slow", fault: authtest.Fault{Body: body, Tick: open}, status: 200, body: string(body)},
		{name: "cut", fault: authtest.Fault{Body: body, Cut: 4}, status: 200, body: "<a>1", broken: true},
		{name: "endless", fault: authtest.Fault{Endless: 100_000}, status: 200, body: strings.Repeat("<a>", 33_334)[:100_000]},
		{name: "raw", fault: authtest.Fault{Raw: []byte("HTTP/1.0 204 No\r\n\r\n")}, status: 204},
		{name: "drop", fault: authtest.Fault{Drop: true}, broken: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, authtest.Options{Public: func(*http.Request) bool { return true }})
			test.fault.On, test.fault.Nth = "GET /x", 2
			h.Script(test.fault)
			rt := h.Transport()
			assert.Equal(t, http.StatusOK, ask(t, rt, "/x", "").status, "the first is spared")

			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/x", nil)
			require.NoError(t, err)
			// A fresh connection, lest the transport tries again by itself.
			resp, err := h.Transport().RoundTrip(req)
			if test.status == 0 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			defer func() { _ = resp.Body.Close() }()
			got, err := io.ReadAll(resp.Body)
			assert.Equal(t, test.broken, err != nil)
			assert.Equal(t, test.status, resp.StatusCode)
			assert.Equal(t, test.body, string(got))
			assert.Equal(t, http.StatusOK, ask(t, h.Transport(), "/x", "").status, "the third is spared")
		})
	}
}

func TestHoldEndsWithTheClient(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{})
	h.Script(authtest.Fault{Hold: make(chan struct{})})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, nil)
	require.NoError(t, err)
	resp, err := h.Transport().RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestTLSInMemory(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{Public: func(*http.Request) bool { return true }})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://10.0.0.5/x", nil)
	require.NoError(t, err)
	resp, err := h.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.NotNil(t, resp.TLS)
	want, err := h.Certificate()
	require.NoError(t, err)
	assert.Equal(t, want.Raw, resp.TLS.PeerCertificates[0].Raw)
}

func TestClosedHostRefuses(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{})
	require.NoError(t, h.Close())
	_, err := h.DialContext(t.Context(), "tcp", "camera.test:80")
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = h.DialContext(t.Context(), "tcp", "no port")
	require.Error(t, err)
	assert.False(t, errors.Is(err, net.ErrClosed))
}
