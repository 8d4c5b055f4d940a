package cms

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A trust is what signers are held against: the options, made ready.
type trust struct {
	Options
	roots   []*x509.Certificate
	pool    *x509.CertPool
	helping *x509.CertPool
	found   []*x509.Certificate // where signers' certificates may be
	crls    []*x509.RevocationList
	tries   int // chains that may still be built
}

func (o Options) trust(m *Message) (*trust, error) {
	t := &trust{Options: o, pool: x509.NewCertPool(), helping: x509.NewCertPool(), tries: maxTries}
	t.roots = slices.Clone(o.Anchors.Roots)
	for _, k := range o.Anchors.Keys {
		if k.Certificate != nil {
			t.roots = append(t.roots, k.Certificate)
		}
	}
	if len(t.roots) == 0 && len(o.Anchors.Keys) == 0 {
		return nil, sig.Errorf(sig.NoAnchor, Scheme, "no certificate was given to verify it with")
	}
	if o.Now.IsZero() {
		return nil, sig.Errorf(sig.NoAnchor, Scheme, "no time was given at which certificates must be valid")
	}
	for _, c := range t.roots {
		t.pool.AddCert(c)
	}
	// The caller's certificates come first, so that those in the message
	// cannot stand before them.
	t.found = slices.Concat(t.roots, o.Anchors.Certificates, m.Certificates)
	for _, c := range t.found {
		t.helping.AddCert(c)
	}
	t.crls = slices.Concat(o.Anchors.CRLs, m.crls)
	if t.Usages == nil {
		t.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning, x509.ExtKeyUsageEmailProtection}
	}
	return t, nil
}

// judge finds the signer's certificate, and the way from it to an anchor, and
// verifies his signature as far as that needs no content.
func (t *trust) judge(s *signer) (*good, error) {
	if s.err != nil {
		return nil, s.err
	}
	err := sig.Errorf(sig.Untrusted, Scheme, "there is no certificate of %s", s.name(nil))
	tried := map[string]bool{}
	for _, c := range t.found {
		if !s.is(c) || tried[string(c.Raw)] {
			continue
		}
		if t.tries--; t.tries < 0 {
			return nil, malformed("too many certificates claim to be those of signers")
		}
		tried[string(c.Raw)] = true
		g, why := t.try(s, c)
		if why == nil {
			return g, nil
		}
		if sig.KindOf(err) != sig.Invalid {
			err = why
		}
	}
	if len(tried) == 0 && s.keyID != nil {
		// No certificate at all: a bare key is known by its own identifier.
		for _, k := range t.Anchors.Keys {
			if k.Certificate == nil && identifies(s.keyID, k.Public) {
				return t.accept(s, k.String(), k.String(), k.Public, nil)
			}
		}
	}
	return nil, err
}

// maxTries bounds the ways that are looked for in one message: certificates
// that are strung together to cost time make each of them long.
const maxTries = 2 * maxSigners

// is tells whether the certificate is the one that the signer names.
func (s *signer) is(c *x509.Certificate) bool {
	if s.keyID != nil {
		return bytes.Equal(c.SubjectKeyId, s.keyID)
	}
	return bytes.Equal(c.RawIssuer, s.issuer) && bytes.Equal(serialOf(c), s.serial)
}

func (t *trust) try(s *signer, c *x509.Certificate) (*good, error) {
	if err := s.names(c); err != nil {
		return nil, err
	}
	for _, k := range t.Anchors.Keys {
		if k.Certificate == nil && equalKeys(k.Public, c.PublicKey) {
			return t.accept(s, s.name(c), k.String(), c.PublicKey, nil)
		}
	}
	chain, err := t.chain(c)
	if err != nil {
		return nil, err
	}
	var notes []string
	for _, link := range chain[1:max(1, len(chain)-1)] {
		if _, err := t.Floor.Key(Scheme, link.PublicKey); err != nil {
			return nil, sig.Errorf(sig.BelowPolicy, Scheme, "the key of %s: %v", subject(link), err)
		}
	}
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return nil, sig.Errorf(sig.BelowPolicy, Scheme, "the certificate of %s is not for signatures", subject(c))
	}
	crlNotes, err := t.revoked(chain)
	if err != nil {
		return nil, err
	}
	notes = append(notes, crlNotes...)
	return t.accept(s, s.name(c), sig.Describe(chain[len(chain)-1]), c.PublicKey, notes)
}

