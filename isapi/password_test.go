package isapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

func secret(s string) camsec.Secret { return camsec.NewSecret([]byte(s)) }

const newPassword = "Fresh-Value-42"

func passwordOf(d *isapitest.Device, name string) string {
	f := strings.SplitN(d.State()["user "+name], " ", 3)
	return f[len(f)-1]
}

// The account that is logged in with, and another one, on every kind of device:
// set, proven by a login, and the client goes on.
func TestSetPassword(t *testing.T) {
	for name, profile := range writableProfiles() {
		for _, account := range []string{"admin", "patrol"} {
			t.Run(name+"/"+account, func(t *testing.T) {
				b := benchOver(t, "http", profile, nil)
				b.SetUser(isapitest.User{ID: 7, Name: "patrol", Level: "Operator", Password: "Old-Value-11"})
				before := b.State()
				c, err := b.client.SetPassword(t.Context(), account, secret(newPassword))
				require.NoError(t, err)
				assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "fresh login"}, c)
				assert.Equal(t, newPassword, passwordOf(b.Device, account))
				assert.Len(t, b.tap.writes(), 1)
				after := b.State()
				delete(after, "user "+account)
				delete(before, "user "+account)
				holdState(t, before, after, account)

				_, err = b.client.DeviceInfo(t.Context())
				require.NoError(t, err)
				assert.Zero(t, b.Host().FailedLogins())
			})
		}
	}
}

