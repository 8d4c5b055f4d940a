package sums_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/md5" //nolint:gosec // what is refused.
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/raw"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/signify"
	"github.com/camsec/camsec/firmware/internal/sigtest"
	"github.com/camsec/camsec/firmware/internal/sums"
)

// a signer signs lists with a plain Ed25519 key.
type signer struct{ key ed25519.PrivateKey }

func newSigner(t testing.TB) signer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return signer{key}
}

func (s signer) check(t testing.TB, signature []byte) sig.Check {
	a := sig.Anchors{Keys: []sig.Key{{Public: s.key.Public()}}}
	c, err := raw.Open(sig.Algorithm{Method: sig.PureEd25519}, signature, a, sig.Floor{})
	require.NoError(t, err)
	return c
}

func (s signer) verify(t testing.TB, list []byte, name string, image []byte, floor sig.Floor) (*sig.Result, error) {
	c, err := sums.Open(s.check(t, ed25519.Sign(s.key, list)), list, name, floor)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, image)
}

func TestFormsOfLines(t *testing.T) {
	s := newSigner(t)
	image := sigtest.Image(1000)
	d256, d384, d512 := sha256.Sum256(image), sha512.Sum384(image), sha512.Sum512(image)
	h256 := hex.EncodeToString(d256[:])
	for _, list := range []string{
		h256 + "  fw.bin\n",
		h256 + " *fw.bin\n",
		h256 + "  fw.bin",
		h256 + "  fw.bin\r\n",
		strings.ToUpper(h256) + "  ./out/fw.bin\n",
		"\n" + h256 + `  out\fw.bin` + "\n\n",
		"SHA256 (fw.bin) = " + h256 + "\n",
		"SHA256(fw.bin)= " + h256 + "\n",
		"SHA2-256(../fw.bin)= " + h256 + "\n",
		hex.EncodeToString(d384[:]) + "  fw.bin\n",
		hex.EncodeToString(d512[:]) + "  fw.bin\n",
		h256 + "  fw.bin\nSHA512 (fw.bin) = " + hex.EncodeToString(d512[:]) + "\n" + h256 + "  another\n",
	} {
		res, err := s.verify(t, []byte(list), "/images/fw.bin", image, sig.Floor{})
		if assert.NoError(t, err, list) {
			assert.Equal(t, "Ed25519", res.Algorithm)
			assert.Contains(t, res.Notes[len(res.Notes)-1], "names the file fw.bin")
		}
		_, err = s.verify(t, []byte(list), "fw.bin", image[1:], sig.Floor{})
		assert.Equal(t, sig.Invalid, sig.KindOf(err), list)
		_, err = s.verify(t, []byte(list), "fw2.bin", image, sig.Floor{})
		assert.Equal(t, sig.Invalid, sig.KindOf(err), list)
		assert.ErrorContains(t, err, "does not name")
	}
}

