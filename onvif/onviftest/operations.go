package onviftest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// operations are what the device service can do, and keystoreOperations the
// security service, by action: some names are in both and mean different
// things.
var operations, keystoreOperations map[string]func(*Device, *request) (string, error)

func init() { //nolint:gochecknoinits // the table refers to functions that refer to it
	operations = map[string]func(*Device, *request) (string, error){
		"GetDeviceInformation": (*Device).information, "GetServices": (*Device).services,
		"GetServiceCapabilities": (*Device).serviceCapabilities, "GetCapabilities": (*Device).capabilities,
		"GetSystemDateAndTime": (*Device).dateAndTime, "SetSystemDateAndTime": (*Device).setDateAndTime,
		"GetHostname": fixed(`<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>sim</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>`),
		"GetDNS": fixed(`<tds:GetDNSResponse><tds:DNSInformation><tt:FromDHCP>false</tt:FromDHCP><tt:SearchDomain>cameras.example</tt:SearchDomain>` +
			`<tt:DNSManual><tt:Type>IPv4</tt:Type><tt:IPv4Address>192.0.2.53</tt:IPv4Address></tt:DNSManual></tds:DNSInformation></tds:GetDNSResponse>`),
		"GetNetworkDefaultGateway": fixed(`<tds:GetNetworkDefaultGatewayResponse><tds:NetworkGateway><tt:IPv4Address>192.0.2.1</tt:IPv4Address>` +
			`<tt:IPv6Address>::</tt:IPv6Address></tds:NetworkGateway></tds:GetNetworkDefaultGatewayResponse>`),
		"GetWsdlUrl": fixed(`<tds:GetWsdlUrlResponse><tds:WsdlUrl>http://www.onvif.org/</tds:WsdlUrl></tds:GetWsdlUrlResponse>`),
		"GetEndpointReference": func(d *Device, _ *request) (string, error) {
			return in("tds:GetEndpointReferenceResponse", el("tds:GUID", d.uuid())), nil
		},
		"GetNetworkInterfaces": (*Device).interfaces, "GetNetworkProtocols": (*Device).networkProtocols, "SetNetworkProtocols": (*Device).setNetworkProtocols,
		"GetScopes": (*Device).getScopes, "SetScopes": (*Device).setScopes,
		"GetUsers": (*Device).getUsers, "CreateUsers": (*Device).createUsers, "SetUser": (*Device).changeUser, "DeleteUsers": (*Device).deleteUsers,
		"GetUserRoles": (*Device).getRoles, "SetUserRole": (*Device).setRole, "DeleteUserRole": (*Device).deleteRole,
		"GetRemoteUser": (*Device).getRemoteUser, "SetRemoteUser": (*Device).setRemoteUser,
		"GetPasswordComplexityConfiguration": (*Device).getRules, "SetPasswordComplexityConfiguration": (*Device).setRules,
		"GetPasswordComplexityOptions": fixed(`<tds:GetPasswordComplexityOptionsResponse><tds:MinLenRange><tt:Min>8</tt:Min><tt:Max>32</tt:Max></tds:MinLenRange>` +
			`<tds:UppercaseRange><tt:Min>0</tt:Min><tt:Max>4</tt:Max></tds:UppercaseRange><tds:NumberRange><tt:Min>0</tt:Min><tt:Max>4</tt:Max></tds:NumberRange>` +
			`<tds:SpecialCharsRange><tt:Min>0</tt:Min><tt:Max>4</tt:Max></tds:SpecialCharsRange><tds:BlockUsernameOccurrenceSupported>true</tds:BlockUsernameOccurrenceSupported>` +
			`<tds:PolicyConfigurationLockSupported>true</tds:PolicyConfigurationLockSupported></tds:GetPasswordComplexityOptionsResponse>`),
		"GetPasswordHistoryConfiguration": func(d *Device, _ *request) (string, error) {
			return in("tds:GetPasswordHistoryConfigurationResponse", el("tds:Enabled", d.history[0] == 1), el("tds:Length", d.history[1])), nil
		},
		"SetPasswordHistoryConfiguration": func(d *Device, q *request) (string, error) {
			d.history = [2]int{truth(q, "Enabled"), number(q, "Length")}
			return done(q)
		},
		"GetAuthFailureWarningOptions": fixed(`<tds:GetAuthFailureWarningOptionsResponse><tds:MonitorPeriodRange><tt:Min>10</tt:Min><tt:Max>3600</tt:Max></tds:MonitorPeriodRange>` +
			`<tds:AuthFailureRange><tt:Min>1</tt:Min><tt:Max>100</tt:Max></tds:AuthFailureRange></tds:GetAuthFailureWarningOptionsResponse>`),
		"GetAuthFailureWarningConfiguration": func(d *Device, _ *request) (string, error) {
			return in("tds:GetAuthFailureWarningConfigurationResponse", el("tds:Enabled", d.warning[0] == 1), el("tds:MonitorPeriod", d.warning[1]), el("tds:MaxAuthFailures", d.warning[2])), nil
		},
		"SetAuthFailureWarningConfiguration": func(d *Device, q *request) (string, error) {
			d.warning = [3]int{truth(q, "Enabled"), number(q, "MonitorPeriod"), number(q, "MaxAuthFailures")}
			return done(q)
		},
		"SetHashingAlgorithm": (*Device).setHashing,
		"GetDiscoveryMode":    func(d *Device, q *request) (string, error) { return mode(q, "DiscoveryMode", d.discover), nil },
		"SetDiscoveryMode": func(d *Device, q *request) (string, error) {
			d.discover = text(q.el, "DiscoveryMode") == "Discoverable"
			return done(q)
		},
		"GetRemoteDiscoveryMode": func(d *Device, q *request) (string, error) { return mode(q, "RemoteDiscoveryMode", d.remote), nil },
		"SetRemoteDiscoveryMode": func(d *Device, q *request) (string, error) {
			d.remote = text(q.el, "RemoteDiscoveryMode") == "Discoverable"
			return done(q)
		},
		"GetZeroConfiguration": func(d *Device, _ *request) (string, error) {
			return in("tds:GetZeroConfigurationResponse", in("tds:ZeroConfiguration", el("tt:InterfaceToken", "eth0"), el("tt:Enabled", d.zeroConf), el("tt:Addresses", "169.254.7.7"))), nil
		},
		"SetZeroConfiguration": func(d *Device, q *request) (string, error) {
			if text(q.el, "InterfaceToken") != "eth0" {
				return "", sender("No such interface", "ter:InvalidArgVal", "ter:InvalidNetworkInterface")
			}
			d.zeroConf = truth(q, "Enabled") == 1
			return done(q)
		},
		"GetDynamicDNS": func(d *Device, _ *request) (string, error) {
			name := ""
			if d.dns[1] != "" {
				name = el("tt:Name", d.dns[1])
			}
			return in("tds:GetDynamicDNSResponse", in("tds:DynamicDNSInformation", el("tt:Type", d.dns[0]), name)), nil
		},
		"SetDynamicDNS": func(d *Device, q *request) (string, error) {
			d.dns = [2]string{text(q.el, "Type"), text(q.el, "Name")}
			return done(q)
		},
		"GetNTP": (*Device).getNTP, "SetNTP": (*Device).setNTP,
		"GetIPAddressFilter": (*Device).getFilter, "SetIPAddressFilter": (*Device).setFilter, "AddIPAddressFilter": (*Device).addFilter, "RemoveIPAddressFilter": (*Device).removeFilter,
		"GetAccessPolicy": func(d *Device, _ *request) (string, error) {
			return in("tds:GetAccessPolicyResponse", in("tds:PolicyFile", el("tt:Data", base64.StdEncoding.EncodeToString(d.policy)))), nil
		},
		"SetAccessPolicy": func(d *Device, q *request) (string, error) {
			b, err := base64.StdEncoding.DecodeString(text(q.el, "PolicyFile/Data"))
			if err != nil {
				return "", sender("No base64", "ter:InvalidArgs", "ter:PolicyFormat")
			}
			d.policy = b
			return done(q)
		},
		"GetSystemLog": (*Device).systemLog, "GetSystemSupportInformation": (*Device).support, "GetSystemUris": (*Device).uris,
		"GetSystemBackup": (*Device).backup, "RestoreSystem": (*Device).restore, "StartSystemRestore": (*Device).startRestore,
		"SystemReboot": func(d *Device, _ *request) (string, error) {
			d.reboot()
			return in("tds:SystemRebootResponse", el("tds:Message", "Rebooting in 5 seconds")), nil
		},
		"SetSystemFactoryDefault": func(d *Device, q *request) (string, error) {
			d.resets = append(d.resets, text(q.el, "FactoryDefault"))
			return done(q)
		},
		"StartFirmwareUpgrade": (*Device).startUpgrade, "UpgradeSystemFirmware": (*Device).upgradeInside,
		"UpgradeFirmware": func(d *Device, q *request) (string, error) {
			return in("tds:UpgradeFirmwareResponse", el("tds:ExpectedDownTime", "PT2M")), nil
		},
		"GetCertificates": (*Device).getCertificates, "GetCACertificates": (*Device).getCAs, "GetCertificatesStatus": (*Device).certStatus, "SetCertificatesStatus": (*Device).setCertStatus,
		"CreateCertificate": (*Device).createCertificate, "DeleteCertificates": (*Device).deleteCertificates, "GetPkcs10Request": (*Device).pkcs10, "LoadCertificates": (*Device).loadCertificates,
		"LoadCACertificates": (*Device).loadCAs, "LoadCertificateWithPrivateKey": (*Device).loadWithKey, "GetCertificateInformation": (*Device).certInfo,
		"CreateDot1XConfiguration": (*Device).createLegacyDot1X, "SetDot1XConfiguration": (*Device).setLegacyDot1X, "DeleteDot1XConfiguration": (*Device).deleteLegacyDot1X,
		"GetDot1XConfiguration": (*Device).getLegacyDot1X, "GetDot1XConfigurations": (*Device).getAllLegacyDot1X,
		"GetClientCertificateMode": func(d *Device, _ *request) (string, error) {
			return in("tds:GetClientCertificateModeResponse", el("tds:Enabled", d.certMode)), nil
		},
		"SetClientCertificateMode": func(d *Device, q *request) (string, error) {
			d.certMode = truth(q, "Enabled") == 1
			return done(q)
		},
	}
	keystoreOperations = map[string]func(*Device, *request) (string, error){"GetServiceCapabilities": (*Device).serviceCapabilities}
	for _, more := range []map[string]func(*Device, *request) (string, error){
		securityOperations(), tlsOperations(), policyOperations(), authorizationOperations(), dot1xOperations(),
	} {
		maps.Copy(keystoreOperations, more)
	}
}

