package authtest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
)

// A visitor logs in once for each request, whatever digest is asked for, and
// what it does counts as anybody's.
func TestVisitor(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]authtest.Options{
		"MD5, unnamed":  {Algorithms: []string{""}},
		"SHA-256 first": {Algorithms: []string{authtest.SHA256, authtest.MD5}},
		"folded":        {Algorithms: []string{authtest.MD5, authtest.SHA256}, Folded: true, Basic: true},
		"without qop":   {Qop: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Users, o.LockAfter = map[string]string{"admin": "right"}, 3
			o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(authtest.UserOf(r.Context()))) })
			h := authtest.New(o)
			defer h.Close()
			v := authtest.Visitor{Host: h, From: "192.0.2.7", User: "admin", Password: "right"}
			status, body, err := v.Do(t.Context(), http.MethodPut, "/x?y=1", []byte("z"))
			require.NoError(t, err)
			assert.Equal(t, 200, status)
			assert.Equal(t, "admin", string(body))
			assert.Equal(t, 1, h.Logins())

			v.Password = "wrong"
			for range 4 {
				status, _, err = v.Do(t.Context(), http.MethodGet, "/x", nil)
				require.NoError(t, err)
				assert.Equal(t, 401, status)
			}
			assert.Equal(t, 3, h.FailedLogins())
			assert.Equal(t, 1, h.LockedLogins(), "the fourth met the lock")
			assert.NotZero(t, h.LockedUntil("admin", "192.0.2.7"))
			assert.Zero(t, h.LockedUntil("admin", authtest.DefaultClient))
			for _, e := range h.Log() {
				assert.Equal(t, "192.0.2.7", e.Address)
			}
			h.SetDown(true)
			_, _, err = v.Do(t.Context(), http.MethodGet, "/x", nil)
			require.Error(t, err)
		})
	}
	h := authtest.New(authtest.Options{Algorithms: []string{}, Basic: true})
	defer h.Close()
	status, _, err := authtest.Visitor{Host: h, User: "a", Password: "b"}.Do(t.Context(), http.MethodGet, "/", nil)
	require.NoError(t, err)
	assert.Equal(t, 401, status, "it knows no Basic")
	assert.Zero(t, h.FailedLogins())
}
