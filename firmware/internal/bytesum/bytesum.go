// Package bytesum adds bytes up, modulo 2^32: the checksum of several camera
// makers, and of cpio. Swapping two bytes, or adding to one what is taken
// from another, leaves it as it is.
package bytesum

import (
	"encoding/binary"
	"hash"
)

type sum uint32

// New returns a sum of no bytes.
func New() hash.Hash32 { return new(sum) }

// Of returns the sum of b.
func Of(b []byte) uint32 {
	var s sum
	_, _ = s.Write(b)
	return uint32(s)
}

// lanes picks every other byte of eight, leaving each eight bits to grow.
const lanes = 0x00ff00ff00ff00ff

// Write adds b, eight bytes at a time.
func (s *sum) Write(b []byte) (int, error) {
	n := len(b)
	total := uint32(*s)
	for len(b) >= 8 {
		// Each of the four lanes of 16 bits takes up to 128 pairs of bytes
		// before it could overflow.
		run := min(len(b)/8, 128)
		var acc uint64
		for range run {
			x := binary.LittleEndian.Uint64(b)
			acc += x&lanes + x>>8&lanes
			b = b[8:]
		}
		total += uint32(acc&0xffff) + uint32(acc>>16&0xffff) + uint32(acc>>32&0xffff) + uint32(acc>>48)
	}
	for _, c := range b {
		total += uint32(c)
	}
	*s = sum(total)
	return n, nil
}

// Sum appends the sum, big-endian.
func (s *sum) Sum(b []byte) []byte { return binary.BigEndian.AppendUint32(b, uint32(*s)) }
func (s *sum) Sum32() uint32       { return uint32(*s) }
func (s *sum) Reset()              { *s = 0 }
func (s *sum) Size() int           { return 4 }
func (s *sum) BlockSize() int      { return 8 }
