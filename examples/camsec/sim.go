package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/camsec/camsec/onvif/onviftest"
)

// A simProfile is a kind of simulated device by its name on the command line.
type simProfile struct {
	name     string
	protocol string
	login    bool // it has a password; one that has none is started by name only
	start    func(simOptions) (simulated, error)
}

// simOptions say how a simulated device is reached.
type simOptions struct {
	tls     bool
	address string // empty: a free port of loopback
	ports   bool   // an ISAPI device's services answer on loopback, too; an ONVIF device's always do
}

// simulated is a simulated device, of whatever protocol.
type simulated interface {
	Addr() string
	User() string
	Password() string
	Close() error
}

// simProfiles are the ISAPI devices. The first three are those of the
// demonstration.
func simProfiles() []simProfile {
	var out []simProfile
	for i, p := range isapitest.Profiles() {
		out = append(out, simProfile{p.Kind, "isapi", !p.NotActivated, func(o simOptions) (simulated, error) {
			return isapitest.Start(isapitest.Profiles()[i], &isapitest.Options{TLS: o.tls, Address: o.address, Ports: o.ports})
		}})
	}
	return out
}

// onvifProfiles are the devices of ONVIF, which are started by name.
func onvifProfiles() []simProfile {
	var out []simProfile
	for _, name := range []string{"current", "hikvision", "axis", "dahua", "bosch", "pelco", "sunba", "d-link"} {
		i := len(out)
		out = append(out, simProfile{"onvif-" + name, "onvif", true, func(o simOptions) (simulated, error) {
			return onviftest.Start(onviftest.Profiles()[i], &onviftest.Options{TLS: o.tls, Address: o.address})
		}})
	}
	return out
}

// captureSim is the device of a capture.
func captureSim(c *isapitest.Capture) simProfile {
	return simProfile{"capture", "isapi", true, func(o simOptions) (simulated, error) {
		return c.Start(&isapitest.Options{TLS: o.tls, Address: o.address})
	}}
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

	device simulated
}

// startSim starts n devices, whose profiles take turns.
func startSim(n int, profiles []simProfile, o simOptions) (devices []simDevice, stop func(), err error) {
	stop = func() {
		for _, d := range devices {
			_ = d.device.Close()
		}
	}
	for i := range n {
		p := profiles[i%len(profiles)]
		dev, err := p.start(o)
		if err != nil {
			stop()
			return nil, nil, fmt.Errorf("start %s: %w", p.name, err)
		}
		d := simDevice{Address: dev.Addr(), Protocol: p.protocol, Profile: p.name, User: dev.User(), Password: dev.Password(), Ports: map[string]int{}, device: dev}
		if u, err := url.Parse(d.Address); err == nil {
			if port, err := strconv.Atoi(u.Port()); err == nil {
				d.Ports[u.Scheme] = port
			}
		}
		if s, ok := dev.(interface{ Ports() map[string]int }); ok {
			maps.Copy(d.Ports, s.Ports())
		}
		devices = append(devices, d)
	}
	return devices, stop, nil
}

// maxSimPorts is up to how many devices have services beside HTTP, which take
// an open file each.
const maxSimPorts = 50

func simNames() string {
	var names []string
	for _, p := range append(simProfiles(), onvifProfiles()...) {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

func runSim(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("sim", "")
	n := f.Int("n", 3, fmt.Sprintf("serve this many devices; of up to %d the services that are on (SSH, telnet, RTSP, …) answer on loopback ports", maxSimPorts))
	profile := f.String("profile", "", "serve only this `profile` (default: those of ISAPI that have a password, in turn; onvif: those of ONVIF in turn): "+simNames())
	capture := f.String("capture", "", "serve the device that camsec capture recorded in `FILE`")
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
	profiles := slices.DeleteFunc(simProfiles(), func(p simProfile) bool { return !p.login })
	switch {
	case *capture != "":
		if err := f.refuse("with -capture", "profile"); err != nil {
			return exit{}, err
		}
		c, err := readCapture(*capture)
		if err != nil {
			return exit{}, usageErr(fmt.Errorf("%s: %w", *capture, err))
		}
		if !f.given("n") {
			*n = 1
		}
		profiles = []simProfile{captureSim(c)}
	case *profile != "":
		profiles = slices.DeleteFunc(append(simProfiles(), onvifProfiles()...), func(p simProfile) bool {
			return p.name != *profile && (*profile != "onvif" || p.protocol != "onvif")
		})
		if len(profiles) == 0 {
			return exit{}, usageErr(errors.New("no such -profile; there are: onvif, " + simNames()))
		}
	}
	devices, stop, err := startSim(*n, profiles, simOptions{tls: *overTLS, address: netip.AddrPortFrom(ip, 0).String(), ports: *n <= maxSimPorts})
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
