package cms

import (
	"crypto/x509"
	"time"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// Scheme names signatures of this package in results and errors.
const Scheme = "cms"

// Limits of what is read.
const (
	// MaxSize bounds a signature, with the content that it carries.
	MaxSize         = 4 << 20
	maxSigners      = 16
	maxCertificates = 64
	maxCRLs         = 16
	maxAttributes   = 64
)

// A Message is a SignedData that was read, and not verified.
type Message struct {
	// Content is what the message carries; nil when the signature is
	// detached. Nothing says yet that it is anybody's.
	Content []byte
	// Certificates are those that the message brings.
	Certificates []*x509.Certificate

	crls    []*x509.RevocationList
	signers []signer
	// ignored says which parts of the message were not understood and do not
	// matter to its signatures.
	ignored []string
}

// Options say what is demanded of a signature.
type Options struct {
	// Anchors hold the roots, CRLs and helping certificates. A root that is
	// no CA trusts that very certificate, whatever its extended key usage. A
	// key of Anchors.Keys that came in a certificate is such a root; a bare
	// key trusts whoever holds it, and then nothing else in his certificate
	// counts.
	Anchors sig.Anchors
	Floor   sig.Floor
	// Now is the time at which certificates and CRLs must be valid. Required:
	// the zero time is refused.
	Now time.Time
	// Usages are the extended key usages of which the signer's certificate
	// must allow one. Nil means code signing or email protection, which the
	// tools around firmware use. A certificate without the extension allows
	// all of them.
	Usages []x509.ExtKeyUsage
	// RequireCRL refuses a certificate for which no CRL is at hand.
	RequireCRL bool
}

// Verify verifies a message that carries its content.
func (m *Message) Verify(o Options) (*sig.Result, error) {
	if m.Content == nil {
		return nil, sig.Errorf(sig.Malformed, Scheme, "the message carries no content")
	}
	c, err := m.Open(o)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, m.Content)
}
