package auth_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
)

// inBody is a message login that appends "user:password" to the body, with a
// mark where it is sent a second time.
type inBody struct{ again bool }

func (m inBody) Read(_ *http.Response, body []byte) auth.MessageReply {
	r := auth.MessageReply{Left: -1, Refused: bytes.HasPrefix(body, []byte("refused"))}
	r.Again = m.again && r.Refused
	r.Locked = bytes.Contains(body, []byte("locked"))
	for n, word := range []string{"zero", "one", "two", "three"} {
		if bytes.Contains(body, []byte(word+" left")) {
			r.Left = n
		}
	}
	return r
}

func (inBody) Sign(_ context.Context, body []byte, c auth.Credential, again bool) ([]byte, error) {
	mark := ""
	if again {
		mark = " again"
	}
	return append(bytes.Clone(body), "|"+c.User+":"+string(c.Secret.Reveal())+mark...), nil
}

// A messageDevice looks for logins in bodies.
type messageDevice struct {
	mu       sync.Mutex
	password string
	status   int // of a refusal
	words    string
	forbids  string // the request that no login is good enough for
	wrong    int
	bodies   []string
}

func (d *messageDevice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bodies = append(d.bodies, string(b))
	what, login, signed := strings.Cut(string(b), "|")
	if what != "public" && (login != "u:"+d.password || what == d.forbids) {
		if signed {
			d.wrong++
		}
		w.WriteHeader(d.status)
		_, _ = io.WriteString(w, "refused "+d.words)
		return
	}
	_, _ = io.WriteString(w, "fine")
}

func (d *messageDevice) transport(t *testing.T, password string, m inBody, change func(*auth.TransportOptions)) *auth.Transport {
	t.Helper()
	h := authtest.New(authtest.Options{Handler: d, Public: func(*http.Request) bool { return true }})
	t.Cleanup(func() { _ = h.Close() })
	return transport(t, h.Transport(), password, func(o *auth.TransportOptions) {
		o.Message = m
		if change != nil {
			change(o)
		}
	})
}

