package authtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
)

// An answer is an Authorization field in the making; what a test changes in it
// is what the host has to notice.
type answer struct {
	algorithm, method, uri string
	user, password         string
	username               string // the parameter with its name; empty: the plain name
	realm, nonce, opaque   string
	qop, nc, cnonce, body  string
	userhash               bool
	tail                   string
}

// to begins an answer to a challenge, by the letter of RFC 7616.
func to(challenge, method, uri, user, password string) answer {
	p := map[string]string{}
	for _, m := range param.FindAllStringSubmatch(challenge, -1) {
		p[m[1]] = m[2] + m[3]
	}
	return answer{
		algorithm: p["algorithm"], method: method, uri: uri, user: user, password: password,
		realm: p["realm"], nonce: p["nonce"], opaque: p["opaque"], qop: p["qop"], nc: "00000001", cnonce: "abcdef",
	}
}

func (a answer) field() string {
	h := func(parts ...string) string { return digestSum(a.algorithm, strings.Join(parts, ":")) }
	ha1, ha2 := h(a.user, a.realm, a.password), h(a.method, a.uri)
	if a.qop == "auth-int" {
		ha2 = h(a.method, a.uri, h(a.body))
	}
	response := h(ha1, a.nonce, ha2)
	if a.qop != "" {
		response = h(ha1, a.nonce, a.nc, a.cnonce, a.qop, ha2)
	}
	username := a.username
	switch {
	case username != "":
	case a.userhash:
		username = fmt.Sprintf("username=%q, userhash=true", h(a.user, a.realm))
	default:
		username = fmt.Sprintf("username=%q", a.user)
	}
	out := fmt.Sprintf("Digest %s, realm=%q, nonce=%q, uri=%q, response=%q", username, a.realm, a.nonce, a.uri, response)
	if a.algorithm != "" {
		out += ", algorithm=" + a.algorithm
	}
	if a.opaque != "" {
		out += fmt.Sprintf(", opaque=%q", a.opaque)
	}
	if a.qop != "" {
		out += fmt.Sprintf(", qop=%s, nc=%s", a.qop, a.nc)
		if a.cnonce != "" {
			out += fmt.Sprintf(", cnonce=%q", a.cnonce)
		}
	}
	return out + a.tail
}

// say sends a request with a body and returns the status and the reply's body.
func say(t *testing.T, rt http.RoundTripper, method, uri, body, authorization string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+uri, strings.NewReader(body))
	require.NoError(t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return reply{resp.StatusCode, string(b), resp.Header.Values("WWW-Authenticate")}
}

func TestAuthInt(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{
		Qop: "auth-int", Algorithms: []string{authtest.SHA256},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }),
	})
	rt := h.Transport()
	for _, body := range []string{"", "<v>1</v>", strings.Repeat("x", 1<<20)} {
		c := say(t, rt, "PUT", "/x", body, "").challenges
		require.Len(t, c, 1)
		require.Contains(t, c[0], `qop="auth-int"`)
		a := to(c[0], "PUT", "/x", "admin", "right")
		a.body = body
		got := say(t, rt, "PUT", "/x", body, a.field())
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, body, got.body, "the handler still reads the body")
	}
	require.Zero(t, h.FailedLogins())

	a := to(say(t, rt, "PUT", "/x", "", "").challenges[0], "PUT", "/x", "admin", "right")
	a.body = "<v>1</v>"
	require.Equal(t, http.StatusUnauthorized, say(t, rt, "PUT", "/x", "<v>2</v>", a.field()).status, "another body than was hashed")
	a.qop = "auth"
	require.Equal(t, http.StatusUnauthorized, say(t, rt, "PUT", "/x", "<v>1</v>", a.field()).status, "auth is not offered")
	require.Equal(t, 2, h.FailedLogins())
}

func TestBothQualities(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{Qop: "auth, auth-int"})
	for _, qop := range []string{"auth", "auth-int"} {
		a := to(ask(t, h.Transport(), "/x", "").challenges[0], "GET", "/x", "admin", "right")
		a.qop = qop
		require.Equal(t, http.StatusOK, ask(t, h.Transport(), "/x", a.field()).status, qop)
	}
}

func TestUserHash(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{authtest.MD5, authtest.SHA256, authtest.SHA512_256} {
		h := newHost(t, authtest.Options{
			Algorithms: []string{algorithm}, UserHash: true,
			Users: map[string]string{"admin": "right", "guard": "other"},
		})
		c := ask(t, h.Transport(), "/x", "").challenges[0]
		require.Contains(t, c, "userhash=true")
		a := to(c, "GET", "/x", "admin", "right")
		a.userhash = true
		got := ask(t, h.Transport(), "/x", a.field())
		require.Equal(t, http.StatusOK, got.status, algorithm)
		require.Equal(t, "hello admin", got.body, "A1 and the handler have the plain name")
		log := h.Log()
		require.Equal(t, "admin", log[len(log)-1].User)

		// The hash of a name that nobody has, and one in another realm.
		a.username = fmt.Sprintf("username=%q, userhash=true", digestSum(algorithm, "root:"+a.realm))
		require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", a.field()).status)
		a.username = fmt.Sprintf("username=%q, userhash=true", digestSum(algorithm, "admin:elsewhere"))
		require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", a.field()).status)
		// A hash without the word is a plain name.
		a.username = fmt.Sprintf("username=%q", digestSum(algorithm, "admin:"+a.realm))
		require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", a.field()).status)
		require.Equal(t, 3, h.FailedLogins())
	}
}

