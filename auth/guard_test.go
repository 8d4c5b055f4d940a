package auth_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

// A device that answers requests without a login in one way and those with one
// in another, the n-th of them.
func device401(without func(r *http.Request) *http.Response, with func(n int, r *http.Request) *http.Response) *odd {
	logins := 0
	return &odd{answer: func(_ int, r *http.Request) *http.Response {
		if r.Header.Get("Authorization") == "" {
			return without(r)
		}
		logins++
		return with(logins, r)
	}}
}

func asks(r *http.Request) *http.Response { return says(r, 401, challenge, md5Challenge) }

func tells(r *http.Request, body string, header ...string) *http.Response {
	resp := says(r, 401, header...)
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp
}

func TestLoggedIn(t *testing.T) {
	status := 200
	o := device401(asks, func(_ int, r *http.Request) *http.Response {
		if status == 401 {
			return asks(r)
		}
		return says(r, status)
	})
	rt := transport(t, o, right, nil)
	require.False(t, rt.LoggedIn(), "nothing was sent yet")
	_, err := get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	require.True(t, rt.LoggedIn())
	status = 401
	_, err = get(t.Context(), rt, deviceURL)
	require.Error(t, err)
	require.False(t, rt.LoggedIn(), "it was refused")
}

// With no try left, or a few, nothing is sent, locked or not.
func TestNoTryLeft(t *testing.T) {
	for _, left := range []string{"0", "1", "2"} {
		o := device401(func(r *http.Request) *http.Response {
			return tells(r, "<userCheck><retryLoginTime>"+left+"</retryLoginTime></userCheck>", challenge, md5Challenge)
		}, func(_ int, r *http.Request) *http.Response { return says(r, 200) })
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		require.Equal(t, auth.KindFewTries, kindOf(t, err), left)
		require.Zero(t, o.credentials())
	}
	o := device401(func(r *http.Request) *http.Response {
		return tells(r, "<userCheck><retryLoginTime>3</retryLoginTime></userCheck>", challenge, md5Challenge)
	}, func(_ int, r *http.Request) *http.Response { return says(r, 200) })
	_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
	require.NoError(t, err, "three, of which one is ours")
}

// A refusal may come without a challenge; it is one all the same, with what it
// tells.
func TestRefusalWithoutAChallenge(t *testing.T) {
	o := device401(asks, func(_ int, r *http.Request) *http.Response {
		return tells(r, "<userCheck><retryLoginTime>1</retryLoginTime></userCheck>")
	})
	rt := transport(t, o, right, nil)
	for range 3 {
		_, err := get(t.Context(), rt, deviceURL)
		require.EqualError(t, err, "auth: credential refused, 1 tries left")
	}
	require.Equal(t, 1, o.credentials())

	o = &odd{answer: func(_ int, r *http.Request) *http.Response { return says(r, 401) }}
	_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
	require.EqualError(t, err, "auth: login asked for without a challenge")
}

// The password is in each request with Basic, so that a proven one that is
// refused is sent no second time.
func TestBasicIsNotSentAgain(t *testing.T) {
	basic := func(r *http.Request) *http.Response { return says(r, 401, challenge, `Basic realm="r"`) }
	o := device401(basic, func(n int, r *http.Request) *http.Response {
		if n <= 2 {
			return says(r, 200)
		}
		return basic(r)
	})
	rt := transport(t, o, right, func(o *auth.TransportOptions) { o.InsecureBasic, o.InsecureBasicOverHTTP = true, true })
	for range 2 {
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
	}
	for range 3 {
		_, err := get(t.Context(), rt, deviceURL)
		require.Equal(t, auth.KindDoubtful, kindOf(t, err))
	}
	require.Equal(t, 3, o.credentials())
}

// A nonce may be stale on its first use, once.
func TestStaleOnce(t *testing.T) {
	for stale, works := range map[int]bool{0: true, 1: true, 2: false} {
		o := device401(asks, func(n int, r *http.Request) *http.Response {
			if n <= stale {
				return says(r, 401, challenge, md5Challenge+", stale=true")
			}
			return says(r, 200)
		})
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		if works {
			require.NoError(t, err)
			require.Equal(t, stale+1, o.credentials())
			continue
		}
		require.Equal(t, auth.KindNonce, kindOf(t, err))
		require.Equal(t, 2, o.credentials())
	}
}

