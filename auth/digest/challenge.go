package digest

import (
	"crypto/fips140"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Limits of what is taken from a device. A challenge beyond them is
// malformed; nothing of it is echoed.
const (
	maxHeader     = 16 << 10
	maxNonce      = 4 << 10
	maxChallenges = 8
)

// Errors of this package. None of their texts holds a nonce or a realm.
var (
	// ErrChallenge: a challenge broke the grammar or a limit.
	ErrChallenge = errors.New("digest: malformed challenge")
	// ErrNoChallenge: there is none of a scheme known here.
	ErrNoChallenge = errors.New("digest: no usable challenge")
	// ErrAlgorithm: only algorithms or qualities of protection that are not
	// known here are offered.
	ErrAlgorithm = errors.New("digest: unknown algorithm")
	// ErrFIPS: only MD5 is offered and the process runs in FIPS-only mode.
	ErrFIPS = errors.New("digest: MD5 is not allowed in FIPS-only mode")
	// ErrUser: the user name cannot be sent (a colon or a control character).
	ErrUser = errors.New("digest: user name cannot be sent")
	// ErrServer: the server's proof that it knows the password is wrong.
	ErrServer = errors.New("digest: the server's proof is wrong")
	// ErrExhausted: the nonce has been used too often.
	ErrExhausted = errors.New("digest: nonce count exhausted")
)

// A Hash is one of the hash functions of RFC 7616. The zero Hash is one that
// is not known here. Greater is stronger.
type Hash uint8

// Hashes, from weak to strong.
const (
	HashUnknown Hash = iota
	MD5
	SHA256
	SHA512_256 // FIPS 180-4 SHA-512/256, not SHA-512 cut short
)

// String returns the name in the IANA registry.
func (h Hash) String() string {
	switch h {
	case MD5:
		return "MD5"
	case SHA256:
		return "SHA-256"
	case SHA512_256:
		return "SHA-512-256"
	default:
		return "unknown"
	}
}

// A Challenge is one challenge of a WWW-Authenticate field. Text is unescaped
// and byte-exact.
type Challenge struct {
	Scheme    string // lower case: "digest", "basic", or another
	Realm     string
	Nonce     string
	Opaque    string
	HasOpaque bool   // an empty opaque is echoed, a missing one is not
	Algorithm string // in the server's spelling; empty means not given, hence MD5
	Hash      Hash   // zero: Algorithm is not known here
	Sess      bool   // the algorithm is a -sess one
	Qop       []string
	Stale     bool
	UserHash  bool
	UTF8      bool // charset=UTF-8

	bad string // why the challenge cannot be used; empty if it can
}

// Int tells whether the challenge is answered with auth-int, which needs the
// request's body: only if it offers nothing else.
func (c Challenge) Int() bool {
	return !slices.Contains(c.Qop, "auth") && slices.Contains(c.Qop, "auth-int")
}

// Parse reads the WWW-Authenticate fields of a 401. It takes what cameras
// send: any case, quoted and bare values, several challenges in one field or
// in many, unknown and repeated parameters (the first counts). Challenges that
// are malformed are left out if others are not; if none is left the error
// matches [ErrChallenge]. No field at all is no error.
func Parse(header http.Header) ([]Challenge, error) {
	var all []Challenge
	for _, v := range header.Values("Www-Authenticate") {
		if len(v) > maxHeader {
			return nil, fmt.Errorf("%w: field of %d bytes", ErrChallenge, len(v))
		}
		all = append(all, parseField(v)...)
		if len(all) > maxChallenges {
			return nil, fmt.Errorf("%w: more than %d", ErrChallenge, maxChallenges)
		}
	}
	var good []Challenge
	var why string
	for i := range all {
		if c := &all[i]; c.bad == "" {
			good = append(good, *c)
		} else if why == "" {
			why = c.bad
		}
	}
	known := slices.ContainsFunc(good, func(c Challenge) bool { return c.Scheme == "digest" || c.Scheme == "basic" })
	if why != "" && !known {
		return nil, fmt.Errorf("%w: %s", ErrChallenge, why)
	}
	return good, nil
}

// Choose returns the challenge to answer: the strongest hash, without -sess at
// equal strength, and the first of equals; Basic only if there is no Digest at
// all. The error matches [ErrNoChallenge], [ErrAlgorithm] or [ErrFIPS].
func Choose(cs []Challenge) (Challenge, error) {
	best, basic, digests := -1, -1, 0
	var algorithm string
	var fips bool
	for i := range cs {
		c := &cs[i]
		switch c.Scheme {
		case "basic":
			if basic < 0 {
				basic = i
			}
			continue
		case "digest":
			digests++
		default:
			continue
		}
		switch {
		case c.Hash == HashUnknown:
			algorithm = c.Algorithm
		case len(c.Qop) > 0 && !slices.Contains(c.Qop, "auth") && !slices.Contains(c.Qop, "auth-int"):
			algorithm = "qop " + c.Qop[0]
		case c.Hash == MD5 && fips140.Enforced():
			fips = true
		case best < 0, c.Hash > cs[best].Hash, c.Hash == cs[best].Hash && cs[best].Sess && !c.Sess:
			best = i
		}
	}
	switch {
	case best >= 0:
		return cs[best], nil
	case fips:
		return Challenge{}, ErrFIPS
	case digests > 0:
		return Challenge{}, fmt.Errorf("%w %.40q", ErrAlgorithm, algorithm)
	case basic >= 0:
		return cs[basic], nil
	default:
		return Challenge{}, ErrNoChallenge
	}
}

// parseField reads one field value.
func parseField(v string) []Challenge {
	var out []Challenge
	var last string // name of the last parameter
	seen := map[string]bool{}
	p := parser{v}
	start := func(scheme string) {
		out = append(out, Challenge{Scheme: strings.ToLower(scheme)})
		clear(seen)
		last = ""
	}
	comma := true // a comma, or the start of the field, came before the word
	finish := func() []Challenge {
		for i := range out {
			out[i].finish()
		}
		return out
	}
	for len(out) <= maxChallenges {
		comma = p.space() || comma
		if p.s == "" {
			break
		}
		word := p.token()
		if word == "" { // not a word: skip the byte, the challenge is broken
			if len(out) > 0 {
				out[len(out)-1].fail("unexpected character")
			}
			p.s = p.s[1:]
			continue
		}
		p.blank()
		if !strings.HasPrefix(p.s, "=") {
			low := strings.ToLower(word)
			switch {
			case last == "qop" && (low == "auth" || low == "auth-int"):
				c := &out[len(out)-1]
				c.Qop = append(c.Qop, low)
			case comma || low == "digest" || low == "basic":
				start(word)
			default: // after a parameter, hence in a challenge
				out[len(out)-1].fail("parameter without a value")
			}
			comma = false
			continue
		}
		p.s = p.s[1:]
		if len(out) == 0 { // a parameter before any scheme
			start("")
		}
		c := &out[len(out)-1]
		if strings.HasPrefix(p.s, "=") { // the padding of a token68
			p.s = strings.TrimLeft(p.s, "=")
			c.fail("parameter without a value")
			comma = false
			continue
		}
		p.blank()
		value, ok := p.value()
		if !ok {
			c.fail("value not closed or with control characters")
			return finish()
		}
		name := strings.ToLower(word)
		comma, last = false, name
		if seen[name] {
			continue
		}
		seen[name] = true
		c.set(name, value)
	}
	return finish()
}

func (c *Challenge) fail(why string) {
	if c.bad == "" && (c.Scheme == "digest" || c.Scheme == "basic" || c.Scheme == "") {
		c.bad = why
	}
}

func (c *Challenge) set(name, value string) {
	switch name {
	case "realm":
		c.Realm = value
	case "nonce":
		c.Nonce = value
	case "opaque":
		c.Opaque, c.HasOpaque = value, true
	case "algorithm":
		c.Algorithm = value
	case "qop":
		for q := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
			c.Qop = append(c.Qop, strings.ToLower(q))
		}
	case "stale":
		c.Stale = strings.EqualFold(value, "true")
	case "userhash":
		c.UserHash = strings.EqualFold(value, "true")
	case "charset":
		c.UTF8 = strings.EqualFold(value, "utf-8")
	}
}

