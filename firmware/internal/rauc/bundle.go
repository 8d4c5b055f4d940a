// Package rauc reads RAUC bundles: a SquashFS, in two of the three formats a
// dm-verity hash tree behind it, then a CMS message, then its size.
//
// Source: RAUC's reference manual, sections "Bundle Formats" and "Manifest";
// bundles of RAUC 1.8 seen in all three formats.
package rauc

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strconv"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Bundle formats.
const (
	Plain  = "plain"
	Verity = "verity"
	Crypt  = "crypt"
)

const (
	trailerSize = 8
	blockSize   = 4096
	// maxCMS is far above the 64 KiB that RAUC itself takes: an encrypted
	// message grows with its recipients.
	maxCMS = 1 << 20
	// squashHead is what of a SquashFS superblock is read: magic and the
	// bytes that the file system uses.
	squashHead = 48
)

var (
	oidSigned    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidEnveloped = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 3}
	// signedPrefix is how the content type of signed data is encoded.
	signedPrefix = []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0xd, 1, 7}
)

// A Bundle is what a bundle says of itself; none of it is verified.
type Bundle struct {
	// Format is empty when the message is encrypted: only the recipient can
	// tell.
	Format string
	// Payload is how long the SquashFS is, Tree the hash tree behind it.
	Payload, Tree int64
	CMS           []byte
	CMSAt         int64
	// Encrypted tells that the message is encrypted to a recipient: neither
	// manifest nor signature can be read without the recipient's key.
	Encrypted bool
	// Content is the manifest's text out of the message, nil for plain
	// bundles: their message signs the payload.
	Content  []byte
	Manifest *Manifest
	Root     []byte // verity-hash
	Salt     []byte // verity-salt
}

// Detect tells whether the file may be a bundle: it ends with the size of a
// CMS message that begins exactly there. A SquashFS with such a message behind
// it is taken for a bundle with a broken trailer.
func Detect(head []byte, r io.ReaderAt, size int64) bool {
	f := untrusted.File{R: r, Size: size}
	if _, _, err := findCMS(f); err == nil {
		return true
	}
	if len(head) < squashHead || string(head[:4]) != "hsqs" {
		return false
	}
	used := binary.LittleEndian.Uint64(head[40:])
	if used > uint64(max(size, 0)) {
		return false
	}
	// The message is behind whole blocks, and messages are short.
	end := size &^ (blockSize - 1)
	for at := end; at >= int64(used) && at > end-(64<<10); at -= blockSize { //nolint:gosec // used is at most size.
		b, err := f.Bytes(at, min(16, size-at), 16, "message")
		if err == nil && len(b) == 16 && b[0] == 0x30 && bytes.Contains(b, signedPrefix[:8]) {
			return true
		}
	}
	return false
}

// findCMS reads the trailer and tells where the message is.
func findCMS(f untrusted.File) (off, n int64, err error) {
	b, err := f.Bytes(f.Size-trailerSize, trailerSize, trailerSize, "trailer")
	if err != nil {
		return 0, 0, err
	}
	size := binary.BigEndian.Uint64(b)
	switch {
	case size == 0:
		return 0, 0, untrusted.Errorf(f.Size-trailerSize, "the trailer says that the signature is empty")
	case size > uint64(f.Size-trailerSize): //nolint:gosec // the trailer was read, so the file is longer.
		return 0, 0, untrusted.Errorf(f.Size-trailerSize, "a signature of %d bytes is longer than the file", size)
	case size > maxCMS:
		return 0, 0, untrusted.Errorf(f.Size-trailerSize, "a signature of %d bytes, more than the limit of %d", size, maxCMS)
	}
	n = int64(size)
	off = f.Size - trailerSize - n
	head, err := f.Bytes(off, min(n, 16), 16, "signature")
	if err != nil {
		return 0, 0, err
	}
	if untrusted.DER(head) != n || !bytes.Contains(head, signedPrefix[:min(8, len(head))]) {
		return 0, 0, untrusted.Errorf(off, "no CMS message of the trailer's size")
	}
	return off, n, nil
}

// Parse reads the trailer, the message and the manifest in it.
func Parse(r io.ReaderAt, size int64) (*Bundle, error) {
	f := untrusted.File{R: r, Size: size}
	off, n, err := findCMS(f)
	if err != nil {
		return nil, err
	}
	b := &Bundle{CMSAt: off, Payload: off}
	if b.CMS, err = f.Bytes(off, n, maxCMS, "signature"); err != nil {
		return nil, err
	}
	content, encrypted, err := contentOf(b.CMS)
	if err != nil {
		return nil, untrusted.Errorf(off, "%s", err)
	}
	switch {
	case encrypted:
		b.Encrypted = true
		return b, nil
	case content == nil:
		b.Format = Plain
		return b, nil
	}
	b.Content = content
	if b.Manifest, err = ParseManifest(content); err != nil {
		return nil, untrusted.Errorf(off, "%s", err)
	}
	return b, b.verity()
}

// verity reads what the manifest says of the hash tree.
func (b *Bundle) verity() error {
	bad := func(what string) error { return untrusted.Errorf(b.CMSAt, "manifest: %s", what) }
	b.Format = b.Manifest.Get("bundle", "format")
	if b.Format != Verity && b.Format != Crypt {
		return bad("a message with a manifest, but the format is neither verity nor crypt")
	}
	var err error
	if b.Root, err = hex.DecodeString(b.Manifest.Get("bundle", "verity-hash")); err != nil || len(b.Root) != 32 {
		return bad("verity-hash is no SHA-256")
	}
	if b.Salt, err = hex.DecodeString(b.Manifest.Get("bundle", "verity-salt")); err != nil || len(b.Salt) != 32 {
		return bad("verity-salt is not 32 bytes")
	}
	b.Tree, err = strconv.ParseInt(b.Manifest.Get("bundle", "verity-size"), 10, 64)
	if err != nil || b.Tree <= 0 || b.Tree >= b.CMSAt {
		return bad("verity-size is no size of a tree in this file")
	}
	b.Payload = b.CMSAt - b.Tree
	if b.Payload%blockSize != 0 || TreeSize(b.Payload) != b.Tree {
		return bad("verity-size is not that of a tree over this payload")
	}
	return nil
}

// contentOf looks into a CMS message: what it contains, or that it is
// encrypted. Whether it is well-formed is the verifier's business.
func contentOf(message []byte) (content []byte, encrypted bool, err error) {
	var info struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue // [0] EXPLICIT
	}
	if _, err := asn1.Unmarshal(message, &info); err != nil {
		return nil, false, err
	}
	switch {
	case info.Type.Equal(oidEnveloped):
		return nil, true, nil
	case !info.Type.Equal(oidSigned):
		return nil, false, asn1.StructuralError{Msg: "neither signed nor encrypted data"}
	}
	var signed asn1.RawValue
	if _, err := asn1.Unmarshal(info.Content.Bytes, &signed); err != nil {
		return nil, false, err
	}
	// Of the sequence, version and digest algorithms come before the content.
	var version int
	var digests asn1.RawValue
	var inner struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,optional,tag:0"`
	}
	in := signed.Bytes
	for _, part := range []any{&version, &digests, &inner} {
		if in, err = asn1.Unmarshal(in, part); err != nil {
			return nil, false, err
		}
	}
	return inner.Content, false, nil
}