// Every way in which a password write can go wrong, for the account in use and
// for another. One write is sent, and at most one login fails.
func TestPasswordMishaps(t *testing.T) {
	const path = "PUT /ISAPI/Security/users/"
	effect := func(e isapitest.Effect, delay time.Duration) func(*bench, string) {
		return func(b *bench, id string) { b.Misbehave(path+id, isapitest.Behaviour{Effect: e, Delay: delay}) }
	}
	fail := func(status int, body string) func(*bench, string) {
		return func(b *bench, id string) { b.Fail(path+id, status, body) }
	}
	said := func(sub string) string {
		return "<ResponseStatus><statusCode>6</statusCode><statusString>Invalid XML Content</statusString><subStatusCode>" + sub + "</subStatusCode></ResponseStatus>"
	}
	for _, m := range []struct {
		mishap
		failed int
		value  string
	}{
		{mishap: mishap{name: "lost before", arrange: effect(isapitest.LostBefore, 0), outcome: camsec.NotApplied, is: errAny}, failed: 1},
		{mishap: mishap{name: "lost after", arrange: effect(isapitest.LostAfter, 0), outcome: camsec.Applied, holds: true}},
		{mishap: mishap{name: "late", arrange: effect(isapitest.LostLate, 20*time.Second), outcome: camsec.Applied, holds: true}},
		{mishap: mishap{name: "restarts", arrange: effect(isapitest.LostRestart, 0), outcome: camsec.Applied, holds: true}},
		{mishap: mishap{name: "needs a restart", arrange: effect(isapitest.Rebooting, 0), outcome: camsec.Applied, reboot: true, holds: true}},
		{mishap: mishap{name: "at a restart", arrange: effect(isapitest.AtReboot, 0), is: camsec.ErrUncertain, reboot: true}, failed: 1},
		{mishap: mishap{name: "silent no-op", arrange: effect(isapitest.Ignored, 0), is: camsec.ErrUncertain}, failed: 1},
		{mishap: mishap{name: "risk with 200", arrange: fail(200, said("riskPassword")), outcome: camsec.NotApplied, is: camsec.ErrWeakPassword}},
		{mishap: mishap{name: "bad with 400", arrange: fail(400, ""), outcome: camsec.NotApplied, is: errAny}},
		{mishap: mishap{name: "confirmation wanted", arrange: fail(403, said("loginPasswordError")), outcome: camsec.NotApplied, is: camsec.ErrUnauthorized}},
		{mishap: mishap{name: "forbidden", arrange: fail(403, ""), outcome: camsec.NotApplied, is: camsec.ErrForbidden}},
		{mishap: mishap{name: "device error", arrange: fail(500, ""), outcome: camsec.NotApplied, is: errAny}, failed: 1},
		{mishap: mishap{name: "busy", arrange: fail(503, ""), outcome: camsec.NotApplied, is: camsec.ErrBusy}},
		{mishap: mishap{name: "gone", arrange: func(b *bench, id string) { b.Misbehave(path+id, isapitest.Behaviour{Effect: isapitest.LostRestart}) }, is: camsec.ErrUncertain, holds: true}},
		{mishap: mishap{name: "cut at 16", arrange: func(b *bench, _ string) {
			b.SetDocument("GET /ISAPI/Security/capabilities", nil) // and so nobody says how long
		}, is: camsec.ErrUncertain}, failed: 1, value: "Twenty-Characters-42"},
		{mishap: mishap{name: "too long for the device", outcome: camsec.NotApplied, is: camsec.ErrWeakPassword}, value: "Twenty-Characters-42"},
		{mishap: mishap{name: "too short", outcome: camsec.NotApplied, is: camsec.ErrWeakPassword}, value: "Ab-1"},
		{mishap: mishap{name: "one kind", outcome: camsec.NotApplied, is: camsec.ErrWeakPassword}, value: "abcdefghijkl"},
		{mishap: mishap{name: "used before", outcome: camsec.NotApplied, is: camsec.ErrWeakPassword}, value: "Earlier-Value-1"},
		{mishap: mishap{name: "control character", outcome: camsec.NotApplied, is: errAny}, value: "Bell\x07-Value-1"},
		{mishap: mishap{name: "markup", outcome: camsec.Applied, holds: true}, value: `]]>&<"'é1Aa`},
	} {
		for _, account := range []string{"admin", "vms"} {
			t.Run(m.name+"/"+account, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := isapitest.CurrentCamera()
					p.MoreUsers = []isapitest.User{{ID: 7, Name: "vms", Level: "Operator", Password: "Old-Value-11"}}
					p.TruncateAt, p.History, p.RestartTime = 16, 3, 10*time.Second
					if m.name == "gone" {
						p.RestartTime = time.Hour
					}
					b := benchOver(t, "http", p, nil)
					defer b.Close()
					if m.name == "used before" {
						for _, v := range []string{"Earlier-Value-1", "Right-Value-22"} {
							_, err := b.client.SetPassword(t.Context(), account, secret(v))
							require.NoError(t, err)
						}
					}
					if m.arrange != nil {
						m.arrange(b, map[string]string{"admin": "1", "vms": "7"}[account])
					}
					value := m.value
					if value == "" {
						value = newPassword
					}
					before, sent := passwordOf(b.Device, account), len(b.tap.writes())
					c, err := b.client.Device().SetPassword(t.Context(), camsec.Account{Store: camsec.StoreDevice, Name: account}, secret(value))
					assert.Equal(t, m.outcome, c.Outcome, "%v", err)
					assert.Equal(t, m.reboot, c.RebootRequired)
					switch {
					case m.is == nil:
						require.NoError(t, err)
						assert.Equal(t, "fresh login", c.Proof)
					case errors.Is(m.is, errAny):
						require.Error(t, err)
						require.NotErrorIs(t, err, camsec.ErrUncertain)
					default:
						require.ErrorIs(t, err, m.is)
					}
					if err != nil {
						assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), value)
						assert.Empty(t, c.Proof)
					}
					assert.LessOrEqual(t, len(b.tap.writes())-sent, 1)
					assert.Equal(t, m.failed, b.Host().FailedLogins())
					switch {
					case m.holds:
						assert.Equal(t, value, passwordOf(b.Device, account))
					case m.outcome == camsec.NotApplied:
						assert.Equal(t, before, passwordOf(b.Device, account))
					}
				})
			})
		}
	}
}

// A password of just the length that the device keeps is sent, a longer one not.
func TestPasswordLengthIsExact(t *testing.T) {
	for limit, longest := range map[string]int{`max="16"`: 16, `max="0"`: 40, "": 40, `max="many"`: 40} {
		for length, fits := range map[int]bool{longest: true, longest + 1: longest == 40} {
			p := &paper{docs: map[string]string{
				"/ISAPI/Security/users":        "<UserList><User><id>1</id><userName>vms</userName></User></UserList>",
				"/ISAPI/Security/users/1":      "<User/>",
				"/ISAPI/Security/capabilities": "<SecurityCap><LoginPasswordLenLimit " + limit + "/></SecurityCap>",
			}}
			_, err := p.client(t, nil).SetPassword(t.Context(), "vms", secret(strings.Repeat("a", length)))
			require.Error(t, err, "this device logs nobody in")
			assert.Equal(t, fits, len(p.puts) == 1, "%s: %d", limit, length)
			assert.Equal(t, !fits, errors.Is(err, camsec.ErrWeakPassword))
		}
	}
}

