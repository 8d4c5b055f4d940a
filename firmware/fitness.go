package firmware

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// statement takes the owner's statement out of what the detached signatures
// cover. It must be of this image, and several must say the same.
func (x *examination) statement() {
	a := &x.report.Authenticity
	invalid := func(reason string) {
		a.Status, a.Reason, a.Statement = AuthenticityInvalid, reason, nil
	}
	for _, s := range a.Signers {
		if !s.Detached {
			continue
		}
		st, err := decodeStatement(s.Comment)
		switch {
		case err != nil:
			invalid(fmt.Sprintf("signed by %s, but: %v", s.By, err))
			return
		case st == nil:
			continue
		case st.SHA256 != x.report.SHA256 || st.Size != x.size:
			invalid(fmt.Sprintf("the countersignature by %s is of another image", s.By))
			return
		case a.Statement != nil && !a.Statement.says(st):
			invalid("two countersignatures say different things")
			return
		}
		if a.Statement == nil || st.Expires.Before(a.Statement.Expires) && !st.Expires.IsZero() || a.Statement.Expires.IsZero() {
			a.Statement = st // the one that expires first
		}
	}
}

// says tells whether two statements bind the same, whenever they were made and
// whenever they end.
func (s *Statement) says(t *Statement) bool {
	a, b := *s, *t
	a.Issued, a.Expires, b.Issued, b.Expires = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return reflect.DeepEqual(a, b)
}

// claims are what the image is taken for, and whether a signature covers
// that. What the owner's statement says takes the place of what the file says,
// field by field.
func (x *examination) claims() (Claims, map[string]bool) {
	c := x.report.Image.Claims
	proven := map[string]bool{}
	a := &x.report.Authenticity
	if a.Status != AuthenticityVerified {
		return c, proven
	}
	if !x.parsed.loose || x.wholeSigned() {
		for _, name := range []string{aspectVendor, aspectModel, aspectPlatform, aspectLanguage, aspectClass, aspectHardware, aspectVersion} {
			proven[name] = true
		}
	}
	st := a.Statement
	if st == nil {
		if version, build := commented(a.Signers); version != "" {
			c.Version, c.Build, proven[aspectVersion] = version, build, true
		}
		return c, proven
	}
	take := func(name string, dst *string, text string) {
		if text == "" {
			return
		}
		same := strings.EqualFold(*dst, text) || name == aspectLanguage && SameLanguage(*dst, text)
		if was := *dst; was != "" && !same {
			x.report.because(fmt.Sprintf("note: the file says that its %s is %s, and the countersignature %s", name, was, text))
		}
		*dst, proven[name] = text, true
	}
	take(aspectVendor, &c.Vendor, VendorKey(st.Vendor))
	take(aspectPlatform, &c.Platform, st.Platform)
	take(aspectLanguage, &c.Language, st.Language)
	take(aspectClass, &c.DeviceClass, st.DeviceClass)
	take(aspectVersion, &c.Version, st.Version)
	if st.Version != "" {
		c.Build = st.Build
	}
	if st.Model != "" {
		c.Models, proven[aspectModel] = []string{st.Model}, true
	}
	if st.Hardware != "" {
		c.Hardware, proven[aspectHardware] = []string{st.Hardware}, true
	}
	return c, proven
}

// commented reads version:X and build:Y out of a trusted comment, where makers
// who sign with minisign put them.
func commented(signers []Signer) (version, build string) {
	for _, s := range signers {
		if !s.Detached {
			continue
		}
		version, build = "", "" // those of one signer belong together
		for _, word := range strings.Fields(s.Comment) {
			switch name, value, _ := strings.Cut(word, ":"); name {
			case "version":
				version = value
			case "build":
				build = value
			}
		}
		if version != "" {
			return version, build
		}
	}
	return "", ""
}

// wholeSigned tells whether every byte of the image is stood for.
func (x *examination) wholeSigned() bool {
	for _, o := range x.opened {
		if o.err == nil && o.detached {
			return true
		}
	}
	return len(x.report.Authenticity.Signers) == 0 // pinned
}

// Names of aspects.
const (
	aspectVendor   = "vendor"
	aspectModel    = "model"
	aspectPlatform = "platform"
	aspectLanguage = "language"
	aspectClass    = "deviceClass"
	aspectHardware = "hardware"
	aspectVersion  = "version"
)

