package isapi_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// Three simulated sites, whose reports are kept in testdata: a
// shop with one good camera, a yard that nobody looked after, and an office
// behind a recorder. CAMSEC_UPDATE=1 writes them anew.
var sites = map[string][]isapitest.Profile{
	"shop":   {isapitest.CurrentCamera(), kept()},
	"yard":   {isapitest.OldCamera(), neglected()},
	"office": {isapitest.Recorder(), isapitest.CurrentCamera(), isapitest.OldCamera()},
}

// The sites were visited on a day of their own.
var siteDay = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func visitSite(t *testing.T, site string) []*camsec.Snapshot {
	t.Helper()
	now := func() time.Time { return siteDay }
	var out []*camsec.Snapshot
	for i, p := range sites[site] {
		dev, err := isapitest.Start(p, &isapitest.Options{InProcess: true, Now: now})
		require.NoError(t, err)
		target := camsec.Target{Scope: site, ID: fmt.Sprintf("device-%d", i+1), Address: fmt.Sprintf("192.0.2.%d", i+1)}
		c, err := isapi.New("http://camera.test", auth.Static(dev.User(), camsec.NewSecret([]byte(dev.Password()))),
			&isapi.Options{Target: target, Base: dev.Transport(), Now: now, ReadOnly: true})
		require.NoError(t, err)
		s, err := camsec.Collect(t.Context(), c.Device(), &camsec.CollectOptions{Target: target, Protocol: "isapi", Trust: c.Trust(), Now: now})
		require.NoError(t, err)
		out = append(out, s)
		require.NoError(t, c.Close())
		require.NoError(t, dev.Close())
	}
	return append(out, &camsec.Snapshot{
		Target:  camsec.Target{Scope: site, ID: "away", Address: "192.0.2.250"},
		TakenAt: siteDay, Errors: map[string]*camsec.Problem{"inventory": {Code: camsec.ReasonUnreachable, Message: "no route to host", Retryable: true}},
	})
}

func judgeSite(t *testing.T, snapshots []*camsec.Snapshot) camsec.Reports {
	t.Helper()
	b := &camsec.Baseline{Accounts: []string{"admin"}, Waivers: []camsec.Waiver{
		{Control: "SVC-11", Owner: "Site owner", Reason: "found again by SADP until the new switch is in", Until: siteDay.AddDate(0, 6, 0)},
	}}
	controls := b.Apply(camsec.Controls())
	var out camsec.Reports
	for _, s := range snapshots {
		out = append(out, camsec.Judge(s, controls, siteDay))
	}
	return out
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("CAMSEC_UPDATE") == "1" {
		require.NoError(t, os.MkdirAll("testdata", 0o755)) //nolint:gosec // a public folder
		require.NoError(t, os.WriteFile(file, got, 0o644)) //nolint:gosec // a public file
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run this test with CAMSEC_UPDATE=1 if the change is meant")
}

func TestSites(t *testing.T) {
	for site := range sites {
		t.Run(site, func(t *testing.T) {
			snapshots := visitSite(t, site)
			var report bytes.Buffer
			reports := judgeSite(t, snapshots)
			opts := &camsec.ReportOptions{Customer: "Northwind", Site: site, Ticket: "T-1"}
			require.NoError(t, reports.WriteJSON(&report, opts))
			golden(t, site+".report.json", report.Bytes())
		})
	}
}

// What was saved before still loads and judges: snapshots outlive versions.
// The files of a version, v1 and so on, are never written anew.
func TestSavedSnapshotsStillJudge(t *testing.T) {
	files, err := filepath.Glob("testdata/v*.snapshots.jsonl")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var snapshots []*camsec.Snapshot
		for line := range bytes.Lines(raw) {
			s, err := camsec.ReadSnapshot(bytes.NewReader(line))
			require.NoError(t, err, file)
			snapshots = append(snapshots, s)
		}
		for _, r := range judgeSite(t, snapshots) {
			if r.ID == "away" {
				assert.Nil(t, r.Score)
				continue
			}
			assert.Greater(t, r.Summary.Pass+r.Summary.Fail, 10, r.ID)
		}
	}
}
