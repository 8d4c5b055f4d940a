package digest_test

import (
	"crypto/md5" //nolint:gosec // what the devices hash with
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/digest"
)

const (
	drawn  = "0123456789abcdef" // the random bytes of a test
	cnonce = "30313233343536373839616263646566"
)

func h(parts ...string) string {
	d := md5.Sum([]byte(strings.Join(parts, ":"))) //nolint:gosec // see the import
	return hex.EncodeToString(d[:])
}

func session(t *testing.T, field, user string) *digest.Session {
	t.Helper()
	c, err := choose(field)
	require.NoError(t, err)
	s, err := digest.NewSession(c, user, []byte("secret"), strings.NewReader(drawn))
	require.NoError(t, err)
	return s
}

func answer(t *testing.T, s *digest.Session, method, body string) *digest.Answer {
	t.Helper()
	a, err := s.Answer(method, "/x?y=1", strings.NewReader(body))
	require.NoError(t, err)
	return a
}

func info(field string) digest.Info {
	return digest.ParseInfo(http.Header{"Authentication-Info": {field}})
}

func TestCountRises(t *testing.T) {
	s := session(t, `Digest realm="r", nonce="n", qop="auth"`, "u")
	for i := 1; i <= 17; i++ {
		a := answer(t, s, "GET", "")
		nc := fmt.Sprintf("%08x", i)
		assert.Equal(t, nc, param(a.Authorization, "nc"))
		assert.Equal(t, cnonce, param(a.Authorization, "cnonce"))
		assert.Equal(t, h(h("u", "r", "secret"), "n", nc, cnonce, "auth", h("GET", "/x?y=1")), param(a.Authorization, "response"))
		assert.Equal(t, i, s.Uses())
	}
	digest.Exhaust(s)
	assert.Equal(t, "ffffffff", param(answer(t, s, "GET", "").Authorization, "nc"))
	_, err := s.Answer("GET", "/", nil)
	assert.ErrorIs(t, err, digest.ErrExhausted)
}

func TestNextNonce(t *testing.T) {
	s := session(t, `Digest realm="r", nonce="n", qop="auth"`, "u")
	answer(t, s, "GET", "")
	i := info(`nextnonce="m", qop=auth`)
	assert.False(t, i.HasProof)
	next, err := s.Next(i.NextNonce)
	require.NoError(t, err)
	a := answer(t, next, "GET", "")
	assert.Equal(t, "m", param(a.Authorization, "nonce"))
	assert.Equal(t, "00000001", param(a.Authorization, "nc"))
	assert.Equal(t, h(h("u", "r", "secret"), "m", "00000001", cnonce, "auth", h("GET", "/x?y=1")), param(a.Authorization, "response"))
	assert.Equal(t, 1, s.Uses(), "the old session stays as it was")
	for _, bad := range []string{"", "a\r\nX: y", strings.Repeat("n", 4<<10+1)} {
		_, err := s.Next(bad)
		assert.ErrorIs(t, err, digest.ErrChallenge)
	}
}

func TestSessKeepsItsHash(t *testing.T) {
	s := session(t, `Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess`, "u")
	ha1 := h(h("u", "r", "secret"), "n", cnonce)
	a := answer(t, s, "GET", "")
	assert.Equal(t, "MD5-sess", param(a.Authorization, "algorithm"))
	assert.Equal(t, h(ha1, "n", "00000001", cnonce, "auth", h("GET", "/x?y=1")), param(a.Authorization, "response"))

	next, err := s.Next("m")
	require.NoError(t, err)
	a = answer(t, next, "GET", "")
	assert.Equal(t, h(ha1, "m", "00000001", cnonce, "auth", h("GET", "/x?y=1")), param(a.Authorization, "response"))

	c, err := choose(`Digest realm="r", nonce="o", qop="auth", algorithm=MD5-sess`)
	require.NoError(t, err)
	renewed, err := next.Renew(c, strings.NewReader("fedcba9876543210"))
	require.NoError(t, err)
	fresh := hex.EncodeToString([]byte("fedcba9876543210"))
	a = answer(t, renewed, "GET", "")
	assert.Equal(t, h(h(h("u", "r", "secret"), "o", fresh), "o", "00000001", fresh, "auth", h("GET", "/x?y=1")), param(a.Authorization, "response"))

	c.Realm = "other"
	assert.False(t, s.Matches(c))
	_, err = s.Renew(c, strings.NewReader(drawn))
	assert.ErrorIs(t, err, digest.ErrChallenge)
}

func TestServerProof(t *testing.T) {
	s := session(t, `Digest realm="r", nonce="n", qop="auth"`, "u")
	a := answer(t, s, "GET", "")
	answer(t, s, "GET", "") // a later count does not change the proof of the first
	ha1 := h("u", "r", "secret")
	good := h(ha1, "n", "00000001", cnonce, "auth", h("", "/x?y=1"))
	assert.NoError(t, a.Check(info(""), nil))
	assert.NoError(t, a.Check(info(`qop=auth, rspauth="`+good+`", cnonce="`+cnonce+`", nc=00000001`), nil))
	assert.NoError(t, a.Check(info(`rspauth=`+strings.ToUpper(good)), nil))
	for _, bad := range []string{`rspauth=""`, `rspauth="` + good[1:] + `"`, `rspauth="` + h("x") + `"`, `qop=auth-int, rspauth="` + good + `"`} {
		assert.ErrorIs(t, a.Check(info(bad), nil), digest.ErrServer, bad)
	}
	body := h(ha1, "n", "00000001", cnonce, "auth-int", h("", "/x?y=1", h("<ok/>")))
	i := info(`qop="auth-int", rspauth="` + body + `"`)
	assert.True(t, i.Int)
	assert.NoError(t, a.Check(i, []byte("<ok/>")))
	assert.ErrorIs(t, a.Check(i, []byte("<evil/>")), digest.ErrServer)
}

