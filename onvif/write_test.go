package onvif_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

func isOpen(t *testing.T, address string) bool {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// A switch turns one protocol over and leaves the others, on devices that
// replace the list by what is sent, too; the port opens and closes.
func TestSwitchProtocol(t *testing.T) {
	for _, replaces := range []bool{false, true} {
		p := onviftest.Axis()
		p.Faults.ReplacesList = replaces
		d := onviftest.New(t, p)
		c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
		require.NoError(t, err)
		defer c.Close()
		require.True(t, isOpen(t, d.PortOf("RTSP")))
		change, err := c.SwitchProtocol(t.Context(), "RTSP", false)
		require.NoError(t, err)
		assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "read back"}, change)
		assert.Eventually(t, func() bool { return !isOpen(t, d.PortOf("RTSP")) }, 5*time.Second, time.Millisecond)
		want := p.Protocols
		want[2].Enabled = false
		assert.Equal(t, want, d.Protocols(), "with the port 0 that Axis lists")

		change, err = c.SwitchProtocol(t.Context(), "rtsp", true)
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, change.Outcome)
		assert.Eventually(t, func() bool { return isOpen(t, d.PortOf("RTSP")) }, 5*time.Second, time.Millisecond)
		n := d.Requests("SetNetworkProtocols")
		change, err = c.SwitchProtocol(t.Context(), "RTSP", true)
		require.NoError(t, err)
		assert.Equal(t, "unchanged: was so already", change.Proof)
		assert.Equal(t, n, d.Requests("SetNetworkProtocols"))
	}
}

// The branch that we sit on is not sawn off without a word.
func TestCutOff(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	for name, f := range map[string]func() (camsec.Change, error){
		"switch": func() (camsec.Change, error) { return c.SwitchProtocol(t.Context(), "HTTP", false) },
		"setting": func() (camsec.Change, error) {
			return c.Device().SetSetting(t.Context(), "service.http", camsec.ValueOf(false))
		},
		"hard reset":  func() (camsec.Change, error) { return c.SetFactoryDefault(t.Context(), onvif.HardReset) },
		"own account": func() (camsec.Change, error) { return c.DeleteUsers(t.Context(), "guard", d.User()) },
		"certificates of clients": func() (camsec.Change, error) {
			return c.SetClientCertificateMode(t.Context(), true)
		},
		"left out": func() (camsec.Change, error) {
			list, err := c.NetworkProtocols(t.Context())
			require.NoError(t, err)
			return c.SetNetworkProtocols(t.Context(), list[1:])
		},
	} {
		change, err := f()
		require.ErrorIs(t, err, onvif.ErrCutOff, name)
		assert.Equal(t, camsec.NotApplied, change.Outcome, name)
	}
	assert.Empty(t, d.Writes())
	change, err := c.SwitchProtocol(t.Context(), "HTTP", false, onvif.AllowCutOff)
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
}

func TestWhatONVIFCannotSwitch(t *testing.T) {
	c := client(t, start(t, onviftest.Current(), nil), nil)
	for _, name := range []string{"Telnet", "SSH", "UPnP"} {
		_, err := c.SwitchProtocol(t.Context(), name, false)
		require.ErrorIs(t, err, errors.ErrUnsupported)
	}
	for _, id := range []string{"service.ssh", "service.telnet", "service.upnp", "login.lockout"} {
		change, err := c.Device().SetSetting(t.Context(), id, camsec.ValueOf(false))
		require.ErrorIs(t, err, errors.ErrUnsupported)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
	}
	_, err := c.Device().SetSetting(t.Context(), "service.http", camsec.ValueOf("off"))
	require.Error(t, err)
}

func TestSilentWritesAreFoundOut(t *testing.T) {
	p := onviftest.Current()
	p.Faults.SilentWrites = true
	d := start(t, p, &onviftest.Options{InProcess: true, TLS: true})
	c := client(t, d, nil)
	for _, o := range onvif.Operations() {
		if !o.Writes || o.Access == onvif.Unrecoverable || o.Service != onvif.DeviceService {
			continue
		}
		if o.Name == "SetHashingAlgorithms" || o.Name == "RemoveIPAddressFilter" || o.Name == "CreateCertificate" {
			continue // see below; adds first; answers with more than success
		}
		require.ErrorIs(t, calls[o.Name](t.Context(), c), onvif.ErrNotVerified, o.Name)
	}
	change, err := c.SetHashingAlgorithms(t.Context(), "SHA-256")
	require.ErrorIs(t, err, onvif.ErrNotVerified)
	assert.Equal(t, camsec.NotApplied, change.Outcome)
	assert.Empty(t, d.Writes())
}

// SetUser of an unknown name makes the account on some devices; we look first.
func TestSetUserDoesNotCreate(t *testing.T) {
	p := onviftest.Current()
	p.Faults.SetUserCreates = true
	d := start(t, p, nil)
	c := client(t, d, nil)
	_, err := c.SetUser(t.Context(), onvif.NewUser{User: onvif.User{Name: "nobody", Level: onvif.LevelUser}, Password: secret("Abcdefgh-12")})
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.Device().SetPassword(t.Context(), camsec.Account{Name: "nobody"}, secret("Abcdefgh-12"))
	require.ErrorIs(t, err, camsec.ErrNotFound)
	assert.Len(t, d.Users(), 3)
}

// An empty password would clear the account's; it is never sent.
func TestEmptyPasswordIsNotSent(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	_, err := client(t, d, nil).SetUser(t.Context(), onvif.NewUser{User: onvif.User{Name: "guard", Level: onvif.LevelOperator}})
	require.ErrorIs(t, err, camsec.ErrWeakPassword)
	assert.Zero(t, d.Requests("SetUser"))
}

