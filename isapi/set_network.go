package isapi

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
)

// SetIPFilter switches the address filter, whose list stays as it is. A device
// drops what it filters without a word, so switching on is refused with
// [ErrCutOff] if the list would shut this client out, or if nobody can tell
// under which address the device sees it; see [Options.Seen].
//
//isapi:op PUT /ISAPI/System/Network/ipFilter
func (c *Client) SetIPFilter(ctx context.Context, on bool) (camsec.Change, error) {
	r := enable("IPFilter", "SetIPFilter", on, "IPFilter")
	if on {
		r.guard = c.guardFilter
	}
	return c.revise(ctx, r)
}

// guardFilter refuses a filter that is not known to let this client through.
// One entry is one host: no recorded device shows a mask.
func (c *Client) guardFilter(d *draft) error {
	seen := c.seen
	if seen == nil {
		if p := c.local.Load(); p != nil {
			seen = []netip.Addr{*p}
		}
	}
	if len(seen) == 0 {
		return fmt.Errorf("%w: not known under which address the device sees it", ErrCutOff)
	}
	allow := !strings.EqualFold(childText(d.root, "permissionType"), "deny")
	var listed []netip.Addr
	for _, e := range d.root.FindElements(".//IPFilterAddress") {
		for _, a := range e.FindElements(".//AddressMask/*") {
			if ip, err := netip.ParseAddr(strings.TrimSpace(a.Text())); err == nil {
				listed = append(listed, ip.Unmap())
			}
		}
	}
	for _, ip := range seen {
		if slices.Contains(listed, ip.Unmap().WithZone("")) != allow {
			return ErrCutOff
		}
	}
	return nil
}

// SetIPFilterList replaces the list of the address filter and says whether it
// is of those that may connect ("allow") or that may not ("deny"); whether the
// filter is on stays as it is. Recorded devices take up to 32 single hosts. On
// a device whose filter is on, a list that would shut this client out is
// refused with [ErrCutOff], as in [Client.SetIPFilter].
//
//isapi:op PUT /ISAPI/System/Network/ipFilter
func (c *Client) SetIPFilterList(ctx context.Context, permission string, hosts []netip.Addr) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "IPFilter", set: "SetIPFilterList", roots: []string{"IPFilter"},
		edit: func(d *draft) {
			d.text(d.root, "permissionType", permission)
			if list := d.at(d.root, "IPFilterAddressList"); list != nil {
				d.hosts(list, permission, hosts)
			}
		},
		guard: func(d *draft) error {
			if !isTrue(childText(d.root, "enabled")) {
				return nil
			}
			return c.guardFilter(d)
		},
	})
}

// hosts writes the entries of an address filter, in the order given.
func (d *draft) hosts(list *etree.Element, permission string, hosts []netip.Addr) {
	const member = "IPFilterAddress"
	var was, want []string
	for _, e := range list.SelectElements(member) {
		if mask := child(e, "AddressMask"); mask != nil {
			for _, a := range mask.ChildElements() {
				if a.Tag == "ipAddress" || a.Tag == "ipv6Address" {
					was = append(was, strings.TrimSpace(a.Text()))
				}
			}
		}
	}
	for _, h := range hosts {
		want = append(want, h.Unmap().WithZone("").String())
	}
	d.marks = append(d.marks, mark{list.GetPath(), strings.Join(was, ","), strings.Join(want, ",")})
	if slices.Equal(was, want) {
		return
	}
	for _, e := range list.SelectElements(member) {
		drop(e)
	}
	for i, h := range want {
		name := "ipAddress"
		if strings.Contains(h, ":") {
			name = "ipv6Address"
		}
		e := list.CreateElement(member)
		for _, f := range [][2]string{{"id", strconv.Itoa(i + 1)}, {"permissionType", permission}, {"addressFilterType", "mask"}} {
			e.CreateElement(f[0]).SetText(f[1])
		}
		e.CreateElement("AddressMask").CreateElement(name).SetText(h)
	}
}

