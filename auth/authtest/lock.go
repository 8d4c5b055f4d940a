package authtest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

type lockKey struct{ user, address string }

type lock struct {
	failures int
	until    time.Time
}

// SetLock changes the lock-out rule: after failures in a row, for the duration.
// Zero failures never lock. Counters and locks so far are kept.
func (h *Host) SetLock(after int, duration time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opts.LockAfter, h.opts.LockFor = after, duration
}

// Lock locks an account for a client address at once, as a stranger's failed
// logins would. The zero duration lifts the lock.
func (h *Host) Lock(user, address string, duration time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := lockKey{user, address}
	if duration == 0 {
		delete(h.locks, key)
		return
	}
	h.locks[key] = &lock{until: h.opts.Now().Add(duration)}
}

// LockedUntil returns the end of the lock on an account from an address, or
// the zero time when there is none.
func (h *Host) LockedUntil(user, address string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.locked(user, address); l != nil {
		return l.until
	}
	return time.Time{}
}

// locked returns the lock that holds now, or nil. An ended lock is forgotten
// together with its failures.
func (h *Host) locked(user, address string) *lock {
	key := lockKey{user, address}
	l := h.locks[key]
	if l == nil || l.until.IsZero() {
		return nil
	}
	if !h.opts.Now().Before(l.until) {
		delete(h.locks, key)
		return nil
	}
	return l
}

func (h *Host) fail(key lockKey) {
	if h.opts.LockAfter <= 0 {
		return
	}
	l := h.locks[key]
	if l == nil {
		l = &lock{}
		h.locks[key] = l
	}
	l.failures++
	if l.failures >= h.opts.LockAfter {
		l.until = h.opts.Now().Add(h.opts.LockFor)
	}
}

// Login settles a login that the handler has checked itself, since it stands in
// a message and not in HTTP's header: the lock-out rules apply to it and it
// counts like any other. It tells whether the login is accepted, which one
// that is right but locked is not, and what a refusal may tell.
func (h *Host) Login(r *http.Request, user string, right bool) (Refusal, bool) {
	h.mu.Lock()
	a := h.settle(r, attempt{user: user}, right)
	switch a.outcome {
	case LoggedIn:
		h.counts.logins++
	case Locked:
		h.counts.locked++
	default:
		h.counts.failed++
	}
	h.mu.Unlock()
	return h.refusal(r, a), a.outcome == LoggedIn
}

// A Refusal is what a 401 may tell about the lock.
type Refusal struct {
	Locked  bool
	Unlock  time.Duration // how long the lock still holds
	Left    int           // tries left, -1 when locks are off
	Outcome Outcome
	User    string // that was named; empty if nobody was
	Address string // the client's
}

func (h *Host) refusal(r *http.Request, a attempt) Refusal {
	h.mu.Lock()
	defer h.mu.Unlock()
	address := clientIP(r)
	ref := Refusal{Left: -1, Outcome: a.outcome, User: a.user, Address: address}
	users := []string{a.user}
	if a.user == "" { // nobody named: the address's own worst state
		for key := range h.locks {
			if key.address == address {
				users = append(users, key.user)
			}
		}
	}
	if h.opts.LockAfter > 0 {
		ref.Left = h.opts.LockAfter
	}
	for _, user := range users {
		if l := h.locked(user, address); l != nil {
			ref.Locked, ref.Left = true, 0
			ref.Unlock = max(ref.Unlock, l.until.Sub(h.opts.Now()))
		} else if l := h.locks[lockKey{user, address}]; l != nil && ref.Left > 0 {
			ref.Left = min(ref.Left, h.opts.LockAfter-l.failures)
		}
	}
	return ref
}

func (h *Host) refuse(w http.ResponseWriter, r *http.Request, a attempt) {
	kind, body := h.opts.RefusalBody(h.refusal(r, a))
	for _, c := range h.challenges(a.stale) {
		w.Header().Add("WWW-Authenticate", c)
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write(body)
}

// UserCheckBody is the 401 body of recorders and access terminals: the lock
// state in XML.
func UserCheckBody(r Refusal) (contentType string, body []byte) {
	status := "unlock"
	if r.Locked {
		status = "lock"
	}
	left := ""
	if r.Left >= 0 {
		left = fmt.Sprintf("<retryLoginTime>%d</retryLoginTime>\n", r.Left)
	}
	seconds := int64((r.Unlock + time.Second - 1) / time.Second)
	return `application/xml; charset="UTF-8"`, fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8" ?>
<userCheck>
<statusValue>401</statusValue>
<statusString>Unauthorized</statusString>
<lockStatus>%s</lockStatus>
<unlockTime>%d</unlockTime>
%s</userCheck>
`, status, seconds, left)
}

// HTMLBody is the 401 body of many cameras: a page that tells nothing.
func HTMLBody(Refusal) (contentType string, body []byte) {
	return "text/html", []byte("<!DOCTYPE html>\r\n<html><head><title>Document Error: Unauthorized</title></head>\r\n" +
		"<body><h2>Access Error: 401 -- Unauthorized</h2></body></html>\r\n")
}
