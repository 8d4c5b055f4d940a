package firmware_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// Files that are a signature with what it signs verify as they are, and no
// change of a byte of what is signed does.
func TestFilesThatCarryTheirOwnSignature(t *testing.T) {
	roots, err := firmware.ParseCertificates("root.crt", sigtest.Sample(t, "pki", "root.crt"))
	require.NoError(t, err)
	keys, err := firmware.ParseKeys("test.pub", sigtest.Sample(t, "signify", "test.pub"))
	require.NoError(t, err)
	others, err := firmware.ParseKeys("other.pub", sigtest.Sample(t, "signify", "other.pub"))
	require.NoError(t, err)
	at := func() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }
	image := sigtest.Sample(t, "payload", "fw.bin")
	for _, c := range []struct {
		folder, file, format string
		policy, wrong        firmware.Policy
	}{
		{"cms", "rsa-attached.p7m", firmware.FormatCMS, firmware.Policy{Roots: roots, Now: at}, firmware.Policy{Keys: keys, Now: at}},
		{"signify", "SHA256.sig", firmware.FormatSignify, firmware.Policy{Keys: keys}, firmware.Policy{Keys: others}},
		{"signify", "fw.bin.sigz.gz", firmware.FormatSignify, firmware.Policy{Keys: keys}, firmware.Policy{Keys: others}},
	} {
		file := sigtest.Sample(t, c.folder, c.file)
		r := verify(t, c.policy, file)
		assert.Equal(t, c.format, r.Format, c.file)
		assert.Equal(t, firmware.AuthenticityVerified, r.Authenticity.Status, "%s: %+v", c.file, r.Authenticity)
		assert.NotEqual(t, firmware.AuthenticityVerified, verify(t, c.wrong, file).Authenticity.Status, c.file)

		covered := make([]bool, len(file))
		for i := range covered {
			covered[i] = true
		}
		for _, u := range r.Uncovered {
			clear(covered[u.Offset : u.Offset+u.Length])
		}
		n := 0
		sigtest.Changes(file, 200, func(at int, changed []byte) {
			if !covered[at] {
				return
			}
			n++
			// A change may make it a file of another kind: then it is unsigned.
			v, err := firmware.NewVerifier(c.policy)
			require.NoError(t, err)
			r, err := v.Verify(t.Context(), bytes.NewReader(changed), int64(len(changed)), &firmware.Evidence{})
			if err == nil {
				require.NotEqual(t, firmware.AuthenticityVerified, r.Authenticity.Status, "%s, byte %d", c.file, at)
			}
		})
		assert.Greater(t, n, 30, c.file)
		if bytes.Contains(file, image) {
			i, err := firmware.Inspect(bytes.NewReader(file), int64(len(file)))
			require.NoError(t, err)
			assert.Equal(t, int64(len(image)), i.Parts[0].Length)
		}
	}
}

// A signature before another chunk is none, and only a signature is called
// one.
func TestFwtoolSignaturesThatDoNotComeLast(t *testing.T) {
	meta := append(make([]byte, 8), fwtoolMetadata...)
	const note = "the signature is not the last chunk"
	for name, c := range map[string]struct {
		image []byte
		told  bool
	}{
		"metadata alone":        {fwtoolChunk([]byte("image"), 1, meta), false},
		"a chunk of no kind":    {fwtoolChunk(fwtoolChunk([]byte("image"), 1, meta), 7, []byte("x")), false},
		"a signature before it": {fwtoolChunk(fwtoolChunk([]byte("image"), 0, []byte("untrusted comment: x\nAAAA\n")), 1, meta), true},
	} {
		m := inspect(t, c.image)
		assert.Equal(t, firmware.FormatFwtool, m.Format)
		assert.Equal(t, c.told, strings.Contains(strings.Join(m.Notes, "\n"), note), name)
		assert.Empty(t, m.Signatures)
		_, err := firmware.Inspect(bytes.NewReader(append(c.image[:len(c.image)-4:len(c.image)-4], 0xff, 0xff, 0xff, 0xff)), int64(len(c.image)))
		require.ErrorIs(t, err, camsec.ErrMalformed, "a chunk of four GiB")
	}
}
