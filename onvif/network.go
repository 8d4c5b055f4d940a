package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// DiscoveryMode reads whether the device answers WS-Discovery.
//
//onvif:op GetDiscoveryMode
func (c *Client) DiscoveryMode(ctx context.Context) (camsec.State, error) {
	return c.mode(ctx, "DiscoveryMode")
}

// RemoteDiscoveryMode reads whether the device announces itself to a discovery
// proxy. Withdrawn in 2.6.1; older devices answer.
//
//onvif:op GetRemoteDiscoveryMode
func (c *Client) RemoteDiscoveryMode(ctx context.Context) (camsec.State, error) {
	return c.mode(ctx, "RemoteDiscoveryMode")
}

func (c *Client) mode(ctx context.Context, name string) (camsec.State, error) {
	r, err := c.call(ctx, name, nil)
	if err != nil {
		return camsec.StateUnknown, err
	}
	switch strings.ToLower(r.Child(name).String()) {
	case "discoverable":
		return camsec.StateOn, nil
	case "nondiscoverable":
		return camsec.StateOff, nil
	}
	return camsec.StateUnknown, malformed(operation(name), "neither discoverable nor not")
}

// SetDiscoveryMode sets whether the device answers WS-Discovery. One that does
// not, and has its address by DHCP, may be hard to find again.
//
//onvif:op SetDiscoveryMode
func (c *Client) SetDiscoveryMode(ctx context.Context, on bool) (camsec.Change, error) {
	return c.setMode(ctx, "DiscoveryMode", on)
}

// SetRemoteDiscoveryMode sets whether the device announces itself to a
// discovery proxy.
//
//onvif:op SetRemoteDiscoveryMode
func (c *Client) SetRemoteDiscoveryMode(ctx context.Context, on bool) (camsec.Change, error) {
	return c.setMode(ctx, "RemoteDiscoveryMode", on)
}

func (c *Client) setMode(ctx context.Context, name string, on bool) (camsec.Change, error) {
	word := "NonDiscoverable"
	if on {
		word = "Discoverable"
	}
	return c.write(ctx, "Set"+name, func(m *message) { m.text("tds:"+name, word) },
		func(ctx context.Context) (bool, error) {
			now, err := c.mode(ctx, name)
			return now == camsec.StateOf(on), err
		})
}

// A ZeroConf is link-local addressing (169.254.0.0/16) of an interface.
type ZeroConf struct {
	Interface string // its token
	Enabled   camsec.State
	Addresses []string
}

// ZeroConfiguration reads link-local addressing of the first interface.
//
//onvif:op GetZeroConfiguration
func (c *Client) ZeroConfiguration(ctx context.Context) (ZeroConf, error) {
	r, err := c.call(ctx, "ZeroConfiguration", nil)
	if err != nil {
		return ZeroConf{}, err
	}
	n := r.Child("ZeroConfiguration")
	z := ZeroConf{Interface: n.Child("InterfaceToken").String(), Enabled: state(n.Child("Enabled"))}
	for _, a := range n.All("Addresses") {
		z.Addresses = append(z.Addresses, a.Text)
	}
	if z.Enabled == camsec.StateUnknown {
		return ZeroConf{}, malformed(operation("ZeroConfiguration"), "no readable Enabled")
	}
	return z, nil
}

// SetZeroConfiguration switches link-local addressing of an interface.
//
//onvif:op SetZeroConfiguration
func (c *Client) SetZeroConfiguration(ctx context.Context, token string, on bool) (camsec.Change, error) {
	return c.write(ctx, "SetZeroConfiguration", func(m *message) {
		m.text("tds:InterfaceToken", token)
		m.bool("tds:Enabled", on)
	}, func(ctx context.Context) (bool, error) {
		now, err := c.ZeroConfiguration(ctx)
		return now.Interface == token && now.Enabled == camsec.StateOf(on), err
	})
}

// Kinds of dynamic DNS.
const (
	DNSNoUpdate      = "NoUpdate"
	DNSClientUpdates = "ClientUpdates"
	DNSServerUpdates = "ServerUpdates"
)

// A DynamicDNS is whether the device has its name updated in DNS.
type DynamicDNS struct {
	Type string
	Name string
	TTL  string // xs:duration, or as the device writes it: Axis sends seconds
}

