package isapitest_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/camsec/camsec/isapi/sadp"
)

// What needs a client that can speak the device's ciphers and orders of
// requests: the library's own drives the devices here, and what they then are
// is looked at from the outside.

func driven(t *testing.T, p isapitest.Profile, sessions bool) (*isapitest.Device, *isapi.Client) {
	t.Helper()
	d, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	c, err := isapi.New("http://camera.test", auth.Static(d.User(), camsec.NewSecret([]byte(d.Password()))), &isapi.Options{
		Base: d.Transport(), SessionLogin: sessions, Settle: -1,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return d, c
}

func word(s string) camsec.Secret { return camsec.NewSecret([]byte(s)) }

// A new device takes a password in the exchange that it knows, once.
func TestDevicesAreActivated(t *testing.T) {
	t.Parallel()
	for _, version := range []int{0, 3} {
		p := isapitest.CurrentCamera()
		p.NotActivated, p.ActivateVersion, p.Password = true, version, ""
		d, c := driven(t, p, false)
		_, err := c.DeviceInfo(t.Context())
		require.Error(t, err, "nobody has a password yet")
		change, err := c.Activate(t.Context(), word("First-Word-42"))
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, change.Outcome)
		assert.Equal(t, "First-Word-42", d.Password())
		_, err = c.Activate(t.Context(), word("Second-Word-42"))
		require.Error(t, err)
		assert.Equal(t, "First-Word-42", d.Password())
	}
}

// Sessions are counted, run out, and end.
func TestDevicesKeepSessions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1", "2", "2.1"} {
		p := isapitest.CurrentCamera()
		p.Sessions, p.SessionTags = version, version == "2"
		d, c := driven(t, p, true)
		for range 2 {
			_, err := c.DeviceInfo(t.Context())
			require.NoError(t, err, version)
		}
		assert.Equal(t, 1, d.Sessions())
		require.NoError(t, c.SessionHeartbeat(t.Context()))
		d.ExpireSessions()
		assert.Zero(t, d.Sessions())
		_, err := c.DeviceInfo(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, d.Sessions())
		assert.Equal(t, 2, d.Host().Logins())
		require.NoError(t, c.SessionLogout(t.Context()))
		assert.Zero(t, d.Sessions())
	}
}

// A configuration comes back only under the key that it was taken with.
func TestDevicesTakeTheirConfigurationBack(t *testing.T) {
	t.Parallel()
	for _, post := range []bool{false, true} {
		p := isapitest.CurrentCamera()
		p.ImportByPost = post
		d, c := driven(t, p, false)
		before := d.Service("ssh")
		file, err := c.ExportConfiguration(t.Context(), word("Key-1"))
		require.NoError(t, err)
		assert.False(t, bytes.Contains(file, []byte("deviceName")), "nobody reads it without the key")
		_, err = c.SetSSH(t.Context(), !before)
		require.NoError(t, err)
		require.Equal(t, !before, d.Service("ssh"))
		_, err = c.ImportConfiguration(t.Context(), word("Key-2"), file)
		require.ErrorContains(t, err, "importCfgFilePasswordErr")
		assert.Equal(t, !before, d.Service("ssh"))
		_, err = c.ImportConfiguration(t.Context(), word("Key-1"), file)
		require.ErrorIs(t, err, isapi.ErrUnproven, "the device says done, and no more")
		assert.Equal(t, before, d.Service("ssh"))
	}
}

// An image for the model is run after a restart, another one is refused.
func TestDevicesTakeImages(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		model      string
		post, runs bool
	}{{"DS-2CD2T47G2-TEST", false, true}, {"DS-2CD2T47G2-TEST", true, true}, {"DS-OTHER", false, false}, {"DS-OTHER", true, false}} {
		synctest.Test(t, func(t *testing.T) {
			model, runs := tc.model, tc.runs
			p := isapitest.CurrentCamera()
			p.UploadByPost = tc.post
			d, c := driven(t, p, false)
			b := isapitest.FirmwareImage(model, "V5.8.0", "250101", 300)
			image := isapi.Image{Data: bytes.NewReader(b), Size: int64(len(b)), Firmware: camsec.Firmware{Version: "V5.8.0", Build: "250101"}}
			change, err := c.UpdateFirmware(t.Context(), image, nil)
			info, ierr := c.DeviceInfo(t.Context())
			require.NoError(t, ierr)
			assert.Equal(t, runs, err == nil, "%v", err)
			assert.Equal(t, runs, info.FirmwareVersion == "V5.8.0")
			if runs {
				assert.Equal(t, camsec.Applied, change.Outcome)
				assert.Equal(t, 1, d.Restarts())
			} else {
				assert.Equal(t, camsec.NotApplied, change.Outcome)
				assert.Zero(t, d.Restarts())
			}
			_ = c.Close()
			_ = d.Close()
			time.Sleep(time.Second) // on the bubble's clock: connections end
		})
	}
}

