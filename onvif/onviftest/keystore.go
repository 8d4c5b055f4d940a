package onviftest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"sync"
	"time"
)

// A keystore is the device's keys and certificates, and what it serves.
type keystore struct {
	mu       sync.Mutex
	n        int
	keys     []storedKey
	certs    []storedCertificate
	paths    []storedPath
	assigned []string // paths, to the TLS server
	signing  []string // paths, to media
	phrases  []phrase
	crls     []crl
	policies []policy
	judging  []string // policies, of the TLS server
	dot1x    []dot1x
	used1x   string
	servers  []authorizationServer
	jwt      jwt
	clients  bool // client certificates are required
	cnIsUser bool // and tell who it is
	versions string
	serving  *tls.Certificate
	now      func() time.Time
	// Sticky keeps what is served as it is, whatever is assigned.
	sticky bool
}

type storedKey struct {
	id, alias string
	key       crypto.Signer // nil: public only
	public    []byte        // SubjectPublicKeyInfo
	polls     int           // until it is made
	external  bool
}

type storedCertificate struct {
	id, alias, keyID string
	der              []byte
}

type storedPath struct {
	id, alias string
	certs     []string
}

func newKeystore(now func() time.Time) (*keystore, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := selfSigned("camera.test", now(), key)
	if err != nil {
		return nil, err
	}
	k := &keystore{now: now, versions: "1.2 1.3"}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	k.keys = []storedKey{{id: "factory-key", key: key, public: x.RawSubjectPublicKeyInfo}}
	k.certs = []storedCertificate{{id: "factory-cert", keyID: "factory-key", der: der}}
	k.paths = []storedPath{{id: "factory-path", certs: []string{"factory-cert"}}}
	k.assigned, k.signing = []string{"factory-path"}, []string{"factory-path"}
	k.settle()
	return k, nil
}

func (k *keystore) id(kind string) string {
	k.n++
	return fmt.Sprintf("%s-%d", kind, k.n)
}

func (k *keystore) keyAt(id string) int {
	return slices.IndexFunc(k.keys, func(s storedKey) bool { return s.id == id })
}

func (k *keystore) certAt(id string) int {
	return slices.IndexFunc(k.certs, func(s storedCertificate) bool { return s.id == id })
}

func (k *keystore) pathAt(id string) int {
	return slices.IndexFunc(k.paths, func(s storedPath) bool { return s.id == id })
}

// settle makes what is assigned what is served.
func (k *keystore) settle() {
	if k.sticky {
		return
	}
	k.serving = nil
	if len(k.assigned) == 0 {
		return
	}
	path := k.paths[k.pathAt(k.assigned[0])]
	out := &tls.Certificate{}
	for i, id := range path.certs {
		c := k.certs[k.certAt(id)]
		out.Certificate = append(out.Certificate, c.der)
		if i == 0 {
			out.PrivateKey = k.keys[k.keyAt(c.keyID)].key
		}
	}
	k.serving = out
}

func (k *keystore) make(key crypto.Signer, alias string, polls int, external bool) (string, error) {
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", err
	}
	s := storedKey{id: k.id("key"), alias: alias, key: key, public: public, polls: polls, external: external}
	k.keys = append(k.keys, s)
	return s.id, nil
}

// add stores a certificate and finds, or makes, its key.
func (k *keystore) add(der []byte, alias string, keyRequired bool) (id, keyID string, err error) {
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return "", "", sender("No certificate", "ter:InvalidArgVal", "ter:BadCertificate")
	}
	if len(k.certs) >= maxCertificates {
		return "", "", full("ter:MaximumNumberOfCertificatesReached")
	}
	at := slices.IndexFunc(k.keys, func(s storedKey) bool { return bytes.Equal(s.public, x.RawSubjectPublicKeyInfo) })
	switch {
	case at >= 0:
		keyID = k.keys[at].id
	case keyRequired:
		return "", "", &faultError{500, "Receiver", "No such key", []string{"ter:Action", "ter:NoMatchingPrivateKey"}}
	default:
		keyID = k.id("key")
		k.keys = append(k.keys, storedKey{id: keyID, public: x.RawSubjectPublicKeyInfo, external: true})
	}
	c := storedCertificate{id: k.id("cert"), alias: alias, keyID: keyID, der: der}
	k.certs = append(k.certs, c)
	return c.id, keyID, nil
}

func generate(bits int) (crypto.Signer, error) {
	if bits == 0 {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

func selfSigned(name string, now time.Time, key crypto.Signer) ([]byte, error) {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{"camera.test", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(10 * 365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	return x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
}

// keyReferred tells whether something would miss a key, and so on.
func (k *keystore) keyReferred(id string) bool {
	return slices.ContainsFunc(k.certs, func(c storedCertificate) bool { return c.keyID == id }) ||
		slices.ContainsFunc(k.servers, func(s authorizationServer) bool { return s.key == id }) || slices.Contains(k.jwt.keys, id)
}

func (k *keystore) certReferred(id string) bool {
	return slices.ContainsFunc(k.paths, func(p storedPath) bool { return slices.Contains(p.certs, id) }) ||
		slices.ContainsFunc(k.policies, func(p policy) bool { return slices.Contains(p.anchors, id) }) ||
		slices.ContainsFunc(k.servers, func(s authorizationServer) bool { return s.cert == id })
}

func (k *keystore) pathReferred(id string) bool {
	return slices.Contains(k.assigned, id) || slices.Contains(k.signing, id) || k.inDot1X(func(s stage) string { return s.path }, id)
}

func (k *keystore) policyReferred(id string) bool {
	return slices.Contains(k.judging, id) || k.jwt.policy == id || k.inDot1X(func(s stage) string { return s.policy }, id) ||
		slices.ContainsFunc(k.servers, func(s authorizationServer) bool { return s.policy == id })
}

func (k *keystore) hasServerCertificate() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.assigned) > 0
}

// Certificate returns the certificate that the device serves over TLS.
func (d *Device) Certificate() (*x509.Certificate, error) {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	if d.store.serving == nil {
		return nil, errNotServing
	}
	return x509.ParseCertificate(d.store.serving.Certificate[0])
}

// SetStickyCertificate has the TLS server keep the certificate that it serves,
// whatever is assigned.
func (d *Device) SetStickyCertificate(on bool) {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	d.store.sticky = on
}

// Keystore counts what the keystore holds: keys, certificates, paths, and
// names the paths that are assigned.
func (d *Device) Keystore() (keys, certificates, paths int, assigned []string) {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	return len(d.store.keys), len(d.store.certs), len(d.store.paths), slices.Clone(d.store.assigned)
}

// RemoveServerCertificates leaves the TLS server without a certificate.
func (d *Device) RemoveServerCertificates() {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	d.store.assigned = nil
	d.store.settle()
}
