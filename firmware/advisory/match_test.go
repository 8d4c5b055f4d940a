package advisory_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

func hik(model, version, build, platform string) camsec.Inventory {
	return camsec.Inventory{Vendor: "HIKVISION", Model: model, Firmware: camsec.Firmware{Version: version, Build: build, Platform: platform}}
}

func other(vendor, model, version string) camsec.Inventory {
	return camsec.Inventory{Vendor: vendor, Model: model, Firmware: camsec.Firmware{Raw: version}}
}

func find(t *testing.T, inv camsec.Inventory, id string) (advisory.Finding, bool) {
	t.Helper()
	for _, f := range advisory.Embedded().Match(inv) {
		if f.ID == id {
			return f, true
		}
	}
	return advisory.Finding{}, false
}

func TestMatch(t *testing.T) {
	const injection, bypass = "CVE-2021-36260", "CVE-2017-7921"
	for _, tt := range []struct {
		name string
		inv  camsec.Inventory
		id   string
		want advisory.Status
	}{
		{"day before the cut-off", hik("DS-2CD2143G2-I", "V5.5.800", "210624", ""), injection, advisory.Affected},
		{"the cut-off itself", hik("DS-2CD2143G2-I", "V5.5.800", "210625", ""), injection, advisory.NotAffected},
		{"low version, new build", hik("DS-2CD2143G2-I", "V5.4.0", "230101", ""), injection, advisory.NotAffected},
		{"no build told", hik("DS-2CD2143G2-I", "V5.5.800", "", ""), injection, advisory.PossiblyAffected},
		{"no firmware told", hik("DS-2CD2143G2-I", "", "", ""), injection, advisory.Unknown},
		{"no model told", hik("", "V5.5.800", "210101", ""), injection, advisory.Unknown},
		{"no model told, new build", hik("", "V5.8.0", "250101", ""), injection, advisory.NotAffected},
		{"model not listed", hik("DS-9999XX", "V5.5.800", "200101", ""), injection, advisory.NotAffected},
		{"model not listed, platform is", hik("OEM-CAM-1", "V5.5.100", "200101", "B-R-G5-0"), injection, advisory.PossiblyAffected},
		{"platform listed, later build", hik("OEM-CAM-1", "V5.5.800", "210701", "B-R-G5-0"), injection, advisory.NotAffected},
		{"wide pattern", hik("IPC-T221H", "V5.5.80", "200101", ""), injection, advisory.PossiblyAffected},
		{"recorder in range", hik("DS-7608NI-K1/8P", "V4.30.300", "210221", ""), injection, advisory.Affected},
		{"recorder below the floor", hik("DS-7608NI-K1/8P", "V4.22.005", "200101", ""), injection, advisory.NotAffected},
		{"recorder at the ceiling", hik("DS-7608NI-K1/8P", "V4.31.000", "210511", ""), injection, advisory.Affected},
		{"recorder a day above", hik("DS-7608NI-K1/8P", "V4.31.000", "210512", ""), injection, advisory.NotAffected},
		{"version and build disagree", hik("DS-7608NI-K1/8P", "V4.30.300", "220101", ""), injection, advisory.PossiblyAffected},
		{"first range", hik("DS-2CD2032F-I", "V5.2.5", "141201", ""), bypass, advisory.Affected},
		{"fixed", hik("DS-2CD2032F-I", "V5.4.5", "170123", ""), bypass, advisory.NotAffected},
		{"dome", hik("DS-2DF8236I-AEL", "V5.3.0", "150101", ""), bypass, advisory.Affected},
		{"version floor, old build", hik("iDS-7204HUH-M/E(C)", "V4.1.59", "220101", ""), "CVE-2023-28811", advisory.NotAffected},
		{"version floor met, old build", hik("iDS-7204HUH-M/E(C)", "V4.1.60", "220101", ""), "CVE-2023-28811", advisory.Affected},
		{"version floor met, new build", hik("iDS-7204HUH-M/E(C)", "V4.71.120", "230821", ""), "CVE-2023-28811", advisory.NotAffected},
		{"sources disagree", hik("DS-K1T804AF", "V1.4.0", "221212", ""), "CVE-2023-28809", advisory.PossiblyAffected},
		{"slash alternative", hik("DS-K5671", "V3.7.70", "", ""), "CVE-2025-66176", advisory.Affected},
		{"axis train", other("Axis", "AXIS P3245", "11.5.99"), "CVE-2023-21413", advisory.Affected},
		{"axis after the train", other("Axis", "AXIS P3245", "11.6.1"), "CVE-2023-21413", advisory.NotAffected},
		{"axis support track", other("Axis", "AXIS P3245", "10.12.250"), "CVE-2023-21413", advisory.PossiblyAffected},
		{"dahua by build date", other("Dahua", "NVR4104HS-4KS2", "4.001.0000000.1.R, Build Date: 2023-12-12"), "CVE-2024-39945", advisory.Affected},
		{"dahua cut-off", other("Dahua", "NVR4104HS-4KS2", "4.001.0000000.1.R, Build Date: 2023-12-13"), "CVE-2024-39945", advisory.NotAffected},
		{"uniview other product code", other("Uniview", "NVR301-04S2-P4", "NVR-B9999.20.17.200101"), "CVE-2024-3850", advisory.NotAffected},
		{"uniview", other("Uniview", "NVR301-04S2-P4", "NVR-B3801.20.16.240101"), "CVE-2024-3850", advisory.Affected},
		{"all versions", other("Uniview", "OET-213H-BTS1", ""), "CVE-2024-25972", advisory.Affected},
		{"catalogue without range", other("D-Link", "DCS-930L", "1.0"), "CVE-2016-11021", advisory.PossiblyAffected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, ok := find(t, tt.inv, tt.id)
			require.True(t, ok)
			assert.Equal(t, tt.want, f.Status, f.Reason)
			assert.NotEmpty(t, f.Reason)
			if tt.name == "sources disagree" {
				assert.Contains(t, f.Conflict, "ICSA-23-285-14")
			}
		})
	}
}

