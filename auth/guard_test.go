package auth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