// State is off for NoUpdate and on for the two others.
func (d DynamicDNS) State() camsec.State {
	switch d.Type {
	case DNSNoUpdate:
		return camsec.StateOff
	case DNSClientUpdates, DNSServerUpdates:
		return camsec.StateOn
	}
	return camsec.StateUnknown
}

// DynamicDNS reads whether the device has its name updated in DNS.
//
//onvif:op GetDynamicDNS
func (c *Client) DynamicDNS(ctx context.Context) (DynamicDNS, error) {
	r, err := c.call(ctx, "DynamicDNS", nil)
	if err != nil {
		return DynamicDNS{}, err
	}
	n := r.Child("DynamicDNSInformation")
	d := DynamicDNS{n.Child("Type").String(), n.Child("Name").String(), n.Child("TTL").String()}
	if d.Type == "" {
		return DynamicDNS{}, malformed(operation("DynamicDNS"), "no Type")
	}
	return d, nil
}

// SetDynamicDNS sets whether the device has its name updated in DNS. An empty
// name is not sent, nor is the TTL.
//
//onvif:op SetDynamicDNS
func (c *Client) SetDynamicDNS(ctx context.Context, kind, name string) (camsec.Change, error) {
	return c.write(ctx, "SetDynamicDNS", func(m *message) {
		m.text("tds:Type", kind)
		m.textIf("tds:Name", name)
	}, func(ctx context.Context) (bool, error) {
		now, err := c.DynamicDNS(ctx)
		return now.Type == kind && (name == "" || now.Name == name), err
	})
}

// An NTPSetting is where the device takes its time from.
type NTPSetting struct {
	FromDHCP camsec.State
	Servers  []string // set by hand; names or addresses
	DHCP     []string // that came by DHCP
}

// NTP reads where the device takes its time from.
//
//onvif:op GetNTP
func (c *Client) NTP(ctx context.Context) (NTPSetting, error) {
	r, err := c.call(ctx, "NTP", nil)
	if err != nil {
		return NTPSetting{}, err
	}
	n := r.Child("NTPInformation")
	if n == nil {
		return NTPSetting{}, malformed(operation("NTP"), "no NTPInformation")
	}
	return NTPSetting{state(n.Child("FromDHCP")), hosts(n.All("NTPManual")), hosts(n.All("NTPFromDHCP"))}, nil
}

// A DNSSetting is which name servers the device asks.
type DNSSetting struct {
	FromDHCP camsec.State
	Servers  []string // set by hand
	DHCP     []string // from DHCP
	Search   []string // domains
}

// DNS reads which name servers the device asks.
//
//onvif:op GetDNS
func (c *Client) DNS(ctx context.Context) (DNSSetting, error) {
	r, err := c.call(ctx, "DNS", nil)
	if err != nil {
		return DNSSetting{}, err
	}
	n := r.Child("DNSInformation")
	if n == nil {
		return DNSSetting{}, malformed(operation("DNS"), "no DNSInformation")
	}
	return DNSSetting{state(n.Child("FromDHCP")), hosts(n.All("DNSManual")), hosts(n.All("DNSFromDHCP")), texts(n.All("SearchDomain"))}, nil
}

// DefaultGateways reads the addresses by which the device reaches other
// networks, IPv4 first. Devices write 0.0.0.0 and :: for none; these are left
// out.
//
//onvif:op GetNetworkDefaultGateway
func (c *Client) DefaultGateways(ctx context.Context) ([]string, error) {
	r, err := c.call(ctx, "DefaultGateways", nil)
	if err != nil {
		return nil, err
	}
	n := r.Child("NetworkGateway")
	if n == nil {
		return nil, malformed(operation("DefaultGateways"), "no NetworkGateway")
	}
	out := []string{}
	for _, s := range append(texts(n.All("IPv4Address")), texts(n.All("IPv6Address"))...) {
		if a, err := netip.ParseAddr(s); err == nil && a.IsUnspecified() || s == "" {
			continue
		}
		out = append(out, s)
	}
	return out, nil
}

