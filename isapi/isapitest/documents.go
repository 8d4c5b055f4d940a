package isapitest

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	activatePath = "/SDK/activateStatus"
	infoPath     = "/ISAPI/System/deviceInfo"
	usersPath    = "/ISAPI/Security/users"
	checkPath    = "/ISAPI/Security/userCheck"
	lockPath     = "/ISAPI/Security/illegalLoginLock"
	timePath     = "/ISAPI/System/time"
	onlinePath   = "/ISAPI/Security/onlineUser"
	rebootPath   = "/ISAPI/System/reboot"
	onvifPath    = "/ISAPI/Security/ONVIF/users"
	rightsPath   = "/ISAPI/Security/UserPermission"
	channelsPath = "/ISAPI/ContentMgmt/InputProxy/channels"

	certificatePath = "/ISAPI/Security/webCertificate"
	mailingPath     = network + "mailing"
	triggersPath    = "/ISAPI/Event/triggers"
)

func itoa(n int) string { return strconv.Itoa(n) }

// text writes s as character data.
func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}

// el writes one element with character data.
func el(name string, value any) string {
	return "<" + name + ">" + text(fmt.Sprint(value)) + "</" + name + ">\n"
}

// opt writes an element that also lists the values it may take.
func opt(name, choices string, value any) string {
	return fmt.Sprintf("<%s opt=\"%s\">%s</%s>\n", name, text(choices), text(fmt.Sprint(value)), name)
}

// in writes an element around others.
func in(name string, children ...string) string {
	return "<" + name + ">\n" + strings.Join(children, "") + "</" + name + ">\n"
}

// ns are the attributes that root elements, and on hikvision.com devices the
// members of lists, carry.
func (p *Profile) ns() string {
	return fmt.Sprintf(` version="%s" xmlns="%s"`, p.Version, text(p.Namespace))
}

func (p *Profile) member(name string, children ...string) string {
	open := name
	if p.Namespace == NamespaceHikvision {
		open += p.ns()
	}
	return "<" + open + ">\n" + strings.Join(children, "") + "</" + name + ">\n"
}

func (p *Profile) doc(root string, children ...string) string {
	return p.docWith(root, "", children...)
}

func (p *Profile) docWith(root, attrs string, children ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + root + p.ns() + attrs + ">\n" +
		strings.Join(children, "") + "</" + root + ">\n"
}

func (p *Profile) has(service string) bool {
	_, ok := p.Services[service]
	return ok
}

// documents writes what a device of the profile answers to reads. Documents
// that change with the accounts or the clock are written when asked for.
func documents(p Profile) map[string]string {
	docs := map[string]string{}
	set := func(path, body string) { docs["GET "+path] = body }

	set(infoPath, p.in(infoPath).deviceInfo())
	set("/ISAPI/System/capabilities", p.capabilities())
	set("/ISAPI/Security/capabilities", p.securityCap("SecurityCap"))
	set("/ISAPI/Security/adminAccesses", p.adminAccesses())
	set("/ISAPI/System/time/ntpServers", p.ntp())
	set(triggersPath, p.triggers())
	set("/ISAPI/Event/notification/httpHosts", p.in("/ISAPI/Event/notification/httpHosts").httpHosts())
	set(mailingPath, p.in(mailingPath).mailing())
	set("/ISAPI/System/Network/interfaces", p.interfaces())
	p.streams(set)
	set(rightsPath, p.rights())
	if p.WebCertificate != "" {
		fields := []string{el("CertificateType", p.WebCertificate)}
		if !p.PlainCertificate {
			fields = append(fields, in("SecurityAlgorithm", el("algorithmType", p.algorithmType())))
		}
		set(certificatePath, p.doc("WebCertificate", fields...))
	}
	if p.NotSupported != 404 { // documented, not recorded
		selections(set)
		set(linksPath, `{"LoginLinkNum":{"maxLinkNum":32}}`)
	}
	if p.RTSPDocument {
		set("/ISAPI/Security/RTSPCertificate", p.doc("RTSPCertificate", el("certificateType", "digest")))
	}
	if p.has("onvif") {
		set(onvifPath, p.onvifUsers())
	}
	if p.isRecorder() {
		p.channels(set)
	}
	for name := range p.Services {
		if path, body := p.serviceDocument(name); path != "" {
			set(path, body)
		}
	}
	for _, path := range p.Missing {
		delete(docs, "GET "+path)
		docs["-GET "+path] = ""
	}
	for key, body := range p.Documents {
		delete(docs, "-"+key)
		docs[key] = body
	}
	return docs
}

// in is the profile with the namespace that it has for a document.
func (p *Profile) in(path string) *Profile {
	q := *p
	if ns := p.Namespaces[path]; ns != "" {
		q.Namespace = ns
	}
	return &q
}

