package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/firmware/advisory"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/camsec/camsec/onvif/onviftest"
)

// captured runs the command on a device and reads what it wrote.
func captured(t *testing.T, d *isapitest.Device, flags ...string) (*isapitest.Capture, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.zip")
	code, out, errs := camsecRun(t, append([]string{
		"capture", d.Addr(), "-o", name, "-user", d.User(), "-password-file", passwordFile(t, d.Password()), "-state", t.TempDir(),
	}, flags...)...)
	require.Zero(t, code, errs)
	assert.Contains(t, out, "answers")
	c, err := readCapture(name)
	require.NoError(t, err)
	return c, name
}

// snapshotOf is what the SDK learns of a device, by a clock that stands.
func snapshotOf(t *testing.T, d *isapitest.Device, now func() time.Time) *camsec.Snapshot {
	t.Helper()
	client, err := isapi.New(d.Addr(), auth.Static(d.User(), camsec.NewSecret([]byte(d.Password()))), &isapi.Options{Now: now, ReadOnly: true})
	require.NoError(t, err)
	defer client.Close()
	s, err := camsec.Collect(t.Context(), client.Device(), &camsec.CollectOptions{Now: now})
	require.NoError(t, err)
	return s
}

func profileNamed(t *testing.T, kind string) isapitest.Profile {
	t.Helper()
	at := slices.IndexFunc(isapitest.Profiles(), func(p isapitest.Profile) bool { return p.Kind == kind })
	require.GreaterOrEqual(t, at, 0)
	return isapitest.Profiles()[at]
}

// A capture of every kind of device plays to the snapshot and the verdicts of
// the device itself. With identifiers kept they are the same to the letter;
// without, all that is no identifier is the same, and what belonged together
// still does.
func TestCapturesReplay(t *testing.T) {
	day := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return day }
	judge := func(s *camsec.Snapshot) map[string]camsec.Status {
		out := map[string]camsec.Status{}
		for _, r := range judging(advisory.Embedded(), day)(visit{snap: s, target: &target{}}).Results {
			out[r.Control] = r.Status
		}
		return out
	}
	for _, p := range isapitest.Profiles() {
		if p.NotActivated {
			continue // it answers nothing
		}
		t.Run(p.Kind, func(t *testing.T) {
			d, err := isapitest.Start(p, &isapitest.Options{Now: now})
			require.NoError(t, err)
			defer d.Close()
			want := snapshotOf(t, d, now)
			before := d.State()
			for _, keep := range []bool{true, false} {
				var flags []string
				if keep {
					flags = append(flags, "-keep-identifiers")
				}
				c, _ := captured(t, d, flags...)
				assert.Equal(t, !keep, c.Redacted)
				assert.Equal(t, "admin", c.User)
				c.TakenAt = day // the device's clock is not the command's
				again, err := c.Start(&isapitest.Options{Now: now})
				require.NoError(t, err)
				have := snapshotOf(t, again, now)
				assert.Zero(t, again.Host().FailedLogins())
				require.NoError(t, again.Close())
				if keep {
					assert.Equal(t, want, have)
				} else {
					holdSameButForNames(t, want, have)
				}
				assert.Equal(t, judge(want), judge(have))
			}
			assert.Equal(t, before, d.State())
			assert.Empty(t, d.Writes())
			assert.Zero(t, d.Host().FailedLogins())
			for _, entry := range d.Host().Log() {
				assert.True(t, isRead(entry.Method, entry.URI), "%s %s is no read", entry.Method, entry.URI)
			}
		})
	}
}

// isRead asks the table by which a read-only client refuses.
func isRead(method, uri string) bool {
	return slices.ContainsFunc(isapi.Operations(), func(o isapi.Operation) bool {
		return !o.Writes && o.Method == method && o.Path == uri
	})
}

