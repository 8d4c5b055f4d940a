package firmware

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/camsec/camsec/firmware/internal/countersign"
	"github.com/camsec/camsec/firmware/internal/sig"
)

// ErrNoDemand is what [NewVerifier] says to a policy that any image would
// satisfy.
var ErrNoDemand = errors.New("firmware: the policy demands nothing: it names no anchor and no digest")

// A Policy says what an image must prove. Every demand that it makes must be
// met. What it leaves out is not demanded, but it must name at least one
// anchor or one digest.
type Policy struct {
	// Keys are trusted as they are. See [ParseKeys].
	Keys []Key
	// Roots are certificates that signers' certificates must lead to. One
	// that is no CA is trusted as that very signer.
	Roots []*x509.Certificate
	// Certificates are a help to find the way to a root; they are trusted
	// for nothing.
	Certificates []*x509.Certificate
	// CRLs say which certificates are revoked. With RequireCRL a certificate
	// for which none is at hand is refused.
	CRLs       []*x509.RevocationList
	RequireCRL bool
	// Usages are the extended key usages of which a signer's certificate must
	// allow one; nil means code signing or email protection, which tools
	// around firmware use.
	Usages []x509.ExtKeyUsage

	// Digests pin whole images: SHA-256 in hexadecimal, with or without
	// "sha256:" before it. The image must be one of them.
	Digests []string
	// Signers is how many different signers must stand for the image; zero
	// means one. Keys are told apart as keys, and certificates under Roots by
	// their subjects: a root that gives one person two makes two signers of
	// him. It demands nothing of an image that Digests alone pin.
	Signers int
	// Countersigned demands that at least one of the signers is an owner
	// whose signature holds a [Statement].
	Countersigned bool

	// Running is the version that the device runs. With it the image must not
	// be older, and a statement must allow to come from it.
	Running *Version
	// Device is what the image must be for.
	Device *Device

	// FITConfigurations demands of a FIT that its configurations are signed.
	// Without it signatures of all its single images count, too, which leave
	// load addresses, types and the choice of images to anybody.
	FITConfigurations bool

	// LegacyOlder lets an older image pass: a downgrade brings old
	// vulnerabilities back.
	LegacyOlder bool
	// LegacySHA1 lets signatures over SHA-1 count: two images with one
	// signature can be made.
	LegacySHA1 bool
	// LegacyMD5 lets signatures over MD5 count: as above, within seconds.
	LegacyMD5 bool
	// LegacyRSA1024 lets RSA keys from 1,024 bits on count: such keys are
	// within reach of those who can pay.
	LegacyRSA1024 bool

	// Now is the time of verification; nil means the real one.
	Now func() time.Time
}

// A Device is what an image must be for. What is empty is not asked for.
type Device struct {
	Vendor      string
	Model       string
	Platform    string
	Language    string
	DeviceClass string
	Hardware    string
}

// A Verifier holds images against one policy. It is safe for concurrent use.
type Verifier struct {
	policy  Policy
	digests map[string]bool
	anchors sig.Anchors
	// minisign are the same anchors with IDs for the Ed25519 keys that came
	// without one: those that SigningKey makes of a key.
	minisign sig.Anchors
	// holders tells by an anchor's name whose key it is: one key is one
	// signer, whatever it signed with.
	holders map[string]string
	floor   sig.Floor
}

// NewVerifier checks a policy. It is ErrNoDemand to demand nothing; a digest
// that is none, or more signers than there are anchors, is an error, too.
func NewVerifier(p Policy) (*Verifier, error) {
	v := &Verifier{policy: p, digests: map[string]bool{}}
	for _, d := range p.Digests {
		hex, err := parseDigest(d)
		if err != nil {
			return nil, err
		}
		v.digests[hex] = true
	}
	anchors := len(p.Keys) + len(p.Roots)
	switch {
	case anchors == 0 && len(v.digests) == 0:
		return nil, ErrNoDemand
	case p.Signers < 0 || p.Signers > maxSigners:
		return nil, fmt.Errorf("firmware: %d signers cannot be demanded", p.Signers)
	case p.Signers > 0 && anchors == 0, p.Countersigned && anchors == 0:
		return nil, errors.New("firmware: a policy that demands signers names no anchor")
	case p.Signers > len(p.Keys) && len(p.Roots) == 0:
		return nil, fmt.Errorf("firmware: %d keys cannot give %d signers", len(p.Keys), p.Signers)
	}
	if err := distinct(p.Keys, p.Roots); err != nil {
		return nil, err
	}
	v.prepare()
	return v, nil
}

// maxSigners bounds the signatures that are looked at for one image.
const maxSigners = 16

// distinct refuses keys that are empty, and the same key under two names: one
// holder must not count as two signers.
func distinct(keys []Key, roots []*x509.Certificate) error {
	seen := map[string]bool{}
	for _, k := range keys {
		switch {
		case k.foreign != "":
			continue
		case k.key.Public == nil:
			return errors.New("firmware: a key of the policy is empty")
		}
		id := sig.Fingerprint(k.key.Public)
		if seen[id] {
			return fmt.Errorf("firmware: the policy names the key %s twice", id)
		}
		seen[id] = true
	}
	for _, c := range roots {
		if c == nil {
			return errors.New("firmware: a root of the policy is empty")
		}
		if id := sig.Fingerprint(c.PublicKey); seen[id] {
			return fmt.Errorf("firmware: the policy names the key %s as a key and as a root", id)
		}
	}
	return nil
}

func (v *Verifier) prepare() {
	p := &v.policy
	v.anchors = sig.Anchors{Roots: p.Roots, Certificates: p.Certificates, CRLs: p.CRLs}
	v.minisign, v.holders = v.anchors, map[string]string{}
	for _, k := range p.Keys {
		if k.foreign != "" {
			continue
		}
		named := k.key
		if pub, ok := named.Public.(ed25519.PublicKey); ok && named.ID == nil {
			id := sig.KeyID(countersign.KeyID(pub))
			named.ID = &id
		}
		v.anchors.Keys, v.minisign.Keys = append(v.anchors.Keys, k.key), append(v.minisign.Keys, named)
		holder := sig.Fingerprint(k.key.Public)
		v.holders[k.key.String()], v.holders[named.String()] = holder, holder
		p.FITConfigurations = p.FITConfigurations || k.configurations
	}
	v.floor = sig.Floor{LegacySHA1: p.LegacySHA1, LegacyMD5: p.LegacyMD5, LegacyRSA1024: p.LegacyRSA1024}
}

func (v *Verifier) now() time.Time {
	if v.policy.Now != nil {
		return v.policy.Now()
	}
	return time.Now()
}

// signers is how many anchors must stand for the image, zero when only
// digests are demanded.
func (v *Verifier) signers() int {
	if len(v.policy.Keys)+len(v.policy.Roots) == 0 {
		return 0
	}
	return max(1, v.policy.Signers)
}

// parseDigest reads a SHA-256 as lower-case hexadecimal.
func parseDigest(s string) (string, error) {
	h := strings.ToLower(strings.TrimSpace(s))
	h = strings.TrimPrefix(h, "sha256:")
	if len(h) != 64 || strings.Trim(h, "0123456789abcdef") != "" {
		return "", errors.New("firmware: a digest is no SHA-256 in hexadecimal")
	}
	return h, nil
}
