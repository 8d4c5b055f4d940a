package password

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/camsec/camsec"
)

// Letters and digits, and marks that every maker's set has and that need no
// escaping in URLs, XML and shell words.
const (
	lower = "abcdefghijklmnopqrstuvwxyz"
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digit = "0123456789"

	// DefaultAlphabet is what [Generate] draws from unless the policy says
	// otherwise.
	DefaultAlphabet = lower + upper + digit + "-_."

	// DefaultLength is the length that [Generate] aims at.
	DefaultLength = 16
)

// maxLength bounds secrets under a policy without MaxLength.
const maxLength = 1024

// A Policy says which passwords a device accepts. The zero Policy accepts any
// printable ASCII without blanks that is not a published default. Lengths are
// in bytes, which for ASCII are characters.
type Policy struct {
	MinLength int // 0 means 1
	MaxLength int // 0 means 1024

	// MinClasses is how many of the four classes lower case, upper case,
	// digits and others must be there, 0 to 4.
	MinClasses int

	// Alphabet is what Generate draws from, ASCII without blanks. Empty means
	// DefaultAlphabet. Check does not use it.
	Alphabet string

	// Allowed is what Check accepts. Empty means printable ASCII without
	// blanks.
	Allowed string

	// Forbidden characters are refused even where Allowed has them.
	Forbidden string

	// MaxRun is how many characters in a row may be equal, rising or falling
	// by one, as in aaaa, 1234 and dcba. 0 means any number.
	MaxRun int

	ForbidUser    bool     // the user name itself, in any case
	ForbidReverse bool     // the user name backwards, in any case
	ForbidInside  bool     // the user name anywhere inside, if it has 3 characters or more
	ForbidWords   []string // these anywhere inside, in any case
}

// Policies of makers, as documented by them.
var (
	// Hikvision: 8 to 16 characters of two classes or more, neither the user
	// name nor its reverse (quick start of the 7604NI and others; the device
	// answers riskPassword, userPwdLenUnder8, userPwdNameSame and
	// userPwdNameMirror).
	Hikvision = Policy{MinLength: 8, MaxLength: 16, MinClasses: 2, ForbidUser: true, ForbidReverse: true}

	// HikvisionStrict adds what newer firmware refuses: "123" and "admin"
	// inside, and four characters in a row that rise, fall or are equal.
	HikvisionStrict = Policy{
		MinLength: 8, MaxLength: 16, MinClasses: 2, ForbidUser: true, ForbidReverse: true,
		MaxRun: 3, ForbidWords: []string{"123", "admin"},
	}

	// Dahua: 8 to 32 non-blank characters of two classes or more, without
	// ' " ; : & (manual of the IPC-HDW1439V).
	Dahua = Policy{MinLength: 8, MaxLength: 32, MinClasses: 2, Forbidden: `'";:&`}

	// Hanwha: 8 to 15 characters of three classes, which the device demands of
	// the shorter ones; no four in a row (manual of the QND-6011).
	Hanwha = Policy{
		MinLength: 8, MaxLength: 15, MinClasses: 3, MaxRun: 3,
		Allowed: lower + upper + digit + "~`!@#$%^*()_-+=|{}[].?/",
	}

	// Axis: 1 to 64 characters of printable ASCII, blanks included (manual of
	// the Q1656-BLE).
	Axis = Policy{MinLength: 1, MaxLength: 64, Allowed: printable(' ')}
)

// A Rule names what a password broke. The words are stable.
type Rule string

// Rules.
const (
	RuleShort     Rule = "too short"
	RuleLong      Rule = "too long"
	RuleClasses   Rule = "too few classes of characters"
	RuleCharacter Rule = "holds a character that is not allowed"
	RuleRun       Rule = "holds a run of equal, rising or falling characters"
	RuleUser      Rule = "is the user name"
	RuleReverse   Rule = "is the user name backwards"
	RuleInside    Rule = "holds the user name"
	RuleWord      Rule = "holds a forbidden word"
	RulePublished Rule = "is a published default"
)

