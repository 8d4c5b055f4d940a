package digest_test

import (
	"bufio"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/digest"
)

// choose parses fields and chooses among them.
func choose(fields ...string) (digest.Challenge, error) {
	cs, err := digest.Parse(http.Header{"Www-Authenticate": fields})
	if err != nil {
		return digest.Challenge{}, err
	}
	return digest.Choose(cs)
}

// param returns one parameter of an Authorization field, without its quotes.
func param(field, name string) string {
	m := regexp.MustCompile(`[ ,]` + regexp.QuoteMeta(name) + `=(?:"((?:[^"\\]|\\.)*)"|([^,]*))`).FindStringSubmatch(field)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// The numbers are those of the project's list of bad inputs.
func TestChallenges(t *testing.T) {
	long := strings.Repeat("n", 4<<10)
	for _, tt := range []struct {
		name   string
		fields []string
		want   digest.Challenge // compared: scheme, realm, nonce, opaque, algorithm, hash, qop
		err    error
	}{
		{"case 2: a parameter without a value", []string{"Digest realm"}, digest.Challenge{}, digest.ErrChallenge},
		{"case 3: an empty field", []string{""}, digest.Challenge{}, digest.ErrNoChallenge},
		{"case 3: no field", nil, digest.Challenge{}, digest.ErrNoChallenge},
		{"case 4: no nonce", []string{`Digest realm="r", qop="auth"`}, digest.Challenge{}, digest.ErrChallenge},
		{"case 4: an empty nonce", []string{`Digest realm="r", nonce=""`}, digest.Challenge{}, digest.ErrChallenge},
		{"case 5: a nonce of 1 MB", []string{`Digest realm="r", nonce="` + strings.Repeat("n", 1<<20) + `"`}, digest.Challenge{}, digest.ErrChallenge},
		{"case 5: a nonce one byte too long", []string{`Digest realm="r", nonce="` + long + `n"`}, digest.Challenge{}, digest.ErrChallenge},
		{
			"case 6: a nonce of 4 KB",
			[]string{`Digest realm="r", nonce="` + long + `"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: long, Hash: digest.MD5},
			nil,
		},
		{"case 7: only an unknown algorithm", []string{`Digest realm="r", nonce="n", algorithm=SHA3-256`}, digest.Challenge{}, digest.ErrAlgorithm},
		{"case 7: only an unknown qop", []string{`Digest realm="r", nonce="n", qop="auth-conf"`}, digest.Challenge{}, digest.ErrAlgorithm},
		{
			"case 8: unknown first, MD5 second",
			[]string{`Digest realm="r", nonce="a", algorithm=SHA3-256`, `Digest realm="r", nonce="b", algorithm=MD5`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "b", Algorithm: "MD5", Hash: digest.MD5},
			nil,
		},
		{
			"case 9: each line keeps its own nonce, realm and opaque",
			[]string{
				`Digest realm="one", nonce="a", opaque="x", qop="auth"`,
				`Digest realm="two", nonce="b", opaque="y", qop="auth", algorithm="SHA-256"`,
			},
			digest.Challenge{Scheme: "digest", Realm: "two", Nonce: "b", Opaque: "y", Algorithm: "SHA-256", Hash: digest.SHA256, Qop: []string{"auth"}},
			nil,
		},
		{
			"case 24: a realm in GBK",
			[]string{"Digest realm=\"\xc9\xe3\xcf\xf1\xcd\xb7\", nonce=\"n\""},
			digest.Challenge{Scheme: "digest", Realm: "\xc9\xe3\xcf\xf1\xcd\xb7", Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{
			"case 25: quote, backslash, comma and equals sign in the realm",
			[]string{`Digest realm="a\"b\\c, nonce=d", nonce="n"`},
			digest.Challenge{Scheme: "digest", Realm: `a"b\c, nonce=d`, Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{
			"case 44: SHA256 without hyphen",
			[]string{`Digest realm="r", nonce="n", algorithm=SHA256, qop="auth"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Algorithm: "SHA256", Hash: digest.SHA256, Qop: []string{"auth"}},
			nil,
		},
		{
			"bare values, any case, no blanks",
			[]string{`DIGEST Realm=r,NONCE=n==,QOP=auth,Algorithm=md5,opaque=`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n==", Algorithm: "md5", Hash: digest.MD5, Qop: []string{"auth"}},
			nil,
		},
		{
			"blanks around the equals sign, tabs, empty list elements",
			[]string{"Digest\trealm = \"r\" ,,\tnonce= \"n\", qop=\"auth-int , auth\","},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5, Qop: []string{"auth-int", "auth"}},
			nil,
		},
		{
			"a bare list of qualities",
			[]string{`Digest realm="r", qop=auth,auth-int, nonce="n"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5, Qop: []string{"auth", "auth-int"}},
			nil,
		},
		{
			"a bare list of qualities, auth last",
			[]string{`Digest realm="r", qop=auth-int, auth, nonce="n"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5, Qop: []string{"auth-int", "auth"}},
			nil,
		},
		{
			"a bare value that is empty, before others",
			[]string{`Digest opaque=, realm="r", algorithm=,nonce="n"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{
			"the strongest stands first",
			[]string{`Digest realm="r", nonce="a", algorithm=SHA-256`, `Digest realm="r", nonce="b", algorithm=MD5`, `Digest realm="r", nonce="c"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "a", Algorithm: "SHA-256", Hash: digest.SHA256},
			nil,
		},
		{
			"a stray character before the scheme",
			[]string{`"Digest realm="r", nonce="n"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{"a stray character among the parameters", []string{`Digest realm="r", nonce="n", "`}, digest.Challenge{}, digest.ErrChallenge},
		{"a stray character instead of a name", []string{`Digest realm="r", ="x", nonce="n"`}, digest.Challenge{}, digest.ErrChallenge},
		{
			"the first of repeated parameters, unknown ones ignored",
			[]string{`Digest realm="r", realm="s", nonce="n", nonce="m", domain="::", x-y=z`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{
			"two Digest challenges in one field",
			[]string{`Digest realm="r", nonce="a", Digest realm="s", nonce="b", algorithm=SHA-512-256`},
			digest.Challenge{Scheme: "digest", Realm: "s", Nonce: "b", Algorithm: "SHA-512-256", Hash: digest.SHA512_256},
			nil,
		},
		{
			"case 13: Basic before Digest in one field",
			[]string{`Basic realm="b", Digest realm="r", nonce="n"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{
			"Basic after Digest in a field of its own",
			[]string{`Digest realm="r", nonce="n"`, `Basic realm="b"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{
			"Basic beside a scheme with a token68",
			[]string{`Negotiate YWJj/+==, Basic realm="b"`},
			digest.Challenge{Scheme: "basic", Realm: "b"},
			nil,
		},
		{"Basic is no way out of an unknown Digest", []string{`Digest realm="r", nonce="n", algorithm=X`, `Basic realm="b"`}, digest.Challenge{}, digest.ErrAlgorithm},
		{
			"without -sess at equal strength",
			[]string{`Digest realm="r", nonce="a", algorithm=MD5-sess`, `Digest realm="r", nonce="b"`, `Digest realm="r", nonce="c"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "b", Hash: digest.MD5},
			nil,
		},
		{
			"a good challenge beside a broken one",
			[]string{`Digest realm="r"`, `Digest realm="r", nonce="n"`},
			digest.Challenge{Scheme: "digest", Realm: "r", Nonce: "n", Hash: digest.MD5},
			nil,
		},
		{"a quote left open", []string{`Digest realm="r", nonce="n`}, digest.Challenge{}, digest.ErrChallenge},
		{"a control character", []string{"Digest realm=\"r\x00\", nonce=\"n\""}, digest.Challenge{}, digest.ErrChallenge},
		{"an algorithm that would inject a parameter", []string{`Digest realm="r", nonce="n", algorithm="MD5, uri=x"`}, digest.Challenge{}, digest.ErrChallenge},
		{"parameters without a scheme", []string{`realm="r", nonce="n"`}, digest.Challenge{}, digest.ErrChallenge},
		{"too many challenges", []string{strings.Repeat(`Digest realm="r", nonce="n", `, 9)}, digest.Challenge{}, digest.ErrChallenge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := choose(tt.fields...)
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
				assert.Less(t, len(err.Error()), 200, "nothing long is echoed")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want.Scheme, c.Scheme)
			assert.Equal(t, tt.want.Realm, c.Realm)
			assert.Equal(t, tt.want.Nonce, c.Nonce)
			assert.Equal(t, tt.want.Opaque, c.Opaque)
			assert.Equal(t, tt.want.Algorithm, c.Algorithm)
			assert.Equal(t, tt.want.Hash, c.Hash)
			assert.Equal(t, tt.want.Qop, c.Qop)
		})
	}
}

// What is just within a limit is taken, and one more is not.
func TestLimitsAreExact(t *testing.T) {
	field := `Digest realm="r", nonce="n", x="`
	field += strings.Repeat("x", 16<<10-len(field)-1) + `"`
	_, err := choose(field)
	require.NoError(t, err)
	_, err = choose(field + " ")
	require.ErrorIs(t, err, digest.ErrChallenge)

	cs, err := digest.Parse(http.Header{"Www-Authenticate": {strings.Repeat(`Digest realm="r", nonce="n", `, 5), strings.Repeat(`Digest realm="r", nonce="n", `, 3)}})
	require.NoError(t, err)
	require.Len(t, cs, 8)
	_, err = digest.Parse(http.Header{"Www-Authenticate": {strings.Repeat(`Digest realm="r", nonce="n", `, 5), strings.Repeat(`Digest realm="r", nonce="n", `, 4)}})
	require.ErrorIs(t, err, digest.ErrChallenge)

	s := session(t, `Digest realm="r", nonce="n", qop="auth"`, "u")
	_, err = s.Next(strings.Repeat("n", 4<<10))
	require.NoError(t, err)
	long := `nextnonce="m", x="`
	long += strings.Repeat("x", 16<<10-len(long)-1) + `"`
	require.Equal(t, "m", info(long).NextNonce)
	require.Empty(t, info(long+" ").NextNonce)
}

func TestWhatIsKnown(t *testing.T) {
	for _, tt := range []struct {
		fields []string
		scheme string
		err    error
	}{
		{[]string{`Digest realm`, `Basic realm="b"`}, "basic", nil},
		{[]string{`Digest realm`, `Bearer realm="b"`}, "", digest.ErrChallenge},
		{[]string{`Bearer realm`}, "", digest.ErrNoChallenge},
		{[]string{`Negotiate`}, "", digest.ErrNoChallenge},
		{[]string{`Basic realm`}, "", digest.ErrChallenge},
		{[]string{`Basic realm="a"`, `Basic realm="b"`}, "basic", nil},
		{[]string{`Basic`}, "basic", nil},
	} {
		c, err := choose(tt.fields...)
		require.ErrorIs(t, err, tt.err, "%q", tt.fields)
		require.Equal(t, tt.scheme, c.Scheme, "%q", tt.fields)
	}
	c, err := choose(`Basic realm="a"`, `Basic realm="b"`)
	require.NoError(t, err)
	require.Equal(t, "a", c.Realm, "the first of equals")
	for _, algorithm := range []string{"AZaz09-._~", "SHA-256!", "MD5{}", "MD5@"} {
		_, err := choose(`Digest realm="r", nonce="n", algorithm="` + algorithm + `"`)
		want := digest.ErrAlgorithm
		if strings.ContainsAny(algorithm, "{@") {
			want = digest.ErrChallenge // no token, and so not to be echoed
		}
		require.ErrorIs(t, err, want, algorithm)
	}
}

// case 7 again: the error names what was offered.
func TestUnknownAlgorithmIsNamed(t *testing.T) {
	_, err := choose(`Digest realm="r", nonce="n", algorithm=SHA3-256`)
	assert.ErrorContains(t, err, "SHA3-256")
}

func TestFoldedField(t *testing.T) {
	wire := "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\",\r\n\tnonce=\"n\",\r\n  qop=\"auth\"\r\nContent-Length: 0\r\n\r\n"
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(wire)), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	cs, err := digest.Parse(resp.Header)
	require.NoError(t, err)
	require.Len(t, cs, 1)
	assert.Equal(t, "n", cs[0].Nonce)
	assert.Equal(t, []string{"auth"}, cs[0].Qop)
}

func TestFlags(t *testing.T) {
	c, err := choose(`Digest realm="", nonce="n", opaque="", stale=TRUE, userhash="true", charset=utf-8, algorithm=SHA-256-SESS, qop="auth-int"`)
	require.NoError(t, err)
	assert.True(t, c.HasOpaque)
	assert.True(t, c.Stale)
	assert.True(t, c.UserHash)
	assert.True(t, c.UTF8)
	assert.True(t, c.Sess)
	assert.True(t, c.Int())

	c, err = choose(`Digest realm="", nonce="n", stale="FALSE", qop="auth,auth-int"`)
	require.NoError(t, err)
	assert.False(t, c.HasOpaque)
	assert.False(t, c.Stale)
	assert.False(t, c.UserHash)
	assert.False(t, c.Int())
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "Digest", "Digest realm", "Digest realm=,nonce", `realm="r"`,
		`Digest qop="auth", realm="IP Camera", nonce="4e44", stale="FALSE"`,
		`Digest realm="DVR", domain="::", qop="auth", nonce="a:1", opaque="", algorithm="MD5", stale="FALSE"`,
		`Digest realm="Login to 1",qop="auth",nonce="1", opaque="", stale="false"`,
		`Digest algorithm=SHA256, realm=r, nonce=n==, qop=auth,auth-int`,
		`Basic realm="b", Digest realm="r", nonce="n", algorithm=SHA-512-256-sess, userhash=true, charset=UTF-8`,
		`Negotiate YWJj==, Digest realm="a\"b\\", nonce="n"`,
		"Digest realm=\"\xc9\xe3\", nonce=\"n\"",
	} {
		f.Add(seed, "")
		f.Add(`Basic realm="b"`, seed)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		h := http.Header{"Www-Authenticate": {one, two}}
		cs, err := digest.Parse(h)
		if err != nil {
			require.ErrorIs(t, err, digest.ErrChallenge)
			require.Empty(t, cs)
			return
		}
		require.LessOrEqual(t, len(cs), 8)
		c, err := digest.Choose(cs)
		again, err2 := digest.Choose(cs)
		require.Equal(t, c, again)
		require.Equal(t, err, err2)
		if err != nil {
			return
		}
		alone, err := digest.Choose([]digest.Challenge{c})
		require.NoError(t, err)
		require.Equal(t, c, alone, "what is chosen among many is chosen alone")
		if c.Scheme != "digest" {
			return
		}
		// What is sent reads back as what was received.
		s, err := digest.NewSession(c, "u", []byte("p"), strings.NewReader("0123456789abcdef"))
		require.NoError(t, err)
		a, err := s.Answer("GET", "/", nil)
		require.NoError(t, err)
		if len(a.Authorization) > 16<<10 {
			return
		}
		back, err := choose(a.Authorization)
		require.NoError(t, err)
		require.Equal(t, c.Realm, back.Realm)
		require.Equal(t, c.Nonce, back.Nonce)
		require.Equal(t, c.Opaque, back.Opaque)
		require.Equal(t, c.HasOpaque, back.HasOpaque)
		require.Equal(t, c.Algorithm, back.Algorithm)
	})
}
