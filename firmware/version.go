package firmware

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec"
)

// maxText bounds the text that is read. Real version texts have fewer than
// fifty bytes; a longer one is kept as raw text and not parsed.
const maxText = 256

// maxParts bounds how many numbers a version may have.
const maxParts = 12

// A Version is what a maker's version text says, in parts. Its zero value is
// a version of which nothing is known, which is [Incomparable] to any other.
type Version struct {
	// Vendor is the key that VendorKey gave.
	Vendor string
	// Raw is the text as it came, always.
	Raw string
	// Numbers are the dotted numbers in order; 4.84.031 is 4, 84, 31. Nil
	// means that the text holds no version that we understand.
	Numbers []uint64
	// Suffix is what orders after the numbers or tells them apart: the letter
	// of a Vivotek version, the -6 of a Hikvision storage version.
	Suffix string
	// Build is the build as YYMMDD where the build is a date.
	Build string
	// Released is the build date as YYYY-MM-DD; empty means unknown.
	Released string
	// Product is the hardware or product code that the text begins with or
	// holds, for makers whose versions only count within one product:
	// CIPC-B2303 (Uniview), CPP6 (Bosch), the board id (Xiongmai).
	Product string
	// Platform is the code of the hardware platform, as G5. Versions of two
	// platforms are never ordered.
	Platform string
	// Track is the Axis long-term-support track, as 9.80; empty means the
	// active track or another maker.
	Track string
}

// Known tells whether the text was understood well enough to hold numbers.
func (v Version) Known() bool { return len(v.Numbers) > 0 }

// Number returns the numbers with dots and without leading zeros, "" if there
// are none.
func (v Version) Number() string {
	s := make([]string, len(v.Numbers))
	for i, n := range v.Numbers {
		s[i] = strconv.FormatUint(n, 10)
	}
	return strings.Join(s, ".")
}

// String returns the raw text.
func (v Version) String() string { return v.Raw }

var (
	// The word is misspelt in real records, and glued to its neighbours.
	reBuild = regexp.MustCompile(`(?i)_?bu(?:il|li)d(?:[ _]?(?:date|time))?[ :_]*(\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{8}|\d{6})(?:\D|$)`)
	reISO   = regexp.MustCompile(`(?:^|\D)(20\d\d[-_/]\d{2}[-_/]\d{2})(?:\D|$)`)
	reTail  = regexp.MustCompile(`[ _.-](20\d{6}|\d{6})(?:[^0-9.]|$)`)
	reNum   = regexp.MustCompile(`\d+(?:\.\d+)+`)
	reAny   = regexp.MustCompile(`\d+(?:\.\d+)*`)
	// reStorage is the patch number of storage products: V2.3.8-6.
	reStorage  = regexp.MustCompile(`^-(\d{1,4})(?:\D|$)`)
	reDahua    = regexp.MustCompile(`(?i)(\d+(?:\.\d+)+)(?:\.([a-z]{1,3}))?(?:\.(\d{6}))?`)
	reUniview  = regexp.MustCompile(`(?i)^([a-z0-9]+-[a-z]\d+)\.(\d+(?:\.\d+)*)$`)
	reBosch    = regexp.MustCompile(`(?i)(CPP\d+(?:\.\d+)?)`)
	reVivotek  = regexp.MustCompile(`(?i)(?:^|[^a-z])VVTK-(\d{4})([a-z]?)`)
	reAVTECH   = regexp.MustCompile(`(\d{4})-(\d{4})-(\d{4})-(\d{4})`)
	reXiongmai = regexp.MustCompile(`(?i)^V?(\d+)\.(\d+)\.R(\d+)\.([0-9A-Z]+)\.(\d+)\.(\d+)\.(\d+)$`)
	rePlatform = regexp.MustCompile(`^[A-Z]{1,2}\d{1,3}$`)
)

