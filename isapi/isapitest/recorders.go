package isapitest

import (
	"net/http"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// Paths whose writes recorders answer with "reboot required".
var rebootPaths = []string{network + "Integrate", "/ISAPI/Security/adminAccesses"}

// RecorderNXI is a recorder of the newer kind: documents of version 2.0 in two
// namespaces, SHA-256, logins by session with tags, the IoT port open, and two
// channels of one camera.
func RecorderNXI() Profile {
	p := Profile{
		Kind: "nxi-recorder", About: "an NVR with documents of version 2.0 in two namespaces, sessions with tags, the IoT port open, two channels of one camera, remembers passwords, restarts after changes",
		Model: "DS-7608NXI-TEST", Serial: "DS-7608NXI-TEST0820240101CCRRTEST00006WCVU",
		Name: "Network Video Recorder", Type: "NVR",
		Firmware: "V5.03.020", Released: "build 240904", MAC: "02:00:5e:00:53:06",
		Namespace: NamespaceISAPI, Version: "2.0", TimeModes: "NTP,manual,platform", BusyTriggers: true,
		Namespaces: map[string]string{infoPath: NamespaceHikvision},
		User:       "admin", Password: "Correct-Horse-6", History: 2,
		MoreUsers:  []User{{ID: 2, Name: "wall", Level: "Viewer", Password: "Only-Look-66"}},
		ONVIFUsers: []User{{ID: 1, Name: "vms", Level: "operator", Password: "Watch-And-Keep-6"}},
		Realm:      "7c01d4e98b5f46a2903e11bd", Server: "webserver", Algorithms: []string{authtest.SHA256, authtest.MD5},
		LockAfter: 5, LockFor: 30 * time.Minute, NotSupported: http.StatusForbidden,
		WebCertificate: "digest", RTSPDocument: true, Sessions: "2", SessionTags: true,
		Reboots: rebootPaths,
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "RTSP", Port: 554, Enabled: true},
			{ID: 3, Protocol: "HTTPS", Port: 443, Enabled: true, TLS: true, NoTLS13: true},
			{ID: 4, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true},
			{ID: 5, Protocol: "WebSocket", Port: 7681, Enabled: true},
			{ID: 6, Protocol: "IOT", Port: 30999, Enabled: true},
			{ID: 7, Protocol: "SDK_OVER_TLS", Port: 8443, Enabled: true, Stream: true},
		},
		Services: map[string]bool{
			"ssh": false, "upnp": false, "snmp": false, "ddns": false, "ezviz": true, "ehome": false, "gb28181": false,
			"ipfilter": false, "802.1x": false, "onvif": true, "cgi": true, "anonymous": false, "discovery": true,
			"illegal-login-lock": true, "log-server": false, "double-verification": false,
		},
	}
	for i, name := range []string{"Gate", "Gate, thermal", "Yard", "Old barn"} {
		c := Channel{
			ID: i + 1, Name: name, Protocol: "HIKVISION", Port: 8000, User: "admin", Online: true,
			Address: "192.0.2." + itoa(121+i), Model: "DS-2CD2055-TEST", Serial: "DS-2CD2055-TEST20210101AAWRTEST6" + itoa(i),
			Firmware: "V5.6.6 build 210625", Validate: "false",
		}
		switch i {
		case 1: // the other lens of the first camera
			c.Address, c.Serial = p.Channels[0].Address, p.Channels[0].Serial
		case 2: // its password was changed, and nobody told the recorder
			c.Online, c.Detect = false, "errorUserNameOrPasswd"
		case 3:
			c.Protocol, c.Port, c.Model, c.Serial, c.Firmware = "ONVIF", 80, "T-1000", "", "V1.0.0014 - 20210517 15:00:00"
		}
		p.Channels = append(p.Channels, c)
	}
	return p
}

// DVR is a recorder for analogue cameras: nothing is behind it on the network
// although its list of channels announces two, HTTPS is off, Basic is on, and
// the members of its event triggers are of another namespace than their list.
func DVR() Profile {
	return Profile{
		Kind: "dvr", About: "analogue inputs, an empty list of channels, HTTPS off, Basic on, weak passwords refused with HTTP 200",
		Model: "iDS-7204HUHI-TEST", Serial: "iDS-7204HUHI-TEST0420230101CCWRTEST00007WCVU",
		Name: "Embedded Net DVR", Type: "DVR",
		Firmware: "V4.75.011", Released: "build 240625", MAC: "02:00:5e:00:53:07",
		Namespace: NamespaceHikvision, Version: "1.0", TimeModes: "NTP,manual,platform",
		Namespaces:       map[string]string{"/ISAPI/Event/notification/httpHosts": NamespacePSIA},
		TriggerNamespace: NamespaceISAPI, StatusNamespace: NamespacePSIA, PlainCertificate: true, BusyTriggers: true,
		User: "admin", Password: "Correct-Horse-8", Inputs: 4, WeakStatus: http.StatusOK,
		Realm: "DVRNVRDVS", Server: "Webs", Algorithms: []string{authtest.MD5}, Basic: true,
		LockAfter: 7, LockFor: 30 * time.Minute, NotSupported: http.StatusForbidden,
		WebCertificate: "digest/basic",
		Reboots:        append([]string{"/ISAPI/System/discoveryMode"}, rebootPaths...),
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "RTSP", Port: 554, Enabled: true},
			{ID: 3, Protocol: "HTTPS", Port: 443, Redirect: true},
			{ID: 4, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true, Silent: true},
			{ID: 5, Protocol: "WebSocket", Port: 7681, Enabled: true},
		},
		Services: map[string]bool{
			"upnp": true, "ddns": false, "ezviz": true, "onvif": true, "cgi": true, "anonymous": false, "discovery": true,
			"illegal-login-lock": true, "wifi": false,
		},
	}
}
