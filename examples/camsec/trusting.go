package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/camsec/camsec/auth/trust"
)

// policies tells how each device's identity is accepted.
func (t *targetFlags) policies(all []*target) (map[*target]trust.Policy, error) {
	kinds := 0
	for _, on := range []bool{len(t.pins) > 0 || t.pinsFile != "", t.firstUse != "", t.insecureTLS} {
		if on {
			kinds++
		}
	}
	if kinds > 1 {
		return nil, usageErr(errors.New("-pin and -pins, -trust-first-use and -insecure-tls exclude each other"))
	}
	byName := map[string][]string{}
	common := []string(t.pins)
	if t.pinsFile != "" {
		if err := readPins(t.pinsFile, byName); err != nil {
			return nil, usageErr(err)
		}
		common = append(common, byName[""]...)
	}
	var store trust.Store
	if t.firstUse != "" {
		store = trust.FileStore(t.firstUse)
	}
	out := make(map[*target]trust.Policy, len(all))
	var errs []error
	for _, d := range all {
		pins := append([]string(nil), common...)
		for _, name := range []string{d.Key(), d.Address, d.hostPort(), d.ID} {
			if name != "" {
				pins = append(pins, byName[name]...)
			}
		}
		if d.pin != "" {
			pins = strings.Fields(d.pin)
		}
		p := trust.System()
		switch {
		case len(pins) > 0:
			var err error
			if p, err = trust.Pins(pins...); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", d.where(t.inventory), err))
			}
		case store != nil:
			p = trust.FirstUse(store)
		case t.insecureTLS:
			p = trust.InsecureAny()
		}
		if d.legacy || t.legacyTLS {
			p = trust.LegacyTLS(p)
		}
		out[d] = p
	}
	return out, usageErr(errors.Join(errs...))
}

// readPins reads lines of a pin, or of an address (or id) and its pin, into
// pins by name; the name of a lone pin is empty.
func readPins(name string, pins map[string][]string) error {
	b, err := readSmall(name)
	if err != nil {
		return err
	}
	var errs []error
	n := 0
	for line := range strings.SplitSeq(string(toUTF8(b)), "\n") {
		n++
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case !strings.HasPrefix(f[len(f)-1], "sha256/"), len(f) > 2:
			errs = append(errs, fmt.Errorf("%s:%d: a line is a pin sha256/…, or an address and its pin", name, n))
		case len(f) == 1:
			pins[""] = append(pins[""], f[0])
		default:
			pins[f[0]] = append(pins[f[0]], f[1])
		}
	}
	return errors.Join(errs...)
}
