package onvif

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A DateTime is what a device says of its clock. Fields that it does not say,
// or says out of range, are zero.
type DateTime struct {
	Type           string // Manual or NTP
	DaylightSaving camsec.State
	TimeZone       string    // POSIX, as the device writes it
	UTC            time.Time // zero: not told, or not believable
	Local          time.Time // in no zone; zero likewise
	// Repaired: the device counts years from 1900 (126 for 2026) and UTC is
	// what it must have meant.
	Repaired bool
}

// Years that a clock may show. Outside of them nothing is computed: Go's
// durations end at 292 years.
const minYear, maxYear = 2015, 2100

// NTP tells whether the device takes its time from a server.
func (d DateTime) NTP() camsec.State {
	switch d.Type {
	case "NTP":
		return camsec.StateOn
	case "Manual":
		return camsec.StateOff
	}
	return camsec.StateUnknown
}

// Offset returns how far the device's clock is ahead of now; ok is false where
// it shows nothing believable.
func (d DateTime) Offset(now time.Time) (offset time.Duration, ok bool) {
	if d.UTC.IsZero() {
		return 0, false
	}
	if y := now.UTC().Year(); y < minYear || y > maxYear {
		return 0, false
	}
	return d.UTC.Sub(now), true
}

// SystemDateAndTime reads the device's clock. It needs no login on most
// devices (PRE_AUTH).
//
//onvif:op GetSystemDateAndTime
func (c *Client) SystemDateAndTime(ctx context.Context) (DateTime, error) {
	r, err := c.call(ctx, "SystemDateAndTime", nil)
	if err != nil {
		return DateTime{}, err
	}
	return dateTime(r.Node)
}

func dateTime(r *wire.Node) (DateTime, error) {
	n := r.Child("SystemDateAndTime")
	if n == nil {
		return DateTime{}, malformed(operation("SystemDateAndTime"), "no SystemDateAndTime")
	}
	d := DateTime{
		Type: n.Child("DateTimeType").String(), DaylightSaving: state(n.Child("DaylightSavings")),
		TimeZone: n.At("TimeZone", "TZ").String(),
	}
	d.UTC, d.Repaired = instant(n.Child("UTCDateTime"))
	d.Local, _ = instant(n.Child("LocalDateTime"))
	return d, nil
}

// instant reads a date with a time of day; zero if it is out of any range. A
// year from 100 to 199 is one of struct tm.
func instant(n *wire.Node) (t time.Time, repaired bool) {
	var v [6]int64
	for i, f := range []struct {
		part, name string
		min, max   int64
	}{
		{"Date", "Year", 0, maxYear},
		{"Date", "Month", 1, 12},
		{"Date", "Day", 1, 31},
		{"Time", "Hour", 0, 23},
		{"Time", "Minute", 0, 59},
		{"Time", "Second", 0, 60},
	} {
		x, ok := n.At(f.part, f.name).Int()
		if !ok || x < f.min || x > f.max {
			return time.Time{}, false
		}
		v[i] = x
	}
	if 100 <= v[0] && v[0] < 200 {
		v[0], repaired = v[0]+1900, true
	}
	if v[0] < minYear {
		return time.Time{}, false
	}
	t = time.Date(int(v[0]), time.Month(v[1]), int(v[2]), int(v[3]), int(v[4]), int(v[5]), 0, time.UTC)
	if t.Day() != int(v[2]) && v[5] != 60 { // 31 February
		return time.Time{}, false
	}
	return t, repaired
}

// A TimeSetting is what [Client.SetSystemDateAndTime] sets.
type TimeSetting struct {
	NTP            bool // take the time from a server; UTC is then not sent
	DaylightSaving bool
	TimeZone       string // POSIX; empty leaves it as it is
	UTC            time.Time
}

// SetSystemDateAndTime sets the clock or the way it is set, and reads it back.
// A device without an NTP server set refuses NTP (NtpServerUndefined).
//
//onvif:op SetSystemDateAndTime
func (c *Client) SetSystemDateAndTime(ctx context.Context, s TimeSetting) (camsec.Change, error) {
	if !s.NTP && s.UTC.IsZero() {
		return notApplied(errors.New("onvif: SetSystemDateAndTime: a time to set by hand is missing"))
	}
	return c.write(ctx, "SetSystemDateAndTime", func(m *message) {
		kind := "Manual"
		if s.NTP {
			kind = "NTP"
		}
		m.text("tds:DateTimeType", kind)
		m.bool("tds:DaylightSavings", s.DaylightSaving)
		if s.TimeZone != "" {
			m.in("tds:TimeZone", func() { m.text("tt:TZ", s.TimeZone) })
		}
		if !s.NTP {
			t := s.UTC.UTC()
			m.in("tds:UTCDateTime", func() {
				m.in("tt:Time", func() { m.int("tt:Hour", t.Hour()); m.int("tt:Minute", t.Minute()); m.int("tt:Second", t.Second()) })
				m.in("tt:Date", func() { m.int("tt:Year", t.Year()); m.int("tt:Month", int(t.Month())); m.int("tt:Day", t.Day()) })
			})
		}
	}, func(ctx context.Context) (bool, error) {
		d, err := c.SystemDateAndTime(ctx)
		if err != nil {
			return false, err
		}
		// Devices write zones in their own way: CST-8 as CST-8:00:00.
		plain := strings.NewReplacer(":00", "", "+", "")
		if s.TimeZone != "" && plain.Replace(d.TimeZone) != plain.Replace(s.TimeZone) {
			return false, nil
		}
		if s.NTP {
			return d.Type == "NTP", nil
		}
		// The device's clock runs on meanwhile.
		const slack = time.Minute
		off := d.UTC.Sub(s.UTC)
		return d.Type == "Manual" && !d.UTC.IsZero() && off > -slack && off < slack, nil
	})
}
