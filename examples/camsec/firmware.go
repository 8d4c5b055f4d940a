package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec/firmware"
)

func firmwareCommands() []command {
	return []command{
		{"inspect", "show what is in a firmware file, and what it says of itself", runInspect},
		{"verify", "hold a firmware file against keys, digests, a device and its running version", runVerify},
		{"sign", "countersign a firmware file for the devices it is for", runSign},
		{"check", "hold a version against published vulnerabilities", runCheck},
		{"match", "find for each device of an inventory the one file that is for it", runMatch},
	}
}

// runFirmware hands on to the commands that look at files and versions. None
// of them sends anything.
func runFirmware(ctx context.Context, e *env, args []string) (exit, error) {
	all := firmwareCommands()
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		if len(args) == 0 {
			return exit{}, usageErr(fmt.Errorf("which of %s?", strings.Join(names(all), ", ")))
		}
		return exit{}, &helpError{firmwareHelp(all)}
	}
	for _, c := range all {
		if c.name == args[0] {
			return c.run(ctx, e, args[1:])
		}
	}
	return exit{}, usageErr(fmt.Errorf("no such command; there are: %s", strings.Join(names(all), ", ")))
}

func firmwareHelp(all []command) string {
	var b strings.Builder
	b.WriteString("usage: camsec firmware COMMAND [flags] …\n\n")
	for _, c := range all {
		fmt.Fprintf(&b, "  %-8s %s\n", c.name, c.short)
	}
	b.WriteString("\nExit status of verify: 0 verified, 1 rejected, 2 usage, 3 not verifiable.\n")
	return b.String()
}

// An imageFile is a firmware file that is open: the bytes that are verified
// are those of this file, whatever its name leads to later.
type imageFile struct {
	*os.File
	name string
	size int64
}

func openImage(name string) (*imageFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErr(err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	if err != nil {
		_ = f.Close()
		return nil, usageErr(err)
	}
	return &imageFile{f, name, st.Size()}, nil
}

// smallFile reads a signature, key or certificate.
func smallFile(name string) ([]byte, error) {
	const limit = 32 << 20
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErr(err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("%s: over 32 MiB", name)
	}
	if err != nil {
		return nil, usageErr(err)
	}
	return b, nil
}

// oneFile parses the arguments of a command that takes a single one, a file.
func (f *flagSet) oneFile(args []string) (string, error) {
	rest, err := f.parse(args)
	if err != nil {
		return "", err
	}
	if len(rest) != 1 {
		return "", usageErr(errors.New("name one firmware file"))
	}
	return rest[0], nil
}

// deviceFlags name the device that an image is to be for.
type deviceFlags struct {
	device  firmware.Device
	running string
	build   string
}

func (d *deviceFlags) add(f *flagSet, verb string) {
	f.StringVar(&d.device.Vendor, "vendor", "", verb+" this `maker`")
	f.StringVar(&d.device.Model, "model", "", verb+" this `model`")
	f.StringVar(&d.device.Platform, "platform", "", verb+" this hardware platform `code`")
	f.StringVar(&d.device.Language, "language", "", verb+" this `language`, as EN or CN")
	f.StringVar(&d.device.DeviceClass, "class", "", verb+" this device `class`, as the file writes it")
	f.StringVar(&d.device.Hardware, "hardware", "", verb+" this hardware `revision`")
}

// version puts the running version's flags together.
func (d *deviceFlags) version() *firmware.Version {
	if d.running == "" {
		return nil
	}
	text := d.running
	if d.build != "" {
		text += " build " + strings.TrimPrefix(strings.ToLower(d.build), "build ")
	}
	v := firmware.Parse(d.device.Vendor, text)
	if v.Platform == "" {
		v.Platform = d.device.Platform
	}
	return &v
}

// parseDay reads YYYY-MM-DD as the end of that day, or a time.
func parseDay(s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.AddDate(0, 0, 1), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, errors.New("a day is written YYYY-MM-DD")
	}
	return t, nil
}
