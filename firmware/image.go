package firmware

import (
	"fmt"

	"github.com/camsec/camsec"
)

// Formats, as [Image.Format] names them. Plain is a file of no format that
// this package knows: only a signature or a digest that stands beside it can
// say anything of it.
const (
	FormatPlain     = "plain"
	FormatHikvision = "hikvision"
	FormatDahua     = "dahua"
	FormatBosch     = "bosch"
	FormatTPLink    = "tp-link"
	FormatSalted    = "openssl-enc" // older Hanwha and Foscam images
	FormatUImage    = "uimage"
	FormatFIT       = "fit"
	FormatSWUpdate  = "swupdate"
	FormatRAUC      = "rauc"
	FormatMender    = "mender"
	FormatFwtool    = "openwrt-fwtool"
	FormatCMS       = "cms"     // a CMS message with its content
	FormatSignify   = "signify" // a file with signify's signature before or in it
)

// An Image is what a firmware file holds and what it says of itself. All of
// it is a claim of the file: [Verifier.Verify] says what of it can be relied
// on.
type Image struct {
	Format string `json:"format"`
	Size   int64  `json:"size"`
	Claims Claims `json:"claims"`
	Parts  []Part `json:"parts"`
	// Signatures describes the signatures that stand in the file, verified or
	// not.
	Signatures []EmbeddedSignature `json:"signatures"`
	// Uncovered are the byte ranges that neither a checksum, nor a digest,
	// nor a signature in the file covers.
	Uncovered []Range `json:"uncovered"`
	// Notes are what a person should know of the file, in sentences.
	Notes []string `json:"notes"`
}

// fill makes empty lists of missing ones, so that no JSON has null for them.
func (m *Image) fill() {
	if m.Parts == nil {
		m.Parts = []Part{}
	}
	if m.Signatures == nil {
		m.Signatures = []EmbeddedSignature{}
	}
	if m.Uncovered == nil {
		m.Uncovered = []Range{}
	}
	if m.Notes == nil {
		m.Notes = []string{}
	}
}

// Claims are what a file says it is. What it does not say is empty.
type Claims struct {
	Vendor      string   `json:"vendor,omitempty"` // as VendorKey gives it
	Models      []string `json:"models,omitempty"` // models or compatible boards, in the file's words
	Platform    string   `json:"platform,omitempty"`
	Language    string   `json:"language,omitempty"`
	DeviceClass string   `json:"deviceClass,omitempty"`
	Hardware    []string `json:"hardware,omitempty"` // hardware revisions
	Version     string   `json:"version,omitempty"`
	Build       string   `json:"build,omitempty"`
	Released    string   `json:"released,omitempty"` // YYYY-MM-DD
	Description string   `json:"description,omitempty"`
}

// A Part is a piece of an image: a file in it, a block, a payload.
type Part struct {
	Name   string `json:"name"`
	Kind   string `json:"kind,omitempty"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	// Opaque says that the part is encrypted or undocumented: its contents
	// were not looked at.
	Opaque bool `json:"opaque,omitempty"`
}

// A Range is a byte range of a file and what lies there.
type Range struct {
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	What   string `json:"what"`
}

// An EmbeddedSignature is a signature that stands in an image.
type EmbeddedSignature struct {
	Scheme string `json:"scheme"` // empty: the scheme is not published
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Note   string `json:"note,omitempty"`
}

// A FormatError says where a file breaks the rules of its own format, or a
// limit of this package. It matches [camsec.ErrMalformed].
type FormatError struct {
	Format string
	Offset int64 // where in the file, as far as it can be told
	Reason string
}

// Error returns format, offset and reason.
func (e *FormatError) Error() string {
	return fmt.Sprintf("firmware: %s image, at %d: %s", e.Format, e.Offset, e.Reason)
}

// Is tells that the error matches [camsec.ErrMalformed].
func (e *FormatError) Is(target error) bool { return target == camsec.ErrMalformed }
