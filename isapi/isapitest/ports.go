package isapitest

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strconv"
	"time"
)

// A listening is a service that answers on a port of its own.
type listening struct {
	network  string // tcp or udp
	protocol string // of adminAccesses, which switches it and names its port; empty: a service of SetService
	port     int    // where no document names it
	talk     func(d *Device, c net.Conn)
}

// listenings are the services that can be connected to, by the name of
// Device.Port.
func listenings() map[string]listening {
	return map[string]listening{
		"ssh":       {network: "tcp", port: 22, talk: banner("SSH-2.0-dropbear_2022.83\r\n")},
		"telnet":    {network: "tcp", port: 23, talk: banner("\r\nlogin: ")},
		"upnp":      {network: "udp", port: 1900, talk: datagrams((*Device).ssdp)},
		"snmp":      {network: "udp", port: 161, talk: datagrams((*Device).snmp)},
		"rtsp":      {network: "tcp", protocol: "RTSP", talk: (*Device).rtsp},
		"sdk":       {network: "tcp", protocol: "DEV_MANAGE", talk: mute},
		"iot":       {network: "tcp", protocol: "IOT", talk: mute},
		"modbus":    {network: "tcp", protocol: "modbusTCP", talk: (*Device).modbus},
		"websocket": {network: "tcp", protocol: "WebSocket", talk: banner("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")},
	}
}

// A port is a loopback address that a service answers on while it is on. It
// stays the service's own while it is off.
type port struct {
	addr  string
	close func()
}

// state tells whether a service is on, and its own port on the device.
func (d *Device) state(name string, l listening) (on bool, own int) {
	if l.protocol == "" {
		return d.service(name), l.port
	}
	root := parse(d.docs["GET /ISAPI/Security/adminAccesses"])
	if root == nil {
		return false, 0
	}
	for _, e := range root.ChildElements() {
		if word(e, "protocol") == l.protocol {
			return word(e, "enabled") != "false", number(e, "portNo") // one that cannot be switched off is on
		}
	}
	return false, 0
}

// answering is what answers on one of the device's own ports, in process.
func (d *Device) answering(network, port string) (serve func(net.Conn), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, l := range listenings() {
		on, own := d.state(name, l)
		if l.network != network || strconv.Itoa(own) != port || d.replay {
			continue
		}
		ok = true
		if on {
			serve = func(c net.Conn) { l.talk(d, c) }
		}
	}
	return serve, ok
}

// followPorts opens and closes loopback ports as services have been switched.
func (d *Device) followPorts() {
	if d.ports == nil {
		return
	}
	for name, l := range listenings() {
		on, _ := d.state(name, l)
		p := d.ports[name]
		if p == nil {
			p = &port{addr: "127.0.0.1:0"}
		}
		switch {
		case on && p.close == nil:
			d.listen(l, p)
			d.ports[name] = p
		case !on && p.close != nil:
			p.close()
			p.close = nil
		}
	}
}

// listen answers on a loopback port; one that was taken meanwhile stays closed.
func (d *Device) listen(l listening, p *port) {
	if l.network == "udp" {
		conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", p.addr)
		if err != nil {
			return
		}
		p.addr, p.close = conn.LocalAddr().String(), func() { _ = conn.Close() }
		go func() {
			b := make([]byte, maxDatagram)
			for {
				n, from, err := conn.ReadFrom(b)
				if err != nil {
					return
				}
				l.talk(d, &datagramConn{PacketConn: conn, to: from, in: slices.Clone(b[:n])})
			}
		}()
		return
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", p.addr)
	if err != nil {
		return
	}
	p.addr, p.close = listener.Addr().String(), func() { _ = listener.Close() }
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(talkTime))
				if !d.host.Down() {
					l.talk(d, c)
				}
			}()
		}
	}()
}

const (
	talkTime    = 10 * time.Second // for one connection over loopback
	maxDatagram = 2048
)

// A datagramConn is one datagram that came in: read once, answered to its sender.
type datagramConn struct {
	net.PacketConn
	to net.Addr
	in []byte
}

func (c *datagramConn) Read(p []byte) (int, error) {
	if c.in == nil {
		return 0, errors.New("isapitest: no more datagrams")
	}
	n := copy(p, c.in)
	c.in = nil
	return n, nil
}

func (c *datagramConn) Write(p []byte) (int, error) { return c.WriteTo(p, c.to) }
func (c *datagramConn) RemoteAddr() net.Addr        { return c.to }

// Port returns the loopback address of a service on a device started with
// Options.Ports: "ssh", "telnet", "rtsp", "sdk", "iot", "modbus", "websocket",
// and over UDP "upnp" and "snmp"; empty if the service was never on. While it is
// on the address answers, otherwise it refuses. In process, and under
// testing/synctest, the device's own port numbers are reached by the DialContext
// of its Host.
//
// SSH and telnet say their first words; RTSP answers OPTIONS and, to DESCRIBE,
// with the challenge that its settings ask for; UPnP answers a search, SNMP a
// GET under the right community, Modbus with an exception. The maker's own
// protocols are not simulated: they take connections and say nothing.
func (d *Device) Port(service string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.ports[service]; p != nil {
		return p.addr
	}
	return ""
}

// Ports returns the services that answer on loopback at the moment, with their
// port numbers.
func (d *Device) Ports() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string]int{}
	for name, p := range d.ports {
		if _, number, err := net.SplitHostPort(p.addr); err == nil && p.close != nil {
			out[name], _ = strconv.Atoi(number)
		}
	}
	return out
}

func (d *Device) closePorts() {
	for p := range maps.Values(d.ports) {
		if p.close != nil {
			p.close()
			p.close = nil
		}
	}
}
