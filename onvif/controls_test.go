package onvif_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
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

// The built-in controls that ONVIF can answer are answered.
func TestCatalogueOverONVIF(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	snap, err := camsec.Collect(t.Context(), client(t, d, nil).Device(), &camsec.CollectOptions{Protocol: "onvif"})
	require.NoError(t, err)
	got := map[string]camsec.Result{}
	for _, r := range camsec.Judge(snap, camsec.Controls(), time.Now()).Results {
		got[r.Control] = r
	}
	for id, want := range map[string]camsec.Status{
		"AUT-01": camsec.Pass, "AUT-04": camsec.Pass, "AUT-02": camsec.Pass, "TLS-01": camsec.Pass, "TLS-03": camsec.Pass, "SVC-09": camsec.Pass, "LOG-02": camsec.Pass,
		"SVC-01": camsec.StatusUnknown, "SVC-02": camsec.StatusUnknown, "SVC-03": camsec.StatusUnknown, "SVC-04": camsec.StatusUnknown, "ACC-12": camsec.StatusUnknown,
	} {
		assert.Equal(t, want, got[id].Status, "%s: %s", id, got[id].Reason)
	}
}
