package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/camsec/camsec/isapi/sadp"
)

func answering(name string, err error, all ...sighting) finder {
	return finder{name, func(context.Context, []net.Interface, time.Duration) iter.Seq2[sighting, error] {
		return func(yield func(sighting, error) bool) {
			for _, f := range all {
				if !yield(f, nil) {
					return
				}
			}
			if err != nil {
				yield(sighting{}, err)
			}
		}
	}}
}

func discovered(t *testing.T, by []finder, args ...string) (exit, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	x, err := discover(t.Context(), &env{stdout: &out, stderr: &lockedWriter{w: &errs}}, args, by)
	require.NoError(t, err)
	return x, out.String(), errs.String()
}

// Two protocols tell of one camera: one device with what both know.
func TestDiscoverMerges(t *testing.T) {
	at := netip.MustParseAddr("192.0.2.64")
	by := []finder{
		answering("sadp", nil,
			sighting{from: at, addresses: []string{"192.0.2.64"}, model: "DS-1", serial: "S1", mac: "aa-bb-cc-00-00-01", activated: camsec.StateOff, firmware: camsec.Firmware{Raw: "V5.7.18"}},
			sighting{from: netip.MustParseAddr("192.0.2.65"), serial: "123456", mac: "00-00-00-00-00-00", model: "OEM-1"},
			sighting{from: netip.MustParseAddr("192.0.2.66"), serial: "123456", mac: "ff-ff-ff-ff-ff-ff", model: "OEM-2"}),
		answering("ws-discovery", nil,
			sighting{from: at, addresses: []string{"192.0.2.64", "https://192.0.2.64"}, vendor: "HIKVISION", mac: "AA:BB:CC:00:00:01"},
			sighting{from: netip.MustParseAddr("192.0.2.65"), vendor: "OEM"}),
	}
	x, out, _ := discovered(t, by, "-json")
	assert.Equal(t, exitOK, x.code)
	var doc struct {
		Schema  string
		Devices []foundJSON
	}
	require.NoError(t, json.Unmarshal([]byte(out), &doc))
	assert.Equal(t, "camsec.discover/1", doc.Schema)
	require.Len(t, doc.Devices, 3, "a placeholder serial makes no two devices one")
	d := doc.Devices[0]
	assert.Equal(t, []string{"sadp", "ws-discovery"}, d.FoundBy)
	assert.Equal(t, []string{"192.0.2.64", "https://192.0.2.64"}, d.Addresses)
	assert.Equal(t, "HIKVISION", *d.Vendor)
	assert.Equal(t, "S1", *d.Serial)
	assert.Equal(t, camsec.StateOff, d.Activated)
	assert.Equal(t, []string{"sadp", "ws-discovery"}, doc.Devices[1].FoundBy, "by the address that both answered from")
	assert.Nil(t, doc.Devices[2].Firmware)
	assert.NotContains(t, out, `""`, "what is not known is null")
}

func TestDiscoverSaysWhatFailed(t *testing.T) {
	x, out, errs := discovered(t, []finder{answering("a", errors.New("no network")), answering("b", nil, sighting{model: "DS\x1b[2J"})})
	assert.Equal(t, exitOK, x.code)
	assert.Contains(t, errs, "a: no network")
	assert.NotContains(t, out, "\x1b")
	x, _, _ = discovered(t, []finder{answering("a", errors.New("no network"))})
	assert.Equal(t, exitUnknown, x.code, "nobody asked is not nobody there")
	x, _, _ = discovered(t, []finder{answering("a", nil)})
	assert.Equal(t, exitOK, x.code)
}

func TestDiscoverUsage(t *testing.T) {
	for _, args := range [][]string{{"192.0.2.1"}, {"-wait", "0s"}, {"-interface", "no-such-interface"}, {"-user", "x"}} {
		_, err := discover(t.Context(), &env{}, args, nil)
		require.True(t, isUsage(err), "%v: %v", args, err)
	}
}

// A simulated camera is found by its real answer.
func TestDiscoverSimulated(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- cam.ServeSADP(conn) }()
	defer func() {
		require.NoError(t, conn.Close())
		require.NoError(t, <-done)
	}()
	by := []finder{{"sadp", func(ctx context.Context, _ []net.Interface, wait time.Duration) iter.Seq2[sighting, error] {
		return fromSADP(sadp.Discover(ctx, &sadp.Options{
			Interfaces: []net.Interface{{Name: "lo"}}, Wait: wait,
			Listen: func(net.Interface) (net.PacketConn, net.Addr, error) {
				c, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", "127.0.0.1:0")
				return c, conn.LocalAddr(), err
			},
		}))
	}}}
	_, out, errs := discovered(t, by, "-wait", "200ms")
	assert.Empty(t, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 2)
	assert.Contains(t, lines[1], "127.0.0.1")
	assert.Contains(t, lines[1], "V5.7.18build 240826")
	assert.Contains(t, lines[1], "on")
}
