// Disable-services switches off what a camera should not run, and proves it:
// each switch is read back, and the port that answered before refuses
// connections. It changes nothing but a simulated camera that it starts itself.
//
//	go run ./examples/disable-services
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "disable-services:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	camera, err := isapitest.Start(isapitest.OldCamera(), &isapitest.Options{Ports: true})
	if err != nil {
		return err
	}
	defer camera.Close()
	camera.SetService("ssh", true)

	client, err := isapi.New(camera.Addr(), auth.Static(camera.User(), camsec.NewSecret([]byte(camera.Password()))), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	device := client.Device()

	for _, s := range []struct{ id, port string }{
		{"service.telnet", camera.Port("telnet")},
		{"service.ssh", camera.Port("ssh")},
		{"service.upnp", ""},
		{"service.cloud", ""},
		{"service.snmp.v1", ""},
	} {
		before := reachable(ctx, s.port)
		change, err := camsec.SetSetting(ctx, device, s.id, camsec.ValueOf(false))
		if err != nil {
			return fmt.Errorf("%s (%s): %w", s.id, change.Outcome, err)
		}
		_, _ = fmt.Fprintf(out, "%-16s off: %s, %s", s.id, change.Outcome, change.Proof)
		if s.port != "" {
			_, _ = fmt.Fprintf(out, "; port %s before, %s now", before, reachable(ctx, s.port))
		}
		_, _ = fmt.Fprintln(out)
	}
	return nil
}

// reachable tells whether a port takes connections. Closed means something only
// where the port was open before, seen from the same place.
func reachable(ctx context.Context, addr string) string {
	if addr == "" {
		return "not tried"
	}
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "closed"
	}
	_ = conn.Close()
	return "open"
}
