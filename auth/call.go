package auth

import (
	"errors"
	"io"
	"net/http"

	"github.com/camsec/camsec/auth/digest"
)

// A call is one RoundTrip that has the turn.
type call struct {
	t    *Transport
	g    *guard
	req  *http.Request
	body *body

	cred    *Credential
	res     Reservation
	doubt   Verdict // what the reservation gets if nothing better is known
	session *digest.Session
	basic   string
	power   strength
	answer  *digest.Answer
	answers int // logins sent on nonces of this call

	message bool        // the login goes into the message
	again   bool        // for the second time
	signer  *Credential // what it is made of
}

func (c *call) run() (*http.Response, error) {
	was := sentNothing
	if c.g.preempts() {
		was = sentPreemptive
		c.session, c.basic, c.power = c.g.session, c.g.basic, c.g.floor
		c.message, c.signer = c.g.message != nil, c.g.message
	} else {
		if !c.body.repeatable() {
			return nil, fail(KindBody, nil)
		}
		if err := c.prepare(); err != nil {
			return nil, err
		}
	}
	for retried := false; ; {
		resp, err := c.send(was)
		if err != nil {
			if was == sentNothing && c.req.Context().Err() == nil {
				c.g.share(err)
			}
			return nil, err
		}
		switch {
		case resp.StatusCode == http.StatusProxyAuthRequired:
			readRefusal(resp)
			return nil, fail(KindProxy, nil)
		case resp.StatusCode == http.StatusForbidden && was == sentPreemptive && !retried && !withoutRetry(c.req.Context()) && !c.g.denied[c.path()] && c.body.repeatable() && !c.aboutRequest(resp):
			// Some recorders answer 403 to an old nonce (rroller/dahua#647).
			retried = true
			readRefusal(resp)
			c.g.session, c.session, c.basic, c.message = nil, nil, "", false
			if err := c.prepare(); err != nil {
				return nil, err
			}
			was = sentNothing
		case resp.StatusCode == http.StatusUnauthorized:
			handOut, err := c.refusal(resp, was)
			if err != nil {
				return nil, err
			}
			if handOut {
				return resp, nil
			}
			was = sentFresh
		default:
			next, err := c.inMessage(resp, was)
			switch {
			case err != nil:
				return nil, err
			case next == nextHandOut:
				return resp, nil
			case next == nextAgain:
				was = sentFresh
				continue
			}
			return c.reply(resp, was)
		}
	}
}

func (c *call) aboutRequest(resp *http.Response) bool {
	f := c.t.o.AboutRequest
	return f != nil && f(resp, peek(resp))
}

func (c *call) path() string { return c.req.Method + " " + c.req.URL.Path }

// prepare asks for the credential and spends a try beforehand, if that has not
// been done in this call.
func (c *call) prepare() error {
	if c.cred == nil {
		cred, err := c.t.o.Source.Credential(c.req.Context(), c.t.o.Target, c.t.o.Account)
		if err != nil {
			e := fail(KindSource, err)
			if c.req.Context().Err() == nil {
				c.g.share(e)
			}
			return e
		}
		if err := digest.CheckUser(cred.User); err != nil {
			return fail(KindUser, err)
		}
		was := c.g.version
		if err := c.g.offer(cred.version(), c.t.o.Now()); err != nil {
			return err
		}
		if c.g.version != was && !cred.ascii() {
			c.t.o.Logger.Warn("auth: user name or password is not ASCII, which few devices take", "target", c.t.o.Target.Key())
		}
		c.cred = &cred
	}
	if c.res != nil {
		return nil
	}
	res, err := c.t.o.Budget.Reserve(c.req.Context(), c.t.login(*c.cred))
	if err != nil {
		var e *Error
		if errors.As(err, &e) && (e.Kind == KindRefused || e.Kind == KindDoubtful) {
			c.g.bury(*e)
		}
		return err
	}
	c.res = res
	c.g.floor = max(c.g.floor, strengthNamed(res.Strongest()))
	return nil
}

// settle gives the reservation its outcome, once.
func (c *call) settle(o Outcome) {
	if c.res == nil {
		return
	}
	if err := c.res.Report(o); err != nil {
		c.t.o.Logger.Warn("auth: login budget not written", "target", c.t.o.Target.Key(), "error", err)
	}
	c.res = nil
}

// send sends the request with what there is.
func (c *call) send(was sent) (*http.Response, error) {
	r, err := c.body.attach(c.req, len(c.g.cookies) > 0 || was != sentNothing && !c.message)
	if err != nil {
		return nil, err
	}
	for _, k := range c.g.cookies {
		if !k.secure || r.URL.Scheme == "https" {
			r.AddCookie(&http.Cookie{Name: k.name, Value: k.value})
		}
	}
	c.answer = nil
	switch {
	case was == sentNothing:
	case c.message:
		if err := c.sign(r); err != nil {
			return nil, err
		}
	case c.session != nil:
		var hashed io.ReadCloser
		if c.session.Int() {
			if hashed, err = c.body.open(); err != nil {
				closeBody(r)
				return nil, err
			}
		}
		var in io.Reader
		if hashed != nil {
			in = hashed
		}
		c.answer, err = c.session.Answer(r.Method, r.URL.RequestURI(), in)
		if hashed != nil {
			_ = hashed.Close()
		}
		if err != nil {
			closeBody(r)
			return nil, fail(KindBody, err)
		}
		r.Header.Set("Authorization", c.answer.Authorization)
	default:
		r.Header.Set("Authorization", c.basic)
	}
	if was == sentFresh {
		c.answers++
		if c.g.state != proven {
			c.doubt = VerdictUnknown
		}
	}
	return c.t.o.Base.RoundTrip(r)
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}
