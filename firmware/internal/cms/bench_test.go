package cms_test

import (
	"crypto"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// BenchmarkVerify compares a whole verification (reading the message, the way
// to the root, hashing, judging) with SHA-256 over the same bytes. "ratio"
// is the quotient, as sigtest.Compare makes it.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	image := sigtest.Image(64 << 20)
	rsaSigner := issue(b, w.inter, "RSA", rsaKey(b, 2048), nil)
	for name, m := range map[string]maker{
		"ecdsa": {by: []*entity{w.signer}}, "rsa": {by: []*entity{rsaSigner}},
		"no-attributes": {by: []*entity{rsaSigner}, noAttr: true}, "two-signers": {by: []*entity{rsaSigner, w.signer}},
	} {
		m.content, m.certs = image, []*entity{w.signer, rsaSigner, w.inter}
		message := m.make(b)
		o := w.options()
		b.Run(name, func(b *testing.B) {
			sigtest.Compare(b, image, crypto.SHA256, func() (io.Writer, func()) {
				parsed, err := cms.Parse(message)
				require.NoError(b, err)
				c, err := parsed.Open(o)
				require.NoError(b, err)
				var content sig.Content
				c.Attach(&content)
				return &content, func() {
					_, err := c.Finish()
					require.NoError(b, err)
				}
			})
		})
	}
}

// Reading and judging a message takes a bounded amount of memory that has
// nothing to do with the image.
func TestMemory(t *testing.T) {
	w := newWorld(t)
	image := sigtest.Image(1000)
	message := w.mutate(image, nil).make(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		_, err := check(message, image, w.options())
		require.NoError(t, err)
	}
	runtime.ReadMemStats(&after)
	require.Less(t, (after.TotalAlloc-before.TotalAlloc)/20, uint64(128<<10))
}
