package isapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
)

// An AdminAccessChange is what [Client.SetAdminAccess] changes of a protocol.
// What is unknown, nil or empty stays as it is.
type AdminAccessChange struct {
	Enabled         camsec.State
	Port            *int
	RedirectToHTTPS camsec.State
	MinTLS          string // "1.1", "1.2" or "1.3"
}

// SetAdminAccess changes a protocol that the device can be reached by, found
// by its name. A protocol, a switch or a TLS flag that the device does not
// list matches [errors.ErrUnsupported]. What would close the protocol that
// this client uses matches [ErrCutOff]: connect over another one first.
//
//isapi:op PUT /ISAPI/Security/adminAccesses
func (c *Client) SetAdminAccess(ctx context.Context, protocol string, change AdminAccessChange) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "AdminAccesses", set: "SetAdminAccess", roots: []string{"AdminAccessProtocolList"},
		edit:  func(d *draft) { d.access(protocol, change) },
		guard: func(*draft) error { return c.guardAccess(protocol, change) },
	})
}

func (d *draft) access(protocol string, change AdminAccessChange) {
	var p *etree.Element
	for _, e := range d.root.SelectElements("AdminAccessProtocol") {
		if strings.EqualFold(childText(e, "protocol"), protocol) {
			p = e
			break
		}
	}
	if p == nil {
		d.lacks("protocol " + clean(protocol))
		return
	}
	if change.Enabled != camsec.StateUnknown {
		d.flag(p, "enabled", change.Enabled == camsec.StateOn)
	}
	if change.Port != nil {
		d.text(p, "portNo", fmt.Sprint(*change.Port))
	}
	if change.RedirectToHTTPS != camsec.StateUnknown {
		d.flag(p, "redirectToHttps", change.RedirectToHTTPS == camsec.StateOn)
	}
	if change.MinTLS != "" {
		d.minTLS(p, change.MinTLS)
	}
}

// minTLS sets the flags so that the lowest version is the wanted one; what
// lies above it and is on stays on.
func (d *draft) minTLS(p *etree.Element, version string) {
	flags := []struct {
		version, name string
	}{{"1.1", "TLS1_1Enable"}, {"1.2", "TLS1_2Enable"}, {"1.3", "TLS1_3Enable"}}
	known := false
	for _, f := range flags {
		switch {
		case f.version < version:
			d.flag(p, f.name, false)
		case f.version == version:
			known = true
			d.flag(p, f.name, true)
		}
	}
	if !known {
		d.lacks("flag for TLS " + clean(version))
	}
}

// guardAccess refuses to close the way that this client uses.
func (c *Client) guardAccess(protocol string, change AdminAccessChange) error {
	over := func(scheme string) bool { return c.base.Scheme == scheme }
	switch {
	case strings.EqualFold(protocol, "HTTP") && over("http") && (change.Enabled == camsec.StateOff || change.Port != nil),
		strings.EqualFold(protocol, "HTTPS") && over("https") && (change.Enabled == camsec.StateOff || change.Port != nil),
		change.RedirectToHTTPS == camsec.StateOn && over("http"):
		return ErrCutOff
	}
	return nil
}

// SetIllegalLoginLock changes the lock-out after failed logins. What is
// unknown or nil stays as it is. LockTime is written as it stands, in the
// device's own unit; [IllegalLoginLock.Seconds] tells which that is.
//
//isapi:op PUT /ISAPI/Security/illegalLoginLock
func (c *Client) SetIllegalLoginLock(ctx context.Context, lock IllegalLoginLock) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "IllegalLoginLock", set: "SetIllegalLoginLock", roots: []string{"IllegalLoginLock"},
		edit: func(d *draft) {
			if lock.Enabled != camsec.StateUnknown {
				d.flag(d.root, "enabled", lock.Enabled == camsec.StateOn)
			}
			if lock.Tries != nil {
				d.text(d.root, "maxIllegalLoginTimes", fmt.Sprint(*lock.Tries))
			}
			if lock.LockTime != nil {
				d.text(d.root, "maxIllegalLoginLockTime", fmt.Sprint(*lock.LockTime))
			}
		},
	})
}

// setLockSeconds writes the length of the lock in the unit that the device
// uses now.
func (c *Client) setLockSeconds(ctx context.Context, seconds int) (camsec.Change, error) {
	op := writeOf("SetIllegalLoginLock")
	if err := c.mayWrite(op); err != nil {
		return notApplied(err)
	}
	lock, err := c.IllegalLoginLock(ctx)
	if err != nil {
		return notApplied(err)
	}
	caps, err := c.SecurityCapabilities(ctx)
	if err != nil {
		return notApplied(err)
	}
	now := lock.Seconds(lockMax(caps))
	if now == nil {
		return notApplied(fmt.Errorf("isapi: %s: the length is not told: %w", op, errors.ErrUnsupported))
	}
	if *now != *lock.LockTime || *now == 0 { // minutes
		if seconds%60 != 0 {
			return notApplied(fmt.Errorf("isapi: %s: the device takes whole minutes: %w", op, errors.ErrUnsupported))
		}
		seconds /= 60
	}
	return c.SetIllegalLoginLock(ctx, IllegalLoginLock{LockTime: &seconds})
}

// SetWebCertificate changes how the web service and ISAPI itself authenticate.
// Nil stays as it is. SHA256 alone shuts out clients that know only MD5, among
// them many recorders: go there by way of MD5 and SHA256 together. MD5 alone
// has the login budget forget the account, since nothing weaker than what has
// worked is answered otherwise.
//
//isapi:op PUT /ISAPI/Security/webCertificate
func (c *Client) SetWebCertificate(ctx context.Context, mode AuthMode) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "WebCertificate", set: "SetWebCertificate", roots: []string{"WebCertificate"},
		edit: func(d *draft) { d.authMode(d.root, mode) }, relogin: true,
		lowers: mode.Algorithms != nil && !slices.ContainsFunc(mode.Algorithms, func(a string) bool { return !strings.EqualFold(a, "MD5") }),
	})
}

