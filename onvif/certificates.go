package onvif

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// The certificate operations of the device service are of the legacy kind,
// deprecated since 16.12. Axis of that time answers them; newer devices have
// the security service.

// A Certificate is one that a device holds.
type Certificate struct {
	ID  string
	DER []byte
}

// Parse reads the certificate.
func (c Certificate) Parse() (*x509.Certificate, error) {
	x, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, fmt.Errorf("onvif: certificate %s: %w: %w", clean(c.ID), camsec.ErrMalformed, err)
	}
	return x, nil
}

func certificates(name string, nodes []*wire.Node) ([]Certificate, error) {
	list := []Certificate{}
	for _, n := range nodes {
		der, err := binary(n.Child("Certificate"))
		if err != nil {
			return nil, fmt.Errorf("onvif: %s: %w", operation(name).Action, err)
		}
		list = append(list, Certificate{n.Child("CertificateID").String(), der})
	}
	return list, nil
}

// Certificates reads the device's own certificates (legacy).
//
//onvif:op GetCertificates
func (c *Client) Certificates(ctx context.Context) ([]Certificate, error) {
	r, err := c.callWithin(ctx, "Certificates", wire.Limits{}, nil)
	if err != nil {
		return nil, err
	}
	return certificates("Certificates", r.All("NvtCertificate"))
}

// CACertificates reads the authorities that the device trusts (legacy).
//
//onvif:op GetCACertificates
func (c *Client) CACertificates(ctx context.Context) ([]Certificate, error) {
	r, err := c.callWithin(ctx, "CACertificates", wire.Limits{}, nil)
	if err != nil {
		return nil, err
	}
	return certificates("CACertificates", r.All("CACertificate"))
}

// CertificatesStatus reads which of the device's certificates are in use, by
// id (legacy).
//
//onvif:op GetCertificatesStatus
func (c *Client) CertificatesStatus(ctx context.Context) (map[string]bool, error) {
	r, err := c.call(ctx, "CertificatesStatus", nil)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, n := range r.All("CertificateStatus") {
		on, ok := n.Child("Status").Bool()
		if !ok {
			return nil, malformed(operation("CertificatesStatus"), "a status is not readable")
		}
		out[n.Child("CertificateID").String()] = on
	}
	return out, nil
}

// SetCertificatesStatus sets which certificates are in use (legacy).
//
//onvif:op SetCertificatesStatus
func (c *Client) SetCertificatesStatus(ctx context.Context, status map[string]bool) (camsec.Change, error) {
	return c.write(ctx, "SetCertificatesStatus", func(m *message) {
		for _, id := range sorted(status) {
			m.in("tds:CertificateStatus", func() {
				m.text("tt:CertificateID", id)
				m.bool("tt:Status", status[id])
			})
		}
	}, func(ctx context.Context) (bool, error) {
		now, err := c.CertificatesStatus(ctx)
		for id, want := range status {
			if have, ok := now[id]; !ok || have != want {
				return false, err
			}
		}
		return true, err
	})
}

func sorted(m map[string]bool) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ClientCertificateMode reads whether the device asks clients for a
// certificate (legacy).
//
//onvif:op GetClientCertificateMode
func (c *Client) ClientCertificateMode(ctx context.Context) (camsec.State, error) {
	r, err := c.call(ctx, "ClientCertificateMode", nil)
	if err != nil {
		return camsec.StateUnknown, err
	}
	s := state(r.Child("Enabled"))
	if s == camsec.StateUnknown {
		return s, malformed(operation("ClientCertificateMode"), "no readable Enabled")
	}
	return s, nil
}

// SetClientCertificateMode sets whether the device asks clients for a
// certificate (legacy). On needs [AllowCutOff]: who has no certificate is out.
//
//onvif:op SetClientCertificateMode
func (c *Client) SetClientCertificateMode(ctx context.Context, on bool, consent ...Consent) (camsec.Change, error) {
	if on && !consents(consent, AllowCutOff) {
		return notApplied(fmt.Errorf("onvif: SetClientCertificateMode: %w", ErrCutOff))
	}
	return c.write(ctx, "SetClientCertificateMode", func(m *message) { m.bool("tds:Enabled", on) },
		func(ctx context.Context) (bool, error) {
			now, err := c.ClientCertificateMode(ctx)
			return now == camsec.StateOf(on), err
		})
}

// CreateCertificate has the device make a key and a self-signed certificate of
// that id and subject, and returns it (legacy).
//
//onvif:op CreateCertificate
func (c *Client) CreateCertificate(ctx context.Context, id, subject string) (Certificate, camsec.Change, error) {
	r, err := c.call(ctx, "CreateCertificate", func(m *message) {
		m.textIf("tds:CertificateID", id)
		m.textIf("tds:Subject", subject)
	})
	var made Certificate
	if err == nil {
		list, e := certificates("CreateCertificate", r.All("NvtCertificate"))
		if e == nil && len(list) == 1 {
			made = list[0]
		}
	}
	want := id
	if want == "" {
		want = made.ID
	}
	change, err := c.verify(ctx, operation("CreateCertificate"), err, func(ctx context.Context) (bool, error) {
		return c.holdsCertificates(ctx, []string{want}, true)
	})
	return made, change, err
}

