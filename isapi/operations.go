package isapi

import (
	"net/url"
	"slices"
	"strings"

	"github.com/camsec/camsec"
)

// An Operation is one request of the wire protocol.
type Operation struct {
	Name     string // of the method of [Client]
	Method   string // GET, PUT, …
	Path     string // with its query, if any; {id} stands for a member's number
	Evidence camsec.Evidence
	Writes   bool // changes the device; refused with [Options.ReadOnly]
	Endless  bool // answers for as long as somebody listens
}

// String returns method and path.
func (o Operation) String() string { return o.Method + " " + o.Path }

// operations is the table of all that this package reads.
var operations = []Operation{
	get("Activation", "/SDK/activateStatus", camsec.Recorded),
	get("AdminAccesses", "/ISAPI/Security/adminAccesses", camsec.Recorded),
	get("Advanced", "/ISAPI/Security/advanced?format=json", camsec.Documented),
	{Name: "Alerts", Method: "GET", Path: "/ISAPI/Event/notification/alertStream", Evidence: camsec.Recorded, Endless: true},
	get("AnonymousLogin", "/ISAPI/Security/UserPermission/anonymouslogin", camsec.Documented),
	get("Capabilities", "/ISAPI/System/capabilities", camsec.Recorded),
	get("ChannelStatus", "/ISAPI/ContentMgmt/InputProxy/channels/status", camsec.Recorded),
	get("CertificateRequest", "/ISAPI/Security/serverCertificate/downloadCertSignReq", camsec.Documented),
	get("Certificates", "/ISAPI/Security/serverCertificate/certificates?format=json", camsec.Documented),
	get("Channels", "/ISAPI/ContentMgmt/InputProxy/channels", camsec.Recorded),
	get("DDNS", "/ISAPI/System/Network/DDNS", camsec.Documented),
	get("DeviceInfo", "/ISAPI/System/deviceInfo", camsec.Recorded),
	get("DiscoveryMode", "/ISAPI/System/discoveryMode", camsec.Documented),
	get("DoubleVerification", "/ISAPI/Security/doubleVerification?format=json", camsec.Documented),
	get("EHome", "/ISAPI/System/Network/Ehome", camsec.Recorded),
	get("EZVIZ", "/ISAPI/System/Network/EZVIZ", camsec.Recorded),
	get("EncryptFields", "/ISAPI/Security/capabilities?username={id}", camsec.Recorded),
	get("EncryptFields", "/ISAPI/Security/users?security=1&iv={id}", camsec.Documented),
	get("EventTriggers", "/ISAPI/Event/triggers", camsec.Recorded),
	get("ExportConfiguration", "/ISAPI/System/configurationData", camsec.Documented),
	get("FTP", "/ISAPI/System/Network/ftp", camsec.Documented),
	get("GB28181", "/ISAPI/System/Network/SIP/1/SIPInfo", camsec.Documented),
	get("HTTPHosts", "/ISAPI/Event/notification/httpHosts", camsec.Recorded),
	get("IEEE8021X", "/ISAPI/System/Network/interfaces/1/ieee802.1x", camsec.Documented),
	get("IPFilter", "/ISAPI/System/Network/ipFilter", camsec.Recorded),
	get("IllegalLoginLock", "/ISAPI/Security/illegalLoginLock", camsec.Recorded),
	get("Integrate", "/ISAPI/System/Network/Integrate", camsec.Documented),
	get("Interfaces", "/ISAPI/System/Network/interfaces", camsec.Recorded),
	get("LogConfig", "/ISAPI/ContentMgmt/logConfig", camsec.Documented),
	get("LogServer", "/ISAPI/System/logServer", camsec.Documented),
	get("LoginLinkNum", "/ISAPI/Security/loginLinkNum?format=json", camsec.Documented),
	get("Mailing", "/ISAPI/System/Network/mailing", camsec.Recorded),
	get("NTPServers", "/ISAPI/System/time/ntpServers", camsec.Recorded),
	get("ONVIFUsers", "/ISAPI/Security/ONVIF/users?security=0", camsec.Documented),
	get("OnlineUsers", "/ISAPI/Security/onlineUser", camsec.Recorded),
	get("OnlineUpgrade", "/ISAPI/System/onlineUpgrade/deviceParameter?format=json", camsec.Documented),
	get("PublicDeviceInfo", "/ISAPI/System/deviceInfo", camsec.Recorded),
	get("RTSPCertificate", "/ISAPI/Security/RTSPCertificate", camsec.Documented),
	get("RecoveryMail", "/ISAPI/Security/email/parameter?format=json", camsec.Documented),
	get("SNMP", "/ISAPI/System/Network/SNMP", camsec.Documented),
	search("SystemLog", "/ISAPI/ContentMgmt/logSearch", camsec.Recorded),
	search("SecurityLog", "/ISAPI/ContentMgmt/security/logSearch", camsec.Documented),
	get("SSH", "/ISAPI/System/Network/ssh", camsec.Recorded),
	get("SelectedCertificate", "/ISAPI/Security/certificate/select/{id}?format=json", camsec.Documented),
	get("SecurityCapabilities", "/ISAPI/Security/capabilities", camsec.Recorded),
	get("SecurityQuestions", "/ISAPI/Security/questionConfiguration", camsec.Documented),
	get("Storage", "/ISAPI/ContentMgmt/Storage", camsec.Recorded),
	get("StreamingChannels", "/ISAPI/Streaming/channels", camsec.Recorded),
	get("Telnet", "/ISAPI/System/Network/telnetd", camsec.Documented),
	get("Time", "/ISAPI/System/time", camsec.Recorded),
	get("UPnP", "/ISAPI/System/Network/UPnP", camsec.Documented),
	get("UPnPPortStatus", "/ISAPI/System/Network/UPnP/ports/status", camsec.Documented),
	get("UPnPPorts", "/ISAPI/System/Network/UPnP/ports", camsec.Documented),
	get("UpgradeStatus", "/ISAPI/System/upgradeStatus", camsec.Documented),
	get("UserCheck", "/ISAPI/Security/userCheck", camsec.Recorded),
	get("Users", "/ISAPI/Security/users", camsec.Recorded),
	get("WebCertificate", "/ISAPI/Security/webCertificate", camsec.Documented),
	get("Wireless", "/ISAPI/System/Network/interfaces/2/wireless", camsec.Recorded),

	// Read by writes alone, and named after them.
	get("SetChannelCredential", "/ISAPI/ContentMgmt/InputProxy/channels/{id}", camsec.Documented),
	get("SetChannelValidation", "/ISAPI/ContentMgmt/InputProxy/channels/{id}", camsec.Documented),
	get("SetDDNS", "/ISAPI/System/Network/DDNS/{id}", camsec.Documented),
	get("SetEventTrigger", "/ISAPI/Event/triggers/{id}", camsec.Recorded),
	get("SetFTP", "/ISAPI/System/Network/ftp/{id}", camsec.Documented),
	get("SetHTTPHost", "/ISAPI/Event/notification/httpHosts/{id}", camsec.Recorded),
	get("SetMACFilter", "/ISAPI/System/Network/macFilter", camsec.Documented),
	get("SetMailEncryption", "/ISAPI/System/Network/mailing/{id}", camsec.Documented),
	get("SetNTPServer", "/ISAPI/System/time/ntpServers/{id}", camsec.Recorded),
	get("SetMulticast", "/ISAPI/Streaming/channels/{id}", camsec.Recorded),
	get("SetStreamingSecurity", "/ISAPI/Streaming/channels/{id}", camsec.Recorded),
	get("SetUserLevel", "/ISAPI/Security/users/{id}", camsec.Recorded),
	get("SetUserPermission", "/ISAPI/Security/UserPermission", camsec.Documented),
	get("SetUserPermission", "/ISAPI/Security/UserPermission/{id}", camsec.Documented),
}

