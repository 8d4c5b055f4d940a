package differential_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
)

func host(t *testing.T) *authtest.Host {
	t.Helper()
	h := authtest.New(authtest.Options{
		Users: map[string]string{user: password}, LockFor: time.Hour,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }),
	})
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// Failed logins of a wrong password. Cameras lock after five to seven.
func TestFailedLogins(t *testing.T) {
	failed := map[string][2]int{}
	for name, client := range clients {
		h := host(t)
		rt := client(t, h.Transport(), "wrong")
		for range 10 {
			_, _ = call(t, rt, http.MethodGet, url, "")
		}
		in10 := h.FailedLogins()

		h = host(t)
		rt = client(t, h.Transport(), "wrong")
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() { _, _ = call(t, rt, http.MethodGet, url, "") })
		}
		wg.Wait()
		failed[name] = [2]int{in10, h.FailedLogins()}
		t.Logf("%-8s %2d failed logins in ten calls, %2d in 64 at once", name, in10, h.FailedLogins())
	}
	require.Equal(t, [2]int{1, 1}, failed["ours"])
	for _, other := range []string{"icholy", "mongodb"} {
		require.GreaterOrEqual(t, failed[other][0], 10, other)
		require.GreaterOrEqual(t, failed[other][1], 64, other)
	}
}

// Requests that twenty calls with the right password take.
func TestRequests(t *testing.T) {
	requests := map[string]int{}
	for name, client := range clients {
		h := host(t)
		rt := client(t, h.Transport(), password)
		for range 20 {
			status, err := call(t, rt, http.MethodGet, url, "")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
		}
		requests[name] = h.Requests()
		t.Logf("%-8s %d requests in 20 calls", name, h.Requests())
	}
	require.Equal(t, map[string]int{"ours": 21, "icholy": 21, "mongodb": 40}, requests)
}

// A device that offers less than before, and a host that is another.
func TestWhoGetsACredential(t *testing.T) {
	sent := map[string][2]int{}
	for name, client := range clients {
		h := host(t)
		h.SetAlgorithms(authtest.SHA256)
		rt := client(t, h.Transport(), password)
		_, err := call(t, rt, http.MethodGet, url, "")
		require.NoError(t, err)
		h.SetAlgorithms(authtest.MD5)
		_, _ = call(t, rt, http.MethodGet, url, "")
		weaker := 0
		for _, e := range h.Log() {
			if e.Scheme != "" && e.Algorithm != authtest.SHA256 {
				weaker++
			}
		}

		h = host(t)
		rt = client(t, h.Transport(), password)
		_, err = call(t, rt, http.MethodGet, url, "")
		require.NoError(t, err)
		before := h.Logins()
		_, _ = call(t, rt, http.MethodGet, "http://192.0.2.99/", "")
		sent[name] = [2]int{weaker, h.Logins() - before}
		t.Logf("%-8s %d answers to MD5 after SHA-256 (case 10), %d to another origin (case 31)", name, weaker, sent[name][1])
	}
	require.Equal(t, map[string][2]int{"ours": {0, 0}, "icholy": {1, 1}, "mongodb": {1, 1}}, sent)
}
