package onvif_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// Ten things that users of ONVIF libraries ask for and did not get, each put
// to the client as a user would.
func TestTenAsks(t *testing.T) {
	for _, ask := range []struct {
		number int
		name   string
		test   func(*testing.T)
	}{
		{1, "rotate a password and prove it", askRotation},
		{2, "a fault is never a nil error", askFaults},
		{3, "switch a service off, whole list, read back, without cutting oneself off", askServices},
		{4, "one engine for all logins, within a hard budget", askLogins},
		{5, "what is answered to anybody", askExposure},
		{6, "an owner's certificate in one call", askCertificate},
		{7, "password rules, the irreversible one by its word", askRules},
		{8, "verified firmware, to the host dialled, proven afterwards", askFirmware},
		{9, "simulated devices with the faults of real ones", askSimulation},
		{10, "nothing secret is told, and every step says what right it needs", askSilence},
	} {
		t.Run(fmt.Sprintf("%d %s", ask.number, ask.name), ask.test)
	}
}

func askRotation(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	dev := client(t, d, nil).Device()
	before := d.Users()[2]
	change, err := dev.SetPassword(t.Context(), camsec.Account{Name: "vms"}, secret("Only-Look-66"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "fresh login"}, change)
	after := d.Users()[2]
	assert.Equal(t, []string{before.Level, before.Roles}, []string{after.Level, after.Roles})
	assert.Contains(t, after.Vendor, "22 &amp; on", "the maker's own part of the account")

	sent := d.Requests("SetUser")
	_, err = dev.SetPassword(t.Context(), camsec.Account{Name: "vms"}, secret(strings.Repeat("Aa1-", 17)))
	require.ErrorIs(t, err, camsec.ErrWeakPassword, "longer than MaxPasswordLength")
	_, err = dev.SetPassword(t.Context(), camsec.Account{Name: "vms"}, secret("Ab-1"))
	require.ErrorIs(t, err, camsec.ErrWeakPassword, "shorter than the rules")
	assert.Equal(t, sent, d.Requests("SetUser"), "before anything is sent")

	lost := &loseReply{rt: d.Transport(), action: "SetUser"}
	change, err = client(t, d, func(o *onvif.Options) { o.Base = lost }).Device().SetPassword(t.Context(), camsec.Account{Name: "vms"}, secret("Only-Look-77"))
	require.NoError(t, err, "the answer is lost, and a login tells")
	assert.Equal(t, camsec.Applied, change.Outcome)

	d.SetFaults(onviftest.Faults{SilentWrites: true})
	change, err = dev.SetPassword(t.Context(), camsec.Account{Name: "vms"}, secret("Only-Look-88"))
	require.ErrorIs(t, err, onvif.ErrNotVerified)
	assert.Equal(t, camsec.NotApplied, change.Outcome)
}

func askFaults(t *testing.T) {
	for _, status := range []int{200, 202, 400, 401, 403, 404, 500, 501, 503} {
		for prefix, body := range map[string]string{
			"env":       fault("env:Sender", "x", "ter:NotAuthorized"),
			"none":      strings.NewReplacer("<e:", "<", "</e:", "</").Replace(fault("Sender", "x", "NotAuthorized")),
			"misspelt":  fault("env:Reveiver", "x", "ter:InvalidDot11", "ter:ActionNotSupported"),
			"deep":      "<a><b><c>" + fault("x:y:Sender", "x") + "</c></b></a>",
			"SOAP 1.1":  "<Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>no</faultstring></Fault>",
			"no codes":  "<e:Fault/>",
			"undeclare": fault("q:Sender", "x", "undeclared:Thing"),
		} {
			users, err := answering(t, canned{status: status, body: envelope(body)}).Users(t.Context())
			require.Error(t, err, "%d %s", status, prefix)
			assert.Nil(t, users)
			if _, ok := errors.AsType[*onvif.Fault](err); ok {
				continue
			}
			// A 401 and a 503 speak for themselves.
			want := map[int]error{401: camsec.ErrUnauthorized, 503: camsec.ErrBusy}[status]
			require.ErrorIs(t, err, want, "%d %s: %v", status, prefix, err)
		}
	}
}

