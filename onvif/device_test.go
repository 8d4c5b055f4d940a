package onvif_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// start runs a device in process.
func start(t *testing.T, p onviftest.Profile, o *onviftest.Options) *onviftest.Device {
	t.Helper()
	if o == nil {
		o = &onviftest.Options{InProcess: true}
	}
	d, err := onviftest.Start(p, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func secret(s string) camsec.Secret { return camsec.NewSecret([]byte(s)) }

// client makes a client of a device, logging in as its administrator.
func client(t *testing.T, d *onviftest.Device, change func(*onvif.Options)) *onvif.Client {
	t.Helper()
	return clientAs(t, d, d.User(), d.Password(), change)
}

func clientAs(t *testing.T, d *onviftest.Device, user, password string, change func(*onvif.Options)) *onvif.Client {
	t.Helper()
	o := &onvif.Options{Base: d.Transport()}
	if change != nil {
		change(o)
	}
	var src auth.Source
	if user != "" {
		src = auth.Static(user, secret(password))
	}
	c, err := onvif.New(d.Addr(), src, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// eachProfile runs f against a fresh device of every make.
func eachProfile(t *testing.T, f func(t *testing.T, p onviftest.Profile)) {
	for _, p := range onviftest.Profiles() {
		t.Run(p.Manufacturer, func(t *testing.T) { f(t, p) })
	}
}

func TestEveryMakeKeepsTheContract(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		require.NoError(t, camsec.CheckDevice(t.Context(), client(t, d, nil).Device()))
		assert.Empty(t, d.Writes(), "reading changed the device")
		assert.Zero(t, d.Host().FailedLogins()+d.FailedTokens())
	})
}

func TestEveryMakeKeepsTheContractOfWrites(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		dev := client(t, d, nil).Device()
		for _, setting := range []string{onvif.SettingDiscovery, onvif.SettingRTSP, "time.ntp"} {
			require.NoError(t, camsec.CheckDeviceWrites(t.Context(), dev, &camsec.CheckWritesOptions{
				Account:  camsec.Account{Store: camsec.StoreONVIF, Name: p.MoreUsers[0].Name},
				Password: secret("New-Spare-99"), Setting: setting,
			}), setting)
		}
		spare := d.Users()[1]
		assert.Equal(t, "New-Spare-99", spare.Password)
		assert.Equal(t, p.MoreUsers[0].Level, spare.Level)
		assert.Zero(t, d.Host().FailedLogins()+d.FailedTokens())
	})
}

func TestInventory(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		d := start(t, p, nil)
		inv, err := client(t, d, nil).Device().Inventory(t.Context())
		require.NoError(t, err)
		assert.Equal(t, p.Manufacturer, inv.Vendor)
		assert.Equal(t, p.Model, inv.Model)
		assert.Equal(t, p.Serial, inv.Serial)
		assert.Equal(t, p.MAC, inv.MAC)
		assert.Equal(t, p.Firmware, inv.Firmware.Raw)
	})
}

func TestFirmwareInParts(t *testing.T) {
	for _, tt := range []struct{ vendor, raw, version, build, released string }{
		{"HIKVISION", "V5.7.1 build 230515", "V5.7.1", "230515", "2023-05-15"},
		{"Dahua", "2.811.0000013.0.R, Build Date 2023-12-20", "2.811.0000013.0.R", "231220", "2023-12-20"},
		{"AXIS", "9.80.3.13", "9.80.3.13", "", ""},
		{"", "junk", "", "", ""},
		{"", "", "", "", ""},
	} {
		f := onvif.ParseFirmware(tt.vendor, tt.raw)
		assert.Equal(t, tt.raw, f.Raw)
		assert.Equal(t, tt.version, f.Version, tt.raw)
		assert.Equal(t, tt.released, f.Released, tt.raw)
		assert.Equal(t, tt.build, f.Build, tt.raw)
	}
}

