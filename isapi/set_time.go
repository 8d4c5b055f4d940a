package isapi

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
)

// SetTimeMode changes where the clock comes from: NTP, manual, or a word of
// the device's own. With manual the clock goes on from where it is.
//
//isapi:op PUT /ISAPI/System/time
func (c *Client) SetTimeMode(ctx context.Context, mode string) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "Time", set: "SetTimeMode", roots: []string{"Time"},
		edit: func(d *draft) {
			e := d.at(d.root, "timeMode")
			if e != nil && strings.EqualFold(strings.TrimSpace(e.Text()), mode) {
				mode = strings.TrimSpace(e.Text())
			}
			d.set(e, mode)
		},
	})
}

// clockSlack is how far a clock that was set may be off when it is read back.
const clockSlack = 3 * time.Second

// SetClock sets the clock and has it run by itself (mode manual). The time is
// written in the zone that the device writes now. A jump may end sessions and
// the validity of certificates. A clock that is right to three seconds in that
// mode is left as it is.
//
//isapi:op PUT /ISAPI/System/time
func (c *Client) SetClock(ctx context.Context, now time.Time) (camsec.Change, error) {
	began := c.now()
	return c.revise(ctx, revision{
		get: "Time", set: "SetClock", roots: []string{"Time"},
		edit: func(d *draft) {
			d.text(d.root, "timeMode", "manual")
			e := d.at(d.root, "localTime")
			if e == nil {
				return
			}
			have, ok := Time{Local: strings.TrimSpace(e.Text())}.Instant()
			if !ok {
				d.lacks("localTime with a zone")
				return
			}
			at := now.Add(c.now().Sub(began))
			right := have.Sub(at).Abs() <= clockSlack
			d.marks = append(d.marks, mark{"localTime is right", fmt.Sprint(right), "true"})
			e.SetText(at.In(have.Location()).Format("2006-01-02T15:04:05-07:00"))
		},
	})
}

// An NTPServerChange is what [Client.SetNTPServer] changes. What is nil or
// empty stays as it is.
type NTPServerChange struct {
	Host string // a name or an address
	Port *int
}

// SetNTPServer changes one of the servers that the device gets its time from,
// numbered as in [Client.NTPServers].
//
//isapi:op GET /ISAPI/System/time/ntpServers/{id}
//isapi:op PUT /ISAPI/System/time/ntpServers/{id}
func (c *Client) SetNTPServer(ctx context.Context, id string, change NTPServerChange) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetNTPServer", id: id, roots: []string{"NTPServer"},
		edit: func(d *draft) {
			if change.Host != "" {
				d.address(d.root, change.Host)
			}
			if change.Port != nil {
				d.text(d.root, "portNo", fmt.Sprint(*change.Port))
			}
		},
	})
}

// address writes where something is, as a name or as an address: the element
// of the other kind becomes that of the wanted one.
func (d *draft) address(e *etree.Element, host string) {
	kind, name := "hostname", "hostName"
	if ip, err := netip.ParseAddr(host); err == nil {
		kind, name = "ipaddress", "ipAddress"
		if ip.Is6() {
			name = "ipv6Address"
		}
	}
	d.text(e, "addressingFormatType", kind)
	at := child(e, name)
	if at == nil {
		if at = child(e, "hostName", "ipAddress", "ipv6Address"); at == nil {
			d.lacks("address")
			return
		}
		d.marks = append(d.marks, mark{at.GetPath(), at.Text(), host})
		at.Tag = name
		at.SetText(host)
		return
	}
	d.set(at, host)
}

// setTimeServer changes the first server of the device's list.
func (c *Client) setTimeServer(ctx context.Context, host string) (camsec.Change, error) {
	op := writeOf("SetNTPServer")
	if err := c.mayWrite(op); err != nil {
		return notApplied(err)
	}
	servers, err := c.NTPServers(ctx)
	if err != nil {
		return notApplied(err)
	}
	if len(servers) == 0 {
		return notApplied(fmt.Errorf("isapi: %s: the device lists no place for one: %w", op, errors.ErrUnsupported))
	}
	at := servers[0]
	for _, s := range servers {
		if s.Host != "" { // the one that Device.Settings tells
			at = s
			break
		}
	}
	return c.SetNTPServer(ctx, at.ID, NTPServerChange{Host: host})
}
