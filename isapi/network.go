package isapi

import (
	"context"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// An Interface is one network interface of a device. Empty is not told.
type Interface struct {
	ID        string
	IPVersion string // v4, v6 or dual
	DHCP      camsec.State
	Address   string
	Gateway   string
	DNS       []string // those that are set
	MAC       string
}

// Interfaces reads the network interfaces. Some devices leave their radio
// out.
//
//isapi:op GET /ISAPI/System/Network/interfaces
func (c *Client) Interfaces(ctx context.Context) ([]Interface, error) {
	n, err := c.get(ctx, "Interfaces", wire.Small(), "NetworkInterfaceList", "NetworkInterface")
	if err != nil {
		return nil, err
	}
	list := []Interface{}
	for _, m := range members(n, "NetworkInterface") {
		ip := m.Child("IPAddress")
		i := Interface{
			ID: m.Child("id").String(), IPVersion: ip.Child("ipVersion").String(),
			Address: hostOf(ip), Gateway: hostOf(ip.Child("DefaultGateway")), MAC: m.At("Link", "MACAddress").String(),
		}
		switch ip.Child("addressingType").String() {
		case "static":
			i.DHCP = camsec.StateOff
		case "dynamic":
			i.DHCP = camsec.StateOn
		}
		for _, name := range []string{"PrimaryDNS", "SecondaryDNS"} {
			if s := hostOf(ip.Child(name)); !unset(s) {
				i.DNS = append(i.DNS, s)
			}
		}
		if unset(i.Gateway) {
			i.Gateway = ""
		}
		list = append(list, i)
	}
	if len(list) == 0 {
		return nil, malformed(operation("Interfaces"), "no interface in the list")
	}
	return list, nil
}

// A Wireless is the radio of a device and how it is protected.
type Wireless struct {
	Enabled  camsec.State
	Security string // WPA2-enterprise, WPA-personal, WEP, disable, …; empty is not told
}

// Wireless reads the radio, which is the second interface where there is one.
// Its key is not read.
//
//isapi:op GET /ISAPI/System/Network/interfaces/2/wireless
func (c *Client) Wireless(ctx context.Context) (Wireless, error) {
	n, err := c.get(ctx, "Wireless", wire.Small(), "Wireless")
	if err != nil {
		return Wireless{}, err
	}
	w := Wireless{Enabled: state(n.Child("enabled")), Security: n.At("WirelessSecurity", "securityMode").String()}
	if w.Enabled == camsec.StateUnknown {
		return Wireless{}, malformed(operation("Wireless"), "no readable enabled element")
	}
	return w, nil
}

// A Port8021X is how an interface logs in to its switch.
type Port8021X struct {
	Enabled camsec.State
	Method  string // EAP-TLS, EAP-PEAP, EAP-MD5, …; empty is not told
}

// IEEE8021X reads whether and how the first interface logs in to its switch.
//
//isapi:op GET /ISAPI/System/Network/interfaces/1/ieee802.1x
func (c *Client) IEEE8021X(ctx context.Context) (Port8021X, error) {
	n, err := c.get(ctx, "IEEE8021X", wire.Small(), "IEEE802_1x")
	if err != nil {
		return Port8021X{}, err
	}
	p := Port8021X{Enabled: state(n.Child("enabled")), Method: n.Child("authenticationProtocolType").String()}
	if p.Enabled == camsec.StateUnknown {
		return Port8021X{}, malformed(operation("IEEE8021X"), "no readable enabled element")
	}
	return p, nil
}
