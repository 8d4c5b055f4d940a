package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/camsec/camsec/isapi/isapitest"
)

// A simProfile is a kind of simulated device by its name on the command line.
type simProfile struct {
	name    string
	profile func() isapitest.Profile
}

func simProfiles() []simProfile {
	return []simProfile{
		{"old-camera", isapitest.OldCamera},
		{"current-camera", isapitest.CurrentCamera},
		{"recorder", isapitest.Recorder},
	}
}

// A simDevice is a simulated device in the document that sim prints. Its
// password is no secret: there is nothing behind it.
type simDevice struct {
	Address  string         `json:"address"`
	Protocol string         `json:"protocol"`
	Profile  string         `json:"profile"`
	User     string         `json:"user"`
	Password string         `json:"password"`
	Ports    map[string]int `json:"ports"`

	device *isapitest.Device
}

// startSim starts n devices, whose profiles take turns.
func startSim(n int, profiles []simProfile, o isapitest.Options) (devices []simDevice, stop func(), err error) {
	stop = func() {
		for _, d := range devices {
			_ = d.device.Close()
		}
	}
	for i := range n {
		p := profiles[i%len(profiles)]
		opts := o
		dev, err := isapitest.Start(p.profile(), &opts)
		if err != nil {
			stop()
			return nil, nil, fmt.Errorf("start %s: %w", p.name, err)
		}
		d := simDevice{Address: dev.Addr(), Protocol: "isapi", Profile: p.name, User: dev.User(), Password: dev.Password(), Ports: map[string]int{}, device: dev}
		if u, err := url.Parse(d.Address); err == nil {
			if port, err := strconv.Atoi(u.Port()); err == nil {
				d.Ports[u.Scheme] = port
			}
		}
		devices = append(devices, d)
	}
	return devices, stop, nil
}

func runSim(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("sim", "")
	n := f.Int("n", 3, "serve this many devices")
	profile := f.String("profile", "", "serve only this `profile`: old-camera, current-camera or recorder (default: all in turn)")
	overTLS := f.Bool("tls", false, "serve https with self-signed certificates")
	listen := f.String("listen", "127.0.0.1", "listen on this `IP` address")
	asJSON := f.Bool("json", false, "print the devices as one line of JSON")
	rest, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if len(rest) > 0 {
		return exit{}, usageErr(errors.New("sim takes no arguments"))
	}
	if *n < 1 || *n > 10000 {
		return exit{}, usageErr(errors.New("-n is 1 to 10000"))
	}
	ip, err := netip.ParseAddr(*listen)
	if err != nil {
		return exit{}, usageErr(errors.New("-listen is an IP address"))
	}
	profiles := simProfiles()
	if *profile != "" {
		profiles = slices.DeleteFunc(profiles, func(p simProfile) bool { return p.name != *profile })
		if len(profiles) == 0 {
			return exit{}, usageErr(errors.New("no such -profile"))
		}
	}
	devices, stop, err := startSim(*n, profiles, isapitest.Options{TLS: *overTLS, Address: netip.AddrPortFrom(ip, 0).String()})
	if err != nil {
		return exit{}, err
	}
	defer stop()
	if *asJSON {
		doc := struct {
			Devices []simDevice `json:"devices"`
		}{devices}
		if err := json.NewEncoder(e.stdout).Encode(doc); err != nil {
			return exit{}, err
		}
	} else {
		tw := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		row(tw, "ADDRESS", "PROFILE", "USER", "PASSWORD")
		for _, d := range devices {
			row(tw, d.Address, d.Profile, d.User, d.Password)
		}
		if err := tw.Flush(); err != nil {
			return exit{}, err
		}
	}
	e.warn("serving %d simulated devices until interrupted", len(devices))
	<-ctx.Done()
	return exit{exitInterrupted, "interrupted"}, nil
}
