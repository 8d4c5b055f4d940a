package isapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

func sessionDevice(t *testing.T, version string, tags bool) *isapitest.Device {
	t.Helper()
	p := isapitest.CurrentCamera()
	p.Sessions, p.SessionTags = version, tags
	d, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func sessionClient(t *testing.T, d *isapitest.Device, password string) *isapi.Client {
	t.Helper()
	c, err := isapi.New(d.Addr(), auth.Static(d.User(), camsec.NewSecret([]byte(password))), &isapi.Options{Base: d.Transport(), SessionLogin: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestSessionLogin(t *testing.T) {
	for _, version := range []string{"1", "2", "2 with tags", "2.1"} {
		t.Run(version, func(t *testing.T) {
			number, tags := strings.CutSuffix(version, " with tags")
			d := sessionDevice(t, number, tags)
			c := sessionClient(t, d, d.Password())
			for range 3 {
				info, err := c.DeviceInfo(t.Context())
				require.NoError(t, err)
				assert.Equal(t, "DS-2CD2T47G2-TEST", info.Model)
			}
			assert.Equal(t, 1, d.Sessions())
			assert.Equal(t, 1, d.Host().Logins())
			assert.Equal(t, 5, d.Host().Requests(), "one for the challenge, one to log in, one a call")
			require.NoError(t, c.SessionHeartbeat(t.Context()))
			change, err := c.SetSSH(t.Context(), true)
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, change.Outcome)
			assert.Equal(t, d.User(), d.Writes()[0].User)

			d.ExpireSessions()
			_, err = c.DeviceInfo(t.Context())
			require.NoError(t, err, "a session that ran out is begun anew")
			assert.Equal(t, 2, d.Host().Logins())
			assert.Zero(t, d.Host().FailedLogins())

			require.NoError(t, c.Close())
			assert.Zero(t, d.Sessions(), "Close leaves no session behind")
			_, err = c.DeviceInfo(t.Context())
			require.NoError(t, err, "by digest")
			assert.Zero(t, d.Sessions())
			require.ErrorIs(t, c.SessionHeartbeat(t.Context()), isapi.ErrNoSession)
			require.NoError(t, c.SessionLogout(t.Context()))
		})
	}
}

// Of a version and a tag the login says no more than the device asked for.
func TestSessionLoginSaysWhatWasAskedFor(t *testing.T) {
	for asked, said := range map[string]string{
		"": "<isSessionIDValidLongTerm>false</isSessionIDValidLongTerm></SessionLogin>",
		"<sessionIDVersion>2.1</sessionIDVersion>":                                                      "<sessionIDVersion>2.1</sessionIDVersion></SessionLogin>",
		"<isSupportSessionTag>true</isSupportSessionTag>":                                               "</isSessionIDValidLongTerm><isNeedSessionTag>true</isNeedSessionTag></SessionLogin>",
		"<sessionIDVersion>2</sessionIDVersion><isSupportSessionTag>false</isSupportSessionTag>":        "<sessionIDVersion>2</sessionIDVersion></SessionLogin>",
		"<sessionIDVersion>2</sessionIDVersion><isSupportSessionTag>true</isSupportSessionTag><x>y</x>": "<sessionIDVersion>2</sessionIDVersion><isNeedSessionTag>true</isNeedSessionTag></SessionLogin>",
	} {
		var got string
		rt := stub(func(r *http.Request) (*http.Response, error) {
			body := "<DeviceInfo/>"
			switch {
			case strings.HasSuffix(r.URL.Path, "/capabilities"):
				body = "<SessionLoginCap><sessionID>1</sessionID><challenge>2</challenge><iterations>100</iterations>" + asked + "</SessionLoginCap>"
			case r.Method == http.MethodPost:
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				got, body = string(b), "<SessionLogin><sessionID>s</sessionID></SessionLogin>"
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
		})
		c, err := isapi.New("http://camera.test", auth.Static("admin", camsec.NewSecret([]byte("Correct-Horse-7"))), &isapi.Options{Base: rt})
		require.NoError(t, err)
		require.NoError(t, c.SessionLogin(t.Context()))
		assert.True(t, strings.HasSuffix(got, said), got)
		assert.NotContains(t, got, "Correct-Horse-7")
	}
}

type stub func(*http.Request) (*http.Response, error)

func (f stub) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a device says to a heartbeat, or does not say, is heard.
func TestSessionHeartbeatIsHeard(t *testing.T) {
	d := sessionDevice(t, "2", true)
	c := sessionClient(t, d, d.Password())
	require.NoError(t, c.SessionLogin(t.Context()))
	const beat = "PUT /ISAPI/Security/sessionHeartbeat"
	d.Host().Script(authtest.Fault{On: beat, Status: http.StatusForbidden, Body: []byte(
		"<ResponseStatus><statusCode>4</statusCode><subStatusCode>lowPrivilege</subStatusCode></ResponseStatus>")})
	require.ErrorIs(t, c.SessionHeartbeat(t.Context()), camsec.ErrForbidden)
	d.Host().ClearScript()
	require.NoError(t, c.SessionHeartbeat(t.Context()))
	require.NoError(t, d.Close())
	require.Error(t, c.SessionHeartbeat(t.Context()))
}

func TestSessionWithoutCredential(t *testing.T) {
	d := sessionDevice(t, "2", true)
	c, err := isapi.New(d.Addr(), nil, &isapi.Options{Base: d.Transport(), SessionLogin: true})
	require.NoError(t, err)
	_, err = c.DeviceInfo(t.Context())
	require.EqualError(t, errors.Unwrap(errors.Unwrap(err)), "auth: login asked for and no credential given")
	sealed := errors.New("vault sealed")
	c, err = isapi.New(d.Addr(), auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
		return auth.Credential{}, sealed
	}), &isapi.Options{Base: d.Transport(), SessionLogin: true})
	require.NoError(t, err)
	_, err = c.DeviceInfo(t.Context())
	require.ErrorIs(t, err, sealed)
	require.EqualError(t, errors.Unwrap(errors.Unwrap(err)), "auth: credential source failed: vault sealed")
	assert.Zero(t, d.Host().Requests())
}

func TestSessionRefusedOnce(t *testing.T) {
	d := sessionDevice(t, "2", true)
	d.Host().SetLock(5, 0)
	c := sessionClient(t, d, "Wrong-Horse-7")
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			_, err := c.DeviceInfo(context.Background())
			assert.ErrorIs(t, err, camsec.ErrUnauthorized)
			assert.NotContains(t, err.Error(), "Wrong-Horse-7")
		})
	}
	wg.Wait()
	assert.Equal(t, 1, d.Host().FailedLogins(), "64 calls, one failed login")
	assert.Zero(t, d.Sessions())
	assert.Equal(t, 2, d.Host().Requests(), "and no packet after the refusal")
}

