package isapi

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"hash/maphash"
	"math"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/camsec/camsec"
)

// A Certificate is what a device showed of itself in a TLS handshake.
type Certificate struct {
	Issuer     string
	SelfSigned bool
	NotBefore  time.Time
	NotAfter   time.Time
	// NameMatches tells whether it is for the host that the client connects
	// to.
	NameMatches bool
	// Verified is on if it was verified against roots, as the handshake would
	// have failed otherwise, and unknown where a pin, or nothing, decided.
	Verified  camsec.State
	Key       string // "RSA 2048", "ECDSA P-256", "Ed25519"
	Signature string // "SHA256-RSA", as [x509.SignatureAlgorithm] has it
}

// Certificate returns the certificate of the last handshake, without any
// I/O; false if there was none yet, or the client speaks plain HTTP.
func (c *Client) Certificate() (Certificate, bool) {
	seen := c.handshake.last.Load()
	if seen == nil {
		return Certificate{}, false
	}
	return seen.Certificate, true
}

// A handshake watches which certificate a device shows. It keeps what is told
// of it and not the certificate, so that idle clients stay small.
type handshake struct {
	host     string
	verified camsec.State
	last     atomic.Pointer[seenCertificate]
}

type seenCertificate struct {
	Certificate
	hash uint64
}

// A watchedTransport notes certificates on their way. It changes nothing.
type watchedTransport struct {
	http.RoundTripper
	seen *handshake
}

var certificateSeed = maphash.MakeSeed()

func (t watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.RoundTripper.RoundTrip(r)
	if err == nil && resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		t.seen.note(resp.TLS.PeerCertificates[0])
	}
	return resp, err
}

func (h *handshake) note(leaf *x509.Certificate) {
	hash := maphash.Bytes(certificateSeed, leaf.Raw)
	if last := h.last.Load(); last != nil && last.hash == hash {
		return
	}
	h.last.Store(&seenCertificate{hash: hash, Certificate: Certificate{
		Issuer:     clean(leaf.Issuer.String()),
		SelfSigned: bytes.Equal(leaf.RawIssuer, leaf.RawSubject),
		NotBefore:  leaf.NotBefore, NotAfter: leaf.NotAfter,
		NameMatches: leaf.VerifyHostname(h.host) == nil,
		Verified:    h.verified,
		Key:         keyName(leaf), Signature: leaf.SignatureAlgorithm.String(),
	}})
}

func keyName(leaf *x509.Certificate) string {
	switch k := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return leaf.PublicKeyAlgorithm.String()
}

// daysLeft is how many whole days the certificate is still good for; negative
// if it is not valid now.
func (c Certificate) daysLeft(now time.Time) int {
	if now.Before(c.NotBefore) {
		return -1
	}
	return int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))
}
