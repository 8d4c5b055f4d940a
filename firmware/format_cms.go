package firmware

import (
	"io"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/pass"
)

// A CMS message with its content is a file of its own: what `openssl cms -sign
// -nodetach` writes. Its content may be of any size.
var cmsFormat = format{
	name: FormatCMS,
	detect: func(head []byte, r io.ReaderAt, size int64) bool {
		if !isSignedData(head) {
			return false
		}
		_, _, _, err := cms.Detach(r, size)
		return err == nil
	},
	parse: parseCMS,
}

func parseCMS(r io.ReaderAt, size int64) (*parsed, error) {
	message, off, n, err := cms.Detach(r, size)
	if err != nil {
		return nil, signatureError(FormatCMS, err)
	}
	end := off + n
	return &parsed{
		image: Image{
			Parts: []Part{{Name: "content", Kind: "what the message carries", Offset: off, Length: n}},
			Notes: []string{"a CMS message with its content: what the content is was not looked at"},
		},
		layout: []Range{
			{0, off, "message header"},
			{off, n, "content"},
			{end, size - end, "certificates and signatures"},
		},
		signatures: []embedded{{
			scheme: schemeCMS, value: message, at: pass.Span{Off: end, Len: size - end},
			content: []pass.Section{{Off: off, Len: n}},
			about:   "over the content that the message carries",
		}},
	}, nil
}
