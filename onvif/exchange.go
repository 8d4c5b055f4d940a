package onvif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
)

// A reply is what an operation was answered with.
type reply struct {
	*wire.Node                   // the response element
	parts      map[string][]byte // attachments by Content-ID
}

// call performs one operation. It logs in where it must, and first proves the
// login with an operation that every account may do, so that a refusal of the
// one asked for means what it says.
func (c *Client) call(ctx context.Context, name string, write func(*message)) (*reply, error) {
	return c.callWithin(ctx, name, wire.Small(), write)
}

func (c *Client) callWithin(ctx context.Context, name string, lim wire.Limits, write func(*message)) (*reply, error) {
	op := operation(name)
	if op.Writes && c.readOnly {
		return nil, &unsent{fmt.Errorf("onvif: %s: %w", op.Action, ErrReadOnly)}
	}
	if err := ctx.Err(); err != nil {
		return nil, &unsent{fmt.Errorf("onvif: %s: %w", op.Action, err)}
	}
	m := newMessage(op)
	if write != nil {
		write(m)
	}
	body, err := m.end(op)
	if err != nil {
		return nil, &unsent{fmt.Errorf("onvif: %s: %w", op.Action, err)}
	}
	u, err := c.url(ctx, op.Service)
	if err != nil {
		return nil, &unsent{err}
	}
	proof := op.Name == loginProof
	if c.hasCred && op.Access != PreAuth && !proof {
		if err := c.prove(ctx); err != nil {
			return nil, &unsent{err}
		}
	}
	r, err := c.exchange(ctx, c.authed, u, op, body, lim)
	if f, ok := errors.AsType[*Fault](err); ok && c.hasCred && f.refusesLogin() {
		// The engine lets a refusal through only of a login that has worked.
		c.proved.Store(false)
		c.token.forget()
		if proof {
			return c.exchange(ctx, c.authed, u, op, body, lim)
		}
		if err := c.prove(ctx); err != nil {
			return nil, err
		}
		f.LoggedIn = c.proved.Load()
		return nil, f
	}
	if f, ok := errors.AsType[*Fault](err); ok && !c.hasCred && c.certified && f.HTTPStatus == http.StatusForbidden {
		f.LoggedIn = true // Our certificate tells who we are, and that may not (security service, CnMapsToUser).
	}
	if errors.Is(err, camsec.ErrUnauthorized) {
		c.proved.Store(false)
	}
	if err == nil && proof && c.hasCred {
		c.proved.Store(true)
	}
	return r, err
}

// loginProof is the operation that every account may do (READ_SYSTEM).
const loginProof = "DeviceInformation"

// prove makes sure that the device has accepted our credential. What goes
// wrong with the operation itself is no matter of the login.
func (c *Client) prove(ctx context.Context) error {
	if c.proved.Load() {
		return nil
	}
	select {
	case <-c.proving:
	case <-ctx.Done():
		return fmt.Errorf("onvif: %w", ctx.Err())
	}
	defer func() { c.proving <- struct{}{} }()
	if c.proved.Load() {
		return nil
	}
	_, err := c.DeviceInformation(ctx)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*auth.Error](err); ok || ctx.Err() != nil {
		return err
	}
	switch camsec.ReasonOf(err) {
	case camsec.ReasonNotOffered, camsec.ReasonForbidden, camsec.ReasonUnparsable, camsec.ReasonNotReadable:
		return nil
	}
	return err
}

// exchange sends one message over rt and reads its answer.
func (c *Client) exchange(ctx context.Context, rt http.RoundTripper, u *url.URL, op Operation, body []byte, lim wire.Limits) (*reply, error) {
	resp, err := c.post(ctx, rt, u, op, body, lim)
	if err != nil && resp == nil {
		return nil, err
	}
	r, rerr := readReply(op, resp, lim, c.hasCred)
	if rerr != nil && err != nil { // busy: unless the reply knows better
		if f, ok := errors.AsType[*Fault](rerr); ok && f.Code != "" {
			return nil, f
		}
		return nil, err
	}
	return r, rerr
}

// readReply turns an answer into the response element, or into the error that
// it tells. It never returns neither.
func readReply(op Operation, resp *wire.Response, lim wire.Limits, hasCred bool) (*reply, error) {
	doc, parts, err := readEnvelope(resp, lim)
	if err == nil && resp.Status < 300 {
		if el := doc.At("Body").Child(op.Action + "Response"); el != nil {
			return &reply{el, parts}, nil
		}
	}
	if f := faultOf(doc); f != nil {
		f.Op, f.HTTPStatus, f.anonymous = op.Action, resp.Status, !hasCred
		return nil, f
	}
	switch {
	case resp.Status < 200 || resp.Status > 299:
		return nil, &Fault{Op: op.Action, HTTPStatus: resp.Status, TriesLeft: -1, anonymous: !hasCred}
	case err != nil:
		return nil, fmt.Errorf("onvif: %s: %w", op.Action, err)
	case doc.Name != "Envelope" || doc.Child("Body") == nil:
		return nil, malformed(op, "no SOAP envelope with a body, but "+clean(doc.Name))
	case len(doc.Child("Body").Children) == 0:
		return nil, malformed(op, "empty body")
	}
	return nil, malformed(op, "answer to something else: "+clean(doc.Child("Body").Children[0].Name))
}

func malformed(op Operation, what string) error {
	return fmt.Errorf("onvif: %s: %s: %w", op.Action, what, camsec.ErrMalformed)
}

// contentType is that of SOAP 1.2.
var contentType = []string{"application/soap+xml; charset=utf-8"}

// post sends a body and returns whatever was answered; along with the error,
// if the device is busy.
func (c *Client) post(ctx context.Context, rt http.RoundTripper, u *url.URL, op Operation, body []byte, lim wire.Limits) (*wire.Response, error) {
	if op.Writes {
		ctx = c.watchConn(auth.WithoutRetry(ctx))
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": contentType},
		ContentLength: int64(len(body)),
		Body:          io.NopCloser(bytes.NewReader(body)), // goes out along with the header
		GetBody:       func() (io.ReadCloser, error) { return newReady(body), nil },
	}).WithContext(ctx)
	resp, err := wire.Do(rt, req, lim.WithTimeouts(c.timeouts))
	if err != nil {
		return resp, fmt.Errorf("onvif: %s: %w", op.Action, trust.Explain(err))
	}
	return resp, nil
}

// A ready is a body that is there in whole, for logins that need all of it.
type ready struct {
	bytes.Reader
	b []byte
}

func newReady(b []byte) *ready {
	r := &ready{b: b}
	r.Reset(b)
	return r
}

func (r *ready) Bytes() []byte { return r.b }
func (r *ready) Close() error  { return nil }

// watchConn notes our own address, which an address filter must admit.
func (c *Client) watchConn(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.local = i.Conn.LocalAddr()
	}})
}

// readEnvelope reads the document of a reply, whatever its Content-Type says,
// and its attachments. With an error there may be a document all the same.
func readEnvelope(resp *wire.Response, lim wire.Limits) (*wire.Node, map[string][]byte, error) {
	kind := resp.Header.Get("Content-Type")
	body := resp.Body
	var parts map[string][]byte
	if isMultipart(kind, body) {
		var err error
		if body, kind, parts, err = splitMultipart(kind, body); err != nil {
			return nil, nil, err
		}
	}
	if strings.Contains(strings.ToLower(kind), "html") {
		kind = "" // some devices call everything so; the first tag decides
	}
	doc, err := wire.ParseXML(body, kind, lim)
	return doc, parts, err
}
