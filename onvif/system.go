package onvif

import (
	"context"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A DeviceInfo is what a device says it is. Each part may be empty.
type DeviceInfo struct {
	Manufacturer string
	Model        string
	Firmware     string // as the device writes it
	Serial       string
	HardwareID   string
}

// DeviceInformation reads what the device is. Every account may.
//
//onvif:op GetDeviceInformation
func (c *Client) DeviceInformation(ctx context.Context) (DeviceInfo, error) {
	r, err := c.call(ctx, "DeviceInformation", nil)
	if err != nil {
		return DeviceInfo{}, err
	}
	d := DeviceInfo{
		Manufacturer: r.Child("Manufacturer").String(), Model: r.Child("Model").String(),
		Firmware: r.Child("FirmwareVersion").String(), Serial: r.Child("SerialNumber").String(),
		HardwareID: r.Child("HardwareId").String(),
	}
	if d == (DeviceInfo{}) {
		return DeviceInfo{}, malformed(operation("DeviceInformation"), "nothing in it")
	}
	return d, nil
}

// A HostName is the device's name in DNS.
type HostName struct {
	Name     string
	FromDHCP camsec.State
}

// Hostname reads the device's name. It needs no login (PRE_AUTH).
//
//onvif:op GetHostname
func (c *Client) Hostname(ctx context.Context) (HostName, error) {
	r, err := c.call(ctx, "Hostname", nil)
	if err != nil {
		return HostName{}, err
	}
	n := r.Child("HostnameInformation")
	if n == nil {
		return HostName{}, malformed(operation("Hostname"), "no HostnameInformation")
	}
	return HostName{n.Child("Name").String(), state(n.Child("FromDHCP"))}, nil
}

// EndpointReference reads the device's identifier in WS-Discovery. It needs no
// login (PRE_AUTH). Some devices answer without one; that is an error.
//
//onvif:op GetEndpointReference
func (c *Client) EndpointReference(ctx context.Context) (string, error) {
	r, err := c.call(ctx, "EndpointReference", nil)
	if err != nil {
		return "", err
	}
	id := r.Child("GUID").String()
	if id == "" {
		return "", malformed(operation("EndpointReference"), "no GUID")
	}
	return id, nil
}

// A NetworkInterface is a network interface of the device.
type NetworkInterface struct {
	Token   string
	Name    string
	MAC     string // as the device writes it
	Enabled camsec.State
	IPv4    []string // with prefix length: 192.0.2.1/24
	IPv6    []string
	DHCP    camsec.State // for IPv4

	four, six camsec.State // the families are on
}

// version returns the IP versions in use in the words of package camsec: v4,
// v6, dual; empty where the device does not tell.
func (n NetworkInterface) version() string {
	return map[[2]bool]string{{true, false}: "v4", {false, true}: "v6", {true, true}: "dual"}[[2]bool{n.four == camsec.StateOn, n.six == camsec.StateOn}]
}

// NetworkInterfaces reads the device's network interfaces.
//
//onvif:op GetNetworkInterfaces
func (c *Client) NetworkInterfaces(ctx context.Context) ([]NetworkInterface, error) {
	r, err := c.call(ctx, "NetworkInterfaces", nil)
	if err != nil {
		return nil, err
	}
	list := []NetworkInterface{}
	for _, n := range r.All("NetworkInterfaces") {
		list = append(list, NetworkInterface{
			Token: n.Attr("token"), Name: n.At("Info", "Name").String(), MAC: n.At("Info", "HwAddress").String(),
			Enabled: state(n.Child("Enabled")),
			IPv4:    addresses(n.At("IPv4", "Config")), IPv6: addresses(n.At("IPv6", "Config")),
			DHCP: state(n.At("IPv4", "Config", "DHCP")), four: state(n.At("IPv4", "Enabled")), six: state(n.At("IPv6", "Enabled")),
		})
	}
	if len(list) == 0 {
		return nil, malformed(operation("NetworkInterfaces"), "no interface")
	}
	return list, nil
}

func addresses(config *wire.Node) []string {
	var out []string
	if config == nil {
		return nil
	}
	for _, n := range config.Children {
		a, bits := n.Child("Address").String(), n.Child("PrefixLength").String()
		if a == "" {
			continue
		}
		if bits != "" {
			a += "/" + bits
		}
		out = append(out, a)
	}
	return out
}

// A Scope is one of the URIs by which a device is found.
type Scope struct {
	URI   string // onvif://www.onvif.org/name/…
	Fixed camsec.State
}

// Scopes reads the URIs by which the device is found.
//
//onvif:op GetScopes
func (c *Client) Scopes(ctx context.Context) ([]Scope, error) {
	r, err := c.call(ctx, "Scopes", nil)
	if err != nil {
		return nil, err
	}
	list := []Scope{}
	for _, n := range r.All("Scopes") {
		s := Scope{URI: n.Child("ScopeItem").String()}
		switch n.Child("ScopeDef").String() {
		case "Fixed":
			s.Fixed = camsec.StateOn
		case "Configurable":
			s.Fixed = camsec.StateOff
		}
		if s.URI != "" {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, malformed(operation("Scopes"), "no scope")
	}
	return list, nil
}

// SetScopes replaces the configurable scopes; the fixed ones stay.
//
//onvif:op SetScopes
func (c *Client) SetScopes(ctx context.Context, uris []string) (camsec.Change, error) {
	return c.write(ctx, "SetScopes", func(m *message) {
		for _, u := range uris {
			m.text("tds:Scopes", u)
		}
	}, func(ctx context.Context) (bool, error) {
		have, err := c.Scopes(ctx)
		if err != nil {
			return false, err
		}
		var now []string
		for _, s := range have {
			if s.Fixed != camsec.StateOn {
				now = append(now, s.URI)
			}
		}
		return sameSet(now, uris), nil
	})
}

// Profile Q's factory state: everything is open to everybody until an
// administrator's password is set. The profile was withdrawn for it in 2022.
const factoryScope = "onvif://www.onvif.org/profile/q/factorydefault"

// FactoryState tells, from the scopes, whether a device of Profile Q is in the
// state in which it needs no login; unknown for one that is not of the profile.
func FactoryState(scopes []Scope) camsec.State {
	for _, s := range scopes {
		switch u := strings.TrimSuffix(strings.ToLower(s.URI), "/"); {
		case u == factoryScope:
			return camsec.StateOn
		case strings.HasPrefix(u, "onvif://www.onvif.org/profile/q/"):
			return camsec.StateOff
		}
	}
	return camsec.StateUnknown
}

// state reads a switch; absent and unreadable ones are unknown.
func state(n *wire.Node) camsec.State {
	if on, ok := n.Bool(); ok {
		return camsec.StateOf(on)
	}
	return camsec.StateUnknown
}

// stateOf reads a switch of an attribute.
func stateOf(n *wire.Node, attr string) camsec.State {
	return state(&wire.Node{Text: n.Attr(attr)})
}

// number reads a number; nil is unknown.
func number(n *wire.Node) *int {
	v, ok := n.Int()
	if !ok || v < -1<<31 || v > 1<<31-1 {
		return nil
	}
	i := int(v)
	return &i
}

func numberOf(n *wire.Node, attr string) *int { return number(&wire.Node{Text: n.Attr(attr)}) }

// words splits lists in attributes: the standard separates by spaces, its own
// example by commas.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' || r == '\r' })
}

// sameSet tells whether two lists hold the same, whatever the order.
func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	n := map[string]int{}
	for _, s := range a {
		n[s]++
	}
	for _, s := range b {
		if n[s]--; n[s] < 0 {
			return false
		}
	}
	return true
}
