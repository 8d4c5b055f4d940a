package rauc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Limits on a manifest.
const (
	maxManifest = 256 << 10
	maxEntries  = 4096
)

// A Manifest is the text that says what a bundle is for: sections of
// key=value lines, as GLib's key files.
type Manifest struct {
	entries map[string]string
	// Images are the sections that name an image, in order.
	Images []ManifestImage
}

// A ManifestImage is an [image.SLOT] section.
type ManifestImage struct {
	Slot, Filename, Version string
}

// Get returns a value, "" when it is missing. The key of an encrypted payload
// (crypt-key) is a secret and not kept.
func (m *Manifest) Get(section, key string) string { return m.entries[section+"\x00"+key] }

// ParseManifest reads a manifest. A key or section that stands twice is an
// error: readers would differ on which one holds.
func ParseManifest(b []byte) (*Manifest, error) {
	if len(b) > maxManifest {
		return nil, fmt.Errorf("a manifest of %d bytes, more than the limit of %d", len(b), maxManifest)
	}
	m := &Manifest{entries: map[string]string{}}
	section, seen := "", map[string]bool{}
	for line := range strings.SplitSeq(string(b), "\n") {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\r"), " \t")
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[':
			name, ok := strings.CutSuffix(strings.TrimRight(line[1:], " \t"), "]")
			if !ok || name == "" || seen[name] {
				return nil, errors.New("a section of the manifest has no name, or one that is taken")
			}
			section, seen[name] = name, true
			if slot, ok := strings.CutPrefix(name, "image."); ok {
				m.Images = append(m.Images, ManifestImage{Slot: untrusted.Text([]byte(slot))})
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimRight(key, " \t"), strings.TrimLeft(value, " \t")
		if !ok || key == "" || section == "" {
			return nil, errors.New("a line of the manifest is no key=value in a section")
		}
		if _, taken := m.entries[section+"\x00"+key]; taken {
			return nil, errors.New("a key of the manifest stands twice")
		}
		if len(m.entries) >= maxEntries {
			return nil, fmt.Errorf("more than %d lines in the manifest", maxEntries)
		}
		if key == "crypt-key" {
			value = ""
		}
		m.entries[section+"\x00"+key] = value
		if n := len(m.Images); n > 0 && strings.HasPrefix(section, "image.") {
			switch text := untrusted.Text([]byte(value)); key {
			case "filename":
				m.Images[n-1].Filename = text
			case "version":
				m.Images[n-1].Version = text
			}
		}
	}
	return m, nil
}
