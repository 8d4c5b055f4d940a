package firmware

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/camsec/camsec/firmware/internal/mender"
	"github.com/camsec/camsec/firmware/internal/pass"
)

var menderFormat = format{
	name:   FormatMender,
	detect: func(head []byte, _ io.ReaderAt, _ int64) bool { return mender.Detect(head) },
	parse:  parseMender,
}

func parseMender(r io.ReaderAt, size int64) (*parsed, error) {
	a, err := mender.Parse(r, size)
	if err != nil {
		return nil, formatError(FormatMender, err)
	}
	p := &parsed{}
	p.claimMender(a, size)
	m := menderChecks{parsed: p, artifact: a}
	m.file("version", a.Version, a.Signed)
	m.file(a.Header.Name, a.Header, a.Signed)
	if a.HeaderAugment.Name != "" {
		m.file(a.HeaderAugment.Name, a.HeaderAugment, a.Unsigned)
		p.image.Notes = append(p.image.Notes, "header-augment is in no signed manifest: what it adds to the header is unsigned")
	}
	for _, l := range a.Payloads {
		m.payload(l)
	}
	m.missing()
	for _, u := range a.Unknown {
		p.image.Notes = append(p.image.Notes, fmt.Sprintf("%q is no part of the format: no signature covers it", clean(u.Name)))
	}
	if a.Augment.Name != "" {
		p.image.Notes = append(p.image.Notes, "manifest-augment is not signed: whoever changes a file that it lists can change the list")
	}
	if a.SignatureValue != nil {
		// The two kinds of keys that the format knows make values of different
		// lengths: 64 bytes are r and s of ECDSA with P-256.
		scheme := "rsa-pkcs1v15-sha256"
		if len(a.SignatureValue) == 64 {
			scheme = "ecdsa-p1363-sha256"
		}
		at := pass.Span{Off: a.Signature.Offset, Len: a.Signature.Length}
		manifest := pass.Span{Off: a.Manifest.Offset, Len: a.Manifest.Length}
		p.signatures = []embedded{{
			scheme: scheme, value: a.SignatureValue, at: at,
			content: []pass.Section{{Off: manifest.Off, Len: manifest.Len}},
			covers:  append([]pass.Span{manifest, at}, m.signed...),
			about:   "over the manifest, which holds the SHA-256 of header and payload files",
		}}
	}
	p.opaque = m.opaque
	return p, nil
}

func (p *parsed) claimMender(a *mender.Artifact, size int64) {
	c := &p.image.Claims
	c.Description, c.Models = a.Info.Name, a.Info.Devices
	switch len(a.Info.Versions) {
	case 0:
		c.Version = a.Info.Name
	case 1:
		c.Version = a.Info.Versions[0]
	}
	if a.HeaderCompression == "xz" || a.HeaderCompression == "zst" {
		p.image.Notes = append(p.image.Notes, "the header is compressed with "+a.HeaderCompression+", which is not read: what the artifact is for, and its version, are not known")
	}
	if len(a.Info.Scripts) > 0 {
		p.image.Notes = append(p.image.Notes, "it runs scripts on the device: "+strings.Join(a.Info.Scripts, ", "))
	}
	for _, l := range a.Payloads {
		kind := ""
		if i := len(p.image.Parts); i < len(a.Info.Types) {
			kind = a.Info.Types[i]
		}
		p.image.Parts = append(p.image.Parts, Part{Name: l.Name, Kind: kind, Offset: l.Offset, Length: l.Length})
		for _, f := range l.Files {
			p.layout = append(p.layout, Range{f.Offset, f.Length, "file " + clean(f.Name) + " of " + l.Name})
		}
		if l.Compression == "gz" {
			p.layout = append(p.layout, Range{l.Offset, min(l.Length, gzipHeader), "gzip header of " + l.Name})
		}
		p.layout = append(p.layout, Range{l.Offset, l.Length, "tar headers in " + l.Name})
	}
	for _, m := range append([]mender.Member{a.Version, a.Manifest, a.Signature, a.Augment, a.Header, a.HeaderAugment}, a.Unknown...) {
		if m.Name != "" {
			p.layout = append(p.layout, Range{m.Offset, m.Length, clean(m.Name)})
		}
	}
	p.layout = append(p.layout, Range{0, a.End, "tar headers"}, Range{a.End, size - a.End, "behind the archive"})
}

