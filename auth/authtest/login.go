package authtest

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Digest algorithms, as RFC 7616 names them.
const (
	MD5           = "MD5"
	MD5Sess       = "MD5-sess"
	SHA256        = "SHA-256"
	SHA256Sess    = "SHA-256-sess"
	SHA512_256    = "SHA-512-256"
	SHA512256Sess = "SHA-512-256-sess"
)

// An Outcome is what the host thought of one request's login.
type Outcome string

// Outcomes of requests.
const (
	Challenged Outcome = "challenged" // no credentials came
	LoggedIn   Outcome = "logged in"
	Wrong      Outcome = "wrong"  // a wrong answer
	Stale      Outcome = "stale"  // a right answer to an old nonce
	Locked     Outcome = "locked" // refused whatever the answer
	Open       Outcome = "open"   // needs no login
	Scripted   Outcome = "scripted"
)

// maxNonces bounds the nonces a host remembers.
const maxNonces = 4096

// maxHashedBody bounds the request bodies read for qop=auth-int.
const maxHashedBody = 1 << 20

type nonce struct {
	algorithm string
	issued    time.Time
	highest   uint64
	used      map[uint64]bool
}

type attempt struct {
	outcome                 Outcome
	user, scheme, algorithm string
	stale                   bool
}

func (h *Host) forgetNonces() {
	h.nonces = make(map[string]*nonce)
	h.order = nil
}

func (h *Host) check(r *http.Request) attempt {
	header := r.Header.Get("Authorization")
	if header == "" {
		return attempt{outcome: Challenged}
	}
	scheme, rest, _ := strings.Cut(header, " ")
	switch {
	case strings.EqualFold(scheme, "Digest"):
		return h.checkDigest(r, rest)
	case strings.EqualFold(scheme, "Basic"):
		return h.checkBasic(r, rest)
	}
	return attempt{outcome: Challenged, scheme: scheme}
}

func (h *Host) checkBasic(r *http.Request, text string) attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := attempt{scheme: "Basic", outcome: Wrong}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return a
	}
	var password string
	a.user, password, _ = strings.Cut(string(raw), ":")
	want, known := h.accounts(r)[a.user]
	right := known && h.opts.Basic && subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1
	return h.settle(r, a, right)
}

func (h *Host) checkDigest(r *http.Request, text string) attempt {
	a := attempt{scheme: "Digest", outcome: Wrong}
	p, ok := parameters(text)
	if !ok {
		return a
	}
	var body []byte
	if strings.EqualFold(p["qop"], "auth-int") {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxHashedBody)); err != nil {
			return a
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	a.algorithm = p["algorithm"]
	if a.algorithm == "" {
		a.algorithm = MD5
	}
	users := h.accounts(r)
	a.user = h.account(users, p, a.algorithm)
	password, known := users[a.user]
	right := known && h.answered(r, p, a.algorithm, password, body)
	if right {
		n := h.nonces[p["nonce"]]
		if n == nil || h.opts.Now().Sub(n.issued) > h.opts.NonceLifetime {
			if h.locked(a.user, clientIP(r)) != nil {
				return h.settle(r, a, true)
			}
			a.outcome, a.stale = Stale, true
			return a
		}
		if !sameAlgorithm(n.algorithm, a.algorithm) {
			right = false
		}
		if right && p["qop"] != "" && !h.fresh(n, p["nc"]) {
			h.counts.replays++
			a.outcome, a.stale = Stale, true
			return a
		}
	}
	return h.settle(r, a, right)
}

// settle applies the lock-out rules to a checked answer.
func (h *Host) settle(r *http.Request, a attempt, right bool) attempt {
	key := lockKey{a.user, clientIP(r)}
	switch {
	case h.locked(key.user, key.address) != nil:
		a.outcome = Locked
	case right:
		delete(h.locks, key)
		a.outcome = LoggedIn
	default:
		a.outcome = Wrong
		h.fail(key)
	}
	return a
}

func (h *Host) fresh(n *nonce, text string) bool {
	nc, err := strconv.ParseUint(text, 16, 32)
	if err != nil || len(text) != 8 || nc == 0 || n.used[nc] {
		return false
	}
	if h.opts.OrderedCounts && nc <= n.highest {
		return false
	}
	n.used[nc] = true
	n.highest = max(n.highest, nc)
	return true
}

// account finds the name behind username, username* or a hashed username; the
// bare name is also what goes into A1 (RFC 7616, 3.4.4).
func (h *Host) account(users map[string]string, p map[string]string, algorithm string) string {
	if ext, ok := p["username*"]; ok {
		if _, value, found := strings.Cut(ext, "''"); found {
			if name, err := url.PathUnescape(value); err == nil {
				return name
			}
		}
		return ""
	}
	if strings.EqualFold(p["userhash"], "true") {
		for name := range users {
			if sum(algorithm, name+":"+h.opts.Realm) == p["username"] {
				return name
			}
		}
		return ""
	}
	return p["username"]
}

