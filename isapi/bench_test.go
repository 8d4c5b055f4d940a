package isapi_test

import (
	"bufio"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// benchDevice, when set in the environment, makes the test program a
// simulated device: what it allocates must not count as the client's.
const benchDevice = "CAMSEC_BENCH_DEVICE"

func TestMain(m *testing.M) {
	if os.Getenv(benchDevice) == "" {
		os.Exit(m.Run())
	}
	dev, err := isapitest.Start(isapitest.CurrentCamera(), nil)
	if err != nil {
		panic(err)
	}
	body := dev.Document("GET /ISAPI/System/deviceInfo")
	open := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })} //nolint:gosec // loopback, for a benchmark
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = open.Serve(l) }()
	fmt.Printf("%s %s %s http://%s\n", dev.Addr(), dev.User(), dev.Password(), l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark lets go
	_ = dev.Close()
	os.Exit(0)
}

// BenchmarkDeviceInfo compares a call with digest authentication with what
// anybody would write for the same document without any: a GET of net/http
// and encoding/xml.
func BenchmarkDeviceInfo(b *testing.B) {
	self, err := os.Executable()
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), benchDevice+"=1")
	stdin, err := cmd.StdinPipe()
	require.NoError(b, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	defer func() { _ = stdin.Close(); _ = cmd.Wait() }()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(b, err)
	f := strings.Fields(line)
	require.Len(b, f, 4)

	var bare, own cost
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		bare = measure(b, func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, f[3]+"/ISAPI/System/deviceInfo", nil)
			if err != nil {
				return err
			}
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			var v struct {
				Model    string `xml:"model"`
				Serial   string `xml:"serialNumber"`
				MAC      string `xml:"macAddress"`
				Firmware string `xml:"firmwareVersion"`
				Released string `xml:"firmwareReleasedDate"`
				Type     string `xml:"deviceType"`
			}
			return xml.Unmarshal(body, &v)
		})
	})
	b.Run("camsec", func(b *testing.B) {
		c, err := isapi.New(f[0], auth.Static(f[1], camsec.NewSecret([]byte(f[2]))), nil)
		require.NoError(b, err)
		defer c.Close()
		own = measure(b, func() error {
			_, err := c.DeviceInfo(ctx)
			return err
		})
		if bare.allocs > 0 {
			b.ReportMetric(own.bytes/bare.bytes, "B/bare")
			b.ReportMetric(own.allocs/bare.allocs, "allocs/bare")
		}
	})
}

// cost is what one call allocates.
type cost struct{ bytes, allocs float64 }

// measure runs call in steady state: its first run, which connects and logs
// in, does not count.
func measure(b *testing.B, call func() error) cost {
	require.NoError(b, call())
	b.ReportAllocs()
	var before, after runtime.MemStats
	n := 0
	for b.Loop() {
		if n == 0 {
			runtime.ReadMemStats(&before)
		}
		if err := call(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	runtime.ReadMemStats(&after)
	return cost{float64(after.TotalAlloc-before.TotalAlloc) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)}
}
