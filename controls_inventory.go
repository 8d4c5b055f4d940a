package camsec

import (
	"fmt"
	"slices"
	"strings"
)

// inventoryControls are INV, FW-07 and FW-09: what the device is, and whether it
// still is as approved. The other FW ones come from package firmware/advisory.
func inventoryControls() []*control {
	return []*control{
		{
			id: "FW-07", title: "The device updates itself only where that was decided", severity: Low, level: 1, risk: "low",
			why:    "A device that updates itself restarts when nobody expects it, with firmware that nobody of its owners has looked at; one that was meant to and does not stays behind.",
			remedy: "Switch fetching and installing off, or declare in the baseline's inUse who wants them on.",
			refs:   "NIST SP 800-53 SI-2; IEC 62443-4-2 CR 3.10; ETSI EN 303 645 5.3-4, 5.3-6; CRA Annex I Part I (2)(c); EN 18031 SUM-3",
			judge: allAre(StateOff, labelled{"firmware.auto-download", "fetching firmware by itself"},
				labelled{"firmware.auto-upgrade", "installing it by itself"}),
		},
		{
			id: "FW-09", title: "The settings are those that were approved", severity: Medium, level: 1, risk: "none",
			why:    "What changed without a decision was changed by somebody.",
			remedy: "Find out who changed it; put it back, or approve the new state.",
			refs:   "NIST SP 800-53 CM-2, CM-6; IEC 62443-4-2 CR 7.6; ETSI EN 303 645 5.7-2; CIS v8 4.1",
			judge:  judgeDrift,
		},
		{
			id: "INV-01", title: "The device says fully what it is and what it runs", severity: Medium, level: 1, risk: "none",
			why:    "What cannot be identified cannot be updated, replaced or told from another.",
			remedy: "Record by hand what the device does not tell; a shared serial or MAC is for its maker to explain.",
			refs:   "NIST SP 800-53 CM-8; IEC 62443-4-2 CR 7.8; ETSI EN 303 645 5.3-16; ANSSI R30; CIS v8 1.1; NISTIR 8259A Device Identification",
			judge:  judgeIdentity,
		},
		{
			id: "INV-02", title: "The maker is known, with what procurement rules say of it", severity: Info, level: 1, risk: "none",
			why:    "Some buyers may not use equipment of makers that a law names.",
			remedy: "Ask the supplier who built the device.",
			refs:   "NIST SP 800-53 SR-5, SR-11",
			judge:  judgeMaker,
		},
	}
}

func judgeIdentity(q *inquiry) Verdict {
	inv := q.s.Inventory
	if p := q.s.Errors["inventory"]; p != nil {
		q.lack("identity", p)
		return q.unknown()
	}
	var empty, told []string
	for _, f := range []struct{ name, value string }{
		{"vendor", inv.Vendor},
		{"model", inv.Model},
		{"serial", inv.Serial},
		{"MAC", inv.MAC},
		{"firmware version", inv.Firmware.Version},
		{"firmware build", inv.Firmware.Build},
	} {
		if strings.TrimSpace(f.value) == "" {
			empty = append(empty, f.name)
		} else {
			told = append(told, f.name)
		}
	}
	switch {
	case len(told) == 0:
		return q.unknown("nothing about the identity was reported")
	case len(empty) > 0:
		return q.fail("not reported: %s", strings.Join(empty, ", "))
	case IsPlaceholder(inv.Serial):
		return q.fail("the serial is one that many devices share")
	case IsPlaceholder(inv.MAC):
		return q.fail("the MAC is one that many devices share")
	}
	return q.pass("%s %s, firmware %s build %s", printable(inv.Vendor), printable(inv.Model),
		printable(inv.Firmware.Version), printable(inv.Firmware.Build))
}

// moving are settings that change by themselves.
var moving = []string{"time.offset-seconds", "tls.certificate.days-left", "account.password.days-left"}

// judgeDrift compares with the snapshot that the owner approved. Only what
// both hold can differ; what cannot be read any more is unknown.
func judgeDrift(q *inquiry) Verdict {
	var approved *Snapshot
	if q.baseline.Approved != nil {
		approved = q.baseline.Approved(q.s.Target)
	}
	if approved == nil {
		return q.unknown("no approved settings to compare with")
	}
	var changed []string
	compared := 0
	for _, was := range approved.Settings {
		if !was.Known() || slices.Contains(moving, was.ID) {
			continue
		}
		is, ok := q.setting(was.ID, was.ID, was.Value.Kind())
		if !ok {
			continue
		}
		compared++
		if is.String() != was.Value.String() {
			changed = append(changed, fmt.Sprintf("%s was %s and is %s", was.ID, printable(was.Value.String()), printable(is.String())))
		}
	}
	switch {
	case len(changed) > 0:
		return q.fail("changed: %s", strings.Join(changed, ", "))
	case len(q.missing) > 0:
		return q.unknown()
	case compared == 0:
		return q.unknown("the approved settings hold nothing to compare with")
	}
	return q.pass("%d settings are as approved", compared)
}

// The makers that section 889(f)(3) of the United States' National Defense
// Authorization Act for fiscal year 2019 (Public Law 115-232) and the FCC's
// Covered List (47 CFR 1.50002, public notice DA 21-309 of 12 March 2021)
// name.
var namedMakers = map[string]string{
	"hikvision": "Hangzhou Hikvision", "dahua": "Dahua", "hytera": "Hytera", "huawei": "Huawei", "zte": "ZTE",
}

// judgeMaker puts facts on record; what follows from them is for the buyer's
// counsel, so being named is no failure.
func judgeMaker(q *inquiry) Verdict {
	if p := q.s.Errors["inventory"]; p != nil {
		q.lack("maker", p)
		return q.unknown()
	}
	vendor := strings.ToLower(q.s.Inventory.Vendor)
	if strings.TrimSpace(vendor) == "" {
		return q.unknown("the device does not name its maker")
	}
	for word, name := range namedMakers {
		if strings.Contains(vendor, word) {
			return q.pass("%s is named in section 889(f)(3) of Public Law 115-232 and in the FCC's Covered List (DA 21-309); whether a rule applies is for counsel to say", name)
		}
	}
	if q.s.Protocol == "isapi" {
		return q.unknown(fmt.Sprintf("%s speaks Hikvision's protocol, so another may have built the device", printable(q.s.Inventory.Vendor)))
	}
	return q.pass("%s is not named in section 889(f)(3) of Public Law 115-232 or the FCC's Covered List (DA 21-309); who built the device for it is not told", printable(q.s.Inventory.Vendor))
}
