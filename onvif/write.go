package onvif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
)

// Errors of writes, beside those of package camsec.
var (
	// ErrNotVerified: the device reported success and reads back as before.
	ErrNotVerified = errors.New("onvif: device reports success and has not changed")
	// ErrCutOff: the change would cut off the way it is made over.
	ErrCutOff = errors.New("onvif: change would cut off the connection it is made over")
	// ErrConsent: the change cannot be undone over the network and was not
	// asked for by its name.
	ErrConsent = errors.New("onvif: change needs to be consented to by name")
)

// A Consent is leave for what may cost the way to the device.
type Consent uint8

// Consents.
const (
	// AllowCutOff: another way to the device has been proven, or none is
	// needed.
	AllowCutOff Consent = iota + 1
	// AllowPolicyLock: the password rules may be locked until a hard factory
	// reset.
	AllowPolicyLock
)

func consents(given []Consent, to Consent) bool {
	for _, c := range given {
		if c == to {
			return true
		}
	}
	return false
}

func notApplied(err error) (camsec.Change, error) {
	return camsec.Change{Outcome: camsec.NotApplied}, err
}

func unchanged() (camsec.Change, error) {
	return camsec.Change{Outcome: camsec.Applied, Proof: "unchanged: was so already"}, nil
}

// write sends a change once and has check look whether it shows.
func (c *Client) write(ctx context.Context, name string, fill func(*message), check func(context.Context) (bool, error)) (camsec.Change, error) {
	_, err := c.call(ctx, name, fill)
	return c.verify(ctx, operation(name), err, check)
}

// writeSecret is write for what has a secret in it, which cannot be read back:
// where the answer is lost, that the rest reads back as wished is no proof.
func (c *Client) writeSecret(ctx context.Context, name string, secret camsec.Secret, fill func(*message), check func(context.Context) (bool, error)) (camsec.Change, error) {
	if secret.Empty() {
		return c.write(ctx, name, fill, check)
	}
	_, err := c.call(ctx, name, fill)
	lost := err != nil
	change, err := c.verify(ctx, operation(name), err, func(ctx context.Context) (bool, error) {
		done, err := check(ctx)
		return done && !lost, err
	})
	if change.Outcome == camsec.Applied {
		change.Proof = "read back, but for the secret, which cannot be read"
	}
	return change, err
}

// verify makes a Change of how a write was answered and of what reads back.
func (c *Client) verify(ctx context.Context, op Operation, err error, check func(context.Context) (bool, error)) (camsec.Change, error) {
	if err != nil && !mayHaveDone(err) {
		return notApplied(err)
	}
	if err != nil || ctx.Err() != nil {
		// The caller may have given up; what became of it is to be told.
		after, stop := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer stop()
		ctx = after
	}
	done, verr := check(ctx)
	switch {
	case verr == nil && done:
		return camsec.Change{Outcome: camsec.Applied, Proof: "read back"}, nil
	case err != nil:
		return camsec.Change{}, fmt.Errorf("onvif: %s: %w: %w", op.Action, camsec.ErrUncertain, err)
	case verr != nil:
		return camsec.Change{}, fmt.Errorf("onvif: %s: reading back: %w: %w", op.Action, camsec.ErrUncertain, verr)
	}
	return notApplied(fmt.Errorf("onvif: %s: %w", op.Action, ErrNotVerified))
}

// mayHaveDone tells errors after which a write may have been carried out.
func mayHaveDone(err error) bool {
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return e.Kind == auth.KindServer // found out after the answer
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.Code == "" && f.HTTPStatus >= 500 // no fault: something broke
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return false
	}
	if _, ok := errors.AsType[*trust.UntrustedError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*unsent](err); ok {
		return false
	}
	return true
}

// unsent marks what went wrong before an operation was sent.
type unsent struct{ err error }

func (e *unsent) Error() string { return e.err.Error() }
func (e *unsent) Unwrap() error { return e.err }
