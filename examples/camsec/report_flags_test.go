package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const savedSite = "../../isapi/testdata/v1-yard.snapshots.jsonl"

func TestReportFlags(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	baseline := put("baseline.json", `{"schema":"camsec.baseline/1","level":1,"accounts":["admin"],
		"waivers":[{"control":"SVC-02","owner":"Kim","reason":"replaced in May","until":"2999-01-01T00:00:00Z"}]}`)
	html, sarif, csv := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.sarif"), filepath.Join(dir, "r.csv")
	code, out, errs := camsecRun(t, "audit", "-from", savedSite, "-baseline", baseline, "-html", html, "-sarif", sarif, "-csv", csv,
		"-customer", "Nordwind", "-ticket", "T-7", "-lang", "de", "-tz", "Asia/Tokyo", "-redact")
	require.Contains(t, []int{exitFindings, exitUnknown}, code, errs)
	for _, want := range []string{"Kunde: Nordwind", "JST", "ausgenommen von Kim", "nicht gefragt", "address-1"} {
		assert.Contains(t, out, want)
	}
	for _, file := range []string{html, sarif, csv} {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotContains(t, string(b), "192.0.2.", file)
		assert.Contains(t, string(b), "Telnet ist aus", file)
	}
	// What scripts read is as it was, and not redacted.
	_, out, _ = camsecRun(t, "audit", "-from", savedSite, "-level", "1", "-json")
	var doc struct {
		Devices []struct {
			Results []struct{ Control, Status string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	for _, r := range doc.Devices[0].Results {
		if r.Control == "TLS-08" {
			assert.Equal(t, "notApplicable", r.Status)
		}
	}
	texts := put("fr.json", `{"Telnet is off": "Telnet est coupé"}`)
	_, out, _ = camsecRun(t, "audit", "-from", savedSite, "-lang", "fr", "-texts", texts)
	assert.Contains(t, out, "Telnet est coupé")
}

func TestReportFlagErrors(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	require.NoError(t, os.WriteFile(bad, []byte("<svg/>"), 0o600))
	for want, args := range map[string][]string{
		"-baseline": {"-baseline", bad},
		"-level":    {"-level", "4"},
		"-tz":       {"-tz", "Mars/Base"},
		"-lang":     {"-lang", "tlh"},
		"-texts":    {"-lang", "fr", "-texts", bad},
		"-logo":     {"-logo", bad},
	} {
		code, out, errs := camsecRun(t, append([]string{"audit", "-from", savedSite}, args...)...)
		assert.Equal(t, exitUsage, code, want)
		assert.Empty(t, out, want)
		assert.Contains(t, errs, want)
		assert.False(t, strings.Contains(errs, "panic"))
	}
}
