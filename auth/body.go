package auth

import (
	"bytes"
	"io"
	"maps"
	"net/http"
)

// A body is the body of a request that may be sent more than once.
type body struct {
	first io.ReadCloser                 // the caller's own; nil once it is handed on
	spent bool                          // a body that can be sent once is gone
	again func() (io.ReadCloser, error) // nil: the body can be sent once
}

// body looks at the request's body. The caller's is closed whatever happens.
func (t *Transport) body(req *http.Request) (*body, error) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return &body{}, nil
	case t.o.Source == nil:
		return &body{first: req.Body}, nil
	case req.GetBody != nil:
		return &body{first: req.Body, again: req.GetBody}, nil
	}
	b, err := io.ReadAll(io.LimitReader(req.Body, maxReplayBody+1))
	if err != nil {
		_ = req.Body.Close()
		return nil, fail(KindBody, err)
	}
	if len(b) > maxReplayBody {
		// A header to go before it needs an established login.
		return &body{first: rest{io.MultiReader(bytes.NewReader(b), req.Body), req.Body}}, nil
	}
	_ = req.Body.Close()
	return &body{again: func() (io.ReadCloser, error) { return whole(b), nil }}, nil
}

// repeatable tells whether the body can be sent again after this.
func (b *body) repeatable() bool { return b.again != nil || b.first == nil && !b.spent }

// open returns the body for hashing, nil if there is none.
func (b *body) open() (io.ReadCloser, error) {
	switch {
	case b.again != nil:
		r, err := b.again()
		if err != nil {
			return nil, fail(KindBody, err)
		}
		return r, nil
	case b.first != nil || b.spent:
		// What can be read once cannot be hashed and then sent.
		return nil, fail(KindBody, nil)
	default:
		return nil, nil
	}
}

// attach returns a copy of the request with a body to send, and with a header of
// its own if that is to be changed.
func (b *body) attach(req *http.Request, header bool) (*http.Request, error) {
	r := req.WithContext(req.Context())
	if r.Header = req.Header; header {
		r.Header = maps.Clone(req.Header)
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Body, r.GetBody = nil, nil
	switch {
	case b.spent:
		return nil, fail(KindBody, nil)
	case b.first != nil:
		r.Body, r.GetBody = b.first, b.again
		b.first, b.spent = nil, b.again == nil
	case b.again != nil:
		c, err := b.again()
		if err != nil {
			return nil, fail(KindBody, err)
		}
		if all := inMemory(c); all != nil {
			c = whole(all)
		}
		r.Body, r.GetBody = c, b.again
	case req.Body == http.NoBody:
		r.Body = http.NoBody
	}
	return r, nil
}

// inMemory returns the bytes of a body that has them all, and says so; nil if
// it does not.
func inMemory(r io.Reader) []byte {
	if b, ok := r.(interface{ Bytes() []byte }); ok {
		return b.Bytes()
	}
	return nil
}

// whole is a body that net/http knows to be in memory, and so sends along with
// the header: it sends every other in packets of its own, since reading it
// might take a while.
func whole(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// close closes a body that was never handed on.
func (b *body) close() {
	if b.first != nil {
		_ = b.first.Close()
	}
}

// A cookie is what a 401 sets and its answer sends back.
type cookie struct {
	name, value string
	secure      bool
}

// cookiesOf returns a bounded number of the cookies that a reply sets.
func cookiesOf(resp *http.Response) []cookie {
	var out []cookie
	n := 0
	for _, k := range resp.Cookies() {
		n += len(k.Name) + len(k.Value)
		if len(out) == maxCookies || n > maxCookieBytes {
			break
		}
		if k.MaxAge >= 0 {
			out = append(out, cookie{k.Name, k.Value, k.Secure})
		}
	}
	return out
}
