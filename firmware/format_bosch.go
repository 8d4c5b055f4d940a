package firmware

import (
	"fmt"
	"io"

	"github.com/camsec/camsec/firmware/internal/bosch"
	"github.com/camsec/camsec/firmware/internal/bytesum"
)

var boschFormat = format{
	name:   FormatBosch,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return bosch.Detect(head) },
	parse:  readBosch,
}

func readBosch(r io.ReaderAt, size int64) (*parsed, error) {
	m, err := bosch.Parse(r, size)
	p := &parsed{
		image: Image{Claims: Claims{
			Vendor: Bosch, Version: boschVersion(m.Version), DeviceClass: fmt.Sprintf("0x%02X", m.Target),
		}},
		opaque: "what Bosch's signature signs, and with which padding, is not published",
	}
	p.addBosch(m, "")
	end := m.Offset + m.Length
	p.layout = append(p.layout, Range{end, size - end, "trailing data"})
	return p, formatError(FormatBosch, err)
}

// boschVersion reads 0x07810065 as 7.81.0065, the form that Bosch prints.
func boschVersion(v uint32) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%x.%02x.%04x", v>>24, v>>16&0xff, v&0xffff)
}

func (p *parsed) addBosch(m *bosch.Image, path string) {
	name := fmt.Sprintf("%starget 0x%02X", path, m.Target)
	p.image.Parts = append(p.image.Parts, Part{Name: name, Kind: "image", Offset: m.Offset, Length: m.Length, Opaque: m.Encrypted})
	p.image.Signatures = append(p.image.Signatures, EmbeddedSignature{
		Offset: m.SignatureAt, Length: 256, Note: "present, not verified: its scheme is not published",
	})
	p.layout = append(p.layout, Range{m.HeaderAt(), m.Offset - m.HeaderAt(), "header of " + name})
	p.checks = append(p.checks, sumCheck("sum of "+name, m.Offset, m.Length, bytesum.New(), m.Sum))
	for _, r := range m.Records {
		p.image.Parts = append(p.image.Parts, Part{Name: name + "/" + r.Name, Kind: "record", Offset: r.Offset, Length: r.Length})
	}
	for i := range m.Images {
		p.addBosch(&m.Images[i], fmt.Sprintf("%s/%d ", name, i))
	}
	p.layout = append(p.layout, Range{m.Offset, m.Length, name})
}
