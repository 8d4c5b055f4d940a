// Package imagetest writes small firmware files of makers' formats by the
// public descriptions of their layouts. It shares nothing with the parsers
// under test.
package imagetest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
)

// File is a file of a package that a test builds; a zero offset is where
// the one before ends.
type File struct {
	Name         string
	Data         []byte
	Offset, Size uint32
}

// HKWS writes a package by the public description of its layout.
func HKWS(language uint32, files ...File) []byte {
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(files)))
	for _, v := range []uint32{language, 0x2c, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0x20230822, 1, 0} {
		head = binary.LittleEndian.AppendUint32(head, v)
	}
	headerLength := uint32(12 + len(head) + 44*len(files))
	at := headerLength
	var body []byte
	for _, f := range files {
		name := make([]byte, 32)
		copy(name, f.Name)
		head = append(head, name...)
		off, size := at, uint32(len(f.Data))
		if f.Offset != 0 {
			off = f.Offset
		}
		if f.Size != 0 {
			size = f.Size
		}
		head = binary.LittleEndian.AppendUint32(head, off)
		head = binary.LittleEndian.AppendUint32(head, size)
		head = binary.LittleEndian.AppendUint32(head, ByteSum(f.Data))
		body = append(body, f.Data...)
		at += uint32(len(f.Data))
	}
	out := append([]byte("SWKH"), binary.LittleEndian.AppendUint32(nil, ByteSum(head))...)
	out = binary.LittleEndian.AppendUint32(out, headerLength)
	return append(Hidden(append(out, head...)), body...)
}

// ByteSum adds up the bytes.
func ByteSum(b []byte) (sum uint32) {
	for _, c := range b {
		sum += uint32(c)
	}
	return sum
}

// Hidden hides a header, or shows a Hidden one.
func Hidden(b []byte) []byte {
	key := []byte{0xBA, 0xCD, 0xBC, 0xFE, 0xD6, 0xCA, 0xDD, 0xD3, 0xBA, 0xB9, 0xA3, 0xAB, 0xBF, 0xCB, 0xB5, 0xBE}
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ key[(i+(i>>4))%16]
	}
	return out
}

// OpaqueBlock is a block of a kind that is encrypted.
func OpaqueBlock(magic string) []byte {
	head := binary.LittleEndian.AppendUint32([]byte(magic), 0)
	head = binary.LittleEndian.AppendUint32(head, 0x200)
	return append(Hidden(binary.LittleEndian.AppendUint32(head, 2)), bytes.Repeat([]byte{0x5a}, 4096)...)
}

// Member is a member of an archive that a test builds.
type Member struct {
	Name   string
	Data   []byte
	Method uint16
	Raw    bool // without a data descriptor
}

// DHZip writes a package: a ZIP, and DH over its first two bytes.
func DHZip(members ...Member) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.Name, Method: m.Method}
		var out io.Writer
		var err error
		if m.Raw {
			h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc32.ChecksumIEEE(m.Data), uint64(len(m.Data)), uint64(len(m.Data))
			out, err = w.CreateRaw(h)
		} else {
			out, err = w.CreateHeader(h)
		}
		if err == nil {
			_, err = out.Write(m.Data)
		}
		if err != nil {
			panic(err) // a test's own mistake
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	b := buf.Bytes()
	copy(b, "DH")
	return b
}

// UImage writes a legacy U-Boot image by the layout in U-Boot's image.h.
func UImage(kind byte, name string, data []byte) []byte {
	h := make([]byte, 64)
	binary.BigEndian.PutUint32(h, 0x27051956)
	binary.BigEndian.PutUint32(h[8:], 1692662400)
	binary.BigEndian.PutUint32(h[12:], uint32(len(data)))
	binary.BigEndian.PutUint32(h[24:], crc32.ChecksumIEEE(data))
	h[28], h[29], h[30] = 5, 2, kind
	copy(h[32:], name)
	binary.BigEndian.PutUint32(h[4:], crc32.ChecksumIEEE(h))
	return append(h, data...)
}

// SLP writes a Tapo image with an empty signature.
func SLP(payload []byte) []byte {
	magic, _ := hex.DecodeString("55aa4c5e831f534ba1f8f7c918df8fbf7da1aa55")
	b := binary.BigEndian.AppendUint32(nil, 0x200)
	b = append(append(b, magic...), make([]byte, 8)...)
	return append(append(b, make([]byte, 256)...), payload...)
}

// FwType writes an image of the "fw-type:" kind with an empty signature.
func FwType(payload []byte) []byte {
	b := make([]byte, 0x130+256)
	copy(b[0x14:], "fw-type:Cloud\n")
	binary.BigEndian.PutUint32(b[0x110:], 0x200)
	return append(b, payload...)
}

// Bosch writes a file by the public description of its layout: one image,
// in a container or not.
func Bosch(inContainer bool, payload []byte) []byte {
	head := func(target uint32, body []byte) []byte {
		h := make([]byte, 0x400)
		for i, v := range []uint32{0x10122003, target, 0, 0x07810065, uint32(len(body)), 0, ByteSum(body), 0} {
			binary.BigEndian.PutUint32(h[4*i:], v)
		}
		return append(h, body...)
	}
	record := func(name string, data []byte) []byte {
		pad := -len(data) & 15
		b := binary.BigEndian.AppendUint32(nil, 0xDEADAFFE)
		b = binary.BigEndian.AppendUint32(b, uint32(0x40+len(data)+pad))
		b = append(b, append([]byte(name), make([]byte, 32-len(name))...)...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, make([]byte, 20)...)
		return append(append(b, data...), make([]byte, pad)...)
	}
	inner := append(record("inner", payload), make([]byte, 0x40)...)
	list := append(record("arm.app1", payload), record("RomFS_x", inner)...)
	list = append(list, make([]byte, 0x40)...)
	for i := range list {
		list[i] ^= 0x42
	}
	leaf := head(0x60, list)
	if inContainer {
		return head(0x10, append(bytes.Clone(leaf), leaf...))
	}
	return leaf
}
