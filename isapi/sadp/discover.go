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
	"os"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
)

// Group is where inquiries are sent and answers are heard.
var Group = netip.MustParseAddrPort("239.255.255.250:37020")

const (
	maxDatagram = 16 << 10 // answers of about 1,500 bytes were recorded
	maxDevices  = 10_000   // a flood of made-up devices ends there
	maxHeard    = 100_000  // datagrams of one interface
)

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
		ctx, cancel := context.WithCancel(ctx)
		found := make(chan answer)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		interfaces, err := o.interfaces()
		if err != nil {
			yield(Device{}, err)
			return
		}
		for _, i := range interfaces {
			wg.Go(func() { o.ask(ctx, i, found) })
		}
		go func() {
			wg.Wait()
			close(found)
		}()
		seen := map[string]bool{}
		for a := range found {
			if a.err == nil {
				if seen[a.device.key()] || len(seen) == maxDevices {
					continue
				}
				seen[a.device.key()] = true
			}
			if !yield(a.device, a.err) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(Device{}, err)
		}
	}
}

type answer struct {
	device Device
	err    error
}

func (o *Options) interfaces() ([]net.Interface, error) {
	if o.Interfaces != nil {
		return o.Interfaces, nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("sadp: %w", err)
	}
	var out []net.Interface
	for _, i := range all {
		if i.Flags&(net.FlagUp|net.FlagMulticast) == net.FlagUp|net.FlagMulticast && i.Flags&net.FlagLoopback == 0 && hasIPv4(i) {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("sadp: no network interface can multicast")
	}
	return out, nil
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

// ask inquires on one interface and hands on what it hears.
func (o *Options) ask(ctx context.Context, i net.Interface, found chan<- answer) {
	tell := func(a answer) bool {
		select {
		case found <- a:
			return true
		case <-ctx.Done():
			return false
		}
	}
	listen := o.Listen
	if listen == nil {
		listen = join
	}
	conn, to, err := listen(i)
	if err != nil {
		tell(answer{err: fmt.Errorf("sadp: %s: %w", i.Name, err)})
		return
	}
	defer func() { _ = conn.Close() }() // nothing is unsent
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	inquiry, err := newInquiry(o.Rand)
	if err != nil {
		tell(answer{err: err})
		return
	}
	repeats, wait := o.Repeats, o.Wait
	if repeats <= 0 {
		repeats = 2
	}
	if wait <= 0 {
		wait = 2 * time.Second
	}
	for n := range repeats {
		if _, err := conn.WriteTo(inquiry, to); err != nil {
			tell(answer{err: fmt.Errorf("sadp: %s: %w", i.Name, err)})
			return
		}
		until := wait
		if n < repeats-1 {
			until = wait / 4
		}
		if !o.hear(ctx, conn, until, tell) {
			return
		}
	}
}

// hear hands on answers for a while; false means that it is over.
func (o *Options) hear(ctx context.Context, conn net.PacketConn, wait time.Duration, tell func(answer) bool) bool {
	_ = conn.SetReadDeadline(time.Now().Add(wait)) // a socket that has none ends by ctx
	if ctx.Err() != nil {
		return false
	}
	buf := make([]byte, maxDatagram+1)
	for range maxHeard {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return ctx.Err() == nil && errors.Is(err, os.ErrDeadlineExceeded)
		}
		d, err := Parse(buf[:n])
		if err != nil {
			continue // our own inquiry, or anybody's noise
		}
		if u, ok := from.(*net.UDPAddr); ok {
			d.From = u.AddrPort()
		}
		if !tell(answer{device: d}) {
			return false
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
