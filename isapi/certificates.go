package isapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http/httptrace"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// The certificate service. Paths and methods are the vendor's documentation's;
// no body of any device was seen, so that what is sent is the caller's own, as
// it stands, and what comes back is handed on as it came. What the wire itself
// can prove, it does.

// CreateCertificateRequest has the device make a key and a certificate request;
// body is the vendor's XML_CertificateReq. The proof is a request that can be
// downloaded, is signed by its own key, and is another than before.
//
//isapi:op PUT /ISAPI/Security/serverCertificate/certSignReq
func (c *Client) CreateCertificateRequest(ctx context.Context, body []byte) (camsec.Change, error) {
	op := writeOf("CreateCertificateRequest")
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	before, err := c.CertificateRequest(ctx)
	if err != nil && hopeless(ctx, err) {
		return notApplied(err)
	}
	a := c.attempt(ctx, op, body, `application/xml; charset="UTF-8"`)
	if a.refused != nil {
		return notApplied(a.refused)
	}
	change, err := c.resolve(ctx, op, a, func(ctx context.Context) (likeness, error) {
		now, err := c.CertificateRequest(ctx)
		switch {
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, camsec.ErrNotFound), errors.Is(err, camsec.ErrMalformed):
			return likeBefore, nil // none yet
		case err != nil:
			return likeNeither, err
		case bytes.Equal(now, before):
			return likeBefore, nil
		}
		return likeWanted, nil
	})
	if change.Outcome == camsec.Applied {
		change.Proof = "a new request, signed by its key"
	}
	return change, err
}

// CertificateRequest downloads the request that the device has made, in DER.
//
//isapi:op GET /ISAPI/Security/serverCertificate/downloadCertSignReq
func (c *Client) CertificateRequest(ctx context.Context) ([]byte, error) {
	op := operation("CertificateRequest")
	resp, err := c.send(ctx, c.transport(), op, wire.Small())
	if err != nil {
		return nil, err
	}
	doc, _ := parse(resp, wire.Small())
	if err := refusal(op, resp.Status, doc); err != nil {
		return nil, err
	}
	der := resp.Body
	if block, _ := pem.Decode(resp.Body); block != nil {
		der = block.Bytes
	}
	req, err := x509.ParseCertificateRequest(der)
	if err == nil {
		err = req.CheckSignature()
	}
	if err != nil {
		return nil, malformed(op, "not a signed certificate request")
	}
	return der, nil
}

// CreateSelfSignedCertificate has the device make a certificate of its own;
// body is the vendor's XML. The proof is that another certificate than before
// is shown in a new handshake, over https alone. A pin to the old one no longer
// holds, so that this client is then not trusting the device: the outcome is
// unknown to it, and a new pin must be taken from where the device is trusted.
//
//isapi:op PUT /ISAPI/Security/serverCertificate/selfSignCert
func (c *Client) CreateSelfSignedCertificate(ctx context.Context, body []byte) (camsec.Change, error) {
	before := c.shown(ctx)
	return c.putCertificate(ctx, "CreateSelfSignedCertificate", body, `application/xml; charset="UTF-8"`, func(leaf *x509.Certificate) bool {
		return before != nil && !leaf.Equal(before)
	})
}

// ImportCertificate gives the device a server certificate, in one of the forms
// that it takes (PEM, DER, PKCS#12). The proof is that it is shown in a new
// handshake, over https alone; of a PKCS#12 file that cannot be told.
//
//isapi:op PUT /ISAPI/Security/serverCertificate/certificate
func (c *Client) ImportCertificate(ctx context.Context, file []byte) (camsec.Change, error) {
	der := file
	if block, _ := pem.Decode(file); block != nil {
		der = block.Bytes
	}
	want, _ := x509.ParseCertificate(der)
	return c.putCertificate(ctx, "ImportCertificate", file, "application/octet-stream", func(leaf *x509.Certificate) bool {
		return want != nil && leaf.Equal(want)
	})
}

func (c *Client) putCertificate(ctx context.Context, name string, body []byte, contentType string, is func(*x509.Certificate) bool) (camsec.Change, error) {
	op := writeOf(name)
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if _, err := c.DeviceInfo(ctx); err != nil { // with a login, before the write
		return notApplied(err)
	}
	a := c.attempt(ctx, op, body, contentType)
	if a.refused != nil {
		return notApplied(a.refused)
	}
	seen, err := c.watch(ctx, min(c.settle, shortSettle), func(ctx context.Context) (likeness, error) {
		if leaf := c.shown(ctx); leaf != nil && is(leaf) {
			return likeWanted, nil
		}
		return likeBefore, nil
	})
	switch {
	case err == nil && seen == likeWanted:
		return camsec.Change{Outcome: camsec.Applied, RebootRequired: a.reboot, Proof: "shown in a new handshake"}, nil
	case a.lost != nil:
		return uncertain(op, a.reboot, a.lost)
	}
	return uncertain(op, a.reboot, ErrUnproven)
}

// shown returns the certificate of a new handshake, nil if there is none: over
// http, or with a device that is no longer trusted.
func (c *Client) shown(ctx context.Context) *x509.Certificate {
	if c.base.Scheme != "https" || c.readOnly {
		return nil
	}
	base, done := c.freshBase()
	defer done()
	var leaf *x509.Certificate
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: func(s tls.ConnectionState, err error) {
		if err == nil {
			leaf = s.PeerCertificates[0] // on a client's side there is one
		}
	}})
	_, _ = c.send(ctx, base, operation("UserCheck"), wire.Small()) // for the handshake, whatever it answers
	return leaf
}