// What is sent of an account has the list's version and namespace, and no more
// of its attributes.
func TestPasswordDocumentIsMinimal(t *testing.T) {
	p := &paper{docs: map[string]string{
		"/ISAPI/Security/users":   `<UserList version="1.0" xmlns="urn:x" xmlns:y="urn:y" size="2"><User><id>1</id><userName>vms</userName><userLevel>Operator</userLevel></User></UserList>`,
		"/ISAPI/Security/users/1": "<User/>",
	}}
	_, err := p.client(t, nil).SetPassword(t.Context(), "vms", secret("Fresh<&>Value"))
	require.Error(t, err, "this device logs nobody in")
	assert.Equal(t, []string{`<?xml version="1.0" encoding="UTF-8"?><User version="1.0" xmlns="urn:x"><id>1</id><userName>vms</userName>` +
		`<password>Fresh&lt;&amp;&gt;Value</password></User>`}, p.puts)
}

// A device that restarts after the write is waited for, three times and no
// longer, unless the client is not to wait.
func TestPasswordProofWaitsForARestart(t *testing.T) {
	for _, tc := range []struct {
		away    time.Duration
		settle  time.Duration
		outcome camsec.Outcome
		looks   int
	}{
		{0, 0, camsec.Applied, 1},
		{4 * time.Second, 0, camsec.Applied, 2},
		{14 * time.Second, 0, camsec.Applied, 3},
		{34 * time.Second, 0, camsec.Applied, 4},
		{time.Hour, 0, camsec.OutcomeUnknown, 4},
		{4 * time.Second, -1, camsec.OutcomeUnknown, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &paper{docs: map[string]string{
				"/ISAPI/Security/users":   "<UserList><User><id>1</id><userName>vms</userName></User></UserList>",
				"/ISAPI/Security/users/1": "<User/>",
			}}
			var back time.Time
			looks := 0
			c, err := isapi.New("http://192.0.2.7", nil, &isapi.Options{Settle: tc.settle, Base: stub(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/ISAPI/Security/userCheck" {
					answered := r.Header.Get("Authorization") != ""
					if !answered {
						looks++
					}
					if time.Now().Before(back) {
						return nil, syscall.ECONNREFUSED
					}
					resp := &http.Response{StatusCode: 401, Header: http.Header{"Www-Authenticate": {`Digest realm="r", nonce="n", qop="auth"`}}, Body: http.NoBody}
					if answered {
						resp.StatusCode, resp.Body, resp.ContentLength = 200, io.NopCloser(strings.NewReader("<userCheck/>")), 12
					}
					return resp, nil
				}
				if r.Method == http.MethodPut {
					back = time.Now().Add(tc.away)
				}
				return p.RoundTrip(r)
			})})
			require.NoError(t, err)
			change, err := c.SetPassword(t.Context(), "vms", secret(newPassword))
			assert.Equal(t, tc.outcome, change.Outcome, "%v: %v", tc.away, err)
			assert.Equal(t, tc.looks, looks, "%v", tc.away)
		})
	}
	// Who gives up meanwhile is told so at once.
	synctest.Test(t, func(t *testing.T) {
		p := &paper{docs: map[string]string{
			"/ISAPI/Security/users":   "<UserList><User><id>1</id><userName>vms</userName></User></UserList>",
			"/ISAPI/Security/users/1": "<User/>",
		}}
		looks := 0
		c, err := isapi.New("http://192.0.2.7", nil, &isapi.Options{Base: stub(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/ISAPI/Security/userCheck" {
				looks++
				return nil, syscall.ECONNREFUSED
			}
			return p.RoundTrip(r)
		})})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		change, err := c.SetPassword(ctx, "vms", secret(newPassword))
		require.ErrorIs(t, err, camsec.ErrUncertain)
		assert.Equal(t, camsec.OutcomeUnknown, change.Outcome)
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 1, looks)
	})
}

