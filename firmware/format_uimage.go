package firmware

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/uimage"
)

var uimageFormat = format{
	name:   FormatUImage,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return uimage.Detect(head) },
	parse:  readUImage,
}

func readUImage(r io.ReaderAt, size int64) (*parsed, error) {
	m, err := uimage.Parse(r, size)
	if err != nil {
		return nil, formatError(FormatUImage, err)
	}
	p := &parsed{image: Image{
		Claims: Claims{Description: m.Name},
		Parts:  []Part{{Name: m.Name, Kind: m.Type, Offset: m.Data, Length: m.Size}},
		Notes:  []string{"a CRC32 is no evidence of origin: whoever changes an image can make it right"},
	}}
	if m.Time.Unix() > 0 {
		p.image.Claims.Released = m.Time.Format(time.DateOnly)
	}
	for i, part := range m.Parts {
		p.image.Parts = append(p.image.Parts, Part{Name: fmt.Sprintf("part %d", i), Offset: part.Offset, Length: part.Length})
	}
	p.layout = []Range{{0, m.Data, "header"}, {m.Data, m.Size, "data"}, {m.Data + m.Size, size - m.Data - m.Size, "trailing data"}}
	p.checks = []*pass.Check{
		{
			What: "CRC32 of the header", Strength: pass.Checksum,
			Covers: []pass.Span{{Len: m.Data}},
			Finish: func() error {
				if !m.HeaderOK {
					return errors.New("differs from what the header says")
				}
				return nil
			},
		},
		sumCheck("CRC32 of the data", m.Data, m.Size, crc32.NewIEEE(), m.Sum),
	}
	return p, nil
}
