package sig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/minisign"
	"github.com/camsec/camsec/firmware/internal/raw"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/signify"
	"github.com/camsec/camsec/firmware/internal/sigstore"
	"github.com/camsec/camsec/firmware/internal/sigtest"
	"github.com/camsec/camsec/firmware/internal/sums"
)

// benchSize is large enough that a signature's fixed cost is seen for what it
// is, and fits in memory, so that no disk is measured.
const benchSize = 64 << 20

// BenchmarkVerify compares a whole verification (reading the signature,
// hashing, judging) with Go's same hash over the same bytes. "ratio" is the
// quotient, as sigtest.Compare makes it.
func BenchmarkVerify(b *testing.B) {
	image := sigtest.Image(benchSize)
	for _, s := range benchSchemes(b, image) {
		b.Run(s.name, func(b *testing.B) {
			sigtest.Compare(b, image, s.hash, func() (io.Writer, func()) {
				c, err := s.open()
				require.NoError(b, err)
				var content sig.Content
				c.Attach(&content)
				return &content, func() {
					_, err := c.Finish()
					require.NoError(b, err)
				}
			})
		})
	}
}

type benchScheme struct {
	name string
	hash crypto.Hash
	open func() (sig.Check, error)
}

func benchSchemes(b *testing.B, image []byte) (out []benchScheme) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(b, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	pub, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(b, err)
	id := sig.KeyID{1}
	anchors := sig.Anchors{Keys: []sig.Key{{Public: r.Public()}, {Public: ec.Public()}, {Public: pub, ID: &id}}}
	digest := func(h crypto.Hash) []byte {
		d := h.New()
		d.Write(image)
		return d.Sum(nil)
	}
	sign := func(k crypto.Signer, h crypto.Hash, o crypto.SignerOpts) []byte {
		s, err := k.Sign(rand.Reader, digest(h), o)
		require.NoError(b, err)
		return s
	}
	add := func(name string, h crypto.Hash, open func() (sig.Check, error)) {
		out = append(out, benchScheme{name, h, open})
	}
	plain := func(name string, h crypto.Hash, signature []byte) {
		a, err := sig.Named(name)
		require.NoError(b, err)
		add(name, h, func() (sig.Check, error) { return raw.Open(a, signature, anchors, sig.Floor{}) })
	}
	ecSig := sign(ec, crypto.SHA256, crypto.SHA256)
	edSig := ed25519.Sign(ed, image)
	plain("rsa-pkcs1v15-sha256", crypto.SHA256, sign(r, crypto.SHA256, crypto.SHA256))
	plain("rsa-pkcs1v15-sha512", crypto.SHA512, sign(r, crypto.SHA512, crypto.SHA512))
	plain("rsa-pss-sha256", crypto.SHA256, sign(r, crypto.SHA256, &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: 32}))
	plain("ecdsa-sha256", crypto.SHA256, ecSig)
	plain("ed25519", crypto.SHA512, edSig)

	line := func(kind string, s []byte) string {
		return "untrusted comment: x\n" + base64.StdEncoding.EncodeToString(slices.Concat([]byte(kind), id[:], s)) + "\n"
	}
	minisigned := func(kind string, s []byte) []byte {
		global := ed25519.Sign(ed, append(slices.Clone(s), "c"...))
		return []byte(line(kind, s) + "trusted comment: c\n" + base64.StdEncoding.EncodeToString(global) + "\n")
	}
	legacy, prehashed := minisigned("Ed", edSig), minisigned("ED", ed25519.Sign(ed, digest(crypto.BLAKE2b_512)))
	add("minisign", crypto.BLAKE2b_512, func() (sig.Check, error) { return minisign.Open(prehashed, anchors, sig.Floor{}) })
	add("minisign-legacy", crypto.SHA512, func() (sig.Check, error) { return minisign.Open(legacy, anchors, sig.Floor{}) })
	signified := []byte(line("Ed", edSig))
	add("signify", crypto.SHA512, func() (sig.Check, error) {
		s, err := signify.Parse(signified)
		require.NoError(b, err)
		return s.Open(anchors, sig.Floor{})
	})
	bundle := fmt.Appendf(nil, `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},`+
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":%q},"signature":%q}}`,
		base64.StdEncoding.EncodeToString(digest(crypto.SHA256)), base64.StdEncoding.EncodeToString(ecSig))
	add("sigstore", crypto.SHA256, func() (sig.Check, error) { return sigstore.Open(bundle, anchors, sig.Floor{}) })
	list := fmt.Appendf(nil, "%x  fw.bin\n", digest(crypto.SHA256))
	listSig := ed25519.Sign(ed, list)
	add("sha256sums", crypto.SHA256, func() (sig.Check, error) {
		c, err := raw.Open(sig.Algorithm{Method: sig.PureEd25519}, listSig, anchors, sig.Floor{})
		require.NoError(b, err)
		return sums.Open(c, list, "fw.bin", sig.Floor{})
	})
	return out
}

// Checks over the same bytes hash them once.
func TestChecksShareADigest(t *testing.T) {
	var c sig.Content
	one, two := c.Digest(crypto.SHA256), c.Digest(crypto.SHA256)
	three := c.Digest(crypto.SHA512)
	require.Len(t, c.Writers(), 2)
	_, err := c.Write([]byte("abc"))
	require.NoError(t, err)
	require.Equal(t, one(), two())
	require.Equal(t, one(), one(), "asking twice changes nothing")
	sum := sha512.Sum512([]byte("abc"))
	require.Equal(t, sum[:], three())
}

// A verification keeps a bounded amount, however long the image is.
func TestMemoryDoesNotDependOnTheImage(t *testing.T) {
	pub, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	piece := make([]byte, 256<<10)
	of := func(pieces int) float64 {
		return testing.AllocsPerRun(2, func() {
			var c sig.Content
			valid := c.Ed25519(pub, ed25519.Sign(ed, nil))
			digest := c.Digest(crypto.BLAKE2b_512)
			for range pieces {
				_, _ = c.Write(piece)
			}
			require.False(t, valid())
			require.Len(t, digest(), 64)
		})
	}
	require.Equal(t, of(1), of(40))
}
