package auth_test

import (
	"crypto/md5" //nolint:gosec // what the devices hash with
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth"
)

func md5Hex(parts ...string) string {
	sum := md5.Sum([]byte(strings.Join(parts, ":"))) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// sentParam is a parameter of the login in a request.
func sentParam(r *http.Request, name string) string {
	m := regexp.MustCompile(`[ ,]` + name + `=(?:"([^"]*)"|([^,]*))`).FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// proves is what a device that knows the password adds to a reply with body.
func proves(r *http.Request, qop, body string) string {
	get := func(name string) string { return sentParam(r, name) }
	ha2 := md5Hex("", get("uri"))
	if qop == "auth-int" {
		ha2 = md5Hex("", get("uri"), md5Hex(body))
	}
	return `qop=` + qop + `, rspauth="` + md5Hex(md5Hex("u", "r", right), get("nonce"), get("nc"), get("cnonce"), qop, ha2) + `"`
}

// A device's own proof covers the body under auth-int, up to 1 MiB of it; a
// longer body is handed out whole and unproven.
func TestProofOfTheBody(t *testing.T) {
	broken := errors.New("connection reset")
	for name, tc := range map[string]struct {
		qop  string
		body string
		sent io.Reader // nil: the body
		kind auth.Kind
	}{
		"headers alone":          {qop: "auth", body: "<a/>"},
		"headers of another":     {qop: "auth", body: "<a/>", sent: strings.NewReader("<b/>")},
		"a body":                 {qop: "auth-int", body: "<a/>"},
		"another body":           {qop: "auth-int", body: "<a/>", sent: strings.NewReader("<b/>"), kind: auth.KindServer},
		"no body":                {qop: "auth-int"},
		"1 MiB":                  {qop: "auth-int", body: strings.Repeat("x", 1<<20)},
		"another 1 MiB":          {qop: "auth-int", body: strings.Repeat("x", 1<<20), sent: strings.NewReader(strings.Repeat("y", 1<<20)), kind: auth.KindServer},
		"more than can be told":  {qop: "auth-int", body: strings.Repeat("x", 1<<20+1)},
		"more, and another":      {qop: "auth-int", body: "<a/>", sent: strings.NewReader(strings.Repeat("y", 1<<20+1))},
		"a body that breaks off": {qop: "auth-int", body: "<a/>", sent: io.MultiReader(strings.NewReader("<a"), iotest.ErrReader(broken))},
	} {
		t.Run(name, func(t *testing.T) {
			o := &odd{answer: func(_ int, r *http.Request) *http.Response {
				if r.Header.Get("Authorization") == "" {
					return says(r, 401, challenge, `Digest realm="r", nonce="n", qop="`+tc.qop+`"`)
				}
				resp := says(r, 200, "Authentication-Info", proves(r, tc.qop, tc.body))
				resp.Body = io.NopCloser(strings.NewReader(tc.body))
				if tc.sent != nil {
					resp.Body = io.NopCloser(tc.sent)
				}
				return resp
			}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, deviceURL, nil)
			require.NoError(t, err)
			resp, err := transport(t, o, right, nil).RoundTrip(req)
			if tc.kind != auth.KindUnknown {
				require.Equal(t, tc.kind, kindOf(t, err))
				return
			}
			require.NoError(t, err)
			got, err := io.ReadAll(resp.Body)
			if name == "a body that breaks off" {
				require.ErrorIs(t, err, broken)
				require.Equal(t, "<a", string(got))
				return
			}
			require.NoError(t, err)
			if tc.sent == nil {
				require.Equal(t, tc.body, string(got))
			} else {
				require.NotEmpty(t, got)
			}
		})
	}
}