func TestExtendedUsername(t *testing.T) {
	t.Parallel()
	const name = "Jäsøn Doe"
	h := newHost(t, authtest.Options{UTF8: true, Users: map[string]string{name: "right"}})
	c := ask(t, h.Transport(), "/x", "").challenges[0]
	require.Contains(t, c, "charset=UTF-8")
	a := to(c, "GET", "/x", name, "right")
	a.username = "username*=UTF-8''" + url.PathEscape(name)
	got := ask(t, h.Transport(), "/x", a.field())
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "hello "+name, got.body)
	for _, broken := range []string{"username*=J%C3%A4s", "username*=UTF-8''J%C3%A4s%", "username*=UTF-8''nobody"} {
		a := to(ask(t, h.Transport(), "/x", "").challenges[0], "GET", "/x", name, "right")
		a.username = broken
		require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", a.field()).status, broken)
	}
}

// What a careless client gets wrong, one thing at a time.
func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{Opaque: `o"1`, Basic: true})
	fresh := func() answer {
		a := to(ask(t, h.Transport(), "/x?a=b", "").challenges[0], "GET", "/x?a=b", "admin", "right")
		a.opaque = `o"1`
		return a
	}
	require.Equal(t, http.StatusOK, ask(t, h.Transport(), "/x?a=b", fresh().field()).status)
	for name, change := range map[string]func(*answer){
		"method":             func(a *answer) { a.method = "POST" },
		"uri without query":  func(a *answer) { a.uri = "/x" },
		"realm":              func(a *answer) { a.realm = "other" },
		"opaque":             func(a *answer) { a.opaque = "o" },
		"no opaque":          func(a *answer) { a.opaque = "" },
		"algorithm":          func(a *answer) { a.algorithm = authtest.SHA256 },
		"no cnonce":          func(a *answer) { a.cnonce = "" },
		"qop not offered":    func(a *answer) { a.qop = "auth-int" },
		"password":           func(a *answer) { a.password = "Right" },
		"repeated parameter": func(a *answer) { a.tail = `, nc=00000002` },
		"open quote":         func(a *answer) { a.tail = `, x="` },
		"no value":           func(a *answer) { a.tail = `, x` },
	} {
		a := fresh()
		change(&a)
		before := h.FailedLogins()
		require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x?a=b", a.field()).status, name)
		require.Equal(t, before+1, h.FailedLogins(), name)
	}
	for _, nc := range []string{"1", "00000000", "0000000g", "000000001"} {
		a := fresh()
		a.nc = nc
		require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x?a=b", a.field()).status, nc)
	}
	require.Equal(t, 4, h.Replays(), "a count that is none is refused as a replay, not as a wrong password")
	before := h.FailedLogins()
	require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", "Basic !").status)
	require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", "Basic YWRtaW46YmFk").status)
	require.Equal(t, before+2, h.FailedLogins())
	challenges := h.Challenges()
	require.Equal(t, http.StatusUnauthorized, ask(t, h.Transport(), "/x", "Bearer abc").status)
	require.Equal(t, challenges+1, h.Challenges(), "a scheme that is not known counts as none")
	require.Equal(t, before+2, h.FailedLogins())
}

func TestOrderedCounts(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{OrderedCounts: true})
	c := ask(t, h.Transport(), "/x", "").challenges[0]
	for _, step := range []struct {
		nc     string
		status int
	}{{"00000002", 200}, {"00000001", 401}, {"00000003", 200}, {"00000003", 401}} {
		a := to(c, "GET", "/x", "admin", "right")
		a.nc = step.nc
		require.Equal(t, step.status, ask(t, h.Transport(), "/x", a.field()).status, step.nc)
	}
	require.Equal(t, 2, h.Replays())
}

// A nonce that fell out of the table is stale; during a lock it is the lock
// that answers.
func TestForgottenNonces(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHost(t, authtest.Options{Now: c.now, LockAfter: 3})
	old := to(ask(t, h.Transport(), "/x", "").challenges[0], "GET", "/x", "admin", "right")
	h.ExpireNonces()
	got := ask(t, h.Transport(), "/x", old.field())
	assert.Contains(t, got.challenges[0], `stale="TRUE"`)
	h.Lock("admin", authtest.DefaultClient, time.Minute)
	got = ask(t, h.Transport(), "/x", old.field())
	assert.Contains(t, got.body, "<lockStatus>lock</lockStatus>")
	assert.Equal(t, 1, h.LockedLogins())
	h.Lock("admin", authtest.DefaultClient, 0)
	assert.True(t, h.LockedUntil("admin", authtest.DefaultClient).IsZero())
	assert.Equal(t, http.StatusOK, login(t, h.Transport(), "admin", "right").status)
}

func TestAccountsChange(t *testing.T) {
	t.Parallel()
	h := newHost(t, authtest.Options{})
	assert.True(t, h.PasswordIs("admin", "right"))
	assert.False(t, h.PasswordIs("admin", "wrong"))
	assert.False(t, h.PasswordIs("nobody", ""))
	h.SetUser("admin", "new")
	assert.Equal(t, http.StatusUnauthorized, login(t, h.Transport(), "admin", "right").status)
	assert.Equal(t, http.StatusOK, login(t, h.Transport(), "admin", "new").status)
	h.RemoveUser("admin")
	assert.Equal(t, http.StatusUnauthorized, login(t, h.Transport(), "admin", "new").status)
	h.SetUser("admin", "new")
	h.SetAlgorithms(authtest.SHA256)
	assert.Contains(t, ask(t, h.Transport(), "/x", "").challenges[0], "algorithm=SHA-256")
	h.SetLock(1, time.Hour)
	assert.Equal(t, http.StatusUnauthorized, login(t, h.Transport(), "admin", "bad").status)
	assert.False(t, h.LockedUntil("admin", authtest.DefaultClient).IsZero())
}
