package firmware

import (
	"encoding/asn1"

	"github.com/camsec/camsec/firmware/internal/pass"
)

// certificatesName is what a report calls the certificates in a signature.
const certificatesName = "certificates in the signature"

// cmsCovers returns what of a CMS message at an offset of the file its own
// signature stands for: all but the certificates that it brings. These are a
// help to find a way to an anchor, and one that is not needed can be changed.
// The second result is where they are.
func cmsCovers(message []byte, at int64) (covers []pass.Span, certificates Range) {
	whole := pass.Span{Off: at, Len: int64(len(message))}
	certificates.What = certificatesName
	b := message
	// descend enters an element and returns where its contents begin.
	off := 0
	descend := func() bool {
		var e asn1.RawValue
		if _, err := asn1.Unmarshal(b[off:], &e); err != nil {
			return false
		}
		end := off + len(e.FullBytes)
		off += len(e.FullBytes) - len(e.Bytes)
		b = b[:end]
		return true
	}
	skip := func() bool {
		rest, err := asn1.Unmarshal(b[off:], new(asn1.RawValue))
		off = len(b) - len(rest)
		return err == nil
	}
	// ContentInfo, its type, [0], SignedData, then version, digest algorithms
	// and content.
	for _, step := range []func() bool{descend, skip, descend, descend, skip, skip, skip} {
		if !step() {
			return []pass.Span{whole}, certificates
		}
	}
	var e asn1.RawValue
	if _, err := asn1.Unmarshal(b[off:], &e); err != nil || e.Class != asn1.ClassContextSpecific || e.Tag != 0 {
		return []pass.Span{whole}, certificates
	}
	certificates.Offset, certificates.Length = at+int64(off), int64(len(e.FullBytes))
	end := certificates.Offset + certificates.Length
	return []pass.Span{{Off: at, Len: int64(off)}, {Off: end, Len: whole.Off + whole.Len - end}}, certificates
}
