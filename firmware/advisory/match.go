package advisory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// A Status says whether an advisory applies to a device. Its zero value is
// Unknown: what was not decided must never read as safe.
type Status uint8

// Statuses.
const (
	// Unknown means that model or version is missing or not understood.
	Unknown Status = iota
	// NotAffected means that the advisory does not name the model or version.
	NotAffected
	// PossiblyAffected means that the advisory may apply and that its words,
	// or those of the device, do not let it be decided.
	PossiblyAffected
	// Affected means that the advisory names the model and the version.
	Affected
)

var statusNames = [...]string{"unknown", "not affected", "possibly affected", "affected"}

// String returns "unknown", "not affected", "possibly affected" or "affected".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return statusNames[Unknown]
}

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the status's name; one it does not know is Unknown.
func (s *Status) UnmarshalText(b []byte) error {
	*s = Status(max(0, slices.Index(statusNames[:], string(b)))) //nolint:gosec // an index of statusNames.
	return nil
}

// rank orders statuses by what an owner must hear first.
func (s Status) rank() int { return [...]int{1, 0, 2, 3}[min(s, Affected)] }

// A Finding is what one advisory means for one device.
type Finding struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Channel is the id of a camera behind a recorder; empty is the device
	// itself.
	Channel string `json:"channel,omitempty"`
	Status  Status `json:"status"`
	// Reason is the sentence that decided.
	Reason string `json:"reason"`
	// Source names the source of the row that decided; empty when none did.
	Source string `json:"source,omitempty"`
	// Conflict says what another source says otherwise; empty when none does.
	Conflict       string `json:"conflict,omitempty"`
	KnownExploited bool   `json:"knownExploited"`
	// EndOfLife means that the row that decided says that the model gets no
	// fixes any more. False says nothing.
	EndOfLife bool `json:"endOfLife,omitempty"`
	// EPSS is the estimate that the vulnerability will be exploited; nil is
	// unknown.
	EPSS       *EPSS    `json:"epss,omitempty"`
	CVSS       float64  `json:"cvss,omitempty"` // 0 is unknown
	Fixed      []Fix    `json:"fixed,omitempty"`
	References []string `json:"references,omitempty"`
}

// maxChannels bounds how many cameras behind a recorder are looked at.
const maxChannels = 4096

// A device is what rows are held against.
type device struct {
	channel string
	vendor  string
	model   string
	version func(vendor string) firmware.Version
}

// Match holds a device, and the cameras behind it, against every advisory of
// its maker. The findings come in order of urgency (affected, possibly
// affected, unknown, not affected), known-exploited ones first within each.
//
// For a maker that is not known, or of whom the dataset has nothing, only
// those advisories of other makers are returned that the model's name or the
// platform fits, as relabelled devices are common; they are never more than
// [PossiblyAffected]. No finding at all therefore means that nothing is
// known, not that the device is safe; see [DB.Covers].
func (db *DB) Match(inv camsec.Inventory) []Finding {
	var all []Finding
	for _, d := range devices(inv) {
		all = append(all, db.match(d)...)
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		if c := b.Status.rank() - a.Status.rank(); c != 0 {
			return c
		}
		if a.KnownExploited != b.KnownExploited {
			if a.KnownExploited {
				return -1
			}
			return 1
		}
		return 0
	})
	return all
}

// devices are the device itself and the cameras behind it.
func devices(inv camsec.Inventory) []device {
	report := func(f camsec.Firmware) func(string) firmware.Version {
		return func(vendor string) firmware.Version { return firmware.FromReport(vendor, f) }
	}
	ds := []device{{
		vendor: firmware.VendorKey(inv.Vendor), model: modelName(inv.Model),
		version: report(inv.Firmware),
	}}
	for _, c := range inv.Channels[:min(len(inv.Channels), maxChannels)] {
		if c.Model == "" && c.Firmware == (camsec.Firmware{}) && c.Address == "" {
			continue // An analogue input or an empty slot.
		}
		ds = append(ds, device{channel: c.ID, vendor: makerOf(c), model: modelName(c.Model), version: report(c.Firmware)})
	}
	return ds
}

// makerOf is the maker of a camera behind a recorder, as far as it can be told:
// a recorder tells the protocol, and only a maker's own tells the maker.
func makerOf(c camsec.Channel) string {
	switch k := firmware.VendorKey(c.Protocol); k {
	case firmware.Hikvision, firmware.Dahua, firmware.Axis:
		return k
	}
	return ""
}

func (db *DB) match(d device) []Finding {
	var out []Finding
	own := db.vendors[d.vendor] > 0
	versions := map[string]firmware.Version{}
	for i := range db.advisories {
		a := &db.advisories[i]
		if own && a.Vendor != d.vendor {
			continue
		}
		v, ok := versions[a.Vendor]
		if !ok {
			v = d.version(a.Vendor)
			versions[a.Vendor] = v
		}
		f := a.judge(d, v, !own)
		if !own {
			if f.Status != Affected && f.Status != PossiblyAffected {
				continue
			}
			f.Status = PossiblyAffected
			f.Reason = fmt.Sprintf("the maker is not known to be %s, but a relabelled device would be listed: %s", a.Vendor, f.Reason)
		}
		out = append(out, f)
	}
	return out
}