// SetRTSPCertificate changes how RTSP authenticates on recorders and newer
// cameras; others have it in [Client.SetStreamingSecurity].
//
//isapi:op PUT /ISAPI/Security/RTSPCertificate
func (c *Client) SetRTSPCertificate(ctx context.Context, mode AuthMode) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "RTSPCertificate", set: "SetRTSPCertificate", roots: []string{"RTSPCertificate"},
		edit: func(d *draft) { d.authMode(d.root, mode) },
	})
}

// authMode writes the two elements; the first one's capital letter varies.
func (d *draft) authMode(e *etree.Element, mode AuthMode) {
	if e == nil {
		return
	}
	if mode.Types != nil {
		t := child(e, "CertificateType", "certificateType")
		if t == nil {
			d.lacks("certificateType")
		}
		d.words(t, mode.Types)
	}
	if mode.Algorithms != nil {
		d.words(d.at(e, "SecurityAlgorithm", "algorithmType"), mode.Algorithms)
	}
}

// SetStreamingSecurity makes one stream ask for a login, in the mode given;
// nil leaves algorithms or types as they are. A stream whose guarding is off
// is switched on. Channels are numbered as in [Client.StreamingChannels].
//
//isapi:op GET /ISAPI/Streaming/channels/{id}
//isapi:op PUT /ISAPI/Streaming/channels/{id}
func (c *Client) SetStreamingSecurity(ctx context.Context, id string, mode AuthMode) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetStreamingSecurity", id: id, roots: []string{"StreamingChannel"},
		edit: func(d *draft) {
			security := d.at(d.root, "Transport", "Security")
			if security != nil {
				d.flag(security, "enabled", true)
			}
			d.authMode(security, mode)
		},
	})
}

// SetMulticast switches whether one stream may be asked for by multicast.
//
//isapi:op GET /ISAPI/Streaming/channels/{id}
//isapi:op PUT /ISAPI/Streaming/channels/{id}
func (c *Client) SetMulticast(ctx context.Context, id string, on bool) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetMulticast", id: id, roots: []string{"StreamingChannel"},
		edit: func(d *draft) { d.flag(d.at(d.root, "Transport", "Multicast"), "enabled", on) },
	})
}

// setRTSPAuth changes the streams' own blocks where there are any, and the
// common setting otherwise, as [Device.Settings] reads them.
func (c *Client) setRTSPAuth(ctx context.Context, types []string) (camsec.Change, error) {
	op := writeOf("SetStreamingSecurity")
	if err := c.mayWrite(op); err != nil {
		return notApplied(err)
	}
	streams, err := c.StreamingChannels(ctx)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return notApplied(err)
	}
	var ids []string
	for _, s := range streams {
		if s.Security != camsec.StateUnknown || len(s.Auth.Types) > 0 {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) == 0 {
		return c.SetRTSPCertificate(ctx, AuthMode{Types: types})
	}
	return reviseAll(op, ids, func(id string) (camsec.Change, error) {
		return c.SetStreamingSecurity(ctx, id, AuthMode{Types: types})
	})
}

// SetAnonymousLogin switches whether viewing needs no login.
//
//isapi:op PUT /ISAPI/Security/UserPermission/anonymouslogin
func (c *Client) SetAnonymousLogin(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, enable("AnonymousLogin", "SetAnonymousLogin", on, "anonymouslogin", "AnonymousLogin", "UserPermission"))
}

// SetAdvanced changes the logout of idle sessions. What is unknown or nil
// stays as it is.
//
//isapi:op PUT /ISAPI/Security/advanced?format=json
func (c *Client) SetAdvanced(ctx context.Context, change Advanced) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "Advanced", set: "SetAdvanced", roots: []string{"SecurityAdvanced", "advanced", ""},
		edit: func(d *draft) {
			if change.IdleLogout != camsec.StateUnknown {
				d.value("noOperationEnabled", change.IdleLogout == camsec.StateOn)
			}
			if change.IdleTime != nil {
				d.value("noOperationTime", *change.IdleTime)
			}
		},
	})
}

// SetLoginLinkNum bounds how many may be logged in at once. Too few shut out
// the recorder, or this client. The guide wants the password of the account in
// use with it, which is sent over https alone.
//
//isapi:op PUT /ISAPI/Security/loginLinkNum?format=json
func (c *Client) SetLoginLinkNum(ctx context.Context, most int) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "LoginLinkNum", set: "SetLoginLinkNum", confirm: "adminPassword", roots: []string{"LoginLinkNum", ""},
		edit: func(d *draft) { d.value("maxLinkNum", most) },
	})
}

// value writes a value of a document that some devices answer in JSON and
// others in XML.
func (d *draft) value(name string, v any) {
	if d.doc == nil {
		d.literal(name, v)
		return
	}
	e := d.root.FindElement(".//" + name)
	if e == nil {
		d.lacks(name)
		return
	}
	if on, ok := v.(bool); ok {
		d.flag(e.Parent(), name, on)
		return
	}
	d.set(e, fmt.Sprint(v))
}

// multicastStreams are the numbers of the streams that say whether they may be
// asked for by multicast.
func (c *Client) multicastStreams(ctx context.Context) ([]string, error) {
	streams, err := c.StreamingChannels(ctx)
	var ids []string
	for _, s := range streams {
		if s.Multicast != camsec.StateUnknown {
			ids = append(ids, s.ID)
		}
	}
	return ids, err
}
