package firmware_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// BenchmarkDetached is of one image with a signature of each scheme beside it.
func BenchmarkDetached(b *testing.B) {
	dir := b.TempDir()
	image := bigFile(b, dir, benchMiB()<<20)
	for _, c := range detachedBenches(b, dir, image) {
		b.Run(c.name, (&benched{
			path: image, policy: c.policy, hashes: c.hashes, tool: c.tool,
			evidence: &firmware.Evidence{Signatures: []firmware.Signature{c.signature}},
		}).run)
	}
}

// A detachedBench is a signature of an image, and who verifies it.
type detachedBench struct {
	name      string
	policy    firmware.Policy
	signature firmware.Signature
	hashes    []func() hash.Hash
	tool      func() error // see benched
}

func bigFile(b *testing.B, dir string, size int64) string {
	path := filepath.Join(dir, "image.bin")
	f, err := os.Create(path)
	require.NoError(b, err)
	block := sigtest.Image(1 << 20)
	for at := int64(0); at < size; at += int64(len(block)) {
		_, err = f.Write(block)
		require.NoError(b, err)
	}
	require.NoError(b, f.Close())
	return path
}

func detachedBenches(b *testing.B, dir, image string) []*detachedBench {
	f, err := os.Open(image)
	require.NoError(b, err)
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	require.NoError(b, err)
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(b, err)
	digest := h.Sum(nil)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	edPub, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(b, err)
	pure := signPure(b, ed, image)

	out := opensslBenches(b, dir, image, digest, ec)
	sigtest.Write(b, pure, dir, "ed25519.sig")
	sigtest.Write(b, pemPublic(b, edPub), dir, "ed25519.pub")
	openssl := sigtest.Stranger(b, "openssl")
	out = append(out, &detachedBench{
		"ed25519", keys(b, edPub),
		firmware.Signature{Scheme: "ed25519", Data: pure},
		ed25519Hashes,
		func() error {
			_, err := openssl.Try("pkeyutl", "-verify", "-pubin", "-inkey", filepath.Join(dir, "ed25519.pub"), "-rawin", "-in", image, "-sigfile", filepath.Join(dir, "ed25519.sig"))
			return err
		},
	})

	id := append([]byte("Ed"), "bench-id"...)
	usign := func(name string, value []byte) []byte {
		text := []byte("untrusted comment: x\n" + base64.StdEncoding.EncodeToString(append(id[:10:10], value...)) + "\n")
		sigtest.Write(b, text, dir, name)
		return text
	}
	usigned := usign("usign.sig", pure)
	usignKey, err := firmware.ParseKeys("usign", usign("usign.pub", edPub))
	require.NoError(b, err)
	signify := sigtest.Stranger(b, "signify-openbsd")
	out = append(out, &detachedBench{
		"signify",
		firmware.Policy{Keys: usignKey},
		firmware.Signature{Data: usigned},
		ed25519Hashes,
		func() error {
			_, err := signify.Try("-V", "-q", "-p", filepath.Join(dir, "usign.pub"), "-x", filepath.Join(dir, "usign.sig"), "-m", image)
			return err
		},
	})

	mini, err := firmware.NewSigningKey(ed)
	require.NoError(b, err)
	minisig, err := mini.Countersign(b.Context(), f, st.Size(), firmware.Statement{Issued: issued}, nil)
	require.NoError(b, err)
	sigtest.Write(b, minisig, dir, "image.minisig")
	minisign := sigtest.Stranger(b, "minisign")
	out = append(out, &detachedBench{
		"minisign", keys(b, edPub),
		firmware.Signature{Data: minisig},
		[]func() hash.Hash{sha256.New, crypto.BLAKE2b_512.New},
		func() error {
			_, err := minisign.Try("-V", "-q", "-m", image, "-x", filepath.Join(dir, "image.minisig"), "-P", mini.MinisignPublicKey())
			return err
		},
	})

	bundled, err := ecdsa.SignASN1(rand.Reader, ec, digest)
	require.NoError(b, err)
	bundle := fmt.Appendf(nil, `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},`+
		`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":%q},"signature":%q}}`,
		base64.StdEncoding.EncodeToString(digest), base64.StdEncoding.EncodeToString(bundled))
	return append(
		out,
		&detachedBench{"sigstore", keys(b, ec.Public()), firmware.Signature{Data: bundle}, oneSHA256, nil},
		cmsBench(b, dir, image, f, st.Size(), ec),
	)
}

var oneSHA256 = []func() hash.Hash{sha256.New}

// opensslBenches are the signatures of a SHA-256 alone, which openssl dgst
// verifies, too.
func opensslBenches(b *testing.B, dir, image string, digest []byte, ec *ecdsa.PrivateKey) (out []*detachedBench) {
	openssl := sigtest.Stranger(b, "openssl")
	for _, c := range []struct {
		scheme  string
		key     crypto.Signer
		padding crypto.SignerOpts
		options []string
	}{
		{"rsa-pkcs1v15-sha256", rsaKey, crypto.SHA256, nil},
		{"rsa-pss-sha256", rsaKey, &rsa.PSSOptions{Hash: crypto.SHA256}, []string{"-sigopt", "rsa_padding_mode:pss"}},
		{"ecdsa-sha256", ec, crypto.SHA256, nil},
	} {
		value, err := c.key.Sign(rand.Reader, digest, c.padding)
		require.NoError(b, err)
		sigtest.Write(b, value, dir, c.scheme+".sig")
		sigtest.Write(b, pemPublic(b, c.key.Public()), dir, c.scheme+".pub")
		out = append(out, &detachedBench{
			c.scheme, keys(b, c.key.Public()),
			firmware.Signature{Scheme: c.scheme, Data: value},
			oneSHA256,
			func() error {
				args := append([]string{"dgst", "-sha256", "-verify", filepath.Join(dir, c.scheme+".pub")}, c.options...)
				_, err := openssl.Try(append(args, "-signature", filepath.Join(dir, c.scheme+".sig"), image)...)
				return err
			},
		})
	}
	return out
}

func pemPublic(b *testing.B, key crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(b, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// signPure holds the image in memory, since Ed25519 reads it twice to sign it.
func signPure(b *testing.B, key ed25519.PrivateKey, image string) []byte {
	message, err := os.ReadFile(image)
	require.NoError(b, err)
	defer runtime.GC()
	return ed25519.Sign(key, message)
}

func cmsBench(b *testing.B, dir, image string, f io.ReaderAt, size int64, ec *ecdsa.PrivateKey) *detachedBench {
	root, leaf := authority(b, ec.Public())
	k, err := firmware.NewSigningKey(ec, leaf)
	require.NoError(b, err)
	p7, err := k.Countersign(b.Context(), f, size, firmware.Statement{Issued: issued}, nil)
	require.NoError(b, err)
	sigtest.Write(b, p7, dir, "image.p7s")
	sigtest.Write(b, pemCert(root), dir, "root.pem")
	openssl := sigtest.Stranger(b, "openssl")
	return &detachedBench{
		"cms",
		firmware.Policy{Roots: []*x509.Certificate{root}, Now: at(issued)},
		firmware.Signature{Data: p7},
		oneSHA256,
		func() error {
			_, err := openssl.Try("cms", "-verify", "-binary", "-inform", "DER", "-in", filepath.Join(dir, "image.p7s"),
				"-content", image, "-CAfile", filepath.Join(dir, "root.pem"), "-purpose", "any", "-attime", fmt.Sprint(issued.Unix()), "-out", os.DevNull)
			return err
		},
	}
}