func (p *Profile) isRecorder() bool { return p.Type == "NVR" || p.Type == "DVR" }

func (p *Profile) deviceInfo() string {
	if p.isRecorder() {
		b := []string{
			el("deviceName", p.Name), el("deviceID", "48414831-3630-0000-0000-"+strings.ReplaceAll(p.MAC, ":", "")),
			el("model", p.Model), el("serialNumber", p.Serial), el("macAddress", p.MAC),
			el("firmwareVersion", p.Firmware), el("firmwareReleasedDate", p.Released),
			el("encoderVersion", "V5.0"), el("encoderReleasedDate", p.Released),
			el("deviceType", p.Type), el("telecontrolID", 255), el("hardwareVersion", "0x10203"),
			el("decordChannelNums", 16), el("VGANums", 1), el("USBNums", 2), el("auxoutNums", 0),
		}
		if p.Type == "DVR" {
			b = append(b, el("manufacturer", "hikvision"))
		}
		return p.doc("DeviceInfo", b...)
	}
	b := []string{
		el("deviceName", p.Name), el("deviceID", "02005e00-5301-4000-8000-"+strings.ReplaceAll(p.MAC, ":", "")),
		el("model", p.Model), el("serialNumber", p.Serial), el("macAddress", p.MAC),
		el("firmwareVersion", p.Firmware), el("firmwareReleasedDate", p.Released),
		el("encoderVersion", "V7.3"), el("encoderReleasedDate", p.Released),
		el("bootVersion", "V1.3.4"), el("bootReleasedDate", "100316"),
		el("hardwareVersion", "0x0"), el("deviceType", p.Type), el("telecontrolID", 88),
	}
	if p.Platform != "" {
		b = append(b, el("firmwareVersionInfo", p.Platform), el("manufacturer", "hikvision"))
	}
	return p.doc("DeviceInfo", b...)
}

func (p *Profile) algorithmType() string {
	switch {
	case len(p.Algorithms) > 1:
		return "MD5/SHA256"
	case slices.Contains(p.Algorithms, "SHA-256"):
		return "SHA256"
	}
	return "MD5"
}

func (p *Profile) capabilities() string {
	network := p.member("NetworkCap",
		el("isSupportWireless", false), el("isSupport802_1x", p.has("802.1x")),
		el("isSupportUpnp", p.has("upnp")), el("isSupportDdns", p.has("ddns")), el("isSupportFtp", p.has("ftp")),
		in("SnmpCap", el("isSupport", p.has("snmp"))), el("isSupportIPFilter", p.has("ipfilter")),
		el("isSupportEZVIZ", p.has("ezviz")), el("isSupportEhome", p.has("ehome")),
		el("isSupportIntegrate", p.has("onvif")), el("isSupportHttps", true))
	if p.has("ssh") && p.FlatCapabilities {
		network = strings.Replace(network, "</NetworkCap>", el("isSupportSSH", true)+"</NetworkCap>", 1)
	}
	system := []string{p.member("SysCap", el("isSupportDst", true), network)}
	if p.FlatCapabilities {
		system = []string{p.member("SysCap", el("isSupportDst", true)), network}
	}
	children := []string{
		strings.Join(system, ""),
		p.member("EventCap", el("isSupportIllAccess", true)),
		p.securityMember(),
	}
	if p.isRecorder() {
		children = append(children, p.member("RacmCap", el("isSupportSyncIPCPassword", true), el("inputProxyNums", 16)))
	}
	return p.doc("DeviceCap", children...)
}

func (p *Profile) securityFields() []string {
	b := []string{
		el("supportUserNums", 32), el("userBondIpNums", 1), el("userBondMacNums", 1), el("isSupCertificate", true),
	}
	if p.NotSupported == 404 {
		return b
	}
	b = append(b,
		el("issupIllegalLoginLock", p.has("illegal-login-lock")),
		el("isSupportOnlineUser", true), el("isSupportAnonymous", p.has("anonymous")),
		opt("securityVersion", "1", ""), el("keyIterateNum", 100), el("isSupportUserCheck", true),
		in("SecurityLimits", `<LoginPasswordLenLimit min="1" max="16"></LoginPasswordLenLimit>`+"\n"),
		opt("RSAKeyLength", "1024,2048", ""))
	if p.WebCertificate != "" {
		algorithms := in("SecurityAlgorithm", opt("algorithmType", "MD5,SHA256,MD5/SHA256", ""))
		if p.PlainCertificate {
			algorithms = ""
		}
		b = append(b, in("WebCertificateCap", opt("CertificateType", "digest,digest/basic", ""), algorithms))
	}
	return append(b,
		`<cfgFileSecretKeyLenLimit min="1" max="16"></cfgFileSecretKeyLenLimit>`+"\n",
		`<maxIllegalLoginTimes min="3" max="20" def="7"></maxIllegalLoginTimes>`+"\n",
		`<maxIllegalLoginLockTime min="1" max="120" def="30"></maxIllegalLoginLockTime>`+"\n",
		el("isSupportPasswordProtection", true), el("isSupportPasswordProtection", true))
}

