package bytesum_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/bytesum"
)

func TestSumIsTheSumOfTheBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		b := make([]byte, rnd.IntN(5000))
		var want uint32
		for i := range b {
			b[i] = byte(rnd.Uint32())
			want += uint32(b[i])
		}
		h := bytesum.New()
		for rest := b; len(rest) > 0; {
			n := 1 + rnd.IntN(len(rest))
			_, err := h.Write(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.Equal(t, want, h.Sum32())
		require.Equal(t, want, bytesum.Of(b))
	}
}

func TestSumOfTheLargestBytes(t *testing.T) {
	b := bytes.Repeat([]byte{0xff}, 1<<20)
	assert.Equal(t, uint32(255<<20), bytesum.Of(b))
}

func BenchmarkSum(b *testing.B) {
	data := bytes.Repeat([]byte{0xa5}, 1<<20)
	b.SetBytes(1 << 20)
	for b.Loop() {
		bytesum.Of(data)
	}
}
