package wsse

import (
	"crypto/fips140"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Namespaces and types of the profile.
const (
	secext   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	utility  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
	digest   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
	encoding = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

// Errors of [New].
var (
	// ErrFIPS: the digest is SHA-1, which FIPS-only mode forbids.
	ErrFIPS = errors.New("wsse: UsernameToken needs SHA-1, not allowed in FIPS-only mode")
	// ErrUser: the name cannot stand in XML.
	ErrUser = errors.New("wsse: user name cannot be sent")
	// ErrTime: the year does not have four digits.
	ErrTime = errors.New("wsse: time of creation out of range")
)

// nonceSize is that of RFC 2831's advice and of what devices are known to take.
const nonceSize = 16

// A Token is one UsernameToken. It serves for one message. It does not print
// its digest and nonce.
type Token struct {
	user, digest, nonce, created string
}

// New makes a token of the time given, in the device's own clock. A nil
// random source is crypto/rand.
func New(user string, secret []byte, created time.Time, random io.Reader) (Token, error) {
	if fips140.Enforced() {
		return Token{}, ErrFIPS
	}
	if user == "" || strings.ContainsFunc(user, func(r rune) bool { return r < 0x20 || r == 0xFFFD || r == 0xFFFE || r == 0xFFFF }) {
		return Token{}, ErrUser
	}
	created = created.UTC()
	if y := created.Year(); y < 1 || y > 9999 {
		return Token{}, ErrTime
	}
	if random == nil {
		random = rand.Reader
	}
	var nonce [nonceSize]byte
	if _, err := io.ReadFull(random, nonce[:]); err != nil {
		return Token{}, fmt.Errorf("wsse: nonce: %w", err)
	}
	t := Token{user: user, nonce: base64.StdEncoding.EncodeToString(nonce[:]), created: created.Format("2006-01-02T15:04:05Z")}
	t.digest = Digest(nonce[:], t.created, secret)
	return t, nil
}

// Digest returns Base64(SHA-1(nonce + created + password)). In FIPS-only mode
// it panics, as SHA-1 does there; [New] returns an error instead.
func Digest(nonce []byte, created string, password []byte) string {
	b := make([]byte, 0, 128)
	b = append(append(append(b, nonce...), created...), password...)
	h := sha1.Sum(b)
	clear(b)
	return base64.StdEncoding.EncodeToString(h[:])
}

// AppendXML appends the token as a Security header block. It bears no
// mustUnderstand, over which devices have failed (sproctor/ONVIF-Camera-Kotlin#17).
func (t Token) AppendXML(b []byte) []byte {
	for _, s := range []string{
		`<wsse:Security xmlns:wsse="`, secext, `" xmlns:wsu="`, utility, `"><wsse:UsernameToken><wsse:Username>`,
		escaper.Replace(t.user), `</wsse:Username><wsse:Password Type="`, digest, `">`, t.digest,
		`</wsse:Password><wsse:Nonce EncodingType="`, encoding, `">`, t.nonce, `</wsse:Nonce><wsu:Created>`, t.created,
		`</wsu:Created></wsse:UsernameToken></wsse:Security>`,
	} {
		b = append(b, s...)
	}
	return b
}

// String names the user alone.
func (t Token) String() string { return "UsernameToken of " + t.user }

// GoString names the user alone.
func (t Token) GoString() string { return t.String() }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