func fixed(body string) func(*Device, *request) (string, error) {
	return func(*Device, *request) (string, error) { return body, nil }
}

// done is the empty answer of a write.
func done(q *request) (string, error) {
	p := "tds:"
	if q.el.NamespaceURI() == nsSecurity {
		p = "tas:"
	}
	return "<" + p + q.action + "Response/>", nil
}

func text(e *etree.Element, path string) string {
	f := e.FindElement("./" + path)
	if f == nil {
		return ""
	}
	return strings.TrimSpace(f.Text())
}

// verbatim is a text whose spaces count.
func verbatim(e *etree.Element, tag string) string {
	if f := e.SelectElement(tag); f != nil {
		return f.Text()
	}
	return ""
}

func truth(q *request, path string) int {
	if t := text(q.el, path); t == "true" || t == "1" {
		return 1
	}
	return 0
}

func number(q *request, path string) int {
	n, _ := strconv.Atoi(text(q.el, path))
	return n
}

func mode(q *request, name string, on bool) string {
	word := "NonDiscoverable"
	if on {
		word = "Discoverable"
	}
	return in("tds:"+q.action+"Response", el("tds:"+name, word))
}

func (d *Device) uuid() string {
	return "urn:uuid:4d454930-0000-1000-8000-" + strings.ToLower(strings.NewReplacer(":", "", "-", "").Replace(d.p.MAC))
}

