package authtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
)

// maxVisit bounds what a visitor reads of an answer.
const maxVisit = 1 << 20

// A Visitor is somebody else who logs in to a host over its in-memory network:
// a recorder, a VMS, a person's browser. It asks for a challenge each time,
// answers the first digest one, and gives up when that is refused.
type Visitor struct {
	Host           *Host
	From           string // its IP address; empty means DefaultClient, as behind the same router
	User, Password string
}

// Do sends one request, logging in once, and returns the status and body of
// the last answer. A host that is down or breaks the connection is an error.
func (v Visitor) Do(ctx context.Context, method, path string, sent []byte) (status int, answer []byte, err error) {
	from := v.From
	if from == "" {
		from = DefaultClient
	}
	rt := v.Host.transportFrom(from)
	defer rt.CloseIdleConnections()
	send := func(authorization string) (status int, header http.Header, body []byte, err error) {
		req, err := http.NewRequestWithContext(ctx, method, "http://camera.test"+path, bytes.NewReader(sent))
		if err != nil {
			return 0, nil, nil, err
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			return 0, nil, nil, fmt.Errorf("authtest: visit: %w", err)
		}
		defer resp.Body.Close()
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxVisit))
		return resp.StatusCode, resp.Header, body, err
	}
	status, header, answer, err := send("")
	if err != nil || status != http.StatusUnauthorized {
		return status, answer, err
	}
	for _, field := range header.Values("WWW-Authenticate") {
		rest, ok := cutDigest(field)
		if !ok {
			continue
		}
		p, ok := parameters(rest)
		if !ok {
			continue
		}
		status, _, answer, err = send(v.answer(p, method, path))
		return status, answer, err
	}
	return status, answer, nil
}

func cutDigest(field string) (string, bool) {
	const scheme = "Digest "
	if len(field) < len(scheme) || field[:len(scheme)] != scheme {
		return "", false
	}
	rest := field[len(scheme):]
	for i := 0; i+len(", Digest ") <= len(rest); i++ { // folded: the first is enough
		if rest[i:i+len(", Digest ")] == ", Digest " || rest[i:i+len(", Basic r")] == ", Basic r" {
			return rest[:i], true
		}
	}
	return rest, true
}

// answer is the Authorization of RFC 7616 without extras.
func (v Visitor) answer(p map[string]string, method, path string) string {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails, by its documentation
	cnonce := hex.EncodeToString(raw[:])
	a1 := sum(p["algorithm"], v.User+":"+p["realm"]+":"+v.Password)
	a2 := sum(p["algorithm"], method+":"+path)
	middle := p["nonce"]
	header := fmt.Sprintf("Digest username=%s, realm=%s, nonce=%s, uri=%s", quoted(v.User), quoted(p["realm"]), quoted(p["nonce"]), quoted(path))
	if p["qop"] != "" {
		middle += ":00000001:" + cnonce + ":auth"
		header += ", qop=auth, nc=00000001, cnonce=" + quoted(cnonce)
	}
	if p["algorithm"] != "" {
		header += ", algorithm=" + p["algorithm"]
	}
	return header + ", response=" + quoted(sum(p["algorithm"], a1+":"+middle+":"+a2))
}
