package isapi

import (
	"slices"

	"github.com/camsec/camsec"
)

// An Operation is one request of the wire protocol.
type Operation struct {
	Name     string // of the method of [Client]
	Method   string // GET, PUT, …
	Path     string // with its query, if any
	Evidence camsec.Evidence
	Writes   bool // changes the device; refused with [Options.ReadOnly]
}

// String returns method and path.
func (o Operation) String() string { return o.Method + " " + o.Path }

// operations is the table of all that this package sends.
var operations = []Operation{
	get("AdminAccesses", "/ISAPI/Security/adminAccesses", camsec.Recorded),
	get("Advanced", "/ISAPI/Security/advanced?format=json", camsec.Documented),
	get("AnonymousLogin", "/ISAPI/Security/UserPermission/anonymouslogin", camsec.Documented),
	get("Capabilities", "/ISAPI/System/capabilities", camsec.Recorded),
	get("ChannelStatus", "/ISAPI/ContentMgmt/InputProxy/channels/status", camsec.Recorded),
	get("Channels", "/ISAPI/ContentMgmt/InputProxy/channels", camsec.Recorded),
	get("DDNS", "/ISAPI/System/Network/DDNS", camsec.Documented),
	get("DeviceInfo", "/ISAPI/System/deviceInfo", camsec.Recorded),
	get("DiscoveryMode", "/ISAPI/System/discoveryMode", camsec.Documented),
	get("EHome", "/ISAPI/System/Network/Ehome", camsec.Recorded),
	get("EZVIZ", "/ISAPI/System/Network/EZVIZ", camsec.Recorded),
	get("EventTriggers", "/ISAPI/Event/triggers", camsec.Recorded),
	get("FTP", "/ISAPI/System/Network/ftp", camsec.Documented),
	get("GB28181", "/ISAPI/System/Network/SIP/1/SIPInfo", camsec.Documented),
	get("HTTPHosts", "/ISAPI/Event/notification/httpHosts", camsec.Recorded),
	get("IEEE8021X", "/ISAPI/System/Network/interfaces/1/ieee802.1x", camsec.Documented),
	get("IPFilter", "/ISAPI/System/Network/ipFilter", camsec.Recorded),
	get("IllegalLoginLock", "/ISAPI/Security/illegalLoginLock", camsec.Recorded),
	get("Integrate", "/ISAPI/System/Network/Integrate", camsec.Documented),
	get("Interfaces", "/ISAPI/System/Network/interfaces", camsec.Recorded),
	get("LogServer", "/ISAPI/System/logServer", camsec.Documented),
	get("Mailing", "/ISAPI/System/Network/mailing", camsec.Recorded),
	get("NTPServers", "/ISAPI/System/time/ntpServers", camsec.Recorded),
	get("ONVIFUsers", "/ISAPI/Security/ONVIF/users?security=0", camsec.Documented),
	get("OnlineUsers", "/ISAPI/Security/onlineUser", camsec.Recorded),
	get("PublicDeviceInfo", "/ISAPI/System/deviceInfo", camsec.Recorded),
	get("RTSPCertificate", "/ISAPI/Security/RTSPCertificate", camsec.Documented),
	get("SNMP", "/ISAPI/System/Network/SNMP", camsec.Documented),
	get("SSH", "/ISAPI/System/Network/ssh", camsec.Recorded),
	get("SecurityCapabilities", "/ISAPI/Security/capabilities", camsec.Recorded),
	get("StreamingChannels", "/ISAPI/Streaming/channels", camsec.Recorded),
	get("Telnet", "/ISAPI/System/Network/telnetd", camsec.Documented),
	get("Time", "/ISAPI/System/time", camsec.Recorded),
	get("UPnP", "/ISAPI/System/Network/UPnP", camsec.Documented),
	get("UPnPPorts", "/ISAPI/System/Network/UPnP/ports", camsec.Documented),
	get("UserCheck", "/ISAPI/Security/userCheck", camsec.Recorded),
	get("Users", "/ISAPI/Security/users", camsec.Recorded),
	get("WebCertificate", "/ISAPI/Security/webCertificate", camsec.Documented),
	get("Wireless", "/ISAPI/System/Network/interfaces/2/wireless", camsec.Recorded),
}

func get(name, path string, evidence camsec.Evidence) Operation {
	return Operation{Name: name, Method: "GET", Path: path, Evidence: evidence}
}

// Operations returns every request that this package can send, with what our
// reading of its answer rests on. The caller owns the slice.
func Operations() []Operation { return slices.Clone(operations) }

func operation(name string) Operation {
	for _, o := range operations {
		if o.Name == name {
			return o
		}
	}
	panic("isapi: no operation " + name)
}
