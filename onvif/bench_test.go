package onvif_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest/measure"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// TestMain also runs the role of a benchmark, which needs a process of its own.
func TestMain(m *testing.M) {
	measure.Main(m, map[string]func([]string){"devices": serveTwo})
}

// serveTwo serves two simulated devices, one for digest and one for tokens, and
// beside them the same reply without a login, until standard input ends.
func serveTwo([]string) {
	var words []string
	var reply string
	for _, p := range []onviftest.Profile{onviftest.Axis(), onviftest.Sunba()} {
		p.Style = onviftest.StyleS
		d, err := onviftest.Start(p, nil)
		if err != nil {
			panic(err)
		}
		c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
		if err != nil {
			panic(err)
		}
		if _, err := c.DeviceInformation(context.Background()); err != nil {
			panic(err)
		}
		reply = d.LastReply("GetDeviceInformation")
		words = append(words, d.Addr(), d.User(), d.Password())
	}
	open := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // loopback, for a benchmark
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, reply)
	})}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = open.Serve(l) }()
	fmt.Println(strings.Join(append(words, "http://"+l.Addr().String()), " "))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

const request = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Body><tds:GetDeviceInformation/></s:Body></s:Envelope>`

type information struct {
	Body struct {
		Response struct {
			Manufacturer    string
			Model           string
			FirmwareVersion string
			SerialNumber    string
			HardwareId      string
		} `xml:"GetDeviceInformationResponse"`
	}
}

// BenchmarkDeviceInformation compares a call with a login by digest, and by
// token, with what anybody would write for the same reply without any: a POST
// of net/http with a ready body, and encoding/xml.
func BenchmarkDeviceInformation(b *testing.B) {
	ctx := b.Context()
	f := strings.Fields(measure.Start(b, "devices", 0).Line())
	require.Len(b, f, 7)

	var bare measure.Cost
	b.Run("bare", func(b *testing.B) {
		client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
		bare = measure.Calls(b, func() error {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, f[6]+"/onvif/device_service", bytes.NewReader([]byte(request)))
			if err != nil {
				return err
			}
			req.Header.Set("Content-Type", "application/soap+xml; charset=utf-8")
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			var v information
			return xml.Unmarshal(body, &v)
		})
	})
	for i, name := range []string{"digest", "token"} {
		b.Run(name, func(b *testing.B) {
			n := &counted{rt: wire.NewHTTPTransport(wire.TransportOptions{})}
			c, err := onvif.New(f[3*i], auth.Static(f[3*i+1], secret(f[3*i+2])), &onvif.Options{Base: n})
			require.NoError(b, err)
			calls := 0
			own := measure.Calls(b, func() error {
				if calls++; calls == 4 { // of which the first log in
					n.n = 0
				}
				_, err := c.DeviceInformation(ctx)
				return err
			})
			b.ReportMetric(float64(n.n)/float64(calls-3), "requests/call")
			own.ReportAgainst(b, bare)
		})
	}
}

// BenchmarkDecode compares the reading of a reply of 100 kB with encoding/xml.
func BenchmarkDecode(b *testing.B) {
	one := "<tds:User><tt:Username>user-of-some-length</tt:Username><tt:UserLevel>Operator</tt:UserLevel></tds:User>"
	doc := []byte(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"><s:Body><tds:GetUsersResponse>` +
		strings.Repeat(one, 100_000/len(one)) + `</tds:GetUsersResponse></s:Body></s:Envelope>`)
	b.Run("encoding-xml", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v struct {
				Body struct {
					Users []struct{ Username, UserLevel string } `xml:"GetUsersResponse>User"`
				}
			}
			if err := xml.Unmarshal(doc, &v); err != nil || len(v.Body.Users) < 900 {
				b.Fatal(err, len(v.Body.Users))
			}
		}
	})
	b.Run("onvif", func(b *testing.B) {
		c, err := onvif.New("http://192.0.2.1", nil, &onvif.Options{Base: canned{kind: "application/soap+xml", body: doc}})
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			users, err := c.Users(context.Background())
			if err != nil || len(users) < 900 {
				b.Fatal(err)
			}
		}
	})
}