// The number of an account's rights is found by the account's, which may differ.
func TestUserPermissionByAccount(t *testing.T) {
	rights := func(id, user, preview string) string {
		return "<UserPermission><id>" + id + "</id><userID>" + user + "</userID><remotePermission><preview>" + preview + "</preview></remotePermission></UserPermission>"
	}
	p := &paper{docs: map[string]string{
		"/ISAPI/Security/users":            "<UserList><User><id>1</id><userName>admin</userName></User><User><id>2</id><userName>vms</userName></User><User><id>3</id><userName>wall</userName></User></UserList>",
		"/ISAPI/Security/UserPermission":   "<UserPermissionList>" + rights("4", "1", "true") + rights("5", "2", "true") + rights("6", "3", "true") + "</UserPermissionList>",
		"/ISAPI/Security/UserPermission/4": rights("4", "1", "true"), "/ISAPI/Security/UserPermission/5": rights("5", "2", "true"), "/ISAPI/Security/UserPermission/6": rights("6", "3", "true"),
	}}
	_, err := p.client(t, nil).SetUserPermission(t.Context(), "vms", map[string]bool{"preview": false})
	require.NoError(t, err)
	assert.Equal(t, []string{rights("5", "2", "false")}, p.puts)
}

// A value that the device has refused as a login is not sent as one again.
func TestUnprovenPasswordIsTriedOnce(t *testing.T) {
	b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
	b.SetUser(isapitest.User{ID: 7, Name: "vms", Level: "Operator", Password: "Old-Value-11"})
	b.Misbehave("PUT /ISAPI/Security/users/7", isapitest.Behaviour{Effect: isapitest.Ignored})
	for range 3 {
		c, err := b.client.SetPassword(t.Context(), "vms", secret(newPassword))
		require.ErrorIs(t, err, camsec.ErrUncertain)
		assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
	}
	assert.Equal(t, 1, b.Host().FailedLogins())
}

// A device that asks nobody for a login proves no password.
func TestOpenDeviceProvesNothing(t *testing.T) {
	b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
	b.SetUser(isapitest.User{ID: 7, Name: "vms", Level: "Operator", Password: "Old-Value-11"})
	b.Misbehave("PUT /ISAPI/Security/users/7", isapitest.Behaviour{Effect: isapitest.Ignored})
	b.Host().Script(authtest.Fault{On: "GET /ISAPI/Security/userCheck", Body: []byte("<userCheck><statusValue>200</statusValue></userCheck>")})
	c, err := b.client.SetPassword(t.Context(), "vms", secret(newPassword))
	require.ErrorIs(t, err, camsec.ErrUncertain)
	assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
}

// Proof over the client's own connections is on one that is new.
func TestProofIsOnANewConnection(t *testing.T) {
	dev := isapitest.New(t, isapitest.CurrentCamera())
	c, err := isapi.New(dev.Addr(), auth.Static(dev.User(), secret(dev.Password())), nil)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.DeviceInfo(t.Context())
	require.NoError(t, err)
	before := dev.Host().Connections()
	_, err = c.SetPassword(t.Context(), dev.User(), secret(newPassword))
	require.NoError(t, err)
	assert.Equal(t, before+1, dev.Host().Connections())
	_, err = c.DeviceInfo(t.Context())
	require.NoError(t, err)
	assert.Zero(t, dev.Host().FailedLogins())
}

