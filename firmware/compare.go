package firmware

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Order is how one version stands to another. Its zero value is
// Incomparable: that the order is not known must never read as "same".
type Order uint8

// Orders.
const (
	Incomparable Order = iota
	Older
	Same
	Newer
)

var orderNames = [...]string{"incomparable", "older", "same", "newer"}

// String returns "incomparable", "older", "same" or "newer".
func (o Order) String() string {
	if int(o) < len(orderNames) {
		return orderNames[o]
	}
	return orderNames[Incomparable]
}

// MarshalText writes the order's name.
func (o Order) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the order's name; one it does not know is Incomparable.
func (o *Order) UnmarshalText(b []byte) error {
	*o = Order(max(0, slices.Index(orderNames[:], string(b)))) //nolint:gosec // an index of orderNames.
	return nil
}

// orderOf turns the result of a comparison into an Order.
func orderOf(c int) Order {
	switch {
	case c < 0:
		return Older
	case c > 0:
		return Newer
	}
	return Same
}

// Compare says how a stands to b (Older: a is older than b) and why, in a
// sentence for people.
//
// Versions of two makers, two platforms or two products are never ordered.
// For Hikvision the build date decides within one platform; where the
// platform of either is not known, version and build date must agree. Numbers
// that are equal are the same version also when only one side tells its
// build, as a recorder's list and the camera itself do; Same is therefore not
// transitive across versions without a build.
func Compare(a, b Version) (Order, string) {
	switch {
	case a.Vendor != b.Vendor:
		return Incomparable, "the versions are of different makers"
	case a.Platform != "" && b.Platform != "" && a.Platform != b.Platform:
		return Incomparable, fmt.Sprintf("platform %s and platform %s have separate versions", a.Platform, b.Platform)
	case a.Product != b.Product && (productBound(a.Vendor) || a.Product != "" && b.Product != ""):
		return Incomparable, "the versions count within one product and the products differ or are not known"
	case !a.Known() || !b.Known():
		if t := strings.TrimSpace(a.Raw); t != "" && t == strings.TrimSpace(b.Raw) {
			return Same, "the texts are identical"
		}
		return Incomparable, "at least one text holds no version that is understood"
	}
	switch a.Vendor {
	case Hikvision:
		return compareHikvision(a, b)
	case Axis:
		return compareAxis(a, b)
	case AVTECH:
		return compareTuple(a, b)
	}
	return compareBoth(a, b)
}

// productBound tells whether a maker's versions mean nothing without the
// product they belong to.
func productBound(vendor string) bool { return vendor == Uniview || vendor == Xiongmai }

// CompareNumbers orders the dotted numbers and the suffix alone and looks at
// neither platform nor build. It is for a range that its source gives in
// numbers; to ask whether one image is newer than another use [Compare].
// A missing number counts as zero. It returns [Incomparable] when either is
// not known.
func CompareNumbers(a, b Version) Order {
	if !a.Known() || !b.Known() {
		return Incomparable
	}
	return orderOf(numbers(a, b))
}

// CompareBuilds orders the build dates alone. It returns [Incomparable] when
// either has none.
func CompareBuilds(a, b Version) Order {
	if a.Released == "" || b.Released == "" {
		return Incomparable
	}
	return orderOf(strings.Compare(a.Released, b.Released))
}

func numbers(a, b Version) int {
	for i := range max(len(a.Numbers), len(b.Numbers)) {
		if c := cmp.Compare(at(a.Numbers, i), at(b.Numbers, i)); c != 0 {
			return c
		}
	}
	// Suffixes are short numbers or single letters without leading zeros.
	if c := cmp.Compare(len(a.Suffix), len(b.Suffix)); c != 0 {
		return c
	}
	return strings.Compare(a.Suffix, b.Suffix)
}

func at(n []uint64, i int) uint64 {
	if i < len(n) {
		return n[i]
	}
	return 0
}

func compareHikvision(a, b Version) (Order, string) {
	n, d := CompareNumbers(a, b), CompareBuilds(a, b)
	same := a.Platform != "" && a.Platform == b.Platform
	switch {
	case d == Incomparable && n == Same:
		return Same, "the version numbers are equal; the build is not told on both sides"
	case d == Incomparable && a.Released == "" && b.Released == "":
		return n, "ordered by version number; neither side tells its build"
	case d == Incomparable:
		return Incomparable, "the version numbers differ and only one side tells its build date"
	case d == n:
		return d, "version number and build date agree"
	case d == Same:
		return n, "the build dates are equal and the version numbers decide"
	case same:
		return d, "the build date decides within platform " + a.Platform + "; the version numbers say otherwise"
	case n == Same:
		return d, "the version numbers are equal and the build dates decide"
	}
	return Incomparable, "version number and build date disagree and the platform is not known on both sides"
}

func compareAxis(a, b Version) (Order, string) {
	n := CompareNumbers(a, b)
	if a.Track == b.Track {
		return n, "ordered by number within one track"
	}
	// A track leaves the active line at its first release, so that only what
	// is older than this is on its way to it.
	if a.Track != "" && b.Track != "" || a.Track == "" && n == Newer || b.Track == "" && n == Older {
		return Incomparable, "the versions are on different support tracks, which receive fixes separately"
	}
	return n, "ordered by number; the older one precedes the support track of the other"
}

func compareTuple(a, b Version) (Order, string) {
	if len(a.Numbers) != len(b.Numbers) {
		return Incomparable, "the versions have different numbers of components"
	}
	all := Same
	for i := range a.Numbers {
		o := orderOf(cmp.Compare(a.Numbers[i], b.Numbers[i]))
		switch {
		case o == Same || o == all:
		case all == Same:
			all = o
		default:
			return Incomparable, "one component is newer and another is older"
		}
	}
	return all, "every component was compared"
}

func compareBoth(a, b Version) (Order, string) {
	n, d := CompareNumbers(a, b), CompareBuilds(a, b)
	switch {
	case d == Incomparable:
		return n, "ordered by version number; the build date is not told on both sides"
	case n == d:
		return n, "version number and build date agree"
	case n == Same:
		return d, "the version numbers are equal and the build dates decide"
	case d == Same:
		return n, "the build dates are equal and the version numbers decide"
	}
	return Incomparable, "version number and build date disagree"
}
