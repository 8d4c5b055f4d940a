package onvif_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// failures counts the failed logins of whatever kind.
func failures(d *onviftest.Device) int { return d.Host().FailedLogins() + d.FailedTokens() }

// The strongest digest is taken where there is one, and no token is sent; a
// token where there is none.
func TestLoginIsDigestBeforeToken(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		c := client(t, d, nil)
		for range 5 {
			_, err := c.Users(t.Context())
			require.NoError(t, err)
		}
		assert.Zero(t, failures(d))
		if len(p.Digest) == 0 {
			assert.Zero(t, d.Host().Logins())
			assert.Equal(t, 6, d.GoodTokens())
			// The probe, the device's clock, the proof, and one for each call.
			assert.Equal(t, 8, d.Host().Requests())
			return
		}
		assert.Zero(t, d.GoodTokens(), "no token where digest is offered")
		assert.Equal(t, 7, d.Host().Requests(), "the probe, the proof, and one for each call")
		for _, e := range d.Host().Log() {
			if e.Scheme != "" && len(p.Digest) > 1 {
				assert.Equal(t, authtest.SHA256, e.Algorithm)
			}
		}
	})
}

// Case 14, case 40: a wrong password costs one failed login, however many
// calls there are and however the device says it.
func TestWrongPasswordIsSentOnce(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		c := clientAs(t, d, d.User(), "wrong", nil)
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				_, err := c.NetworkProtocols(t.Context())
				if !errors.Is(err, camsec.ErrUnauthorized) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		_, err := c.Device().Inventory(t.Context())
		assert.Equal(t, camsec.ReasonRefused, camsec.ReasonOf(err))
		assert.Equal(t, 1, failures(d))
	})
}

func TestAcceptWeaker(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	_, err := c.DeviceInformation(t.Context())
	require.NoError(t, err)
	d.Host().SetAlgorithms(authtest.MD5)
	d.Host().ExpireNonces()
	_, err = c.DeviceInformation(t.Context())
	require.ErrorIs(t, err, auth.ErrDowngrade)
	before := failures(d)
	require.NoError(t, c.AcceptWeaker(t.Context()))
	_, err = c.DeviceInformation(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before, failures(d))
}

func TestBudgetIsSharedBetweenClients(t *testing.T) {
	d := start(t, onviftest.Dahua(), nil)
	b := auth.NewMemoryBudget(nil)
	share := func(o *onvif.Options) { o.Budget, o.Target = b, camsec.Target{ID: "cam"} }
	for range 4 {
		_, err := clientAs(t, d, d.User(), "wrong", share).DeviceInformation(t.Context())
		require.ErrorIs(t, err, camsec.ErrUnauthorized)
	}
	assert.Equal(t, 1, failures(d))
	// The device's own accounts draw on the same tries.
	for i := range 3 {
		res, err := b.Reserve(t.Context(), auth.Login{
			Target: camsec.Target{ID: "cam"}, Account: camsec.Account{Name: d.User()},
			Credential: auth.Credential{User: d.User(), Version: string(rune('a' + i))},
		})
		if i == 2 {
			require.ErrorIs(t, err, camsec.ErrLocked)
			break
		}
		require.NoError(t, err)
		require.NoError(t, res.Report(auth.Outcome{Verdict: auth.VerdictRefused}))
	}
}

// "You still have N attempt(s)", in a fault of a token and in a 401.
func TestAttemptsLeftAreRead(t *testing.T) {
	for _, digest := range []bool{false, true} {
		p := onviftest.Dahua()
		p.LockAfter = 6
		if digest {
			p.Digest, p.Token, p.Realm = []string{authtest.MD5}, false, "Login to 1"
		}
		d := start(t, p, nil)
		_, err := clientAs(t, d, d.User(), "wrong", nil).DeviceInformation(t.Context())
		e, ok := errors.AsType[*auth.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 5, e.Left, "digest %v", digest)
	}
}