func TestUsers(t *testing.T) {
	for name, profile := range writableProfiles() {
		t.Run(name, func(t *testing.T) {
			b := benchOver(t, "http", profile, nil)
			before := b.State()
			user := isapi.NewUser{Name: "patrol", Level: "Viewer", Password: secret(newPassword)}
			c, err := b.client.CreateUser(t.Context(), user)
			require.NoError(t, err)
			assert.Equal(t, "read back, fresh login", c.Proof)
			assert.Equal(t, newPassword, passwordOf(b.Device, "patrol"))

			c, err = b.client.CreateUser(t.Context(), user)
			require.ErrorIs(t, err, isapi.ErrExists)
			assert.Equal(t, camsec.NotApplied, c.Outcome)

			c, err = b.client.SetUserLevel(t.Context(), "patrol", "Operator")
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, c.Outcome)
			assert.Contains(t, b.State()["user patrol"], "Operator "+newPassword, "and the password stays")
			c, err = b.client.SetUserLevel(t.Context(), "patrol", "Operator")
			require.NoError(t, err)
			assert.Equal(t, "unchanged: was so already", c.Proof)

			_, err = b.client.SetUserLevel(t.Context(), b.User(), "Viewer")
			require.ErrorIs(t, err, isapi.ErrCutOff)
			_, err = b.client.DeleteUser(t.Context(), b.User())
			require.ErrorIs(t, err, isapi.ErrCutOff)
			_, err = b.client.DeleteUser(t.Context(), "nobody")
			require.ErrorIs(t, err, camsec.ErrNotFound)

			c, err = b.client.DeleteUser(t.Context(), "patrol")
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, c.Outcome)
			holdState(t, before, b.State(), "and gone again")
			assert.Len(t, b.tap.writes(), 3)
			assert.Zero(t, b.Host().FailedLogins())
		})
	}
}

func TestUserMishaps(t *testing.T) {
	type op struct {
		on string
		do func(ctx context.Context, c *isapi.Client) (camsec.Change, error)
	}
	for name, o := range map[string]op{
		"create": {"POST /ISAPI/Security/users", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.CreateUser(ctx, isapi.NewUser{Name: "patrol", Level: "Viewer", Password: secret(newPassword)})
		}},
		"delete": {"DELETE /ISAPI/Security/users/7", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.DeleteUser(ctx, "vms")
		}},
	} {
		for _, m := range []mishap{
			{name: "lost before", arrange: misbehaveOn(isapitest.LostBefore, 0), outcome: camsec.NotApplied, is: errAny},
			{name: "lost after", arrange: misbehaveOn(isapitest.LostAfter, 0), outcome: camsec.Applied, holds: true},
			{name: "late", arrange: misbehaveOn(isapitest.LostLate, 10*time.Second), outcome: camsec.Applied, holds: true},
			{name: "restart", arrange: misbehaveOn(isapitest.LostRestart, 0), outcome: camsec.Applied, holds: true},
			{name: "silent no-op", arrange: misbehaveOn(isapitest.Ignored, 0), outcome: camsec.NotApplied, is: isapi.ErrIgnored},
			{name: "forbidden", arrange: func(b *bench, on string) { b.Fail(on, 403, "") }, outcome: camsec.NotApplied, is: camsec.ErrForbidden},
			{name: "busy", arrange: func(b *bench, on string) { b.Fail(on, 503, "") }, outcome: camsec.NotApplied, is: camsec.ErrBusy},
			{name: "error", arrange: func(b *bench, on string) { b.Fail(on, 500, "") }, outcome: camsec.NotApplied, is: errAny},
		} {
			t.Run(name+"/"+m.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := isapitest.CurrentCamera()
					p.RestartTime = 10 * time.Second
					p.MoreUsers = []isapitest.User{{ID: 7, Name: "vms", Level: "Operator", Password: "Old-Value-11"}}
					b := benchOver(t, "http", p, nil)
					defer b.Close()
					m.arrange(b, o.on)
					before := b.State()
					c, err := o.do(t.Context(), b.client)
					assert.Equal(t, m.outcome, c.Outcome, "%v", err)
					if m.is != nil {
						require.Error(t, err)
						if !errors.Is(m.is, errAny) {
							require.ErrorIs(t, err, m.is)
						}
					}
					assert.Len(t, b.tap.writes(), 1)
					if m.holds {
						assert.NotEqual(t, before, b.State())
					} else {
						holdState(t, before, b.State(), "nothing changed")
					}
					assert.Zero(t, b.Host().FailedLogins())
				})
			})
		}
	}
}

func misbehaveOn(e isapitest.Effect, delay time.Duration) func(*bench, string) {
	return func(b *bench, on string) { b.Misbehave(on, isapitest.Behaviour{Effect: e, Delay: delay}) }
}

