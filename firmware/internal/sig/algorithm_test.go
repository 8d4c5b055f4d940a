package sig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// RFC 8032 section 7.1, tests 1 to 3.
func TestVectorsOfRFC8032(t *testing.T) {
	for _, v := range [][3]string{
		{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		{"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	} {
		assert.True(t, streamed(unhex(t, v[0]), unhex(t, v[1]), unhex(t, v[2])))
		assert.False(t, streamed(unhex(t, v[0]), append(unhex(t, v[1]), 0), unhex(t, v[2])))
	}
}

// RFC 6979 section A.2.5, SHA-256 over "sample", in both encodings.
func TestVectorOfRFC6979(t *testing.T) {
	pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), unhex(t, "04"+
		"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"+
		"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"))
	require.NoError(t, err)
	r := "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	s := "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
	digest := sha256.Sum256([]byte("sample"))
	raw := sig.Algorithm{Method: sig.ECDSAP1363, Hash: crypto.SHA256}
	der := sig.Algorithm{Method: sig.ECDSA, Hash: crypto.SHA256}
	assert.True(t, raw.Verify(pub, digest[:], unhex(t, r+s)))
	assert.True(t, der.Verify(pub, digest[:], unhex(t, "3046022100"+r+"022100"+s)))
	assert.False(t, der.Verify(pub, digest[:], unhex(t, r+s)))
	assert.False(t, raw.Verify(pub, digest[:], unhex(t, "3046022100"+r+"022100"+s)))
	assert.False(t, raw.Verify(pub, digest[:], unhex(t, s+r)))
	assert.False(t, raw.Verify(pub, digest[:], make([]byte, 64)))
}

func TestShape(t *testing.T) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	require.NoError(t, err)
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for _, c := range []struct {
		method sig.Method
		pub    crypto.PublicKey
		sig    []byte
		wrong  string
	}{
		{sig.PKCS1v15, r.Public(), make([]byte, 256), ""},
		{sig.PKCS1v15, r.Public(), make([]byte, 257), "a signature of 257 bytes, where RSA-2048 makes 256"},
		{sig.PSS, r.Public(), make([]byte, 255), "a signature of 255 bytes, where RSA-2048 makes 256"},
		{sig.ECDSAP1363, ec.Public(), make([]byte, 132), ""},
		{sig.ECDSAP1363, ec.Public(), make([]byte, 131), "a signature of 131 bytes, where ECDSA P-521 makes 132"},
		{sig.PureEd25519, ed, make([]byte, 64), ""},
		{sig.PureEd25519, ed, make([]byte, 63), "a signature of 63 bytes, where Ed25519 makes 64"},
		{sig.PureEd25519, ed, nil, "an empty signature"},
		{sig.ECDSA, ec.Public(), unhex(t, "3006020101020101"), ""},
		{sig.ECDSA, ec.Public(), unhex(t, "300602010102010100"), "no DER signature of two integers"},   // trailing
		{sig.ECDSA, ec.Public(), unhex(t, "30080201010201010500"), "no DER signature of two integers"}, // a third
		{sig.ECDSA, ec.Public(), unhex(t, "308106020101020101"), "no DER signature of two integers"},   // long form
		{sig.ECDSA, ec.Public(), unhex(t, "300702020001020101"), "no DER signature of two integers"},   // leading zero
		{sig.ECDSA, ec.Public(), unhex(t, "3006020181020101"), "no DER signature of two integers"},     // negative
		{sig.ECDSA, ec.Public(), unhex(t, "3006020100020101"), "no DER signature of two integers"},     // r = 0
		{sig.ECDSA, ec.Public(), unhex(t, "3006020101020100"), "no DER signature of two integers"},     // s = 0
		{sig.ECDSA, ec.Public(), unhex(t, "3003020101"), "no DER signature of two integers"},           // one
	} {
		assert.Equal(t, c.wrong, sig.Algorithm{Method: c.method}.Shape(c.pub, c.sig))
	}
}

// Our own PSS, which crypto/rsa's is not enough for, and crypto/rsa agree
// where both can judge.
func TestPSSAgreesWithTheStandardLibrary(t *testing.T) {
	for _, bits := range []int{1024, 1025, 1031, 2048} { // 1025: the mask has no spare bits
		k, err := rsa.GenerateKey(rand.Reader, bits)
		require.NoError(t, err)
		digest := sha256.Sum256([]byte{byte(bits)})
		for _, salt := range []int{0, 1, 20, 32, 60} {
			o := &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256}
			if salt == 0 {
				o.SaltLength = rsa.PSSSaltLengthAuto // as long as fits
			}
			s, err := rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest[:], o)
			require.NoError(t, err)
			for _, want := range []int{sig.SaltAuto, 0, 1, 20, 32, 60} {
				a := sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, Salt: want}
				std := rsa.VerifyPSS(&k.PublicKey, crypto.SHA256, digest[:], s, &rsa.PSSOptions{SaltLength: max(0, want)}) == nil
				if want != 0 {
					assert.Equal(t, std, a.Verify(k.Public(), digest[:], s), "%d bits, salt %d, want %d", bits, salt, want)
				} else {
					assert.False(t, a.Verify(k.Public(), digest[:], s), "there is a salt")
				}
			}
			a := sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, Salt: sig.SaltAuto}
			assert.True(t, a.Verify(k.Public(), digest[:], s))
			s[len(s)-1] ^= 1
			assert.False(t, a.Verify(k.Public(), digest[:], s))
			assert.False(t, sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, MGF1: crypto.SHA1, Salt: sig.SaltAuto}.Verify(k.Public(), digest[:], s))
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"rsa-pkcs1v15-sha256":      "RSA PKCS#1 v1.5 SHA-256",
		"rsa-pss-sha512":           "RSA-PSS SHA-512",
		"rsa-pss-sha256-mgf1-sha1": "RSA-PSS SHA-256 with a mask by SHA-1",
		"ecdsa-sha384":             "ECDSA SHA-384",
		"ecdsa-p1363-sha256":       "ECDSA SHA-256",
		"ed25519":                  "Ed25519",
	} {
		a, err := sig.Named(name)
		require.NoError(t, err)
		assert.Equal(t, want, a.String())
	}
	_, err := sig.Named("rsa")
	assert.Equal(t, sig.Unsupported, sig.KindOf(err))
	assert.Equal(t, "no algorithm", sig.Algorithm{}.String())
	assert.False(t, sig.Algorithm{}.Verify(nil, nil, nil))
	assert.Len(t, sig.Names(), 18)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	assert.Equal(t, "ECDSA P-256 SHA-256", sig.Algorithm{Method: sig.ECDSAP1363, Hash: crypto.SHA256}.With(ec.Public()))
	assert.Equal(t, "string", sig.KeyKind("x"))
	assert.Equal(t, "of an unknown kind", sig.Fingerprint("x"))
}
