package auth

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/camsec/camsec"
)

// A Login names what draws on a [Budget]: http, https and ONVIF of one device
// name the same one.
type Login struct {
	Target     camsec.Target
	Account    camsec.Account // an empty Store is StoreDevice, an empty Name the credential's user; StoreONVIF shares the tries of StoreDevice
	Credential Credential     // not needed by ReportForeign and Reset if Account has a name
	// Service is where the account logs in, such as "https:443". The strongest
	// scheme that worked is remembered for each.
	Service string
}

// key returns what the login is filed under. A target without ID is known by
// its address, in which scheme, path and default port do not count.
func (l Login) key() string {
	t := l.Target
	if t.ID == "" {
		a := t.Address
		if _, rest, ok := strings.Cut(a, "://"); ok {
			a = rest
		}
		a, _, _ = strings.Cut(a, "/")
		a = strings.ToLower(a)
		for _, port := range []string{":80", ":443"} {
			host := strings.TrimSuffix(a, port)
			if !strings.Contains(host, ":") || strings.HasSuffix(host, "]") {
				a = host
			}
		}
		t.Address = a
	}
	store, name := l.Account.Store, l.Account.Name
	if store == "" || store == camsec.StoreONVIF {
		// Devices count failures by name and address, whatever the protocol.
		store = camsec.StoreDevice
	}
	if name == "" {
		name = l.Credential.User
	}
	return t.Key() + "\x00" + string(store) + "\x00" + name
}

// mark tells refused credentials of the ONVIF store, whose passwords are often
// others, apart from those of the device's own.
func (l Login) mark(credential string) string {
	if l.Account.Store == camsec.StoreONVIF {
		return "onvif:" + credential
	}
	return credential
}

// service returns what the strongest scheme is filed under: the services of
// ONVIF may offer other schemes than those beside them.
func (l Login) service() string {
	if l.Account.Store == camsec.StoreONVIF {
		return "onvif " + l.Service
	}
	return l.Service
}

// A Verdict is how a login ended.
type Verdict uint8

// Verdicts. The zero Verdict counts as a try that was spent.
const (
	VerdictUnknown  Verdict = iota // the credential was sent and no answer tells
	VerdictUnspent                 // no credential was sent, or the device did not look at it
	VerdictAccepted                // the device's counters are fresh again
	VerdictRefused                 // the credential is not to be sent again
	VerdictDoubted                 // it worked before and was refused: not to be sent again in this window
)

// An Outcome is what is known after a login.
type Outcome struct {
	Verdict Verdict
	Left    *int      // tries left, as the device told; nil is unknown
	Until   time.Time // locked until; zero is not known to be locked
	// Scheme is what an accepted login was made with: "Basic",
	// "UsernameToken", or the hash of a digest ("MD5", "SHA-256",
	// "SHA-512-256"); empty is not told.
	Scheme string
}

// A Budget counts login tries, so that they run out here before they do in the
// device. Implementations are safe for concurrent use and should outlive the
// process: see [OpenFileBudget].
type Budget interface {
	// Reserve waits until no other login of the same target and account is in
	// flight, and spends a try. An error is an *[Error] of KindRefused if the
	// credential was refused before, KindDoubtful if it was of late although
	// it had worked, KindLocked, KindFewTries or KindBudget
	// if there is no try to spend, and KindBudgetStore if the budget cannot
	// be kept; then no packet may be sent. It is ctx's if ctx is done.
	Reserve(ctx context.Context, login Login) (Reservation, error)
	// ReportForeign tells of what others did to the account: tries left or a
	// lock that the device tells of. The Verdict does not count.
	ReportForeign(ctx context.Context, login Login, o Outcome) error
	// Reset forgets all about the login's account, as a person may ask for.
	Reset(ctx context.Context, login Login) error
}

// A SchemeForgetter is a [Budget] that forgets which schemes an account's
// logins were made with, and nothing else: what was refused stays refused and
// tries that were spent stay spent. Those of this package are; one that is not
// has Reset alone.
type SchemeForgetter interface {
	// ForgetSchemes lets every service of the login's account, ONVIF's among
	// them, offer less than what has worked before. Firmware that was rolled
	// back, or a reset to factory settings, may need that; a person decides
	// it, never a loop, since a man in the middle offers less, too.
	ForgetSchemes(ctx context.Context, login Login) error
}

// A Reservation is a try that was spent beforehand. If the process dies the
// try stays spent.
type Reservation interface {
	// Report says how the login ended and lets the next one go. Calls after
	// the first do nothing.
	Report(o Outcome) error
	// Strongest returns the strongest Scheme that was reported as accepted for
	// the login's account, store and service, empty if none was. What is
	// weaker is not answered.
	Strongest() string
}

