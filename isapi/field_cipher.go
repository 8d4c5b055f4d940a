package isapi

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/camsec/camsec"
)

// A fieldCipher hides values of single elements, as the query security=1 asks
// for. The key comes from the password of the account that asks, so it hides
// nothing from who knows or guesses that one: it is no substitute for https.
//
// The derivation was confirmed by the web pages of an AX Hub and of an NVR
// V5.05.375; no exchange with a known key was recorded.
type fieldCipher struct{ key []byte }

// fieldSeed is what the maker appends before the key is derived.
const fieldSeed = "AaBbCcDd1234!@#$"

// newFieldCipher derives the key. An empty salt means the reversible form.
func newFieldCipher(user string, password camsec.Secret, salt string, iterations int) (*fieldCipher, error) {
	if iterations <= 0 {
		iterations = 100
	}
	if iterations > maxIterations {
		return nil, fmt.Errorf("isapi: %d iterations for a key: %w", iterations, camsec.ErrMalformed)
	}
	base := string(password.Reveal())
	if salt != "" {
		base = hash(user + salt + base)
	}
	k := base[:min(len(base), 64)] + fieldSeed
	for range iterations {
		k = hash(k)
	}
	key, err := hex.DecodeString(k[:32])
	if err != nil {
		return nil, err // not reached: it is hex of our own making
	}
	return &fieldCipher{key: key}, nil
}

// newIV makes the value that goes into the query as iv.
func newIV(r io.Reader) ([]byte, error) {
	iv := make([]byte, aes.BlockSize)
	if _, err := io.ReadFull(r, iv); err != nil {
		return nil, fmt.Errorf("isapi: %w", err)
	}
	return iv, nil
}

// seal hides one value.
func (f *fieldCipher) seal(iv []byte, value string) (string, error) {
	block, err := aes.NewCipher(f.key)
	if err != nil {
		return "", err
	}
	b := zeroPadded([]byte(base64.StdEncoding.EncodeToString([]byte(value))))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(b, b)
	return hex.EncodeToString(b), nil
}

// open shows a value that a device has hidden. Devices pad with zeros or by
// PKCS #7; neither occurs in the base64 inside.
func (f *fieldCipher) open(iv []byte, hidden string) (string, error) {
	b, err := hex.DecodeString(hidden)
	if err != nil || len(b) == 0 || len(b)%aes.BlockSize != 0 || len(b) > 8<<10 {
		return "", errHidden
	}
	block, err := aes.NewCipher(f.key)
	if err != nil {
		return "", err
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(b, b)
	b = bytes.TrimRightFunc(b, func(r rune) bool { return r <= aes.BlockSize })
	value, err := base64.StdEncoding.DecodeString(string(b))
	if err != nil {
		return "", errHidden
	}
	return string(value), nil
}

// errHidden says nothing of the value.
var errHidden = fmt.Errorf("isapi: a hidden field cannot be read: %w", camsec.ErrMalformed)

func zeroPadded(b []byte) []byte {
	if n := len(b) % aes.BlockSize; n != 0 {
		b = append(b, make([]byte, aes.BlockSize-n)...)
	}
	return b
}

// ecb encrypts block by block, which is what legacy activation asks for.
func ecb(key, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(plain)%aes.BlockSize != 0 {
		return nil, errors.New("isapi: not whole blocks")
	}
	out := make([]byte, len(plain))
	for i := 0; i < len(plain); i += aes.BlockSize {
		block.Encrypt(out[i:], plain[i:])
	}
	return out, nil
}
