package password

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/camsec/camsec"
)

// ErrPolicy means that no password can be drawn for a policy: its alphabet
// holds too few allowed characters or classes, its lengths contradict each
// other, or nothing in reach complies.
var ErrPolicy = errors.New("password: policy cannot be met")

// maxDraws bounds the draws of one Generate. Two thirds of all draws comply
// with the policies of this package.
const maxDraws = 10_000

// Generate draws a password that [Check] accepts under policy for user. It has
// [DefaultLength] characters, or as many as the policy's bounds come nearest
// to. random is the source of randomness; nil means crypto/rand.
//
// Whole passwords are drawn and those that do not comply are drawn again, so
// each complying password is as likely as any other. Beyond the policy, a
// generated password begins and ends with a letter or digit where the alphabet
// has any (unless it is shorter than 3), and avoids what newer Hikvision firmware refuses (see
// [HikvisionStrict]), so that one value suits most devices.
//
// Errors are [ErrPolicy] and those of random.
func Generate(random io.Reader, policy Policy, user string) (camsec.Secret, error) {
	if random == nil {
		random = rand.Reader
	}
	g, err := newGenerator(policy)
	if err != nil {
		return camsec.Secret{}, err
	}
	src := source{r: random}
	defer clear(src.buf[:])
	b := make([]byte, g.length)
	defer clear(b)
	for range maxDraws {
		for i := range b {
			set := g.alphabet
			if i == 0 || i == len(b)-1 {
				set = g.ends
			}
			if b[i], err = src.pick(set); err != nil {
				return camsec.Secret{}, fmt.Errorf("password: random source: %w", err)
			}
		}
		if g.policy.check(user, b) == nil {
			return camsec.NewSecret(b), nil
		}
	}
	return camsec.Secret{}, fmt.Errorf("%w: no draw complied", ErrPolicy)
}

// Entropy returns how many bits of randomness a password of [Generate] has
// under policy: the logarithm of the number of passwords that it chooses from,
// with lengths, classes and ends counted exactly. The rules about user names,
// words, runs and published defaults are left out; under the policies of this
// package they cost less than a hundredth of a bit. It returns 0 for a policy
// that cannot be met.
func Entropy(policy Policy) float64 {
	g, err := newGenerator(policy)
	if err != nil {
		return 0
	}
	var all, ends [16]float64 // characters by set of classes
	for set := range 16 {
		all[set], ends[set] = count(g.alphabet, set), count(g.ends, set)
	}
	// Shares of all strings rather than numbers of strings, which overflow.
	within := func(set int) float64 {
		if g.length == 1 {
			return ends[set] / ends[15]
		}
		end := ends[set] / ends[15]
		return end * end * math.Pow(all[set]/all[15], float64(g.length-2))
	}
	share := 0.0
	for set := range 16 {
		if bitCount(set) < policy.MinClasses {
			continue
		}
		for sub := range 16 {
			if sub&set != sub {
				continue
			}
			if bitCount(set^sub)%2 == 0 {
				share += within(sub)
			} else {
				share -= within(sub)
			}
		}
	}
	atEnds := min(g.length, 2)
	bits := float64(atEnds)*math.Log2(ends[15]) + float64(g.length-atEnds)*math.Log2(all[15])
	return max(0, bits+math.Log2(share))
}

func count(alphabet string, set int) float64 {
	n := 0
	for i := range len(alphabet) {
		if classOf(alphabet[i])&set != 0 {
			n++
		}
	}
	return float64(n)
}

type generator struct {
	policy   Policy // of the caller, made stricter
	alphabet string // distinct and allowed
	ends     string // of alphabet, what may stand first and last
	length   int
}

func newGenerator(p Policy) (generator, error) {
	least, most := p.lengths()
	if least > most {
		return generator{}, fmt.Errorf("%w: its lengths contradict each other", ErrPolicy)
	}
	g := generator{policy: p, length: min(max(DefaultLength, least), most)}
	from := p.Alphabet
	if from == "" {
		from = DefaultAlphabet
	}
	present := 0
	for i := range len(from) {
		c := from[i]
		if c <= ' ' || c > '~' || !p.allows(c) || strings.IndexByte(g.alphabet, c) >= 0 {
			continue
		}
		g.alphabet += string(rune(c))
		present |= classOf(c)
		if classOf(c) != classOther {
			g.ends += string(rune(c))
		}
	}
	if g.ends == "" || g.length < 3 {
		g.ends = g.alphabet
	}
	if len(g.alphabet) < 2 || bitCount(present) < p.MinClasses || p.MinClasses > g.length {
		return generator{}, fmt.Errorf("%w: its alphabet or length does not suffice", ErrPolicy)
	}
	g.policy.MaxRun = HikvisionStrict.MaxRun
	if p.MaxRun > 0 {
		g.policy.MaxRun = min(p.MaxRun, HikvisionStrict.MaxRun)
	}
	g.policy.ForbidWords = append([]string{}, p.ForbidWords...)
	g.policy.ForbidWords = append(g.policy.ForbidWords, "123", "admin")
	return g, nil
}

// source turns random bytes into choices without bias.
type source struct {
	r    io.Reader
	buf  [64]byte
	left int
}

func (s *source) pick(set string) (byte, error) {
	limit := 256 - 256%len(set)
	for range maxDraws {
		if s.left == 0 {
			if _, err := io.ReadFull(s.r, s.buf[:]); err != nil {
				return 0, err
			}
			s.left = len(s.buf)
		}
		s.left--
		if c := int(s.buf[s.left]); c < limit {
			return set[c%len(set)], nil
		}
	}
	return 0, errors.New("not random")
}
