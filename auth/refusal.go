package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/camsec/camsec/auth/digest"
)

// refusal handles a 401: without an error the request is to be sent again with
// the new login in c, unless the reply is to be handed out as it is.
func (c *call) refusal(resp *http.Response, was sent) (handOut bool, err error) {
	body := readRefusal(resp)
	info := parseLockInfo(body)
	challenges, err := digest.Parse(resp.Header)
	var chosen *digest.Challenge
	if err == nil {
		ch, e := digest.Choose(challenges)
		switch err = e; {
		case e == nil:
			chosen = &ch
		case errors.Is(e, digest.ErrNoChallenge):
			err = nil
		}
	}
	until := c.t.until(info)
	if err != nil && !info.locked {
		return false, challengeError(err)
	}
	if c.message || c.t.o.Message != nil && was == sentNothing && !info.locked && (chosen == nil || chosen.Scheme == "basic") {
		r := c.t.o.Message.Read(resp, body)
		r.Refused = true
		if info.locked {
			r.Locked, r.Unlock = true, info.unlock
		}
		if r.Left < 0 {
			r.Left = info.left
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		next, err := c.refusedInMessage(resp, was, r)
		return next == nextHandOut, err
	}
	before := c.g.state
	if e := c.g.on401(was, chosen, info, c.answers, until, c.t.o.Now()); e != nil {
		c.report(e, info, until)
		c.t.o.Logger.Info("auth: login failed", "target", c.t.o.Target.Key(), "kind", e.Kind.String(), "proven", before == proven)
		return false, e
	}
	c.foreign(info, until)
	if !c.body.repeatable() {
		return false, fail(KindBody, nil)
	}
	return false, c.log(resp, *chosen)
}

func challengeError(err error) error {
	switch {
	case errors.Is(err, digest.ErrFIPS):
		return fail(KindFIPS, err)
	case errors.Is(err, digest.ErrAlgorithm):
		return fail(KindAlgorithm, err)
	case errors.Is(err, digest.ErrUser):
		return fail(KindUser, err)
	case errors.Is(err, digest.ErrChallenge):
		return fail(KindChallenge, err)
	default:
		return err
	}
}

// report tells the budget how a login ended that did not work.
func (c *call) report(e *Error, info lockInfo, until time.Time) {
	o := Outcome{Until: until}
	if info.left >= 0 {
		o.Left = &info.left
	}
	if c.res == nil { // a pre-emptive login spent no try beforehand
		c.foreign(info, until)
		return
	}
	switch e.Kind {
	case KindRefused:
		o.Verdict = VerdictRefused
	case KindDoubtful:
		o.Verdict = VerdictDoubted
	case KindLocked:
		o.Verdict = VerdictUnspent
	default:
		o.Verdict = c.doubt
	}
	c.settle(o)
}

// foreign tells the budget what the device says of its counters.
func (c *call) foreign(info lockInfo, until time.Time) {
	o := Outcome{Until: until}
	if info.left >= 0 {
		o.Left = &info.left
	}
	if o.Left == nil && o.Until.IsZero() {
		return
	}
	l := c.t.login(Credential{})
	if c.cred != nil {
		l.Credential = *c.cred
	} else if l.Account.Name == "" {
		cred, err := c.t.o.Source.Credential(c.req.Context(), c.t.o.Target, c.t.o.Account)
		if err != nil {
			return
		}
		l.Credential = cred
	}
	if err := c.t.o.Budget.ReportForeign(context.WithoutCancel(c.req.Context()), l, o); err != nil {
		c.t.o.Logger.Warn("auth: login budget not written", "target", c.t.o.Target.Key(), "error", err)
	}
}

// log makes a login of a challenge.
func (c *call) log(resp *http.Response, ch digest.Challenge) error {
	s := strengthOf(ch)
	if s < max(c.g.floor, c.power) {
		return fail(KindDowngrade, nil)
	}
	wasProven, oldVersion := c.g.state == proven, c.g.version
	old := c.session
	if err := c.prepare(); err != nil {
		return err
	}
	if wasProven && c.g.version != oldVersion && c.answerSent() && !ch.Stale {
		// The old credential may have been refused just now: the new one is
		// the next call's.
		return fail(KindDoubtful, errors.New("the credential has changed meanwhile; try again"))
	}
	c.g.cookies = cookiesOf(resp)
	c.session, c.basic = nil, ""
	if ch.Scheme == "basic" {
		https := strings.EqualFold(c.req.URL.Scheme, "https")
		if !c.t.o.InsecureBasic || !https && !c.t.o.InsecureBasicOverHTTP {
			return fail(KindInsecureScheme, nil)
		}
		pair := append([]byte(c.cred.User+":"), c.cred.Secret.Reveal()...)
		c.basic = "Basic " + base64.StdEncoding.EncodeToString(pair)
		clear(pair)
		c.power = s
		return nil
	}
	if ch.Int() && !c.body.repeatable() {
		return fail(KindBody, nil)
	}
	var err error
	if old != nil && c.g.version == oldVersion && old.Matches(ch) {
		c.session, err = old.Renew(ch, c.t.o.Rand)
	} else {
		secret := c.cred.Secret.Reveal()
		c.session, err = digest.NewSession(ch, c.cred.User, secret, c.t.o.Rand)
		clear(secret)
	}
	if err != nil {
		return challengeError(err)
	}
	c.power = s
	return nil
}

// answerSent tells whether the last request carried a login.
func (c *call) answerSent() bool { return c.answer != nil || c.basic != "" || c.message }