// answered tells whether the response is right, leaving the age of the nonce
// aside.
func (h *Host) answered(r *http.Request, p map[string]string, algorithm, password string, body []byte) bool {
	if !h.offers(algorithm) || p["realm"] != h.opts.Realm || h.opts.Opaque != "" && p["opaque"] != h.opts.Opaque {
		return false
	}
	if p["uri"] != r.RequestURI {
		return false
	}
	a1 := h.account(h.accounts(r), p, algorithm) + ":" + h.opts.Realm + ":" + password
	if strings.HasSuffix(strings.ToLower(algorithm), "-sess") {
		a1 = sum(algorithm, a1) + ":" + p["nonce"] + ":" + p["cnonce"]
	}
	a2 := r.Method + ":" + p["uri"]
	qop := p["qop"]
	if qop != "" && !h.offersQop(qop) {
		return false
	}
	if qop == "auth-int" {
		a2 += ":" + sum(algorithm, string(body))
	}
	middle := p["nonce"]
	if qop != "" {
		if p["cnonce"] == "" {
			return false
		}
		middle += ":" + p["nc"] + ":" + p["cnonce"] + ":" + qop
	}
	want := sum(algorithm, sum(algorithm, a1)+":"+middle+":"+sum(algorithm, a2))
	return subtle.ConstantTimeCompare([]byte(want), []byte(p["response"])) == 1
}

func (h *Host) offers(algorithm string) bool {
	for _, have := range h.opts.Algorithms {
		if sameAlgorithm(have, algorithm) {
			return true
		}
	}
	return false
}

func (h *Host) offersQop(qop string) bool {
	offered := h.opts.Qop
	if offered == "" {
		offered = "auth"
	}
	for _, one := range strings.Split(offered, ",") {
		if strings.TrimSpace(one) == qop {
			return true
		}
	}
	return false
}

func sameAlgorithm(a, b string) bool {
	if a == "" {
		a = MD5
	}
	if b == "" {
		b = MD5
	}
	return strings.EqualFold(a, b)
}

func sum(algorithm, text string) string {
	var f hash.Hash
	switch strings.ToUpper(strings.TrimSuffix(strings.ToLower(algorithm), "-sess")) {
	case "SHA-256":
		f = sha256.New()
	case "SHA-512-256":
		f = sha512.New512_256()
	default:
		f = md5.New()
	}
	_, _ = io.WriteString(f, text)
	return hex.EncodeToString(f.Sum(nil))
}

// challenges are the WWW-Authenticate values of a new 401.
func (h *Host) challenges(stale bool) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for _, algorithm := range h.opts.Algorithms {
		var b strings.Builder
		b.WriteString("Digest ")
		if h.opts.Qop != "none" {
			qop := h.opts.Qop
			if qop == "" {
				qop = "auth"
			}
			fmt.Fprintf(&b, "qop=%q, ", qop)
		}
		fmt.Fprintf(&b, "realm=%s, nonce=%q", quoted(h.opts.Realm), h.newNonce(algorithm))
		if h.opts.Opaque != "" {
			fmt.Fprintf(&b, ", opaque=%s", quoted(h.opts.Opaque))
		}
		if algorithm != "" {
			b.WriteString(", algorithm=" + algorithm)
		}
		if h.opts.UserHash {
			b.WriteString(", userhash=true")
		}
		if h.opts.UTF8 {
			b.WriteString(", charset=UTF-8")
		}
		fmt.Fprintf(&b, ", stale=%q", strings.ToUpper(strconv.FormatBool(stale)))
		all = append(all, b.String())
	}
	if h.opts.Basic {
		all = append(all, "Basic realm="+quoted(h.opts.Realm))
	}
	if h.opts.Folded && len(all) > 1 {
		return []string{strings.Join(all, ", ")}
	}
	return all
}

func (h *Host) newNonce(algorithm string) string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails, by its documentation
	text := hex.EncodeToString(raw[:])
	h.nonces[text] = &nonce{algorithm: algorithm, issued: h.opts.Now(), used: make(map[uint64]bool)}
	h.order = append(h.order, text)
	if len(h.order) > maxNonces {
		delete(h.nonces, h.order[0])
		h.order = h.order[1:]
	}
	return text
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// parameters reads the name=value list of an Authorization header. Repeated
// names are refused.
func parameters(s string) (map[string]string, bool) {
	p := make(map[string]string)
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return p, true
		}
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, false
		}
		name = strings.ToLower(strings.TrimSpace(name))
		rest = strings.TrimLeft(rest, " \t")
		var value string
		if strings.HasPrefix(rest, `"`) {
			var b strings.Builder
			i := 1
			for ; i < len(rest) && rest[i] != '"'; i++ {
				if rest[i] == '\\' && i+1 < len(rest) {
					i++
				}
				b.WriteByte(rest[i])
			}
			if i >= len(rest) {
				return nil, false
			}
			value, rest = b.String(), rest[i+1:]
		} else {
			value, rest, _ = strings.Cut(rest, ",")
			value = strings.TrimSpace(value)
		}
		if _, twice := p[name]; twice {
			return nil, false
		}
		p[name], s = value, rest
	}
}