func askServices(t *testing.T) {
	for _, replaces := range []bool{false, true} {
		p := onviftest.Axis()
		p.Faults.ReplacesList = replaces
		d := start(t, p, nil)
		c := client(t, d, nil)
		change, err := c.SwitchProtocol(t.Context(), "RTSP", false)
		require.NoError(t, err)
		assert.Equal(t, "read back", change.Proof)
		want := p.Protocols
		want[2].Enabled = false
		assert.Equal(t, want, d.Protocols(), "the others are as they were")
		_, err = c.SwitchProtocol(t.Context(), "HTTP", false)
		require.ErrorIs(t, err, onvif.ErrCutOff)
		for _, id := range []string{"service.telnet", "service.ssh", "service.upnp"} {
			_, err = c.Device().SetSetting(t.Context(), id, camsec.ValueOf(false))
			require.ErrorIs(t, err, errors.ErrUnsupported)
			require.ErrorContains(t, err, "cannot be set through ONVIF")
		}
		d.SetFaults(onviftest.Faults{SilentWrites: true})
		_, err = c.SwitchProtocol(t.Context(), "RTSP", true)
		require.ErrorIs(t, err, onvif.ErrNotVerified)
	}
}

func askLogins(t *testing.T) {
	d := start(t, onviftest.Bosch(), nil) // MD5 first, then SHA-256
	c := client(t, d, nil)
	for range 4 {
		_, err := c.Users(t.Context())
		require.NoError(t, err)
	}
	assert.Equal(t, 6, d.Host().Requests(), "the probe, the proof, and one a call")
	for _, e := range d.Host().Log() {
		assert.Contains(t, []string{"", authtest.SHA256}, e.Algorithm)
	}
	d.Host().ExpireNonces() // stale
	_, err := c.Users(t.Context())
	require.NoError(t, err)
	assert.Zero(t, failures(d))

	// A reason for every refusal, and one failed login for a wrong password
	// however many ask.
	wrong := clientAs(t, d, d.User(), "wrong", nil)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if _, err := wrong.Users(t.Context()); !errors.Is(err, camsec.ErrUnauthorized) {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, failures(d))

	skewed := onviftest.Dahua()
	skewed.Skew = 26 * time.Hour
	s := start(t, skewed, nil)
	_, err = client(t, s, nil).Users(t.Context())
	require.NoError(t, err, "in the device's own time")
	assert.LessOrEqual(t, failures(s), 1)

	counting := start(t, onviftest.Dahua(), nil)
	_, err = clientAs(t, counting, counting.User(), "wrong", nil).Users(t.Context())
	e, ok := errors.AsType[*auth.Error](err)
	require.True(t, ok)
	assert.Equal(t, 29, e.Left)
	locked := onviftest.Dahua()
	locked.LockAfter = 1
	l := start(t, locked, nil)
	_, _ = clientAs(t, l, l.User(), "wrong", nil).Users(t.Context()) //nolint:dogsled // it locks the account
	_, err = client(t, l, nil).Users(t.Context())
	require.ErrorIs(t, err, camsec.ErrLocked)
	_, err = clientAs(t, d, "", "", nil).Users(t.Context())
	assert.Equal(t, camsec.ReasonNoCredential, camsec.ReasonOf(err))
}

