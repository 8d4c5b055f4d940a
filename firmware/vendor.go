package firmware

import "strings"

// Vendors whose version texts have rules of their own. Any other vendor's
// text is read in a generic way.
const (
	Hikvision = "hikvision"
	Dahua     = "dahua"
	Axis      = "axis"
	Uniview   = "uniview"
	Hanwha    = "hanwha"
	Bosch     = "bosch"
	TPLink    = "tp-link"
	Vivotek   = "vivotek"
	AVTECH    = "avtech"
	Xiongmai  = "xiongmai"
)

// spellings lead from a word in a maker's name, lower case, to its key.
var spellings = []struct{ word, key string }{
	{"hikvision", Hikvision},
	{"hilook", Hikvision},
	{"hiwatch", Hikvision},
	{"dahua", Dahua},
	{"axis", Axis},
	{"uniview", Uniview},
	{"unv", Uniview},
	{"hanwha", Hanwha},
	{"wisenet", Hanwha},
	{"bosch", Bosch},
	{"tp-link", TPLink},
	{"tplink", TPLink},
	{"vivotek", Vivotek},
	{"avtech", AVTECH},
	{"xiongmai", Xiongmai},
}

// VendorKey returns the one spelling under which this package files a maker:
// "HIKVISION", "Hangzhou Hikvision Digital Technology" and "hikvision" are
// all [Hikvision]. A maker without rules of its own keeps its name in lower
// case with single spaces; an empty name stays empty, as unknown.
func VendorKey(name string) string {
	name = strings.Join(strings.Fields(strings.ToLower(bounded(name))), " ")
	for _, s := range spellings {
		for _, w := range strings.FieldsFunc(name, notWord) {
			if w == s.word {
				return s.key
			}
		}
	}
	return name
}

// notWord splits a maker's name into words.
func notWord(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
}
