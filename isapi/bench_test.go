package isapi_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest/measure"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// TestMain also runs the roles of benchmarks, which need processes of their own.
func TestMain(m *testing.M) {
	measure.Main(m, map[string]func([]string){
		"device": serveOne,
		"site": func(args []string) {
			n, _ := strconv.Atoi(args[0])
			coldSite(n).Serve()
		},
		"audit-site": func(args []string) {
			n, _ := strconv.Atoi(args[0])
			auditSite(n).Serve()
		},
		"audit": visitAudit,
		"cold":  visitCold,
		"bare":  visitBare,
	})
}

// serveOne serves a simulated device and, beside it, its document without a
// login, until standard input ends.
func serveOne([]string) {
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
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// BenchmarkDeviceInfo compares a call with digest authentication with what
// anybody would write for the same document without any: a GET of net/http
// and encoding/xml.
func BenchmarkDeviceInfo(b *testing.B) {
	ctx := b.Context()
	f := strings.Fields(measure.Start(b, "device", 0).Line())
	require.Len(b, f, 4)

	var bare measure.Cost
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		bare = measure.Calls(b, func() error {
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
		measure.Calls(b, func() error {
			_, err := c.DeviceInfo(ctx)
			return err
		}).ReportAgainst(b, bare)
	})
}
