package isapitest

import (
	"context"
	"io"
	"net"
	"time"
)

// banners are what services say to whoever connects to their ports.
var banners = map[string]string{
	"ssh":    "SSH-2.0-dropbear_2022.83\r\n",
	"telnet": "\r\nlogin: ",
}

// A port is a loopback address that a service answers on while it is on. It
// stays the service's own while it is off.
type port struct {
	addr     string
	listener net.Listener
}

// followPorts opens and closes ports as services have been switched.
func (d *Device) followPorts() {
	if d.ports == nil {
		return
	}
	for name := range banners {
		p := d.ports[name]
		on := d.service(name)
		switch {
		case on && (p == nil || p.listener == nil):
			if p == nil {
				p = &port{addr: "127.0.0.1:0"}
				d.ports[name] = p
			}
			l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", p.addr)
			if err != nil {
				continue // taken meanwhile: the port stays closed
			}
			p.addr, p.listener = l.Addr().String(), l
			go greet(l, banners[name])
		case !on && p != nil && p.listener != nil:
			_ = p.listener.Close()
			p.listener = nil
		}
	}
}

// greet says the banner to each connection and ends it.
func greet(l net.Listener, banner string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(c, banner)
		_ = c.Close()
	}
}

// Port returns the loopback address of a service, "ssh" or "telnet", on a device
// started with Options.Ports; empty if the service was never on. While it is on
// the address accepts connections, otherwise it refuses them.
func (d *Device) Port(service string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.ports[service]; p != nil {
		return p.addr
	}
	return ""
}

func (d *Device) closePorts() {
	for _, p := range d.ports {
		if p.listener != nil {
			_ = p.listener.Close()
			p.listener = nil
		}
	}
}
