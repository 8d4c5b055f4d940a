package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/camsec/camsec"
)

// A target is one device of a run: who it is to the caller and how it is to
// be reached.
type target struct {
	camsec.Target
	line  int    // of the CSV file; 0 for the command line
	host  string // without brackets
	port  string
	plain bool // http

	protocol     string // a driver's name; empty is auto
	user, secret string // secret is a reference
	proxy        string
	pin          string
	legacy       bool
	logins       map[camsec.Store]*login // by the store; nil: without credentials
}

// hostPort returns the canonical network address.
func (t *target) hostPort() string { return net.JoinHostPort(t.host, t.port) }

// where names the place that the target came from, for errors.
func (t *target) where(file string) string {
	if t.line > 0 {
		return fmt.Sprintf("%s:%d", file, t.line)
	}
	return clean(t.Address)
}

// parseAddress fills in host, port and scheme. Its errors do not repeat an
// address that may hold a password.
func (t *target) parseAddress() error {
	s := t.Address
	scheme := "https"
	if before, after, ok := strings.Cut(s, "://"); ok {
		scheme, s = strings.ToLower(before), after
	}
	switch scheme {
	case "https":
		t.port = "443"
	case "http":
		t.port, t.plain = "80", true
	default:
		return errors.New("an address is a host, https://… or http://…")
	}
	if strings.Contains(s, "@") {
		return errors.New("an address holds no user and no password: use -user with -password-file or -password-env")
	}
	s = strings.TrimSuffix(s, "/")
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`/?#\"<>`, r) }) {
		return fmt.Errorf("address %q is not understood", clean(t.Address))
	}
	switch a, err := netip.ParseAddr(s); {
	case err == nil:
		t.host = a.String()
		if a.Is6() && !strings.Contains(t.Address, "://") {
			t.Address = "[" + s + "]" // the form that every client takes
		}
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		t.host = s[1 : len(s)-1]
	case strings.Contains(s, ":"):
		h, p, err := net.SplitHostPort(s)
		if n, e := strconv.ParseUint(p, 10, 16); err != nil || e != nil || n == 0 || h == "" {
			return fmt.Errorf("address %q is not understood", clean(t.Address))
		}
		t.host, t.port = h, p
	default:
		t.host = s
	}
	if strings.Contains(t.host, ":") {
		if _, err := netip.ParseAddr(t.host); err != nil {
			return fmt.Errorf("address %q is not understood", clean(t.Address))
		}
	}
	t.host = strings.ToLower(t.host)
	return nil
}

// targets reads and checks everything about the devices of a run; all errors
// come together, and before the first packet.
func (t *targetFlags) targets(addresses []string) ([]*target, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	var all []*target
	var errs []error
	for _, a := range addresses {
		all = append(all, &target{Target: camsec.Target{Address: a}})
	}
	if t.inventory != "" {
		f, err := os.Open(t.inventory)
		if err != nil {
			return nil, usageErr(err)
		}
		defer func() { _ = f.Close() }()
		rows, err := readInventory(f, t.inventory)
		if err != nil {
			errs = append(errs, err)
		}
		all = append(all, rows...)
	}
	if len(all) == 0 && len(errs) == 0 {
		return nil, usageErr(errors.New("no device: give addresses or -inventory FILE"))
	}
	seen, ids := map[string]*target{}, map[string]*target{}
	for _, d := range all {
		where := d.where(t.inventory)
		if err := d.parseAddress(); err != nil {
			if d.line == 0 {
				where = "an address"
			}
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
			continue
		}
		for m, key := range map[*map[string]*target]string{&seen: d.Scope + "\x00" + d.hostPort() + "\x00" + d.proxy, &ids: d.Key()} {
			if first := (*m)[key]; first != nil {
				errs = append(errs, fmt.Errorf("%s: the same device as %s; a scope tells sites apart", where, first.where(t.inventory)))
				break
			}
			(*m)[key] = d
		}
		if d.protocol == "" {
			d.protocol = t.protocol
		}
		if d.proxy == "" {
			d.proxy = t.proxy
		} else if err := checkProxy(d.proxy); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
		}
	}
	return all, usageErr(errors.Join(errs...))
}