// writes is the table of all that changes a device. What rests on answers of
// devices to the very write is recorded; most is not.
var writes = []Operation{
	write("Activate", "POST /ISAPI/Security/challenge", camsec.Documented),
	write("Activate", "PUT /ISAPI/System/activate", camsec.Documented),
	write("ActivateV3", "POST /ISAPI/System/activate/GetChallengeV3?format=json", camsec.Documented),
	write("ActivateV3", "POST /ISAPI/System/activate/StartActivateV3?format=json", camsec.Documented),
	write("CreateCertificateRequest", "PUT /ISAPI/Security/serverCertificate/certSignReq", camsec.Documented),
	write("CreateONVIFUser", "PUT /ISAPI/Security/ONVIF/users/{id}?security=0", camsec.Documented),
	write("CreateSelfSignedCertificate", "PUT /ISAPI/Security/serverCertificate/selfSignCert", camsec.Documented),
	write("CreateUser", "POST /ISAPI/Security/users", camsec.Documented),
	write("DeleteUser", "DELETE /ISAPI/Security/users/{id}", camsec.Documented),
	write("ImportCertificate", "PUT /ISAPI/Security/serverCertificate/certificate", camsec.Documented),
	write("ImportConfiguration", "PUT /ISAPI/System/configurationData", camsec.Documented),
	write("ImportConfiguration", "POST /ISAPI/System/configurationData", camsec.Documented),
	write("Reboot", "PUT /ISAPI/System/reboot", camsec.Documented),
	write("SelectCertificate", "PUT /ISAPI/Security/certificate/select/{id}?format=json", camsec.Documented),
	write("SetAdminAccess", "PUT /ISAPI/Security/adminAccesses", camsec.Documented),
	write("SetAdvanced", "PUT /ISAPI/Security/advanced?format=json", camsec.Documented),
	write("SetAnonymousLogin", "PUT /ISAPI/Security/UserPermission/anonymouslogin", camsec.Documented),
	write("SetChannelCredential", "PUT /ISAPI/ContentMgmt/InputProxy/channels/{id}", camsec.Documented),
	write("SetChannelValidation", "PUT /ISAPI/ContentMgmt/InputProxy/channels/{id}", camsec.Documented),
	write("SetClock", "PUT /ISAPI/System/time", camsec.Documented),
	write("SetDDNS", "PUT /ISAPI/System/Network/DDNS/{id}", camsec.Documented),
	write("SetDiscoveryMode", "PUT /ISAPI/System/discoveryMode", camsec.Documented),
	write("SetEHome", "PUT /ISAPI/System/Network/Ehome", camsec.Recorded),
	write("SetEZVIZ", "PUT /ISAPI/System/Network/EZVIZ", camsec.Documented),
	write("SetEventTrigger", "PUT /ISAPI/Event/triggers/{id}", camsec.Documented),
	write("SetFTP", "PUT /ISAPI/System/Network/ftp/{id}", camsec.Documented),
	write("SetGB28181", "PUT /ISAPI/System/Network/SIP/1/SIPInfo", camsec.Documented),
	write("SetHTTPHost", "PUT /ISAPI/Event/notification/httpHosts/{id}", camsec.Recorded),
	write("SetIEEE8021X", "PUT /ISAPI/System/Network/interfaces/1/ieee802.1x", camsec.Documented),
	write("SetIEEE8021XCredential", "PUT /ISAPI/System/Network/interfaces/1/ieee802.1x", camsec.Documented),
	write("SetIPFilter", "PUT /ISAPI/System/Network/ipFilter", camsec.Documented),
	write("SetIPFilterList", "PUT /ISAPI/System/Network/ipFilter", camsec.Documented),
	write("SetIllegalLoginLock", "PUT /ISAPI/Security/illegalLoginLock", camsec.Documented),
	write("SetIntegrate", "PUT /ISAPI/System/Network/Integrate", camsec.Documented),
	write("SetLogServer", "PUT /ISAPI/System/logServer", camsec.Documented),
	write("SetLoginLinkNum", "PUT /ISAPI/Security/loginLinkNum?format=json", camsec.Documented),
	write("SetMACFilter", "PUT /ISAPI/System/Network/macFilter", camsec.Documented),
	write("SetMailEncryption", "PUT /ISAPI/System/Network/mailing/{id}", camsec.Documented),
	write("SetMulticast", "PUT /ISAPI/Streaming/channels/{id}", camsec.Documented),
	write("SetNTPServer", "PUT /ISAPI/System/time/ntpServers/{id}", camsec.Documented),
	write("SetONVIFPassword", "PUT /ISAPI/Security/ONVIF/users/{id}?security=0", camsec.Documented),
	write("SetPassword", "PUT /ISAPI/Security/users/{id}", camsec.Documented),
	write("SetRTSPCertificate", "PUT /ISAPI/Security/RTSPCertificate", camsec.Documented),
	write("SetSNMP", "PUT /ISAPI/System/Network/SNMP", camsec.Documented),
	write("SetSNMPCommunities", "PUT /ISAPI/System/Network/SNMP", camsec.Documented),
	write("SetSNMPUser", "PUT /ISAPI/System/Network/SNMP", camsec.Documented),
	write("SetSSH", "PUT /ISAPI/System/Network/ssh", camsec.Recorded),
	write("SetStreamingSecurity", "PUT /ISAPI/Streaming/channels/{id}", camsec.Documented),
	write("SetTelnet", "PUT /ISAPI/System/Network/telnetd", camsec.Documented),
	write("SetTimeMode", "PUT /ISAPI/System/time", camsec.Documented),
	write("SetUPnP", "PUT /ISAPI/System/Network/UPnP", camsec.Documented),
	write("SetUserLevel", "PUT /ISAPI/Security/users/{id}", camsec.Documented),
	write("SetUserPermission", "PUT /ISAPI/Security/UserPermission/{id}", camsec.Documented),
	write("SetWebCertificate", "PUT /ISAPI/Security/webCertificate", camsec.Documented),
	write("UpdateFirmware", "PUT /ISAPI/System/updateFirmware", camsec.Documented),
	write("UpdateFirmware", "POST /ISAPI/System/updateFirmware", camsec.Documented),
}

