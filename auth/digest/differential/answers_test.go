package differential_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	peer "github.com/icholy/digest"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/digest"
)

// An exchange is one challenge and one request to answer it for.
type exchange struct {
	challenge, method, uri, body, user, password string
	count                                        int
}

// ours answers with this project's client.
func ours(x exchange) (*peer.Credentials, error) {
	cs, err := digest.Parse(http.Header{"Www-Authenticate": {x.challenge}})
	if err != nil {
		return nil, err
	}
	c, err := digest.Choose(cs)
	if err != nil {
		return nil, err
	}
	s, err := digest.NewSession(c, x.user, []byte(x.password), strings.NewReader(drawn))
	if err != nil {
		return nil, err
	}
	var a *digest.Answer
	for range x.count {
		if a, err = s.Answer(x.method, x.uri, strings.NewReader(x.body)); err != nil {
			return nil, err
		}
	}
	return peer.ParseCredentials(a.Authorization)
}

// drawn is what our client draws; its cnonce is that in hexadecimal digits.
const drawn = "0123456789abcdef"

// theirs answers with icholy/digest, and has what it would send read back.
func theirs(x exchange) (*peer.Credentials, error) {
	c, err := peer.ParseChallenge(x.challenge)
	if err != nil {
		return nil, err
	}
	cred, err := peer.Digest(c, peer.Options{
		Method: x.method, URI: x.uri, Count: x.count, Username: x.user, Password: x.password,
		Cnonce:  hex.EncodeToString([]byte(drawn)),
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(x.body)), nil },
	})
	if err != nil {
		return nil, err
	}
	return peer.ParseCredentials(cred.String())
}

func same(t *testing.T, x exchange) {
	t.Helper()
	a, err := ours(x)
	require.NoError(t, err, "%+v", x)
	b, err := theirs(x)
	require.NoError(t, err, "%+v", x)
	if a.QOP == "" {
		a.Nc, a.Cnonce, b.Nc, b.Cnonce = 0, "", 0, "" // theirs are sent without need
	}
	require.Equal(t, b, a, "%+v", x)
}

// Two thousand challenges in the spellings that both read, each answered by
// both: every parameter must be the same, the response above all.
func TestAnswersAreTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 6))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	text := func(alphabet string) string {
		b := make([]byte, 1+r.IntN(40))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+/:;(){}[]<>!?$%&*~^| "
	tally := map[string]int{}
	for range 2000 {
		algorithm := pick("", "MD5", "md5", "SHA-256", "sha-256", "SHA-512-256")
		qop := pick("", "auth", "auth-int", "auth,auth-int")
		parts := []string{fmt.Sprintf(`realm="%s"`, text(plain)), fmt.Sprintf(`nonce="%s"`, text(plain))}
		if algorithm != "" {
			parts = append(parts, "algorithm="+algorithm)
		}
		if qop != "" {
			parts = append(parts, fmt.Sprintf("qop=%q", qop))
		}
		if r.IntN(2) == 0 {
			parts = append(parts, fmt.Sprintf(`opaque="%s"`, text(plain)))
		}
		if r.IntN(4) == 0 {
			parts = append(parts, "userhash=true")
		}
		parts = append(parts, `stale="`+pick("FALSE", "false", "TRUE")+`"`)
		r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		same(t, exchange{
			challenge: "Digest " + strings.Join(parts, pick(", ", ",")),
			method:    pick("GET", "PUT", "POST", "DELETE"),
			uri:       "/" + text("abcXYZ019-_/?&=%"),
			body:      text(plain + "\r\n\x00\xff"),
			user:      text("abcXYZ019-_. "), password: text(plain + "\"\\äß"),
			count: 1 + r.IntN(20),
		})
		tally[algorithm+" "+qop]++
	}
	require.Len(t, tally, 6*4, "every algorithm met every quality")
}

// FuzzAnswers lets a fuzzer choose what the values are.
func FuzzAnswers(f *testing.F) {
	f.Add("IP Camera(C1234)", "4e445aa", "x", "admin", "correct-horse", "/ISAPI/System/deviceInfo?a=b", "<v/>", uint8(0))
	f.Add("Login to 1", "nonce==", "", "ädmin", "", "/", "", uint8(255))
	f.Fuzz(func(t *testing.T, realm, nonce, opaque, user, password, uri, body string, choice uint8) {
		for _, s := range []string{realm, nonce, opaque, user, uri} {
			// The peer writes all but plain text with Go's escapes, which are
			// not HTTP's; see the realm in GBK among the spellings.
			if strconv.Quote(s) != `"`+s+`"` {
				t.Skip()
			}
		}
		if nonce == "" || len(nonce) > 4<<10 || len(realm)+len(opaque) > 8<<10 || digest.CheckUser(user) != nil {
			t.Skip()
		}
		challenge := fmt.Sprintf(`Digest realm="%s", nonce="%s"`, realm, nonce)
		if opaque != "" {
			challenge += fmt.Sprintf(`, opaque="%s"`, opaque)
		}
		challenge += [...]string{"", ", algorithm=MD5", ", algorithm=SHA-256", ", algorithm=SHA-512-256"}[choice&3]
		challenge += [...]string{"", `, qop="auth"`, `, qop="auth-int"`, `, qop="auth,auth-int", userhash=true`}[choice>>2&3]
		same(t, exchange{challenge: challenge, method: "PUT", uri: uri, body: body, user: user, password: password, count: 1 + int(choice>>4)})
	})
}
