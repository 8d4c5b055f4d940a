package camsec

import (
	"slices"
	"strings"
)

// authenticationControls are the AUT family: how logins are made.
func authenticationControls() []*control {
	return []*control{
		{
			id: "AUT-01", title: "HTTP logins use digest and never basic", severity: High, level: 1, risk: "medium",
			why:    "Basic sends the password itself with every request.",
			remedy: "Set web authentication to digest, after checking that no recorder or script still logs in with basic.",
			refs:   "NIST SP 800-53 SC-8, IA-5(1); IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-6; CRA Annex I Part I (2)(e)",
			judge:  digestOnly("http.auth", "HTTP authentication"),
		},
		{
			id: "AUT-02", title: "Digest with SHA-256 is offered", severity: Low, level: 3, risk: "high",
			why:    "MD5 has been retired everywhere else.",
			remedy: "Offer MD5 and SHA-256 together, move every consumer, then SHA-256 alone.",
			refs:   "NIST SP 800-53 SC-13; IEC 62443-4-2 CR 4.3; ETSI EN 303 645 5.1-3; EN 18031 CRY",
			judge:  judgeDigestAlgorithms,
		},
		{
			id: "AUT-03", title: "Video streams need a digest login", severity: High, level: 1, risk: "medium",
			why:    "A stream that takes basic, or no login, gives away the password or the picture.",
			remedy: "Set RTSP authentication to digest.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-6",
			judge:  digestOnly("rtsp.auth", "RTSP authentication"),
		},
		{
			id: "AUT-04", title: "ONVIF logins use digest", severity: Medium, level: 2, risk: "medium",
			why:    "A user name token inside a message can be sent again by whoever saw it while the clocks agree.",
			remedy: "Set the device's clock, then set ONVIF authentication to digest.",
			refs:   "NIST SP 800-53 SC-23; IEC 62443-4-2 CR 3.8; ETSI EN 303 645 5.5-1",
			judge:  judgeONVIFAuth,
		},
		{
			id: "AUT-05", title: "Integration interfaces are off", severity: Medium, level: 1, risk: "high",
			why:    "Each interface for other makers' software is one more way in, with accounts of its own.",
			remedy: "Switch CGI and ONVIF off where nobody uses them, over ISAPI and never over ONVIF itself; where somebody does, declare who in the baseline.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1, 5.6-5; CRA Annex I Part I (2)(j); EN 18031 GEC-2, GEC-3; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"integration.cgi", "CGI"}, labelled{"integration.onvif", "ONVIF"}),
		},
		{
			id: "AUT-06", title: "The maker's own protocol is off or only over TLS", severity: Medium, level: 2, risk: "high",
			why:    "The private port carries logins in a scheme that nobody outside can check.",
			remedy: "Move recorder and client software to the protocol over TLS, see that pictures arrive, then switch the plain one off where the device can.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1; ANSSI R75",
			judge:  allAre(StateOff, labelled{"service.sdk", "the maker's protocol without TLS"}),
		},
	}
}

// digestOnly judges a list of authentication schemes. A scheme of no known
// meaning is not taken for a good one.
func digestOnly(id, label string) func(*inquiry) Verdict {
	return func(q *inquiry) Verdict {
		v, ok := q.setting(id, label, kindStrings)
		if !ok {
			return q.unknown()
		}
		schemes := words(v)
		for _, bad := range []string{"basic", "none", "disable", "disabled"} {
			if slices.Contains(schemes, bad) {
				return q.fail("%s allows %s", label, bad)
			}
		}
		if len(schemes) == 0 || slices.ContainsFunc(schemes, func(s string) bool { return s != "digest" }) {
			return q.unknown(label + " is of no known meaning: " + printable(strings.Join(v.Strings(), ", ")))
		}
		return q.pass("%s is digest", label)
	}
}

func judgeDigestAlgorithms(q *inquiry) Verdict {
	v, ok := q.setting("http.auth.algorithms", "digest algorithms", kindStrings)
	if !ok {
		return q.unknown()
	}
	algorithms := words(v)
	for i, a := range algorithms {
		algorithms[i] = strings.ReplaceAll(a, "-", "")
	}
	switch {
	case slices.Contains(algorithms, "sha256"):
		return q.pass("SHA-256 is offered")
	case len(algorithms) > 0 && !slices.ContainsFunc(algorithms, func(a string) bool { return a != "md5" }):
		return q.fail("MD5 is all that is offered")
	}
	return q.unknown("digest algorithms are of no known meaning: " + printable(strings.Join(v.Strings(), ", ")))
}

// judgeONVIFAuth takes digest for good and a token in the message for bad,
// as long as it may travel in the clear.
func judgeONVIFAuth(q *inquiry) Verdict {
	if q.on("integration.onvif", "ONVIF") == StateOff {
		return q.notApplicable("ONVIF is off")
	}
	v, ok := q.setting("onvif.auth", "ONVIF authentication", kindStrings)
	if !ok {
		return q.unknown()
	}
	schemes := words(v)
	for _, bad := range []string{"wsse", "basic", "none"} {
		if slices.Contains(schemes, bad) {
			return q.fail("ONVIF authentication allows %s", bad)
		}
	}
	if len(schemes) == 0 || slices.ContainsFunc(schemes, func(s string) bool { return s != "digest" }) {
		return q.unknown("ONVIF authentication is of no known meaning: " + printable(strings.Join(v.Strings(), ", ")))
	}
	if len(q.missing) > 0 { // whether ONVIF is on at all
		return q.unknown()
	}
	return q.pass("ONVIF authentication is digest")
}
