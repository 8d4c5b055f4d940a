package advisory_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

type facts struct {
	Advisories []struct {
		ID        string `json:"id"`
		Title     string `json:"title"`
		Published string `json:"published"`
		KEV       *struct {
			DateAdded string `json:"dateAdded"`
		} `json:"kev"`
		Affected []struct {
			Models []string `json:"models"`
			Style  string   `json:"pattern_style"`
			Range  struct {
				AllOf []advisory.Constraint `json:"all_of"`
			} `json:"range"`
		} `json:"affected"`
	} `json:"advisories"`
	KEV []struct {
		CVE       string `json:"cve"`
		DateAdded string `json:"dateAdded"`
	} `json:"kev_cameras"`
}

func recorded(t *testing.T) facts {
	t.Helper()
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is required and not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set: the recorded facts are not here")
	}
	b, err := os.ReadFile(filepath.Join(dir, "firmware", "advisories.json")) //nolint:gosec // a folder of the developer's.
	require.NoError(t, err)
	var f facts
	require.NoError(t, json.Unmarshal(b, &f))
	require.NotEmpty(t, f.Advisories)
	return f
}

// Every recorded fact is in the embedded dataset, under a title of our own.
func TestEmbeddedCarriesTheFacts(t *testing.T) {
	ours := map[string]advisory.Advisory{}
	for _, a := range advisory.Embedded().Advisories() {
		ours[a.ID] = a
	}
	f := recorded(t)
	for _, r := range f.Advisories {
		a, ok := ours[r.ID]
		if !assert.True(t, ok, r.ID) {
			continue
		}
		assert.Equal(t, r.Published, a.Published, r.ID)
		assert.NotEqual(t, r.Title, a.Title, r.ID)
		if r.KEV != nil && assert.NotNil(t, a.KnownExploited, r.ID) {
			assert.Equal(t, r.KEV.DateAdded, a.KnownExploited.DateAdded, r.ID)
		}
		models, values := map[string]bool{}, map[string]bool{}
		for _, row := range a.Affected {
			for _, m := range row.Models {
				models[m] = true
			}
			for _, c := range row.Range {
				values[c.Field+c.Op+c.Value] = true
			}
		}
		for _, row := range r.Affected {
			for _, c := range row.Range.AllOf {
				if c.Op == "==" {
					continue // Some of these are model names in the wrong place.
				}
				value, _, _ := strings.Cut(c.Value, "（")
				assert.True(t, values[c.Field+c.Op+value], "%s: %v", r.ID, c)
			}
			if len(row.Range.AllOf) == 1 && row.Range.AllOf[0].Op == "==" {
				continue
			}
			for _, m := range row.Models {
				assert.True(t, models[strings.TrimSpace(m)], "%s: %q", r.ID, m)
			}
		}
	}
	for _, k := range f.KEV {
		if assert.NotNil(t, ours[k.CVE].KnownExploited, k.CVE) {
			assert.Equal(t, k.DateAdded, ours[k.CVE].KnownExploited.DateAdded)
		}
	}
}

// For every recorded Hikvision row with a build cut-off, a device of that name
// is caught the day before and let go on the day.
func TestBuildCutOffs(t *testing.T) {
	n := 0
	for _, r := range recorded(t).Advisories {
		for _, row := range r.Affected {
			rng := row.Range.AllOf
			if len(rng) != 1 || rng[0].Field != "build" || rng[0].Op != "<" {
				continue
			}
			day, err := time.Parse("060102", rng[0].Value)
			require.NoError(t, err)
			for _, m := range row.Models {
				m, _, _ = strings.Cut(m, " including")
				model := strings.TrimSpace(strings.NewReplacer("/(xP)", "/8P", "(/xP)", "/8P", "(/T)", "/T", "(i)", "i", "x", "1", "XX", "08").Replace(m))
				for _, border := range []struct {
					day    time.Time
					caught bool
				}{{day.AddDate(0, 0, -1), true}, {day, false}} {
					inv := camsec.Inventory{Vendor: "hikvision", Model: model, Firmware: camsec.Firmware{
						Version: "V5.5.0", Build: border.day.Format("060102"),
					}}
					f, ok := find(t, inv, r.ID)
					require.True(t, ok)
					if border.caught {
						assert.Contains(t, []advisory.Status{advisory.Affected, advisory.PossiblyAffected}, f.Status, "%s %s as %s: %s", r.ID, m, model, f.Reason)
					} else if f.Status != advisory.NotAffected {
						// Another row of the advisory may have a later day.
						assert.Contains(t, f.Reason, "21070", "%s %s: %s", r.ID, m, f.Reason)
					}
					n++
				}
			}
		}
	}
	assert.Greater(t, n, 100)
}
