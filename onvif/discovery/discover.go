package discovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/camsec/camsec/auth/wire"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Groups are where probes are sent.
var (
	Group4 = netip.MustParseAddrPort("239.255.255.250:3702")
	Group6 = netip.MustParseAddrPort("[ff02::c]:3702")
)

// Port is that of WS-Discovery.
const Port = 3702

const maxDatagram = 64 << 10

// Options are the optional settings of [Discover] and [ProbeHost]; nil means
// all defaults.
type Options struct {
	// Interfaces to ask on; nil means every one that is up, can multicast and
	// is not loopback.
	Interfaces []net.Interface
	// Wait is how long answers are heard after the last probe; zero means two
	// seconds, within ctx.
	Wait time.Duration
	// Repeats is how often each probe is sent, since datagrams are lost; zero
	// means two.
	Repeats int
	// Listen opens the socket of one interface for "udp4" or "udp6", and says
	// where probes go; nil opens one at a free port.
	Listen func(i net.Interface, network string) (net.PacketConn, net.Addr, error)
	Rand   io.Reader // for message ids; nil means crypto/rand
}

// Discover asks on every interface at once, over IPv4 and IPv6, and yields
// each device once, as answers come in, until Wait is over, ctx is done or the
// caller stops. A socket that cannot be used yields an error and does not stop
// the others; datagrams that are no answers to our probes are passed over. Ten
// thousand devices are the most it tells of. If ctx ends first, its error comes
// last. Sockets and goroutines are gone when it returns.
func Discover(ctx context.Context, o *Options) iter.Seq2[Device, error] {
	if o == nil {
		o = &Options{}
	}
	return func(yield func(Device, error) bool) {
		interfaces, err := o.interfaces()
		if err != nil {
			yield(Device{}, err)
			return
		}
		listen := o.Listen
		if listen == nil {
			listen = open
		}
		var ways []wire.Way
		for _, i := range interfaces {
			for _, network := range networks(i, o.Listen != nil) {
				ways = append(ways, wire.Way{Name: i.Name, Open: func(context.Context) (net.PacketConn, net.Addr, error) {
					conn, to, err := listen(i, network)
					if err != nil {
						err = fmt.Errorf("%s: %w", network, err)
					}
					return conn, to, err
				}})
			}
		}
		o.ask(ctx, ways, yield)
	}
}

// ProbeHost asks one host directly, at a port of its own if the address has
// one, and yields what answers. Devices need not answer to that; those that
// do, do so across routers.
func ProbeHost(ctx context.Context, address string, o *Options) iter.Seq2[Device, error] {
	if o == nil {
		o = &Options{}
	}
	return func(yield func(Device, error) bool) {
		if _, _, err := net.SplitHostPort(address); err != nil {
			address = net.JoinHostPort(strings.Trim(address, "[]"), fmt.Sprint(Port))
		}
		o.ask(ctx, []wire.Way{{Open: func(ctx context.Context) (net.PacketConn, net.Addr, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "udp", address)
			if err != nil {
				return nil, nil, err
			}
			u, ok := conn.(*net.UDPConn)
			if !ok {
				return nil, nil, errors.New("no UDP")
			}
			return connected{u}, nil, nil
		}}}, yield)
	}
}

// ask probes over all ways for both types: those in one probe all have to be
// the device's.
func (o *Options) ask(ctx context.Context, ways []wire.Way, yield func(Device, error) bool) {
	inquiry := wire.Inquiry[Device]{Name: "discovery", Key: Device.key, Wait: o.Wait, Repeats: o.Repeats}
	var ids []string
	for _, kind := range []string{"dn:NetworkVideoTransmitter", "tds:Device"} {
		id, probe, err := newProbe(kind, o.Rand)
		if err != nil {
			yield(Device{}, err)
			return
		}
		ids, inquiry.Messages = append(ids, id), append(inquiry.Messages, probe)
	}
	inquiry.Hear = func(datagram []byte, way string, from netip.AddrPort) []Device {
		devices, err := Parse(datagram, ids...)
		if err != nil {
			return nil // anybody's noise
		}
		for i := range devices {
			devices[i].Interface, devices[i].From = way, from
		}
		return devices
	}
	inquiry.Ask(ctx, ways)(yield)
}

// connected is a socket that knows its one peer.
type connected struct{ *net.UDPConn }

func (c connected) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

func (o *Options) interfaces() ([]net.Interface, error) {
	if o.Interfaces != nil {
		return o.Interfaces, nil
	}
	all, err := wire.MulticastInterfaces()
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	return all, nil
}

// networks are those that an interface has addresses of; all where sockets
// are the caller's.
func networks(i net.Interface, all bool) []string {
	if all {
		return []string{"udp4", "udp6"}
	}
	var four, six bool
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			four = four || n.IP.To4() != nil
			six = six || n.IP.To4() == nil && n.IP.IsLinkLocalUnicast()
		}
	}
	var out []string
	if four {
		out = append(out, "udp4")
	}
	if six {
		out = append(out, "udp6")
	}
	return out
}

// open makes a socket that sends to the group over one interface.
func open(i net.Interface, network string) (net.PacketConn, net.Addr, error) {
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, nil, err
	}
	group := net.UDPAddrFromAddrPort(Group4)
	if network == "udp6" {
		group = net.UDPAddrFromAddrPort(Group6)
		group.Zone = i.Name
		p := ipv6.NewPacketConn(conn)
		err = errors.Join(p.SetMulticastInterface(&i), p.SetMulticastHopLimit(1))
	} else {
		p := ipv4.NewPacketConn(conn)
		err = errors.Join(p.SetMulticastInterface(&i), p.SetMulticastTTL(1))
	}
	if err != nil {
		_ = conn.Close() // The first error says why.
		return nil, nil, err
	}
	return conn, group, nil
}

// newProbe writes a probe for devices of one type.
func newProbe(kind string, r io.Reader) (id string, probe []byte, err error) {
	if r == nil {
		r = rand.Reader
	}
	var b [16]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return "", nil, fmt.Errorf("discovery: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562, version 4
	id = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	return id, fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>`+
		`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"`+
		` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">`+
		`<s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action><a:MessageID>%s</a:MessageID>`+
		`<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>`+
		`<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>`+
		`<s:Body><d:Probe><d:Types>%s</d:Types></d:Probe></s:Body></s:Envelope>`, id, kind), nil
}