func (p *Profile) securityCap(root string) string { return p.doc(root, p.securityFields()...) }

func (p *Profile) securityMember() string { return p.member("SecurityCap", p.securityFields()...) }

func (p *Profile) adminAccesses() string {
	var all []string
	for _, a := range p.Access {
		all = append(all, p.access(a))
	}
	return p.doc("AdminAccessProtocolList", all...)
}

func (p *Profile) access(a Access) string {
	b := []string{el("id", a.ID)}
	if !a.Silent {
		b = append(b, el("enabled", a.Enabled))
	}
	name, redirect := el("protocol", a.Protocol), ""
	if a.TLS || a.Redirect {
		redirect = el("redirectToHttps", false)
	}
	if a.RedirectFirst {
		name, redirect = redirect, name
	}
	b = append(b, name, redirect)
	if a.Stream {
		b = append(b, el("streamOverTls", false))
	}
	if a.Port != 0 {
		b = append(b, el("portNo", a.Port))
	}
	if a.TLS {
		b = append(b, el("TLS1_1Enable", a.OldTLS), el("TLS1_2Enable", true))
		if !a.NoTLS13 {
			b = append(b, el("TLS1_3Enable", true))
		}
	}
	return p.member("AdminAccessProtocol", b...)
}

func (p *Profile) ntpFields() string {
	return el("id", 1) + el("addressingFormatType", "hostname") + el("hostName", "ntp.example.org") +
		el("portNo", 123) + el("synchronizeInterval", 60)
}

func (p *Profile) ntp() string { return p.doc("NTPServerList", p.member("NTPServer", p.ntpFields())) }

func (p *Profile) illaccess() string {
	return el("id", "illaccess") + el("eventType", "illaccess") + el("eventDescription", "exception Information") +
		in("EventTriggerNotificationList", in("EventTriggerNotification",
			el("id", "center"), el("notificationMethod", "center"), el("notificationRecurrence", "beginning")))
}

func (p *Profile) triggers() string {
	q := *p
	if p.TriggerNamespace != "" {
		q.Namespace, q.Version = p.TriggerNamespace, "2.0"
	}
	open := "EventTrigger"
	if p.Namespace == NamespaceHikvision {
		open += q.ns()
	}
	member := func(children ...string) string {
		return "<" + open + ">\n" + strings.Join(children, "") + "</EventTrigger>\n"
	}
	motion := member(el("id", "VMD-1"), el("eventType", "VMD"), el("videoInputChannelID", 1), in("EventTriggerNotificationList"))
	list := []string{motion, member(p.illaccess())}
	if p.DeepTriggers {
		return p.doc("EventNotification", p.member("EventTriggerList", list...))
	}
	return p.doc("EventTriggerList", list...)
}

func (p *Profile) httpHosts() string {
	fields := []string{
		el("id", 1), el("url", ""), el("protocolType", "HTTP"), el("parameterFormatType", "XML"),
		el("addressingFormatType", "ipaddress"), el("ipAddress", "0.0.0.0"), el("portNo", 0),
		el("userName", ""), el("httpAuthenticationMethod", "none"),
	}
	if p.isRecorder() { // in a namespace that nothing else has
		fields = append(fields, `<Extensions xmlns="urn:selfextension:psiaext-ver10-xsd">`+"\n"+el("intervalBetweenEvents", 0)+"</Extensions>\n")
	}
	return p.doc("HttpHostNotificationList", p.member("HttpHostNotification", fields...))
}

func (p *Profile) mailing() string {
	return p.doc("mailingList", in("mailing", el("id", 1),
		in("sender", el("name", ""), el("emailAddress", ""), in("smtp",
			el("enableAuthorization", false), el("enableSSL", false), el("addressingFormatType", "hostname"),
			el("hostName", ""), el("portNo", 25), el("accountName", ""))),
		in("receiverList", in("receiver", el("id", 1), el("name", ""), el("emailAddress", "")))))
}

