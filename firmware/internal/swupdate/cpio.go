// Package swupdate reads SWUpdate's .swu files: a cpio archive of which the
// first member, sw-description, says what the others are and, when it is
// signed, holds their SHA-256.
//
// Source: SWUpdate's documentation (swupdate.rst, sw-description.rst,
// signed_images.rst); files of SWUpdate 2022.12 and GNU cpio seen.
package swupdate

import (
	"strconv"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

const (
	headerSize = 110
	maxName    = 1024
	maxMembers = 1024
	trailer    = "TRAILER!!!"
)

// A Member is a file in the archive.
type Member struct {
	Name string
	// Header is where the header begins; the data is at Offset.
	Header, Offset, Size int64
	// Sum is the sum of the data's bytes, where the archive has one: the CRC
	// form of cpio does not have a CRC, whatever its name.
	Sum    uint32
	HasSum bool
}

// Detect tells whether a file that starts with head may be an .swu: a cpio
// archive, in either of the new ASCII forms, whose first member is
// sw-description.
func Detect(head []byte) bool {
	const name = "sw-description\x00"
	return len(head) >= headerSize+len(name) && (string(head[:6]) == "070701" || string(head[:6]) == "070702") &&
		string(head[headerSize:headerSize+len(name)]) == name
}

// readArchive walks the archive's headers and returns its members and where
// it ends.
func readArchive(f untrusted.File) ([]Member, int64, error) {
	var out []Member
	seen := map[string]bool{}
	for at := int64(0); ; {
		m, err := readHeader(f, at)
		if err != nil {
			return nil, 0, err
		}
		end := m.Offset + m.Size
		if m.Name == trailer {
			return out, end, nil
		}
		switch {
		case len(out) >= maxMembers:
			return nil, 0, untrusted.Errorf(at, "more than %d members", maxMembers)
		case seen[m.Name]:
			// Which of the two is installed is up to who extracts them.
			return nil, 0, untrusted.Errorf(at, "two members of one name")
		case !untrusted.SafeName(m.Name):
			return nil, 0, untrusted.Errorf(at, "a member's name is no plain relative path")
		}
		seen[m.Name] = true
		out = append(out, m)
		at = (end + 3) &^ 3
	}
}

func readHeader(f untrusted.File, at int64) (Member, error) {
	b, err := f.Bytes(at, headerSize, headerSize, "cpio header")
	if err != nil {
		return Member{}, err
	}
	kind := string(b[:6])
	if kind != "070701" && kind != "070702" {
		return Member{}, untrusted.Errorf(at, "no cpio header")
	}
	// Thirteen fields of eight hexadecimal digits follow the magic.
	var field [13]int64
	for i := range field {
		v, err := strconv.ParseUint(string(b[6+8*i:14+8*i]), 16, 32)
		if err != nil {
			return Member{}, untrusted.Errorf(at+6+8*int64(i), "a cpio header field is not hexadecimal")
		}
		field[i] = int64(v)
	}
	nameLen := field[11]
	if nameLen < 2 {
		return Member{}, untrusted.Errorf(at, "a member without a name")
	}
	name, err := f.Bytes(at+headerSize, nameLen, maxName, "member name")
	if err != nil {
		return Member{}, err
	}
	for i, c := range name {
		if (c == 0) != (i == len(name)-1) {
			return Member{}, untrusted.Errorf(at+headerSize, "a member's name does not end where its header says")
		}
	}
	m := Member{
		Name: string(name[:len(name)-1]), Header: at, Offset: (at + headerSize + nameLen + 3) &^ 3,
		Size: field[6], Sum: uint32(field[12]), HasSum: kind == "070702", //nolint:gosec // parsed as 32 bits.
	}
	if !f.Holds(m.Offset, m.Size) {
		return Member{}, untrusted.Errorf(at, "a member of %d bytes reaches beyond the end of the file", m.Size)
	}
	return m, nil
}
