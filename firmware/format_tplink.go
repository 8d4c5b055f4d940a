package firmware

import (
	"fmt"
	"io"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/tplink"
)

var tplinkFormat = format{
	name:   FormatTPLink,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return tplink.Detect(head) },
	parse:  readTPLink,
}

func readTPLink(r io.ReaderAt, size int64) (*parsed, error) {
	m, err := tplink.Parse(r, size)
	if err != nil {
		return nil, formatError(FormatTPLink, err)
	}
	n := int64(len(m.Signature))
	end := m.SignatureAt + n
	return &parsed{
		image: Image{
			Claims: Claims{Vendor: TPLink, Description: m.Type},
			Parts:  []Part{{Name: "payload", Kind: m.Kind, Offset: end, Length: size - end}},
			Notes:  []string{"the signature holds no version: it does not protect from an older image"},
		},
		layout: []Range{
			{0, m.SignedFrom, "before the signed bytes"},
			{m.SignedFrom, m.SignatureAt - m.SignedFrom, "header"},
			{m.SignatureAt, n, "signature"},
			{end, size - end, "payload"},
		},
		signatures: []embedded{{
			scheme: "rsa-pss-sha256", value: m.Signature, at: pass.Span{Off: m.SignatureAt, Len: n},
			content: []pass.Section{
				{Off: m.SignedFrom, Len: m.SignatureAt - m.SignedFrom},
				{Literal: make([]byte, n)},
				{Off: end, Len: size - end},
			},
			covers: []pass.Span{{Off: m.SignedFrom, Len: size - m.SignedFrom}},
			about:  fmt.Sprintf("RSA-%d, over all from byte %d on with the signature taken as zeros", m.Bits, m.SignedFrom),
		}},
	}, nil
}