// gzipHeader is the fixed part of a gzip header: of it, time and system can
// be changed without changing what is packed.
const gzipHeader = 10

// menderChecks turns the manifests into checks.
type menderChecks struct {
	parsed   *parsed
	artifact *mender.Artifact
	found    map[string]bool // what the manifests list and the artifact holds
	signed   []pass.Span     // what the signed manifest reaches
	opaque   string
}

// file checks a member against the manifest that must list it.
func (m *menderChecks) file(name string, f mender.Member, manifest mender.Manifest) {
	m.digest(name, f, manifest[name])
	if m.artifact.Signed[name] != nil {
		m.signed = append(m.signed, pass.Span{Off: f.Offset, Len: f.Length})
	}
}

func (m *menderChecks) digest(name string, f mender.Member, want []byte) {
	if m.found == nil {
		m.found = map[string]bool{}
	}
	m.found[name] = true
	what := "SHA-256 of " + clean(name)
	if want == nil {
		m.fails(what, "no manifest lists it")
		return
	}
	m.parsed.checks = append(m.parsed.checks, digestCheck(what, []pass.Section{{Off: f.Offset, Len: f.Length}}, sha256.New(), want))
}

func (m *menderChecks) fails(what, why string) {
	m.parsed.checks = append(m.parsed.checks, &pass.Check{What: what, Strength: pass.Digest, Finish: func() error { return errors.New(why) }})
}

// payload checks the files in a data archive.
func (m *menderChecks) payload(l mender.Payload) {
	a := m.artifact
	switch l.Compression {
	case "":
		for _, f := range l.Files {
			name := l.Prefix() + f.Name
			want := a.Signed[name]
			if want == nil {
				want = a.Unsigned[name]
			} else {
				m.signed = append(m.signed, pass.Span{Off: f.Offset, Len: f.Length})
			}
			m.digest(name, f, want)
		}
	case "gz":
		m.packed(l)
	default:
		m.opaque = fmt.Sprintf("%s is compressed with %s, which is not read here: the files in it cannot be held against the manifest", l.Name, l.Compression)
		m.skip(l)
	}
}

// packed checks a compressed payload while it is unpacked.
func (m *menderChecks) packed(l mender.Payload) {
	want, unsigned := map[string][]byte{}, false
	for _, list := range []mender.Manifest{m.artifact.Unsigned, m.artifact.Signed} {
		for name, digest := range list {
			if file, ok := strings.CutPrefix(name, l.Prefix()); ok {
				want[file] = digest
				unsigned = unsigned || m.artifact.Signed[name] == nil
			}
		}
	}
	m.skip(l)
	stream := mender.NewStream(l.Length, want)
	// The gzip header is no part of what is packed.
	body := pass.Span{Off: l.Offset + min(l.Length, gzipHeader), Len: l.Length - min(l.Length, gzipHeader)}
	m.parsed.checks = append(m.parsed.checks, &pass.Check{
		What: "SHA-256 of the files in " + l.Name, Strength: pass.Digest,
		Sections: []pass.Section{{Off: l.Offset, Len: l.Length}}, To: stream, Finish: stream.Finish,
		Covers: []pass.Span{body},
	})
	if !unsigned {
		m.signed = append(m.signed, body)
	}
}

// skip marks the files of a payload as accounted for.
func (m *menderChecks) skip(l mender.Payload) {
	for _, list := range []mender.Manifest{m.artifact.Signed, m.artifact.Unsigned} {
		for name := range list {
			if strings.HasPrefix(name, l.Prefix()) {
				m.found[name] = true
			}
		}
	}
}

// missing tells of files that a manifest lists and the artifact lacks.
func (m *menderChecks) missing() {
	for _, list := range []mender.Manifest{m.artifact.Signed, m.artifact.Unsigned} {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			if !m.found[name] {
				m.found[name] = true
				m.fails("SHA-256 of "+clean(name), "a manifest lists it, the artifact does not hold it")
			}
		}
	}
}
