package isapitest

import (
	"net/http"
	"slices"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// XML namespaces that devices put on the same documents.
const (
	NamespaceHikvision = "http://www.hikvision.com/ver20/XMLSchema"
	NamespaceISAPI     = "http://www.isapi.org/ver20/XMLSchema"
	NamespaceStdCGI    = "http://www.std-cgi.com/ver20/XMLSchema"
	NamespacePSIA      = "urn:psialliance-org"
)

// An Access is one protocol of adminAccesses.
type Access struct {
	ID       int
	Protocol string
	Port     int
	Enabled  bool
	// TLS prints redirectToHttps and the TLS version switches.
	TLS bool
	// OldTLS has TLS 1.1 switched on.
	OldTLS bool
	// NoTLS13 leaves the switch of TLS 1.3 out, as firmware before it does.
	NoTLS13 bool
	// Redirect prints redirectToHttps without TLS, too; RedirectFirst prints
	// it before the protocol's name.
	Redirect, RedirectFirst bool
	// Stream prints streamOverTls.
	Stream bool
	// Silent leaves the enabled element out.
	Silent bool
}

// A Channel is one channel of a recorder.
type Channel struct {
	ID       int
	Name     string
	Protocol string // HIKVISION, ONVIF
	Address  string
	Port     int
	User     string
	Model    string
	Serial   string
	Firmware string
	Online   bool
	// Password is what the camera wants. Empty means that whatever the
	// recorder is told works.
	Password string
	// Detect is chanDetectResult; empty follows Online.
	Detect string
	// Validate is certificateValidationEnabled; empty leaves it out.
	Validate string
}

// A Profile is a kind of device as data. Change a profile before it is started
// to make another kind.
type Profile struct {
	Kind                      string // names the profile: old-camera
	About                     string // what kind of device it is, in a line
	Model, Serial, Name, Type string
	Firmware, Released        string // V5.7.18, build 240826
	Platform                  string // firmwareVersionInfo; empty leaves it out
	MAC                       string
	Namespace, Version        string // of the documents' root elements

	User, Password string
	MoreUsers      []User
	NotActivated   bool
	// ActivateVersion is supportVersion of the activation state: 3 asks for the
	// exchange of 2025's firmware, zero leaves it out.
	ActivateVersion int
	// DefaultPassword and RiskPassword are what userCheck says.
	DefaultPassword, RiskPassword bool
	// AnyPassword accepts every new password, as devices before 2015 do.
	AnyPassword bool
	// WeakStatus is the HTTP status of a password refused by policy; zero
	// means 400. Some devices answer 200.
	WeakStatus int
	// ONVIFUsers are accounts of a store of their own, on devices that have
	// the onvif service.
	ONVIFUsers []User
	// Sessions is the version of logins by session: "1", "2" or "2.1"; empty
	// has none. SessionTags gives out tags with those of version 2.
	Sessions    string
	SessionTags bool
	// TextSalt has salts that are not hexadecimal.
	TextSalt bool
	// LoginPassword refuses changes of accounts without the requester's own
	// password, as newer firmware does.
	LoginPassword bool
	// TruncateAt is where the device cuts a long password without a word;
	// zero refuses passwords over 16.
	TruncateAt int
	// History is how many passwords an account may not go back to.
	History int
	// WholeDocuments refuses a write that leaves out elements or the
	// namespace, but for those that devices are known to take in part.
	WholeDocuments bool
	// Reboots are paths whose writes ask for a restart.
	Reboots []string
	// RestartTime is how long a restart takes.
	RestartTime time.Duration
	// UpgradeTime is how long the device works on an image before it restarts.
	UpgradeTime time.Duration
	// UploadByPost takes firmware as a form only, ImportByPost a configuration
	// by POST only.
	UploadByPost, ImportByPost bool

	Realm, Server  string
	Algorithms     []string
	Basic, Folded  bool
	PlainRefusal   bool // 401 with an HTML page that tells nothing
	LockAfter      int
	LockFor        time.Duration
	NotSupported   int    // HTTP status of unknown paths: 403 or 404
	WebCertificate string // digest or digest/basic; empty: no such document
	RTSP           string // the same for RTSP; empty: only enabled is printed
	RTSPDocument   bool   // Security/RTSPCertificate exists
	PublicInfo     bool   // deviceInfo needs no login
	Multicast      bool   // of the streams
	Access         []Access
	Channels       []Channel
	Inputs         int // analogue ones, of a DVR

	// How its documents are written.

	Namespaces       map[string]string // of documents that differ from Namespace, by path
	StatusNamespace  string            // of answers to writes; empty: Namespace
	TriggerNamespace string            // of the members of event triggers; empty: as the list has it
	DeepTriggers     bool              // the list of event triggers stands in an EventNotification
	FlatCapabilities bool              // NetworkCap stands beside SysCap, not in it
	TimeModes        string            // the choices printed beside timeMode; empty prints none
	PlainCertificate bool              // WebCertificate does not tell algorithms
	LockSeconds      bool              // the lock's length is told in seconds, against the capabilities
	NoRequestURL     bool              // answers to writes leave requestURL empty
	MislabelJSON     bool              // JSON is labelled as XML
	FullRefusal      bool              // the 401 has a namespace and isActivated, as access terminals send it
	BusyTriggers     bool              // unknown event triggers are answered 503 with a subStatusString

	// Services that the device has, and whether they are on; names as in
	// Device.SetService. A missing name is answered notSupport.
	Services map[string]bool
	// Missing are paths to leave out although the profile would have them.
	Missing []string
	// Documents replace or add documents, named "GET /ISAPI/…".
	Documents map[string]string
}

func (p Profile) clone() Profile {
	p.MoreUsers = slices.Clone(p.MoreUsers)
	return p
}

// Profiles returns a profile of every kind, each fresh.
func Profiles() []Profile {
	return []Profile{
		OldCamera(), CurrentCamera(), Recorder(), CameraV55(), ThermalCamera(), RecorderNXI(), DVR(), AccessTerminal(), InactiveCamera(),
	}
}

// CurrentCamera is a camera of the V5.7 generation as it should be: activated,
// HTTPS with TLS 1.2 and 1.3, digest with SHA-256 and MD5, risky services off,
// a lock after five failed logins.
func CurrentCamera() Profile {
	return Profile{
		Kind: "current-camera", About: "V5.7 as it should be: TLS 1.2 and 1.3, SHA-256, risky services off, a lock after five failed logins",
		Model: "DS-2CD2T47G2-TEST", Serial: "DS-2CD2T47G2-TEST20240101AAWRTEST00001",
		Name: "Gate camera", Type: "IPCamera",
		Firmware: "V5.7.18", Released: "build 240826", Platform: "B-R-G5-0", MAC: "02:00:5e:00:53:01",
		Namespace: NamespaceHikvision, Version: "2.0", TimeModes: "NTP,manual",
		User: "admin", Password: "Correct-Horse-7",
		Realm: "IP Camera(TEST1)", Algorithms: []string{authtest.SHA256, authtest.MD5},
		LockAfter: 5, LockFor: 30 * time.Minute, NotSupported: http.StatusForbidden,
		WebCertificate: "digest", RTSP: "digest", Sessions: "2", SessionTags: true,
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "HTTPS", Port: 443, Enabled: true, TLS: true},
			{ID: 3, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true},
			{ID: 4, Protocol: "RTSP", Port: 554, Enabled: true},
			{ID: 5, Protocol: "SDK_OVER_TLS", Port: 8443, Enabled: true},
			{ID: 6, Protocol: "WebSocket", Port: 7681},
			{ID: 7, Protocol: "WebSocketS", Port: 7682},
			{ID: 8, Protocol: "SRTP", Port: 322},
			{ID: 9, Protocol: "Bonjour"},
		},
		Services: map[string]bool{
			"ssh": false, "upnp": false, "snmp": false, "ddns": false, "ftp": false,
			"ezviz": false, "ehome": false, "sip": false, "ipfilter": false, "802.1x": false,
			"onvif": false, "cgi": false, "anonymous": false, "discovery": true,
			"illegal-login-lock": true, "idle-logout": true, "gb28181": false, "log-server": false, "wifi": false,
			"upnp-ports": false, "security-questions": false, "recovery-mail": false, "log": true,
			"auto-download": false, "auto-upgrade": false, "storage-encryption": false,
		},
	}
}

