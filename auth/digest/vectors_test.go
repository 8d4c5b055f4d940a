package digest_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/digest"
)

// vector is one published or computed answer with all that goes into it.
type vector struct {
	Name, Algorithm, Qop        string
	Username, Realm, Password   string
	Method, URI, Body           string
	Nonce, Nc, Cnonce           string
	Userhash, Response, Rspauth string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is not set and CAMSEC_REQUIRE is 1")
		}
		t.Skip("CAMSEC_RECORDINGS is not set")
	}
	b, err := os.ReadFile(filepath.Join(dir, "auth", "digest-vectors.json"))
	require.NoError(t, err)
	var vs []vector
	require.NoError(t, json.Unmarshal(b, &vs))
	require.NotEmpty(t, vs)
	return vs
}

func TestAnswersAgreeWithVectors(t *testing.T) {
	vs := vectors(t)
	require.GreaterOrEqual(t, len(vs), 21, "vectors in the file")
	for _, v := range vs {
		t.Run(v.Name, func(t *testing.T) {
			field := `Digest realm="` + v.Realm + `", nonce="` + v.Nonce + `", algorithm=` + v.Algorithm
			if v.Qop != "" {
				field += `, qop="` + v.Qop + `"`
			}
			c, err := choose(field)
			if strings.HasSuffix(v.Algorithm, "-WRONG") { // SHA-512 cut short has no name
				require.ErrorIs(t, err, digest.ErrAlgorithm)
				return
			}
			require.NoError(t, err)
			s, err := digest.NewSession(c, v.Username, []byte(v.Password), rand.Reader)
			require.NoError(t, err)
			nc, err := strconv.ParseUint(v.Nc, 16, 32)
			require.NoError(t, err)
			digest.Pin(s, v.Cnonce, uint32(nc))
			a, err := s.Answer(v.Method, v.URI, strings.NewReader(v.Body))
			require.NoError(t, err)
			assert.Equal(t, v.Response, param(a.Authorization, "response"))
			assert.Equal(t, v.URI, param(a.Authorization, "uri"))
			if v.Qop != "" {
				assert.Equal(t, v.Nc, param(a.Authorization, "nc"))
				assert.Equal(t, v.Cnonce, param(a.Authorization, "cnonce"))
			} else {
				assert.NotContains(t, a.Authorization, "nc=")
				assert.NotContains(t, a.Authorization, "qop=")
			}
			if v.Rspauth != "" {
				proof := http.Header{"Authentication-Info": {`qop=` + v.Qop + `, rspauth="` + v.Rspauth + `"`}}
				assert.NoError(t, a.Check(digest.ParseInfo(proof), nil))
			}

			hashed, err := choose(field + ", userhash=true")
			require.NoError(t, err)
			s, err = digest.NewSession(hashed, v.Username, []byte(v.Password), rand.Reader)
			require.NoError(t, err)
			digest.Pin(s, v.Cnonce, uint32(nc))
			a, err = s.Answer(v.Method, v.URI, strings.NewReader(v.Body))
			require.NoError(t, err)
			assert.Equal(t, v.Userhash, param(a.Authorization, "username"))
			assert.Equal(t, v.Response, param(a.Authorization, "response"), "the hash is of the plain name")
		})
	}
}
