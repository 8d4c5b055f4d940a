package main

import (
	"fmt"
	"time"
)

// A progress tells people how far a run is. Failures are told one by one; of
// what went well, a large run tells only how much.
type progress struct {
	env                 *env
	total, done, failed int
	now                 func() time.Time
	start, told         time.Time
}

const (
	// smallRun is how many devices are told one by one.
	smallRun = 20
	// progressEvery is how often a large run tells how far it is.
	progressEvery = 2 * time.Second
)

func newProgress(e *env, total int, now func() time.Time) *progress {
	return &progress{env: e, total: total, now: now, start: now(), told: now()}
}

func (p *progress) add(v visit) {
	p.done++
	word := "ok"
	if v.err != nil {
		p.failed++
		word = clean(v.err.Error())
	}
	if v.err != nil || p.total <= smallRun {
		p.env.warn("%d/%d %s: %s", p.done, p.total, clean(v.target.Address), word)
	}
	if now := p.now(); p.total > smallRun && (p.done == p.total || now.Sub(p.told) >= progressEvery) {
		p.told = now
		p.env.warn("%s", p.line(now))
	}
}

// line is how far the run is, how fast, and how long it will take.
func (p *progress) line(now time.Time) string {
	s := fmt.Sprintf("%d of %d devices", p.done, p.total)
	if p.failed > 0 {
		s += fmt.Sprintf(", %d not read", p.failed)
	}
	if took := now.Sub(p.start).Seconds(); took > 0 {
		rate := float64(p.done) / took
		s += fmt.Sprintf(", %.1f a second", rate)
		if left := p.total - p.done; left > 0 {
			s += ", about " + (time.Duration(float64(left)/rate) * time.Second).Round(time.Second).String() + " left"
		}
	}
	return s
}
