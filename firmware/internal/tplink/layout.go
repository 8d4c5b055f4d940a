// Package tplink finds the signature in TP-Link images: Tapo and IPC images
// and those of the "fw-type:" kind.
//
// Layout: TP-Link's own verifier, published with its GPL code, and images
// whose signature that verifier accepts.
package tplink

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

var (
	slpMagic    = []byte{0x55, 0xAA, 0x4C, 0x5E, 0x83, 0x1F, 0x53, 0x4B, 0xA1, 0xF8, 0xF7, 0xC9, 0x18, 0xDF, 0x8F, 0xBF, 0x7D, 0xA1, 0xAA, 0x55}
	fwTypeMagic = []byte("fw-type:")
)

const (
	slpMagicAt   = 4
	slpSignature = 0x20

	fwTypeAt        = 0x14
	fwTypeLength    = 0x110
	fwTypeSignature = 0x130
)

// An Image says where the signature stands and what it signs.
type Image struct {
	// Kind is "slp" (Tapo, IPC) or "fw-type".
	Kind string
	// Type is the text after "fw-type:".
	Type string
	// Signature are the signature's octets in the usual order, most
	// significant first; the file has them reversed.
	Signature []byte
	// SignatureAt is where they stand; they count as zeros in what is signed.
	SignatureAt int64
	// SignedFrom is where the signed bytes begin; they reach to the end.
	SignedFrom int64
	// Bits is the size of the key that the length word tells.
	Bits int
}

// Detect tells whether the file begins as one of the two kinds.
func Detect(head []byte) bool { return isSLP(head) || isFwType(head) }

func isSLP(head []byte) bool { return at(head, slpMagicAt, slpMagic) }

func isFwType(head []byte) bool { return at(head, fwTypeAt, fwTypeMagic) }

func at(head []byte, off int, want []byte) bool {
	return len(head) >= off+len(want) && bytes.Equal(head[off:off+len(want)], want)
}

// Parse reads the header. A length word that is none of the two known ones is
// an error.
func Parse(r io.ReaderAt, size int64) (*Image, error) {
	f := untrusted.File{R: r, Size: size}
	head, err := f.Bytes(0, min(size, fwTypeSignature), fwTypeSignature, "header")
	if err != nil {
		return nil, err
	}
	m := &Image{}
	var lengthAt int
	switch {
	case isSLP(head):
		m.Kind, m.SignatureAt = "slp", slpSignature
	case isFwType(head):
		m.Kind, m.SignatureAt, m.SignedFrom, lengthAt = "fw-type", fwTypeSignature, fwTypeAt, fwTypeLength
		if len(head) < fwTypeSignature {
			return nil, untrusted.Errorf(size, "the header is cut short")
		}
		text, _, _ := bytes.Cut(head[fwTypeAt+len(fwTypeMagic):fwTypeLength], []byte("\n"))
		m.Type = untrusted.Text(text)
	default:
		return nil, untrusted.Errorf(0, "no TP-Link magic")
	}
	// The word is twice the signature's length in bytes.
	var n int64
	switch w := binary.BigEndian.Uint32(head[lengthAt:]); w {
	case 0x200, 0x100:
		n = int64(w / 2)
	default:
		return nil, untrusted.Errorf(int64(lengthAt), "a signature length of %#x is not known", w)
	}
	m.Bits = int(n) * 8
	if m.Signature, err = f.Bytes(m.SignatureAt, n, 256, "signature"); err != nil {
		return nil, err
	}
	slices.Reverse(m.Signature)
	return m, nil
}
