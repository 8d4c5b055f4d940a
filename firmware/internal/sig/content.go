package sig

import (
	"crypto"
	_ "crypto/md5"  // for LegacyMD5 only
	_ "crypto/sha1" // for LegacySHA1 only
	_ "crypto/sha256"
	_ "crypto/sha512"
	"hash"
	"io"

	_ "golang.org/x/crypto/blake2b"
)

// A Content is the bytes that checks stand over, on their way through the
// digests that the checks asked for. Checks over the same bytes share a
// Content and with it each digest of a kind. The zero value is ready.
type Content struct {
	digests map[crypto.Hash]hash.Hash
	writers []io.Writer
}

// Digest asks for a digest of the content and returns what gives it after the
// last byte. The hash must be one that [Floor.Hash] lets pass.
func (c *Content) Digest(h crypto.Hash) func() []byte {
	d, ok := c.digests[h]
	if !ok {
		d = h.New()
		if c.digests == nil {
			c.digests = map[crypto.Hash]hash.Hash{}
		}
		c.digests[h] = d
		c.Stream(d)
	}
	return func() []byte { return d.Sum(nil) }
}

// Stream asks that the content be written to w, for what no digest can give.
// w returns no error.
func (c *Content) Stream(w io.Writer) { c.writers = append(c.writers, w) }

// Writers returns what wants the content. Each must be given every byte, in
// order; they know nothing of each other and may be served side by side.
func (c *Content) Writers() []io.Writer { return c.writers }

// Write gives p to all writers.
func (c *Content) Write(p []byte) (int, error) {
	for _, w := range c.writers {
		if _, err := w.Write(p); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