func TestUserPermission(t *testing.T) {
	b := benchOver(t, "http", isapitest.Recorder(), nil)
	before := b.State()
	c, err := b.client.SetUserPermission(t.Context(), "guard", map[string]bool{"preview": false, "playBack": false})
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, c.Outcome)
	assert.Equal(t, 2, strings.Count(before["GET /ISAPI/Security/UserPermission"], "true")-
		strings.Count(b.State()["GET /ISAPI/Security/UserPermission"], "true")-0)
	_, err = b.client.SetUserPermission(t.Context(), "guard", map[string]bool{"teleport": true})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = b.client.SetUserPermission(t.Context(), "guard", map[string]bool{"preview": true, "playBack": true})
	require.NoError(t, err)
	holdState(t, before, b.State(), "restored")
}

// ONVIF's accounts take their passwords, and nothing here can prove them.
func TestONVIFUsers(t *testing.T) {
	p := isapitest.CurrentCamera()
	p.ONVIFUsers = []isapitest.User{{ID: 1, Name: "vms", Level: "operator"}}
	b := benchOver(t, "http", p, nil)
	c, err := b.client.Device().SetPassword(t.Context(), camsec.Account{Store: camsec.StoreONVIF, Name: "vms"}, secret(newPassword))
	require.ErrorIs(t, err, isapi.ErrUnproven)
	require.ErrorIs(t, err, camsec.ErrUncertain)
	assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
	assert.Equal(t, newPassword, b.Secret("/ISAPI/Security/ONVIF/users/1 password"))

	_, err = b.client.CreateONVIFUser(t.Context(), isapi.NewUser{Name: "wall", Level: "mediaUser", Password: secret("Another-Value-9")})
	require.ErrorIs(t, err, isapi.ErrUnproven)
	assert.Equal(t, "Another-Value-9", b.Secret("/ISAPI/Security/ONVIF/users/2 password"))
	users, err := b.client.ONVIFUsers(t.Context())
	require.NoError(t, err)
	assert.Len(t, users, 2)

	_, err = b.client.SetONVIFPassword(t.Context(), "nobody", secret(newPassword))
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = b.client.SetONVIFPassword(t.Context(), "vms", secret("short"))
	require.ErrorIs(t, err, camsec.ErrWeakPassword)
	b.Misbehave("PUT /ISAPI/Security/ONVIF/users/3", isapitest.Behaviour{Effect: isapitest.Ignored})
	short := b.another(t, &isapi.Options{Settle: -1})
	c, err = short.CreateONVIFUser(t.Context(), isapi.NewUser{Name: "extra", Level: "mediaUser", Password: secret("Another-Value-9")})
	require.ErrorIs(t, err, isapi.ErrIgnored)
	assert.Equal(t, camsec.NotApplied, c.Outcome)
}