// holdsCertificates tells whether all of the ids are there, or none.
func (c *Client) holdsCertificates(ctx context.Context, ids []string, there bool) (bool, error) {
	list, err := c.Certificates(ctx)
	for _, id := range ids {
		if slices.ContainsFunc(list, func(x Certificate) bool { return x.ID == id }) != there {
			return false, err
		}
	}
	return true, err
}

// DeleteCertificates takes certificates away (legacy).
//
//onvif:op DeleteCertificates
func (c *Client) DeleteCertificates(ctx context.Context, ids ...string) (camsec.Change, error) {
	if len(ids) == 0 {
		return notApplied(errors.New("onvif: DeleteCertificates: no id given"))
	}
	return c.write(ctx, "DeleteCertificates", func(m *message) {
		for _, id := range ids {
			m.text("tds:CertificateID", id)
		}
	}, func(ctx context.Context) (bool, error) { return c.holdsCertificates(ctx, ids, false) })
}

// CertificateRequest has the device make a PKCS#10 request for the key of a
// certificate (legacy), in DER.
//
//onvif:op GetPkcs10Request
func (c *Client) CertificateRequest(ctx context.Context, id, subject string) ([]byte, error) {
	r, err := c.call(ctx, "CertificateRequest", func(m *message) {
		m.text("tds:CertificateID", id)
		m.textIf("tds:Subject", subject)
	})
	if err != nil {
		return nil, err
	}
	der, err := binary(r.Child("Pkcs10Request"))
	if err != nil {
		return nil, fmt.Errorf("onvif: GetPkcs10Request: %w", err)
	}
	return der, nil
}

func writeBinary(m *message, name string, b []byte) {
	m.in(name, func() { m.text("tt:Data", base64.StdEncoding.EncodeToString(b)) })
}

// LoadCertificates gives the device certificates for keys that it has (legacy).
//
//onvif:op LoadCertificates
func (c *Client) LoadCertificates(ctx context.Context, list ...Certificate) (camsec.Change, error) {
	return c.load(ctx, "LoadCertificates", "tds:NVTCertificate", list, c.Certificates)
}

// LoadCACertificates gives the device authorities to trust (legacy).
//
//onvif:op LoadCACertificates
func (c *Client) LoadCACertificates(ctx context.Context, list ...Certificate) (camsec.Change, error) {
	return c.load(ctx, "LoadCACertificates", "tds:CACertificate", list, c.CACertificates)
}

func (c *Client) load(ctx context.Context, name, element string, list []Certificate, read func(context.Context) ([]Certificate, error)) (camsec.Change, error) {
	if len(list) == 0 {
		return notApplied(errors.New("onvif: " + name + ": no certificate given"))
	}
	return c.write(ctx, name, func(m *message) {
		for _, x := range list {
			m.in(element, func() {
				m.text("tt:CertificateID", x.ID)
				writeBinary(m, "tt:Certificate", x.DER)
			})
		}
	}, func(ctx context.Context) (bool, error) {
		now, err := read(ctx)
		return containsAll(now, list), err
	})
}

func containsAll(have, want []Certificate) bool {
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h Certificate) bool { return h.ID == w.ID && string(h.DER) == string(w.DER) }) {
			return false
		}
	}
	return true
}

// LoadCertificateWithPrivateKey gives the device a certificate and its key, in
// PKCS#8 or PKCS#1 DER (legacy). The key crosses the network: over plain HTTP
// everybody on the way has it, so that is refused.
//
//onvif:op LoadCertificateWithPrivateKey
func (c *Client) LoadCertificateWithPrivateKey(ctx context.Context, cert Certificate, key camsec.Secret) (camsec.Change, error) {
	if c.base.Scheme != "https" {
		return notApplied(fmt.Errorf("onvif: LoadCertificateWithPrivateKey: a key does not go over plain HTTP: %w", camsec.ErrUntrusted))
	}
	return c.write(ctx, "LoadCertificateWithPrivateKey", func(m *message) {
		m.in("tds:CertificateWithPrivateKey", func() {
			m.textIf("tt:CertificateID", cert.ID)
			writeBinary(m, "tt:Certificate", cert.DER)
			secret := key.Reveal()
			writeBinary(m, "tt:PrivateKey", secret)
			clear(secret)
		})
	}, func(ctx context.Context) (bool, error) {
		now, err := c.Certificates(ctx)
		return slices.ContainsFunc(now, func(h Certificate) bool { return string(h.DER) == string(cert.DER) }), err
	})
}

// A CertificateInfo is what a device tells of a certificate in its own words.
type CertificateInfo struct {
	ID, Issuer, Subject, Serial, SignatureAlgorithm string
	KeyLength                                       *int
}

// CertificateInformation reads what the device tells of a certificate (legacy).
//
//onvif:op GetCertificateInformation
func (c *Client) CertificateInformation(ctx context.Context, id string) (CertificateInfo, error) {
	r, err := c.call(ctx, "CertificateInformation", func(m *message) { m.text("tds:CertificateID", id) })
	if err != nil {
		return CertificateInfo{}, err
	}
	n := r.Child("CertificateInformation")
	if n == nil {
		return CertificateInfo{}, malformed(operation("CertificateInformation"), "no CertificateInformation")
	}
	return CertificateInfo{
		n.Child("CertificateID").String(), n.Child("IssuerDN").String(), n.Child("SubjectDN").String(), n.Child("SerialNum").String(),
		n.Child("SignatureAlgorithm").String(), number(n.Child("KeyLength")),
	}, nil
}
