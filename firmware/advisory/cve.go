package advisory

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec/firmware"
)

// cveRecord is what we read of a CVE record (CVE JSON 5.x schema): the part
// of its numbering authority and those that others added.
type cveRecord struct {
	Metadata struct {
		ID        string `json:"cveId"`
		State     string `json:"state"`
		Published string `json:"datePublished"`
		Updated   string `json:"dateUpdated"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA cveContainer   `json:"cna"`
		ADP []cveContainer `json:"adp"`
	} `json:"containers"`
}

type cveContainer struct {
	Provider struct {
		Name string `json:"shortName"`
	} `json:"providerMetadata"`
	Title        string        `json:"title"`
	Tags         []string      `json:"tags"`
	Affected     []cveAffected `json:"affected"`
	ProblemTypes []struct {
		Descriptions []struct {
			CWE         string `json:"cweId"`
			Description string `json:"description"`
		} `json:"descriptions"`
	} `json:"problemTypes"`
	Metrics    []map[string]json.RawMessage `json:"metrics"`
	References []struct {
		URL string `json:"url"`
	} `json:"references"`
}

type cveAffected struct {
	Vendor        string       `json:"vendor"`
	Product       string       `json:"product"`
	DefaultStatus string       `json:"defaultStatus"`
	Versions      []cveVersion `json:"versions"`
}

type cveVersion struct {
	Version         string `json:"version"`
	Status          string `json:"status"`
	LessThan        string `json:"lessThan"`
	LessThanOrEqual string `json:"lessThanOrEqual"`
}

// readCVE turns a record into advisories, one for each maker that it names,
// and returns the day it was updated. A rejected record gives none.
func readCVE(b []byte) ([]Advisory, time.Time, error) {
	var rec cveRecord
	if err := json.Unmarshal(b, &rec); err != nil {
		return nil, time.Time{}, &Error{Reason: "no CVE record", Err: err}
	}
	if !isCVE(rec.Metadata.ID) {
		return nil, time.Time{}, &Error{Reason: "a CVE record without its id"}
	}
	updated := day(cmp.Or(rec.Metadata.Updated, rec.Metadata.Published))
	if rec.Metadata.State != "PUBLISHED" {
		return nil, updated, nil
	}
	rows := map[string][]Row{}
	rec.Containers.CNA.collect(rows, "CVE record")
	for i := range rec.Containers.ADP {
		rec.Containers.ADP[i].collect(rows, cmp.Or(clip(rec.Containers.ADP[i].Provider.Name), "CVE record, added"))
	}
	var out []Advisory
	for _, vendor := range slices.Sorted(maps.Keys(rows)) {
		a := rec.advisory(vendor)
		a.Affected = rows[vendor]
		out = append(out, a)
	}
	return out, updated, nil
}

// collect adds a container's rows by maker. A product without a maker or a
// name ("n/a") says nothing that a device could be held against.
func (c *cveContainer) collect(rows map[string][]Row, source string) {
	ended := slices.Contains(c.Tags, "unsupported-when-assigned")
	for _, af := range c.Affected {
		vendor := firmware.VendorKey(af.Vendor)
		if vendor == "" || vendor == "n/a" || strings.EqualFold(af.Product, "n/a") {
			continue
		}
		n := readNames(af.Vendor, af.Product)
		for _, r := range af.ranges() {
			if len(rows[vendor]) == maxRows {
				return
			}
			r.Models, r.Patterns, r.Vague, r.Software = []string{clip(af.Product)}, n.patterns, n.vague, n.software
			r.Source, r.EndOfLife = source, ended
			rows[vendor] = append(rows[vendor], r)
		}
	}
}

// ranges are the affected ranges of a product, as rows without names.
func (af *cveAffected) ranges() []Row {
	var out []Row
	for _, v := range af.Versions {
		if v.Status != "affected" {
			continue // unaffected islands are told by the borders of the rest
		}
		rng, ok := v.read(af.Vendor)
		out = append(out, Row{Range: rng, RangeUnknown: !ok})
	}
	if len(out) == 0 && len(af.Versions) == 0 && af.DefaultStatus == "affected" {
		out = append(out, Row{})
	}
	if len(out) == 0 && af.DefaultStatus == "affected" {
		// Affected but for what is listed as not: the list is not read.
		out = append(out, Row{RangeUnknown: true})
	}
	return out
}

// read puts one version entry into constraints. A lower border of 0, or one
// written with placeholders (B2303.X.X.XXXXXX), is none.
func (v cveVersion) read(vendor string) ([]Constraint, bool) {
	op, upper := "<", v.LessThan
	if upper == "" {
		op, upper = "<=", v.LessThanOrEqual
	}
	if upper == "" {
		if strings.EqualFold(v.Version, "n/a") || strings.EqualFold(v.Version, "unspecified") {
			return nil, false
		}
		return readRange(vendor, v.Version)
	}
	if upper == "*" { // every later one
		return lowerBorder(vendor, v.Version)
	}
	top, ok := readRange(vendor, op+" "+upper)
	if !ok {
		return nil, false
	}
	low, ok := lowerBorder(vendor, v.Version)
	return append(low, top...), ok
}

func lowerBorder(vendor, text string) ([]Constraint, bool) {
	if text = strings.TrimSpace(text); text == "" || strings.Trim(text, "0.") == "" || strings.Contains(text, ".X") ||
		strings.EqualFold(text, "unspecified") || strings.EqualFold(text, "n/a") {
		return nil, true
	}
	return readRange(vendor, ">= "+text)
}

func (rec *cveRecord) advisory(vendor string) Advisory {
	a := Advisory{ID: rec.Metadata.ID, Vendor: vendor}
	if t := day(rec.Metadata.Published); !t.IsZero() {
		a.Published = t.Format(time.DateOnly)
	}
	for _, c := range append([]cveContainer{rec.Containers.CNA}, rec.Containers.ADP...) {
		a.Title = cmp.Or(a.Title, clip(c.Title))
		for _, p := range c.ProblemTypes {
			for _, d := range p.Descriptions {
				a.CWE = cmp.Or(a.CWE, clip(d.CWE))
				a.Title = cmp.Or(a.Title, clip(d.Description))
			}
		}
		for _, m := range c.Metrics {
			for name, raw := range m {
				var s struct {
					Score float64 `json:"baseScore"`
				}
				if strings.HasPrefix(name, "cvssV") && json.Unmarshal(raw, &s) == nil {
					a.CVSS = max(a.CVSS, s.Score)
				}
			}
		}
	}
	for _, r := range rec.Containers.CNA.References {
		if strings.HasPrefix(r.URL, "https://") && len(a.References) < 4 {
			a.References = append(a.References, clip(r.URL))
		}
	}
	a.Title = cmp.Or(a.Title, a.ID)
	return a
}
