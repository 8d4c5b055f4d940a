package auth

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"
)

// A MessageLogin puts the login into the message instead of HTTP's header, for
// devices that offer no digest there: WS-UsernameToken in SOAP. The transport
// keeps for it what it keeps for the others: one login in flight, a budget, no
// second try of what was refused. Implementations are safe for concurrent use.
type MessageLogin interface {
	// Read tells what a reply says of the login; body is at most its first
	// 64 KiB. It is asked of replies to requests with and without a login.
	Read(resp *http.Response, body []byte) MessageReply
	// Sign returns the body of a request with the credential in it, fresh
	// each time; body is not to be changed. Again is set after a reply that gave leave to try once more.
	Sign(ctx context.Context, body []byte, c Credential, again bool) ([]byte, error)
}

// A MessageReply is what a reply says of a login in a message.
type MessageReply struct {
	Refused bool          // a login is asked for, or the one sent is refused
	Again   bool          // the credential may be right: one more try, signed differently, makes sense
	Locked  bool          // logins are locked
	Unlock  time.Duration // how long; 0 is unknown
	Left    int           // tries left, -1 is unknown
}

func (r MessageReply) info() lockInfo {
	return lockInfo{locked: r.Locked, unlock: r.Unlock, left: r.Left}
}

// Renew makes the next call ask the source and log in anew, as is due when the
// account's password was changed over this very device: the login at hand
// would only cost a failed try.
func (t *Transport) Renew(ctx context.Context) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer t.release()
	t.g.session, t.g.basic, t.g.message = nil, "", nil
	return nil
}

// next is what follows from a reply that is no 401.
type next uint8

const (
	nextReply   next = iota // an answer like any other
	nextHandOut             // the caller's, but it proves no login
	nextAgain               // send again, with the login that is in c now
)

// inMessage looks for the verdict on a login in a reply that is no 401. A
// proven login is not looked for in each success.
func (c *call) inMessage(resp *http.Response, was sent) (next, error) {
	m := c.t.o.Message
	if m == nil || resp.StatusCode == http.StatusOK && was != sentNothing && c.g.state == proven {
		return nextReply, nil
	}
	r := m.Read(resp, peek(resp))
	if !r.Refused {
		return nextReply, nil
	}
	return c.refusedInMessage(resp, was, r)
}

// refusedInMessage decides after a reply of whatever status that refuses the
// login in a message, or asks for one.
func (c *call) refusedInMessage(resp *http.Response, was sent, r MessageReply) (next, error) {
	info, until := r.info(), c.t.until(r.info())
	stop := func(e *Error) (next, error) {
		_ = resp.Body.Close()
		c.report(e, info, until)
		c.t.o.Logger.Info("auth: login failed", "target", c.t.o.Target.Key(), "kind", e.Kind.String())
		return nextReply, e
	}
	few := info.left >= 0 && info.left <= peoplesTries
	switch {
	case info.locked:
		c.g.session, c.g.message = nil, nil
		return stop(&Error{Kind: KindLocked, Until: until, Left: info.left})
	case was == sentNothing && few:
		return stop(&Error{Kind: KindFewTries, Left: info.left})
	case was == sentNothing:
		_ = resp.Body.Close()
		return nextAgain, c.signMessage(false)
	case c.g.state == proven:
		// Not allowed to this account, or changed elsewhere; devices use one
		// word for both. The next call has to prove the login anew.
		if c.res == nil {
			c.foreign(info, until)
		}
		c.doubt = VerdictUnknown
		c.g.enter(unproven)
		c.g.session, c.g.basic, c.g.message = nil, "", nil
		return nextHandOut, nil
	case r.Again && c.message && !c.again && !few:
		_ = resp.Body.Close()
		c.settle(Outcome{Verdict: VerdictUnknown})
		return nextAgain, c.signMessage(true)
	default:
		return stop(c.g.refused(info.left, c.t.o.Now()))
	}
}

// signMessage makes ready to send a login in the message.
func (c *call) signMessage(again bool) error {
	if strengthMessage < max(c.g.floor, c.power) {
		return fail(KindDowngrade, nil)
	}
	if !c.body.repeatable() {
		return fail(KindBody, nil)
	}
	if err := c.prepare(); err != nil {
		return err
	}
	c.session, c.basic, c.power = nil, "", strengthMessage
	c.message, c.again, c.signer = true, again, c.cred
	return nil
}

// sign puts the login into the body of r.
func (c *call) sign(r *http.Request) error {
	in, err := c.body.open()
	closeBody(r)
	if err != nil {
		return err
	}
	var b []byte
	if in != nil {
		if b = inMemory(in); b == nil {
			b, err = io.ReadAll(io.LimitReader(in, maxReplayBody+1))
		}
		_ = in.Close()
	}
	if err != nil || len(b) > maxReplayBody {
		return fail(KindBody, err)
	}
	b, err = c.t.o.Message.Sign(r.Context(), b, *c.signer, c.again)
	if err != nil {
		return err
	}
	r.Body, r.GetBody, r.ContentLength = whole(b), nil, int64(len(b))
	return nil
}

// peek reads a bounded part of a reply's body and leaves the whole of it to
// be read.
func peek(resp *http.Response) []byte {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusalBody))
	resp.Body = rest{io.MultiReader(bytes.NewReader(b), errReader{resp.Body, err}), resp.Body}
	return b
}

// LoggedIn tells whether the device has accepted the credential at hand. It
// waits for no login that is in flight.
func (t *Transport) LoggedIn() bool { return t.g.accept.Load() }
