package firmware

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/camsec/camsec"
)

// A Package is what the name of a Hikvision firmware package says. A name is
// a claim: it proves nothing of the file that bears it.
type Package struct {
	Raw      string
	Family   string // IPC, IPCP, IPDES, NVR, DVR, …
	Platform string // G5, K51, …
	Variant  string // what stands between platform and language; often empty
	Language string // EN, ML, GM, GML or CN; empty means that none is told
	Brand    string // STD, NEU, HILOOK, …; empty means that none is told
	Version  Version
}

// A PackageError says why a name is none of a Hikvision package. It matches
// [camsec.ErrMalformed].
type PackageError struct {
	Reason string
}

// Error returns the reason.
func (e *PackageError) Error() string { return "firmware: package name: " + e.Reason }

// Is tells that the error matches [camsec.ErrMalformed].
func (e *PackageError) Is(target error) bool { return target == camsec.ErrMalformed }

var (
	reFamily     = regexp.MustCompile(`^[A-Z]{3,6}$`)
	rePackagePl  = regexp.MustCompile(`^[A-Z]{1,2}\d{1,3}$`)
	rePackageVer = regexp.MustCompile(`(?i)[_-](V?\d+(?:\.\d+){1,3})[_ -]?(?:build)?[_ -]?(\d{6})[^_/]{0,24}$`)
	languages    = map[string]bool{"EN": true, "ML": true, "GM": true, "GML": true, "CN": true}
)

// ParsePackage reads names such as IPC_G5_EN_STD_5.5.113_210317 and
// DVR-K71_ML_STD_V3.5.51_Build_181108.zip, with or without a folder and an
// extension. The error is a *[PackageError]. Names of other forms, which
// exist, are refused rather than half understood.
func ParsePackage(name string) (Package, error) {
	p := Package{Raw: name}
	if len(name) > maxText {
		return p, &PackageError{Reason: "too long"}
	}
	text := path.Base(strings.ReplaceAll(name, `\`, "/"))
	for _, ext := range []string{".zip", ".dav", ".rar"} {
		if n := len(text) - len(ext); n > 0 && strings.EqualFold(text[n:], ext) {
			text = text[:n]
		}
	}
	m := rePackageVer.FindStringSubmatchIndex(text)
	if m == nil {
		return p, &PackageError{Reason: "no version and build date at its end"}
	}
	p.Version = Parse(Hikvision, text[m[2]:m[3]]+" build "+text[m[4]:m[5]])
	if !p.Version.Known() || p.Version.Released == "" {
		return p, &PackageError{Reason: "version or build date not understood"}
	}
	f := strings.FieldsFunc(strings.ToUpper(text[:m[0]]), func(r rune) bool { return r == '_' || r == '-' })
	if len(f) < 2 || !reFamily.MatchString(f[0]) || !rePackagePl.MatchString(f[1]) {
		return p, &PackageError{Reason: "no family and platform at its start"}
	}
	p.Family, p.Platform = f[0], f[1]
	p.Version.Platform = p.Platform
	for i, w := range f[2:] {
		if languages[w] {
			p.Language = w
			p.Variant = strings.Join(f[2:2+i], "_")
			p.Brand = strings.Join(f[3+i:], "_")
			return p, nil
		}
	}
	p.Variant = strings.Join(f[2:], "_")
	return p, nil
}

// String describes the package for people.
func (p Package) String() string {
	return fmt.Sprintf("%s %s %s build %s", p.Family, p.Platform, p.Version.Number(), p.Version.Build)
}
