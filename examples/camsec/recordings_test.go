package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

// A recording is what a real device answered.
type recording struct {
	docs map[string][]byte // "GET /ISAPI/…"
	fail map[string]int    // HTTP status of what it refused
}

// recordings is the folder of recorded ISAPI answers.
func recordings(t *testing.T) string {
	root := os.Getenv("CAMSEC_RECORDINGS")
	if root == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set: the recorded answers are not here")
	}
	return filepath.Join(root, "isapi")
}

// add takes the files that a pattern finds. A file is named for its path, with
// dots for slashes; what follows two underscores tells whose it is.
func (r *recording) add(t *testing.T, pattern string) {
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files, pattern)
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		name, _, _ := strings.Cut(filepath.Base(f), "__")
		ext := filepath.Ext(f)
		key := "GET /ISAPI/" + strings.ReplaceAll(strings.TrimSuffix(name, ext), ".", "/")
		switch {
		case strings.Contains(f, "_put"): // what a client sent
		case ext == ".status":
			status, err := strconv.Atoi(strings.TrimSpace(string(b)))
			require.NoError(t, err)
			r.fail[key] = status
		case ext == ".xml":
			r.docs[key] = b
		}
	}
}

// one takes a file whose name does not tell the path.
func (r *recording) one(t *testing.T, key, file string) {
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	r.docs[key] = b
}

// serve is a simulated device that knows no more than was recorded.
func (r *recording) serve(t *testing.T) *isapitest.Device {
	dev, err := isapitest.Replay(r.docs, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = dev.Close() })
	for key, status := range r.fail {
		dev.Fail(key, status, "")
	}
	return dev
}

const (
	deviceInfo = "GET /ISAPI/System/deviceInfo"
	inputProxy = "GET /ISAPI/ContentMgmt/InputProxy/channels"
)

// An expectation is what must come of a recorded device.
type expectation struct {
	model, version, build string
	channels              int // that name a firmware
	silent                int // channels that name none
	load                  func(t *testing.T, r *recording, root string)
}

// fromFolder loads one of the devices that were recorded most completely.
func fromFolder(t *testing.T, r *recording, root, name string) {
	r.add(t, filepath.Join(root, "hikvision_next", name, "*"))
}

// fromFiles loads a device recorded in the files that patterns name.
func fromFiles(patterns ...string) func(*testing.T, *recording, string) {
	return func(t *testing.T, r *recording, root string) {
		for _, p := range patterns {
			r.add(t, filepath.Join(root, p))
		}
	}
}

// named loads single files as documents.
func named(files map[string]string) func(*testing.T, *recording, string) {
	return func(t *testing.T, r *recording, root string) {
		for key, f := range files {
			r.one(t, key, filepath.Join(root, f))
		}
	}
}

