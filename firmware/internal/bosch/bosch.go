// Package bosch reads Bosch's .fw files, big-endian throughout: a header of
// 1,024 bytes with a byte sum and a signature whose scheme is not published,
// and what it heads, either further such files or a list of named records.
//
// Layout: the public description by the authors of BoschFirmwareTool;
// documented, not recorded.
package bosch

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

const (
	magic        = 0x10122003
	headerLength = 0x400

	targetContainer = 0x10

	signatureAt = 0x4C
	keyBlobAt   = 0x24C
	blobLength  = 256

	recordMagic  = 0xDEADAFFE
	recordLength = 0x40

	// mask hides what is not encrypted.
	mask = 0x42

	maxDepth   = 4
	maxImages  = 64
	maxRecords = 1024
)

// An Image is a header and what it heads. Offsets are in the whole file.
type Image struct {
	Offset, Length int64 // of what follows the header
	Target         uint32
	Variant        uint32
	Version        uint32
	Sum            uint32 // byte sum of what follows the header
	SignatureAt    int64
	// Encrypted says that what follows is encrypted; its key comes out of a
	// blob in the header with a key that we do not have.
	Encrypted bool
	Images    []Image  // of a container
	Records   []Record // of the others, where they are not encrypted
}

// A Record is a named piece of an image.
type Record struct {
	Name           string
	Offset, Length int64
}

// HeaderAt is where the image's header begins.
func (m *Image) HeaderAt() int64 { return m.Offset - headerLength }

// Detect tells whether the file begins as one does.
func Detect(head []byte) bool {
	return len(head) >= 4 && binary.BigEndian.Uint32(head) == magic
}

// A reader counts what the whole file holds, so that nesting multiplies
// nothing.
type reader struct {
	untrusted.File
	images, records int
}

// Parse reads all headers and the names of records. With an error it returns
// what it read before.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	in := &reader{File: untrusted.File{R: r, Size: size}}
	return in.image(0, size, 0)
}

func (in *reader) image(at, end int64, depth int) (*Image, error) {
	m := &Image{Offset: at + headerLength, SignatureAt: at + signatureAt}
	if in.images++; in.images > maxImages {
		return m, untrusted.Errorf(at, "more than %d images", maxImages)
	}
	if headerLength > end-at {
		return m, untrusted.Errorf(at, "the header is cut short")
	}
	h, err := in.Bytes(at, headerLength, headerLength, "header")
	if err != nil {
		return m, err
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(h[at:]) }
	if u32(0) != magic {
		return m, untrusted.Errorf(at, "no image where the container says")
	}
	m.Target, m.Variant, m.Version, m.Length, m.Sum = u32(4), u32(8), u32(12), int64(u32(16)), u32(24)
	m.Encrypted = len(bytes.Trim(h[keyBlobAt:keyBlobAt+blobLength], "\x00")) > 0
	if m.Length > end-m.Offset {
		return m, untrusted.Errorf(at+16, "%d bytes reach beyond the end", m.Length)
	}
	if m.Target == targetContainer {
		return m, in.container(m, depth)
	}
	const single = 1 // one raw file without records
	if m.Encrypted || u32(28) == single {
		return m, nil
	}
	m.Records, err = in.list(m.Offset, m.Offset+m.Length, "", 0)
	return m, err
}

func (in *reader) container(m *Image, depth int) error {
	if depth == maxDepth {
		return untrusted.Errorf(m.Offset, "more than %d levels of containers", maxDepth)
	}
	for at, end := m.Offset, m.Offset+m.Length; at < end; {
		sub, err := in.image(at, end, depth+1)
		m.Images = append(m.Images, *sub)
		if err != nil {
			return err
		}
		at = sub.Offset + sub.Length
	}
	return nil
}

// list reads records up to one of zeros, or to the end.
func (in *reader) list(at, end int64, folder string, depth int) ([]Record, error) {
	var out []Record
	for end-at >= recordLength {
		h, err := in.Bytes(at, recordLength, recordLength, "record")
		if err != nil {
			return out, err
		}
		for i := range h {
			h[i] ^= mask
		}
		if len(bytes.Trim(h, "\x00")) == 0 {
			return out, nil
		}
		if binary.BigEndian.Uint32(h) != recordMagic {
			return out, untrusted.Errorf(at, "no record where the one before says")
		}
		if in.records++; in.records > maxRecords {
			return out, untrusted.Errorf(at, "more than %d records", maxRecords)
		}
		next, length := int64(binary.BigEndian.Uint32(h[4:])), int64(binary.BigEndian.Uint32(h[40:]))
		name, _, _ := bytes.Cut(h[8:40], []byte{0})
		switch {
		case !untrusted.SafeName(string(name)):
			return out, untrusted.Errorf(at+8, "a name that could lead outside its folder")
		case next < recordLength || next > end-at || length > next-recordLength:
			return out, untrusted.Errorf(at+4, "record %s reaches beyond the end", untrusted.Text(name))
		}
		r := Record{Name: folder + string(name), Offset: at + recordLength, Length: length}
		out = append(out, r)
		if strings.HasPrefix(string(name), "RomFS") && depth < maxDepth && in.isList(r) {
			inner, err := in.list(r.Offset, r.Offset+r.Length, r.Name+"/", depth+1)
			out = append(out, inner...)
			if err != nil {
				return out, err
			}
		}
		at += next
	}
	return out, nil
}

// isList tells whether a record's bytes begin with a record of their own.
func (in *reader) isList(r Record) bool {
	if r.Length < recordLength {
		return false
	}
	h, err := in.Bytes(r.Offset, 4, 4, "record")
	return err == nil && binary.BigEndian.Uint32(h)^0x42424242 == recordMagic
}
