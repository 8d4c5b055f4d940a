package firmware

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Formats that are known by sight and left to other modules: they need more
// than this one brings.
const (
	FormatUEFICapsule  = "uefi-capsule"
	FormatAuthenticode = "authenticode"
	FormatSUIT         = "suit"
	FormatTUF          = "tuf"
	FormatOpenPGP      = "openpgp"
)

// foreignFormats recognise, and say that nothing was verified and why.
func foreignFormats() []format {
	return []format{
		foreign(FormatUEFICapsule, isCapsule),
		foreign(FormatAuthenticode, isAuthenticode),
		foreign(FormatSUIT, func(head []byte) bool { return bytes.HasPrefix(head, []byte{0xd8, 0x6b}) }),
		foreign(FormatTUF, isTUF),
		foreign(FormatOpenPGP, func(head []byte) bool {
			// Signatures are shorter than what detect is shown.
			return bytes.HasPrefix(head, []byte("-----BEGIN PGP ")) || len(head) < headLength && isOpenPGPSignature(head)
		}),
	}
}

func foreign(name string, is func(head []byte) bool) format {
	return format{
		name:   name,
		detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return is(head) },
		parse: func(_ io.ReaderAt, size int64) (*parsed, error) {
			return &parsed{
				image: Image{
					Parts: []Part{{Name: name, Kind: name, Length: size, Opaque: true}},
				},
				layout: []Range{{0, size, "not looked into"}},
				opaque: name + " files are recognised and not verified by this module",
			}, nil
		},
	}
}

// isCapsule tells a UEFI FMP capsule by the GUID that begins it, 6dcbd5ed-
// e82d-4c44-bda1-7194199ad92a (UEFI specification, section 23.3).
func isCapsule(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0xed, 0xd5, 0xcb, 0x6d, 0x2d, 0xe8, 0x44, 0x4c, 0xbd, 0xa1, 0x71, 0x94, 0x19, 0x9a, 0xd9, 0x2a})
}

// isAuthenticode tells the files that Authenticode signs: PE images and
// cabinets.
func isAuthenticode(head []byte) bool {
	if bytes.HasPrefix(head, []byte("MSCF\x00\x00\x00\x00")) {
		return true
	}
	if len(head) < 0x40 || !bytes.HasPrefix(head, []byte("MZ")) {
		return false
	}
	at := binary.LittleEndian.Uint32(head[0x3c:])
	return uint64(at)+4 <= uint64(len(head)) && bytes.Equal(head[at:at+4], []byte("PE\x00\x00"))
}

// isTUF tells a role's metadata: {"signatures": …, "signed": {"_type": …}}.
// Its members may come in any order, and the first may be long.
func isTUF(head []byte) bool {
	text := bytes.TrimLeft(head, " \t\r\n")
	if !bytes.HasPrefix(text, []byte("{")) || !bytes.Contains(text, []byte(`"signed"`)) {
		return false
	}
	return bytes.Contains(text, []byte(`"_type"`)) || bytes.Contains(text, []byte(`"signatures"`))
}
