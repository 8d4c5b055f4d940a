package authtest_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
)

// curl, which nobody of us wrote, logs in to the host.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("curl is required here and missing")
		}
		t.Skip("curl is missing: the digest server is not compared with it")
	}
	// SHA-512-256 is left out: curl of 2023 (7.88) computes it wrongly.
	for name, o := range map[string]authtest.Options{
		"MD5 without its name":  {Algorithms: []string{""}, Basic: true},
		"MD5":                   {Algorithms: []string{authtest.MD5}, Basic: true},
		"SHA-256":               {Algorithms: []string{authtest.SHA256}, Basic: true},
		"MD5-sess":              {Algorithms: []string{authtest.MD5Sess}},
		"SHA-256-sess":          {Algorithms: []string{authtest.SHA256Sess}},
		"RFC 2069":              {Qop: "none"},
		"auth-int":              {Qop: "auth-int"}, // of a body curl hashes nothing: GET only
		"auth-int, SHA-256":     {Qop: "auth-int", Algorithms: []string{authtest.SHA256}},
		"auth and auth-int":     {Qop: "auth-int,auth"},
		"userhash":              {UserHash: true, Algorithms: []string{authtest.SHA256}},
		"userhash, MD5":         {UserHash: true},
		"opaque, quoted realm":  {Opaque: "a,b=c", Realm: `Gate "1", north\south`},
		"charset, plain name":   {UTF8: true, Users: map[string]string{"admin": "right"}},
		"one line for them all": {Folded: true, Algorithms: []string{authtest.MD5, authtest.SHA256}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Value
			o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent.Store(r.Header.Get("Authorization"))
				hello(w, r)
			})
			h := newHost(t, o)
			addr, err := h.Listen("127.0.0.1:0", false)
			require.NoError(t, err)
			run := func(password string) string {
				out, err := exec.CommandContext(t.Context(), curl, "-q", "-s", "--noproxy", "*", "--max-time", "10",
					"--digest", "-u", "admin:"+password, "-w", " %{http_code}", "http://"+addr.String()+"/x?y=z").Output()
				require.NoError(t, err)
				return string(out)
			}
			assert.Equal(t, "hello admin 200", run("right"))
			assert.Equal(t, o.UserHash, strings.Contains(sent.Load().(string), "userhash=true"))
			assert.Equal(t, o.Qop == "auth-int", strings.Contains(sent.Load().(string), "qop=auth-int"))
			assert.True(t, strings.HasSuffix(run("wrong"), " 401"))
			assert.Equal(t, 1, h.Logins())
			assert.GreaterOrEqual(t, h.FailedLogins(), 1)
			for _, e := range h.Log() {
				if e.Scheme != "" {
					assert.Equal(t, "admin", e.User)
					assert.Equal(t, http.MethodGet, e.Method)
				}
			}
		})
	}
}
