// Package uimage reads legacy U-Boot images: a header of 64 bytes, big-endian,
// and data, both with a CRC32 that anybody can make right.
//
// Layout: U-Boot's include/image.h, seen in images that mkimage made.
package uimage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Magic is what an image begins with.
const Magic = 0x27051956

// HeaderLength is the length of the header.
const HeaderLength = 64

// maxParts bounds the parts of a multi-file image; mkimage makes a handful.
const maxParts = 64

const typeMulti = 4

// An Image is what the header says, checked against the file's size.
type Image struct {
	Name     string
	Time     time.Time
	Data     int64 // offset of the data, always HeaderLength
	Size     int64
	Sum      uint32 // CRC32 of the data
	OS, Arch byte
	Type     string
	Comp     byte
	Parts    []Part // of a multi-file image
	// HeaderOK tells whether the header's own CRC32 is right.
	HeaderOK bool
}

// A Part is a piece of a multi-file image.
type Part struct{ Offset, Length int64 }

// Detect tells whether the file begins as an image does.
func Detect(head []byte) bool {
	return len(head) >= 4 && binary.BigEndian.Uint32(head) == Magic
}

// Parse reads the header and the table of a multi-file image.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	f := untrusted.File{R: r, Size: size}
	h, err := f.Bytes(0, HeaderLength, HeaderLength, "header")
	if err != nil {
		return nil, err
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(h[at:]) }
	if u32(0) != Magic {
		return nil, untrusted.Errorf(0, "no uImage magic")
	}
	m := &Image{
		Name: untrusted.Text(h[32:64]), Time: time.Unix(int64(u32(8)), 0).UTC(),
		Data: HeaderLength, Size: int64(u32(12)), Sum: u32(24),
		OS: h[28], Arch: h[29], Type: typeName(h[30]), Comp: h[31],
	}
	multi := h[30] == typeMulti
	sum := u32(4)
	clear(h[4:8])
	m.HeaderOK = crc32.ChecksumIEEE(h) == sum
	if !f.Holds(m.Data, m.Size) {
		return nil, untrusted.Errorf(12, "data of %d bytes reach beyond the end of the file", m.Size)
	}
	if multi {
		if m.Parts, err = parts(f, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// parts reads the table of sizes that a multi-file image begins with; the
// parts follow it, each padded to four bytes.
func parts(f untrusted.File, m *Image) ([]Part, error) {
	end := m.Data + m.Size
	var out []Part
	at := m.Data
	for {
		if at+4 > end {
			return nil, untrusted.Errorf(at, "the table of parts has no end")
		}
		b, err := f.Bytes(at, 4, 4, "size of a part")
		if err != nil {
			return nil, err
		}
		at += 4
		n := int64(binary.BigEndian.Uint32(b))
		if n == 0 {
			break
		}
		if len(out) == maxParts {
			return nil, untrusted.Errorf(at, "more than %d parts", maxParts)
		}
		out = append(out, Part{Length: n})
	}
	for i := range out {
		if out[i].Length > end-at {
			return nil, untrusted.Errorf(at, "part %d reaches beyond the data", i)
		}
		out[i].Offset = at
		at = min(end, at+(out[i].Length+3)&^3)
	}
	return out, nil
}

func typeName(t byte) string {
	names := map[byte]string{
		1: "standalone", 2: "kernel", 3: "ramdisk", 4: "multi", 5: "firmware",
		6: "script", 7: "filesystem", 8: "flat_dt",
	}
	if n, ok := names[t]; ok {
		return n
	}
	return fmt.Sprintf("type %d", t)
}