// What ONVIF has no word for is unknown, with the reason.
func TestSettingsThatONVIFCannotTell(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	snap, err := camsec.Collect(t.Context(), client(t, d, nil).Device(), nil)
	require.NoError(t, err)
	for _, id := range []string{"service.ssh", "service.telnet", "service.upnp", "service.snmp.v1", "service.cloud", "login.lockout"} {
		s := snap.Setting(id)
		require.NotNil(t, s.Err, id)
		assert.Equal(t, camsec.ReasonNotReadable, s.Err.Code)
		assert.Equal(t, "not readable over this protocol", s.Err.Message)
	}
	assert.Equal(t, camsec.StateOn, snap.Setting("service.http").State)
	assert.Equal(t, camsec.StateOn, snap.Setting("service.https").State)
	assert.Equal(t, camsec.StateOn, snap.Setting(onvif.SettingRTSP).State)
	assert.Equal(t, []string{"digest"}, snap.Setting("http.auth").Value.Strings())
	assert.ElementsMatch(t, []string{"SHA256", "MD5"}, snap.Setting("http.auth.algorithms").Value.Strings())
	assert.Equal(t, "1.2", snap.Setting("tls.min").Value.Text())
	assert.InDelta(t, 0, snap.Setting("time.offset-seconds").Value.Int(), 1)
	assert.Empty(t, snap.Setting(onvif.SettingExposed).Value.Strings())
	assert.True(t, snap.Setting(onvif.SettingExposed).Known())
}

func TestSetPasswordKeepsLevelAndExtension(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	before := d.Users()[2]
	require.NotEmpty(t, before.Vendor)
	change, err := client(t, d, nil).Device().SetPassword(t.Context(), camsec.Account{Name: "vms"}, secret("Only-Look-66"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Equal(t, "fresh login", change.Proof)
	after := d.Users()[2]
	assert.Equal(t, "Only-Look-66", after.Password)
	assert.Equal(t, before.Level, after.Level)
	assert.Equal(t, before.Roles, after.Roles)
	assert.Contains(t, after.Vendor, "22 &amp; on")
	assert.Contains(t, after.Vendor, `kind="late"`)
}

func TestSetPasswordOfTheAccountInUse(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Current(), onviftest.Sunba()} {
		d := start(t, p, nil)
		password := d.Password()
		c, err := onvif.New(d.Addr(), auth.SourceFunc(func(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
			return auth.Credential{User: d.User(), Secret: secret(password)}, nil
		}), &onvif.Options{Base: d.Transport()})
		require.NoError(t, err)
		change, err := c.Device().SetPassword(t.Context(), camsec.Account{Name: d.User()}, secret("Fresh-Horse-77"))
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, change.Outcome)
		password = "Fresh-Horse-77"
		_, err = c.Users(t.Context())
		require.NoError(t, err)
		assert.Zero(t, d.Host().FailedLogins()+d.FailedTokens())
	}
}

func TestSetPasswordThatTheDeviceDoesNotKeep(t *testing.T) {
	eachProfile(t, func(t *testing.T, p onviftest.Profile) {
		p.Faults.SilentWrites = true
		d := start(t, p, nil)
		change, err := client(t, d, nil).Device().SetPassword(t.Context(), camsec.Account{Name: p.MoreUsers[0].Name}, secret("New-Spare-99"))
		require.ErrorIs(t, err, onvif.ErrNotVerified)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.LessOrEqual(t, d.Host().FailedLogins()+d.FailedTokens(), 1)
	})
}

func TestSetPasswordIsCheckedBeforeItIsSent(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	dev := client(t, d, nil).Device()
	for name, password := range map[string]string{
		"short": "Ab-1", "long": "Aa-1" + strings.Repeat("x", 64),
	} {
		change, err := dev.SetPassword(t.Context(), camsec.Account{Name: "guard"}, secret(password))
		require.ErrorIs(t, err, camsec.ErrWeakPassword, name)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.NotContains(t, err.Error(), password)
	}
	assert.Zero(t, d.Requests("SetUser"))
}

