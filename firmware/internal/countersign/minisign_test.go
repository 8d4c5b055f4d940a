package countersign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/scrypt"
)

// secretKey writes a secret key by minisign's description of its format.
func secretKey(t *testing.T, key ed25519.PrivateKey, password string) []byte {
	t.Helper()
	hidden := append([]byte("\x01\x02\x03\x04\x05\x06\x07\x08"), key...)
	sum := blake2b.Sum256(append([]byte("Ed"), hidden...))
	hidden = append(hidden, sum[:]...)
	out := []byte("EdScB2")
	salt := bytes.Repeat([]byte{7}, 32)
	out = append(out, salt...)
	// The least that libsodium takes: 2^10 rounds.
	out = binary.LittleEndian.AppendUint64(out, 32768)
	out = binary.LittleEndian.AppendUint64(out, 16<<20)
	stream, err := scrypt.Key([]byte(password), salt, 1024, 8, 1, len(hidden))
	require.NoError(t, err)
	for i, b := range hidden {
		out = append(out, b^stream[i])
	}
	return []byte("untrusted comment: x\n" + base64.StdEncoding.EncodeToString(out) + "\n")
}

func TestParseEncryptedKey(t *testing.T) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	file := secretKey(t, priv, "correct horse")
	k, err := ParseMinisign(file, []byte("correct horse"))
	require.NoError(t, err)
	assert.Equal(t, priv, k.Key)
	assert.Equal(t, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, k.ID)
	for _, password := range []string{"", "wrong"} {
		_, err = ParseMinisign(file, []byte(password))
		assert.ErrorIs(t, err, ErrPassword)
	}
	// Changes in what is encrypted; before it stand the limits, which may ask
	// for a GiB.
	for i := len(file) - 140; i < len(file)-3; i += 9 {
		c := bytes.Clone(file)
		c[i] ^= 2
		_, err := ParseMinisign(c, []byte("correct horse"))
		assert.Error(t, err, "byte %d", i)
	}
}

// The cost of a key is what libsodium makes of its limits; the first row is
// minisign's own default.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		operations, memory uint64
		n, p               int
	}{
		{33554432, 1073741824, 1 << 20, 1},
		{524288, 16777216, 1 << 14, 1},
		{32768, 16777216, 1 << 10, 1},
		{33554432, 16777216, 1 << 14, 64},
	} {
		n, p, err := cost(c.operations, c.memory)
		require.NoError(t, err)
		assert.Equal(t, []int{c.n, c.p}, []int{n, p}, "%d %d", c.operations, c.memory)
	}
	for _, c := range [][2]uint64{{1 << 63, 1 << 63}, {1 << 40, 1 << 40}, {1 << 40, 1 << 24}, {1<<64 - 1, 0}} {
		_, _, err := cost(c[0], c[1])
		assert.Error(t, err, c)
	}
}
