package dahua

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Limits. Packages have about a dozen members and some 100 MB.
const (
	maxMembers   = 512
	maxDirectory = 1 << 20
	maxInflated  = 1 << 30 // of all members together
)

const (
	localLength   = 30
	centralLength = 46
	endLength     = 22
	maxComment    = 65535

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3

	methodStore   = 0
	methodDeflate = 8
)

// A Member is a file in the package.
type Member struct {
	Name           string
	Stored         bool // as it is; otherwise deflated
	Encrypted      bool
	Local          int64 // where its local header begins
	Offset, Length int64 // its bytes as they stand in the package
	End            int64 // after them, with a data descriptor if there is one
	Size           int64 // inflated
	CRC            uint32
}

// directory reads the central directory and holds every entry against its
// local header: a reader that starts at the other end must not see another
// package. It returns the members by their place in the file, where the
// directory begins, and where the package ends.
func directory(f untrusted.File) (members []Member, at, end int64, err error) {
	tail, err := f.Bytes(max(0, f.Size-endLength-maxComment), min(f.Size, endLength+maxComment), endLength+maxComment, "end of the package")
	if err != nil {
		return nil, 0, 0, err
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || len(tail)-i < endLength {
		return nil, 0, 0, untrusted.Errorf(f.Size, "the directory's end is missing: not a whole package")
	}
	e := tail[i:]
	endAt := f.Size - int64(len(e))
	u16 := func(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint16(b[at:])) }
	u32 := func(b []byte, at int) int64 { return int64(binary.LittleEndian.Uint32(b[at:])) }
	count, length := u16(e, 10), u32(e, 12)
	at = u32(e, 16)
	end = endAt + endLength + u16(e, 20)
	switch {
	case u16(e, 4) != 0 || u16(e, 6) != 0 || u16(e, 8) != count:
		return nil, 0, 0, untrusted.Errorf(endAt, "a package in several volumes")
	case count > maxMembers:
		return nil, 0, 0, untrusted.Errorf(endAt, "%d members, more than the limit of %d", count, maxMembers)
	case at+length != endAt:
		return nil, 0, 0, untrusted.Errorf(endAt, "the directory is not where its end says")
	case end > f.Size:
		return nil, 0, 0, untrusted.Errorf(endAt, "the comment reaches beyond the end of the file")
	}
	dir, err := f.Bytes(at, length, maxDirectory, "directory")
	if err != nil {
		return nil, 0, 0, err
	}
	var total int64
	for range count {
		if len(dir) < centralLength || string(dir[:4]) != "PK\x01\x02" {
			return nil, 0, 0, untrusted.Errorf(at, "the directory is cut short")
		}
		n := centralLength + u16(dir, 28) + u16(dir, 30) + u16(dir, 32)
		if n > int64(len(dir)) {
			return nil, 0, 0, untrusted.Errorf(at, "an entry reaches beyond the directory")
		}
		m := Member{
			Name: string(dir[centralLength : centralLength+u16(dir, 28)]), Encrypted: u16(dir, 8)&flagEncrypted != 0,
			CRC: binary.LittleEndian.Uint32(dir[16:]), Length: u32(dir, 20), Size: u32(dir, 24), Local: u32(dir, 42),
		}
		if err := m.place(f, dir, at); err != nil {
			return nil, 0, 0, err
		}
		if total += m.Size; total > maxInflated {
			return nil, 0, 0, untrusted.Errorf(at, "more than %d bytes when inflated", maxInflated)
		}
		members, dir = append(members, m), dir[n:]
	}
	if len(dir) > 0 {
		return nil, 0, 0, untrusted.Errorf(at, "the directory holds more than its entries")
	}
	if err := apart(members, at); err != nil {
		return nil, 0, 0, err
	}
	return members, at, end, nil
}

// place finds the member's bytes by its local header, which must agree with
// the directory's entry.
func (m *Member) place(f untrusted.File, entry []byte, at int64) error {
	if !untrusted.SafeName(m.Name) {
		return untrusted.Errorf(at, "a member's name could lead outside its folder")
	}
	method := binary.LittleEndian.Uint16(entry[10:])
	switch method {
	case methodStore:
		m.Stored = true
	case methodDeflate:
	default:
		return untrusted.Errorf(at, "%s: compression method %d", m.Name, method)
	}
	if m.Length == 0xffffffff || m.Size == 0xffffffff || m.Stored && !m.Encrypted && m.Length != m.Size {
		return untrusted.Errorf(at, "%s: sizes that cannot be", m.Name)
	}
	h, err := f.Bytes(m.Local, localLength, localLength, "header of "+m.Name)
	if err != nil {
		return err
	}
	magic := "PK\x03\x04"
	if m.Local == 0 {
		magic = Magic
	}
	if string(h[:4]) != magic {
		return untrusted.Errorf(m.Local, "%s: no header where the directory says", m.Name)
	}
	nameLen := int64(binary.LittleEndian.Uint16(h[26:]))
	m.Offset = m.Local + localLength + nameLen + int64(binary.LittleEndian.Uint16(h[28:]))
	if !f.Holds(m.Offset, m.Length) {
		return untrusted.Errorf(m.Local, "%s reaches beyond the end of the file", m.Name)
	}
	m.End = m.Offset + m.Length
	name, err := f.Bytes(m.Local+localLength, nameLen, 65535, "name of a member")
	if err != nil {
		return err
	}
	flags := binary.LittleEndian.Uint16(h[6:])
	same := string(name) == m.Name && binary.LittleEndian.Uint16(h[8:]) == method && flags == binary.LittleEndian.Uint16(entry[8:])
	if flags&flagDescriptor != 0 {
		return m.descriptor(f, same)
	}
	if !same || !bytes.Equal(h[14:26], entry[16:28]) {
		return untrusted.Errorf(m.Local, "%s: header and directory disagree", m.Name)
	}
	return nil
}

// descriptor reads the CRC and sizes that follow the bytes of a member which
// was written in one go; they too must agree with the directory.
func (m *Member) descriptor(f untrusted.File, same bool) error {
	b, err := f.Bytes(m.End, min(16, f.Size-m.End), 16, "data descriptor")
	if err != nil {
		return err
	}
	n := int64(12)
	if bytes.HasPrefix(b, []byte("PK\x07\x08")) {
		b, n = b[4:], 16
	}
	if !same || len(b) < 12 || binary.LittleEndian.Uint32(b) != m.CRC ||
		int64(binary.LittleEndian.Uint32(b[4:])) != m.Length || int64(binary.LittleEndian.Uint32(b[8:])) != m.Size {
		return untrusted.Errorf(m.End, "%s: data descriptor and directory disagree", m.Name)
	}
	m.End += n
	return nil
}

// apart sorts the members by their place and checks that none lies in another
// and none goes by another's name.
func apart(members []Member, end int64) error {
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Local, b.Local) })
	names := map[string]bool{}
	var at int64
	for _, m := range members {
		if m.Local < at || m.End > end {
			return untrusted.Errorf(m.Local, "%s lies in another member or in the directory", m.Name)
		}
		if names[m.Name] {
			return untrusted.Errorf(m.Local, "two members are named %s", m.Name)
		}
		names[m.Name], at = true, m.End
	}
	return nil
}

// open returns the member's bytes, inflated, from r.
func (m *Member) open(r io.Reader) io.Reader {
	if m.Stored {
		return r
	}
	return flate.NewReader(r)
}
