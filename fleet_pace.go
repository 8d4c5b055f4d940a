package camsec

// A pace slows one site down while several of its devices are busy or out of
// reach: what they share, an uplink or a recorder, is then likely to be what
// cannot keep up. Their number under way is halved, and grows by a step with
// each round that goes well, until the site bears what it did before (additive
// increase, multiplicative decrease, as in RFC 5681 3.1). One device in trouble
// is its own affair, and a login that is refused says nothing of the site.
type pace struct {
	most   int             // what it grows back to
	limit  int             // 0: not slowed
	visits int             // of this round
	bad    map[string]bool // devices that were in trouble in this round
	// since is how many visits had begun at the last change for the worse.
	// What they meet says nothing about the pace that is kept now.
	since int
}

// So many devices in trouble slow a site, if they are at least that share of
// the round, and of what is under way there.
const (
	slowDevices = 2
	slowShare   = 4 // a quarter
)

// step is by how much a site recovers, and the least that is left of it: one
// whose devices are gone for good must not hold up a run for hours.
func (p *pace) step() int { return max(1, p.most/8) }

// paceOf returns the pace of the site that a job belongs to, nil if there is
// none: targets without a scope have no site in common.
func (t *throttle) paceOf(j *job) (site string, p *pace) {
	if j.target.Scope == "" {
		return "", nil
	}
	for _, l := range j.levels {
		if l[0] == 's' {
			if t.paces[l] == nil {
				t.paces[l] = &pace{}
			}
			return l, t.paces[l]
		}
	}
	return "", nil
}

// learn takes what became of a visit; begun is how many there were by now. It
// tells whether the site was slowed, and to how many visits at once.
func (t *throttle) learn(j *job, err error, begun int) (slowed bool, limit int) {
	switch ReasonOf(err) {
	case ReasonRefused, ReasonLocked, ReasonUntrusted, ReasonNoCredential, ReasonCancelled:
		return false, 0 // neither for it nor against it
	}
	site, p := t.paceOf(j)
	if p == nil || p.limit > 0 && j.begun <= p.since {
		return false, 0
	}
	p.visits++
	if mayWorkLater(err) {
		if p.bad == nil {
			p.bad = map[string]bool{}
		}
		p.bad[j.target.Key()] = true
	}
	under := t.used[site] + 1 // with this one
	switch {
	case len(p.bad) >= slowDevices && len(p.bad)*slowShare >= max(p.visits, under):
		if p.limit == 0 {
			p.most = max(under, t.limit['s'])
			p.limit = p.most
		}
		was := p.limit
		p.limit = max(min(p.limit, under)/2, p.step())
		p.since, p.visits, p.bad = begun, 0, nil
		return p.limit < was, p.limit
	case p.visits >= max(p.limit, under, slowDevices*slowShare):
		if p.limit > 0 {
			p.limit += p.step()
		}
		p.visits, p.bad = 0, nil
		if p.limit >= p.most {
			delete(t.paces, site) // as if nothing had been
		}
	}
	return false, 0
}

// limitOf is how many may hold a token of a level; 0 or less is without limit.
func (t *throttle) limitOf(level string) int {
	limit := t.limit[level[0]]
	if p := t.paces[level]; p != nil && p.limit > 0 && (limit <= 0 || p.limit < limit) {
		return p.limit
	}
	return limit
}
