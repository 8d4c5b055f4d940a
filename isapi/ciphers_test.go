package isapi

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

func recordedJSON(t *testing.T, into any, path ...string) {
	t.Helper()
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is required and not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set: the vectors are not here")
	}
	b, err := os.ReadFile(filepath.Join(append([]string{dir, "isapi"}, path...)...)) //nolint:gosec // a folder of the developer's.
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

// Of the vectors, the one with one salt was read off a device's own web page.
func TestSessionAnswerVectors(t *testing.T) {
	var doc struct {
		Vectors []struct {
			Name, UserName, Password, Challenge, Salt, Salt2, Expected, Computed string
			Iterations                                                           int
			Irreversible                                                         *bool
		}
	}
	recordedJSON(t, &doc, "bodies", "sessionLogin_vectors__petrleocompel-hikaxpro-tests.json")
	require.Len(t, doc.Vectors, 3)
	for _, v := range doc.Vectors {
		c := sessionChallenge{challenge: v.Challenge, salt: v.Salt, salt2: v.Salt2, iterations: v.Iterations, irreversible: v.Irreversible == nil}
		want := v.Expected
		if want == "" {
			want = v.Computed
		}
		assert.Equal(t, want, c.answer(v.UserName, camsec.NewSecret([]byte(v.Password))), v.Name)
	}
}

func TestDerivedVectors(t *testing.T) {
	var doc map[string]json.RawMessage
	recordedJSON(t, &doc, "derived_vectors.json")
	n := 0
	for name, raw := range doc {
		var v struct {
			UserName, Password, Salt, Salt2, Challenge, IV, Plaintext, Encoded string
			Ciphertext                                                         string `json:"ciphertext_hex"`
			Key                                                                string `json:"aes128_key_hex"`
			Iterations, KeyIterateNum                                          int
		}
		if json.Unmarshal(raw, &v) != nil {
			continue // the note
		}
		secret := camsec.NewSecret([]byte(v.Password))
		switch {
		case strings.HasPrefix(name, "security1"):
			f, err := newFieldCipher(v.UserName, secret, v.Salt, v.KeyIterateNum)
			require.NoError(t, err)
			assert.Equal(t, v.Key, hex.EncodeToString(f.key), name)
			iv, err := hex.DecodeString(v.IV)
			require.NoError(t, err)
			got, err := f.seal(iv, v.Plaintext)
			require.NoError(t, err)
			assert.Equal(t, v.Ciphertext, got, name)
			back, err := f.open(iv, got)
			require.NoError(t, err)
			assert.Equal(t, v.Plaintext, back)
			n++
		case strings.HasPrefix(name, "sessionLogin"):
			c := sessionChallenge{challenge: v.Challenge, salt: v.Salt, salt2: v.Salt2, iterations: v.Iterations, irreversible: v.Salt != ""}
			assert.Equal(t, v.Encoded, c.answer(v.UserName, secret), name)
			n++
		}
	}
	assert.Equal(t, 5, n)
}

func TestActivationVectors(t *testing.T) {
	var doc struct {
		Key struct {
			Parts struct{ N, D, P, Q string } `json:"rsa_components_hex"`
		} `json:"rsa_private_key_pem"`
		Challenge string `json:"challenge_key_b64_of_hex"`
		Random    string `json:"expected_random_key_ascii"`
		Encrypt   struct {
			Random   string `json:"random_key_ascii"`
			Password string `json:"new_password"`
			Want     string `json:"expected_activateinfo_password"`
		}
		Modulus string `json:"rsa_modulus_hex"`
	}
	recordedJSON(t, &doc, "qb60", "activation_vectors.json")
	number := func(h string) *big.Int {
		n, ok := new(big.Int).SetString(h, 16)
		require.True(t, ok)
		return n
	}
	parts := doc.Key.Parts
	k := &activationKey{&rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: number(parts.N), E: 65537}, D: number(parts.D),
		Primes: []*big.Int{number(parts.P), number(parts.Q)},
	}}
	k.key.Precompute()
	modulus, err := hex.DecodeString(doc.Modulus)
	require.NoError(t, err)
	assert.Equal(t, twice(modulus), k.public())
	random, err := k.unwrap(doc.Challenge)
	require.NoError(t, err)
	assert.Equal(t, doc.Random, random)
	sealed, err := sealLegacy(doc.Encrypt.Random, camsec.NewSecret([]byte(doc.Encrypt.Password)))
	require.NoError(t, err)
	assert.Equal(t, doc.Encrypt.Want, sealed)

	for _, bad := range []string{"", "!", "aGVsbG8=", twice([]byte("x")), twice(make([]byte, 128))} {
		_, err := k.unwrap(bad)
		require.ErrorIs(t, err, camsec.ErrMalformed, "%q", bad)
	}
	for _, p := range []string{"", "seventeen-letters"} {
		_, err := sealLegacy(doc.Random, camsec.NewSecret([]byte(p)))
		require.ErrorIs(t, err, camsec.ErrWeakPassword)
	}
}

