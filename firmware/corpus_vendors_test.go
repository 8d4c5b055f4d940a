package firmware_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// vendorRest are the recorded samples whose name does not say what they come
// to. Nobody outside can verify any of them.
var vendorRest = map[string]struct {
	verdict firmware.Verdict
	reason  string
}{
	"real-header-108.bin": {firmware.Rejected, "cut short"},    // the beginning of a package
	"pk-not-dh.bin":       {firmware.Rejected, "no signature"}, // an archive like any other
	"bad-magic.BAD.fw":    {firmware.Rejected, "no signature"}, // of no known format
}

func TestCorpusOfVendors(t *testing.T) {
	for format, pattern := range map[string]string{
		firmware.FormatHikvision: "hikvision/*.[db][ai][vn]",
		firmware.FormatDahua:     "dahua/*.bin",
		firmware.FormatBosch:     "bosch/*.fw",
	} {
		files, err := filepath.Glob(sigtest.Samples(t, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files, format)
		for _, path := range files {
			name := filepath.Base(path)
			r := checkIntegrity(t, sigtest.Read(t, path))
			want, ok := vendorRest[name]
			switch {
			case ok:
			case strings.Contains(name, ".BAD."):
				want.verdict, want.reason = firmware.Rejected, "broken"
			default:
				want.verdict, want.reason = firmware.NotVerifiable, "not published"
				if format == firmware.FormatHikvision {
					want.reason = "is published; byte sums can be forged"
				}
				assert.Equal(t, format, r.Format, name)
				assert.NotEqual(t, firmware.IntegrityBroken, r.Integrity.Status, name)
			}
			assert.Equal(t, want.verdict, r.Verdict, "%s: %v", name, r.Because)
			assert.Contains(t, strings.Join(r.Because, "\n"), want.reason, name)
		}
	}
}

// The first bytes of a real package are what a public post says they are.
func TestRealHikvisionHeader(t *testing.T) {
	b := sigtest.Sample(t, "hikvision", "real-header-108.bin")
	m, err := firmware.Inspect(sliceReader(b), int64(len(b)))
	var fe *firmware.FormatError
	require.ErrorAs(t, err, &fe)
	assert.Equal(t, firmware.Claims{Vendor: firmware.Hikvision, Language: "CN", DeviceClass: "0x2C", Released: "2015-03-15"}, m.Claims)
	assert.Equal(t, []firmware.Part{{Name: "hicore.tar.lzma", Kind: "file", Offset: 504, Length: 3032432}}, m.Parts)
}

// dumpimage calls no image authentic, and neither do we.
func TestCorpusOfUImages(t *testing.T) {
	files, err := filepath.Glob(sigtest.Samples(t, "uimage/*.uImage"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		name := filepath.Base(path)
		r := checkIntegrity(t, sigtest.Read(t, path))
		assert.Equal(t, firmware.Rejected, r.Verdict, name)
		assert.Equal(t, firmware.FormatUImage, r.Format, name)
		want := firmware.IntegrityChecksum
		if strings.Contains(name, ".BAD.") {
			want = firmware.IntegrityBroken
		} else {
			assert.Equal(t, firmware.AuthenticityUnsigned, r.Authenticity.Status, name)
		}
		assert.Equal(t, want, r.Integrity.Status, name)
	}
}

// What other modules verify is named, and said to be not verifiable here.
func TestCorpusOfOtherModules(t *testing.T) {
	for format, patterns := range map[string][]string{
		firmware.FormatUEFICapsule:  {"uefi-capsule/*.cap"},
		firmware.FormatAuthenticode: {"authenticode/*.exe", "authenticode/*.cab"},
		firmware.FormatSUIT:         {"suit/*.suit"},
		firmware.FormatTUF:          {"tuf/bad/*.json", "tuf/repo/metadata/*.json"},
		firmware.FormatOpenPGP:      {"gpg/*.sig", "gpg/*.asc"},
	} {
		for _, pattern := range patterns {
			files, err := filepath.Glob(sigtest.Samples(t, pattern))
			require.NoError(t, err)
			require.NotEmpty(t, files, pattern)
			for _, path := range files {
				r := checkIntegrity(t, sigtest.Read(t, path))
				assert.Equal(t, firmware.NotVerifiable, r.Verdict, path)
				assert.Equal(t, format, r.Format, path)
				assert.Contains(t, r.Authenticity.Reason, format, path)
			}
		}
	}
}

// The same, as signatures beside an image: with their own keys and without.
func TestCorpusOfOtherModulesBesideAnImage(t *testing.T) {
	image := sigtest.Sample(t, "payload", "fw.bin")
	pub, _ := ed25519Key(t)
	for pattern, want := range map[string]string{
		"gpg/*.sig": firmware.FormatOpenPGP, "gpg/rsa.asc": firmware.FormatOpenPGP,
		"suit/*.suit": firmware.FormatSUIT, "tuf/bad/*.json": firmware.FormatTUF,
	} {
		files, err := filepath.Glob(sigtest.Samples(t, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, path := range files {
			r := verify(t, firmware.Policy{Keys: []firmware.Key{pub}}, image, firmware.Signature{Data: sigtest.Read(t, path)})
			assert.Equal(t, firmware.NotVerifiable, r.Verdict, path)
			assert.Contains(t, r.Authenticity.Reason, want, path)
		}
	}
	keys, err := filepath.Glob(sigtest.Samples(t, "gpg/*.pub.*"))
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	for _, path := range keys {
		k, err := firmware.ParseKeys("gpg", sigtest.Read(t, path))
		require.NoError(t, err, path)
		r := verify(t, firmware.Policy{Keys: k}, image, firmware.Signature{Data: sigtest.Sample(t, "gpg", "rsa.sig")})
		assert.Equal(t, firmware.NotVerifiable, r.Verdict, path)
	}
}
