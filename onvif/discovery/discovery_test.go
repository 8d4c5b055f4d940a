package discovery_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif/discovery"
	"github.com/camsec/camsec/onvif/onviftest"
)

// serve has a device listen for probes on loopback.
func serve(t *testing.T, d *onviftest.Device, network string) net.Addr {
	t.Helper()
	at := "127.0.0.1:0"
	if network == "udp6" {
		at = "[::1]:0"
	}
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), network, at)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- d.ServeDiscovery(conn) }()
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		require.NoError(t, <-done)
	})
	return conn.LocalAddr()
}

func device(t *testing.T, p onviftest.Profile) *onviftest.Device {
	t.Helper()
	d, err := onviftest.Start(p, &onviftest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// spread is a socket whose datagrams reach all of some addresses, as those of
// a multicast group do.
type spread struct {
	net.PacketConn
	to  []net.Addr
	log func([]byte)
}

func (s spread) WriteTo(b []byte, _ net.Addr) (int, error) {
	s.log(b)
	for _, a := range s.to {
		if _, err := s.PacketConn.WriteTo(b, a); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

type lan struct {
	mu     sync.Mutex
	at     map[string][]net.Addr // by network
	probes [][]byte
}

func (l *lan) listen(_ net.Interface, network string) (net.PacketConn, net.Addr, error) {
	if len(l.at[network]) == 0 {
		return nil, nil, nil
	}
	at := "127.0.0.1:0"
	if network == "udp6" {
		at = "[::1]:0"
	}
	conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), network, at)
	return spread{conn, l.at[network], func(b []byte) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.probes = append(l.probes, append([]byte{}, b...))
	}}, nil, err
}

func find(t *testing.T, l *lan, interfaces int) map[string]discovery.Device {
	t.Helper()
	o := &discovery.Options{Listen: l.listen, Wait: 300 * time.Millisecond, Repeats: 1}
	for i := range interfaces {
		o.Interfaces = append(o.Interfaces, net.Interface{Index: i + 1, Name: fmt.Sprint("test", i)})
	}
	out := map[string]discovery.Device{}
	for d, err := range discovery.Discover(t.Context(), o) {
		require.NoError(t, err)
		_, twice := out[d.Endpoint]
		assert.False(t, twice, "%s is told twice", d.Endpoint)
		out[d.Endpoint] = d
	}
	return out
}

// Old devices answer to the one type, new ones to the other; all are found, on
// every interface and over both families, and told once.
func TestDiscover(t *testing.T) {
	l := &lan{at: map[string][]net.Addr{}}
	var devices []*onviftest.Device
	for i, p := range onviftest.Profiles() {
		switch i % 3 {
		case 1:
			p.Answers = []string{"NetworkVideoTransmitter"}
		case 2:
			p.Answers = []string{"Device"}
		}
		d := device(t, p)
		devices = append(devices, d)
		l.at["udp4"] = append(l.at["udp4"], serve(t, d, "udp4"))
		l.at["udp6"] = append(l.at["udp6"], serve(t, d, "udp6"))
	}
	found := find(t, l, 2)
	require.Len(t, found, len(devices))
	bosch := found["urn:uuid:4d454930-0000-1000-8000-02005e005405"]
	assert.Equal(t, "Bosch FLEXIDOME TEST", bosch.Scope("name"))
	assert.Equal(t, "FLEXIDOME TEST", bosch.Scope("Hardware"))
	assert.Equal(t, "test", bosch.Scope("location"))
	assert.Equal(t, []string{"Streaming"}, bosch.ScopesOf("profile"))
	require.Len(t, bosch.XAddrs, 1)
	assert.True(t, bosch.From.Addr().IsLoopback())
	assert.Contains(t, bosch.Interface, "test")
	assert.Equal(t, camsec.StateOff, found["urn:uuid:4d454930-0000-1000-8000-02005e005406"].FactoryState(), "Pelco says so")
	assert.Equal(t, camsec.StateUnknown, bosch.FactoryState())
	assert.Contains(t, found, "uuid:4d454930-0000-1000-8000-02005e005404", "without urn:")
}

// The probes, and the answers of the simulated devices, keep to the schemas.
func TestMessagesAreValid(t *testing.T) {
	root := os.Getenv("CAMSEC_RECORDINGS")
	script := filepath.Join(root, "onvif/schemas/validate.sh")
	_, err := os.Stat(script)
	if _, xmllint := exec.LookPath("xmllint"); root == "" || err != nil || xmllint != nil {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("no schemas, or no xmllint")
		}
		t.Skip("no schemas, or no xmllint")
	}
	l := &lan{at: map[string][]net.Addr{"udp4": nil}}
	d := device(t, onviftest.Current())
	l.at["udp4"] = append(l.at["udp4"], serve(t, d, "udp4"))
	require.Len(t, find(t, l, 1), 1)
	require.Len(t, l.probes, 2)
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.WriteTo(l.probes[0], l.at["udp4"][0])
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	buf := make([]byte, 64<<10)
	n, _, err := conn.ReadFrom(buf)
	require.NoError(t, err)
	var files []string
	for i, b := range append(l.probes, buf[:n]) {
		f := filepath.Join(t.TempDir(), fmt.Sprintf("m%d.xml", i))
		require.NoError(t, os.WriteFile(f, b, 0o600))
		files = append(files, f)
	}
	out, err := exec.CommandContext(t.Context(), script, files...).CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestSilentWhenNotDiscoverable(t *testing.T) {
	d := device(t, onviftest.Current())
	d.SetDiscoverable(false)
	l := &lan{at: map[string][]net.Addr{"udp4": {serve(t, d, "udp4")}}}
	assert.Empty(t, find(t, l, 1))
}

func TestProbeHost(t *testing.T) {
	d := device(t, onviftest.Axis())
	at := serve(t, d, "udp4")
	var found []discovery.Device
	for x, err := range discovery.ProbeHost(t.Context(), at.String(), &discovery.Options{Wait: 300 * time.Millisecond, Repeats: 1}) {
		require.NoError(t, err)
		found = append(found, x)
	}
	require.Len(t, found, 1)
	assert.Equal(t, "AXIS AXIS Q6045-TEST", found[0].Scope("name"))
}

func TestDiscoverEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := device(t, onviftest.Current())
	l := &lan{at: map[string][]net.Addr{"udp4": {serve(t, d, "udp4")}}}
	var last error
	n := 0
	for _, err := range discovery.Discover(ctx, &discovery.Options{Listen: l.listen, Interfaces: []net.Interface{{Name: "x"}}, Wait: time.Hour}) {
		n++
		last = err
		cancel()
	}
	require.ErrorIs(t, last, context.Canceled)
	assert.Equal(t, 2, n)
	for range discovery.Discover(t.Context(), &discovery.Options{Listen: l.listen, Interfaces: []net.Interface{{Name: "x"}}, Wait: time.Hour}) {
		break // the caller stops
	}
}

