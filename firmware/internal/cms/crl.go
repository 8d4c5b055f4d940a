package cms

import (
	"bytes"
	"crypto/x509"
	"fmt"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// revoked holds every certificate of a chain but the anchor against the
// revocation lists of its issuer.
func (t *trust) revoked(chain []*x509.Certificate) (notes []string, err error) {
	for i, c := range chain[:len(chain)-1] {
		listed, err := t.revokedBy(c, chain[i+1])
		if err != nil {
			return nil, err
		}
		switch {
		case listed:
		case t.RequireCRL:
			return nil, sig.Errorf(sig.BelowPolicy, Scheme, "there is no revocation list of %s", subject(chain[i+1]))
		case len(t.crls) > 0:
			notes = append(notes, fmt.Sprintf("no revocation list of %s was at hand", subject(chain[i+1])))
		}
	}
	return notes, nil
}

// revokedBy looks a certificate up in all lists that its issuer signed. A
// revocation counts even in a list that has run out; but such a list, or one
// that is not of the whole, clears nobody.
func (t *trust) revokedBy(c, issuer *x509.Certificate) (listed bool, err error) {
	var stale error
	for _, l := range t.crls {
		if !bytes.Equal(l.RawIssuer, c.RawIssuer) || l.CheckSignatureFrom(issuer) != nil {
			continue
		}
		for _, e := range l.RevokedCertificateEntries {
			if e.SerialNumber.Cmp(c.SerialNumber) == 0 {
				return false, sig.Errorf(sig.BelowPolicy, Scheme, "the certificate of %s was revoked on %s", subject(c), day(e.RevocationTime))
			}
		}
		switch {
		case partial(l):
			stale = sig.Errorf(sig.Unsupported, Scheme, "the revocation list of %s is a part of one", subject(issuer))
		case t.Now.Before(l.ThisUpdate) || !l.NextUpdate.IsZero() && t.Now.After(l.NextUpdate):
			stale = sig.Errorf(sig.BelowPolicy, Scheme, "the revocation list of %s is of %s to %s, not of %s",
				subject(issuer), day(l.ThisUpdate), day(l.NextUpdate), day(t.Now))
		default:
			listed = true
		}
	}
	if !listed && stale != nil {
		return false, stale
	}
	return listed, nil
}

// partial tells whether a list has critical extensions (RFC 5280 section
// 5.2: delta lists, lists of some certificates only).
func partial(l *x509.RevocationList) bool {
	for _, e := range l.Extensions {
		if e.Critical {
			return true
		}
	}
	return false
}
