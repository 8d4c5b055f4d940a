package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
)

// defaultInFlight is how many devices are visited at once when -in-flight does
// not say.
const defaultInFlight = 32

// A visit is what came of one device.
type visit struct {
	target *target
	snap   *camsec.Snapshot // nil when the device was not visited
	err    error
	legs   []leg // one for each protocol it was visited over
}

// A fleet is the devices of a run, ready to be visited.
type fleet struct {
	env      *env
	members  []*member
	timeout  time.Duration
	inFlight int
	pool     *wire.Pool // of connections, for all devices
}

// A member is one device of a fleet. It has no client but during its visit, so
// that a fleet costs what is in flight and not what it has in all.
type member struct {
	*target
	driver     *driver // the one given, or the first
	given      bool
	connection connection
	logins     map[camsec.Store]*loginVisit // empty: without credentials
	trust      string                       // see [camsec.Snapshot]
}

// join adds a device; no packet is sent.
func (fl *fleet) join(d *target, c connection) error {
	m := &member{target: d, trust: c.trust.String(), given: d.protocol != "" && !strings.EqualFold(d.protocol, "auto")}
	var ok bool
	if m.driver, ok = driverOf(d.protocol); !ok {
		return fmt.Errorf("protocol %q is not spoken here", clean(d.protocol))
	}
	if d.plain {
		m.trust = "plain-http"
	}
	if d.logins != nil {
		m.logins = map[camsec.Store]*loginVisit{}
		for store, l := range d.logins {
			m.logins[store] = &loginVisit{login: l}
		}
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
	if t.weaker && !t.forget {
		if err := acceptWeaker(budget, all); err != nil {
			return nil, usageErr(err)
		}
	}
	fl := &fleet{env: e, timeout: t.timeout, inFlight: t.inFlight, pool: wire.NewPool(nil)}
	var errs []error
	var plain []string
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
			plain = append(plain, clean(d.Address))
		}
	}
	warnPlain(e, plain)
	if n := beyondASCII(all); n > 0 {
		e.warn("warning: a user name or password that is not plain ASCII, which few devices take (%d of %d devices)", n, len(all))
	}
	if t.insecureTLS {
		e.warn("warning: -insecure-tls accepts any key, also that of whoever poses as a device")
	}
	if err := usageErr(errors.Join(errs...)); err != nil {
		return nil, err
	}
	return fl, nil
}

// warnPlain names devices whose words are not protected; of a whole list the
// first few.
func warnPlain(e *env, addresses []string) {
	const named = 3
	if n := len(addresses) - named; n > 1 {
		addresses = append(addresses[:named:named], fmt.Sprintf("and %d more", n))
	}
	for _, a := range addresses {
		e.warn("warning: %s: plain http, so anyone on the way can read and change what is said", a)
	}
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
		fl.env.warn("what a device refused is not sent to it again, and nothing weaker than what has worked: -forget-logins allows both, -accept-weaker the second alone")
	}
	stopped := map[string]int{}
	for l := range fl.logins() {
		if l.stopped() != nil {
			stopped[l.user] = max(stopped[l.user], l.refused)
		}
	}
	for user, n := range stopped {
		fl.env.warn("stopped: %d devices refused user %s with the same password; it was not sent to the rest", n, clean(user))
	}
}

func (fl *fleet) logins() map[*login]bool {
	out := map[*login]bool{}
	for _, m := range fl.members {
		for _, l := range m.logins {
			out[l.login] = true
		}
	}
	return out
}

// one visits a device over every protocol that it is to be visited over.
func (fl *fleet) one(ctx context.Context, m *member, read reading) visit {
	ctx, cancel := context.WithTimeout(ctx, fl.timeout)
	defer cancel()
	if l := m.logins[m.driver.store]; l != nil {
		if err := l.stopped(); err != nil {
			return visit{target: m.target, err: err}
		}
	}
	conn, done, err := m.connection.shared(fl.pool)
	if err != nil {
		return visit{target: m.target, err: err}
	}
	defer done()
	over, err := m.detect(ctx, conn)
	if err != nil {
		snap, _ := read(ctx, failing{err}, &camsec.CollectOptions{Target: m.Target, Protocol: m.driver.name})
		return visit{target: m.target, snap: snap, err: trust.Explain(err)}
	}
	v := visit{target: m.target}
	for _, d := range over {
		if m.logins != nil && m.logins[d.store] == nil {
			continue
		}
		l := m.walk(ctx, d, conn, read)
		if !v.add(l) {
			fl.env.warn("%s: over %s it says that it is another device; that is left out", clean(m.Address), d.name)
		}
	}
	return v
}

// failing is a device that could not be reached.
type failing struct{ err error }

// Inventory returns the error.
func (f failing) Inventory(context.Context) (camsec.Inventory, error) {
	return camsec.Inventory{}, f.err
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