const match = `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header><a:RelatesTo>%s</a:RelatesTo></e:Header><e:Body><d:ProbeMatches>%s</d:ProbeMatches></e:Body></e:Envelope>`

const one = `<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference><d:Scopes>%s</d:Scopes><d:XAddrs>%s</d:XAddrs></d:ProbeMatch>`

// Case 111: an answer to another message is none of ours.
func TestParse(t *testing.T) {
	good := fmt.Sprintf(match, "urn:uuid:ABC", fmt.Sprintf(one, "onvif://www.onvif.org/name/A%20B", "http://192.0.2.1/x https://[2001:db8::1]/x file:///etc http://u:p@h/ x"))
	list, err := discovery.Parse([]byte(good), "urn:uuid:other", "uuid:abc")
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, "A B", list[0].Scope("name"))
	assert.Equal(t, []string{"http://192.0.2.1/x", "https://[2001:db8::1]/x"}, list[0].XAddrs)
	for name, bad := range map[string]string{
		"another message": good,
		"hello":           strings.ReplaceAll(good, "ProbeMatches", "Hello"),
		"nothing":         "",
		"nobody":          fmt.Sprintf(match, "abc", ""),
		"many":            fmt.Sprintf(match, "abc", strings.Repeat(fmt.Sprintf(one, "", ""), 100)),
		"large":           strings.Repeat("x", 70_000),
		"entities":        "<!DOCTYPE x>" + good,
		"no id":           fmt.Sprintf(match, "", fmt.Sprintf(one, "", "")),
	} {
		ids := []string{"abc"}
		if name == "another message" {
			ids = []string{"xyz", ""}
		}
		_, err := discovery.Parse([]byte(bad), ids...)
		require.ErrorIs(t, err, camsec.ErrMalformed, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(match, "urn:uuid:abc", fmt.Sprintf(one, "onvif://www.onvif.org/Profile/Q/FactoryDefault", "http://192.0.2.1/"))))
	f.Add([]byte(`<Envelope><Body><ProbeMatches/></Body></Envelope>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := discovery.Parse(b, "abc")
		if err != nil {
			require.ErrorIs(t, err, camsec.ErrMalformed)
			require.Nil(t, list)
			return
		}
		require.LessOrEqual(t, len(list), 64)
		for _, d := range list {
			require.True(t, d.Endpoint != "" || len(d.XAddrs) > 0)
			d.Scope("name")
			d.FactoryState()
		}
	})
}
