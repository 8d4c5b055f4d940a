package firmware

import (
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"github.com/camsec/camsec/firmware/internal/dahua"
	"github.com/camsec/camsec/firmware/internal/pass"
)

var dahuaFormat = format{
	name:   FormatDahua,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return dahua.Detect(head) },
	parse:  readDahua,
}

func readDahua(r io.ReaderAt, size int64) (*parsed, error) {
	m, err := dahua.Parse(r, size)
	p := &parsed{
		image: Image{Claims: Claims{
			Vendor: Dahua, Description: m.Vendor, Hardware: m.HardwareIDs,
		}},
		opaque: "the layout and the key of Dahua's sign.img are not published; CRC32 can be forged",
	}
	for i := range m.Members {
		p.addDahuaMember(m, &m.Members[i])
	}
	p.image.Claims.Models = models(m.HardwareIDs)
	p.layout = append(p.layout, Range{m.Directory, m.End - m.Directory, "ZIP directory"},
		Range{m.End, size - m.End, "trailing data"})
	if m.Signature != nil {
		p.image.Signatures = append(p.image.Signatures, EmbeddedSignature{
			Offset: m.Signature.Offset, Length: m.Signature.Length, Note: "sign.img: neither its layout nor a key is published",
		})
	}
	return p, formatError(FormatDahua, err)
}

// models are the hardware ids without the revision: NAME:01.00.
func models(ids []string) []string {
	var out []string
	for _, id := range ids {
		if name, _, _ := strings.Cut(id, ":"); name != "" && (len(out) == 0 || out[len(out)-1] != name) {
			out = append(out, name)
		}
	}
	return out
}

func (p *parsed) addDahuaMember(m *dahua.Package, f *dahua.Member) {
	p.layout = append(p.layout, Range{f.Local, f.Offset - f.Local, "ZIP header of " + f.Name}, Range{f.Offset, f.End - f.Offset, f.Name})
	part := Part{Name: f.Name, Kind: "member", Offset: f.Offset, Length: f.Length, Opaque: f.Encrypted}
	if f.Encrypted {
		p.image.Parts = append(p.image.Parts, part)
		return // its CRC is that of what only the pass-phrase gives
	}
	sum := f.NewSum()
	covers := pass.Span{Off: f.Offset, Len: f.Length}
	if !f.Stored {
		covers.Len-- // the last byte may end in bits that mean nothing
	}
	p.checks = append(p.checks, &pass.Check{
		What: "CRC32 of " + f.Name, Strength: pass.Checksum,
		Sections: []pass.Section{{Off: f.Offset, Len: f.Length}}, To: sum, Finish: sum.Finish,
		Covers: []pass.Span{covers},
	})
	if u := m.Images[f.Name]; u != nil {
		part.Kind = u.Type
		if part.Name = f.Name; u.Name != "" {
			part.Name += " (" + u.Name + ")"
		}
		if u.Time.Unix() > 0 {
			p.image.Claims.Released = max(p.image.Claims.Released, u.Time.Format(time.DateOnly))
		}
		p.checks = append(p.checks, &pass.Check{
			What: "CRC32 of the header in " + f.Name, Strength: pass.Checksum, Covers: []pass.Span{},
			Finish: func() error {
				if !u.HeaderOK {
					return errors.New("differs from what the header says")
				}
				return nil
			},
		}, sumCheck("CRC32 of the data in "+f.Name, u.Data, u.Size, crc32.NewIEEE(), u.Sum))
	}
	p.image.Parts = append(p.image.Parts, part)
}
