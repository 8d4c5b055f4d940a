package auth_test

import (
	"crypto/fips140"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/auth/digest"
)

// In FIPS-only mode MD5 panics in Go. The mode is the process's, hence one of
// its own; it must meet no panic.
func TestFIPSOnly(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPSProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "CAMSEC_FIPS_PROCESS=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: TestFIPSProcess")
}

func TestFIPSProcess(t *testing.T) {
	if os.Getenv("CAMSEC_FIPS_PROCESS") == "" {
		return // not asked to be that process
	}
	require.True(t, fips140.Enforced())
	for _, algorithm := range []string{"", "MD5", "MD5-sess"} {
		header := `Digest realm="r", qop="auth", nonce="n"`
		if algorithm != "" {
			header += ", algorithm=" + algorithm
		}
		for _, more := range [][]string{nil, {challenge, `Basic realm="r"`}} {
			o := &odd{answer: func(_ int, r *http.Request) *http.Response {
				return says(r, 401, append([]string{challenge, header}, more...)...)
			}}
			rt := transport(t, o, right, func(o *auth.TransportOptions) { o.InsecureBasic, o.InsecureBasicOverHTTP = true, true })
			for range 3 {
				_, err := get(t.Context(), rt, deviceURL)
				require.Equal(t, auth.KindFIPS, kindOf(t, err))
				require.ErrorIs(t, err, digest.ErrFIPS)
				require.ErrorIs(t, err, camsec.ErrUntrusted)
			}
			require.Zero(t, o.credentials(), "and Basic is no way out")
		}
	}
	// A challenge made by hand, past what chooses.
	_, err := digest.NewSession(digest.Challenge{Scheme: "digest", Hash: digest.MD5}, "u", nil, strings.NewReader("0123456789abcdef"))
	require.ErrorIs(t, err, digest.ErrFIPS)

	// Beside MD5, SHA-256 is taken; the budget's hashes are allowed.
	dir := t.TempDir()
	for _, password := range []string{right, wrong} {
		h := newHost(t, func(o *authtest.Options) { o.Algorithms = []string{authtest.SHA256} })
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			resp, err := h.Transport().RoundTrip(r)
			require.NoError(t, err)
			if resp.StatusCode == http.StatusUnauthorized {
				resp.Header[challenge] = append([]string{`Digest realm="r", qop="auth", nonce="n", algorithm=MD5`}, resp.Header[challenge]...)
			}
			return resp
		}}
		rt := transport(t, o, password, withBudget(openBudget(t, dir)))
		_, err := get(t.Context(), rt, deviceURL)
		if password == right {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, auth.KindRefused, kindOf(t, err))
		require.Equal(t, 1, h.FailedLogins())
	}
}
