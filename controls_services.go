package camsec

import "strings"

// servicesControls are the SVC family: what listens and what calls out.
func servicesControls() []*control {
	return []*control{
		{
			id: "SVC-01", title: "SSH is off", severity: High, level: 1, risk: "none",
			why:    "A shell on a camera serves its maker and intruders, hardly its owner.",
			remedy: "Switch SSH off.",
			refs:   "NIST SP 800-53 CM-7, AC-17; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1, 5.6-4; CRA Annex I Part I (2)(j); EN 18031 GEC-2; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.ssh", "SSH"}),
		},
		{
			id: "SVC-02", title: "Telnet is off", severity: Critical, level: 1, risk: "none",
			why:    "Telnet sends passwords in the clear, and it is the door that the Mirai worm came through.",
			remedy: "Switch Telnet off; where the device cannot, update the firmware or isolate it.",
			refs:   "NIST SP 800-53 CM-7, AC-17; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1, 5.6-4; CRA Annex I Part I (2)(j); EN 18031 GEC-2; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.telnet", "Telnet"}),
		},
		{
			id: "SVC-03", title: "The device opens no port on the router", severity: High, level: 1, risk: "low",
			why:    "UPnP lets the device publish itself on the Internet without anybody deciding so.",
			remedy: "Switch UPnP off and remove its mappings from the router.",
			refs:   "NIST SP 800-53 CM-7, SC-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CRA Annex I Part I (2)(j); EN 18031 GEC-2; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.upnp", "UPnP"}),
		},
		{
			id: "SVC-04", title: "SNMP versions without encryption are off", severity: High, level: 1, risk: "low",
			why:    "The community of SNMP v1 and v2c is a password that is sent in the clear and seldom changed.",
			remedy: "Move the monitoring to SNMPv3, then switch v1 and v2c off.",
			refs:   "NIST SP 800-53 CM-7, IA-5; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.1-1, 5.6-1; ANSSI R54; CIS v8 4.8, 12.3",
			judge:  allAre(StateOff, labelled{"service.snmp.v1", "SNMP v1/v2c"}),
		},
		{
			id: "SVC-05", title: "Pictures are not sent by FTP", severity: Medium, level: 1, risk: "low",
			why:    "FTP sends pictures and its password in the clear.",
			remedy: "Switch the FTP upload off, or use an encrypted way to store pictures.",
			refs:   "NIST SP 800-53 CM-7, SC-8; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.ftp", "FTP upload"}),
		},
		{
			id: "SVC-06", title: "The maker's cloud is off", severity: High, level: 1, risk: "medium",
			why:    "A permanent connection to the maker is a way in that the owner's firewall does not see.",
			remedy: "Switch the cloud platform off; where somebody needs it, declare who in the baseline.",
			refs:   "NIST SP 800-53 CM-7, SC-7; IEC 62443-4-2 CR 7.7, CR 1.13; ETSI EN 303 645 5.6-1; CRA Annex I Part I (2)(j); EN 18031 GEC-3; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.cloud", "maker's cloud"}),
		},
		{
			id: "SVC-07", title: "Platform access (ISUP/EHome) is off", severity: Medium, level: 1, risk: "medium",
			why:    "The device keeps a connection to a platform that can then command it.",
			remedy: "Switch ISUP/EHome off; where a platform uses it, use its encrypted version and declare it in the baseline.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.ehome", "ISUP/EHome"}),
		},
		{
			id: "SVC-08", title: "GB/T 28181 is off", severity: Low, level: 1, risk: "low",
			why:    "The protocol is required in some countries and serves nobody elsewhere.",
			remedy: "Switch GB/T 28181 off outside its use.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.gb28181", "GB/T 28181"}),
		},
		{
			id: "SVC-09", title: "Dynamic DNS is off", severity: Medium, level: 1, risk: "low",
			why:    "A public name leads attackers to the device even when its address changes.",
			remedy: "Switch dynamic DNS off and reach the site over a VPN.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.ddns", "dynamic DNS"}),
		},
		{
			id: "SVC-11", title: "Discovery on the wire (SADP) is off", severity: Low, level: 2, risk: "medium",
			why:    "The discovery protocol tells model and firmware to anybody on the wire and has been used to change settings.",
			remedy: "Record address, MAC and serial, then switch SADP off.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-2; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.sadp", "SADP"}),
		},
		{
			id: "SVC-12", title: "Bonjour is off", severity: Low, level: 2, risk: "low",
			why:    "The device announces itself to everybody on the segment.",
			remedy: "Record the address, then switch Bonjour off.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; ANSSI R54; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.bonjour", "Bonjour"}),
		},
		{
			id: "SVC-13", title: "WebSocket without TLS is off", severity: Low, level: 2, risk: "low",
			why:    "Live pictures in the browser travel in the clear over it.",
			remedy: "Switch plain WebSocket off and use the one over TLS.",
			refs:   "NIST SP 800-53 CM-7, SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1",
			judge:  allAre(StateOff, labelled{"service.websocket", "plain WebSocket"}),
		},
		{
			id: "SVC-14", title: "Streams are not offered by multicast", severity: Low, level: 2, risk: "medium",
			why:    "A multicast stream goes to whoever joins the group.",
			remedy: "Switch multicast off on each stream, unless a recorder takes it; then declare that in the baseline.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"streaming.multicast", "multicast streaming"}),
		},
		{
			id: "SVC-15", title: "Industrial and IoT ports are off", severity: Medium, level: 1, risk: "medium",
			why:    "Modbus knows no login at all.",
			remedy: "Switch the Modbus and IoT ports off unless a building system uses them; then declare that in the baseline.",
			refs:   "NIST SP 800-53 CM-7; IEC 62443-4-2 CR 7.7; ETSI EN 303 645 5.6-1; CIS v8 4.8",
			judge:  allAre(StateOff, labelled{"service.modbus", "Modbus"}, labelled{"service.iot", "IoT port"}),
		},
		{
			id: "SVC-16", title: "Outgoing mail is encrypted", severity: Low, level: 2, risk: "low",
			why:    "The mail account's password and the alarm pictures travel with each message.",
			remedy: "Switch TLS or STARTTLS on for outgoing mail.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1",
			judge:  allAre(StateOn, labelled{"mail.tls", "mail encryption"}),
		},
		{
			id: "SVC-17", title: "Events go to receivers over HTTPS and with a login", severity: Medium, level: 2, risk: "medium",
			why:    "Events in the clear tell an intruder what was seen, and a receiver without a login takes them from anybody.",
			remedy: "Prepare the receivers for HTTPS and a login, then change them on the device.",
			refs:   "NIST SP 800-53 SC-8; IEC 62443-4-2 CR 4.1; ETSI EN 303 645 5.5-1",
			judge:  allAre(StateOn, labelled{"events.push.tls", "HTTPS for event receivers"}, labelled{"events.push.auth", "login at event receivers"}),
		},
		{
			id: "SVC-18", title: "The radio is off or well protected", severity: Medium, level: 2, risk: "high",
			why:    "A shared radio key is known to everybody who ever set up a device with it.",
			remedy: "Switch Wi-Fi off where a cable carries the device; else use WPA2-Enterprise or WPA3.",
			refs:   "NIST SP 800-53 AC-18; IEC 62443-4-2 CR 1.6; ETSI EN 303 645 5.5-1; ANSSI R15; CIS v8 12.6",
			judge:  judgeWiFi,
		},
		{
			id: "SVC-21", title: "Model and firmware are not told without a login", severity: Low, level: 2, risk: "none",
			why:    "Who reads model and firmware before any login picks the right attack at once.",
			remedy: "Update the firmware, or keep the device where only its consumers reach it.",
			refs:   "NIST SP 800-53 AC-3; IEC 62443-4-2 CR 2.1; ETSI EN 303 645 5.6-2",
			judge:  allAre(StateOff, labelled{"http.public-info", "device information without a login"}),
		},
	}
}

func judgeWiFi(q *inquiry) Verdict {
	switch q.on("network.wifi", "Wi-Fi") {
	case StateUnknown:
		return q.unknown()
	case StateOff:
		return q.pass("Wi-Fi is off")
	}
	v, ok := q.setting("network.wifi.security", "protection of Wi-Fi", kindString)
	if !ok {
		return q.unknown()
	}
	mode := strings.ToLower(v.Text())
	switch {
	case mode == "wpa2-enterprise", strings.HasPrefix(mode, "wpa3"):
		return q.pass("Wi-Fi is protected by %s", printable(v.Text()))
	case mode == "disable", mode == "none", mode == "wep", strings.HasPrefix(mode, "wpa"):
		return q.fail("Wi-Fi is protected by %s", printable(v.Text()))
	}
	return q.unknown("protection of Wi-Fi of no known meaning: " + printable(v.Text()))
}