// A recorder proves what it was told by reaching its camera.
func TestChannelCredential(t *testing.T) {
	p := isapitest.Recorder()
	p.Channels[6].Password = "Camera-Value-7"
	channel := func(id string) camsec.Account { return camsec.Account{Store: camsec.StoreChannel, Name: id} }
	b := benchOver(t, "http", p, &isapi.Options{Settle: -1})
	before := b.State()
	dev := b.client.Device()
	c, err := dev.SetPassword(t.Context(), channel("7"), secret("Camera-Value-7"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "channel online"}, c)
	assert.Len(t, b.tap.writes(), 1)
	assert.Equal(t, "Camera-Value-7", b.Secret("/ISAPI/ContentMgmt/InputProxy/channels/7 sourceInputPortDescriptor/password"))
	assert.Equal(t, before["GET /ISAPI/ContentMgmt/InputProxy/channels"], b.State()["GET /ISAPI/ContentMgmt/InputProxy/channels"])
	body := string(b.tap.writes()[0].body)
	assert.Contains(t, body, "<userName>admin</userName>\n<password>Camera-Value-7</password>\n", "where clients put it")

	c, err = dev.SetPassword(t.Context(), channel("7"), secret("Wrong-Value-7"))
	require.ErrorIs(t, err, isapi.ErrUnproven, "it was online before, so that it is online proves nothing")
	assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
	_, err = dev.SetPassword(t.Context(), channel("7"), secret("Wrong-Value-8"))
	require.ErrorIs(t, err, camsec.ErrUncertain, "the recorder says that the login is wrong")
	_, err = dev.SetPassword(t.Context(), channel("77"), secret("x"))
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = dev.SetPassword(t.Context(), camsec.Account{Store: "moon", Name: "7"}, secret("x"))
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// Secrets that a device does not show survive every write to their document.
func TestSecretsAreNotWiped(t *testing.T) {
	b := benchOver(t, "http", everything(), nil)
	hidden := map[string]string{
		"/ISAPI/System/Network/Ehome key":                        "isup",
		"/ISAPI/System/Network/DDNS/1 password":                  "dyn",
		"/ISAPI/System/Network/ftp/1 password":                   "ftp",
		"/ISAPI/System/Network/mailing/1 sender/smtp/password":   "mail",
		"/ISAPI/System/Network/interfaces/1/ieee802.1x password": "eap",
		"/ISAPI/Event/notification/httpHosts/1 password":         "push",
		"/ISAPI/System/Network/SIP/1/SIPInfo GB28181/password":   "sip",
	}
	for name, value := range hidden {
		b.SetSecret(name, value)
	}
	// A device that shows that there is a secret, and one that shows stars.
	for key, shown := range map[string]string{
		"GET /ISAPI/System/Network/Ehome":                   "<key></key>",
		"GET /ISAPI/System/Network/interfaces/1/ieee802.1x": "<password>******</password>",
	} {
		doc := string(b.Document(key))
		at := strings.LastIndex(doc, "</")
		b.SetDocument(key, []byte(doc[:at]+shown+doc[at:]))
	}
	dev := b.client.Device()
	for _, id := range []string{"service.ehome", "service.ddns", "service.ftp", "mail.tls", "network.802.1x", "events.push.tls", "service.gb28181"} {
		settings, err := dev.Settings(t.Context())
		require.NoError(t, err)
		s := (&camsec.Snapshot{Settings: settings}).Setting(id)
		require.Nil(t, s.Err, id)
		_, err = dev.SetSetting(t.Context(), id, otherValue(s))
		require.NoError(t, err, id)
	}
	for name, value := range hidden {
		assert.Equal(t, value, b.Secret(name), name)
	}
}

func TestSNMPSecrets(t *testing.T) {
	p := isapitest.CurrentCamera()
	p.Documents = map[string]string{"GET /ISAPI/System/Network/SNMP": "<SNMP><SNMPv2c><enabled>true</enabled><writeCommunity>private</writeCommunity>" +
		"<readCommunity>public</readCommunity></SNMPv2c><SNMPAdvanced><SNMPUserList><SNMPUser><id>1</id><userName>r</userName>" +
		"<snmpAuthenticationMethod>none</snmpAuthenticationMethod><snmpPrivacyMethod>none</snmpPrivacyMethod></SNMPUser></SNMPUserList>" +
		"<enabled>true</enabled></SNMPAdvanced><listenPort>161</listenPort></SNMP>"}
	b := benchOver(t, "http", p, nil)
	c, err := b.client.SetSNMPCommunities(t.Context(), secret("r-8KQ2"), secret("w-9ZX1"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, c.Outcome)
	assert.Contains(t, string(b.Document("GET /ISAPI/System/Network/SNMP")), "<writeCommunity>w-9ZX1</writeCommunity><readCommunity>r-8KQ2</readCommunity>")

	c, err = b.client.SetSNMPUser(t.Context(), "1", isapi.SNMPUserChange{AuthMethod: "SHA", PrivacyMethod: "AES"})
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, c.Outcome)
	c, err = b.client.SetSNMPUser(t.Context(), "1", isapi.SNMPUserChange{AuthPassword: secret("auth-1234"), PrivacyPassword: secret("priv-1234")})
	require.ErrorIs(t, err, isapi.ErrUnproven)
	assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
	assert.Equal(t, "auth-1234", b.Secret("/ISAPI/System/Network/SNMP SNMPAdvanced/SNMPUserList/SNMPUser/snmpAuthenticationPassword"))
	_, err = b.client.SetSNMPUser(t.Context(), "9", isapi.SNMPUserChange{Name: "x"})
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// What the contract asks of writes holds on every kind of device.
func TestCheckDeviceWrites(t *testing.T) {
	for name, profile := range writableProfiles() {
		t.Run(name, func(t *testing.T) {
			b := benchOver(t, "http", profile, nil)
			b.SetUser(isapitest.User{ID: 7, Name: "spare", Level: "Operator", Password: "Old-Value-11"})
			setting := "service.upnp"
			require.NoError(t, camsec.CheckDeviceWrites(t.Context(), b.client.Device(), &camsec.CheckWritesOptions{
				Account: camsec.Account{Store: camsec.StoreDevice, Name: "spare"}, Password: secret(newPassword), Setting: setting,
			}))
			assert.Equal(t, newPassword, passwordOf(b.Device, "spare"))
			assert.Zero(t, b.Host().FailedLogins())
		})
	}
}

// A driver that takes the device's 200 for a proof is found out on a device
// that says done and does nothing; so is one that does not tell what it did.
func TestCheckDeviceWritesFindsCarelessDrivers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer camsec.Change
		err    error
		want   string
	}{
		"trusts the 200": {camsec.Change{Outcome: camsec.Applied, Proof: "200 OK"}, nil, "reads back as before"},
		"no proof":       {camsec.Change{Outcome: camsec.Applied}, nil, "without proof"},
		"no outcome":     {camsec.Change{}, nil, "outcome unknown"},
		"says no, is unsure": {
			camsec.Change{Outcome: camsec.NotApplied}, camsec.ErrUncertain, "go together",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
			dev := carelessDevice{Device: b.client.Device(), answer: tt.answer, err: tt.err}
			err := camsec.CheckDeviceWrites(t.Context(), dev, &camsec.CheckWritesOptions{Setting: "service.ssh"})
			require.ErrorContains(t, err, tt.want)
		})
	}
}

