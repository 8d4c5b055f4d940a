// Package mender reads Mender artifacts, version 3: a tar archive whose second
// member, the manifest, holds the SHA-256 of everything that matters and is
// what a signature signs.
//
// Source: mender-artifact's Documentation/artifact-format-v3.md; artifacts of
// mender-artifact 3.9 seen.
package mender

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Limits of what is read into memory.
const (
	maxVersion   = 4 << 10
	maxSignature = 16 << 10
	maxHeader    = 4 << 20
	// maxHeaderOpen is how much of an unpacked header is looked at.
	maxHeaderOpen = 16 << 20
	maxJSON       = 256 << 10
)

// An Artifact is what an artifact says of itself; none of it is verified.
type Artifact struct {
	Version, Manifest, Signature, Augment Member
	Header, HeaderAugment                 Member
	Payloads                              []Payload
	// Unknown are members that the format does not name. Clients fail on
	// some and pass over others.
	Unknown []Member
	// Signed is what the manifest lists, Unsigned what manifest-augment does:
	// no signature covers that.
	Signed, Unsigned Manifest
	// SignatureValue is the signature, decoded; nil when there is none.
	SignatureValue []byte
	// End is where the archive ends.
	End  int64
	Info Info
	// HeaderCompression is "", "gz", "xz" or "zst". Of the latter two the
	// bytes are covered, but Info stays empty.
	HeaderCompression string
}

// A Payload is a data archive.
type Payload struct {
	Member
	// Index is "0000" and so on; names in the manifest are data/INDEX/FILE.
	Index       string
	Compression string
	// Files are those in an archive that is not compressed.
	Files []Member
}

// Prefix is what the names of the payload's files begin with in the manifest.
func (p Payload) Prefix() string { return "data/" + p.Index + "/" }

// Detect tells whether a file that starts with head may be an artifact: a tar
// archive whose first member is a version file that says so.
func Detect(head []byte) bool {
	return len(head) > 512 && bytes.HasPrefix(head, []byte("version\x00")) && bytes.HasPrefix(head[257:], []byte("ustar")) &&
		bytes.Contains(head[512:min(len(head), 1024)], []byte(`"mender"`))
}

// Parse reads the archive's headers, the manifests and, where it is not
// compressed in a way that is not read here, the header.
func Parse(r io.ReaderAt, size int64) (*Artifact, error) {
	f := untrusted.File{R: r, Size: size}
	members, end, err := list(f, 0, size)
	if err != nil {
		return nil, err
	}
	a := &Artifact{End: end}
	if err := a.sort(members); err != nil {
		return nil, err
	}
	if err := a.readVersion(f); err != nil {
		return nil, err
	}
	if err := a.readManifests(f); err != nil {
		return nil, err
	}
	for i := range a.Payloads {
		p := &a.Payloads[i]
		if p.Compression != "" {
			continue
		}
		if p.Files, _, err = list(f, p.Offset, p.Length); err != nil {
			return nil, err
		}
	}
	return a, a.readHeader(f)
}

// sort finds out which member is what, and that they stand in the order that
// the format demands.
func (a *Artifact) sort(members []Member) error {
	const (
		start = iota
		version
		manifest
		signature
		augment
		header
		headerAugment
		data
	)
	at := start
	for _, m := range members {
		step, dst := 0, (*Member)(nil)
		base, compression := splitCompression(m.Name)
		switch {
		case m.Name == "version":
			step, dst = version, &a.Version
		case m.Name == "manifest":
			step, dst = manifest, &a.Manifest
		case m.Name == "manifest.sig":
			step, dst = signature, &a.Signature
		case m.Name == "manifest-augment":
			step, dst = augment, &a.Augment
		case base == "header.tar":
			step, dst, a.HeaderCompression = header, &a.Header, compression
		case base == "header-augment.tar":
			step, dst = headerAugment, &a.HeaderAugment
		case strings.HasPrefix(m.Name, "data/"):
			index := strings.TrimSuffix(strings.TrimPrefix(base, "data/"), ".tar")
			if len(index) != 4 || strings.Trim(index, "0123456789") != "" || base != "data/"+index+".tar" {
				return untrusted.Errorf(m.Offset, "a file in data that is no payload")
			}
			for _, p := range a.Payloads {
				if p.Index == index {
					return untrusted.Errorf(m.Offset, "two payloads of one number")
				}
			}
			step = data
			a.Payloads = append(a.Payloads, Payload{Member: m, Index: index, Compression: compression})
		default:
			a.Unknown = append(a.Unknown, m)
			continue
		}
		if step < at || (step == at && step != data) || (step == manifest && at != version) || (step == version && at != start) ||
			(step >= header && at < manifest) || (step > header && at < header) {
			return untrusted.Errorf(m.Offset, "the files stand in the wrong order")
		}
		at = step
		if dst != nil {
			*dst = m
		}
	}
	if at < header {
		return untrusted.Errorf(a.End, "no header in the artifact")
	}
	return nil
}

func splitCompression(name string) (base, compression string) {
	for _, c := range []string{"gz", "xz", "zst"} {
		if base, ok := strings.CutSuffix(name, "."+c); ok {
			return base, c
		}
	}
	return name, ""
}

func (a *Artifact) readVersion(f untrusted.File) error {
	b, err := f.Bytes(a.Version.Offset, a.Version.Length, maxVersion, "version")
	if err != nil {
		return err
	}
	var v struct {
		Format  string
		Version int
	}
	if json.Unmarshal(b, &v) != nil || v.Format != "mender" {
		return untrusted.Errorf(a.Version.Offset, "the version file does not say that this is an artifact")
	}
	if v.Version != 3 {
		return untrusted.Errorf(a.Version.Offset, "version %d of the format is not read, only version 3", v.Version)
	}
	return nil
}

func (a *Artifact) readManifests(f untrusted.File) error {
	b, err := f.Bytes(a.Manifest.Offset, a.Manifest.Length, maxManifest, "manifest")
	if err != nil {
		return err
	}
	if a.Signed, err = parseManifest(b); err != nil {
		return untrusted.Errorf(a.Manifest.Offset, "%s", err)
	}
	if a.Augment.Name != "" {
		if b, err = f.Bytes(a.Augment.Offset, a.Augment.Length, maxManifest, "manifest-augment"); err != nil {
			return err
		}
		if a.Unsigned, err = parseManifest(b); err != nil {
			return untrusted.Errorf(a.Augment.Offset, "%s", err)
		}
	}
	if a.Signature.Name == "" {
		return nil
	}
	if b, err = f.Bytes(a.Signature.Offset, a.Signature.Length, maxSignature, "manifest.sig"); err != nil {
		return err
	}
	a.SignatureValue, err = base64.StdEncoding.Strict().DecodeString(strings.TrimRight(string(b), "\r\n"))
	if err != nil || len(a.SignatureValue) == 0 {
		return untrusted.Errorf(a.Signature.Offset, "manifest.sig is not base64")
	}
	return nil
}
