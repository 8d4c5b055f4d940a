package isapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Writes of services. Each needs an administrator, is one attempt, and is
// Applied only if the device shows the change when it is read back; see
// [Client.SetSSH] for what the error says otherwise.

// enable is the revision of a document whose switch is its root's child.
func enable(get, set string, on bool, roots ...string) revision {
	return revision{get: get, set: set, roots: roots, edit: func(d *draft) { d.flag(d.root, "enabled", on) }}
}

// SetSSH switches the SSH server. Nothing is written if it is so already.
//
// The error matches [ErrReadOnly] on a read-only client, [errors.ErrUnsupported]
// if the device has no such service, [camsec.ErrForbidden] if the account may
// not, [ErrIgnored] if the device says that it is done and shows no change: in
// all of these the outcome is NotApplied. It matches [camsec.ErrUncertain] if
// the outcome is unknown; the device may then hold the old value or the new
// one, and reading tells which.
//
//isapi:op PUT /ISAPI/System/Network/ssh
func (c *Client) SetSSH(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, enable("SSH", "SetSSH", on, "SSH"))
}

// SetTelnet switches the telnet server of old firmware.
//
//isapi:op PUT /ISAPI/System/Network/telnetd
func (c *Client) SetTelnet(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, enable("Telnet", "SetTelnet", on, "Telnetd"))
}

// SetUPnP switches whether the device asks routers to open ports for it.
//
//isapi:op PUT /ISAPI/System/Network/UPnP
func (c *Client) SetUPnP(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, enable("UPnP", "SetUPnP", on, "UPnP"))
}

// SetEZVIZ switches the maker's cloud. Only the switch is sent, as clients of
// real cameras do.
//
//isapi:op PUT /ISAPI/System/Network/EZVIZ
func (c *Client) SetEZVIZ(ctx context.Context, on bool) (camsec.Change, error) {
	r := enable("EZVIZ", "SetEZVIZ", on, "EZVIZ")
	r.only = []string{"enabled"}
	return c.revise(ctx, r)
}

// SetEHome switches platform access (ISUP, once EHome). Its key is not shown
// by the device and stays what it is.
//
//isapi:op PUT /ISAPI/System/Network/Ehome
func (c *Client) SetEHome(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, enable("EHome", "SetEHome", on, "Ehome"))
}

// SetGB28181 switches the registration with a GB/T 28181 platform.
//
//isapi:op PUT /ISAPI/System/Network/SIP/1/SIPInfo
func (c *Client) SetGB28181(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "GB28181", set: "SetGB28181", roots: []string{"SIPInfo", "SIPServer", "SIPServerList", "GB28181"},
		edit: func(d *draft) {
			e := d.root
			if e.Tag != "GB28181" {
				e = e.FindElement(".//GB28181")
			}
			if e == nil {
				d.lacks("GB28181")
				return
			}
			d.flag(e, "enabled", on)
		},
	})
}

// SetDDNS switches one dynamic DNS service; its number is that of the device's
// list.
//
//isapi:op GET /ISAPI/System/Network/DDNS/{id}
//isapi:op PUT /ISAPI/System/Network/DDNS/{id}
func (c *Client) SetDDNS(ctx context.Context, id string, on bool) (camsec.Change, error) {
	r := enable("", "SetDDNS", on, "DDNS")
	r.id = id
	return c.revise(ctx, r)
}

// SetFTP switches the upload to one FTP server; its number is that of the
// device's list.
//
//isapi:op GET /ISAPI/System/Network/ftp/{id}
//isapi:op PUT /ISAPI/System/Network/ftp/{id}
func (c *Client) SetFTP(ctx context.Context, id string, on bool) (camsec.Change, error) {
	r := enable("", "SetFTP", on, "FTPNotification")
	r.id = id
	return c.revise(ctx, r)
}

// An SNMPChange is what [Client.SetSNMP] changes. Versions that are unknown
// stay as they are.
type SNMPChange struct{ V1, V2c, V3 camsec.State }

// SetSNMP switches versions of SNMP. Communities and users stay as they are.
//
//isapi:op PUT /ISAPI/System/Network/SNMP
func (c *Client) SetSNMP(ctx context.Context, change SNMPChange) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "SNMP", set: "SetSNMP", roots: []string{"SNMP"},
		edit: func(d *draft) {
			for _, v := range []struct {
				block string
				state camsec.State
			}{{"SNMPv1c", change.V1}, {"SNMPv2c", change.V2c}, {"SNMPAdvanced", change.V3}} {
				if v.state != camsec.StateUnknown {
					d.flag(d.at(d.root, v.block), "enabled", v.state == camsec.StateOn)
				}
			}
		},
	})
}

// setSNMPCommunity switches what answers to a community, v1 and v2c together;
// a version that the device leaves out counts as off. Switching on takes v2c
// if it is there and nothing answers yet.
func (c *Client) setSNMPCommunity(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "SNMP", set: "SetSNMP", roots: []string{"SNMP"},
		edit: func(d *draft) {
			v1, v2 := child(d.root, "SNMPv1c"), child(d.root, "SNMPv2c")
			switch {
			case v1 == nil && v2 == nil:
				d.lacks("SNMPv2c")
			case !on:
				for _, v := range []string{"SNMPv1c", "SNMPv2c"} {
					if e := child(d.root, v); e != nil {
						d.flag(e, "enabled", false)
					}
				}
			case v2 == nil || isTrue(childText(v1, "enabled")):
				d.flag(v1, "enabled", true)
			default:
				d.flag(v2, "enabled", true)
			}
		},
	})
}

