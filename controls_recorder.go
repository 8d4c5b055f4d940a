package camsec

import (
	"fmt"
	"slices"
	"strings"
)

// recorderControls are the NVR family: the cameras behind a recorder.
func recorderControls() []*control {
	return []*control{
		{
			id: "NVR-03", title: "The recorder's logins to its cameras are known and work", severity: High, level: 1, risk: "none",
			why:    "A login that nobody has on record is forgotten when passwords are rotated, and the camera goes dark.",
			remedy: "Record which account each channel uses, and give the recorder the new password in the same step as the camera.",
			refs:   "NIST SP 800-53 IA-5, CM-8; IEC 62443-4-2 CR 1.5; CIS v8 5.1",
			judge:  judgeChannelLogins,
		},
	}
}

// eachChannel judges something that must be so for every camera behind a
// recorder. The words are those of the unknown, the failing and the passing
// answer.
func (q *inquiry) eachChannel(untold, bad, good string, of func(Channel) State) Verdict {
	inv := q.s.Inventory
	if p := q.s.Errors["inventory"]; p != nil {
		q.lack("inventory", p)
		return q.unknown()
	}
	if len(inv.Channels) == 0 && isCamera(inv.Type) {
		return q.notApplicable("the device is a camera, with none behind it")
	}
	if inv.ChannelsErr != nil {
		q.lack("cameras behind the recorder", inv.ChannelsErr)
	}
	if len(inv.Channels) == 0 {
		return q.unknown("no camera behind the device was reported")
	}
	var wrong, silent []string
	for _, c := range inv.Channels {
		switch of(c) {
		case StateOff:
			wrong = append(wrong, printable(c.ID))
		case StateUnknown:
			silent = append(silent, printable(c.ID))
		}
	}
	switch {
	case len(wrong) > 0:
		return q.fail("%s on channel %s", bad, strings.Join(wrong, ", "))
	case len(silent) > 0:
		return q.unknown("the recorder " + untold + " on channel " + strings.Join(silent, ", "))
	case len(q.missing) > 0:
		return q.unknown()
	}
	return q.pass(good, len(inv.Channels))
}

// isCamera tells types that say "camera" in some maker's words.
func isCamera(typ string) bool {
	typ = strings.ToLower(typ)
	return slices.ContainsFunc([]string{"ipcamera", "ipdome", "ipzoom", "camera"}, func(w string) bool {
		return typ != "" && strings.Contains(typ, w)
	})
}

func judgeChannelLogins(q *inquiry) Verdict {
	declared := q.baseline.ChannelAccounts
	var foreign []string
	for _, c := range q.s.Inventory.Channels {
		if c.User != "" && len(declared) > 0 && !slices.Contains(declared, c.User) {
			foreign = append(foreign, fmt.Sprintf("%q on channel %s", printable(c.User), printable(c.ID)))
		}
	}
	v := q.eachChannel("does not say whether the camera takes its login", "the camera refuses the recorder's login",
		"the recorder's logins to %d channels work", func(c Channel) State { return c.Login })
	switch {
	case v.Status == Fail:
	case len(foreign) > 0:
		return q.fail("not expected: %s", strings.Join(foreign, ", "))
	case v.Status != Pass:
	case len(declared) == 0:
		return q.unknown("no accounts of channels declared")
	case slices.ContainsFunc(q.s.Inventory.Channels, func(c Channel) bool { return c.User == "" }):
		return q.unknown("the recorder does not name the account of every channel")
	}
	return v
}