func (d *Device) information(*request) (string, error) {
	return in("tds:GetDeviceInformationResponse", el("tds:Manufacturer", d.p.Manufacturer), el("tds:Model", d.p.Model),
		el("tds:FirmwareVersion", d.p.Firmware), el("tds:SerialNumber", d.p.Serial), el("tds:HardwareId", d.p.Hardware)), nil
}

func (d *Device) xaddr(q *request) string {
	scheme, host := "http://", q.host
	if q.tls {
		scheme = "https://"
	}
	if d.p.Faults.ForeignXAddr {
		host = "169.254.169.254"
	}
	return scheme + host + d.p.ServicePath
}

func (d *Device) services(q *request) (string, error) {
	caps := ""
	if truth(q, "IncludeCapability") == 1 {
		caps = in("tds:Capabilities", d.deviceCapabilities())
	}
	one := func(ns, caps, major, minor string) string {
		return in("tds:Service", el("tds:Namespace", ns), el("tds:XAddr", d.xaddr(q)), caps, in("tds:Version", el("tt:Major", major), el("tt:Minor", minor)))
	}
	list := []string{one(nsDevice, caps, "19", "12"), one(nsMedia, "", "19", "6")}
	if d.p.Security {
		list = append(list, one(nsSecurity, "", "22", "6"))
	}
	return in("tds:GetServicesResponse", list...), nil
}

