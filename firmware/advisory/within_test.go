package advisory

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/camsec/camsec/firmware"
)

// What each kind of condition says of versions before, at and after its border.
func TestConstraintHolds(t *testing.T) {
	for _, tt := range []struct {
		vendor, version  string
		field, op, value string
		want             verdict
		why              string
	}{
		// The operators.
		{"hikvision", "V5.1", "version", "<", "V5.2", inside, "version 5.1 is before V5.2"},
		{"hikvision", "V5.2", "version", "<", "V5.2", outside, "version 5.2 is not before V5.2"},
		{"hikvision", "V5.2", "version", "<=", "V5.2", inside, "version 5.2 is at or before V5.2"},
		{"hikvision", "V5.3", "version", "<=", "V5.2", outside, "version 5.3 is not at or before V5.2"},
		{"hikvision", "V5.2", "version", "==", "V5.2", inside, "version 5.2 is equal to V5.2"},
		{"hikvision", "V5.3", "version", "==", "V5.2", outside, "version 5.3 is not equal to V5.2"},
		{"hikvision", "V5.2", "version", ">=", "V5.2", inside, "version 5.2 is at or after V5.2"},
		{"hikvision", "V5.1", "version", ">=", "V5.2", outside, "version 5.1 is not at or after V5.2"},
		{"hikvision", "V5.3", "version", ">", "V5.2", inside, "version 5.3 is after V5.2"},
		{"hikvision", "V5.2", "version", ">", "V5.2", outside, "version 5.2 is not after V5.2"},
		{"hikvision", "V5.1", "version", ">", "V5.2", outside, "version 5.1 is not after V5.2"},
		{"hikvision", "", "version", "<", "V5.2", unsure, "not known or not understood"},

		// For Hikvision a condition on the numbers is about the numbers, whatever
		// the platform; for a maker whose versions cannot be ordered it is not.
		{"hikvision", "V5.1.0 build 250101", "version", "<", "V5.2.0 build 200101", inside, "version 5.1.0 is before"},
		{"avtech", "FullImg-1023-1007-1011-1009", "version", "<", "FullImg-1022-1008-1011-1009", unsure, ""},
		{"xiongmai", "4.02.R11.11111111.10001.131900.00000", "version", "<", "4.03.R11.22222222.10001.131900.00000", outside, "the range is for product code 22222222"},

		// Build dates, where the numbers do not count.
		{"hikvision", "V9.9.9 build 210624", "build", "<", "210625", inside, "build date 2021-06-24 is before 210625"},
		{"hikvision", "V1.0.0 build 210625", "build", "<", "210625", outside, "build date 2021-06-25 is not before 210625"},
		{"hikvision", "V1.0.0", "build", "<", "210625", unsure, "does not tell a build date to hold against 2021-06-25"},

		// Numbers first, then the build.
		{"hikvision", "V5.3.0 build 200101", "version+build", "<=", "V5.4.0 build 210101", inside, "version 5.3.0 is at or before"},
		{"hikvision", "V5.4.0 build 200101", "version+build", "<", "V5.4.0 build 210101", inside, ""},
		{"hikvision", "V5.4.0 build 210101", "version+build", "<=", "V5.4.0 build 210101", inside, ""},
		{"hikvision", "V5.4.0 build 210101", "version+build", "<", "V5.4.0 build 210101", outside, ""},
		{"hikvision", "V5.4.0 build 220101", "version+build", "<=", "V5.4.0 build 210101", outside, ""},
		{"hikvision", "V5.4.0", "version+build", "<=", "V5.4.0 build 210101", unsure, "version 5.4.0 is the border and the device does not tell its build"},
		{"hikvision", "V5.3.0", "version+build", "<=", "V5.4.0 build 210101", inside, ""},
		{"hikvision", "V5.3.0 build 210101", "version+build", "<=", "V5.4.0 build 210101", inside, ""},
		{"hikvision", "V5.3.0 build 220101", "version+build", "<=", "V5.4.0 build 210101", unsure, "version 5.3.0 and build date 2022-01-01 disagree about the order to V5.4.0 build 210101"},
		{"hikvision", "V5.5.0 build 200101", "version+build", "<=", "V5.4.0 build 210101", unsure, "disagree"},
		{"hikvision", "", "version+build", "<=", "V5.4.0 build 210101", unsure, "not known"},

		// A whole train.
		{"axis", "11.5.99", "version-prefix", "<=", "11.5", inside, ""},
		{"axis", "11.6.1", "version-prefix", "<=", "11.5", outside, ""},
		{"hikvision", "V5.4", "version-prefix", "<=", "V5.4", inside, ""},
		{"hikvision", "V5", "version-prefix", "<", "V5.4", inside, ""},

		// Axis repairs its support tracks on their own.
		{"axis", "11.4.2", "version", "<", "11.5.53", inside, ""},
		{"axis", "10.12.250", "version", "<", "11.5.53", unsure, "support track 10.12 is repaired on its own"},
		{"axis", "10.12.250", "version", "<=", "11.5.53", unsure, ""},
		{"axis", "10.12.250", "version", "<", "10.12.260", inside, ""},
		{"axis", "10.12.250", "version", "<", "10.13", unsure, ""},
		{"axis", "11.11.5", "version", "<=", "11.11", outside, ""},
		{"axis", "10.12.250", "version", ">", "9.80.1", inside, ""},
		{"axis", "10.12.250", "version", ">=", "9.80.1", inside, ""},
		{"axis", "10.12.250", "version", "<", "10.12.240", outside, ""},
		{"axis", "11.5.1", "version", "==", "11.5", unsure, "of the listed release 11.5, of which not every part is told"},
		{"axis", "11.6.1", "version", "==", "11.5", outside, ""},
		{"axis", "10.5.1", "version", "==", "11.5", outside, ""},
		{"axis", "11.5", "version", "==", "11.5", inside, ""},
		{"axis", "11.5.1", "version", "==", "11.5.1", inside, ""},
		{"axis", "11.5.1", "version", ">", "11.5", inside, ""},

		// A product code in the version.
		{"uniview", "NVR-B3801.20.16.240101", "version", "<", "NVR-B3801.20.17.240507", inside, ""},
		{"uniview", "NVR-B9999.20.16.240101", "version", "<", "NVR-B3801.20.17.240507", outside, "the range is for product code NVR-B3801, the device has NVR-B9999"},
		{"uniview", "20.16.240101", "version", "<", "NVR-B3801.20.17.240507", unsure, "does not tell the product code NVR-B3801"},
	} {
		c := Constraint{Field: tt.field, Op: tt.op, Value: tt.value}
		got, why := c.holds(firmware.Parse(tt.vendor, tt.version))
		assert.Equal(t, tt.want, got, "%s %s%s%s: %s", tt.version, tt.field, tt.op, tt.value, why)
		assert.Contains(t, why, tt.why)
		assert.NotEmpty(t, why)
	}
}

