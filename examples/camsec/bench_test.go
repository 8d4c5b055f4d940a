package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest/measure"
	"github.com/camsec/camsec/isapi/isapitest"
)

// The benchmarks run the command in one process and the devices in another, so
// that what these use does not count. Both are this test program again.

const roundTrip = 20 * time.Millisecond

func TestMain(m *testing.M) {
	measure.Main(m, map[string]func([]string){
		"command": func([]string) { main() },
		"cameras": func(args []string) { serveCameras(count(args)) },
		"site":    func(args []string) { thinSite(count(args)).Serve() },
	})
}

func count(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		panic(err)
	}
	return n
}

// thinSite are devices that only inventory can be taken of, and that cost next
// to nothing.
func thinSite(n int) measure.Site {
	const head = `<?xml version="1.0" encoding="UTF-8"?>`
	p := isapitest.CurrentCamera()
	return measure.Site{
		Devices: n, Trip: roundTrip, User: p.User, Password: p.Password, Type: "application/xml",
		Open: map[string]string{"/SDK/activateStatus": head + `<ActivateStatus version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><Activated>true</Activated></ActivateStatus>`},
		Closed: map[string]string{"/ISAPI/System/deviceInfo": head + `<DeviceInfo version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><deviceName>Gate</deviceName>` +
			`<model>DS-2CD2143G2-I</model><serialNumber>DS-2CD2143G2-I20230304AAWRK00000001</serialNumber><macAddress>24:28:fd:00:00:01</macAddress>` +
			`<firmwareVersion>V5.7.18</firmwareVersion><firmwareReleasedDate>build 240826</firmwareReleasedDate><deviceType>IPCamera</deviceType></DeviceInfo>`},
	}
}

// A distantListener seems to be a round-trip time away: that long a connection
// takes until its first byte arrives, in place of the TCP handshake.
type distantListener struct {
	net.Listener
	open, most *atomic.Int64
}

func (l distantListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n := l.open.Add(1)
	for m := l.most.Load(); n > m && !l.most.CompareAndSwap(m, n); m = l.most.Load() {
	}
	return &distantConn{Conn: c, open: l.open}, nil
}

type distantConn struct {
	net.Conn
	open        *atomic.Int64
	first, last sync.Once
}

func (c *distantConn) Read(p []byte) (int, error) {
	c.first.Do(func() { time.Sleep(roundTrip) })
	return c.Conn.Read(p)
}

func (c *distantConn) Close() error {
	c.last.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// serveCameras serves simulated cameras as [measure.Site] serves its devices.
func serveCameras(n int) {
	var open, most atomic.Int64
	devices := make([]*isapitest.Device, n)
	for i := range devices {
		dev, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true})
		if err != nil {
			panic(err)
		}
		devices[i] = dev
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		distant := http.Server{ //nolint:gosec // loopback, for a benchmark
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(roundTrip)
				dev.Host().ServeHTTP(w, r)
			}),
		}
		go func() { _ = distant.Serve(distantListener{l, &open, &most}) }()
		fmt.Println(l.Addr())
	}
	var before measure.SiteTotals
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		now := measure.SiteTotals{Most: most.Swap(open.Load())}
		for _, d := range devices {
			now.Requests += int64(d.Host().Requests())
			now.Failed += int64(d.Host().FailedLogins())
		}
		_ = json.NewEncoder(os.Stdout).Encode(measure.SiteTotals{Requests: now.Requests - before.Requests, Failed: now.Failed - before.Failed, Most: now.Most})
		before = now
	}
}

// A fleetRun is what one run of the command took.
type fleetRun struct {
	measure.Usage
	wall time.Duration // of the visits, as the document says
	lost int           // devices without a firmware version
}