// The random value is 16, 24 or 32 bytes in hex, and nothing else.
func TestActivationRandomValues(t *testing.T) {
	k, err := newActivationKey(legacyKeyBits)
	require.NoError(t, err)
	for random, fits := range map[string]bool{
		strings.Repeat("a", 32): true, strings.Repeat("0", 48): true, strings.Repeat("F", 64): true,
		strings.Repeat("a", 30): false, strings.Repeat("a", 34): false, strings.Repeat("a", 66): false, "": false, strings.Repeat("g", 32): false,
	} {
		b, err := rsa.EncryptPKCS1v15(rand.Reader, &k.key.PublicKey, []byte(random)) //nolint:staticcheck // what devices speak
		require.NoError(t, err)
		got, err := k.unwrap(twice(b))
		if !fits {
			require.ErrorIs(t, err, camsec.ErrMalformed, random)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, random, got)
	}
}

func TestActivationV3Vector(t *testing.T) {
	var doc struct {
		R, IV, Password string
		Start           struct{ Password, IV string } `json:"StartActivateV3"`
	}
	recordedJSON(t, &doc, "bodies", "activate_V3_computed_vector__self.json")
	iv, err := hex.DecodeString(doc.IV)
	require.NoError(t, err)
	sealed, gotIV, err := sealV3(doc.R, camsec.NewSecret([]byte(doc.Password)), bytes.NewReader(iv))
	require.NoError(t, err)
	assert.Equal(t, doc.Start.Password, sealed)
	assert.Equal(t, doc.Start.IV, gotIV)
}

func TestReadChallengeIsBounded(t *testing.T) {
	const good = `<SessionLoginCap><sessionID>1</sessionID><challenge>2</challenge><iterations>100</iterations><isIrreversible>true</isIrreversible><salt>ADX8</salt>` +
		`<isSupportSessionTag opt="true,false">true</isSupportSessionTag></SessionLoginCap>`
	read := func(doc string) (sessionChallenge, error) {
		n, err := wire.ParseXML([]byte(doc), "", wire.Small())
		require.NoError(t, err)
		return readChallenge(n)
	}
	c, err := read(good)
	require.NoError(t, err)
	assert.True(t, c.irreversible && c.tag)
	for what, doc := range map[string]string{
		"2^31 iterations": strings.Replace(good, ">100<", ">2147483648<", 1),
		"no iterations":   strings.Replace(good, ">100<", "><", 1),
		"zero iterations": strings.Replace(good, ">100<", ">0<", 1),
		"no challenge":    strings.Replace(good, ">2<", "><", 1),
		"no session":      strings.Replace(good, ">1<", "><", 1),
		"no salt":         strings.Replace(good, "ADX8", "", 1),
		"long salt":       strings.Replace(good, "ADX8", strings.Repeat("x", 300), 1),
	} {
		_, err := read(doc)
		require.ErrorIs(t, err, camsec.ErrMalformed, what)
	}
	c, err = read(strings.Replace(good, ">true</isIrreversible>", ">false</isIrreversible>", 1))
	require.NoError(t, err)
	assert.False(t, c.irreversible, "the word false is not true")
}

// What a device may hide is bounded, and it may pad in either way.
func TestFieldCipherEdges(t *testing.T) {
	_, err := newFieldCipher("admin", camsec.NewSecret([]byte("Abc12345")), "", maxIterations+1)
	require.ErrorIs(t, err, camsec.ErrMalformed)
	_, err = newFieldCipher("admin", camsec.NewSecret([]byte("Abc12345")), "", maxIterations)
	require.NoError(t, err)

	f, err := newFieldCipher("admin", camsec.NewSecret([]byte("Abc12345")), "", 1)
	require.NoError(t, err)
	iv := bytes.Repeat([]byte{7}, aes.BlockSize)
	for size, fits := range map[int]bool{0: false, 1: true, 12: true, 6144: true, 6145: false} {
		value := strings.Repeat("v", size)
		hidden, err := f.seal(iv, value)
		require.NoError(t, err)
		got, err := f.open(iv, hidden)
		if !fits {
			require.ErrorIs(t, err, camsec.ErrMalformed, "%d", size)
			continue
		}
		require.NoError(t, err, "%d", size)
		require.Equal(t, value, got)
	}
	block, err := aes.NewCipher(f.key)
	require.NoError(t, err)
	for _, value := range []string{"twelve bytes", "thirteen byte", "v"} {
		b := []byte(base64.StdEncoding.EncodeToString([]byte(value)))
		n := aes.BlockSize - len(b)%aes.BlockSize
		b = append(b, bytes.Repeat([]byte{byte(n)}, n)...) // PKCS #7
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(b, b)
		got, err := f.open(iv, hex.EncodeToString(b))
		require.NoError(t, err)
		require.Equal(t, value, got)
	}
}

func TestFieldCipherRefusesGarbage(t *testing.T) {
	f, err := newFieldCipher("admin", camsec.NewSecret([]byte("Abc12345")), "", 0)
	require.NoError(t, err)
	iv := make([]byte, 16)
	for _, bad := range []string{"", "zz", "00", strings.Repeat("00", 16), strings.Repeat("00", 16<<10)} {
		_, err := f.open(iv, bad)
		if bad == strings.Repeat("00", 16) {
			require.Error(t, err)
			continue
		}
		require.ErrorIs(t, err, camsec.ErrMalformed)
	}
	_, err = newFieldCipher("admin", camsec.Secret{}, "", 1<<20)
	require.ErrorIs(t, err, camsec.ErrMalformed)
	_, err = newIV(bytes.NewReader(nil))
	require.Error(t, err)
	_, err = ecb(make([]byte, 16), []byte("short"))
	require.Error(t, err)
}
