package trust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

type mode uint8

const (
	modeVerified mode = iota
	modePinned
	modeFirstUse
	modeInsecure
)

// A Policy says which certificates to accept for a device. The zero Policy
// verifies against the system's roots. No way of leaving something out makes
// it weaker: nil roots, no pins and a nil store accept nothing.
//
// A Policy is immutable and safe for concurrent use.
type Policy struct {
	mode         mode
	legacy       bool
	roots        *x509.CertPool // nil: the system's
	pins         []string
	store        Store
	storeMu      *sync.Mutex
	serverName   string
	now          func() time.Time
	certificates []tls.Certificate
}

// System returns the zero Policy: chain, dates and name are verified against
// the system's roots.
func System() Policy { return Policy{} }

// Roots returns a Policy that verifies chain, dates and name against the
// caller's own roots only. A nil pool holds no root: nothing is accepted. The
// pool is not copied and must not change afterwards.
func Roots(pool *x509.CertPool) Policy {
	if pool == nil {
		pool = x509.NewCertPool()
	}
	return Policy{roots: pool}
}

// Pins returns a Policy that accepts a device whose leaf key has one of the
// pins, in the form of [PinOf]. Names and dates are not looked at. Several
// pins allow for a planned change of key. No pins, or a malformed one, is an
// error, and the Policy returned with it is the zero Policy.
func Pins(pins ...string) (Policy, error) {
	if len(pins) == 0 {
		return Policy{}, errors.New("trust: no pins given")
	}
	for _, pin := range pins {
		if err := checkPin(pin); err != nil {
			return Policy{}, err
		}
	}
	return Policy{mode: modePinned, pins: slices.Clone(pins)}, nil
}

// FirstUse returns a Policy that records the pin of a device's key in store at
// first contact and from then on accepts that key only. A changed key is an
// [UntrustedError] with both pins, and the store is left as it was: accepting
// the new key takes a SetPin by the caller.
//
// A store that cannot be read or written accepts nothing. The pin is recorded
// during the handshake; when the handshake then fails, it stays recorded.
func FirstUse(store Store) Policy {
	return Policy{mode: modeFirstUse, store: store, storeMu: new(sync.Mutex)}
}

// InsecureAny returns a Policy that accepts any certificate. Whoever sits on
// the path can then read and change all that is sent.
func InsecureAny() Policy { return Policy{mode: modeInsecure} }

// LegacyTLS returns p extended to devices that speak only TLS 1.0 or 1.1, RSA
// key exchange, CBC with SHA-1 or 3DES. RC4 stays off. What p accepts as the
// device's identity does not change.
func LegacyTLS(p Policy) Policy {
	p.legacy = true
	return p
}

// WithServerName returns p with the name to verify, and to ask for by SNI, in
// place of the host that the connection goes to: for a certificate with a DNS
// name on a device that is reached by its IP address.
func (p Policy) WithServerName(name string) Policy {
	p.serverName = name
	return p
}

// WithTime returns p with a clock for the dates of certificates. Nil means
// [time.Now].
func (p Policy) WithTime(now func() time.Time) Policy {
	p.now = now
	return p
}

// WithCertificates returns p with client certificates for devices that ask for
// one. Without them none is sent.
func (p Policy) WithCertificates(certs ...tls.Certificate) Policy {
	p.certificates = slices.Clone(certs)
	return p
}

// Legacy tells whether p allows what [LegacyTLS] describes.
func (p Policy) Legacy() bool { return p.legacy }

// HasCertificates reports whether there is a client certificate to show to
// devices that ask for one.
func (p Policy) HasCertificates() bool { return len(p.certificates) > 0 }

// Insecure tells whether p accepts any certificate.
func (p Policy) Insecure() bool { return p.mode == modeInsecure }

// String returns "verified", "pinned", "first-use" or "insecure-tls", followed
// by "+legacy-tls" where that is allowed. Reports carry it.
func (p Policy) String() string {
	s := [...]string{"verified", "pinned", "first-use", "insecure-tls"}[p.mode]
	if p.legacy {
		s += "+legacy-tls"
	}
	return s
}

