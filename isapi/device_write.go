package isapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/camsec/camsec"
)

var _ camsec.SettingWriter = (*Device)(nil)

// A setter writes one setting of package camsec.
type setter func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error)

// onOff makes a setter of a method that takes a switch.
func onOff(set func(c *Client, ctx context.Context, on bool) (camsec.Change, error)) setter {
	return func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return set(c, ctx, v.Bool())
	}
}

// protocol makes a setter of the switch of a protocol.
func protocol(name string) setter {
	return func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetAdminAccess(ctx, name, AdminAccessChange{Enabled: camsec.StateOf(v.Bool())})
	}
}

// eachOf makes a setter of a method that changes one member of a list.
func eachOf(op string, ids func(ctx context.Context, c *Client) ([]string, error),
	set func(c *Client, ctx context.Context, id string, on bool) (camsec.Change, error),
) setter {
	return func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		if err := c.mayWrite(writeOf(op)); err != nil {
			return notApplied(err)
		}
		all, err := ids(ctx, c)
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("isapi: %s: none is set up: %w", writeOf(op), errors.ErrUnsupported)
		}
		if err != nil {
			return notApplied(err)
		}
		return reviseAll(writeOf(op), all, func(id string) (camsec.Change, error) { return set(c, ctx, id, v.Bool()) })
	}
}

// setters are the settings that ISAPI can change. What is missing is a flag of
// the device itself, or no setting.
var setters = map[string]setter{
	"login.anonymous": onOff((*Client).SetAnonymousLogin),
	"login.lockout": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetIllegalLoginLock(ctx, IllegalLoginLock{Enabled: camsec.StateOf(v.Bool())})
	},
	"login.lockout.tries": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		n := int(v.Int())
		return c.SetIllegalLoginLock(ctx, IllegalLoginLock{Tries: &n})
	},
	"login.lockout.seconds": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.setLockSeconds(ctx, int(v.Int()))
	},
	"login.alarm": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.setLoginAlarm(ctx, v.Strings())
	},
	"login.idle-logout": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetAdvanced(ctx, Advanced{IdleLogout: camsec.StateOf(v.Bool())})
	},
	"http.auth": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetWebCertificate(ctx, AuthMode{Types: v.Strings()})
	},
	"http.auth.algorithms": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetWebCertificate(ctx, AuthMode{Algorithms: v.Strings()})
	},
	"rtsp.auth": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.setRTSPAuth(ctx, v.Strings())
	},
	"onvif.auth": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetIntegrate(ctx, IntegrateChange{ONVIFAuth: v.Strings()})
	},
	"integration.onvif": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetIntegrate(ctx, IntegrateChange{ONVIF: camsec.StateOf(v.Bool())})
	},
	"integration.cgi": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetIntegrate(ctx, IntegrateChange{CGI: camsec.StateOf(v.Bool())})
	},
	"service.http":      protocol("HTTP"),
	"service.https":     protocol("HTTPS"),
	"service.bonjour":   protocol("Bonjour"),
	"service.websocket": protocol("WebSocket"),
	"service.sdk":       protocol("DEV_MANAGE"),
	"service.srtp":      protocol("SRTP"),
	"service.modbus":    protocol("modbusTCP"),
	"service.iot":       protocol("IOT"),
	"http.redirect": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetAdminAccess(ctx, "HTTPS", AdminAccessChange{RedirectToHTTPS: camsec.StateOf(v.Bool())})
	},
	"tls.min": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetAdminAccess(ctx, "HTTPS", AdminAccessChange{MinTLS: v.Text()})
	},
	"service.ssh":     onOff((*Client).SetSSH),
	"service.telnet":  onOff((*Client).SetTelnet),
	"service.upnp":    onOff((*Client).SetUPnP),
	"service.snmp.v1": onOff((*Client).setSNMPCommunity),
	"service.snmp.v3": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetSNMP(ctx, SNMPChange{V3: camsec.StateOf(v.Bool())})
	},
	"service.ftp": eachOf("SetFTP", func(ctx context.Context, c *Client) ([]string, error) {
		return c.memberIDs(ctx, "FTP", "FTPNotification", "FTPNotificationList")
	}, (*Client).SetFTP),
	"service.ddns": eachOf("SetDDNS", func(ctx context.Context, c *Client) ([]string, error) {
		return c.memberIDs(ctx, "DDNS", "DDNS", "DDNSList")
	}, (*Client).SetDDNS),
	"service.cloud":   onOff((*Client).SetEZVIZ),
	"service.ehome":   onOff((*Client).SetEHome),
	"service.gb28181": onOff((*Client).SetGB28181),
	"service.sadp": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetDiscoveryMode(ctx, DiscoveryMode{SADP: camsec.StateOf(v.Bool())})
	},
	"mail.tls": eachOf("SetMailEncryption", func(ctx context.Context, c *Client) ([]string, error) { return c.usedMail(ctx) },
		(*Client).SetMailEncryption),
	"events.push.tls": eachOf("SetHTTPHost", func(ctx context.Context, c *Client) ([]string, error) { return c.usedHosts(ctx) },
		(*Client).setHTTPHostTLS),
	"events.push.auth": eachOf("SetHTTPHost", func(ctx context.Context, c *Client) ([]string, error) { return c.usedHosts(ctx) },
		(*Client).setHTTPHostAuth),
	"streaming.multicast": eachOf("SetMulticast", func(ctx context.Context, c *Client) ([]string, error) { return c.multicastStreams(ctx) },
		(*Client).SetMulticast),
	"log.server": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetLogServer(ctx, LogServerChange{Enabled: camsec.StateOf(v.Bool())})
	},
	"log.server.tls": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetLogServer(ctx, LogServerChange{Encrypted: camsec.StateOf(v.Bool())})
	},
	"network.ip-filter": onOff((*Client).SetIPFilter),
	"network.802.1x":    onOff((*Client).SetIEEE8021X),
	"time.ntp": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.SetTimeMode(ctx, map[bool]string{false: "manual", true: "NTP"}[v.Bool()])
	},
	"time.ntp.server": func(ctx context.Context, c *Client, v camsec.Value) (camsec.Change, error) {
		return c.setTimeServer(ctx, v.Text())
	},
}