func post(t *testing.T, rt http.RoundTripper, body string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, deviceURL, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func TestMessageLogin(t *testing.T) {
	for _, status := range []int{200, 400, 401, 403, 500} {
		d := &messageDevice{password: right, status: status}
		rt := d.transport(t, right, inBody{}, nil)
		for range 3 {
			got, err := post(t, rt, "read")
			require.NoError(t, err)
			require.Equal(t, "fine", got)
		}
		require.Zero(t, d.wrong)
		require.Equal(t, []string{"read", "read|u:" + right, "read|u:" + right, "read|u:" + right}, d.bodies, "HTTP %d", status)
	}
}

func TestMessageLoginRefusedIsSentOnce(t *testing.T) {
	for _, status := range []int{200, 400, 401, 500} {
		d := &messageDevice{password: right, status: status}
		rt := d.transport(t, wrong, inBody{}, nil)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, deviceURL, strings.NewReader("read"))
				_, err := rt.RoundTrip(req)
				if err == nil || kindOf(t, err) != auth.KindRefused {
					t.Errorf("HTTP %d: %v", status, err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 1, d.wrong, "HTTP %d", status)
	}
}

func TestMessageLoginTriesAgainOnce(t *testing.T) {
	d := &messageDevice{password: right + " again", status: 400}
	rt := d.transport(t, right, inBody{again: true}, nil)
	got, err := post(t, rt, "read")
	require.NoError(t, err)
	require.Equal(t, "fine", got)
	require.Equal(t, 1, d.wrong)

	d = &messageDevice{password: "other", status: 400}
	rt = d.transport(t, right, inBody{again: true}, nil)
	for range 5 {
		_, err = post(t, rt, "read")
		require.Equal(t, auth.KindRefused, kindOf(t, err))
	}
	require.Equal(t, 2, d.wrong)
}

// A proven login that is refused may be right and not allowed to do this: the
// reply is the caller's, and the next call proves the login anew.
func TestMessageLoginNotAllowed(t *testing.T) {
	d := &messageDevice{password: right, status: 400, forbids: "write"}
	rt := d.transport(t, right, inBody{}, nil)
	_, err := post(t, rt, "read")
	require.NoError(t, err)
	got, err := post(t, rt, "write")
	require.NoError(t, err)
	require.Equal(t, "refused ", got)
	got, err = post(t, rt, "read")
	require.NoError(t, err)
	require.Equal(t, "fine", got)

	d.mu.Lock()
	d.password, d.wrong = "changed", 0
	d.mu.Unlock()
	for range 5 {
		_, err = post(t, rt, "read")
	}
	require.Equal(t, auth.KindRefused, kindOf(t, err))
	require.Equal(t, 2, d.wrong, "a proven one gets one retry")
}

func TestMessageLoginHeedsWhatTheDeviceTells(t *testing.T) {
	for words, kind := range map[string]auth.Kind{
		"locked": auth.KindLocked, "zero left": auth.KindFewTries, "one left": auth.KindFewTries, "two left": auth.KindFewTries,
	} {
		for _, status := range []int{400, 401} {
			d := &messageDevice{password: right, status: status, words: words}
			rt := d.transport(t, right, inBody{}, nil)
			_, err := post(t, rt, "read")
			require.Equal(t, kind, kindOf(t, err))
			require.ErrorIs(t, err, camsec.ErrLocked)
			require.Zero(t, d.wrong)
		}
	}
}

// What a device says of its counters beside a refusal of a proven login is the
// budget's, too.
func TestMessageLoginTellsTheBudget(t *testing.T) {
	told := &diary{}
	d := &messageDevice{password: right, status: 400, words: "three left", forbids: "write"}
	rt := d.transport(t, right, inBody{}, func(o *auth.TransportOptions) { o.Budget = told })
	_, err := post(t, rt, "read")
	require.NoError(t, err)
	told.lines = nil
	got, err := post(t, rt, "write")
	require.NoError(t, err)
	require.Equal(t, "refused three left", got)
	require.Equal(t, []string{`foreign u verdict 0 left 3 until ? scheme ""`}, told.lines)
}

// Of a 401 what the message tells comes before what else its body tells.
func TestMessageLoginReadsTheRestOfA401(t *testing.T) {
	const one = "<userCheck><retryLoginTime>1</retryLoginTime></userCheck>"
	for words, works := range map[string]bool{one: false, "three left " + one: true, "": true} {
		d := &messageDevice{password: right, status: 401, words: words}
		_, err := post(t, d.transport(t, right, inBody{}, nil), "read")
		if works {
			require.NoError(t, err, words)
		} else {
			require.Equal(t, auth.KindFewTries, kindOf(t, err), words)
		}
	}
}

// A device that offers Basic, which is not allowed, and reads messages is
// logged in to by message; one that offers digest by digest.
func TestMessageLoginBeforeBasic(t *testing.T) {
	for header, byMessage := range map[string]bool{`Basic realm="r"`: true, "": true, md5Challenge: false} {
		o := &odd{}
		o.answer = func(_ int, r *http.Request) *http.Response {
			body := ""
			if r.Body != nil {
				b, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				body = string(b)
			}
			if r.Header.Get("Authorization") != "" || strings.Contains(body, "|u:") {
				require.Equal(t, byMessage, strings.Contains(body, "|u:"), header)
				return says(r, 200)
			}
			if header == "" {
				return says(r, 401)
			}
			return says(r, 401, challenge, header)
		}
		rt := transport(t, o, right, func(o *auth.TransportOptions) { o.Message = inBody{} })
		for range 2 {
			_, err := post(t, rt, "read")
			require.NoError(t, err, header)
		}
		require.Len(t, o.seen, 3)
	}
}

// Each copy of a body that is made is closed, also of those that are replaced
// by a signed one; and there may be none.
func TestMessageLoginClosesBodies(t *testing.T) {
	d := &messageDevice{password: right, status: 400, forbids: "-"}
	rt := d.transport(t, right, inBody{}, nil)
	var opened, closed atomic.Int32
	open := func() (io.ReadCloser, error) {
		opened.Add(1)
		return rest{strings.NewReader("read"), &closed}, nil
	}
	for range 2 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, deviceURL, nil)
		require.NoError(t, err)
		req.Body, err = open()
		require.NoError(t, err)
		req.GetBody, req.ContentLength = open, 4
		resp, err := rt.RoundTrip(req)
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	require.Eventually(t, func() bool { return opened.Load() == closed.Load() }, 10*time.Second, time.Millisecond, "%d opened, %d closed", opened.Load(), closed.Load())

	rt = d.transport(t, right, inBody{}, nil)
	status, err := get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	require.Equal(t, 200, status)
}

