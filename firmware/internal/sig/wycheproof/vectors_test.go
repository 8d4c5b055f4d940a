package wycheproof_test

import (
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// A file is what these tests read of a file of vectors.
type file struct {
	Groups []struct {
		Type     string
		Key      string `json:"publicKeyPem"`
		Hash     string `json:"sha"`
		Mask     string `json:"mgf"`
		MaskHash string `json:"mgfSha"`
		Salt     int    `json:"sLen"`
		Tests    []struct {
			ID        int `json:"tcId"`
			Comment   string
			Message   string `json:"msg"`
			Signature string `json:"sig"`
			Result    string
		}
	} `json:"testGroups"`
}

var hashes = map[string]crypto.Hash{
	"SHA-1": crypto.SHA1, "SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512,
}

var methods = map[string]sig.Method{
	"EddsaVerify": sig.PureEd25519, "EcdsaVerify": sig.ECDSA, "EcdsaP1363Verify": sig.ECDSAP1363,
	"RsassaPkcs1Verify": sig.PKCS1v15, "RsassaPssVerify": sig.PSS,
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func TestVectors(t *testing.T) {
	judged := map[sig.Method]int{}
	for _, pattern := range []string{
		"ed25519_test.json", "ecdsa_secp256r1_sha*_test.json", "ecdsa_secp384r1_sha*_test.json", "ecdsa_secp521r1_sha*_test.json",
		"rsa_pss_*_test.json", "rsa_signature_*_test.json",
	} {
		names, err := fs.Glob(wycheproof.TestVectors, pattern)
		require.NoError(t, err)
		require.NotEmpty(t, names, pattern)
		for _, name := range names {
			if strings.HasSuffix(name, "_params_test.json") {
				continue // the same, with keys that carry the parameters
			}
			t.Run(path.Base(name), func(t *testing.T) { vectors(t, name, judged) })
		}
	}
	t.Logf("judged: %v", judged)
	for _, m := range methods {
		assert.Greater(t, judged[m], 100, "method %d", m)
	}
}

func vectors(t *testing.T, name string, judged map[sig.Method]int) {
	data, err := fs.ReadFile(wycheproof.TestVectors, name)
	require.NoError(t, err)
	var f file
	require.NoError(t, json.Unmarshal(data, &f))
	for _, g := range f.Groups {
		a := sig.Algorithm{Method: methods[g.Type], Hash: hashes[g.Hash], Salt: g.Salt}
		if a.Method == 0 || a.Method != sig.PureEd25519 && a.Hash == 0 {
			continue // a hash that nobody here signs with
		}
		if a.Method == sig.PSS {
			if a.MGF1 = hashes[g.MaskHash]; g.Mask != "MGF1" || a.MGF1 == 0 {
				continue
			}
		}
		keys, err := sig.ParseKeys("", []byte(g.Key))
		require.NoError(t, err, g.Key)
		for _, v := range g.Tests {
			judged[a.Method]++
			got := verify(t, a, keys[0].Public, unhex(t, v.Message), unhex(t, v.Signature))
			switch v.Result {
			case "valid":
				assert.True(t, got, "%d: %s", v.ID, v.Comment)
			case "invalid":
				assert.False(t, got, "%d: %s", v.ID, v.Comment)
			}
			if a.Method == sig.PSS && got {
				// Without the salt's length the same.
				auto := a
				auto.Salt = sig.SaltAuto
				assert.True(t, verify(t, auto, keys[0].Public, unhex(t, v.Message), unhex(t, v.Signature)), "%d", v.ID)
			}
		}
	}
}

func verify(t *testing.T, a sig.Algorithm, pub crypto.PublicKey, message, signature []byte) bool {
	var c sig.Content
	var valid func() bool
	if a.Method == sig.PureEd25519 {
		valid = c.Ed25519(pub.(ed25519.PublicKey), signature)
	} else {
		digest := c.Digest(a.Hash)
		valid = func() bool { return a.Verify(pub, digest(), signature) }
	}
	_, err := c.Write(message)
	require.NoError(t, err)
	return valid()
}
