package digest_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/digest"
)

// In FIPS-only mode MD5 panics in Go, and the mode is the process's.
func TestFIPSOnly(t *testing.T) {
	if os.Getenv("CAMSEC_FIPS_PROCESS") == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFIPSOnly$")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only", "CAMSEC_FIPS_PROCESS=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	require.True(t, fips140.Enforced())
	md5, sha := `Digest realm="r", nonce="a"`, `Digest realm="r", nonce="b", algorithm=SHA-256`
	_, err := choose(md5)
	require.ErrorIs(t, err, digest.ErrFIPS)
	for _, fields := range [][]string{{sha}, {md5, sha}, {sha, md5}} {
		c, err := choose(fields...)
		require.NoError(t, err)
		require.Equal(t, digest.SHA256, c.Hash)
		s, err := digest.NewSession(c, "u", []byte("secret"), strings.NewReader(drawn))
		require.NoError(t, err)
		_, err = s.Answer("GET", "/", nil)
		require.NoError(t, err)
	}
	_, err = digest.NewSession(digest.Challenge{Scheme: "digest", Hash: digest.MD5}, "u", nil, strings.NewReader(drawn))
	require.ErrorIs(t, err, digest.ErrFIPS)
}
