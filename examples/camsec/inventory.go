package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/camsec/camsec"
)

const inventorySchema = "camsec.inventory/1"

func runInventory(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("inventory", "[address …]")
	var t targetFlags
	var o outputFlags
	t.reach(f)
	t.login(f)
	o.add(f)
	addresses, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if err := o.check(); err != nil {
		return exit{}, err
	}
	fl, err := t.prepare(e, addresses)
	if err != nil {
		return exit{}, err
	}
	if err := fl.leaveOut(o.retryFrom, inventorySchema); err != nil {
		return exit{}, err
	}
	run := startRun("inventory")
	// Held only if something is made of all devices together.
	var devices []deviceJSON
	if !o.lines || o.csv != "" || o.html != "" {
		devices = make([]deviceJSON, len(fl.members))
	}
	var snaps []*camsec.Snapshot
	if o.save != "" {
		snaps = make([]*camsec.Snapshot, len(fl.members))
	}
	var total tally
	var errs []error
	fl.visit(ctx, identify, func(i int, v visit) {
		explainTrust(e, v)
		total.visited(v)
		if devices != nil {
			devices[i] = deviceOf(v)
		}
		if snaps != nil {
			snaps[i] = v.snap
		}
		if o.lines {
			d := deviceOf(v)
			d.Schema, d.Run = inventorySchema, run.ID
			errs = append(errs, printLine(e.stdout, d))
		}
	})
	x := ended(ctx, total.exit())
	if o.save != "" {
		errs = append(errs, saveSnapshots(o.save, snaps))
	}
	if o.csv != "" {
		errs = append(errs, writeFile(o.csv, func(w io.Writer) error { return writeInventoryCSV(w, devices) }))
	}
	if o.html != "" {
		errs = append(errs, writeFile(o.html, func(w io.Writer) error { return writeInventoryHTML(w, devices, run.StartedAt) }))
	}
	switch {
	case o.json:
		errs = append(errs, writeDocument(e.stdout, inventorySchema, run, slices.Values(devices), x))
	case !o.lines:
		errs = append(errs, writeInventoryTable(e.stdout, devices))
	}
	return x, errors.Join(errs...)
}

// ended makes an interrupted run's exit say so.
func ended(ctx context.Context, x exit) exit {
	if ctx.Err() != nil {
		return exit{exitInterrupted, "interrupted"}
	}
	return x
}

// identify reads the inventory alone, which is one or two requests. The rest
// of the snapshot says that it was not asked for.
func identify(ctx context.Context, dev camsec.Device, o *camsec.CollectOptions) (*camsec.Snapshot, error) {
	return camsec.Collect(ctx, onlyInventory{dev}, o)
}

// onlyInventory hides every other ability of a device.
type onlyInventory struct{ dev camsec.Device }

// Inventory reads the inventory of the device below.
func (d onlyInventory) Inventory(ctx context.Context) (camsec.Inventory, error) {
	return d.dev.Inventory(ctx)
}
