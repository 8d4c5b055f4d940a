package wire

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/camsec/camsec"
)

// A Response is a whole reply.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // decoded; empty when there was none
}

// Do sends req once over rt and reads the whole reply within lim. It never
// follows a redirect and never sends anything again by itself (an
// [http.Transport] does, for an idempotent request on a connection that turned
// out dead). The request and its context stay the caller's; a body is closed,
// as RoundTrip does.
//
// Any status but a redirect, 429 and 503 is a response without an error. For a
// redirect (3xx but 304) and for 429 and 503, Do returns the response together
// with an [Error] of [KindRedirect] or [KindBusy]; with any other error the
// response is nil. Failures of the transport (dial, reset, deadline,
// authentication) come wrapped, matching what they matched.
func Do(rt http.RoundTripper, req *http.Request, lim Limits) (*Response, error) {
	lim = lim.OrDefaults()
	var ctx context.Context
	var stop context.CancelFunc
	if lim.Total > 0 {
		ctx, stop = context.WithTimeout(req.Context(), lim.Total)
	} else {
		ctx, stop = context.WithCancel(req.Context())
	}
	defer stop()
	resp, err := rt.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, transportError(ctx, err)
	}
	defer resp.Body.Close()
	if n := headerSize(resp.Header); n > lim.Header {
		return nil, &Error{Kind: KindTooLarge, Status: resp.StatusCode, Detail: fmt.Sprintf("headers over %d bytes", lim.Header)}
	}
	body := &watchedBody{r: resp.Body, ctx: ctx, idle: lim.BodyIdle}
	if lim.BodyIdle > 0 {
		body.timer = time.AfterFunc(lim.BodyIdle, func() {
			body.stuck.Store(true)
			stop()
		})
		defer body.timer.Stop()
	}
	out := &Response{Status: resp.StatusCode, Header: resp.Header}
	switch s := resp.StatusCode; {
	case s >= 300 && s < 400 && s != http.StatusNotModified:
		// What it says does not matter; reading it keeps the connection.
		_, _ = io.CopyN(io.Discard, body, lim.Drain)
		return out, &Error{Kind: KindRedirect, Status: s, Location: safeLocation(resp.Header.Get("Location"))}
	case s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable:
		// Best effort: the status is the message, the body only its words.
		busy := &Error{Kind: KindBusy, Status: s, RetryAfter: retryAfter(resp.Header)}
		lim.Body = min(lim.Body, lim.Drain)
		if b, err := readBody(req, resp, body, lim); err == nil {
			out.Body = b
		}
		return out, busy
	}
	if out.Body, err = readBody(req, resp, body, lim); err != nil {
		return nil, err
	}
	return out, nil
}

// Stream sends req once over rt, as [Do] does, and hands out the body of a 2xx
// reply to be read as it comes, since it may never end: lim.Total bounds the
// wait for its header alone, and lim.BodyIdle each Read. It must be closed. Any
// other reply is read to its end within lim; the body is then nil.
func Stream(rt http.RoundTripper, req *http.Request, lim Limits) (*Response, io.ReadCloser, error) {
	lim = lim.OrDefaults()
	ctx, stop := context.WithCancelCause(req.Context())
	taker := &bodyTaker{RoundTripper: rt, ctx: ctx, stop: stop}
	resp, err := Do(taker, req, lim)
	if taker.body == nil || err != nil {
		if taker.body != nil {
			_ = taker.body.Close()
		}
		stop(nil)
		return resp, nil, err
	}
	return resp, &streamBody{r: taker.body, ctx: ctx, stop: stop, idle: lim.BodyIdle}, nil
}

// bodyTaker keeps the body of a 2xx reply from being read, and its request from
// ending with the exchange.
type bodyTaker struct {
	http.RoundTripper
	ctx  context.Context //nolint:containedctx // of one exchange
	stop context.CancelCauseFunc
	body io.ReadCloser
}

func (t *bodyTaker) RoundTrip(req *http.Request) (*http.Response, error) {
	exchange := req.Context()
	release := context.AfterFunc(exchange, func() { t.stop(context.Cause(exchange)) })
	resp, err := t.RoundTripper.RoundTrip(req.WithContext(t.ctx))
	if err == nil && resp.StatusCode/100 == 2 && release() {
		t.body, resp.Body, resp.ContentLength = resp.Body, http.NoBody, 0
	}
	return resp, err
}