// Devices refuse weak passwords in three ways, one of them silent.
func TestSetPasswordThatTheDeviceRefuses(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Hikvision(), onviftest.Dahua()} {
		d := start(t, p, nil)
		_, err := client(t, d, nil).Device().SetPassword(t.Context(), camsec.Account{Name: p.MoreUsers[0].Name}, secret("ab1"))
		require.ErrorIs(t, err, camsec.ErrWeakPassword, p.Manufacturer)
	}
	d := start(t, onviftest.Bosch(), nil)
	_, err := client(t, d, nil).Device().SetPassword(t.Context(), camsec.Account{Name: "live"}, secret("ab1"))
	f, ok := errors.AsType[*onvif.Fault](err)
	require.True(t, ok)
	assert.Equal(t, []string{"Action"}, f.Subcodes)
	assert.Equal(t, camsec.ReasonNotReadable, camsec.ReasonOf(err))
}

// The reply to SetUser is lost: a login with the new password tells.
func TestSetPasswordWhoseReplyIsLost(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	lost := &loseReply{rt: d.Transport(), action: "SetUser"}
	c := client(t, d, func(o *onvif.Options) { o.Base = lost })
	change, err := c.Device().SetPassword(t.Context(), camsec.Account{Name: "guard"}, secret("Night-Watch-55"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Equal(t, 1, d.Requests("SetUser"), "sent once")
}

// loseReply has an operation carried out and its answer lost.
type loseReply struct {
	rt     http.RoundTripper
	action string
}

func (l *loseReply) RoundTrip(r *http.Request) (*http.Response, error) {
	b := new(strings.Builder)
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		buf := make([]byte, 64<<10)
		n, _ := body.Read(buf)
		b.Write(buf[:n])
	}
	resp, err := l.rt.RoundTrip(r)
	if err == nil && r.Header.Get("Authorization") != "" && strings.Contains(b.String(), ":"+l.action+">") {
		_ = resp.Body.Close()
		return nil, errors.New("connection reset")
	}
	return resp, err
}

func TestExposure(t *testing.T) {
	p := onviftest.Current()
	p.Faults.Opens = []string{"GetUsers", "GetNetworkProtocols"}
	d := start(t, p, nil)
	open, err := clientAs(t, d, "", "", nil).Exposure(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"GetNetworkProtocols", "GetUsers"}, open)
	assert.Zero(t, d.Host().FailedLogins())
}

func TestFactoryState(t *testing.T) {
	p := onviftest.Pelco()
	p.Scopes = append(p.Scopes[:1:1], "onvif://www.onvif.org/Profile/Q/FactoryDefault")
	d := start(t, p, nil)
	snap, err := camsec.Collect(t.Context(), client(t, d, nil).Device(), nil)
	require.NoError(t, err)
	assert.Equal(t, camsec.StateOn, snap.Setting(onvif.SettingFactoryState).State)
}

func TestReadOnlySendsNothing(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, func(o *onvif.Options) { o.ReadOnly = true })
	change, err := c.SetDiscoveryMode(t.Context(), false)
	require.ErrorIs(t, err, onvif.ErrReadOnly)
	assert.Equal(t, camsec.NotApplied, change.Outcome)
	_, _, err = c.UpgradeByUpload(t.Context(), strings.NewReader("x"), 1)
	require.ErrorIs(t, err, onvif.ErrReadOnly)
	_, err = c.Upload(t.Context(), onvif.UploadTarget{Path: "/x"}, strings.NewReader("x"), 1)
	require.ErrorIs(t, err, onvif.ErrReadOnly)
	_, err = c.RestoreSystem(t.Context(), onvif.NewBackupFile("x", []byte("x")))
	require.ErrorIs(t, err, onvif.ErrReadOnly)
	assert.Zero(t, d.Host().Requests())
}

func TestCancelled(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	cancel()
	_, err := c.DeviceInformation(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, d.Host().Requests())
}