// freshness compares the image's version with the one that runs.
func (x *examination) freshness(v *Verifier, c Claims, proven map[string]bool) {
	f := &x.report.Freshness
	own := versionOf(c.Vendor, c.Version, c.Build, c.Platform)
	f.Version, f.Proven = own.Raw, proven[aspectVersion] && own.Raw != ""
	switch running := v.policy.Running; {
	case running == nil && own.Raw == "":
		f.Reason = "the image tells no version, and none was given to compare it with"
	case running == nil:
		f.Reason = "no running version was given to compare it with"
	case own.Raw == "":
		f.Running, f.Reason = running.Raw, "the image tells no version"
	default:
		f.Running = running.Raw
		// Where one side tells no maker, it is taken for the other's.
		own = own.by(running.Vendor)
		var order Order
		order, f.Reason = Compare(own, running.by(own.Vendor))
		f.Status = map[Order]FreshnessStatus{Older: FreshnessOlder, Same: FreshnessSame, Newer: FreshnessNewer, Incomparable: FreshnessUnknown}[order]
	}
}

func (x *examination) decideFreshness(v *Verifier, reject, cannotTell func(string, ...any)) {
	f := &x.report.Freshness
	switch {
	case f.Status == FreshnessOlder && !v.policy.LegacyOlder:
		reject("the image is older than what runs: %s; %s", f.Version, f.Reason)
	case f.Status == FreshnessUnknown && !v.policy.LegacyOlder:
		cannotTell("whether the image is older than what runs cannot be told: %s", f.Reason)
	case f.Status != FreshnessUnknown && !f.Proven && x.report.Authenticity.Status == AuthenticityVerified:
		cannotTell("the image's version is not covered by what was verified")
	}
	if st := x.report.Authenticity.Statement; st != nil {
		ok, known, reason := st.allows(*v.policy.Running)
		switch {
		case !ok && known:
			reject("%s", reason)
		case !ok:
			cannotTell("%s", reason)
		}
	}
}

// fitness holds the image against the device, thing by thing.
func (x *examination) fitness(v *Verifier, c Claims, proven map[string]bool) {
	f := &x.report.Fitness
	d := v.policy.Device
	if d == nil {
		f.Reason = "no device was named"
		return
	}
	hold := func(name, want string, have []string, same func(image, device string) bool) {
		if want == "" {
			return
		}
		a := Aspect{Name: name, Device: want, Image: strings.Join(have, ", "), Status: FitnessDiffers, Proven: proven[name]}
		switch {
		case a.Image == "":
			a.Status, a.Proven = FitnessUnknown, false
		case slices.ContainsFunc(have, func(h string) bool { return same(h, want) }):
			a.Status = FitnessFits
		}
		f.Aspects = append(f.Aspects, a)
	}
	hold(aspectVendor, VendorKey(d.Vendor), one(c.Vendor), strings.EqualFold)
	hold(aspectModel, d.Model, c.Models, MatchModel)
	hold(aspectPlatform, d.Platform, one(c.Platform), strings.EqualFold)
	hold(aspectLanguage, d.Language, one(c.Language), SameLanguage)
	hold(aspectClass, d.DeviceClass, one(c.DeviceClass), strings.EqualFold)
	hold(aspectHardware, d.Hardware, c.Hardware, strings.EqualFold)
	f.conclude()
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// conclude makes one answer of the aspects: one that differs decides, and
// one that is unknown keeps the whole from being known.
func (f *Fitness) conclude() {
	if len(f.Aspects) == 0 {
		f.Reason = "nothing was asked of the device"
		return
	}
	f.Status = FitnessFits
	var differ, unknown []string
	for _, a := range f.Aspects {
		switch a.Status {
		case FitnessDiffers:
			differ = append(differ, fmt.Sprintf("%s is %s, the image's %s", a.Name, a.Device, a.Image))
		case FitnessUnknown:
			unknown = append(unknown, a.Name)
		}
	}
	switch {
	case len(differ) > 0:
		f.Status, f.Reason = FitnessDiffers, strings.Join(differ, "; ")
	case len(unknown) > 0:
		f.Status, f.Reason = FitnessUnknown, "the image does not tell its "+strings.Join(unknown, ", ")
	default:
		f.Reason = "all that was asked for agrees"
	}
}

// SameLanguage tells whether an image's language is that of a device. It knows
// that EN/ML is one kind of Hikvision image: English and other languages,
// against CN.
func SameLanguage(image, device string) bool {
	if strings.EqualFold(image, device) {
		return true
	}
	for word := range strings.SplitSeq(image, "/") {
		if strings.EqualFold(word, device) {
			return true
		}
	}
	return false
}