// streamBody waits for each Read for so long and no longer.
type streamBody struct {
	r    io.ReadCloser
	ctx  context.Context //nolint:containedctx // lives as long as the stream
	stop context.CancelCauseFunc
	idle time.Duration
}

func (b *streamBody) Read(p []byte) (int, error) {
	if b.idle > 0 {
		watchdog := time.AfterFunc(b.idle, func() { b.stop(idleError{}) })
		defer watchdog.Stop()
	}
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		if cause := context.Cause(b.ctx); cause != nil {
			err = cause
		}
		err = fmt.Errorf("wire: reading the stream: %w", err)
	}
	return n, err
}

func (b *streamBody) Close() error {
	b.stop(nil)
	return b.r.Close()
}

// readBody reads the body to its end, checks its length and decodes it.
func readBody(req *http.Request, resp *http.Response, body *watchedBody, lim Limits) ([]byte, error) {
	promised := resp.ContentLength
	if req.Method == http.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified {
		promised = -1
	}
	if promised > lim.Body {
		return nil, tooLarge(resp, lim)
	}
	raw, err := decoded(resp, body, promised, lim)
	switch {
	case errors.Is(err, errOverLimit):
		return nil, tooLarge(resp, lim)
	case err != nil && KindOf(err) == KindUnknown:
		return nil, bodyError(body, resp.StatusCode, err)
	case err != nil:
		return nil, err
	case body.n < promised:
		return nil, &Error{Kind: KindTruncated, Status: resp.StatusCode, Detail: fmt.Sprintf("%d of %d bytes", body.n, promised)}
	}
	return raw, nil
}

func tooLarge(resp *http.Response, lim Limits) error {
	return &Error{Kind: KindTooLarge, Status: resp.StatusCode, Detail: fmt.Sprintf("body over %d bytes", lim.Body)}
}

var errOverLimit = errors.New("over the limit")

// firstBuffer is how much room a body of unknown length gets at first.
const firstBuffer = 512

// readAll reads r to its end, or until it has more than limit bytes, into a
// buffer of size bytes that grows.
func readAll(r io.Reader, size, limit int64) ([]byte, error) {
	buf := make([]byte, 0, size)
	for stuck := 0; ; {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, errOverLimit
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, err
		}
		if stuck++; n > 0 {
			stuck = 0
		} else if stuck > 100 {
			return nil, io.ErrNoProgress
		}
		if len(buf) == cap(buf) {
			size := 2 * int64(cap(buf))
			if size > 1<<20 {
				size *= 2 // fewer steps leave less behind
			}
			if size >= limit {
				size = limit + 1 // one more, to see that it is too much
			}
			grown := make([]byte, len(buf), size)
			copy(grown, buf)
			buf = grown
		}
	}
}

// decoded reads the body and undoes its encoding. Only gzip is known, and a
// body that is plainly XML is taken as such whatever the header says, since
// some devices name an encoding they do not use. An error that is no *Error is
// the body's own, or errOverLimit.
func decoded(resp *http.Response, body io.Reader, promised int64, lim Limits) ([]byte, error) {
	enc := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	if enc == "gzip" || enc == "x-gzip" {
		return unzipped(resp, body, lim)
	}
	size := int64(firstBuffer)
	if promised >= 0 { // trusted only for a little
		size = min(promised, 64<<10) + 1 // one more, to meet the end
	}
	raw, err := readAll(body, size, lim.Body)
	if err == nil && len(raw) > 0 && enc != "" && enc != "identity" {
		err = &Error{Kind: KindEncoding, Status: resp.StatusCode, Detail: strconv.Quote(clean(enc))}
	}
	return raw, err
}

// unzipped holds no more of the body than is decompressed at the moment.
func unzipped(resp *http.Response, body io.Reader, lim Limits) ([]byte, error) {
	in := bufio.NewReader(body)
	head, err := in.Peek(64)
	switch {
	case len(head) == 0 && errors.Is(err, io.EOF):
		return nil, nil
	case len(head) == 0:
		return nil, err
	case looksXML(head):
		return readAll(in, firstBuffer, lim.Body)
	}
	var raw []byte
	zr, err := gzip.NewReader(in)
	if err == nil {
		raw, err = readAll(zr, firstBuffer, lim.Body)
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	if corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		err = &Error{Kind: KindEncoding, Status: resp.StatusCode, Detail: "gzip", Err: err}
	}
	return raw, err
}

