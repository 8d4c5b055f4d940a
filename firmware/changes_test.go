package firmware_test

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// changes is how many positions of each image are changed: more in CI.
func changes() int {
	if n, err := strconv.Atoi(os.Getenv("CAMSEC_CHANGES")); err == nil {
		return n
	}
	return 50
}

// opens tells whether the report names the byte as one that nothing covers,
// and the format's table has that name.
func (f *freshImage) opens(r *firmware.Report, at int64) bool {
	for _, u := range r.Uncovered {
		if u.Offset <= at && at < u.Offset+u.Length {
			for _, name := range f.open {
				if strings.HasPrefix(u.What, name) {
					return true
				}
			}
		}
	}
	return false
}

// Valid images verify, and say so with the format's own program. Of every
// image with one other byte, cut short, or held against another's key, none
// does, but for changes where the report says that nothing covers.
func TestFreshImages(t *testing.T) {
	for f := range freshImages(t) {
		t.Run(f.name, func(t *testing.T) {
			r := verify(t, f.trust, f.image)
			require.Equal(t, firmware.Accepted, r.Verdict, r.Because)
			require.Equal(t, firmware.AuthenticityVerified, r.Authenticity.Status)
			for _, u := range r.Uncovered {
				assert.True(t, f.opens(r, u.Offset), "%q is in no table", u.What)
			}
			if f.judge != nil {
				require.NoError(t, f.agrees(f.image))
			}
			assert.NotEqual(t, firmware.Accepted, verify(t, f.another, f.image).Verdict, "another's key")
			v, err := firmware.NewVerifier(f.trust)
			require.NoError(t, err)
			sigtest.Changes(f.image, changes(), func(at int, b []byte) {
				got, err := v.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), nil)
				require.NoError(t, err)
				if got.Verdict == firmware.Accepted {
					assert.True(t, f.opens(r, int64(at)), "the byte at %d was changed", at)
					assert.True(t, f.opens(got, int64(at)), "the byte at %d was changed, and is not told", at)
				}
			})
			for _, n := range borders(r.Image) {
				for _, n := range []int64{n - 1, n, n + 1} {
					if n < 0 || n >= int64(len(f.image)) {
						continue
					}
					got := verify(t, f.trust, f.image[:n])
					if got.Verdict == firmware.Accepted {
						for at := n; at < int64(len(f.image)); at++ {
							require.True(t, f.opens(r, at), "cut at %d", n)
						}
					}
				}
			}
		})
	}
}

// borders are the offsets at which parts, signatures and what nothing covers
// begin and end.
func borders(m *firmware.Image) []int64 {
	out := []int64{0}
	for _, p := range m.Parts {
		out = append(out, p.Offset, p.Offset+p.Length)
	}
	for _, s := range m.Signatures {
		out = append(out, s.Offset, s.Offset+s.Length)
	}
	for _, u := range m.Uncovered {
		out = append(out, u.Offset, u.Offset+u.Length)
	}
	return out
}
