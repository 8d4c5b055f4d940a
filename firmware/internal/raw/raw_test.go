package raw_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/raw"
	"github.com/camsec/camsec/firmware/internal/sig"
)

func verify(t *testing.T, scheme string, image, signature []byte, floor sig.Floor, keys ...crypto.PublicKey) (*sig.Result, error) {
	t.Helper()
	a, err := sig.Named(scheme)
	require.NoError(t, err)
	var anchors sig.Anchors
	for _, k := range keys {
		anchors.Keys = append(anchors.Keys, sig.Key{Public: k})
	}
	c, err := raw.Open(a, signature, anchors, floor)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, image)
}

func TestEd25519AndECDSA(t *testing.T) {
	image := []byte("an image")
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sum := sha256.Sum256(image)
	ecSig, err := ecdsa.SignASN1(rand.Reader, ec, sum[:])
	require.NoError(t, err)

	res, err := verify(t, "ed25519", image, ed25519.Sign(key, image), sig.Floor{}, ec.Public(), pub)
	require.NoError(t, err)
	assert.Equal(t, "Ed25519", res.Algorithm)
	res, err = verify(t, "ecdsa-sha256", image, ecSig, sig.Floor{}, pub, ec.Public())
	require.NoError(t, err)
	assert.Equal(t, "ECDSA P-256 SHA-256", res.Algorithm)

	_, err = verify(t, "ecdsa-sha256", []byte("another"), ecSig, sig.Floor{}, ec.Public())
	assert.Equal(t, sig.Invalid, sig.KindOf(err))
	_, err = verify(t, "ecdsa-sha256", image, append(ecSig, 0), sig.Floor{}, ec.Public())
	assert.Equal(t, sig.Malformed, sig.KindOf(err))
	_, err = verify(t, "ecdsa-sha256", image, ecSig, sig.Floor{}, pub)
	assert.Equal(t, sig.Untrusted, sig.KindOf(err))
	_, err = verify(t, "ecdsa-sha256", image, ecSig, sig.Floor{})
	assert.Equal(t, sig.NoAnchor, sig.KindOf(err))
}

func TestFloor(t *testing.T) {
	image := []byte("an image")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	sum := sha256.Sum256(image)
	s, err := rsa.SignPKCS1v15(nil, weak, crypto.SHA256, sum[:])
	require.NoError(t, err)
	_, err = verify(t, "rsa-pkcs1v15-sha256", image, s, sig.Floor{}, weak.Public())
	assert.Equal(t, sig.BelowPolicy, sig.KindOf(err))
	assert.ErrorContains(t, err, "RSA-1024")
	res, err := verify(t, "rsa-pkcs1v15-sha256", image, s, sig.Floor{LegacyRSA1024: true}, weak.Public())
	require.NoError(t, err)
	assert.Equal(t, "RSA-1024 PKCS#1 v1.5 SHA-256", res.Algorithm)
	assert.NotEmpty(t, res.Notes)
}

func TestWhatIsTold(t *testing.T) {
	image := []byte("an image")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	sum := sha256.Sum256(image)
	s, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	ecSig, err := ecdsa.SignASN1(rand.Reader, ec, sum[:])
	require.NoError(t, err)

	res, err := verify(t, "rsa-pkcs1v15-sha256", image, s, sig.Floor{}, other.Public(), key.Public())
	require.NoError(t, err)
	assert.Equal(t, []string{"RSA-2048 will do until 2030 (NIST SP 800-57)"}, res.Notes)
	assert.Equal(t, "RSA-2048 key "+sig.Fingerprint(key.Public()), res.By)
	res, err = verify(t, "ecdsa-sha256", image, ecSig, sig.Floor{}, ec.Public())
	require.NoError(t, err)
	assert.Empty(t, res.Notes)

	_, err = verify(t, "rsa-pkcs1v15-sha256", nil, s, sig.Floor{}, key.Public())
	assert.ErrorContains(t, err, "by RSA-2048 key "+sig.Fingerprint(key.Public()))
	_, err = verify(t, "rsa-pkcs1v15-sha256", nil, s, sig.Floor{}, key.Public(), other.Public())
	assert.ErrorContains(t, err, "by any of 2 keys")

	_, err = verify(t, "rsa-pkcs1v15-sha256", image, make([]byte, raw.MaxSize), sig.Floor{}, key.Public())
	assert.ErrorContains(t, err, "where RSA-2048 makes 256")
	_, err = verify(t, "rsa-pkcs1v15-sha256", image, make([]byte, raw.MaxSize+1), sig.Floor{}, key.Public())
	assert.EqualError(t, err, "raw: malformed: a signature of 16385 bytes")
}
