package firmware_test

import (
	"crypto/sha256"
	"hash"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// BenchmarkSignedFormats is of images that carry their signature. CRCs and
// sums, and taking apart what is compressed, come on top of the hashes and are
// not counted with them.
func BenchmarkSignedFormats(b *testing.B) {
	was := freshSize
	freshSize = int(benchMiB() << 20)
	defer func() { freshSize = was }()
	path := filepath.Join(b.TempDir(), "image")
	for f := range freshImages(b) {
		c := &benched{path: path, policy: f.trust, evidence: &firmware.Evidence{}, hashes: f.hashes, tool: f.judge}
		if c.hashes == nil {
			c.hashes = []func() hash.Hash{sha256.New, sha256.New}
		}
		sigtest.Write(b, f.image, path)
		if f.put != nil {
			f.put(f.image)
		}
		f.image = nil
		runtime.GC() // what made the image is not of its verification
		b.Run(f.name, c.run)
		if f.name == "RAUC verity" {
			b.Run("RAUC verity, one processor", func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
				c.run(b)
			})
		}
		_ = os.Remove(path)
	}
}
