package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

// The benchmarks run the command in one process and the devices in another, so
// that what these use does not count. Both are this test program again, told
// apart by an environment variable.
const (
	benchRole = "CAMSEC_BENCH_ROLE" // devices, command or floor
	benchArgs = "CAMSEC_BENCH_ARGS" // of devices: number and round-trip time
	roundTrip = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	switch os.Getenv(benchRole) {
	case "":
		os.Exit(m.Run())
	case "devices":
		serveDevices()
	case "command":
		main()
	case "floor":
		visitBare()
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

// benchTotals is what the devices saw.
type benchTotals struct {
	Requests, Failed int
	Connections      int64 // most at once
}

// serveDevices serves simulated cameras until standard input ends, and prints
// their addresses and then, for each line read, totals.
func serveDevices() {
	var n int
	_, _ = fmt.Sscan(os.Getenv(benchArgs), &n)
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
	fmt.Println(devices[0].User(), devices[0].Password())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		t := benchTotals{Connections: most.Swap(0)}
		for _, d := range devices {
			t.Requests += d.Host().Requests()
			t.Failed += d.Host().FailedLogins()
		}
		_ = json.NewEncoder(os.Stdout).Encode(t)
	}
	os.Exit(0)
}

// visitBare is the floor: two requests to each device, which is what a login
// takes, by net/http alone, with no login, no budget and nothing read.
func visitBare() {
	f := strings.Fields(os.Getenv(benchArgs))
	inFlight, _ := strconv.Atoi(f[0])
	addresses := f[1:]
	start := time.Now()
	each(context.Background(), len(addresses), inFlight, func(i int) {
		tr := &http.Transport{}
		defer tr.CloseIdleConnections()
		for range 2 {
			resp, err := (&http.Client{Transport: tr}).Get("http://" + addresses[i] + "/ISAPI/System/activate")
			if err != nil {
				panic(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
	fmt.Println(time.Since(start).Seconds())
	os.Exit(0)
}

// A site is devices in another process.
type site struct {
	addresses      []string
	user, password string
	in             io.WriteCloser
	out            *bufio.Reader
	before         benchTotals
}

func newSite(b *testing.B, n int) *site {
	cmd := again(b, "devices", strconv.Itoa(n))
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	cmd.Stderr = os.Stderr
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	s := &site{in: in, out: bufio.NewReader(out)}
	for range n {
		line, err := s.out.ReadString('\n')
		require.NoError(b, err)
		s.addresses = append(s.addresses, strings.TrimSpace(line))
	}
	_, err = fmt.Fscan(s.out, &s.user, &s.password)
	require.NoError(b, err)
	_, err = s.out.ReadString('\n')
	require.NoError(b, err)
	return s
}

// totals returns what the devices saw since the last call.
func (s *site) totals(b *testing.B) benchTotals {
	_, err := fmt.Fprintln(s.in)
	require.NoError(b, err)
	line, err := s.out.ReadString('\n')
	require.NoError(b, err)
	var t benchTotals
	require.NoError(b, json.Unmarshal([]byte(line), &t))
	d := benchTotals{t.Requests - s.before.Requests, t.Failed - s.before.Failed, t.Connections}
	s.before = t
	return d
}

// again is this test program in another role.
func again(b *testing.B, role, args string, command ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.CommandContext(b.Context(), self, command...)
	cmd.Env = append(os.Environ(), benchRole+"="+role, benchArgs+"="+args)
	return cmd
}

// A fleetRun is what one run of the command took.
type fleetRun struct {
	wall  time.Duration // of the visits, as the document says
	peak  float64       // MiB of memory, the most there was
	files int           // most open at once
	lost  int           // devices without a firmware version
	cpu   time.Duration // of the command's process, user and system
}

// fleet runs the command over the site. A limit above zero is the most files
// that it may have open.
func (s *site) fleet(b *testing.B, command string, inFlight, limit int) fleetRun {
	dir := b.TempDir()
	list, err := os.Create(filepath.Join(dir, "list.csv"))
	require.NoError(b, err)
	w := csv.NewWriter(list)
	require.NoError(b, w.Write([]string{"address"}))
	for _, a := range s.addresses {
		require.NoError(b, w.Write([]string{"http://" + a}))
	}
	w.Flush()
	require.NoError(b, list.Close())
	require.NoError(b, os.WriteFile(filepath.Join(dir, "pw"), []byte(s.password), 0o600))
	args := []string{
		command, "-json", "-inventory", list.Name(), "-in-flight", strconv.Itoa(inFlight),
		"-user", s.user, "-password-file", filepath.Join(dir, "pw"), "-state", filepath.Join(dir, "state"),
	}
	cmd := again(b, "command", "", args...)
	if limit > 0 {
		sh := exec.CommandContext(b.Context(), "sh", append([]string{"-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, limit), cmd.Path}, args...)...)
		sh.Env = cmd.Env
		cmd = sh
	}
	out, err := os.Create(filepath.Join(dir, "out.json"))
	require.NoError(b, err)
	defer out.Close()
	cmd.Stdout = out
	require.NoError(b, cmd.Start())
	done := make(chan struct{})
	var r fleetRun
	var wg sync.WaitGroup
	wg.Go(func() { r.peak, r.files = watch(cmd.Process.Pid, done) })
	_ = cmd.Wait() // an audit ends with findings
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	close(done)
	wg.Wait()
	_, err = out.Seek(0, io.SeekStart)
	require.NoError(b, err)
	var doc struct {
		Run     struct{ StartedAt, FinishedAt time.Time }
		Devices []struct{ Firmware *struct{ Version string } }
	}
	require.NoError(b, json.NewDecoder(out).Decode(&doc))
	require.Len(b, doc.Devices, len(s.addresses))
	for _, d := range doc.Devices {
		if d.Firmware == nil || d.Firmware.Version == "" {
			r.lost++
		}
	}
	r.wall = doc.Run.FinishedAt.Sub(doc.Run.StartedAt)
	return r
}

// watch samples a process until done; where /proc is missing it finds nothing.
func watch(pid int, done <-chan struct{}) (peak float64, files int) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if d, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
			if names, err := d.Readdirnames(-1); err == nil {
				files = max(files, len(names))
			}
			_ = d.Close()
		}
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			if _, rest, ok := strings.Cut(string(b), "VmHWM:"); ok {
				var kib float64
				_, _ = fmt.Sscan(rest, &kib)
				peak = max(peak, kib/1024)
			}
		}
		select {
		case <-tick.C:
		case <-done:
			return peak, files
		}
	}
}

// floor visits the site by net/http alone.
func (s *site) floor(b *testing.B, inFlight int) time.Duration {
	out, err := again(b, "floor", strconv.Itoa(inFlight)+" "+strings.Join(s.addresses, " ")).Output()
	require.NoError(b, err)
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	require.NoError(b, err)
	return time.Duration(seconds * float64(time.Second))
}

// BenchmarkFleet inventories and audits 1,000 devices that are 20 ms away. The
// bound is what the round trips alone take: rounds x time / devices in flight,
// where a round is a request or the start of a connection.
func BenchmarkFleet(b *testing.B) {
	const devices = 1000
	s := newSite(b, devices)
	for _, command := range []string{"inventory", "audit"} {
		b.Run(command, func(b *testing.B) {
			for b.Loop() {
				s.totals(b)
				r := s.fleet(b, command, defaultInFlight, 0)
				t := s.totals(b)
				require.Zero(b, r.lost)
				require.Zero(b, t.Failed)
				rounds := float64(t.Requests)/devices + 1
				bound := time.Duration(rounds * devices / defaultInFlight * float64(roundTrip))
				b.ReportMetric(r.wall.Seconds(), "wall-s")
				b.ReportMetric(r.wall.Seconds()/bound.Seconds(), "wall/bound")
				b.ReportMetric(r.cpu.Seconds()*1000, "cpu-ms")
				b.ReportMetric(r.peak, "MiB")
				b.ReportMetric(rounds, "rounds/device")
				b.ReportMetric(float64(r.files), "files")
			}
		})
	}
}

// BenchmarkCold reads the firmware version of 2,000 devices that no process
// has talked to before, many at once, and the same under a hard limit of 1,024
// open files, beside two bare requests to each.
func BenchmarkCold(b *testing.B) {
	const devices, inFlight = 2000, 300
	s := newSite(b, devices)
	for name, limit := range map[string]int{"free": 0, "1024-files": 1024} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				floor := s.floor(b, inFlight)
				s.totals(b)
				r := s.fleet(b, "inventory", inFlight, limit)
				t := s.totals(b)
				b.ReportMetric(r.wall.Seconds()*1000, "wall-ms")
				b.ReportMetric(r.wall.Seconds()/floor.Seconds(), "wall/floor")
				b.ReportMetric(r.cpu.Seconds()*1000, "cpu-ms")
				b.ReportMetric(r.peak, "MiB")
				b.ReportMetric(float64(r.files), "files")
				b.ReportMetric(float64(t.Connections), "connections")
				b.ReportMetric(float64(r.lost), "lost")
				b.ReportMetric(float64(t.Requests)/devices, "requests/device")
			}
		})
	}
}
