package trust

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"time"
)

// A Flaw is something wrong with a certificate that a pin makes bearable. Its
// words are for reports and stay as they are.
type Flaw string

// Flaws of certificates.
const (
	FlawExpired     Flaw = "expired"
	FlawNotYetValid Flaw = "not-yet-valid"
	FlawSelfSigned  Flaw = "self-signed"
	FlawName        Flaw = "name-mismatch"
	FlawNoNames     Flaw = "no-subject-alternative-names"
	FlawWeakKey     Flaw = "rsa-key-below-2048"
)

// Flaws returns what a full verification would have held against cert, as far
// as the certificate alone shows it: its dates at now, its names against host,
// its signature and its key. It returns nil for none.
func Flaws(cert *x509.Certificate, host string, now time.Time) []Flaw {
	var flaws []Flaw
	if now.After(cert.NotAfter) {
		flaws = append(flaws, FlawExpired)
	}
	if now.Before(cert.NotBefore) {
		flaws = append(flaws, FlawNotYetValid)
	}
	if bytes.Equal(cert.RawIssuer, cert.RawSubject) {
		flaws = append(flaws, FlawSelfSigned)
	}
	if len(cert.DNSNames) == 0 && len(cert.IPAddresses) == 0 {
		flaws = append(flaws, FlawNoNames)
	} else if cert.VerifyHostname(bareHost(host)) != nil {
		flaws = append(flaws, FlawName)
	}
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < 2048 {
		flaws = append(flaws, FlawWeakKey)
	}
	return flaws
}