// axisTracks are the long-term-support tracks of AXIS OS.
var axisTracks = map[string]bool{"6.50": true, "8.40": true, "9.80": true, "10.12": true, "11.11": true}

// plain folds characters that makers' records write in place of ASCII.
var plain = strings.NewReplacer(
	"（", "(", "）", ")", "–", "-", "—", "-", "\u00a0", " ", "\t", " ",
	"．", ".", "：", ":", "\u3000", " ",
)

func bounded(s string) string {
	if len(s) > maxText {
		return ""
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// Parse reads a version text of vendor, which may be any spelling of the
// maker's name. It never fails: a text that it does not understand gives a
// Version with Raw alone, for which Known is false. Raw is kept whole, also
// where it is too long to be read.
func Parse(vendor, raw string) Version {
	v := Version{Vendor: VendorKey(vendor), Raw: raw}
	text := strings.TrimSpace(plain.Replace(bounded(raw)))
	if text == "" {
		return v
	}
	switch v.Vendor {
	case Dahua:
		parseDahua(&v, text)
	case Axis:
		parseGeneric(&v, text)
		if len(v.Numbers) >= 2 {
			if t := fmt.Sprintf("%d.%d", v.Numbers[0], v.Numbers[1]); axisTracks[t] {
				v.Track = t
			}
		}
	case Uniview:
		parseUniview(&v, text)
	case Vivotek:
		if m := reVivotek.FindStringSubmatch(text); m != nil {
			v.setNumbers(m[1])
			v.Suffix = strings.ToLower(m[2])
			if i := strings.Index(strings.ToUpper(text), "-VVTK"); i > 0 {
				v.Product = strings.ToUpper(text[:i])
			}
			return v
		}
		parseGeneric(&v, text)
	case AVTECH:
		if m := reAVTECH.FindStringSubmatch(text); m != nil {
			v.setNumbers(strings.Join(m[1:], "."))
			return v
		}
		parseGeneric(&v, text)
	case Xiongmai:
		if m := reXiongmai.FindStringSubmatch(text); m != nil {
			v.setNumbers(strings.Join([]string{m[1], m[2], m[3], m[5], m[6], m[7]}, "."))
			v.Product = strings.ToUpper(m[4])
			return v
		}
		parseGeneric(&v, text)
	case Bosch:
		if m := reBosch.FindStringSubmatch(text); m != nil {
			v.Product = strings.ToUpper(m[1])
			text = strings.Replace(text, m[1], "", 1)
			text = strings.Replace(text, "H.264", "", 1)
		}
		parseGeneric(&v, text)
	default:
		parseGeneric(&v, text)
	}
	return v
}

// parseGeneric reads the first dotted numbers and a build date after them.
func parseGeneric(v *Version, text string) {
	rest := text
	if m := reBuild.FindStringSubmatchIndex(rest); m != nil {
		v.setDate(rest[m[2]:m[3]])
		rest = rest[:m[0]] + " " + rest[m[3]:]
	} else if m := reISO.FindStringSubmatchIndex(rest); m != nil {
		v.setDate(rest[m[2]:m[3]])
		rest = rest[:m[2]] + rest[m[3]:]
	} else if m := reTail.FindStringSubmatchIndex(rest); m != nil && v.setDate(rest[m[2]:m[3]]) {
		rest = rest[:m[2]] + rest[m[3]:]
	}
	m := reNum.FindStringIndex(rest)
	if m == nil {
		// A single number counts only where the text is nothing else.
		if a := reAny.FindStringIndex(rest); a != nil && strings.Trim(rest[:a[0]]+rest[a[1]:], "vV _") == "" {
			m = a
		}
	}
	if m == nil {
		return
	}
	v.setNumbers(rest[m[0]:m[1]])
	if s := reStorage.FindStringSubmatch(rest[m[1]:]); s != nil && v.Known() {
		v.Suffix = strings.TrimLeft(s[1], "0")
	}
}

// parseDahua reads 2.820.0000000.48.R.220614 and the longer form that ends in
// a build date.
func parseDahua(v *Version, text string) {
	if m := reBuild.FindStringSubmatchIndex(text); m != nil {
		v.setDate(text[m[2]:m[3]])
		text = text[:m[0]]
	} else if m := reISO.FindStringSubmatchIndex(text); m != nil {
		v.setDate(text[m[2]:m[3]])
		text = text[:m[2]]
	}
	m := reDahua.FindStringSubmatch(text)
	if m == nil {
		return
	}
	v.setNumbers(m[1])
	v.Suffix = strings.ToUpper(m[2])
	if m[3] != "" && v.Released == "" {
		v.setDate(m[3])
	}
}

// parseUniview reads CIPC-B2303.2.8.230105.
func parseUniview(v *Version, text string) {
	m := reUniview.FindStringSubmatch(text)
	if m == nil {
		parseGeneric(v, text)
		return
	}
	v.Product = strings.ToUpper(m[1])
	nums := m[2]
	if i := strings.LastIndexByte(nums, '.'); i > 0 && v.setDate(nums[i+1:]) {
		nums = nums[:i]
	}
	v.setNumbers(nums)
}

// setNumbers sets Numbers, or leaves them nil when a number does not fit.
func (v *Version) setNumbers(s string) {
	fields := strings.Split(s, ".")
	if len(fields) > maxParts {
		return
	}
	n := make([]uint64, len(fields))
	for i, f := range fields {
		x, err := strconv.ParseUint(f, 10, 63)
		if err != nil {
			return
		}
		n[i] = x
	}
	v.Numbers = n
}

// setDate sets Build and Released from YYMMDD, YYYYMMDD or YYYY-MM-DD, and
// tells whether s is a date at all.
func (v *Version) setDate(s string) bool {
	d, ok := buildDate(s)
	if ok {
		v.Build, v.Released = d.Format("060102"), d.Format(time.DateOnly)
	}
	return ok
}

func buildDate(s string) (time.Time, bool) {
	s = strings.NewReplacer("_", "-", "/", "-").Replace(s)
	for _, layout := range []string{"060102", "20060102", time.DateOnly, "2006-1-2"} {
		if len(s) != len(layout) && layout != "2006-1-2" {
			continue
		}
		if d, err := time.Parse(layout, s); err == nil && d.Year() >= 2000 && d.Year() < 2069 {
			return d, true
		}
	}
	return time.Time{}, false
}

// PlatformCode returns the platform in what a Hikvision device reports as its
// firmware version info: G5 for "B-R-G5-0". Text that holds none, or two,
// gives "".
func PlatformCode(text string) string {
	if len(text) > maxText {
		return ""
	}
	code := ""
	for _, f := range strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return r == '-' || r == '_' || r == ' ' }) {
		if !rePlatform.MatchString(f) {
			continue
		}
		if code != "" && code != f {
			return ""
		}
		code = f
	}
	return code
}

// FromReport parses what a device of vendor reported in its inventory. The
// separate fields are preferred over the raw text, which fills what they
// leave open. A channel's firmware is read the same way.
func FromReport(vendor string, f camsec.Firmware) Version {
	raw := f.Raw
	if raw == "" {
		raw = strings.TrimSpace(f.Version + " " + f.Build)
	}
	v := Parse(vendor, raw)
	if f.Version != "" {
		if p := Parse(vendor, f.Version); p.Known() {
			if v.Released != "" && p.Released == "" {
				p.Build, p.Released = v.Build, v.Released
			}
			p.Raw = raw
			v = p
		}
	}
	if v.Released == "" {
		b := strings.TrimSpace(f.Build)
		if len(b) > 5 && strings.EqualFold(b[:5], "build") {
			b = strings.TrimSpace(b[5:])
		}
		if !v.setDate(b) {
			v.setDate(f.Released)
		}
	}
	if v.Vendor == Hikvision {
		v.Platform = PlatformCode(f.Platform)
	}
	return v
}
