package camsec

import (
	"fmt"
	"regexp"
	"strings"
)

// A translator renders English texts in another language. Reports carry
// English sentences, also those that were stored, so it works on what a
// sentence looks like: a text with %s and %d stands for all that fit it.
type translator struct {
	exact    map[string]string
	patterns []pattern
	seen     map[string]string // sentences repeat from device to device
}

type pattern struct {
	from   *regexp.Regexp
	prefix string // before the first thing filled in, to find non-matches fast
	to     string
}

var verb = regexp.MustCompile(`%[sdq]`)

// newTranslator makes one of the built-in language and further texts. Of
// a language that is neither known nor given, texts stay English.
func newTranslator(language string, more map[string]string) *translator {
	t := &translator{exact: map[string]string{}, seen: map[string]string{}}
	add := func(from, to string) {
		if to == "" {
			return
		}
		t.exact[from] = to
		at := verb.FindAllStringIndex(from, -1)
		if at == nil || strings.TrimSpace(verb.ReplaceAllString(from, "")) == "" {
			return
		}
		var re strings.Builder
		re.WriteString("(?s)^")
		last := 0
		for _, v := range at {
			re.WriteString(regexp.QuoteMeta(from[last:v[0]]))
			if from[v[0]:v[1]] == "%d" {
				re.WriteString(`(-?\d+)`)
			} else {
				re.WriteString(`(.+?)`)
			}
			last = v[1]
		}
		re.WriteString(regexp.QuoteMeta(from[last:]) + "$")
		t.patterns = append(t.patterns, pattern{regexp.MustCompile(re.String()), from[:at[0][0]], to})
	}
	if language == "de" || strings.HasPrefix(language, "de-") {
		for from, to := range germanTexts() {
			if _, better := more[from]; !better {
				add(from, to)
			}
		}
	}
	for from, to := range more {
		add(from, to)
	}
	return t
}

func (t *translator) has(s string) bool {
	if len(t.exact) == 0 {
		return false
	}
	_, ok := t.exact[s]
	return ok
}

// text renders one text, or leaves it as it is.
func (t *translator) text(s string) string {
	if len(t.exact) == 0 || s == "" {
		return s
	}
	if to, ok := t.seen[s]; ok {
		return to
	}
	to := t.find(s)
	if len(t.seen) < 1<<16 {
		t.seen[s] = to
	}
	return to
}

func (t *translator) find(s string) string {
	if to, ok := t.exact[s]; ok {
		return to
	}
	if to, ok := t.match(s, true); ok {
		return to
	}
	// What is missing is a list of sentences.
	if parts := strings.Split(s, "; "); len(parts) > 1 {
		for i := range parts {
			parts[i] = t.find(parts[i])
		}
		return strings.Join(parts, "; ")
	}
	to, _ := t.match(s, false)
	return to
}

// match finds the pattern with the most words of its own; whole ones are
// those with a semicolon, whose sentences belong together.
func (t *translator) match(s string, whole bool) (string, bool) {
	best, words := "", -1
	for _, p := range t.patterns {
		if !strings.HasPrefix(s, p.prefix) || whole != strings.Contains(p.to, ";") {
			continue
		}
		m := p.from.FindStringSubmatch(s)
		if m == nil || len(p.from.String()) <= words {
			continue
		}
		words, best = len(p.from.String()), t.fill(p.to, m[1:])
	}
	if words < 0 {
		return s, false
	}
	return best, true
}

// fill puts what was found in the places of a translation; labels in it are
// translated, also in lists.
func (t *translator) fill(to string, found []string) string {
	i := 0
	return verb.ReplaceAllStringFunc(to, func(string) string {
		if i >= len(found) {
			return ""
		}
		s := found[i]
		i++
		if tr, ok := t.exact[s]; ok {
			return tr
		}
		if parts := strings.Split(s, ", "); len(parts) > 1 {
			for i := range parts {
				if tr, ok := t.exact[parts[i]]; ok {
					parts[i] = tr
				}
			}
			return strings.Join(parts, ", ")
		}
		return t.find(s)
	})
}

// format renders a text and fills it in.
func (t *translator) format(s string, args ...any) string {
	if to, ok := t.exact[s]; ok {
		s = to
	}
	return fmt.Sprintf(s, args...)
}

// reportTexts are the English texts that reports may hold: those of the
// writers and the sentences and words of the built-in controls.
func reportTexts() []string {
	out := strings.Split(strings.TrimSpace(writerTexts), "\n")
	out = append(out, strings.Split(strings.TrimSpace(verdictTexts), "\n")...)
	for _, names := range [][]string{statusNames[:], severityNames[:]} {
		out = append(out, names...)
	}
	for _, c := range Controls() {
		out = append(out, c.Title(), rationaleOf(c), remedyOf(c))
	}
	return out
}
