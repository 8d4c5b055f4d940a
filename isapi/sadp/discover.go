package sadp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/camsec/camsec/auth/wire"
	"golang.org/x/net/ipv4"
)

// Group is where inquiries are sent and answers are heard.
var Group = netip.MustParseAddrPort("239.255.255.250:37020")

const maxDatagram = 16 << 10 // answers of about 1,500 bytes were recorded

// Options are the optional settings of [Discover]; nil means all defaults.
type Options struct {
	// Interfaces to ask on; nil means every one that is up, has an IPv4
	// address and can multicast.
	Interfaces []net.Interface
	// Wait is how long answers are heard after the last inquiry; zero means
	// two seconds, within ctx.
	Wait time.Duration
	// Repeats is how many inquiries each interface gets, since datagrams are
	// lost; zero means two.
	Repeats int
	// Listen opens the socket of one interface, and says where the inquiry
	// goes; nil joins [Group].
	Listen func(net.Interface) (net.PacketConn, net.Addr, error)
	Rand   io.Reader // for the inquiry's number; nil means crypto/rand
}

// Discover asks on every interface at once and yields each device once, as
// answers come in, until Wait is over, ctx is done or the caller stops. An
// interface that cannot be used yields an error and does not stop the others;
// datagrams that are no answers are passed over. Ten thousand devices are the
// most it tells of. If ctx ends first, its error
// comes last. One Discover opens a socket and a goroutine for each interface;
// they are gone when it returns.
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
		message, err := newInquiry(o.Rand)
		if err != nil {
			yield(Device{}, err)
			return
		}
		listen := o.Listen
		if listen == nil {
			listen = join
		}
		var ways []wire.Way
		for _, i := range interfaces {
			ways = append(ways, wire.Way{Name: i.Name, Open: func(context.Context) (net.PacketConn, net.Addr, error) { return listen(i) }})
		}
		inquiry := wire.Inquiry[Device]{Name: "sadp", Messages: [][]byte{message}, Hear: hear, Key: Device.key, Wait: o.Wait, Repeats: o.Repeats}
		inquiry.Ask(ctx, ways)(yield)
	}
}

// hear reads an answer, and passes over our own inquiry and anybody's noise.
func hear(datagram []byte, _ string, from netip.AddrPort) []Device {
	d, err := Parse(datagram)
	if err != nil {
		return nil
	}
	d.From = from
	return []Device{d}
}

func (o *Options) interfaces() ([]net.Interface, error) {
	if o.Interfaces != nil {
		return o.Interfaces, nil
	}
	all, err := wire.MulticastInterfaces()
	if err != nil {
		return nil, fmt.Errorf("sadp: %w", err)
	}
	all = slices.DeleteFunc(all, func(i net.Interface) bool { return !hasIPv4(i) })
	if len(all) == 0 {
		return nil, errors.New("sadp: no network interface with IPv4 can multicast")
	}
	return all, nil
}

func hasIPv4(i net.Interface) bool {
	addrs, err := i.Addrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return true
		}
	}
	return false
}

// newInquiry is the one message of this package. The number is what answers
// repeat; it identifies nobody.
func newInquiry(r io.Reader) ([]byte, error) {
	if r == nil {
		r = rand.Reader
	}
	var b [16]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return nil, fmt.Errorf("sadp: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // RFC 9562, version 4
	return fmt.Appendf(nil, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Probe>\n<Uuid>%X-%X-%X-%X-%X</Uuid>\n<Types>inquiry</Types>\n</Probe>",
		b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// join listens to the group on one interface, and sends from there.
func join(i net.Interface) (net.PacketConn, net.Addr, error) {
	group := net.UDPAddrFromAddrPort(Group)
	conn, err := net.ListenMulticastUDP("udp4", &i, group)
	if err != nil {
		return nil, nil, err
	}
	p := ipv4.NewPacketConn(conn)
	if err := errors.Join(p.SetMulticastInterface(&i), p.SetMulticastTTL(1)); err != nil {
		_ = conn.Close() // The first error says why.
		return nil, nil, err
	}
	return conn, group, nil
}