// OldCamera is a camera of the V5.2 generation in its factory state: telnet,
// UPnP and the cloud on, the well-known default password, digest with MD5 and
// Basic, no lock, and 404 for the newer documents.
func OldCamera() Profile {
	return Profile{
		Kind: "old-camera", About: "V5.2 of 2014 in factory state: telnet, UPnP and the cloud on, the default password, MD5 or Basic, no lock, 404 for newer documents",
		Model: "DS-2CD2032-TEST", Serial: "DS-2CD2032-TEST20140101CCWRTEST00002",
		Name: "Embedded Net DVR", Type: "IPCamera",
		Firmware: "V5.2.0", Released: "build 140721", MAC: "02:00:5e:00:53:02",
		Namespace: NamespaceHikvision, Version: "1.0", DeepTriggers: true,
		User: "admin", Password: "12345", DefaultPassword: true, RiskPassword: true, AnyPassword: true,
		Realm: "DS-2CD2032-TEST", Server: "App-webs/", Algorithms: []string{""}, Basic: true, PlainRefusal: true,
		NotSupported: http.StatusNotFound,
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "HTTPS", Port: 443},
			{ID: 3, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true, Silent: true},
			{ID: 4, Protocol: "RTSP", Port: 554, Enabled: true},
		},
		Services: map[string]bool{
			"telnet": true, "upnp": true, "snmp": true, "ddns": false, "ftp": false, "ezviz": true,
			"anonymous": false,
		},
		Missing: []string{
			"/ISAPI/Security/userCheck", "/ISAPI/Security/onlineUser",
			"/ISAPI/System/Network/mailing",
		},
	}
}

