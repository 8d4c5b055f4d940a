package main

import (
	"cmp"
	"context"
	"iter"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif/discovery"
)

func findONVIF(ctx context.Context, interfaces []net.Interface, wait time.Duration) iter.Seq2[sighting, error] {
	return fromONVIF(discovery.Discover(ctx, &discovery.Options{Interfaces: interfaces, Wait: wait}))
}

func fromONVIF(answers iter.Seq2[discovery.Device, error]) iter.Seq2[sighting, error] {
	return func(yield func(sighting, error) bool) {
		for d, err := range answers {
			f := sighting{
				from: d.From.Addr(), model: cmp.Or(d.Scope("hardware"), d.Scope("name")),
				serial: d.Scope("SerialNumber"), mac: d.Scope("MacAddress"), activated: camsec.StateUnknown,
			}
			if d.FactoryState() == camsec.StateOn {
				f.activated = camsec.StateOff
			}
			for _, x := range d.XAddrs {
				if a := addressOf(d.From.Addr(), x); a != "" {
					f.addresses = append(f.addresses, a)
				}
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// addressOf writes an address that a device names as a target: scheme and port
// are its own, the host is the one that answered, since what a device says of
// its address is often wrong behind a router.
func addressOf(from netip.Addr, xaddr string) string {
	u, err := url.Parse(xaddr)
	if err != nil || !from.IsValid() {
		return ""
	}
	port := map[string]uint16{"http": 80, "https": 443}[u.Scheme]
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return ""
		}
		port = uint16(n)
	}
	if port == 0 {
		return ""
	}
	return u.Scheme + "://" + hostPort(from.Unmap(), port)
}
