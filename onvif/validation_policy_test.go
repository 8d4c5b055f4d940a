package onvif_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
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

// client has the authority sign a certificate for a person or program.
func (a *authority) client(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	}, a.middle, key.Public(), a.key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der, a.middle.Raw}, PrivateKey: key}
}

// revoke has the authority sign a list of what is no longer good.
func (a *authority) revoke(t *testing.T, certs ...tls.Certificate) []byte {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour)}
	for _, c := range certs {
		x, err := x509.ParseCertificate(c.Certificate[0])
		require.NoError(t, err)
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: x.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.middle, a.key)
	require.NoError(t, err)
	return der
}

// What is assigned decides at the next handshake who gets in, and as whom; a
// revocation list takes it back.
func TestClientCertificates(t *testing.T) {
	d, err := onviftest.Start(onviftest.Current(), &onviftest.Options{TLS: true})
	require.NoError(t, err)
	defer d.Close()
	ours, theirs := newAuthority(t), newAuthority(t)
	admin, guard, foreign, nobody := ours.client(t, "admin"), ours.client(t, "guard"), theirs.client(t, "admin"), ours.client(t, "nobody")

	open := func(source auth.Source, certs ...tls.Certificate) *onvif.Client {
		c, err := onvif.New(d.Addr(), source, &onvif.Options{Trust: trust.InsecureAny().WithCertificates(certs...)})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, c.Close()) })
		return c
	}
	c := open(auth.Static(d.User(), secret(d.Password())), admin)
	_, err = c.SetClientAuthentication(t.Context(), true, onvif.AllowCutOff)
	require.ErrorIs(t, err, onvif.ErrNoPolicy, "nothing to judge by")
	_, err = c.SetCnMapsToUser(t.Context(), true)
	require.ErrorIs(t, err, onvif.ErrNoPolicy)

	anchor, _, _, err := c.UploadCertificate(t.Context(), ours.root.Raw, "owner", false)
	require.NoError(t, err)
	policy, change, err := c.CreateValidationPolicy(t.Context(), onvif.ValidationPolicy{Alias: "staff", TrustAnchors: []string{anchor}, RequireClientAuthUsage: true})
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	_, _, err = c.CreateValidationPolicy(t.Context(), onvif.ValidationPolicy{TrustAnchors: []string{"none"}})
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, _, err = c.CreateValidationPolicy(t.Context(), onvif.ValidationPolicy{})
	require.Error(t, err, "no anchor")
	_, err = c.DeleteCertificate(t.Context(), anchor)
	require.ErrorIs(t, err, onvif.ErrInUse, "a policy ends at it")
	_, err = c.AddServerPolicy(t.Context(), "none")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	for _, do := range []func() (camsec.Change, error){
		func() (camsec.Change, error) { return c.AddServerPolicy(t.Context(), policy) },
		func() (camsec.Change, error) { return c.SetCnMapsToUser(t.Context(), true) },
		func() (camsec.Change, error) { return c.SetClientAuthentication(t.Context(), true, onvif.AllowCutOff) },
	} {
		change, err := do()
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, change.Outcome)
	}
	_, err = c.DeleteValidationPolicy(t.Context(), policy)
	require.ErrorIs(t, err, onvif.ErrInUse)

	// The way that we came by is not to be closed unawares.
	_, err = c.RemoveServerPolicy(t.Context(), policy)
	require.ErrorIs(t, err, onvif.ErrCutOff)
	_, err = c.ReplaceServerPolicy(t.Context(), policy, policy)
	require.ErrorIs(t, err, onvif.ErrCutOff)
	_, err = c.SetValidationPolicy(t.Context(), onvif.ValidationPolicy{ID: policy, TrustAnchors: []string{"factory-cert"}})
	require.ErrorIs(t, err, onvif.ErrCutOff)

	in := func(certs ...tls.Certificate) error {
		_, err := open(nil, certs...).DeviceInformation(t.Context())
		return err
	}
	failed := d.Host().FailedLogins()
	require.NoError(t, in(admin))
	require.NoError(t, in(guard))
	require.Error(t, in(), "no certificate")
	require.Error(t, in(foreign), "of another authority")
	require.ErrorIs(t, in(nobody), camsec.ErrForbidden, "no such account")
	users, err := open(nil, admin).Users(t.Context())
	require.NoError(t, err)
	assert.Len(t, users, 3)
	_, err = open(nil, guard).Users(t.Context())
	require.ErrorIs(t, err, camsec.ErrForbidden, "an operator may not")
	assert.Equal(t, failed, d.Host().FailedLogins(), "no password was tried")

	crl, _, err := c.UploadCRL(t.Context(), ours.revoke(t, guard), "lost badge")
	require.NoError(t, err)
	require.Error(t, in(guard))
	require.NoError(t, in(admin))
	lists, err := c.CRLs(t.Context())
	require.NoError(t, err)
	require.Len(t, lists, 1)
	read, err := lists[0].Parse()
	require.NoError(t, err)
	assert.Len(t, read.RevokedCertificateEntries, 1)
	_, _, err = c.UploadCRL(t.Context(), theirs.revoke(t, admin), "none of theirs")
	require.NoError(t, err)
	require.NoError(t, in(admin), "a list of another authority revokes nothing")
	_, _, err = c.UploadCRL(t.Context(), []byte("junk"), "")
	f, ok := asFault(err)
	require.True(t, ok)
	assert.Equal(t, []string{"InvalidArgVal", "BadCRL"}, f.Subcodes)
	_, err = c.DeleteCRL(t.Context(), crl)
	require.NoError(t, err)
	require.NoError(t, in(guard))
	_, err = c.DeleteCRL(t.Context(), crl)
	require.ErrorIs(t, err, camsec.ErrNotFound)

	_, err = c.RemoveServerPolicy(t.Context(), policy, onvif.AllowCutOff)
	require.NoError(t, err)
	require.Error(t, in(admin), "nothing lets anybody in")
}

// A server that asks for a client's certificate still shows its own, which is
// all that the proof of a new one takes.
func TestInstallCertificateWhereClientsAreAsked(t *testing.T) {
	for _, version := range []string{"1.2", "1.3"} {
		t.Run(version, func(t *testing.T) {
			d := onviftest.New(t, onviftest.Current())
			c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), nil)
			require.NoError(t, err)
			defer c.Close()
			_, err = assignPolicy(t.Context(), c)
			require.NoError(t, err)
			_, err = c.SetClientAuthentication(t.Context(), true, onvif.AllowCutOff)
			require.NoError(t, err)
			_, err = c.SetEnabledTLSVersions(t.Context(), version)
			require.NoError(t, err)
			conn, err := tls.Dial("tcp", d.PortOf("HTTPS"), &tls.Config{InsecureSkipVerify: true})
			if version == "1.3" { // where the client is done before the server has judged
				require.NoError(t, err)
				assert.Equal(t, uint16(tls.VersionTLS13), conn.ConnectionState().Version)
				_, err = conn.Read(make([]byte, 1))
			}
			require.Error(t, err)
			_, change, err := c.InstallCertificate(t.Context(), newAuthority(t).sign, &onvif.InstallOptions{Dial: dialHTTPS(d)})
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, change.Outcome)
		})
	}
}
