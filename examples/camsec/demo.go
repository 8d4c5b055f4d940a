package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/firmware/advisory"
	"github.com/camsec/camsec/isapi/isapitest"
)

// runDemo shows the whole way on simulated devices, over loopback: nothing
// else is reached and no state is kept.
func runDemo(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("demo", "")
	out := f.String("o", "", "write the report to `FILE` (default: camsec-report.html in a new temporary folder)")
	rest, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if len(rest) > 0 {
		return exit{}, usageErr(errors.New("demo takes no arguments: it visits simulated cameras only"))
	}
	devices, stop, err := startSim(3, simProfiles(), simOptions{ports: true})
	if err != nil {
		return exit{}, err
	}
	defer stop()
	// The first one is changed below.
	camera, ok := devices[0].device.(*isapitest.Device)
	if !ok {
		return exit{}, errors.New("the first simulated device does not speak ISAPI")
	}
	camera.SetService("ssh", true)
	_, _ = fmt.Fprintf(e.stdout, "Started %d simulated devices; nothing else is visited.\n\n", len(devices))
	fl, err := demoFleet(e, devices)
	if err != nil {
		return exit{}, err
	}
	judge := judging(advisory.Embedded(), time.Now())
	inventory := make([]deviceJSON, len(fl.members))
	reports := make(camsec.Reports, len(fl.members))
	var total tally
	fl.visit(ctx, camsec.Collect, func(i int, v visit) {
		total.visited(v)
		inventory[i], reports[i] = deviceOf(v), judge(v)
	})
	if ctx.Err() != nil {
		return exit{exitInterrupted, "interrupted"}, nil
	}
	_, _ = fmt.Fprintln(e.stdout, "Inventory")
	if err := writeInventoryTable(e.stdout, inventory); err != nil {
		return exit{}, err
	}
	_, _ = fmt.Fprintln(e.stdout, "\nAudit")
	if err := reports.WriteTable(e.stdout, nil); err != nil {
		return exit{}, err
	}
	if err := demoChange(ctx, e, devices[0], camera, reports[0]); err != nil {
		return exit{}, err
	}
	name := *out
	if name == "" {
		dir, err := os.MkdirTemp("", "camsec-demo-")
		if err != nil {
			return exit{}, err
		}
		name = filepath.Join(dir, "camsec-report.html")
	}
	if err := writeFile(name, func(w io.Writer) error { return reports.WriteHTML(w, nil) }); err != nil {
		return exit{}, err
	}
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	_, _ = fmt.Fprintf(e.stdout, "\nReport: %s\nThe same for your own: camsec audit ADDRESS -user NAME -password-file FILE\n", name)
	// Findings are what the demo is there to show: only failing to show them
	// is a failure.
	if x := total.exit(); x.code != exitOK {
		return x, nil
	}
	return exit{exitOK, "shown"}, nil
}

// demoFleet is the fleet of simulated devices.
func demoFleet(e *env, devices []simDevice) (*fleet, error) {
	fl := &fleet{env: e, timeout: 30 * time.Second, inFlight: defaultInFlight}
	known := newLogins()
	for i, d := range devices {
		t := &target{Target: camsec.Target{Address: d.Address, ID: fmt.Sprintf("demo-%d", i+1), Scope: "demo"}}
		if err := t.parseAddress(); err != nil {
			return nil, err
		}
		t.protocol = d.Protocol
		t.logins = map[camsec.Store]*login{}
		t.logins[accountStore(d.Protocol)] = known.get(accountStore(d.Protocol), d.User, camsec.NewSecret([]byte(d.Password)))
		if err := fl.join(t, connection{budget: auth.NewMemoryBudget(nil)}); err != nil {
			return nil, err
		}
	}
	return fl, nil
}
