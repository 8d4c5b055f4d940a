package onvif

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Errors that a [Fault] matches with [errors.Is], beside those of package
// camsec.
var (
	ErrClockSkew  = errors.New("onvif: device's clock and ours differ")
	ErrUserExists = errors.New("onvif: user exists already")
	ErrExists     = errors.New("onvif: exists already")
	ErrFixedUser  = errors.New("onvif: user cannot be changed")
	ErrFull       = errors.New("onvif: device has no room for more")
	ErrPortInUse  = errors.New("onvif: port is in use")
	ErrNoTLS      = errors.New("onvif: device has no certificate for TLS")
	ErrNoPolicy   = errors.New("onvif: device has no policy to judge clients' certificates by")
	ErrInUse      = errors.New("onvif: still referred to on the device")
)

// A Fault is a device's refusal in its own words, at whatever HTTP status and
// in whatever spelling it came. With [errors.Is] it matches the values of
// package camsec and of this one that it means. A refusal without a SOAP fault
// (an HTML page with 404) is a Fault with an HTTP status alone.
//
//nolint:errname // It is SOAP's own word for it.
type Fault struct {
	Op         string   // GetUsers
	HTTPStatus int      // 200 to 599
	Code       string   // Sender, Receiver, or as the device writes it; without prefix
	Subcodes   []string // outermost first, without prefix
	ReasonText string   // the device's sentence; it may repeat what was sent
	DetailText string   // likewise
	TriesLeft  int      // login tries that the device says are left; -1 if it does not
	// LoggedIn: the device accepts the account's login, so that NotAuthorized
	// means "not allowed to this account".
	LoggedIn bool

	anonymous bool // the client has no credential
}

// Error tells operation, status, code and subcodes. The device's sentences are
// left out, as they may repeat what was sent.
func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "onvif: %s: HTTP %d", f.Op, f.HTTPStatus)
	if f.Code != "" {
		b.WriteString(", " + clean(f.Code))
	}
	for _, s := range f.Subcodes {
		b.WriteString("/" + clean(s))
	}
	if f.LoggedIn && f.is("NotAuthorized") {
		b.WriteString(" (logged in)")
	}
	if f.TriesLeft >= 0 {
		fmt.Fprintf(&b, ", %d tries left", f.TriesLeft)
	}
	return b.String()
}

// is tells whether one of the codes, in whatever place, is one of the names.
func (f *Fault) is(names ...string) bool {
	for _, n := range names {
		if strings.EqualFold(f.Code, n) || slices.ContainsFunc(f.Subcodes, func(s string) bool { return strings.EqualFold(s, n) }) {
			return true
		}
	}
	return false
}

func (f *Fault) says(words ...string) bool {
	r := strings.ToLower(f.ReasonText)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(r, w) })
}

// refusesLogin tells whether a login is asked for or refused; the second set
// of names is that of WS-Security, which gSOAP sends.
func (f *Fault) refusesLogin() bool {
	return f.is("NotAuthorized", "FailedAuthentication", "InvalidSecurity", "InvalidSecurityToken",
		"FailedCheck", "MessageExpired", "SecurityTokenUnavailable") || f.HTTPStatus == http.StatusUnauthorized
}

// speaksOfTime tells a refusal because of the clock: "Wsse authorized time
// check failed" (agsh/onvif#249), MessageExpired of WS-Security.
func (f *Fault) speaksOfTime() bool {
	return f.is("MessageExpired") || f.refusesLogin() && f.says("time", "clock", "expired", "created")
}

// meanings are what codes mean, the finer ones first: the first that is met
// counts beside the rest of its row.
var meanings = []struct {
	code string
	err  error
}{
	{"Password", camsec.ErrWeakPassword}, // CreateUsers; ENP1A14-IR V5.5.3 sends it
	{"PasswordTooWeak", camsec.ErrWeakPassword},
	{"PasswordTooLong", camsec.ErrWeakPassword},
	{"UsernameClash", ErrUserExists},
	{"FixedUser", ErrFixedUser},
	{"TooManyUsers", ErrFull},
	{"TooManyUserRoles", ErrFull},
	{"IPFilterListIsFull", ErrFull},
	{"MaximumNumberOfKeysReached", ErrFull},
	{"MaximumNumberOfCertificatesReached", ErrFull},
	{"MaximumNumberOfCertificationPathsReached", ErrFull},
	{"MaximumNumberOfTLSCertificationPathsReached", ErrFull},
	{"MaximumNumberOfPassphrasesReached", ErrFull},
	{"MaximumNumberOfCRLsReached", ErrFull},
	{"MaximumNumberOfCertPathValidationPoliciesReached", ErrFull},
	{"MaximumNumberOfTLSCertPathValidationPoliciesReached", ErrFull},
	{"MaximumNumberOfDot1XConfigurationsReached", ErrFull},
	{"MaxAuthorizationServers", ErrFull},
	{"MaxIssuersExceeded", ErrFull},
	{"TooManyAudiences", ErrFull},
	{"PortAlreadyInUse", ErrPortInUse},
	{"EnablingTlsFailed", ErrNoTLS},
	{"EnablingClientAuthenticationFailed", ErrNoPolicy},
	{"EnablingTLSClientAuthenticationFailed", ErrNoPolicy}, // as the WSDL spells it
	{"CnMapsToUserFailed", ErrNoPolicy},
	{"ReferenceExists", ErrInUse},
	{"PassphraseDeletionFailed", ErrInUse},
	{"UsernameMissing", camsec.ErrNotFound},
	{"InvalidUserRole", camsec.ErrNotFound},
	{"NoIPv4Address", camsec.ErrNotFound},
	{"NoSuchService", camsec.ErrNotFound},
	{"CertificateID", camsec.ErrNotFound},
	{"KeyID", camsec.ErrNotFound},
	{"CertificationPathID", camsec.ErrNotFound},
	{"OldCertificationPathID", camsec.ErrNotFound},
	{"NewCertificationPathID", camsec.ErrNotFound},
	{"CRLID", camsec.ErrNotFound},
	{"CertPathValidationPolicyID", camsec.ErrNotFound},
	{"OldCertPathValidationPolicyID", camsec.ErrNotFound},
	{"NewCertPathValidationPolicyID", camsec.ErrNotFound},
	{"PassphraseID", camsec.ErrNotFound},
	{"Dot1XConfigurationID", camsec.ErrNotFound},
	{"InvalidNetworkInterface", camsec.ErrNotFound},
	{"NoConfig", camsec.ErrNotFound},
	{"ActionNotSupported", errors.ErrUnsupported},
	{"UnknownAction", errors.ErrUnsupported},
	{"NotImplemented", errors.ErrUnsupported},
	{"FunctionNotImplemented", errors.ErrUnsupported},
	{"ServiceNotSupported", errors.ErrUnsupported},
	{"NotRemoteUser", errors.ErrUnsupported},
	{"OutofMemory", camsec.ErrBusy},
}