type rest struct {
	io.Reader
	closed *atomic.Int32
}

func (r rest) Close() error {
	r.closed.Add(1)
	return nil
}

// After Renew a device that refuses with 200 is heard.
func TestMessageLoginAnewOn200(t *testing.T) {
	d := &messageDevice{password: right, status: 200}
	rt := d.transport(t, right, inBody{}, nil)
	for range 2 {
		got, err := post(t, rt, "read")
		require.NoError(t, err)
		require.Equal(t, "fine", got)
		require.NoError(t, rt.Renew(t.Context()))
	}
	require.Zero(t, d.wrong)
}

// A message of 1 MiB is signed whole, a longer one not at all.
func TestMessageLoginBoundsTheMessage(t *testing.T) {
	for over := range 2 {
		d := &messageDevice{password: right, status: 400}
		rt := d.transport(t, right, inBody{}, nil)
		got, err := post(t, rt, strings.Repeat("x", 1<<20+over))
		if over == 0 {
			require.NoError(t, err)
			require.Equal(t, "fine", got)
			require.Len(t, d.bodies[1], 1<<20+len("|u:"+right))
			continue
		}
		require.Equal(t, auth.KindBody, kindOf(t, err))
		require.Len(t, d.bodies, 1, "the one without a login")
	}
}

func TestMessageLoginAfterDigestIsADowngrade(t *testing.T) {
	d := &messageDevice{password: right, status: 400}
	h := authtest.New(authtest.Options{Handler: d, Users: map[string]string{"u": right}})
	t.Cleanup(func() { _ = h.Close() })
	rt := transport(t, h.Transport(), right, func(o *auth.TransportOptions) { o.Message = inBody{} })
	_, err := post(t, rt, "public")
	require.NoError(t, err)
	h.SetAlgorithms()
	require.NoError(t, rt.Renew(t.Context()))
	_, err = post(t, rt, "public")
	require.Error(t, err)
	require.ErrorIs(t, err, auth.ErrDowngrade)
	require.Zero(t, d.wrong)
}

// ONVIF draws on the tries of the device's own accounts, but the same password
// refused there may be right here.
func TestONVIFSharesTheBudget(t *testing.T) {
	b := auth.NewMemoryBudget(nil)
	account := func(s camsec.Store) auth.Login {
		return auth.Login{
			Target: device, Account: camsec.Account{Store: s, Name: "u"},
			Credential: auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(right))},
		}
	}
	for _, store := range []camsec.Store{camsec.StoreDevice, camsec.StoreONVIF} {
		res, err := b.Reserve(t.Context(), account(store))
		require.NoError(t, err)
		require.NoError(t, res.Report(auth.Outcome{Verdict: auth.VerdictRefused}))
		_, err = b.Reserve(t.Context(), account(store))
		require.Equal(t, auth.KindRefused, kindOf(t, err))
	}
	other := account(camsec.StoreONVIF)
	other.Credential.Version = "other"
	res, err := b.Reserve(t.Context(), other)
	require.NoError(t, err)
	require.NoError(t, res.Report(auth.Outcome{}))
	other.Credential.Version = "third"
	_, err = b.Reserve(t.Context(), other)
	require.Equal(t, auth.KindBudget, kindOf(t, err), "three tries of five are spent, over both")
}

func TestRenewAsksTheSourceAnew(t *testing.T) {
	h := newHost(t, nil)
	password := right
	rt := transport(t, h.Transport(), right, func(o *auth.TransportOptions) {
		o.Source = auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
			return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(password))}, nil
		})
	})
	_, err := get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	password = "new"
	h.SetUser("u", "new")
	require.NoError(t, rt.Renew(t.Context()))
	_, err = get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	require.Zero(t, h.FailedLogins())
}
