package advisory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// maxAge is how old a dataset may be before it proves nothing any more: a
// device that no entry names then counts as unknown instead of passing.
const maxAge = 365 * 24 * time.Hour

// Controls returns the controls that judge a device's firmware by db, ordered
// by id: FW-01, that no published vulnerability applies, and FW-02, that none
// applies that is known to be exploited. They use nothing but the inventory
// in the snapshot. A nil db means [Embedded].
func Controls(db *DB) []camsec.Control {
	if db == nil {
		db = Embedded()
	}
	return []camsec.Control{
		&control{
			db: db, id: "FW-01", title: "No published vulnerability applies to the running firmware",
			what: "advisory", keep: func(Finding) bool { return true },
			refs: []string{
				"NIST SP 800-53 SI-2", "NIST SP 800-53 RA-5", "IEC 62443-4-2 CR 3.10", "ETSI EN 303 645 5.3-2",
				"ETSI EN 303 645 5.3-8", "CRA Annex I Part I (2)(a)(c)", "EN 18031 GEC-1", "ANSSI R95", "CIS v8 7.3", "CIS v8 7.7",
			},
		},
		&control{
			db: db, id: "FW-02", title: "No vulnerability known to be exploited applies to the running firmware",
			what: "known-exploited advisory", keep: func(f Finding) bool { return f.KnownExploited },
			refs: []string{
				"NIST SP 800-53 RA-5", "IEC 62443-4-2 CR 3.10", "ETSI EN 303 645 5.3-8", "CRA Annex I Part I (2)(a)",
				"EN 18031 GEC-1", "ANSSI R95", "CIS v8 7.7",
			},
		},
	}
}

type control struct {
	db        *DB
	id, title string
	what      string
	keep      func(Finding) bool
	refs      []string
}

func (c *control) ID() string                { return c.id }
func (c *control) Title() string             { return c.title }
func (c *control) Severity() camsec.Severity { return camsec.Critical }
func (c *control) References() []string      { return slices.Clone(c.refs) }

// Level is that of every site.
func (c *control) Level() int { return 1 }

// Rationale says why the question matters.
func (c *control) Rationale() string {
	if c.id == "FW-02" {
		return "A weakness that is being exploited elsewhere will be tried here."
	}
	return "A published weakness is known to everybody who looks for one."
}

// CutOffRisk is that of an upgrade, which is the remedy.
func (c *control) CutOffRisk() string {
	if c.id == "FW-02" {
		return "none" // a report; FW-01 is the one that asks for the upgrade
	}
	return "high"
}

// Dataset names the data that the answer depends on, with its date.
func (c *control) Dataset() (name string, asOf time.Time) { return "advisories", c.db.asOf }

// Remedy says what to do; it is the same for every maker.
func (c *control) Remedy() string {
	return "Install the maker's fixed firmware for this model and platform; until then keep the device off networks that it need not be on."
}

func (c *control) Judge(s *camsec.Snapshot, now time.Time) camsec.Verdict {
	if s == nil {
		s = &camsec.Snapshot{}
	}
	v := camsec.Verdict{Evidence: []camsec.Source{{Operation: "inventory", Path: "model, firmware"}}}
	v.Status, v.Reason = c.judge(s, now)
	return v
}

func (c *control) judge(s *camsec.Snapshot, now time.Time) (camsec.Status, string) {
	inv := s.Inventory
	by := map[Status][]string{}
	for _, f := range c.db.Match(inv) {
		if c.keep(f) {
			by[f.Status] = append(by[f.Status], f.sentence())
		}
	}
	switch {
	case len(by[Affected]) > 0:
		return camsec.Fail, "affected: " + some(by[Affected])
	case s.Errors["inventory"] != nil:
		return camsec.StatusUnknown, "the inventory could not be read: " + string(s.Errors["inventory"].Code)
	case len(by[PossiblyAffected]) > 0:
		return camsec.StatusUnknown, "possibly affected: " + some(by[PossiblyAffected])
	case len(by[Unknown]) > 0:
		return camsec.StatusUnknown, "not decided: " + some(by[Unknown])
	}
	if missing := c.undecided(inv); missing != "" {
		return camsec.StatusUnknown, missing
	}
	if now.Sub(c.db.asOf) > maxAge {
		return camsec.StatusUnknown, fmt.Sprintf("no %s applies, but the dataset is of %s and too old to tell", c.what, c.db.asOf.Format(time.DateOnly))
	}
	return camsec.Pass, fmt.Sprintf("no %s of the dataset of %s applies to %s firmware %s; %d of this maker were held against it",
		c.what, c.db.asOf.Format(time.DateOnly), tidy(inv.Model), tidy(firmware.FromReport(inv.Vendor, inv.Firmware).Raw), c.count(inv.Vendor))
}

// count is how many advisories of a maker the control looks at.
func (c *control) count(vendor string) int {
	n, key := 0, firmware.VendorKey(vendor)
	for i := range c.db.advisories {
		a := &c.db.advisories[i]
		if a.Vendor == key && c.keep(Finding{KnownExploited: a.KnownExploited != nil}) {
			n++
		}
	}
	return n
}

// undecided says why the lack of findings is no pass; "" if it is one.
func (c *control) undecided(inv camsec.Inventory) string {
	var channels []string
	for _, d := range devices(inv) {
		missing := ""
		switch {
		case d.vendor == "":
			missing = "the maker is not known"
		case c.db.vendors[d.vendor] == 0:
			missing = "the dataset has nothing about this maker"
		case d.model == "":
			missing = "the model is not known"
		case !d.version(d.vendor).Known():
			missing = "the firmware version is not known or not understood"
		}
		switch {
		case missing == "":
		case d.channel == "":
			return missing
		default:
			channels = append(channels, "channel "+tidy(d.channel)+": "+missing)
		}
	}
	if len(channels) > 0 {
		return "no " + c.what + " applies to the recorder itself, but cameras behind it are not decided: " + some(channels)
	}
	if len(inv.Channels) > maxChannels {
		return "too many channels to look at"
	}
	if p := inv.ChannelsErr; p != nil && p.Code != camsec.ReasonNotOffered && p.Code != camsec.ReasonNotReadable {
		return "the cameras behind the recorder could not be read: " + string(p.Code)
	}
	return ""
}

// sentence says what the finding is, for the reason of a verdict.
func (f Finding) sentence() string {
	s := f.ID
	if f.Channel != "" {
		s += " on channel " + tidy(f.Channel)
	}
	if f.KnownExploited {
		s += " (known exploited)"
	}
	if f.EndOfLife {
		s += " (no fix to come)"
	}
	return s + ": " + f.Reason
}

// some joins the first few of many sentences.
func some(list []string) string {
	const most = 4
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:most], "; "), len(list)-most)
}
