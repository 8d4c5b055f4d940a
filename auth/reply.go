package auth

import (
	"bytes"
	"io"
	"net/http"

	"github.com/camsec/camsec/auth/digest"
)

// reply handles an answer that is no refusal.
func (c *call) reply(resp *http.Response, was sent) (*http.Response, error) {
	if was == sentNothing { // nothing was asked for
		c.settle(Outcome{Verdict: VerdictUnspent})
		return resp, nil
	}
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		c.doubt = VerdictUnspent // too busy to look at the login
		if c.g.state == proven && c.session != nil {
			c.g.session = c.session
		}
		return resp, nil
	}
	session := c.session
	if c.answer != nil {
		info := digest.ParseInfo(resp.Header)
		if err := c.check(resp, info); err != nil {
			_ = resp.Body.Close()
			c.g.session = nil
			return nil, err
		}
		if info.NextNonce != "" {
			if next, err := session.Next(info.NextNonce); err == nil {
				session = next
			}
		}
	}
	message := c.signer
	if !c.message {
		message = nil
	}
	c.g.accepted(c.power, session, c.basic, message)
	if was == sentFresh {
		if resp.StatusCode == http.StatusForbidden {
			c.g.deny(c.path())
		}
		c.settle(Outcome{Verdict: VerdictAccepted, Scheme: c.power.String()})
	}
	return resp, nil
}

// check holds the device's own proof against what it must be, before the body
// is handed out. A body of more than 1 MiB is not checked under auth-int.
func (c *call) check(resp *http.Response, info digest.Info) error {
	if !info.HasProof {
		return nil
	}
	var b []byte
	if info.Int {
		var err error
		b, err = io.ReadAll(io.LimitReader(resp.Body, maxProofBody+1))
		resp.Body = rest{io.MultiReader(bytes.NewReader(b), errReader{resp.Body, err}), resp.Body}
		if err != nil || len(b) > maxProofBody {
			return nil //nolint:nilerr // the reader of the body meets the error again
		}
	}
	if err := c.answer.Check(info, b); err != nil {
		return fail(KindServer, err)
	}
	return nil
}

// rest is a body of which a part has been read.
type rest struct {
	io.Reader
	io.Closer
}

// errReader reads on where there was no error, and repeats one that there was.
type errReader struct {
	r   io.Reader
	err error
}

func (e errReader) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	return e.r.Read(p)
}