func askExposure(t *testing.T) {
	p := onviftest.Sunba() // says that it does not keep to the default access policy
	p.Security = true
	p.Scopes = append(p.Scopes, "onvif://www.onvif.org/Profile/Q/FactoryDefault")
	p.Faults.Opens = []string{"GetUsers", "GetNetworkProtocols", "GetScopes"}
	d := start(t, p, nil)
	snap, err := camsec.Collect(t.Context(), client(t, d, nil).Device(), &camsec.CollectOptions{Protocol: "onvif"})
	require.NoError(t, err)
	assert.Subset(t, snap.Setting(onvif.SettingExposed).Value.Strings(), []string{"GetUsers", "GetNetworkProtocols", "GetScopes"})
	assert.Equal(t, camsec.StateOn, snap.Setting(onvif.SettingFactoryState).State)
	assert.Equal(t, []string{"1.2", "1.3"}, snap.Setting(onvif.SettingTLSVersions).Value.Strings())
	assert.Equal(t, camsec.StateOff, snap.Setting(onvif.SettingAccessPolicy).State)
	failed := map[string]bool{}
	for _, ctl := range onvif.Controls() {
		failed[ctl.Title()] = ctl.Judge(snap, time.Now()).Status == camsec.Fail
	}
	n := 0
	for _, f := range failed {
		if f {
			n++
		}
	}
	assert.GreaterOrEqual(t, n, 4, "%v", failed)
	assert.Empty(t, d.Writes(), "it only reads")
	assert.Zero(t, failures(d))
}

func askCertificate(t *testing.T) {
	p := onviftest.Current()
	p.Protocols[1].Enabled = false
	d := onviftest.New(t, p)
	c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
	require.NoError(t, err)
	defer c.Close()
	got, change, err := c.InstallCertificate(t.Context(), newAuthority(t).sign, &onvif.InstallOptions{Dial: dialHTTPS(d)})
	require.NoError(t, err)
	assert.Equal(t, "fresh handshake", change.Proof)
	served, err := d.Certificate()
	require.NoError(t, err)
	assert.Equal(t, got.Leaf.Raw, served.Raw)
	assert.True(t, httpsOn(d))

	d.SetStickyCertificate(true) // the next one is not served
	keys, certs, paths, assigned := d.Keystore()
	_, change, err = c.InstallCertificate(t.Context(), newAuthority(t).sign, &onvif.InstallOptions{Dial: dialHTTPS(d)})
	require.ErrorIs(t, err, onvif.ErrNotVerified)
	assert.Equal(t, camsec.NotApplied, change.Outcome)
	k, x, q, a := d.Keystore()
	assert.Equal(t, []any{keys, certs, paths, assigned}, []any{k, x, q, a}, "rolled back")
}

func askRules(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	ctx := t.Context()
	options, err := c.PasswordComplexityOptions(ctx)
	require.NoError(t, err)
	assert.Equal(t, &onvif.Range{Min: 8, Max: 32}, options.MinLen)
	_, err = c.SetPasswordComplexity(ctx, onvif.PasswordRules{MinLen: to(14), Uppercase: to(1)})
	require.NoError(t, err)
	rules, err := c.PasswordComplexity(ctx)
	require.NoError(t, err)
	assert.Equal(t, 14, *rules.MinLen)
	_, err = c.SetPasswordHistory(ctx, onvif.PasswordMemory{Enabled: true, Length: 4})
	require.NoError(t, err)
	memory, err := c.PasswordHistory(ctx)
	require.NoError(t, err)
	assert.Equal(t, onvif.PasswordMemory{Enabled: true, Length: 4}, memory)
	_, err = c.SetAuthFailureWarning(ctx, onvif.FailureWarning{Enabled: true, MonitorPeriod: 120, MaxFailures: 3})
	require.NoError(t, err)
	warning, err := c.AuthFailureWarning(ctx)
	require.NoError(t, err)
	assert.Equal(t, onvif.FailureWarning{Enabled: true, MonitorPeriod: 120, MaxFailures: 3}, warning)

	_, err = c.SetPasswordComplexity(ctx, onvif.PasswordRules{Locked: to(true)})
	require.ErrorIs(t, err, onvif.ErrConsent)
	assert.Len(t, d.Writes(), 3)
	_, err = c.SetPasswordComplexity(ctx, onvif.PasswordRules{Locked: to(true)}, onvif.AllowPolicyLock)
	require.NoError(t, err)
}

