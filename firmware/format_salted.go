package firmware

import (
	"bytes"
	"io"

	"github.com/camsec/camsec/firmware/internal/pass"
)

// saltedFormat is a file that "openssl enc" encrypted with a pass-phrase, as
// older Hanwha and Foscam images are. Nothing in the file tells the maker.
var saltedFormat = format{
	name:   FormatSalted,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return bytes.HasPrefix(head, []byte("Salted__")) },
	parse:  readSalted,
}

const (
	saltedHeader = 16 // magic and salt
	aesBlock     = 16
)

func readSalted(_ io.ReaderAt, size int64) (*parsed, error) {
	if size < saltedHeader+aesBlock || size%aesBlock != 0 {
		return nil, &FormatError{Format: FormatSalted, Offset: size, Reason: "not a whole number of cipher blocks: cut short, or something follows"}
	}
	return &parsed{
		image: Image{
			Parts: []Part{{Name: "payload", Kind: "AES-CBC by pass-phrase", Offset: saltedHeader, Length: size - saltedHeader, Opaque: true}},
			Notes: []string{
				"the form of older Hanwha images (AES-256) and of Foscam images (AES-128, key by MD5); the file does not tell which",
				"Hanwha stated on 2025-06-13 that the pass-phrases of older series are known and that these do not support secure updates: such images can be forged",
			},
		},
		layout: []Range{{0, saltedHeader, "magic and salt"}, {saltedHeader, size - saltedHeader, "encrypted payload"}},
		checks: []*pass.Check{},
		opaque: "encrypted with a pass-phrase that devices share; whoever knows it can make such an image",
	}, nil
}
