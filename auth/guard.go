package auth

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/camsec/camsec/auth/digest"
)

// The lock-out guard: one state machine for the credential of one account of
// one device. It does no I/O. Whoever holds the turn, and nobody else, touches
// it; so there is one authentication in flight, and nonce counts reach the
// device in the order in which they were taken.
//
//	unproven --accepted--> proven --refused--> bad, in doubt
//	unproven --refused--> bad --other version--> unproven
//	bad, in doubt --half an hour later--> unproven
//	proven --other version at a handshake--> unproven
//
// A credential that worked and is refused may have been changed elsewhere, or
// the device may be at its connection limit, which some tell in the same words
// (Dahua: rroller/dahua#603). It is not sent again until the device's count of
// failures has run out; then once, and that verdict is final.
type guard struct {
	turn     chan struct{} // holds one token while nobody has the turn
	verdicts atomic.Uint64 // grows with every refusal
	accept   atomic.Bool   // state is proven, for who does not hold the turn

	state   guardState
	version string // of the credential that state is about
	refusal Error  // in state bad
	shared  error  // what calls get that waited while it came about; nil: nothing

	floor   strength        // weakest that is still accepted: the strongest that has worked
	session *digest.Session // nil: the next call has to ask for a nonce
	basic   string          // Authorization field, once Basic has worked
	message *Credential     // what messages are signed with, once that has worked
	cookies []cookie        // of the 401 that session came with
	oneTime bool            // nonces serve once here and the device does not say so
	lies    int             // consecutive nonces that were refused on their second use
	denied  map[string]bool // paths that a fresh login was forbidden
}

type guardState uint8

const (
	unproven guardState = iota
	proven
	bad
)

// doubtWindow is how long a credential rests that worked and was refused.
const doubtWindow = 30 * time.Minute

// strength orders what a credential is sent with.
type strength uint8

const (
	strengthNone strength = iota
	strengthBasic
	strengthMessage
	strengthDigest // plus digest.Hash - 1
)

// strengthNames are the words of [Outcome] Scheme, in order.
var strengthNames = [...]string{"", "Basic", "UsernameToken", "MD5", "SHA-256", "SHA-512-256"}

func (s strength) String() string { return strengthNames[s] }

// strengthNamed returns the strength of that name. One that is not known is
// above all others: a store that a later program wrote allows no downgrade.
func strengthNamed(name string) strength {
	i := slices.Index(strengthNames[:], name)
	if i < 0 {
		i = len(strengthNames)
	}
	return strength(i)
}

func strengthOf(c digest.Challenge) strength {
	if c.Scheme == "basic" {
		return strengthBasic
	}
	return strengthDigest + strength(c.Hash) - strength(digest.MD5)
}

func newGuard() *guard {
	g := &guard{turn: make(chan struct{}, 1)}
	g.turn <- struct{}{}
	return g
}

// waited returns the verdict that fell while a call waited for its turn; it
// asked for that very credential and needs no look-up of its own.
func (g *guard) waited(seen uint64) error {
	if g.verdicts.Load() == seen {
		return nil
	}
	return g.shared
}

// share ends the waiting calls with the error of the one before them.
func (g *guard) share(err error) {
	g.shared = err
	g.verdicts.Add(1)
}

// preempts tells whether the next call can be sent with a login at once.
func (g *guard) preempts() bool {
	if g.state != proven {
		return false
	}
	return g.basic != "" || g.message != nil || g.session != nil && (!g.oneTime || g.session.Uses() == 0)
}

// offer takes note of the credential that the source has for a handshake, and
// returns the error for one that was refused before.
func (g *guard) offer(version string, now time.Time) error {
	if g.version == version {
		if g.state != bad {
			return nil
		}
		if g.refusal.Kind != KindDoubtful || now.Before(g.refusal.Until) {
			e := g.refusal
			return &e
		}
	}
	g.version, g.shared = version, nil
	g.enter(unproven)
	g.session, g.basic, g.message, g.cookies = nil, "", nil, nil
	return nil
}

func (g *guard) enter(s guardState) {
	g.state = s
	g.accept.Store(s == proven)
}

