package onvif_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

func judged(t *testing.T, p onviftest.Profile, change func(*camsec.Snapshot)) map[string]camsec.Verdict {
	t.Helper()
	d := start(t, p, nil)
	snap, err := camsec.Collect(t.Context(), client(t, d, nil).Device(), &camsec.CollectOptions{Protocol: "onvif"})
	require.NoError(t, err)
	if change != nil {
		change(snap)
	}
	out := map[string]camsec.Verdict{}
	for _, c := range onvif.Controls() {
		v := c.Judge(snap, time.Now())
		assert.NotEmpty(t, v.Reason, c.ID())
		out[c.ID()] = v
	}
	return out
}

func TestControls(t *testing.T) {
	good := judged(t, onviftest.Current(), nil)
	for id, want := range map[string]camsec.Status{
		"ONVIF-01": camsec.Pass, "ONVIF-02": camsec.NotApplicable, "ONVIF-03": camsec.Pass, "ONVIF-04": camsec.Pass, "ONVIF-05": camsec.Pass,
		"ONVIF-06": camsec.StatusUnknown,
	} {
		assert.Equal(t, want, good[id].Status, "%s: %s", id, good[id].Reason)
	}

	bad := onviftest.Sunba()
	bad.Scopes = append(bad.Scopes, "onvif://www.onvif.org/Profile/Q/FactoryDefault")
	bad.Faults.Opens = []string{"GetUsers"}
	got := judged(t, bad, func(s *camsec.Snapshot) {
		s.Users = append(s.Users, camsec.User{Account: camsec.Account{Store: camsec.StoreDevice, Name: "admin"}})
		for i := range s.Settings {
			if s.Settings[i].ID == onvif.SettingTLSVersions {
				s.Settings[i] = camsec.Setting{ID: onvif.SettingTLSVersions, Value: camsec.ValueOf([]string{"1.0", "1.2"})}
			}
		}
	})
	for _, c := range onvif.Controls() {
		assert.Equal(t, camsec.Fail, got[c.ID()].Status, "%s: %s", c.ID(), got[c.ID()].Reason)
	}
	assert.Contains(t, got["ONVIF-01"].Reason, "GetUsers")
	assert.Contains(t, got["ONVIF-06"].Reason, "guard")

	for _, c := range onvif.Controls() {
		assert.Equal(t, camsec.NotApplicable, c.Judge(&camsec.Snapshot{Protocol: "isapi"}, time.Now()).Status)
		assert.Equal(t, camsec.StatusUnknown, c.Judge(&camsec.Snapshot{}, time.Now()).Status, "nothing was read: %s", c.ID())
		assert.Equal(t, camsec.StatusUnknown, c.Judge(nil, time.Now()).Status)
	}
}

// The controls of the catalogue that name an ONVIF operation are answered by
// it; the others are unknown, and say why.
func TestCatalogueOverONVIF(t *testing.T) {
	p := onviftest.Current()
	p.Scopes = append(p.Scopes, "onvif://www.onvif.org/Profile/Q/Operational")
	d := start(t, p, &onviftest.Options{TLS: true})
	c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), &onvif.Options{Trust: trust.InsecureAny()})
	require.NoError(t, err)
	defer c.Close()
	for _, set := range []func() error{
		func() error {
			_, err := c.SetAuthFailureWarning(t.Context(), onvif.FailureWarning{Enabled: true, MonitorPeriod: 60, MaxFailures: 3})
			return err
		},
		func() error { return addDot1X(t.Context(), c, new(string)) },
		func() error {
			list, err := c.Dot1XConfigurations(t.Context())
			if err == nil {
				_, err = c.SetInterfaceDot1X(t.Context(), "eth0", list[0].ID, onvif.AllowCutOff)
			}
			return err
		},
	} {
		require.NoError(t, set())
	}
	snap, err := camsec.Collect(t.Context(), c.Device(), &camsec.CollectOptions{Protocol: "onvif"})
	require.NoError(t, err)
	site := &camsec.Baseline{
		Accounts: []string{"admin", "guard", "vms"}, ONVIFAccounts: []string{"admin", "guard", "vms"}, Consumers: []string{"guard"},
		Gateways: []string{"192.0.2.1"}, NameServers: []string{"192.0.2.53"},
	}
	got := map[string]camsec.Result{}
	for _, r := range camsec.Judge(snap, site.Apply(camsec.Controls()), time.Now()).Results {
		got[r.Control] = r
	}
	answered := map[string]camsec.Status{
		"ACC-01": camsec.Pass, "ACC-08": camsec.Pass, "ACC-09": camsec.Pass, "ACC-10": camsec.Pass,
		"AUT-01": camsec.Pass, "AUT-02": camsec.Pass, "AUT-04": camsec.Pass, "AUT-05": camsec.Fail,
		"TLS-01": camsec.Pass, "TLS-03": camsec.Pass, "TLS-05": camsec.Fail, "TLS-06": camsec.Pass, "TLS-07": camsec.Pass, "TLS-09": camsec.Fail,
		"SVC-09": camsec.Pass, "SVC-21": camsec.Pass, "NET-01": camsec.Fail, "NET-03": camsec.Pass, "NET-04": camsec.Pass,
		"LOG-01": camsec.Fail, "LOG-02": camsec.Pass, "INV-01": camsec.Pass, "INV-02": camsec.Pass,
	}
	for id, r := range got {
		want, ok := answered[id]
		if !ok {
			want = camsec.StatusUnknown
		}
		assert.Equal(t, want, r.Status, "%s: %s", id, r.Reason)
	}
	for id := range answered {
		assert.Contains(t, got, id)
	}
}