func isTrue(s string) bool { return s == "1" || strings.EqualFold(s, "true") }

// An IntegrateChange is what [Client.SetIntegrate] changes. What is unknown,
// or nil, stays as it is.
type IntegrateChange struct {
	CGI, ONVIF         camsec.State
	CGIAuth, ONVIFAuth []string // such as digest, basic; digest, wsse
	// ISAPI is there to be refused: without its own interface this client
	// could undo nothing. Off is answered with [ErrCutOff].
	ISAPI camsec.State
}

// SetIntegrate switches interfaces for other makers' software. Switching ONVIF
// off ends what is connected over it.
//
//isapi:op PUT /ISAPI/System/Network/Integrate
func (c *Client) SetIntegrate(ctx context.Context, change IntegrateChange) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "Integrate", set: "SetIntegrate", roots: []string{"Integrate"},
		edit: func(d *draft) {
			for _, b := range []struct {
				name  string
				state camsec.State
				auth  []string
			}{
				{"CGI", change.CGI, change.CGIAuth},
				{"ONVIF", change.ONVIF, change.ONVIFAuth},
				{"ISAPI", change.ISAPI, nil},
			} {
				if b.state != camsec.StateUnknown {
					d.flag(d.at(d.root, b.name), "enable", b.state == camsec.StateOn)
				}
				if b.auth != nil {
					d.words(d.at(d.root, b.name, "certificateType"), b.auth)
				}
			}
		},
		guard: func(*draft) error {
			if change.ISAPI == camsec.StateOff {
				return ErrCutOff
			}
			return nil
		},
	})
}

// words writes a list of the vendor's, joined by slashes. One that holds the
// same words in another order or case stays as the device wrote it.
func (d *draft) words(e *etree.Element, want []string) {
	if e == nil {
		return
	}
	was := strings.TrimSpace(e.Text())
	text := strings.Join(want, "/")
	if have := splitWords(was); len(have) == len(want) && !slices.ContainsFunc(want, func(w string) bool {
		return !slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, w) })
	}) {
		text = was
	}
	d.set(e, text)
}

// SetDiscoveryMode switches whether the device answers discovery. What is
// unknown stays as it is.
//
//isapi:op PUT /ISAPI/System/discoveryMode
func (c *Client) SetDiscoveryMode(ctx context.Context, mode DiscoveryMode) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "DiscoveryMode", set: "SetDiscoveryMode", roots: []string{"DiscoveryMode"},
		edit: func(d *draft) {
			for _, m := range []struct {
				name  string
				state camsec.State
			}{{"PcapMode", mode.Pcap}, {"SADP", mode.SADP}} {
				if m.state != camsec.StateUnknown {
					d.discoverable(m.name, m.state == camsec.StateOn)
				}
			}
		},
	})
}

func (d *draft) discoverable(name string, on bool) {
	e := d.at(d.root, name)
	if e == nil {
		return
	}
	for _, pair := range [][2]string{{"nonDiscoverable", "discoverable"}, {"disable", "enable"}, {"false", "true"}} {
		if was := strings.TrimSpace(e.Text()); was == pair[0] || was == pair[1] {
			d.set(e, pair[map[bool]int{false: 0, true: 1}[on]])
			return
		}
	}
	d.lacks("known word in " + name)
}

// SetMailEncryption switches whether mail goes out encrypted; the account's
// number is that of the device's list. On asks for SSL, off ends SSL, TLS and
// STARTTLS. The port stays as it is.
//
//isapi:op GET /ISAPI/System/Network/mailing/{id}
//isapi:op PUT /ISAPI/System/Network/mailing/{id}
func (c *Client) SetMailEncryption(ctx context.Context, id string, on bool) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetMailEncryption", id: id, roots: []string{"mailing"},
		edit: func(d *draft) {
			smtp := d.at(d.root, "sender", "smtp")
			if smtp == nil {
				return
			}
			encrypted := false
			for _, name := range []string{"enableSSL", "enableTLS", "startTLS"} {
				encrypted = encrypted || isTrue(childText(smtp, name))
				if !on && child(smtp, name) != nil {
					d.flag(smtp, name, false)
				}
			}
			if !on {
				return
			}
			if e := d.at(smtp, "enableSSL"); e != nil {
				d.marks = append(d.marks, mark{"encrypted", fmt.Sprint(encrypted), "true"})
				if !encrypted {
					e.SetText("true")
				}
			}
		},
	})
}

// usedMail are the numbers of the mail accounts that are set up.
func (c *Client) usedMail(ctx context.Context) ([]string, error) {
	used, err := c.Mailing(ctx)
	var ids []string
	for _, m := range used {
		ids = append(ids, m.ID)
	}
	return ids, err
}

// memberIDs reads the numbers of the members of a list.
func (c *Client) memberIDs(ctx context.Context, op, member, list string) ([]string, error) {
	n, err := c.get(ctx, op, wire.Limits{}, member, list)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range members(n, member) {
		if id := m.Child("id").String(); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("isapi: %s: empty list: %w", operation(op), errors.ErrUnsupported)
	}
	return ids, nil
}
