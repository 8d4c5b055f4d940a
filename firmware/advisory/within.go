package advisory

import (
	"fmt"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// verdict is whether a version is within a range.
type verdict uint8

const (
	unsure verdict = iota
	outside
	inside
)

// within holds v against constraints that must all hold, and says why.
func within(rng []Constraint, v firmware.Version) (verdict, string) {
	if len(rng) == 0 {
		return inside, "every version is listed"
	}
	all, why := inside, ""
	for _, c := range rng {
		got, text := c.holds(v)
		switch {
		case got == outside:
			return outside, text
		case got == unsure && all == inside, got == inside && all == inside && why == "":
			all, why = got, text
		case got == inside && all == inside:
			why += " and " + text
		}
	}
	return all, why
}

// holds holds v against one constraint.
func (c Constraint) holds(v firmware.Version) (verdict, string) {
	bound := c.bound(v.Vendor)
	var o firmware.Order
	switch c.Field {
	case "build", "build_date":
		if o = firmware.CompareBuilds(v, bound); o == firmware.Incomparable {
			return unsure, "the device does not tell a build date to hold against " + bound.Released
		}
		return c.decide(o, "build date "+v.Released)
	case "version-prefix":
		v2 := v
		if len(v2.Numbers) > len(bound.Numbers) {
			v2.Numbers = v2.Numbers[:len(bound.Numbers)]
		}
		o = firmware.CompareNumbers(v2, bound)
	case "version+build":
		n, d := firmware.CompareNumbers(v, bound), firmware.CompareBuilds(v, bound)
		switch {
		case n == firmware.Same && d == firmware.Incomparable:
			return unsure, fmt.Sprintf("version %s is the border and the device does not tell its build", bound.Number())
		case n == firmware.Same:
			n = d
		case n != firmware.Incomparable && d != firmware.Incomparable && d != firmware.Same && n != d:
			return unsure, fmt.Sprintf("version %s and build date %s disagree about the order to %s", v.Number(), v.Released, tidy(c.Value))
		}
		o = n
	default:
		if v.Product != bound.Product && bound.Product != "" {
			if v.Product == "" {
				return unsure, "the device does not tell the product code " + bound.Product
			}
			return outside, fmt.Sprintf("the range is for product code %s, the device has %s", bound.Product, tidy(v.Product))
		}
		if v.Vendor == firmware.Hikvision || v.Vendor == firmware.Axis {
			o = firmware.CompareNumbers(v, bound)
			break
		}
		var why string
		if o, why = firmware.Compare(v, bound); o == firmware.Incomparable && v.Known() {
			return unsure, why
		}
	}
	if o == firmware.Incomparable {
		return unsure, "the device's version is not known or not understood"
	}
	return c.onTrack(o, v, bound)
}

// onTrack decides with the one doubt that Axis's ranges leave: they give the
// active track alone, while the support tracks within them are repaired on
// their own.
func (c Constraint) onTrack(o firmware.Order, v, bound firmware.Version) (verdict, string) {
	got, why := c.decide(o, "version "+v.Number())
	if v.Vendor != firmware.Axis {
		return got, why
	}
	if c.Op == "==" && len(bound.Numbers) == 2 && len(v.Numbers) > 2 {
		if v.Numbers[0] == bound.Numbers[0] && v.Numbers[1] == bound.Numbers[1] {
			return unsure, fmt.Sprintf("version %s is of the listed release %s, of which not every part is told", v.Number(), bound.Number())
		}
		return got, why
	}
	upperBound := c.Op == "<" || c.Op == "<="
	if got == inside && upperBound && v.Track != "" && (v.Track != bound.Track || len(bound.Numbers) == 2) {
		return unsure, fmt.Sprintf("version %s is below %s, but support track %s is repaired on its own", v.Number(), bound.Number(), v.Track)
	}
	return got, why
}

// decide applies the operator to how the version stands to the bound.
func (c Constraint) decide(o firmware.Order, what string) (verdict, string) {
	var holds bool
	switch c.Op {
	case "<":
		holds = o == firmware.Older
	case "<=":
		holds = o != firmware.Newer
	case "==":
		holds = o == firmware.Same
	case ">=":
		holds = o != firmware.Older
	case ">":
		holds = o == firmware.Newer
	}
	if holds {
		return inside, fmt.Sprintf("%s is %s %s", what, words[c.Op], tidy(c.Value))
	}
	return outside, fmt.Sprintf("%s is not %s %s", what, words[c.Op], tidy(c.Value))
}

var words = map[string]string{
	"<": "before", "<=": "at or before", "==": "equal to", ">=": "at or after", ">": "after",
}

// tidy makes a text from a device or a dataset fit for a sentence.
func tidy(s string) string {
	s = untrusted.Clean(s)
	if r := []rune(s); len(r) > maxWord {
		s = string(r[:maxWord]) + "…"
	}
	return s
}

// maxWord bounds, in characters, what a device's own words take of a sentence.
const maxWord = 80
