package discovery

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A Device is what one device says of itself.
type Device struct {
	From      netip.AddrPort // where the answer came from
	Interface string         // over which it came; empty for [ProbeHost]
	Endpoint  string         // urn:uuid:…, the same over all interfaces
	Types     []string       // local names: NetworkVideoTransmitter, Device
	Scopes    []string       // as the device writes them
	XAddrs    []string       // addresses of its device service, http and https; not to be trusted
}

// limits are those of one datagram.
var limits = wire.Limits{Body: maxDatagram, Depth: 16, Tokens: 4_000, Attrs: 64, Text: 8 << 10}

// maxMatches bounds the devices in one answer; a proxy may tell of several.
const maxMatches = 64

// Parse reads one answer to probes of those message ids: the devices that it
// tells of. An answer to another message, and anything else, matches
// [camsec.ErrMalformed].
func Parse(datagram []byte, ids ...string) ([]Device, error) {
	if len(datagram) > maxDatagram {
		return nil, fmt.Errorf("discovery: a datagram of %d bytes: %w", len(datagram), camsec.ErrMalformed)
	}
	doc, err := wire.ParseXML(datagram, "", limits)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	matches := doc.At("Body", "ProbeMatches")
	if doc.Name != "Envelope" || matches == nil {
		return nil, fmt.Errorf("discovery: no answer to a probe: %w", camsec.ErrMalformed)
	}
	to := strings.TrimSpace(doc.At("Header", "RelatesTo").String())
	if !slices.ContainsFunc(ids, func(id string) bool { return sameID(id, to) }) {
		return nil, fmt.Errorf("discovery: an answer to another message: %w", camsec.ErrMalformed)
	}
	var out []Device
	for _, m := range matches.All("ProbeMatch") {
		d := Device{
			Endpoint: strings.TrimSpace(m.At("EndpointReference", "Address").String()),
			Scopes:   strings.Fields(m.Child("Scopes").String()),
		}
		for _, t := range strings.Fields(m.Child("Types").String()) {
			d.Types = append(d.Types, t[strings.LastIndexByte(t, ':')+1:])
		}
		for _, x := range strings.Fields(m.Child("XAddrs").String()) {
			if u, err := url.Parse(x); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil {
				d.XAddrs = append(d.XAddrs, x)
			}
		}
		if d.Endpoint == "" && len(d.XAddrs) == 0 {
			continue
		}
		if out = append(out, d); len(out) > maxMatches {
			return nil, fmt.Errorf("discovery: over %d devices in one answer: %w", maxMatches, camsec.ErrMalformed)
		}
	}
	if len(out) == 0 {
		return nil, errNobody
	}
	return out, nil
}

var errNobody = fmt.Errorf("discovery: an answer that tells of no device: %w", errors.Join(camsec.ErrMalformed))

// sameID compares message ids and endpoints: some devices leave out "urn:".
func sameID(a, b string) bool { return canonical(a) == canonical(b) && a != "" }

func canonical(id string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(id)), "urn:"), "uuid:")
}

// key is equal for answers of one device.
func (d Device) key() string {
	if d.Endpoint != "" {
		return canonical(d.Endpoint)
	}
	return d.From.Addr().String() + " " + strings.Join(d.XAddrs, " ")
}

const scopePrefix = "onvif://www.onvif.org/"

// Scope returns the rest of the first scope of a category (name, hardware,
// location, Profile, MacAddress, SerialNumber, …), decoded; empty if there is
// none. Case of the category does not count.
func (d Device) Scope(category string) string {
	if all := d.ScopesOf(category); len(all) > 0 {
		return all[0]
	}
	return ""
}

// ScopesOf returns the rests of all scopes of a category, decoded.
func (d Device) ScopesOf(category string) []string {
	var out []string
	for _, s := range d.Scopes {
		if len(s) < len(scopePrefix) || !strings.EqualFold(s[:len(scopePrefix)], scopePrefix) {
			continue
		}
		have, rest, ok := strings.Cut(s[len(scopePrefix):], "/")
		if !ok || !strings.EqualFold(have, category) {
			continue
		}
		if u, err := url.PathUnescape(rest); err == nil {
			rest = u
		}
		if rest = strings.Trim(rest, "/ "); rest != "" {
			out = append(out, rest)
		}
	}
	return out
}

// FactoryState tells whether a device of Profile Q is in the state in which it
// needs no login; unknown for one that is not of the profile.
func (d Device) FactoryState() camsec.State {
	for _, p := range d.ScopesOf("Profile") {
		switch strings.ToLower(p) {
		case "q/factorydefault":
			return camsec.StateOn
		case "q/operational":
			return camsec.StateOff
		}
	}
	return camsec.StateUnknown
}
