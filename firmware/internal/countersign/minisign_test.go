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
	for c, want := range map[[2]uint64]string{
		{1 << 63, 1 << 63}: "too much memory", {1 << 40, 1 << 40}: "too much memory", {1 << 26, 1 << 40}: "too much memory",
		{1 << 40, 1 << 24}: "too much work", {33554432 + 1<<19, 16777216}: "too much work", {1<<64 - 1, 0}: "too much work",
	} {
		_, _, err := cost(c[0], c[1])
		assert.ErrorContains(t, err, want, c)
	}
}

// A key without a password has a checksum, or, by minisign 0.11, zeros in its
// place.
func TestParsePlainKey(t *testing.T) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	file := func(sum []byte) []byte {
		out := append([]byte("Ed\x00\x00B2"), make([]byte, 48)...)
		out = append(append(append(out, "\x01\x02\x03\x04\x05\x06\x07\x08"...), priv...), sum...)
		return []byte("untrusted comment: x\n" + base64.StdEncoding.EncodeToString(out) + "\n")
	}
	right := blake2b.Sum256(append([]byte("Ed\x01\x02\x03\x04\x05\x06\x07\x08"), priv...))
	for _, sum := range [][]byte{make([]byte, 32), right[:]} {
		k, err := ParseMinisign(file(sum), nil)
		require.NoError(t, err)
		assert.Equal(t, priv, k.Key)
	}
	_, err = ParseMinisign(file(append(make([]byte, 31), 1)), nil)
	require.ErrorIs(t, err, ErrPassword)
	_, err = ParseMinisign(file(make([]byte, 31)), nil)
	require.Error(t, err)
	priv[40] ^= 1
	_, err = ParseMinisign(file(make([]byte, 32)), nil)
	require.ErrorContains(t, err, "do not belong together")
}

// Whatever a file of a secret key holds, it is read or refused; without a
// password nothing is spent on it.
func FuzzParseMinisign(f *testing.F) {
	plain := append([]byte("Ed\x00\x00B2"), make([]byte, secretLength-6)...)
	f.Add([]byte("untrusted comment: x\n" + base64.StdEncoding.EncodeToString(plain) + "\n"))
	f.Add([]byte("untrusted comment: x\nAAAA\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := ParseMinisign(data, nil)
		if err == nil {
			require.NotEmpty(t, k.Public())
			require.NotEmpty(t, k.Sign(make([]byte, 64), "x"))
		}
	})
}