func TestFewAttemptsAreLeftToPeople(t *testing.T) {
	p := onviftest.Dahua()
	p.LockAfter = 3
	d := start(t, p, nil)
	b := auth.NewMemoryBudget(nil)
	share := func(o *onvif.Options) { o.Budget = b }
	_, err := clientAs(t, d, d.User(), "wrong", share).DeviceInformation(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
	_, err = clientAs(t, d, d.User(), d.Password(), share).DeviceInformation(t.Context())
	require.ErrorIs(t, err, camsec.ErrLocked)
	assert.Equal(t, 1, failures(d))
}

func TestLockedAccount(t *testing.T) {
	p := onviftest.Dahua()
	p.LockAfter = 1
	d := start(t, p, nil)
	_, _ = clientAs(t, d, d.User(), "wrong", nil).DeviceInformation(t.Context())
	_, err := clientAs(t, d, d.User(), d.Password(), nil).DeviceInformation(t.Context())
	require.ErrorIs(t, err, camsec.ErrLocked)
}

// An account that may log in and may not do this is told apart from a wrong
// password, with digest and with a token, and no login is lost over it.
func TestNotAllowedIsNotRefused(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		u := onviftest.User{Name: "watcher", Password: "Only-Look-77", Level: "User"}
		d.SetUser(u)
		c := clientAs(t, d, u.Name, u.Password, nil)
		for range 3 {
			_, err := c.Users(t.Context())
			require.ErrorIs(t, err, camsec.ErrForbidden)
			f, ok := errors.AsType[*onvif.Fault](err)
			require.True(t, ok)
			assert.True(t, f.LoggedIn)
			assert.Equal(t, camsec.ReasonForbidden, camsec.ReasonOf(err))
		}
		_, err := c.NetworkProtocols(t.Context())
		require.NoError(t, err)
		assert.Zero(t, failures(d))
		change, err := c.SetDiscoveryMode(t.Context(), false)
		require.ErrorIs(t, err, camsec.ErrForbidden)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
	})
}

func TestPasswordChangedElsewhere(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Sunba(), onviftest.Current()} {
		d := start(t, p, nil)
		c := client(t, d, nil)
		_, err := c.Users(t.Context())
		require.NoError(t, err)
		d.SetUser(onviftest.User{Name: d.User(), Password: "elsewhere", Level: "Administrator"})
		for range 10 {
			_, err = c.Users(t.Context())
			require.ErrorIs(t, err, camsec.ErrUnauthorized)
		}
		assert.LessOrEqual(t, failures(d), 2, "a proven one gets one retry")
	}
}

func TestNoCredential(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		c := clientAs(t, d, "", "", nil)
		_, err := c.SystemDateAndTime(t.Context())
		require.NoError(t, err)
		_, err = c.Users(t.Context())
		require.ErrorIs(t, err, camsec.ErrUnauthorized)
		assert.Equal(t, camsec.ReasonNoCredential, camsec.ReasonOf(err))
		assert.Zero(t, failures(d))
	})
}

// Case 41 and its kin: tokens are made in the device's time where that can be
// believed, and at most one failed try is spent to find out where it cannot.
func TestClocks(t *testing.T) {
	for name, tt := range map[string]struct {
		skew   time.Duration
		zone   time.Duration
		faults onviftest.Faults
		most   int // failed tries
	}{
		"right":                             {},
		"3 s off":                           {skew: 3 * time.Second},
		"an hour ahead":                     {skew: time.Hour},
		"an hour behind":                    {skew: -time.Hour},
		"eleven years behind":               {skew: -11 * 365 * 24 * time.Hour},
		"1970":                              {skew: -50 * 365 * 24 * time.Hour, most: -1},
		"year 126":                          {faults: onviftest.Faults{Year126: true}},
		"year 126, an hour ahead":           {skew: time.Hour, faults: onviftest.Faults{Year126: true}},
		"no UTC, 1979":                      {faults: onviftest.Faults{NoUTC: true}},
		"local time as UTC":                 {zone: 8 * time.Hour, faults: onviftest.Faults{LocalAsUTC: true}, most: 1},
		"local time as UTC, west":           {zone: -5 * time.Hour, faults: onviftest.Faults{LocalAsUTC: true}, most: 1},
		"local time as UTC, year 126":       {zone: 8 * time.Hour, faults: onviftest.Faults{LocalAsUTC: true, Year126: true}, most: 1},
		"local time as UTC, a half hour":    {zone: 330 * time.Minute, faults: onviftest.Faults{LocalAsUTC: true}, most: 1},
		"local time as UTC, minutes behind": {zone: 8 * time.Hour, skew: -20 * time.Second, faults: onviftest.Faults{LocalAsUTC: true}, most: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := onviftest.Sunba()
			p.Zone, p.Skew, p.Faults = tt.zone, tt.skew, tt.faults
			d := start(t, p, nil)
			c := client(t, d, nil)
			_, err := c.Users(t.Context())
			if tt.most < 0 {
				// Its clock cannot be believed, and it insists on it.
				require.Error(t, err)
				assert.LessOrEqual(t, failures(d), 1)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.most, failures(d))
			for range 3 {
				_, err := c.Users(t.Context())
				require.NoError(t, err)
			}
			assert.Equal(t, tt.most, failures(d), "learned once")
			// A wrong password does not cost more for it than a second try.
			wrong := clientAs(t, d, d.User(), "wrong", nil)
			for range 3 {
				_, err = wrong.Users(t.Context())
				require.ErrorIs(t, err, camsec.ErrUnauthorized)
			}
			assert.LessOrEqual(t, failures(d), 2*tt.most+2)
		})
	}
}

