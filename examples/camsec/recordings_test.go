package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

// recorded serves what a real device answered, from the recordings.
func recorded(t *testing.T, name string) *isapitest.Device {
	t.Helper()
	root := os.Getenv("CAMSEC_RECORDINGS")
	if root == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set: the recorded answers are not here")
	}
	files, err := filepath.Glob(filepath.Join(root, "isapi", "hikvision_next", name, "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	docs := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		base := strings.TrimSuffix(filepath.Base(f), ".xml")
		docs["GET /ISAPI/"+strings.ReplaceAll(base, ".", "/")] = b
	}
	dev, err := isapitest.Replay(docs, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = dev.Close() })
	return dev
}

func TestRecordedDevices(t *testing.T) {
	for _, c := range []struct {
		dir, model, version, build string
		channels                   int
	}{
		{"DS-2CD2146G2-ISU", "DS-2CD2146G2-ISU", "V5.7.17", "240606", 0},
		{"DS-2CD2346G2-ISU", "DS-2CD2346G2-ISU/SL", "V5.7.18", "240826", 0},
		{"DS-2CD2386G2-IU", "DS-2CD2386G2-IU", "V5.7.15", "240201", 0},
		{"DS-2CD2443G0-IW", "DS-2CD2443G0-IW", "V5.6.5", "200316", 0},
		{"DS-2CD2T46G2-ISU", "DS-2CD2T46G2-ISU/SL", "V5.7.18", "240826", 0},
		{"DS-7616NI-K2", "DS-7616NI-K2", "V4.74.210", "240108", 6},
		{"DS-7616NI-Q2", "DS-7616NI-Q2/16P", "V4.30.097", "240401", 9},
		{"DS-7732NI-M4", "DS-7732NI-M4", "V5.03.020", "240904", 18},
		{"iDS-7204HUHI-M1", "iDS-7204HUHI-M1/E", "V4.75.011", "240625", 0},
	} {
		t.Run(c.dir, func(t *testing.T) {
			cam := recorded(t, c.dir)
			login := []string{"-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", t.TempDir(), "-json"}
			code, out, errs := camsecRun(t, append([]string{"inventory", cam.Addr()}, login...)...)
			require.Zero(t, code, errs)
			dev := parse(t, out)["devices"].([]any)[0].(map[string]any)
			assert.Equal(t, c.model, dev["model"])
			fw := dev["firmware"].(map[string]any)
			assert.Equal(t, c.version, fw["version"])
			assert.Equal(t, c.build, fw["build"])
			channels, _ := dev["channels"].([]any)
			require.Len(t, channels, c.channels)
			if c.dir == "DS-7616NI-Q2" {
				for _, ch := range channels {
					assert.Nil(t, ch.(map[string]any)["firmware"], "empty firmware is unknown")
				}
			}

			code, out, errs = camsecRun(t, append([]string{"audit", cam.Addr()}, login...)...)
			assert.Contains(t, []int{exitFindings, exitUnknown}, code, errs)
			dev = parse(t, out)["devices"].([]any)[0].(map[string]any)
			for _, r := range dev["results"].([]any) {
				m := r.(map[string]any)
				switch m["control"] {
				case "SVC-01", "SVC-02": // no recording holds an answer about SSH or telnet
					assert.NotEqual(t, "pass", m["status"], m["control"])
				}
			}
			assert.Zero(t, cam.Host().FailedLogins())
		})
	}
}
