package sadp_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/camsec/camsec/isapi/sadp"
)

// network lets several simulated devices hear one inquiry on loopback.
func network(t *testing.T, devices ...*isapitest.Device) func(net.Interface) (net.PacketConn, net.Addr, error) {
	t.Helper()
	var addrs []net.Addr
	for _, d := range devices {
		conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() { done <- d.ServeSADP(conn) }()
		t.Cleanup(func() {
			require.NoError(t, conn.Close())
			require.NoError(t, <-done)
		})
		addrs = append(addrs, conn.LocalAddr())
	}
	return func(net.Interface) (net.PacketConn, net.Addr, error) {
		conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp4", "127.0.0.1:0")
		return spread{conn, addrs}, nil, err
	}
}

// spread sends what it is given to every device, as multicast does.
type spread struct {
	net.PacketConn
	to []net.Addr
}

func (s spread) WriteTo(b []byte, _ net.Addr) (int, error) {
	for _, a := range s.to {
		if _, err := s.PacketConn.WriteTo(b, a); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func TestDiscover(t *testing.T) {
	fresh := isapitest.CurrentCamera()
	fresh.NotActivated, fresh.Serial, fresh.MAC = true, "DS-2CD2T47G2-TEST20240101AAWRTEST00009", "02:00:5e:00:53:09"
	current, unused, recorder := isapitest.New(t, isapitest.CurrentCamera()), isapitest.New(t, fresh), isapitest.New(t, isapitest.Recorder())
	hidden := isapitest.New(t, isapitest.OldCamera())
	hidden.SetService("discovery", false)

	got := map[string]sadp.Device{}
	for d, err := range sadp.Discover(t.Context(), &sadp.Options{
		Interfaces: []net.Interface{{Name: "a"}, {Name: "b"}}, // both reach all
		Listen:     network(t, current, unused, recorder, hidden),
		Wait:       200 * time.Millisecond,
	}) {
		require.NoError(t, err)
		_, twice := got[d.Serial]
		require.False(t, twice, "each device once")
		got[d.Serial] = d
	}
	require.Len(t, got, 3)
	d := got["DS-2CD2T47G2-TEST20240101AAWRTEST00001"]
	assert.Equal(t, "DS-2CD2T47G2-TEST", d.Model)
	assert.Equal(t, "02-00-5e-00-53-01", d.MAC)
	assert.Equal(t, camsec.StateOn, d.Activated)
	assert.Equal(t, camsec.StateOff, d.DHCP)
	assert.Equal(t, "V5.7.18", d.Firmware.Version)
	assert.Equal(t, "240826", d.Firmware.Build, "written without a space before it")
	assert.True(t, d.From.Addr().IsLoopback())
	assert.Equal(t, "127.0.0.1", d.IPv4.String())
	assert.False(t, d.IPv6.IsValid(), ":: is no address")
	assert.NotZero(t, d.HTTPPort)
	assert.Equal(t, camsec.StateOff, got["DS-2CD2T47G2-TEST20240101AAWRTEST00009"].Activated)
	assert.Equal(t, 9, got["DS-7616NI-TEST/16P1620220101CCRRTEST00003WCVU"].Channels)
	for _, dev := range []*isapitest.Device{current, unused, recorder, hidden} {
		for _, m := range dev.SADPMessages() {
			assert.Equal(t, "inquiry", m, "nothing else is ever sent")
		}
	}
}

func TestDiscoverStopsWhenTheCallerDoes(t *testing.T) {
	listen := network(t, isapitest.New(t, isapitest.CurrentCamera()), isapitest.New(t, isapitest.Recorder()))
	n := 0
	for _, err := range sadp.Discover(t.Context(), &sadp.Options{Interfaces: []net.Interface{{Name: "a"}}, Listen: listen, Wait: time.Hour}) {
		require.NoError(t, err)
		n++
		break // and so the hour is not waited for
	}
	assert.Equal(t, 1, n)
}

func TestDiscoverEndsWithItsContext(t *testing.T) {
	listen := network(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range sadp.Discover(ctx, &sadp.Options{Interfaces: []net.Interface{{Name: "a"}}, Listen: listen, Wait: time.Hour}) {
		last = err
	}
	assert.ErrorIs(t, last, context.Canceled)
}

func TestDiscoverOneBadInterfaceStopsNoOther(t *testing.T) {
	good := network(t, isapitest.New(t, isapitest.CurrentCamera()))
	errDown := errors.New("down")
	devices, errs := 0, 0
	for _, err := range sadp.Discover(t.Context(), &sadp.Options{
		Interfaces: []net.Interface{{Name: "bad"}, {Name: "good"}}, Wait: 200 * time.Millisecond,
		Listen: func(i net.Interface) (net.PacketConn, net.Addr, error) {
			if i.Name == "bad" {
				return nil, nil, errDown
			}
			return good(i)
		},
	}) {
		if err != nil {
			require.ErrorIs(t, err, errDown)
			assert.Contains(t, err.Error(), "bad")
			errs++
			continue
		}
		devices++
	}
	assert.Equal(t, 1, devices)
	assert.Equal(t, 1, errs)
}

func TestDiscoverWithoutRandomness(t *testing.T) {
	for _, err := range sadp.Discover(t.Context(), &sadp.Options{
		Interfaces: []net.Interface{{Name: "a"}}, Listen: network(t), Rand: bytes.NewReader(nil),
	}) {
		require.Error(t, err)
	}
}

// Unless told otherwise it asks on whatever reaches a network, once each, and
// never on loopback; where there is none, that is the error.
func TestDiscoverChoosesInterfaces(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	var errs []error
	for _, err := range sadp.Discover(t.Context(), &sadp.Options{Wait: time.Millisecond, Listen: func(i net.Interface) (net.PacketConn, net.Addr, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, i.Name)
		return nil, nil, os.ErrPermission
	}}) {
		errs = append(errs, err)
	}
	var want []string
	all, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range all {
		addrs, err := i.Addrs()
		require.NoError(t, err)
		four := slices.ContainsFunc(addrs, func(a net.Addr) bool { return strings.Count(a.String(), ".") == 3 })
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagLoopback == 0 && four {
			want = append(want, i.Name)
		}
	}
	assert.ElementsMatch(t, want, asked)
	if len(want) == 0 {
		require.Len(t, errs, 1)
		assert.ErrorContains(t, errs[0], "no network interface")
		return
	}
	require.Len(t, errs, len(want))
	for _, err := range errs {
		assert.ErrorIs(t, err, os.ErrPermission)
	}
}

// The socket of its own joins the group, here on loopback, where nobody but
// this test can hear it.
func TestDiscoverJoinsTheGroup(t *testing.T) {
	all, err := net.Interfaces()
	require.NoError(t, err)
	at := slices.IndexFunc(all, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 })
	require.GreaterOrEqual(t, at, 0)
	start := time.Now()
	for d, err := range sadp.Discover(t.Context(), &sadp.Options{Interfaces: all[at : at+1], Wait: 20 * time.Millisecond, Repeats: 3}) {
		require.NoError(t, err)
		t.Errorf("its own inquiry is no device: %+v", d)
	}
	assert.GreaterOrEqual(t, time.Since(start), 20*time.Millisecond)
}

// Where identifiers are placeholders, devices are told apart by where they are.
func TestDiscoverKeepsPlaceholdersApart(t *testing.T) {
	answers := []string{
		"<MAC>00-00-00-00-00-00</MAC><DeviceSN>123456</DeviceSN><IPv4Address>192.0.2.1</IPv4Address>",
		"<MAC>00-00-00-00-00-00</MAC><DeviceSN>123456</DeviceSN><IPv4Address>192.0.2.2</IPv4Address>",
		"<MAC>00-00-00-00-00-00</MAC><DeviceSN>123456</DeviceSN><IPv4Address>192.0.2.1</IPv4Address>",
		"<MAC>00-00-00-00-00-00</MAC><DeviceSN>SN1</DeviceSN><IPv4Address>192.0.2.1</IPv4Address>",
		"<MAC>00-00-00-00-00-00</MAC><DeviceSN>sn1</DeviceSN><IPv4Address>192.0.2.3</IPv4Address>",
		"<MAC>02-00-5E-00-53-01</MAC><DeviceSN>SN1</DeviceSN>",
		"<MAC>02-00-5e-00-53-01</MAC><DeviceSN>SN2</DeviceSN>",
	}
	var got []string
	for d, err := range sadp.Discover(t.Context(), &sadp.Options{
		Interfaces: []net.Interface{{Name: "a"}}, Repeats: 1,
		Listen: func(net.Interface) (net.PacketConn, net.Addr, error) { return &script{answers: answers}, nil, nil },
	}) {
		require.NoError(t, err)
		got = append(got, d.MAC+" "+d.Serial+" "+d.IPv4.String())
	}
	assert.Equal(t, []string{
		"00-00-00-00-00-00 123456 192.0.2.1", "00-00-00-00-00-00 123456 192.0.2.2",
		"00-00-00-00-00-00 SN1 192.0.2.1", "02-00-5E-00-53-01 SN1 invalid IP",
	}, got)
}

// script is a socket that brings some answers and then nothing.
type script struct {
	flood
	answers []string
}

func (s *script) ReadFrom(b []byte) (int, net.Addr, error) {
	if len(s.answers) == 0 {
		return 0, nil, os.ErrDeadlineExceeded
	}
	n := copy(b, "<ProbeMatch><Types>inquiry</Types>"+s.answers[0]+"</ProbeMatch>")
	s.answers = s.answers[1:]
	return n, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 9), Port: 37020}, nil
}