func TestAuthInt(t *testing.T) {
	s := session(t, `Digest realm="r", nonce="n", qop="auth-int"`, "u")
	require.True(t, s.Int())
	ha1 := h("u", "r", "secret")
	a := answer(t, s, "PUT", "v=1")
	assert.Equal(t, "auth-int", param(a.Authorization, "qop"))
	assert.Equal(t, h(ha1, "n", "00000001", cnonce, "auth-int", h("PUT", "/x?y=1", h("v=1"))), param(a.Authorization, "response"))
	a, err := s.Answer("GET", "/x?y=1", nil)
	require.NoError(t, err)
	assert.Equal(t, h(ha1, "n", "00000002", cnonce, "auth-int", h("GET", "/x?y=1", h(""))), param(a.Authorization, "response"))
	broken := errors.New("broken")
	_, err = s.Answer("PUT", "/", iotest.ErrReader(broken))
	assert.ErrorIs(t, err, broken)
}

// Cases 23, 24 and 25: what is echoed, and how the name is written.
func TestSpelling(t *testing.T) {
	a := answer(t, session(t, `Digest realm="r", nonce="n", userhash=true`, "u"), "GET", "")
	assert.Equal(t, h("u", "r"), param(a.Authorization, "username"))
	assert.Equal(t, "true", param(a.Authorization, "userhash"))
	assert.Equal(t, h(h("u", "r", "secret"), "n", h("GET", "/x?y=1")), param(a.Authorization, "response"))

	a = answer(t, session(t, `Digest realm="r", nonce="n", charset=UTF-8`, "Jäs Doe"), "GET", "")
	assert.Contains(t, a.Authorization, "Digest username*=UTF-8''J%C3%A4s%20Doe, ")
	assert.NotContains(t, a.Authorization, "userhash")
	assert.NotContains(t, a.Authorization, "algorithm")
	assert.NotContains(t, a.Authorization, "opaque")

	a = answer(t, session(t, `Digest realm="r", nonce="n", opaque="", algorithm="SHA256", qop="auth"`, `a"b\`), "GET", "")
	assert.Contains(t, a.Authorization, `username="a\"b\\", `)
	assert.Contains(t, a.Authorization, `, opaque=""`)
	assert.Contains(t, a.Authorization, `, algorithm=SHA256, qop=auth, nc=00000001, `)

	realm := "\xc9\xe3\"\\,="
	a = answer(t, session(t, "Digest realm=\"\xc9\xe3\\\"\\\\,=\", nonce=\"n\"", "u"), "GET", "")
	assert.Contains(t, a.Authorization, "realm=\"\xc9\xe3\\\"\\\\,=\", ")
	assert.Equal(t, h(h("u", realm, "secret"), "n", h("GET", "/x?y=1")), param(a.Authorization, "response"))
}

// The proof of an answer with auth-int may come as auth, and the other way.
func TestServerProofOfTheOtherQuality(t *testing.T) {
	a := answer(t, session(t, `Digest realm="r", nonce="n", qop="auth-int"`, "u"), "PUT", "v=1")
	ha1 := h("u", "r", "secret")
	plain := h(ha1, "n", "00000001", cnonce, "auth", h("", "/x?y=1"))
	assert.NoError(t, a.Check(info(`qop=auth, rspauth="`+plain+`"`), []byte("any")))
	body := h(ha1, "n", "00000001", cnonce, "auth-int", h("", "/x?y=1", h("<ok/>")))
	assert.NoError(t, a.Check(info(`qop=auth-int, rspauth="`+body+`"`), []byte("<ok/>")))
	assert.ErrorIs(t, a.Check(info(`qop=auth, rspauth="`+body+`"`), []byte("<ok/>")), digest.ErrServer)
	a = answer(t, session(t, `Digest realm="r", nonce="n"`, "u"), "GET", "")
	assert.NoError(t, a.Check(info(`rspauth="`+h(ha1, "n", h("", "/x?y=1"))+`"`), nil))
}

// The extended form is for names that need it.
func TestNamesInASCIIStayPlain(t *testing.T) {
	for user, plain := range map[string]bool{"u~": true, "a z": true, "\u00fc": false, "\u0080": false} {
		a := answer(t, session(t, `Digest realm="r", nonce="n", charset=UTF-8`, user), "GET", "")
		assert.Equal(t, plain, strings.Contains(a.Authorization, `username="`+user+`"`), "%q", user)
		assert.Equal(t, plain, !strings.Contains(a.Authorization, "username*="), "%q", user)
	}
}

func TestRefusals(t *testing.T) {
	c, err := choose(`Digest realm="r", nonce="n"`)
	require.NoError(t, err)
	for _, user := range []string{"a:b", "a\nb", "a\tb", "a\x7f"} {
		_, err := digest.NewSession(c, user, nil, strings.NewReader(drawn))
		assert.ErrorIs(t, err, digest.ErrUser)
	}
	_, err = digest.NewSession(digest.Challenge{Scheme: "basic"}, "u", nil, strings.NewReader(drawn))
	assert.ErrorIs(t, err, digest.ErrAlgorithm)
	_, err = digest.NewSession(c, "u", nil, strings.NewReader("short"))
	assert.Error(t, err)
}

func TestSessionDoesNotPrint(t *testing.T) {
	s := session(t, `Digest realm="r", nonce="n"`, "u")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		assert.Equal(t, "[digest session]", fmt.Sprintf(verb, s))
	}
}
