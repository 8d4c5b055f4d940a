package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/onvif"
)

// A dialFunc opens a connection, as net.Dialer.DialContext does.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// A connection is all that a driver needs to make a client of one device.
type connection struct {
	target camsec.Target // with the address
	source auth.Source   // nil: without credentials
	budget auth.Budget
	trust  trust.Policy
	dial   dialFunc                                  // nil: a plain dialer
	base   http.RoundTripper                         // of a visit, for all protocols; nil: the client's own
	tap    func(http.RoundTripper) http.RoundTripper // goes over base; nil: nothing does
	logger *slog.Logger                              // nil: no log
}

// A driver speaks one protocol. Adding another is an entry in drivers.
type driver struct {
	name  string       // in the column protocol, and in documents
	store camsec.Store // whose accounts it logs in to
	// open makes a client, without any I/O; the client changes nothing on
	// the device. The caller closes it.
	open func(connection) (*client, error)
}

// A client is one device over one protocol.
type client struct {
	device camsec.Device
	// detect asks, without a credential, whether the device speaks it.
	detect func(context.Context) (camsec.State, error)
	close  func() error
}

// drivers are the protocols that the command speaks. The first is taken for
// devices whose protocol is not given.
func drivers() []*driver {
	return []*driver{
		{name: "isapi", store: camsec.StoreDevice, open: openISAPI},
		{name: "onvif", store: camsec.StoreONVIF, open: openONVIF},
	}
}

// driverOf finds a driver by name; "auto" and nothing are the first, until the
// device has shown what it speaks.
func driverOf(name string) (*driver, bool) {
	all := drivers()
	if name == "" || strings.EqualFold(name, "auto") {
		return all[0], true
	}
	for _, d := range all {
		if strings.EqualFold(d.name, name) {
			return d, true
		}
	}
	return nil, false
}

// driverNames lists what the column protocol may hold.
func driverNames() string {
	var names []string
	for _, d := range drivers() {
		names = append(names, d.name)
	}
	return strings.Join(append(names, "auto"), ", ")
}

// accountStore is whose accounts a protocol logs in to.
func accountStore(protocol string) camsec.Store {
	if d, ok := driverOf(protocol); ok {
		return d.store
	}
	return ""
}

// shared returns the connection with one base for all protocols, so that a
// visit makes no more connections than it needs, over the pool of the run.
func (c connection) shared(pool *wire.Pool) (connection, func(), error) {
	u, host, err := wire.ParseAddress(c.target.Address)
	if err != nil {
		return c, nil, err
	}
	o := wire.TransportOptions{DialContext: c.dial}
	if u.Scheme == "https" {
		o.TLS = c.trust.TLSConfig(c.target.Key(), host)
	}
	base, idle := pool.Or(o)
	c.base = base
	if c.tap != nil {
		c.base = c.tap(base)
	}
	return c, idle, nil
}

func openISAPI(c connection) (*client, error) {
	i, err := isapi.New(c.target.Address, c.source, &isapi.Options{
		Target: c.target, Budget: c.budget, Trust: c.trust, Base: c.base, DialContext: c.dial, Logger: c.logger, ReadOnly: true,
	})
	if err != nil {
		return nil, err
	}
	return &client{i.Device(), i.Detect, i.Close}, nil
}

func openONVIF(c connection) (*client, error) {
	o, err := onvif.New(c.target.Address, c.source, &onvif.Options{
		Target: c.target, Budget: c.budget, Trust: c.trust, Base: c.base, DialContext: c.dial, Logger: c.logger, ReadOnly: true,
	})
	if err != nil {
		return nil, err
	}
	return &client{o.Device(), o.Detect, o.Close}, nil
}
