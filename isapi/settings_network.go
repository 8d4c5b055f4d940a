package isapi

import (
	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// network files the first interface, which is the wired one, and the radio.
func (r *settingsReader) network(c *Client) {
	const path = "NetworkInterfaceList/NetworkInterface/"
	var first Interface
	if list := read(r, "Interfaces", c.Interfaces); len(list) > 0 {
		first = list[0]
	}
	r.Text("network.ip-version", path+"IPAddress/ipVersion", first.IPVersion)
	r.State("network.dhcp", path+"IPAddress/addressingType", first.DHCP)
	r.Text("network.gateway", path+"IPAddress/DefaultGateway", first.Gateway)
	r.List("network.dns", path+"IPAddress/PrimaryDNS", first.DNS)

	radio := read(r, "Wireless", c.Wireless)
	r.State("network.wifi", "Wireless/enabled", radio.Enabled)
	r.Text("network.wifi.security", "Wireless/WirelessSecurity/securityMode", radio.Security)

	port := read(r, "IEEE8021X", c.IEEE8021X)
	r.State("network.802.1x", "IEEE802_1x/enabled", port.Enabled)
	r.Text("network.802.1x.method", "IEEE802_1x/authenticationProtocolType", port.Method)
}

// upnp files the switch and, where it is on, how many ports are asked for.
func (r *settingsReader) upnp(c *Client) {
	service := read(r, "UPnP", c.UPnP)
	r.State("service.upnp", "UPnP/enabled", service.Enabled)
	if service.Enabled != camsec.StateOn {
		return // nothing is asked for, or nothing is known
	}
	ports := read(r, "UPnPPorts", c.UPnPPorts)
	r.Add("service.upnp.ports", "ports/portList", camsec.ValueOf(len(ports)), wire.NotTold())
}

func (r *settingsReader) log(c *Client) {
	r.State("log.enabled", "LogConfig/enabled", read(r, "LogConfig", c.LogConfig).Enabled)
	server := read(r, "LogServer", c.LogServer)
	on := server.Enabled
	if on == camsec.StateOn && server.Host == "" {
		on = camsec.StateOff // switched on and sent nowhere
	}
	r.State("log.server", "LogServer/enabled", on)
	r.State("log.server.tls", "LogServer/transmissionEncryption", server.Encrypted)
}
