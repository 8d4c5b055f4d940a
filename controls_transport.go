package camsec

import (
	"slices"
	"strings"
)

// transportControls are the AUT and TLS families: how logins and traffic are
// protected on the way.
func transportControls() []*control {
	return []*control{
		{
			id: "AUT-01", title: "HTTP logins use digest and never basic", severity: High,
			remedy: "Set web authentication to digest, after checking that no recorder or script still logs in with basic.",
			refs:   "NIST SP 800-53 SC-8, IA-5(1); IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-6; CRA Annex I Part I (2)(e)",
			judge:  digestOnly("http.auth", "HTTP authentication"),
		},
		{
			id: "AUT-02", title: "Digest with SHA-256 is offered", severity: Low,
			remedy: "Offer MD5 and SHA-256 together, move every consumer, then SHA-256 alone.",
			refs:   "NIST SP 800-53 SC-13; IEC 62443-4-2 CR 4.3; ETSI EN 303 645 5.1-3; EN 18031 CRY",
			judge:  judgeDigestAlgorithms,
		},
		{
			id: "AUT-03", title: "Video streams need a digest login", severity: High,
			remedy: "Set RTSP authentication to digest.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-6",
			judge:  digestOnly("rtsp.auth", "RTSP authentication"),
		},
		{
			id: "AUT-05", title: "Integration interfaces are off", severity: Medium,
			remedy: "Switch CGI and ONVIF off where nobody uses them; where somebody does, waive this control and name who.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1, 5.6-5; CRA Annex I Part I (2)(j); EN 18031 GEC-2, GEC-3; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"integration.cgi", "CGI"}, labelled{"integration.onvif", "ONVIF"}),
		},
		{
			id: "TLS-01", title: "HTTPS is on", severity: High,
			remedy: "Give the device a certificate and switch HTTPS on.",
			refs:   "NIST SP 800-53 SC-8, SC-8(1); IEC 62443-4-2 CR 4.1, CR 3.1; ETSI EN 303 645 5.5-1; CRA Annex I Part I (2)(e); EN 18031 SCM; ANSSI R50; CIS v8 3.10",
			judge:  allAre(StateOn, labelled{"service.https", "HTTPS"}),
		},
		{
			id: "TLS-02", title: "Plain HTTP is off or only leads to HTTPS", severity: High,
			remedy: "Over HTTPS, and after a fresh HTTPS login worked, switch HTTP off or redirect it.",
			refs:   "NIST SP 800-53 SC-8, CM-7; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1; ANSSI R50; CIS v8 3.10",
			judge:  judgePlainHTTP,
		},
		{
			id: "TLS-03", title: "Nothing older than TLS 1.2 is accepted", severity: Medium,
			remedy: "Switch TLS 1.0 and 1.1 off once every consumer is seen to use 1.2 or later.",
			refs:   "NIST SP 800-53 SC-8(1), SC-13; IEC 62443-4-2 CR 4.3; ETSI EN 303 645 5.5-1; EN 18031 CRY; CIS v8 3.10",
			judge:  judgeTLSMin,
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

func judgePlainHTTP(q *inquiry) Verdict {
	plain := q.on("service.http", "plain HTTP")
	switch plain {
	case StateUnknown:
		return q.unknown()
	case StateOff:
		return q.pass("plain HTTP is off")
	}
	switch q.on("http.redirect", "redirection to HTTPS") {
	case StateOn:
		return q.pass("plain HTTP only leads to HTTPS")
	case StateOff:
		return q.fail("plain HTTP is on and serves logins")
	}
	return q.unknown()
}

func judgeTLSMin(q *inquiry) Verdict {
	if q.on("service.https", "HTTPS") == StateOff {
		return q.notApplicable("HTTPS is off, which TLS-01 reports")
	}
	v, ok := q.setting("tls.min", "lowest TLS version", kindString)
	switch {
	case !ok:
		return q.unknown()
	case v.Text() == "1.2", v.Text() == "1.3":
		if len(q.missing) > 0 { // whether HTTPS is on at all
			return q.unknown()
		}
		return q.pass("TLS %s is the lowest accepted", v.Text())
	case v.Text() == "1.0", v.Text() == "1.1":
		return q.fail("TLS %s is accepted", v.Text())
	}
	return q.unknown("TLS version of no known meaning: " + printable(v.Text()))
}