// BudgetOptions are the settings of a budget; nil or zero means defaults.
type BudgetOptions struct {
	// Limit is how many tries the device allows; default 5, the lowest that
	// common cameras have. Two of them are left to people.
	Limit int
	// Window is how long the device counts a failed try, and how long it
	// locks if it does not say; default 30 minutes.
	Window time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// peoplesTries is how many tries are never used up here.
const peoplesTries = 2

func (o *BudgetOptions) orDefaults() BudgetOptions {
	var d BudgetOptions
	if o != nil {
		d = *o
	}
	if d.Limit <= 0 {
		d.Limit = 5
	}
	if d.Window <= 0 {
		d.Window = 30 * time.Minute
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

// A ledger is what is known of one account; it is what a line of a budget's
// log says.
type ledger struct {
	Tries   []time.Time          `json:"tries,omitempty"`
	Refused []string             `json:"refused,omitempty"` // salted hashes
	Doubted map[string]time.Time `json:"doubted,omitempty"` // since when, by salted hash
	Left    *int                 `json:"left,omitempty"`
	LeftAt  time.Time            `json:"leftAt,omitzero"`
	Until   time.Time            `json:"until,omitzero"`
	Worked  map[string]string    `json:"worked,omitempty"` // strongest scheme, by store and service
}

// empty tells whether the ledger says no more than none.
func (l ledger) empty() bool {
	return len(l.Tries) == 0 && len(l.Refused) == 0 && len(l.Doubted) == 0 && len(l.Worked) == 0 && l.Left == nil && l.Until.IsZero()
}

// same tells whether both say the same.
func (l ledger) same(m ledger) bool {
	number := func(p *int) int {
		if p == nil {
			return -1
		}
		return *p
	}
	return slices.EqualFunc(l.Tries, m.Tries, time.Time.Equal) && slices.Equal(l.Refused, m.Refused) &&
		maps.EqualFunc(l.Doubted, m.Doubted, time.Time.Equal) && maps.Equal(l.Worked, m.Worked) &&
		number(l.Left) == number(m.Left) && l.LeftAt.Equal(m.LeftAt) && l.Until.Equal(m.Until)
}

// clone returns a ledger that shares nothing with l.
func (l ledger) clone() ledger {
	l.Tries, l.Refused = slices.Clone(l.Tries), slices.Clone(l.Refused)
	l.Doubted, l.Worked = maps.Clone(l.Doubted), maps.Clone(l.Worked)
	if l.Left != nil {
		left := *l.Left
		l.Left = &left
	}
	return l
}

// Bounds of a ledger. Who tries more versions than maxRefused is guessing; no
// device that was seen locks for as long as maxLock, and one that says so, or
// a clock that was far ahead, does not keep us out for ever.
const (
	maxRefused  = 256
	maxServices = 64
	maxLock     = 24 * time.Hour
)

// settle brings the ledger to the time that it is now. A clock set back does
// not give tries back: what lies ahead counts as now.
func (l *ledger) settle(now time.Time, window time.Duration) {
	for i, t := range l.Tries {
		if t.After(now) {
			l.Tries[i] = now
		}
	}
	for mark, t := range l.Doubted {
		if t.After(now) {
			l.Doubted[mark] = now
		}
	}
	if l.LeftAt.After(now) {
		l.LeftAt = now
	}
	if latest := now.Add(maxLock); l.Until.After(latest) {
		l.Until = latest
	}
	l.Tries = slices.DeleteFunc(l.Tries, func(t time.Time) bool { return now.Sub(t) >= window })
	maps.DeleteFunc(l.Doubted, func(_ string, t time.Time) bool { return now.Sub(t) >= window })
	if l.Left != nil && now.Sub(l.LeftAt) >= window {
		l.Left = nil
	}
}

// reserve spends a try or says why not.
func (l *ledger) reserve(o BudgetOptions, mark string) *Error {
	now := o.Now()
	l.settle(now, o.Window)
	left := -1
	if l.Left != nil {
		left = *l.Left
	}
	switch {
	case now.Before(l.Until):
		return &Error{Kind: KindLocked, Until: l.Until, Left: left}
	case slices.Contains(l.Refused, mark) || len(l.Refused) >= maxRefused:
		return &Error{Kind: KindRefused, Left: left}
	case !l.Doubted[mark].IsZero():
		return &Error{Kind: KindDoubtful, Until: l.Doubted[mark].Add(o.Window), Left: left}
	case l.Left != nil && *l.Left <= peoplesTries:
		return &Error{Kind: KindFewTries, Until: l.LeftAt.Add(o.Window), Left: left}
	case len(l.Tries) >= o.Limit-peoplesTries:
		e := &Error{Kind: KindBudget, Left: left}
		if len(l.Tries) > 0 {
			e.Until = l.Tries[0].Add(o.Window)
		}
		return e
	}
	l.Tries = append(l.Tries, now)
	return nil
}

// report settles the try spent last.
func (l *ledger) report(b BudgetOptions, login Login, mark string, o Outcome) {
	switch o.Verdict {
	case VerdictAccepted:
		l.Tries, l.Left, l.Until = nil, nil, time.Time{}
		delete(l.Doubted, mark)
		l.worked(login.service(), o.Scheme)
	case VerdictUnspent:
		if n := len(l.Tries); n > 0 {
			l.Tries = l.Tries[:n-1]
		}
	case VerdictRefused, VerdictDoubted:
		if o.Verdict == VerdictDoubted {
			l.doubt(mark, b.Now())
		} else if !slices.Contains(l.Refused, mark) {
			l.Refused = append(l.Refused, mark)
		}
		if l.Left != nil && o.Left == nil {
			*l.Left = max(0, *l.Left-1)
		}
	}
	l.foreign(b, o)
}

func (l *ledger) doubt(mark string, now time.Time) {
	if l.Doubted == nil {
		l.Doubted = map[string]time.Time{}
	}
	l.Doubted[mark] = now
}

// worked notes the strongest scheme of a service.
func (l *ledger) worked(service, scheme string) {
	if strengthNamed(scheme) <= strengthNamed(l.Worked[service]) {
		return
	}
	if l.Worked == nil {
		l.Worked = map[string]string{}
	}
	if _, known := l.Worked[service]; known || len(l.Worked) < maxServices {
		l.Worked[service] = scheme
	}
}

func (l *ledger) foreign(b BudgetOptions, o Outcome) {
	if o.Left != nil {
		left := *o.Left
		l.Left, l.LeftAt = &left, b.Now()
	}
	if o.Until.After(l.Until) {
		l.Until = o.Until
	}
}

// A printer turns credentials into salted hashes that a ledger may hold.
// Hashes of secrets are slow on purpose, so they are kept.
type printer struct {
	salt []byte
	mu   sync.Mutex
	seen map[string]string
}

const (
	printRounds = 100_000
	maxPrints   = 4096
)

func (p *printer) mark(c Credential) (string, error) {
	version := c.version()
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.seen[version]; ok {
		return s, nil
	}
	var s string
	if c.Version != "" {
		h := sha256.New()
		_, _ = h.Write(p.salt)
		_, _ = h.Write([]byte(version))
		s = hex.EncodeToString(h.Sum(nil))
	} else {
		b, err := pbkdf2.Key(sha256.New, c.User+"\x00"+string(c.Secret.Reveal()), p.salt, printRounds, 16)
		if err != nil {
			return "", err
		}
		s = hex.EncodeToString(b)
	}
	if p.seen == nil || len(p.seen) >= maxPrints {
		p.seen = map[string]string{}
	}
	p.seen[version] = s
	return s, nil
}

// memoryBudget is a Budget for the life of the process.
type memoryBudget struct {
	o    BudgetOptions
	mark func(Credential) string
	mu   sync.Mutex
	all  map[string]*memoryEntry
}

type memoryEntry struct {
	turn chan struct{} // holds one token while nobody logs in
	mu   sync.Mutex
	l    ledger
}

// NewMemoryBudget returns a Budget that lives as long as the process; nil
// options mean defaults. Clients of one device share one.
func NewMemoryBudget(o *BudgetOptions) Budget {
	return &memoryBudget{o: o.orDefaults(), mark: Credential.version, all: map[string]*memoryEntry{}}
}

func (b *memoryBudget) entry(l Login) *memoryEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := l.key()
	e := b.all[k]
	if e == nil {
		e = &memoryEntry{turn: make(chan struct{}, 1)}
		e.turn <- struct{}{}
		b.all[k] = e
	}
	return e
}

func (b *memoryBudget) Reserve(ctx context.Context, login Login) (Reservation, error) {
	e := b.entry(login)
	select {
	case <-e.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	mark := login.mark(b.mark(login.Credential))
	if err := e.l.reserve(b.o, mark); err != nil {
		e.turn <- struct{}{}
		return nil, err
	}
	return &reservation{strongest: e.l.Worked[login.service()], f: func(o Outcome) error {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.l.report(b.o, login, mark, o)
		e.turn <- struct{}{}
		return nil
	}}, nil
}

func (b *memoryBudget) ReportForeign(_ context.Context, login Login, o Outcome) error {
	e := b.entry(login)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.l.foreign(b.o, o)
	return nil
}

func (b *memoryBudget) Reset(_ context.Context, login Login) error {
	e := b.entry(login)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.l = ledger{}
	return nil
}

func (b *memoryBudget) ForgetSchemes(_ context.Context, login Login) error {
	e := b.entry(login)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.l.Worked = nil
	return nil
}

// reservation is a Reservation that reports once.
type reservation struct {
	strongest string
	mu        sync.Mutex
	f         func(Outcome) error
}

func (r *reservation) Strongest() string { return r.strongest }

func (r *reservation) Report(o Outcome) error {
	r.mu.Lock()
	f := r.f
	r.f = nil
	r.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(o)
}

func newSalt() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return b
}
