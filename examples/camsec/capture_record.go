package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/camsec/camsec/auth/digest"
	"github.com/camsec/camsec/isapi/isapitest"
)

// A wireRecord keeps the answers that go by on the wire, below the login. It
// holds no more than its bounds, whatever the device sends.
type wireRecord struct {
	mu         sync.Mutex
	server     string
	refusal    string
	challenges []isapitest.CaptureChallenge
	answers    map[string]*isapitest.CaptureAnswer
	size       int
}

func newWireRecord() *wireRecord {
	return &wireRecord{answers: map[string]*isapitest.CaptureAnswer{}}
}

// over makes a transport that is recorded.
func (r *wireRecord) over(base http.RoundTripper) http.RoundTripper {
	return &recordedTransport{base, r}
}

type recordedTransport struct {
	base http.RoundTripper
	rec  *wireRecord
}

// RoundTrip passes a request on and keeps the answer to a read.
func (t *recordedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if req.Method != http.MethodGet {
		return resp, err
	}
	path := req.URL.RequestURI()
	if err != nil {
		t.rec.lost(path)
		return nil, err
	}
	a := isapitest.CaptureAnswer{
		Path: path, Status: resp.StatusCode, ContentType: resp.Header.Get("Content-Type"),
		Public: resp.StatusCode == http.StatusOK && req.Header.Get("Authorization") == "",
	}
	if a.Status == http.StatusUnauthorized && req.Header.Get("Authorization") != "" {
		t.rec.lost(path) // for now: it may be asked again
	}
	resp.Body = &recordedBody{ReadCloser: resp.Body, length: resp.ContentLength, done: func(body []byte, whole bool) {
		t.rec.keep(a, body, whole, resp.Header)
	}}
	return resp, nil
}

// lost notes that a read got no answer to a login, unless it got one before.
func (r *wireRecord) lost(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answers[path] == nil && len(r.answers) < isapitest.MaxCaptureAnswers {
		r.answers[path] = &isapitest.CaptureAnswer{Path: path, LeftOut: "it was not answered"}
	}
}

// keep takes an answer in. The challenge is apart from the answers; the answer
// after the login stands, whatever the one before it was.
func (r *wireRecord) keep(a isapitest.CaptureAnswer, body []byte, whole bool, header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == "" {
		r.server = clean(header.Get("Server"))
	}
	if a.Status == http.StatusUnauthorized {
		if r.challenges == nil {
			r.challenges, r.refusal = challengesOf(header), refusalForm(body)
		}
		return
	}
	if old := r.answers[a.Path]; old != nil && old.LeftOut == "" {
		old.Public = old.Public || a.Public
		return
	}
	if len(r.answers) >= isapitest.MaxCaptureAnswers {
		return
	}
	switch {
	case header.Get("Content-Encoding") != "":
		a.LeftOut = "it was compressed, which nobody asked for"
	case !whole:
		a.LeftOut = "it was cut, or too large"
	case r.size+len(body) > isapitest.MaxCapture/2:
		a.LeftOut = "too large"
	default:
		a.Body = body
		r.size += len(body)
	}
	a.ContentType = clean(a.ContentType)
	r.answers[a.Path] = &a
}

// capture is what was recorded, in the order of the paths.
func (r *wireRecord) capture(at time.Time) *isapitest.Capture {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &isapitest.Capture{TakenAt: at.UTC(), Server: r.server, Challenges: r.challenges, RefusalForm: r.refusal}
	for _, a := range r.answers {
		c.Answers = append(c.Answers, *a)
	}
	slices.SortFunc(c.Answers, func(a, b isapitest.CaptureAnswer) int { return strings.Compare(a.Path, b.Path) })
	return c
}

func challengesOf(header http.Header) []isapitest.CaptureChallenge {
	out := []isapitest.CaptureChallenge{}
	for _, field := range header.Values("WWW-Authenticate") {
		list, err := digest.Parse(http.Header{"Www-Authenticate": {field}})
		if err != nil {
			continue
		}
		for i, c := range list {
			if len(out) == 16 {
				return out
			}
			out = append(out, isapitest.CaptureChallenge{Scheme: clean(c.Scheme), Algorithm: clean(c.Algorithm), Folded: i > 0})
		}
	}
	return out
}

func refusalForm(body []byte) string {
	switch {
	case bytes.Contains(body, []byte("<html")), bytes.Contains(body, []byte("<HTML")), len(body) == 0:
		return "page"
	case bytes.Contains(body, []byte("<isActivated>")):
		return "fullUserCheck"
	}
	return "userCheck"
}

// A recordedBody keeps what is read of a body, as far as it may be kept.
type recordedBody struct {
	io.ReadCloser
	length int64 // announced; -1: not
	kept   bytes.Buffer
	read   int64
	ended  bool
	done   func(body []byte, whole bool)
}

// Read reads on and keeps.
func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if b.read <= isapitest.MaxCaptureAnswer {
		b.kept.Write(p[:n])
	}
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// Close hands over what was read. It is whole if the device had no more, which
// was not seen of one that announced its length and was read no further.
func (b *recordedBody) Close() error {
	if b.done != nil {
		whole := b.ended || b.read == b.length
		b.done(b.kept.Bytes(), whole && int64(b.kept.Len()) == b.read)
		b.done = nil
	}
	return b.ReadCloser.Close()
}
