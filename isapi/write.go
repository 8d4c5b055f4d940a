package isapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
)

// Errors of writes, beside those of package camsec.
var (
	// ErrIgnored: the device answered that it was done, and nothing changed.
	ErrIgnored = errors.New("isapi: device says done and has changed nothing")
	// ErrCutOff: the change would close the way that this client has into the
	// device. Nothing was sent.
	ErrCutOff = errors.New("isapi: change would cut this client off")
	// ErrExists: there is an account of that name already.
	ErrExists = errors.New("isapi: account exists")
	// ErrUnproven: the device took a value that it does not show, so that
	// reading back proves nothing: only its use can. It comes with
	// [camsec.ErrUncertain].
	ErrUnproven = errors.New("isapi: device does not show the value that it took")
)

// Proofs of [camsec.Change].
const (
	proofReadBack  = "read back"
	proofUnchanged = "unchanged: was so already"
	proofLogin     = "fresh login"
)

// A revision is one change of one document: it is read, edited, written in one
// attempt and read back. Every write of a setting is one.
type revision struct {
	get, set string // names of the two operations; an empty get is that of set
	id       string // for the {id} in their paths
	roots    []string
	edit     func(*draft) // changes the draft, in one order; run again, it tells whether it holds
	guard    func(*draft) error
	only     []string // children of the root that make a minimal document
	hidden   []string // fields that EncryptFields hides
	confirm  string   // what newer firmware calls the requester's own password with it
	relogin  bool     // the write changes how logins are made
	lowers   bool     // perhaps to something weaker
	member   bool     // of several reads of the name, the one with the {id}
	// prove tells whether a secret that is not shown works; nil: nothing can.
	prove func(context.Context) (proof string, err error)
}

// revise makes one change. The outcome is Applied only if the device shows the
// wanted values when asked again, or showed them before. A request that was
// lost is not sent again: the document is read until it shows the change or
// [Options.Settle] is over.
func (c *Client) revise(ctx context.Context, r revision) (camsec.Change, error) {
	if r.get == "" {
		r.get = r.set
	}
	get, set := operation(r.get).with(r.id), writeOf(r.set).with(r.id)
	if r.member {
		get.Path = set.Path
	}
	release, err := c.beginWrite(ctx, set)
	if err != nil {
		return notApplied(err)
	}
	defer release()

	h, err := c.hide(ctx, r.hidden)
	if err != nil {
		return notApplied(err)
	}
	before, err := c.draftHidden(ctx, get, r.roots, h)
	if err != nil {
		return notApplied(err)
	}
	if r.edit(before); before.err != nil {
		return notApplied(before.err)
	}
	if before.settled() {
		return camsec.Change{Outcome: camsec.Applied, Proof: proofUnchanged}, nil
	}
	if r.guard != nil {
		if err := r.guard(before); err != nil {
			return notApplied(fmt.Errorf("isapi: %s: %w", set, err))
		}
	}
	if r.confirm != "" {
		if err := c.confirm(ctx, r.confirm, before, h); err != nil {
			return notApplied(fmt.Errorf("isapi: %s: %w", set, err))
		}
	}
	body, err := before.sendable(r.only, h)
	if err != nil {
		return notApplied(fmt.Errorf("isapi: %s: %w", set, err))
	}
	a := c.attemptQuery(ctx, c.transport(), set, h.query(), body, before.contentType())
	if a.refused != nil {
		return notApplied(a.refused)
	}
	if r.relogin {
		c.loginAnew(ctx, r.lowers)
	}
	look := func(ctx context.Context) (likeness, error) {
		h, err := c.hide(ctx, r.hidden)
		if err != nil {
			return likeNeither, err
		}
		after, err := c.draftHidden(ctx, get, r.roots, h)
		if err != nil {
			return likeNeither, err
		}
		r.edit(after)
		return compare(before, after), nil
	}
	change, err := c.resolve(ctx, set, a, look)
	switch {
	case !before.hidden:
	case err == nil && r.prove == nil:
		return uncertain(set, change.RebootRequired, ErrUnproven)
	case err == nil:
		if change.Proof, err = r.prove(ctx); err != nil {
			return uncertain(set, change.RebootRequired, fmt.Errorf("%w: %w", ErrUnproven, err))
		}
	case a.lost != nil && change.Outcome == camsec.NotApplied:
		// What reads back as before tells nothing of what is not shown.
		return uncertain(set, a.reboot, a.lost)
	}
	return change, err
}

