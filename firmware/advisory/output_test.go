package advisory_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

func matched(address string, inv camsec.Inventory) advisory.Matched {
	return advisory.Matched{
		Target: camsec.Target{Address: address}, Inventory: inv,
		Findings: advisory.Embedded().Match(inv),
	}
}

func TestWriteCSV(t *testing.T) {
	recorder := hik("DS-7732NXI-I4", "V5.10.0", "260101", "")
	recorder.Channels = []camsec.Channel{{
		ID: "4", Protocol: "HIKVISION", Model: "=HYPERLINK(\"x\")\x1b[31m\u202e", Serial: "S4",
		Firmware: camsec.Firmware{Raw: "V5.5.80 build 200101"},
	}}
	var b strings.Builder
	require.NoError(t, advisory.WriteCSV(&b, []advisory.Matched{
		matched("10.0.0.1", hik("DS-2CD2032F-I", "V5.2.5", "141201", "")),
		matched("10.0.0.2", recorder),
		matched("10.0.0.3", other("Some OEM", "CAM-1", "1.0")),
	}))
	lines, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	require.NoError(t, err)
	column := map[string]int{}
	for i, h := range lines[0] {
		column[h] = i
	}
	at := func(line []string, name string) string { return line[column[name]] }
	first := lines[1]
	assert.Equal(t, "CVE-2017-7921", at(first, "vulnerability"))
	assert.Equal(t, "affected", at(first, "status"))
	assert.Equal(t, "true", at(first, "known_exploited"))
	assert.Equal(t, "V5.2.5 141201", at(first, "firmware"))
	seen := false
	for _, l := range lines {
		if at(l, "channel") == "4" {
			seen = true
			assert.Equal(t, `'=HYPERLINK("x")[31m`, at(l, "model"))
			assert.Equal(t, "S4", at(l, "serial"))
			assert.Equal(t, "V5.5.80 build 200101", at(l, "firmware"))
		}
	}
	assert.True(t, seen)
	last := lines[len(lines)-1]
	assert.Equal(t, "10.0.0.3", at(last, "address"))
	assert.Empty(t, at(last, "status"), "nothing known is no status")

	assert.ErrorIs(t, advisory.WriteCSV(brokenWriter{}, nil), errBroken)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteOpenVEX(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	cam := hik("DS-2CD2032F-I", "V5.2.5", "141201", "")
	devices := []advisory.Matched{
		matched("10.0.0.1", cam),
		matched("10.0.0.2", cam), // the same product once more
		matched("10.0.0.3", hik("DS-2CD2143G2-I", "V5.7.18", "240826", "B-R-G5-0")),
		matched("10.0.0.4", hik("DS-2CD2143G2-I", "V5.5.800", "", "")),
		matched("10.0.0.5", hik("", "", "", "")), // no product
	}
	var b strings.Builder
	require.NoError(t, advisory.WriteOpenVEX(&b, devices, advisory.VEXOptions{Author: "Example Security", Time: now}))
	var doc struct {
		Context    string `json:"@context"`
		ID         string `json:"@id"`
		Author     string
		Timestamp  time.Time
		Version    int
		Statements []struct {
			Vulnerability struct{ Name string }
			Products      []struct {
				ID string `json:"@id"`
			}
			Status string
			Notes  string `json:"status_notes"`
			Impact string `json:"impact_statement"`
			Action string `json:"action_statement"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(b.String()), &doc))
	assert.Equal(t, "https://openvex.dev/ns/v0.2.0", doc.Context)
	assert.True(t, strings.HasPrefix(doc.ID, "https://"))
	assert.Equal(t, 1, doc.Version)
	assert.True(t, now.Equal(doc.Timestamp))
	assert.NotContains(t, b.String(), "10.0.0.", "no device is named")

	got := map[string]string{}
	for _, s := range doc.Statements {
		require.NotEmpty(t, s.Products)
		switch s.Status {
		case "affected":
			assert.NotEmpty(t, s.Action, "affected needs an action")
		case "not_affected":
			assert.NotEmpty(t, s.Impact, "not_affected needs a justification or an impact statement")
		case "under_investigation":
			assert.NotEmpty(t, s.Notes)
		default:
			t.Errorf("status %q", s.Status)
		}
		for _, p := range s.Products {
			got[s.Vulnerability.Name+" "+p.ID] += s.Status
		}
	}
	assert.Equal(t, "affected", got["CVE-2017-7921 pkg:generic/hikvision/DS-2CD2032F-I@V5.2.5?build=141201"])
	assert.Equal(t, "not_affected", got["CVE-2021-36260 pkg:generic/hikvision/DS-2CD2143G2-I@V5.7.18?build=240826&platform=B-R-G5-0"])
	assert.Equal(t, "under_investigation", got["CVE-2021-36260 pkg:generic/hikvision/DS-2CD2143G2-I@V5.5.800"])

	var again strings.Builder
	require.NoError(t, advisory.WriteOpenVEX(&again, devices, advisory.VEXOptions{Author: "Example Security", Time: now}))
	assert.Equal(t, b.String(), again.String())

	var none strings.Builder
	require.Error(t, advisory.WriteOpenVEX(&none, devices, advisory.VEXOptions{Time: now}))
	require.Error(t, advisory.WriteOpenVEX(&none, devices, advisory.VEXOptions{Author: "x"}))
	assert.Empty(t, none.String())
	err := advisory.WriteOpenVEX(brokenWriter{}, devices, advisory.VEXOptions{Author: "x", Time: now, ID: "https://example.com/1"})
	assert.True(t, errors.Is(err, errBroken))
}
