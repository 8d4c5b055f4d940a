// Command camsec finds out what network cameras run and how safely they are
// set up, and says what could not be found out. "camsec demo" shows it on
// simulated cameras; "camsec help" lists the rest.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // the zones of sites, also where the system has none
)

func main() {
	if os.Getenv("GOGC") == "" {
		// A run over thousands of devices is mostly waiting: memory is what
		// it can save.
		debug.SetGCPercent(50)
	}
	// Package net/http writes there what a device sends without being asked.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first ends the visits and writes what there is; a second one ends
	// the program at once.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
