package advisory

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReadNames(t *testing.T) {
	for _, tt := range []struct {
		vendor, text string
		want         []string
	}{
		{"Hikvision", "DS-2CD2xx2F-I Series", []string{"DS-2CD2??2F-I*"}},
		{"Hikvision", "DS- 2CD4x2xFWD Series", []string{"DS-2CD4?2?FWD*"}},
		{"Hikvision", "DS-2DFx Series", []string{"DS-2DF*"}},
		{"Hikvision", "DS-K1T671XXX", []string{"DS-K1T671*"}},
		{"Hikvision", "DS-7604NI-M1/4P", []string{"DS-7604NI-M1/4P"}},
		{"Hikvision", "DS-K1T8003/8004", []string{"DS-K1T8003", "DS-K1T8004"}},
		{"Dahua", "DH-IPC-HDW1XXX,", []string{"IPC-HDW1*"}},
		{"Dahua", "DHI-HCVR51A08HE-S3, and", []string{"HCVR51A08HE-S3"}},
		{"Dahua", "NVR4XXX and IPC-HX8XXX", []string{"NVR4*", "IPC-H@8*"}},
		{"Axis", "AXIS A8207-VE Mk II Network Video Door Station", []string{"A8207-VE Mk II"}},
		{"Axis", "AXIS A1610 (-B) Network Door Controller", []string{"A1610"}},
		{"Axis", "AXIS OS", []string{"*"}},
		{"Reolink", "RLN-X10 series", []string{"RLN-?10*"}},
		{"GeoVision", "GV-BX1500", []string{"GV-BX1500"}},
		{"D-Link", "DCS-2530L and DCS-2670L Devices", []string{"DCS-2530L", "DCS-2670L"}},
		{"Hitron", "DVR HVR-4781", []string{"HVR-4781"}},
		{"AVTECH", "AVM1203 (IP Camera)", []string{"AVM1203"}},
	} {
		n := readNames(tt.vendor, tt.text)
		assert.Equal(t, tt.want, n.patterns, tt.text)
		assert.False(t, n.vague || n.software, tt.text)
	}
	assert.True(t, readNames("Hanwha", "Smart Security Manager").software)
	assert.True(t, readNames("Reolink", "Multiple IP Cameras").vague)
	assert.True(t, readNames("Honeywell", "Performance IP Series cameras").vague)
	assert.Equal(t, []string{"*"}, readNames("", "").patterns)
}

// onlyPeopleSee are names that mean something else than their words say.
var onlyPeopleSee = map[string]bool{
	"DS-K1T342/K1T343/K1T344/DS-K1T6QT-F72/F43": true, "DS-710xNI-G1/(xP)/M": true,
	"PT30X-SDI/NDI Cameras": true, "XM530_R80X30-PQ_8M": true, // a slash between ends; an X that is one
	"VioStor NVR": true, "NVRmini Devices": true, // a model without a digit
}

// The rules give what a person read from the same names.
func TestReadNamesAsAPersonDid(t *testing.T) {
	total := 0
	for _, a := range Embedded().advisories {
		for _, row := range a.Affected {
			if row.Vague || row.Software || a.Vendor == "geovision" { // names joined by underscores
				continue
			}
			want := map[string]bool{}
			for _, p := range row.Patterns {
				want[p] = true
			}
			for _, m := range row.Models {
				if onlyPeopleSee[m] {
					continue
				}
				total++
				for _, p := range readNames(a.Vendor, m).patterns {
					assert.True(t, want[p] || want[strings.TrimSuffix(p, "*")], "%q became %s, not of %v", m, p, row.Patterns)
				}
			}
		}
	}
	assert.Greater(t, total, 300)
}