// A clock that is set while we are logged in is found out.
func TestClockThatJumps(t *testing.T) {
	d := start(t, onviftest.DLink(), nil)
	c := client(t, d, nil)
	_, err := c.Users(t.Context())
	require.NoError(t, err)
	d.SetSkew(3 * time.Hour)
	_, err = c.Users(t.Context())
	require.Error(t, err)
	_, err = c.Users(t.Context())
	require.NoError(t, err)
	assert.LessOrEqual(t, failures(d), 2)
}

// Tokens are never used twice: the device would say so.
func TestTokensAreFresh(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	d := start(t, onviftest.Sunba(), &onviftest.Options{InProcess: true, Now: func() time.Time { return now }})
	c := client(t, d, func(o *onvif.Options) { o.Now = func() time.Time { return now } })
	for range 20 {
		_, err := c.Users(t.Context())
		require.NoError(t, err)
	}
	assert.Zero(t, failures(d))
}

// A page of HTML with a 401, as Hikvision's web server sends.
func TestHTMLWith401(t *testing.T) {
	p := onviftest.Hikvision()
	require.True(t, p.Faults.HTML401)
	d := start(t, p, nil)
	_, err := clientAs(t, d, "", "", nil).Users(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
}

// What goes on the wire is seen by everybody on it; what we say is not.
func TestNoSecretIsTold(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		const password = "s3cr3t-Passw0rd"
		c := clientAs(t, d, d.User(), password, nil)
		_, err := c.Users(t.Context())
		require.Error(t, err)
		assert.NotContains(t, err.Error(), password)
		_, err = client(t, d, nil).CreateUsers(t.Context(), onvif.NewUser{User: onvif.User{Name: "x\x00", Level: onvif.LevelUser}, Password: secret(password)})
		require.Error(t, err)
		assert.NotContains(t, err.Error(), password)
		for _, action := range []string{"GetDeviceInformation", "GetUsers", "SetUser"} {
			assert.NotContains(t, d.LastRequest(action), password)
		}
	})
}

// A device that takes a 401 with a challenge for every refusal, also of an
// operation that the account may not do.
func TestOtherOriginGetsNoCredential(t *testing.T) {
	p := onviftest.Current()
	p.Faults.ForeignXAddr = true
	d := start(t, p, nil)
	c := client(t, d, func(o *onvif.Options) { o.KeepXAddr = true })
	_, err := c.EnabledTLSVersions(t.Context())
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	e, ok := errors.AsType[*auth.Error](err)
	require.True(t, ok)
	assert.Equal(t, auth.KindOrigin, e.Kind)
	for _, entry := range d.Host().Log() {
		if entry.URI == p.ServicePath {
			assert.Empty(t, entry.Scheme)
		}
	}
}

// Case 109: addresses that the device names lead to the host that was dialled.
func TestXAddrIsForcedToTheHost(t *testing.T) {
	p := onviftest.Current()
	p.Faults.ForeignXAddr = true
	d := start(t, p, nil)
	seen := &hosts{rt: d.Transport()}
	c := client(t, d, func(o *onvif.Options) { o.Base = seen })
	_, err := c.EnabledTLSVersions(t.Context())
	require.NoError(t, err)
	image := onviftest.ImageFor("V2.7.0 build 260701")
	_, change, err := c.UpgradeByUpload(t.Context(), strings.NewReader(string(image)), int64(len(image)))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Equal(t, map[string]bool{"http://camera.test": true}, seen.seen)
	require.Len(t, d.Images(), 1)
	info, err := c.DeviceInformation(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "V2.7.0 build 260701", info.Firmware)
}

type hosts struct {
	rt   http.RoundTripper
	mu   sync.Mutex
	seen map[string]bool
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	h.seen[r.URL.Scheme+"://"+r.URL.Host] = true
	h.mu.Unlock()
	return h.rt.RoundTrip(r)
}