func TestSessionLocked(t *testing.T) {
	d := sessionDevice(t, "2", true)
	d.Host().SetLock(5, 0)
	d.Host().Lock(d.User(), authtest.DefaultClient, 717e9)
	c := sessionClient(t, d, d.Password())
	_, err := c.DeviceInfo(t.Context())
	require.ErrorIs(t, err, camsec.ErrLocked)
	e, ok := errors.AsType[*auth.Error](err)
	require.True(t, ok)
	assert.False(t, e.Until.IsZero())
	_, err = c.DeviceInfo(t.Context())
	require.ErrorIs(t, err, camsec.ErrLocked)
	assert.Equal(t, 1, d.Host().LockedLogins(), "a lock is believed, not tried again")
}

func TestSessionUnsupportedFallsBackToDigest(t *testing.T) {
	for _, p := range []isapitest.Profile{isapitest.OldCamera(), isapitest.Recorder()} {
		d, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
		require.NoError(t, err)
		defer d.Close()
		c := sessionClient(t, d, d.Password())
		_, err = c.DeviceInfo(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, c.SessionLogin(t.Context()), errors.ErrUnsupported)
		require.ErrorIs(t, c.SessionHeartbeat(t.Context()), isapi.ErrNoSession)
		assert.Zero(t, d.Host().FailedLogins())
	}
}

func TestSessionOddAnswers(t *testing.T) {
	const challenge = "<SessionLoginCap><sessionID>1</sessionID><challenge>2</challenge><iterations>100</iterations></SessionLoginCap>"
	for name, tt := range map[string]struct {
		login, cookie string
		status        int
		want          error
	}{
		"no session":         {"<SessionLogin><statusValue>200</statusValue></SessionLogin>", "", 200, camsec.ErrMalformed},
		"a header in it":     {"<SessionLogin><sessionID>x\u2028y</sessionID></SessionLogin>", "", 200, camsec.ErrMalformed},
		"refused with 200":   {"<SessionLogin><statusValue>401</statusValue></SessionLogin>", "", 200, camsec.ErrUnauthorized},
		"nonsense with 200":  {"<SessionLogin><statusValue>500</statusValue></SessionLogin>", "", 200, camsec.ErrMalformed},
		"HTML with 401":      {"<html>no</html>", "", 401, camsec.ErrUnauthorized},
		"full":               {"<ResponseStatus><statusCode>4</statusCode><subStatusCode>sesssionUserReachesLimit</subStatusCode></ResponseStatus>", "", 403, camsec.ErrBusy},
		"another cookie":     {"<SessionLogin/>", "Tracking=1", 200, camsec.ErrMalformed},
		"an unlikely cookie": {"<SessionLogin/>", "WebSession_0=" + strings.Repeat("x", 5000), 200, camsec.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /ISAPI/Security/sessionLogin/capabilities", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(challenge))
			})
			tries := 0
			mux.HandleFunc("POST /ISAPI/Security/sessionLogin", func(w http.ResponseWriter, _ *http.Request) {
				tries++
				if tt.cookie != "" {
					w.Header().Set("Set-Cookie", tt.cookie)
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.login))
			})
			h := authtest.New(authtest.Options{Handler: mux, Public: func(*http.Request) bool { return true }})
			defer h.Close()
			c, err := isapi.New("http://camera.test", auth.Static("admin", camsec.NewSecret([]byte("Correct-Horse-7"))), &isapi.Options{Base: h.Transport(), SessionLogin: true})
			require.NoError(t, err)
			_, err = c.DeviceInfo(t.Context())
			require.ErrorIs(t, err, tt.want)
			assert.Equal(t, 1, tries)
			if e, ok := errors.AsType[*auth.Error](err); ok {
				assert.Equal(t, -1, e.Left, "not told")
			}
		})
	}
}
