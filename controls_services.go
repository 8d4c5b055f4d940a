package camsec

import "strings"

// What services that should be off have in common.
const (
	refsService = "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CIS v8 4.8"
	refsShell   = "NIST SP 800-53 CM-7, AC-17; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1, 5.6-4; CRA Annex I Part I (2)(j); EN 18031 GEC-2; ANSSI R54; CIS v8 4.8"
)

// serviceControls are the SVC, NET and LOG families: what listens, what calls
// out, who may connect and whether the clock can be believed.
func serviceControls() []*control {
	off := func(id, title string, sev Severity, remedy, refs string, switches ...labelled) *control {
		return &control{id: id, title: title, severity: sev, remedy: remedy, refs: refs, judge: allAre(StateOff, switches...)}
	}
	return []*control{
		off("SVC-01", "SSH is off", High, "Switch SSH off.", refsShell, labelled{"service.ssh", "SSH"}),
		off("SVC-02", "Telnet is off", Critical,
			"Switch Telnet off; where the device cannot, update the firmware or isolate it.",
			refsShell, labelled{"service.telnet", "Telnet"}),
		off("SVC-03", "The device opens no port on the router", High,
			"Switch UPnP off and remove its mappings from the router.",
			"NIST SP 800-53 CM-7, SC-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CRA Annex I Part I (2)(j); EN 18031 GEC-2; ANSSI R54; CIS v8 4.8",
			labelled{"service.upnp", "UPnP"}),
		off("SVC-04", "SNMP versions without encryption are off", High,
			"Move the monitoring to SNMPv3, then switch v1 and v2c off.",
			"NIST SP 800-53 CM-7, IA-5; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.1-1, 5.6-1; ANSSI R54; CIS v8 4.8, 12.3",
			labelled{"service.snmp.v1", "SNMP v1/v2c"}),
		off("SVC-05", "Pictures are not sent by FTP", Medium, "Switch the FTP upload off.",
			"NIST SP 800-53 CM-7, SC-8; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; ANSSI R54; CIS v8 4.8",
			labelled{"service.ftp", "FTP upload"}),
		off("SVC-06", "The maker's cloud is off", High,
			"Switch the cloud platform off; where somebody needs it, waive this control and name who.",
			"NIST SP 800-53 CM-7, SC-7; IEC 62443-4-2 CR 7.7, CR 1.13; ETSI EN 303 645 5.6-1; CRA Annex I Part I (2)(j); EN 18031 GEC-3; ANSSI R54; CIS v8 4.8",
			labelled{"service.cloud", "maker's cloud"}),
		off("SVC-07", "Platform access (ISUP/EHome) is off", Medium,
			"Switch ISUP/EHome off; where a platform uses it, use its encrypted version and waive this control.",
			refsService+"; ANSSI R54", labelled{"service.ehome", "ISUP/EHome"}),
		off("SVC-08", "GB/T 28181 is off", Low, "Switch GB/T 28181 off outside its use.", refsService, labelled{"service.gb28181", "GB/T 28181"}),
		off("SVC-09", "Dynamic DNS is off", Medium, "Switch dynamic DNS off and reach the site over a VPN.", refsService, labelled{"service.ddns", "dynamic DNS"}),
		off("SVC-11", "Discovery on the wire (SADP) is off", Low,
			"Record address, MAC and serial, then switch SADP off.",
			"NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-2; CIS v8 4.8", labelled{"service.sadp", "SADP"}),
		off("SVC-12", "Bonjour is off", Low, "Record the address, then switch Bonjour off.", refsService+"; ANSSI R54", labelled{"service.bonjour", "Bonjour"}),
		off("SVC-13", "WebSocket without TLS is off", Low, "Switch plain WebSocket off and use the one over TLS.",
			"NIST SP 800-53 CM-7, SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1", labelled{"service.websocket", "plain WebSocket"}),
		off("SVC-15", "Industrial and IoT ports are off", Medium,
			"Switch Modbus and the IoT port off unless the building's control uses them.",
			refsService, labelled{"service.modbus", "Modbus"}, labelled{"service.iot", "IoT port"}),
		{
			id: "SVC-16", title: "Mail leaves over TLS", severity: Low,
			remedy: "Switch TLS or STARTTLS on for outgoing mail.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1",
			judge:  allAre(StateOn, labelled{"mail.tls", "TLS for mail"}),
		},
		{
			id: "SVC-17", title: "Events are pushed over HTTPS", severity: Medium,
			remedy: "Give each event receiver an https address and a login.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1",
			judge:  allAre(StateOn, labelled{"events.push.tls", "HTTPS for event receivers"}),
		},
		{
			id: "NET-01", title: "An address filter is on", severity: Medium,
			remedy: "Allow the recorder, the VMS and the management addresses alone; check that your own is among them first.",
			refs:   "NIST SP 800-53 SC-7, AC-4; IEC 62443-4-2 CR 5.1; ETSI EN 303 645 5.6-1; ANSSI R16; CIS v8 12.2",
			judge:  allAre(StateOn, labelled{"network.ip-filter", "address filter"}),
		},
		{
			id: "LOG-01", title: "The clock follows a time server", severity: Medium,
			remedy: "Switch NTP on and name a server of your own.",
			refs:   "NIST SP 800-53 AU-8; IEC 62443-4-2 CR 2.11; ANSSI R63; CIS v8 8.4",
			judge:  judgeTimeServer,
		},
		{
			id: "LOG-02", title: "The clock is right to two seconds", severity: Medium,
			remedy: "Set the clock from the time server; look at the server if it drifts again.",
			refs:   "NIST SP 800-53 AU-8; IEC 62443-4-2 CR 2.11; ANSSI R63; CIS v8 8.4",
			judge:  judgeClock,
		},
	}
}

func judgeTimeServer(q *inquiry) Verdict {
	ntp := q.on("time.ntp", "NTP")
	if ntp == StateOff {
		return q.fail("NTP is off")
	}
	server, ok := q.setting("time.ntp.server", "time server", kindString)
	if ok && strings.TrimSpace(server.Text()) == "" {
		return q.fail("no time server is named")
	}
	if len(q.missing) > 0 {
		return q.unknown()
	}
	return q.pass("follows %s", printable(server.Text()))
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
