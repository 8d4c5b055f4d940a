package camsec

import "cmp"

// Limits bound how many visits are under way at once, as a tree: one needs
// room at every level from the whole fleet down to its device. Zero fields
// are the defaults; a negative one is without limit. A site of which several
// devices are busy or out of reach at once is visited by fewer for a while.
type Limits struct {
	All      int // 0 means 32
	Site     int // targets of one scope, 0 means no limit
	Recorder int // targets behind one recorder, 0 means 2
	Device   int // visits of one target, 0 means 1
	Account  int // targets visited with one account, 0 means no limit
	// Descriptors is how many files and sockets the process may have open, 0
	// is unknown; as many visits as it has room for are under way at most,
	// with two for each and 64 for everything else.
	Descriptors int
}

// What the process needs beside visits, and a visit for itself: a connection
// and, while it is dialed anew, another.
const (
	spareDescriptors = 64
	visitDescriptors = 2
)

// all is the limit of the whole fleet.
func (l Limits) all() int {
	n := cmp.Or(l.All, 32)
	if l.Descriptors > 0 {
		room := max(1, (l.Descriptors-spareDescriptors)/visitDescriptors)
		if n < 0 || n > room {
			n = room
		}
	}
	return n
}

// A throttle counts tokens by level. A level's name begins with its kind.
type throttle struct {
	limit map[byte]int // by the first letter; 0 or less is without limit
	used  map[string]int
	paces map[string]*pace // of sites that something was learned about
}

func newThrottle(l Limits) *throttle {
	return &throttle{
		limit: map[byte]int{
			'*': l.all(), 's': max(l.Site, 0), 'r': max(cmp.Or(l.Recorder, 2), 0),
			'd': max(cmp.Or(l.Device, 1), 0), 'a': max(l.Account, 0),
		},
		used: map[string]int{}, paces: map[string]*pace{},
	}
}

// levels names what a target needs a token of. Those without a limit are left
// out, but for the site, which may have to be slowed.
func (t *throttle) levels(target Target, recorder, account string) []string {
	out := []string{"*"}
	site := keyEscaper.Replace(target.Scope)
	for _, l := range []string{"s" + site, "r" + site + "/" + recorder, "d" + target.Key(), "a" + account} {
		if t.limit[l[0]] <= 0 && (l[0] != 's' || site == "") || l[0] == 'r' && recorder == "" || l[0] == 'a' && account == "" {
			continue
		}
		out = append(out, l)
	}
	return out
}

// fits tells whether every token that j needs is free. The oldest job that
// waits, if it is another, keeps what it needs: else it could wait for two
// tokens for ever that others take in turn.
func (t *throttle) fits(j, oldest *job) bool {
	for _, l := range j.levels {
		limit := t.limitOf(l)
		if limit <= 0 {
			continue
		}
		free := limit - t.used[l]
		if oldest != nil && oldest != j && oldest.needs(l) {
			free--
		}
		if free <= 0 {
			return false
		}
	}
	return true
}

func (j *job) needs(level string) bool {
	for _, l := range j.levels {
		if l == level {
			return true
		}
	}
	return false
}

// full tells whether nothing could start whatever it were.
func (t *throttle) full() bool {
	limit := t.limit['*']
	return limit > 0 && t.used["*"] >= limit
}

func (t *throttle) acquire(j *job) {
	for _, l := range j.levels {
		t.used[l]++
	}
}

func (t *throttle) release(j *job) {
	for _, l := range j.levels {
		if t.used[l]--; t.used[l] <= 0 {
			delete(t.used, l) // or the map grows with the fleet
		}
	}
}
