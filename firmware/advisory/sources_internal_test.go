package advisory

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
)

// A product of which the record says only that it is affected is affected
// whatever its version; one of which it lists what is not, is so in a way that
// is not read.
func TestProductsOfARecordWithoutRanges(t *testing.T) {
	for _, tt := range []struct {
		product cveAffected
		want    []Row
	}{
		{cveAffected{DefaultStatus: "affected"}, []Row{{}}},
		{cveAffected{DefaultStatus: "unaffected"}, nil},
		{cveAffected{}, nil},
		{cveAffected{DefaultStatus: "affected", Versions: []cveVersion{{Version: "2.0", Status: "unaffected"}}}, []Row{{RangeUnknown: true}}},
		{cveAffected{DefaultStatus: "unaffected", Versions: []cveVersion{{Version: "2.0", Status: "unaffected"}}}, nil},
		{
			cveAffected{DefaultStatus: "affected", Versions: []cveVersion{{Version: "2.0", Status: "affected"}}},
			[]Row{{Range: []Constraint{{Field: "version", Op: "==", Value: "2.0"}}}},
		},
	} {
		assert.Equal(t, tt.want, tt.product.ranges(), "%+v", tt.product)
	}
}

func TestBordersOfARecord(t *testing.T) {
	for _, tt := range []struct {
		v    cveVersion
		want string
		ok   bool
	}{
		{cveVersion{Version: "1.0", LessThan: "2.0"}, ">=1.0 <2.0", true},
		{cveVersion{Version: "1.0", LessThanOrEqual: "2.0"}, ">=1.0 <=2.0", true},
		{cveVersion{Version: "0", LessThan: "2.0"}, "<2.0", true},
		{cveVersion{Version: "0.0.0", LessThan: "2.0"}, "<2.0", true},
		{cveVersion{Version: " ", LessThan: "2.0"}, "<2.0", true},
		{cveVersion{Version: "unspecified", LessThan: "2.0"}, "<2.0", true},
		{cveVersion{Version: "N/A", LessThan: "2.0"}, "<2.0", true},
		{cveVersion{Version: "1.X.X", LessThan: "2.0"}, "<2.0", true},
		{cveVersion{Version: "1.0", LessThan: "*"}, ">=1.0", true},
		{cveVersion{Version: "0", LessThan: "*"}, "", true},
		{cveVersion{Version: "n/a"}, "", false},
		{cveVersion{Version: "unspecified"}, "", false},
		{cveVersion{Version: "1.0", LessThan: "the next"}, "", false},
		{cveVersion{Version: "1.0"}, "==1.0", true},
	} {
		rng, ok := tt.v.read("acme")
		var got []string
		for _, c := range rng {
			got = append(got, c.Op+c.Value)
		}
		assert.Equal(t, tt.want, strings.Join(got, " "), "%+v", tt.v)
		assert.Equal(t, tt.ok, ok, "%+v", tt.v)
	}
}

// The highest score of any of its forms counts; other metrics are none.
func TestScoresOfARecord(t *testing.T) {
	var rec cveRecord
	rec.Containers.CNA.Metrics = []map[string]json.RawMessage{
		{"cvssV3_1": json.RawMessage(`{"baseScore":7.5}`), "format": json.RawMessage(`"CVSS"`), "other": json.RawMessage(`{"baseScore":10}`)},
		{"cvssV2_0": json.RawMessage(`{"baseScore":5}`), "cvssV4_0": json.RawMessage(`"broken"`)},
	}
	assert.InDelta(t, 7.5, rec.advisory("acme").CVSS, 0)
}

func csafWith(t *testing.T, tree string) []Row {
	t.Helper()
	all, _, err := readCSAF([]byte(`{"document":{"csaf_version":"2.0","tracking":{"id":"X"}},"product_tree":{"branches":[{"category":"vendor","name":"Acme","branches":[` + tree +
		`]}]},"vulnerabilities":[{"cve":"CVE-2025-0001","product_status":{"known_affected":["P1","P2"]}}]}`))
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0].Affected
}

// A family names the models under it only where none is named above it.
func TestFamiliesAndModels(t *testing.T) {
	leaf := `{"category":"product_version","name":"1.0","product":{"product_id":"P1"}}`
	rows := csafWith(t, `{"category":"product_family","name":"CAM-10","branches":[`+leaf+`]}`)
	assert.Equal(t, []string{"CAM-10*"}, rows[0].Patterns)
	rows = csafWith(t, `{"category":"product_name","name":"CAM-1000","branches":[{"category":"product_family","name":"CAM-10","branches":[`+leaf+`]}]}`)
	assert.Equal(t, []string{"CAM-1000"}, rows[0].Patterns)
}