func TestRefusals(t *testing.T) {
	s := newSigner(t)
	image := sigtest.Image(1000)
	sum := sha256.Sum256(image)
	good := hex.EncodeToString(sum[:]) + "  fw.bin\n"
	weak := md5.Sum(image) //nolint:gosec // what is refused.
	for name, c := range map[string]struct {
		list string
		kind sig.Kind
		text string
	}{
		"empty":              {"\n", sig.Malformed, "the list is empty"},
		"a line of nothing":  {good + "hello\n", sig.Malformed, "no digest of a file"},
		"a short digest":     {good[2:], sig.Malformed, "no digest of a file"},
		"an odd digest":      {good[1:], sig.Malformed, "no digest of a file"},
		"an escaped name":    {`\` + good, sig.Malformed, "no digest of a file"},
		"no name":            {good[:66], sig.Malformed, "no digest of a file"},
		"an unknown tag":     {"SHA3-256 (fw.bin) = " + good[:64] + "\n", sig.Malformed, "no digest of a file"},
		"a tag that differs": {"SHA512 (fw.bin) = " + good[:64] + "\n", sig.Malformed, "no digest of a file"},
		"no text":            {good + "\xff", sig.Malformed, "no text"},
		"too long":           {good + strings.Repeat("\n", sums.MaxSize), sig.Malformed, "bytes"},
		"too many":           {strings.Repeat(good, 15000), sig.Malformed, ""},
		"named twice":        {good + strings.Repeat("0", 64) + "  old/fw.bin\n", sig.Invalid, "not the one of that name"},
		"too weak":           {hex.EncodeToString(weak[:]) + "  fw.bin\n", sig.BelowPolicy, "MD5"},
	} {
		_, err := s.verify(t, []byte(c.list), "fw.bin", image, sig.Floor{})
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, c.text, name)
	}
	res, err := s.verify(t, []byte(hex.EncodeToString(weak[:])+"  fw.bin\n"), "fw.bin", image, sig.Floor{LegacyMD5: true})
	require.NoError(t, err)
	assert.Contains(t, strings.Join(res.Notes, ";"), "MD5")
	line := strings.Repeat("0", 32) + "  x\n"
	entries, err := sums.Parse([]byte(strings.Repeat(line, 16384)))
	require.NoError(t, err)
	assert.Len(t, entries, 16384)
	_, err = sums.Parse([]byte(strings.Repeat(line, 16385)))
	assert.ErrorContains(t, err, "more than 16384 lines")
	// A list may be as long as the limit.
	_, err = s.verify(t, []byte(good+strings.Repeat("\n", sums.MaxSize-len(good))), "fw.bin", image, sig.Floor{})
	assert.NoError(t, err)
	// A weak digest beside a strong one: the strong one counts.
	_, err = s.verify(t, []byte(hex.EncodeToString(weak[:])+"  fw.bin\n"+good), "fw.bin", image, sig.Floor{})
	assert.NoError(t, err)

	// The list was changed after it was signed.
	_, err = sums.Open(s.check(t, ed25519.Sign(s.key, []byte(good))), []byte(good+good), "fw.bin", sig.Floor{})
	assert.Equal(t, sig.Invalid, sig.KindOf(err))
	_, err = sums.Open(s.check(t, ed25519.Sign(s.key, []byte(good))), []byte(good), "", sig.Floor{})
	assert.Equal(t, sig.Invalid, sig.KindOf(err), "no name, no file")
	c, err := sums.Open(s.check(t, ed25519.Sign(s.key, []byte(good))), []byte(good), "fw.bin", sig.Floor{})
	require.NoError(t, err)
	_, err = c.Finish()
	assert.Equal(t, sig.Invalid, sig.KindOf(err), "a check that has seen nothing")
}

// The lists of the samples: of sha256sum, sha512sum, openssl and BSD, and one
// that signify signed.
func TestSamples(t *testing.T) {
	s := newSigner(t)
	image := sigtest.Sample(t, "payload", "fw.bin")
	for _, name := range []string{"SHA256SUMS", "SHA512SUMS", "bsd-style.sha256", "openssl-style.sha256"} {
		list := sigtest.Sample(t, "openssl-dgst", name)
		_, err := s.verify(t, list, "fw.bin", image, sig.Floor{})
		assert.NoError(t, err, "%s", list)
	}
	key, err := sig.ParseKeys("", sigtest.Sample(t, "signify", "test.pub"))
	require.NoError(t, err)
	signed, err := signify.Parse(sigtest.Sample(t, "signify", "SHA256.sig"))
	require.NoError(t, err)
	for _, c := range []struct {
		name, file string
		kind       sig.Kind
	}{
		{"fw.bin", "fw.bin", 0},
		{"fw.bitflip.bin", "fw.bitflip.bin", 0},
		{"fw.bin", "fw.bitflip.bin", sig.Invalid},
		{"fw.truncated.bin", "fw.truncated.bin", sig.Invalid},
	} {
		inner, err := signed.Open(sig.Anchors{Keys: key}, sig.Floor{})
		require.NoError(t, err)
		check, err := sums.Open(inner, signed.Message, c.name, sig.Floor{})
		if err == nil {
			_, err = sig.VerifyBytes(check, sigtest.Sample(t, "payload", c.file))
		}
		assert.Equal(t, c.kind, sig.KindOf(err), "%s as %s: %v", c.file, c.name, err)
	}
}

// Lists that coreutils and OpenSSL write here and now.
func TestFreshMaterial(t *testing.T) {
	s := newSigner(t)
	image := sigtest.Image(5000)
	for _, args := range [][]string{
		{"sha256sum", "fw.bin"},
		{"sha256sum", "-b", "fw.bin"},
		{"sha256sum", "--tag", "fw.bin"},
		{"sha384sum", "fw.bin"},
		{"sha512sum", "fw.bin"},
		{"sha512sum", "--tag", "fw.bin"},
		{"b2sum", "--tag", "fw.bin"},
		{"openssl", "dgst", "-sha256", "fw.bin"},
		{"openssl", "dgst", "-sha512", "fw.bin"},
	} {
		tool := sigtest.Stranger(t, args[0])
		require.NoError(t, os.WriteFile(filepath.Join(tool.Dir, "fw.bin"), image, 0o600))
		list := tool.Run(args[1:]...)
		_, err := s.verify(t, list, "fw.bin", image, sig.Floor{})
		assert.NoError(t, err, "%q: %s", args, list)
		sigtest.Changes(image, 100, func(at int, changed []byte) {
			_, err := s.verify(t, list, "fw.bin", changed, sig.Floor{})
			require.Equal(t, sig.Invalid, sig.KindOf(err), "byte %d", at)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"fw.bin", "a/b"} {
		f.Add([]byte(fmt.Sprintf("%064x  %s\nSHA512 (%s) = %0128x\n", 1, name, name, 2)))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		entries, err := sums.Parse(list)
		if err != nil {
			require.Equal(t, sig.Malformed, sig.KindOf(err))
			return
		}
		for _, e := range entries {
			require.Len(t, e.Digest, e.Hash.Size())
			require.NotEqual(t, crypto.Hash(0), e.Hash)
		}
	})
}
