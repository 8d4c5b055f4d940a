package isapi

import (
	"context"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// An AdminAccess is one protocol that a device can be reached by. Elements
// that a model leaves out are unknown: a protocol without Enabled cannot be
// disabled on most.
type AdminAccess struct {
	ID              string // differs by model; go by Protocol
	Protocol        string // HTTP, HTTPS, RTSP, DEV_MANAGE, …
	Enabled         camsec.State
	Port            *int // nil is unknown
	RedirectToHTTPS camsec.State
	TLS11           camsec.State
	TLS12           camsec.State
	TLS13           camsec.State
}

// AdminAccesses are the protocols of a device. One that is missing is not
// offered, which is not the same as disabled.
type AdminAccesses []AdminAccess

// Protocol finds a protocol by its name, in any case.
func (a AdminAccesses) Protocol(name string) (AdminAccess, bool) {
	for _, p := range a {
		if strings.EqualFold(p.Protocol, name) {
			return p, true
		}
	}
	return AdminAccess{}, false
}

// MinTLS returns the lowest TLS version that the flags allow, such as "1.2";
// empty if they do not tell. No flag is known to speak of TLS 1.0.
func (a AdminAccess) MinTLS() string {
	switch {
	case a.TLS11 == camsec.StateOn:
		return "1.1"
	case a.TLS11 == camsec.StateOff && a.TLS12 == camsec.StateOn:
		return "1.2"
	case a.TLS11 == camsec.StateOff && a.TLS12 == camsec.StateOff && a.TLS13 == camsec.StateOn:
		return "1.3"
	}
	return ""
}

// AdminAccesses reads which protocols and ports are open.
//
//isapi:op GET /ISAPI/Security/adminAccesses
func (c *Client) AdminAccesses(ctx context.Context) (AdminAccesses, error) {
	n, err := c.get(ctx, "AdminAccesses", wire.Small(), "AdminAccessProtocolList")
	if err != nil {
		return nil, err
	}
	list := AdminAccesses{}
	for _, p := range n.All("AdminAccessProtocol") {
		a := AdminAccess{
			ID: p.Child("id").String(), Protocol: p.Child("protocol").String(),
			Enabled: state(p.Child("enabled")), Port: number(p.Child("portNo")),
			RedirectToHTTPS: state(p.Child("redirectToHttps")),
			TLS11:           state(p.Child("TLS1_1Enable")), TLS12: state(p.Child("TLS1_2Enable")), TLS13: state(p.Child("TLS1_3Enable")),
		}
		if a.Protocol != "" {
			list = append(list, a)
		}
	}
	if len(list) == 0 {
		return nil, malformed(operation("AdminAccesses"), "no protocol in the list")
	}
	return list, nil
}

// An IllegalLoginLock is the lock-out after failed logins.
type IllegalLoginLock struct {
	Enabled  camsec.State
	Tries    *int // nil is unknown
	LockTime *int // minutes or seconds, see Seconds; nil is unknown
}

// minutesMax is the longest lock in minutes that any recorded device offers.
const minutesMax = 120

// Seconds returns the length of the lock; nil is unknown. Devices write it in
// minutes or in seconds and do not say which: a value over the capability's
// maximum (maxIllegalLoginLockTime, 120 minutes on all that were recorded)
// must be seconds. A max of 0 stands for 120; one above 120 is itself taken
// for seconds.
func (l IllegalLoginLock) Seconds(capMax int) *int {
	if l.LockTime == nil || *l.LockTime < 0 {
		return nil
	}
	v := *l.LockTime
	if capMax <= 0 {
		capMax = minutesMax
	}
	if capMax <= minutesMax && v <= capMax {
		v *= 60
	}
	return &v
}

// IllegalLoginLock reads the lock-out setting.
//
//isapi:op GET /ISAPI/Security/illegalLoginLock
func (c *Client) IllegalLoginLock(ctx context.Context) (IllegalLoginLock, error) {
	n, err := c.get(ctx, "IllegalLoginLock", wire.Small(), "IllegalLoginLock")
	if err != nil {
		return IllegalLoginLock{}, err
	}
	return IllegalLoginLock{
		Enabled:  state(n.Child("enabled")),
		Tries:    number(n.Child("maxIllegalLoginTimes")),
		LockTime: number(n.Child("maxIllegalLoginLockTime")),
	}, nil
}

// An AuthMode is which kinds of login a service accepts. Nil is unknown.
type AuthMode struct {
	Types      []string // digest, basic
	Algorithms []string // MD5, SHA256
}

// WebCertificate reads how the web service and ISAPI itself authenticate.
//
//isapi:op GET /ISAPI/Security/webCertificate
func (c *Client) WebCertificate(ctx context.Context) (AuthMode, error) {
	n, err := c.get(ctx, "WebCertificate", wire.Small(), "WebCertificate")
	return authMode(n), err
}

// RTSPCertificate reads how RTSP authenticates on recorders and newer
// cameras; others have it in [Client.StreamingChannels].
//
//isapi:op GET /ISAPI/Security/RTSPCertificate
func (c *Client) RTSPCertificate(ctx context.Context) (AuthMode, error) {
	n, err := c.get(ctx, "RTSPCertificate", wire.Small(), "RTSPCertificate")
	return authMode(n), err
}

// authMode reads the two elements; the first one's capital letter varies.
func authMode(n *wire.Node) AuthMode {
	t := n.Child("CertificateType")
	if t == nil {
		t = n.Child("certificateType")
	}
	return AuthMode{Types: words(t), Algorithms: words(n.At("SecurityAlgorithm", "algorithmType"))}
}

// AnonymousLogin reads whether viewing needs no login. No answer was ever
// recorded, so anything without a readable enabled element is malformed.
//
//isapi:op GET /ISAPI/Security/UserPermission/anonymouslogin
func (c *Client) AnonymousLogin(ctx context.Context) (Service, error) {
	return c.service(ctx, "AnonymousLogin", "anonymouslogin", "AnonymousLogin", "UserPermission")
}

// Advanced is the logout of idle sessions.
type Advanced struct {
	IdleLogout camsec.State
	IdleTime   *int // as the device writes it; nil is unknown
}

// Advanced reads whether idle web sessions end by themselves.
//
//isapi:op GET /ISAPI/Security/advanced?format=json
func (c *Client) Advanced(ctx context.Context) (Advanced, error) {
	n, err := c.get(ctx, "Advanced", wire.Small(), "SecurityAdvanced", "advanced", "")
	if err != nil {
		return Advanced{}, err
	}
	if !n.Find("noOperationEnabled").Has() {
		return Advanced{}, malformed(operation("Advanced"), "no noOperationEnabled")
	}
	return Advanced{state(n.Find("noOperationEnabled")), number(n.Find("noOperationTime"))}, nil
}

// LoginLinkNum reads how many may be logged in at once.
//
//isapi:op GET /ISAPI/Security/loginLinkNum?format=json
func (c *Client) LoginLinkNum(ctx context.Context) (int, error) {
	n, err := c.get(ctx, "LoginLinkNum", wire.Small(), "LoginLinkNum", "")
	if err != nil {
		return 0, err
	}
	most := number(n.Find("maxLinkNum"))
	if most == nil || *most < 1 {
		return 0, malformed(operation("LoginLinkNum"), "no readable maxLinkNum")
	}
	return *most, nil
}
