package camsec

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Device is one camera or recorder reached over one protocol. Everything
// beyond its identity is optional and found with [As]: [UserLister],
// [SettingsReader], [LoginStateReader], [PasswordSetter], [SettingWriter].
//
// Implementations are safe for concurrent use. A device that wraps another
// offers Unwrap() Device, as errors do.
type Device interface {
	// Inventory reads what the device says it is. It needs no more than the
	// lowest role that can log in, and changes nothing. Fields that the
	// device does not report are empty; none is guessed. If ctx is done it
	// returns an error matching ctx's.
	Inventory(ctx context.Context) (Inventory, error)
}

// As finds the first device in dev's chain of Unwrap that is a T.
func As[T any](dev Device) (T, bool) {
	for dev != nil {
		if t, ok := dev.(T); ok {
			return t, true
		}
		u, ok := dev.(interface{ Unwrap() Device })
		if !ok {
			break
		}
		dev = u.Unwrap()
	}
	var zero T
	return zero, false
}

// unsupported is the answer of a package function whose interface dev has not.
func unsupported(dev Device, what string) error {
	return fmt.Errorf("camsec: %s on %T: %w", what, dev, errors.ErrUnsupported)
}

// An Inventory is what a device reports about itself.
type Inventory struct {
	Vendor   string   `json:"vendor,omitempty"`
	Model    string   `json:"model,omitempty"`
	Serial   string   `json:"serial,omitempty"`
	MAC      string   `json:"mac,omitempty"`  // as the device writes it
	Type     string   `json:"type,omitempty"` // the vendor's word: IPCamera, NVR, …
	Firmware Firmware `json:"firmware"`
	// Channels are the cameras behind a recorder. Nil means that the device
	// was not asked or has none to tell; ChannelsErr says which.
	Channels    []Channel `json:"channels,omitempty"`
	ChannelsErr *Problem  `json:"channelsError,omitempty"`
}

// A Firmware is the version a device says it runs, verbatim and in parts.
type Firmware struct {
	Raw      string `json:"raw,omitempty"`      // all of it, as the device writes it
	Version  string `json:"version,omitempty"`  // V5.7.18
	Build    string `json:"build,omitempty"`    // 240826
	Released string `json:"released,omitempty"` // YYYY-MM-DD where the build is a date
	Platform string `json:"platform,omitempty"` // B-R-G5-0
}

// A Channel is a camera behind a recorder, as the recorder tells it. Empty
// fields are unknown, never "none".
type Channel struct {
	ID       string   `json:"id"`
	Via      string   `json:"via,omitempty"` // serial of the recorder
	Name     string   `json:"name,omitempty"`
	Address  string   `json:"address,omitempty"`
	Protocol string   `json:"protocol,omitempty"`
	Model    string   `json:"model,omitempty"`
	Serial   string   `json:"serial,omitempty"`
	Firmware Firmware `json:"firmware"`
	Online   State    `json:"online"`
	// User is the account that the recorder logs in to the camera with, and
	// Login whether the camera takes it.
	User  string `json:"user,omitempty"`
	Login State  `json:"login"`
	// ValidatesCertificate is whether the recorder checks who the camera is.
	ValidatesCertificate State `json:"validatesCertificate"`
	// Group is equal for channels of one physical camera; empty is unknown.
	Group string `json:"group,omitempty"`
}

// A Problem is an error in the form that snapshots and reports carry. Its
// Message never holds a secret or a body.
//
//nolint:errname // It is first of all the JSON form of an error, and reads as one.
type Problem struct {
	Code      Reason `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }

// Reason returns the code, so that [ReasonOf] finds it.
func (p *Problem) Reason() Reason { return p.Code }

// ProblemOf returns err in the form that reports carry, nil for nil.
func ProblemOf(err error) *Problem {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return &Problem{Code: ReasonOf(err), Message: printable(err.Error()), Retryable: retryable(err)}
}

var separators = strings.NewReplacer(":", "", "-", "", ".", "", " ", "")

// placeholders are serials and MACs that makers ship by the thousand.
var placeholders = map[string]bool{
	"": true, "123456": true, "0": true, "000000000000": true, "ffffffffffff": true,
	"unknown": true, "none": true, "null": true,
}

// IsPlaceholder tells whether a serial or MAC is one that many devices share,
// so that it must not be used to tell that two are the same.
func IsPlaceholder(id string) bool {
	id = strings.ToLower(separators.Replace(id))
	return placeholders[id] || strings.Trim(id, "0") == ""
}

// printable replaces control characters, which a device may put into any
// text, and bounds its length.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < 0x20, r == 0x7f, 0x80 <= r && r < 0xa0,
			0x200b <= r && r <= 0x200f, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0xfeff:
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500]) + "…"
	}
	return s
}
