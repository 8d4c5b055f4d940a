package sig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
)

// Limits of a file of keys.
const (
	maxKeyFile = 1 << 20
	maxKeys    = 64
)

// ParseKeys reads public keys: PEM or DER public keys and certificates (any
// number in one PEM file), a key of minisign, signify or usign, or the
// PUBLICKEYBLOB of TP-Link's images, as it is or in base64. name goes into
// each Key. The error is an *[Error].
func ParseKeys(name string, data []byte) ([]Key, error) {
	if len(data) > maxKeyFile {
		return nil, Errorf(Malformed, "", "a key file of %d bytes", len(data))
	}
	keys, err := parseKeys(data)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		keys[i].Name = name
	}
	return keys, nil
}

func parseKeys(data []byte) ([]Key, error) {
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return parsePEM(data)
	}
	if k, ok := parseDER(data); ok {
		return []Key{k}, nil
	}
	text := strings.TrimRight(string(data), "\r\n \t")
	if k, ok := parseWithID(text); ok {
		return []Key{k}, nil
	}
	if k, ok := parseBlob(data); ok {
		return []Key{k}, nil
	}
	if b, err := base64.StdEncoding.DecodeString(text); err == nil {
		if k, ok := parseBlob(b); ok {
			return []Key{k}, nil
		}
	}
	return nil, Errorf(Malformed, "", "no public key and no certificate of a kind that is read here")
}

func parsePEM(data []byte) ([]Key, error) {
	var out []Key
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		var k Key
		var err error
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
			if k.Certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
				k.Public = k.Certificate.PublicKey
			}
		case "PUBLIC KEY":
			k.Public, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "RSA PUBLIC KEY":
			k.Public, err = x509.ParsePKCS1PublicKey(block.Bytes)
		default:
			if strings.Contains(block.Type, "PRIVATE") {
				return nil, Errorf(Malformed, "", "a private key where a public one is expected")
			}
			return nil, Errorf(Unsupported, "", "PEM of type %q", block.Type)
		}
		if err != nil {
			return nil, Errorf(Malformed, "", "%s: %v", strings.ToLower(block.Type), err)
		}
		if !known(k.Public) {
			return nil, Errorf(Unsupported, "", "keys of type %T", k.Public)
		}
		if out = append(out, k); len(out) > maxKeys {
			return nil, Errorf(Malformed, "", "more than %d keys in one file", maxKeys)
		}
	}
	if len(out) == 0 {
		return nil, Errorf(Malformed, "", "no complete PEM block")
	}
	return out, nil
}

func parseDER(data []byte) (Key, bool) {
	if len(data) == 0 || data[0] != 0x30 {
		return Key{}, false
	}
	if c, err := x509.ParseCertificate(data); err == nil {
		return Key{Public: c.PublicKey, Certificate: c}, known(c.PublicKey)
	}
	if p, err := x509.ParsePKIXPublicKey(data); err == nil {
		return Key{Public: p}, known(p)
	}
	if p, err := x509.ParsePKCS1PublicKey(data); err == nil {
		return Key{Public: p}, true
	}
	return Key{}, false
}

func known(p crypto.PublicKey) bool {
	return Algorithm{Method: PSS}.Fits(p) || Algorithm{Method: ECDSA}.Fits(p) || Algorithm{Method: PureEd25519}.Fits(p)
}

// parseWithID reads a key of minisign, signify or usign: "Ed", eight bytes of
// ID, the key; in base64, after a line of comment that may be missing.
func parseWithID(text string) (k Key, ok bool) {
	if first, rest, ok := strings.Cut(text, "\n"); ok {
		if !strings.HasPrefix(first, "untrusted comment:") {
			return Key{}, false
		}
		k.Minisign = strings.HasPrefix(first, "untrusted comment: minisign public key")
		text = strings.TrimRight(rest, "\r\n")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 2+8+ed25519.PublicKeySize || string(b[:2]) != "Ed" {
		return Key{}, false
	}
	id := KeyID(b[2:10])
	k.Public, k.ID = ed25519.PublicKey(b[10:]), &id
	return k, true
}

// parseBlob reads a PUBLICKEYBLOB with an RSA key: BLOBHEADER (type 6,
// version 2, algorithm), "RSA1", bits, exponent, modulus, all little-endian.
func parseBlob(b []byte) (Key, bool) {
	const head = 20
	if len(b) <= head || b[0] != 6 || b[1] != 2 || string(b[8:12]) != "RSA1" {
		return Key{}, false
	}
	bits, e := binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint32(b[16:])
	n := slices.Clone(b[head:])
	slices.Reverse(n)
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(e)}
	if bits%8 != 0 || int64(bits/8) != int64(len(n)) || key.N.BitLen() != int(bits) || e>>31 != 0 {
		return Key{}, false
	}
	return Key{Public: key}, true
}

// ParseCertificates reads certificates, PEM or DER.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	keys, err := ParseKeys("", data)
	if err != nil {
		return nil, err
	}
	var out []*x509.Certificate
	for _, k := range keys {
		if k.Certificate == nil {
			return nil, Errorf(Malformed, "", "a public key where a certificate is expected")
		}
		out = append(out, k.Certificate)
	}
	return out, nil
}

// ParseCRLs reads certificate revocation lists, PEM or DER. PEM blocks that
// are none are passed over, since lists often share a file with the
// certificates of their issuers.
func ParseCRLs(data []byte) ([]*x509.RevocationList, error) {
	if len(data) > maxCRLFile {
		return nil, Errorf(Malformed, "", "a revocation list of %d bytes", len(data))
	}
	if !bytes.Contains(data, []byte("-----BEGIN ")) {
		l, err := x509.ParseRevocationList(data)
		if err != nil {
			return nil, Errorf(Malformed, "", "no revocation list: %v", err)
		}
		return []*x509.RevocationList{l}, nil
	}
	var out []*x509.RevocationList
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		l, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, Errorf(Malformed, "", "no revocation list: %v", err)
		}
		if out = append(out, l); len(out) > maxKeys {
			return nil, Errorf(Malformed, "", "more than %d revocation lists in one file", maxKeys)
		}
	}
	if len(out) == 0 {
		return nil, Errorf(Malformed, "", "no revocation list")
	}
	return out, nil
}

// maxCRLFile bounds a file of revocation lists; those of large issuers are
// long.
const maxCRLFile = 16 << 20