func (d *Device) deviceCapabilities() string {
	attr := func(name string, n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf(` %s="%d"`, name, n)
	}
	words := func(name string, list []string) string {
		if len(list) == 0 {
			return ""
		}
		return fmt.Sprintf(` %s="%s"`, name, strings.Join(list, " "))
	}
	has := func(action string) bool { return !slices.Contains(d.p.Missing, action) }
	roomForDot1X := 0
	if has("GetDot1XConfigurations") {
		roomForDot1X = maxLegacyDot1X
	}
	return in("tds:Capabilities",
		fmt.Sprintf(`<tds:Network IPFilter="%t" ZeroConfiguration="%t" IPVersion6="true" DynDNS="%t" Dot11Configuration="false" Dot1XConfigurations="%d" NTP="1"/>`,
			has("GetIPAddressFilter"), has("GetZeroConfiguration"), has("GetDynamicDNS"), roomForDot1X),
		fmt.Sprintf(`<tds:Security TLS1.0="false" TLS1.1="%t" TLS1.2="%t" AccessPolicyConfig="false" DefaultAccessPolicy="%t" Dot1X="%t" RemoteUserHandling="%t" UsernameToken="%t" HttpDigest="%t"%s%s%s%s%s/>`,
			d.p.Model == "DCS-6511-TEST", d.hasTLS(), d.p.Manufacturer != "SUNBA", roomForDot1X > 0, has("GetRemoteUser"), d.p.Token, len(d.p.Digest) > 0,
			attr("MaxUsers", d.p.MaxUsers), attr("MaxUserNameLength", d.p.MaxUserName), attr("MaxPasswordLength", d.p.MaxPassword),
			words("SecurityPolicies", d.p.Policies), words("HashingAlgorithms", d.p.Hashing)),
		fmt.Sprintf(`<tds:System DiscoveryResolve="false" DiscoveryBye="true" RemoteDiscovery="%t" SystemBackup="%t" SystemLogging="true" FirmwareUpgrade="%t" HttpFirmwareUpgrade="%t"/>`,
			has("GetRemoteDiscoveryMode"), has("GetSystemBackup"), has("UpgradeSystemFirmware"), has("StartFirmwareUpgrade")))
}

