package cms

import (
	"io"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// maxHead bounds what stands before the content: version and algorithms.
const maxHead = 4 << 10

// Detach splits a file that is a message with its content: it returns the
// same message without the content, and where the content stands. No
// signature depends on where that is. The content is not read, so it may be
// of any size.
//
// The error is a *[sig.Error], or one of reading r.
func Detach(r io.ReaderAt, size int64) (message []byte, off, n int64, err error) {
	d := &splitter{f: untrusted.File{R: r, Size: size}}
	info := d.open(span{0, size}, cbasn1.SEQUENCE, true)
	kind := d.element(&info, cbasn1.OBJECT_IDENTIFIER)
	data := d.open(d.open(info, explicit0, true), cbasn1.SEQUENCE, true)
	version := d.element(&data, cbasn1.INTEGER)
	algorithms := d.element(&data, cbasn1.SET)
	encap := d.open(data, cbasn1.SEQUENCE, false)
	rest := span{encap.end, data.end}
	contentKind := d.element(&encap, cbasn1.OBJECT_IDENTIFIER)
	content := d.open(d.open(encap, explicit0, true), cbasn1.OCTET_STRING, true)
	tail := d.bytes(rest, MaxSize)
	if d.err != nil {
		return nil, 0, 0, d.err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(kind)
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(version)
				b.AddBytes(algorithms)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(contentKind) })
				b.AddBytes(tail)
			})
		})
	})
	message, err = b.Bytes()
	if err != nil {
		return nil, 0, 0, malformed("the message cannot be split: %v", err)
	}
	return message, content.off, content.end - content.off, nil
}

// A span is a byte range of the file.
type span struct{ off, end int64 }

// A splitter walks through DER in a file. After the first error it does
// nothing more.
type splitter struct {
	f   untrusted.File
	err error
}

// open returns the content of the element at the beginning of in, which must
// have the tag. Where all is set the element must reach to the end of in.
func (d *splitter) open(in span, tag cbasn1.Tag, all bool) span {
	head := d.bytes(span{in.off, min(in.end, in.off+6)}, 6)
	if d.err != nil {
		return span{}
	}
	if len(head) < 2 || head[0] != byte(tag) {
		return d.fail("the message is not laid out as SignedData with content")
	}
	n, skip := int64(head[1]), 2
	if n >= 0x80 {
		octets := int(n &^ 0x80)
		if octets == 0 || octets > 4 || len(head) < 2+octets {
			return d.fail("a length that is not DER")
		}
		n = 0
		for _, b := range head[2 : 2+octets] {
			n = n<<8 | int64(b)
		}
		if n < 0x80 || n>>(8*(octets-1)) == 0 {
			return d.fail("a length that is not DER")
		}
		skip += octets
	}
	out := span{in.off + int64(skip), in.off + int64(skip) + n}
	switch {
	case out.end > in.end:
		return d.fail("an element reaches beyond the one that it is in")
	case all && out.end != in.end:
		return d.fail("bytes after an element that should be the last")
	}
	return out
}

// element returns the whole of a small element and moves in behind it.
func (d *splitter) element(in *span, tag cbasn1.Tag) []byte {
	content := d.open(*in, tag, false)
	b := d.bytes(span{in.off, content.end}, maxHead)
	in.off = content.end
	return b
}

func (d *splitter) bytes(s span, limit int64) []byte {
	if d.err != nil {
		return nil
	}
	b, err := d.f.Bytes(s.off, s.end-s.off, limit, "message")
	if err != nil {
		if e, ok := err.(*untrusted.Error); ok { //nolint:errorlint // made just above.
			err = malformed("%s", e.Reason)
		}
		d.err = err
	}
	return b
}

func (d *splitter) fail(reason string) span {
	if d.err == nil {
		d.err = malformed("%s", reason)
	}
	return span{}
}