func looksXML(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(b, bomUTF8), " \t\r\n"), []byte("<"))
}

// watchedBody puts off the watchdog with every read that brings something.
type watchedBody struct {
	r     io.Reader
	ctx   context.Context //nolint:containedctx // lives no longer than the exchange
	idle  time.Duration
	timer *time.Timer
	n     int64       // bytes read so far
	stuck atomic.Bool // the watchdog ended the exchange
}

// cause is why the exchange ended, nil while it goes on.
func (b *watchedBody) cause() error {
	switch {
	case b.ctx.Err() == nil:
		return nil
	case b.stuck.Load():
		return idleError{}
	}
	return context.Cause(b.ctx)
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if err := b.cause(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if n > 0 && b.timer != nil {
		b.timer.Reset(b.idle)
	}
	return n, err
}

// transportError names what is wrong with an answer that is not HTTP, and
// lets every other failure through, wrapped.
func transportError(ctx context.Context, err error) error {
	pass := fmt.Errorf("wire: exchange: %w", err)
	if camsec.ReasonOf(err) != camsec.ReasonUnreachable {
		return pass // an error that has already been given its meaning
	}
	if ctx.Err() != nil {
		if cause := context.Cause(ctx); !errors.Is(err, cause) {
			return fmt.Errorf("wire: exchange: %w", cause)
		}
		return pass
	}
	protocol := func(detail string) error { return &Error{Kind: KindProtocol, Detail: detail, Err: err} }
	if rec, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		// No record header to speak of: what answers does not speak TLS.
		return &Error{Kind: KindProtocol, Detail: "no TLS answer, http port?", Err: errors.New(rec.Msg)}
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return protocol("no TLS answer, http port?")
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return pass
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return pass
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) {
		return pass
	}
	// net/http has no types for these.
	text := err.Error()
	switch {
	case strings.Contains(text, "response headers exceeded"), strings.Contains(text, "header list"):
		return &Error{Kind: KindTooLarge, Detail: "headers", Err: err}
	case strings.Contains(text, "too many 1xx"):
		return &Error{Kind: KindTooLarge, Detail: "informational answers", Err: err}
	case strings.Contains(text, `"RTSP/`):
		return protocol("RTSP port?")
	case strings.Contains(text, `"\x15\x03`), strings.Contains(text, `"\x16\x03`):
		return protocol("TLS answer, https port?")
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "malformed MIME"),
		strings.Contains(text, "Content-Length"), strings.Contains(text, "transfer encoding"),
		strings.Contains(text, "transport connection broken"):
		return protocol("")
	}
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return protocol("")
	}
	return pass
}

// bodyError sorts the failures of reading a body. A deadline or a cancelled
// call is nobody's malformed reply; everything else cut the reply short.
func bodyError(body *watchedBody, status int, err error) error {
	if cause := body.cause(); cause != nil {
		return fmt.Errorf("wire: reading the reply: %w", cause)
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return fmt.Errorf("wire: reading the reply: %w", err)
	}
	if strings.Contains(err.Error(), "chunk") || strings.Contains(err.Error(), "trailer") {
		return &Error{Kind: KindProtocol, Status: status, Detail: "chunked body", Err: err}
	}
	return &Error{Kind: KindTruncated, Status: status, Err: err}
}

func headerSize(h http.Header) int64 {
	var n int64
	for k, vs := range h {
		for _, v := range vs {
			n += int64(len(k) + len(v) + 4)
		}
	}
	return n
}

// safeLocation keeps of a redirect's target what may stand in a log.
func safeLocation(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil {
		return "(not a URL)"
	}
	u.User, u.RawQuery, u.Fragment, u.ForceQuery = nil, "", "", false
	if u.Opaque != "" {
		return clean(u.Scheme + ":")
	}
	return clean(u.String())
}

// retryAfter reads Retry-After: seconds, or a date, which is held against the
// device's own Date so that no clock of ours matters. At most a day; 0 when it
// says nothing usable.
func retryAfter(h http.Header) time.Duration {
	const longest = 24 * time.Hour
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, longest)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(now), longest))
}