// TLSConfig returns a new configuration for one device: key is its
// camsec.Target.Key, under which a first-use store files it, and host the name
// or address that the connection goes to, with or without brackets and zone.
// The session cache in it belongs to this device and policy alone. The
// configuration offers no HTTP/2 and refuses renegotiation.
func (p Policy) TLSConfig(key, host string) *tls.Config {
	host = bareHost(host)
	name := host
	if p.serverName != "" {
		name = p.serverName
	}
	cfg := &tls.Config{
		ServerName: name,
		MinVersion: tls.VersionTLS12,
		// crypto/tls must not decide: VerifyConnection does, in every mode,
		// so that refusals carry the pin and resumed sessions are checked.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection: func(cs tls.ConnectionState) error {
			return p.Verify(key, host, cs)
		},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
		Renegotiation:      tls.RenegotiateNever,
		Certificates:       slices.Clone(p.certificates),
		Time:               p.now,
	}
	if p.legacy {
		cfg.MinVersion = tls.VersionTLS10
		cfg.CipherSuites = legacySuites()
	}
	return cfg
}

// Verify decides about a connection, as the configuration of
// [Policy.TLSConfig] does. A refusal is an [*UntrustedError]. Its only effect
// is that a first-use policy records a key that it sees for the first time.
func (p Policy) Verify(key, host string, cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return &UntrustedError{Reason: ReasonNoCertificate}
	}
	leaf := cs.PeerCertificates[0]
	pin := PinOf(leaf)
	switch p.mode {
	case modeInsecure:
		return nil
	case modePinned:
		if !slices.Contains(p.pins, pin) {
			return &UntrustedError{Pin: pin, Reason: ReasonPin, Expected: slices.Clone(p.pins)}
		}
		return nil
	case modeFirstUse:
		return p.verifyFirstUse(key, pin)
	default:
		return p.verifyChain(bareHost(host), pin, cs.PeerCertificates)
	}
}

func (p Policy) verifyFirstUse(key, pin string) error {
	if p.store == nil || key == "" {
		return &UntrustedError{Pin: pin, Reason: ReasonStore, Err: errors.New("trust: no store, or no key to file the device under")}
	}
	known, err := p.pinOnce(key, pin)
	if err == nil && known != pin {
		err = checkPin(known)
		if err == nil {
			return &UntrustedError{Pin: pin, Reason: ReasonPin, Expected: []string{known}}
		}
	}
	if err != nil {
		return &UntrustedError{Pin: pin, Reason: ReasonStore, Err: err}
	}
	return nil
}

// pinOnce returns the pin on record for key, after recording pin where there
// was none.
func (p Policy) pinOnce(key, pin string) (string, error) {
	if s, ok := p.store.(OnceStore); ok {
		return s.PinOnce(key, pin)
	}
	p.storeMu.Lock()
	defer p.storeMu.Unlock()
	known, err := p.store.Pin(key)
	if err != nil || known != "" {
		return known, err
	}
	return pin, p.store.SetPin(key, pin)
}

func (p Policy) verifyChain(host, pin string, certs []*x509.Certificate) error {
	name := host
	if p.serverName != "" {
		name = p.serverName
	}
	if name == "" {
		return &UntrustedError{Pin: pin, Reason: ReasonName, Err: errors.New("trust: no name to verify")}
	}
	opts := x509.VerifyOptions{
		DNSName:       name,
		Roots:         p.roots,
		Intermediates: x509.NewCertPool(),
	}
	if p.now != nil {
		opts.CurrentTime = p.now()
	}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := certs[0].Verify(opts); err != nil {
		return &UntrustedError{Pin: pin, Reason: reasonOf(err), Err: err}
	}
	return nil
}

// bareHost strips what a URL or a zoned address puts around a host.
func bareHost(host string) string {
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(bare); err == nil {
		return addr.WithZone("").String()
	}
	return bare
}

// legacySuites returns all suites of crypto/tls but RC4. They are named one by
// one in the configuration, because the GODEBUG settings that add them to the
// defaults are gone in Go 1.27 and are not a library's to set.
func legacySuites() []uint16 {
	var ids []uint16
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !strings.Contains(s.Name, "RC4") {
			ids = append(ids, s.ID)
		}
	}
	return ids
}
