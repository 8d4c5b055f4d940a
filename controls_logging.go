package camsec

import (
	"slices"
	"strings"
)

// loggingControls are the LOG family: whether the clock and the log can be believed.
func loggingControls() []*control {
	return []*control{
		{
			id: "LOG-01", title: "The clock follows a time server", severity: Medium, level: 1, risk: "low",
			why:    "Recordings are evidence only with the right time, and certificates and tokens are checked against it.",
			remedy: "Switch NTP on and name a server of your own.",
			refs:   "NIST SP 800-53 AU-8; IEC 62443-4-2 CR 2.11; ANSSI R63; CIS v8 8.4",
			judge:  judgeTimeServer,
		},
		{
			id: "LOG-02", title: "The clock is right to two seconds", severity: Medium, level: 1, risk: "none",
			why:    "A clock that is off breaks logins that depend on it and the order of events between devices.",
			remedy: "Set the clock from the time server; look at the server if it drifts again.",
			refs:   "NIST SP 800-53 AU-8; IEC 62443-4-2 CR 2.11; ANSSI R63; CIS v8 8.4",
			judge:  judgeClock,
		},
		{
			id: "LOG-03", title: "The device keeps a log", severity: Medium, level: 1, risk: "none",
			why:    "Without a log nobody can tell afterwards who logged in and what was changed.",
			remedy: "Switch the log on, at a level that keeps operations and exceptions.",
			refs:   "NIST SP 800-53 AU-2, AU-12; IEC 62443-4-2 CR 2.8; ETSI EN 303 645 5.7-2; CRA Annex I Part I (2)(l); EN 18031 LGM; ANSSI R102; CIS v8 8.2",
			judge:  allAre(StateOn, labelled{"log.enabled", "log"}),
		},
		{
			id: "LOG-04", title: "The log leaves the device, encrypted", severity: Medium, level: 2, risk: "none",
			why:    "The device's own log is small and goes with the device, or with the intruder.",
			remedy: "Name a log server that takes TLS and switch encryption on.",
			refs:   "NIST SP 800-53 AU-9, AU-6; IEC 62443-4-2 CR 6.1; ANSSI R102; CIS v8 8.9",
			judge:  allAre(StateOn, labelled{"log.server", "log server"}, labelled{"log.server.tls", "encryption to the log server"}),
		},
	}
}

func judgeTimeServer(q *inquiry) Verdict {
	ntp := q.on("time.ntp", "NTP")
	if ntp == StateOff {
		return q.fail("NTP is off")
	}
	server, ok := q.setting("time.ntp.server", "time server", kindString)
	name := strings.TrimSpace(server.Text())
	declared := q.baseline.TimeServers
	switch {
	case ok && name == "":
		return q.fail("no time server is named")
	case ok && len(declared) > 0 && !slices.Contains(declared, name):
		return q.fail("follows %s, which is not declared", printable(name))
	case len(q.missing) > 0:
		return q.unknown()
	case len(declared) == 0:
		return q.pass("follows %s; no time server was declared to compare with", printable(name))
	}
	return q.pass("follows %s", printable(name))
}

func judgeClock(q *inquiry) Verdict {
	v, ok := q.setting("time.offset-seconds", "clock offset", kindInt)
	switch off := v.Int(); {
	case !ok:
		return q.unknown()
	case off > 2 || off < -2:
		return q.fail("the clock is off by %d seconds", off)
	default:
		return q.pass("the clock is off by %d seconds", off)
	}
}
