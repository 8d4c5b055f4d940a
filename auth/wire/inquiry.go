package wire

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

const (
	maxFindings  = 10_000  // a flood of made-up devices ends there
	maxHeard     = 100_000 // datagrams of one socket
	maxDatagram  = 64 << 10
	inquiryWait  = 2 * time.Second
	inquiryTimes = 2
)

// A Way is a socket that an [Inquiry] asks over.
type Way struct {
	// Name of the network interface, for the texts of errors; it may be empty.
	Name string
	// Open opens the socket, and says where messages go. A nil socket without
	// an error is a way that is not there.
	Open func(ctx context.Context) (net.PacketConn, net.Addr, error)
}

// An Inquiry asks a network by datagrams who is there.
type Inquiry[T any] struct {
	// Name begins the texts of errors.
	Name string
	// Messages are sent over each way.
	Messages [][]byte
	// Hear reads an answer. Nothing means that it is none: anybody's noise.
	Hear func(datagram []byte, way string, from netip.AddrPort) []T
	// Key tells findings that are the same.
	Key func(T) string
	// Wait is how long answers are heard after the last message; zero means
	// two seconds, within the context. A quarter of it lies between repeats.
	Wait time.Duration
	// Repeats is how often each message is sent, since datagrams are lost;
	// zero means two.
	Repeats int
}

// Ask asks over all ways at once and yields each finding once, as answers come
// in, until Wait is over, ctx is done or the caller stops. A way that cannot be
// used yields an error and does not stop the others. Ten thousand findings are
// the most it tells of. If ctx ends first, its error comes last. Sockets and
// goroutines are gone when it returns.
func (q Inquiry[T]) Ask(ctx context.Context, ways []Way) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		inner, cancel := context.WithCancel(ctx)
		found := make(chan finding[T])
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		for _, w := range ways {
			wg.Go(func() { q.over(inner, w, found) })
		}
		go func() {
			wg.Wait()
			close(found)
		}()
		seen := map[string]bool{}
		for f := range found {
			if f.err == nil {
				key := q.Key(f.what)
				if seen[key] || len(seen) == maxFindings {
					continue
				}
				seen[key] = true
			}
			if !yield(f.what, f.err) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(none, err)
		}
	}
}

type finding[T any] struct {
	what T
	err  error
}

// tell hands a finding on; false means that nobody wants more.
func tell[T any](ctx context.Context, found chan<- finding[T], f finding[T]) bool {
	select {
	case found <- f:
		return true
	case <-ctx.Done():
		return false
	}
}

// over asks over one way.
func (q Inquiry[T]) over(ctx context.Context, w Way, found chan<- finding[T]) {
	fail := func(err error) {
		if w.Name != "" {
			err = fmt.Errorf("%s: %w", w.Name, err)
		}
		tell(ctx, found, finding[T]{err: fmt.Errorf("%s: %w", q.Name, err)})
	}
	conn, to, err := w.Open(ctx)
	if err != nil {
		fail(err)
		return
	}
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }() // nothing is unsent
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	repeats, wait := q.Repeats, q.Wait
	if repeats <= 0 {
		repeats = inquiryTimes
	}
	if wait <= 0 {
		wait = inquiryWait
	}
	for n := range repeats {
		for _, m := range q.Messages {
			if _, err := conn.WriteTo(m, to); err != nil {
				fail(err)
				return
			}
		}
		until := wait
		if n < repeats-1 {
			until = wait / 4
		}
		if !q.hear(ctx, conn, until, w.Name, found) {
			return
		}
	}
}

// hear hands on answers for a while; false means that it is over.
func (q Inquiry[T]) hear(ctx context.Context, conn net.PacketConn, wait time.Duration, way string, found chan<- finding[T]) bool {
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
		var at netip.AddrPort
		if u, ok := from.(*net.UDPAddr); ok {
			at = u.AddrPort()
		}
		for _, what := range q.Hear(buf[:n], way, at) {
			if !tell(ctx, found, finding[T]{what: what}) {
				return false
			}
		}
	}
	return false
}

// MulticastInterfaces are the network interfaces that are up, can multicast and
// are not loopback. That there is none is an error.
func MulticastInterfaces() ([]net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []net.Interface
	for _, i := range all {
		if i.Flags&(net.FlagUp|net.FlagMulticast) == net.FlagUp|net.FlagMulticast && i.Flags&net.FlagLoopback == 0 {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no network interface can multicast")
	}
	return out, nil
}
