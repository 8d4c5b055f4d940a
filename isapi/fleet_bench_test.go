package isapi_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/auth/authtest/measure"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/stretchr/testify/require"
)

// far makes a device as far away as a round trip: each write that follows a
// read waits that long.
type far struct {
	net.Conn
	trip time.Duration
	read atomic.Bool
}

func (c *far) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Store(true)
	return n, err
}

func (c *far) Write(b []byte) (int, error) {
	if c.read.Swap(false) {
		time.Sleep(c.trip)
	}
	return c.Conn.Write(b)
}

// A park is a fleet of targets on fewer simulated devices.
type park struct {
	devices []*isapitest.Device
	trip    time.Duration
	timeout time.Duration // of an exchange
}

func newPark(b *testing.B, n int, trip time.Duration) *park {
	b.Helper()
	p := &park{trip: trip}
	for range n {
		d, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = d.Close() })
		p.devices = append(p.devices, d)
	}
	return p
}

// audit reads a device whole, as one visit of a fleet.
func (p *park) audit(ctx context.Context, i int, target camsec.Target) (*camsec.Snapshot, error) {
	d := p.devices[i%len(p.devices)]
	c, err := isapi.New("http://camera.test", auth.Static(d.User(), camsec.NewSecret([]byte(d.Password()))), &isapi.Options{
		Target: target, ReadOnly: true,
		Timeouts: wire.Timeouts{Total: p.timeout},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := d.Host().DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			f := &far{Conn: conn, trip: p.trip}
			f.read.Store(true)
			return f, nil
		},
	})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return camsec.Collect(ctx, c.Device(), &camsec.CollectOptions{Target: target, Protocol: "isapi"})
}

func indexed(n int) []camsec.Target {
	out := make([]camsec.Target, n)
	for i := range out {
		out[i] = camsec.Target{ID: fmt.Sprintf("cam-%05d", i), Scope: fmt.Sprintf("site-%d", i%100)}
	}
	return out
}

// auditSite are devices with every document of a simulated camera.
func auditSite(n int) measure.Site {
	d, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true})
	if err != nil {
		panic(err)
	}
	defer d.Close()
	s := coldSite(n)
	for _, op := range isapi.Operations() {
		if doc := d.Document("GET " + op.Path); op.Method == http.MethodGet && doc != nil {
			path, _, _ := strings.Cut(op.Path, "?")
			s.Closed[path] = string(doc)
		}
	}
	return s
}

// visitAudit reads each device whole and judges it, with a login and a budget
// that survives the process.
func visitAudit([]string) {
	run := told()
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	budget, err := auth.OpenFileBudget(run.State, nil)
	if err != nil {
		panic(err)
	}
	site, controls, pool := coldSite(0), camsec.Controls(), wire.NewPool(nil)
	source := auth.Static(site.User, camsec.NewSecret([]byte(site.Password)))
	visit := func(ctx context.Context, t camsec.Target) (*camsec.Snapshot, error) {
		c, err := isapi.New(t.Address, source, &isapi.Options{Target: t, Budget: budget, ReadOnly: true, Pool: pool})
		if err != nil {
			return nil, err
		}
		defer c.Close()
		return camsec.Collect(ctx, c.Device(), &camsec.CollectOptions{Target: t, Protocol: "isapi"})
	}
	done := 0
	for v := range camsec.Run(context.Background(), run.targets, visit, &camsec.RunOptions{Limits: camsec.Limits{All: run.InFlight}}) {
		if v.Err != nil || v.Value.Setting("service.ssh").State != camsec.StateOff || camsec.Judge(v.Value, controls, time.Now()).Summary.Pass == 0 {
			run.Lost++
		}
		if done++; done%1000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			run.Held = max(run.Held, now.HeapAlloc+now.StackInuse-min(now.HeapAlloc, before.HeapAlloc+before.StackInuse))
		}
	}
	run.print(began)
}

// Ten thousand devices audited and judged in one process, each 20 ms away:
// what a device in flight costs in memory, what it is asked, and how the run
// compares with what the round trips alone take: requests and the connection x
// time / visits at once. Devices are in another process, on the same
// processors.
func BenchmarkFleetAudit(b *testing.B) {
	const n, inFlight = 10_000, 300
	site := measure.StartSite(b, "audit-site", n, strconv.Itoa(n))
	for b.Loop() {
		site.Totals()
		run, took := coldRun{InFlight: inFlight, Addresses: site.Addresses}.visit(b, "audit")
		t := site.Totals()
		require.Zero(b, t.Failed)
		requests := float64(t.Requests) / n
		bound := time.Duration((requests + 1) * float64(coldSite(0).Trip) * n / inFlight)
		b.ReportMetric(float64(run.Held)/inFlight/1024, "KiB/in-flight")
		b.ReportMetric(float64(run.Allocated)/1024, "KiB/device")
		b.ReportMetric(requests, "requests/device")
		b.ReportMetric(run.Wall.Seconds(), "wall-s")
		b.ReportMetric(float64(run.Wall)/float64(bound), "wall/bound")
		b.ReportMetric(took.CPU.Seconds()*1000/n, "cpu-ms/device")
		b.ReportMetric(took.Peak, "MiB")
		b.ReportMetric(float64(run.Lost), "lost")
	}
}

// One device among a hundred that is slow, endless or lying costs the others
// its own slot and nothing else: the time of the other ninety-nine with it,
// divided by the time of ninety-nine without.
func BenchmarkHostileDevice(b *testing.B) {
	for name, fault := range map[string]authtest.Fault{
		"slow":    {Tick: make(chan struct{}), Body: make([]byte, 1<<20)},
		"endless": {Body: []byte("<a>"), Endless: 1 << 40},
		"lying":   {Raw: []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html>nonsense")},
	} {
		b.Run(name, func(b *testing.B) {
			run := func(hostile bool) time.Duration {
				p := newPark(b, 100, 5*time.Millisecond)
				p.timeout = 2 * time.Second
				if hostile {
					p.devices[0].Host().Script(fault)
				}
				var others time.Duration
				began := time.Now()
				visit := func(ctx context.Context, t camsec.Target) (*camsec.Snapshot, error) {
					var i int
					_, _ = fmt.Sscanf(t.ID, "cam-%d", &i)
					return p.audit(ctx, i, t)
				}
				targets := indexed(100)
				if !hostile {
					targets = targets[1:]
				}
				opts := &camsec.RunOptions{Limits: camsec.Limits{All: 10}, Tries: 1}
				for v := range camsec.Run(b.Context(), slices.Values(targets), visit, opts) {
					if v.Target.ID != "cam-00000" {
						if v.Err != nil {
							b.Fatal(v.Err)
						}
						others = time.Since(began)
					}
				}
				return others
			}
			for b.Loop() {
				alone := run(false)
				b.ReportMetric(float64(run(true))/float64(alone), "with/without")
			}
		})
	}
}