// reviseAll makes the same change in several documents, one after the other,
// and ends with the first that fails. What was changed before that stays, so
// the outcome of the whole is then unknown.
func reviseAll(op Operation, ids []string, one func(id string) (camsec.Change, error)) (camsec.Change, error) {
	whole := camsec.Change{Outcome: camsec.Applied, Proof: proofUnchanged}
	changed := 0
	for _, id := range ids {
		c, err := one(id)
		whole.RebootRequired = whole.RebootRequired || c.RebootRequired
		if err != nil || c.Outcome != camsec.Applied {
			if changed > 0 && c.Outcome == camsec.NotApplied {
				return uncertain(op, whole.RebootRequired, fmt.Errorf("%d of %d changed: %w", changed, len(ids), err))
			}
			return c, err
		}
		if c.Proof != proofUnchanged {
			whole.Proof = c.Proof
			changed++
		}
	}
	return whole, nil
}

// draft reads the document of an operation for editing.
func (c *Client) draft(ctx context.Context, op Operation, roots []string) (*draft, error) {
	return c.draftHidden(ctx, op, roots, nil)
}

// draftHidden is draft with fields that may be hidden: in the draft they are
// shown.
func (c *Client) draftHidden(ctx context.Context, op Operation, roots []string, h *hiding) (*draft, error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(g httptrace.GotConnInfo) {
		if at, err := netip.ParseAddrPort(g.Conn.LocalAddr().String()); err == nil {
			ip := at.Addr().Unmap().WithZone("")
			c.local.Store(&ip)
		}
	}})
	doc, resp, err := c.fetchAnswer(op, c.hiddenRequest(ctx, op, h), wire.Limits{}, roots...)
	if err != nil {
		return nil, err
	}
	d, err := newDraft(op, resp, doc)
	if err != nil {
		return nil, err
	}
	if err := h.open(d.root); err != nil {
		return nil, fmt.Errorf("isapi: %s: %w", op, err)
	}
	return d, nil
}

func (d *draft) contentType() string {
	if d.doc == nil {
		return "application/json"
	}
	return `application/xml; charset="UTF-8"`
}

// sendable is the body of the write: the draft without what must not go back,
// its fields hidden if they are.
func (d *draft) sendable(only []string, h *hiding) ([]byte, error) {
	if d.doc != nil {
		if len(only) > 0 {
			d.keep(only)
		}
		d.spareSecrets()
		if err := h.seal(d.root); err != nil {
			return nil, err
		}
	}
	return d.body()
}

func notApplied(err error) (camsec.Change, error) {
	return camsec.Change{Outcome: camsec.NotApplied}, err
}

// uncertain is the answer when nobody can tell.
func uncertain(op Operation, reboot bool, cause error) (camsec.Change, error) {
	return camsec.Change{RebootRequired: reboot}, fmt.Errorf("isapi: %s: %w: %w", op, camsec.ErrUncertain, cause)
}

// mayWrite refuses a write on a read-only client.
func (c *Client) mayWrite(op Operation) error {
	if c.readOnly {
		return fmt.Errorf("isapi: %s: %w", op, ErrReadOnly)
	}
	return nil
}

// beginWrite refuses a write on a client that may not make one, before a byte
// is sent, and lets one write at a time go on.
func (c *Client) beginWrite(ctx context.Context, op Operation) (release func(), err error) {
	if err := c.mayWrite(op); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("isapi: %s: %w", op, err)
	}
	select {
	case c.writing <- struct{}{}:
		return func() { <-c.writing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("isapi: %s: %w", op, ctx.Err())
	}
}

// An attempt is how the one request of a write ended. With neither error the
// device says that it is done.
type attempt struct {
	reboot  bool
	refused error // it took no effect
	lost    error // nobody knows: no answer, or one that tells nothing
	failed  bool  // lost, and the device did answer: an error of its own
	reply   *wire.Response
}

// attempt sends a write once. Only a 401 is answered with the same request
// again, since a device that asks for a login has not looked at the body.
func (c *Client) attempt(ctx context.Context, op Operation, body []byte, contentType string) attempt {
	return c.attemptOver(ctx, c.transport(), op, body, contentType)
}

func (c *Client) attemptOver(ctx context.Context, rt http.RoundTripper, op Operation, body []byte, contentType string) attempt {
	return c.attemptQuery(ctx, rt, op, "", body, contentType)
}

