package advisory

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadRange(t *testing.T) {
	for _, tt := range []struct{ vendor, text, want string }{
		{"Hikvision", ">=  5.3.1 build 150410 | <= 5.4.4  Build 161125", "version+build>=5.3.1 build 150410; version+build<=5.4.4 Build 161125"},
		{"Hikvision", "<=1.4.0_build221212", "version+build<=1.4.0_build221212"},
		{"Hikvision", "V5.2.0 build 140721 to V5.4.0 Build 160530", "version+build>=V5.2.0 build 140721; version+build<=V5.4.0 Build 160530"},
		{"Hikvision", "Versions below V5.7.7build241203 (including V5.7.7build241203)", "version+build<=V5.7.7build241203"},
		{"Hikvision", "Versions after V5.00.000 (including V5.00.000) and before V5.02.006（not including V5.02.006）", "version>=V5.00.000; version<V5.02.006"},
		{"Hikvision", "V1.1.5402 build241014（E2254P02）and the versions prior to it", "version+build<=V1.1.5402 build241014"},
		{"Hikvision", "Build date before 230821(Version  before  V4.1.60  are not affected)", "version>=V4.1.60; build<230821"},
		{"Hikvision", "V4.30.210 Build201224-V4.31.000 Build210511", "version+build>=V4.30.210 Build201224; version+build<=V4.31.000 Build210511"},
		{"Hikvision", "V2.X <= V2.3.8-6", "version>=V2; version<=V2.3.8-6"},
		{"Dahua", "NVR4XXX Versions which Build time\u00a0before 2023/12/13", "build_date<2023-12-13"},
		{"Dahua", "versions which build time before April 16, 2025", "build_date<2025-04-16"},
		{"Dahua", "Buildtime before June, 2021", "build_date<2021-06-01"},
		{"Dahua", "< 2.820.0000000.48.R.220614", "version<2.820.0000000.48.R.220614"},
		{"Axis", "AXIS OS AXIS OS 11.0 - 11.5.53", "version>=11.0; version-prefix<=11.5.53"},
		{"Axis", "AXIS OS 5.51 -11.9", "version>=5.51; version-prefix<=11.9"},
		{"Siemens", "vers:all/<V13.2", "version<V13.2"},
		{"AVTECH", "<=firmware_FullImg-1023-1007-1011-1009", "version<=FullImg-1023-1007-1011-1009"},
		{"Hitron", ">=1.03|<=4.02", "version>=1.03; version<=4.02"},
		{"Acme", "= 1.2.3", "version==1.2.3"},
		{"Acme", "all firmware versions", "every"},
		{"Acme", "vers:all/*", "every"},
		{"Acme", "", "every"},
		{"Hanwha", "Prior to version 1.41.16, Prior to version 2.22.00", "unread"},
		{"Acme", "some of them", "unread"},
		{"Dahua", "build time before the flood", "unread"},
		{"Acme", strings.Repeat("1.", 400), "unread"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			assert.Equal(t, tt.want, rangeText(readRange(tt.vendor, tt.text)))
		})
	}
}

func rangeText(rng []Constraint, ok bool) string {
	switch {
	case !ok:
		return "unread"
	case len(rng) == 0:
		return "every"
	}
	var parts []string
	for _, c := range rng {
		parts = append(parts, c.Field+c.Op+c.Value)
	}
	return strings.Join(parts, "; ")
}

// Every range that was transcribed by hand from its source is read to the
// same borders from the source's own words.
func TestReadRangeOfRecordedWords(t *testing.T) {
	var facts struct {
		Advisories []struct {
			ID, Vendor string
			Affected   []struct {
				Range struct {
					Raw   string
					AllOf []Constraint `json:"all_of"`
				}
			}
		}
	}
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is required and not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set: the recorded facts are not here")
	}
	b, err := os.ReadFile(filepath.Join(dir, "firmware", "advisories.json")) //nolint:gosec // a folder of the developer's.
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &facts))
	n := 0
	for _, a := range facts.Advisories {
		for _, row := range a.Affected {
			raw := strings.NewReplacer("lessThanOrEqual", "<=", "lessThan", "<").Replace(row.Range.Raw)
			if i := strings.IndexAny(raw, "<"); i > 0 && row.Range.Raw != raw && !strings.Contains(raw, ".X <=") {
				raw = raw[i:] // "0 lessThan X": the floor says nothing
			}
			if raw == "" || len(row.Range.AllOf) == 0 {
				continue
			}
			got, ok := readRange(a.Vendor, raw)
			if row.Range.AllOf[0].Op == "==" && !ok {
				continue // a model in the version's place
			}
			if strings.HasPrefix(raw, "vers:all/*") {
				assert.True(t, ok && len(got) == 0)
				continue
			}
			require.True(t, ok, "%s: %q", a.ID, raw)
			assert.Equal(t, borders(a.Vendor, row.Range.AllOf), borders(a.Vendor, got), "%s: %q", a.ID, raw)
			n++
		}
	}
	assert.Greater(t, n, 150)
}

// borders are what a range says, whatever the spelling of its values.
func borders(vendor string, rng []Constraint) map[string]bool {
	out := map[string]bool{}
	for _, c := range rng {
		field, v := c.Field, c.bound(vendor)
		if field == "version-prefix" {
			field = "version"
		}
		if field == "build" || field == "build_date" {
			out["built"+c.Op+v.Released] = true
			continue
		}
		out[field+c.Op+v.Product+" "+v.Number()+" "+v.Released] = true
	}
	return out
}
