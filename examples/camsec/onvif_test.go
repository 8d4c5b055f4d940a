package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/camsec/camsec/onvif/onviftest"
)

func firstDevice(t *testing.T, out string) (map[string]any, int) {
	t.Helper()
	var doc struct{ Devices []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(out), &doc), out)
	require.NotEmpty(t, doc.Devices)
	return doc.Devices[0], len(doc.Devices)
}

// Devices that speak ONVIF alone are found to, by no more than three requests
// without a credential, and read.
func TestONVIFDevicesAreDetected(t *testing.T) {
	for _, p := range onviftest.Profiles() {
		t.Run(p.Manufacturer, func(t *testing.T) {
			cam := onviftest.New(t, p)
			args := []string{cam.Addr(), "-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", t.TempDir(), "-json"}
			code, out, errs := camsecRun(t, append([]string{"inventory"}, args...)...)
			require.Equal(t, exitOK, code, errs)
			d, n := firstDevice(t, out)
			assert.Equal(t, 1, n)
			assert.Equal(t, p.Model, d["model"])
			assert.Equal(t, p.Serial, d["serial"])
			protocols := d["protocols"].([]any)
			require.Len(t, protocols, 1)
			assert.Equal(t, "onvif", protocols[0].(map[string]any)["protocol"])
			assert.Equal(t, "onvif", protocols[0].(map[string]any)["accountStore"])
			before := 0
			for _, e := range cam.Host().Log() {
				if e.Scheme != "" || strings.Contains(e.URI, "onvif") {
					break
				}
				before++
			}
			assert.LessOrEqual(t, before, 2, "then one over ONVIF")
			assert.Zero(t, cam.Host().FailedLogins()+cam.FailedTokens())

			code, out, errs = camsecRun(t, append([]string{"audit"}, args...)...)
			require.Contains(t, []int{exitOK, exitFindings}, code, errs)
			d, _ = firstDevice(t, out)
			for _, r := range d["results"].([]any) {
				r := r.(map[string]any)
				if r["control"] == "SVC-02" {
					assert.Equal(t, "unknown", r["status"])
					assert.Contains(t, r["reason"], "not readable over this protocol")
				}
			}
		})
	}
}

// both is one device that speaks both protocols, with accounts of its own and
// of ONVIF's apart.
func both(t *testing.T, onvifPassword, onvifSerial string) (*onviftest.Device, *isapitest.Device) {
	t.Helper()
	ip := isapitest.CurrentCamera()
	inner, err := isapitest.Start(ip, &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = inner.Close() })
	op := onviftest.Hikvision()
	op.Serial, op.MAC, op.Password = ip.Serial, ip.MAC, onvifPassword
	if onvifSerial != "" {
		op.Serial, op.MAC = onvifSerial, "02:00:5e:00:99:99"
	}
	cam, err := onviftest.Start(op, &onviftest.Options{
		Other: inner, OtherUsers: map[string]string{inner.User(): inner.Password()},
		OtherPublic: func(r *http.Request) bool { return r.URL.Path == "/SDK/activateStatus" },
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = cam.Close() })
	return cam, inner
}

func TestOneDeviceOverBothProtocols(t *testing.T) {
	cam, inner := both(t, isapitest.CurrentCamera().Password, "")
	args := []string{cam.Addr(), "-user", "admin", "-password-file", passwordFile(t, inner.Password()), "-state", t.TempDir(), "-json"}
	code, out, errs := camsecRun(t, append([]string{"inventory"}, args...)...)
	require.Equal(t, exitOK, code, errs)
	d, n := firstDevice(t, out)
	assert.Equal(t, 1, n)
	protocols := d["protocols"].([]any)
	require.Len(t, protocols, 2)
	assert.Equal(t, "device", protocols[0].(map[string]any)["accountStore"])
	assert.Equal(t, "onvif", protocols[1].(map[string]any)["accountStore"])
	assert.Zero(t, cam.Host().FailedLogins())

	save := t.TempDir() + "/snap"
	code, out, errs = camsecRun(t, append([]string{"audit", "-save", save}, args...)...)
	require.Contains(t, []int{exitOK, exitFindings}, code, errs)
	d, _ = firstDevice(t, out)
	assert.Len(t, d["protocols"].([]any), 2)
	snaps, err := loadSnapshots([]string{save})
	require.NoError(t, err)
	stores := map[camsec.Store]int{}
	for _, u := range snaps[0].snap.Users {
		stores[u.Account.Store]++
	}
	assert.Equal(t, map[camsec.Store]int{camsec.StoreDevice: 1, camsec.StoreONVIF: 2}, stores)
	assert.Equal(t, camsec.StateOff, snaps[0].snap.Setting("service.ssh").State, "from ISAPI")
	assert.True(t, snaps[0].snap.Setting("x-onvif.discovery").Known(), "from ONVIF")
}

