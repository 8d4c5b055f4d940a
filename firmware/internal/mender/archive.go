package mender

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// maxMembers bounds the files in one archive.
const maxMembers = 1024

// endSize is how many zeros mark an archive's end.
const endSize = 1024

// A Member is a file in a tar archive: its data is at Offset in the artifact.
type Member struct {
	Name           string
	Offset, Length int64
}

// End is where the member's data ends.
func (m Member) End() int64 { return m.Offset + m.Length }

// list walks the headers of a tar archive that lies in [off, off+n) and
// returns its files and where it ends. No file's data is read.
func list(f untrusted.File, off, n int64) ([]Member, int64, error) {
	section := io.NewSectionReader(f.R, off, n)
	at := func() int64 {
		pos, _ := section.Seek(0, io.SeekCurrent) // a section reader tells without fail
		return off + pos
	}
	var out []Member
	seen := map[string]bool{}
	in := tar.NewReader(section)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out, at(), ended(f, out, off, at())
		}
		if err != nil {
			return nil, 0, untrusted.Errorf(at(), "tar: %s", tarWords(err))
		}
		m := Member{Name: h.Name, Offset: at(), Length: h.Size}
		switch {
		case len(out) >= maxMembers:
			return nil, 0, untrusted.Errorf(at(), "tar: more than %d files", maxMembers)
		case !regular(h):
			return nil, 0, untrusted.Errorf(at(), "tar: a member that is no plain file")
		case !untrusted.SafeName(h.Name):
			return nil, 0, untrusted.Errorf(at(), "tar: a name that is no plain relative path")
		case seen[h.Name]:
			return nil, 0, untrusted.Errorf(at(), "tar: two files of one name")
		case m.Length > off+n-m.Offset:
			return nil, 0, untrusted.Errorf(at(), "tar: a file of %d bytes reaches beyond the archive", m.Length)
		}
		seen[h.Name] = true
		out = append(out, m)
	}
}

// ended tells whether an archive ends as it should, with two blocks of zeros:
// one that was cut between two files looks complete otherwise.
func ended(f untrusted.File, files []Member, off, at int64) error {
	if n := len(files); n > 0 {
		off = files[n-1].End()
	}
	if b, err := f.Bytes(at-endSize, endSize, endSize, "end of the archive"); err == nil && at-endSize >= off {
		if len(bytes.Trim(b, "\x00")) == 0 {
			return nil
		}
	}
	return untrusted.Errorf(at, "tar: the archive has no end")
}

// regular tells whether a member is a plain file whose size is what it takes
// in the archive, which of a sparse file it is not.
func regular(h *tar.Header) bool {
	if h.Typeflag != tar.TypeReg || h.Size < 0 {
		return false
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse") {
			return false
		}
	}
	return true
}

// tarWords keeps an error of the archive's short; it quotes nothing of it.
func tarWords(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "the archive is cut short"
	}
	return strings.TrimPrefix(err.Error(), "archive/tar: ")
}
