package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// An env is what a subcommand works with: everything outside it that it may
// touch, so that a test can hold all of it.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// warn tells a person something, never a script.
func (e *env) warn(format string, args ...any) {
	_, _ = fmt.Fprintf(e.stderr, "camsec: "+format+"\n", args...)
}

type command struct {
	name, short string
	run         func(ctx context.Context, e *env, args []string) (exit, error)
}

func commands() []command {
	return []command{
		{"demo", "inventory and audit simulated cameras, and write a report", runDemo},
		{"discover", "find devices on the local network, without credentials", runDiscover},
		{"inventory", "read what devices are and which firmware they run", runInventory},
		{"audit", "judge how safely devices are set up", runAudit},
		{"firmware", "look into firmware files, verify, sign and match them", runFirmware},
		{"schema", "print the JSON Schema of a document", runSchema},
		{"trust", "collect the keys of devices, without credentials", runTrust},
		{"capture", "record what a device answers, without secrets, for sim to play", runCapture},
		{"sim", "serve simulated cameras until interrupted", runSim},
	}
}

// run is the whole command; it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{stdin: stdin, stdout: stdout, stderr: &lockedWriter{w: stderr}}
	if len(args) == 0 {
		usage(stderr)
		return exitUsage
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(stdout)
		return exitOK
	}
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		e.warn("no such command; there are: %s", strings.Join(names(all), ", "))
		return exitUsage
	}
	x, err := all[i].run(ctx, e, args[1:])
	if err != nil {
		if help, ok := asHelp(err); ok {
			_, _ = io.WriteString(stdout, help)
			return exitOK
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			e.warn("%s: %s", all[i].name, clean(line))
		}
		if isUsage(err) {
			e.warn("see camsec %s -h", all[i].name)
		}
		x = x.worse(exitOf(err))
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	if err == nil && x.code != exitOK {
		e.warn("%s: %s (exit %d)", all[i].name, clean(x.because), x.code)
	}
	return x.code
}

func names(all []command) []string {
	var out []string
	for _, c := range all {
		out = append(out, c.name)
	}
	return out
}

func usage(w io.Writer) {
	var b strings.Builder
	b.WriteString("camsec keeps network cameras secure: it reads what they run and judges how they are set up.\n\nusage: camsec COMMAND [flags] [address …]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.short)
	}
	b.WriteString(`
Addresses: 10.0.0.5, 10.0.0.5:8443, [fe80::1%eth0]:443, https://…; http:// must be typed.
Exit status, the first that applies: 2 usage, 4 a change is unknown or partly
applied, 3 something could not be told, 1 findings, 0; 130 interrupted.
"camsec COMMAND -h" lists the flags of a command.
`)
	b.WriteString(filesNote)
	_, _ = io.WriteString(w, b.String())
}
