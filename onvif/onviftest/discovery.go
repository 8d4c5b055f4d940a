package onviftest

import (
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// ServeDiscovery answers WS-Discovery probes that come in at conn, until it is
// closed. A device that is not discoverable is silent.
func (d *Device) ServeDiscovery(conn net.PacketConn) error {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if reply := d.probeMatch(buf[:n], conn.LocalAddr().String()); reply != nil {
			if _, err := conn.WriteTo(reply, from); err != nil && !errors.Is(err, net.ErrClosed) {
				return err
			}
		}
	}
}

// probeMatch answers one probe, or not.
func (d *Device) probeMatch(datagram []byte, host string) []byte {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(datagram); err != nil || doc.Root() == nil {
		return nil
	}
	probe := doc.FindElement("/Envelope/Body/Probe")
	id := doc.FindElement("/Envelope/Header/MessageID")
	if probe == nil || id == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.discover {
		return nil
	}
	answers := d.p.Answers
	if answers == nil {
		answers = []string{"NetworkVideoTransmitter", "Device"}
	}
	for _, t := range strings.Fields(text(probe, "Types")) { // all must match
		if !slices.Contains(answers, t[strings.LastIndexByte(t, ':')+1:]) {
			return nil
		}
	}
	var types []string
	for _, a := range answers {
		types = append(types, map[string]string{"NetworkVideoTransmitter": "dn:", "Device": "tds:"}[a]+a)
	}
	xaddr := "http://" + host + "/onvif/device_service"
	if d.addr != "" {
		xaddr = d.addr + "/onvif/device_service"
	}
	endpoint := d.uuid()
	if d.p.Manufacturer == "Dahua" {
		endpoint = strings.TrimPrefix(endpoint, "urn:") // as some devices write it
	}
	scopes := append(d.fixedScopes(), d.scopes...)
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="` + nsEnvelope + `" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:wsdd="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="` + nsDevice + `"><SOAP-ENV:Header>` +
		el("wsa:MessageID", "urn:uuid:00000000-0000-4000-8000-000000000001") + el("wsa:RelatesTo", strings.TrimSpace(id.Text())) +
		el("wsa:To", "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous") + el("wsa:Action", "http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches") +
		`</SOAP-ENV:Header><SOAP-ENV:Body>` + in("wsdd:ProbeMatches", in("wsdd:ProbeMatch", in("wsa:EndpointReference", el("wsa:Address", endpoint)),
		el("wsdd:Types", strings.Join(types, " ")), el("wsdd:Scopes", strings.Join(scopes, " ")), el("wsdd:XAddrs", xaddr), el("wsdd:MetadataVersion", 1))) +
		`</SOAP-ENV:Body></SOAP-ENV:Envelope>`)
}

// SetDiscoverable switches the answers to probes.
func (d *Device) SetDiscoverable(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.discover = on
}
