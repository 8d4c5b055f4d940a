package advisory

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec/firmware"
)

// csafDocument is what we read of a CSAF 2.0 advisory (OASIS standard,
// 18 November 2022), section 3.2.
type csafDocument struct {
	Document struct {
		Category  string `json:"category"`
		Title     string `json:"title"`
		Publisher struct {
			Name string `json:"name"`
		} `json:"publisher"`
		References []csafReference `json:"references"`
		Tracking   struct {
			ID       string `json:"id"`
			Released string `json:"initial_release_date"`
			Current  string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches      []csafBranch  `json:"branches"`
		Names         []csafProduct `json:"full_product_names"`
		Relationships []struct {
			Product csafProduct `json:"full_product_name"`
			Of      string      `json:"product_reference"`
			On      string      `json:"relates_to_product_reference"`
		} `json:"relationships"`
		Groups []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
	} `json:"product_tree"`
	Vulnerabilities []csafVulnerability `json:"vulnerabilities"`
}

type csafReference struct {
	Category string `json:"category"`
	URL      string `json:"url"`
}

type csafProduct struct {
	ID   string `json:"product_id"`
	Name string `json:"name"`
}

type csafBranch struct {
	Category string       `json:"category"`
	Name     string       `json:"name"`
	Product  *csafProduct `json:"product"`
	Branches []csafBranch `json:"branches"`
}

type csafVulnerability struct {
	CVE string `json:"cve"`
	CWE struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"cwe"`
	Title  string              `json:"title"`
	Status map[string][]string `json:"product_status"`
	Scores []struct {
		V3 struct {
			Score float64 `json:"baseScore"`
		} `json:"cvss_v3"`
		V2 struct {
			Score float64 `json:"baseScore"`
		} `json:"cvss_v2"`
	} `json:"scores"`
	Remediations []struct {
		Category string   `json:"category"`
		Details  string   `json:"details"`
		Products []string `json:"product_ids"`
		Groups   []string `json:"group_ids"`
	} `json:"remediations"`
}

// A product is what a product id of a document stands for.
type product struct {
	vendor, model, version string
}

// maxDepth bounds how deep a product tree may be nested.
const maxDepth = 16

// readCSAF turns a document into advisories, one for each vulnerability, and
// returns the day of its newest revision.
func readCSAF(b []byte) ([]Advisory, time.Time, error) {
	var doc csafDocument
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, time.Time{}, &Error{Reason: "no CSAF document", Err: err}
	}
	id := doc.Document.Tracking.ID
	if id == "" {
		return nil, time.Time{}, &Error{Reason: "a CSAF document without tracking id"}
	}
	products := map[string]product{}
	for _, br := range doc.Tree.Branches {
		if !br.collect(products, product{}, 0) {
			return nil, time.Time{}, &Error{ID: id, Reason: "the product tree is nested too deep"}
		}
	}
	for _, n := range doc.Tree.Names {
		if _, ok := products[n.ID]; !ok {
			products[n.ID] = product{model: n.Name}
		}
	}
	for _, r := range doc.Tree.Relationships {
		// Firmware installed on hardware: the version of the one on the other.
		of, on := products[r.Of], products[r.On]
		products[r.Product.ID] = product{vendor: cmp.Or(on.vendor, of.vendor), model: cmp.Or(on.model, of.model), version: of.version}
	}
	groups := map[string][]string{}
	for _, g := range doc.Tree.Groups {
		groups[g.ID] = g.Products
	}
	var out []Advisory
	for i := range doc.Vulnerabilities {
		v := &doc.Vulnerabilities[i]
		byVendor := v.rows(id, products, groups)
		for _, vendor := range slices.Sorted(maps.Keys(byVendor)) {
			a := doc.advisory(v, i, vendor)
			a.Affected, a.Fixed = byVendor[vendor], v.fixed(id, vendor, products)
			out = append(out, a)
		}
	}
	return out, day(doc.Document.Tracking.Current), nil
}

// collect files the products of a branch and those under it.
func (br *csafBranch) collect(into map[string]product, p product, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch br.Category {
	case "vendor":
		p.vendor = br.Name
	case "product_name":
		p.model = br.Name
	case "product_family":
		if p.model == "" {
			p.model = br.Name + " Series"
		}
	case "product_version", "product_version_range":
		p.version = br.Name
	}
	if br.Product != nil {
		into[br.Product.ID] = p
	}
	for i := range br.Branches {
		if !br.Branches[i].collect(into, p, depth+1) {
			return false
		}
	}
	return true
}

// rows are the affected rows of a vulnerability for each maker; models of one
// range share a row.
func (v *csafVulnerability) rows(source string, products map[string]product, groups map[string][]string) map[string][]Row {
	noFix := map[string]bool{}
	for _, r := range v.Remediations {
		if r.Category != "no_fix_planned" || !endOfLife(r.Details) {
			continue
		}
		for _, id := range r.Products {
			noFix[id] = true
		}
		for _, g := range r.Groups {
			for _, id := range groups[g] {
				noFix[id] = true
			}
		}
	}
	out := map[string][]Row{}
	at := map[string]int{}
	for _, status := range []string{"known_affected", "first_affected", "last_affected", "under_investigation"} {
		for _, id := range v.Status[status] {
			p, ok := products[id]
			if !ok {
				continue
			}
			row := p.row(source)
			row.EndOfLife = noFix[id]
			row.RangeUnknown = row.RangeUnknown || status == "under_investigation"
			vendor := firmware.VendorKey(p.vendor)
			if vendor == "" {
				vendor = unnamedVendor
			}
			key := vendor + "\n" + row.key()
			if i, ok := at[key]; ok && len(out[vendor][i].Patterns) < maxList {
				out[vendor][i].take(row)
				continue
			}
			at[key] = len(out[vendor])
			out[vendor] = append(out[vendor], row)
		}
	}
	return out
}

// unnamedVendor files advisories whose source names no maker. No device has
// it, so that they match relabelled devices at most.
const unnamedVendor = "unnamed"

// row reads the words of a product. Documents were seen that put models into
// the version's place.
func (p product) row(source string) Row {
	model, version := p.model, p.version
	rng, ok := readRange(p.vendor, version)
	n := readNames(p.vendor, model)
	if m := readNames(p.vendor, version); (n.vague || len(rng) == 1 && rng[0].Op == "==") && namesModel(version) && !m.vague {
		model, n, rng, ok = version, m, nil, true
	}
	return Row{
		Models: []string{clip(model)}, Patterns: n.patterns, Vague: n.vague, Software: n.software,
		Range: rng, RangeUnknown: !ok, Source: source,
	}
}

// namesModel tells a model from a version: letters and digits and no dotted
// number.
func namesModel(s string) bool {
	if reNumber.MatchString(s) || reAll.MatchString(s) || strings.ContainsAny(s, "<>=|_") {
		return false
	}
	return strings.ContainsAny(s, "0123456789") && strings.IndexFunc(s, func(r rune) bool { return 'A' <= r && r <= 'Z' }) >= 0
}

// key is equal for rows that differ in their models alone.
func (r *Row) key() string {
	b, _ := json.Marshal([]any{r.Range, r.RangeUnknown, r.Vague, r.Software, r.Source, r.EndOfLife}) // plain values
	return string(b)
}

// take adds the models of another row.
func (r *Row) take(other Row) {
	for _, m := range other.Models {
		if !slices.Contains(r.Models, m) {
			r.Models = append(r.Models, m)
		}
	}
	for _, p := range other.Patterns {
		if !slices.Contains(r.Patterns, p) {
			r.Patterns = append(r.Patterns, p)
		}
	}
}

// fixed are the versions that the document lists as repaired.
func (v *csafVulnerability) fixed(source, vendor string, products map[string]product) []Fix {
	var out []Fix
	for _, status := range []string{"first_fixed", "fixed"} {
		for _, id := range v.Status[status] {
			p, ok := products[id]
			if !ok || p.version == "" || firmware.VendorKey(p.vendor) != vendor {
				continue
			}
			f := Fix{Model: clip(p.model), Version: clip(p.version), Source: source}
			if len(out) < maxList && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out
}

func (d *csafDocument) advisory(v *csafVulnerability, i int, vendor string) Advisory {
	id := d.Document.Tracking.ID
	a := Advisory{
		ID: v.CVE, Vendor: vendor, Title: clip(cmp.Or(v.Title, v.CWE.Name, d.Document.Title)),
		CWE: clip(v.CWE.ID),
	}
	if a.ID == "" {
		a.ID = id + "#" + strconv.Itoa(i+1)
	} else {
		a.Aliases = []string{clip(id)}
	}
	if t := day(d.Document.Tracking.Released); !t.IsZero() {
		a.Published = t.Format(time.DateOnly)
	}
	for _, s := range v.Scores {
		a.CVSS = max(a.CVSS, s.V3.Score, s.V2.Score)
	}
	for _, r := range d.Document.References {
		if r.Category == "self" && strings.HasPrefix(r.URL, "https://") && len(a.References) < 4 {
			a.References = append(a.References, clip(r.URL))
		}
	}
	return a
}
