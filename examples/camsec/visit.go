package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/proxy"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
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
	if t.timeout <= 0 {
		return nil, usageErr(errors.New("-timeout must be above zero"))
	}
	if t.inFlight < 1 {
		return nil, usageErr(errors.New("-in-flight must be above zero"))
	}
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
	fl := &fleet{env: e, timeout: t.timeout, inFlight: t.inFlight}
	var errs []error
	for _, d := range all {
		c := connection{trust: policies[d], budget: budget}
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

// logins reads the secrets that the targets need.
func (t *targetFlags) logins(all []*target) error {
	if t.passwordFile != "" && t.passwordEnv != "" {
		return usageErr(errors.New("-password-file and -password-env exclude each other"))
	}
	ref := ""
	switch {
	case t.passwordFile != "":
		ref = "file:" + t.passwordFile
	case t.passwordEnv != "":
		ref = "env:" + t.passwordEnv
	}
	known := newLogins()
	secrets := map[string]camsec.Secret{}
	var errs []error
	read := 0
	for _, d := range all {
		user, secret := d.user, d.secret
		if user == "" && (secret != "" || ref != "") {
			user = t.user
		}
		if secret == "" {
			secret = ref
		}
		switch {
		case user == "" && secret == "":
			if t.user != "" {
				return usageErr(errors.New("-user needs -password-file or -password-env"))
			}
			continue
		case user == "":
			if d.line == 0 {
				return usageErr(errors.New("a password needs -user"))
			}
			errs = append(errs, fmt.Errorf("%s: a secret needs a user, in the column or by -user", d.where(t.inventory)))
			continue
		case secret == "":
			errs = append(errs, fmt.Errorf("%s: a user needs a secret, in the column or by -password-file or -password-env", d.where(t.inventory)))
			continue
		}
		s, ok := secrets[secret]
		if !ok {
			var err error
			if s, err = readSecret(secret); err != nil {
				where := d.where(t.inventory)
				if secret == ref {
					where = "password"
				}
				errs = append(errs, fmt.Errorf("%s: %w", where, err))
				if secret == ref {
					break
				}
				continue
			}
			secrets[secret] = s
		}
		d.login = known.get(user, s)
		read++
	}
	return usageErr(errors.Join(errs...))
}

// budget opens the memory of refused logins. It outlives the process, so that
// running again does not send what was refused before.
func (t *targetFlags) budget() (auth.Budget, error) {
	dir := t.state
	if dir == "" {
		var err error
		if dir, err = stateDir(); err != nil {
			return nil, usageErr(fmt.Errorf("no folder for state (%w): name one with -state", err))
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, usageErr(fmt.Errorf("state: %w", err))
	}
	b, err := auth.OpenFileBudget(filepath.Join(dir, "budget"), nil)
	if err != nil {
		return nil, usageErr(fmt.Errorf("state: %w", err))
	}
	return b, nil
}

// stateDir is the user's folder for what programs remember.
func stateDir() (string, error) {
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "camsec"), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		d, err := os.UserConfigDir()
		return filepath.Join(d, "camsec"), err
	}
	d, err := os.UserHomeDir()
	return filepath.Join(d, ".local", "state", "camsec"), err
}

func proxyDialer(s string) (dialFunc, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("the proxy is not understood")
	}
	d, err := proxy.FromURL(u, &net.Dialer{})
	if err != nil {
		return nil, err
	}
	cd, ok := d.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("the proxy cannot be used")
	}
	return cd.DialContext, nil
}

// A reading reads a device: camsec.Collect, or less.
type reading func(context.Context, camsec.Device, *camsec.CollectOptions) (*camsec.Snapshot, error)

// visit visits all devices; results come in the order of the targets.
func (fl *fleet) visit(ctx context.Context, read reading) []visit {
	out := make([]visit, len(fl.members))
	var mu sync.Mutex
	done := 0
	each(ctx, len(fl.members), fl.inFlight, func(i int) {
		m := fl.members[i]
		out[i] = fl.one(ctx, m, read)
		mu.Lock()
		defer mu.Unlock()
		done++
		word := "ok"
		if out[i].err != nil {
			word = clean(out[i].err.Error())
		}
		fl.env.warn("%d/%d %s: %s", done, len(fl.members), clean(m.Address), word)
	})
	for i := range out {
		if out[i].target == nil {
			out[i] = visit{target: fl.members[i].target, err: context.Canceled}
		}
	}
	for l := range fl.logins() {
		if l.stopped() != nil {
			fl.env.warn("stopped: %d devices refused user %s with the same password; it was not sent to the rest", l.refused, clean(l.user))
		}
	}
	return out
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
