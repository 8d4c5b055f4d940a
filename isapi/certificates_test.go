package isapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// The whole way of an owner's certificate: the device makes a key and a
// request, an authority signs, the device shows it in a new handshake.
func TestCertificates(t *testing.T) {
	dev, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true, TLS: true})
	require.NoError(t, err)
	defer dev.Close()
	open := func(policy trust.Policy) *isapi.Client {
		c, err := isapi.New("https://camera.test", auth.Static(dev.User(), secret(dev.Password())), &isapi.Options{
			DialContext: dev.Host().DialContext, Trust: policy, Settle: -1,
		})
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	c := open(trust.InsecureAny())

	_, err = c.CertificateRequest(t.Context())
	require.Error(t, err, "none was made")
	change, err := c.CreateCertificateRequest(t.Context(), []byte("<CertificateReq/>"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "a new request, signed by its key"}, change)
	dev.Misbehave("PUT /ISAPI/Security/serverCertificate/certSignReq", isapitest.Behaviour{Effect: isapitest.Ignored, Nth: 1})
	change, err = c.CreateCertificateRequest(t.Context(), []byte("<CertificateReq/>"))
	require.Error(t, err)
	assert.Empty(t, change.Proof)
	assert.NotEqual(t, camsec.Applied, change.Outcome)
	der, err := c.CertificateRequest(t.Context())
	require.NoError(t, err)
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	change, err = c.ImportCertificate(t.Context(), sign(foreign.Public()))
	require.ErrorContains(t, err, "certificateNotmatch", "another key's")
	assert.Equal(t, camsec.NotApplied, change.Outcome)

	change, err = c.ImportCertificate(t.Context(), issue(der))
	require.NoError(t, err)
	assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "shown in a new handshake"}, change)

	first, err := dev.Host().Certificate()
	require.NoError(t, err)
	pinned, err := trust.Pins(trust.PinOf(first))
	require.NoError(t, err)
	_, err = open(pinned).DeviceInfo(t.Context())
	require.ErrorIs(t, err, camsec.ErrUntrusted, "a pin to the old one holds no more")

	dev.Misbehave("PUT /ISAPI/Security/serverCertificate/selfSignCert", isapitest.Behaviour{Effect: isapitest.Ignored, Nth: 1})
	change, err = c.CreateSelfSignedCertificate(t.Context(), []byte("<SelfSignCert/>"))
	require.ErrorIs(t, err, isapi.ErrUnproven)
	assert.Equal(t, camsec.OutcomeUnknown, change.Outcome)
	change, err = c.CreateSelfSignedCertificate(t.Context(), []byte("<SelfSignCert/>"))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
}

func TestSelectCertificate(t *testing.T) {
	b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
	now, err := b.client.SelectedCertificate(t.Context(), "HTTPS")
	require.NoError(t, err)
	assert.Equal(t, isapi.CertificateSelection{Server: "factory"}, now)
	choice := isapi.CertificateSelection{Server: "owner-1"}
	c, err := b.client.SelectCertificate(t.Context(), "HTTPS", choice)
	require.NoError(t, err)
	assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "read back"}, c)
	now, err = b.client.SelectedCertificate(t.Context(), "HTTPS")
	require.NoError(t, err)
	assert.Equal(t, choice, now)
	now, err = b.client.SelectedCertificate(t.Context(), "ieee802.1x")
	require.NoError(t, err)
	assert.Equal(t, "factory", now.Server, "another function's stays")
	c, err = b.client.SelectCertificate(t.Context(), "HTTPS", choice)
	require.NoError(t, err)
	assert.Equal(t, "unchanged: was so already", c.Proof)
	_, err = b.client.SelectCertificate(t.Context(), "HTTPS", isapi.CertificateSelection{SRTPAlgorithm: "AES256"})
	require.ErrorIs(t, err, errors.ErrUnsupported, "the document has no such field")
	_, err = b.client.SelectedCertificate(t.Context(), "coffee")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	b.Fail("PUT /ISAPI/Security/certificate/select/HTTPS", http.StatusForbidden, "")
	_, err = b.client.SelectCertificate(t.Context(), "HTTPS", isapi.CertificateSelection{Server: "x"})
	require.ErrorIs(t, err, camsec.ErrForbidden)
	assert.Len(t, b.tap.writes(), 2)

	_, err = b.client.ImportCertificate(t.Context(), []byte("not one"))
	require.ErrorContains(t, err, "certificateFormatIllegal")
}

// The list follows what the device shows.
func TestCertificateList(t *testing.T) {
	b := newBench(t, isapitest.CurrentCamera(), nil)
	list, err := b.client.Certificates(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, "factory", list[0].ID)
	assert.Equal(t, []string{"HTTPS", "WebSocketS"}, list[0].Functions)
	assert.Equal(t, "normal", list[0].Status)
	leaf, err := b.Host().Certificate()
	require.NoError(t, err)
	assert.Equal(t, leaf.NotAfter.UTC().Truncate(24*time.Hour), list[0].NotAfter)
	for body, want := range map[string]error{
		`{"ServerCertificates":{"CertificateInfo":[]}}`:                          nil,
		`{"ServerCertificates":{"CertificateInfo":[{"startDate":"yesterday"}]}}`: nil,
		`{"Other":1}`: camsec.ErrMalformed,
		`[`:           camsec.ErrMalformed,
	} {
		b.SetDocument("GET /ISAPI/Security/serverCertificate/certificates", []byte(body))
		list, err = b.client.Certificates(t.Context())
		require.ErrorIs(t, err, want, body)
		for _, c := range list {
			assert.Zero(t, c.NotBefore)
		}
	}
}

// issue has an authority of the test sign a request.
func issue(request []byte) []byte {
	req, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil
	}
	return sign(req.PublicKey)
}

func sign(key any) []byte {
	ca, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "camera.test"}, DNSNames: []string{"camera.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "owner"}}, key, ca)
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})
}

const requestKey = "GET /ISAPI/Security/serverCertificate/downloadCertSignReq"

// request is a certificate request as a device hands it out.
var request = sync.OnceValue(func() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "camera"}}, key)
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
})
