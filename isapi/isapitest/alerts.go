package isapitest

import (
	"fmt"
	"net/http"
	"time"
)

const (
	alertPath     = "/ISAPI/Event/notification/alertStream"
	alertBoundary = "MIME_boundary"
	heartbeat     = 10 * time.Second
	maxListeners  = 16
)

// Alert sends an event to whoever listens to the alert stream; channel 0 is
// none. Devices of isapi.org's namespace that record nothing send JSON.
func (d *Device) Alert(eventType, state string, channel int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell(d.event(eventType, state, channel))
}

// SendPart sends a part of the alert stream as it stands, header and body, with
// the boundary before it.
func (d *Device) SendPart(raw string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell("--" + alertBoundary + "\r\n" + raw)
}

// Listeners counts who listens to the alert stream.
func (d *Device) Listeners() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.listeners)
}

// HangUp ends every alert stream, with or without its end mark.
func (d *Device) HangUp(properly bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := ""
	if properly {
		last = "--" + alertBoundary + "--\r\n"
	}
	d.hangUp(last)
}

func (d *Device) hangUp(last string) {
	for l := range d.listeners {
		l <- last
		close(l)
		delete(d.listeners, l)
	}
}

// Silence stops heartbeats, as a device does that is stuck, and lets them go
// on.
func (d *Device) Silence(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = on
}

// tell leaves out who does not keep up.
func (d *Device) tell(part string) {
	for l := range d.listeners {
		if len(l) < cap(l)-1 { // one is kept for hanging up
			l <- part
		}
	}
}

func (d *Device) event(eventType, state string, channel int) string {
	when := d.host.Now().Add(d.skew).Format(time.RFC3339)
	if d.profile.Namespace == NamespaceISAPI && len(d.profile.Channels) == 0 {
		body := fmt.Sprintf(`{"ipAddress":"192.0.2.64","portNo":80,"protocol":"HTTP","channelID":%d,"dateTime":%q,"activePostCount":1,`+
			`"eventType":%q,"eventState":%q,"eventDescription":%q}`, channel, when, eventType, state, eventType+" alarm")
		return part("application/json", body)
	}
	fields := []string{
		el("ipAddress", "192.0.2.64"), el("portNo", 80), el("protocol", "HTTP"), el("macAddress", d.profile.MAC),
	}
	switch {
	case channel > 0 && len(d.profile.Channels) > 0:
		fields = append(fields, el("dynChannelID", channel))
	case channel > 0:
		fields = append(fields, el("channelID", channel))
	}
	count := "1"
	if state == "inactive" {
		count = "0"
	}
	fields = append(fields, el("dateTime", when), el("activePostCount", count),
		el("eventType", eventType), el("eventState", state), el("eventDescription", eventType+" alarm"))
	return part(`application/xml; charset="UTF-8"`, d.profile.doc("EventNotificationAlert", fields...))
}

func part(kind, body string) string {
	return fmt.Sprintf("--%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n", alertBoundary, kind, len(body), body)
}

// serveAlerts answers the alert stream, which does not end by itself.
func (d *Device) serveAlerts(w http.ResponseWriter, r *http.Request) (handled bool) {
	d.mu.Lock()
	_, fails := d.fails["GET "+alertPath]
	_, gone := d.docs["-GET "+alertPath]
	if r.URL.Path != alertPath || r.Method != http.MethodGet || fails || gone || d.replay || !d.activated || len(d.listeners) >= maxListeners {
		d.mu.Unlock()
		return false
	}
	l := make(chan string, 256)
	if d.listeners == nil {
		d.listeners = map[chan string]bool{}
	}
	d.listeners[l] = true
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.listeners, l)
		d.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "multipart/mixed; boundary="+alertBoundary)
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	beat := time.NewTimer(0)
	defer beat.Stop()
	for {
		var text string
		select {
		case <-r.Context().Done():
			return true
		case next, open := <-l:
			if !open {
				return true
			}
			text = next
		case <-beat.C:
			beat.Reset(heartbeat)
			d.mu.Lock()
			if !d.silent {
				text = d.event("videoloss", "inactive", 1)
			}
			d.mu.Unlock()
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return true
		}
		if out.Flush() != nil {
			return true
		}
	}
}
