package onvif

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec"
)

// Controls returns the questions that ONVIF alone can answer, ordered by id.
// For a device that was not read over ONVIF they have no meaning. The slice is
// the caller's.
func Controls() []camsec.Control {
	return []camsec.Control{
		&control{
			id: "ONVIF-01", title: "Nothing that needs an account is answered without a login", severity: camsec.Critical, level: 1,
			remedy: "Set an administrator's password over ONVIF, or switch ONVIF off; if the device answers all the same, update its firmware or keep it off the network.",
			refs:   "NIST SP 800-53 AC-3; IEC 62443-4-2 CR 2.1; ETSI EN 303 645 5.6-2", judge: exposedNothing,
		},
		&control{
			id: "ONVIF-02", title: "The device is not in the factory state of Profile Q, open to everybody", severity: camsec.Critical, level: 1,
			remedy: "Set an administrator's password over ONVIF.",
			refs:   "NIST SP 800-53 AC-3, IA-5; IEC 62443-4-2 CR 2.1; ETSI EN 303 645 5.1-1", judge: notFactory,
		},
		&control{
			id: "ONVIF-03", title: "UsernameTokens are not taken over plain HTTP", severity: camsec.Medium, level: 2,
			remedy: "Use HTTP digest alone for ONVIF where the device has a switch for it, or switch HTTP off after HTTPS was proven.",
			refs:   "NIST SP 800-53 SC-23; IEC 62443-4-2 CR 3.8; ETSI EN 303 645 5.5-1", judge: noPlainToken,
		},
		&control{
			id: "ONVIF-04", title: "TLS before 1.2 is not enabled", severity: camsec.Medium, level: 1,
			remedy: "Set the enabled versions of TLS to 1.2 and 1.3.",
			refs:   "NIST SP 800-53 SC-8(1), SC-13; IEC 62443-4-2 CR 4.3; ETSI EN 303 645 5.5-1", judge: noOldTLS,
		},
		&control{
			id: "ONVIF-05", title: "The device keeps to the default access policy", severity: camsec.Medium, level: 2,
			remedy: "Find out from the maker who may do what; give accounts no more than they need.",
			refs:   "NIST SP 800-53 AC-6; IEC 62443-4-2 CR 2.1", judge: defaultPolicy,
		},
		&control{
			id: "ONVIF-06", title: "ONVIF has no account that the device's own store does not have", severity: camsec.High, level: 2,
			remedy: "Take the account away, or declare it: it is easily forgotten when passwords are changed.",
			refs:   "NIST SP 800-53 AC-2; IEC 62443-4-2 CR 1.3", judge: sameAccounts,
		},
	}
}

// A control is one question. It implements the optional methods of
// [camsec.Control] as well.
type control struct {
	id, title    string
	severity     camsec.Severity
	level        int
	remedy, refs string
	judge        func(*camsec.Snapshot) camsec.Verdict
}

func (c *control) ID() string                { return c.id }
func (c *control) Title() string             { return c.title }
func (c *control) Severity() camsec.Severity { return c.severity }
func (c *control) Level() int                { return c.level }
func (c *control) Remedy() string            { return c.remedy }
func (c *control) References() []string      { return strings.Split(c.refs, "; ") }

func (c *control) Judge(s *camsec.Snapshot, _ time.Time) camsec.Verdict {
	if s == nil {
		s = &camsec.Snapshot{}
	}
	if s.Protocol != "" && !slices.Contains(strings.Split(s.Protocol, ","), "onvif") {
		return camsec.Verdict{Status: camsec.NotApplicable, Reason: "the device was not read over ONVIF"}
	}
	return c.judge(s)
}

// known returns a setting's value, or the verdict for one that is not known.
func known(s *camsec.Snapshot, id, kind, label string) (camsec.Setting, *camsec.Verdict) {
	v := s.Setting(id)
	if v.Known() && v.Value.Kind() == kind {
		return v, nil
	}
	why := label + " could not be told"
	if v.Err != nil {
		why += ": " + string(v.Err.Code)
	}
	return v, &camsec.Verdict{Status: camsec.StatusUnknown, Reason: why, Evidence: evidence(v)}
}

