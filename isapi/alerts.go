package isapi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// An Alert is one event that a device tells of while it happens.
type Alert struct {
	Type        string       // illaccess, VMD, videoloss, …: the vendor's word
	Active      camsec.State // on while it goes on, off when it ends
	Time        time.Time    // as the device writes it; zero is not readable
	Channel     string       // empty is not told
	Description string
}

// IllegalLogin tells whether it is of a login that was refused. No such event
// was recorded, though every recorded device lists its name among its triggers;
// one without a notification in [Client.EventTriggers] sends none.
func (a Alert) IllegalLogin() bool { return strings.EqualFold(a.Type, "illaccess") }

// Heartbeat tells whether it only says that the device is there: cameras send
// the end of a lost picture every ten seconds. That such a loss really ended
// looks the same.
func (a Alert) Heartbeat() bool {
	return strings.EqualFold(a.Type, "heartBeat") || strings.EqualFold(a.Type, "videoloss") && a.Active == camsec.StateOff
}

// AlertOptions are the optional settings of [Client.Alerts]; nil means all
// defaults.
type AlertOptions struct {
	// Idle is how long the device may send nothing, heartbeats included.
	// Default a minute; negative waits for ever, as for a recorder of which no
	// heartbeats were recorded.
	Idle time.Duration
}

// Limits of an alert stream.
const (
	defaultAlertIdle = time.Minute
	maxAlert         = 256 << 10 // bytes of one event
	maxPicture       = 16 << 20  // bytes of what is passed over
	maxPartHeader    = 32        // lines
	maxUnreadable    = 16        // events in a row
)

// Alerts listens to what happens at a device, until ctx is done, the caller
// stops or the device does; then the last error says which:
// [io.ErrUnexpectedEOF] for a device that hung up, [context.DeadlineExceeded]
// for one that fell silent. An event that cannot be read is an error matching
// [camsec.ErrMalformed] and does not end it; after sixteen in a row it ends.
// Pictures are passed over. Nothing is kept for who does not listen: begin
// again after an end, and look into [Client.SystemLog] for what was missed.
//
// It occupies one connection, and one of the few listeners that a device bears.
// Operators may listen on most firmware.
//
//isapi:op GET /ISAPI/Event/notification/alertStream
func (c *Client) Alerts(ctx context.Context, o *AlertOptions) iter.Seq2[Alert, error] {
	lim := wire.Small().WithTimeouts(c.timeouts)
	lim.BodyIdle = defaultAlertIdle
	if o != nil && o.Idle != 0 {
		lim.BodyIdle = o.Idle
	}
	return func(yield func(Alert, error) bool) {
		op := operation("Alerts")
		parts, err := c.openAlerts(ctx, op, lim)
		if err != nil {
			yield(Alert{}, err)
			return
		}
		defer parts.Close()
		for bad := 0; bad < maxUnreadable; {
			part, err := parts.next()
			if err != nil {
				yield(Alert{}, fmt.Errorf("isapi: %s: %w", op, ended(ctx, err)))
				return
			}
			if part.picture() {
				continue
			}
			alert, err := readAlert(part)
			if bad++; err == nil {
				bad = 0
			} else {
				err = fmt.Errorf("isapi: %s: %w", op, err)
			}
			if !yield(alert, err) {
				return
			}
		}
	}
}

// ended says why a stream ended: at the caller's wish, if it was that.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (c *Client) openAlerts(ctx context.Context, op Operation, lim wire.Limits) (*partReader, error) {
	start := time.Now()
	resp, body, err := wire.Stream(c.transport(), c.request(ctx, op), lim)
	if c.log != nil {
		c.note(ctx, op, resp, err, time.Since(start))
	}
	if body == nil && resp != nil { // a refusal, or a 503 that may tell more than its status
		doc, _ := parse(resp, lim)
		told := refusal(op, resp.Status, doc)
		if e, ok := errors.AsType[*Error](told); told != nil && (err == nil || ok && e.told()) {
			return nil, told
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("isapi: %s: %w", op, err)
	case body == nil:
		return nil, malformed(op, fmt.Sprintf("HTTP %d", resp.Status))
	}
	boundary, ok := boundaryOf(resp.Header.Get("Content-Type"))
	if !ok {
		_ = body.Close()
		return nil, malformed(op, "no stream of parts")
	}
	return &partReader{Closer: body, r: bufio.NewReaderSize(body, 8<<10), boundary: boundary}, nil
}

// boundaryOf reads a Content-Type as devices write it: quoted, bare, and with
// characters that no token may have.
func boundaryOf(contentType string) (string, bool) {
	kind, params, _ := strings.Cut(contentType, ";")
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "multipart/") {
		return "", false
	}
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if strings.EqualFold(strings.TrimSpace(name), "boundary") {
			// Some devices count the dashes before a boundary as part of it, and
			// some do not.
			value = strings.TrimLeft(strings.Trim(strings.TrimSpace(value), `"`), "-")
			return value, value != "" && len(value) <= 200
		}
	}
	return "", false
}

