package pass_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/pass"
)

// Every check gets exactly the bytes that it asked for, whatever the others
// ask for and wherever the chunks end.
func TestRunFeedsEveryCheckItsBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		file := make([]byte, rnd.IntN(3<<20))
		for i := range file {
			file[i] = byte(rnd.Uint32())
		}
		size := int64(len(file))
		var checks []*pass.Check
		var want, got []*bytes.Buffer
		for range rnd.IntN(12) {
			w, g := &bytes.Buffer{}, &bytes.Buffer{}
			var sections []pass.Section
			for at := int64(0); ; {
				if rnd.IntN(4) == 0 {
					lit := bytes.Repeat([]byte{'x'}, rnd.IntN(5))
					sections = append(sections, pass.Section{Literal: lit})
					w.Write(lit)
				}
				off := at + rnd.Int64N(size/2+2)
				if off > size {
					break
				}
				n := rnd.Int64N(size - off + 1)
				sections = append(sections, pass.Section{Off: off, Len: n})
				w.Write(file[off : off+n])
				at = off + n
			}
			want, got = append(want, w), append(got, g)
			checks = append(checks, &pass.Check{What: "x", Sections: sections, To: g, Finish: func() error { return nil }})
		}
		res, err := pass.Run(t.Context(), bytes.NewReader(file), size, checks, nil)
		require.NoError(t, err)
		require.Len(t, res, len(checks))
		for i := range checks {
			require.NoError(t, res[i])
			require.True(t, bytes.Equal(want[i].Bytes(), got[i].Bytes()), "round %d check %d", round, i)
		}
	}
}

func TestRunRefusesWrongSections(t *testing.T) {
	for name, s := range map[string][]pass.Section{
		"beyond":     {{Off: 5, Len: 6}},
		"negative":   {{Off: -1, Len: 2}},
		"length":     {{Off: 1, Len: -1}},
		"overflow":   {{Off: 1, Len: 1<<63 - 1}},
		"overlap":    {{Off: 0, Len: 4}, {Off: 3, Len: 1}},
		"descending": {{Off: 4, Len: 1}, {Off: 0, Len: 1}},
		"outside":    {{Off: 11}},
	} {
		c := &pass.Check{What: name, Sections: s, To: io.Discard, Finish: func() error { return nil }}
		_, err := pass.Run(t.Context(), bytes.NewReader(make([]byte, 10)), 10, []*pass.Check{c}, nil)
		assert.ErrorIs(t, err, pass.ErrSections, name)
	}
}

// The last byte, and nothing behind it, may be asked for.
func TestRunTakesSectionsUpToTheEnd(t *testing.T) {
	var got bytes.Buffer
	c := &pass.Check{What: "x", Sections: []pass.Section{{Off: 9, Len: 1}, {Off: 10}}, To: &got, Finish: func() error { return nil }}
	res, err := pass.Run(t.Context(), bytes.NewReader([]byte("0123456789")), 10, []*pass.Check{c}, nil)
	require.NoError(t, err)
	require.NoError(t, res[0])
	assert.Equal(t, "9", got.String())
}

// What stands in place of bytes is given also where the file has none.
func TestRunGivesLiteralsOfAnEmptyFile(t *testing.T) {
	var got bytes.Buffer
	c := &pass.Check{What: "x", Sections: []pass.Section{{Literal: []byte("ab")}, {}}, To: &got, Finish: func() error { return nil }}
	res, err := pass.Run(t.Context(), bytes.NewReader(nil), 0, []*pass.Check{c}, nil)
	require.NoError(t, err)
	require.NoError(t, res[0])
	assert.Equal(t, "ab", got.String())
}

// sizes keeps how much it was given at a time.
type sizes []int

func (s *sizes) Write(b []byte) (int, error) {
	*s = append(*s, len(b))
	return len(b), nil
}

func TestRunGivesNothingEmptyAndTellsHowFarItIs(t *testing.T) {
	const chunk = 256 << 10
	var got sizes
	var at []int64
	c := &pass.Check{What: "x", Sections: []pass.Section{{Literal: []byte{}}, {Off: 1}, {Off: 2, Len: chunk - 2}, {Off: chunk, Len: chunk}, {Off: 2 * chunk}}, To: &got, Finish: func() error { return nil }}
	_, err := pass.Run(t.Context(), bytes.NewReader(make([]byte, 2*chunk)), 2*chunk, []*pass.Check{c}, func(n int64) { at = append(at, n) })
	require.NoError(t, err)
	assert.Equal(t, sizes{chunk - 2, chunk}, got)
	assert.Equal(t, []int64{chunk, 2 * chunk}, at)
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no more") }

func TestRunKeepsFailuresApart(t *testing.T) {
	file := make([]byte, 1<<20)
	sum := crc32.NewIEEE()
	checks := []*pass.Check{
		{What: "bad writer", Sections: []pass.Section{{Len: 1 << 20}}, To: failing{}, Finish: func() error { return nil }},
		{What: "bad verdict", Finish: func() error { return errors.New("no") }},
		{What: "no judge", Sections: []pass.Section{{Len: 1 << 20}}, To: sum},
		{What: "good", Sections: []pass.Section{{Len: 1 << 20}}, To: sha256.New(), Finish: func() error { return nil }},
	}
	res, err := pass.Run(t.Context(), bytes.NewReader(file), 1<<20, checks, nil)
	require.NoError(t, err)
	assert.EqualError(t, res[0], "no more")
	assert.EqualError(t, res[1], "no")
	assert.Error(t, res[2], "a check without a verdict has not passed")
	assert.NoError(t, res[3])
}

func TestRunTellsAFileThatEndsEarly(t *testing.T) {
	c := &pass.Check{What: "x", Sections: []pass.Section{{Len: 2 << 20}}, To: sha256.New(), Finish: func() error { return nil }}
	_, err := pass.Run(t.Context(), bytes.NewReader(make([]byte, 1<<20)), 2<<20, []*pass.Check{c}, nil)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "reading at 1048576")
}