func TestMatchMarksTheExploited(t *testing.T) {
	all := advisory.Embedded().Match(hik("DS-2CD2032F-I", "V5.2.5", "141201", ""))
	require.NotEmpty(t, all)
	assert.Equal(t, "CVE-2017-7921", all[0].ID, "affected and exploited comes first")
	assert.True(t, all[0].KnownExploited)
	assert.Equal(t, "CVE-2017-7923", all[1].ID)
	assert.False(t, all[1].KnownExploited)
	assert.NotEmpty(t, all[0].Fixed)
}

func TestRelabelledIsNeverMoreThanPossible(t *testing.T) {
	for _, vendor := range []string{"", "Some OEM"} {
		inv := other(vendor, "DS-2CD2143G2-I", "V5.5.800 build 200101")
		all := advisory.Embedded().Match(inv)
		require.NotEmpty(t, all)
		for _, f := range all {
			assert.Equal(t, advisory.PossiblyAffected, f.Status)
		}
	}
	assert.Empty(t, advisory.Embedded().Match(other("Some OEM", "CAM-1", "1.0")))
	assert.Empty(t, advisory.Embedded().Match(camsec.Inventory{}))
}

func TestMatchChannels(t *testing.T) {
	inv := hik("DS-7732NXI-I4", "V5.10.0", "260101", "")
	inv.Channels = []camsec.Channel{
		{ID: "1", Protocol: "HIKVISION", Model: "DS-2CD2143G2-I", Firmware: camsec.Firmware{Raw: "V5.5.80 build 200101"}},
		{ID: "2", Protocol: "HIKVISION", Model: "DS-2CD2143G2-I", Firmware: camsec.Firmware{Raw: "V5.7.18 build 240826"}},
		{ID: "3", Protocol: "HIKVISION", Model: "DS-2CD2143G2-I", Address: "10.0.0.3"},
		{ID: "4"},
	}
	got := map[string]advisory.Status{}
	for _, f := range advisory.Embedded().Match(inv) {
		if f.ID == "CVE-2021-36260" {
			got[f.Channel] = f.Status
		}
	}
	assert.Equal(t, map[string]advisory.Status{
		"": advisory.NotAffected, "1": advisory.Affected, "2": advisory.NotAffected, "3": advisory.Unknown,
	}, got)
}

