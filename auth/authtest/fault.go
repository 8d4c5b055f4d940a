package authtest

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// A Fault is one scripted misbehaviour. Without an action (Status, Body, Raw,
// Drop, Endless) it only delays, and the request is then served as usual.
type Fault struct {
	// On selects requests: "" for all, "/path" or "GET /path". A path without
	// a query matches whatever the query.
	On string
	// Nth fires on the n-th matching request only, counted from 1; zero fires
	// on every one.
	Nth int
	// AfterLogin fires only for requests that passed the login, and Nth counts
	// only those.
	AfterLogin bool

	// Hold delays until the channel is closed or gives a value, or until the
	// client goes away.
	Hold <-chan struct{}
	// Status of the answer; zero means 200 when there is a Body.
	Status int
	// Header fields of the answer.
	Header http.Header
	// Body of the answer.
	Body []byte
	// Cut announces the whole body, sends this many bytes of it, and breaks
	// the connection. Zero does not cut; -1 sends none.
	Cut int
	// Tick sends the body byte by byte, one for each value received; closing
	// it sends the rest at once.
	Tick <-chan struct{}
	// Raw is sent in place of any HTTP answer; then the connection closes.
	Raw []byte
	// Drop breaks the connection without an answer.
	Drop bool
	// Endless repeats Body until this many bytes are sent or the client goes
	// away, without announcing a length.
	Endless int64
}

type fault struct {
	Fault
	seen int
}

// Script adds faults. When several match, the first added fires.
func (h *Host) Script(faults ...Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range faults {
		h.faults = append(h.faults, &fault{Fault: f})
	}
}

// ClearScript removes all faults.
func (h *Host) ClearScript() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = nil
}

func (h *Host) due(r *http.Request, afterLogin bool) (Fault, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found *fault
	for _, f := range h.faults {
		if f.AfterLogin != afterLogin || !f.matches(r) {
			continue
		}
		f.seen++
		if found == nil && (f.Nth == 0 || f.Nth == f.seen) {
			found = f
		}
	}
	if found == nil {
		return Fault{}, false
	}
	return found.Fault, true
}

func (f *fault) matches(r *http.Request) bool {
	on := f.On
	if on == "" {
		return true
	}
	if method, path, ok := strings.Cut(on, " "); ok {
		if method != r.Method {
			return false
		}
		on = path
	}
	return on == r.RequestURI || on == r.URL.Path
}

// play carries out the fault that is due and tells whether it answered.
func (h *Host) play(w http.ResponseWriter, r *http.Request, afterLogin bool) bool {
	f, ok := h.due(r, afterLogin)
	if !ok {
		return false
	}
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Raw != nil:
		sendRaw(w, f.Raw)
	case f.Endless > 0:
		f.head(w)
		f.endless(w)
	case f.Status != 0 || f.Body != nil:
		f.answer(w, r)
	default:
		return false
	}
	return true
}

func (f Fault) head(w http.ResponseWriter) {
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
}

func (f Fault) answer(w http.ResponseWriter, r *http.Request) {
	if f.Header.Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/xml")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
	f.head(w)
	body := f.Body
	if f.Cut != 0 {
		body = body[:min(max(f.Cut, 0), len(body))]
	}
	flusher, _ := w.(http.Flusher)
	for f.Tick != nil && len(body) > 0 {
		select {
		case _, more := <-f.Tick:
			if !more {
				f.Tick = nil
				continue
			}
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body[:1])
		body = body[1:]
		flusher.Flush()
	}
	_, _ = w.Write(body)
	if f.Cut != 0 {
		flusher.Flush()
		panic(http.ErrAbortHandler)
	}
}

func (f Fault) endless(w http.ResponseWriter) {
	piece := f.Body
	if len(piece) == 0 {
		piece = []byte("<a>")
	}
	piece = bytes.Repeat(piece, 1+(16<<10)/len(piece))
	for sent := int64(0); sent < f.Endless; {
		n, err := w.Write(piece[:min(int64(len(piece)), f.Endless-sent)])
		if err != nil {
			return
		}
		sent += int64(n)
	}
}

func sendRaw(w http.ResponseWriter, raw []byte) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write(raw)
	_ = conn.Close()
}