func recordedDevices() map[string]expectation {
	return map[string]expectation{
		"DS-2CD2146G2-ISU": {model: "DS-2CD2146G2-ISU", version: "V5.7.17", build: "240606"},
		"DS-2CD2346G2-ISU": {model: "DS-2CD2346G2-ISU/SL", version: "V5.7.18", build: "240826"},
		"DS-2CD2386G2-IU":  {model: "DS-2CD2386G2-IU", version: "V5.7.15", build: "240201"},
		"DS-2CD2443G0-IW":  {model: "DS-2CD2443G0-IW", version: "V5.6.5", build: "200316"},
		"DS-2CD2T46G2-ISU": {model: "DS-2CD2T46G2-ISU/SL", version: "V5.7.18", build: "240826"},
		"DS-7616NI-K2":     {model: "DS-7616NI-K2", version: "V4.74.210", build: "240108", channels: 6},
		"DS-7616NI-Q2":     {model: "DS-7616NI-Q2/16P", version: "V4.30.097", build: "240401", silent: 9},
		"DS-7732NI-M4":     {model: "DS-7732NI-M4", version: "V5.03.020", build: "240904", channels: 18},
		"iDS-7204HUHI-M1":  {model: "iDS-7204HUHI-M1/E", version: "V4.75.011", build: "240625"},

		"DS-2DE3A20IW":          {model: "DS-2DE3A20IW-D/GLT/XM", version: "V5.7.30", build: "260326", load: named(map[string]string{deviceInfo: "kou147258/10_18_176_12__DS-2DE3A20IW__deviceInfo.xml"})},
		"DS-FCN8027-VIK":        {model: "DS-FCN8027-VIK", version: "V5.6.1", build: "190809", load: named(map[string]string{deviceInfo: "kou147258/10_18_176_13__DS-FCN8027-VIK__deviceInfo.xml"})},
		"DS-2CD3T67FWDAP2V2-LS": {model: "DS-2CD3T67FWDAP2V2-LS", version: "V5.7.20", build: "260320", load: named(map[string]string{deviceInfo: "kou147258/10_18_176_53__DS-2CD3T67FWDAP2V2-LS__deviceInfo.xml"})},
		"DS-8632N-I8": {model: "DS-8632N-I8", version: "V4.61.030", build: "240123", channels: 13, load: named(map[string]string{
			deviceInfo: "kou147258/10_18_176_64__DS-8632N-I8__deviceInfo.xml",
			inputProxy: "kou147258/10_18_176_64__DS-8632N-I8__InputProxy_channels.xml",
		})},
		"DS-KV9503-WBE1": {model: "DS-KV9503-WBE1", version: "V2.3.13", build: "240814", load: fromFiles("bodies/System.*__KV9503.xml")},

		// Recorded in parts, without deviceInfo: nothing is known of what they
		// are, and still nothing passes that is not there.
		"DS-K1A340FWX":   {load: fromFiles("ds-k1a340fwx-docs/*.xml", "bodies/System.*__K1A340FWX.xml", "bodies/System.Network.ssh__K1A340FWX_get.xml", "bodies/Event.notification.httpHosts.1__K1A340FWX.xml")},
		"DVRtool I4, M8": {load: fromFiles("bodies/*__DVRtool*.xml")},
		"DS-C66S":        {load: fromFiles("bodies/Security.userCheck__C66S_200.xml")},
		"OEM std-cgi":    {load: fromFiles("bodies/Security.users__OEM_stdcgi.xml")},
		"users v1.0":     {load: fromFiles("bodies/Security.users__legacy_v1.xml")},
		"DS-2SC3Q140MY":  {load: fromFiles("bodies/Security.capabilities__2SC3Q140MY_fragment.xml")},
		"HiLook DVR":     {load: fromFiles("bodies/System.Network.EZVIZ__HiLook_DVR_excerpt.xml")},
		"DS-7608NI-I2":   {load: fromFiles("bodies/Event.notification.httpHosts__7608NI-I2_issue67.xml")},
		"hiksink camera": {load: named(map[string]string{"GET /ISAPI/Event/triggers": "hiksink/triggers_cam.xml"})},
		"hiksink NVR":    {load: named(map[string]string{"GET /ISAPI/Event/triggers": "hiksink/triggers_nvr.xml"})},
		"DS-2CD2387G3": {load: named(map[string]string{
			"GET /ISAPI/System/onlineUpgrade/capabilities": "misc/onlineUpgrade_capabilities.xml",
			"GET /ISAPI/System/onlineUpgrade/status":       "misc/onlineUpgrade_status.xml",
		})},
	}
}

// element finds an element's text as a person would, not as the client does.
func element(doc []byte, name string) string {
	m := regexp.MustCompile(`<` + name + `>\s*([^<]*?)\s*</` + name + `>`).FindSubmatch(doc)
	if m == nil {
		return ""
	}
	return string(m[1])
}

