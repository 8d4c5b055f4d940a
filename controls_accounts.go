package camsec

import (
	"fmt"
	"slices"
	"strings"
)

// accountControls are the ACC family and the recorder's view of the accounts
// behind it. Ids, ranges and clauses are those of the hardening catalogue.
func accountControls() []*control {
	return []*control{
		{
			id: "ACC-01", title: "The device has been activated", severity: Critical,
			remedy: "Activate the device with a password of its own before it is reachable from anywhere else.",
			refs:   "NIST SP 800-53 IA-5; IEC 62443-4-2 CR 1.5; ETSI EN 303 645 5.1-1; CRA Annex I Part I (2)(b)(d); UK PSTI Sch. 1 ¶1; ANSSI R52; CIS v8 4.7",
			judge: loginFlag("device.activated", "activation", StateOn,
				func(l LoginState) State { return l.Activated },
				"the device is activated", "nobody has set a password yet: whoever comes first owns the device"),
		},
		{
			id: "ACC-02", title: "The account in use has no factory password", severity: Critical,
			remedy: "Rotate the password to a random one that no other device has.",
			refs:   "NIST SP 800-53 IA-5, IA-5(1); IEC 62443-4-2 CR 1.5, CR 1.7; ETSI EN 303 645 5.1-1; CRA Annex I Part I (2)(b)(d); EN 18031 AUM-5; UK PSTI Sch. 1 ¶1; ANSSI R52; CIS v8 4.7",
			judge: loginFlag("account.default-password", "factory password", StateOff,
				func(l LoginState) State { return l.DefaultPassword },
				"by the device's own flag the password is not the factory's", "by the device's own flag the factory password is still in use"),
		},
		{
			id: "ACC-04", title: "The device does not call the password weak", severity: High,
			remedy: "Set a random password as long as the device stores, at least 14 characters where it can.",
			refs:   "NIST SP 800-53 IA-5(1); IEC 62443-4-2 CR 1.7; ETSI EN 303 645 5.1-1; CRA Annex I Part I (2)(d); EN 18031 AUM-5; ANSSI R52; CIS v8 5.2",
			judge: loginFlag("account.risk-password", "weak password", StateOff,
				func(l LoginState) State { return l.RiskPassword },
				"the device's own check accepts the password", "the device's own check calls the password weak"),
		},
		{
			id: "ACC-08", title: "Only the expected accounts exist", severity: High,
			remedy: "Find out who made the account; delete it once a second administrator login is proven. Never delete the first administrator.",
			refs:   "NIST SP 800-53 AC-2; IEC 62443-4-2 CR 1.3; ETSI EN 303 645 5.6-5; ANSSI R84; CIS v8 5.1",
			judge:  judgeAccounts,
		},
		{
			id: "ACC-11", title: "Nobody watches without logging in", severity: Critical,
			remedy: "Switch anonymous login off.",
			refs:   "NIST SP 800-53 AC-3, IA-2; IEC 62443-4-2 CR 1.1, CR 2.1; ETSI EN 303 645 5.5-5; CRA Annex I Part I (2)(d)(e); EN 18031 ACM",
			judge:  allAre(StateOff, labelled{"login.anonymous", "anonymous login"}),
		},
		{
			id: "ACC-12", title: "Repeated wrong logins are locked out", severity: High,
			remedy: "Switch the illegal-login lock on, after every consumer of the device has the right password.",
			refs:   "NIST SP 800-53 AC-7; IEC 62443-4-2 CR 1.11; ETSI EN 303 645 5.1-5; CRA Annex I Part I (2)(d); EN 18031 AUM-6",
			judge:  allAre(StateOn, labelled{"login.lockout", "login lock"}),
		},
		{
			id: "ACC-13", title: "The login lock's threshold and duration are sensible", severity: Medium,
			remedy: "Lock after 5 to 10 tries, for 10 to 30 minutes.",
			refs:   "NIST SP 800-53 AC-7; IEC 62443-4-2 CR 1.11; ETSI EN 303 645 5.1-5; EN 18031 AUM-6",
			judge:  judgeLockBand,
		},
		{
			id: "ACC-14", title: "Somebody is told of illegal logins", severity: Medium,
			remedy: "Give the illegal-login event a notification that leaves the device: surveillance centre, HTTP host, syslog or mail.",
			refs:   "NIST SP 800-53 SI-4, AU-6; IEC 62443-4-2 CR 6.2; ETSI EN 303 645 5.7-2; CRA Annex I Part I (2)(d)(l); ANSSI R104; CIS v8 8.2",
			judge:  judgeLoginAlarm,
		},
		{
			id: "ACC-15", title: "An idle web session ends by itself", severity: Low,
			remedy: "Switch the idle logout on, at 15 minutes or less.",
			refs:   "NIST SP 800-53 AC-12; IEC 62443-4-2 CR 2.6",
			judge:  allAre(StateOn, labelled{"login.idle-logout", "idle logout"}),
		},
	}
}