// A part is one event or picture of the stream.
type part struct {
	kind string // its Content-Type
	body []byte // empty for a picture
}

func (p part) picture() bool {
	kind, _, err := mime.ParseMediaType(p.kind)
	return err == nil && (strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/"))
}

// A partReader splits an alert stream into its parts. It holds no more than one
// part, of at most maxAlert bytes.
type partReader struct {
	io.Closer
	r        *bufio.Reader
	boundary string // without the dashes before it
	at       bool   // the boundary before the next part was read
	over     bool   // it was the last
}

// next reads a part. Its error ends the stream.
func (p *partReader) next() (part, error) {
	for passed := 0; !p.at; {
		line, _, err := p.line()
		if err != nil {
			return part{}, err
		}
		if passed += len(line); passed > maxPicture {
			return part{}, tooLong("between two parts")
		}
	}
	if p.over {
		return part{}, errHungUp
	}
	p.at = false
	var out part
	length := -1
	for n := 0; ; n++ {
		line, whole, err := p.line()
		switch {
		case err != nil:
			return part{}, err
		case !whole || n == maxPartHeader:
			return part{}, tooLong("a part's header")
		case p.at: // a part without anything
			return out, nil
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ":")
		switch value = strings.TrimSpace(value); strings.ToLower(strings.TrimSpace(name)) {
		case "content-type":
			out.kind = value
		case "content-length":
			if v, err := strconv.Atoi(value); err == nil && v >= 0 {
				length = v
			}
		}
	}
	var err error
	if length >= 0 {
		out.body, err = p.counted(length, out.picture())
	} else {
		out.body, err = p.delimited(out.picture())
	}
	return out, err
}

// counted reads a part that says how long it is.
func (p *partReader) counted(length int, pass bool) ([]byte, error) {
	if pass {
		if length > maxPicture {
			return nil, tooLong("a picture")
		}
		if _, err := p.r.Discard(length); err != nil {
			return nil, cutShort(err)
		}
		return nil, nil
	}
	if length > maxAlert {
		return nil, tooLong("an event")
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(p.r, body); err != nil {
		return nil, cutShort(err)
	}
	return body, nil
}

// delimited reads a part up to the next boundary.
func (p *partReader) delimited(pass bool) ([]byte, error) {
	var body []byte
	for n := 0; ; {
		line, whole, err := p.line()
		switch {
		case err != nil:
			return nil, err
		case p.at:
			return body, nil
		}
		if n += len(line) + 1; n > maxPicture || !pass && n > maxAlert {
			return nil, tooLong("a part")
		}
		if pass {
			continue
		}
		body = append(body, line...)
		if whole {
			body = append(body, '\n')
		}
	}
}

// line reads a line, or as much of a long one as is at hand, without its end.
// It notes a boundary, and the last one of all.
func (p *partReader) line() (line []byte, whole bool, err error) {
	line, err = p.r.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, false, cutShort(err)
	}
	whole = err == nil
	line = bytes.TrimRight(line, "\r\n")
	if !whole || !bytes.HasPrefix(line, []byte("--")) {
		return line, whole, nil
	}
	rest, is := strings.CutPrefix(string(bytes.TrimLeft(bytes.TrimRight(line, " \t"), "-")), p.boundary)
	p.at = p.at || is && (rest == "" || rest == "--")
	p.over = p.over || is && rest == "--"
	return line, whole, nil
}

// errHungUp is a stream that a device ended.
var errHungUp = fmt.Errorf("the device ended the stream: %w", io.ErrUnexpectedEOF)

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errHungUp
	}
	return err
}

func tooLong(what string) error {
	return &wire.Error{Kind: wire.KindTooLarge, Detail: what}
}

// readAlert reads one event, XML or JSON by its first byte.
func readAlert(p part) (Alert, error) {
	doc, err := parse(&wire.Response{Body: p.body, Header: map[string][]string{"Content-Type": {p.kind}}}, wire.Limits{Body: maxAlert})
	if err != nil {
		return Alert{}, err
	}
	if doc.Name == "" && doc.Child("EventNotificationAlert").Has() {
		doc = doc.Child("EventNotificationAlert")
	}
	if doc.Name != "" && !strings.EqualFold(doc.Name, "EventNotificationAlert") || doc.Child("eventType").String() == "" {
		return Alert{}, fmt.Errorf("an event in %q, or of no type: %w", clean(doc.Name), camsec.ErrMalformed)
	}
	a := Alert{
		Type: doc.Child("eventType").String(), Description: doc.Child("eventDescription").String(),
		Time: deviceTime(doc.Child("dateTime").String()), Channel: firstOf(doc, "channelID", "dynChannelID"),
	}
	switch strings.ToLower(doc.Child("eventState").String()) {
	case "active":
		a.Active = camsec.StateOn
	case "inactive":
		a.Active = camsec.StateOff
	}
	if a.Channel == "0" {
		a.Channel = ""
	}
	return a, nil
}
