package differential_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	icholy "github.com/icholy/digest"
	mongodb "github.com/mongodb-forks/digest"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

const (
	url      = "http://192.0.2.1/x?y=1"
	user     = "u"
	password = "correct-horse"
)

// clients are made anew for each device.
var clients = map[string]func(t *testing.T, base http.RoundTripper, password string) http.RoundTripper{
	"ours": func(t *testing.T, base http.RoundTripper, password string) http.RoundTripper {
		rt, err := auth.NewTransport(auth.TransportOptions{
			Base: base, Target: camsec.Target{Address: "192.0.2.1"},
			Source: auth.Static(user, camsec.NewSecret([]byte(password))),
		})
		require.NoError(t, err)
		return rt
	},
	"icholy": func(_ *testing.T, base http.RoundTripper, password string) http.RoundTripper {
		return &icholy.Transport{Username: user, Password: password, Transport: base}
	},
	"mongodb": func(_ *testing.T, base http.RoundTripper, password string) http.RoundTripper {
		return mongodb.NewTransportWithHTTPRoundTripper(user, password, base)
	},
}

// call makes one call; a client that panics has failed.
func call(t *testing.T, rt http.RoundTripper, method, url, body string) (status int, err error) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			status, err = 0, fmt.Errorf("panic: %v", p)
		}
	}()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, b)
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// A door sends challenges as they are and judges the answers.
type door struct {
	challenges []string
	refuse     bool // whatever the answer

	mu       sync.Mutex
	requests int
	answers  []string // Authorization fields that came
}

func (d *door) RoundTrip(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	resp := &http.Response{
		StatusCode: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": d.challenges}, Request: r, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(nil)),
	}
	if a := r.Header.Get("Authorization"); a != "" {
		d.answers = append(d.answers, a)
		if !d.refuse && right(a, r, body) {
			resp.StatusCode = http.StatusOK
		}
	}
	return resp, nil
}

// right judges an answer by the letter of RFC 7616, with the values that the
// answer itself names; that these are the challenge's, spellings say.
func right(field string, r *http.Request, body []byte) bool {
	rest, ok := strings.CutPrefix(field, "Digest ")
	if !ok {
		return false
	}
	p := map[string]string{}
	for rest != "" {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return false
		}
		var value strings.Builder
		if strings.HasPrefix(after, `"`) {
			i := 1
			for ; i < len(after) && after[i] != '"'; i++ {
				if after[i] == '\\' {
					i++
				}
				value.WriteByte(after[i])
			}
			after = after[min(i+1, len(after)):]
		} else {
			v, _, _ := strings.Cut(after, ",")
			value.WriteString(v)
			after = after[len(v):]
		}
		p[strings.ToLower(strings.Trim(name, ", "))] = value.String()
		rest = strings.TrimLeft(after, ", ")
	}
	h := func(parts ...string) string {
		text := []byte(strings.Join(parts, ":"))
		switch strings.ReplaceAll(strings.TrimSuffix(strings.ToUpper(p["algorithm"]), "-SESS"), "SHA256", "SHA-256") {
		case "SHA-256":
			d := sha256.Sum256(text)
			return hex.EncodeToString(d[:])
		case "SHA-512-256":
			d := sha512.Sum512_256(text)
			return hex.EncodeToString(d[:])
		}
		d := md5.Sum(text)
		return hex.EncodeToString(d[:])
	}
	name := user
	if p["userhash"] == "true" {
		name = h(user, p["realm"])
	}
	ha1 := h(user, p["realm"], password)
	if strings.HasSuffix(strings.ToLower(p["algorithm"]), "-sess") {
		ha1 = h(ha1, p["nonce"], p["cnonce"])
	}
	ha2 := h(r.Method, p["uri"])
	if p["qop"] == "auth-int" {
		ha2 = h(r.Method, p["uri"], h(string(body)))
	}
	want := h(ha1, p["nonce"], ha2)
	if p["qop"] != "" {
		want = h(ha1, p["nonce"], p["nc"], p["cnonce"], p["qop"], ha2)
	}
	return p["username"] == name && p["uri"] == r.URL.RequestURI() && p["response"] == want
}
