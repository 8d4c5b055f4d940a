package isapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
)

// SetEventTrigger changes who is told of an event: methods such as center,
// email, record, beep. Notifications by a method that stays are not touched.
// An id is that of [Client.EventTriggers].
//
//isapi:op GET /ISAPI/Event/triggers/{id}
//isapi:op PUT /ISAPI/Event/triggers/{id}
func (c *Client) SetEventTrigger(ctx context.Context, id string, methods []string) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetEventTrigger", id: id, roots: []string{"EventTrigger"},
		edit: func(d *draft) { d.notifications(d.at(d.root, "EventTriggerNotificationList"), methods) },
	})
}

func (d *draft) notifications(list *etree.Element, methods []string) {
	if list == nil {
		return
	}
	const member = "EventTriggerNotification"
	var was []string
	for _, n := range list.SelectElements(member) {
		method := childText(n, "notificationMethod")
		if !slices.Contains(was, method) {
			was = append(was, method)
		}
		if !slices.Contains(methods, method) {
			drop(n)
		}
	}
	want := slices.Compact(slices.Sorted(slices.Values(methods)))
	for _, method := range want {
		if slices.Contains(was, method) {
			continue
		}
		n := list.CreateElement(member)
		n.Space = list.Space
		for _, f := range [][2]string{
			{"id", method}, {"notificationMethod", method}, {"notificationRecurrence", "beginning"},
		} {
			n.CreateElement(f[0]).SetText(f[1])
		}
	}
	slices.Sort(was)
	d.marks = append(d.marks, mark{list.GetPath(), strings.Join(was, ","), strings.Join(want, ",")})
}

// setLoginAlarm changes who is told of failed logins.
func (c *Client) setLoginAlarm(ctx context.Context, methods []string) (camsec.Change, error) {
	op := writeOf("SetEventTrigger")
	if err := c.mayWrite(op); err != nil {
		return notApplied(err)
	}
	triggers, err := c.EventTriggers(ctx)
	if err != nil {
		return notApplied(err)
	}
	for _, t := range triggers {
		if strings.EqualFold(t.Type, "illaccess") {
			return c.SetEventTrigger(ctx, t.ID, methods)
		}
	}
	return notApplied(fmt.Errorf("isapi: %s: the device lists no such event: %w", op, errors.ErrUnsupported))
}

// An HTTPHostChange is what [Client.SetHTTPHost] changes. What is nil or empty
// stays as it is.
type HTTPHostChange struct {
	Protocol string // HTTP or HTTPS
	Host     string
	Port     *int
	URL      string
	Auth     string // none, MD5digest, …
}

// SetHTTPHost changes one receiver of events, numbered as in
// [Client.HTTPHosts]. DS-K1A340FWX takes a URL and does not keep it, which
// reads back as [ErrIgnored] or [camsec.ErrUncertain].
//
//isapi:op GET /ISAPI/Event/notification/httpHosts/{id}
//isapi:op PUT /ISAPI/Event/notification/httpHosts/{id}
func (c *Client) SetHTTPHost(ctx context.Context, id string, change HTTPHostChange) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetHTTPHost", id: id, roots: []string{"HttpHostNotification"},
		edit: func(d *draft) {
			for _, t := range []struct{ name, want string }{
				{"url", change.URL}, {"protocolType", change.Protocol}, {"httpAuthenticationMethod", change.Auth},
			} {
				if t.want != "" {
					d.text(d.root, t.name, t.want)
				}
			}
			if change.Host != "" {
				d.address(d.root, change.Host)
			}
			if change.Port != nil {
				d.text(d.root, "portNo", fmt.Sprint(*change.Port))
			}
		},
	})
}

func (c *Client) setHTTPHostTLS(ctx context.Context, id string, on bool) (camsec.Change, error) {
	return c.SetHTTPHost(ctx, id, HTTPHostChange{Protocol: map[bool]string{false: "HTTP", true: "HTTPS"}[on]})
}

// usedHosts are the numbers of the receivers that are set up.
func (c *Client) usedHosts(ctx context.Context) ([]string, error) {
	hosts, err := c.HTTPHosts(ctx)
	var ids []string
	for _, h := range hosts {
		ids = append(ids, h.ID)
	}
	return ids, err
}

// setHTTPHostAuth asks for digest, or for no login. A method that asks for a
// login stays as it is.
func (c *Client) setHTTPHostAuth(ctx context.Context, id string, on bool) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetHTTPHost", id: id, roots: []string{"HttpHostNotification"},
		edit: func(d *draft) {
			e := d.at(d.root, "httpAuthenticationMethod")
			if e == nil {
				return
			}
			was := strings.TrimSpace(e.Text())
			want := map[bool]string{false: "none", true: "MD5digest"}[on]
			if on && was != "" && !strings.EqualFold(was, "none") {
				want = was
			}
			d.set(e, want)
		},
	})
}
