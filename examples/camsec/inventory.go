package main

import (
	"context"
	"io"

	"github.com/camsec/camsec"
)

func runInventory(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("inventory", "[address …]")
	var t targetFlags
	t.reach(f)
	t.login(f)
	asJSON := f.Bool("json", false, "print one JSON document")
	csvFile := f.String("csv", "", "write a CSV `FILE`, too")
	htmlFile := f.String("html", "", "write a page in HTML to `FILE`, too")
	save := f.String("save", "", "save what was read in `FILE`")
	addresses, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	fl, err := t.prepare(e, addresses)
	if err != nil {
		return exit{}, err
	}
	run := startRun("inventory")
	visits := fl.visit(ctx, identify)
	explainTrust(e, visits)
	devices := make([]deviceJSON, len(visits))
	for i, v := range visits {
		devices[i] = deviceOf(v)
	}
	x := ended(ctx, reached(visits))
	if *save != "" {
		if err := saveSnapshots(*save, visits); err != nil {
			return x, err
		}
	}
	if *csvFile != "" {
		if err := writeFile(*csvFile, func(w io.Writer) error { return writeInventoryCSV(w, devices) }); err != nil {
			return x, err
		}
	}
	if *htmlFile != "" {
		if err := writeFile(*htmlFile, func(w io.Writer) error { return writeInventoryHTML(w, devices, run.StartedAt) }); err != nil {
			return x, err
		}
	}
	if *asJSON {
		return x, writeDocument(e.stdout, "camsec.inventory/1", run, devices, x)
	}
	return x, writeInventoryTable(e.stdout, devices)
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
