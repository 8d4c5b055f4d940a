// Command firmware-report lists which firmware devices run, the cameras
// behind recorders among them.
//
//	CAMSEC_USER=admin CAMSEC_PASSWORD_FILE=pw firmware-report 10.0.0.5 10.0.0.6
//
// Without an address it reports on a simulated recorder.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "firmware-report:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addresses []string, w io.Writer) error {
	source, err := credential()
	if err != nil {
		return err
	}
	if len(addresses) == 0 {
		sim, err := isapitest.Start(isapitest.Recorder(), nil)
		if err != nil {
			return err
		}
		defer func() { _ = sim.Close() }()
		source = auth.Static(sim.User(), camsec.NewSecret([]byte(sim.Password())))
		addresses = []string{sim.Addr()}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "DEVICE\tMODEL\tVERSION\tBUILD\tRELEASED")
	var errs []error
	for _, address := range addresses {
		if err := report(ctx, tw, address, source); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", address, err))
		}
	}
	return errors.Join(append(errs, tw.Flush())...)
}

// credential reads who to log in as; without a user there is no login.
func credential() (auth.Source, error) {
	user := os.Getenv("CAMSEC_USER")
	if user == "" {
		return nil, nil
	}
	b, err := os.ReadFile(os.Getenv("CAMSEC_PASSWORD_FILE"))
	if err != nil {
		return nil, fmt.Errorf("CAMSEC_PASSWORD_FILE: %w", err)
	}
	return auth.Static(user, camsec.NewSecret([]byte(strings.TrimRight(string(b), "\r\n")))), nil
}

func report(ctx context.Context, w io.Writer, address string, source auth.Source) error {
	c, err := isapi.New(address, source, &isapi.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	inv, err := c.Device().Inventory(ctx)
	if err != nil {
		return err
	}
	line(w, address, inv.Model, inv.Firmware)
	for _, ch := range inv.Channels {
		line(w, "  channel "+ch.ID, ch.Model, ch.Firmware)
	}
	return nil
}

// line says "unknown" for what was not reported, and quotes what a device
// wrote so that it cannot play with the terminal.
func line(w io.Writer, name, model string, f camsec.Firmware) {
	_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, plain(model), plain(cmp.Or(f.Version, f.Raw)), plain(f.Build), plain(f.Released))
}

func plain(s string) string {
	if s == "" {
		return "unknown"
	}
	q := fmt.Sprintf("%+q", s)
	return q[1 : len(q)-1]
}