// meaning returns what the refusal means, nil if the device does not tell.
func (f *Fault) meaning() error {
	if f.refusesLogin() {
		switch {
		case f.says("locked", "lock out", "lockout"):
			return camsec.ErrLocked
		case f.speaksOfTime():
			return ErrClockSkew
		case f.LoggedIn:
			return camsec.ErrForbidden
		}
		return camsec.ErrUnauthorized
	}
	// By the WSDL of releases up to 16.06 a token that is taken; by the other
	// operations one that there is not (documented, not recorded).
	if f.is("ReferenceToken") {
		if strings.HasPrefix(f.Op, "Create") {
			return ErrExists
		}
		return camsec.ErrNotFound
	}
	for _, m := range meanings {
		if f.is(m.code) {
			return m.err
		}
	}
	if f.is("OperationProhibited") {
		return camsec.ErrForbidden
	}
	switch f.HTTPStatus {
	case http.StatusForbidden:
		return camsec.ErrForbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return errors.ErrUnsupported
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return camsec.ErrBusy
	}
	// gSOAP: "Method 'X' not implemented: method name or namespace not recognized".
	if f.says("not implemented", "not supported", "not support", "not recognized") {
		return errors.ErrUnsupported
	}
	return nil
}

// Is reports whether target is what the refusal means.
func (f *Fault) Is(target error) bool {
	m := f.meaning()
	if m == nil {
		return false
	}
	// A clock that is off is still a refused login to who asks only that.
	return target == m || m == ErrClockSkew && target == camsec.ErrUnauthorized
}

// Reason tells a missing credential from a refused one, and that a refusal
// whose meaning the device does not tell is an answer all the same.
func (f *Fault) Reason() camsec.Reason {
	switch m := f.meaning(); {
	case m == nil:
		return camsec.ReasonNotReadable
	case m == camsec.ErrUnauthorized && f.anonymous: //nolint:errorlint // one of our own values
		return camsec.ReasonNoCredential
	}
	return ""
}

// faultOf returns the fault in a document, nil if there is none. A reply that
// has the element asked for is none, whatever else it holds.
func faultOf(doc *wire.Node) *Fault {
	n := doc
	if n != nil && n.Name != "Fault" {
		n = n.Find("Fault")
	}
	if n == nil {
		return nil
	}
	f := &Fault{TriesLeft: -1}
	code := n.Child("Code")
	values := code.FindAll("Value")
	if code == nil {
		values = n.FindAll("Value")
	}
	var codes []string
	for _, v := range values {
		codes = append(codes, localName(v.Text))
	}
	if s := n.Child("faultcode").String(); s != "" { // SOAP 1.1
		codes = append(codes, localName(s))
	}
	if d := n.At("Detail", "Fault"); d != nil { // Milesight repeats the codes there
		for _, name := range []string{"Code", "Subcode"} {
			if s := localName(d.Child(name).String()); s != "" && !slices.Contains(codes, s) {
				codes = append(codes, s)
			}
		}
	}
	if len(codes) > 0 {
		f.Code, f.Subcodes = codes[0], codes[1:]
	}
	for _, r := range []*wire.Node{n.At("Reason", "Text"), n.Child("Reason"), n.Child("faultstring")} {
		if f.ReasonText = r.String(); f.ReasonText != "" {
			break
		}
	}
	for _, d := range []*wire.Node{n.At("Detail", "Text"), n.Child("Detail"), n.Child("detail")} {
		if f.DetailText = d.String(); f.DetailText != "" {
			break
		}
	}
	for _, s := range []string{f.ReasonText, f.DetailText} {
		if left := wire.AttemptsLeft(s); left >= 0 {
			f.TriesLeft = left
			break
		}
	}
	return f
}

// localName strips the prefix of a qualified name in text.
func localName(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		s = s[i+1:]
	}
	return strings.TrimSpace(s)
}

// clean makes a device's words fit for an error message.
func clean(s string) string { return wire.Clean(s, 80) }
