// Package fwtool reads what OpenWrt's fwtool appends to an image: metadata in
// JSON and a signature, each in a chunk that ends with a trailer.
//
// Source: fwtool.c of openwrt/fwtool; files of that program seen.
package fwtool

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

const (
	magic       = 0x46577830 // "FWx0"
	trailerSize = 16
	infoHeader  = 8
	// maxChunk is what fwtool takes: 30 KiB of metadata and room.
	maxChunk  = 32 << 10
	maxChunks = 8
)

// Kinds of chunks.
const (
	kindSignature = 0
	kindInfo      = 1
)

// A Chunk is a piece that was appended. Start is where it begins, Offset and
// Length say where what it holds lies; the trailer follows that.
type Chunk struct {
	Kind           byte
	Start          int64
	Offset, Length int64
	// Sum is the CRC of everything before the trailer, as the file has it.
	Sum uint32
}

// End is where the chunk's trailer ends.
func (c Chunk) End() int64 { return c.Offset + c.Length + trailerSize }

// Info tells whether the chunk holds metadata.
func (c Chunk) Info() bool { return c.Kind == kindInfo }

// IsSignature tells whether the chunk is of the kind that holds a signature.
func (c Chunk) IsSignature() bool { return c.Kind == kindSignature }

// SumIs tells whether the CRC-32 (IEEE) of everything before the trailer is
// the one that the chunk says. fwtool leaves out the final inversion.
func (c Chunk) SumIs(sum uint32) bool { return ^sum == c.Sum }

// A File is an image with what was appended.
type File struct {
	// Image is how long the image itself is.
	Image int64
	// Chunks are what was appended, in the order of the file.
	Chunks []Chunk
	// Signature is what the last chunk holds when that is a signature, and
	// SignatureAt where the chunk begins: everything before is signed. fwtool
	// finds no other signature.
	Signature   []byte
	SignatureAt int64
	Metadata    Metadata
}

// Metadata is what an image says of itself.
type Metadata struct {
	Devices []string // supported_devices
	Dist    string
	Version string
	// Revision, Target and Board are of the version, too.
	Revision, Target, Board string
	CompatVersion           string
}

// Detect tells whether the file ends with a trailer. The two programs that
// read them look nowhere else.
func Detect(r io.ReaderAt, size int64) bool {
	b, err := untrusted.File{R: r, Size: size}.Bytes(size-trailerSize, trailerSize, trailerSize, "trailer")
	return err == nil && binary.BigEndian.Uint32(b) == magic
}

// Parse walks the chunks from the end of the file.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	f := untrusted.File{R: r, Size: size}
	out := &File{Image: size}
	info := 0
	for out.Image >= trailerSize {
		at := out.Image - trailerSize
		b, err := f.Bytes(at, trailerSize, trailerSize, "trailer")
		if err != nil {
			return nil, err
		}
		if binary.BigEndian.Uint32(b) != magic {
			break
		}
		// The size counts the trailer.
		n := int64(binary.BigEndian.Uint32(b[12:]))
		c := Chunk{Kind: b[8], Start: out.Image - n, Offset: out.Image - n, Length: n - trailerSize, Sum: binary.BigEndian.Uint32(b[4:])}
		switch {
		case n < trailerSize || n > maxChunk || c.Start < 0:
			return nil, untrusted.Errorf(at+12, "a chunk of %d bytes", n)
		case len(out.Chunks) >= maxChunks:
			return nil, untrusted.Errorf(at, "more than %d chunks", maxChunks)
		case b[9]|b[10]|b[11] != 0:
			return nil, untrusted.Errorf(at+9, "padding that is not zero")
		}
		body, err := f.Bytes(c.Offset, c.Length, maxChunk, "chunk")
		if err != nil {
			return nil, err
		}
		switch {
		case c.Kind == kindInfo:
			if info++; info > 1 {
				return nil, untrusted.Errorf(at, "metadata twice")
			}
			if err := out.Metadata.read(body, c.Offset); err != nil {
				return nil, err
			}
			c.Offset, c.Length = c.Offset+infoHeader, c.Length-infoHeader
		case c.Kind == kindSignature && len(out.Chunks) == 0:
			out.Signature, out.SignatureAt = body, c.Start
		}
		out.Chunks = append(out.Chunks, c)
		out.Image = c.Start
	}
	if len(out.Chunks) == 0 {
		return nil, untrusted.Errorf(size, "no trailer")
	}
	slices.Reverse(out.Chunks)
	return out, nil
}

// read reads an info chunk: version and flags, which must be zero, and JSON.
func (m *Metadata) read(b []byte, at int64) error {
	if len(b) < infoHeader || binary.BigEndian.Uint64(b) != 0 {
		return untrusted.Errorf(at, "metadata of a version that is not known")
	}
	var v struct {
		Devices []string `json:"supported_devices"`
		Compat  string   `json:"compat_version"`
		Version struct{ Dist, Version, Revision, Target, Board string }
	}
	if json.Unmarshal(bytes.TrimRight(b[infoHeader:], "\x00"), &v) != nil {
		return untrusted.Errorf(at+infoHeader, "the metadata is no JSON")
	}
	for _, d := range v.Devices {
		m.Devices = append(m.Devices, untrusted.Text([]byte(d)))
	}
	for _, s := range []struct {
		dst *string
		src string
	}{
		{&m.Dist, v.Version.Dist},
		{&m.Version, v.Version.Version},
		{&m.Revision, v.Version.Revision},
		{&m.Target, v.Version.Target},
		{&m.Board, v.Version.Board},
		{&m.CompatVersion, v.Compat},
	} {
		*s.dst = untrusted.Text([]byte(s.src))
	}
	return nil
}

// IsCert tells whether a signature chunk holds a chain of certificates, as
// ucert makes it, and not the text of a bare signature.
func IsCert(b []byte) bool { return !bytes.HasPrefix(b, []byte("untrusted comment:")) }
