package onvif

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A CRL is a certificate revocation list (RFC 5280) in the device's keystore.
// The device goes by it wherever it judges a certification path; see
// [ValidationPolicy].
type CRL struct {
	ID, Alias string
	DER       []byte
}

// Parse reads the list.
func (l CRL) Parse() (*x509.RevocationList, error) {
	list, err := x509.ParseRevocationList(l.DER)
	if err != nil {
		return nil, fmt.Errorf("onvif: revocation list %s: %w: %w", clean(l.ID), camsec.ErrMalformed, err)
	}
	return list, nil
}

// CRLs reads the revocation lists in the keystore. Only administrators may.
//
//onvif:op tas:GetAllCRLs
func (c *Client) CRLs(ctx context.Context) ([]CRL, error) {
	r, err := c.callWithin(ctx, "CRLs", limitsOfCertificates, nil)
	if err != nil {
		return nil, err
	}
	list := []CRL{}
	for _, n := range r.All("Crl") {
		l, err := crl("CRLs", n)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

// CRL reads one of them, where all would be a lot. Only administrators may.
//
//onvif:op tas:GetCRL
func (c *Client) CRL(ctx context.Context, id string) (CRL, error) {
	r, err := c.callWithin(ctx, "CRL", limitsOfCertificates, func(m *message) { m.text("tas:CrlID", id) })
	if err != nil {
		return CRL{}, err
	}
	n, err := r.one("CRL", "Crl", "CRLID", id)
	if err != nil {
		return CRL{}, err
	}
	return crl("CRL", n)
}

func crl(name string, n *wire.Node) (CRL, error) {
	der, err := binary(n.Child("CRLContent"))
	if err != nil {
		return CRL{}, fmt.Errorf("onvif: %s: %w", operation(name).Action, err)
	}
	return CRL{n.Child("CRLID").String(), n.Child("Alias").String(), der}, nil
}

// UploadCRL gives the device a revocation list in DER. It does not replace an
// older one of the same authority: see [Client.DeleteCRL]. A device without
// room for it matches [ErrFull].
//
//onvif:op tas:UploadCRL
func (c *Client) UploadCRL(ctx context.Context, der []byte, alias string) (id string, change camsec.Change, err error) {
	r, change, err := c.made(ctx, "UploadCRL", func(m *message) {
		m.text("tas:Crl", base64.StdEncoding.EncodeToString(der))
		m.textIf("tas:Alias", alias)
	}, "CrlID")
	if err != nil {
		return "", change, err
	}
	return r.Child("CrlID").String(), change, nil
}

// DeleteCRL takes a revocation list out of the keystore, for good: what it
// revoked is good again, unless another list revokes it.
//
//onvif:op tas:DeleteCRL
func (c *Client) DeleteCRL(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "DeleteCRL", func(m *message) { m.text("tas:CrlID", id) }, func(ctx context.Context) (bool, error) {
		list, err := c.CRLs(ctx)
		var ids []string
		for _, l := range list {
			ids = append(ids, l.ID)
		}
		return gone(ids, id, err)
	})
}
