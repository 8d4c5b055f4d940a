// Package dahua reads Dahua's update packages: ZIP archives whose first two
// bytes are DH instead of PK. OEM brands ship them, too.
//
// Most members are legacy U-Boot images around a file system. A member
// sign.img is in newer packages; neither its layout nor a key is published.
//
// Layout: public descriptions of the packages; the members' names are theirs.
package dahua

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"github.com/camsec/camsec/firmware/internal/uimage"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Magic is what a package begins with.
const Magic = "DH\x03\x04"

// maxText bounds the members that are read as text.
const maxText = 64 << 10

// A Package is the archive and what its text members say.
type Package struct {
	Members []Member
	// Directory is where the directory begins, End where the archive ends.
	Directory, End int64
	Vendor         string
	HardwareIDs    []string
	// Signature is the place of sign.img, nil where there is none.
	Signature *Member
	// Images are the U-Boot images that stand uncompressed in the package, by
	// member, with offsets in the package.
	Images map[string]*uimage.Image
}

// Detect tells whether the file begins as a package does.
func Detect(head []byte) bool { return bytes.HasPrefix(head, []byte(Magic)) }

// Parse reads the directory and the text members. With an error it returns
// what it read before.
func Parse(r io.ReaderAt, size int64) (*Package, error) {
	f := untrusted.File{R: r, Size: size}
	p := &Package{Images: map[string]*uimage.Image{}}
	var err error
	if p.Members, p.Directory, p.End, err = directory(f); err != nil {
		return p, err
	}
	for i := range p.Members {
		m := &p.Members[i]
		switch {
		case m.Encrypted:
		case m.Name == "Install", m.Name == "hwid":
			p.readText(f, m)
		case m.Name == "sign.img":
			p.Signature = m
		case m.Stored && strings.HasSuffix(m.Name, ".img"):
			if err := p.readImage(f, m); err != nil {
				return p, err
			}
		}
	}
	return p, nil
}

// readImage reads the header of a U-Boot image in the package; a member that
// is none is left alone.
func (p *Package) readImage(f untrusted.File, m *Member) error {
	in := io.NewSectionReader(f.R, m.Offset, m.Length)
	head := make([]byte, 4)
	if n, _ := in.ReadAt(head, 0); n < 4 || !uimage.Detect(head) {
		return nil
	}
	u, err := uimage.Parse(in, m.Length)
	if err != nil {
		return untrusted.Errorf(m.Offset, "%s: %v", m.Name, err)
	}
	u.Data += m.Offset
	for i := range u.Parts {
		u.Parts[i].Offset += m.Offset
	}
	p.Images[m.Name] = u
	return nil
}

// readText reads lines such as VENDOR:General and HWID:NAME:01.00 of Install,
// and the bare hardware ids of hwid. Text that breaks off is no error here:
// the member's CRC tells.
func (p *Package) readText(f untrusted.File, m *Member) {
	in := bufio.NewScanner(io.LimitReader(m.open(io.NewSectionReader(f.R, m.Offset, m.Length)), maxText))
	for in.Scan() {
		line := strings.TrimSpace(untrusted.Text(in.Bytes()))
		name, value, _ := strings.Cut(line, ":")
		switch {
		case m.Name == "hwid" && line != "":
			p.hardware(line)
		case strings.EqualFold(name, "HWID"):
			p.hardware(value)
		case strings.EqualFold(name, "VENDOR"):
			p.Vendor = strings.TrimSpace(value)
		}
	}
}

func (p *Package) hardware(id string) {
	id = strings.TrimSpace(id)
	for _, have := range p.HardwareIDs {
		if have == id {
			return
		}
	}
	if id != "" && len(p.HardwareIDs) < 64 {
		p.HardwareIDs = append(p.HardwareIDs, id)
	}
}