// judge holds one device against one advisory. Rows that name the model
// outrank rows that do so loosely or that go by platform. With foreign set,
// rows for every model of the maker do not count.
func (a *Advisory) judge(d device, v firmware.Version, foreign bool) Finding {
	f := Finding{
		ID: a.ID, Title: a.Title, Channel: d.channel, KnownExploited: a.KnownExploited != nil,
		CVSS: a.CVSS, EPSS: a.EPSS, Fixed: a.Fixed, References: a.References,
	}
	byStrength := map[strength][]int{}
	for i := range a.Affected {
		if s := a.Affected[i].names(d, v, foreign); s != unnamed {
			byStrength[s] = append(byStrength[s], i)
		}
	}
	rows, s := byStrength[named], named
	if len(rows) == 0 {
		rows, s = byStrength[loosely], loosely
	}
	if len(rows) == 0 {
		if d.model == "" {
			return a.withoutModel(f, v)
		}
		f.Status, f.Reason = NotAffected, fmt.Sprintf("model %s is not among those listed", tidy(d.model))
		return f
	}
	first := map[string]Finding{} // what each source says, at its most urgent
	for n, i := range rows {
		r := &a.Affected[i]
		g := f
		g.Status, g.Reason, g.Conflict = r.judge(d, v, s)
		g.Source, g.EndOfLife = r.Source, r.EndOfLife
		if n == 0 || g.Status.rank() > f.Status.rank() {
			f = g
		}
		if h, ok := first[r.Source]; !ok || g.Status.rank() > h.Status.rank() {
			first[r.Source] = g
		}
	}
	for _, source := range slices.Sorted(maps.Keys(first)) {
		// A source that names the model and lets it go contradicts one that
		// holds it.
		if g := first[source]; f.Status == Affected && s == named && (g.Status == NotAffected || g.Conflict != "") {
			f.Status, f.Conflict = PossiblyAffected, fmt.Sprintf("%s says otherwise: %s", source, g.Reason)
			f.Reason += "; the sources disagree"
		}
	}
	return f
}

// withoutModel decides by version alone: not affected if no row's range
// holds the version, else unknown.
func (a *Advisory) withoutModel(f Finding, v firmware.Version) Finding {
	for i := range a.Affected {
		r := &a.Affected[i]
		if r.Software || r.Platform != "" {
			continue
		}
		if got, _ := within(r.Range, v); got != outside || r.RangeUnknown || r.Conflict != nil {
			f.Status, f.Reason = Unknown, "the device's model is not known"
			return f
		}
	}
	f.Status, f.Reason = NotAffected, "the model is not known, and no listed range holds version "+tidy(v.Raw)
	return f
}

// names tells how well the row names the device.
func (r *Row) names(d device, v firmware.Version, foreign bool) strength {
	if r.Platform != "" {
		if v.Platform == r.Platform {
			return loosely
		}
		return unnamed
	}
	best := unnamed
	for _, p := range r.Patterns {
		switch {
		case p == "*" && foreign:
		case d.model == "" && p != "*":
		case r.Software:
			if strings.EqualFold(p, d.model) {
				best = named
			}
		default:
			s := nameModel(p, d.model)
			if foreign && s == loosely {
				s = unnamed
			}
			best = max(best, s)
		}
	}
	return best
}

// judge decides a row that names the device.
func (r *Row) judge(d device, v firmware.Version, s strength) (status Status, reason, conflict string) {
	got, why := within(r.Range, v)
	if r.Conflict != nil {
		if other, text := within(r.Conflict.Range, v); other != got {
			conflict = fmt.Sprintf("%s says otherwise: %s", r.Conflict.Source, text)
		}
	}
	what := "model " + tidy(d.model) + " is listed"
	switch {
	case s == named && slices.Contains(r.Patterns, "*") && !r.Vague:
		what = "every model is listed"
	case r.Platform != "":
		what = fmt.Sprintf("model %s is not listed, but platform %s is", tidy(d.model), r.Platform)
	case s == loosely:
		what = "a listed pattern may mean model " + tidy(d.model)
	case r.Vague:
		what = "the models are listed in general words"
	}
	sentence := what + ", and " + why
	switch {
	case got == outside && conflict != "":
		return PossiblyAffected, sentence + "; the sources disagree", conflict
	case got == outside:
		return NotAffected, what + ", but " + why, ""
	case r.RangeUnknown:
		return PossiblyAffected, what + ", and its source gives the versions in a way that does not decide", conflict
	case got == unsure && !v.Known() && v.Released == "":
		return Unknown, sentence, conflict
	case got == unsure || s == loosely || r.Vague:
		return PossiblyAffected, sentence, conflict
	}
	return Affected, sentence, conflict
}
