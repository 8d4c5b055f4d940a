package isapi

import (
	"context"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A PortMapping is a port that the device asks a router to open for it.
type PortMapping struct {
	Internal string // http, admin, rtsp, …
	External *int   // nil is unknown
}

// UPnPPorts reads the ports that the device asks routers to open: none if
// mapping is switched off. What is forwarded by the router's own settings
// does not show here.
//
//isapi:op GET /ISAPI/System/Network/UPnP/ports
func (c *Client) UPnPPorts(ctx context.Context) ([]PortMapping, error) {
	n, err := c.get(ctx, "UPnPPorts", wire.Small(), "ports")
	if err != nil {
		return nil, err
	}
	list := []PortMapping{}
	switch state(n.Child("enabled")) {
	case camsec.StateUnknown:
		return nil, malformed(operation("UPnPPorts"), "no readable enabled element")
	case camsec.StateOff:
		return list, nil
	}
	for _, p := range n.Child("portList").All("port") {
		switch state(p.Child("enabled")) {
		case camsec.StateOn:
			list = append(list, PortMapping{p.Child("internalPort").String(), number(p.Child("externalPort"))})
		case camsec.StateUnknown:
			return nil, malformed(operation("UPnPPorts"), "a port without a readable enabled element")
		}
	}
	return list, nil
}

// A UPnPStatus is what a router has made of the ports that were asked for. The
// body is the guide's XML_portsStatus, of which the vendor's web pages read the
// same names; no device's answer was recorded.
type UPnPStatus struct {
	Enabled camsec.State
	Router  string // its address on this side; empty is not told
	Outside string // its address on the other; empty is not told
	Ports   []PortStatus
}

// A PortStatus is one port that a router was asked to open.
type PortStatus struct {
	PortMapping
	Enabled camsec.State
	// Active is on if the router forwards it, off if not (inactive, conflict);
	// unknown for a word that the guide has not.
	Active camsec.State
	Status string // the vendor's word
}

// UPnPPortStatus reads which ports a router really forwards.
//
//isapi:op GET /ISAPI/System/Network/UPnP/ports/status
func (c *Client) UPnPPortStatus(ctx context.Context) (UPnPStatus, error) {
	n, err := c.get(ctx, "UPnPPortStatus", wire.Small(), "portsStatus")
	if err != nil {
		return UPnPStatus{}, err
	}
	s := UPnPStatus{
		Enabled: state(n.Child("enabled")), Router: hostOf(n.Child("natRouterLanAddr")),
		Outside: hostOf(n.Child("natRouterWanAddr")), Ports: []PortStatus{},
	}
	ports := n.Child("portStatusList")
	if s.Enabled == camsec.StateUnknown || !ports.Has() {
		return UPnPStatus{}, malformed(operation("UPnPPortStatus"), "no readable enabled element, or no list")
	}
	if unset(s.Router) {
		s.Router = ""
	}
	if unset(s.Outside) {
		s.Outside = ""
	}
	for _, p := range ports.All("portStatus") {
		port := PortStatus{
			PortMapping: PortMapping{p.Child("internalPort").String(), number(p.Child("externalPort"))},
			Enabled:     state(p.Child("enabled")), Status: p.Child("status").String(),
		}
		switch port.Status {
		case "active":
			port.Active = camsec.StateOn
		case "inactive", "conflict":
			port.Active = camsec.StateOff
		}
		s.Ports = append(s.Ports, port)
	}
	return s, nil
}
