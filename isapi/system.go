package isapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A DeviceInfo is what a device says it is, verbatim. Empty is not reported.
type DeviceInfo struct {
	Name             string
	DeviceID         string
	Model            string
	Serial           string
	MAC              string
	FirmwareVersion  string // V5.7.18
	FirmwareReleased string // build 240826
	FirmwareInfo     string // B-R-G5-0, the platform
	EncoderVersion   string
	BootVersion      string
	HardwareVersion  string
	Type             string // IPCamera, NVR, …
	Manufacturer     string
	OEMCode          string
}

// DeviceInfo reads model, serial and firmware.
//
//isapi:op GET /ISAPI/System/deviceInfo
func (c *Client) DeviceInfo(ctx context.Context) (DeviceInfo, error) {
	n, err := c.get(ctx, "DeviceInfo", wire.Small(), "DeviceInfo")
	if err != nil {
		return DeviceInfo{}, err
	}
	text := func(name string) string { return n.Child(name).String() }
	info := DeviceInfo{
		Name: text("deviceName"), DeviceID: text("deviceID"), Model: text("model"),
		Serial: text("serialNumber"), MAC: text("macAddress"),
		FirmwareVersion: text("firmwareVersion"), FirmwareReleased: text("firmwareReleasedDate"),
		FirmwareInfo: text("firmwareVersionInfo"), EncoderVersion: text("encoderVersion"),
		BootVersion: text("bootVersion"), HardwareVersion: text("hardwareVersion"),
		Type: text("deviceType"), Manufacturer: text("manufacturer"), OEMCode: text("OEMCode"),
	}
	if info.Model == "" && info.Serial == "" && info.FirmwareVersion == "" {
		return DeviceInfo{}, malformed(operation("DeviceInfo"), "no model, serial or firmware")
	}
	return info, nil
}

// PublicDeviceInfo tells, by asking without a login, whether anybody can read
// model and firmware: on if the device tells them, off if it asks for a
// login. It spends no login try.
//
//isapi:op GET /ISAPI/System/deviceInfo
func (c *Client) PublicDeviceInfo(ctx context.Context) (camsec.State, error) {
	op := operation("PublicDeviceInfo")
	resp, err := c.send(ctx, c.plain, op, wire.Small())
	if err != nil {
		return camsec.StateUnknown, err
	}
	if resp.Status == http.StatusUnauthorized {
		return camsec.StateOff, nil
	}
	n, err := document(op, resp, wire.Small(), "DeviceInfo")
	if err != nil {
		return camsec.StateUnknown, err
	}
	if !n.Child("model").Has() && !n.Child("firmwareVersion").Has() {
		return camsec.StateUnknown, malformed(op, "no model and no firmware")
	}
	return camsec.StateOn, nil
}

// Capabilities is one of the two capability documents. An absent flag proves
// nothing: devices leave out what they have.
type Capabilities struct{ doc *wire.Node }

// Capabilities reads the system's capabilities, of which security and
// network are parts. The security part differs from what
// [Client.SecurityCapabilities] reads.
//
//isapi:op GET /ISAPI/System/capabilities
func (c *Client) Capabilities(ctx context.Context) (Capabilities, error) {
	n, err := c.get(ctx, "Capabilities", wire.Limits{}, "DeviceCap")
	return Capabilities{n}, err
}

// SecurityCapabilities reads the security service's own capabilities.
//
//isapi:op GET /ISAPI/Security/capabilities
func (c *Client) SecurityCapabilities(ctx context.Context) (Capabilities, error) {
	n, err := c.get(ctx, "SecurityCapabilities", wire.Small(), "SecurityCap")
	return Capabilities{n}, err
}

// Flag tells a capability by its local name, at any depth and in any case, as
// devices put the same flag in different places. Several names narrow down:
// Flag("SnmpCap", "isSupport"). Names that devices misspell are found under
// the right one, too. Of a flag that stands twice the first readable counts.
func (c Capabilities) Flag(path ...string) camsec.State {
	for _, n := range c.find(path) {
		if s := state(n); s != camsec.StateUnknown {
			return s
		}
	}
	return camsec.StateUnknown
}

// Text returns the text of a capability, looked up like [Capabilities.Flag];
// empty if there is none.
func (c Capabilities) Text(path ...string) string {
	for _, n := range c.find(path) {
		if t := n.String(); t != "" {
			return t
		}
	}
	return ""
}

// Attr returns an attribute (opt, min, max, def) of a capability, looked up
// like [Capabilities.Flag]; empty if there is none.
func (c Capabilities) Attr(attr string, path ...string) string {
	for _, n := range c.find(path) {
		if t := n.Attr(attr); t != "" {
			return t
		}
	}
	return ""
}

// misspelt are the vendor's spellings of names that look like others.
var misspelt = map[string]string{
	"issupportillegalloginlock": "issupillegalloginlock",
	"issupportcertificate":      "issupcertificate",
}

func (c Capabilities) find(path []string) []*wire.Node {
	if c.doc == nil || len(path) == 0 {
		return nil
	}
	found := []*wire.Node{c.doc}
	for _, name := range path {
		var next []*wire.Node
		for _, n := range found {
			next = below(next, n, name, misspelt[strings.ToLower(name)])
		}
		found = next
	}
	return found
}

// below appends the descendants of n with one of two names, in document order.
func below(to []*wire.Node, n *wire.Node, name, other string) []*wire.Node {
	for _, ch := range n.Children {
		if strings.EqualFold(ch.Name, name) || other != "" && strings.EqualFold(ch.Name, other) {
			to = append(to, ch)
		}
		to = below(to, ch, name, other)
	}
	return to
}
