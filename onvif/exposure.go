package onvif

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/digest"
	"github.com/camsec/camsec/auth/wire"
)

// A Challenge is what a device asks for when a request comes without a
// credential.
type Challenge struct {
	Schemes    []string // of digest, basic; empty where there is none in HTTP
	Algorithms []string // of digest: MD5, SHA-256, …
	// Token: the device refused in the message, as those do that take a
	// UsernameToken.
	Token camsec.State
	// Open: it asks for nothing and answered.
	Open camsec.State
}

// Challenge asks for what every account may read, without a credential, and
// returns how the device reacts. It costs one request and no login try.
func (c *Client) Challenge(ctx context.Context) (Challenge, error) {
	op := operation(loginProof)
	body, err := newMessage(op).end(op)
	if err != nil {
		return Challenge{}, err
	}
	u := c.base
	resp, err := c.post(ctx, c.plain, &u, op, body, wire.Small())
	if err != nil {
		return Challenge{}, err
	}
	ch := Challenge{Token: camsec.StateOff, Open: camsec.StateOff}
	_, rerr := readReply(op, resp, wire.Small(), false)
	f, isFault := errors.AsType[*Fault](rerr)
	switch {
	case rerr == nil:
		ch.Open = camsec.StateOn
		return ch, nil
	case resp.Status != http.StatusUnauthorized && (!isFault || !f.refusesLogin()):
		return Challenge{}, rerr
	}
	list, err := digest.Parse(resp.Header)
	for _, one := range list {
		if !slices.Contains(ch.Schemes, one.Scheme) {
			ch.Schemes = append(ch.Schemes, one.Scheme)
		}
		if one.Scheme != "digest" {
			continue
		}
		name := one.Hash.String()
		if !slices.Contains(ch.Algorithms, name) {
			ch.Algorithms = append(ch.Algorithms, name)
		}
	}
	if len(list) == 0 && err != nil {
		return Challenge{}, err
	}
	if len(ch.Schemes) == 0 || resp.Status != http.StatusUnauthorized {
		ch.Token = camsec.StateOn
	}
	return ch, nil
}

// exposed are the reads that are for accounts alone, by the default access
// policy; one answer of each suffices.
var exposed = []string{
	"DeviceInformation", "NetworkProtocols", "NetworkInterfaces", "DiscoveryMode", "Scopes", "SystemURIs", "Users", "AccessPolicy",
}

// Exposure asks the device, once each and without a credential, what only
// accounts may read, and returns the operations that were answered. It changes
// nothing and spends no login try. The error is for a device that gave no
// usable answer to any.
func (c *Client) Exposure(ctx context.Context) ([]string, error) {
	open := []string{}
	var first error
	told := false
	for _, name := range exposed {
		op := operation(name)
		body, err := newMessage(op).end(op)
		if err != nil {
			return nil, err
		}
		u := c.base
		_, err = c.exchange(ctx, c.plain, &u, op, body, wire.Small())
		switch _, fault := errors.AsType[*Fault](err); {
		case err == nil:
			open, told = append(open, op.Action), true
		case fault:
			told = true
		case ctx.Err() != nil:
			return nil, err
		case first == nil:
			first = err
		}
	}
	if !told {
		return nil, first
	}
	return open, nil
}

// Detect asks, without a credential and in one request, whether the device
// speaks ONVIF. On is an answer in SOAP, whatever it says; off any other;
// unknown is a device that asks for a login and says nothing else. The error
// is for a device that did not answer.
func (c *Client) Detect(ctx context.Context) (camsec.State, error) {
	op := operation("SystemDateAndTime")
	body, err := newMessage(op).end(op)
	if err != nil {
		return camsec.StateUnknown, err
	}
	u := c.base
	_, err = c.exchange(ctx, c.plain, &u, op, body, wire.Small())
	if err == nil {
		return camsec.StateOn, nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		switch {
		case f.Code != "":
			return camsec.StateOn, nil
		case f.HTTPStatus == http.StatusUnauthorized || f.HTTPStatus == http.StatusForbidden:
			return camsec.StateUnknown, nil
		}
		return camsec.StateOff, nil
	}
	if errors.Is(err, camsec.ErrMalformed) || errors.Is(err, camsec.ErrBusy) {
		return camsec.StateOff, nil
	}
	return camsec.StateUnknown, err
}
