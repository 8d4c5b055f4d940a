package advisory

import (
	"encoding/json"
	"time"

	"github.com/camsec/camsec/firmware"
)

// kevCatalog is what we read of CISA's catalogue of known-exploited
// vulnerabilities (JSON form, schema 1.x).
type kevCatalog struct {
	Released        string `json:"dateReleased"`
	Vulnerabilities []struct {
		CVE     string `json:"cveID"`
		Vendor  string `json:"vendorProject"`
		Product string `json:"product"`
		Name    string `json:"vulnerabilityName"`
		Added   string `json:"dateAdded"`
		Short   string `json:"shortDescription"`
		Action  string `json:"requiredAction"`
	} `json:"vulnerabilities"`
}

// readKEV turns the catalogue into advisories without ranges: it names a
// maker and a product and says that the vulnerability is exploited. Merged
// with a source that knows the ranges, those decide.
func readKEV(b []byte) ([]Advisory, time.Time, error) {
	var cat kevCatalog
	if err := json.Unmarshal(b, &cat); err != nil {
		return nil, time.Time{}, &Error{Reason: "no catalogue of exploited vulnerabilities", Err: err}
	}
	var out []Advisory
	for _, v := range cat.Vulnerabilities {
		vendor := firmware.VendorKey(v.Vendor)
		if !isCVE(v.CVE) || vendor == "" {
			return nil, time.Time{}, &Error{ID: clip(v.CVE), Reason: "an entry of the catalogue has no CVE id or no maker"}
		}
		n := readNames(v.Vendor, v.Product)
		out = append(out, Advisory{
			ID: v.CVE, Vendor: vendor, Title: clip(v.Name),
			KnownExploited: &Exploited{DateAdded: clip(v.Added), Source: kevSource},
			Affected: []Row{{
				Models: []string{clip(v.Product)}, Patterns: n.patterns, Vague: n.vague, Software: n.software,
				RangeUnknown: true, Source: kevSource, EndOfLife: endOfLife(v.Short) || endOfLife(v.Action),
			}},
		})
	}
	return out, day(cat.Released), nil
}

const kevSource = "kev"