func TestRecordedDevices(t *testing.T) {
	root := recordings(t)
	for name, want := range recordedDevices() {
		t.Run(name, func(t *testing.T) {
			r := &recording{docs: map[string][]byte{}, fail: map[string]int{}}
			if want.load == nil {
				fromFolder(t, r, root, name)
			} else {
				want.load(t, r, root)
			}
			cam := r.serve(t)
			login := []string{"-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", t.TempDir(), "-json"}
			code, out, errs := camsecRun(t, append([]string{"inventory", cam.Addr()}, login...)...)
			dev := parse(t, out)["devices"].([]any)[0].(map[string]any)
			if want.model == "" {
				assert.Equal(t, exitUnknown, code, errs)
				assert.Equal(t, "not-offered", dev["error"].(map[string]any)["code"])
				for _, field := range []string{"model", "serial", "mac", "firmware", "type", "channels"} {
					assert.Nil(t, dev[field], field)
				}
			} else {
				require.Zero(t, code, errs)
				want.check(t, r, dev)
			}

			code, out, errs = camsecRun(t, append([]string{"audit", cam.Addr()}, login...)...)
			assert.Contains(t, []int{exitFindings, exitUnknown}, code, errs)
			dev = parse(t, out)["devices"].([]any)[0].(map[string]any)
			r.nothingPassesUnseen(t, dev["results"].([]any))
			assert.Zero(t, cam.Host().FailedLogins())
		})
	}
}

func (want expectation) check(t *testing.T, r *recording, dev map[string]any) {
	info := r.docs[deviceInfo]
	assert.Equal(t, want.model, dev["model"])
	assert.Equal(t, element(info, "serialNumber"), dev["serial"])
	assert.Equal(t, element(info, "macAddress"), dev["mac"])
	assert.Equal(t, element(info, "deviceType"), dev["type"])
	fw := dev["firmware"].(map[string]any)
	assert.Equal(t, want.version, fw["version"])
	assert.Equal(t, want.build, fw["build"])
	channels, _ := dev["channels"].([]any)
	require.Len(t, channels, want.channels+want.silent)
	recorded := regexp.MustCompile(`(?s)<InputProxyChannel\b.*?</InputProxyChannel>`).FindAll(r.docs[inputProxy], -1)
	require.Len(t, recorded, len(channels))
	silent := 0
	for i, c := range channels {
		ch := c.(map[string]any)
		assert.Equal(t, element(recorded[i], "id"), ch["id"])
		assert.Equal(t, dev["serial"], ch["via"])
		for field, name := range map[string]string{"model": "model", "serial": "serialNumber", "address": "ipAddress"} {
			if told := element(recorded[i], name); told != "" {
				assert.Equal(t, told, ch[field])
			} else {
				assert.Nil(t, ch[field], "what is not told is unknown")
			}
		}
		raw := element(recorded[i], "firmwareVersion")
		if raw == "" {
			silent++
			assert.Nil(t, ch["firmware"], "empty firmware is unknown")
			continue
		}
		assert.Equal(t, raw, ch["firmware"].(map[string]any)["raw"])
	}
	assert.Equal(t, want.silent, silent)
}

// nothingPassesUnseen holds every pass to documents that the device answered.
// What is judged by the inventory alone may name no document, or none but the
// inventory.
func (r *recording) nothingPassesUnseen(t *testing.T, results []any) {
	require.NotEmpty(t, results)
	for _, v := range results {
		res := v.(map[string]any)
		if res["status"] != "pass" && res["status"] != "notApplicable" {
			continue
		}
		if res["control"] == "SVC-21" {
			continue // that deviceInfo asks for a login is seen, not recorded
		}
		sources := res["evidence"].([]any)
		if len(sources) == 0 {
			sources = []any{map[string]any{"operation": "inventory"}}
		}
		for _, s := range sources {
			op, _ := s.(map[string]any)["operation"].(string)
			path, _, _ := strings.Cut(op, "?")
			if path == "inventory" {
				path = deviceInfo
			}
			_, held := r.docs[path]
			assert.True(t, held, fmt.Sprint(path, ": ", res["control"], " ", res["status"], ": ", res["reason"]))
		}
	}
}