// chain returns the way from a certificate to an anchor, both included.
func (t *trust) chain(c *x509.Certificate) ([]*x509.Certificate, error) {
	usages := t.Usages
	if slices.ContainsFunc(t.roots, c.Equal) {
		usages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} // trusted as it is
	}
	chains, err := c.Verify(x509.VerifyOptions{
		Roots: t.pool, Intermediates: t.helping, CurrentTime: t.Now, KeyUsages: usages,
	})
	if err == nil {
		return shortest(chains), nil
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch e.Reason {
		case x509.Expired:
			return nil, sig.Errorf(sig.BelowPolicy, Scheme, "the certificate of %s is valid from %s to %s, not at %s",
				subject(e.Cert), day(e.Cert.NotBefore), day(e.Cert.NotAfter), day(t.Now))
		case x509.IncompatibleUsage:
			return nil, sig.Errorf(sig.BelowPolicy, Scheme, "the certificate of %s is not for signing code: its extended key usage is another", subject(c))
		}
	}
	if _, ok := errors.AsType[x509.UnhandledCriticalExtension](err); ok {
		return nil, sig.Errorf(sig.Unsupported, Scheme, "the certificate of %s has a critical extension that is not understood", subject(c))
	}
	return nil, sig.Errorf(sig.Untrusted, Scheme, "%s leads to no anchor: %s", subject(c), untrusted.Text([]byte(err.Error())))
}

func shortest(chains [][]*x509.Certificate) []*x509.Certificate {
	return slices.MinFunc(chains, func(a, b []*x509.Certificate) int { return len(a) - len(b) })
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func subject(c *x509.Certificate) string {
	if c == nil {
		return "the signer"
	}
	return untrusted.Text([]byte(c.Subject.String()))
}

// accept verifies the signature over the attributes, if there are any, by a
// key that is trusted.
func (t *trust) accept(s *signer, by, anchor string, pub crypto.PublicKey, notes []string) (*good, error) {
	g := &good{signer: s, by: by, anchor: anchor, public: pub, notes: notes}
	for _, f := range []func() (string, error){
		func() (string, error) { return t.Floor.Hash(Scheme, s.digest) },
		func() (string, error) { return t.Floor.Algorithm(Scheme, s.algorithm) },
		func() (string, error) { return t.Floor.Key(Scheme, pub) },
	} {
		note, err := f()
		if err != nil {
			return nil, err
		}
		if note != "" && !slices.Contains(g.notes, note) {
			g.notes = append(g.notes, note)
		}
	}
	a := s.algorithm
	if !a.Fits(pub) {
		return nil, sig.Errorf(sig.Invalid, Scheme, "%s has no key for %s", by, a)
	}
	if wrong := a.Shape(pub, s.value); wrong != "" {
		return nil, sig.Errorf(sig.Invalid, Scheme, "%s", wrong)
	}
	if s.signed == nil {
		return g, nil
	}
	if !overBytes(a, pub, s.signed, s.value) {
		return nil, sig.Errorf(sig.Invalid, Scheme, "the signature is not by %s", by)
	}
	return g, nil
}

// overBytes verifies a signature over bytes in memory.
func overBytes(a sig.Algorithm, pub crypto.PublicKey, message, value []byte) bool {
	if a.Method == sig.PureEd25519 {
		var c sig.Content
		return ed25519Over(&c, pub, message, value)
	}
	h := a.Hash.New()
	h.Write(message)
	return a.Verify(pub, h.Sum(nil), value)
}