// A socket that cannot send is an error of that interface.
func TestDiscoverCannotSend(t *testing.T) {
	n := 0
	for _, err := range sadp.Discover(t.Context(), &sadp.Options{
		Interfaces: []net.Interface{{Name: "eth7"}},
		Listen:     func(net.Interface) (net.PacketConn, net.Addr, error) { return &mute{}, nil, nil },
	}) {
		require.ErrorIs(t, err, os.ErrPermission)
		require.ErrorContains(t, err, "eth7")
		n++
	}
	assert.Equal(t, 1, n)
}

type mute struct{ flood }

func (*mute) WriteTo([]byte, net.Addr) (int, error) { return 0, os.ErrPermission }

// flood is a socket on which made-up devices answer for ever.
type flood struct{ n int }

func (f *flood) ReadFrom(b []byte) (int, net.Addr, error) {
	f.n++
	serial := strings.Repeat("x", f.n%7) + strings.Repeat("y", f.n/7%11) + time.Duration(f.n).String()
	return copy(b, "<ProbeMatch><Types>inquiry</Types><DeviceSN>"+serial+"</DeviceSN></ProbeMatch>"), &net.UDPAddr{}, nil
}
func (*flood) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }
func (*flood) Close() error                              { return nil }
func (*flood) LocalAddr() net.Addr                       { return &net.UDPAddr{} }
func (*flood) SetDeadline(time.Time) error               { return nil }
func (*flood) SetReadDeadline(time.Time) error           { return nil }
func (*flood) SetWriteDeadline(time.Time) error          { return nil }

