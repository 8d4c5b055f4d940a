// Package hikvision walks the blocks of Hikvision's digicap.dav, which OEM
// brands ship, too.
//
// An HKWS block has a header that is hidden by a published XOR, with a table
// of files and byte sums; HK20 and HK30 blocks are encrypted with keys that
// stay in the devices, and are told by their first bytes only. No block has a
// signature that an outsider could verify.
//
// Layout: the public unpackers for it, held against the first bytes of a real
// package; HK20 and HK30 are documented, not recorded.
package hikvision

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/bytesum"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// key hides headers: byte i of a block is XORed with key[(i + i>>4) & 15].
var key = [16]byte{0xBA, 0xCD, 0xBC, 0xFE, 0xD6, 0xCA, 0xDD, 0xD3, 0xBA, 0xB9, 0xA3, 0xAB, 0xBF, 0xCB, 0xB5, 0xBE}

const (
	fixedLength  = 0x40 // the header before its table
	recordLength = 44
	nameLength   = 32
	commonLength = 16 // the header that all kinds of block share

	// maxFiles and maxBlocks are far above what packages have: ten files in
	// the one that was seen.
	maxFiles  = 1024
	maxBlocks = 32
)

// Kinds of block.
const (
	HKWS = "HKWS"
	HK20 = "HK20"
	HK30 = "HK30"
)

var magics = map[string]string{"SWKH": HKWS, "02KH": HK20, "03KH": HK30}

// A Package is the blocks of a file, and what follows them.
type Package struct {
	Blocks []Block
	// End is where the last block ends; bytes that follow belong to none.
	End int64
}

// A Block is one block. Of HK20 and HK30 only Kind, Offset and Length are
// told.
type Block struct {
	Kind           string
	Offset, Length int64
	HeaderRead     bool // whether the fields that follow are known
	HeaderLength   int64
	HeaderSum      uint32 // as the header says
	HeaderOK       bool   // whether it is right
	Language       uint32 // 1 English and others, 2 Chinese
	DeviceClass    uint32
	OEM            uint32 // 0xFFFFFFFF: any
	Version        uint32 // 0xFFFFFFFF in the real package that was seen
	Date           uint32 // BCD, 0x20150315
	Files          []File
}

// A File is a file in an HKWS block.
type File struct {
	Name           string
	Offset, Length int64 // in the whole file
	Sum            uint32
}

// Detect tells whether the file begins with a block of one of the kinds.
func Detect(head []byte) bool {
	return len(head) >= 4 && magics[string(plain(head[:4]))] != ""
}

// plain returns the beginning of a block as it is without the XOR.
func plain(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = c ^ key[(i+i>>4)&15]
	}
	return out
}

// Parse walks the blocks. With an error it returns what it read before.
func Parse(r io.ReaderAt, size int64) (*Package, error) {
	f := untrusted.File{R: r, Size: size}
	p := &Package{}
	for p.End < size {
		head, err := f.Bytes(p.End, min(4, size-p.End), 4, "magic of a block")
		if err != nil {
			return p, err
		}
		if !Detect(head) {
			break // bytes after the last block
		}
		if len(p.Blocks) == maxBlocks {
			return p, untrusted.Errorf(p.End, "more than %d blocks", maxBlocks)
		}
		b, err := parseBlock(f, p.End)
		p.Blocks = append(p.Blocks, b)
		if err != nil {
			return p, err
		}
		p.End = b.Offset + b.Length
	}
	if len(p.Blocks) == 0 {
		return p, untrusted.Errorf(0, "no block")
	}
	return p, nil
}

func parseBlock(f untrusted.File, at int64) (Block, error) {
	b := Block{Offset: at}
	raw, err := f.Bytes(at, commonLength, commonLength, "header of a block")
	if err != nil {
		return b, err
	}
	h := plain(raw)
	b.Kind = magics[string(h[:4])]
	if b.Kind != HKWS {
		// The block's own length is within what is encrypted, so all that
		// follows counts as part of it.
		b.Length = f.Size - at
		return b, nil
	}
	b.HeaderSum = binary.LittleEndian.Uint32(h[4:])
	b.HeaderLength = int64(binary.LittleEndian.Uint32(h[8:]))
	count := int64(binary.LittleEndian.Uint32(h[12:]))
	if count > maxFiles {
		return b, untrusted.Errorf(at+12, "%d files, more than the limit of %d", count, maxFiles)
	}
	if b.HeaderLength != fixedLength+recordLength*count {
		return b, untrusted.Errorf(at+8, "a header of %d bytes does not fit %d files", b.HeaderLength, count)
	}
	have := min(b.HeaderLength, f.Size-at)
	if raw, err = f.Bytes(at, have, fixedLength+recordLength*maxFiles, "header"); err != nil {
		return b, err
	}
	h = plain(raw)
	return b, b.header(f, h, int(count))
}

// header reads the fields and the table from as much of the header as there
// is.
func (b *Block) header(f untrusted.File, h []byte, count int) error {
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(h[at:]) }
	if len(h) < fixedLength {
		return untrusted.Errorf(f.Size, "the header is cut short")
	}
	b.HeaderRead = true
	b.Language, b.DeviceClass, b.OEM, b.Version, b.Date = u32(0x10), u32(0x14), u32(0x18), u32(0x1C), u32(0x34)
	for i := range count {
		at := fixedLength + i*recordLength
		if len(h) < at+recordLength {
			return untrusted.Errorf(f.Size, "the table of files is cut short")
		}
		b.Files = append(b.Files, File{
			Name:   untrusted.Text(h[at : at+nameLength]),
			Offset: b.Offset + int64(u32(at+nameLength)),
			Length: int64(u32(at + nameLength + 4)),
			Sum:    u32(at + nameLength + 8),
		})
		if name, _, _ := bytes.Cut(h[at:at+nameLength], []byte{0}); !untrusted.SafeName(string(name)) {
			return untrusted.Errorf(b.Offset+int64(at), "file %d: a name that could lead outside its folder", i)
		}
	}
	b.HeaderOK = bytesum.Of(h[0x0C:]) == b.HeaderSum
	return b.place(f)
}

// place checks where the files lie: inside the file, after the header, and
// none in another; and sets the block's length by the last of them.
func (b *Block) place(f untrusted.File) error {
	end := b.Offset + b.HeaderLength
	order := slices.SortedStableFunc(slices.Values(b.Files), func(x, y File) int { return cmp.Compare(x.Offset, y.Offset) })
	for _, file := range order {
		if !f.Holds(file.Offset, file.Length) {
			return untrusted.Errorf(file.Offset, "file %s reaches beyond the end", file.Name)
		}
		if file.Offset < end {
			return untrusted.Errorf(file.Offset, "file %s lies in the header or in another file", file.Name)
		}
		end = file.Offset + file.Length
	}
	b.Length = end - b.Offset
	return nil
}

// LanguageName is the language that a device expects to match its own.
func (b *Block) LanguageName() string {
	switch b.Language {
	case 1:
		return "EN/ML"
	case 2:
		return "CN"
	}
	return fmt.Sprintf("%#x", b.Language)
}

// Released is the date as YYYY-MM-DD, "" where it is none.
func (b *Block) Released() string {
	s := fmt.Sprintf("%08x", b.Date)
	for _, c := range s {
		if c > '9' {
			return ""
		}
	}
	if y, m, d := s[:4], s[4:6], s[6:]; y >= "1990" && y < "2100" && m >= "01" && m <= "12" && d >= "01" && d <= "31" {
		return y + "-" + m + "-" + d
	}
	return ""
}
