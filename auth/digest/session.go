package digest

import (
	"crypto/fips140"
	"crypto/md5" //nolint:gosec // the algorithm of RFC 2617, which most cameras offer alone
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// A Session answers requests on one nonce. It holds a hash that is as good as
// the password for its realm: treat it as a secret. It does not print.
//
// A Session is not safe for concurrent use: servers may want rising counts, so
// that taking one and sending it belong together anyway.
type Session struct {
	c        Challenge
	username string // the whole parameter, with its name
	ha1      string // with -sess, of the session's first nonce
	plain    string // H(user:realm:password)
	cnonce   string
	nc       uint32
}

// NewSession takes a challenge of scheme digest. Random bytes for the cnonce
// come from rand. The error matches [ErrUser], [ErrAlgorithm] or [ErrFIPS].
func NewSession(c Challenge, user string, password []byte, rand io.Reader) (*Session, error) {
	if c.Scheme != "digest" || c.Hash == HashUnknown {
		return nil, fmt.Errorf("%w %.40q", ErrAlgorithm, c.Algorithm)
	}
	if c.Hash == MD5 && fips140.Enforced() {
		return nil, ErrFIPS
	}
	if err := CheckUser(user); err != nil {
		return nil, err
	}
	s := &Session{c: c}
	h := c.Hash.new()
	_, _ = io.WriteString(h, user+":"+c.Realm+":")
	_, _ = h.Write(password)
	s.plain = hex.EncodeToString(h.Sum(nil))
	switch {
	case c.UserHash:
		s.username = "username=" + quote(c.Hash.sum(user+":"+c.Realm))
	case c.UTF8 && !isASCII(user):
		s.username = "username*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(user), "+", "%20")
	default:
		s.username = "username=" + quote(user)
	}
	return s, s.begin(rand)
}

// begin draws the cnonce, one for each nonce.
func (s *Session) begin(rand io.Reader) error {
	var b [16]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return fmt.Errorf("digest: cnonce: %w", err)
	}
	s.cnonce, s.nc, s.ha1 = hex.EncodeToString(b[:]), 0, s.plain
	if s.c.Sess {
		s.ha1 = s.c.Hash.sum(s.plain + ":" + s.c.Nonce + ":" + s.cnonce)
	}
	return nil
}

// Matches tells whether the session's hash also answers c: the same realm,
// algorithm and way to write the user's name. [Session.Renew] may then be
// used, and the password is not needed again.
func (s *Session) Matches(c Challenge) bool {
	return c.Scheme == "digest" && s.c.Realm == c.Realm && s.c.Hash == c.Hash && s.c.UserHash == c.UserHash && s.c.UTF8 == c.UTF8
}

// Renew returns a session for a challenge that [Session.Matches].
func (s *Session) Renew(c Challenge, rand io.Reader) (*Session, error) {
	if !s.Matches(c) {
		return nil, fmt.Errorf("%w: another realm or algorithm", ErrChallenge)
	}
	n := &Session{c: c, username: s.username, plain: s.plain}
	return n, n.begin(rand)
}

// Next returns a session for the nextnonce of an Authentication-Info field. A
// -sess session keeps its hash and cnonce, as RFC 2617 3.2.2.2 asks.
func (s *Session) Next(nonce string) (*Session, error) {
	if nonce == "" || len(nonce) > maxNonce || hasControl(nonce) {
		return nil, fmt.Errorf("%w: nextnonce", ErrChallenge)
	}
	n := *s
	n.c.Nonce, n.nc = nonce, 0
	return &n, nil
}

// Uses tells how many answers the session has given.
func (s *Session) Uses() int { return int(s.nc) }

// Hash returns the session's hash function.
func (s *Session) Hash() Hash { return s.c.Hash }

// Int tells whether answers cover the request's body.
func (s *Session) Int() bool { return s.c.Int() }

// String returns a placeholder.
func (*Session) String() string { return "[digest session]" }

// GoString returns a placeholder.
func (*Session) GoString() string { return "[digest session]" }