// holdSameButForNames compares two snapshots of one device, the second of which
// has other names in it.
func holdSameButForNames(t *testing.T, want, have *camsec.Snapshot) {
	t.Helper()
	a, b := want.Inventory, have.Inventory
	assert.Equal(t, [3]string{a.Vendor, a.Model, a.Type}, [3]string{b.Vendor, b.Model, b.Type})
	assert.Equal(t, a.Firmware, b.Firmware)
	assert.NotEqual(t, a.Serial, b.Serial)
	assert.NotEqual(t, a.MAC, b.MAC)
	assert.Equal(t, a.ChannelsErr, b.ChannelsErr)
	require.Len(t, b.Channels, len(a.Channels))
	words := map[string]string{} // what stands for what, over all channels
	same := func(x, y string) {
		assert.Equal(t, x == "", y == "")
		if w, ok := words[x]; ok {
			assert.Equal(t, w, y)
		}
		words[x] = y
	}
	for i := range a.Channels {
		x, y := a.Channels[i], b.Channels[i]
		for _, pair := range [][2]string{{x.Serial, y.Serial}, {x.Via, y.Via}, {x.Name, y.Name}, {x.Address, y.Address}, {x.Group, y.Group}, {x.User, y.User}} {
			same(pair[0], pair[1])
		}
		x.Serial, x.Via, x.Name, x.Address, x.Group, x.User = y.Serial, y.Via, y.Name, y.Address, y.Group, y.User
		assert.Equal(t, x, y)
	}
	require.Len(t, have.Users, len(want.Users))
	for i, u := range want.Users {
		same(u.Account.Name, have.Users[i].Account.Name)
		u.Account.Name = have.Users[i].Account.Name
		assert.Equal(t, u, have.Users[i])
	}
	distinct := map[string]bool{}
	for _, w := range words {
		distinct[w] = true
	}
	assert.Len(t, distinct, len(words), "two values have become one")
	require.Len(t, have.Settings, len(want.Settings))
	for i, s := range want.Settings {
		h := have.Settings[i]
		if s.Value.Kind() == "string" && s.ID != "tls.min" || s.Value.Kind() == "strings" && strings.Contains(s.ID, "gateway") ||
			strings.HasPrefix(s.ID, "network.") {
			assert.Equal(t, s.Value.Kind(), h.Value.Kind(), s.ID)
			continue
		}
		assert.Equal(t, s, h)
	}
	assert.Equal(t, want.LoginState, have.LoginState)
	assert.Equal(t, want.Errors, have.Errors)
}

// Nothing that opens anything is in a capture, whatever is kept, and nothing
// that names a site is in one that is redacted.
func TestCapturesHoldNoSecret(t *testing.T) {
	const (
		serial, mac = "DS-TEST-20240101AAWRE77665544", "44:19:b6:aa:bb:cc"
		hush        = "Hush-Hush-1"
	)
	p := profileNamed(t, "current-camera")
	p.Serial, p.MAC, p.Name, p.Password = serial, mac, "Bank vault 3", hush+"-login"
	p.MoreUsers = []isapitest.User{{ID: 2, Name: "kim.lee", Level: "Operator", Password: hush + "-kim"}}
	p.Documents = map[string]string{
		"GET /ISAPI/System/Network/EZVIZ": `<EZVIZ><!-- ` + hush + ` --><enabled>true</enabled><serverAddress><hostName>vault.bank.test</hostName></serverAddress>` +
			`<verificationCode>` + hush + `</verificationCode><note password="` + hush + `">` + hush + `-login for ` + serial + ` at vault.bank.test, kim@bank.test, 10.77.1.9, 4419b6aabbcc</note></EZVIZ>`,
		"GET /ISAPI/System/Network/SNMP":                  `<SNMP><SNMPv2c><enabled>true</enabled><readCommunity>` + hush + `</readCommunity><writeCommunity><![CDATA[` + hush + `]]></writeCommunity></SNMPv2c></SNMP>`,
		"GET /ISAPI/System/Network/interfaces/2/wireless": `<Wireless><ssid>BankStaff</ssid><WirelessSecurity><WPA><sharedKey>` + hush + `</sharedKey></WPA></WirelessSecurity></Wireless>`,
		"GET /ISAPI/Security/advanced":                    `{"SecurityAdvanced":{"noOperationEnabled":true,"secretKey":"` + hush + `","pin":{"pinCode":4711,"deviceName":"Bank vault 3"}}}`,
		"GET /ISAPI/System/Network/ftp": `<FTPNotificationList><FTPNotification><id>1</id><enabled>true</enabled><ipAddress>10.77.1.8</ipAddress>` +
			`<userName>kim.lee</userName><password>` + hush + `</password></FTPNotification></FTPNotificationList>`,
		"GET /ISAPI/System/Network/DDNS": "PASSWORD=" + hush,
		"GET /ISAPI/System/Network/UPnP": "<html><script>var key='" + hush + "'</script></html>",
		"GET /ISAPI/System/Network/SIP":  "<SIPServerList><blob>" + strings.Repeat("aB3x", 12) + "</blob></SIPServerList>",
		"GET /ISAPI/System/capabilities": "<DeviceCap><blob>" + strings.Repeat("aB3x", 12) + "</blob><proxy>10.77.1.9</proxy></DeviceCap>",
	}
	d := isapitest.New(t, p)
	for _, keep := range []bool{false, true} {
		flags := []string{}
		if keep {
			flags = append(flags, "-keep-identifiers")
		}
		c, name := captured(t, d, flags...)
		all := unpacked(t, name)
		for _, secret := range []string{hush, "4711", strings.Repeat("aB3x", 12)} {
			assert.NotContains(t, all, secret)
		}
		for _, id := range []string{serial, mac, "4419b6aabbcc", "Bank", "kim", "bank.test", "10.77"} {
			assert.Equal(t, keep, strings.Contains(all, id), id)
		}
		info, err := os.Stat(name)
		require.NoError(t, err)
		if filesNote == "" {
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
		byPath := map[string]isapitest.CaptureAnswer{}
		for _, a := range c.Answers {
			byPath[a.Path] = a
		}
		assert.NotEmpty(t, byPath["/ISAPI/System/Network/DDNS"].LeftOut)
		if !keep {
			note := string(byPath["/ISAPI/System/Network/EZVIZ"].Body)
			for _, part := range []string{"removed for serial-1 at host-1.example", "02005e100001"} {
				assert.Contains(t, note, part)
			}
			assert.Contains(t, string(byPath["/ISAPI/System/Network/ftp"].Body), "<ipAddress>198.18.", "of the same network as in the note")
		}
	}
}

// unpacked is all that a zip archive holds, and the names in it.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	z, err := zip.OpenReader(name)
	require.NoError(t, err)
	defer z.Close()
	var b strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		var body bytes.Buffer
		_, err = body.ReadFrom(r)
		require.NoError(t, err)
		b.WriteString(f.Name + "\n")
		b.Write(body.Bytes())
	}
	return b.String()
}

