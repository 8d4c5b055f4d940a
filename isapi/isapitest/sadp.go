package isapitest

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// ServeSADP answers the discovery inquiries that arrive on conn until conn is
// closed, and then returns nil. A device whose "discovery" service is off
// stays silent. Inquiries are all it answers: a message of another type is
// only noted, see [Device.SADPMessages]. The fields are those of a recorded
// answer (DS-2CD2320D-I V5.5.6), with its spelling of false where it has one.
func (d *Device) ServeSADP(conn net.PacketConn) error {
	buf := make([]byte, 8<<10)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if reply := d.sadp(buf[:n]); reply != nil {
			_, _ = conn.WriteTo(reply, from) // a lost datagram, as on any network
		}
	}
}

// SADPMessages returns the types of the SADP messages that have arrived, oldest
// first.
func (d *Device) SADPMessages() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.sadpSeen...)
}

func (d *Device) sadp(datagram []byte) []byte {
	doc := etree.NewDocument()
	if doc.ReadFromBytes(datagram) != nil || doc.Root() == nil || doc.Root().Tag != "Probe" {
		return nil
	}
	kind, id := word(doc.Root(), "Types"), word(doc.Root(), "Uuid")
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sadpSeen = append(d.sadpSeen, kind)
	if kind != "inquiry" || d.profile.has("discovery") && !d.service("discovery") {
		return nil
	}
	p := &d.profile
	analog, digital := 0, 1
	if p.Type != "IPCamera" {
		digital = len(p.Channels)
	}
	host, port := "192.0.2.64", 80
	if u, err := url.Parse(d.addr); err == nil && u.Port() != "" {
		host = u.Hostname()
		port, _ = strconv.Atoi(u.Port()) // of an address that we made
	}
	fields := []string{
		el("Uuid", id), el("Types", "inquiry"), el("DeviceType", 142378), el("DeviceDescription", p.Model),
		el("DeviceSN", p.Serial), el("CommandPort", 8000), el("HttpPort", port),
		el("MAC", strings.ReplaceAll(p.MAC, ":", "-")), el("IPv4Address", host), el("IPv4SubnetMask", "255.255.255.0"),
		el("IPv4Gateway", "192.0.2.1"), el("IPv6Address", "::"), el("IPv6Gateway", "::"), el("IPv6MaskLen", 64),
		el("DHCP", false), el("AnalogChannelNum", analog), el("DigitalChannelNum", digital),
		el("SoftwareVersion", p.Firmware+p.Released), el("DSPVersion", "V7.3 "+p.Released),
		el("BootTime", "2026-01-01 00:00:00"), el("Encrypt", true), el("ResetAbility", false), el("DiskNumber", 0),
		el("Activated", d.activated), el("PasswordResetAbility", true), el("SupportHCPlatform", true),
		el("HCPlatformEnable", "flase"), el("DeviceLock", true),
	}
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + in("ProbeMatch", fields...))
}
