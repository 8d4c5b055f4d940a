package camsec

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// redactReports copies reports with serials, MACs and addresses replaced. What the
// inventory names is replaced by a word that stands for it wherever it
// occurs; addresses that occur elsewhere, such as a gateway in a reason, by a
// word that says no more than what they are.
func redactReports(reports Reports) Reports {
	r := &redaction{words: map[string]string{}, count: map[string]int{}}
	for _, rep := range reports {
		r.name("address", hostPart(rep.Address))
		r.name("serial", rep.Inventory.Serial)
		r.name("mac", rep.Inventory.MAC)
		for _, c := range rep.Inventory.Channels {
			r.name("address", hostPart(c.Address))
			r.name("serial", c.Serial)
			r.name("serial", c.Via)
		}
	}
	// The longest first: a serial may begin with another.
	var pairs []string
	names := make([]string, 0, len(r.words))
	for s := range r.words {
		names = append(names, s)
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	for _, s := range names {
		pairs = append(pairs, s, r.words[s])
	}
	r.known = strings.NewReplacer(pairs...)
	out := make(Reports, len(reports))
	for i, rep := range reports {
		out[i] = r.report(rep)
	}
	return out
}

type redaction struct {
	words map[string]string
	count map[string]int
	known *strings.Replacer
}

// name gives a word to something that is to be replaced.
func (r *redaction) name(kind, s string) {
	if s == "" || r.words[s] != "" || IsPlaceholder(s) {
		return
	}
	r.count[kind]++
	r.words[s] = fmt.Sprintf("%s-%d", kind, r.count[kind])
}

var (
	macText  = regexp.MustCompile(`(?i)\b[0-9a-f]{2}([:-][0-9a-f]{2}){5}\b`)
	addrText = regexp.MustCompile(`(?i)[0-9a-f]*:[0-9a-f:.]+(%[\w.-]+)?|\b\d{1,3}(\.\d{1,3}){3}\b`)
)

func (r *redaction) text(s string) string {
	s = r.known.Replace(s)
	s = macText.ReplaceAllString(s, "(MAC)")
	return addrText.ReplaceAllStringFunc(s, func(a string) string {
		if _, err := netip.ParseAddr(strings.TrimSuffix(a, ":")); err == nil {
			return "(address)"
		}
		return a
	})
}

// report redacts every text of a report, through its JSON form, so that no
// field is forgotten.
func (r *redaction) report(rep *Report) *Report {
	raw, err := json.Marshal(rep)
	if err != nil {
		return &Report{} // a report always has a JSON form
	}
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return &Report{}
	}
	raw, err = json.Marshal(r.walk(tree))
	if err != nil {
		return &Report{}
	}
	var out Report
	if json.Unmarshal(raw, &out) != nil {
		return &Report{}
	}
	return &out
}

// walk replaces in values and in the names of labels.
func (r *redaction) walk(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.walk(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = r.walk(v[k])
		}
	}
	return v
}

// hostPart is the host of an address as callers write them.
func hostPart(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "/")
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return strings.Trim(s, "[]")
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		s = s[:i]
	}
	return strings.Trim(s, "[]")
}
