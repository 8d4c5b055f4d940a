package isapi

import (
	"context"
	"strings"
	"time"

	"github.com/camsec/camsec/auth/wire"
)

// A Time is a device's clock as the device writes it.
type Time struct {
	Mode  string // NTP, manual, …
	Local string // 2026-03-26T12:50:48+08:00
	Zone  string // CST-8:00:00, POSIX: west is positive
}

// Time reads the device's clock.
//
//isapi:op GET /ISAPI/System/time
func (c *Client) Time(ctx context.Context) (Time, error) {
	n, err := c.get(ctx, "Time", wire.Small(), "Time")
	if err != nil {
		return Time{}, err
	}
	t := Time{n.Child("timeMode").String(), n.Child("localTime").String(), n.Child("timeZone").String()}
	if t.Mode == "" && t.Local == "" {
		return Time{}, malformed(operation("Time"), "no mode and no time")
	}
	return t, nil
}

// Instant returns the moment that the device's clock shows; false if it does
// not tell in which zone.
func (t Time) Instant() (time.Time, bool) {
	v, err := time.Parse(time.RFC3339, t.Local)
	return v, err == nil
}

// Offset returns how far the device's clock is ahead of now; false if that
// cannot be told. Some recorders write the winter's zone all year, so with
// daylight saving an offset of about an hour is not told.
func (t Time) Offset(now time.Time) (time.Duration, bool) {
	v, ok := t.Instant()
	if !ok {
		return 0, false
	}
	d := v.Sub(now)
	if strings.Contains(t.Zone, "DST") && d.Abs() > 30*time.Minute && d.Abs() < 90*time.Minute {
		return 0, false
	}
	return d, true
}

// deviceTime reads a time as devices write it, without a zone as UTC; zero is
// not readable.
func deviceTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// An NTPServer is where a device gets its time from.
type NTPServer struct {
	ID   string
	Host string // empty if none is set
	Port *int   // nil is unknown
}

// NTPServers reads where the device gets its time from.
//
//isapi:op GET /ISAPI/System/time/ntpServers
func (c *Client) NTPServers(ctx context.Context) ([]NTPServer, error) {
	n, err := c.get(ctx, "NTPServers", wire.Small(), "NTPServerList", "NTPServer")
	if err != nil {
		return nil, err
	}
	list := []NTPServer{}
	for _, s := range members(n, "NTPServer") {
		server := NTPServer{ID: s.Child("id").String(), Host: hostOf(s), Port: number(s.Child("portNo"))}
		if unset(server.Host) {
			server.Host = ""
		}
		list = append(list, server)
	}
	return list, nil
}
