package sig_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// A pssMaker encodes as RFC 8017 section 9.1.1 does, with a mask by any hash
// and with the mistakes that a verifier must notice.
type pssMaker struct {
	mask          crypto.Hash
	salt          int
	separator     byte // 1 is right
	trailer, high byte // 0xbc and 0 are right
	padding       byte // 0 is right
}

var rightPSS = pssMaker{mask: crypto.SHA1, salt: 20, separator: 1, trailer: 0xbc}

// encode returns the encoded message as a number.
func (p pssMaker) encode(t testing.TB, bits int, digest []byte) *big.Int {
	t.Helper()
	salt := make([]byte, p.salt)
	_, _ = rand.Read(salt)
	h := sha256.Sum256(bytes.Join([][]byte{make([]byte, 8), digest, salt}, nil))
	em := make([]byte, (bits-1+7)/8)
	db := em[:len(em)-len(h)-1]
	for i := range db[:len(db)-len(salt)-1] {
		db[i] = p.padding
	}
	db[len(db)-len(salt)-1] = p.separator
	copy(db[len(db)-len(salt):], salt)
	var stream []byte
	for n := uint32(0); len(stream) < len(db); n++ {
		d := p.mask.New()
		d.Write(h[:])
		d.Write(binary.BigEndian.AppendUint32(nil, n))
		stream = d.Sum(stream)
	}
	for i := range db {
		db[i] ^= stream[i]
	}
	db[0] &= 0xff >> (8*len(em) - (bits - 1))
	db[0] |= p.high
	copy(em[len(db):], h[:])
	em[len(em)-1] = p.trailer
	return new(big.Int).SetBytes(em)
}

func power(k *rsa.PrivateKey, m *big.Int) *big.Int { return new(big.Int).Exp(m, k.D, k.N) }

func (p pssMaker) sign(t testing.TB, k *rsa.PrivateKey, digest []byte) []byte {
	t.Helper()
	for {
		if m := p.encode(t, k.N.BitLen(), digest); m.Cmp(k.N) < 0 {
			return power(k, m).FillBytes(make([]byte, k.Size()))
		}
	}
}

var maskBySHA1 = sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, MGF1: crypto.SHA1, Salt: sig.SaltAuto}

// The usual signers cannot make a mask by another hash, so that this makes it,
// at sizes where the encoded message has spare bits, one, and none.
func TestPSSWithAMaskByAnotherHash(t *testing.T) {
	for _, bits := range []int{1024, 1025, 1026, 1031, 2048} {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		require.NoError(t, err)
		for round := range 8 {
			digest := sha256.Sum256([]byte{byte(round)})
			s := rightPSS.sign(t, k, digest[:])
			assert.True(t, maskBySHA1.Verify(k.Public(), digest[:], s), "%d bits", bits)
			exact := maskBySHA1
			exact.Salt = 20
			assert.True(t, exact.Verify(k.Public(), digest[:], s))
			exact.Salt = 19
			assert.False(t, exact.Verify(k.Public(), digest[:], s))
			assert.False(t, sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, Salt: sig.SaltAuto}.Verify(k.Public(), digest[:], s), "it is the mask's hash that counts")
			other := sha256.Sum256([]byte("other"))
			assert.False(t, maskBySHA1.Verify(k.Public(), other[:], s))
		}
	}
}

func TestPSSEncodingsThatAreWrong(t *testing.T) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	digest := sha256.Sum256(nil)
	for name, change := range map[string]func(*pssMaker){
		"another last byte":          func(p *pssMaker) { p.trailer = 0xcc },
		"a bit above the message":    func(p *pssMaker) { p.high = 0x80 },
		"padding that is not zero":   func(p *pssMaker) { p.padding = 2 },
		"another separator":          func(p *pssMaker) { p.separator = 2 },
		"nothing before an all-zero": func(p *pssMaker) { p.separator, p.salt = 0, 0 },
	} {
		p := rightPSS
		change(&p)
		assert.False(t, maskBySHA1.Verify(k.Public(), digest[:], p.sign(t, k, digest[:])), name)
	}
	none := rightPSS
	none.salt = 0
	assert.True(t, maskBySHA1.Verify(k.Public(), digest[:], none.sign(t, k, digest[:])), "a salt may be empty")
}

// A signature is a number below the modulus: the same one with the modulus
// added is another spelling, and no signature.
func TestPSSAboveTheModulus(t *testing.T) {
	k, err := rsa.GenerateKey(rand.Reader, 1031) // 129 bytes have room for twice the modulus
	require.NoError(t, err)
	digest := sha256.Sum256(nil)
	s := rightPSS.sign(t, k, digest[:])
	require.True(t, maskBySHA1.Verify(k.Public(), digest[:], s))
	more := new(big.Int).Add(new(big.Int).SetBytes(s), k.N).FillBytes(make([]byte, k.Size()))
	assert.False(t, maskBySHA1.Verify(k.Public(), digest[:], more))
	assert.False(t, maskBySHA1.Verify(k.Public(), digest[:], k.N.FillBytes(make([]byte, k.Size()))), "the modulus itself is nought")

	// What lies above the encoded message's bytes is refused, not cut off.
	k, err = rsa.GenerateKey(rand.Reader, 1025)
	require.NoError(t, err)
	m := rightPSS.encode(t, 1025, digest[:])
	high := new(big.Int).SetBit(m, 1024, 1)
	for high.Cmp(k.N) >= 0 {
		k, err = rsa.GenerateKey(rand.Reader, 1025)
		require.NoError(t, err)
	}
	assert.False(t, maskBySHA1.Verify(k.Public(), digest[:], power(k, high).FillBytes(make([]byte, k.Size()))))
}

// The smallest modulus that has room for a digest, and one that has none.
func TestPSSWithoutRoom(t *testing.T) {
	digest := sha256.Sum256(nil)
	for _, c := range []struct {
		half int
		want bool
	}{{136, true}, {132, false}} {
		p, err := rand.Prime(rand.Reader, c.half)
		require.NoError(t, err)
		q, err := rand.Prime(rand.Reader, c.half)
		require.NoError(t, err)
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(big.NewInt(65537), phi)
		require.NotNil(t, d)
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d}
		s := make([]byte, k.Size())
		if c.want {
			m := pssMaker{mask: crypto.SHA1, separator: 1, trailer: 0xbc}
			s = m.sign(t, k, digest[:])
		} else {
			// 33 bytes: what is left of the digest is no place for a salt.
			s = power(k, big.NewInt(0xbc)).FillBytes(s)
		}
		assert.Equal(t, c.want, maskBySHA1.Verify(k.Public(), digest[:], s), "%d bits", k.N.BitLen())
	}
}

// PKCS #1 v1.5 by the standard library's own signer.
func TestPKCS1(t *testing.T) {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	digest := sha256.Sum256(nil)
	s, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest[:])
	require.NoError(t, err)
	a := sig.Algorithm{Method: sig.PKCS1v15, Hash: crypto.SHA256}
	assert.True(t, a.Verify(k.Public(), digest[:], s))
	s[3] ^= 1
	assert.False(t, a.Verify(k.Public(), digest[:], s))
	assert.False(t, a.Verify(k.Public(), digest[:31], s))
}
