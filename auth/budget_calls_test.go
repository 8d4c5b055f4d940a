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
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

// A diary is a budget that writes down what it is told.
type diary struct {
	lines []string
	err   error // of every report
}

func (d *diary) note(what string, l auth.Login, o auth.Outcome) error {
	left, until := "?", "?"
	if o.Left != nil {
		left = fmt.Sprint(*o.Left)
	}
	if !o.Until.IsZero() {
		until = o.Until.Format("15:04")
	}
	user := l.Account.Name
	if user == "" {
		user = l.Credential.User
	}
	d.lines = append(d.lines, fmt.Sprintf("%s %s verdict %d left %s until %s scheme %q", what, user, o.Verdict, left, until, o.Scheme))
	return d.err
}

func (d *diary) Reserve(_ context.Context, l auth.Login) (auth.Reservation, error) {
	d.lines = append(d.lines, "reserve "+l.Service)
	return page{d, l}, nil
}

func (d *diary) ReportForeign(_ context.Context, l auth.Login, o auth.Outcome) error {
	return d.note("foreign", l, o)
}

func (d *diary) Reset(_ context.Context, l auth.Login) error {
	return d.note("reset", l, auth.Outcome{})
}

type page struct {
	d *diary
	l auth.Login
}

func (p page) Report(o auth.Outcome) error { return p.d.note("report", p.l, o) }
func (page) Strongest() string             { return "" }

// What the budget is told in each way that a call can go.
func TestBudgetIsTold(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	userCheck := func(r *http.Request, stale, left, lock string) *http.Response {
		resp := says(r, 401, challenge, md5Challenge+`, stale=`+stale)
		body := "<userCheck>"
		if left != "" {
			body += "<retryLoginTime>" + left + "</retryLoginTime>"
		}
		if lock != "" {
			body += "<lockStatus>lock</lockStatus><unlockTime>" + lock + "</unlockTime>"
		}
		resp.Body = io.NopCloser(strings.NewReader(body + "</userCheck>"))
		return resp
	}
	open := func(r *http.Request) bool { return r.Header.Get("Authorization") != "" }
	for name, tc := range map[string]struct {
		answer func(n int, r *http.Request) *http.Response
		calls  int
		want   []string
	}{
		"nothing is asked": {func(_ int, r *http.Request) *http.Response { return says(r, 200) }, 1, []string{
			"reserve http:80", `report u verdict 1 left ? until ? scheme ""`,
		}},
		"it works": {func(_ int, r *http.Request) *http.Response {
			if open(r) {
				return says(r, 200)
			}
			return userCheck(r, "false", "", "")
		}, 3, []string{"reserve http:80", `report u verdict 2 left ? until ? scheme "MD5"`}},
		"it works, with tries told": {func(_ int, r *http.Request) *http.Response {
			if open(r) {
				return says(r, 200)
			}
			return userCheck(r, "false", "3", "")
		}, 1, []string{"reserve http:80", `foreign u verdict 0 left 3 until ? scheme ""`, `report u verdict 2 left ? until ? scheme "MD5"`}},
		"refused": {func(_ int, r *http.Request) *http.Response { return userCheck(r, "false", "", "") }, 2, []string{
			"reserve http:80", `report u verdict 3 left ? until ? scheme ""`,
		}},
		"refused, none left": {func(_ int, r *http.Request) *http.Response {
			if open(r) {
				return userCheck(r, "false", "0", "")
			}
			return userCheck(r, "false", "", "")
		}, 1, []string{"reserve http:80", `report u verdict 3 left 0 until ? scheme ""`}},
		"few tries, before any login": {func(_ int, r *http.Request) *http.Response { return userCheck(r, "false", "2", "") }, 1, []string{
			"reserve http:80", `report u verdict 1 left 2 until ? scheme ""`,
		}},
		"locked, before any login": {func(_ int, r *http.Request) *http.Response { return userCheck(r, "false", "0", "600") }, 1, []string{
			"reserve http:80", `report u verdict 1 left 0 until 00:10 scheme ""`,
		}},
		"locked by the login": {func(_ int, r *http.Request) *http.Response {
			if open(r) {
				return userCheck(r, "false", "", "600")
			}
			return userCheck(r, "false", "", "")
		}, 1, []string{"reserve http:80", `report u verdict 1 left ? until 00:10 scheme ""`}},
		"stale for ever": {func(_ int, r *http.Request) *http.Response { return userCheck(r, "true", "", "") }, 1, []string{
			"reserve http:80", `report u verdict 0 left ? until ? scheme ""`,
		}},
		"locked later": {func(n int, r *http.Request) *http.Response {
			switch {
			case n > 2:
				return userCheck(r, "false", "1", "600")
			case open(r):
				return says(r, 200)
			}
			return userCheck(r, "false", "", "")
		}, 2, []string{
			"reserve http:80", `report u verdict 2 left ? until ? scheme "MD5"`,
			`foreign u verdict 0 left 1 until 00:10 scheme ""`,
		}},
		"none left later": {func(n int, r *http.Request) *http.Response {
			switch {
			case n > 2:
				return userCheck(r, "false", "0", "")
			case open(r):
				return says(r, 200)
			}
			return userCheck(r, "false", "", "")
		}, 2, []string{
			"reserve http:80", `report u verdict 2 left ? until ? scheme "MD5"`,
			`foreign u verdict 0 left 0 until ? scheme ""`,
		}},
		"refused later": {func(n int, r *http.Request) *http.Response {
			if n == 2 {
				return says(r, 200)
			}
			return userCheck(r, "false", "", "")
		}, 2, []string{
			"reserve http:80", `report u verdict 2 left ? until ? scheme "MD5"`,
			"reserve http:80", `report u verdict 4 left ? until ? scheme ""`,
		}},
		"too busy": {func(_ int, r *http.Request) *http.Response {
			if open(r) {
				return says(r, 500)
			}
			return userCheck(r, "false", "", "")
		}, 2, []string{
			"reserve http:80", `report u verdict 1 left ? until ? scheme ""`,
			"reserve http:80", `report u verdict 1 left ? until ? scheme ""`,
		}},
		"a status just below": {func(_ int, r *http.Request) *http.Response {
			if open(r) {
				return says(r, 499)
			}
			return userCheck(r, "false", "", "")
		}, 2, []string{"reserve http:80", `report u verdict 2 left ? until ? scheme "MD5"`}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &diary{}
			o := &odd{answer: tc.answer}
			rt := transport(t, o, right, func(o *auth.TransportOptions) { o.Budget, o.Now = d, func() time.Time { return now } })
			for range tc.calls {
				_, _ = get(t.Context(), rt, deviceURL)
			}
			require.Equal(t, tc.want, d.lines)
		})
	}
}

