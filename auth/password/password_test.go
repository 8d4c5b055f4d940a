package password_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/password"
)

func secret(s string) camsec.Secret { return camsec.NewSecret([]byte(s)) }

func seeded(n byte) io.Reader { return rand.NewChaCha8([32]byte{n}) }

var makers = map[string]password.Policy{
	"zero":            {},
	"Hikvision":       password.Hikvision,
	"HikvisionStrict": password.HikvisionStrict,
	"Dahua":           password.Dahua,
	"Hanwha":          password.Hanwha,
	"Axis":            password.Axis,
}

func TestCheck(t *testing.T) {
	hik, strict := password.Hikvision, password.HikvisionStrict
	for _, tc := range []struct {
		policy password.Policy
		user   string
		secret string
		want   password.Rule // empty: accepted
	}{
		{hik, "admin", "k9fWz2Lq", ""},
		{hik, "admin", "k9fWz2Lqk9fWz2Lq", ""},
		{hik, "admin", "abcdefgh.", ""},
		{hik, "admin", "Abc12345", ""},
		{hik, "admin", "", password.RuleShort},
		{hik, "admin", "k9fWz2L", password.RuleShort},
		{hik, "admin", "k9fWz2Lqk9fWz2Lqx", password.RuleLong},
		{hik, "admin", "kqfwzqlm", password.RuleClasses},
		{hik, "admin", "73528164", password.RuleClasses},
		{hik, "admin", "k9fW z2Lq", password.RuleCharacter},
		{hik, "admin", "k9fWz2Lq\n", password.RuleCharacter},
		{hik, "admin", "k9fWzü2Lq", password.RuleCharacter},
		{hik, "Oper4tor", "Oper4tor", password.RuleUser},
		{hik, "Oper4tor", "oPER4TOR", password.RuleUser},
		{hik, "Oper4tor", "rot4repO", password.RuleReverse},
		{hik, "Oper4tor", "rOT4REPo", password.RuleReverse},
		{hik, "Oper4tor", "Oper4tor.", ""},
		{strict, "op", "Abc12345", password.RuleRun},
		{strict, "op", "x123zzQp", password.RuleWord},
		{strict, "op", "xADMIN.zQp", password.RuleWord},
		{strict, "op", "qaaaaW7p", password.RuleRun},
		{strict, "op", "q4321W.p", password.RuleRun},
		{strict, "op", "qaaaW7pp", ""},
		{strict, "op", "abcba7.Q", ""},
		{password.Policy{ForbidInside: true}, "boss", "xBOSSx", password.RuleInside},
		{password.Policy{ForbidInside: true}, "bos", "xBOSx", password.RuleInside},
		{password.Policy{ForbidInside: true}, "bo", "xBOx", ""},
		{password.Policy{}, "u", "!~", ""},
		{password.Policy{}, "u", "! ~", password.RuleCharacter},
		{password.Policy{}, "u", "!\x7f~", password.RuleCharacter},
		{password.Axis, "root", " ~", ""},
		{password.Axis, "root", "\x7f", password.RuleCharacter},
		{password.Dahua, "admin", "k9fWz'2Lq", password.RuleCharacter},
		{password.Policy{ForbidUser: true, ForbidReverse: true, ForbidInside: true}, "", "x", ""},
		{password.Dahua, "admin", "k9fWz;2Lq", password.RuleCharacter},
		{password.Hanwha, "admin", "k9fWz,2Lq", password.RuleCharacter},
		{password.Axis, "root", "two words", ""},
		{password.Axis, "root", "pass", password.RulePublished},
		{password.Policy{}, "operator", "7ujMko0admin", password.RulePublished},
	} {
		err := password.Check(tc.policy, tc.user, secret(tc.secret))
		if tc.want == "" {
			require.NoError(t, err, "%q", tc.secret)
			continue
		}
		require.ErrorIs(t, err, camsec.ErrWeakPassword, "%q", tc.secret)
		e, ok := errors.AsType[*password.Error](err)
		require.True(t, ok)
		assert.Equal(t, tc.want, e.Rule, "%q", tc.secret)
		if len(tc.secret) > 5 {
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), tc.secret)
		}
	}
}

func TestErrorNamesRuleAndBound(t *testing.T) {
	assert.EqualError(t, password.Check(password.Hikvision, "admin", secret("k9fWz2L")), "password: too short (limit 8)")
	assert.EqualError(t, password.Check(password.Hikvision, "Oper4tor", secret("Oper4tor")), "password: is the user name")
}