func (d *Device) hasTLS() bool {
	return slices.ContainsFunc(d.protocols, func(p Protocol) bool { return p.Name == "HTTPS" })
}

func (d *Device) serviceCapabilities(q *request) (string, error) {
	if q.el.NamespaceURI() == nsSecurity {
		return securityCapabilities, nil
	}
	return in("tds:GetServiceCapabilitiesResponse", d.deviceCapabilities()), nil
}

func (d *Device) capabilities(q *request) (string, error) {
	return in("tds:GetCapabilitiesResponse", in("tds:Capabilities",
		in("tt:Device", el("tt:XAddr", d.xaddr(q)),
			in("tt:Network", el("tt:IPFilter", true), el("tt:ZeroConfiguration", true), el("tt:IPVersion6", true), el("tt:DynDNS", true)),
			in("tt:System", el("tt:DiscoveryResolve", false), el("tt:DiscoveryBye", true), el("tt:RemoteDiscovery", false), el("tt:SystemBackup", false),
				el("tt:SystemLogging", true), el("tt:FirmwareUpgrade", true), in("tt:SupportedVersions", el("tt:Major", 2), el("tt:Minor", 3))),
			in("tt:Security", el("tt:TLS1.1", false), el("tt:TLS1.2", d.hasTLS()), el("tt:OnboardKeyGeneration", false), el("tt:AccessPolicyConfig", false),
				el("tt:X.509Token", false), el("tt:SAMLToken", false), el("tt:KerberosToken", false), el("tt:RELToken", false), in("tt:Extension", el("tt:TLS1.0", false)))),
		in("tt:Media", el("tt:XAddr", d.xaddr(q)), in("tt:StreamingCapabilities", el("tt:RTPMulticast", false), el("tt:RTP_TCP", true), el("tt:RTP_RTSP_TCP", true))))), nil
}

func moment(name string, t time.Time, year int) string {
	return in(name, in("tt:Time", el("tt:Hour", t.Hour()), el("tt:Minute", t.Minute()), el("tt:Second", t.Second())),
		in("tt:Date", el("tt:Year", year), el("tt:Month", int(t.Month())), el("tt:Day", t.Day())))
}

func (d *Device) dateAndTime(*request) (string, error) {
	utc := d.clock().UTC()
	local := utc.Add(d.p.Zone)
	kind := "Manual"
	if d.useNTP {
		kind = "NTP"
	}
	shown := utc
	if d.p.Faults.LocalAsUTC {
		shown = local
	}
	year, localYear := shown.Year(), local.Year()
	if d.p.Faults.Year126 {
		year, localYear = year-1900, localYear-1900
	}
	first := moment("tt:UTCDateTime", shown, year)
	if d.p.Faults.NoUTC {
		first, localYear = "", 1979
	}
	zone := ""
	if d.zone != "" {
		zone = in("tt:TimeZone", el("tt:TZ", d.zone))
	}
	return in("tds:GetSystemDateAndTimeResponse", in("tds:SystemDateAndTime", el("tt:DateTimeType", kind), el("tt:DaylightSavings", d.daylight), zone,
		first, moment("tt:LocalDateTime", local, localYear))), nil
}

