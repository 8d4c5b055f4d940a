package mender_test

import (
	"archive/tar"
	"crypto/sha256"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/mender"
)

// stream feeds a payload in pieces of n bytes.
func stream(data string, n int, want map[string][]byte) error {
	s := mender.NewStream(int64(len(data)), want)
	for len(data) > 0 {
		k := min(n, len(data))
		if _, err := s.Write([]byte(data[:k])); err != nil {
			return err
		}
		data = data[k:]
	}
	return s.Finish()
}

func digests(files ...file) map[string][]byte {
	out := map[string][]byte{}
	for _, f := range files {
		sum := sha256.Sum256([]byte(f.data))
		out[f.name] = sum[:]
	}
	return out
}

func TestStream(t *testing.T) {
	a, b := file{name: "a", data: strings.Repeat("a", 100000)}, file{name: "b", data: "b"}
	data := pack(t, archive(t, a, b))
	for _, n := range []int{1, 7, 4096, 1 << 20} {
		require.NoError(t, stream(data, n, digests(a, b)), n)
	}
	long := pack(t, archive(t, a, b)+strings.Repeat("\x00", 10000))
	require.NoError(t, stream(long, 100, digests(a, b)), "tar pads to whole records")
	changed := digests(a, b)
	changed["b"][0] ^= 1
	for reason, c := range map[string]struct {
		data string
		want map[string][]byte
	}{
		"is missing":              {data, digests(a, b, file{name: "c"})},
		"no manifest lists":       {data, digests(a)},
		"differs":                 {data, changed},
		"cannot be unpacked":      {data[:len(data)-1], digests(a, b)},
		"unpacked: gzip":          {"no gzip file at all", nil},
		"unexpected EOF":          {"", nil},
		"gzip: invalid header":    {data + "not another gzip file", digests(a, b)},
		"lists once":              {pack(t, archive(t, b, b)), digests(b)},
		"a file that no manifest": {pack(t, archive(t, file{name: "b", kind: tar.TypeSymlink})), digests(b)},
		"behind the end":          {pack(t, archive(t, b)+strings.Repeat("x", 600)), digests(b)},
		"more than 256 times":     {pack(t, archive(t, file{name: "a", data: strings.Repeat("\x00", 40<<20)})), digests(file{name: "a", data: strings.Repeat("\x00", 40<<20)})},
	} {
		assert.ErrorContains(t, stream(c.data, 4096, c.want), reason)
	}
	// Any change of a packed byte behind gzip's header is found.
	for i := 10; i < len(data); i++ {
		changed := []byte(data)
		changed[i] ^= 4
		assert.Error(t, stream(string(changed), 4096, digests(a, b)), i)
	}
}

// A check that is given up leaves no goroutine behind: the bubble would not
// end.
func TestStreamIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mender.NewStream(100, nil)
		_, err := s.Write([]byte{0x1f, 0x8b, 8})
		require.NoError(t, err)
		require.Error(t, s.Finish())
		require.Error(t, mender.NewStream(100, nil).Finish())
	})
}