// What the budget says of a credential for good ends the calls that follow, too,
// without a further question; what passes does not.
func TestRefusalsOfTheBudgetStay(t *testing.T) {
	for kind, asked := range map[auth.Kind]int{auth.KindRefused: 1, auth.KindDoubtful: 1, auth.KindLocked: 3, auth.KindBudget: 3} {
		b := &refusing{err: &auth.Error{Kind: kind, Left: -1, Until: time.Now().Add(time.Hour)}}
		o := device401(asks, func(_ int, r *http.Request) *http.Response { return says(r, 200) })
		rt := transport(t, o, right, func(o *auth.TransportOptions) { o.Budget = b })
		for range 3 {
			_, err := get(t.Context(), rt, deviceURL)
			require.Equal(t, kind, kindOf(t, err))
		}
		require.Equal(t, asked, b.asked, "%v", kind)
		require.Empty(t, o.seen)
	}
}

type refusing struct {
	err   error
	asked int
}

func (b *refusing) Reserve(context.Context, auth.Login) (auth.Reservation, error) {
	b.asked++
	return nil, b.err
}
func (*refusing) ReportForeign(context.Context, auth.Login, auth.Outcome) error { return nil }
func (*refusing) Reset(context.Context, auth.Login) error                       { return nil }

// A lock that does not say how long lasts half an hour, whoever meets it.
func TestLockWithoutAnEnd(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for body, want := range map[string]time.Duration{
		"<userCheck><lockStatus>lock</lockStatus></userCheck>":                               30 * time.Minute,
		"<userCheck><lockStatus>locked</lockStatus><unlockTime>0</unlockTime></userCheck>":   30 * time.Minute,
		"<userCheck><lockStatus>lock</lockStatus><unlockTime>90</unlockTime></userCheck>":    90 * time.Second,
		"<userCheck><lockStatus>lock</lockStatus><unlockTime>-90</unlockTime></userCheck>":   30 * time.Minute,
		`{"userCheck":{"lockStatus":"lock","unlockTime":60}}`:                                time.Minute,
		"<userCheck><lockStatus>lock</lockStatus><unlockTime>99999</unlockTime></userCheck>": 24 * time.Hour,
	} {
		for _, source := range []auth.Source{static(right), nil} {
			o := &odd{answer: func(_ int, r *http.Request) *http.Response { return tells(r, body, challenge, md5Challenge) }}
			rt := transport(t, o, right, func(o *auth.TransportOptions) {
				o.Source, o.Now = source, func() time.Time { return at }
			})
			_, err := get(t.Context(), rt, deviceURL)
			var e *auth.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, auth.KindLocked, e.Kind, body)
			require.Equal(t, want, e.Until.Sub(at), body)
		}
	}
	o := &odd{answer: func(_ int, r *http.Request) *http.Response { return tells(r, "<a><lockStatus>unlock</lockStatus></a>") }}
	_, err := get(t.Context(), transport(t, o, right, func(o *auth.TransportOptions) { o.Source = nil }), deviceURL)
	require.Equal(t, auth.KindNoCredential, kindOf(t, err))
}

// Dahua and others tell how many tries are left in a sentence.
func TestTriesLeftInASentence(t *testing.T) {
	for sentence, kind := range map[string]auth.Kind{
		"You still have 2 attempt(s)": auth.KindFewTries, "0 attempts left": auth.KindFewTries,
		"You still have 22 attempt(s)": auth.KindUnknown, "attempts": auth.KindUnknown, "no more attempts": auth.KindUnknown, "": auth.KindUnknown,
	} {
		o := device401(func(r *http.Request) *http.Response {
			return tells(r, "<Fault><Reason><Text>"+sentence+"</Text></Reason></Fault>", challenge, md5Challenge)
		}, func(_ int, r *http.Request) *http.Response { return says(r, 200) })
		_, err := get(t.Context(), transport(t, o, right, nil), deviceURL)
		if kind == auth.KindUnknown {
			require.NoError(t, err, sentence)
		} else {
			require.Equal(t, kind, kindOf(t, err), sentence)
		}
	}
}

