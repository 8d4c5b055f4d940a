package onvif_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// authority is an owner's, with one intermediate.
type authority struct {
	root, middle *x509.Certificate
	key          *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	make := func(name string, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
			NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
		if parent == nil {
			parent, by = tmpl, key
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), by)
		require.NoError(t, err)
		x, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return x, key
	}
	root, rootKey := make("Owner's root", nil, nil)
	middle, key := make("Owner's cameras", root, rootKey)
	return &authority{root, middle, key}
}

func (a *authority) sign(_ context.Context, r *x509.CertificateRequest) ([][]byte, error) {
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: r.Subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: r.DNSNames, IPAddresses: r.IPAddresses, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.middle, r.PublicKey, a.key)
	return [][]byte{der, a.middle.Raw}, err
}

// dialHTTPS reaches the device's TLS server wherever it listens.
func dialHTTPS(d *onviftest.Device) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		at := d.PortOf("HTTPS")
		if at == "" {
			return nil, errors.New("not listening")
		}
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}
}

func httpsOn(d *onviftest.Device) bool {
	for _, p := range d.Protocols() {
		if p.Name == "HTTPS" {
			return p.Enabled
		}
	}
	return false
}

// The whole way, over plain HTTP at first, on a device whose HTTPS is off;
// after it a client that trusts the owner's root alone gets in over HTTPS.
func TestInstallCertificate(t *testing.T) {
	for name, bits := range map[string]int{"elliptic": 0, "RSA": 2048} {
		t.Run(name, func(t *testing.T) {
			p := onviftest.Current()
			p.Protocols[1].Enabled = false
			d := onviftest.New(t, p)
			c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
			require.NoError(t, err)
			defer c.Close()
			ca := newAuthority(t)
			got, change, err := c.InstallCertificate(t.Context(), ca.sign, &onvif.InstallOptions{RSABits: bits, Dial: dialHTTPS(d)})
			require.NoError(t, err)
			assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "fresh handshake"}, change)
			assert.Equal(t, "factory-path", got.Replaced)
			assert.Len(t, got.CertificateIDs, 2)
			assert.True(t, httpsOn(d))
			served, err := d.Certificate()
			require.NoError(t, err)
			assert.Equal(t, got.Leaf.Raw, served.Raw)
			require.NoError(t, got.Leaf.VerifyHostname("127.0.0.1"), "the address that was dialled is in it")

			pool := x509.NewCertPool()
			pool.AddCert(ca.root)
			s, err := onvif.New("https://"+d.PortOf("HTTPS"), auth.Static(d.User(), secret(d.Password())), &onvif.Options{Trust: trust.Roots(pool)})
			require.NoError(t, err)
			defer s.Close()
			_, err = s.DeviceInformation(t.Context())
			require.NoError(t, err)
		})
	}
}

// On a device that had no certificate assigned, the path is added.
func TestInstallFirstCertificate(t *testing.T) {
	p := onviftest.Current()
	p.Protocols[1].Enabled = false
	d := onviftest.New(t, p)
	d.RemoveServerCertificates()
	c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.SwitchProtocol(t.Context(), "HTTPS", true)
	require.ErrorIs(t, err, onvif.ErrNoTLS)
	got, _, err := c.InstallCertificate(t.Context(), newAuthority(t).sign, &onvif.InstallOptions{Dial: dialHTTPS(d)})
	require.NoError(t, err)
	assert.Empty(t, got.Replaced)
}

// Whatever fails, the device is as it was before.
func TestInstallCertificateRollsBack(t *testing.T) {
	ca := newAuthority(t)
	for name, tt := range map[string]struct {
		sign  onvif.Signer
		start func(*onviftest.Device)
		dial  func(*onviftest.Device) func(context.Context, string, string) (net.Conn, error)
		want  error
	}{
		"the signer refuses": {sign: func(context.Context, *x509.CertificateRequest) ([][]byte, error) { return nil, errors.New("no") }},
		"no certificate":     {sign: func(context.Context, *x509.CertificateRequest) ([][]byte, error) { return nil, nil }},
		"of another key": {sign: func(ctx context.Context, r *x509.CertificateRequest) ([][]byte, error) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				return nil, err
			}
			return ca.sign(ctx, &x509.CertificateRequest{Subject: r.Subject, PublicKey: key.Public()})
		}},
		"a broken chain": {sign: func(ctx context.Context, r *x509.CertificateRequest) ([][]byte, error) {
			chain, err := ca.sign(ctx, r)
			return [][]byte{chain[0], ca.root.Raw}, err
		}},
		"junk":                         {sign: func(context.Context, *x509.CertificateRequest) ([][]byte, error) { return [][]byte{{1}}, nil }},
		"the server goes on as before": {sign: ca.sign, start: func(d *onviftest.Device) { d.SetStickyCertificate(true) }, want: onvif.ErrNotVerified},
		"nobody answers there": {sign: ca.sign, dial: func(*onviftest.Device) func(context.Context, string, string) (net.Conn, error) {
			return func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
		}, want: net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := onviftest.Current()
			p.Protocols[1].Enabled = false
			d := onviftest.New(t, p)
			if tt.start != nil {
				tt.start(d)
			}
			dial := dialHTTPS
			if tt.dial != nil {
				dial = tt.dial
			}
			k0, c0, p0, a0 := d.Keystore()
			c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
			require.NoError(t, err)
			defer c.Close()
			got, change, err := c.InstallCertificate(t.Context(), tt.sign, &onvif.InstallOptions{Dial: dial(d)})
			require.Error(t, err)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			assert.Equal(t, camsec.NotApplied, change.Outcome)
			assert.Equal(t, onvif.Installed{}, got)
			k1, c1, p1, a1 := d.Keystore()
			assert.Equal(t, []any{k0, c0, p0, a0}, []any{k1, c1, p1, a1})
			assert.False(t, httpsOn(d))
		})
	}
}

func TestInstallCertificateWithoutTheService(t *testing.T) {
	d := start(t, onviftest.Pelco(), nil)
	_, change, err := client(t, d, nil).InstallCertificate(t.Context(), newAuthority(t).sign, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Equal(t, camsec.NotApplied, change.Outcome)
}

func TestKeysAreAwaited(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	id, takes, change, err := c.CreateECCKeyPair(t.Context(), "P-256", "x")
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Equal(t, 10*time.Millisecond, takes)
	require.NoError(t, c.AwaitKey(t.Context(), id, takes))
	_, err = c.KeyStatus(t.Context(), "none")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.DeleteKey(t.Context(), "factory-key")
	require.ErrorIs(t, err, onvif.ErrInUse)
	_, err = c.DeleteCertificationPath(t.Context(), "factory-path")
	require.ErrorIs(t, err, onvif.ErrInUse)
	_, _, _, err = c.CreateRSAKeyPair(t.Context(), 1024, "")
	require.Error(t, err)
}

func TestKeysDoNotGoOverPlainHTTP(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	_, _, err := c.UploadPKCS8(t.Context(), secret("k"), "")
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	_, _, _, err = c.UploadPKCS12(t.Context(), secret("k"), secret("p"), "")
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	_, _, err = c.UploadPassphrase(t.Context(), secret("k"), "")
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	_, err = c.SetInterfaceDot1X(t.Context(), "eth0", "x")
	require.ErrorIs(t, err, onvif.ErrCutOff)
	_, err = c.SetClientAuthentication(t.Context(), true)
	require.ErrorIs(t, err, onvif.ErrCutOff)
	assert.Zero(t, d.Host().Requests())
}
