package firmware

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/minisign"
	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/raw"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/signify"
	"github.com/camsec/camsec/firmware/internal/sigstore"
	"github.com/camsec/camsec/firmware/internal/sums"
	"github.com/camsec/camsec/firmware/internal/ucert"
)

// ErrSchemeNeeded is what a signature that does not say how it was made gets,
// where the caller does not say it either: see [Signature.Scheme].
var ErrSchemeNeeded = errors.New("firmware: the signature does not say how it was made: its scheme must be named")

// ErrNoScheme is what a scheme of a name that is not known gets.
var ErrNoScheme = errors.New("firmware: no such signature scheme")

// Schemes that say themselves what they are.
const (
	schemeMinisign = "minisign"
	schemeSignify  = "signify"
	schemeCMS      = "cms"
	schemeSigstore = "sigstore"
	// Schemes of other modules.
	schemeOpenPGP = FormatOpenPGP
	schemeSUIT    = FormatSUIT
	schemeTUF     = FormatTUF
	// schemeUcert is usign's with a chain of keys, as OpenWrt puts it behind
	// images.
	schemeUcert = "ucert"
	// schemeFIT stands for an algorithm of a FIT that is not known.
	schemeFIT = "fit"
)

// Schemes returns the names that a signature's scheme can have where the
// signature does not say how it was made.
func Schemes() []string { return slices.Sorted(maps.Keys(sig.Names())) }

// SignatureScheme tells how a detached signature was made, from its own words:
// minisign, signify, cms, sigstore, or a scheme that is not verified here.
// Empty means that it does not say, and that the scheme must be named.
func SignatureScheme(data []byte) string { return schemeOf(data) }

// schemeOf tells how a detached signature was made from its first bytes; ""
// means that it does not say.
func schemeOf(data []byte) string {
	text := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("untrusted comment:")):
		// minisign has a trusted comment and a signature over it.
		if bytes.Contains(text, []byte("\ntrusted comment:")) {
			return schemeMinisign
		}
		return schemeSignify
	case bytes.HasPrefix(text, []byte("-----BEGIN PGP ")):
		return schemeOpenPGP
	case bytes.HasPrefix(text, []byte("-----BEGIN CMS-----")), bytes.HasPrefix(text, []byte("-----BEGIN PKCS7-----")),
		bytes.HasPrefix(text, []byte("-----BEGIN PKCS #7 SIGNED DATA-----")), isSignedData(data):
		return schemeCMS
	case isTUF(data):
		return schemeTUF
	case bytes.HasPrefix(text, []byte("{")) && utf8.Valid(text): // one bare signature in 256 begins so, too
		return schemeSigstore
	case isOpenPGPSignature(data):
		return schemeOpenPGP
	case bytes.HasPrefix(data, []byte{0xd8, 0x6b}), bytes.HasPrefix(data, []byte{0xd2, 0x84}):
		return schemeSUIT // CBOR tags of a SUIT envelope and of COSE_Sign1
	}
	return ""
}

// isSignedData tells a CMS message by the object identifier after its first
// header, DER or BER.
func isSignedData(b []byte) bool {
	oid := []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}
	i := bytes.Index(b[:min(len(b), 32)], oid)
	return len(b) > 0 && b[0] == 0x30 && i >= 2 && i <= 6
}

// isOpenPGPSignature tells a signature packet (type 2) of version 3 to 6.
func isOpenPGPSignature(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	at := map[byte]int{0x88: 2, 0x89: 3, 0xc2: 2}[b[0]]
	if b[0] == 0xc2 && b[1] >= 192 {
		at = 3
	}
	return at > 0 && b[at] >= 3 && b[at] <= 6 && b[at+1] <= 0x1f
}