func TestLevelThatIsLostIsTold(t *testing.T) {
	p := onviftest.Current()
	p.Faults.ForgetsLevel = true
	d := start(t, p, nil)
	change, err := client(t, d, nil).Device().SetPassword(t.Context(), camsec.Account{Name: "guard"}, secret("Night-Watch-55"))
	require.ErrorIs(t, err, camsec.ErrUncertain)
	assert.Equal(t, camsec.OutcomeUnknown, change.Outcome)
}

func TestPolicyLockNeedsItsWord(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	lock := onvif.PasswordRules{MinLen: to(12), Locked: to(true)}
	for _, consent := range [][]onvif.Consent{nil, {onvif.AllowCutOff}} {
		_, err := c.SetPasswordComplexity(t.Context(), lock, consent...)
		require.ErrorIs(t, err, onvif.ErrConsent)
	}
	assert.Zero(t, d.Requests("SetPasswordComplexityConfiguration"))
	_, err := c.SetPasswordComplexity(t.Context(), lock, onvif.AllowPolicyLock)
	require.NoError(t, err)
	_, err = c.SetPasswordComplexity(t.Context(), onvif.PasswordRules{MinLen: to(1)})
	require.ErrorIs(t, err, camsec.ErrForbidden)
}

func TestAddressFilterAdmitsUs(t *testing.T) {
	d := onviftest.New(t, onviftest.Current())
	c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
	require.NoError(t, err)
	defer c.Close()
	prefix := netip.MustParsePrefix
	for _, f := range []onvif.IPAddressFilter{
		{Allow: true, Prefixes: []netip.Prefix{prefix("192.0.2.0/24")}},
		{Prefixes: []netip.Prefix{prefix("127.0.0.0/8")}},
	} {
		_, err = c.SetIPAddressFilter(t.Context(), f)
		require.ErrorIs(t, err, onvif.ErrCutOff)
	}
	_, err = c.AddIPAddressFilter(t.Context(), []netip.Prefix{prefix("127.0.0.1/32")})
	require.ErrorIs(t, err, onvif.ErrCutOff, "the list is one of those kept out")
	assert.Empty(t, d.Writes())
	change, err := c.SetIPAddressFilter(t.Context(), onvif.IPAddressFilter{Allow: true, Prefixes: []netip.Prefix{prefix("127.0.0.0/8"), prefix("2001:db8::/32")}})
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	_, err = c.RemoveIPAddressFilter(t.Context(), []netip.Prefix{prefix("127.0.0.0/8")})
	require.ErrorIs(t, err, onvif.ErrCutOff)
	_, err = c.RemoveIPAddressFilter(t.Context(), []netip.Prefix{prefix("2001:db8::/32")})
	require.NoError(t, err)
}

func TestUploadThatIsRefused(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Current(), onviftest.Sunba()} {
		d := start(t, p, nil)
		c := client(t, d, nil)
		_, change, err := c.UpgradeByUpload(t.Context(), bytes.NewReader([]byte("junk")), 4)
		f, ok := errors.AsType[*onvif.Fault](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, http.StatusUnsupportedMediaType, f.HTTPStatus)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.Empty(t, d.Images())
		image := bytes.Repeat(onviftest.ImageFor("V3"), 1000)
		u, change, err := c.UpgradeByUpload(t.Context(), bytes.NewReader(image), int64(len(image)))
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, change.Outcome)
		assert.Equal(t, 90*time.Second, u.DownTime)
		assert.Equal(t, int64(len(image)), d.Images()[0].Size)
		assert.Zero(t, failures(d))
	}
}

func TestKeyDoesNotGoOverPlainHTTP(t *testing.T) {
	d := start(t, onviftest.Axis(), nil)
	_, err := client(t, d, nil).LoadCertificateWithPrivateKey(t.Context(), onvif.Certificate{ID: "x", DER: []byte{0x30, 0}}, secret("key"))
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	assert.Zero(t, d.Host().Requests())
}

func TestLogsAsTextAndAsFile(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Current(), onviftest.Sunba()} {
		l, err := client(t, start(t, p, nil), nil).SystemLog(t.Context(), onvif.LogAccess)
		require.NoError(t, err)
		assert.Equal(t, "Access log", l.Text+string(l.File))
	}
	files, err := client(t, start(t, onviftest.Hikvision(), nil), nil).SystemBackup(t.Context())
	require.NoError(t, err)
	require.Len(t, files, 1)
	assert.Equal(t, "a backup", string(files[0].Data()))
	assert.NotContains(t, files[0].String(), "a backup")
}

func TestErrorsOfTheDevice(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	list, err := c.NetworkProtocols(t.Context())
	require.NoError(t, err)
	list[2].Ports = []int{22}
	_, err = c.SetNetworkProtocols(t.Context(), list)
	require.ErrorIs(t, err, onvif.ErrPortInUse)
	_, err = c.CreateUsers(t.Context(), onvif.NewUser{User: onvif.User{Name: "guard", Level: onvif.LevelUser}, Password: secret("Abcdefgh-12")})
	require.ErrorIs(t, err, onvif.ErrUserExists)
	_, err = c.DeleteUsers(t.Context(), "nobody")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.DeleteUserRole(t.Context(), "nothing")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	for i := range 20 {
		_, err = c.CreateUsers(t.Context(), onvif.NewUser{User: onvif.User{Name: string(rune('a' + i)), Level: onvif.LevelUser}, Password: secret("Abcdefgh-12")})
		if err != nil {
			break
		}
	}
	require.ErrorIs(t, err, onvif.ErrFull)
}