// sent is what went out with the request that an answer belongs to.
type sent uint8

const (
	sentNothing    sent = iota
	sentPreemptive      // a login on a nonce of an earlier call
	sentFresh           // a login on a nonce of this call
)

// lockInfo is what a 401 tells of the device's counters.
type lockInfo struct {
	locked bool
	unlock time.Duration // 0 is unknown
	left   int           // -1 is unknown
}

// on401 decides after a 401: nil means that its challenge is to be answered.
// The number of logins that this call has sent on nonces of its own is answers;
// until is the end of a lock.
func (g *guard) on401(was sent, c *digest.Challenge, info lockInfo, answers int, until, now time.Time) *Error {
	switch {
	case info.locked:
		g.session, g.basic = nil, ""
		return &Error{Kind: KindLocked, Until: until, Left: info.left}
	case info.left >= 0 && info.left <= peoplesTries && (was != sentFresh || c != nil && c.Stale):
		// Others have used the tries up; the credential may still be right.
		g.session, g.basic = nil, ""
		return &Error{Kind: KindFewTries, Left: info.left}
	case was == sentNothing && c == nil:
		return fail(KindNoChallenge, nil)
	case c == nil && g.state == proven:
		// Dahua answers so at its connection limit (rroller/dahua#603).
		return fail(KindBusy, nil)
	case c == nil:
		return g.refused(info.left, now)
	case was == sentNothing:
		return nil
	case was == sentPreemptive && g.basic != "" && c.Scheme == "basic":
		return g.refused(info.left, now)
	case was == sentPreemptive:
		// One retry, whether the device calls the nonce stale or not: cameras
		// send stale="FALSE" always.
		g.noteExpiry(c.Stale)
		return nil
	case c.Stale && answers < 2:
		return nil
	case c.Stale:
		return fail(KindNonce, nil)
	default:
		return g.refused(info.left, now)
	}
}

// noteExpiry learns devices whose nonces serve once: some count the refused
// second use as a failed login.
func (g *guard) noteExpiry(stale bool) {
	if g.session == nil {
		return
	}
	if g.session.Uses() == 2 && !stale {
		g.lies++
	} else {
		g.lies = 0
	}
	if g.lies >= 2 {
		g.oneTime = true
	}
	g.session = nil
}

// refused is the end of a credential's life here, or of a part of it.
func (g *guard) refused(left int, now time.Time) *Error {
	e := Error{Kind: KindRefused, Left: left}
	if g.state == proven {
		e.Kind, e.Until = KindDoubtful, now.Add(doubtWindow)
	}
	g.bury(e)
	return &e
}

// bury remembers a refusal, its own or one that the budget remembers.
func (g *guard) bury(e Error) {
	g.refusal = e
	g.enter(bad)
	g.session, g.basic, g.message, g.cookies = nil, "", nil, nil
	g.share(&e)
}

// accepted notes a login that worked.
func (g *guard) accepted(s strength, session *digest.Session, basic string, message *Credential) {
	g.shared = nil
	g.enter(proven)
	g.floor = max(g.floor, s)
	g.session, g.basic, g.message = session, basic, message
	if session != nil && session.Uses() > 1 {
		g.lies = 0
	}
}

// forget returns to the beginning, as a person may ask for.
func (g *guard) forget() {
	g.enter(unproven)
	g.version, g.floor = "", strengthNone
	g.shared = nil
	g.session, g.basic, g.message, g.cookies, g.oneTime, g.lies, g.denied = nil, "", nil, nil, false, 0, nil
}

// lower takes less than what has worked, from the next handshake on. What was
// refused stays so.
func (g *guard) lower() {
	g.floor = strengthNone
	g.session, g.basic, g.message = nil, "", nil
}

// maxDenied bounds what is remembered of forbidden paths.
const maxDenied = 64

// deny remembers that a path is forbidden to the account and not just to an
// old nonce.
func (g *guard) deny(path string) {
	if g.denied == nil || len(g.denied) >= maxDenied {
		g.denied = map[string]bool{}
	}
	g.denied[path] = true
}
