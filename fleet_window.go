package camsec

import (
	"slices"
	"time"
)

// A Window is when devices may be worked on, by the clock on the wall at
// their site. It is open whenever that clock shows a time from From until
// To, so it keeps to the wall's hours on the days that daylight saving makes
// shorter or longer: an hour that is skipped is not in it, and one that comes
// twice is in it twice.
type Window struct {
	// Days on which it opens; nil means every day. The hours past midnight of
	// a window that crosses it belong to the day before.
	Days []time.Weekday
	// From and To are hours and minutes since midnight, such as 22*time.Hour;
	// To is not in it. A window whose To is not after its From crosses
	// midnight; equal ones are the whole day.
	From, To time.Duration
	// Zone is the site's, from [time.LoadLocation]; nil means UTC.
	Zone *time.Location
}

// Contains tells whether the window is open at t.
func (w Window) Contains(t time.Time) bool {
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	h, m, s := t.Clock()
	wall := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	on := func(d time.Weekday) bool { return w.Days == nil || slices.Contains(w.Days, d) }
	if w.From < w.To {
		return wall >= w.From && wall < w.To && on(t.Weekday())
	}
	if wall >= w.From {
		return on(t.Weekday())
	}
	return wall < w.To && on((t.Weekday()+6)%7)
}

// Next returns the first moment from t on at which the window is open, to the
// minute; the zero time if it never opens.
func (w Window) Next(t time.Time) time.Time {
	if w.Contains(t) {
		return t
	}
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := t.In(zone)
	// It opens when the wall shows From, at midnight if a day of its hours
	// begins there, or where the clock jumps into it. Clocks are set by at
	// most three hours, so what is near those moments is looked at closely.
	for day := range 9 {
		y, mo, d := local.AddDate(0, 0, day).Date()
		for _, at := range []time.Duration{0, w.From} {
			start := time.Date(y, mo, d, 0, int(at/time.Minute), 0, 0, zone)
			if first := w.near(start, t); !first.IsZero() {
				return first
			}
		}
	}
	return time.Time{}
}

// near looks for the window's opening in the hours around a moment, after t.
func (w Window) near(start, t time.Time) time.Time {
	from := start.Add(-3 * time.Hour)
	if from.Before(t) {
		from = t.Truncate(time.Minute).Add(time.Minute)
	}
	for at := from; !at.After(start.Add(3 * time.Hour)); at = at.Add(time.Minute) {
		if w.Contains(at) {
			return at
		}
	}
	return time.Time{}
}