// visitSite runs the command over the site, whose rows name the protocol if one is
// given. A limit above zero is the most files that it may have open.
func visitSite(b *testing.B, s *measure.RunningSite, command, protocol string, inFlight, limit int) fleetRun {
	dir := b.TempDir()
	list, err := os.Create(filepath.Join(dir, "list.csv"))
	require.NoError(b, err)
	w := csv.NewWriter(list)
	require.NoError(b, w.Write([]string{"address", "protocol"}))
	for _, a := range s.Addresses {
		require.NoError(b, w.Write([]string{"http://" + a, protocol}))
	}
	w.Flush()
	require.NoError(b, list.Close())
	p := isapitest.CurrentCamera()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "pw"), []byte(p.Password), 0o600))
	cmd := measure.Start(
		b, "command", limit,
		command, "-json", "-inventory", list.Name(), "-in-flight", strconv.Itoa(inFlight),
		"-user", p.User, "-password-file", filepath.Join(dir, "pw"), "-state", filepath.Join(dir, "state"),
	)
	cmd.Watch()
	var doc struct {
		Run     struct{ StartedAt, FinishedAt time.Time }
		Devices []struct{ Firmware *struct{ Version string } }
	}
	require.NoError(b, json.Unmarshal(cmd.Output(), &doc))
	r := fleetRun{Usage: cmd.Wait(), wall: doc.Run.FinishedAt.Sub(doc.Run.StartedAt)}
	require.Len(b, doc.Devices, len(s.Addresses))
	for _, d := range doc.Devices {
		if d.Firmware == nil || d.Firmware.Version == "" {
			r.lost++
		}
	}
	return r
}

// BenchmarkFleet inventories and audits 1,000 devices that are 20 ms away. The
// bound is what the round trips alone take: rounds x time / devices in flight,
// where a round is a request or the start of a connection.
func BenchmarkFleet(b *testing.B) {
	const devices = 1000
	s := measure.StartSite(b, "cameras", devices, strconv.Itoa(devices))
	for _, command := range []string{"inventory", "audit"} {
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				s.Totals()
				r := visitSite(b, s, command, "", defaultInFlight, 0)
				t := s.Totals()
				require.Zero(b, r.lost)
				require.Zero(b, t.Failed)
				rounds := float64(t.Requests)/devices + 1
				bound := time.Duration(rounds * devices / defaultInFlight * float64(roundTrip))
				b.ReportMetric(r.wall.Seconds(), "wall-s")
				b.ReportMetric(r.wall.Seconds()/bound.Seconds(), "wall/bound")
				b.ReportMetric(rounds, "rounds/device")
				r.report(b)
			}
		})
	}
}

func (r fleetRun) report(b *testing.B) {
	b.ReportMetric(r.CPU.Seconds()*1000, "cpu-ms")
	b.ReportMetric(r.Peak, "MiB")
	b.ReportMetric(float64(r.Files), "files")
}

// BenchmarkCold runs the command over 2,000 devices that no process has talked
// to before, many at once, and the same under a hard limit of 1,024 open
// files: where the command has to find out what a device speaks, and where the
// list says it. What the library takes is BenchmarkCold of package isapi.
func BenchmarkCold(b *testing.B) {
	const devices, inFlight = 2000, 300
	s := measure.StartSite(b, "site", devices, strconv.Itoa(devices))
	for _, protocol := range []string{"", "isapi"} {
		for _, limit := range []int{0, 1024} {
			b.Run(fmt.Sprintf("protocol=%s/files=%d", protocol, limit), func(b *testing.B) {
				for b.Loop() {
					s.Totals()
					r := visitSite(b, s, "inventory", protocol, inFlight, limit)
					t := s.Totals()
					require.Zero(b, t.Failed)
					b.ReportMetric(r.wall.Seconds()*1000, "wall-ms")
					b.ReportMetric(float64(t.Most), "connections")
					b.ReportMetric(float64(r.lost), "lost")
					b.ReportMetric(float64(t.Requests)/devices, "requests/device")
					r.report(b)
				}
			})
		}
	}
}
