package isapi

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// The edges of what a device may ask for and hand out.
func TestChallengeLimitsAreExact(t *testing.T) {
	read := func(id, iterations string) error {
		n, err := wire.ParseXML([]byte("<SessionLoginCap><sessionID>"+id+"</sessionID><challenge>c</challenge><iterations>"+iterations+
			"</iterations></SessionLoginCap>"), "", wire.Small())
		require.NoError(t, err)
		c, err := readChallenge(n)
		if err == nil {
			require.Equal(t, iterations, strconv.Itoa(c.iterations))
			require.Equal(t, id, c.id)
			require.False(t, c.irreversible)
		}
		return err
	}
	for _, iterations := range []string{"1", "2", "100", "10000"} {
		require.NoError(t, read("1", iterations), iterations)
	}
	for _, iterations := range []string{"0", "-1", "10001", ""} {
		require.ErrorIs(t, read("1", iterations), camsec.ErrMalformed, iterations)
	}
	require.NoError(t, read(strings.Repeat("x", 256), "1"))
	require.ErrorIs(t, read(strings.Repeat("x", 257), "1"), camsec.ErrMalformed)
}

// Each iteration is a hash of the text of the one before.
func TestAnswerCountsIterations(t *testing.T) {
	secret := camsec.NewSecret([]byte("p"))
	plain := sessionChallenge{challenge: "c"}
	want := hash("p") + "c"
	for plain.iterations = 1; plain.iterations < 5; plain.iterations++ {
		assert.Equal(t, want, plain.answer("u", secret), "%d", plain.iterations)
		want = hash(want)
	}
	salted := sessionChallenge{challenge: "c", salt: "s", irreversible: true}
	want = hash(hash("us"+"p") + "c")
	for salted.iterations = 2; salted.iterations < 5; salted.iterations++ {
		assert.Equal(t, want, salted.answer("u", secret), "%d", salted.iterations)
		want = hash(want)
	}
}

func TestSessionCookies(t *testing.T) {
	take := func(body string, cookies ...string) *webSession {
		doc, err := wire.ParseXML([]byte("<SessionLogin>"+body+"</SessionLogin>"), "", wire.Small())
		require.NoError(t, err)
		return newSession(http.Header{"Set-Cookie": cookies}, doc)
	}
	for name, tc := range map[string]struct {
		body    string
		cookies []string
		want    *webSession
	}{
		"a cookie":               {"", []string{"WebSession=a; path=/"}, &webSession{cookie: "WebSession=a"}},
		"the first of them":      {"", []string{"Tracking=1", "WebSession_=", "WebSession_1=a", "WebSession_2=b"}, &webSession{cookie: "WebSession_1=a"}},
		"an id":                  {"<sessionID>i!~</sessionID>", nil, &webSession{cookie: "WebSession=i!~"}},
		"a cookie before":        {"<sessionID>i</sessionID>", []string{"WebSession=a"}, &webSession{cookie: "WebSession=a"}},
		"a tag":                  {"<sessionTag>t</sessionTag>", []string{"WebSession=a"}, &webSession{cookie: "WebSession=a", tag: "t"}},
		"a tag alone":            {"<sessionTag>t</sessionTag>", nil, nil},
		"another cookie":         {"", []string{"Session=a"}, nil},
		"an id with a blank":     {"<sessionID>a b</sessionID>", nil, nil},
		"an id with a semicolon": {"<sessionID>a;b</sessionID>", nil, nil},
		"an id with a comma":     {"<sessionID>a,b</sessionID>", nil, nil},
		"an id with a DEL":       {"<sessionID>a\x7fb</sessionID>", nil, nil},
		"a tag with a line end":  {"<sessionTag>a&#10;b</sessionTag>", []string{"WebSession=a"}, nil},
	} {
		assert.Equal(t, tc.want, take(tc.body, tc.cookies...), name)
	}
	long := strings.Repeat("x", 4<<10-len("WebSession=")-1)
	require.NotNil(t, take("<sessionTag>t</sessionTag>", "WebSession="+long))
	require.Nil(t, take("<sessionTag>tt</sessionTag>", "WebSession="+long))
}

// What cannot be sent a second time is not, and its 401 is the caller's; for the
// rest a session that the device has forgotten is begun anew.
func TestSessionRepeatsWhatItCan(t *testing.T) {
	for name, tc := range map[string]struct {
		body    io.ReadCloser
		getBody func() (io.ReadCloser, error)
		handed  bool
	}{
		"no body":                     {nil, nil, false},
		"a body that is there once":   {io.NopCloser(strings.NewReader("x")), nil, true},
		"a body that cannot be made":  {io.NopCloser(strings.NewReader("x")), func() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }, true},
		"a body that can be repeated": {io.NopCloser(strings.NewReader("x")), func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }, false},
	} {
		sent := 0
		tr := newSessionTransport(&Client{plain: stubTransport(func(r *http.Request) (*http.Response, error) {
			sent++
			assert.Equal(t, "WebSession=a", r.Header.Get("Cookie"))
			return &http.Response{StatusCode: http.StatusUnauthorized, Body: io.NopCloser(strings.NewReader("<userCheck/>"))}, nil
		})})
		tr.session = &webSession{cookie: "WebSession=a"}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://camera.test/", nil)
		require.NoError(t, err)
		req.Body, req.GetBody = tc.body, tc.getBody
		resp, err := tr.RoundTrip(req)
		assert.Equal(t, 1, sent, name)
		if !tc.handed {
			require.ErrorContains(t, err, "no credential given", "a login was tried: %s", name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "<userCheck/>", string(b))
		require.NoError(t, resp.Body.Close())
	}
}

// A lock lasts as long as the device says, within a day; one that says
// nothing usable gets half an hour.
func TestSessionLockEnds(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tr := newSessionTransport(&Client{now: func() time.Time { return at }})
	for seconds, want := range map[int]time.Duration{
		1: time.Second, 600: 10 * time.Minute, 86400: 24 * time.Hour, 86401: 24 * time.Hour, 1<<31 - 1: 24 * time.Hour,
		0: 30 * time.Minute, -5: 30 * time.Minute,
	} {
		assert.Equal(t, want, tr.until(UserCheck{UnlockSeconds: &seconds}).Sub(at), "%d", seconds)
	}
	assert.Equal(t, 30*time.Minute, tr.until(UserCheck{}).Sub(at))
}

type stubTransport func(*http.Request) (*http.Response, error)

func (f stubTransport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
