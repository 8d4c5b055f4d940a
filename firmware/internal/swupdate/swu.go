package swupdate

import (
	"encoding/hex"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Names of the two members that are not payload.
const (
	description = "sw-description"
	signature   = "sw-description.sig"
)

const (
	maxDescription = 512 << 10
	maxSignature   = 64 << 10
	maxPayloads    = 4096
)

// A File is an .swu, its description read and not verified.
type File struct {
	Members []Member
	// End is where the archive ends.
	End         int64
	Description Member
	// Signature is the member that signs Description, SignatureValue what is
	// in it; empty when there is none.
	Signature      Member
	SignatureValue []byte

	Version, About string
	// Hardware are the hardware revisions it is for, in the description's
	// words: SWUpdate takes regular expressions behind "#RE:".
	Hardware []string
	// Boards are the groups of the description that stand for one board.
	Boards   []string
	Payloads []Payload
}

// A Payload is what the description says of a member.
type Payload struct {
	Filename, Name, Kind, Version string
	// SHA256 is nil when the description has none, which SWUpdate refuses
	// once signatures are on.
	SHA256 []byte
	// Encrypted tells that the data is encrypted with a key of the device's.
	Encrypted bool
	// Member is nil when the archive lacks the file.
	Member *Member
}

// Parse reads the archive's headers and the description.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	in := untrusted.File{R: r, Size: size}
	members, end, err := readArchive(in)
	if err != nil {
		return nil, err
	}
	if len(members) == 0 || members[0].Name != description {
		return nil, untrusted.Errorf(0, "sw-description is not the first member")
	}
	f := &File{Members: members, End: end, Description: members[0]}
	for i, m := range members {
		if m.Name != signature {
			continue
		}
		if i != 1 {
			return nil, untrusted.Errorf(m.Header, "the signature is not the second member")
		}
		f.Signature = m
		if f.SignatureValue, err = in.Bytes(m.Offset, m.Size, maxSignature, signature); err != nil {
			return nil, err
		}
		if m.Size == 0 {
			return nil, untrusted.Errorf(m.Header, "the signature is empty")
		}
	}
	text, err := in.Bytes(f.Description.Offset, f.Description.Size, maxDescription, description)
	if err != nil {
		return nil, err
	}
	root, err := parseConfig(string(text), f.Description.Offset)
	if err != nil {
		return nil, err
	}
	return f, f.describe(root)
}

// describe reads the description as SWUpdate does.
func (f *File) describe(root *group) error {
	software := root.get("software")
	if software == nil || software.group == nil {
		return untrusted.Errorf(f.Description.Offset, "sw-description has no group named software")
	}
	g := software.group
	f.Version, f.About = clean(g.str("version")), clean(g.str("description"))
	return f.collect(g, 0)
}

// collect reads a group, and the groups in it: boards, software sets and
// modes nest, and each may hold lists of payloads.
func (f *File) collect(g *group, depth int) error {
	for _, name := range g.names {
		v := g.values[name]
		switch {
		case name == "hardware-compatibility":
			for _, e := range v.list {
				if e.isStr && !slices.Contains(f.Hardware, clean(e.text)) {
					f.Hardware = append(f.Hardware, clean(e.text))
				}
			}
		case v.group != nil:
			if depth == 0 && holdsPayloads(v.group) {
				f.Boards = append(f.Boards, clean(name))
			}
			if err := f.collect(v.group, depth+1); err != nil {
				return err
			}
		case v.list != nil:
			for _, e := range v.list {
				if e.group == nil || e.group.str("filename") == "" {
					continue
				}
				if err := f.payload(name, e.group); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// holdsPayloads tells whether a group is more than attributes of something.
func holdsPayloads(g *group) bool {
	for _, name := range []string{"hardware-compatibility", "images", "files", "scripts", "ref"} {
		if g.get(name) != nil {
			return true
		}
	}
	for _, name := range g.names {
		if inner := g.values[name].group; inner != nil && holdsPayloads(inner) {
			return true
		}
	}
	return false
}

func (f *File) payload(list string, g *group) error {
	if len(f.Payloads) >= maxPayloads {
		return untrusted.Errorf(f.Description.Offset, "more than %d payloads", maxPayloads)
	}
	kind := clean(g.str("type"))
	if kind == "" {
		kind = clean(list)
	}
	p := Payload{
		Filename: clean(g.str("filename")), Name: clean(g.str("name")), Kind: kind,
		Version: clean(g.str("version")), Encrypted: g.flag("encrypted"),
	}
	if text := g.str("sha256"); text != "" {
		sum, err := hex.DecodeString(text)
		if err != nil || len(sum) != 32 {
			return untrusted.Errorf(f.Description.Offset, "the sha256 of %q is none", p.Filename)
		}
		p.SHA256 = sum
	}
	for i := range f.Members {
		if f.Members[i].Name == g.str("filename") && i > 0 {
			p.Member = &f.Members[i]
		}
	}
	f.Payloads = append(f.Payloads, p)
	return nil
}

// RideAlong returns the members that the description does not name. SWUpdate
// ignores them.
func (f *File) RideAlong() []Member {
	var out []Member
	for _, m := range f.Members {
		if m.Name == description || m.Name == signature {
			continue
		}
		if !slices.ContainsFunc(f.Payloads, func(p Payload) bool { return p.Member != nil && p.Member.Name == m.Name }) {
			out = append(out, m)
		}
	}
	return out
}

func clean(s string) string { return untrusted.Text([]byte(s)) }
