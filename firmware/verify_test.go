package firmware_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

func newKey(t testing.TB, name string, pub crypto.PublicKey) firmware.Key {
	t.Helper()
	k, err := firmware.NewKey(name, pub)
	require.NoError(t, err)
	return k
}

func ed25519Key(t *testing.T) (firmware.Key, ed25519.PrivateKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return newKey(t, "ed.pub", pub), priv
}

var rsaKey = func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}()

func verify(t *testing.T, p firmware.Policy, b []byte, s ...firmware.Signature) *firmware.Report {
	t.Helper()
	v, err := firmware.NewVerifier(p)
	require.NoError(t, err)
	r, err := v.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), &firmware.Evidence{Signatures: s})
	require.NoError(t, err)
	placed(t, r.Image)
	return r
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestNoVerifierDemandsNothing(t *testing.T) {
	k, _ := ed25519Key(t)
	for name, p := range map[string]firmware.Policy{
		"empty":                {},
		"a device alone":       {Device: &firmware.Device{Model: "X"}},
		"a version alone":      {Running: &firmware.Version{}},
		"no digest":            {Digests: []string{"sha256:zz"}},
		"an empty digest":      {Digests: []string{""}},
		"an empty key":         {Keys: []firmware.Key{{}}},
		"signers without keys": {Digests: []string{sha256Hex(nil)}, Signers: 1},
		"too many signers":     {Keys: []firmware.Key{k}, Signers: 2},
		"negative signers":     {Keys: []firmware.Key{k}, Signers: -1},
		"a statement of none":  {Digests: []string{sha256Hex(nil)}, Countersigned: true},
		"one key twice":        {Keys: []firmware.Key{k, k}},
	} {
		_, err := firmware.NewVerifier(p)
		assert.Error(t, err, name)
	}
	_, err := firmware.NewVerifier(firmware.Policy{})
	assert.ErrorIs(t, err, firmware.ErrNoDemand)
}

func TestVerifyDetached(t *testing.T) {
	k, priv := ed25519Key(t)
	image := bytes.Repeat([]byte("image"), 100_000)
	s := firmware.Signature{Name: "image.sig", Scheme: "ed25519", Data: ed25519.Sign(priv, image)}
	p := firmware.Policy{Keys: []firmware.Key{k}}

	r := verify(t, p, image, s)
	assert.Equal(t, firmware.Accepted, r.Verdict)
	assert.Equal(t, firmware.AuthenticityVerified, r.Authenticity.Status)
	assert.Contains(t, r.Authenticity.By, "ed.pub")
	assert.Equal(t, "Ed25519", r.Authenticity.Algorithm)
	assert.Equal(t, sha256Hex(image), r.SHA256)
	assert.Equal(t, firmware.IntegrityNone, r.Integrity.Status)
	assert.Empty(t, r.Uncovered)

	changed := slices.Clone(image)
	changed[123456] ^= 1
	r = verify(t, p, changed, s)
	assert.Equal(t, firmware.Rejected, r.Verdict)
	assert.Equal(t, firmware.AuthenticityInvalid, r.Authenticity.Status)
	assert.Equal(t, []firmware.Range{{Offset: 0, Length: int64(len(image)), What: "the whole file"}}, r.Uncovered)

	r = verify(t, p, image)
	assert.Equal(t, firmware.Rejected, r.Verdict)
	assert.Equal(t, firmware.AuthenticityUnsigned, r.Authenticity.Status)
}

func TestVerifyNeedsTheSchemeOfABareSignature(t *testing.T) {
	k, priv := ed25519Key(t)
	v, err := firmware.NewVerifier(firmware.Policy{Keys: []firmware.Key{k}})
	require.NoError(t, err)
	for scheme, want := range map[string]error{"": firmware.ErrSchemeNeeded, "rot13": firmware.ErrNoScheme} {
		_, err = v.Verify(t.Context(), bytes.NewReader(nil), 0, &firmware.Evidence{Signatures: []firmware.Signature{{Scheme: scheme, Data: ed25519.Sign(priv, nil)}}})
		assert.ErrorIs(t, err, want)
	}
	assert.Contains(t, firmware.Schemes(), "rsa-pss-sha256")
}

// A signature that says in words what it is needs no scheme and heeds none;
// bare bytes are what the caller says, whatever they look like.
func TestSchemesOfSeveralSignatures(t *testing.T) {
	k, priv := ed25519Key(t)
	signer, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	image := []byte("image")
	p := firmware.Policy{Keys: []firmware.Key{k}, Now: at(issued)}
	mini := firmware.Signature{Scheme: "ed25519", Data: countersign(t, signer, image, firmware.Statement{Issued: issued})}
	assert.Equal(t, firmware.Accepted, verify(t, p, image, mini, firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(priv, image)}).Verdict)

	pgp := append([]byte{0x88, 0x5e, 4, 0}, make([]byte, 60)...)
	assert.Equal(t, "openpgp", firmware.SignatureScheme(pgp))
	assert.Equal(t, firmware.NotVerifiable, verify(t, p, image, firmware.Signature{Data: pgp}).Verdict)
	assert.Equal(t, firmware.Rejected, verify(t, p, image, firmware.Signature{Scheme: "ed25519", Data: pgp}).Verdict)
}

