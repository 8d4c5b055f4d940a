package sig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rsa"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/internal/sig"
)

func TestFloorOfHashes(t *testing.T) {
	all := sig.Floor{LegacySHA1: true, LegacyMD5: true, LegacyRSA1024: true}
	for _, c := range []struct {
		hash    crypto.Hash
		floor   sig.Floor
		allowed bool
		note    string
	}{
		{crypto.SHA256, sig.Floor{}, true, ""},
		{crypto.SHA384, sig.Floor{}, true, ""},
		{crypto.SHA512, sig.Floor{}, true, ""},
		{crypto.BLAKE2b_512, sig.Floor{}, true, ""},
		{crypto.SHA1, sig.Floor{}, false, ""},
		{crypto.SHA1, sig.Floor{LegacyMD5: true, LegacyRSA1024: true}, false, ""},
		{crypto.SHA1, sig.Floor{LegacySHA1: true}, true, "SHA-1 is too weak; the caller allowed it"},
		{crypto.MD5, sig.Floor{LegacySHA1: true, LegacyRSA1024: true}, false, ""},
		{crypto.MD5, sig.Floor{LegacyMD5: true}, true, "MD5 is too weak; the caller allowed it"},
		{crypto.SHA224, all, false, ""},
		{crypto.MD4, all, false, ""},
		{0, all, false, ""},
	} {
		note, err := c.floor.Hash("x", c.hash)
		assert.Equal(t, c.allowed, err == nil, "%v %+v", c.hash, c.floor)
		assert.Equal(t, c.note, note)
		if err != nil {
			assert.Equal(t, sig.BelowPolicy, sig.KindOf(err))
			assert.Contains(t, err.Error(), c.hash.String(), "the error names it")
		}
	}
}

func TestFloorOfAlgorithms(t *testing.T) {
	for _, c := range []struct {
		a    sig.Algorithm
		kind sig.Kind
	}{
		{sig.Algorithm{Method: sig.PureEd25519}, 0},
		{sig.Algorithm{Method: sig.PKCS1v15, Hash: crypto.SHA256}, 0},
		{sig.Algorithm{Method: sig.ECDSA, Hash: crypto.SHA1}, sig.BelowPolicy},
		{sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256}, 0},
		{sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, MGF1: crypto.SHA1}, 0},
		{sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA512, MGF1: crypto.SHA256}, 0},
		{sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, MGF1: crypto.MD5}, sig.BelowPolicy},
		{sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA1, MGF1: crypto.SHA256}, sig.BelowPolicy},
		{sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA1}, sig.BelowPolicy},
	} {
		_, err := sig.Floor{}.Algorithm("x", c.a)
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", c.a, err)
	}
}

func TestFloorOfKeys(t *testing.T) {
	bits := func(n uint, e int) *rsa.PublicKey {
		return &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), int(n-1), 1), E: e}
	}
	ec := func(c elliptic.Curve) *ecdsa.PublicKey { return &ecdsa.PublicKey{Curve: c} }
	even := bits(2048, 3)
	even.N.SetBit(even.N, 0, 0)
	for _, c := range []struct {
		key  crypto.PublicKey
		word bool
		kind sig.Kind
		note string
	}{
		{bits(2048, 65537), false, 0, "RSA-2048 will do until 2030 (NIST SP 800-57)"},
		{bits(3071, 65537), false, 0, "RSA-3071 will do until 2030 (NIST SP 800-57)"},
		{bits(3072, 65537), false, 0, ""},
		{bits(8192, 3), false, 0, ""},
		{bits(8193, 3), false, sig.Unsupported, ""},
		{bits(2047, 65537), false, sig.BelowPolicy, ""},
		{bits(2047, 65537), true, 0, "RSA-2047 is too short; the caller allowed it"},
		{bits(1024, 65537), false, sig.BelowPolicy, ""},
		{bits(1024, 65537), true, 0, "RSA-1024 is too short; the caller allowed it"},
		{bits(1023, 65537), true, sig.BelowPolicy, ""},
		{bits(2048, 1), false, sig.Malformed, ""},
		{bits(2048, 65536), false, sig.Malformed, ""},
		{even, false, sig.Malformed, ""},
		{ec(elliptic.P224()), true, sig.BelowPolicy, ""},
		{ec(elliptic.P256()), false, 0, ""},
		{ec(elliptic.P384()), false, 0, ""},
		{ec(elliptic.P521()), false, 0, ""},
		{make(ed25519.PublicKey, 32), false, 0, ""},
		{make(ed25519.PublicKey, 31), false, sig.Malformed, ""},
		{"no key", true, sig.Unsupported, ""},
	} {
		note, err := sig.Floor{LegacyRSA1024: c.word, LegacySHA1: true, LegacyMD5: true}.Key("x", c.key)
		assert.Equal(t, c.kind, sig.KindOf(err), "%T: %v", c.key, err)
		assert.Equal(t, c.note, note)
	}
}

func TestOversized(t *testing.T) {
	bits := func(n int) *rsa.PublicKey { return &rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int), n-1, 1), E: 3} }
	assert.False(t, sig.Oversized(bits(8192)))
	assert.True(t, sig.Oversized(bits(8193)))
	assert.False(t, sig.Oversized(make(ed25519.PublicKey, 32)))
}

func TestErrors(t *testing.T) {
	e := sig.Errorf(sig.Malformed, "cms", "a %s", "thing")
	assert.EqualError(t, e, "cms: malformed: a thing")
	assert.EqualError(t, sig.Errorf(sig.NoAnchor, "", "x"), "no anchor: x")
	assert.ErrorIs(t, e, camsec.ErrMalformed)
	assert.ErrorIs(t, sig.Errorf(sig.Untrusted, "", "x"), camsec.ErrUntrusted)
	assert.ErrorIs(t, sig.Errorf(sig.Unsupported, "", "x"), errors.ErrUnsupported)
	for _, k := range []sig.Kind{sig.Invalid, sig.BelowPolicy, sig.NoAnchor} {
		for _, target := range []error{camsec.ErrMalformed, camsec.ErrUntrusted, errors.ErrUnsupported} {
			assert.NotErrorIs(t, sig.Errorf(k, "", "x"), target)
		}
	}
	assert.Zero(t, sig.KindOf(nil))
	assert.Zero(t, sig.KindOf(errors.New("x")))
	assert.Equal(t, "below policy", sig.BelowPolicy.String())
}

// In FIPS-only mode Go's weak hashes panic; here they get an error, whatever
// the caller allows.
func TestFIPSOnly(t *testing.T) {
	if fips140.Enforced() {
		all := sig.Floor{LegacySHA1: true, LegacyMD5: true}
		for _, h := range []crypto.Hash{crypto.SHA1, crypto.MD5} {
			_, err := all.Hash("x", h)
			assert.Equal(t, sig.BelowPolicy, sig.KindOf(err), h)
		}
		_, err := all.Algorithm("x", sig.Algorithm{Method: sig.PSS, Hash: crypto.SHA256, MGF1: crypto.SHA1})
		assert.Equal(t, sig.BelowPolicy, sig.KindOf(err))
		_, err = all.Hash("x", crypto.SHA256)
		assert.NoError(t, err)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestFIPSOnly$")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	out, err := cmd.CombinedOutput()
	assert.NoError(t, err, "%s", out)
}