// A device makes a key, and takes a certificate for that one alone.
func TestDevicesTakeCertificates(t *testing.T) {
	t.Parallel()
	d, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true, TLS: true})
	require.NoError(t, err)
	defer d.Close()
	c, err := isapi.New("https://camera.test", auth.Static(d.User(), word(d.Password())), &isapi.Options{
		DialContext: d.Host().DialContext, Trust: trust.InsecureAny(), Settle: -1,
	})
	require.NoError(t, err)
	defer c.Close()
	first, err := d.Host().Certificate()
	require.NoError(t, err)
	_, err = c.CertificateRequest(t.Context())
	require.Error(t, err, "none was made")
	_, err = c.CreateCertificateRequest(t.Context(), []byte("<CertificateReq/>"))
	require.NoError(t, err)
	request, err := c.CertificateRequest(t.Context())
	require.NoError(t, err)
	parsed, err := x509.ParseCertificateRequest(request)
	require.NoError(t, err)
	require.NoError(t, parsed.CheckSignature())

	_, err = c.ImportCertificate(t.Context(), first.Raw)
	require.ErrorContains(t, err, "certificateNotmatch", "another key's")
	_, err = c.ImportCertificate(t.Context(), []byte("none"))
	require.ErrorContains(t, err, "certificateFormatIllegal")
	now, err := d.Host().Certificate()
	require.NoError(t, err)
	assert.True(t, now.Equal(first))

	change, err := c.CreateSelfSignedCertificate(t.Context(), []byte("<SelfSignCert/>"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
}

// A recorder logs in to the camera behind a channel with what it holds, and
// says what came of it.
func TestRecordersLogInToTheirCameras(t *testing.T) {
	t.Parallel()
	recorder, c := driven(t, isapitest.Recorder(), false)
	camera, _ := driven(t, isapitest.CurrentCamera(), false)
	recorder.Attach(1, camera, "192.0.2.99", false)
	state := func() isapi.ChannelStatus {
		all, err := c.ChannelStatus(t.Context())
		require.NoError(t, err)
		at := slices.IndexFunc(all, func(s isapi.ChannelStatus) bool { return s.ID == "1" })
		require.GreaterOrEqual(t, at, 0)
		return all[at]
	}
	assert.Equal(t, http.StatusOK, recorder.Dial(1))
	assert.Equal(t, camsec.StateOn, state().Online)
	assert.Equal(t, "connect", state().Detect)
	assert.Zero(t, recorder.Dial(2), "nothing is attached there")

	camera.Host().SetUser(camera.User(), "Changed-Word-42")
	assert.Equal(t, http.StatusUnauthorized, recorder.Dial(1))
	assert.Equal(t, camsec.StateOff, state().Online)
	assert.Equal(t, "errorUserNameOrPasswd", state().Detect)
	assert.Equal(t, 1, camera.Host().FailedLogins())
}

// Accounts come and go, the device's own and those for ONVIF.
func TestDevicesKeepAccounts(t *testing.T) {
	t.Parallel()
	d, c := driven(t, isapitest.CurrentCamera(), false)
	_, err := c.CreateUser(t.Context(), isapi.NewUser{Name: "patrol", Level: "Viewer", Password: word("Patrol-Word-1")})
	require.NoError(t, err)
	assert.Contains(t, d.State()["user patrol"], "Patrol-Word-1")
	for name, user := range map[string]isapi.NewUser{
		"a level that there is none of": {Name: "other", Level: "Emperor", Password: word("Other-Word-1")},
		"a weak password":               {Name: "other", Level: "Viewer", Password: word("short")},
		"a second administrator":        {Name: "other", Level: "Administrator", Password: word("Other-Word-1")},
	} {
		_, err = c.CreateUser(t.Context(), user)
		require.Error(t, err, name)
		assert.NotContains(t, d.State(), "user other", name)
	}
	_, err = c.DeleteUser(t.Context(), "patrol")
	require.NoError(t, err)
	assert.NotContains(t, d.State(), "user patrol")
	_, err = c.CreateONVIFUser(t.Context(), isapi.NewUser{Name: "vms", Level: "mediaUser", Password: word("Media-Word-1")})
	require.ErrorIs(t, err, isapi.ErrUnproven)
	assert.Equal(t, "Media-Word-1", d.Secret("/ISAPI/Security/ONVIF/users/1 password"))
	_, err = c.SetClock(t.Context(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	_, err = c.SetAdvanced(t.Context(), isapi.Advanced{IdleLogout: camsec.StateOff})
	require.NoError(t, err)
}

// Recorded documents are served as they are, and nothing beside them.
func TestReplayOfDocuments(t *testing.T) {
	t.Parallel()
	d, err := isapitest.Replay(map[string][]byte{"GET /ISAPI/System/deviceInfo": []byte("<DeviceInfo><model>M</model></DeviceInfo>")}, &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	defer d.Close()
	c, err := isapi.New("http://camera.test", auth.Static(d.User(), word(d.Password())), &isapi.Options{Base: d.Transport()})
	require.NoError(t, err)
	defer c.Close()
	info, err := c.DeviceInfo(t.Context())
	require.NoError(t, err)
	assert.Equal(t, isapi.DeviceInfo{Model: "M"}, info)
	_, err = c.Time(t.Context())
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// An inquiry is answered, noted, and nothing else is; a device that is not to
// be found says nothing.
func TestDevicesAnswerDiscovery(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		d, _ := driven(t, isapitest.CurrentCamera(), false)
		d.SetService("discovery", on)
		conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() { served <- d.ServeSADP(conn) }()
		found := 0
		for dev, err := range sadp.Discover(t.Context(), &sadp.Options{
			Interfaces: []net.Interface{{Name: "a"}}, Repeats: 1, Wait: 100 * time.Millisecond,
			Listen: func(net.Interface) (net.PacketConn, net.Addr, error) {
				own, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp4", "127.0.0.1:0")
				return own, conn.LocalAddr(), err
			},
		}) {
			require.NoError(t, err)
			assert.Equal(t, "DS-2CD2T47G2-TEST", dev.Model)
			found++
		}
		assert.Equal(t, on, found == 1)
		require.NoError(t, conn.Close())
		require.NoError(t, <-served)
		for _, m := range d.SADPMessages() {
			assert.Equal(t, "inquiry", m)
		}
	}
}