// A budget that fails to take a note does not fail the call; it is logged.
func TestBudgetThatCannotBeTold(t *testing.T) {
	d := &diary{err: errors.New("disk full")}
	var log bytes.Buffer
	o := &odd{answer: func(_ int, r *http.Request) *http.Response {
		if r.Header.Get("Authorization") != "" {
			return says(r, 200)
		}
		resp := says(r, 401, challenge, md5Challenge)
		resp.Body = io.NopCloser(strings.NewReader("<a><retryLoginTime>4</retryLoginTime></a>"))
		return resp
	}}
	rt := transport(t, o, right, func(o *auth.TransportOptions) {
		o.Budget, o.Logger = d, slog.New(slog.NewTextHandler(&log, nil))
	})
	_, err := get(t.Context(), rt, deviceURL)
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(log.String(), "disk full"), log.String())
	require.ErrorIs(t, rt.Reset(t.Context()), d.err)
	require.Equal(t, "reset u verdict 0 left ? until ? scheme \"\"", d.lines[len(d.lines)-1])
}

// A proven login survives a device that is busy for a moment, and needs no
// look-up to tell the budget of a lock where the account is named.
func TestProvenLoginSurvives(t *testing.T) {
	lookups := 0
	status := 200
	o := &odd{answer: func(_ int, r *http.Request) *http.Response {
		switch {
		case status == 401:
			resp := says(r, 401, challenge, md5Challenge)
			resp.Body = io.NopCloser(strings.NewReader("<a><lockStatus>lock</lockStatus></a>"))
			return resp
		case r.Header.Get("Authorization") != "":
			return says(r, status)
		}
		return says(r, 401, challenge, md5Challenge)
	}}
	d := &diary{}
	rt := transport(t, o, "", func(o *auth.TransportOptions) {
		o.Budget, o.Account.Name = d, "named"
		o.Source = auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
			lookups++
			return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(right))}, nil
		})
	})
	for _, status = range []int{200, 503, 200, 500, 429, 200} {
		got, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		require.Equal(t, status, got)
	}
	require.Len(t, o.seen, 7, "one challenge")
	status = 401
	_, err := get(t.Context(), rt, deviceURL)
	require.ErrorIs(t, err, camsec.ErrLocked)
	require.Equal(t, 1, lookups)
	require.Contains(t, d.lines[len(d.lines)-1], "foreign named ")
}
