package isapitest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
)

const (
	activationPath  = "/ISAPI/System/activate"
	challengePath   = "/ISAPI/Security/challenge"
	challengeV3Path = "/ISAPI/System/activate/GetChallengeV3"
	activateV3Path  = "/ISAPI/System/activate/StartActivateV3"
)

var (
	answerHasActivated = answer{403, 4, "Invalid Operation", "hasActivated", 0x40000008}
	answerParameters   = answer{400, 6, "Invalid XML Content", "badParameters", 0x60000001}
)

func isActivation(path string) bool {
	return path == activationPath || path == challengePath || path == challengeV3Path || path == activateV3Path
}

// planActivation checks one step of the exchange by which a device is given
// its first password. A step that asks for the challenge answers by itself.
func (d *Device) planActivation(r *http.Request, sent string) (reply string, change func(), no answer) {
	path := r.URL.Path
	if d.activated {
		return "", nil, answerHasActivated
	}
	v3 := path == challengeV3Path || path == activateV3Path
	if v3 != (d.profile.ActivateVersion >= 3) {
		return "", nil, answerParameters
	}
	switch path {
	case challengePath:
		return d.wrapRandom(word(parse(sent), "key"), 1024)
	case challengeV3Path:
		return d.wrapRandom(field(sent, "publicKey"), 3072)
	case activateV3Path:
		return d.takePassword(d.openV3(field(sent, "password"), field(sent, "iv")))
	}
	return d.takePassword(d.openLegacy(word(parse(sent), "password")))
}

// activation answers one step. Status zero is an answer that is lost.
func (d *Device) activation(r *http.Request, sent string) (status int, body string) {
	reply, change, a := d.planActivation(r, sent)
	switch {
	case reply != "":
		return http.StatusOK, reply
	case change != nil:
		var lost bool
		if a, lost = d.carryOut(r, change); lost {
			return 0, ""
		}
	}
	return a.http, d.status(a, r)
}

func field(body, name string) string {
	var m map[string]string
	if json.Unmarshal([]byte(body), &m) != nil {
		return ""
	}
	return m[name]
}

// wrapRandom encrypts a new random value to the client's key.
func (d *Device) wrapRandom(key string, bits int) (string, func(), answer) {
	n := decodeTwice(key)
	if len(n) != bits/8 {
		return "", nil, answerContent
	}
	d.random = randomHex(16)
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	c, err := rsa.EncryptPKCS1v15(rand.Reader, public, []byte(d.random)) //nolint:staticcheck // the scheme of the devices that this one plays
	if err != nil {
		return "", nil, answerContent
	}
	wrapped := base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(c)))
	if bits == 3072 {
		b, _ := json.Marshal(map[string]string{"challenge": wrapped}) // a string
		return string(b), nil, answerOK
	}
	p := Profile{Namespace: NamespaceStdCGI, Version: "2.0"}
	return p.doc("Challenge", el("key", wrapped)), nil, answerOK
}

// takePassword makes the device one that has a password.
func (d *Device) takePassword(password string, ok bool) (string, func(), answer) {
	if !ok {
		return "", nil, answerContent
	}
	if no := d.policy("admin", password); no != answerOK {
		return "", nil, no
	}
	return "", func() {
		d.activated, d.random = true, ""
		d.setUser(User{ID: 1, Name: d.profile.User, Level: "Administrator", Password: password})
	}, answerOK
}

func decodeTwice(s string) []byte {
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	b, err := hex.DecodeString(string(text))
	if err != nil {
		return nil
	}
	return b
}

func (d *Device) openLegacy(sealed string) (string, bool) {
	c := decodeTwice(sealed)
	key, err := hex.DecodeString(d.random)
	if err != nil || len(key) != 16 || len(c) != 32 {
		return "", false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", false
	}
	block.Decrypt(c[:16], c[:16])
	block.Decrypt(c[16:], c[16:])
	if string(c[:16]) != d.random[:16] {
		return "", false
	}
	return strings.TrimRight(string(c[16:]), "\x00"), true
}

func (d *Device) openV3(sealed, ivText string) (string, bool) {
	c := decodeTwice(sealed)
	key, err1 := hex.DecodeString(d.random)
	iv, err2 := hex.DecodeString(ivText)
	if err1 != nil || err2 != nil || len(key) != 16 || len(iv) != aes.BlockSize || len(c) < 32 || len(c)%aes.BlockSize != 0 {
		return "", false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", false
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(c, c)
	pad := int(c[len(c)-1])
	if pad == 0 || pad > aes.BlockSize || string(c[:16]) != d.random[:16] || len(c)-pad < 16 {
		return "", false
	}
	return string(c[16 : len(c)-pad]), true
}