// broken reads as far as a byte, and no further.
type broken int64

var errBroken = errors.New("the disk is broken")

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if n := int64(b) - off; n < int64(len(p)) {
		return int(max(n, 0)), errBroken
	}
	return len(p), nil
}

func TestRunTellsWhereReadingFails(t *testing.T) {
	c := &pass.Check{What: "x", Sections: []pass.Section{{Len: 2 << 20}}, To: sha256.New(), Finish: func() error { return nil }}
	_, err := pass.Run(t.Context(), broken(300<<10), 2<<20, []*pass.Check{c}, nil)
	require.ErrorIs(t, err, errBroken)
	assert.NotErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "reading at 307200")
}

func TestRunStopsWhenTheCallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var at int64
	c := &pass.Check{What: "x", Sections: []pass.Section{{Len: 64 << 20}}, To: sha256.New(), Finish: func() error { return nil }}
	_, err := pass.Run(ctx, bytes.NewReader(make([]byte, 64<<20)), 64<<20, []*pass.Check{c}, func(n int64) {
		at = n
		cancel()
	})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Less(t, at, int64(1<<20))
}

// A thousand checks need no thousand goroutines, and each is judged.
func TestRunWithManyChecks(t *testing.T) {
	file := make([]byte, 1000*100)
	var checks []*pass.Check
	for i := range 1000 {
		h := crc32.NewIEEE()
		checks = append(checks, &pass.Check{
			What: strconv.Itoa(i), Sections: []pass.Section{{Off: int64(i * 100), Len: 100}}, To: h,
			Finish: func() error {
				if h.Sum32() != crc32.ChecksumIEEE(file[:100]) {
					return errors.New("differs")
				}
				return nil
			},
		})
	}
	res, err := pass.Run(t.Context(), bytes.NewReader(file), int64(len(file)), checks, nil)
	require.NoError(t, err)
	for i, e := range res {
		require.NoError(t, e, i)
	}
}

func TestGaps(t *testing.T) {
	s := func(v ...int64) (out []pass.Span) {
		for i := 0; i < len(v); i += 2 {
			out = append(out, pass.Span{Off: v[i], Len: v[i+1]})
		}
		return out
	}
	assert.Equal(t, s(0, 10), pass.Gaps(10, nil))
	assert.Nil(t, pass.Gaps(10, s(0, 10)))
	assert.Nil(t, pass.Gaps(10, s(0, 1<<63-1)))
	assert.Nil(t, pass.Gaps(10, s(5, 1<<63-1, 0, 5)))
	assert.Equal(t, s(0, 2, 4, 1, 9, 1), pass.Gaps(10, s(5, 4, 2, 2, 6, 1, 20, 5, 3, 0)))
	assert.Nil(t, pass.Gaps(0, nil))
	assert.Equal(t, s(3, 7), pass.Gaps(10, s(-2, 5, 10, 1, 2, -1)), "what begins before the file covers its beginning, and what lies behind it nothing")
	assert.Equal(t, s(0, 10), pass.Gaps(10, s(4, 0)), "what is empty covers nothing and parts nothing")
	assert.Nil(t, pass.Gaps(10, s(9, 1<<63-10, 0, 9)), "as far as there are numbers")
}

func TestCoveredIsWhatTheFileGives(t *testing.T) {
	c := &pass.Check{Sections: []pass.Section{{Off: 1, Len: 2}, {Literal: make([]byte, 3), Len: 3}, {Off: 3}, {Off: 7, Len: 1}}}
	assert.Equal(t, []pass.Span{{Off: 1, Len: 2}, {Off: 7, Len: 1}}, c.Covered())
	c.Covers = []pass.Span{}
	assert.Empty(t, c.Covered(), "as the check itself says")
	c.Covers = []pass.Span{{Off: 5, Len: 1}}
	assert.Equal(t, c.Covers, c.Covered())
}
