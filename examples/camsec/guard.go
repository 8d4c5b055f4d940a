package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

// maxRefusals is how many devices one credential may be refused by before
// the run stops using it.
const maxRefusals = 3

// A login is one credential of a run, shared by all devices that use it. It
// lets few devices try the credential at first and more with each that takes
// it, so that a wrong one costs at most maxRefusals failed logins however
// many devices there are and however many are visited at once. One that some
// devices take and others refuse is stopped after as many refusals, but those
// under way by then are not called back.
type login struct {
	user   string
	secret camsec.Secret

	mu       sync.Mutex
	trying   int // visits that may have sent it and have no answer yet
	accepted int
	refused  int
	wake     chan struct{} // closed and replaced when a visit ends
}

// logins finds the login for a user and secret of a store: equal ones are one,
// under whatever reference they were found. What the accounts of one store
// refuse may be right for those of another.
type logins struct {
	key [32]byte
	all map[string]*login
}

func newLogins() *logins {
	l := &logins{all: map[string]*login{}}
	_, _ = rand.Read(l.key[:])
	return l
}

func (l *logins) get(store camsec.Store, user string, secret camsec.Secret) *login {
	h := hmac.New(sha256.New, l.key[:])
	_, _ = fmt.Fprintf(h, "%s:%d:%s", store, len(user), user)
	_, _ = h.Write(secret.Reveal())
	k := string(h.Sum(nil))
	if l.all[k] == nil {
		l.all[k] = &login{user: user, secret: secret, wake: make(chan struct{})}
	}
	return l.all[k]
}

// stopped tells why the login is no longer used, nil while it is.
func (l *login) stopped() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stoppedLocked()
}

func (l *login) stoppedLocked() error {
	if l.refused < maxRefusals {
		return nil
	}
	return &camsec.Problem{
		Code:    camsec.ReasonNoCredential,
		Message: fmt.Sprintf("not tried: %d devices refused this user and password, so the run stopped using them", l.refused),
	}
}

// enter waits until one more device may try the login.
func (l *login) enter(ctx context.Context) error {
	for {
		l.mu.Lock()
		if err := l.stoppedLocked(); err != nil {
			l.mu.Unlock()
			return err
		}
		if l.trying < maxRefusals-l.refused+l.accepted {
			l.trying++
			l.mu.Unlock()
			return nil
		}
		wake := l.wake
		l.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *login) leave(accepted, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trying--
	if accepted {
		l.accepted++
	}
	if refused {
		l.refused++
	}
	close(l.wake)
	l.wake = make(chan struct{})
}

// metLock ends a visit that met a locked account: a refusal as long as no
// device has taken the login.
func (l *login) metLock() {
	l.mu.Lock()
	proven := l.accepted > 0
	l.mu.Unlock()
	l.leave(false, !proven)
}

// A loginVisit is the use of a login in the visit of one device. It is the
// device's [auth.Source], and so sees each handshake before it is sent.
type loginVisit struct {
	*login
	mu      sync.Mutex
	entered bool
	done    bool
}

// Credential hands the login out once the login's turn has come.
func (v *loginVisit) Credential(ctx context.Context, _ camsec.Target, _ camsec.Account) (auth.Credential, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.entered {
		if err := v.enter(ctx); err != nil {
			return auth.Credential{}, err
		}
		v.entered = true
	}
	return auth.Credential{User: v.user, Secret: v.secret}, nil
}

// end reports how the visit's login went, from the first error that tells.
func (v *loginVisit) end(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.entered || v.done {
		return
	}
	v.done = true
	switch camsec.ReasonOf(err) {
	case "", camsec.ReasonForbidden, camsec.ReasonNotOffered, camsec.ReasonUnparsable:
		v.leave(true, false)
	case camsec.ReasonRefused:
		v.leave(false, true)
	case camsec.ReasonLocked:
		// Others may have locked it, unless nobody takes this password.
		v.metLock()
	default:
		v.leave(false, false)
	}
}

// A watched device tells its loginVisit how the first call went, so that
// other devices need not wait for the rest of the visit.
type watched struct {
	camsec.Device
	visit *loginVisit
}

// Inventory reads the inventory of the device below.
func (w watched) Inventory(ctx context.Context) (camsec.Inventory, error) {
	inv, err := w.Device.Inventory(ctx)
	if w.visit != nil {
		w.visit.end(err)
	}
	return inv, err
}

// Unwrap returns the device below, for its other abilities.
func (w watched) Unwrap() camsec.Device { return w.Device }
