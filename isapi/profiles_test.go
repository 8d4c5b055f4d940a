package isapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// What the contract asks of reads holds on every kind of device, at the cost of
// no failed login.
func TestCheckDevice(t *testing.T) {
	for _, p := range isapitest.Profiles() {
		t.Run(p.Kind, func(t *testing.T) {
			b := benchOver(t, "http", p, nil)
			err := camsec.CheckDevice(t.Context(), b.client.Device())
			if p.NotActivated {
				require.ErrorIs(t, err, camsec.ErrNotActivated)
			} else {
				require.NoError(t, err)
			}
			assert.Zero(t, b.Host().FailedLogins())
			assert.Empty(t, b.Writes())
		})
	}
}

// A device without a password refuses every setting by saying so, and takes no
// write; once it has one it is like any other.
func TestInactiveDevicesRefuse(t *testing.T) {
	b := benchOver(t, "http", isapitest.InactiveCamera(), nil)
	before := b.State()
	for _, id := range isapi.SettableSettings() {
		c, err := b.client.Device().SetSetting(t.Context(), id, someValue(id))
		require.ErrorIs(t, err, camsec.ErrNotActivated, id)
		assert.Equal(t, camsec.NotApplied, c.Outcome, id)
	}
	settings, err := b.client.Device().Settings(t.Context())
	require.ErrorIs(t, err, camsec.ErrNotActivated)
	for _, s := range settings {
		assert.False(t, s.Known(), s.ID)
	}
	holdState(t, before, b.State(), "refused")
	assert.Empty(t, b.Writes())

	c, err := b.client.Activate(t.Context(), first)
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, c.Outcome)
	again := b.another(t, nil)
	require.NoError(t, camsec.CheckDevice(t.Context(), again.Device()))
	b.SetUser(isapitest.User{ID: 7, Name: "spare", Level: "Operator", Password: "Old-Value-11"})
	require.NoError(t, camsec.CheckDeviceWrites(t.Context(), again.Device(), &camsec.CheckWritesOptions{
		Account: camsec.Account{Store: camsec.StoreDevice, Name: "spare"}, Password: secret(newPassword), Setting: "service.ssh",
	}))
	assert.Zero(t, b.Host().FailedLogins())
}

// Kinds of device differ where recordings of real ones do, and the client
// reads each as what it is.
func TestProfilesAreRead(t *testing.T) {
	type want struct {
		typ, vendor string
		channels    int // that it lists
		channelsErr camsec.Reason
		lockSeconds int64 // -1: unknown
		tls         string
		httpAuth    []string
		alarm       int    // methods of the illegal-login event; -1: unknown
		unknown     string // a setting that it does not tell
	}
	for kind, w := range map[string]want{
		"old-camera":      {typ: "IPCamera", lockSeconds: -1, alarm: 1, unknown: "tls.min"},
		"current-camera":  {typ: "IPCamera", vendor: "hikvision", lockSeconds: 1800, tls: "1.2", httpAuth: []string{"digest"}, alarm: 1, unknown: "service.telnet"},
		"v5.5-camera":     {typ: "IPCamera", lockSeconds: 1800, tls: "1.1", httpAuth: []string{"digest", "basic"}, alarm: 1, unknown: "service.srtp"},
		"thermal-camera":  {typ: "IPCamera", lockSeconds: 600, tls: "1.2", httpAuth: []string{"digest", "basic"}, alarm: 1, unknown: "service.sdk"},
		"recorder":        {typ: "NVR", channels: 9, lockSeconds: 1800, httpAuth: []string{"digest", "basic"}, alarm: 1, unknown: "tls.min"},
		"nxi-recorder":    {typ: "NVR", channels: 4, lockSeconds: 1800, tls: "1.2", httpAuth: []string{"digest"}, alarm: 1, unknown: "service.telnet"},
		"dvr":             {typ: "DVR", vendor: "hikvision", channelsErr: camsec.ReasonNotReadable, lockSeconds: 1800, httpAuth: []string{"digest", "basic"}, alarm: 1, unknown: "http.auth.algorithms"},
		"access-terminal": {typ: "ACS", channelsErr: camsec.ReasonNotOffered, lockSeconds: 1800, httpAuth: []string{"digest"}, alarm: -1, unknown: "tls.min"},
	} {
		t.Run(kind, func(t *testing.T) {
			b := benchOver(t, "http", profileOf(t, kind), nil)
			s, err := camsec.Collect(t.Context(), b.client.Device(), nil)
			require.NoError(t, err)
			assert.Equal(t, w.typ, s.Inventory.Type)
			assert.Equal(t, w.vendor, s.Inventory.Vendor)
			assert.Len(t, s.Inventory.Channels, w.channels)
			if w.channelsErr == "" {
				assert.Nil(t, s.Inventory.ChannelsErr)
			} else {
				require.NotNil(t, s.Inventory.ChannelsErr)
				assert.Equal(t, w.channelsErr, s.Inventory.ChannelsErr.Code)
			}
			if lock := s.Setting("login.lockout.seconds"); w.lockSeconds < 0 {
				assert.False(t, lock.Known())
			} else {
				assert.Equal(t, w.lockSeconds, lock.Value.Int())
			}
			if w.tls != "" {
				assert.Equal(t, w.tls, s.Setting("tls.min").Value.Text())
			}
			if w.httpAuth != nil {
				assert.ElementsMatch(t, w.httpAuth, s.Setting("http.auth").Value.Strings())
			}
			if alarm := s.Setting("login.alarm"); w.alarm < 0 {
				assert.False(t, alarm.Known())
			} else {
				assert.Len(t, alarm.Value.Strings(), w.alarm)
			}
			assert.False(t, s.Setting(w.unknown).Known(), "%s is told", w.unknown)
			assert.Zero(t, b.Host().FailedLogins())
		})
	}
}

func profileOf(t *testing.T, kind string) isapitest.Profile {
	t.Helper()
	for _, p := range isapitest.Profiles() {
		if p.Kind == kind {
			return p
		}
	}
	t.Fatalf("no profile %s", kind)
	return isapitest.Profile{}
}

// The README's table of simulated devices is written from what they serve.
func TestProfileTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| `-profile` | stands for | documents that follow recorded answers | documented only |\n|---|---|---|---|\n")
	for _, p := range isapitest.Profiles() {
		n := map[isapitest.Evidence]int{}
		for key := range benchOver(t, "http", p, nil).State() {
			if path, isRead := strings.CutPrefix(key, "GET "); isRead {
				n[isapitest.EvidenceOf(path)]++
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d | %d |\n", p.Kind, p.About, n[isapitest.Recorded], n[isapitest.Documented])
	}
	inREADME(t, "profiles: isapi", b.String())
}
