package main

import (
	"context"
	"iter"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/sadp"
	"github.com/camsec/camsec/onvif/discovery"
)

func TestAddressesOfONVIFDevices(t *testing.T) {
	from := netip.MustParseAddr("192.0.2.7")
	for xaddr, want := range map[string]string{
		"http://192.0.2.7/onvif/device_service":    "http://192.0.2.7:80",
		"https://10.0.0.1/onvif/device_service":    "https://192.0.2.7:443",
		"http://127.0.0.1:8899/onvif/x":            "http://192.0.2.7:8899",
		"http://[fe80::1]:2020/onvif/service":      "http://192.0.2.7:2020",
		"gopher://x":                               "",
		"http://x:99999/":                          "",
		"http://169.254.169.254:80/latest/meta-da": "http://192.0.2.7:80",
	} {
		assert.Equal(t, want, addressOf(from, xaddr), xaddr)
	}
}

// One device that answers by both protocols is one.
func TestDiscoverMergesBothProtocols(t *testing.T) {
	one := func(f func(func(sadp.Device, error) bool)) iter.Seq2[sadp.Device, error] { return f }
	by := []finder{
		{"sadp", func(context.Context, []net.Interface, time.Duration) iter.Seq2[sighting, error] {
			return fromSADP(one(func(yield func(sadp.Device, error) bool) {
				yield(sadp.Device{From: netip.MustParseAddrPort("192.0.2.7:37020"), IPv4: netip.MustParseAddr("192.0.2.7"), Model: "DS-2CD", MAC: "02-00-5e-00-53-01", Activated: camsec.StateOn}, nil)
			}))
		}},
		{"onvif", func(context.Context, []net.Interface, time.Duration) iter.Seq2[sighting, error] {
			return fromONVIF(func(yield func(discovery.Device, error) bool) {
				yield(discovery.Device{
					From: netip.MustParseAddrPort("192.0.2.7:3702"), Endpoint: "urn:uuid:1", XAddrs: []string{"http://192.0.2.7/onvif/device_service"},
					Scopes: []string{"onvif://www.onvif.org/hardware/DS-2CD", "onvif://www.onvif.org/MacAddress/02:00:5e:00:53:01"},
				}, nil)
				yield(discovery.Device{From: netip.MustParseAddrPort("192.0.2.8:3702"), Endpoint: "urn:uuid:2", XAddrs: []string{"http://192.0.2.8:2020/x"}, Scopes: []string{"onvif://www.onvif.org/Profile/Q/FactoryDefault"}}, nil)
			})
		}},
	}
	devices, failed := findAll(t.Context(), &env{stderr: discard{}}, by, nil, time.Second)
	require.Zero(t, failed)
	require.Len(t, devices, 2)
	assert.ElementsMatch(t, []string{"sadp", "onvif"}, devices[0].by)
	assert.Equal(t, "DS-2CD", devices[0].model)
	assert.Equal(t, []string{"http://192.0.2.8:2020"}, devices[1].addresses)
	assert.Equal(t, camsec.StateOff, devices[1].activated)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
