package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/trust"
)

// defaultInFlight is how many devices are visited at once when -in-flight does
// not say.
const defaultInFlight = 32

// A visit is what came of one device.
type visit struct {
	target *target
	snap   *camsec.Snapshot // nil when the device was not visited
	err    error
}

// A fleet is the devices of a run, ready to be visited.
type fleet struct {
	env      *env
	members  []*member
	timeout  time.Duration
	inFlight int
}

// A member is one device of a fleet. It has no client but during its visit, so
// that a fleet costs what is in flight and not what it has in all.
type member struct {
	*target
	driver     *driver
	connection connection
	login      *loginVisit // nil: without credentials
	trust      string      // see [camsec.Snapshot]
}

// join adds a device; no packet is sent.
func (fl *fleet) join(d *target, c connection) error {
	m := &member{target: d, trust: c.trust.String()}
	var ok bool
	if m.driver, ok = driverOf(d.protocol); !ok {
		return fmt.Errorf("protocol %q is not spoken here", clean(d.protocol))
	}
	if d.plain {
		m.trust = "plain-http"
	}
	if d.login != nil {
		m.login = &loginVisit{login: d.login}
		c.source = m.login
	}
	c.target = d.Target
	m.connection = c
	fl.members = append(fl.members, m)
	trial, err := m.driver.open(c) // what is wrong with it shows before the first packet
	if err != nil {
		return err
	}
	return trial.close()
}

// prepare checks everything that can be checked before the first packet.
func (t *targetFlags) prepare(e *env, addresses []string) (*fleet, error) {
	all, err := t.targets(addresses)
	if err != nil {
		return nil, err
	}
	if err := t.logins(all); err != nil {
		return nil, err
	}
	policies, err := t.policies(all)
	if err != nil {
		return nil, err
	}
	budget, err := t.budget()
	if err != nil {
		return nil, err
	}
	if t.forget {
		if err := forgetLogins(budget, all); err != nil {
			return nil, usageErr(err)
		}
	}
	fl := &fleet{env: e, timeout: t.timeout, inFlight: t.inFlight}
	var errs []error
	for _, d := range all {
		c := connection{trust: policies[d], budget: budget, logger: t.logger(e)}
		if d.proxy != "" {
			if c.dial, err = proxyDialer(d.proxy); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", d.where(t.inventory), err))
				continue
			}
		}
		if err := fl.join(d, c); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.where(t.inventory), err))
			continue
		}
		if d.plain {
			e.warn("warning: %s: plain http, so anyone on the way can read and change what is said", clean(d.Address))
		}
	}
	if t.insecureTLS {
		e.warn("warning: -insecure-tls accepts any key, also that of whoever poses as a device")
	}
	if err := usageErr(errors.Join(errs...)); err != nil {
		return nil, err
	}
	return fl, nil
}

// A reading reads a device: camsec.Collect, or less.
type reading func(context.Context, camsec.Device, *camsec.CollectOptions) (*camsec.Snapshot, error)

// visit visits all devices and hands each to got when it is done, one at a
// time; i is its place among the targets. Devices that an interrupt kept from
// being visited come last.
func (fl *fleet) visit(ctx context.Context, read reading, got func(i int, v visit)) {
	p := newProgress(fl.env, len(fl.members), time.Now)
	hint := false
	place := make(map[string]int, len(fl.members)) // no two are the same device
	for i, m := range fl.members {
		place[m.Key()] = i
	}
	targets := func(yield func(camsec.Target) bool) {
		for _, m := range fl.members {
			if !yield(m.Target) {
				return
			}
		}
	}
	one := func(ctx context.Context, t camsec.Target) (visit, error) {
		v := fl.one(ctx, fl.members[place[t.Key()]], read)
		return v, v.err
	}
	// Whom a login may be tried on is the login's business, which knows of
	// each handshake; a device that is busy gets a second visit.
	opts := &camsec.RunOptions{Limits: camsec.Limits{All: min(fl.inFlight, mostInFlight())}}
	opts.Tries, opts.Backoff = 2, min(2*time.Second, fl.timeout/20)
	opts.Retry = func(err error) bool { return errors.Is(err, camsec.ErrBusy) }
	for v := range camsec.Run(ctx, targets, one, opts) {
		i := place[v.Target.Key()]
		if v.Skipped != "" {
			v.Value = visit{target: fl.members[i].target, err: context.Canceled}
		}
		hint = hint || remembered(v.Value.err)
		got(i, v.Value)
		if v.Skipped == "" {
			p.add(v.Value)
		}
	}
	if hint {
		fl.env.warn("what a device refused is not sent to it again, and nothing weaker than what has worked: -forget-logins allows both")
	}
	for l := range fl.logins() {
		if l.stopped() != nil {
			fl.env.warn("stopped: %d devices refused user %s with the same password; it was not sent to the rest", l.refused, clean(l.user))
		}
	}
}

func (fl *fleet) logins() map[*login]bool {
	out := map[*login]bool{}
	for _, m := range fl.members {
		if m.login != nil {
			out[m.login.login] = true
		}
	}
	return out
}

func (fl *fleet) one(ctx context.Context, m *member, read reading) visit {
	ctx, cancel := context.WithTimeout(ctx, fl.timeout)
	defer cancel()
	if m.login != nil {
		if err := m.login.stopped(); err != nil {
			return visit{target: m.target, err: err}
		}
	}
	c, err := m.driver.open(m.connection)
	if err != nil {
		return visit{target: m.target, err: err}
	}
	defer func() { _ = c.close() }()
	dev := watched{c.device, m.login}
	snap, err := read(ctx, dev, &camsec.CollectOptions{Target: m.Target, Protocol: m.driver.name, Trust: m.trust})
	if m.login != nil {
		m.login.end(err) // in case that Inventory was not called
	}
	if err != nil && snap != nil {
		p := camsec.ProblemOf(err)
		snap.Errors["inventory"] = p
		switch p.Code {
		case camsec.ReasonUntrusted, camsec.ReasonUnreachable, camsec.ReasonCancelled:
			snap.Trust = "" // nobody's identity was accepted
		}
	}
	return visit{target: m.target, snap: snap, err: trust.Explain(err)}
}

// each calls f for 0 to n-1, so many at once as the process may open
// connections, but not more than inFlight, and stops when ctx is done.
func each(ctx context.Context, n, inFlight int, f func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, inFlight, mostInFlight()) {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	defer wg.Wait()
	defer close(next)
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			return
		}
	}
}

// filesPerDevice is how many files a visit has open at most: a connection,
// and for a moment the budget's.
const filesPerDevice = 4

// mostInFlight is how many visits fit under the limit on open files, with some
// of it left to all else.
func mostInFlight() int {
	limit, ok := openFileLimit()
	if !ok {
		return 1 << 16
	}
	return max(1, (limit-32)/filesPerDevice)
}