// logins is the table of what a login by session sends. None of it changes how
// the device is set.
var logins = []Operation{
	get("SessionLogin", "/ISAPI/Security/sessionLogin/capabilities?username={id}", camsec.Recorded),
	{Name: "SessionLogin", Method: "POST", Path: "/ISAPI/Security/sessionLogin?timeStamp={id}", Evidence: camsec.Recorded},
	{Name: "SessionHeartbeat", Method: "PUT", Path: "/ISAPI/Security/sessionHeartbeat", Evidence: camsec.Recorded},
	{Name: "SessionLogout", Method: "PUT", Path: "/ISAPI/Security/sessionLogout", Evidence: camsec.Documented},
}

func write(name, methodAndPath string, evidence camsec.Evidence) Operation {
	method, path, _ := strings.Cut(methodAndPath, " ")
	return Operation{Name: name, Method: method, Path: path, Evidence: evidence, Writes: true}
}

// with fills the {id} of an operation's path.
func (o Operation) with(id string) Operation {
	o.Path = strings.ReplaceAll(o.Path, "{id}", url.PathEscape(id))
	return o
}

// search is a question that is too long for a query. It changes nothing.
func search(name, path string, evidence camsec.Evidence) Operation {
	return Operation{Name: name, Method: "POST", Path: path, Evidence: evidence}
}

func get(name, path string, evidence camsec.Evidence) Operation {
	return Operation{Name: name, Method: "GET", Path: path, Evidence: evidence}
}

// Operations returns every request that this package can send, with what our
// reading of its answer rests on. The caller owns the slice.
func Operations() []Operation { return slices.Concat(operations, writes, logins) }

// operation returns the operation by which something is read.
func operation(name string) Operation { return find(operations, name) }

// writeOf returns the operation by which something is changed.
func writeOf(name string) Operation { return find(writes, name) }

func find(table []Operation, name string) Operation { return step(table, name, 0) }

// step returns the n-th request, from zero, of an operation that sends several.
func step(table []Operation, name string, n int) Operation {
	for _, o := range table {
		if o.Name != name {
			continue
		}
		if n == 0 {
			return o
		}
		n--
	}
	panic("isapi: no operation " + name)
}