func TestGeneratedIsAccepted(t *testing.T) {
	for name, policy := range makers {
		t.Run(name, func(t *testing.T) {
			random := seeded(1)
			seen := make(map[string]bool)
			for range 500 {
				s, err := password.Generate(random, policy, "admin")
				require.NoError(t, err)
				require.NoError(t, password.Check(policy, "admin", s))
				require.False(t, password.IsPublished("admin", s))
				raw := string(s.Reveal())
				want := 16
				if policy.MaxLength != 0 {
					want = min(want, policy.MaxLength)
				}
				require.Len(t, raw, want)
				require.Empty(t, strings.Trim(raw, password.DefaultAlphabet), raw)
				require.NotContains(t, "-_.", raw[:1])
				require.NotContains(t, "-_.", raw[len(raw)-1:])
				require.NoError(t, password.Check(password.HikvisionStrict, "admin", s), "suits newer firmware too")
				require.False(t, seen[raw])
				seen[raw] = true
			}
		})
	}
}

func TestGenerateNilReader(t *testing.T) {
	a, err := password.Generate(nil, password.Hikvision, "admin")
	require.NoError(t, err)
	b, err := password.Generate(nil, password.Hikvision, "admin")
	require.NoError(t, err)
	assert.NotEqual(t, a.Reveal(), b.Reveal())
}

// Runs are kept as short as newer firmware wants, and shorter if the policy
// says so: with two letters nearly every draw has one of four.
func TestGenerateAvoidsRuns(t *testing.T) {
	random := seeded(5)
	for most, want := range map[int]int{-1: 3, 0: 3, 1: 1, 2: 2, 3: 3, 9: 3} {
		longest := 0
		for range 100 {
			s, err := password.Generate(random, password.Policy{Alphabet: "ax", MaxRun: most, MaxLength: 6}, "admin")
			require.NoError(t, err)
			run := 0
			raw := s.Reveal()
			for i, c := range raw {
				if i > 0 && c != raw[i-1] {
					run = 0
				}
				run++
				longest = max(longest, run)
			}
		}
		assert.Equal(t, want, longest, "%d", most)
	}
}

// Of an alphabet only distinct characters that may be sent count.
func TestGenerateDrawsFromDistinctCharacters(t *testing.T) {
	for alphabet, drawn := range map[string]string{"aaab!~": "ab!~", "!~ax": "!~ax", " \x1f\x7fa0": "a0"} {
		policy := password.Policy{Alphabet: alphabet, Allowed: password.Axis.Allowed + "\x1f\x7f", MaxLength: 2}
		assert.InDelta(t, 2*math.Log2(float64(len(drawn))), password.Entropy(policy), 1e-9, "%q", alphabet)
		random := seeded(6)
		seen := make(map[byte]bool)
		for range 200 {
			s, err := password.Generate(random, policy, "admin")
			require.NoError(t, err)
			for _, c := range s.Reveal() {
				seen[c] = true
			}
		}
		assert.Len(t, seen, len(drawn), "%q", alphabet)
		for c := range seen {
			assert.Contains(t, drawn, string(rune(c)))
		}
	}
}

func TestGenerateAvoidsUser(t *testing.T) {
	// Of the passwords that the alphabet allows, the rules leave few.
	policy := password.Policy{MinLength: 2, MaxLength: 2, Alphabet: "xz", ForbidUser: true, ForbidReverse: true}
	random := seeded(2)
	for range 200 {
		s, err := password.Generate(random, policy, "XZ")
		require.NoError(t, err)
		assert.Contains(t, []string{"xx", "zz"}, string(s.Reveal()))
	}
}

func TestGenerateImpossible(t *testing.T) {
	for name, policy := range map[string]password.Policy{
		"lengths":          {MinLength: 9, MaxLength: 8},
		"classes":          {MinClasses: 2, Alphabet: "abc"},
		"length < classes": {MinClasses: 3, MaxLength: 2},
		"one character":    {Alphabet: "aaaa"},
		"nothing allowed":  {Alphabet: "abc", Allowed: "xyz"},
		"forbidden":        {Alphabet: "abc", Forbidden: "abc"},
		"not ASCII":        {Alphabet: "äöü"},
		"no draw":          {MaxLength: 2, Alphabet: "ab", ForbidWords: []string{"a", "b"}},
	} {
		s, err := password.Generate(seeded(3), policy, "admin")
		require.ErrorIs(t, err, password.ErrPolicy, name)
		assert.True(t, s.Empty(), name)
	}
}

func TestGenerateBadRandom(t *testing.T) {
	_, err := password.Generate(bytes.NewReader(make([]byte, 7)), password.Hikvision, "admin")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	for _, b := range []byte{0, 255} {
		_, err = password.Generate(constant(b), password.Hikvision, "admin")
		require.Error(t, err, "a source that does not change must not hang")
	}
}

type constant byte

func (c constant) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(c)
	}
	return len(p), nil
}

