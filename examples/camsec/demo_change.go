package main

import (
	"context"
	"fmt"
	"net"
	"text/tabwriter"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/password"
	"github.com/camsec/camsec/firmware/advisory"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// demoChange is the changing half of the demo: on one simulated camera a new
// password is set and proven by a fresh login, telnet and SSH are switched off
// and seen closed, and the camera is audited again.
func demoChange(ctx context.Context, e *env, d simDevice, camera *isapitest.Device, before *camsec.Report) error {
	client, err := isapi.New(d.Address, auth.Static(d.User, camsec.NewSecret([]byte(d.Password))), nil)
	if err != nil {
		return err
	}
	defer client.Close()
	dev := client.Device()
	_, _ = fmt.Fprintf(e.stdout, "\nChanges to %s\n", d.Address)
	tw := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)

	fresh, err := password.Generate(nil, password.Hikvision, d.User)
	if err != nil {
		return err
	}
	change, err := camsec.SetPassword(ctx, dev, camsec.Account{Store: camsec.StoreDevice, Name: d.User}, fresh)
	if err != nil {
		return fmt.Errorf("new password (%s): %w", change.Outcome, err)
	}
	row(tw, "password of "+d.User, change.Outcome.String(), change.Proof)
	for _, s := range []struct{ id, port string }{
		{"service.telnet", camera.Port("telnet")},
		{"service.ssh", camera.Port("ssh")},
	} {
		was := portState(ctx, s.port)
		change, err := camsec.SetSetting(ctx, dev, s.id, camsec.ValueOf(false))
		if err != nil {
			return fmt.Errorf("%s (%s): %w", s.id, change.Outcome, err)
		}
		row(tw, s.id+" off", change.Outcome.String(), fmt.Sprintf("%s; port %s before, %s now", change.Proof, was, portState(ctx, s.port)))
	}
	if err := tw.Flush(); err != nil {
		return err
	}

	d.Password = camera.Password()
	fl, err := demoFleet(e, []simDevice{d})
	if err != nil {
		return err
	}
	var after *camsec.Report
	judge := judging(advisory.Embedded(), time.Now())
	fl.visit(ctx, camsec.Collect, func(_ int, v visit) { after = judge(v) })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, _ = fmt.Fprintln(e.stdout, "\nBefore and after")
	tw = tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	row(tw, "CONTROL", "BEFORE", "AFTER", "HOLDS WHEN")
	now := map[string]camsec.Status{}
	for _, r := range after.Results {
		now[r.Control] = r.Status
	}
	for _, r := range before.Results {
		if s, ok := now[r.Control]; ok && s != r.Status {
			row(tw, r.Control, r.Status.String(), s.String(), r.Title)
		}
	}
	return tw.Flush()
}

// portState tells whether a port takes connections.
func portState(ctx context.Context, addr string) string {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "closed"
	}
	_ = conn.Close()
	return "open"
}