func TestVerifyTPLink(t *testing.T) {
	for name, b := range map[string][]byte{"slp": slp(make([]byte, 5000)), "fw-type": fwType(make([]byte, 5000))} {
		at, from := 0x20, 0
		if name == "fw-type" {
			at, from = 0x130, 0x14
		}
		sum := sha256.Sum256(b[from:])
		s, err := rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 64})
		require.NoError(t, err)
		slices.Reverse(s)
		copy(b[at:], s)

		p := firmware.Policy{Keys: []firmware.Key{newKey(t, "tp-link", &rsaKey.PublicKey)}}
		r := verify(t, p, b)
		assert.Equal(t, firmware.Accepted, r.Verdict, "%s: %v", name, r.Because)
		if name == "fw-type" {
			assert.Equal(t, []firmware.Range{{Offset: 0, Length: 0x14, What: "before the signed bytes"}}, r.Uncovered)
		} else {
			assert.Empty(t, r.Uncovered)
		}
		for _, i := range []int{from, at, at + 255, at + 256, len(b) - 1} {
			c := slices.Clone(b)
			c[i] ^= 0x40
			r := verify(t, p, c)
			assert.Equal(t, firmware.Rejected, r.Verdict, "%s: byte %d", name, i)
		}
		other, _ := ed25519Key(t)
		r = verify(t, firmware.Policy{Keys: []firmware.Key{other}}, b)
		assert.NotEqual(t, firmware.Accepted, r.Verdict)
	}
}

func TestPinnedDigests(t *testing.T) {
	image := []byte("an image of any kind")
	r := verify(t, firmware.Policy{Digests: []string{"SHA256:" + sha256Hex(image)}}, image)
	assert.Equal(t, firmware.Accepted, r.Verdict, r.Because)
	assert.Equal(t, "sha256:"+sha256Hex(image), r.Authenticity.Anchor)
	r = verify(t, firmware.Policy{Digests: []string{sha256Hex(nil)}}, image)
	assert.Equal(t, firmware.Rejected, r.Verdict)

	// A key beside the digest is a demand of its own.
	k, priv := ed25519Key(t)
	p := firmware.Policy{Digests: []string{sha256Hex(image)}, Keys: []firmware.Key{k}}
	assert.Equal(t, firmware.Rejected, verify(t, p, image).Verdict)
	good := firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(priv, image)}
	assert.Equal(t, firmware.Accepted, verify(t, p, image, good).Verdict)
}

func TestSeveralSigners(t *testing.T) {
	image := []byte("image")
	k1, p1 := ed25519Key(t)
	k2, p2 := ed25519Key(t)
	k3, _ := ed25519Key(t)
	_, stranger := ed25519Key(t)
	sign := func(p ed25519.PrivateKey) firmware.Signature {
		return firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(p, image)}
	}
	policy := firmware.Policy{Keys: []firmware.Key{k1, k2, k3}, Signers: 2}
	assert.Equal(t, firmware.Accepted, verify(t, policy, image, sign(p1), sign(p2)).Verdict)
	assert.Equal(t, firmware.Accepted, verify(t, policy, image, sign(stranger), sign(p1), sign(p2)).Verdict, "one that does not count does no harm")
	assert.Equal(t, firmware.Rejected, verify(t, policy, image, sign(p1)).Verdict)
	assert.Equal(t, firmware.Rejected, verify(t, policy, image, sign(p1), sign(p1)).Verdict, "one signer twice is one")
	assert.Equal(t, firmware.Rejected, verify(t, policy, image, sign(p1), sign(stranger)).Verdict)
}

func TestBelowPolicy(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	image := []byte("image")
	sum := sha256.Sum256(image)
	data, err := rsa.SignPKCS1v15(nil, weak, crypto.SHA256, sum[:])
	require.NoError(t, err)
	p := firmware.Policy{Keys: []firmware.Key{newKey(t, "weak", &weak.PublicKey)}}
	s := firmware.Signature{Scheme: "rsa-pkcs1v15-sha256", Data: data}
	r := verify(t, p, image, s)
	assert.Equal(t, firmware.Rejected, r.Verdict)
	assert.Contains(t, r.Authenticity.Reason, "RSA-1024")
	p.LegacyRSA1024 = true
	assert.Equal(t, firmware.Accepted, verify(t, p, image, s).Verdict)
}

func TestCheckIntegrityNeverAccepts(t *testing.T) {
	for name, want := range map[string]struct {
		image   []byte
		verdict firmware.Verdict
	}{
		"plain":     {[]byte("x"), firmware.Rejected},
		"broken":    {slp(nil)[:100], firmware.Rejected},
		"signed":    {slp(make([]byte, 10)), firmware.NotVerifiable},
		"encrypted": {append([]byte("Salted__"), make([]byte, 24)...), firmware.NotVerifiable},
	} {
		r, err := firmware.CheckIntegrity(t.Context(), bytes.NewReader(want.image), int64(len(want.image)), nil)
		require.NoError(t, err)
		assert.Equal(t, want.verdict, r.Verdict, name)
	}
}

type failingReader struct{ err error }

func (f failingReader) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestNoReportWithoutAllBytes(t *testing.T) {
	k, _ := ed25519Key(t)
	v, err := firmware.NewVerifier(firmware.Policy{Keys: []firmware.Key{k}})
	require.NoError(t, err)
	broken := errors.New("disk on fire")
	_, err = v.Verify(t.Context(), failingReader{broken}, 10, nil)
	assert.ErrorIs(t, err, broken)
	_, err = v.Verify(t.Context(), bytes.NewReader(make([]byte, 10)), 20, nil)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = v.Verify(t.Context(), bytes.NewReader(nil), -1, nil)
	assert.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = v.Verify(ctx, bytes.NewReader(make([]byte, 10)), 10, nil)
	assert.ErrorIs(t, err, context.Canceled)
}
