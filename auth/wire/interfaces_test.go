package wire_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wire"
)

// What reaches a network is asked on, and loopback never is.
func TestMulticastInterfaces(t *testing.T) {
	all, err := net.Interfaces()
	require.NoError(t, err)
	var want []string
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagLoopback == 0 {
			want = append(want, i.Name)
		}
	}
	got, err := wire.MulticastInterfaces()
	if len(want) == 0 {
		require.ErrorContains(t, err, "no network interface")
		return
	}
	require.NoError(t, err)
	var names []string
	for _, i := range got {
		names = append(names, i.Name)
	}
	assert.Equal(t, want, names)
}

// A datagram that is longer than any may be shows as such, and is not taken
// for a shorter one.
func TestInquiryShowsLongDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []int
		q := wire.Inquiry[int]{
			Name: "test", Messages: [][]byte{nil}, Repeats: 1, Key: func(int) string { return "" },
			Hear: func(datagram []byte, _ string, _ netip.AddrPort) []int {
				heard = append(heard, len(datagram))
				return nil
			},
		}
		for range q.Ask(t.Context(), []wire.Way{newParty(strings.Repeat("x", 64<<10), strings.Repeat("x", 64<<10+5)).way("")}) {
			t.Error("nothing was found")
		}
		assert.Equal(t, []int{64 << 10, 64<<10 + 1}, heard)
	})
}