// Recorder is a network video recorder with version 1.0 documents and nine
// cameras behind it, some offline and some that do not tell their firmware.
// It offers Basic beside digest, as such recorders do.
func Recorder() Profile {
	p := Profile{
		Kind: "recorder", About: "an NVR with documents of version 1.0, nine cameras behind it, MD5 or Basic, three accounts",
		Model: "DS-7616NI-TEST/16P", Serial: "DS-7616NI-TEST/16P1620220101CCRRTEST00003WCVU",
		Name: "Network Video Recorder", Type: "NVR",
		Firmware: "V4.74.210", Released: "build 240108", MAC: "02:00:5e:00:53:03",
		Namespace: NamespaceHikvision, Version: "1.0", StatusNamespace: NamespacePSIA,
		TimeModes: "NTP,manual,platform", BusyTriggers: true,
		User: "admin", Password: "Correct-Horse-9",
		MoreUsers: []User{
			{ID: 2, Name: "guard", Level: "Operator", Password: "Night-Watch-4"},
			{ID: 3, Name: "wall", Level: "Viewer", Password: "Only-Look-55"},
		},
		Realm: "5f3a90c1d27e4b6688aa01fe", Server: "Webs", Algorithms: []string{authtest.MD5}, Basic: true,
		LockAfter: 7, LockFor: 30 * time.Minute, NotSupported: http.StatusForbidden,
		WebCertificate: "digest/basic", RTSP: "", RTSPDocument: true,
		Access: []Access{
			{ID: 1, Protocol: "HTTP", Port: 80, Enabled: true},
			{ID: 2, Protocol: "RTSP", Port: 554, Enabled: true},
			{ID: 3, Protocol: "HTTPS", Port: 443, Enabled: true},
			{ID: 4, Protocol: "DEV_MANAGE", Port: 8000, Enabled: true, Silent: true},
		},
		Services: map[string]bool{
			"ssh": false, "upnp": false, "ddns": false, "ftp": false, "ezviz": true, "ehome": false,
			"ipfilter": false, "anonymous": false, "discovery": true, "illegal-login-lock": true,
		},
	}
	names := []string{"Gate", "Yard", "Dock", "Hall", "Stairs", "Office", "Roof", "Lobby", "Store"}
	for i, name := range names {
		c := Channel{
			ID: i + 1, Name: name, Protocol: "HIKVISION", Port: 8000, User: "admin", Online: i != 6,
			Address: "192.0.2." + itoa(101+i), Model: "DS-2CD2143G2-TEST",
			Serial: "DS-2CD2143G2-TEST20230101AAWRTEST1" + itoa(i), Firmware: "V5.7.15 build 240201",
		}
		switch i {
		case 3, 4: // an old way of the recorder: nothing known of the camera
			c.Model, c.Serial, c.Firmware = "", "", ""
		case 7:
			c.Protocol, c.Port, c.Model, c.Firmware = "ONVIF", 80, "T-1000", "1.0.16 Build 260623 Rel.59092n"
		case 8:
			c.Firmware = "V5.4.5 build 170124"
		}
		p.Channels = append(p.Channels, c)
	}
	return p
}