func askFirmware(t *testing.T) {
	order, why := firmware.Compare(firmware.Parse("Hikvision", "V5.5.82 build 190909"), firmware.Parse("Hikvision", "V5.5.83 build 200101"))
	assert.Equal(t, firmware.Older, order, why)
	synctest.Test(t, func(t *testing.T) {
		p := onviftest.Current()
		p.Faults.ForeignXAddr = true // it names another host to upload to
		d := start(t, p, nil)
		seen := &hosts{rt: d.Transport()}
		c := client(t, d, func(o *onvif.Options) { o.Base = seen })
		image := onviftest.ImageFor("V2.7.0 build 261101")
		forged := vouched(t, image)
		forged.Image = bytes.NewReader(bytes.Replace(image, []byte("V2.7"), []byte("V2.8"), 1))
		_, change, err := c.Upgrade(t.Context(), forged)
		require.ErrorIs(t, err, onvif.ErrNotAccepted)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.Zero(t, d.Host().Requests(), "before the device hears of it")

		began := time.Now()
		got, change, err := c.Upgrade(t.Context(), vouched(t, image))
		require.NoError(t, err)
		assert.Equal(t, "runs V2.7.0 build 261101", change.Proof)
		assert.Equal(t, firmware.Accepted, got.Report.Verdict)
		assert.Empty(t, got.LostUsers)
		assert.GreaterOrEqual(t, time.Since(began), 10*time.Millisecond, "the device's own delay")
		assert.Equal(t, map[string]bool{"http://camera.test": true}, seen.seen, "the host that was dialled")
	})
	// Not over http where all else goes over https.
	d := start(t, onviftest.Current(), &onviftest.Options{InProcess: true, TLS: true})
	seen := &hosts{rt: d.Transport()}
	image := onviftest.ImageFor("V2.7.0 build 261101")
	_, _, err := client(t, d, func(o *onvif.Options) { o.Base = seen }).UpgradeByUpload(t.Context(), bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	assert.Equal(t, map[string]bool{"https://camera.test": true}, seen.seen)
}

func askSimulation(t *testing.T) {
	// As a handler of the user's own server.
	d := start(t, onviftest.Hikvision(), nil)
	server := httptest.NewServer(d.Host())
	defer server.Close()
	c, err := onvif.New(server.URL, auth.Static(d.User(), secret(d.Password())), nil)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Users(t.Context())
	require.NoError(t, err)

	post := func(d *onviftest.Device, action string) (int, string) {
		body := envelope(`<t:` + action + ` xmlns:t="http://www.onvif.org/ver10/device/wsdl"/>`)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.Addr()+onvif.DefaultPath, bytes.NewReader(body))
		require.NoError(t, err)
		resp, err := d.Transport().RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		var b bytes.Buffer
		_, err = b.ReadFrom(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, b.String()
	}
	with := func(p onviftest.Profile, change func(*onviftest.Profile)) *onviftest.Device {
		change(&p)
		return start(t, p, nil)
	}
	_, said := post(with(onviftest.Sunba(), func(p *onviftest.Profile) { p.Faults.Year126 = true }), "GetSystemDateAndTime")
	assert.Regexp(t, `Year>126<`, said)
	_, said = post(with(onviftest.Sunba(), func(p *onviftest.Profile) { p.Faults.NoUTC = true }), "GetSystemDateAndTime")
	assert.NotContains(t, said, "UTCDateTime")
	_, said = post(with(onviftest.Hikvision(), func(p *onviftest.Profile) { p.Faults.LocalAsUTC = true }), "GetSystemDateAndTime")
	hour := regexp.MustCompile(`UTCDateTime><tt:Time><tt:Hour>(\d+)<`).FindStringSubmatch(said)
	require.NotNil(t, hour, said)
	assert.Equal(t, fmt.Sprint(time.Now().UTC().Add(8*time.Hour).Hour()), hour[1])
	status, said := post(with(onviftest.Hikvision(), func(p *onviftest.Profile) { p.Token = false }), "GetUsers")
	assert.Equal(t, 401, status)
	assert.Contains(t, said, "<html", "a page instead of a fault")
	status, _ = post(with(onviftest.DLink(), func(*onviftest.Profile) {}), "GetServices")
	assert.Equal(t, 501, status)
	status, said = post(with(onviftest.Sunba(), func(p *onviftest.Profile) {
		p.Unsupported, p.Missing = onviftest.RefuseEmpty, []string{"GetHostname"}
	}), "GetHostname")
	assert.Equal(t, 200, status)
	assert.Empty(t, said)
	_, said = post(with(onviftest.Sunba(), func(p *onviftest.Profile) {
		p.Faults.Misspelt, p.Missing, p.Unsupported = true, []string{"GetHostname"}, onviftest.RefuseTwice
	}), "GetHostname")
	assert.Regexp(t, "Reveiver.*InvalidOperation.*ActionNotSupported", said)
	two := start(t, onviftest.Current(), nil)
	_, err = clientAs(t, two, "", "", nil).DeviceInformation(t.Context())
	require.Error(t, err)
	challenge, err := clientAs(t, two, "", "", nil).Challenge(t.Context())
	require.NoError(t, err)
	assert.Len(t, challenge.Algorithms, 2, "two digest headers")
	log, err := client(t, start(t, onviftest.Sunba(), nil), nil).SystemLog(t.Context(), onvif.LogSystem)
	require.NoError(t, err)
	assert.NotEmpty(t, log.File, "MTOM")
	// Silent writes, replaced lists, attempt counters and lock-outs are what
	// the other asks were put to.
}

func askSilence(t *testing.T) {
	var told bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug}))
	const password, fresh, phrase = "Correct-Horse-7", "Fresh-Paint-77", "Switch-Word-1"
	say := func(v ...any) { fmt.Fprintf(&told, "%v %+v %#v\n", v, v, v) }
	for _, p := range []onviftest.Profile{onviftest.Current(), onviftest.Dahua()} {
		d := start(t, p, &onviftest.Options{InProcess: true, TLS: true})
		c := client(t, d, func(o *onvif.Options) { o.Logger = logger })
		wrong := clientAs(t, d, d.User(), fresh, func(o *onvif.Options) { o.Logger = logger })
		_, err := wrong.Users(t.Context())
		require.Error(t, err)
		say(err, wrong)
		u := onvif.NewUser{User: onvif.User{Name: "x\x00", Level: onvif.LevelUser}, Password: secret(fresh)}
		_, err = c.CreateUsers(t.Context(), u)
		say(err, u, c)
		_, err = c.Device().SetPassword(t.Context(), camsec.Account{Name: p.MoreUsers[0].Name}, secret(fresh))
		require.NoError(t, err)
		files, err := c.SystemBackup(t.Context())
		require.NoError(t, err)
		say(files, err)
		_, _, err = c.UploadPassphrase(t.Context(), secret(phrase), "")
		say(err)
		_, _, err = c.UploadPKCS8(t.Context(), secret(phrase), "")
		say(err)
	}
	secrets := []string{password, fresh, phrase, "a backup"}
	for _, s := range secrets {
		assert.NotContains(t, told.String(), s)
		assert.NotContains(t, told.String(), base64.StdEncoding.EncodeToString([]byte(s)))
	}
	assert.NotRegexp(t, `(?i)response="|nonce="|PasswordDigest`, told.String())

	// Every step says what right it needs, and a dry run sends none that
	// changes anything.
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, func(o *onvif.Options) { o.ReadOnly = true })
	for _, o := range onvif.Operations() {
		assert.NotEmpty(t, o.Access, o)
		if o.Writes {
			require.Error(t, calls[o.Name](t.Context(), c), o.Name)
			assert.Zero(t, d.Requests(o.Action), o.Name)
		}
	}
	assert.Empty(t, d.Writes())
}
