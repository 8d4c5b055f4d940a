package camsec

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Waves visit a few devices of each kind before the many, and stop a kind
// that goes wrong. A wave begins when all of the one before are over, their
// results are good enough, and the soak has passed.
type Waves struct {
	// Group tells devices of one kind from others, such as by model and
	// firmware; nil means the labels "model" and "firmware".
	Group func(Target) string
	// Steps are how far each wave goes: from 1 a number of devices, below 1 a
	// share of the group. What they leave is the last wave. Nil means 1, 5,
	// 5 %, 25 %.
	Steps []float64
	// Soak is the pause between waves.
	Soak time.Duration
	// Failing is the share of a group's visits that may fail, 0 means 2 %; it
	// is looked at at the end of a wave. A lock-out stops the group at once,
	// as does an outcome that matches [ErrUncertain].
	Failing float64
	// Check, if not nil, is asked after each wave whether the group is
	// healthy; an error stops it. It must not block for long.
	Check func(group string, wave int) error
}

// waveState is the waves of one run, by group.
type waveState struct {
	Waves
	groups map[string]*waveGroup
	order  []string
	dead   []*job // of stopped groups, on their way to be skipped
	words  []string
}

type waveGroup struct {
	name    string
	jobs    []*job
	ends    []int // of each wave, in jobs
	wave    int   // that is under way, from 1
	next    int   // first job of the next wave
	open    int   // jobs of this wave that are not over
	visited int
	failed  int
	soak    time.Time // before which the next wave does not begin
	stop    string
}

func newWaveState(w *Waves) *waveState {
	s := &waveState{Waves: *w, groups: map[string]*waveGroup{}}
	if s.Group == nil {
		s.Group = func(t Target) string { return t.Labels["model"] + " " + t.Labels["firmware"] }
	}
	if s.Steps == nil {
		s.Steps = []float64{1, 5, 0.05, 0.25}
	}
	if s.Failing <= 0 {
		s.Failing = 0.02
	}
	return s
}

func (s *waveState) add(j *job) {
	name := s.Group(j.target)
	g := s.groups[name]
	if g == nil {
		g = &waveGroup{name: name}
		s.groups[name] = g
		s.order = append(s.order, name)
	}
	g.jobs = append(g.jobs, j)
}

// plan cuts every group into its waves.
func (s *waveState) plan() {
	for _, g := range s.groups {
		n := len(g.jobs)
		for _, step := range s.Steps {
			end := int(step)
			if step < 1 {
				end = int(math.Ceil(step * float64(n)))
			}
			if last := g.last(); end > last && end < n {
				g.ends = append(g.ends, end)
			}
		}
		g.ends = append(g.ends, n)
	}
}

func (g *waveGroup) last() int {
	if len(g.ends) == 0 {
		return 0
	}
	return g.ends[len(g.ends)-1]
}

type waveEvent struct{ what, text string }

// release puts the jobs of waves that may begin into the queue.
func (s *waveState) release(now time.Time, q *queue) []waveEvent {
	var out []waveEvent
	for _, name := range s.order {
		g := s.groups[name]
		if g.stop != "" || g.open > 0 || g.next >= len(g.jobs) || now.Before(g.soak) {
			continue
		}
		if g.wave > 0 {
			if why := s.wrong(g); why != "" {
				out = append(out, waveEvent{"stop", s.halt(g, why)})
				continue
			}
		}
		end := g.ends[g.wave]
		g.wave++
		for _, j := range g.jobs[g.next:end] {
			j.wave = g.wave
			q.put(j, now)
		}
		g.open, g.next = end-g.next, end
		out = append(out, waveEvent{"wave", fmt.Sprintf("%s: wave %d of %d, %d devices", printable(g.name), g.wave, len(g.ends), g.open)})
	}
	return out
}

// wrong says why a group must not go on, at the end of a wave.
func (s *waveState) wrong(g *waveGroup) string {
	if g.visited > 0 && float64(g.failed) > s.Failing*float64(g.visited) {
		return fmt.Sprintf("%d of %d visits failed", g.failed, g.visited)
	}
	if s.Check != nil {
		if err := s.Check(g.name, g.wave); err != nil {
			return printable(err.Error())
		}
	}
	return ""
}

// halt stops a group and sets its remaining jobs aside.
func (s *waveState) halt(g *waveGroup, why string) string {
	g.stop = fmt.Sprintf("not visited: %s stopped after wave %d: %s", printable(g.name), g.wave, why)
	for _, j := range g.jobs[g.next:] {
		s.dead = append(s.dead, j)
		s.words = append(s.words, g.stop)
	}
	g.next = len(g.jobs)
	return g.stop
}

// stopped returns one job of a stopped group, with why.
func (s *waveState) stopped() (*job, string) {
	if len(s.dead) == 0 {
		return nil, ""
	}
	j, why := s.dead[0], s.words[0]
	s.dead, s.words = s.dead[1:], s.words[1:]
	return j, why
}

func (s *waveState) end(j *job, err error, skipped bool) {
	g := s.groups[s.Group(j.target)]
	g.open--
	if !skipped {
		g.visited++
		if err != nil {
			g.failed++
		}
	}
	switch reason := ReasonOf(err); {
	case err == nil, skipped, g.stop != "":
	case reason == ReasonLocked:
		s.halt(g, "a device is locked")
	case errors.Is(err, ErrUncertain):
		s.halt(g, "what a change did is not known")
	}
	if g.open == 0 {
		g.soak = time.Now().Add(s.Soak)
	}
}

func (s *waveState) over() bool {
	for _, g := range s.groups {
		if g.next < len(g.jobs) || g.open > 0 {
			return false
		}
	}
	return len(s.dead) == 0
}

func (s *waveState) nextTime() (time.Time, bool) {
	var at time.Time
	for _, g := range s.groups {
		if g.open == 0 && g.next < len(g.jobs) && (at.IsZero() || g.soak.Before(at)) {
			at = g.soak
		}
	}
	return at, !at.IsZero()
}

func (s *waveState) all() []*job {
	out := slices.Clone(s.dead)
	for _, name := range s.order {
		g := s.groups[name]
		out = append(out, g.jobs[g.next:]...)
	}
	return out
}
