package isapi

import (
	"context"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A Service is something that a device runs or does not. Enabled is never
// unknown without an error.
type Service struct{ Enabled camsec.State }

// service reads a document whose one element of interest is enabled.
func (c *Client) service(ctx context.Context, op string, roots ...string) (Service, error) {
	n, err := c.get(ctx, op, wire.Small(), roots...)
	if err != nil {
		return Service{}, err
	}
	return enabled(op, state(n.Child("enabled")))
}

func enabled(op string, s camsec.State) (Service, error) {
	if s == camsec.StateUnknown {
		return Service{}, malformed(operation(op), "no readable enabled element")
	}
	return Service{s}, nil
}

// SSH reads whether the SSH server runs.
//
//isapi:op GET /ISAPI/System/Network/ssh
func (c *Client) SSH(ctx context.Context) (Service, error) { return c.service(ctx, "SSH", "SSH") }

// Telnet reads whether the telnet server of old firmware runs.
//
//isapi:op GET /ISAPI/System/Network/telnetd
func (c *Client) Telnet(ctx context.Context) (Service, error) {
	return c.service(ctx, "Telnet", "Telnetd")
}

// UPnP reads whether the device asks routers to open ports for it.
//
//isapi:op GET /ISAPI/System/Network/UPnP
func (c *Client) UPnP(ctx context.Context) (Service, error) { return c.service(ctx, "UPnP", "UPnP") }

// EZVIZ reads whether the maker's cloud is in use.
//
//isapi:op GET /ISAPI/System/Network/EZVIZ
func (c *Client) EZVIZ(ctx context.Context) (Service, error) {
	return c.service(ctx, "EZVIZ", "EZVIZ")
}

// EHome reads whether platform access (ISUP, once EHome) is on.
//
//isapi:op GET /ISAPI/System/Network/Ehome
func (c *Client) EHome(ctx context.Context) (Service, error) {
	return c.service(ctx, "EHome", "Ehome")
}

// IPFilter reads whether only some addresses may, or may not, connect.
//
//isapi:op GET /ISAPI/System/Network/ipFilter
func (c *Client) IPFilter(ctx context.Context) (Service, error) {
	return c.service(ctx, "IPFilter", "IPFilter")
}

// DDNS reads whether any dynamic DNS service is in use.
//
//isapi:op GET /ISAPI/System/Network/DDNS
func (c *Client) DDNS(ctx context.Context) (Service, error) {
	return c.anyService(ctx, "DDNS", "DDNS", "DDNSList")
}

// FTP reads whether pictures are uploaded to any FTP server.
//
//isapi:op GET /ISAPI/System/Network/ftp
func (c *Client) FTP(ctx context.Context) (Service, error) {
	return c.anyService(ctx, "FTP", "FTPNotification", "FTPNotificationList")
}

// anyService reads a list, or its single member, that is on if a member is.
func (c *Client) anyService(ctx context.Context, op, member, list string) (Service, error) {
	n, err := c.get(ctx, op, wire.Small(), member, list)
	if err != nil {
		return Service{}, err
	}
	var all []camsec.State
	for _, m := range members(n, member) {
		all = append(all, state(m.Child("enabled")))
	}
	return enabled(op, anyOf(all))
}

// GB28181 reads whether the device registers with a GB/T 28181 platform. No
// answer was ever recorded; one without a GB28181 element is malformed.
//
//isapi:op GET /ISAPI/System/Network/SIP/1/SIPInfo
func (c *Client) GB28181(ctx context.Context) (Service, error) {
	n, err := c.get(ctx, "GB28181", wire.Small(), "SIPInfo", "SIPServer", "SIPServerList", "GB28181")
	if err != nil {
		return Service{}, err
	}
	if n.Name != "GB28181" {
		n = n.Find("GB28181")
	}
	return enabled("GB28181", state(n.Child("enabled")))
}

// SNMP is which versions of SNMP answer. Communities are passwords and are
// not read.
type SNMP struct {
	V1, V2c, V3 camsec.State
	Port        *int // nil is unknown
}

// SNMP reads which versions of SNMP answer.
//
//isapi:op GET /ISAPI/System/Network/SNMP
func (c *Client) SNMP(ctx context.Context) (SNMP, error) {
	n, err := c.get(ctx, "SNMP", wire.Small(), "SNMP")
	if err != nil {
		return SNMP{}, err
	}
	s := SNMP{
		V1: state(n.At("SNMPv1c", "enabled")), V2c: state(n.At("SNMPv2c", "enabled")),
		V3: state(n.At("SNMPAdvanced", "enabled")), Port: number(n.Child("listenPort")),
	}
	if s.V1 == camsec.StateUnknown && s.V2c == camsec.StateUnknown && s.V3 == camsec.StateUnknown {
		return SNMP{}, malformed(operation("SNMP"), "no version in it")
	}
	return s, nil
}

// Integrate is which interfaces for other makers' software are on.
type Integrate struct {
	CGI, ONVIF, ISAPI camsec.State
	CGIAuth           []string // digest, basic; nil is unknown
	ONVIFAuth         []string // vendor's words, lower-cased; nil is unknown
}

// Integrate reads which interfaces for other makers' software are on.
//
//isapi:op GET /ISAPI/System/Network/Integrate
func (c *Client) Integrate(ctx context.Context) (Integrate, error) {
	n, err := c.get(ctx, "Integrate", wire.Small(), "Integrate")
	if err != nil {
		return Integrate{}, err
	}
	i := Integrate{
		CGI: state(n.At("CGI", "enable")), ONVIF: state(n.At("ONVIF", "enable")), ISAPI: state(n.At("ISAPI", "enable")),
		CGIAuth: lower(words(n.At("CGI", "certificateType"))), ONVIFAuth: lower(words(n.At("ONVIF", "certificateType"))),
	}
	if i.CGI == camsec.StateUnknown && i.ONVIF == camsec.StateUnknown && i.ISAPI == camsec.StateUnknown {
		return Integrate{}, malformed(operation("Integrate"), "no interface in it")
	}
	return i, nil
}

// DiscoveryMode is whether the device answers on layer 2 before any login.
type DiscoveryMode struct{ SADP, Pcap camsec.State }

// DiscoveryMode reads whether the device answers discovery.
//
//isapi:op GET /ISAPI/System/discoveryMode
func (c *Client) DiscoveryMode(ctx context.Context) (DiscoveryMode, error) {
	n, err := c.get(ctx, "DiscoveryMode", wire.Small(), "DiscoveryMode")
	if err != nil {
		return DiscoveryMode{}, err
	}
	d := DiscoveryMode{SADP: discoverable(n.Child("SADP")), Pcap: discoverable(n.Child("PcapMode"))}
	if d.SADP == camsec.StateUnknown && d.Pcap == camsec.StateUnknown {
		return DiscoveryMode{}, malformed(operation("DiscoveryMode"), "no mode in it")
	}
	return d, nil
}

func discoverable(n *wire.Node) camsec.State {
	switch n.String() {
	case "discoverable", "enable":
		return camsec.StateOn
	case "nonDiscoverable", "disable":
		return camsec.StateOff
	}
	if !n.Has() {
		return camsec.StateUnknown
	}
	return state(n)
}

// A Mail is one mail account that a device sends with.
type Mail struct {
	ID     string
	Server string
	// Encrypted is on if SSL, TLS or STARTTLS is asked for.
	Encrypted camsec.State
}

// Mailing reads the mail accounts that are set up; the blank ones that
// devices come with are left out.
//
//isapi:op GET /ISAPI/System/Network/mailing
func (c *Client) Mailing(ctx context.Context) ([]Mail, error) {
	n, err := c.get(ctx, "Mailing", wire.Small(), "mailing", "mailingList")
	if err != nil {
		return nil, err
	}
	var used []Mail
	for _, m := range members(n, "mailing") {
		smtp := m.At("sender", "smtp")
		if smtp == nil {
			return nil, malformed(operation("Mailing"), "no smtp in it")
		}
		server := hostOf(smtp)
		if unset(server) {
			continue
		}
		var flags []camsec.State
		for _, name := range []string{"enableSSL", "enableTLS", "startTLS"} {
			if f := smtp.Child(name); f != nil {
				flags = append(flags, state(f))
			}
		}
		used = append(used, Mail{ID: m.Child("id").String(), Server: server, Encrypted: anyOf(flags)})
	}
	return used, nil
}

// unset tells whether an address is one of those that stand for none.
func unset(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

func lower(list []string) []string {
	for i, s := range list {
		list[i] = strings.ToLower(s)
	}
	return list
}
