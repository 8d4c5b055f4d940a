package onvif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/auth/wsse"
)

// usernameToken logs in by WS-UsernameToken, in the device's own time where
// that differs from ours. It implements [auth.MessageLogin].
type usernameToken struct {
	c *Client

	mu        sync.Mutex
	asked     bool          // the device's clock was read
	offset    time.Duration // how far it is ahead, if it is believable
	believed  bool
	corrected bool // the last token was made in the device's time
	settled   bool // by a second try, which way it is
	used      bool // a token was made
}

// inUse tells whether the device takes tokens and no digest.
func (t *usernameToken) inUse() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// tokenSize is what a token adds to a message, but for the user's name.
const tokenSize = 720

// tolerated is the skew that devices with the narrowest window take.
const tolerated = 5 * time.Second

// Read finds refusals of a login in SOAP faults.
func (t *usernameToken) Read(resp *http.Response, body []byte) auth.MessageReply {
	r := auth.MessageReply{Left: -1}
	if resp.StatusCode != http.StatusUnauthorized && !bytes.Contains(body, []byte("Fault")) {
		return r
	}
	doc, _, _ := readEnvelope(&wire.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, wire.Small())
	f := faultOf(doc)
	if f == nil {
		return r
	}
	f.HTTPStatus = resp.StatusCode
	if !f.refusesLogin() {
		return r
	}
	r.Refused, r.Left = true, f.TriesLeft
	r.Locked = f.says("locked", "lock out", "lockout")

	t.mu.Lock()
	defer t.mu.Unlock()
	// One more try makes sense the other way round: if the device speaks of
	// time, or if its clock differs from ours as a time zone does, so that it
	// may have called its local time UTC.
	other := t.believed && abs(t.offset) >= time.Second
	r.Again = other && !t.settled && (f.speaksOfTime() || likeZone(t.offset))
	return r
}

// Sign puts a token into the header of the envelope.
func (t *usernameToken) Sign(ctx context.Context, body []byte, cred auth.Credential, again bool) ([]byte, error) {
	created := t.created(ctx, again)
	secret := cred.Secret.Reveal()
	token, err := wsse.New(cred.User, secret, created, t.c.rand)
	clear(secret)
	if err != nil {
		return nil, fmt.Errorf("onvif: login: %w", err)
	}
	i := bytes.Index(body, []byte(bodyStart))
	if i < 0 {
		return nil, errors.New("onvif: login: not a message of ours")
	}
	out := make([]byte, 0, len(body)+len(cred.User)+tokenSize)
	out = append(out, body[:i]...)
	out = append(out, "<s:Header>"...)
	out = token.AppendXML(out)
	out = append(out, "</s:Header>"...)
	return append(out, body[i:]...), nil
}

// created returns the time to write into a token. The device's clock is asked
// before the first, without a credential.
func (t *usernameToken) created(ctx context.Context, again bool) time.Time {
	t.mu.Lock()
	asked := t.asked
	t.mu.Unlock()
	if !asked {
		offset, ok := t.skew(ctx)
		t.mu.Lock()
		t.asked, t.offset, t.believed = true, offset, ok
		if !t.settled {
			t.corrected = ok && abs(offset) > tolerated
		}
		t.mu.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used = true
	if again && !t.settled {
		t.settled, t.corrected = true, !t.corrected
	}
	now := t.c.now()
	if t.corrected && t.believed {
		return now.Add(t.offset)
	}
	return now
}

// skew reads the device's clock, without a credential.
func (t *usernameToken) skew(ctx context.Context) (time.Duration, bool) {
	op := operation("SystemDateAndTime")
	body, err := newMessage(op).end(op)
	if err != nil {
		return 0, false
	}
	before := t.c.now()
	r, err := t.c.exchange(ctx, t.c.plain, &t.c.base, op, body, wire.Small())
	if err != nil {
		return 0, false
	}
	after := t.c.now()
	d, err := dateTime(r.Node)
	if err != nil {
		return 0, false
	}
	return d.Offset(before.Add(after.Sub(before) / 2))
}

// forget has the clock read anew: a device's is set, and jumps, at any time.
func (t *usernameToken) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = false
}

// likeZone tells an offset that is a multiple of a quarter of an hour, within
// a minute, and no more than the zones of the world.
func likeZone(d time.Duration) bool {
	d = abs(d)
	off := d.Round(15 * time.Minute)
	return off != 0 && off <= 14*time.Hour && abs(d-off) <= time.Minute
}

func abs(d time.Duration) time.Duration { return max(d, -d) }
