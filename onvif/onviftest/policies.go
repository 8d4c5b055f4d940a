package onviftest

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/beevik/etree"
)

// A crl is a list of revoked certificates.
type crl struct {
	id, alias string
	der       []byte
}

// A policy is what a certification path is judged by.
type policy struct {
	id, alias         string
	clientUsage, skim bool // the extended key usage is asked for; delta lists are used
	anchors           []string
}

var (
	errNoCRL    = sender("No such list", "ter:InvalidArgVal", "ter:CRLID")
	errNoPolicy = sender("No such policy", "ter:InvalidArgVal", "ter:CertPathValidationPolicyID")
)

// full is the refusal of a device that has no room.
func full(code string) error {
	return &faultError{500, "Receiver", "No room", []string{"ter:Action", code}}
}

func (k *keystore) policyAt(id string) int {
	return slices.IndexFunc(k.policies, func(p policy) bool { return p.id == id })
}

func (k *keystore) crlAt(id string) int {
	return slices.IndexFunc(k.crls, func(c crl) bool { return c.id == id })
}

// policyOperations are about revocation lists and validation policies.
func policyOperations() map[string]func(*Device, *request) (string, error) {
	return map[string]func(*Device, *request) (string, error){
		"UploadCRL": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			der, err := base64.StdEncoding.DecodeString(text(q.el, "Crl"))
			if err == nil {
				_, err = x509.ParseRevocationList(der)
			}
			switch {
			case err != nil:
				return "", sender("No revocation list", "ter:InvalidArgVal", "ter:BadCRL")
			case len(k.crls) >= 4:
				return "", full("ter:MaximumNumberOfCRLsReached")
			}
			c := crl{k.id("crl"), text(q.el, "Alias"), der}
			k.crls = append(k.crls, c)
			return in("tas:UploadCRLResponse", el("tas:CrlID", c.id)), nil
		}),
		"GetAllCRLs": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			var list []string
			for _, c := range k.crls {
				list = append(list, c.xml())
			}
			return in("tas:GetAllCRLsResponse", list...), nil
		}),
		"GetCRL": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := k.crlAt(text(q.el, "CrlID"))
			if i < 0 {
				return "", errNoCRL
			}
			return in("tas:GetCRLResponse", k.crls[i].xml()), nil
		}),
		"DeleteCRL": removal("CrlID", errNoCRL, func(k *keystore) *[]crl { return &k.crls }, (*keystore).crlAt, nil),
		"CreateCertPathValidationPolicy": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			p, err := k.readPolicy(q.el)
			switch {
			case err != nil:
				return "", err
			case len(k.policies) >= 4:
				return "", full("ter:MaximumNumberOfCertPathValidationPoliciesReached")
			}
			p.id = k.id("policy")
			k.policies = append(k.policies, p)
			return in("tas:CreateCertPathValidationPolicyResponse", el("tas:CertPathValidationPolicyID", p.id)), nil
		}),
		"GetAllCertPathValidationPolicies": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			var list []string
			for _, p := range k.policies {
				list = append(list, p.xml())
			}
			return in("tas:GetAllCertPathValidationPoliciesResponse", list...), nil
		}),
		"GetCertPathValidationPolicy": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := k.policyAt(text(q.el, "CertPathValidationPolicyID"))
			if i < 0 {
				return "", errNoPolicy
			}
			return in("tas:GetCertPathValidationPolicyResponse", k.policies[i].xml()), nil
		}),
		"SetCertPathValidationPolicy": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			e := q.el.SelectElement("CertPathValidationPolicy")
			if e == nil {
				return "", errNoPolicy
			}
			p, err := k.readPolicy(e)
			if err != nil {
				return "", err
			}
			p.id = text(e, "CertPathValidationPolicyID")
			i := k.policyAt(p.id)
			if i < 0 {
				return "", errNoPolicy
			}
			k.policies[i] = p
			return done(q)
		}),
		"DeleteCertPathValidationPolicy": removal("CertPathValidationPolicyID", errNoPolicy, func(k *keystore) *[]policy { return &k.policies },
			(*keystore).policyAt, (*keystore).policyReferred),
	}
}

func (c crl) xml() string {
	return in("tas:Crl", el("tas:CRLID", c.id), el("tas:Alias", c.alias), el("tas:CRLContent", base64.StdEncoding.EncodeToString(c.der)))
}

func (k *keystore) readPolicy(e *etree.Element) (policy, error) {
	params := e.SelectElement("Parameters")
	if params == nil {
		return policy{}, sender("No parameters", "ter:InvalidArgVal", "ter:CertPathValidationParameters")
	}
	p := policy{
		alias: text(e, "Alias"), clientUsage: text(params, "RequireTLSWWWClientAuthExtendedKeyUsage") == "true", skim: text(params, "UseDeltaCRLs") == "true",
	}
	for _, a := range e.SelectElements("TrustAnchor") {
		id := text(a, "CertificateID")
		if k.certAt(id) < 0 {
			return policy{}, errNoCert
		}
		p.anchors = append(p.anchors, id)
	}
	if len(p.anchors) == 0 {
		return policy{}, errNoCert
	}
	return p, nil
}

func (p policy) xml() string {
	list := []string{el("tas:CertPathValidationPolicyID", p.id)}
	if p.alias != "" {
		list = append(list, el("tas:Alias", p.alias))
	}
	list = append(list, in("tas:Parameters", el("tas:RequireTLSWWWClientAuthExtendedKeyUsage", p.clientUsage), el("tas:UseDeltaCRLs", p.skim)))
	for _, a := range p.anchors {
		list = append(list, in("tas:TrustAnchor", el("tas:CertificateID", a)))
	}
	return in("tas:CertPathValidationPolicy", list...)
}

// judge tells whether a client's certificates pass one of the policies that
// are assigned to the TLS server. Delta lists are not looked at.
func (k *keystore) judge(raw [][]byte) error {
	var certs []*x509.Certificate
	for _, der := range raw {
		x, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		certs = append(certs, x)
	}
	between := x509.NewCertPool()
	for _, x := range certs[1:] {
		between.AddCert(x)
	}
	err := errors.New("onviftest: no policy lets this certificate in")
	for _, id := range k.judging {
		p := k.policies[k.policyAt(id)]
		o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: between, CurrentTime: k.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		if p.clientUsage {
			o.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}
		for _, anchor := range p.anchors {
			if x, xerr := x509.ParseCertificate(k.certs[k.certAt(anchor)].der); xerr == nil {
				o.Roots.AddCert(x)
			}
		}
		var chains [][]*x509.Certificate
		if chains, err = certs[0].Verify(o); err == nil && !slices.ContainsFunc(chains, k.revoked) {
			return nil
		}
	}
	if err == nil {
		err = errors.New("onviftest: the certificate is revoked")
	}
	return err
}

// revoked tells whether one of a chain is on a list that its issuer has signed.
func (k *keystore) revoked(chain []*x509.Certificate) bool {
	for i, x := range chain[:len(chain)-1] {
		for _, c := range k.crls {
			list, err := x509.ParseRevocationList(c.der)
			if err != nil || list.CheckSignatureFrom(chain[i+1]) != nil {
				continue
			}
			if slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.Cmp(x.SerialNumber) == 0 }) {
				return true
			}
		}
	}
	return false
}
