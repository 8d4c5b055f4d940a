package camsec

import (
	"fmt"
	"slices"
	"strings"
)

// accountsControls are the ACC family: who can log in, and how that is guarded.
func accountsControls() []*control {
	return []*control{
		{
			id: "ACC-01", title: "The device has been activated", severity: Critical, level: 1, risk: "low",
			why:    "A device in factory state takes its first password from whoever speaks to it first.",
			remedy: "Activate the device with a password of its own before it is reachable from anywhere else.",
			refs:   "NIST SP 800-53 IA-5; IEC 62443-4-2 CR 1.5; ETSI EN 303 645 5.1-1; CRA Annex I Part I (2)(b)(d); UK PSTI Sch. 1 ¶1; ANSSI R52; CIS v8 4.7",
			judge: loginFlag("device.activated", "activation", StateOn,
				func(l LoginState) State { return l.Activated },
				"the device is activated", "nobody has set a password yet: whoever comes first owns the device"),
		},
		{
			id: "ACC-02", title: "The account in use has no factory password", severity: Critical, level: 1, risk: "none",
			why:    "Factory passwords are printed in manuals and are the first thing that worms try.",
			remedy: "Rotate the password to a random one that no other device has.",
			refs:   "NIST SP 800-53 IA-5, IA-5(1); IEC 62443-4-2 CR 1.5, CR 1.7; ETSI EN 303 645 5.1-1; CRA Annex I Part I (2)(b)(d); EN 18031 AUM-5; UK PSTI Sch. 1 ¶1; ANSSI R52; CIS v8 4.7",
			judge: loginFlag("account.default-password", "factory password", StateOff,
				func(l LoginState) State { return l.DefaultPassword },
				"by the device's own flag the password is not the factory's", "by the device's own flag the factory password is still in use"),
		},
		{
			id: "ACC-04", title: "The device does not call the password weak", severity: High, level: 1, risk: "low",
			why:    "What the device itself rates as weak is weak by a lenient rule.",
			remedy: "Set a random password as long as the device stores, at least 14 characters where it can; check with a fresh login that it was not cut.",
			refs:   "NIST SP 800-53 IA-5(1); IEC 62443-4-2 CR 1.7; ETSI EN 303 645 5.1-1; CRA Annex I Part I (2)(d); EN 18031 AUM-5; ANSSI R52; CIS v8 5.2",
			judge: loginFlag("account.risk-password", "weak password", StateOff,
				func(l LoginState) State { return l.RiskPassword },
				"the device's own check accepts the password", "the device's own check calls the password weak"),
		},
		{
			id: "ACC-07", title: "The password is within the age that the device allows", severity: Medium, level: 1, risk: "medium",
			why:    "A password outlives the people who knew it; the device can be told for how long one may be used.",
			remedy: "Rotate the password, and rotate it whenever somebody who knew it leaves.",
			refs:   "NIST SP 800-53 IA-5; IEC 62443-4-2 CR 1.5; ANSSI R52; CIS v8 5.2",
			judge:  judgePasswordAge,
		},
		{
			id: "ACC-08", title: "Only the expected accounts exist", severity: High, level: 1, risk: "medium",
			why:    "Accounts left by installers, or made by intruders, keep working after everything else was put right.",
			remedy: "Find out who made the account; delete it once a second administrator login is proven. Never delete the first administrator.",
			refs:   "NIST SP 800-53 AC-2; IEC 62443-4-2 CR 1.3; ETSI EN 303 645 5.6-5; ANSSI R84; CIS v8 5.1",
			judge:  judgeAccounts,
		},
		{
			id: "ACC-09", title: "The accounts for ONVIF are the expected ones", severity: High, level: 1, risk: "medium",
			why:    "ONVIF logins are kept apart from the device's own on newer firmware, with passwords of their own that a rotation may miss.",
			remedy: "Declare who uses ONVIF, give each consumer an account of its own, and delete the rest after the consumers are switched.",
			refs:   "NIST SP 800-53 AC-2, IA-5; IEC 62443-4-2 CR 1.3; ETSI EN 303 645 5.1-1; ANSSI R52; CIS v8 5.1",
			judge:  judgeONVIFAccounts,
		},
		{
			id: "ACC-10", title: "Recorder and VMS log in without administrator rights", severity: Medium, level: 1, risk: "medium",
			why:    "A recorder that logs in as administrator gives whoever takes it over every camera, and its doings cannot be told from a person's.",
			remedy: "Make an operator account for it, switch the consumer, see that pictures arrive, and only then take rights away.",
			refs:   "NIST SP 800-53 AC-6, AC-2; IEC 62443-4-2 CR 2.1; ETSI EN 303 645 5.6-7; ANSSI R84; CIS v8 5.4, 6.8",
			judge:  judgeConsumers,
		},
		{
			id: "ACC-11", title: "Nobody watches without logging in", severity: Critical, level: 1, risk: "low",
			why:    "Pictures that need no login are found and indexed by search engines for devices.",
			remedy: "Switch anonymous login off.",
			refs:   "NIST SP 800-53 AC-3, IA-2; IEC 62443-4-2 CR 1.1, CR 2.1; ETSI EN 303 645 5.5-5; CRA Annex I Part I (2)(d)(e); EN 18031 ACM",
			judge:  allAre(StateOff, labelled{"login.anonymous", "anonymous login"}),
		},
		{
			id: "ACC-12", title: "Repeated wrong logins are locked out", severity: High, level: 1, risk: "high",
			why:    "Without a lock a password can be guessed at the speed of the network.",
			remedy: "Switch the illegal-login lock on, after every consumer of the device has the right password.",
			refs:   "NIST SP 800-53 AC-7; IEC 62443-4-2 CR 1.11; ETSI EN 303 645 5.1-5; CRA Annex I Part I (2)(d); EN 18031 AUM-6",
			judge:  allAre(StateOn, labelled{"login.lockout", "login lock"}),
		},
		{
			id: "ACC-13", title: "The login lock's threshold and duration are sensible", severity: Medium, level: 2, risk: "medium",
			why:    "A lock that comes too soon shuts out a recorder with an old password; one that comes late or ends soon stops nobody.",
			remedy: "Lock after 5 to 10 tries, for 10 to 30 minutes.",
			refs:   "NIST SP 800-53 AC-7; IEC 62443-4-2 CR 1.11; ETSI EN 303 645 5.1-5; EN 18031 AUM-6",
			judge:  judgeLockBand,
		},
		{
			id: "ACC-14", title: "Somebody is told of illegal logins", severity: Medium, level: 1, risk: "none",
			why:    "Many devices notice an attack and tell nobody.",
			remedy: "Give the illegal-login event a notification that leaves the device: surveillance centre, HTTP host, syslog or mail.",
			refs:   "NIST SP 800-53 SI-4, AU-6; IEC 62443-4-2 CR 6.2; ETSI EN 303 645 5.7-2; CRA Annex I Part I (2)(d)(l); ANSSI R104; CIS v8 8.2",
			judge:  judgeLoginAlarm,
		},
		{
			id: "ACC-15", title: "An idle web session ends by itself", severity: Low, level: 2, risk: "none",
			why:    "A browser left open is a login for whoever sits down next.",
			remedy: "Switch the idle logout on, at 15 minutes or less.",
			refs:   "NIST SP 800-53 AC-12; IEC 62443-4-2 CR 2.6",
			judge:  allAre(StateOn, labelled{"login.idle-logout", "idle logout"}),
		},
		{
			id: "ACC-16", title: "No more logins at once than the consumers and two people need", severity: Low, level: 3, risk: "medium",
			why:    "Every login that nobody needs is room for one that nobody knows of.",
			remedy: "Bound the logins to the declared consumers and two more; fewer would shut out the recorder, or you.",
			refs:   "NIST SP 800-53 AC-10; IEC 62443-4-2 CR 2.7",
			judge:  judgeLoginLimit,
		},
		{
			id: "ACC-17", title: "Ways around the password are off, or owned by somebody", severity: Medium, level: 2, risk: "low",
			why:    "Answers to questions and a recovery mailbox are a second password, which a rotation does not change.",
			remedy: "Switch them off, or declare in the baseline's inUse who owns them and keep that one way for the day that it is needed.",
			refs:   "NIST SP 800-53 IA-5; IEC 62443-4-2 CR 1.5",
			judge: allAre(StateOff, labelled{"login.recovery.questions", "security questions"},
				labelled{"login.recovery.mail", "recovery mail"}),
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

func judgePasswordAge(q *inquiry) Verdict {
	v, ok := q.setting("account.password.days-left", "days until the password is too old", kindInt)
	switch left := v.Int(); {
	case !ok:
		return q.unknown()
	case left < 0:
		return q.fail("the password is too old since %d days", -left)
	default:
		return q.pass("the password may be used for %d more days", left)
	}
}

func judgeAccounts(q *inquiry) Verdict {
	if len(q.baseline.Accounts) == 0 {
		return q.unknown("no expected accounts declared")
	}
	users, ok := q.users()
	if !ok {
		return q.unknown()
	}
	// An account for ONVIF counts here too where it is not declared apart.
	expected := slices.Concat(q.baseline.Accounts, q.baseline.ONVIFAccounts)
	return q.sameAccounts(users, expected, q.baseline.Accounts)
}

func judgeONVIFAccounts(q *inquiry) Verdict {
	if len(q.baseline.ONVIFAccounts) == 0 {
		return q.unknown("no expected ONVIF accounts declared")
	}
	users, ok := q.users()
	if !ok {
		return q.unknown()
	}
	var onvif []User
	for _, u := range users {
		if u.Account.Store == StoreONVIF {
			onvif = append(onvif, u)
		}
	}
	if len(onvif) == 0 {
		return q.unknown("no account for ONVIF was reported")
	}
	return q.sameAccounts(onvif, q.baseline.ONVIFAccounts, q.baseline.ONVIFAccounts)
}

// users are the accounts that were read. Somebody logged in to ask, so an
// empty list is no answer.
func (q *inquiry) users() ([]User, bool) {
	if p := q.s.Errors["users"]; p != nil {
		q.lack("accounts", p)
		return nil, false
	}
	if len(q.s.Users) == 0 {
		q.missing = append(q.missing, "no account was reported")
		return nil, false
	}
	return q.s.Users, true
}

// sameAccounts judges whether users are among those allowed and those
// required are there.
func (q *inquiry) sameAccounts(users []User, allowed, required []string) Verdict {
	var extra, found []string
	for _, u := range users {
		if slices.Contains(allowed, u.Account.Name) {
			found = append(found, u.Account.Name)
			continue
		}
		extra = append(extra, fmt.Sprintf("%q (%s)", printable(u.Account.Name), u.Role))
	}
	if len(extra) > 0 {
		return q.fail("not expected: %s", strings.Join(extra, ", "))
	}
	for _, n := range required {
		if !slices.Contains(found, n) {
			return q.fail("expected and not there: %q", n)
		}
	}
	return q.pass("the accounts are the expected ones")
}

// judgeConsumers asks what accounts alone can tell: where everybody is an
// administrator, so is the recorder.
func judgeConsumers(q *inquiry) Verdict {
	users, ok := q.users()
	if !ok {
		return q.unknown()
	}
	if !slices.ContainsFunc(users, func(u User) bool { return u.Role != RoleAdmin }) {
		return q.fail("every account is an administrator, so every consumer logs in as one")
	}
	if len(q.baseline.Consumers) == 0 {
		return q.unknown("which accounts recorder and VMS use was not declared")
	}
	for _, name := range q.baseline.Consumers {
		i := slices.IndexFunc(users, func(u User) bool { return u.Account.Name == name })
		switch {
		case i < 0:
			return q.fail("the consumer's account %q is not there", name)
		case users[i].Role == RoleAdmin:
			return q.fail("the consumer's account %q is an administrator", name)
		case users[i].Role == RoleUnknown:
			return q.unknown(fmt.Sprintf("what the account %q may do is not known", name))
		}
	}
	return q.pass("consumers use accounts without administrator rights")
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

func judgeLoginLimit(q *inquiry) Verdict {
	v, ok := q.setting("login.sessions.max", "logins at once", kindInt)
	needed := int64(len(q.baseline.Consumers)) + 2
	switch {
	case !ok:
		return q.unknown()
	case len(q.baseline.Consumers) == 0:
		return q.unknown("which accounts recorder and VMS use was not declared")
	case v.Int() > needed:
		return q.fail("%d may be logged in at once, and %d is enough", v.Int(), needed)
	}
	return q.pass("%d may be logged in at once", v.Int())
}
