package sig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/binary"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// verifyPSS leaves the usual case to crypto/rsa. What that does not offer is
// a mask by another hash than the digest's: RFC 4055 makes SHA-1 the default
// of the mask, so such signatures are made, and the mask asks no collision
// resistance of its hash.
func verifyPSS(k *rsa.PublicKey, a Algorithm, digest, signature []byte) bool {
	if a.mask() != a.Hash {
		return verifyPSSMask(k, a, digest, signature)
	}
	salt := a.Salt
	switch salt {
	case SaltAuto:
		salt = rsa.PSSSaltLengthAuto
	case 0:
		// rsa.PSSSaltLengthAuto is zero: take any length, then see that it is
		// none.
		return verifyPSSMask(k, a, digest, signature)
	}
	return rsa.VerifyPSS(k, a.Hash, digest, signature, &rsa.PSSOptions{SaltLength: salt}) == nil
}

// verifyPSSMask is EMSA-PSS-VERIFY, RFC 8017 section 9.1.2, over RSAVP1.
// Everything here is public, so that math/big will do.
func verifyPSSMask(k *rsa.PublicKey, a Algorithm, digest, signature []byte) bool {
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(k.N) >= 0 {
		return false
	}
	bits := k.N.BitLen() - 1
	em := make([]byte, (bits+7)/8)
	m := s.Exp(s, big.NewInt(int64(k.E)), k.N)
	if m.BitLen() > 8*len(em) {
		return false
	}
	m.FillBytes(em)

	hLen := a.Hash.Size()
	if len(em) < hLen+2 || em[len(em)-1] != 0xbc {
		return false
	}
	db, h := em[:len(em)-hLen-1], em[len(em)-hLen-1:len(em)-1]
	clear := byte(0xff) >> (8*len(em) - bits)
	if db[0]&^clear != 0 {
		return false
	}
	mask(a.mask(), h, db)
	db[0] &= clear
	one := slices.IndexFunc(db, func(b byte) bool { return b != 0 })
	if one < 0 || db[one] != 1 {
		return false
	}
	salt := db[one+1:]
	if a.Salt != SaltAuto && len(salt) != a.Salt {
		return false
	}
	d := a.Hash.New()
	d.Write(make([]byte, 8))
	d.Write(digest)
	d.Write(salt)
	return bytes.Equal(d.Sum(nil), h)
}

// mask is MGF1 (RFC 8017 section B.2.1), XORed onto dst.
func mask(hash crypto.Hash, seed, dst []byte) {
	var counter [4]byte
	for n := uint32(0); len(dst) > 0; n++ {
		d := hash.New()
		d.Write(seed)
		binary.BigEndian.PutUint32(counter[:], n)
		d.Write(counter[:])
		sum := d.Sum(nil)
		k := min(len(sum), len(dst))
		for i := range k {
			dst[i] ^= sum[i]
		}
		dst = dst[k:]
	}
}

// parseECDSA reads an ECDSA-Sig-Value (RFC 3279 section 2.2.3) that is DER to
// the byte, with two positive integers and nothing after it.
func parseECDSA(b []byte) (r, s *big.Int, ok bool) {
	in, inner := cryptobyte.String(b), cryptobyte.String(nil)
	r, s = new(big.Int), new(big.Int)
	if !in.ReadASN1(&inner, asn1.SEQUENCE) || !in.Empty() ||
		!inner.ReadASN1Integer(r) || !inner.ReadASN1Integer(s) || !inner.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 {
		return nil, nil, false
	}
	return r, s, true
}