// The accounts of ONVIF have another password: one try there, and what was read
// over the other protocol stands.
func TestBothProtocolsWithOneLogin(t *testing.T) {
	cam, inner := both(t, "another-one", "")
	state := t.TempDir()
	for range 3 {
		code, out, errs := camsecRun(t, "inventory", cam.Addr(), "-user", "admin", "-password-file", passwordFile(t, inner.Password()), "-state", state, "-json")
		require.Equal(t, exitOK, code, errs)
		d, n := firstDevice(t, out)
		assert.Equal(t, 1, n)
		assert.Len(t, d["protocols"].([]any), 1)
	}
	assert.Equal(t, 1, cam.Host().FailedLogins()+cam.FailedTokens(), "not again in the next run, either")
}

// Another serial and another MAC are another device, whatever the address.
func TestProtocolsOfTwoDevicesAreNotMerged(t *testing.T) {
	cam, inner := both(t, isapitest.CurrentCamera().Password, "SOMETHING-ELSE")
	code, out, errs := camsecRun(t, "inventory", cam.Addr(), "-user", "admin", "-password-file", passwordFile(t, inner.Password()), "-state", t.TempDir(), "-json")
	require.Equal(t, exitOK, code, errs)
	d, _ := firstDevice(t, out)
	assert.Len(t, d["protocols"].([]any), 1)
	assert.Equal(t, isapitest.CurrentCamera().Serial, d["serial"])
	assert.Contains(t, errs, "another device")
}

func TestPlaceholdersDoNotMerge(t *testing.T) {
	for _, id := range []string{"", "123456", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"} {
		assert.False(t, sameID(id, id))
	}
	assert.True(t, sameID("02:00:5E:00:53:01", "02-00-5e-00-53-01"))
}

// A device whose protocol is given is not asked what it speaks: an inventory is
// the challenge and its answer, and nothing is sent over the other protocol.
func TestGivenProtocolCostsNoRequest(t *testing.T) {
	list := func(t *testing.T, address, protocol string) string {
		file := filepath.Join(t.TempDir(), "list.csv")
		require.NoError(t, os.WriteFile(file, []byte("address,protocol\n"+address+","+protocol+"\n"), 0o600))
		return file
	}
	for name, c := range map[string]struct {
		args     func(t *testing.T, address string) []string
		requests int
		over     []string
	}{
		"in the row": {func(t *testing.T, a string) []string { return []string{"-inventory", list(t, a, "isapi")} }, 2, []string{"isapi"}},
		"by flag":    {func(_ *testing.T, a string) []string { return []string{a, "-protocol", "isapi"} }, 2, []string{"isapi"}},
		"by flag, row is silent": {func(t *testing.T, a string) []string {
			return []string{"-inventory", list(t, a, ""), "-protocol", "ISAPI"}
		}, 2, []string{"isapi"}},
		"the row has the word": {func(t *testing.T, a string) []string {
			return []string{"-inventory", list(t, a, "isapi"), "-protocol", "onvif"}
		}, 2, []string{"isapi"}},
		"the other, by flag": {func(_ *testing.T, a string) []string { return []string{a, "-protocol", "onvif"} }, 0, []string{"onvif"}},
		"asked, as the row says": {func(t *testing.T, a string) []string {
			return []string{"-inventory", list(t, a, "auto"), "-protocol", "onvif"}
		}, 0, []string{"isapi", "onvif"}},
		"asked, as nothing is said": {func(_ *testing.T, a string) []string { return []string{a} }, 0, []string{"isapi", "onvif"}},
	} {
		t.Run(name, func(t *testing.T) {
			cam, inner := both(t, isapitest.CurrentCamera().Password, "")
			args := append(c.args(t, cam.Addr()), "-json", "-user", "admin", "-password-file", passwordFile(t, inner.Password()), "-state", t.TempDir())
			code, out, errs := camsecRun(t, append([]string{"inventory"}, args...)...)
			require.Equal(t, exitOK, code, errs)
			d, _ := firstDevice(t, out)
			var over []string
			for _, p := range d["protocols"].([]any) {
				over = append(over, p.(map[string]any)["protocol"].(string))
			}
			assert.Equal(t, c.over, over)
			if c.requests > 0 {
				assert.Equal(t, c.requests, cam.Host().Requests())
			}
		})
	}
	code, _, errs := camsecRun(t, "inventory", "192.0.2.1", "-protocol", "vapix", "-state", t.TempDir())
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "there are isapi, onvif, auto")
}
