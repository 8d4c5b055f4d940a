package camsec

import "strings"

// firmwareControls ask only whether the device can be told from others and
// its firmware from other versions. Whether that version is good is for the
// controls of package firmware/advisory.
func firmwareControls() []*control {
	return []*control{{
		id: "INV-01", title: "The device says fully what it is and what it runs", severity: Medium,
		remedy: "Record by hand what the device does not tell; a shared serial or MAC is for its maker to explain.",
		refs:   "NIST SP 800-53 CM-8; IEC 62443-4-2 CR 7.8; ETSI EN 303 645 5.3-16; ANSSI R30; CIS v8 1.1; NISTIR 8259A Device Identification",
		judge:  judgeIdentity,
	}}
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