type carelessDevice struct {
	*isapi.Device
	answer camsec.Change
	err    error
}

func (d carelessDevice) SetSetting(ctx context.Context, id string, v camsec.Value) (camsec.Change, error) {
	if ctx.Err() != nil || id != "service.ssh" {
		return d.Device.SetSetting(ctx, id, v)
	}
	return d.answer, d.err
}

func TestIPFilterList(t *testing.T) {
	p := isapitest.CurrentCamera()
	b := benchOver(t, "http", p, nil)
	us, other := netip.MustParseAddr(authtest.DefaultClient), netip.MustParseAddr("192.0.2.77")
	c, err := b.client.SetIPFilterList(t.Context(), "allow", []netip.Addr{other})
	require.NoError(t, err, "the filter is off")
	assert.Equal(t, camsec.Applied, c.Outcome)
	_, err = b.client.SetIPFilter(t.Context(), true)
	require.ErrorIs(t, err, isapi.ErrCutOff, "it would shut us out")
	_, err = b.client.SetIPFilterList(t.Context(), "allow", []netip.Addr{other, us})
	require.NoError(t, err)
	c, err = b.client.SetIPFilterList(t.Context(), "allow", []netip.Addr{other, us})
	require.NoError(t, err)
	assert.Equal(t, "unchanged: was so already", c.Proof)
	_, err = b.client.SetIPFilter(t.Context(), true)
	require.NoError(t, err)
	_, err = b.client.SetIPFilterList(t.Context(), "deny", []netip.Addr{us})
	require.ErrorIs(t, err, isapi.ErrCutOff)
	_, err = b.client.SetIPFilterList(t.Context(), "allow", nil)
	require.ErrorIs(t, err, isapi.ErrCutOff)
	assert.Contains(t, string(b.Document("GET /ISAPI/System/Network/ipFilter")), "192.0.2.77")
	assert.Len(t, b.tap.writes(), 3)
}

func TestSetClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
		defer b.stop()
		want := time.Now().Add(-time.Hour)
		c, err := b.client.SetClock(t.Context(), want)
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, c.Outcome)
		got, err := b.client.Time(t.Context())
		require.NoError(t, err)
		at, ok := got.Instant()
		require.True(t, ok)
		assert.Less(t, at.Sub(want).Abs(), 2*time.Second)
		assert.Equal(t, "manual", got.Mode)
		c, err = b.client.SetClock(t.Context(), want)
		require.NoError(t, err)
		assert.Equal(t, "unchanged: was so already", c.Proof)
		assert.Len(t, b.tap.writes(), 1)
	})
}
