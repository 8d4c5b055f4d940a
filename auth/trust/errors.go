package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Values of [UntrustedError] Reason.
const (
	ReasonNoCertificate = "no certificate"
	ReasonAuthority     = "unknown authority"
	ReasonName          = "name does not match"
	ReasonDates         = "expired or not yet valid"
	ReasonInvalid       = "invalid certificate"
	ReasonPin           = "key does not match the pin"
	ReasonStore         = "pin store not usable"
)

// An UntrustedError says that a device's certificate was refused in the
// handshake, so that no credential was sent. It matches camsec.ErrUntrusted.
type UntrustedError struct {
	Pin      string   // of the key that the device showed; empty if it showed none
	Reason   string   // one of the Reason constants
	Expected []string // the pins it was measured against, for ReasonPin
	Err      error    // the cause, such as an x509 error or a *StoreError; may be nil
}

// Error names the reason and the pins. What a certificate says about itself is
// not repeated unquoted.
func (e *UntrustedError) Error() string {
	var b strings.Builder
	b.WriteString("trust: " + e.Reason)
	if e.Pin != "" {
		b.WriteString(": device has " + e.Pin)
	}
	if len(e.Expected) > 0 {
		b.WriteString(", expected " + strings.Join(e.Expected, " or "))
	}
	if e.Err != nil {
		b.WriteString(": " + quoted(e.Err))
	}
	return b.String()
}

// Unwrap returns Err.
func (e *UntrustedError) Unwrap() error { return e.Err }

// Is matches camsec.ErrUntrusted.
func (e *UntrustedError) Is(target error) bool { return target == camsec.ErrUntrusted }

// A LegacyError says that the handshake failed in a way that a device shows
// when it cannot do what Go asks of TLS today. It matches camsec.ErrUntrusted;
// no credential was sent. [Explain] makes it.
type LegacyError struct {
	// Profile is "legacy-tls" where [LegacyTLS] may help, else empty.
	Profile string
	// GODEBUG is the setting that the main program needs, such as
	// "rsa1024min=0", where only that helps. A library cannot set it.
	GODEBUG string
	Err     error // the error of the handshake
}

// Error names what would help.
func (e *LegacyError) Error() string {
	if e.GODEBUG != "" {
		return fmt.Sprintf("trust: device needs obsolete TLS; the program would have to be built with GODEBUG %s: %s", e.GODEBUG, quoted(e.Err))
	}
	return fmt.Sprintf("trust: device may need obsolete TLS; if it does, allow it the %s profile: %s", e.Profile, quoted(e.Err))
}

// Unwrap returns Err.
func (e *LegacyError) Unwrap() error { return e.Err }

// Is matches camsec.ErrUntrusted.
func (e *LegacyError) Is(target error) bool { return target == camsec.ErrUntrusted }

// Explain returns err as a [*LegacyError] if it is how a handshake with an
// obsolete device fails, and unchanged if it is anything else, nil included.
//
// crypto/tls has no types for these errors, so their texts are compared: those
// of Go 1.26. A text that is not known leaves err as it is. Someone on the
// path can cause such an error, hence a caller must not act on it by himself.
func Explain(err error) error {
	if err == nil || errors.Is(err, camsec.ErrUntrusted) {
		return err
	}
	text := err.Error()
	for _, m := range []struct{ text, profile, godebug string }{
		{"tls: protocol version not supported", ProfileLegacy, ""},
		{"tls: server selected unsupported protocol version", ProfileLegacy, ""},
		{"remote error: tls: handshake failure", ProfileLegacy, ""},
		{"remote error: tls: insufficient security level", ProfileLegacy, ""},
		{"tls: server chose an unconfigured cipher suite", ProfileLegacy, ""},
		{"x509: negative serial number", "", "x509negativeserial=1"},
		{"bit keys are insecure", "", "rsa1024min=0"},
		{"tls: certificate used with invalid signature algorithm", "", "tlssha1=1"},
	} {
		if strings.Contains(text, m.text) {
			return &LegacyError{Profile: m.profile, GODEBUG: m.godebug, Err: err}
		}
	}
	return err
}

// ProfileLegacy is the Profile of a [LegacyError] that [LegacyTLS] may cure.
const ProfileLegacy = "legacy-tls"

func reasonOf(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ReasonAuthority
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return ReasonName
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return ReasonDates
	}
	return ReasonInvalid
}

// quoted returns the text of err, which may hold names out of the device's
// certificate, fit for a terminal.
func quoted(err error) string { return wire.Clean(err.Error(), 300) }
