package advisory

import (
	"regexp"
	"slices"
	"strings"

	"github.com/camsec/camsec/firmware"
)

// Makers name models in ways of their own: x for any letter or digit, "Series"
// for all that begins so, slashes between alternatives, a maker's name before
// and a description behind. names reads those words into patterns.
type names struct {
	patterns []string
	// vague: the words do not tell which models are meant.
	vague bool
	// software: the words name a program and no device.
	software bool
}

// softwareWords are what a product for a PC or server is called.
var softwareWords = []string{
	"manager", "software", "server", "platform", "client", "components", "pack", "central",
	"center", "application", "viewer", "verifier", "plugin", "sdk", "app",
}

var (
	reList       = regexp.MustCompile(`(?i),\s*(?:and\s+)?|\s+and\s+|;\s*`)
	reSeries     = regexp.MustCompile(`(?i)[ -]series\b`)
	reOptional   = regexp.MustCompile(`\((/[^)]*|-[A-Z0-9]{1,3})\)`) // DS-7608NI(/xP), A1610 (-B)
	reDescribed  = regexp.MustCompile(`\s*\([^)]*[ a-z][^)]*\)`)     // AVM1203 (IP Camera)
	reTail       = regexp.MustCompile(`[xX]+$`)
	reMiddleX    = regexp.MustCompile(`XX+`)
	reDigitX     = regexp.MustCompile(`([-0-9])X([0-9])`)
	reDahuaX     = regexp.MustCompile(`([0-9])X`)
	reLastDigits = regexp.MustCompile(`^(.*?)(\d{2,})((?:/\d{2,})+)([A-Z][A-Z0-9-]*)?$`) // DS-A71024/48/72R
	reModelMark  = regexp.MustCompile(`^(?:Mk|MK|II|III|IV|Pro)$`)
)

// readNames reads the product words of one maker.
func readNames(vendor, text string) names {
	text = strings.Join(strings.Fields(folded.Replace(text)), " ")
	if len(text) > maxString {
		return names{patterns: []string{"*"}, vague: true}
	}
	if strings.EqualFold(text, "AXIS OS") {
		return names{patterns: []string{"*"}} // what every camera of the maker runs
	}
	var n names
	for _, part := range reList.Split(text, -1) {
		n.read(firmware.VendorKey(vendor), strings.Trim(part, " ,"))
	}
	if len(n.patterns) > 0 {
		return n
	}
	for _, w := range strings.Fields(strings.ToLower(text)) {
		if slices.Contains(softwareWords, w) {
			return names{patterns: []string{text}, software: true}
		}
	}
	return names{patterns: []string{"*"}, vague: true}
}

func (n *names) read(vendor, text string) {
	series := reSeries.MatchString(text)
	text = reSeries.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "- ", "-") // "DS- 2CD4x2xFWD" was seen
	text = strings.ReplaceAll(text, " / ", "/")
	bare := reOptional.ReplaceAllString(text, "")
	bare = reDescribed.ReplaceAllString(bare, "")
	for _, p := range []string{"Dahua ", "DHI-", "DH-"} {
		bare = strings.TrimPrefix(bare, p)
	}
	model := modelWords(bare)
	if model == "" {
		return
	}
	for _, m := range alternatives(model) {
		p := wildcards(vendor, m)
		if series && !strings.HasSuffix(p, "*") {
			p += "*"
		}
		if !slices.Contains(n.patterns, p) {
			n.patterns = append(n.patterns, p)
		}
	}
}

// modelWords is the part of the words that names a model: what holds a digit,
// with the marks that belong to it.
func modelWords(text string) string {
	var kept []string
	for _, w := range strings.Fields(text) {
		hasDigit := strings.ContainsAny(w, "0123456789")
		switch {
		case hasDigit || len(kept) == 0 && strings.Contains(w, "-") && strings.ContainsAny(w, "xX"):
			kept = append(kept, w)
		case len(kept) > 0 && reModelMark.MatchString(w):
			kept = append(kept, w)
		case len(kept) > 0:
			return strings.Join(kept, " ")
		}
	}
	return strings.Join(kept, " ")
}

// alternatives splits K1T341A/K1T341B, K1T8003/8004 and A71024/48/72R, and
// leaves a slash that is part of a name (DS-7604NI-M1/4P) alone.
func alternatives(model string) []string {
	if m := reLastDigits.FindStringSubmatch(model); m != nil {
		out := []string{m[1] + m[2] + m[4]}
		for _, d := range strings.Split(m[3], "/")[1:] {
			if len(d) > len(m[2]) {
				return []string{model}
			}
			out = append(out, m[1]+m[2][:len(m[2])-len(d)]+d+m[4])
		}
		return out
	}
	parts := strings.Split(model, "/")
	out := parts[:1:1]
	for _, p := range parts[1:] {
		if len(p) < 5 || !strings.ContainsAny(p, "0123456789") || p[0] < 'A' || p[0] > 'Z' {
			return []string{model}
		}
		if i := strings.IndexByte(parts[0], '-'); i > 0 && !strings.Contains(p, "-") {
			p = parts[0][:i+1] + p
		}
		out = append(out, p)
	}
	return out
}

// wildcards writes a maker's wildcards as ours. A lower-case x always is one;
// an X is where several stand together, and after any digit for Dahua,
// whose HX means HDW, HFW and so on.
func wildcards(vendor, model string) string {
	tail := ""
	if m := reTail.FindString(model); m != "" && (strings.Contains(m, "x") || len(m) > 1 || vendor == firmware.Dahua) {
		model, tail = model[:len(model)-len(m)], "*"
	}
	model = strings.ReplaceAll(model, "x", "?")
	if vendor == firmware.Dahua {
		model = reDahuaX.ReplaceAllString(strings.ReplaceAll(model, "HX", "H@"), "$1?")
	}
	model = reMiddleX.ReplaceAllStringFunc(model, func(m string) string { return strings.Repeat("?", len(m)) })
	return reDigitX.ReplaceAllString(model, "$1?$2") + tail
}
