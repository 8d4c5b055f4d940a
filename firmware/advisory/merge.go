package advisory

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Merge puts datasets into one. What they say of one vulnerability of one maker
// stands side by side, each row with its source: where two sources disagree
// about a device, the finding says so. The catalogue of exploited
// vulnerabilities, which knows no versions, adds its mark to what others say
// and decides only where they say nothing.
//
// The result is as of the earliest of the datasets' days, since what is
// absent from one may be absent for its age. Of entries that are equal one
// is kept. Merge changes none of its arguments; nil ones are passed over.
func Merge(dbs ...*DB) *DB {
	out := &DB{vendors: map[string]int{}}
	at := map[[2]string]int{}
	for _, db := range dbs {
		if db == nil {
			continue
		}
		if out.asOf.IsZero() || db.asOf.Before(out.asOf) && !db.asOf.IsZero() {
			out.asOf = db.asOf
		}
		for i := range db.advisories {
			a := &db.advisories[i]
			key := [2]string{a.ID, a.Vendor}
			if j, ok := at[key]; ok {
				out.advisories[j].merge(a)
				continue
			}
			at[key] = len(out.advisories)
			out.advisories = append(out.advisories, a.clone())
			out.vendors[a.Vendor]++
		}
	}
	for i := range out.advisories {
		out.advisories[i].preferRanges()
	}
	return out
}

// clone copies what merge changes.
func (a *Advisory) clone() Advisory {
	c := *a
	c.Aliases, c.References = slices.Clone(a.Aliases), slices.Clone(a.References)
	c.Fixed, c.Affected = slices.Clone(a.Fixed), slices.Clone(a.Affected)
	return c
}

func (a *Advisory) merge(b *Advisory) {
	a.Aliases = union(a.Aliases, b.Aliases)
	a.References = union(a.References, b.References)
	a.Fixed = union(a.Fixed, b.Fixed)
	a.CWE = cmp.Or(a.CWE, b.CWE)
	a.CVSS = max(a.CVSS, b.CVSS)
	if a.Published == "" || b.Published != "" && b.Published < a.Published {
		a.Published = b.Published
	}
	if a.KnownExploited == nil {
		a.KnownExploited = b.KnownExploited
	}
	if a.EPSS == nil || b.EPSS != nil && b.EPSS.Date > a.EPSS.Date {
		a.EPSS = b.EPSS
	}
	have := map[string]bool{}
	for i := range a.Affected {
		have[a.Affected[i].identity()] = true
	}
	for i := range b.Affected {
		if r := b.Affected[i]; !have[r.identity()] && len(a.Affected) < maxRows {
			a.Affected = append(a.Affected, r)
		}
	}
}

func (r *Row) identity() string {
	b, _ := json.Marshal(r) // plain values
	return string(b)
}

func union[T comparable](a, b []T) []T {
	for _, v := range b {
		if !slices.Contains(a, v) && len(a) < maxList {
			a = append(a, v)
		}
	}
	return a
}

// preferRanges drops the catalogue's rows where another source has rows; that
// a model gets no fixes any more is kept.
func (a *Advisory) preferRanges() {
	others := slices.ContainsFunc(a.Affected, func(r Row) bool { return r.Source != kevSource })
	if !others {
		return
	}
	ended := map[string]bool{}
	kept := a.Affected[:0:0]
	for _, r := range a.Affected {
		if r.Source != kevSource {
			kept = append(kept, r)
			continue
		}
		for _, p := range r.Patterns {
			ended[p] = ended[p] || r.EndOfLife && !r.Vague
		}
	}
	for i := range kept {
		kept[i].EndOfLife = kept[i].EndOfLife || slices.ContainsFunc(kept[i].Patterns, func(p string) bool { return ended[p] })
	}
	a.Affected = kept
}
