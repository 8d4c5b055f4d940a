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
	"github.com/camsec/camsec/isapi"
)

// inFlight is how many devices are visited at once.
const inFlight = 32

// A visit is what came of one device.
type visit struct {
	target *target
	snap   *camsec.Snapshot // nil when the device was not visited
	err    error
}

// A fleet is the devices of a run, ready to be visited.
type fleet struct {
	env     *env
	targets []*target
	clients map[*target]*isapi.Client
	visits  map[*target]*loginVisit
	trust   map[*target]string
	timeout time.Duration
}

// prepare checks everything that can be checked before the first packet.
func (t *targetFlags) prepare(e *env, addresses []string) (*fleet, error) {
	if t.timeout <= 0 {
		return nil, usageErr(errors.New("-timeout must be above zero"))
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
	fl := &fleet{
		env: e, targets: all, timeout: t.timeout, clients: map[*target]*isapi.Client{},
		visits: map[*target]*loginVisit{}, trust: map[*target]string{},
	}
	var errs []error
	for _, d := range all {
		o := &isapi.Options{Target: d.Target, Trust: policies[d], Budget: budget, ReadOnly: true}
		if d.proxy != "" {
			if o.DialContext, err = proxyDialer(d.proxy); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", d.where(t.inventory), err))
				continue
			}
		}
		var src auth.Source
		if d.login != nil {
			v := &loginVisit{login: d.login}
			src, fl.visits[d] = v, v
		}
		c, err := isapi.New(d.Address, src, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", d.where(t.inventory), err))
			continue
		}
		fl.clients[d] = c
		fl.trust[d] = policies[d].String()
		if d.plain {
			fl.trust[d] = "plain-http"
			e.warn("warning: %s: plain http, so anyone on the way can read and change what is said", clean(d.Address))
		}
	}
	if t.insecureTLS {
		e.warn("warning: -insecure-tls accepts any key, also that of whoever poses as a device")
	}
	if err := usageErr(errors.Join(errs...)); err != nil {
		fl.close()
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

func proxyDialer(s string) (func(context.Context, string, string) (net.Conn, error), error) {
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

func (fl *fleet) close() {
	for _, c := range fl.clients {
		_ = c.Close()
	}
}

// visit visits all devices; results come in the order of the targets.
func (fl *fleet) visit(ctx context.Context, read func(context.Context, camsec.Device, *camsec.CollectOptions) (*camsec.Snapshot, error)) []visit {
	defer fl.close()
	out := make([]visit, len(fl.targets))
	var mu sync.Mutex
	done := 0
	each(ctx, len(fl.targets), func(i int) {
		d := fl.targets[i]
		out[i] = fl.one(ctx, d, read)
		mu.Lock()
		defer mu.Unlock()
		done++
		word := "ok"
		if out[i].err != nil {
			word = clean(out[i].err.Error())
		}
		fl.env.warn("%d/%d %s: %s", done, len(fl.targets), clean(d.Address), word)
	})
	for i := range out {
		if out[i].target == nil {
			out[i] = visit{target: fl.targets[i], err: context.Canceled}
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
	for _, v := range fl.visits {
		out[v.login] = true
	}
	return out
}

func (fl *fleet) one(ctx context.Context, d *target, read func(context.Context, camsec.Device, *camsec.CollectOptions) (*camsec.Snapshot, error)) visit {
	ctx, cancel := context.WithTimeout(ctx, fl.timeout)
	defer cancel()
	v := fl.visits[d]
	if v != nil {
		if err := v.stopped(); err != nil {
			return visit{target: d, err: err}
		}
	}
	c := fl.clients[d]
	dev := watched{c.Device(), v}
	snap, err := read(ctx, dev, &camsec.CollectOptions{Target: d.Target, Protocol: "isapi", Trust: fl.trust[d]})
	if v != nil {
		v.end(err) // in case that Inventory was not called
	}
	if err != nil && snap != nil {
		p := camsec.ProblemOf(err)
		snap.Errors["inventory"] = p
		switch p.Code {
		case camsec.ReasonUntrusted, camsec.ReasonUnreachable, camsec.ReasonCancelled:
			snap.Trust = "" // nobody's identity was accepted
		}
	}
	return visit{target: d, snap: snap, err: trust.Explain(err)}
}

// each calls f for 0 to n-1, inFlight at once, and stops when ctx is done.
func each(ctx context.Context, n int, f func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, inFlight) {
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