func (d *Device) setDateAndTime(q *request) (string, error) {
	d.useNTP = text(q.el, "DateTimeType") == "NTP"
	d.daylight = truth(q, "DaylightSavings") == 1
	if z := text(q.el, "TimeZone/TZ"); z != "" {
		d.zone = z
	}
	if q.el.SelectElement("UTCDateTime") != nil {
		var v [6]int
		for i, p := range []string{"Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second"} {
			v[i] = number(q, "UTCDateTime/"+p)
		}
		d.skew = time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], 0, time.UTC).Sub(d.truth())
	} else if !d.useNTP {
		return "", sender("No time given", "ter:InvalidArgVal", "ter:InvalidDateTime")
	}
	return done(q)
}

func (d *Device) interfaces(*request) (string, error) {
	return in("tds:GetNetworkInterfacesResponse", in(`tds:NetworkInterfaces token="eth0"`, el("tt:Enabled", true),
		in("tt:Info", el("tt:Name", "eth0"), el("tt:HwAddress", d.p.MAC), el("tt:MTU", 1500)),
		in("tt:IPv4", el("tt:Enabled", true), in("tt:Config", in("tt:Manual", el("tt:Address", "192.0.2.20"), el("tt:PrefixLength", 24)), el("tt:DHCP", false))),
		in("tt:IPv6", el("tt:Enabled", false)))), nil
}

func (d *Device) networkProtocols(*request) (string, error) {
	var list []string
	for _, p := range d.protocols {
		content := []string{el("tt:Name", p.Name), el("tt:Enabled", p.Enabled)}
		for _, port := range p.Ports {
			content = append(content, el("tt:Port", port))
		}
		if d.p.Manufacturer == "pelco" {
			content = append(content, in("tt:Extension"))
		}
		list = append(list, in("tds:NetworkProtocols", content...))
	}
	return in("tds:GetNetworkProtocolsResponse", list...), nil
}

func (d *Device) setNetworkProtocols(q *request) (string, error) {
	var sent []Protocol
	for _, e := range q.el.SelectElements("NetworkProtocols") {
		p := Protocol{Name: text(e, "Name"), Enabled: text(e, "Enabled") == "true"}
		for _, port := range e.SelectElements("Port") {
			n, err := strconv.Atoi(port.Text())
			if err != nil || n < 0 || n > 65535 {
				return "", sender("Bad port", "ter:InvalidArgVal", "ter:PortAlreadyInUse")
			}
			p.Ports = append(p.Ports, n)
		}
		if slices.Contains(p.Ports, 22) {
			return "", sender("Port in use", "ter:InvalidArgVal", "ter:PortAlreadyInUse")
		}
		at := slices.IndexFunc(d.protocols, func(h Protocol) bool { return h.Name == p.Name })
		if at < 0 {
			return "", sender("No such service", "ter:InvalidArgVal", "ter:ServiceNotSupported")
		}
		if p.Name == "HTTPS" && p.Enabled && !d.store.hasServerCertificate() {
			return "", &faultError{500, "Receiver", "No certificate", []string{"ter:ActionNotSupported", "ter:EnablingTlsFailed"}}
		}
		sent = append(sent, p)
	}
	if d.p.Faults.ReplacesList {
		d.protocols = sent
	} else {
		for _, p := range sent {
			at := slices.IndexFunc(d.protocols, func(h Protocol) bool { return h.Name == p.Name })
			d.protocols[at] = p
		}
	}
	if err := d.settlePorts(); err != nil {
		return "", err
	}
	return done(q)
}

func (d *Device) getScopes(*request) (string, error) {
	var list []string
	add := func(kind string, uris ...string) {
		for _, u := range uris {
			list = append(list, in("tds:Scopes", el("tt:ScopeDef", kind), el("tt:ScopeItem", u)))
		}
	}
	add("Fixed", d.fixedScopes()...)
	add("Configurable", d.scopes...)
	return in("tds:GetScopesResponse", list...), nil
}

func (d *Device) fixedScopes() []string {
	quote := strings.NewReplacer(" ", "%20", "/", "%2F")
	return append(slices.Clone(d.p.Scopes), "onvif://www.onvif.org/hardware/"+quote.Replace(d.p.Model), "onvif://www.onvif.org/name/"+quote.Replace(d.p.Manufacturer+" "+d.p.Model))
}