// SetMACFilter switches the filter of hardware addresses. No body of a device
// was ever seen: a document without an enabled element matches
// [errors.ErrUnsupported]. Switching it on is always refused with [ErrCutOff],
// as nobody can tell what it lets through.
//
//isapi:op GET /ISAPI/System/Network/macFilter
//isapi:op PUT /ISAPI/System/Network/macFilter
func (c *Client) SetMACFilter(ctx context.Context, on bool) (camsec.Change, error) {
	r := enable("", "SetMACFilter", on, "MACFilter")
	r.guard = func(*draft) error {
		if on {
			return ErrCutOff
		}
		return nil
	}
	return c.revise(ctx, r)
}

// SetIEEE8021X switches whether the first interface logs in to its switch. A
// wrong setting takes the device off the network until somebody goes there:
// try it where the switch lets devices in that fail.
//
//isapi:op PUT /ISAPI/System/Network/interfaces/1/ieee802.1x
func (c *Client) SetIEEE8021X(ctx context.Context, on bool) (camsec.Change, error) {
	return c.revise(ctx, enable("IEEE8021X", "SetIEEE8021X", on, "IEEE802_1x"))
}

// A Credential8021X is what [Client.SetIEEE8021XCredential] changes. What is
// empty stays as it is.
type Credential8021X struct {
	Method    string // EAP-TLS, EAP-TTLS, EAP-PEAP, EAP-LEAP, EAP-FAST or EAP-MD5
	Identity  string // userName; old web pages take 32 characters
	Anonymous string // anonymousID: what the switch sees before the tunnel
	Password  camsec.Secret
}

// SetIEEE8021XCredential changes what the first interface logs in to its switch
// with. The device shows no password: with one, the outcome of a write that the
// device took is unknown, with [ErrUnproven], and the switch alone can tell.
// Other writes leave the stored password as it is. A certificate for EAP-TLS is
// chosen by [Client.SelectCertificate] for ieee802.1x.
//
// A wrong credential takes the device off the network until somebody goes there.
//
//isapi:op PUT /ISAPI/System/Network/interfaces/1/ieee802.1x
func (c *Client) SetIEEE8021XCredential(ctx context.Context, change Credential8021X) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "IEEE8021X", set: "SetIEEE8021XCredential", roots: []string{"IEEE802_1x"},
		edit: func(d *draft) {
			for _, t := range []struct{ name, want string }{
				{"authenticationProtocolType", change.Method},
				{"userName", change.Identity},
				{"anonymousID", change.Anonymous},
			} {
				if t.want != "" {
					d.text(d.root, t.name, t.want)
				}
			}
			if !change.Password.Empty() {
				d.secret(d.root, "password", "userName", change.Password)
			}
		},
	})
}

// A LogServerChange is what [Client.SetLogServer] changes. What is unknown,
// nil or empty stays as it is.
type LogServerChange struct {
	Enabled   camsec.State
	Host      string
	Port      *int
	Encrypted camsec.State
}

// SetLogServer changes where the device sends its log.
//
//isapi:op PUT /ISAPI/System/logServer
func (c *Client) SetLogServer(ctx context.Context, change LogServerChange) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "LogServer", set: "SetLogServer", roots: []string{"LogServer"},
		edit: func(d *draft) {
			if change.Enabled != camsec.StateUnknown {
				d.flag(d.root, "enabled", change.Enabled == camsec.StateOn)
			}
			if change.Host != "" {
				d.address(d.root, change.Host)
			}
			if change.Port != nil {
				d.text(d.root, "portNo", fmt.Sprint(*change.Port))
			}
			if change.Encrypted != camsec.StateUnknown {
				d.flag(d.root, "transmissionEncryption", change.Encrypted == camsec.StateOn)
			}
		},
	})
}
