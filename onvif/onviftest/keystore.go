package onviftest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"time"
)

// A keystore is the device's keys and certificates, and what it serves.
type keystore struct {
	mu      sync.Mutex
	serving *tls.Certificate
}

func newKeystore(now time.Time) (*keystore, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := selfSigned("camera.test", now, key)
	if err != nil {
		return nil, err
	}
	return &keystore{serving: &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}, nil
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

// serve gives the certificate that is assigned now.
func (k *keystore) serve(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.serving, nil
}

func (k *keystore) hasServerCertificate() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.serving != nil
}

// Certificate returns the certificate that the device serves over TLS.
func (d *Device) Certificate() (*x509.Certificate, error) {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	return x509.ParseCertificate(d.store.serving.Certificate[0])
}
