package isapitest

import (
	"fmt"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/camsec/camsec/auth/authtest"
)

// place says where a service's switch is: in the document at path, the elements
// named by steps. Documents with on and off hold those words instead of true
// and false; one that is written as a whole is on when it holds the text json.
type place struct {
	path    string
	steps   []string
	on, off string
	json    string
}

const network = "/ISAPI/System/Network/"

var places = map[string]place{
	"ssh":                 {path: network + "ssh", steps: []string{"enabled"}},
	"telnet":              {path: network + "telnetd", steps: []string{"enabled"}},
	"upnp":                {path: network + "UPnP", steps: []string{"enabled"}},
	"snmp":                {path: network + "SNMP", steps: []string{"SNMPv2c", "enabled"}},
	"ddns":                {path: network + "DDNS", steps: []string{"DDNS", "enabled"}},
	"ftp":                 {path: network + "ftp", steps: []string{"FTPNotification", "enabled"}},
	"ezviz":               {path: network + "EZVIZ", steps: []string{"enabled"}},
	"ehome":               {path: network + "Ehome", steps: []string{"enabled"}},
	"sip":                 {path: network + "SIP", steps: []string{"SIPServer", "Standard", "enabled"}},
	"log-server":          {path: "/ISAPI/System/logServer", steps: []string{"enabled"}},
	"wifi":                {path: network + "interfaces/2/wireless", steps: []string{"enabled"}},
	"upnp-ports":          {path: network + "UPnP/ports", steps: []string{"enabled"}},
	"idle-logout":         {path: "/ISAPI/Security/advanced", json: `"noOperationEnabled":true`},
	"gb28181":             {path: network + "SIP/1/SIPInfo", steps: []string{"GB28181", "enabled"}},
	"ipfilter":            {path: network + "ipFilter", steps: []string{"enabled"}},
	"802.1x":              {path: network + "interfaces/1/ieee802.1x", steps: []string{"enabled"}},
	"onvif":               {path: network + "Integrate", steps: []string{"ONVIF", "enable"}},
	"cgi":                 {path: network + "Integrate", steps: []string{"CGI", "enable"}},
	"anonymous":           {path: "/ISAPI/Security/UserPermission/anonymouslogin", steps: []string{"enabled"}},
	"illegal-login-lock":  {path: lockPath, steps: []string{"enabled"}},
	"security-questions":  {path: questionsPath, json: "<mark>true</mark>"},
	"recovery-mail":       {path: mailPath, json: "@"},
	"double-verification": {path: twoPersonsPath, json: `"enable":true`},
	"log":                 {path: logConfigPath, steps: []string{"enabled"}},
	"auto-download":       {path: selfUpdatePath, json: `"autoDownloadPackage":true`},
	"auto-upgrade":        {path: selfUpdatePath, json: `"timingUpgrade":true`},
	"storage-encryption": {
		path: storagePath, steps: []string{"hddList", "hdd", "Encryption", "encryptionStatus"},
		on: "encrypted", off: "unencrypted",
	},
	"discovery": {
		path: "/ISAPI/System/discoveryMode", steps: []string{"PcapMode"},
		on: "discoverable", off: "nonDiscoverable",
	},
}

func (s place) words() (on, off string) {
	if s.on == "" {
		return "true", "false"
	}
	return s.on, s.off
}

