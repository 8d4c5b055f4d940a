package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/sadp"
)

// A finder asks the local network by one protocol who is there. It sends no
// credential and nothing that changes a device.
type finder struct {
	name string
	find func(ctx context.Context, interfaces []net.Interface, wait time.Duration) iter.Seq2[sighting, error]
}

// finders are the protocols that discover speaks.
func finders() []finder { return []finder{{"sadp", findSADP}, {"onvif", findONVIF}} }

// A sighting is what one of its answers says.
type sighting struct {
	by        string // the finder
	from      netip.Addr
	addresses []string // as targets are written
	vendor    string
	model     string
	serial    string
	mac       string
	firmware  camsec.Firmware
	activated camsec.State
}

func findSADP(ctx context.Context, interfaces []net.Interface, wait time.Duration) iter.Seq2[sighting, error] {
	return fromSADP(sadp.Discover(ctx, &sadp.Options{Interfaces: interfaces, Wait: wait}))
}

func fromSADP(answers iter.Seq2[sadp.Device, error]) iter.Seq2[sighting, error] {
	return func(yield func(sighting, error) bool) {
		for d, err := range answers {
			f := sighting{
				from: d.From.Addr(), model: d.Model, serial: d.Serial, mac: d.MAC,
				firmware: d.Firmware, activated: d.Activated,
			}
			at := d.IPv4
			if !at.IsValid() {
				at = d.From.Addr()
			}
			if d.HTTPSPort != 0 {
				f.addresses = append(f.addresses, "https://"+hostPort(at, d.HTTPSPort))
			} else if at.IsValid() && err == nil {
				f.addresses = append(f.addresses, at.String())
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

func hostPort(a netip.Addr, port uint16) string {
	return net.JoinHostPort(a.String(), strconv.Itoa(int(port)))
}

// A foundJSON is a device in discover's document. What is not known is null.
type foundJSON struct {
	Addresses []string      `json:"addresses"`
	FoundBy   []string      `json:"foundBy"`
	Vendor    *string       `json:"vendor"`
	Model     *string       `json:"model"`
	Serial    *string       `json:"serial"`
	MAC       *string       `json:"mac"`
	Firmware  *firmwareJSON `json:"firmware"`
	Activated camsec.State  `json:"activated"`
}

func runDiscover(ctx context.Context, e *env, args []string) (exit, error) {
	return discover(ctx, e, args, finders())
}

func discover(ctx context.Context, e *env, args []string, by []finder) (exit, error) {
	f := newFlags("discover", "")
	wait := f.Duration("wait", 3*time.Second, "listen for this `time`")
	on := f.String("interface", "", "ask on this network interface only (`NAME`)")
	asJSON := f.Bool("json", false, "print one JSON document")
	rest, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if len(rest) > 0 {
		return exit{}, usageErr(errors.New("discover takes no address: it asks everybody on the local network"))
	}
	if *wait <= 0 {
		return exit{}, usageErr(errors.New("-wait must be above zero"))
	}
	var interfaces []net.Interface
	if *on != "" {
		i, err := net.InterfaceByName(*on)
		if err != nil {
			return exit{}, usageErr(fmt.Errorf("-interface: %w", err))
		}
		interfaces = []net.Interface{*i}
	}
	run := startRun("discover")
	devices, failed := findAll(ctx, e, by, interfaces, *wait)
	x := exit{exitOK, fmt.Sprintf("%d devices answered", len(devices))}
	if failed == len(by) && len(devices) == 0 {
		x = exit{exitUnknown, "nobody could be asked"}
	}
	if *asJSON {
		out := make([]foundJSON, len(devices))
		for i, d := range devices {
			out[i] = d.json()
		}
		return x, writeDocument(e.stdout, "camsec.discover/1", run, slices.Values(out), x)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	row(w, "ADDRESS", "MODEL", "FIRMWARE", "SERIAL", "ACTIVATED", "FOUND BY")
	for _, d := range devices {
		row(w, clean(cmp.Or(strings.Join(d.addresses, " "), "none")), clean(cmp.Or(d.model, "unknown")),
			clean(cmp.Or(d.firmware.Raw, "unknown")), clean(cmp.Or(d.serial, "unknown")), d.activated.String(), strings.Join(d.by, " "))
	}
	return x, w.Flush()
}

// findAll asks by all protocols at once and merges what they answer. It
// returns how many protocols brought nothing but an error.
func findAll(ctx context.Context, e *env, by []finder, interfaces []net.Interface, wait time.Duration) ([]*device, int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var answers []sighting
	failed := 0
	for _, fi := range by {
		wg.Go(func() {
			n, errs := 0, 0
			for f, err := range fi.find(ctx, interfaces, wait) {
				mu.Lock()
				if err != nil {
					errs++
					e.warn("discover: %s: %s", fi.name, clean(err.Error()))
				} else {
					n++
					f.by = fi.name
					answers = append(answers, f)
				}
				mu.Unlock()
			}
			if n == 0 && errs > 0 {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return merge(answers), failed
}

// A device is what all answers that are of one device say together.
type device struct {
	sighting
	by []string
}

func (d *device) json() foundJSON {
	return foundJSON{
		Addresses: append([]string{}, d.addresses...), FoundBy: d.by, Vendor: orNull(d.vendor), Model: orNull(d.model), Serial: orNull(d.serial),
		MAC: orNull(d.mac), Firmware: firmwareOf(d.firmware), Activated: d.activated,
	}
}

// merge puts answers of one device together: those with one serial or MAC that
// is no placeholder, or where neither is told on one side, one source address.
func merge(answers []sighting) []*device {
	slices.SortStableFunc(answers, func(a, b sighting) int { return cmp.Compare(a.by, b.by) })
	var out []*device
	for _, f := range answers {
		i := slices.IndexFunc(out, func(d *device) bool { return d.same(f) })
		if i < 0 {
			out = append(out, &device{sighting: f, by: []string{f.by}})
			continue
		}
		out[i].take(f)
	}
	slices.SortStableFunc(out, func(a, b *device) int {
		return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.serial, b.serial))
	})
	return out
}

func (d *device) same(f sighting) bool {
	serials, macs := told(d.serial, f.serial), told(d.mac, f.mac)
	switch {
	case serials && strings.EqualFold(d.serial, f.serial), macs && sameMAC(d.mac, f.mac):
		return true
	case serials || macs:
		return false
	}
	return d.from.IsValid() && d.from == f.from
}

// told tells whether both sides give a value that tells devices apart.
func told(a, b string) bool { return !camsec.IsPlaceholder(a) && !camsec.IsPlaceholder(b) }

func sameMAC(a, b string) bool {
	x, err1 := net.ParseMAC(a)
	y, err2 := net.ParseMAC(b)
	return err1 == nil && err2 == nil && x.String() == y.String()
}

// take adds what another answer knows.
func (d *device) take(f sighting) {
	if !slices.Contains(d.by, f.by) {
		d.by = append(d.by, f.by)
	}
	for _, a := range f.addresses {
		if !slices.Contains(d.addresses, a) {
			d.addresses = append(d.addresses, a)
		}
	}
	d.vendor, d.model = cmp.Or(d.vendor, f.vendor), cmp.Or(d.model, f.model)
	d.serial, d.mac = cmp.Or(d.serial, f.serial), cmp.Or(d.mac, f.mac)
	if d.firmware == (camsec.Firmware{}) {
		d.firmware = f.firmware
	}
	d.activated = cmp.Or(d.activated, f.activated)
}