// Each character comes as often as any other: with 65 of them, taking bytes
// modulo 65 would give the first 61 a third more than the rest.
func TestGenerateUnbiased(t *testing.T) {
	random := seeded(4)
	counts := make(map[byte]float64)
	total := 0.0
	for range 6000 {
		s, err := password.Generate(random, password.Policy{}, "")
		require.NoError(t, err)
		raw := s.Reveal()
		for _, c := range raw[1 : len(raw)-1] {
			counts[c]++
			total++
		}
	}
	want := total / float64(len(password.DefaultAlphabet))
	chi := 0.0
	for _, c := range []byte(password.DefaultAlphabet) {
		chi += (counts[c] - want) * (counts[c] - want) / want
	}
	// 64 degrees of freedom: mean 64, deviation 11.3. The rules against runs
	// move it little.
	assert.Less(t, chi, 64+5*11.3)
}

func TestEntropy(t *testing.T) {
	brute := func(alphabet string, n, classes int) float64 {
		policy := password.Policy{MinLength: n, MaxLength: n, MinClasses: classes, Alphabet: alphabet}
		ok := 0
		total := int(math.Pow(float64(len(alphabet)), float64(n)))
		for i := range total {
			b := make([]byte, n)
			for j, rest := 0, i; j < n; j, rest = j+1, rest/len(alphabet) {
				b[j] = alphabet[rest%len(alphabet)]
			}
			if n > 2 && (b[0] == '-' || b[n-1] == '-') {
				continue
			}
			if password.Check(policy, "", camsec.NewSecret(b)) == nil {
				ok++
			}
		}
		assert.InDelta(t, math.Log2(float64(ok)), password.Entropy(policy), 1e-9, "%s %d %d", alphabet, n, classes)
		return password.Entropy(policy)
	}
	brute("abzXY07-", 4, 0)
	brute("abzXY07-", 4, 2)
	brute("abzXY07-", 4, 3)
	brute("abzXY07-", 4, 4)
	brute("abzXY07-", 3, 3)
	brute("a0-", 1, 1)
	brute("a0-", 2, 2)

	free := 14*math.Log2(65) + 2*math.Log2(62)
	assert.InDelta(t, free, password.Entropy(password.Policy{}), 1e-9)
	assert.InDelta(t, free, password.Entropy(password.Hikvision), 1e-3)
	assert.Less(t, password.Entropy(password.Hikvision), free)
	assert.Zero(t, password.Entropy(password.Policy{MinLength: 9, MaxLength: 8}))
	assert.Greater(t, password.Entropy(password.Policy{MinLength: 1000}), 5900.0, "no overflow")
}

func TestIsPublished(t *testing.T) {
	for _, tc := range []struct {
		user, secret string
		want         bool
		vendor       string
	}{
		{"admin", "12345", true, "Hikvision"},
		{"operator", "12345", true, "Hikvision"},
		{"root", "12345", true, ""},
		{"root", "pass", true, "Axis"},
		{"888888", "888888", true, "Dahua"},
		{"root", "xc3511", true, "Xiongmai"},
		{"administrator", "1234", true, ""},
		{"Administrator", "meinsm", true, "Mobotix"},
		{"admin", "", true, ""},
		{"admin", "Pass", false, ""},
		{"admin", "12345 ", false, ""},
		{"admin", "k9fWz2Lq", false, ""},
	} {
		assert.Equal(t, tc.want, password.IsPublished(tc.user, secret(tc.secret)), "%s/%s", tc.user, tc.secret)
		p, ok := password.Lookup(tc.user, secret(tc.secret))
		assert.Equal(t, tc.want, ok)
		assert.Equal(t, tc.vendor, p.Vendor, "%s/%s", tc.user, tc.secret)
	}
	assert.True(t, password.IsPublished("admin", camsec.Secret{}), "the zero secret is empty")
}

func FuzzGenerate(f *testing.F) {
	f.Add(byte(1), "admin", 8, 16, 2, "", "", 0, true, true)
	f.Add(byte(2), "x", 1, 1, 1, "ab", "", 1, true, false)
	f.Add(byte(3), "Oper", 4, 4, 4, "aA0.", "", 3, true, true)
	f.Add(byte(4), "", 0, 200, 3, password.DefaultAlphabet, "-_.", 2, false, true)
	f.Fuzz(func(t *testing.T, seed byte, user string, least, most, classes int, alphabet, forbidden string, run int, forbidUser, forbidReverse bool) {
		policy := password.Policy{
			MinLength: least, MaxLength: most % 256, MinClasses: classes, Alphabet: alphabet, Forbidden: forbidden,
			MaxRun: run, ForbidUser: forbidUser, ForbidReverse: forbidReverse, ForbidInside: seed%2 == 0,
		}
		s, err := password.Generate(seeded(seed), policy, user)
		if err != nil {
			require.ErrorIs(t, err, password.ErrPolicy)
			require.True(t, s.Empty())
			return
		}
		require.NoError(t, password.Check(policy, user, s))
		bits := password.Entropy(policy)
		require.False(t, math.IsNaN(bits) || math.IsInf(bits, 0) || bits < 0, "%v", bits)
	})
}