// An Error says which rule a password broke first. It matches
// camsec.ErrWeakPassword and holds no part of the password.
type Error struct {
	Rule  Rule
	Limit int // the bound of RuleShort, RuleLong, RuleClasses and RuleRun, else 0
}

// Error names the rule and its bound.
func (e *Error) Error() string {
	if e.Limit > 0 {
		return fmt.Sprintf("password: %s (limit %d)", e.Rule, e.Limit)
	}
	return "password: " + string(e.Rule)
}

// Unwrap returns camsec.ErrWeakPassword.
func (*Error) Unwrap() error { return camsec.ErrWeakPassword }

// Check tells whether secret complies with policy for the user: nil, or an
// [*Error]. A published default is refused under every policy.
func Check(policy Policy, user string, secret camsec.Secret) error {
	b := secret.Reveal()
	defer clear(b)
	if err := policy.check(user, b); err != nil {
		return err
	}
	return nil
}

func (p Policy) check(user string, b []byte) *Error {
	least, most := p.lengths()
	switch {
	case len(b) < least:
		return &Error{RuleShort, least}
	case len(b) > most:
		return &Error{RuleLong, most}
	}
	for _, c := range b {
		if !p.allows(c) {
			return &Error{RuleCharacter, 0}
		}
	}
	if classes(b) < p.MinClasses {
		return &Error{RuleClasses, p.MinClasses}
	}
	if p.MaxRun > 0 && longestRun(b) > p.MaxRun {
		return &Error{RuleRun, p.MaxRun}
	}
	folded := bytes.ToLower(b)
	defer clear(folded)
	name := []byte(strings.ToLower(user))
	switch {
	case len(name) == 0:
	case p.ForbidUser && bytes.Equal(folded, name):
		return &Error{RuleUser, 0}
	case p.ForbidReverse && bytes.Equal(folded, reversed(name)):
		return &Error{RuleReverse, 0}
	case p.ForbidInside && len(name) >= 3 && bytes.Contains(folded, name):
		return &Error{RuleInside, 0}
	}
	for _, word := range p.ForbidWords {
		if word != "" && bytes.Contains(folded, []byte(strings.ToLower(word))) {
			return &Error{RuleWord, 0}
		}
	}
	if _, ok := lookup(user, b); ok {
		return &Error{RulePublished, 0}
	}
	return nil
}

func (p Policy) lengths() (least, most int) {
	least, most = max(p.MinLength, 1), p.MaxLength
	if most <= 0 {
		most = maxLength
	}
	return least, min(most, maxLength)
}

func (p Policy) allows(c byte) bool {
	if strings.IndexByte(p.Forbidden, c) >= 0 {
		return false
	}
	if p.Allowed == "" {
		return c > ' ' && c <= '~'
	}
	return strings.IndexByte(p.Allowed, c) >= 0
}

// Classes of characters, as bits.
const (
	classLower = 1 << iota
	classUpper
	classDigit
	classOther
)

func classOf(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return classLower
	case c >= 'A' && c <= 'Z':
		return classUpper
	case c >= '0' && c <= '9':
		return classDigit
	}
	return classOther
}

func classes(b []byte) int {
	set := 0
	for _, c := range b {
		set |= classOf(c)
	}
	return bitCount(set)
}

func bitCount(set int) int {
	n := 0
	for ; set != 0; set &= set - 1 {
		n++
	}
	return n
}

// longestRun returns the length of the longest stretch of characters that are
// equal, rise by one or fall by one.
func longestRun(b []byte) int {
	best, length, step := min(len(b), 1), 1, 2
	for i := 1; i < len(b); i++ {
		d := int(b[i]) - int(b[i-1])
		switch {
		case d < -1 || d > 1:
			length, step = 1, 2
		case d == step:
			length++
		default:
			length, step = 2, d
		}
		best = max(best, length)
	}
	return best
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i, c := range b {
		r[len(b)-1-i] = c
	}
	return r
}

func printable(from byte) string {
	var b strings.Builder
	for c := from; c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}
