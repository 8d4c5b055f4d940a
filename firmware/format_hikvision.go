package firmware

import (
	"fmt"
	"io"

	"github.com/camsec/camsec/firmware/internal/bytesum"
	"github.com/camsec/camsec/firmware/internal/hikvision"
	"github.com/camsec/camsec/firmware/internal/pass"
)

var hikvisionFormat = format{
	name:   FormatHikvision,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return hikvision.Detect(head) },
	parse:  readHikvision,
}

const anyOEM = 0xffffffff

func readHikvision(r io.ReaderAt, size int64) (*parsed, error) {
	m, err := hikvision.Parse(r, size)
	p := &parsed{
		image:  Image{Claims: Claims{Vendor: Hikvision}},
		opaque: "no key and no scheme of Hikvision's is published; byte sums can be forged",
	}
	for i := range m.Blocks {
		p.addHikvisionBlock(&m.Blocks[i], i)
	}
	p.layout = append(p.layout, Range{m.End, size - m.End, "trailing data"})
	return p, formatError(FormatHikvision, err)
}

func (p *parsed) addHikvisionBlock(b *hikvision.Block, i int) {
	if b.Kind != hikvision.HKWS {
		p.image.Parts = append(p.image.Parts, Part{Name: fmt.Sprintf("block %d", i), Kind: b.Kind, Offset: b.Offset, Length: b.Length, Opaque: true})
		p.layout = append(p.layout, Range{b.Offset, b.Length, b.Kind + " block, encrypted"})
		p.image.Notes = append(p.image.Notes, b.Kind+" block: encrypted with keys that stay in the devices, not looked into")
		return
	}
	if !b.HeaderRead {
		return
	}
	c := &p.image.Claims
	if c.DeviceClass == "" {
		c.Language, c.DeviceClass, c.Released = b.LanguageName(), fmt.Sprintf("0x%02X", b.DeviceClass), b.Released()
		if b.OEM != anyOEM {
			c.Hardware = []string{fmt.Sprintf("OEM 0x%08X", b.OEM)}
		}
	} else if c.Language != b.LanguageName() {
		p.image.Notes = append(p.image.Notes, fmt.Sprintf("block %d is of another language: %s", i, b.LanguageName()))
	}
	p.layout = append(p.layout, Range{b.Offset, b.HeaderLength, "header"})
	p.checks = append(p.checks, &pass.Check{
		What: fmt.Sprintf("sum of the header of block %d", i), Strength: pass.Checksum,
		Covers: []pass.Span{{Off: b.Offset, Len: b.HeaderLength}},
		Finish: func() error {
			if !b.HeaderOK {
				return errDiffers
			}
			return nil
		},
	})
	for _, f := range b.Files {
		p.image.Parts = append(p.image.Parts, Part{Name: f.Name, Kind: "file", Offset: f.Offset, Length: f.Length})
		p.layout = append(p.layout, Range{f.Offset, f.Length, f.Name})
		p.checks = append(p.checks, sumCheck("sum of "+f.Name, f.Offset, f.Length, bytesum.New(), f.Sum))
	}
	p.layout = append(p.layout, Range{b.Offset, b.Length, "between the files"})
}