// All conditions must hold; one that does not decides, and what is unsure
// keeps the rest from deciding.
func TestWithin(t *testing.T) {
	floor := Constraint{Field: "version", Op: ">=", Value: "V5.0"}
	ceiling := Constraint{Field: "version", Op: "<", Value: "V6.0"}
	build := Constraint{Field: "build", Op: "<", Value: "210625"}
	for _, tt := range []struct {
		rng     []Constraint
		version string
		want    verdict
		why     string
	}{
		{nil, "", inside, "every version is listed"},
		{[]Constraint{floor, ceiling}, "V5.5", inside, "version 5.5 is at or after V5.0 and version 5.5 is before V6.0"},
		{[]Constraint{floor, ceiling}, "V6.0", outside, "version 6.0 is not before V6.0"},
		{[]Constraint{floor, ceiling}, "V4.9", outside, "version 4.9 is not at or after V5.0"},
		{[]Constraint{floor, build}, "V5.5", unsure, "the device does not tell a build date to hold against 2021-06-25"},
		{[]Constraint{build, floor, ceiling}, "V5.5", unsure, "the device does not tell a build date to hold against 2021-06-25"},
		{[]Constraint{build, floor, ceiling}, "V6.5", outside, "version 6.5 is not before V6.0"},
		{[]Constraint{build, build}, "V6.5", unsure, "the device does not tell a build date to hold against 2021-06-25"},
		{[]Constraint{build, floor, ceiling}, "V5.5 build 200101", inside, "build date 2020-01-01 is before 210625 and version 5.5 is at or after V5.0 and version 5.5 is before V6.0"},
	} {
		got, why := within(tt.rng, firmware.Parse("hikvision", tt.version))
		assert.Equal(t, tt.want, got, "%v %s", tt.rng, tt.version)
		assert.Equal(t, tt.why, why)
	}
}

func TestTidyBoundsAWord(t *testing.T) {
	word := strings.Repeat("門", 80)
	assert.Equal(t, word, tidy(word))
	assert.Equal(t, word+"…", tidy(word+"x"))
	assert.Equal(t, "ab", tidy("a\x1b\u202eb"))
}