// Every read of the client is captured, or it is said here why not.
func TestCapturesAreWhole(t *testing.T) {
	notCaptured := map[string]string{
		"ExportConfiguration": "it is full of secrets",
		"CertificateRequest":  "it is of a key that is to come",
		"SetLoginLinkNum":     "writes alone read it",
		"SetMACFilter":        "writes alone read it",
		"SetUserPermission":   "writes alone read it",
	}
	d := isapitest.New(t, isapitest.CurrentCamera())
	c, _ := captured(t, d)
	for _, o := range isapi.Operations() {
		if o.Writes || o.Endless || o.Method != http.MethodGet || strings.Contains(o.Path, "{id}") || notCaptured[o.Name] != "" {
			continue
		}
		assert.True(t, slices.ContainsFunc(c.Answers, func(a isapitest.CaptureAnswer) bool { return a.Path == o.Path }), "%s is not captured (%s): it belongs into moreReads, or above", o.Name, o.Path)
	}
}

// Whatever a device sends, a capture of it is small and ends.
func TestCapturesOfHostileDevices(t *testing.T) {
	d := isapitest.New(t, isapitest.CurrentCamera())
	big := bytes.Repeat([]byte("<a>"), 3<<20)
	d.Host().Script(
		authtest.Fault{On: "GET /ISAPI/System/Network/ssh", AfterLogin: true, Endless: 1 << 40},
		authtest.Fault{On: "GET /ISAPI/System/capabilities", AfterLogin: true, Body: big},
		authtest.Fault{On: "GET /ISAPI/System/Network/EZVIZ", AfterLogin: true, Body: []byte("<EZVIZ><enabled>tr"), Cut: 9},
		authtest.Fault{On: "GET /ISAPI/System/Network/UPnP", AfterLogin: true, Drop: true},
		authtest.Fault{On: "GET /ISAPI/System/Network/ftp", AfterLogin: true, Status: http.StatusFound, Header: http.Header{"Location": {"http://192.0.2.1/"}}},
		authtest.Fault{On: "GET /ISAPI/System/Network/DDNS", AfterLogin: true, Body: []byte("\x1b[2J<DDNSList>")},
		authtest.Fault{On: "GET /ISAPI/System/Network/Ehome", AfterLogin: true, Body: bytes.Repeat([]byte{0xff}, 1000)},
		authtest.Fault{On: "GET /ISAPI/System/Network/SIP/1/SIPInfo", AfterLogin: true, Body: []byte("<" + strings.Repeat("a ", 100_000))},
		authtest.Fault{On: "GET /ISAPI/Security/advanced", AfterLogin: true, Body: bytes.Repeat([]byte("{\"a\":["), 100_000)},
	)
	c, name := captured(t, d)
	info, err := os.Stat(name)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(1<<20))
	left := map[string]string{}
	for _, a := range c.Answers {
		left[a.Path] = a.LeftOut
	}
	for _, path := range []string{
		"/ISAPI/System/Network/ssh", "/ISAPI/System/capabilities", "/ISAPI/System/Network/EZVIZ", "/ISAPI/System/Network/UPnP",
		"/ISAPI/System/Network/DDNS", "/ISAPI/System/Network/Ehome", "/ISAPI/Security/advanced?format=json",
	} {
		assert.NotEmpty(t, left[path], path)
	}
	again, err := c.Start(&isapitest.Options{InProcess: true})
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

