package trust

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
	"strings"
	"sync/atomic"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A Shown is what a device showed of itself in a TLS handshake: what is told of
// its certificate, and not the certificate, so that idle clients stay small.
type Shown struct {
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

// A Watched is a transport that notes which certificate the device shows. It
// changes nothing.
type Watched struct {
	http.RoundTripper
	host     string
	verified camsec.State
	last     atomic.Pointer[noted]
}

type noted struct {
	Shown
	hash uint64
}

// Watch watches the handshakes of a transport whose requests go to host.
// verified is on where a handshake would fail without roots that vouch for the
// certificate, and unknown where a pin, or nothing, decides.
func Watch(rt http.RoundTripper, host string, verified camsec.State) *Watched {
	return &Watched{RoundTripper: rt, host: strings.Trim(host, "[]"), verified: verified}
}

// Shown returns what the last handshake showed, without any I/O; false if
// there was none yet, or only plain HTTP.
func (w *Watched) Shown() (Shown, bool) {
	seen := w.last.Load()
	if seen == nil {
		return Shown{}, false
	}
	return seen.Shown, true
}

var certificateSeed = maphash.MakeSeed()

// RoundTrip implements [http.RoundTripper].
func (w *Watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err == nil && resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		w.note(resp.TLS.PeerCertificates[0])
	}
	return resp, err
}

func (w *Watched) note(leaf *x509.Certificate) {
	hash := maphash.Bytes(certificateSeed, leaf.Raw)
	if last := w.last.Load(); last != nil && last.hash == hash {
		return
	}
	w.last.Store(&noted{hash: hash, Shown: Shown{
		Issuer:     wire.Clean(leaf.Issuer.String(), 80),
		SelfSigned: bytes.Equal(leaf.RawIssuer, leaf.RawSubject),
		NotBefore:  leaf.NotBefore, NotAfter: leaf.NotAfter,
		NameMatches: leaf.VerifyHostname(w.host) == nil,
		Verified:    w.verified,
		Key:         keyName(leaf), Signature: leaf.SignatureAlgorithm.String(),
	}})
}

// File files the settings tls.certificate.*, or why they are not known.
func (w *Watched) File(s *wire.Settings, plainHTTP bool, now time.Time) {
	c, ok := w.Shown()
	none := &camsec.Problem{Code: camsec.ReasonNotReadable, Message: "no TLS handshake was seen"}
	switch {
	case ok:
		none = nil
	case s.Stopped() != nil:
		none = camsec.ProblemOf(s.Stopped())
	case plainHTTP:
		none.Message = "the device was asked over plain HTTP"
	}
	s.Document("TLS handshake", camsec.Recorded, none)
	add := func(id, path string, v camsec.Value, why *camsec.Problem) {
		s.Add("tls.certificate."+id, "certificate/"+path, v, why)
	}
	add("verified", "issuer", wire.StateValue(c.Verified),
		&camsec.Problem{Code: camsec.ReasonNotReadable, Message: "not verified against roots: a pin, or nothing, decided"})
	add("self-signed", "issuer", camsec.ValueOf(c.SelfSigned), nil)
	add("days-left", "validity", camsec.ValueOf(c.DaysLeft(now)), nil)
	add("name-matches", "subjectAltName", camsec.ValueOf(c.NameMatches), nil)
	add("key", "subjectPublicKeyInfo", camsec.ValueOf(c.Key), nil)
	add("signature", "signatureAlgorithm", camsec.ValueOf(c.Signature), nil)
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

// DaysLeft is how many whole days the certificate is still good for; negative
// if it is not valid now.
func (c Shown) DaysLeft(now time.Time) int {
	if now.Before(c.NotBefore) {
		return -1
	}
	return int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))
}
