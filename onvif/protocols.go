package onvif

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A NetworkProtocol is one of HTTP, HTTPS and RTSP, as a device lists it.
type NetworkProtocol struct {
	Name    string
	Enabled camsec.State
	Ports   []int // as the device lists them; Axis has a 0 among them

	extension *wire.Node
}

// NetworkProtocols reads which of HTTP, HTTPS and RTSP the device serves. One
// that is missing is not offered, or not told of.
//
//onvif:op GetNetworkProtocols
func (c *Client) NetworkProtocols(ctx context.Context) ([]NetworkProtocol, error) {
	r, err := c.call(ctx, "NetworkProtocols", nil)
	if err != nil {
		return nil, err
	}
	list := []NetworkProtocol{}
	for _, n := range r.All("NetworkProtocols") {
		p := NetworkProtocol{Name: n.Child("Name").String(), Enabled: state(n.Child("Enabled")), extension: n.Child("Extension")}
		for _, port := range n.All("Port") {
			if v := number(port); v != nil {
				p.Ports = append(p.Ports, *v)
			}
		}
		if p.Name == "" {
			return nil, malformed(operation("NetworkProtocols"), "a protocol has no name")
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		return nil, malformed(operation("NetworkProtocols"), "no protocol")
	}
	return list, nil
}

// protocol finds one by name.
func protocol(list []NetworkProtocol, name string) (NetworkProtocol, bool) {
	i := slices.IndexFunc(list, func(p NetworkProtocol) bool { return strings.EqualFold(p.Name, name) })
	if i < 0 {
		return NetworkProtocol{}, false
	}
	return list[i], true
}

// SetNetworkProtocols sends the whole list, which must be one that was read
// and changed, since devices are known to replace theirs by what is sent; then
// it reads the list back. A list that leaves out, or switches off, the
// protocol in use needs [AllowCutOff]. Errors match [ErrPortInUse], and
// [ErrNoTLS] for HTTPS without a certificate.
//
//onvif:op SetNetworkProtocols
func (c *Client) SetNetworkProtocols(ctx context.Context, list []NetworkProtocol, consent ...Consent) (camsec.Change, error) {
	if len(list) == 0 {
		return notApplied(errors.New("onvif: SetNetworkProtocols: empty list"))
	}
	for _, p := range list {
		if p.Enabled == camsec.StateUnknown || len(p.Ports) == 0 {
			return notApplied(fmt.Errorf("onvif: SetNetworkProtocols: %s: state or ports unknown", clean(p.Name)))
		}
	}
	if !consents(consent, AllowCutOff) {
		own, listed := protocol(list, c.base.Scheme)
		if !listed { // left out, or never told of by this device
			now, err := c.NetworkProtocols(ctx)
			if err != nil {
				return notApplied(err)
			}
			if _, had := protocol(now, c.base.Scheme); had {
				own.Enabled = camsec.StateOff
			}
		}
		if own.Enabled == camsec.StateOff {
			return notApplied(fmt.Errorf("onvif: SetNetworkProtocols: %s is in use: %w", strings.ToUpper(c.base.Scheme), ErrCutOff))
		}
	}
	return c.write(ctx, "SetNetworkProtocols", func(m *message) {
		for _, p := range list {
			m.in("tds:NetworkProtocols", func() {
				m.text("tt:Name", p.Name)
				m.bool("tt:Enabled", p.Enabled == camsec.StateOn)
				for _, port := range p.Ports {
					m.int("tt:Port", port)
				}
				m.node(p.extension)
			})
		}
	}, func(ctx context.Context) (bool, error) {
		now, err := c.NetworkProtocols(ctx)
		if err != nil {
			return false, err
		}
		for _, want := range list {
			have, ok := protocol(now, want.Name)
			if !ok || have.Enabled != want.Enabled || !slices.Equal(have.Ports, want.Ports) {
				return false, nil
			}
		}
		return true, nil
	})
}

// SwitchProtocol turns HTTP, HTTPS or RTSP on or off and leaves the others as
// they are: it reads the list, changes one entry, sends all of it and reads it
// back. A protocol that the device does not list matches
// [errors.ErrUnsupported]; what ONVIF cannot switch (SSH, telnet, UPnP, SNMP)
// is never listed.
func (c *Client) SwitchProtocol(ctx context.Context, name string, on bool, consent ...Consent) (camsec.Change, error) {
	list, err := c.NetworkProtocols(ctx)
	if err != nil {
		return notApplied(err)
	}
	have, ok := protocol(list, name)
	if !ok {
		return notApplied(fmt.Errorf("onvif: %s cannot be switched through ONVIF on this device: %w", clean(name), errors.ErrUnsupported))
	}
	if have.Enabled == camsec.StateOf(on) {
		return unchanged()
	}
	for i := range list {
		if strings.EqualFold(list[i].Name, name) {
			list[i].Enabled = camsec.StateOf(on)
		}
	}
	return c.SetNetworkProtocols(ctx, list, consent...)
}