// Nothing is written when a device cannot be read, and a file that was there
// stays.
func TestCapturesOfNothing(t *testing.T) {
	d := isapitest.New(t, isapitest.CurrentCamera())
	name := filepath.Join(t.TempDir(), "x.zip")
	require.NoError(t, os.WriteFile(name, []byte("mine"), 0o600))
	for want, args := range map[string][]string{
		"refused": {d.Addr(), "-user", "admin", "-password-file", passwordFile(t, "wrong-12")},
		"one":     {d.Addr(), "http://127.0.0.1:1"},
	} {
		code, out, errs := camsecRun(t, append([]string{"capture", "-o", name, "-state", t.TempDir(), "-timeout", "5s"}, args...)...)
		assert.NotZero(t, code, want)
		assert.Empty(t, out)
		assert.NotEmpty(t, errs)
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, "mine", string(b))
	}
	other, err := onviftest.Start(onviftest.Axis(), nil)
	require.NoError(t, err)
	defer other.Close()
	code, _, errs := camsecRun(t, "capture", other.Addr(), "-o", name, "-state", t.TempDir(), "-user", "root", "-password-file", passwordFile(t, "wrong-12"))
	assert.Equal(t, exitUnknown, code)
	assert.Contains(t, errs, "whether it speaks ISAPI")
	assert.Zero(t, other.Host().FailedLogins(), "no login is lost on it")
	code, _, _ = camsecRun(t, "capture", other.Addr(), "-o", name, "-state", t.TempDir(), "-user", "root", "-password-file", passwordFile(t, "wrong-12"), "-protocol", "isapi")
	assert.Equal(t, exitUnknown, code)
	assert.Equal(t, 1, other.Host().FailedLogins(), "as it was told")
	code, _, errs = camsecRun(t, "capture", d.Addr())
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "-o")
}

// What was captured can be served and visited like the device itself.
func TestSimServesCaptures(t *testing.T) {
	d := isapitest.New(t, profileNamed(t, "nxi-recorder"))
	_, name := captured(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines := make(lineWriter, 1)
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"sim", "-capture", name, "-json"}, nil, lines, &bytes.Buffer{}) }()
	var doc struct{ Devices []simDevice }
	require.NoError(t, json.Unmarshal(<-lines, &doc))
	require.Len(t, doc.Devices, 1)
	s := doc.Devices[0]
	assert.Equal(t, "capture", s.Profile)
	code, out, errs := camsecRun(t, "inventory", s.Address, "-user", s.User, "-password-file", passwordFile(t, s.Password), "-state", t.TempDir())
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "DS-7608NXI-TEST")
	assert.Contains(t, out, "V5.03.020")
	cancel()
	assert.Equal(t, exitInterrupted, <-done)

	bad := filepath.Join(t.TempDir(), "bad.zip")
	require.NoError(t, os.WriteFile(bad, []byte("PK\x03\x04 no"), 0o600))
	code, _, errs = camsecRun(t, "sim", "-capture", bad)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "not a capture")
}

// A lineWriter hands on what is written.
type lineWriter chan []byte

func (w lineWriter) Write(p []byte) (int, error) {
	w <- bytes.Clone(p)
	return len(p), nil
}
