package isapi

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/camsec/camsec"
)

// Activation hands a device its first password. It has no key of ours yet, so
// the client makes an RSA key for the occasion, the device answers with a
// random value under it, and the password goes back under that value. This
// keeps the password from listeners and not from somebody in between, who can
// answer with a value of his own: only verified or pinned TLS does.
type activationKey struct{ key *rsa.PrivateKey }

// Key sizes: the old exchange takes 1024 bits and nothing else, V3 takes 3072.
const (
	legacyKeyBits = 1024
	v3KeyBits     = 3072
)

func newActivationKey(bits int) (*activationKey, error) {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("isapi: key for activation: %w", err)
	}
	return &activationKey{k}, nil
}

// public is the modulus as the device wants it; the exponent, 65537, is
// implied.
func (k *activationKey) public() string {
	n := make([]byte, k.key.Size())
	return twice(k.key.N.FillBytes(n))
}

// twice is base64 of lower-case hex, in which all of the exchange is written.
func twice(b []byte) string {
	return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(b)))
}

// unwrap returns the random value in a device's answer: 32, 48 or 64
// characters of hex, of which the exchange uses the text and the bytes.
func (k *activationKey) unwrap(answer string) (string, error) {
	h, err := base64.StdEncoding.DecodeString(answer)
	if err != nil {
		return "", errChallenge
	}
	b := make([]byte, hex.DecodedLen(len(h)))
	if _, err := hex.Decode(b, h); err != nil {
		return "", errChallenge
	}
	r, err := rsa.DecryptPKCS1v15(nil, k.key, b) //nolint:staticcheck // the scheme that devices speak; the key is used once
	if err != nil {
		return "", errChallenge
	}
	if n := len(r); n != 32 && n != 48 && n != 64 {
		return "", errChallenge
	}
	if _, err := hex.DecodeString(string(r)); err != nil {
		return "", errChallenge
	}
	return string(r), nil
}

var errChallenge = fmt.Errorf("isapi: the device's answer to the key cannot be read: %w", camsec.ErrMalformed)

// maxActivation is the longest password of the old exchange: one block.
const maxActivation = aes.BlockSize

// sealLegacy hides the password for PUT /ISAPI/System/activate. Checked
// against vectors of an independent program; the guide's word CBC is wrong.
func sealLegacy(random string, password camsec.Secret) (string, error) {
	key, err := hex.DecodeString(random[:32])
	if err != nil {
		return "", errChallenge
	}
	p := password.Reveal()
	if len(p) == 0 || len(p) > maxActivation {
		return "", fmt.Errorf("isapi: activation takes passwords of 1 to %d bytes: %w", maxActivation, camsec.ErrWeakPassword)
	}
	c, err := ecb(key, append([]byte(random[:16]), zeroPadded(p)...))
	if err != nil {
		return "", err
	}
	return twice(c), nil
}

// sealV3 hides the password for StartActivateV3. Its shape comes from a
// program that ran against a V5.9-era camera; no exchange was recorded.
func sealV3(random string, password camsec.Secret, r io.Reader) (sealed, iv string, err error) {
	key, err := hex.DecodeString(random)
	if err != nil {
		return "", "", errChallenge
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", "", errChallenge
	}
	v, err := newIV(r)
	if err != nil {
		return "", "", err
	}
	b := append([]byte(random[:16]), password.Reveal()...)
	pad := aes.BlockSize - len(b)%aes.BlockSize
	for range pad {
		b = append(b, byte(pad))
	}
	cipher.NewCBCEncrypter(block, v).CryptBlocks(b, b)
	return twice(b), hex.EncodeToString(v), nil
}