func evidence(settings ...camsec.Setting) []camsec.Source {
	var out []camsec.Source
	for _, s := range settings {
		if s.Source != (camsec.Source{}) {
			out = append(out, s.Source)
		}
	}
	return out
}

func verdict(ok bool, pass, fail string, from ...camsec.Setting) camsec.Verdict {
	if ok {
		return camsec.Verdict{Status: camsec.Pass, Reason: pass, Evidence: evidence(from...)}
	}
	return camsec.Verdict{Status: camsec.Fail, Reason: fail, Evidence: evidence(from...)}
}

func exposedNothing(s *camsec.Snapshot) camsec.Verdict {
	v, missing := known(s, SettingExposed, "strings", "what is answered without a login")
	if missing != nil {
		return *missing
	}
	open := v.Value.Strings()
	return verdict(len(open) == 0, "operations for accounts were refused without a login", "answered without a login: "+strings.Join(open, ", "), v)
}

func notFactory(s *camsec.Snapshot) camsec.Verdict {
	v, missing := known(s, SettingFactoryState, "bool", "the state of Profile Q")
	if missing != nil {
		if v.Err != nil && v.Err.Code == camsec.ReasonNotOffered {
			return camsec.Verdict{Status: camsec.NotApplicable, Reason: "the device is not of Profile Q", Evidence: evidence(v)}
		}
		return *missing
	}
	return verdict(!v.Value.Bool(), "the device says that it is operational", "the device says that it is in its factory state", v)
}

func noPlainToken(s *camsec.Snapshot) camsec.Verdict {
	ways, missing := known(s, "onvif.auth", "strings", "the ways of logging in")
	if missing != nil {
		return *missing
	}
	if !slices.Contains(ways.Value.Strings(), "wsse") {
		return verdict(true, "the device takes no UsernameToken", "", ways)
	}
	http, missing := known(s, "service.http", "bool", "whether HTTP is on")
	if missing != nil {
		return *missing
	}
	return verdict(!http.Value.Bool(), "HTTP is off", "the device takes UsernameTokens, and HTTP is on", ways, http)
}

func noOldTLS(s *camsec.Snapshot) camsec.Verdict {
	v, missing := known(s, SettingTLSVersions, "strings", "the enabled versions of TLS")
	if missing != nil {
		return *missing
	}
	var old []string
	for _, one := range v.Value.Strings() {
		if one != "1.2" && one != "1.3" {
			old = append(old, one)
		}
	}
	return verdict(len(old) == 0, "enabled: "+strings.Join(v.Value.Strings(), ", "), "enabled: "+strings.Join(old, ", "), v)
}

func defaultPolicy(s *camsec.Snapshot) camsec.Verdict {
	v, missing := known(s, SettingAccessPolicy, "bool", "the access policy")
	if missing != nil {
		return *missing
	}
	return verdict(v.Value.Bool(), "the device says that it keeps to it", "the device says that it does not keep to it", v)
}

func sameAccounts(s *camsec.Snapshot) camsec.Verdict {
	own, onvif := map[string]bool{}, []string{}
	for _, u := range s.Users {
		switch u.Account.Store {
		case camsec.StoreONVIF:
			onvif = append(onvif, u.Account.Name)
		case camsec.StoreDevice, "":
			own[u.Account.Name] = true
		}
	}
	if len(own) == 0 || len(onvif) == 0 {
		return camsec.Verdict{Status: camsec.StatusUnknown, Reason: "the accounts of both stores are needed, and one was not read"}
	}
	var extra []string
	for _, name := range onvif {
		if !own[name] {
			extra = append(extra, clean(name))
		}
	}
	return verdict(len(extra) == 0, fmt.Sprintf("all %d accounts are the device's own, too", len(onvif)), "in ONVIF's store alone: "+strings.Join(extra, ", "))
}
