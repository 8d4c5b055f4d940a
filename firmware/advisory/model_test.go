package advisory

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNameModel(t *testing.T) {
	for _, tt := range []struct {
		pattern, model string
		want           strength
	}{
		{"*", "ANYTHING", named},
		{"DS-2CD2143G2-I", "DS-2CD2143G2-I", named},
		{"ds-2cd2143g2-i", "DS-2CD2143G2-I", named},
		{"DS-2CD2143G2-I", "DS-2CD2143G2", unnamed},
		{"DS-2CD2143G2", "DS-2CD2143G2-I", named},  // a suffix that the list leaves out
		{"DS-2CD2143G2", "DS-2CD2143G2I", loosely}, // a name that only begins so
		{"DS-2CD2143", "DS-2CD21439", loosely},
		{"DS-2CD2143", "DS-2CD2143/X", named},
		{"AZ09", "AZ09", named},
		{"AZ09", "AZ0", unnamed},

		// A sign for one letter or digit, at the ends of both alphabets.
		{"DS-2CD2?43", "DS-2CD2143", named},
		{"DS-2CD2?43", "DS-2CD2043", named},
		{"DS-2CD2?43", "DS-2CD2943", named},
		{"DS-2CD2?43", "DS-2CD2A43", named},
		{"DS-2CD2?43", "DS-2CD2Z43", named},
		{"DS-2CD2?43", "DS-2CD2-43", unnamed},
		{"DS-2CD2?43", "DS-2CD2:43", unnamed}, // after the digits
		{"DS-2CD2?43", "DS-2CD2/43", unnamed}, // before them
		{"DS-2CD2?43", "DS-2CD2@43", unnamed}, // before the letters
		{"DS-2CD2?43", "DS-2CD2[43", unnamed}, // after them
		{"DS-2CD2143?", "DS-2CD2143", unnamed},

		// The rest of the name.
		{"DS-2CD2*", "DS-2CD2143", named},
		{"DS-2CD2*", "DS-2CD2", named},
		{"IPC-*", "IPC-T221H", loosely},
		{"IPC-????H", "IPC-T221H", loosely},
		{"NVR4*", "NVR4104", named},
		{"ABCD*", "ABCDE", loosely}, // four letters are no model
		{"ABCDE*", "ABCDEF", loosely},
		{"ABCDEF*", "ABCDEFG", named},
		{"AB1*", "AB12", loosely},
		{"AB12*", "AB123", named},
		{"ABCD", "ABCD", named}, // what has no sign is a name

		// Some letters, up to four; more than one is a guess.
		{"IPC-H@8*", "IPC-HD8123", named},
		{"IPC-H@8*", "IPC-HA8123", named},
		{"IPC-H@8*", "IPC-HZ8123", named},
		{"IPC-H@8*", "IPC-HDW8123", loosely},
		{"IPC-H@8*", "IPC-HDWXY8123", loosely},
		{"IPC-H@8*", "IPC-HDWXYZ8123", unnamed},
		{"IPC-H@8*", "IPC-H8123", unnamed},
		{"IPC-H@8", "IPC-HDW8", loosely},
		{"IPC-H@", "IPC-HDW", loosely},
		{"IPC-H@8*", "IPC-H", unnamed},
		{"IPC-H@8*", "IPC-H-8123", unnamed},
		{"IPC-H@8*", "IPC-H[8123", unnamed},

		// A hardware mark stands at the end of a name.
		{"DS-2CD1?43(B)", "DS-2CD1043G0-I(B)", loosely}, // G0 is more than the list says
		{"DS-2CD1?43G0(B)", "DS-2CD1043G0-I(B)", named},
		{"DS-2CD1?43G0(b)", "DS-2CD1043G0-I(B)", named},
		{"DS-2CD1?43G0(B)", "DS-2CD1043G0-I", loosely},
		{"DS-2CD1?43G0(B)", "DS-2CD1043G0-I(C)", loosely},
		{"DS-2CD1?43G0(B)-S", "DS-2CD1043G0-S/X(B)", named},
		{"DS-2CD1?43G0(B)", "DS-9999(B)", unnamed},
		{"DS-2CD1?43G0(B", "DS-2CD1043G0-I(B)", unnamed},
		{"(B)", "DS-2CD1043G0-I(B)", unnamed}, // a mark without a name
	} {
		assert.Equal(t, tt.want, nameModel(tt.pattern, tt.model), "%s %s", tt.pattern, tt.model)
	}
}

func TestModelName(t *testing.T) {
	for text, want := range map[string]string{
		"AXIS  P3245":               "P3245",
		"dh-ipc-hdw1220s":           "IPC-HDW1220S",
		"DHI-NVR4104":               "NVR4104",
		"azAZ09":                    "AZAZ09",
		strings.Repeat("9", 512):    strings.Repeat("9", 512),
		strings.Repeat("9", 513):    "",
		"Hikvision ds-2cd2143g2-i ": "DS-2CD2143G2-I",
	} {
		assert.Equal(t, want, modelName(text))
	}
	assert.Equal(t, "AZ{`", strings.Map(func(r rune) rune { return rune(upper(byte(r))) }, "az{`"))
}
