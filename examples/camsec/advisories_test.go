package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
)

// An advisory that came out after the release changes the verdict on a
// snapshot of long ago, without a packet.
func TestAuditByAFolderOfAdvisories(t *testing.T) {
	dir := t.TempDir()
	saved := filepath.Join(dir, "saved.json")
	require.NoError(t, saveSnapshots(saved, []*camsec.Snapshot{{
		Target: camsec.Target{Address: "192.0.2.7"}, TakenAt: time.Now(),
		Inventory: camsec.Inventory{Vendor: "Hikvision", Model: "DS-2CD9011", Firmware: camsec.Firmware{Version: "V5.9.0", Build: "260101"}},
	}}))
	firmwareResult := func(args ...string) (status, reason string) {
		_, out, errs := camsecRun(t, append([]string{"audit", "-json", "-from", saved}, args...)...)
		var doc struct {
			Devices []struct {
				Results []struct{ Control, Status, Reason string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(out), &doc), errs)
		require.Len(t, doc.Devices, 1)
		for _, r := range doc.Devices[0].Results {
			if r.Control == "FW-01" {
				return r.Status, r.Reason
			}
		}
		return "", ""
	}
	status, _ := firmwareResult()
	assert.Equal(t, "pass", status)

	folder := filepath.Join(dir, "advisories")
	require.NoError(t, os.Mkdir(folder, 0o700))
	file := filepath.Join(folder, "CVE-2030-0001.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2030-0001","state":"PUBLISHED","datePublished":"2030-01-01T00:00:00Z"},
		"containers":{"cna":{"affected":[{"vendor":"Hikvision","product":"DS-2CD90x1","versions":[{"version":"0","status":"affected","lessThan":"V5.9.1"}]}]}}}`), 0o600))
	status, reason := firmwareResult("-advisories", folder)
	assert.Equal(t, "fail", status)
	assert.Contains(t, reason, "CVE-2030-0001")

	require.NoError(t, os.WriteFile(file, []byte(`{"dataType":`), 0o600))
	code, out, errs := camsecRun(t, "audit", "-json", "-from", saved, "-advisories", folder)
	assert.Equal(t, exitUsage, code, "a gap must not read as safety")
	assert.Empty(t, out)
	assert.Contains(t, errs, "CVE-2030-0001.json")
}