// loginFlag judges a switch that a device may tell with its login state, in a
// setting, or in both. Either one saying the bad thing is enough to fail; a
// source that was asked and failed leaves no room for a pass.
func loginFlag(id, label string, want State, from func(LoginState) State, good, bad string) func(*inquiry) Verdict {
	return func(q *inquiry) Verdict {
		state := from(q.s.LoginState)
		problem := q.s.Errors["loginState"]
		if problem != nil {
			state = StateUnknown
		}
		reported := slices.ContainsFunc(q.s.Settings, func(v Setting) bool { return v.ID == id })
		set := StateUnknown
		if reported || state == StateUnknown {
			set = q.on(id, label)
		}
		for _, v := range []State{state, set} {
			if v != StateUnknown && v != want {
				return q.fail("%s", bad)
			}
		}
		if problem != nil && problem.Code != ReasonNotReadable && problem.Code != ReasonNotOffered {
			q.lack("login state", problem)
			return q.unknown()
		}
		if len(q.missing) > 0 {
			return q.unknown()
		}
		return q.pass("%s", good)
	}
}

func judgeLockBand(q *inquiry) Verdict {
	if q.on("login.lockout", "login lock") == StateOff {
		return q.notApplicable("the login lock is off, which ACC-12 reports")
	}
	tries, okTries := q.setting("login.lockout.tries", "tries before the lock", kindInt)
	seconds, okSeconds := q.setting("login.lockout.seconds", "duration of the lock", kindInt)
	if okTries && (tries.Int() < 5 || tries.Int() > 10) {
		return q.fail("locks after %d tries, outside 5 to 10", tries.Int())
	}
	if okSeconds && (seconds.Int() < 600 || seconds.Int() > 1800) {
		return q.fail("locks for %d seconds, outside 600 to 1800", seconds.Int())
	}
	if len(q.missing) > 0 {
		return q.unknown()
	}
	return q.pass("locks after %d tries for %d seconds", tries.Int(), seconds.Int())
}

// Notification methods by whether they reach somebody elsewhere; the words
// are those of recorded devices.
var (
	tellsSomebody = []string{"center", "http", "httphosts", "syslog", "email"}
	tellsNobody   = []string{"record", "beep", "io", "ptz", "ftp", "monitoralarm", "whitelightout", "whitelight", "im", "lightaudioalarm"}
)

func judgeLoginAlarm(q *inquiry) Verdict {
	v, ok := q.setting("login.alarm", "illegal-login notification", kindStrings)
	if !ok {
		return q.unknown()
	}
	var strange []string
	for _, w := range words(v) {
		if slices.Contains(tellsSomebody, w) {
			return q.pass("notifies by %s", w)
		}
		if !slices.Contains(tellsNobody, w) {
			strange = append(strange, w)
		}
	}
	if len(strange) > 0 {
		return q.unknown("notification methods of no known meaning: " + printable(strings.Join(strange, ", ")))
	}
	return q.fail("the illegal-login event notifies nobody outside the device")
}

func judgeAccounts(q *inquiry) Verdict {
	names := q.baseline.Accounts
	switch p := q.s.Errors["users"]; {
	case len(names) == 0:
		return q.unknown("no expected accounts declared")
	case p != nil:
		q.lack("accounts", p)
		return q.unknown()
	case len(q.s.Users) == 0:
		// Somebody logged in to ask, so an empty list is no answer.
		return q.unknown("no account was reported")
	}
	var extra, found []string
	for _, u := range q.s.Users {
		if slices.Contains(names, u.Account.Name) {
			found = append(found, u.Account.Name)
			continue
		}
		extra = append(extra, fmt.Sprintf("%q (%s)", printable(u.Account.Name), u.Role))
	}
	if len(extra) > 0 {
		return q.fail("not expected: %s", strings.Join(extra, ", "))
	}
	for _, n := range names {
		if !slices.Contains(found, n) {
			return q.fail("expected and not there: %q", n)
		}
	}
	return q.pass("the accounts are the expected ones")
}
