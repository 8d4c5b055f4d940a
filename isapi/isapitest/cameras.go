package isapitest

import (
	"net/http"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// CameraV55 is a camera of the years 2018 to 2020: an administrator's password
// was asked for, ONVIF is off and has accounts of its own, but TLS 1.1 is on,
// the login is MD5 or Basic, UPnP and the cloud run, and a refused login is
// told by a page that says nothing of the lock.
func CameraV55() Profile {
	return Profile{
		Kind: "v5.5-camera", About: "2019: TLS 1.1 on, MD5 or Basic, UPnP and the cloud on, passwords cut at 16, refusals that tell nothing",
		Model: "DS-2CD2443G0-TEST", Serial: "DS-2CD2443G0-TEST20190101AAWRTEST00004",
		Name: "IP CAMERA", Type: "IPCamera",
		Firmware: "V5.5.82", Released: "build 190909", MAC: "02:00:5e:00:53:04",
		Namespace: NamespaceHikvision, Version: "2.0", TimeModes: "NTP,manual",
		User: "admin", Password: "Correct-Horse-4",
		MoreUsers:  []User{{ID: 2, Name: "nvr", Level: "Operator", Password: "Record-And-Keep-2"}},
		ONVIFUsers: []User{{ID: 1, Name: "vms", Level: "administrator", Password: "Watch-And-Keep-1"}},
		TruncateAt: 16,
		Realm:      "IP Camera(TEST4)", Algorithms: []string{""}, Basic: true, PlainRefusal: true,
		LockAfter: 7, LockFor: 30 * time.Minute, NotSupported: http.StatusForbidden,
		WebCertificate: "digest/basic", RTSP: "digest/basic",
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "HTTPS", Port: 443, Enabled: true, TLS: true, OldTLS: true, NoTLS13: true, RedirectFirst: true},
			{ID: 3, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true},
			{ID: 4, Protocol: "RTSP", Port: 554, Enabled: true},
			{ID: 5, Protocol: "SDK_OVER_TLS", Port: 8443, Enabled: true},
			{ID: 6, Protocol: "WebSocket", Port: 7681, Enabled: true},
			{ID: 7, Protocol: "WebSocketS", Port: 7682},
		},
		Services: map[string]bool{
			"ssh": false, "upnp": true, "snmp": false, "ddns": false, "ftp": false, "ezviz": true, "ehome": false,
			"ipfilter": false, "802.1x": false, "onvif": false, "cgi": true, "anonymous": false, "discovery": true,
			"illegal-login-lock": true, "upnp-ports": true,
		},
	}
}

// ThermalCamera is one for industry: its documents are of isapi.org, Modbus is
// served to anybody, its capabilities and event triggers nest in ways of their
// own, and it wants whole documents.
func ThermalCamera() Profile {
	return Profile{
		Kind: "thermal-camera", About: "documents of isapi.org, Modbus open, capabilities and triggers nested otherwise, takes whole documents alone",
		Model: "DS-2TD1228-TEST", Serial: "DS-2TD1228-TEST20210101AAWRTEST00005",
		Name: "Boiler", Type: "IPCamera",
		Firmware: "V5.5.45", Released: "build 210310", MAC: "02:00:5e:00:53:05",
		Namespace: NamespaceISAPI, Version: "2.0", TimeModes: "NTP,manual",
		FlatCapabilities: true, DeepTriggers: true,
		User: "admin", Password: "Correct-Horse-5", WholeDocuments: true,
		Realm: "IP Camera(TEST5)", Algorithms: []string{authtest.MD5}, Basic: true, PlainRefusal: true,
		LockAfter: 7, LockFor: 10 * time.Minute, NotSupported: http.StatusForbidden,
		WebCertificate: "digest/basic", RTSP: "digest",
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "HTTPS", Port: 443, Enabled: true, TLS: true, NoTLS13: true},
			{ID: 3, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true, Silent: true},
			{ID: 4, Protocol: "RTSP", Port: 554, Enabled: true},
			{ID: 8, Protocol: "modbusTCP", Port: 502, Enabled: true},
			{ID: 10, Protocol: "SDK_OVER_TLS", Port: 8443, Enabled: true},
		},
		Services: map[string]bool{
			"ssh": false, "upnp": true, "snmp": false, "ddns": false, "ftp": false, "ezviz": false, "ehome": false,
			"ipfilter": false, "onvif": true, "cgi": true, "anonymous": false, "discovery": true, "illegal-login-lock": true,
		},
	}
}

// InactiveCamera is a current camera as it comes out of its box: without a
// password, refusing everything until it is given one.
func InactiveCamera() Profile {
	p := CurrentCamera()
	p.Kind, p.About = "inactive-camera", "out of the box: no password, refuses everything until it is activated"
	p.Model, p.Serial, p.MAC = "DS-2CD2T47G2-TEST", "DS-2CD2T47G2-TEST20250101AAWRTEST00009", "02:00:5e:00:53:09"
	p.Name, p.Realm = "IP CAMERA", "IP Camera(TEST9)"
	p.Password, p.NotActivated = "", true
	return p
}
