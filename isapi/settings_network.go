package isapi

import (
	"github.com/camsec/camsec"
)

// network files the first interface, which is the wired one, and the radio.
func (r *settingsReader) network(c *Client) {
	const path = "NetworkInterfaceList/NetworkInterface/"
	var first Interface
	if list := read(r, "Interfaces", c.Interfaces); len(list) > 0 {
		first = list[0]
	}
	r.text("network.ip-version", path+"IPAddress/ipVersion", first.IPVersion)
	r.state("network.dhcp", path+"IPAddress/addressingType", first.DHCP)
	r.text("network.gateway", path+"IPAddress/DefaultGateway", first.Gateway)
	r.list("network.dns", path+"IPAddress/PrimaryDNS", first.DNS)

	radio := read(r, "Wireless", c.Wireless)
	r.state("network.wifi", "Wireless/enabled", radio.Enabled)
	r.text("network.wifi.security", "Wireless/WirelessSecurity/securityMode", radio.Security)

	port := read(r, "IEEE8021X", c.IEEE8021X)
	r.state("network.802.1x", "IEEE802_1x/enabled", port.Enabled)
	r.text("network.802.1x.method", "IEEE802_1x/authenticationProtocolType", port.Method)
}

// upnp files the switch and, where it is on, how many ports are asked for.
func (r *settingsReader) upnp(c *Client) {
	service := read(r, "UPnP", c.UPnP)
	r.state("service.upnp", "UPnP/enabled", service.Enabled)
	if service.Enabled != camsec.StateOn {
		return // nothing is asked for, or nothing is known
	}
	ports := read(r, "UPnPPorts", c.UPnPPorts)
	r.add("service.upnp.ports", "ports/portList", camsec.ValueOf(len(ports)), errNotTold)
}

func (r *settingsReader) log(c *Client) {
	r.state("log.enabled", "LogConfig/enabled", read(r, "LogConfig", c.LogConfig).Enabled)
	server := read(r, "LogServer", c.LogServer)
	on := server.Enabled
	if on == camsec.StateOn && server.Host == "" {
		on = camsec.StateOff // switched on and sent nowhere
	}
	r.state("log.server", "LogServer/enabled", on)
	r.state("log.server.tls", "LogServer/transmissionEncryption", server.Encrypted)
}

// certificate files what the device showed in the handshake of this visit.
func (r *settingsReader) certificate(c *Client) {
	cert, ok := c.Certificate()
	none := &camsec.Problem{Code: camsec.ReasonNotReadable, Message: "no TLS handshake was seen"}
	switch {
	case r.stop != nil:
		none = problem(r.stop)
	case c.base.Scheme == "http":
		none.Message = "the device was asked over plain HTTP"
	}
	add := func(id, path string, v camsec.Value, why *camsec.Problem) {
		s := camsec.Setting{
			ID: "tls.certificate." + id,
			Source: camsec.Source{
				Operation: "TLS handshake", Path: "certificate/" + path, Kind: camsec.Recorded,
			},
		}
		switch {
		case !ok:
			s.Err = none
		case v.IsZero():
			s.Err = why
		default:
			s.Value = v
			if v.Kind() == "bool" {
				s.State = camsec.StateOf(v.Bool())
			}
		}
		r.out = append(r.out, s)
	}
	add("verified", "issuer", stateValue(cert.Verified),
		&camsec.Problem{Code: camsec.ReasonNotReadable, Message: "not verified against roots: a pin, or nothing, decided"})
	add("self-signed", "issuer", camsec.ValueOf(cert.SelfSigned), nil)
	add("days-left", "validity", camsec.ValueOf(cert.daysLeft(c.now())), nil)
	add("name-matches", "subjectAltName", camsec.ValueOf(cert.NameMatches), nil)
	add("key", "subjectPublicKeyInfo", camsec.ValueOf(cert.Key), nil)
	add("signature", "signatureAlgorithm", camsec.ValueOf(cert.Signature), nil)
}
