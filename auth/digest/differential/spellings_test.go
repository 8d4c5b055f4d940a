package differential_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What devices send, and who logs in to them. The numbers are those of the
// project's list of bad inputs; "must" is in the answer, byte for byte.
//
// A false for another client is what was seen of the version in go.mod. If a
// newer one turns it to true, so much the better: change the table.
func TestSpellings(t *testing.T) {
	for _, tt := range []struct {
		name            string
		challenges      []string
		must            string
		body            string
		icholy, mongodb bool
	}{
		{name: "camera", challenges: []string{`Digest qop="auth", realm="IP Camera(C1234)", nonce="4e44", stale="FALSE"`, `Basic realm="IP Camera(C1234)"`}, icholy: true, mongodb: true},
		{name: "recorder", challenges: []string{`Digest realm="DVR", domain="::", qop="auth", nonce="a:1685", opaque="", algorithm="MD5", stale="FALSE"`}, must: `opaque=""`},
		{name: "no blanks", challenges: []string{`Digest realm="Login to 1",qop="auth",nonce="1",opaque="",stale="false"`}, must: `nonce="1"`, icholy: true},
		{name: "any case, bare values", challenges: []string{`DIGEST Realm=r,NONCE=n1,QOP=auth,Algorithm=md5`}, must: "algorithm=md5"},
		{name: "RFC 2069", challenges: []string{`Digest realm="r", nonce="n"`}, icholy: true, mongodb: true},
		{name: "a list of qualities with blanks", challenges: []string{`Digest realm="r", nonce="n", qop="auth-int , auth"`}, must: "qop=auth,"},
		{name: "case 8: unknown first, MD5 second", challenges: []string{`Digest realm="r", nonce="a", qop="auth", algorithm=SHA3-256`, `Digest realm="r", nonce="b", qop="auth", algorithm=MD5`}, must: `nonce="b"`, icholy: true},
		{name: "case 9: MD5, then SHA-256", challenges: []string{`Digest realm="r", nonce="a", qop="auth"`, `Digest realm="r", nonce="b", qop="auth", algorithm="SHA-256"`}, must: `nonce="b"`},
		{name: "case 13: Basic and Digest in one line", challenges: []string{`Basic realm="b", Digest realm="r", nonce="n", qop="auth"`}},
		{name: "case 21: auth-int only", challenges: []string{`Digest realm="r", nonce="n", qop="auth-int"`}, body: "<v>1</v>", must: "qop=auth-int", icholy: true},
		{name: "case 22: MD5-sess", challenges: []string{`Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess`}, must: "algorithm=MD5-sess"},
		{name: "case 23: userhash", challenges: []string{`Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256, userhash=true`}, must: "userhash=true", icholy: true},
		{name: "case 24: a realm in GBK", challenges: []string{"Digest realm=\"\xc9\xe3\xcf\xf1\", nonce=\"n\", qop=\"auth\""}, must: "realm=\"\xc9\xe3\xcf\xf1\""},
		{name: "case 25: quote, comma and equals sign in the realm", challenges: []string{`Digest realm="a\"b, c=d", nonce="n", qop="auth"`}, must: `realm="a\"b, c=d"`, icholy: true},
		{name: "case 44: SHA256 without hyphen", challenges: []string{`Digest realm="r", nonce="n", qop="auth", algorithm=SHA256`}, must: "algorithm=SHA256"},
		{name: "SHA-512-256", challenges: []string{`Digest realm="r", nonce="n", qop="auth", algorithm=SHA-512-256`}, icholy: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, want := range map[string]bool{"ours": true, "icholy": tt.icholy, "mongodb": tt.mongodb} {
				d := &door{challenges: tt.challenges}
				status, err := call(t, clients[name](t, d, password), http.MethodPut, url, tt.body)
				in := status == http.StatusOK && len(d.answers) > 0
				in = in && strings.Contains(d.answers[len(d.answers)-1], tt.must)
				assert.Equal(t, want, in, "%s: %d %v %q", name, status, err, d.answers)
			}
		})
	}
}

// What no client should answer with a credential, and who does.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name            string
		challenge       string
		icholy, mongodb int // credentials sent in two calls
		panics          bool
	}{
		{name: "case 2: a parameter without a value", challenge: "Digest realm", panics: true},
		{name: "case 4: no nonce", challenge: `Digest realm="r", qop="auth"`, icholy: 3, mongodb: 2},
		{name: "case 5: a nonce of 1 MB", challenge: `Digest realm="r", qop="auth", nonce="` + strings.Repeat("n", 1<<20) + `"`, icholy: 3, mongodb: 2},
		{name: "case 7: an unknown algorithm", challenge: `Digest realm="r", qop="auth", nonce="n", algorithm=TIGER`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, want := range map[string]int{"ours": 0, "icholy": tt.icholy, "mongodb": tt.mongodb} {
				d := &door{challenges: []string{tt.challenge}, refuse: true}
				rt := clients[name](t, d, password)
				panicked := false
				for range 2 {
					_, err := call(t, rt, http.MethodGet, url, "")
					panicked = panicked || err != nil && strings.HasPrefix(err.Error(), "panic:")
				}
				assert.Equal(t, want, len(d.answers), name)
				assert.Equal(t, tt.panics && name == "mongodb", panicked, name)
			}
		})
	}
}