// SettableSettings returns the ids of package camsec that [Device.SetSetting]
// knows a write for, sorted. A given device may still refuse one.
func SettableSettings() []string { return slices.Sorted(maps.Keys(setters)) }

// SetSetting changes one setting and reads it back; see [Client.SetSSH] for
// outcomes and errors. Settings that stand in several documents, such as the
// login of each stream, are changed one document after the other; if one fails
// after another was changed the outcome is unknown.
func (d *Device) SetSetting(ctx context.Context, id string, value camsec.Value) (camsec.Change, error) {
	set, ok := setters[id]
	if !ok {
		return notApplied(fmt.Errorf("isapi: set %s: %w", clean(id), errors.ErrUnsupported))
	}
	if want := camsec.SettingKinds()[id]; value.Kind() != want {
		return notApplied(fmt.Errorf("isapi: set %s: a value of kind %q, want %q", id, value.Kind(), want))
	}
	return set(ctx, d.c, value)
}

// SetPassword changes a password of one of three stores: the device's own
// ([Client.SetPassword]), ONVIF's ([Client.SetONVIFPassword]) and, on a
// recorder, its logins to cameras, where the account's name is the channel's
// number ([Client.SetChannelCredential]).
func (d *Device) SetPassword(ctx context.Context, account camsec.Account, password camsec.Secret) (camsec.Change, error) {
	switch account.Store {
	case "", camsec.StoreDevice:
		return d.c.SetPassword(ctx, account.Name, password)
	case camsec.StoreONVIF:
		return d.c.SetONVIFPassword(ctx, account.Name, password)
	case camsec.StoreChannel:
		return d.c.SetChannelCredential(ctx, account.Name, "", password)
	}
	return notApplied(fmt.Errorf("isapi: set password in store %s: %w", clean(string(account.Store)), errors.ErrUnsupported))
}
