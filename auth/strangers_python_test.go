package auth_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
)

// python finds an interpreter that has the modules, or skips the test.
func python(t *testing.T, modules string) string {
	t.Helper()
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), p, "-c", "import "+modules).Run() == nil {
			return p
		}
	}
	missing(t, "python3 with "+modules)
	return ""
}

// httpbin hashes bodies: auth-int, with MD5 and SHA-256 (case 21).
func TestStrangerHTTPBin(t *testing.T) {
	t.Parallel()
	program, address := python(t, "httpbin"), freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	serve(t, address, program, "-m", "httpbin.core", "--host", "127.0.0.1", "--port", port)
	url := "http://" + address + "/digest-auth/"

	for _, path := range []string{"auth-int/u/correct-horse/MD5", "auth-int/u/correct-horse/SHA-256", "auth/u/correct-horse/SHA-256", "any/u/correct-horse/MD5"} {
		for _, body := range []string{"", "<SSH><enabled>false</enabled></SSH>"} {
			t.Run(fmt.Sprintf("%s, body of %d", path, len(body)), func(t *testing.T) {
				rt, n := newClient(t, address, "correct-horse")
				for range 3 {
					var b io.Reader
					if body != "" {
						b = strings.NewReader(body)
					}
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, b)
					require.NoError(t, err)
					resp, err := rt.RoundTrip(req)
					require.NoError(t, err)
					require.Equal(t, http.StatusOK, resp.StatusCode)
					answer, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					require.NoError(t, resp.Body.Close())
					require.Contains(t, string(answer), `"authenticated":true`)
				}
				require.Equal(t, strings.HasPrefix(path, "auth-int"), strings.Contains(n.last(), "qop=auth-int"))
				require.EqualValues(t, 4, n.requests.Load())
			})
		}
		t.Run(path+", wrong", func(t *testing.T) {
			rt, n := newClient(t, address, "wrong")
			for range 3 {
				_, err := fetch(t, rt, url+path)
				require.ErrorIs(t, err, camsec.ErrUnauthorized)
			}
			require.EqualValues(t, 2, n.requests.Load())
		})
	}
	t.Run("case 17: stale each time", func(t *testing.T) {
		rt, n := newClient(t, address, "correct-horse")
		_, err := fetch(t, rt, url+"auth/u/correct-horse/MD5/0")
		require.ErrorIs(t, err, camsec.ErrMalformed)
		require.NotErrorIs(t, err, camsec.ErrUnauthorized)
		require.LessOrEqual(t, n.requests.Load(), int64(3))
	})
}

// Flask-HTTPAuth speaks RFC 2069: no qop, no blank after commas. It keeps its
// nonce in a cookie that comes with the 401 (case 36).
func TestStrangerFlask(t *testing.T) {
	t.Parallel()
	program, address := python(t, "flask, flask_httpauth"), freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	serve(t, address, program, "-c", `
import sys
from flask import Flask, request
from flask_httpauth import HTTPDigestAuth
app = Flask("door")
app.secret_key = "signs the cookies"
auth = HTTPDigestAuth(realm="Gate 1")

@auth.get_password
def password(user):
    return {"u": "correct-horse"}.get(user)

@app.route("/f", methods=["GET", "PUT"])
@auth.login_required
def f():
    return "hello " + auth.username() + request.get_data(as_text=True)

app.run(host="127.0.0.1", port=int(sys.argv[1]))
`, port)
	url := "http://" + address + "/f?a=b%20c"

	rt, n := newClient(t, address, "correct-horse")
	for range 5 {
		body, err := fetch(t, rt, url)
		require.NoError(t, err)
		require.Equal(t, "hello u", body)
	}
	require.NotContains(t, n.last(), "qop")
	require.NotContains(t, n.last(), "cnonce")
	require.EqualValues(t, 6, n.requests.Load())

	rt, n = newClient(t, address, "wrong")
	for range 5 {
		_, err := fetch(t, rt, url)
		require.ErrorIs(t, err, camsec.ErrUnauthorized)
	}
	require.EqualValues(t, 2, n.requests.Load())
}