func TestDiscoverIsNotHeldByAFlood(t *testing.T) {
	n := 0
	for _, err := range sadp.Discover(t.Context(), &sadp.Options{
		Interfaces: []net.Interface{{Name: "a"}}, Repeats: 1,
		Listen: func(net.Interface) (net.PacketConn, net.Addr, error) { return &flood{}, nil, nil },
	}) {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 10_000, n)
}

func TestParse(t *testing.T) {
	d, err := sadp.Parse([]byte("<Hello><DeviceSN>1</DeviceSN><DHCP>flase</DHCP><HttpPort>99999</HttpPort><MAC>ff-ff-ff-ff-ff-ff</MAC></Hello>"))
	require.NoError(t, err)
	assert.Equal(t, camsec.StateUnknown, d.DHCP, "what is not understood is unknown")
	assert.Zero(t, d.HTTPPort)
	for port, want := range map[string]uint16{"1": 1, "65535": 65535, "0": 0, "65536": 0, "-1": 0, "x": 0, "": 0} {
		d, err := sadp.Parse([]byte("<Hello><MAC>a</MAC><HttpsPort>" + port + "</HttpsPort></Hello>"))
		require.NoError(t, err)
		assert.Equal(t, want, d.HTTPSPort, port)
	}
	for channels, want := range map[string]int{"1": 1, "65535": 65535, "0": 0, "65536": 0, "-1": 0, "x": 0} {
		d, err := sadp.Parse([]byte("<Hello><MAC>a</MAC><AnalogChannelNum>" + channels + "</AnalogChannelNum></Hello>"))
		require.NoError(t, err)
		assert.Equal(t, want, d.Channels, channels)
	}
	for _, one := range []string{"<DeviceDescription>m</DeviceDescription>", "<DeviceSN>s</DeviceSN>", "<MAC>a</MAC>"} {
		_, err := sadp.Parse([]byte("<ProbeMatch><Types>Inquiry</Types>" + one + "</ProbeMatch>"))
		require.NoError(t, err, one)
	}
	whole := "<Hello><MAC>a</MAC></Hello>"
	_, err = sadp.Parse([]byte(whole + strings.Repeat(" ", 16<<10-len(whole))))
	require.NoError(t, err)
	_, err = sadp.Parse([]byte(whole + strings.Repeat(" ", 16<<10-len(whole)+1)))
	require.ErrorIs(t, err, camsec.ErrMalformed)
	for _, bad := range []string{
		"", "x", "<Probe><Types>inquiry</Types></Probe>", "<ProbeMatch><Types>update</Types><MAC>a</MAC></ProbeMatch>",
		"<ProbeMatch><Types>inquiry</Types></ProbeMatch>", "<ProbeMatch>", strings.Repeat("<a>", 100),
		`<!DOCTYPE x><Hello><MAC>a</MAC></Hello>`, strings.Repeat(" ", 17<<10),
	} {
		_, err := sadp.Parse([]byte(bad))
		require.ErrorIs(t, err, camsec.ErrMalformed, "%.40q", bad)
	}
}

