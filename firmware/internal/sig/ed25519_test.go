package sig_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"filippo.io/edwards25519"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// streamed is our verdict, with the message in pieces.
func streamed(pub ed25519.PublicKey, message, signature []byte) bool {
	var c sig.Content
	valid := c.Ed25519(pub, signature)
	for len(message) > 0 {
		n := min(len(message), 7)
		_, _ = c.Write(message[:n])
		message = message[n:]
	}
	return valid()
}

// The streamed verdict is crypto/ed25519's, for right and wrong signatures,
// and for those where implementations are known to differ: points of small
// order, encodings that are not canonical, an S that is not reduced.
func TestEd25519AgreesWithTheStandardLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return b
	}
	// Multiples of the group's order to add to S, and encodings of the eight
	// points of small order, canonical and not.
	order := []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	small := smallOrder(t)
	agree, valid := 0, 0
	check := func(pub, message, signature []byte) {
		t.Helper()
		want := ed25519.Verify(pub, message, signature)
		require.Equal(t, want, streamed(pub, message, signature), "%x %x %x", pub, message, signature)
		agree++
		if want {
			valid++
		}
	}
	for range 200 {
		key := ed25519.NewKeyFromSeed(random(32))
		pub := []byte(key.Public().(ed25519.PublicKey))
		message := random(rnd.IntN(300))
		s := ed25519.Sign(key, message)
		check(pub, message, s)
		flipped := append([]byte(nil), s...)
		flipped[rnd.IntN(64)] ^= 1 << rnd.IntN(8)
		check(pub, message, flipped)
		check(pub, append(message, 0), s)
		bad := append([]byte(nil), pub...)
		bad[rnd.IntN(32)] ^= 1 << rnd.IntN(8)
		check(bad, message, s)
		// S + L is the same signature in another spelling.
		twin := append([]byte(nil), s...)
		carry := 0
		for i := range 32 {
			carry += int(twin[32+i]) + int(order[i])
			twin[32+i] = byte(carry)
			carry >>= 8
		}
		check(pub, message, twin)
	}
	for _, a := range small {
		for _, r := range small {
			for range 4 {
				message := random(20)
				check(a, message, append(append([]byte(nil), r...), make([]byte, 32)...))
				check(a, message, append(append([]byte(nil), r...), append([]byte{1}, make([]byte, 31)...)...))
			}
		}
	}
	t.Logf("%d verdicts alike, %d of them valid", agree, valid)
	require.Greater(t, valid, 200, "some of the odd cases must verify, or they test nothing")
}

// smallOrder returns encodings of the points of small order, canonical and
// not, as far as they decode.
func smallOrder(t *testing.T) [][]byte {
	var out [][]byte
	for _, y := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p, for 0
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p + 1, for 1
	} {
		for _, sign := range []byte{0, 0x80} {
			e, err := hex.DecodeString(y)
			require.NoError(t, err)
			e[31] |= sign
			if _, err := new(edwards25519.Point).SetBytes(e); err == nil {
				out = append(out, e)
			}
		}
	}
	require.GreaterOrEqual(t, len(out), 8)
	return out
}