// A proven login keeps its new nonce when the device is busy on its first use.
func TestBusyOnANewNonce(t *testing.T) {
	status := 200
	nonce := "a"
	o := &odd{answer: func(_ int, r *http.Request) *http.Response {
		if !strings.Contains(r.Header.Get("Authorization"), `nonce="`+nonce+`"`) {
			return says(r, 401, challenge, `Digest realm="r", qop="auth", nonce="`+nonce+`"`)
		}
		return says(r, status)
	}}
	rt := transport(t, o, right, nil)
	requests := func() int {
		before := len(o.seen)
		got, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		require.Equal(t, status, got)
		return len(o.seen) - before
	}
	require.Equal(t, 2, requests())
	require.Equal(t, 1, requests())
	nonce, status = "b", 503
	require.Equal(t, 2, requests())
	status = 200
	require.Equal(t, 1, requests())
}

// A password that has changed at its source is taken up where the device asks
// anew for reasons of its own.
func TestNewCredentialOnAStaleNonce(t *testing.T) {
	password, nonce, refused := right, "a", 0
	o := &odd{answer: func(_ int, r *http.Request) *http.Response {
		get := func(name string) string { return sentParam(r, name) }
		header := `Digest realm="r", qop="auth", nonce="` + nonce + `", stale=true`
		if get("nonce") != nonce {
			return says(r, 401, challenge, header)
		}
		want := md5Hex(md5Hex("u", "r", password), nonce, get("nc"), get("cnonce"), "auth", md5Hex("GET", get("uri")))
		if get("response") != want {
			refused++
			return says(r, 401, challenge, header)
		}
		return says(r, 200)
	}}
	rt := transport(t, o, "", func(o *auth.TransportOptions) {
		o.Source = auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
			return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(password))}, nil
		})
	})
	_, err := get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	password, nonce = "new-staple-1", "b"
	_, err = get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	require.Zero(t, refused)
}

// Paths that a fresh login was forbidden are not asked for twice, each.
func TestForbiddenPathsAreRemembered(t *testing.T) {
	o := device401(asks, func(_ int, r *http.Request) *http.Response { return says(r, 403) })
	rt := transport(t, o, right, nil)
	var requests []int
	for _, path := range []string{"a", "b", "c", "a", "b", "c"} {
		before := len(o.seen)
		got, err := get(t.Context(), rt, deviceURL+path)
		require.NoError(t, err)
		require.Equal(t, 403, got)
		requests = append(requests, len(o.seen)-before)
	}
	require.Equal(t, []int{2, 3, 3, 1, 1, 1}, requests)
}

// The log says whether a login that failed had worked before.
func TestLogOfFailedLogins(t *testing.T) {
	var log bytes.Buffer
	works := true
	o := device401(asks, func(_ int, r *http.Request) *http.Response {
		if works {
			return says(r, 200)
		}
		return asks(r)
	})
	logged := func(o *auth.TransportOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }
	rt := transport(t, o, right, logged)
	_, err := get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	require.Empty(t, log.String())
	works = false
	_, err = get(t.Context(), rt, deviceURL)
	require.Error(t, err)
	require.Contains(t, log.String(), "proven=true")
	log.Reset()
	_, err = get(t.Context(), transport(t, o, right, logged), deviceURL)
	require.Error(t, err)
	require.Contains(t, log.String(), "proven=false")
	require.NotContains(t, log.String(), right)
}

// Where a proven Basic login is answered with a better challenge, and the
// password has changed meanwhile, the new one is the next call's.
func TestNewCredentialInsteadOfBasic(t *testing.T) {
	password, header := right, `Basic realm="r"`
	o := device401(func(r *http.Request) *http.Response { return says(r, 401, challenge, header) }, func(n int, r *http.Request) *http.Response {
		if n == 2 {
			return says(r, 401, challenge, md5Challenge)
		}
		return says(r, 200)
	})
	rt := transport(t, o, "", func(o *auth.TransportOptions) {
		o.InsecureBasic, o.InsecureBasicOverHTTP = true, true
		o.Source = auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
			return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(password))}, nil
		})
	})
	_, err := get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	password, header = "new-staple-1", md5Challenge
	before := o.credentials()
	_, err = get(t.Context(), rt, deviceURL)
	require.Equal(t, auth.KindDoubtful, kindOf(t, err))
	require.Equal(t, 1, o.credentials()-before)
	_, err = get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
}