// serviceDocument writes the document of a service as the profile has it.
func (p *Profile) serviceDocument(name string) (path, body string) {
	on := p.Services[name]
	path = places[name].path
	switch name {
	case "ssh":
		body = p.doc("SSH", el("enabled", on))
	case "telnet":
		body = p.doc("Telnetd", el("enabled", on))
	case "upnp":
		body = p.doc("UPnP", el("enabled", on), el("name", p.Model))
	case "upnp-ports":
		port := func(id int, internal string, external int) string {
			return in("port", el("id", id), el("enabled", true), el("internalPort", internal), el("externalPort", external))
		}
		body = p.doc("ports", el("enabled", on), el("mapmode", "auto"),
			in("portList", port(1, "http", 8083), port(2, "admin", 8000)), el("natType", "auto"))
	case "wifi":
		body = p.doc("Wireless", el("enabled", on), el("channel", "auto"), el("ssid", "cameras"),
			in("WirelessSecurity", el("securityMode", "WPA2-personal"), in("WPA", el("algorithmType", "AES"), el("wpaKeyLength", 16))))
	case "log-server":
		body = p.doc("LogServer", el("enabled", on), el("addressingFormatType", "ipaddress"), el("ipAddress", "192.0.2.30"),
			el("portNo", 1515), el("uploadInterval", 1), el("transmissionEncryption", on))
	case "snmp":
		version := func(root string, enabled bool) string {
			return p.member(root, el("notificationEnabled", false), in("SNMPTrapReceiverList"),
				el("enabled", enabled), el("writeCommunity", "private"), el("readCommunity", "public"))
		}
		body = p.doc("SNMP", version("SNMPv1c", false), version("SNMPv2c", on),
			in("SNMPAdvanced", in("SNMPUserList", snmpUser(1, "reader"), snmpUser(2, "writer")), el("enabled", false)),
			el("listenPort", 161))
	case "ddns":
		body = p.doc("DDNSList", in("DDNS", el("id", 1), el("enabled", on), el("provider", "DynDNS"),
			in("serverAddress", el("addressingFormatType", "hostname"), el("hostName", "")),
			el("deviceDomainName", ""), el("userName", "")))
	case "ftp":
		body = p.doc("FTPNotificationList", in("FTPNotification", el("id", 1), el("enabled", on),
			el("useSSL", false), el("addressingFormatType", "ipaddress"), el("ipAddress", "0.0.0.0"), el("portNo", 21),
			el("userName", ""), in("uploadPath", el("pathDepth", 0))))
	case "ezviz":
		body = p.doc("EZVIZ", el("enabled", on), el("registerStatus", on),
			in("serverAddress", el("addressingFormatType", "hostname"), el("hostName", "cloud.example.com")),
			el("verificationCode", ""), el("bindStatus", "unbind"), el("streamEncrypteEnabled", true))
	case "ehome":
		body = p.doc("Ehome", el("enabled", on), el("addressingFormatType", "ipaddress"), el("ipAddress", "0.0.0.0"),
			el("portNo", 7660), el("deviceID", ""), el("registerStatus", false), el("protocolVersion", "v5.0"))
	case "sip":
		body = p.doc("SIPServerList", in("SIPServer", el("id", 1), in("Standard", el("enabled", on),
			el("registerStatus", false), el("proxy", ""), el("proxyPort", 5060), el("userName", ""), el("expires", 60))))
	case "gb28181": // documented, not recorded
		body = p.doc("SIPInfo", in("GB28181", el("enabled", on)))
	case "idle-logout": // documented, not recorded
		body = fmt.Sprintf(`{"SecurityAdvanced":{"noOperationEnabled":%t,"noOperationTime":10}}`, on)
	case "ipfilter":
		body = p.doc("IPFilter", el("enabled", on), el("permissionType", "allow"),
			`<IPFilterAddressList size="32"></IPFilterAddressList>`+"\n")
	case "802.1x":
		body = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<IEEE802_1x version="1.0" xmlns="urn:psialliance-org">` + "\n" +
			el("enabled", on) + el("authenticationProtocolType", "EAP-MD5") + el("validateServerEnabled", false) +
			el("userName", "") + el("anonymousID", "") +
			in("Extensions", el("EAPOLVersion", 1)) + "</IEEE802_1x>\n"
	case "onvif", "cgi":
		body = p.doc("Integrate", in("CGI", el("enable", p.Services["cgi"]), el("certificateType", "digest")),
			in("ONVIF", el("enable", p.Services["onvif"]), el("certificateType", "digest")))
	case "anonymous":
		body = p.doc("AnonymousLogin", el("enabled", on))
	case "discovery":
		mode := "nonDiscoverable"
		if on {
			mode = "discoverable"
		}
		body = p.doc("DiscoveryMode", el("PcapMode", mode), el("SADP", mode))
	case "illegal-login-lock":
		times, wait := p.LockAfter, int(p.LockFor/p.lockUnit())
		body = p.doc("IllegalLoginLock", el("enabled", on),
			el("maxIllegalLoginTimes", times), el("maxIllegalLoginLockTime", wait))
	default:
		body = p.readingDocument(name)
	}
	if body == "" {
		path = ""
	}
	return path, body
}

// lockUnit is what the lock's length is told in. The capabilities speak of
// minutes on all devices.
func (p *Profile) lockUnit() time.Duration {
	if p.LockSeconds {
		return time.Second
	}
	return time.Minute
}

func snmpUser(id int, name string) string {
	return in("SNMPUser", el("id", id), el("userName", name), el("remoteEngineID", ""),
		el("snmpAuthenticationMethod", "none"), el("snmpPrivacyMethod", "none"))
}

func (d *Device) setService(name string, on bool) {
	at, known := places[name]
	if !known {
		d.setProtocol(name, on)
		return
	}
	key := "GET " + at.path
	if _, ok := d.docs[key]; !ok || at.json != "" {
		services := make(map[string]bool, len(d.profile.Services)+1)
		for other, state := range d.profile.Services {
			services[other] = state
		}
		services[name] = on
		d.profile.Services = services
		_, body := d.profile.serviceDocument(name)
		delete(d.docs, "-"+key)
		d.docs[key] = body
	}
	onWord, offWord := at.words()
	word := offWord
	if on {
		word = onWord
	}
	d.edit(key, func(root *etree.Element) {
		if e := walk(root, at.steps); e != nil {
			e.SetText(word)
		}
		if name == "discovery" {
			if e := root.SelectElement("SADP"); e != nil {
				e.SetText(word)
			}
		}
	})
	d.settle(at.path)
}

func (d *Device) setProtocol(name string, on bool) {
	found := false
	d.edit("GET /ISAPI/Security/adminAccesses", func(root *etree.Element) {
		for _, e := range root.ChildElements() {
			protocol := e.SelectElement("protocol")
			if protocol == nil || protocol.Text() != name {
				continue
			}
			found = true
			enabled := e.SelectElement("enabled")
			if enabled == nil {
				enabled = e.CreateElement("enabled")
			}
			enabled.SetText(fmt.Sprint(on))
		}
	})
	d.followPorts()
	if !found {
		panic("isapitest: no service or protocol named " + name)
	}
}

func (d *Device) service(name string) bool {
	if at, known := places[name]; known {
		if at.json != "" {
			return strings.Contains(d.docs["GET "+at.path], at.json)
		}
		onWord, _ := at.words()
		root := parse(d.docs["GET "+at.path])
		e := walk(root, at.steps)
		return e != nil && e.Text() == onWord
	}
	root := parse(d.docs["GET /ISAPI/Security/adminAccesses"])
	if root == nil {
		return false
	}
	for _, e := range root.ChildElements() {
		protocol, enabled := e.SelectElement("protocol"), e.SelectElement("enabled")
		if protocol != nil && enabled != nil && protocol.Text() == name {
			return enabled.Text() == "true"
		}
	}
	return false
}

// settle makes a written document effective.
func (d *Device) settle(path string) {
	defer d.followPorts()
	if strings.HasPrefix(path, channelsPath+"/") {
		d.connect(path, strings.TrimPrefix(path, channelsPath+"/"))
		return
	}
	root := parse(d.docs["GET "+path])
	switch {
	case root == nil:
	case path == lockPath:
		after, wait := 0, 0
		if word(root, "enabled") == "true" {
			after = number(root, "maxIllegalLoginTimes")
			wait = number(root, "maxIllegalLoginLockTime")
		}
		d.host.SetLock(after, time.Duration(wait)*d.profile.lockUnit())
	case path == certificatePath:
		d.host.SetBasic(word(root, "CertificateType") == "digest/basic")
		switch word(root.SelectElement("SecurityAlgorithm"), "algorithmType") {
		case "MD5":
			d.host.SetAlgorithms(authtest.MD5)
		case "SHA256":
			d.host.SetAlgorithms(authtest.SHA256)
		case "MD5/SHA256":
			d.host.SetAlgorithms(authtest.SHA256, authtest.MD5)
		}
	}
}

// channelSecret names the password that a channel was told.
const channelSecret = "sourceInputPortDescriptor/password"

// connect has the recorder log in to a camera with what it was told.
func (d *Device) connect(path, id string) {
	for _, c := range d.profile.Channels {
		told, has := d.secrets[path+" "+channelSecret]
		if itoa(c.ID) != id || !has {
			continue
		}
		if _, real := d.cameras[c.ID]; real {
			d.later(0, func() { d.Dial(c.ID) })
			continue
		}
		state := "connect"
		if c.Password != "" && told != c.Password {
			state = "errorUserNameOrPasswd"
		}
		d.channelState(path, id, state)
	}
}

// channelState writes what came of a login to a camera.
func (d *Device) channelState(path, id, detect string) {
	online := "false"
	if detect == "connect" {
		online = "true"
	}
	change := func(e *etree.Element) {
		if e == nil {
			return
		}
		for name, text := range map[string]string{"online": online, "chanDetectResult": detect} {
			if f := e.SelectElement(name); f != nil {
				f.SetText(text)
			}
		}
	}
	d.edit("GET "+channelsPath+"/status", func(root *etree.Element) { change(memberOf(root, id)) })
	d.edit("GET "+path+"/status", change)
}