// hosts reads a list of tt:NetworkHost; 0.0.0.0 is none.
func hosts(nodes []*wire.Node) []string {
	var out []string
	for _, n := range nodes {
		for _, name := range []string{"DNSname", "IPv4Address", "IPv6Address"} {
			if s := n.Child(name).String(); s != "" && s != "0.0.0.0" && s != "::" {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// SetNTP sets the servers from which the device takes its time; none means
// those that come by DHCP.
//
//onvif:op SetNTP
func (c *Client) SetNTP(ctx context.Context, servers ...string) (camsec.Change, error) {
	return c.write(ctx, "SetNTP", func(m *message) {
		m.bool("tds:FromDHCP", len(servers) == 0)
		for _, s := range servers {
			m.in("tds:NTPManual", func() {
				kind, name := "DNS", "tt:DNSname"
				if a, err := netip.ParseAddr(s); err == nil {
					kind, name = "IPv6", "tt:IPv6Address"
					if a.Is4() {
						kind, name = "IPv4", "tt:IPv4Address"
					}
				}
				m.text("tt:Type", kind)
				m.text(name, s)
			})
		}
	}, func(ctx context.Context) (bool, error) {
		now, err := c.NTP(ctx)
		if len(servers) == 0 {
			return now.FromDHCP == camsec.StateOn, err
		}
		return now.FromDHCP == camsec.StateOff && sameSet(now.Servers, servers), err
	})
}

// An IPAddressFilter is who may connect. An empty one admits all.
type IPAddressFilter struct {
	Allow    bool // the prefixes are those admitted; else those refused
	Prefixes []netip.Prefix

	extension *wire.Node
}

// State is on if the filter keeps anybody out.
func (f IPAddressFilter) State() camsec.State { return camsec.StateOf(len(f.Prefixes) > 0) }

// IPAddressFilter reads who may connect.
//
//onvif:op GetIPAddressFilter
func (c *Client) IPAddressFilter(ctx context.Context) (IPAddressFilter, error) {
	r, err := c.call(ctx, "IPAddressFilter", nil)
	if err != nil {
		return IPAddressFilter{}, err
	}
	op := operation("IPAddressFilter")
	n := r.Child("IPAddressFilter")
	f := IPAddressFilter{extension: n.Child("Extension")}
	switch n.Child("Type").String() {
	case "Allow":
		f.Allow = true
	case "Deny":
	default:
		return IPAddressFilter{}, malformed(op, "neither Allow nor Deny")
	}
	for _, p := range append(n.All("IPv4Address"), n.All("IPv6Address")...) {
		a, err := netip.ParseAddr(p.Child("Address").String())
		bits, ok := p.Child("PrefixLength").Int()
		if err != nil || !ok || bits < 0 || int(bits) > a.BitLen() {
			return IPAddressFilter{}, malformed(op, "an address is not understood")
		}
		f.Prefixes = append(f.Prefixes, netip.PrefixFrom(a, int(bits)))
	}
	return f, nil
}

func (f IPAddressFilter) write(m *message) {
	m.in("tds:IPAddressFilter", func() {
		kind := "Deny"
		if f.Allow {
			kind = "Allow"
		}
		m.text("tt:Type", kind)
		for _, six := range []bool{false, true} {
			name := "tt:IPv4Address"
			if six {
				name = "tt:IPv6Address"
			}
			for _, p := range f.Prefixes {
				if p.Addr().Is6() != six {
					continue
				}
				m.in(name, func() {
					m.text("tt:Address", p.Addr().WithZone("").String())
					m.int("tt:PrefixLength", p.Bits())
				})
			}
		}
		m.node(f.extension)
	})
}

// admits tells whether our own address, as far as a connection has shown it,
// gets through. An address that is not known does not.
func (c *Client) admitted(f IPAddressFilter) bool {
	if len(f.Prefixes) == 0 {
		return true
	}
	c.mu.Lock()
	local := c.local
	c.mu.Unlock()
	if local == nil {
		return false
	}
	ap, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	in := false
	for _, p := range f.Prefixes {
		in = in || p.Contains(ap.Addr().Unmap().WithZone(""))
	}
	return in == f.Allow
}

// SetIPAddressFilter replaces the filter. One that would keep our own address
// out needs [AllowCutOff]; so does any through a translating router, where
// the address that the device sees is not ours.
//
//onvif:op SetIPAddressFilter
func (c *Client) SetIPAddressFilter(ctx context.Context, f IPAddressFilter, consent ...Consent) (camsec.Change, error) {
	if err := c.seeOwnAddress(ctx); err != nil {
		return notApplied(err)
	}
	if !c.admitted(f) && !consents(consent, AllowCutOff) {
		return notApplied(fmt.Errorf("onvif: SetIPAddressFilter: our own address is not admitted: %w", ErrCutOff))
	}
	return c.write(ctx, "SetIPAddressFilter", f.write, func(ctx context.Context) (bool, error) {
		now, err := c.IPAddressFilter(ctx)
		return samePrefixes(now, f), err
	})
}

// seeOwnAddress makes a connection, to learn our address on it.
func (c *Client) seeOwnAddress(ctx context.Context) error {
	_, err := c.IPAddressFilter(c.watchConn(ctx))
	return err
}

func samePrefixes(a, b IPAddressFilter) bool {
	if a.Allow != b.Allow {
		return false
	}
	var x, y []string
	for _, p := range a.Prefixes {
		x = append(x, p.Masked().String())
	}
	for _, p := range b.Prefixes {
		y = append(y, p.Masked().String())
	}
	return sameSet(x, y)
}

// AddIPAddressFilter adds prefixes to the filter; of f only those count.
//
//onvif:op AddIPAddressFilter
func (c *Client) AddIPAddressFilter(ctx context.Context, prefixes []netip.Prefix, consent ...Consent) (camsec.Change, error) {
	return c.changeFilter(ctx, "AddIPAddressFilter", prefixes, consent, func(now IPAddressFilter) IPAddressFilter {
		for _, p := range prefixes {
			if !containsPrefix(now.Prefixes, p) {
				now.Prefixes = append(now.Prefixes, p)
			}
		}
		return now
	})
}

// RemoveIPAddressFilter takes prefixes out of the filter.
//
//onvif:op RemoveIPAddressFilter
func (c *Client) RemoveIPAddressFilter(ctx context.Context, prefixes []netip.Prefix, consent ...Consent) (camsec.Change, error) {
	return c.changeFilter(ctx, "RemoveIPAddressFilter", prefixes, consent, func(now IPAddressFilter) IPAddressFilter {
		var kept []netip.Prefix
		for _, p := range now.Prefixes {
			if !containsPrefix(prefixes, p) {
				kept = append(kept, p)
			}
		}
		now.Prefixes = kept
		return now
	})
}

func containsPrefix(list []netip.Prefix, p netip.Prefix) bool {
	for _, q := range list {
		if q.Masked() == p.Masked() {
			return true
		}
	}
	return false
}

func (c *Client) changeFilter(ctx context.Context, name string, prefixes []netip.Prefix, consent []Consent, change func(IPAddressFilter) IPAddressFilter) (camsec.Change, error) {
	if len(prefixes) == 0 {
		return notApplied(errors.New("onvif: " + name + ": no prefix given"))
	}
	now, err := c.IPAddressFilter(c.watchConn(ctx))
	if err != nil {
		return notApplied(err)
	}
	want := change(now)
	if !c.admitted(want) && !consents(consent, AllowCutOff) {
		return notApplied(fmt.Errorf("onvif: %s: our own address would not be admitted: %w", name, ErrCutOff))
	}
	part := IPAddressFilter{Allow: now.Allow, Prefixes: prefixes}
	return c.write(ctx, name, part.write, func(ctx context.Context) (bool, error) {
		have, err := c.IPAddressFilter(ctx)
		return samePrefixes(have, want), err
	})
}

// seconds reads an xs:duration of days and below; zero if it is none. Months
// and years have no length.
func seconds(s string) time.Duration {
	s = strings.TrimSpace(s)
	rest, ok := strings.CutPrefix(s, "P")
	if !ok {
		return 0
	}
	date, clock, _ := strings.Cut(rest, "T")
	var total time.Duration
	if days, ok := strings.CutSuffix(date, "D"); ok {
		n, err := time.ParseDuration(days + "h")
		if err != nil || n > 365*time.Hour {
			return 0
		}
		total = 24 * n
	} else if date != "" {
		return 0
	}
	if clock != "" {
		d, err := time.ParseDuration(strings.ToLower(clock))
		if err != nil || d < 0 || d > 365*24*time.Hour {
			return 0
		}
		total += d
	}
	return total
}