// Models in the version's place are told from versions.
func TestModelsInPlaceOfVersions(t *testing.T) {
	for text, want := range map[string]bool{
		"IPC-A1": true, "IPC-Z1": true, "A1": true, "Z1": true, "IPC": false, "1000": false, "ipc1": false,
		"1.0": false, "all": false, "<A1": false, "A1_B": false, "[1": false, "@1": false,
	} {
		assert.Equal(t, want, namesModel(text), text)
	}
	in := func(model, version string) Row {
		return product{vendor: "Acme", model: model, version: version}.row("s")
	}
	assert.Equal(t, []string{"CAM-2000"}, in("Multiple cameras", "CAM-2000").Patterns)
	assert.False(t, in("Multiple cameras", "CAM-2000").RangeUnknown)
	assert.Equal(t, []string{"CAM-1000"}, in("CAM-1000", "< A2").Patterns, "a range is none")
	assert.Equal(t, []string{"CAM-1000"}, in("CAM-1000", "2.0").Patterns)
}

// Models of one range share a row until it is full.
func TestModelsShareARow(t *testing.T) {
	v := csafVulnerability{Status: map[string][]string{}}
	products := map[string]product{}
	for i := range maxList + 1 {
		id := fmt.Sprint("P", i)
		products[id] = product{vendor: "Acme", model: fmt.Sprintf("CAM-%04d", i), version: "1.0"}
		v.Status["known_affected"] = append(v.Status["known_affected"], id)
		v.Status["fixed"] = append(v.Status["fixed"], id)
	}
	rows := v.rows("s", products, nil)["acme"]
	require.Len(t, rows, 2)
	assert.Len(t, rows[0].Patterns, maxList)
	assert.Len(t, rows[1].Patterns, 1)
	assert.Len(t, v.fixed("s", "acme", products), maxList)
}

func TestAlternatives(t *testing.T) {
	for text, want := range map[string][]string{
		"DS-K1T341A/K1T341B": {"DS-K1T341A", "DS-K1T341B"},
		"K1T341A/K1T341B":    {"K1T341A", "K1T341B"},
		"DS-A1234/A123":      {"DS-A1234/A123"}, // too short for a name
		"DS-A1234/A1235":     {"DS-A1234", "DS-A1235"},
		"DS-Z1234/Z1235":     {"DS-Z1234", "DS-Z1235"},
		"DS-Z1234/z1235":     {"DS-Z1234/z1235"},
		"DS-Z1234/12345A":    {"DS-Z1234/12345A"},
		"-Z1234/Z1235":       {"-Z1234", "Z1235"},
		"DS-A71024/48/72R":   {"DS-A71024R", "DS-A71048R", "DS-A71072R"},
		"DS-A10/1024":        {"DS-A10/1024"},
	} {
		assert.Equal(t, want, alternatives(text), text)
	}
}

// What a finding says of what to do goes into the statement.
func TestStatementsSayWhatToDo(t *testing.T) {
	f := Finding{ID: "X", Status: PossiblyAffected, Reason: "because", Conflict: "b says otherwise"}
	assert.Equal(t, "because; b says otherwise", f.statement().Notes)
	f.Conflict = ""
	assert.Equal(t, "because", f.statement().Notes)
	f = Finding{ID: "X", Status: Affected, Fixed: []Fix{{Model: "CAM"}, {Version: "V2.0", Build: "250101"}}}
	assert.Equal(t, "Install firmware V2.0 250101 or later for this model, once its origin is verified.", f.statement().Action)
	f.Fixed = f.Fixed[:1]
	assert.Contains(t, f.statement().Action, "Install the maker's fixed firmware")
	f.EndOfLife = true
	assert.Contains(t, f.statement().Action, "replace the device")

	inv := acme("REC-1", "2.0")
	for _, id := range []string{"6", "7"} {
		inv.Channels = append(inv.Channels, camsec.Channel{ID: id, Model: "CAM-" + id, Firmware: camsec.Firmware{Raw: "1.0"}})
	}
	assert.Equal(t, "pkg:generic/acme/REC-1@2.0", productID(inv, ""))
	assert.Equal(t, "pkg:generic/CAM-6@1.0", productID(inv, "6"))
	assert.Equal(t, "pkg:generic/CAM-7@1.0", productID(inv, "7"))
	assert.Empty(t, productID(inv, "8"))

	var b strings.Builder
	require.NoError(t, WriteCSV(&b, []Matched{{Inventory: acme("CAM", "1"), Findings: []Finding{{ID: "X", CVSS: 9.8, EPSS: &EPSS{Score: 0.94321}}, {ID: "Y"}}}}))
	lines := strings.Split(b.String(), "\n")
	assert.Contains(t, lines[1], ",9.8,")
	assert.Contains(t, lines[1], "0.94321")
	assert.NotContains(t, lines[2], "0")
}
