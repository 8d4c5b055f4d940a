package isapi

import (
	"context"
	"strings"

	"github.com/camsec/camsec/auth/wire"
)

// An EventTrigger is what a device does when something happens.
type EventTrigger struct {
	ID      string
	Type    string   // illaccess, VMD, …
	Methods []string // email, center, record, …; empty means that nobody is told
}

// EventTriggers reads what the device does on which event.
//
//isapi:op GET /ISAPI/Event/triggers
func (c *Client) EventTriggers(ctx context.Context) ([]EventTrigger, error) {
	n, err := c.get(ctx, "EventTriggers", wire.Limits{}, "EventTriggerList", "EventNotification")
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(n.Name, "EventTriggerList") {
		if n = n.Child("EventTriggerList"); n == nil {
			return nil, malformed(operation("EventTriggers"), "no list in it")
		}
	}
	list := []EventTrigger{}
	for _, t := range n.All("EventTrigger") {
		trigger := EventTrigger{ID: t.Child("id").String(), Type: t.Child("eventType").String(), Methods: []string{}}
		notes := t.Child("EventTriggerNotificationList")
		if !notes.Has() {
			trigger.Methods = nil
		}
		for _, m := range notes.All("EventTriggerNotification") {
			if method := m.Child("notificationMethod").String(); method != "" {
				trigger.Methods = append(trigger.Methods, method)
			}
		}
		list = append(list, trigger)
	}
	return list, nil
}

// An HTTPHost is a receiver that a device sends its events to.
type HTTPHost struct {
	ID       string
	Protocol string // HTTP or HTTPS
	Host     string
	Port     *int // nil is unknown
	URL      string
	Auth     string // none, MD5digest, …
}

// HTTPHosts reads the receivers of events that are set up; the blank one that
// devices come with is left out.
//
//isapi:op GET /ISAPI/Event/notification/httpHosts
func (c *Client) HTTPHosts(ctx context.Context) ([]HTTPHost, error) {
	n, err := c.get(ctx, "HTTPHosts", wire.Small(), "HttpHostNotificationList", "HttpHostNotification")
	if err != nil {
		return nil, err
	}
	var used []HTTPHost
	for _, h := range members(n, "HttpHostNotification") {
		host := HTTPHost{
			ID: h.Child("id").String(), Protocol: h.Child("protocolType").String(), Host: hostOf(h),
			Port: number(h.Child("portNo")), URL: h.Child("url").String(),
			Auth: h.Child("httpAuthenticationMethod").String(),
		}
		if unset(host.Host) || host.Port != nil && *host.Port == 0 {
			continue
		}
		used = append(used, host)
	}
	return used, nil
}
