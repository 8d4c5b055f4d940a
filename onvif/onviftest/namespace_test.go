package onviftest_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/onvif/discovery"
	"github.com/camsec/camsec/onvif/onviftest"
)

// inNamespace runs a test once more, in a network namespace of its own, where
// multicast reaches nobody but us and every port is free. It returns true in
// the process that is in there, false in the one that has waited for it.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv("CAMSEC_NAMESPACE") == t.Name() {
		for _, args := range []string{
			"link set lo up multicast on",
			"route add 224.0.0.0/4 dev lo", // where programs send that name no interface
			"link add cam0 type veth peer name cam1",
			"link set cam0 addrgenmode none up", // addresses that are good at once
			"link set cam1 addrgenmode none up",
			"addr add 192.0.2.1/24 dev cam0",
			"addr add fe80::1/64 dev cam0 nodad",
			"addr add fe80::2/64 dev cam1 nodad",
		} {
			out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(args)...).CombinedOutput()
			require.NoError(t, err, "ip %s: %s", args, out)
		}
		return true
	}
	for _, tool := range []string{"ip", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, tool)
		}
	}
	unshare := []string{"unshare", "--net"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--map-root-user")
	}
	if out, err := exec.CommandContext(t.Context(), unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		missing(t, "leave for a network namespace ("+strings.TrimSpace(string(out))+")")
	}
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), unshare[0], append(unshare[1:], self, "-test.run=^"+t.Name()+"$", "-test.v")...)
	cmd.Env = append(os.Environ(), "CAMSEC_NAMESPACE="+t.Name(), "GOCOVERDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+t.Name(), "the test did not run in there")
	return false
}

// announce has a device answer to multicast on an interface.
func announce(t *testing.T, d *onviftest.Device, on string, group netip.AddrPort) {
	t.Helper()
	i, err := net.InterfaceByName(on)
	require.NoError(t, err)
	network := "udp4"
	if group.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenMulticastUDP(network, i, net.UDPAddrFromAddrPort(group))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- d.ServeDiscovery(conn) }()
	t.Cleanup(func() {
		assert.NoError(t, conn.Close())
		assert.NoError(t, <-done)
	})
}

// Debian's onvif-util finds its device by WS-Discovery, and so by multicast. It
// sends a UsernameToken only, and makes nonces that repeat within a
// millisecond, which a device on this machine is quick enough to see.
func TestOnvifUtil(t *testing.T) {
	if _, err := exec.LookPath("onvif-util"); err != nil {
		missing(t, "onvif-util")
	}
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	p := onviftest.Dahua()
	p.Skew = -time.Hour // "sync_time" is to mend it
	p.Window = 0
	p.Faults.TakesReplays = true
	d, err := onviftest.Start(p, &onviftest.Options{Address: "127.0.0.1:80"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	announce(t, d, "lo", discovery.Group4)

	util := func(input string, args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "onvif-util", args...)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	assert.Contains(t, util("", "-a"), "Dahua "+p.Model)

	said := util("get time\nsync_time\nset password Fresh-Paint-77\nquit\n", "-u", d.User(), "-p", d.Password(), "127.0.0.1")
	assert.Contains(t, said, p.Serial)
	assert.Regexp(t, `Time Offset: -3(599|600|601) seconds`, said) // it counts whole seconds of two clocks
	assert.Contains(t, said, "Admin password has been reset")
	assert.Equal(t, "Fresh-Paint-77", d.Password())

	said = util("get time\nreboot\nyes\nquit\n", "-u", d.User(), "-p", "Fresh-Paint-77", "127.0.0.1")
	assert.Regexp(t, "Time Offset: (0|-1) seconds", said)
	assert.Contains(t, said, "Camera is rebooting")
	var writes []string
	for _, w := range d.Writes() {
		writes = append(writes, w.Operation+" by "+w.User)
	}
	assert.Equal(t, []string{"SetSystemDateAndTime by admin", "SetUser by admin", "SystemReboot by admin"}, writes)
	assert.Equal(t, 1, d.Reboots())
}

// Our own discovery with its own sockets: on every interface, by IPv4 and IPv6
// multicast, each device told once.
func TestDiscoveryByMulticast(t *testing.T) {
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	var both, six *onviftest.Device
	for _, d := range []**onviftest.Device{&both, &six} {
		p := onviftest.Current()
		if d == &six {
			p = onviftest.Bosch()
		}
		var err error
		*d, err = onviftest.Start(p, &onviftest.Options{InProcess: true})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, (*d).Close()) })
	}
	announce(t, both, "cam0", discovery.Group4)
	announce(t, both, "cam0", discovery.Group6)
	announce(t, six, "cam1", discovery.Group6) // at the other end of the cable
	found, told := map[string]discovery.Device{}, 0
	for d, err := range discovery.Discover(t.Context(), &discovery.Options{Wait: time.Second}) {
		require.NoError(t, err)
		told++
		found[d.Scope("hardware")] = d
	}
	require.Len(t, found, 2)
	assert.Equal(t, 2, told)
	assert.Contains(t, found, "SIM-2600")
	assert.True(t, found["FLEXIDOME TEST"].From.Addr().Is6(), found["FLEXIDOME TEST"].From)
}