func (p *Profile) interfaces() string {
	return p.doc("NetworkInterfaceList", p.member("NetworkInterface", el("id", 1),
		p.member("IPAddress", el("ipVersion", "dual"), el("addressingType", "static"),
			el("ipAddress", "192.0.2.64"), el("subnetMask", "255.255.255.0"),
			in("DefaultGateway", el("ipAddress", "192.0.2.1")), in("PrimaryDNS", el("ipAddress", "192.0.2.53"))),
		p.member("Link", el("MACAddress", p.MAC), el("autoNegotiation", true), el("MTU", 1500))))
}

func (p *Profile) stream(id int) []string {
	b := []string{
		el("id", id), el("channelName", "Camera "+itoa(id/100)), el("enabled", true),
	}
	transport := []string{
		el("maxPacketSize", 1000),
		in("ControlProtocolList", in("ControlProtocol", el("streamingTransport", "RTSP")),
			in("ControlProtocol", el("streamingTransport", "HTTP"))),
		in("Unicast", el("enabled", true), el("rtpTransportType", "RTP/TCP")),
		in("Multicast", el("enabled", p.Multicast), el("destIPAddress", "0.0.0.0"), el("videoDestPortNo", 8860)),
	}
	switch {
	case p.RTSP != "":
		transport = append(transport, in("Security", el("enabled", true), el("certificateType", p.RTSP),
			in("SecurityAlgorithm", el("algorithmType", p.algorithmType()))))
	case !p.isRecorder():
		transport = append(transport, in("Security", el("enabled", true)))
	}
	return append(b, in("Transport", transport...),
		in("Video", el("enabled", true), el("videoInputChannelID", id/100), el("videoCodecType", "H.264")))
}

func (p *Profile) streams(set func(path, body string)) {
	channels := max(1, len(p.Channels), p.Inputs)
	var all []string
	for c := 1; c <= channels; c++ {
		for _, id := range []int{c*100 + 1, c*100 + 2} {
			all = append(all, p.member("StreamingChannel", p.stream(id)...))
		}
	}
	set("/ISAPI/Streaming/channels", p.doc("StreamingChannelList", all...))
}

func (p *Profile) channels(set func(path, body string)) {
	const base = channelsPath
	var all, states []string
	for _, c := range p.Channels {
		source := in("sourceInputPortDescriptor",
			el("proxyProtocol", c.Protocol), el("addressingFormatType", "ipaddress"), el("ipAddress", c.Address),
			el("managePortNo", c.Port), el("srcInputPort", 1), el("userName", c.User), el("streamType", "auto"),
			el("model", c.Model), el("serialNumber", c.Serial), el("firmwareVersion", c.Firmware), el("deviceID", ""))
		fields := []string{el("id", c.ID), el("name", c.Name), source}
		if c.Validate != "" {
			fields = append(fields, el("certificateValidationEnabled", c.Validate))
		}
		fields = append(fields, el("enableAnr", false))
		detect := "connect"
		if !c.Online {
			detect = "notExist"
		}
		if c.Detect != "" {
			detect = c.Detect
		}
		state := []string{
			el("id", c.ID), in("sourceInputPortDescriptor", el("ipAddress", c.Address)),
			el("online", c.Online), el("chanDetectResult", detect),
		}
		all = append(all, p.member("InputProxyChannel", fields...))
		states = append(states, p.member("InputProxyChannelStatus", state...))
		set(base+"/"+itoa(c.ID)+"/status", p.doc("InputProxyChannelStatus", state...))
	}
	// Recorders announce a size that need not be the number of channels.
	size := 16
	if p.Inputs > 0 {
		size = 2
	}
	set(base, p.docWith("InputProxyChannelList", fmt.Sprintf(` size="%d"`, size), all...))
	set(base+"/status", p.doc("InputProxyChannelStatusList", states...))
}

func (p *Profile) onvifUsers() string {
	var all []string
	for _, u := range p.ONVIFUsers {
		all = append(all, p.member("User", el("id", u.ID), el("userName", u.Name), el("userType", u.Level)))
	}
	return p.doc("UserList", all...)
}

// rights are what accounts may do; documented, not recorded. Their numbers are
// not those of the accounts.
func (p *Profile) rights() string {
	all := []string{}
	for i, u := range append([]User{{ID: 1, Level: "Administrator"}}, p.MoreUsers...) {
		admin := u.Level == "Administrator"
		all = append(all, p.member("UserPermission", el("id", 10+i), el("userID", u.ID), el("userType", strings.ToLower(u.Level)),
			in("remotePermission", el("parameterConfig", admin), el("logOrStateCheck", admin), el("upgrade", admin),
				el("restartOrShutdown", admin), el("contorlLocalOut", admin), el("transParentChannel", admin),
				el("preview", true), el("record", admin), el("playBack", true), el("ptzControl", admin))))
	}
	return p.doc("UserPermissionList", all...)
}