// finish judges a challenge that has been read in full.
func (c *Challenge) finish() {
	switch c.Scheme {
	case "":
		c.fail("parameters without a scheme")
	case "digest":
		c.Hash, c.Sess = hashOf(c.Algorithm)
		switch {
		case c.Nonce == "":
			c.fail("no nonce")
		case len(c.Nonce) > maxNonce:
			c.fail("nonce too long")
		case strings.ContainsFunc(c.Algorithm, func(r rune) bool { return !isToken(r) }):
			c.fail("algorithm is no token")
		}
	}
}

// hashOf knows the names of RFC 7616 and those without hyphen, which devices
// send (Shelly: SHA256).
func hashOf(algorithm string) (Hash, bool) {
	name := strings.ToUpper(algorithm)
	name, sess := strings.CutSuffix(name, "-SESS")
	switch name {
	case "MD5":
		return MD5, sess
	case "":
		return MD5, false
	case "SHA-256", "SHA256":
		return SHA256, sess
	case "SHA-512-256", "SHA512-256":
		return SHA512_256, sess
	default:
		return HashUnknown, sess
	}
}

type parser struct{ s string }

// space skips blanks and commas and tells whether there was a comma.
func (p *parser) space() bool {
	rest := strings.TrimLeft(p.s, " \t,")
	had := strings.Contains(p.s[:len(p.s)-len(rest)], ",")
	p.s = rest
	return had
}

// blank skips blanks.
func (p *parser) blank() { p.s = strings.TrimLeft(p.s, " \t") }

// token takes a word, with the characters of a token68 besides "=".
func (p *parser) token() string {
	i := strings.IndexFunc(p.s, func(r rune) bool { return !isToken(r) && r != '/' })
	if i < 0 {
		i = len(p.s)
	}
	t := p.s[:i]
	p.s = p.s[i:]
	return t
}

// value takes a quoted string, unescaped, or a bare value.
func (p *parser) value() (string, bool) {
	if !strings.HasPrefix(p.s, `"`) {
		i := strings.IndexAny(p.s, " \t,")
		if i < 0 {
			i = len(p.s)
		}
		v := p.s[:i]
		p.s = p.s[i:]
		return v, !hasControl(v)
	}
	var b strings.Builder
	for i := 1; i < len(p.s); i++ {
		switch p.s[i] {
		case '"':
			p.s = p.s[i+1:]
			return b.String(), !hasControl(b.String())
		case '\\':
			i++
			if i == len(p.s) {
				return "", false
			}
		}
		b.WriteByte(p.s[i])
	}
	return "", false
}

func isToken(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r != 0 && strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