// open reads a signature and holds it against the anchors. Where the
// signature is over a list of digests, list is the list and name the image's
// name in it. The error is a *sig.Error, ErrSchemeNeeded or ErrNoScheme.
func (v *Verifier) open(scheme string, data, list []byte, name string) (sig.Check, error) {
	var check sig.Check
	var err error
	switch scheme {
	case "":
		return nil, ErrSchemeNeeded
	case schemeMinisign:
		check, err = minisign.Open(data, v.minisign, v.floor)
	case schemeSignify:
		check, list, err = v.signify(data, list)
	case schemeSigstore:
		check, err = sigstore.Open(data, v.anchors, v.floor)
	case schemeCMS:
		var m *cms.Message
		if m, err = cms.Parse(data); err == nil {
			check, err = m.Open(v.cms())
		}
	case schemeUcert:
		var c *ucert.Chain
		if c, err = ucert.Parse(data); err == nil {
			check, err = c.Open(v.anchors, v.floor, v.now())
		}
	case schemeFIT:
		err = sig.Errorf(sig.Unsupported, scheme, "an algorithm that is not known here")
	case schemeOpenPGP, schemeSUIT, schemeTUF:
		err = sig.Errorf(sig.Unsupported, scheme, "%s signatures are not verified by this module", scheme)
	default:
		a, unknown := sig.Named(scheme)
		if unknown != nil {
			return nil, ErrNoScheme
		}
		check, err = raw.Open(a, data, v.anchors, v.floor)
	}
	if err != nil || list == nil {
		return check, err
	}
	return sums.Open(check, list, name, v.floor)
}

// signify opens a signature that may carry what it signs, which then is a
// list of digests: signify's own "-S -e" of SHA256.
func (v *Verifier) signify(data, list []byte) (sig.Check, []byte, error) {
	s, err := signify.Parse(data)
	if err != nil {
		return nil, nil, err
	}
	if s.Message != nil {
		if list != nil {
			return nil, nil, sig.Errorf(sig.Malformed, schemeSignify, "the signature carries a list, and another one stands beside it")
		}
		if _, err := sums.Parse(s.Message); err == nil {
			list = s.Message
		}
	}
	check, err := s.Open(v.anchors, v.floor)
	return check, list, err
}

func (v *Verifier) cms() cms.Options {
	return cms.Options{
		Anchors: v.anchors, Floor: v.floor, Now: v.now(),
		Usages: v.policy.Usages, RequireCRL: v.policy.RequireCRL,
	}
}

// embedded opens a signature that stands in the image.
func (v *Verifier) embedded(s *embedded, c *sig.Content) *opening {
	o := &opening{name: "the signature in the image", covers: s.covered(), unit: s.unit, leavesOut: s.leavesOut}
	if s.unit != "" {
		o.name = "the signature of " + s.unit
	}
	if s.leavesOut != "" && v.policy.FITConfigurations {
		o.err = sig.Errorf(sig.BelowPolicy, "", "%s", s.leavesOut)
		return o
	}
	if s.weakest != 0 {
		if _, o.err = v.floor.Hash("", s.weakest); o.err != nil {
			return o
		}
	}
	o.check, o.err = v.anyOf(strings.Split(s.scheme, alternatives), s.value)
	if o.check != nil {
		o.check.Attach(c)
	}
	return o
}

// anyOf opens a signature that may be of any of the schemes.
func (v *Verifier) anyOf(schemes []string, value []byte) (sig.Check, error) {
	var out either
	var err error
	for _, name := range schemes {
		c, e := v.open(name, value, nil, "")
		if e == nil {
			out = append(out, c)
		} else if err == nil || sig.KindOf(e) != sig.Untrusted {
			err = e
		}
	}
	switch len(out) {
	case 0:
		return nil, err
	case 1:
		return out[0], nil
	}
	return out, nil
}

// An either is satisfied by any of its checks.
type either []sig.Check

func (e either) Attach(c *sig.Content) {
	for _, check := range e {
		check.Attach(c)
	}
}

func (e either) Finish() (*sig.Result, error) {
	var first error
	for _, check := range e {
		r, err := check.Finish()
		if err == nil {
			return r, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// detached opens a signature that stands beside the image.
func (v *Verifier) detached(s *Signature, e *Evidence, whole *sig.Content) (*opening, error) {
	o := &opening{name: s.Name, detached: true, covers: []pass.Span{{Len: 1<<63 - 1}}}
	if o.name == "" {
		o.name = "the detached signature"
	}
	scheme := s.Scheme
	// Text that says what it is has the word. Bytes may look like anything, so
	// that there the caller has it.
	if own := SignatureScheme(s.Data); scheme == "" || own != "" && utf8.Valid(s.Data) {
		scheme = own
	}
	o.check, o.err = v.open(scheme, s.Data, e.Sums, e.Name)
	switch {
	case errors.Is(o.err, ErrSchemeNeeded), errors.Is(o.err, ErrNoScheme):
		if len(s.Data) == 0 {
			o.err = sig.Errorf(sig.Malformed, "", "an empty signature")
			break
		}
		return nil, o.err
	case o.check != nil:
		o.check.Attach(whole)
	}
	return o, nil
}