func TestParseRecorded(t *testing.T) {
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is required and not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set: the recorded answers are not here")
	}
	b, err := os.ReadFile(filepath.Join(dir, "isapi", "sadp", "probematch_DS-2CD2320D-I.xml")) //nolint:gosec // a folder of the developer's.
	require.NoError(t, err)
	d, err := sadp.Parse(b)
	require.NoError(t, err)
	assert.Equal(t, "DS-2CD2320D-I", d.Model)
	assert.Equal(t, "V5.5.6", d.Firmware.Version)
	assert.Equal(t, "180326", d.Firmware.Build)
	assert.Equal(t, camsec.StateOn, d.Activated)
	assert.Equal(t, camsec.StateOn, d.DHCP)
	assert.Equal(t, uint16(80), d.HTTPPort)
	assert.Equal(t, "192.168.1.112", d.IPv4.String())
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<ProbeMatch><Types>inquiry</Types><DeviceSN>1</DeviceSN><IPv4Address>192.0.2.1</IPv4Address></ProbeMatch>"))
	f.Add([]byte("<Hello><MAC>00-00-00-00-00-00</MAC><SoftwareVersion>V5.5.6build 180326</SoftwareVersion></Hello>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := sadp.Parse(b); err != nil {
			require.ErrorIs(t, err, camsec.ErrMalformed)
		}
	})
}
