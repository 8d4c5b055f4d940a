package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/trust"
)

// A leg is the part of a visit that goes over one protocol.
type leg struct {
	driver *driver
	snap   *camsec.Snapshot
	err    error
}

// detect returns the protocols that a device is to be visited over: the one
// that was given, or those that answer. It sends no credential and no more
// than three requests. A device that tells nothing is left to the first
// driver, whose errors then say why.
func (m *member) detect(ctx context.Context, conn connection) ([]*driver, error) {
	if m.given {
		return []*driver{m.driver}, nil
	}
	var on, maybe []*driver
	var first error
	for _, d := range drivers() {
		c, err := d.open(conn)
		if err != nil {
			return nil, err
		}
		s, err := c.detect(ctx)
		_ = c.close()
		switch {
		case err != nil && first == nil:
			first = err
		case s == camsec.StateOn:
			on = append(on, d)
		case err == nil && s == camsec.StateUnknown:
			maybe = append(maybe, d)
		}
		if err != nil && final(ctx, err) {
			return nil, err
		}
	}
	switch {
	case len(on) > 0:
		return on, nil
	case len(maybe) > 0:
		return maybe[:1], nil
	case first != nil:
		return nil, first
	}
	return []*driver{m.driver}, nil
}

// final tells errors that another protocol would meet, too.
func final(ctx context.Context, err error) bool {
	return ctx.Err() != nil || camsec.ReasonOf(err) == camsec.ReasonUntrusted
}

// walk visits a device over one protocol.
func (m *member) walk(ctx context.Context, d *driver, conn connection, read reading) leg {
	login := m.logins[d.store]
	if login != nil {
		if err := login.stopped(); err != nil {
			return leg{driver: d, err: err}
		}
	}
	if login != nil {
		conn.source = login
	}
	c, err := d.open(conn)
	if err != nil {
		return leg{driver: d, err: err}
	}
	defer func() { _ = c.close() }()
	snap, err := read(ctx, watched{c.device, login}, &camsec.CollectOptions{Target: m.Target, Protocol: d.name, Trust: m.trust})
	if login != nil {
		login.end(err) // in case that Inventory was not called
	}
	if err != nil && snap != nil {
		snap.Errors["inventory"] = camsec.ProblemOf(err)
		forgetTrust(snap)
	}
	return leg{d, snap, trust.Explain(err)}
}

// forgetTrust takes back the trust where nobody's identity was accepted.
func forgetTrust(snap *camsec.Snapshot) {
	switch snap.Errors["inventory"].Code {
	case camsec.ReasonUntrusted, camsec.ReasonUnreachable, camsec.ReasonCancelled:
		snap.Trust = ""
	}
}

// add takes a leg into a visit. It is false for one that was plainly over to
// another device, which then counts for nothing.
func (v *visit) add(l leg) bool {
	switch {
	case len(v.legs) == 0:
		v.snap, v.err = l.snap, l.err
	case !joins(*v, l):
		return false
	case l.err != nil: // it stands beside one that was read, or failed, too
	case v.err != nil:
		v.snap, v.err = l.snap, nil
	default:
		v.snap = merged(v.snap, l.snap, l.driver)
	}
	v.legs = append(v.legs, l)
	return true
}

// joins tells whether a leg belongs to a visit: by serial or MAC, of those
// that are not shared by many devices; or because one of the two learned
// nothing.
func joins(v visit, l leg) bool {
	if v.err != nil || l.err != nil || v.snap == nil || l.snap == nil {
		return true
	}
	a, b := v.snap.Inventory, l.snap.Inventory
	return sameID(a.Serial, b.Serial) || sameID(a.MAC, b.MAC)
}

var idMarks = strings.NewReplacer(":", "", "-", "", ".", "", " ", "")

func sameID(a, b string) bool {
	if camsec.IsPlaceholder(a) || camsec.IsPlaceholder(b) {
		return false
	}
	return strings.EqualFold(idMarks.Replace(a), idMarks.Replace(b))
}

// merged adds to what one protocol told what only the other did.
func merged(a, b *camsec.Snapshot, over *driver) *camsec.Snapshot {
	out := *a
	out.Protocol = a.Protocol + "," + over.name
	if out.Inventory.MAC == "" {
		out.Inventory.MAC = b.Inventory.MAC
	}
	out.Users = slices.Clone(a.Users)
	for _, u := range b.Users {
		if !slices.ContainsFunc(out.Users, func(h camsec.User) bool { return h.Account == u.Account }) {
			out.Users = append(out.Users, u)
		}
	}
	out.Settings = slices.Clone(a.Settings)
	for _, s := range b.Settings {
		at := slices.IndexFunc(out.Settings, func(h camsec.Setting) bool { return h.ID == s.ID })
		switch {
		case at < 0:
			out.Settings = append(out.Settings, s)
		case !out.Settings[at].Known() && s.Known():
			out.Settings[at] = s
		}
	}
	out.Errors = map[string]*camsec.Problem{}
	for part, p := range a.Errors {
		out.Errors[part] = p
	}
	for part, p := range b.Errors {
		if out.Errors[part] == nil && !has(a, part) {
			out.Errors[part] = p
		}
	}
	return &out
}

// has tells whether a snapshot has a part that may fail.
func has(s *camsec.Snapshot, part string) bool {
	switch part {
	case "users":
		return s.Users != nil
	case "settings":
		return s.Settings != nil
	}
	return true
}

// protocolsOf lists what a device was read over, and whose accounts those are.
func protocolsOf(names, port string) []protocolJSON {
	var n int
	_, _ = fmt.Sscan(port, &n)
	var out []protocolJSON
	for name := range strings.SplitSeq(names, ",") {
		if name != "" {
			out = append(out, protocolJSON{name, n, accountStore(name)})
		}
	}
	return out
}
