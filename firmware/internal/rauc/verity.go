package rauc

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"sync"
)

// perBlock is how many digests a block of the tree holds.
const perBlock = blockSize / sha256.Size

// errTooLong tells that more bytes came than payload and tree have.
var errTooLong = errors.New("more bytes than payload and hash tree have")

// TreeSize returns how long the hash tree over a payload of n bytes is.
func TreeSize(n int64) int64 {
	var size int64
	for _, blocks := range levels(n) {
		size += blocks * blockSize
	}
	return size
}

// levels returns how many blocks each level of the tree has, from the leaves
// up to the single block whose digest is the root.
func levels(n int64) []int64 {
	var out []int64
	for blocks := n / blockSize; blocks > 1; {
		blocks = (blocks + perBlock - 1) / perBlock
		out = append(out, blocks)
	}
	return out
}

// A Tree checks payload and stored hash tree in one pass over both, in memory
// that does not depend on their size. It is a dm-verity tree, version 1, of
// SHA-256 over 4096-byte blocks, without a superblock.
//
// From the payload it makes the tree again, level by level, and keeps of each
// level a digest. The stored levels, which come behind the payload with the
// root's first, are held against these.
type Tree struct {
	salt, root []byte
	payload    int64 // bytes of payload still to come
	levels     []*level
	// stored is the level that comes next from the file, of which left bytes
	// are still to come.
	stored  int
	left    int64
	partial []byte // of a block of payload
	sums    []byte // scratch: digests of the blocks of one Write
	workers []hash.Hash
	err     error
}

// A level of the tree: the block that is being filled, and digests over the
// blocks made and those stored.
type level struct {
	block  []byte
	bytes  int64
	made   hash.Hash
	stored hash.Hash
}

// NewTree starts a check of a payload of n bytes, followed by its tree. The
// payload is hashed by so many workers at once.
func NewTree(salt, root []byte, n int64, workers int) *Tree {
	t := &Tree{salt: salt, root: root, payload: n}
	for _, blocks := range levels(n) {
		t.levels = append(t.levels, &level{bytes: blocks * blockSize, made: sha256.New(), stored: sha256.New()})
	}
	for range max(1, workers) {
		t.workers = append(t.workers, sha256.New())
	}
	t.stored = len(t.levels)
	return t
}

// Write takes the bytes of the payload and of the tree, in file order.
func (t *Tree) Write(p []byte) (int, error) {
	n := len(p)
	if t.payload > 0 {
		data := p[:min(int64(len(p)), t.payload)]
		t.payload -= int64(len(data))
		p = p[len(data):]
		t.data(data)
		if t.payload == 0 {
			t.close()
		}
	}
	for len(p) > 0 && t.err == nil {
		if t.left == 0 {
			if t.stored == 0 {
				t.err = errTooLong
				break
			}
			t.stored--
			t.left = t.levels[t.stored].bytes
		}
		part := p[:min(int64(len(p)), t.left)]
		t.levels[t.stored].stored.Write(part)
		t.left -= int64(len(part))
		p = p[len(part):]
	}
	return n, t.err
}

// data hashes the payload's blocks.
func (t *Tree) data(p []byte) {
	if len(t.partial) > 0 {
		fill := min(blockSize-len(t.partial), len(p))
		t.partial = append(t.partial, p[:fill]...)
		p = p[fill:]
		if len(t.partial) < blockSize {
			return
		}
		t.blocks(t.partial)
		t.partial = t.partial[:0]
	}
	whole := len(p) &^ (blockSize - 1)
	t.blocks(p[:whole])
	t.partial = append(t.partial, p[whole:]...)
}

// blocks hashes whole blocks, shared among the workers, and puts their
// digests into the tree in order.
func (t *Tree) blocks(p []byte) {
	count := len(p) / blockSize
	if need := count * sha256.Size; cap(t.sums) < need {
		t.sums = make([]byte, need)
	}
	sums := t.sums[:count*sha256.Size]
	each := (count + len(t.workers) - 1) / len(t.workers)
	var wg sync.WaitGroup
	for i, h := range t.workers[1:] {
		from, to := min((i+1)*each, count), min((i+2)*each, count)
		if from < to {
			wg.Go(func() { t.digests(h, p[from*blockSize:to*blockSize], sums[from*sha256.Size:]) })
		}
	}
	t.digests(t.workers[0], p[:min(each, count)*blockSize], sums)
	wg.Wait()
	for i := range count {
		t.add(0, sums[i*sha256.Size:][:sha256.Size])
	}
}

func (t *Tree) digests(h hash.Hash, p, out []byte) {
	for i := 0; i < len(p); i += blockSize {
		h.Reset()
		h.Write(t.salt)
		h.Write(p[i : i+blockSize])
		h.Sum(out[i/perBlock:][:0])
	}
}

// add puts a digest into a level; a block that is full gives one for the next.
func (t *Tree) add(i int, sum []byte) {
	if i == len(t.levels) {
		if !bytes.Equal(sum, t.root) {
			t.err = errors.New("the payload's hash tree does not end in the signed root hash")
		}
		return
	}
	l := t.levels[i]
	if l.block = append(l.block, sum...); len(l.block) == blockSize {
		t.flush(i)
	}
}

// flush closes the block that a level is filling.
func (t *Tree) flush(i int) {
	l := t.levels[i]
	l.made.Write(l.block)
	var sum [sha256.Size]byte
	t.digests(t.workers[0], l.block, sum[:])
	l.block = l.block[:0]
	t.add(i+1, sum[:])
}

// close fills the last block of each level with zeros.
func (t *Tree) close() {
	for i, l := range t.levels {
		if len(l.block) > 0 {
			l.block = append(l.block, make([]byte, blockSize-len(l.block))...)
			t.flush(i)
		}
	}
}

// Finish judges, after the last byte.
func (t *Tree) Finish() error {
	if t.err != nil {
		return t.err
	}
	if t.payload > 0 || t.stored > 0 || t.left > 0 {
		return errors.New("payload and hash tree are incomplete")
	}
	for _, l := range t.levels {
		if !bytes.Equal(l.made.Sum(nil), l.stored.Sum(nil)) {
			return errors.New("the hash tree in the file is not that of the payload")
		}
	}
	return nil
}
