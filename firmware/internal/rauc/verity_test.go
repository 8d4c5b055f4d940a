package rauc_test

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/rauc"
)

// check feeds a tree with pieces of changing size.
func check(data, stored, root []byte, workers int) error {
	t := rauc.NewTree(salt, root, int64(len(data)), workers)
	r := rand.New(rand.NewPCG(7, uint64(workers)))
	for rest := append(bytes.Clone(data), stored...); len(rest) > 0; {
		n := min(len(rest), 1+r.IntN(300<<10))
		if r.IntN(3) == 0 {
			n = min(len(rest), 1+r.IntN(100))
		}
		_, _ = t.Write(rest[:n])
		rest = rest[n:]
	}
	return t.Finish()
}

// Sizes around the borders of levels: 128 blocks fill one block of the tree,
// 128 of these the next.
func TestTree(t *testing.T) {
	for _, blocks := range []int{2, 3, 127, 128, 129, 256, 1000, 128*128 - 1, 128 * 128, 128*128 + 1} {
		if testing.Short() && blocks > 1000 {
			continue
		}
		data := payload(blocks)
		root, stored := tree(salt, data)
		require.Equal(t, int64(len(stored)), rauc.TreeSize(int64(len(data))), blocks)
		for _, workers := range []int{0, 1, 2, 3} {
			if workers != 2 && blocks > 1000 {
				continue
			}
			require.NoError(t, check(data, stored, root, workers), "%d blocks, %d workers", blocks, workers)
		}
	}
	assert.Zero(t, rauc.TreeSize(4096), "a single block is its own tree")
	root, stored := tree(salt, payload(1))
	assert.NoError(t, check(payload(1), stored, root, 1))
}

func TestTreeFindsEveryChange(t *testing.T) {
	data := payload(200)
	root, stored := tree(salt, data)
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		i, bit := r.IntN(len(data)), byte(1)<<r.IntN(8)
		data[i] ^= bit
		assert.ErrorContains(t, check(data, stored, root, 2), "root hash", i)
		data[i] ^= bit
		i = r.IntN(len(stored))
		stored[i] ^= bit
		assert.ErrorContains(t, check(data, stored, root, 2), "hash tree in the file", i)
		stored[i] ^= bit
	}
	root[0] ^= 1
	assert.ErrorContains(t, check(data, stored, root, 1), "root hash")
	root[0] ^= 1
	assert.ErrorContains(t, check(data, stored[:len(stored)-1], root, 1), "incomplete")
	assert.ErrorContains(t, check(data, stored[:4096], root, 1), "incomplete")
	assert.ErrorContains(t, check(data, append(stored, 0), root, 1), "more bytes")
	short := rauc.NewTree(salt, root, int64(len(data)), 1)
	_, err := short.Write(data[:len(data)-1])
	require.NoError(t, err)
	assert.ErrorContains(t, short.Finish(), "incomplete")
}

// Memory does not grow with the payload: a thousand blocks more take no more
// than the first thousand.
func TestTreeTakesConstantMemory(t *testing.T) {
	const size = 256 << 20
	chunk := make([]byte, 256<<10)
	tr := rauc.NewTree(salt, make([]byte, sha256.Size), size, 1)
	_, _ = tr.Write(chunk)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 64 {
		_, _ = tr.Write(chunk)
	}
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<10))
}

func BenchmarkTree(b *testing.B) {
	const size = 64 << 20
	chunk := make([]byte, 256<<10)
	for name, run := range map[string]func(){
		"sha256": func() {
			h := sha256.New()
			for range size / len(chunk) {
				h.Write(chunk)
			}
		},
		"one worker":  func() { feed(chunk, size, 1) },
		"two workers": func() { feed(chunk, size, 2) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				run()
			}
		})
	}
}

func feed(chunk []byte, size int64, workers int) {
	t := rauc.NewTree(salt, make([]byte, sha256.Size), size, workers)
	for range size / int64(len(chunk)) {
		_, _ = t.Write(chunk)
	}
}
