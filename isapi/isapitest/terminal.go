package isapitest

import (
	"fmt"
	"net/http"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// AccessTerminal is a door's terminal, which speaks the same protocol: three
// protocols whose numbers skip, both digest challenges in one header field,
// JSON under the name of XML, a lock told in seconds, and an EHome document
// whose factory state cannot be written back.
func AccessTerminal() Profile {
	return Profile{
		Kind: "access-terminal", About: "a door: three protocols, both challenges in one header field, JSON labelled as XML, a lock told in seconds, text salts, an EHome state that cannot be written back",
		Model: "DS-K1A340-TEST", Serial: "DS-K1A340-TEST20240101V030900ENTEST00008",
		Name: "Door 4", Type: "ACS",
		Firmware: "V3.9.0", Released: "build 240815", MAC: "02:00:5e:00:53:08",
		Namespace: NamespaceISAPI, Version: "2.0",
		LockSeconds: true, NoRequestURL: true, MislabelJSON: true, FullRefusal: true,
		User: "admin", Password: "Correct-Horse-3",
		Realm: "IP Camera(TEST8)", Algorithms: []string{authtest.MD5, authtest.SHA256}, Folded: true,
		LockAfter: 5, LockFor: 30 * time.Minute, NotSupported: http.StatusForbidden,
		WebCertificate: "digest", RTSPDocument: true, Sessions: "2", SessionTags: true, TextSalt: true,
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true, Silent: true},
			{ID: 4, Protocol: "HTTPS", Port: 443, Enabled: true},
		},
		Services: map[string]bool{
			"ssh": false, "upnp": false, "ezviz": false, "ehome": false, "discovery": true, "illegal-login-lock": true,
			"idle-logout": true, "wifi": false, "log-server": false,
		},
		Missing: []string{mailingPath, "/ISAPI/Streaming/channels", triggersPath},
		Documents: map[string]string{
			"GET " + network + "Ehome": (&Profile{Namespace: NamespaceISAPI, Version: "2.0"}).doc("Ehome",
				el("enabled", false), el("addressingFormatType", ""), el("hostName", ""), el("ipAddress", ""), el("portNo", 0),
				el("deviceID", ""), el("registerStatus", false), el("protocolVersion", "")),
		},
	}
}

// terminalRefusal is the 401 body of access terminals.
func (d *Device) terminalRefusal(r authtest.Refusal) (contentType string, body []byte) {
	status := "unlock"
	if r.Locked {
		status = "lock"
	}
	seconds := int64((r.Unlock + time.Second - 1) / time.Second)
	fields := []string{
		el("statusValue", 401), el("statusString", "Unauthorized"), el("isActivated", true),
		el("lockStatus", status), el("unlockTime", seconds),
	}
	if r.Left >= 0 {
		fields = append(fields, el("retryLoginTime", r.Left))
	}
	return `application/xml; charset="UTF-8"`, fmt.Append(nil, d.profile.doc("userCheck", fields...))
}
