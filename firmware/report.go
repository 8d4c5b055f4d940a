package firmware

import (
	"slices"
	"time"
)

// A Report is what is known of an image after every byte of it was read. Its
// four axes are answers to four questions and none stands for another: an
// unchanged image may be forged, an authentic one may be old, and a new and
// authentic one may be for another camera.
type Report struct {
	SHA256       string       `json:"sha256"`
	Format       string       `json:"format"`
	Integrity    Integrity    `json:"integrity"`
	Authenticity Authenticity `json:"authenticity"`
	Freshness    Freshness    `json:"freshness"`
	Fitness      Fitness      `json:"fitness"`
	// Uncovered are the byte ranges that what was proven does not reach:
	// outside the signed bytes where a signature verified, otherwise outside
	// every sum and digest that the image holds.
	Uncovered []Range `json:"uncovered"`
	// Verdict is what the policy makes of it, and Because says why, in
	// sentences.
	Verdict Verdict  `json:"verdict"`
	Because []string `json:"because"`
	// Image is what the file says of itself.
	Image *Image `json:"-"`
}

// A Verdict is a policy's decision. Its zero value is NotVerifiable.
type Verdict uint8

// Verdicts.
const (
	// NotVerifiable: nothing speaks against the image, but what the policy
	// demands cannot be proven, by this caller or by anybody.
	NotVerifiable Verdict = iota
	// Rejected: the image is broken, forged, unsigned, too old, for another
	// device, or signed by a weaker means than the policy allows.
	Rejected
	// Accepted: all that the policy demands is proven.
	Accepted
)

var verdictNames = [...]string{"not verifiable", "rejected", "verified"}

// String returns "not verifiable", "rejected" or "verified".
func (v Verdict) String() string { return verdictNames[min(int(v), 2)%3] }

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// An IntegrityStatus says how well the image is known to be unchanged by
// accident.
type IntegrityStatus string

// Integrity statuses.
const (
	IntegrityUnknown  IntegrityStatus = "unknown"  // not read to its end
	IntegrityNone     IntegrityStatus = "none"     // the format has neither sum nor digest
	IntegrityChecksum IntegrityStatus = "checksum" // all its checksums are right; anybody can make them so
	IntegrityDigest   IntegrityStatus = "digest"   // all its digests are right
	IntegrityBroken   IntegrityStatus = "broken"   // malformed, or a sum or digest is wrong
)

// Integrity tells what the image's own sums and digests say.
type Integrity struct {
	Status IntegrityStatus `json:"status"`
	Reason string          `json:"reason,omitempty"`
	Checks []CheckResult   `json:"checks"`
}

// A CheckResult is one sum, digest or signature that was looked at.
type CheckResult struct {
	What     string `json:"what"`
	Strength string `json:"strength"` // checksum, digest or signature
	OK       bool   `json:"ok"`
	Reason   string `json:"reason,omitempty"`
}

// An AuthenticityStatus says whether somebody trusted stands for the image.
type AuthenticityStatus string

// Authenticity statuses. The zero value is none of them and must be read as
// not verifiable.
const (
	AuthenticityNotVerifiable AuthenticityStatus = "not verifiable"
	AuthenticityUnsigned      AuthenticityStatus = "unsigned"
	AuthenticityInvalid       AuthenticityStatus = "invalid"
	AuthenticityVerified      AuthenticityStatus = "verified"
)

// Authenticity tells who stands for the image. By, Algorithm and Anchor are
// of the first signer that verified; Signers has all of them.
type Authenticity struct {
	Status    AuthenticityStatus `json:"status"`
	By        string             `json:"by"`        // who signed: a certificate's subject, a key id
	Algorithm string             `json:"algorithm"` // how
	Anchor    string             `json:"anchor"`    // which of the policy's anchors that rests on
	Reason    string             `json:"reason"`
	Signers   []Signer           `json:"signers"`
	// Statement is what the owner's countersignature binds, if one verified.
	Statement *Statement `json:"statement,omitempty"`
}

// A Signer is one verified signature.
type Signer struct {
	By        string `json:"by"`
	Algorithm string `json:"algorithm"`
	Anchor    string `json:"anchor"`
	// SignedAt is when the signer says that he signed, zero if he does not.
	SignedAt time.Time `json:"signedAt,omitzero"`
	// Comment is text that the signature covers: a trusted comment.
	Comment string `json:"comment,omitempty"`
	// Countersignature says that the signer is not the maker of the image but
	// the owner, or whoever signed beside it.
	Detached bool `json:"detached"`
}

// A FreshnessStatus says how the image stands to what the device runs.
type FreshnessStatus string

// Freshness statuses.
const (
	FreshnessUnknown FreshnessStatus = "unknown"
	FreshnessOlder   FreshnessStatus = "older"
	FreshnessSame    FreshnessStatus = "same"
	FreshnessNewer   FreshnessStatus = "newer"
)

// Freshness compares the image's version with the running one.
type Freshness struct {
	Status  FreshnessStatus `json:"status"`
	Version string          `json:"version,omitempty"` // of the image
	Running string          `json:"running,omitempty"`
	Reason  string          `json:"reason"`
	// Proven says that the image's version is covered by a signature and not
	// just claimed.
	Proven bool `json:"proven"`
}

// A FitnessStatus says whether the image is for the device.
type FitnessStatus string

// Fitness statuses.
const (
	FitnessUnknown FitnessStatus = "unknown" // no device named, or too little told
	FitnessFits    FitnessStatus = "fits"    // all that was asked for is told, and agrees
	FitnessDiffers FitnessStatus = "differs" // at least one thing is for another device
)

// Fitness tells whether the image is for the device, thing by thing.
type Fitness struct {
	Status  FitnessStatus `json:"status"`
	Reason  string        `json:"reason"`
	Aspects []Aspect      `json:"aspects"`
}

// An Aspect is one thing that image and device must agree on.
type Aspect struct {
	Name   string        `json:"name"` // vendor, model, platform, language, deviceClass, hardware
	Device string        `json:"device"`
	Image  string        `json:"image"`
	Status FitnessStatus `json:"status"`
	// Proven says that the image's side is covered by a signature.
	Proven bool `json:"proven"`
}

// newReport makes a report that knows nothing, without null in its JSON.
func newReport(m *Image) *Report {
	m.fill()
	r := &Report{
		Format: m.Format, Image: m, Uncovered: []Range{}, Because: []string{},
		Integrity:    Integrity{Status: IntegrityUnknown, Checks: []CheckResult{}},
		Authenticity: Authenticity{Status: AuthenticityNotVerifiable, Signers: []Signer{}},
		Freshness:    Freshness{Status: FreshnessUnknown},
		Fitness:      Fitness{Status: FitnessUnknown, Aspects: []Aspect{}},
	}
	return r
}

// because adds a sentence once.
func (r *Report) because(s string) {
	if s != "" && !slices.Contains(r.Because, s) {
		r.Because = append(r.Because, s)
	}
}