// Format writes a placeholder, whatever the verb.
func (*Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[digest session]") }

// An Answer is one Authorization field, and what is needed to check the reply.
type Answer struct {
	Authorization string

	s   *Session
	uri string
	nc  uint32
	qop string
}

// Answer takes the next count and returns the Authorization field for a
// request. The uri is the request-target exactly as it is sent, with its
// query. The body is only read with auth-int; nil is an empty one.
func (s *Session) Answer(method, uri string, body io.Reader) (*Answer, error) {
	if s.nc == math.MaxUint32 {
		return nil, ErrExhausted
	}
	s.nc++
	a := &Answer{s: s, uri: uri, nc: s.nc}
	a2 := append(append(append(make([]byte, 0, 256), method...), ':'), uri...)
	switch {
	case s.c.Int():
		a.qop = "auth-int"
		h := s.c.Hash.new()
		if body != nil {
			if _, err := io.Copy(h, body); err != nil {
				return nil, fmt.Errorf("digest: hash the body: %w", err)
			}
		}
		a2 = hex.AppendEncode(append(a2, ':'), h.Sum(nil))
	case len(s.c.Qop) > 0:
		a.qop = "auth"
	}
	b := append(append(make([]byte, 0, 512), "Digest "...), s.username...)
	b = appendQuoted(append(b, ", realm="...), s.c.Realm)
	b = appendQuoted(append(b, ", nonce="...), s.c.Nonce)
	b = appendQuoted(append(b, ", uri="...), uri)
	if s.c.Algorithm != "" {
		b = append(append(b, ", algorithm="...), s.c.Algorithm...)
	}
	if a.qop != "" {
		b = append(append(b, ", qop="...), a.qop...)
		b = appendCount(append(b, ", nc="...), a.nc)
	}
	if a.qop != "" || s.c.Sess {
		b = appendQuoted(append(b, ", cnonce="...), s.cnonce)
	}
	if s.c.HasOpaque {
		b = appendQuoted(append(b, ", opaque="...), s.c.Opaque)
	}
	if s.c.UserHash {
		b = append(b, ", userhash=true"...)
	}
	b = a.appendResponse(append(b, `, response="`...), a.qop, a2)
	a.Authorization = string(append(b, '"'))
	return a, nil
}

// appendResponse appends what proves that the password is known. It is made
// for every request, so nothing of it is left on the heap.
func (a *Answer) appendResponse(dst []byte, qop string, a2 []byte) []byte {
	s := a.s
	text := append(append(make([]byte, 0, 512), s.ha1...), ':')
	text = append(append(text, s.c.Nonce...), ':')
	if qop != "" {
		text = append(appendCount(text, a.nc), ':')
		text = append(append(text, s.cnonce...), ':')
		text = append(append(text, qop...), ':')
	}
	text = s.c.Hash.appendSum(text, a2)
	dst = s.c.Hash.appendSum(dst, text)
	clear(text) // HA1 is as good as the password
	return dst
}

// appendCount appends nc as the eight digits that it is.
func appendCount(dst []byte, nc uint32) []byte {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], nc)
	return hex.AppendEncode(dst, b[:])
}

// Info is what an Authentication-Info field says. The zero Info is that of a
// reply without one.
type Info struct {
	NextNonce string
	HasProof  bool // there is an rspauth parameter
	Int       bool // the proof covers the reply's body

	rspauth string
}

// ParseInfo reads the Authentication-Info field of a reply. One that is
// malformed or too long counts as none.
func ParseInfo(header http.Header) Info {
	var info Info
	v := header.Get("Authentication-Info")
	if v == "" || len(v) > maxHeader {
		return info
	}
	p := parser{v}
	for {
		p.space()
		name := strings.ToLower(p.token())
		p.blank()
		if name == "" || !strings.HasPrefix(p.s, "=") {
			return info
		}
		p.s = p.s[1:]
		p.blank()
		value, ok := p.value()
		if !ok {
			return info
		}
		switch name {
		case "nextnonce":
			info.NextNonce = value
		case "rspauth":
			info.HasProof, info.rspauth = true, value
		case "qop":
			info.Int = strings.EqualFold(value, "auth-int")
		}
	}
}

// Check compares the server's proof with what it must be; the body is the
// reply's, and only needed if info.Int. The error is [ErrServer] or nil; a
// reply without a proof passes.
func (a *Answer) Check(info Info, body []byte) error {
	if !info.HasProof {
		return nil
	}
	qop, a2 := a.qop, []byte(":"+a.uri)
	if info.Int {
		qop = "auth-int"
		a2 = a.s.c.Hash.appendSum(append(a2, ':'), body)
	} else if qop == "auth-int" {
		qop = "auth"
	}
	want := a.appendResponse(nil, qop, a2)
	if subtle.ConstantTimeCompare(want, []byte(strings.ToLower(info.rspauth))) != 1 {
		return ErrServer
	}
	return nil
}

// CheckUser tells whether a user name can be sent by Digest and Basic; the
// error matches [ErrUser].
func CheckUser(user string) error {
	if strings.Contains(user, ":") || hasControl(user) || strings.Contains(user, "\t") {
		return fmt.Errorf("%w: colon or control character", ErrUser)
	}
	return nil
}

func (h Hash) new() hash.Hash {
	switch h {
	case SHA256:
		return sha256.New()
	case SHA512_256:
		return sha512.New512_256()
	default:
		return md5.New() //nolint:gosec // see the import
	}
}

func (h Hash) sum(s string) string { return string(h.appendSum(nil, []byte(s))) }

// appendSum appends the hash of text in hexadecimal digits.
func (h Hash) appendSum(dst, text []byte) []byte {
	switch h {
	case SHA256:
		d := sha256.Sum256(text)
		return hex.AppendEncode(dst, d[:])
	case SHA512_256:
		d := sha512.Sum512_256(text)
		return hex.AppendEncode(dst, d[:])
	default:
		d := md5.Sum(text) //nolint:gosec // see the import
		return hex.AppendEncode(dst, d[:])
	}
}

func quote(s string) string { return string(appendQuoted(nil, s)) }

// appendQuoted appends a quoted-string. strconv.Quote will not do: its \x
// escapes are not HTTP's.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0
}
