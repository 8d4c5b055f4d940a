package onviftest

import (
	"slices"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// A User is an account of the device.
type User struct {
	Name, Password string
	Level          string // Administrator, Operator, User, Extended
	Roles          string // of level Extended, separated by spaces
	// Vendor is an element of the maker's own in the account's Extension.
	Vendor string
}

// A Protocol is one that the device serves.
type Protocol struct {
	Name    string // HTTP, HTTPS, RTSP
	Enabled bool
	Ports   []int // as it tells them; where it listens is another matter
}

// A Style is how a device writes its envelopes.
type Style string

// Styles, by the prefix of the envelope.
const (
	StyleEnv   Style = "env"
	StyleGSOAP Style = "SOAP-ENV"
	StyleS     Style = "s"
	StyleBare  Style = "" // no prefixes, a default namespace on each element, and attributes that look like declarations
)

// A Refusal is how a device answers an operation that it does not have.
type Refusal string

// Refusals, all seen on real devices.
const (
	RefuseStandard Refusal = "ter:ActionNotSupported"
	RefuseTwice    Refusal = "ter:ActionNotSupported/ter:InvalidOperation" // Hikvision
	RefuseAction   Refusal = "ter:Action"                                  // Axis
	RefuseBare     Refusal = "no subcode"                                  // gSOAP: Method '…' not implemented
	Refuse501      Refusal = "501"
	RefuseEmpty    Refusal = "empty 200"
)

// Faults are misbehaviours of real devices. The zero value has none.
type Faults struct {
	SilentWrites   bool // writes are answered with success and not carried out
	ReplacesList   bool // SetNetworkProtocols keeps nothing but what was sent
	SetUserCreates bool // SetUser of an unknown name makes the account
	Year126        bool // years are counted from 1900
	LocalAsUTC     bool // UTCDateTime holds the local time
	NoUTC          bool // there is no UTCDateTime, and LocalDateTime is of 1979
	Misspelt       bool // env:Reveiver, and subcodes in the wrong order
	HTML401        bool // a page instead of a fault with a 401
	CountsAttempts bool // the fault tells how many attempts are left
	ForeignXAddr   bool // services are at another address
	ForgetsLevel   bool // SetUser makes everybody a User
	TakesReplays   bool // a UsernameToken is good as often as it is sent
	// OffAfterUpgrade: ONVIF is off once new firmware runs.
	OffAfterUpgrade bool
	// DropsUsers: new firmware knows the administrator alone.
	DropsUsers bool
	// Opens are operations answered to anybody, whatever their class.
	Opens []string
}

// A Profile is a kind of device as data. Change a profile before it is started
// to make another kind.
type Profile struct {
	Manufacturer, Model, Firmware, Serial, Hardware string
	MAC                                             string
	Scopes                                          []string // fixed ones, beyond hardware and name

	// Answers are the types of WS-Discovery that it answers to:
	// NetworkVideoTransmitter, Device. Nil: both.
	Answers []string

	User, Password string // of the administrator
	MoreUsers      []User

	Digest []string // algorithms of HTTP digest; nil: none
	Token  bool     // takes a UsernameToken
	Window time.Duration
	Realm  string
	// RefusalStatus is the HTTP status of a refused token; zero means 400.
	RefusalStatus int
	LockAfter     int

	Style       Style
	ServicePath string // where the services say that they are
	Unsupported Refusal
	Missing     []string // operations that it does not have

	Protocols []Protocol

	MaxUsers, MaxUserName, MaxPassword int // 0: not told
	MinLength                          int // of new passwords; 0: any
	WeakWord                           string
	Policies                           []string // SecurityPolicies
	Hashing                            []string // HashingAlgorithms
	Security                           bool     // has the security service

	TimeZone string        // POSIX
	Zone     time.Duration // local minus UTC
	Skew     time.Duration // the device's clock minus the true time
	Faults   Faults
}

func (p Profile) clone() Profile {
	p.MoreUsers = slices.Clone(p.MoreUsers)
	p.Protocols = slices.Clone(p.Protocols)
	for i := range p.Protocols {
		p.Protocols[i].Ports = slices.Clone(p.Protocols[i].Ports)
	}
	return p
}

// Profiles returns a profile of every make, each fresh.
func Profiles() []Profile {
	return []Profile{Current(), Hikvision(), Axis(), Dahua(), Bosch(), Pelco(), Sunba(), DLink()}
}

var modern = []string{
	"GetUserRoles", "SetUserRole", "DeleteUserRole", "GetPasswordComplexityOptions", "GetPasswordComplexityConfiguration",
	"SetPasswordComplexityConfiguration", "GetPasswordHistoryConfiguration", "SetPasswordHistoryConfiguration",
	"GetAuthFailureWarningOptions", "GetAuthFailureWarningConfiguration", "SetAuthFailureWarningConfiguration",
	"SetHashingAlgorithm", "UpgradeFirmware", "GetRemoteUser", "SetRemoteUser",
}

var legacy = []string{
	"CreateCertificate", "GetCertificates", "GetCertificatesStatus", "SetCertificatesStatus", "DeleteCertificates",
	"GetPkcs10Request", "LoadCertificates", "GetClientCertificateMode", "SetClientCertificateMode", "GetCACertificates",
	"LoadCertificateWithPrivateKey", "GetCertificateInformation", "LoadCACertificates",
	"CreateDot1XConfiguration", "SetDot1XConfiguration", "GetDot1XConfiguration", "GetDot1XConfigurations", "DeleteDot1XConfiguration",
}

func web(https bool) []Protocol {
	return []Protocol{{"HTTP", true, []int{80}}, {"HTTPS", https, []int{443}}, {"RTSP", true, []int{554}}}
}

// Current is a device that keeps to release 26.06 in everything: SHA-256 and
// MD5 digest, no UsernameToken, password rules, roles, the security service.
func Current() Profile {
	return Profile{
		Manufacturer: "CAMSEC", Model: "SIM-2600", Firmware: "V2.6.0 build 260630", Serial: "SIM2600TEST0001", Hardware: "1.0",
		MAC: "02:00:5e:00:54:01", Scopes: []string{"onvif://www.onvif.org/Profile/T", "onvif://www.onvif.org/Profile/M"},
		User: "admin", Password: "Correct-Horse-7",
		MoreUsers: []User{
			{Name: "guard", Password: "Night-Watch-4", Level: "Operator"},
			{Name: "vms", Password: "Only-Look-55", Level: "Extended", Roles: "onvif:Streaming site:Export", Vendor: `<v:Shift xmlns:v="urn:camsec:sim" kind="late">22 &amp; on</v:Shift>`},
		},
		Digest: []string{authtest.SHA256, authtest.MD5}, Realm: "SIM-2600(TEST)", LockAfter: 5,
		Style: StyleS, ServicePath: "/onvif/services", Unsupported: RefuseStandard,
		Protocols: web(true),
		MaxUsers:  16, MaxUserName: 32, MaxPassword: 64, MinLength: 10, WeakWord: "ter:PasswordTooWeak",
		Policies: []string{"PasswordComplexity", "AuthFailureWarnings"}, Hashing: []string{"SHA-256", "MD5"},
		Security: true, TimeZone: "UTC0",
	}
}

// Hikvision is after recordings of a DS-2CD2012-I and a DS-2DF7276-AEL: a
// UsernameToken and MD5 digest without an algorithm parameter, no HTTPS in the
// list, faults with two subcodes, and a page of HTML with a 401.
func Hikvision() Profile {
	return Profile{
		Manufacturer: "HIKVISION", Model: "DS-2CD2012-TEST", Firmware: "V5.2.0 build 140721", Serial: "DS-2CD2012-TEST20150601AAWRTEST00011", Hardware: "88",
		MAC: "02:00:5e:00:54:02", Scopes: []string{"onvif://www.onvif.org/Profile/Streaming", "onvif://www.onvif.org/Profile/G"},
		User: "admin", Password: "Correct-Horse-7", MoreUsers: []User{{Name: "media", Password: "Only-Look-55", Level: "User"}},
		Digest: []string{""}, Token: true, Window: 5 * time.Minute, Realm: "DS-2CD2012-TEST", LockAfter: 7,
		Style: StyleEnv, ServicePath: "/onvif/device_service", Unsupported: RefuseTwice,
		Missing: slices.Concat(modern, legacy, []string{"GetEndpointReference"}),
		Protocols: []Protocol{
			{"HTTP", true, []int{80}},
			{"RTSP", true, []int{554}},
		},
		MaxUsers: 32, MaxUserName: 32, MaxPassword: 16, MinLength: 8, WeakWord: "ter:Password",
		TimeZone: "CST-8:00:00", Zone: 8 * time.Hour, Faults: Faults{HTML401: true},
	}
}

// Axis is after recordings of a Q6045-E: HTTP digest alone, a port 0 beside
// port 80, plain "Action failed" for what it does not have, the legacy
// certificate operations.
func Axis() Profile {
	return Profile{
		Manufacturer: "AXIS", Model: "AXIS Q6045-TEST", Firmware: "5.55.1.2", Serial: "02005E005403", Hardware: "1C9.2",
		MAC: "02:00:5E:00:54:03", Scopes: []string{"onvif://www.onvif.org/Profile/Streaming", "onvif://www.onvif.org/type/ptz"},
		User: "root", Password: "Correct-Horse-7", MoreUsers: []User{{Name: "admin", Password: "Second-Horse-8", Level: "Administrator"}},
		Digest: []string{authtest.MD5}, Realm: "AXIS_02005E005403",
		Style: StyleGSOAP, ServicePath: "/onvif/services", Unsupported: RefuseAction,
		Missing: slices.Concat(modern, []string{
			"GetServices", "GetServiceCapabilities", "GetSystemUris", "GetEndpointReference", "GetRemoteDiscoveryMode", "SetRemoteDiscoveryMode",
			"StartFirmwareUpgrade", "StartSystemRestore", "GetSystemBackup", "RestoreSystem",
		}),
		Protocols: []Protocol{{"HTTP", true, []int{80, 0}}, {"HTTPS", false, []int{443}}, {"RTSP", true, []int{554}}},
		TimeZone:  "MST7MDT,M3.2.0,M11.1.0", Zone: -7 * time.Hour,
	}
}

// Dahua is after a recording of a DH-2H3400-ADP and what its users tell: a
// UsernameToken and digest, a count of attempts in the fault.
func Dahua() Profile {
	return Profile{
		Manufacturer: "Dahua", Model: "DH-2H3400-TEST", Firmware: "2.811.0000013.0.R, Build Date 2023-12-20", Serial: "TEST07995P9500014", Hardware: "1.00",
		MAC: "02:00:5e:00:54:04", Scopes: []string{"onvif://www.onvif.org/Profile/Streaming", "onvif://www.onvif.org/Profile/T"},
		User: "admin", Password: "Correct-Horse-7", MoreUsers: []User{{Name: "nvr", Password: "Only-Look-55", Level: "Operator"}},
		Token: true, Window: 5 * time.Minute, LockAfter: 30,
		Style: StyleS, ServicePath: "/onvif/device_service", Unsupported: RefuseStandard,
		Missing: slices.Concat(modern, legacy), Protocols: web(false),
		MaxUsers: 20, MaxUserName: 31, MaxPassword: 32, MinLength: 8, WeakWord: "ter:PasswordTooWeak",
		TimeZone: "CST-8:00:00", Zone: 8 * time.Hour, Faults: Faults{CountsAttempts: true},
	}
}

// Bosch is after recordings of a FLEXIDOME indoor 5100i IR: no prefixes in the
// answers, MD5 and SHA-256 digest, few capabilities.
func Bosch() Profile {
	return Profile{
		Manufacturer: "Bosch", Model: "FLEXIDOME TEST", Firmware: "8.71.0066", Serial: "404754734001050TEST", Hardware: "F000B543",
		MAC: "02-00-5e-00-54-05", Scopes: []string{"onvif://www.onvif.org/Profile/Streaming"},
		User: "service", Password: "Correct-Horse-7", MoreUsers: []User{{Name: "live", Password: "Only-Look-55", Level: "User"}},
		Digest: []string{authtest.MD5, authtest.SHA256}, Realm: "FLEXIDOME",
		Style: StyleBare, ServicePath: "/onvif/device_service", Unsupported: RefuseStandard,
		Missing:   slices.Concat(modern, legacy, []string{"GetIPAddressFilter", "SetIPAddressFilter", "AddIPAddressFilter", "RemoveIPAddressFilter", "GetDynamicDNS", "SetDynamicDNS"}),
		Protocols: web(true), MaxPassword: 19, MinLength: 8, TimeZone: "UTC5:0", Zone: -5 * time.Hour,
	}
}

// Pelco is after recordings of an IMP321-1ES: digest and a UsernameToken, an
// empty hardware id, empty Extension elements, a Profile Q scope.
func Pelco() Profile {
	return Profile{
		Manufacturer: "pelco", Model: "IMP321-TEST", Firmware: "01.16.42-20180912", Serial: "T82219999",
		MAC: "02:00:5e:00:54:06", Scopes: []string{"onvif://www.onvif.org/Profile/Streaming", "onvif://www.onvif.org/Profile/Q/Operational"},
		User: "admin", Password: "Correct-Horse-7", MoreUsers: []User{{Name: "guard", Password: "Night-Watch-4", Level: "Operator"}},
		Digest: []string{authtest.MD5}, Token: true, Window: 5 * time.Minute, Realm: "pelco",
		Style: StyleGSOAP, ServicePath: "/onvif/device_service", Unsupported: RefuseBare,
		Missing: slices.Concat(modern, legacy), Protocols: web(false),
		MaxUsers: 10, MaxUserName: 40, MaxPassword: 40, WeakWord: "ter:Password", TimeZone: "CST6CDT", Zone: -6 * time.Hour,
	}
}

// Sunba is after recordings of a Performance-Series: a UsernameToken alone, no
// default access policy, logs as attachments.
func Sunba() Profile {
	return Profile{
		Manufacturer: "SUNBA", Model: "Performance-Series", Firmware: "QIPC-B2202.3.73.C06290.NB.230628", Serial: "210231T2H63134002TEST", Hardware: "Performance-Series",
		MAC: "02:00:5e:00:54:07", Scopes: []string{"onvif://www.onvif.org/Profile/Streaming", "onvif://www.onvif.org/Profile/G"},
		User: "admin", Password: "Correct-Horse-7", MoreUsers: []User{{Name: "guard", Password: "Night-Watch-4", Level: "Operator"}},
		Token: true, Window: 5 * time.Minute, RefusalStatus: 401,
		Style: StyleGSOAP, ServicePath: "/onvif/device_service", Unsupported: RefuseStandard,
		Missing:   slices.Concat(modern, legacy, []string{"GetIPAddressFilter", "SetIPAddressFilter", "AddIPAddressFilter", "RemoveIPAddressFilter", "GetZeroConfiguration", "SetZeroConfiguration", "GetDynamicDNS", "SetDynamicDNS"}),
		Protocols: web(false), MaxUsers: 32, WeakWord: "ter:Password", MinLength: 6, TimeZone: "CST5:00:00", Zone: -5 * time.Hour,
	}
}

// DLink is after recordings of a DCS-6511: a UsernameToken alone, TLS 1.1 at
// most, no addresses of logs.
func DLink() Profile {
	return Profile{
		Manufacturer: "D-Link Corporation", Model: "DCS-6511-TEST", Firmware: "1.16.00", Serial: "02005E005408", Hardware: "02005E005408",
		MAC: "02:00:5e:00:54:08", Scopes: []string{"onvif://www.onvif.org/Profile/Streaming"},
		User: "admin", Password: "Correct-Horse-7", MoreUsers: []User{{Name: "guard", Password: "Night-Watch-4", Level: "Operator"}},
		Token: true, Window: 10 * time.Second, RefusalStatus: 500,
		Style: StyleGSOAP, ServicePath: "/onvif/device_service", Unsupported: Refuse501,
		Missing: slices.Concat(modern, legacy, []string{
			"GetServices", "GetServiceCapabilities", "GetIPAddressFilter", "SetIPAddressFilter", "AddIPAddressFilter", "RemoveIPAddressFilter",
			"GetZeroConfiguration", "SetZeroConfiguration", "GetDynamicDNS", "SetDynamicDNS",
		}),
		Protocols: []Protocol{{"HTTP", true, []int{80}}, {"RTSP", true, []int{554}}, {"HTTPS", false, []int{443}}},
		TimeZone:  "CST-8", Zone: 8 * time.Hour,
	}
}