func TestStatusText(t *testing.T) {
	assert.Equal(t, advisory.Unknown, advisory.Status(0))
	for _, s := range []advisory.Status{advisory.Unknown, advisory.NotAffected, advisory.PossiblyAffected, advisory.Affected} {
		b, err := s.MarshalText()
		require.NoError(t, err)
		back := advisory.Affected
		require.NoError(t, back.UnmarshalText(b))
		assert.Equal(t, s, back)
	}
	s := advisory.Affected
	require.NoError(t, s.UnmarshalText([]byte("fine")))
	assert.Equal(t, advisory.Unknown, s)
}

func dataset(row string) string {
	return fmt.Sprintf(`{"schema":%q,"asOf":"2026-01-02","advisories":[{"id":"X-1","vendor":"Axis","title":"t","affected":[%s]}]}`, advisory.Schema, row)
}

func TestLoad(t *testing.T) {
	db, err := advisory.Load(strings.NewReader(dataset(`{"patterns":["*"],"range":[{"field":"version","op":"<","value":"2.0"}]}`)))
	require.NoError(t, err)
	assert.Equal(t, 1, db.Covers("AXIS"))
	assert.Equal(t, "2026-01-02", db.AsOf().Format("2006-01-02"))
	all := db.Match(other("Axis", "A", "1.9.1"))
	require.Len(t, all, 1)
	assert.Equal(t, advisory.Affected, all[0].Status)

	for name, doc := range map[string]string{
		"not JSON":         "hello",
		"empty":            "",
		"other schema":     `{"schema":"x/1"}`,
		"no date":          `{"schema":"` + advisory.Schema + `"}`,
		"no row":           dataset(""),
		"row for nothing":  dataset(`{}`),
		"empty pattern":    dataset(`{"patterns":[""]}`),
		"unknown field":    dataset(`{"patterns":["*"],"range":[{"field":"mood","op":"<","value":"2.0"}]}`),
		"unknown operator": dataset(`{"patterns":["*"],"range":[{"field":"version","op":"~","value":"2.0"}]}`),
		"no version":       dataset(`{"patterns":["*"],"range":[{"field":"version","op":"<","value":"new"}]}`),
		"no build":         dataset(`{"patterns":["*"],"range":[{"field":"build","op":"<","value":"2.0"}]}`),
		"pair lacks build": dataset(`{"patterns":["*"],"range":[{"field":"version+build","op":"<","value":"2.0"}]}`),
		"bad conflict":     dataset(`{"patterns":["*"],"conflict":{"source":"s","range":[{"field":"build","op":"<","value":""}]}}`),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := advisory.Load(strings.NewReader(doc))
			var e *advisory.Error
			require.ErrorAs(t, err, &e)
			assert.ErrorIs(t, err, camsec.ErrMalformed)
		})
	}

	_, err = advisory.Load(broken{})
	require.ErrorIs(t, err, errBroken)
	assert.NotErrorIs(t, err, camsec.ErrMalformed)

	_, err = advisory.Load(endless{})
	require.ErrorIs(t, err, camsec.ErrMalformed)

	fsys := fstest.MapFS{"a.json": {Data: []byte(dataset(`{"patterns":["*"]}`))}}
	_, err = advisory.LoadFS(fsys)
	require.NoError(t, err)
}

var errBroken = errors.New("disk on fire")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }
