package advisory

import (
	"regexp"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// Sources write ranges in words. The forms below were seen in CVE records of
// makers and of CISA, in CISA's CSAF documents and in makers' notices; what
// none of them fits is left unread, which matches as "possibly affected".
var (
	reAll       = regexp.MustCompile(`(?i)^(?:0?\s*\(?all\)?|all(?: \w+)? versions?|vers:[a-z]+/\*|\*|-)$`)
	reVers      = regexp.MustCompile(`(?i)^vers:[a-z]+/`)
	reOperator  = regexp.MustCompile(`^(<=|>=|==|<|>|=)\s*(.+)$`)
	reNote      = regexp.MustCompile(`\([EP0-9]+\)`) // a maker's order number
	reBuiltIn   = regexp.MustCompile(`(?i)\bbuild ?(?:time|date)\s+before\s+(.+)$`)
	reFloor     = regexp.MustCompile(`(?i)\(version\s+before\s+(\S+)\s+are not affected\)`)
	reAfter     = regexp.MustCompile(`(?i)^(?:versions?\s+)?after\s+(\S+)\s*(\(including[^)]*\))?\s*and before\s+([^\s(]+)\s*(\((?:not )?including[^)]*\))?$`)
	reBelow     = regexp.MustCompile(`(?i)^(?:versions?\s+)?(?:below|before|prior to)\s+(?:version\s+)?([^\s,;]+(?: build ?\d{6})?)\s*(\(including[^)]*\))?$`)
	reOrBefore  = regexp.MustCompile(`(?i)^(?:versions?\s+)?(.+?)\s+(?:and|or)\s+(?:the\s+)?(?:(?:versions?\s+)?(?:prior|earlier|below|older)(?:\s+versions?)?(?:\s+to it)?)$`)
	reBetween   = regexp.MustCompile(`(?i)^(?:versions?\s+)?between\s+(\S+)\s+and\s+(\S+)$`)
	reThrough   = regexp.MustCompile(`(?i)^(.+?)(?:\s+to\s+|\s+-\s*|\s*-\s+)(.+)$`)
	reGlued     = regexp.MustCompile(`(?i)^(V[\d.]+ ?build ?\d{6})-(V[\d.]+ ?build ?\d{6})$`)
	reOpenFloor = regexp.MustCompile(`(?i)^(V?\d+)\.X\s+(<=?\s*.+)$`)
	reMonth     = regexp.MustCompile(`^([A-Z][a-z]+)(?: (\d{1,2}))?, (\d{4})$`)
	reShortDay  = regexp.MustCompile(`^\d{6}$`)
)

// readRange turns a source's words into constraints. An empty range with true
// is every version; false means that the words are not understood.
func readRange(vendor, text string) ([]Constraint, bool) {
	if len(text) > maxString {
		return nil, false
	}
	text = strings.Join(strings.Fields(folded.Replace(text)), " ")
	if text == "" || reAll.MatchString(text) {
		return nil, true
	}
	r := ranger{vendor: firmware.VendorKey(vendor)}
	r.read(reVers.ReplaceAllString(text, ""))
	if r.failed || len(r.rng) == 0 {
		return nil, false
	}
	return r.rng, true
}

// folded are characters that records write in place of ASCII.
var folded = strings.NewReplacer("（", "(", "）", ")", "–", "-", "—", "-", "\u00a0", " ", "、", ", ", "≤", "<=", "≥", ">=")

// A ranger collects the constraints of one range.
type ranger struct {
	vendor string
	rng    []Constraint
	failed bool
}

func (r *ranger) read(text string) {
	if parts := strings.Split(text, "|"); len(parts) > 1 {
		for _, p := range parts {
			r.read(strings.TrimSpace(p))
		}
		return
	}
	if m := reBuiltIn.FindStringSubmatch(text); m != nil {
		r.builtBefore(m[1])
		return
	}
	text = strings.Join(strings.Fields(reNote.ReplaceAllString(text, " ")), " ")
	if m := reOpenFloor.FindStringSubmatch(text); m != nil {
		r.add(">=", m[1])
		text = m[2]
	}
	if m := reOperator.FindStringSubmatch(text); m != nil {
		r.add(strings.Replace(m[1], "=", "==", len("==")-len(m[1])), m[2])
		return
	}
	if m := reAfter.FindStringSubmatch(text); m != nil {
		r.add(orEqual(">", m[2]), m[1])
		r.add(orEqual("<", m[4]), m[3])
		return
	}
	if m := reBetween.FindStringSubmatch(text); m != nil {
		r.add(">=", m[1])
		r.add("<=", m[2])
		return
	}
	if m := reBelow.FindStringSubmatch(text); m != nil {
		r.add(orEqual("<", m[2]), m[1])
		return
	}
	if m := reOrBefore.FindStringSubmatch(text); m != nil {
		r.add("<=", m[1])
		return
	}
	if m := reGlued.FindStringSubmatch(text); m != nil {
		r.add(">=", m[1])
		r.add("<=", m[2])
		return
	}
	if m := reThrough.FindStringSubmatch(text); m != nil && r.version(m[1]).Known() && r.version(m[2]).Known() {
		r.add(">=", m[1])
		r.add("<=", m[2])
		return
	}
	if strings.ContainsAny(text, ",;") || len(strings.Fields(text)) > 3 {
		r.failed = true // several versions, or words that no form above knows
		return
	}
	r.add("==", text)
}

// orEqual takes in the border that a source names in brackets.
func orEqual(op, bracket string) string {
	if strings.HasPrefix(strings.ToLower(bracket), "(including") {
		return op + "="
	}
	return op
}

// builtBefore reads "before 210625", "before 2024/2/2" and "before June, 2021".
func (r *ranger) builtBefore(text string) {
	if m := reFloor.FindStringSubmatch(text); m != nil {
		r.add(">=", m[1])
		text = strings.TrimSpace(reFloor.ReplaceAllString(text, ""))
	}
	field, value := "build_date", ""
	switch m := reMonth.FindStringSubmatch(text); {
	case reShortDay.MatchString(text):
		field, value = "build", text
	case m != nil:
		if m[2] == "" {
			m[2] = "1"
		}
		if d, err := time.Parse("January 2 2006", m[1]+" "+m[2]+" "+m[3]); err == nil {
			value = d.Format(time.DateOnly)
		}
	default:
		if v := firmware.FromReport(r.vendor, reportedOn(text)); v.Released != "" {
			value = v.Released
		}
	}
	r.constrain(Constraint{Field: field, Op: "<", Value: value})
}

// prefaces are words before a version that say nothing about it.
var prefaces = []string{"AXIS OS ", "firmware_", "version ", "Version "}

func (r *ranger) version(text string) firmware.Version {
	return firmware.Parse(r.vendor, tidyVersion(text))
}

func tidyVersion(text string) string {
	text = strings.TrimSpace(text)
	for range prefaces { // "AXIS OS AXIS OS 11.0" was seen.
		for _, p := range prefaces {
			text = strings.TrimPrefix(text, p)
		}
	}
	return text
}

// add adds a condition on a version, in the field that its maker's versions
// are ordered by.
func (r *ranger) add(op, text string) {
	v := r.version(text)
	c := Constraint{Field: "version", Op: op, Value: tidyVersion(text)}
	switch {
	case r.vendor == firmware.Hikvision && op != "==" && v.Released != "" && v.Known():
		c.Field = "version+build"
	case r.vendor == firmware.Axis && op == "<=":
		c.Field = "version-prefix" // 11.5 as an upper bound is all of 11.5.x
	}
	r.constrain(c)
}

func (r *ranger) constrain(c Constraint) {
	if len(c.Value) > maxString || c.check(r.vendor) != nil {
		r.failed = true
		return
	}
	r.rng = append(r.rng, c)
}

// reportedOn is a report that tells nothing but a build date.
func reportedOn(day string) camsec.Firmware { return camsec.Firmware{Build: day} }
