package camsec

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// redactReports copies reports with serials, MACs and addresses replaced. What
// the inventory names is replaced by a word that stands for it wherever it
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
	// The longest first: a serial may begin with another. A short one would be
	// found in words that have nothing to do with it, so it is replaced only
	// where it stands alone.
	var names []string
	for s := range r.words {
		if len(s) >= 5 {
			names = append(names, s)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
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
	if word, ok := r.words[s]; ok {
		return word
	}
	s = r.known.Replace(s)
	s = macText.ReplaceAllString(s, "(MAC)")
	return addrText.ReplaceAllStringFunc(s, func(a string) string {
		if _, err := netip.ParseAddr(strings.TrimSuffix(a, ":")); err == nil {
			return "(address)"
		}
		return a
	})
}

// report copies a report, redacting every text that may hold something of
// the device or of its network. The words of controls, and what programs go
// by, are not touched.
func (r *redaction) report(in *Report) *Report {
	out := *in
	out.ID, out.Scope, out.Address = r.text(in.ID), r.text(in.Scope), r.text(in.Address)
	out.Labels = maps.Clone(in.Labels)
	for k, v := range out.Labels {
		out.Labels[k] = r.text(v)
	}
	inv := &out.Inventory
	inv.Serial, inv.MAC, inv.ChannelsErr = r.text(inv.Serial), r.text(inv.MAC), r.problem(inv.ChannelsErr)
	inv.Channels = slices.Clone(inv.Channels)
	for i := range inv.Channels {
		c := &inv.Channels[i]
		for _, s := range []*string{&c.Via, &c.Name, &c.Address, &c.Serial, &c.User, &c.Group} {
			*s = r.text(*s)
		}
	}
	out.Results = slices.Clone(in.Results)
	for i := range out.Results {
		res := &out.Results[i]
		res.Reason = r.text(res.Reason)
		res.Evidence = slices.Clone(res.Evidence)
		for k := range res.Evidence {
			res.Evidence[k].Operation = r.text(res.Evidence[k].Operation)
		}
	}
	out.Errors = maps.Clone(in.Errors)
	for k, p := range out.Errors {
		out.Errors[k] = r.problem(p)
	}
	return &out
}

func (r *redaction) problem(p *Problem) *Problem {
	if p == nil {
		return nil
	}
	q := *p
	q.Message = r.text(p.Message)
	return &q
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
