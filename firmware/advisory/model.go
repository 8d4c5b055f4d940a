package advisory

import "strings"

// strength is how well a model is named by a pattern.
type strength uint8

const (
	unnamed strength = iota
	loosely          // by a pattern that is too wide to be sure, or in part
	named
)

// What a pattern with wildcards must have so that a match is more than a
// guess: some letters and digits of its own, and a digit among them or many
// letters. IPC-* and IPC-????H have neither.
const (
	minFixed   = 4
	minLetters = 6
)

// nameModel tells how well pattern names model.
func nameModel(pattern, model string) strength {
	if pattern == "*" {
		return named
	}
	s := match(pattern, model)
	if i := strings.IndexByte(pattern, '('); i > 0 && s == unnamed {
		// A hardware mark as (B) stands at the name's end, after a suffix
		// that patterns leave out: DS-2CD1x43(B) is DS-2CD1043G0-I(B) too.
		j := strings.IndexByte(pattern[i:], ')')
		if j < 0 {
			return unnamed
		}
		mark, base := pattern[i:i+j+1], pattern[:i]+pattern[i+j+1:]
		s = match(base, model)
		if s == named && !strings.Contains(model, strings.ToUpper(mark)) {
			s = loosely
		}
	}
	if s == named && strings.ContainsAny(pattern, "?*@") && wide(pattern) {
		s = loosely
	}
	return s
}

// wide tells whether a pattern with wildcards fits too much.
func wide(pattern string) bool {
	n := 0
	for i := range len(pattern) {
		if alnum(upper(pattern[i])) {
			n++
		}
	}
	return n < minFixed || n < minLetters && !strings.ContainsAny(pattern, "0123456789")
}

// match holds model, in upper case, against pattern.
func match(pattern, model string) strength {
	i := 0
	long := false
	for p := 0; p < len(pattern); p++ {
		switch c := pattern[p]; c {
		case '*':
			if long {
				return loosely
			}
			return named
		case '?':
			if i >= len(model) || !alnum(model[i]) {
				return unnamed
			}
			i++
		case '@':
			start := i
			for i < len(model) && i-start < 4 && model[i] >= 'A' && model[i] <= 'Z' {
				i++
			}
			if i == start {
				return unnamed
			}
			long = long || i-start > 1
		default:
			if i >= len(model) || model[i] != upper(c) {
				return unnamed
			}
			i++
		}
	}
	if long || i < len(model) && alnum(model[i]) {
		return loosely
	}
	return named
}

func alnum(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

// modelName is a device's model as patterns are written: upper case, without
// the maker's name before it.
func modelName(model string) string {
	if len(model) > maxString {
		return ""
	}
	model = strings.ToUpper(strings.Join(strings.Fields(model), " "))
	for _, p := range []string{"AXIS ", "DAHUA ", "HIKVISION ", "UNIVIEW ", "DHI-", "DH-"} {
		model = strings.TrimPrefix(model, p)
	}
	return model
}
