package camsec

import (
	"fmt"
	"strings"
)

// tlsControls are the TLS family: how traffic is protected on the way and who answers.
func tlsControls() []*control {
	return []*control{
		{
			id: "TLS-01", title: "HTTPS is on", severity: High, level: 1, risk: "low",
			why:    "Without TLS whoever is on the path reads and changes everything.",
			remedy: "Give the device a certificate and switch HTTPS on.",
			refs:   "NIST SP 800-53 SC-8, SC-8(1); IEC 62443-4-2 CR 4.1, CR 3.1; ETSI EN 303 645 5.5-1; CRA Annex I Part I (2)(e); EN 18031 SCM; ANSSI R50; CIS v8 3.10",
			judge:  allAre(StateOn, labelled{"service.https", "HTTPS"}),
		},
		{
			id: "TLS-02", title: "Plain HTTP is off or only leads to HTTPS", severity: High, level: 2, risk: "high",
			why:    "As long as plain HTTP answers, somebody will log in over it.",
			remedy: "Over HTTPS, and after a fresh HTTPS login worked, switch HTTP off or redirect it.",
			refs:   "NIST SP 800-53 SC-8, CM-7; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1; ANSSI R50; CIS v8 3.10",
			judge:  judgePlainHTTP,
		},
		{
			id: "TLS-03", title: "Nothing older than TLS 1.2 is accepted", severity: Medium, level: 1, risk: "medium",
			why:    "TLS 1.0 and 1.1 have known weaknesses and were withdrawn by the IETF in RFC 8996.",
			remedy: "Switch TLS 1.0 and 1.1 off once every consumer is seen to use 1.2 or later.",
			refs:   "NIST SP 800-53 SC-8(1), SC-13; IEC 62443-4-2 CR 4.3; ETSI EN 303 645 5.5-1; EN 18031 CRY; CIS v8 3.10",
			judge:  judgeTLSMin,
		},
		{
			id: "TLS-05", title: "The certificate comes from an authority of the owner", severity: Medium, level: 2, risk: "medium",
			why:    "A certificate that the device made for itself proves nothing about who answers.",
			remedy: "Issue a certificate from your own authority, make consumers trust it, and keep the old one until a fresh handshake with the new one succeeds.",
			refs:   "NIST SP 800-53 SC-17, IA-5(2); IEC 62443-4-2 CR 1.8; ETSI EN 303 645 5.4-4; ANSSI R53, R65; CIS v8 3.10",
			judge:  judgeCertificateIssuer,
		},
		{
			id: "TLS-06", title: "The certificate is valid, for this address and for a while yet", severity: Medium, level: 1, risk: "none",
			why:    "People learn to click through warnings, and then do so when it matters.",
			remedy: "Renew the certificate for the address in use, at least a month before it ends.",
			refs:   "NIST SP 800-53 SC-17, IA-5(2); IEC 62443-4-2 CR 1.8; ANSSI R65",
			judge:  judgeCertificateDates,
		},
		{
			id: "TLS-07", title: "The certificate's key and signature are strong", severity: Medium, level: 2, risk: "low",
			why:    "A short key or an old hash lets others stand in for the device.",
			remedy: "Make a new key of RSA 2048 or more (3072 where the device can) or P-256, signed with SHA-256.",
			refs:   "NIST SP 800-53 SC-12, SC-13; IEC 62443-4-2 CR 1.9, CR 4.3; ETSI EN 303 645 5.5-1; EN 18031 CRY",
			judge:  judgeCertificateKey,
		},
		{
			id: "TLS-08", title: "Video can be had encrypted", severity: Medium, level: 3, risk: "high",
			why:    "The picture is what the device is there to protect, and it travels in the clear.",
			remedy: "Switch SRTP on where recorder and VMS can take it; try it on one camera and see the picture arrive first.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1, 5.8-2; ANSSI R50; CIS v8 3.10",
			judge:  allAre(StateOn, labelled{"service.srtp", "SRTP"}),
		},
		{
			id: "TLS-09", title: "The device logs in to its switch with a certificate", severity: Medium, level: 3, risk: "high",
			why:    "A network socket on an outside wall is a door into the network.",
			remedy: "With the switch in monitor mode first, set 802.1X to EAP-TLS and prove it across a restart.",
			refs:   "NIST SP 800-53 IA-3; IEC 62443-4-2 CR 1.2; ANSSI R19; CIS v8 12.6, 13.9",
			judge:  judgePortLogin,
		},
		{
			id: "TLS-10", title: "The recorder checks who its cameras are", severity: Medium, level: 3, risk: "high",
			why:    "A recorder that takes any certificate records whatever somebody puts in a camera's place.",
			remedy: "Give the cameras certificates of an authority that the recorder knows, then switch validation on, one channel first.",
			refs:   "NIST SP 800-53 SC-23, IA-3; IEC 62443-4-2 CR 1.2, CR 3.1; ETSI EN 303 645 5.5-1",
			judge:  judgeChannelValidation,
		},
	}
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

func judgeCertificateIssuer(q *inquiry) Verdict {
	if q.on("tls.certificate.self-signed", "who issued the certificate") == StateOn {
		return q.fail("the certificate was issued by the device itself")
	}
	verified := q.on("tls.certificate.verified", "whether the issuer is trusted")
	switch {
	case len(q.missing) > 0:
		return q.unknown()
	case verified == StateOff:
		return q.unknown("the certificate's authority is not known here")
	}
	return q.pass("the certificate leads to an authority that is trusted here")
}

// soon is how many days before its end a certificate should be renewed.
const soon = 30

func judgeCertificateDates(q *inquiry) Verdict {
	left, known := q.setting("tls.certificate.days-left", "validity of the certificate", kindInt)
	matches := q.on("tls.certificate.name-matches", "name in the certificate")
	switch {
	case known && left.Int() < 0:
		return q.fail("the certificate is not valid now")
	case known && left.Int() < soon:
		return q.fail("the certificate ends in %d days", left.Int())
	case matches == StateOff:
		return q.fail("the certificate is not for the address in use")
	case len(q.missing) > 0:
		return q.unknown()
	}
	return q.pass("the certificate is good for %d more days", left.Int())
}

func judgeCertificateKey(q *inquiry) Verdict {
	key, known := q.setting("tls.certificate.key", "key of the certificate", kindString)
	signature, signed := q.setting("tls.certificate.signature", "signature of the certificate", kindString)
	var bits int
	strong := false
	switch k := key.Text(); {
	case !known:
	case strings.HasPrefix(k, "RSA "):
		if _, err := fmt.Sscanf(k, "RSA %d", &bits); err == nil && bits < 2048 {
			return q.fail("the certificate's key is %s", printable(k))
		}
		strong = bits >= 2048
	default:
		strong = k == "ECDSA P-256" || k == "ECDSA P-384" || k == "ECDSA P-521" || k == "Ed25519"
	}
	modern := false
	switch s := strings.ToUpper(signature.Text()); {
	case !signed:
	case strings.Contains(s, "MD5"), strings.Contains(s, "MD2"), strings.Contains(s, "SHA1"):
		return q.fail("the certificate is signed with %s", printable(signature.Text()))
	default:
		modern = strings.Contains(s, "SHA256") || strings.Contains(s, "SHA384") || strings.Contains(s, "SHA512") || s == "ED25519"
	}
	switch {
	case len(q.missing) > 0:
		return q.unknown()
	case !strong || !modern:
		return q.unknown("key or signature of no known strength: " + printable(key.Text()+", "+signature.Text()))
	}
	return q.pass("the certificate's key is %s, signed with %s", key.Text(), signature.Text())
}

func judgePortLogin(q *inquiry) Verdict {
	switch q.on("network.802.1x", "802.1X") {
	case StateUnknown:
		return q.unknown()
	case StateOff:
		return q.fail("802.1X is off")
	}
	v, ok := q.setting("network.802.1x.method", "method of 802.1X", kindString)
	switch {
	case !ok:
		return q.unknown()
	case strings.EqualFold(v.Text(), "EAP-TLS"):
		return q.pass("802.1X logs in with EAP-TLS")
	}
	return q.fail("802.1X logs in with %s", printable(v.Text()))
}

func judgeChannelValidation(q *inquiry) Verdict {
	return q.eachChannel("does not say whether it checks the certificate",
		"the recorder does not check the certificate", "the recorder checks the certificate of %d channels",
		func(c Channel) State { return c.ValidatesCertificate })
}
