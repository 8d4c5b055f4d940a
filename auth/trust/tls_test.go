package trust_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func ecKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func rsaKey(t testing.TB, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return key
}

// template is what a camera of today makes for itself.
func template() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(0x7a7a7a7a),
		Subject:      pkix.Name{CommonName: "192.0.2.64"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:     []string{"cam.example"},
	}
}

// selfSigned returns a certificate for key, changed by edits.
func selfSigned(t testing.TB, key crypto.Signer, edits ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	tmpl := template()
	for _, edit := range edits {
		edit(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// camera is a TLS server on loopback that answers one line by another.
type camera struct {
	addr string

	mu    sync.Mutex
	lines []string // what clients sent after a handshake
	certs int      // client certificates shown in the last handshake
}

func newCamera(t testing.TB, cfg *tls.Config) *camera {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cam := &camera{addr: ln.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { cam.serve(tls.Server(conn, cfg)) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return cam
}

func (c *camera) serve(conn *tls.Conn) {
	defer conn.Close()
	if conn.Handshake() != nil {
		return
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	c.mu.Lock()
	if line != "" {
		c.lines = append(c.lines, line)
	}
	c.certs = len(conn.ConnectionState().PeerCertificates)
	c.mu.Unlock()
	if err == nil {
		_, _ = io.WriteString(conn, "ok\n")
	}
}

func (c *camera) received() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.lines...)
}

// hello makes one connection and exchange.
func (c *camera) hello(t testing.TB, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	raw, err := net.Dial("tcp", c.addr)
	require.NoError(t, err)
	conn := tls.Client(raw, cfg)
	defer conn.Close()
	if err := conn.HandshakeContext(t.Context()); err != nil {
		return tls.ConnectionState{}, err
	}
	if _, err := io.WriteString(conn, "credential\n"); err != nil {
		return tls.ConnectionState{}, err
	}
	_, err = bufio.NewReader(conn).ReadString('\n')
	return conn.ConnectionState(), err
}
