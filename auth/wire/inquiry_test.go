package wire_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wire"
)

// A party answers every message with what it has to say, on a clock of its own.
type party struct {
	net.PacketConn
	says   []string // again and again
	mu     sync.Mutex
	asked  []time.Time
	queue  chan string
	until  time.Time
	wake   chan struct{}
	closed bool
}

func newParty(says ...string) *party {
	return &party{says: says, queue: make(chan string, 100_000), wake: make(chan struct{}, 1)}
}

func (p *party) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
	for _, s := range p.says {
		p.queue <- s
	}
	return len(b), nil
}

func (p *party) SetReadDeadline(at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = at
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

func (p *party) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		p.mu.Lock()
		left := time.Until(p.until)
		p.mu.Unlock()
		if left <= 0 {
			return 0, nil, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		select {
		case s := <-p.queue:
			timer.Stop()
			return copy(b, s), net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.7:9")), nil
		case <-p.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (p *party) Close() error {
	p.closed = true
	return nil
}

func (p *party) way(name string) wire.Way {
	return wire.Way{Name: name, Open: func(context.Context) (net.PacketConn, net.Addr, error) { return p, nil, nil }}
}

func hearing(datagram []byte, way string, from netip.AddrPort) []string {
	if string(datagram) == "noise" {
		return nil
	}
	return []string{string(datagram)}
}

// Each finding is told once, whichever way it came and however often; what
// cannot be used does not stop the rest; and the whole takes the time it may.
func TestInquiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newParty("a", "noise", "b"), newParty("b", "c")
		q := wire.Inquiry[string]{Name: "test", Messages: [][]byte{[]byte("1"), []byte("2")}, Hear: hearing, Key: func(s string) string { return s }, Repeats: 3, Wait: 4 * time.Second}
		broken := wire.Way{Name: "eth9", Open: func(context.Context) (net.PacketConn, net.Addr, error) { return nil, nil, net.ErrClosed }}
		absent := wire.Way{Open: func(context.Context) (net.PacketConn, net.Addr, error) { return nil, nil, nil }}
		start := time.Now()
		var found []string
		var errs []error
		for s, err := range q.Ask(t.Context(), []wire.Way{one.way("eth0"), broken, absent, two.way("eth1")}) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			found = append(found, s)
		}
		assert.ElementsMatch(t, []string{"a", "b", "c"}, found)
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], net.ErrClosed)
		assert.Equal(t, "test: eth9: use of closed network connection", errs[0].Error())
		assert.Equal(t, 6*time.Second, time.Since(start), "two repeats after a quarter, and the wait")
		var after []time.Duration
		for _, at := range one.asked {
			after = append(after, at.Sub(start))
		}
		assert.Equal(t, []time.Duration{0, 0, time.Second, time.Second, 2 * time.Second, 2 * time.Second}, after)
		assert.True(t, one.closed && two.closed)
	})
}

func TestInquiryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		p := newParty("a")
		q := wire.Inquiry[string]{Name: "test", Messages: [][]byte{nil}, Hear: hearing, Key: func(s string) string { return s }, Wait: time.Hour}
		var last error
		enough := errors.New("enough")
		for _, err := range q.Ask(ctx, []wire.Way{p.way("")}) {
			last = err
			cancel(enough)
		}
		require.ErrorIs(t, last, enough)
		assert.True(t, p.closed)
		for range q.Ask(t.Context(), []wire.Way{newParty("a", "b").way("")}) {
			break // the caller stops
		}
	})
}

// A flood of made-up devices ends.
func TestInquiryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var says []string
		for i := range 20_000 {
			says = append(says, fmt.Sprint(i))
		}
		n := 0
		q := wire.Inquiry[string]{Messages: [][]byte{nil}, Hear: hearing, Key: func(s string) string { return s }, Repeats: 1}
		for range q.Ask(t.Context(), []wire.Way{newParty(says...).way("")}) {
			n++
		}
		assert.Equal(t, 10_000, n)
	})
}
