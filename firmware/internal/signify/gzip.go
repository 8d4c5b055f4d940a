package signify

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"io"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A Gzip is a gzip file that signify signed (-z): the file's comment holds a
// signature and the text that it signs, which ends in digests of what follows,
// block by block.
//
// Source: a file that signify-openbsd 31 made. The ten bytes before the
// comment are covered by nothing.
type Gzip struct {
	Signature *Signature
	// SignatureAt is where the signature's two lines stand, and SignatureLen
	// how long they are; the text follows at once.
	SignatureAt, SignatureLen int64
	Text                      []byte
	// DataAt is where the blocks begin; they reach to the end of the file.
	DataAt int64

	size   int64
	hashes []byte // a hexadecimal digest a line
}

const (
	gzipHead  = 10
	maxText   = 2 << 20
	blockSize = 64 << 10
	hashLine  = 2*sha512.Size256 + 1
)

// IsGzip tells whether a file begins as one that signify signed.
func IsGzip(head []byte) bool {
	return len(head) > gzipHead+len(comment) && bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8, 0x10}) &&
		bytes.HasPrefix(head[gzipHead:], []byte(comment))
}

// ParseGzip reads the signature and the text. The error is a *[sig.Error], or
// one of reading r.
func ParseGzip(r io.ReaderAt, size int64) (*Gzip, error) {
	f := untrusted.File{R: r, Size: size}
	head, err := f.Bytes(0, min(size, gzipHead+maxText), gzipHead+maxText, "header")
	if err != nil {
		return nil, err
	}
	if !IsGzip(head) {
		return nil, malformed("no gzip file with a signature")
	}
	text, _, ok := bytes.Cut(head[gzipHead:], []byte{0})
	if !ok {
		return nil, malformed("the comment has no end within %d bytes", maxText)
	}
	s, n, err := Head(text)
	if err != nil {
		return nil, err
	}
	g := &Gzip{
		Signature: s, SignatureAt: gzipHead, SignatureLen: int64(n),
		Text: bytes.Clone(text[n:]), DataAt: int64(gzipHead + len(text) + 1), size: size,
	}
	_, rest, ok := bytes.Cut(g.Text, []byte("\nalgorithm=SHA512/256\nblocksize=65536\n\n"))
	if !ok {
		return nil, sig.Errorf(sig.Unsupported, Scheme, "digests of another kind than SHA512/256 over 64 KiB")
	}
	blocks := (size - g.DataAt + blockSize - 1) / blockSize
	if int64(len(rest)) != blocks*hashLine {
		return nil, malformed("%d bytes of digests for %d blocks", len(rest), blocks)
	}
	g.hashes = rest
	return g, nil
}

// Blocks returns what must be given the bytes from DataAt on, and what tells
// afterwards whether each block has its digest.
func (g *Gzip) Blocks() (to io.Writer, right func() bool) {
	b := &blocks{left: g.hashes, size: g.size - g.DataAt}
	return b, b.done
}

type blocks struct {
	block [blockSize]byte
	n     int    // bytes in block
	size  int64  // bytes to come
	left  []byte // lines of digests to come
	wrong bool
}

func (b *blocks) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := copy(b.block[b.n:], p)
		p = p[n:]
		b.n += n
		b.size -= int64(n)
		if b.n == blockSize || b.size == 0 {
			b.check()
		}
	}
	return total, nil
}

func (b *blocks) check() {
	sum := sha512.Sum512_256(b.block[:b.n])
	b.n = 0
	if len(b.left) < hashLine || b.left[hashLine-1] != '\n' ||
		hex.EncodeToString(sum[:]) != string(b.left[:hashLine-1]) {
		b.wrong = true
		return
	}
	b.left = b.left[hashLine:]
}

func (b *blocks) done() bool { return !b.wrong && b.size == 0 && b.n == 0 && len(b.left) == 0 }