// attemptQuery is attempt with a query that no error may show.
func (c *Client) attemptQuery(ctx context.Context, rt http.RoundTripper, op Operation, query string, body []byte, contentType string) attempt {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(auth.WithoutRetry(ctx), &httptrace.ClientTrace{
		WroteHeaderField: func(string, []string) { sent.Store(true) },
	})
	req := c.request(ctx, op)
	if query != "" {
		req.URL.RawQuery = query
	}
	if len(body) > 0 {
		setBody(req, body, contentType)
	}
	resp, err := c.exchange(rt, op, req, wire.Small())
	return c.judge(op, resp, err, sent.Load())
}

// judge sorts what came of a write that was sent once.
func (c *Client) judge(op Operation, resp *wire.Response, err error, sent bool) attempt {
	if resp == nil {
		if c.tookNoEffect(err, sent) {
			return attempt{refused: err}
		}
		return attempt{lost: err}
	}
	if err != nil { // busy, or a redirect: which is never followed
		if told := c.toldOf(op, resp); told != nil {
			return attempt{refused: told}
		}
		if resp.Status >= 500 {
			return attempt{lost: err, failed: true}
		}
		return attempt{refused: err}
	}
	reboot, err := CheckStatus(op, resp)
	refusal, isRefusal := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return attempt{reboot: reboot, reply: resp}
	case !isRefusal: // a 2xx in which nothing is said: reading back tells
		return attempt{reply: resp}
	case refusal.HTTPStatus >= 500 && !refusal.told() && (refusal.StatusCode == 0 || refusal.StatusCode == 3):
		// A device error may have come half-way.
		return attempt{lost: err, failed: true}
	}
	return attempt{refused: err}
}

// toldOf returns the refusal in the body of a 429, 503 or redirect, if there
// is one.
func (c *Client) toldOf(op Operation, resp *wire.Response) error {
	doc, _ := parse(resp, wire.Small())
	if e, ok := errors.AsType[*Error](refusal(op, resp.Status, doc)); ok && (e.told() || e.StatusCode == 2) {
		return e
	}
	return nil
}

// tookNoEffect tells the failures before a device can have acted: no
// connection, no trust, a refused login. sent says whether the request had
// begun to go out, as far as our own transport tells.
func (c *Client) tookNoEffect(err error, sent bool) bool {
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return e.Kind != auth.KindServer // that one came with an answer
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return true
	}
	return c.ownBase && !sent
}

// How long is waited between looks at a device after a write.
const (
	firstWait     = 250 * time.Millisecond
	longestWait   = 5 * time.Second
	shortSettle   = 5 * time.Second  // when the device did answer
	defaultSettle = 30 * time.Second // when it did not: a lost request may still be carried out
)

// resolve finds out what became of a write by looking at the device.
func (c *Client) resolve(ctx context.Context, op Operation, a attempt, look func(context.Context) (likeness, error)) (camsec.Change, error) {
	patience := min(shortSettle, c.settle)
	if a.lost != nil && !a.failed {
		patience = c.settle
	}
	seen, err := c.watch(ctx, patience, look)
	switch {
	case err != nil:
		return uncertain(op, a.reboot, errors.Join(a.lost, err))
	case seen == likeWanted:
		return camsec.Change{Outcome: camsec.Applied, RebootRequired: a.reboot, Proof: proofReadBack}, nil
	case seen == likeNeither:
		return uncertain(op, a.reboot, errors.Join(a.lost, errors.New("the device shows neither the old nor the new values")))
	case a.lost != nil:
		return notApplied(a.lost)
	case a.reboot:
		return uncertain(op, true, errors.New("to be seen after a restart"))
	}
	return notApplied(fmt.Errorf("isapi: %s: %w", op, ErrIgnored))
}

// watch looks until the device is as wanted or patience is over, and returns
// what was seen last; the error is for when it could not be seen.
func (c *Client) watch(ctx context.Context, patience time.Duration, look func(context.Context) (likeness, error)) (likeness, error) {
	end := time.Now().Add(patience)
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		seen, err := look(ctx)
		if err == nil && seen == likeWanted || err != nil && hopeless(ctx, err) {
			return seen, err
		}
		left := time.Until(end)
		if left <= 0 {
			return seen, err
		}
		if e := sleep(ctx, min(wait, left)); e != nil {
			return seen, e
		}
	}
}

// hopeless tells errors after which looking again tells nothing more, or costs
// login tries.
func hopeless(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	switch camsec.ReasonOf(err) {
	case camsec.ReasonUntrusted, camsec.ReasonRefused, camsec.ReasonLocked, camsec.ReasonNoCredential, camsec.ReasonCancelled:
		return true
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
