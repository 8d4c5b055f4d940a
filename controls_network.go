package camsec

import (
	"slices"
	"strings"
)

// networkControls are the NET family: where the device stands in the network.
func networkControls() []*control {
	return []*control{
		{
			id: "NET-01", title: "An address filter is on", severity: Medium, level: 3, risk: "high",
			why:    "A device that only talks to its recorder cannot be attacked from a visitor's laptop.",
			remedy: "Allow the recorder, the VMS and the management addresses alone; check that your own is among them first.",
			refs:   "NIST SP 800-53 SC-7, AC-4; IEC 62443-4-2 CR 5.1; ETSI EN 303 645 5.6-1; ANSSI R16; CIS v8 12.2",
			judge:  allAre(StateOn, labelled{"network.ip-filter", "address filter"}),
		},
		{
			id: "NET-02", title: "The device asks no router for a way in from the Internet", severity: Critical, level: 1, risk: "none",
			why:    "A camera that the Internet can reach is found within hours.",
			remedy: "Switch UPnP off, remove the mappings from the router, and reach the site over a VPN.",
			refs:   "NIST SP 800-53 SC-7; IEC 62443-4-2 CR 1.13; ETSI EN 303 645 5.6-1; ANSSI R16, R24; CIS v8 12.2",
			judge:  judgePortMappings,
		},
		{
			id: "NET-03", title: "IPv6 is off where nobody uses it", severity: Low, level: 2, risk: "medium",
			why:    "A second address that nobody filters is a way around the filter of the first.",
			remedy: "Set the interface to IPv4 alone, unless IPv6 is how the device is reached.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CIS v8 4.8",
			judge:  judgeIPVersion,
		},
		{
			id: "NET-04", title: "Gateway and name servers are the declared ones", severity: Medium, level: 1, risk: "high",
			why:    "A foreign name server sends cloud, mail and time wherever it likes.",
			remedy: "Find out who changed them; correct them with the serial at hand, in case the device must be found again.",
			refs:   "NIST SP 800-53 CM-6; IEC 62443-4-2 CR 7.6; CIS v8 4.1",
			judge:  judgeAddressing,
		},
	}
}

// judgePortMappings sees what the device asks of routers. What somebody
// forwarded in the router itself does not show from here.
func judgePortMappings(q *inquiry) Verdict {
	switch q.on("service.upnp", "UPnP") {
	case StateUnknown:
		return q.unknown()
	case StateOff:
		return q.pass("UPnP is off; forwarding set in the router itself is not seen from here")
	}
	v, ok := q.setting("service.upnp.ports", "ports that routers are asked to open", kindInt)
	switch {
	case !ok:
		return q.unknown()
	case v.Int() > 0:
		return q.fail("routers are asked to open %d ports", v.Int())
	}
	return q.pass("routers are asked to open no port; forwarding set in the router itself is not seen from here")
}

func judgeIPVersion(q *inquiry) Verdict {
	v, ok := q.setting("network.ip-version", "IP version", kindString)
	if !ok {
		return q.unknown()
	}
	switch strings.ToLower(v.Text()) {
	case "v4":
		return q.pass("IPv4 alone is in use")
	case "v6":
		return q.notApplicable("IPv6 is the only address family in use")
	case "dual":
		return q.fail("IPv4 and IPv6 are both on")
	}
	return q.unknown("IP version of no known meaning: " + printable(v.Text()))
}

func judgeAddressing(q *inquiry) Verdict {
	b := q.baseline
	if len(b.Gateways)+len(b.NameServers) == 0 {
		return q.unknown("no gateway and no name servers declared")
	}
	if len(b.Gateways) > 0 {
		if v, ok := q.setting("network.gateway", "gateway", kindString); ok && !slices.Contains(b.Gateways, v.Text()) {
			return q.fail("the gateway is %s", printable(v.Text()))
		}
	}
	if len(b.NameServers) > 0 {
		v, _ := q.setting("network.dns", "name servers", kindStrings)
		for _, s := range v.Strings() {
			if !slices.Contains(b.NameServers, s) {
				return q.fail("a name server is %s", printable(s))
			}
		}
	}
	if len(q.missing) > 0 {
		return q.unknown()
	}
	return q.pass("gateway and name servers are the declared ones")
}
