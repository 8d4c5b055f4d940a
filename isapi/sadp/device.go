package sadp

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
)

// A Device is what one device says of itself. Empty and unknown fields were
// not told or not understood.
type Device struct {
	From     netip.AddrPort // where the answer came from
	Model    string
	Serial   string // some devices tell only its end
	MAC      string // as the device writes it
	Type     string // the maker's number for the kind of device
	Firmware camsec.Firmware
	IPv4     netip.Addr
	IPv6     netip.Addr
	DHCP     camsec.State
	// Activated says whether the device has an administrator's password.
	Activated camsec.State
	HTTPPort  uint16
	HTTPSPort uint16
	// CommandPort is that of the maker's own protocol.
	CommandPort uint16
	// Channels are cameras: analogue and network ones.
	Channels int
}

// limits are those of one datagram.
var limits = wire.Limits{Body: maxDatagram, Depth: 8, Tokens: 2_000, Text: 4 << 10}

// Parse reads one answer: a ProbeMatch, or the Hello that a device sends by
// itself. Anything else matches [camsec.ErrMalformed].
func Parse(datagram []byte) (Device, error) {
	if len(datagram) > maxDatagram {
		return Device{}, fmt.Errorf("sadp: a datagram of %d bytes: %w", len(datagram), camsec.ErrMalformed)
	}
	doc, err := wire.ParseXML(datagram, "", limits)
	if err != nil {
		return Device{}, fmt.Errorf("sadp: %w", err)
	}
	if doc.Name != "ProbeMatch" && doc.Name != "Hello" {
		return Device{}, fmt.Errorf("sadp: root element %.40q: %w", doc.Name, camsec.ErrMalformed)
	}
	if t := doc.Child("Types").String(); doc.Name == "ProbeMatch" && !strings.EqualFold(t, "inquiry") {
		return Device{}, fmt.Errorf("sadp: an answer to %.40q: %w", t, camsec.ErrMalformed)
	}
	d := Device{
		Model:  doc.Child("DeviceDescription").String(),
		Serial: doc.Child("DeviceSN").String(),
		MAC:    doc.Child("MAC").String(),
		Type:   doc.Child("DeviceType").String(),
		IPv4:   address(doc.Child("IPv4Address")),
		IPv6:   address(doc.Child("IPv6Address")),
		DHCP:   state(doc.Child("DHCP")), Activated: state(doc.Child("Activated")),
		HTTPPort: port(doc.Child("HttpPort")), HTTPSPort: port(doc.Child("HttpsPort")),
		CommandPort: port(doc.Child("CommandPort")),
	}
	if v := doc.Child("SoftwareVersion").String(); v != "" {
		d.Firmware = isapi.ParseFirmware(v)
	}
	for _, name := range []string{"AnalogChannelNum", "DigitalChannelNum"} {
		if n, ok := doc.Child(name).Int(); ok && n > 0 && n < 1<<16 {
			d.Channels += int(n)
		}
	}
	if d.Model == "" && d.Serial == "" && d.MAC == "" {
		return Device{}, fmt.Errorf("sadp: an answer that tells of no device: %w", camsec.ErrMalformed)
	}
	return d, nil
}

// key is equal for answers of one device. Placeholders tell nothing.
func (d Device) key() string {
	for _, id := range []string{d.MAC, d.Serial} {
		if !camsec.IsPlaceholder(id) {
			return strings.ToLower(id)
		}
	}
	return d.From.Addr().String() + " " + d.IPv4.String()
}

func state(n *wire.Node) camsec.State {
	if on, ok := n.Bool(); ok {
		return camsec.StateOf(on)
	}
	return camsec.StateUnknown
}

// address reads an address; "::" and "0.0.0.0" are none.
func address(n *wire.Node) netip.Addr {
	a, err := netip.ParseAddr(n.String())
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

func port(n *wire.Node) uint16 {
	if v, ok := n.Int(); ok && v > 0 && v < 1<<16 {
		return uint16(v)
	}
	return 0
}
