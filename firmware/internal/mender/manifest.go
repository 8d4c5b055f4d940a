package mender

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

const (
	maxManifest = 512 << 10
	maxLines    = 4096
)

// A Manifest holds the SHA-256 of files by name.
type Manifest map[string][]byte

// parseManifest reads lines as sha256sum writes them.
func parseManifest(b []byte) (Manifest, error) {
	m := Manifest{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		sum, name, ok := strings.Cut(line, "  ")
		digest, err := hex.DecodeString(sum)
		switch {
		case !ok || err != nil || len(digest) != 32 || !untrusted.SafeName(name):
			return nil, errors.New("a line of the manifest is no SHA-256 and a name")
		case m[name] != nil:
			return nil, errors.New("a file stands twice in the manifest")
		case len(m) >= maxLines:
			return nil, fmt.Errorf("more than %d lines in the manifest", maxLines)
		}
		m[name] = digest
	}
	return m, nil
}