func (d *Device) setScopes(q *request) (string, error) {
	d.scopes = nil
	for _, e := range q.el.SelectElements("Scopes") {
		d.scopes = append(d.scopes, strings.TrimSpace(e.Text()))
	}
	return done(q)
}

func (d *Device) getNTP(*request) (string, error) {
	content := []string{el("tt:FromDHCP", d.ntp == nil)}
	for _, s := range d.ntp {
		kind, name := "DNS", "tt:DNSname"
		if a, err := netip.ParseAddr(s); err == nil {
			kind, name = "IPv4", "tt:IPv4Address"
			if a.Is6() {
				kind, name = "IPv6", "tt:IPv6Address"
			}
		}
		content = append(content, in("tt:NTPManual", el("tt:Type", kind), el(name, s)))
	}
	return in("tds:GetNTPResponse", in("tds:NTPInformation", content...)), nil
}

func (d *Device) setNTP(q *request) (string, error) {
	d.ntp = nil
	if truth(q, "FromDHCP") == 0 {
		d.ntp = []string{}
		for _, e := range q.el.SelectElements("NTPManual") {
			d.ntp = append(d.ntp, text(e, "DNSname")+text(e, "IPv4Address")+text(e, "IPv6Address"))
		}
	}
	return done(q)
}

func (d *Device) getFilter(*request) (string, error) {
	content := []string{el("tt:Type", d.filter.kind)}
	for _, six := range []bool{false, true} {
		name := "tt:IPv4Address"
		if six {
			name = "tt:IPv6Address"
		}
		for _, p := range d.filter.prefixes {
			if strings.Contains(p[0], ":") == six {
				content = append(content, in(name, el("tt:Address", p[0]), el("tt:PrefixLength", p[1])))
			}
		}
	}
	return in("tds:GetIPAddressFilterResponse", in("tds:IPAddressFilter", content...)), nil
}

func prefixes(q *request) [][2]string {
	var out [][2]string
	f := q.el.SelectElement("IPAddressFilter")
	if f == nil {
		return nil
	}
	for _, tag := range []string{"IPv4Address", "IPv6Address"} {
		for _, e := range f.SelectElements(tag) {
			out = append(out, [2]string{text(e, "Address"), text(e, "PrefixLength")})
		}
	}
	return out
}

func (d *Device) setFilter(q *request) (string, error) {
	d.filter = filter{text(q.el, "IPAddressFilter/Type"), prefixes(q)}
	return done(q)
}

func (d *Device) addFilter(q *request) (string, error) {
	for _, p := range prefixes(q) {
		if !slices.Contains(d.filter.prefixes, p) {
			d.filter.prefixes = append(d.filter.prefixes, p)
		}
	}
	return done(q)
}

func (d *Device) removeFilter(q *request) (string, error) {
	gone := prefixes(q)
	for _, p := range gone {
		if !slices.Contains(d.filter.prefixes, p) {
			return "", sender("No such address", "ter:InvalidArgVal", "ter:NoIPv4Address")
		}
	}
	d.filter.prefixes = slices.DeleteFunc(d.filter.prefixes, func(p [2]string) bool { return slices.Contains(gone, p) })
	return done(q)
}

func (d *Device) setHashing(q *request) (string, error) {
	list := strings.Fields(text(q.el, "Algorithm"))
	for _, a := range list {
		if !slices.Contains(d.p.Hashing, a) {
			return "", sender("No such algorithm", "ter:InvalidArgVal", "ter:UnsupportedHashingAlgorithm")
		}
	}
	if len(list) == 0 {
		return "", sender("No algorithm", "ter:InvalidArgVal")
	}
	d.p.Digest = list
	d.host.SetAlgorithms(list...)
	return done(q)
}
