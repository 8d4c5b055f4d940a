package firmware

import (
	"bytes"
	"errors"
	"io"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/signify"
)

// Files that signify signed as a whole: the signature's two lines with the
// message after them (-e), and gzip files with the signature in their comment
// (-z).
var signifyFormat = format{
	name: FormatSignify,
	detect: func(head []byte, _ io.ReaderAt, size int64) bool {
		if signify.IsGzip(head) {
			return true
		}
		_, end, err := signify.Head(head)
		// What minisign writes after its signature is no message.
		return err == nil && int64(end) < size && !bytes.HasPrefix(head[end:], []byte("trusted comment:"))
	},
	parse: parseSignify,
}

func parseSignify(r io.ReaderAt, size int64) (*parsed, error) {
	head := make([]byte, min(size, headLength))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, orShort(err)
	}
	if signify.IsGzip(head) {
		return parseSignifyGzip(r, size)
	}
	_, n, err := signify.Head(head)
	if err != nil {
		return nil, signatureError(FormatSignify, err)
	}
	end := int64(n)
	return &parsed{
		image: Image{
			Parts: []Part{{Name: "message", Offset: end, Length: size - end}},
			Notes: []string{"a file with signify's signature before it: what the file is was not looked at"},
		},
		layout: []Range{{0, end, "signature"}, {end, size - end, "message"}},
		signatures: []embedded{{
			scheme: schemeSignify, value: head[:end], at: pass.Span{Len: end},
			content: []pass.Section{{Off: end, Len: size - end}},
			about:   "over all after the signature",
		}},
	}, nil
}

func parseSignifyGzip(r io.ReaderAt, size int64) (*parsed, error) {
	g, err := signify.ParseGzip(r, size)
	if err != nil {
		return nil, signatureError(FormatSignify, err)
	}
	value := make([]byte, g.SignatureLen)
	if n, err := r.ReadAt(value, g.SignatureAt); n < len(value) {
		return nil, orShort(err)
	}
	text, data := g.SignatureAt+g.SignatureLen, size-g.DataAt
	to, right := g.Blocks()
	return &parsed{
		image: Image{
			Parts: []Part{{Name: "compressed data", Kind: "gzip", Offset: g.DataAt, Length: data}},
			Notes: []string{"a gzip file that signify signed: what it compresses was not looked at"},
		},
		layout: []Range{
			{0, g.SignatureAt, "gzip header"},
			{g.SignatureAt, g.SignatureLen, "signature"},
			{text, g.DataAt - text, "digests of the blocks"},
			{g.DataAt, data, "compressed data"},
		},
		checks: []*pass.Check{{
			What: "SHA512/256 of each block", Strength: pass.Digest,
			Sections: []pass.Section{{Off: g.DataAt, Len: data}}, To: to,
			Finish: func() error {
				if !right() {
					return errDiffers
				}
				return nil
			},
		}},
		signatures: []embedded{{
			scheme: schemeSignify, value: value, at: pass.Span{Off: g.SignatureAt, Len: g.SignatureLen},
			content: []pass.Section{{Off: text, Len: int64(len(g.Text))}},
			covers:  []pass.Span{{Off: text, Len: size - text}},
			about:   "over the digests of the blocks",
		}},
	}, nil
}

// signatureError puts the complaint of a signature's parser into the form of
// a format's.
func signatureError(format string, err error) error {
	if e, ok := errors.AsType[*sig.Error](err); ok {
		return &FormatError{Format: format, Reason: e.Reason}
	}
	return err
}
