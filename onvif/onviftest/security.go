package onviftest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

const securityCapabilities = `<tas:GetServiceCapabilitiesResponse><tas:Capabilities><tas:KeystoreCapabilities MaximumNumberOfKeys="16" MaximumNumberOfCertificates="16"` +
	` MaximumNumberOfCertificationPaths="8" SetCertPath="true" RSAKeyPairGeneration="true" ECCKeyPairGeneration="true" RSAKeyLengths="2048 3072" EllipticCurves="P-256" PKCS10="true"` +
	` PKCS8="true" PKCS12="true" SelfSignedCertificateCreation="true" MaximumNumberOfPassphrases="8" MaximumNumberOfCRLs="4"` +
	` MaximumNumberOfCertificationPathValidationPolicies="4"><tas:SignatureAlgorithms><tas:algorithm>1.2.840.10045.4.3.2</tas:algorithm></tas:SignatureAlgorithms>` +
	`<tas:SignatureAlgorithms><tas:algorithm>1.2.840.113549.1.1.11</tas:algorithm></tas:SignatureAlgorithms></tas:KeystoreCapabilities>` +
	`<tas:TLSServerCapabilities TLSServerSupported="1.2 1.3" EnabledVersionsSupported="true" TLSClientAuthSupported="true" CnMapsToUserSupported="true"` +
	` MaximumNumberOfTLSCertificationPathValidationPolicies="2"/><tas:Dot1XCapabilities MaximumNumberOfDot1XConfigurations="2" Dot1XMethods="EAP-TLS EAP-PEAP/MSCHAPv2"/>` +
	`<tas:AuthorizationServer MaxConfigurations="2" ConfigurationTypesSupported="OAuthClientCredentials" ClientAuthenticationMethodsSupported="client_secret_basic private_key_jwt"/>` +
	`<tas:MediaSigning MediaSigningSupported="true" UserMediaSigningKeySupported="true"/></tas:Capabilities></tas:GetServiceCapabilitiesResponse>`

// What there is room for, as the capabilities tell.
const (
	maxKeys         = 16
	maxCertificates = 16
	maxPaths        = 8
)

// keystoreOperation is one that has the keystore to itself.
func keystoreOperation(f func(*Device, *keystore, *request) (string, error)) func(*Device, *request) (string, error) {
	return func(d *Device, q *request) (string, error) {
		d.store.mu.Lock()
		defer d.store.mu.Unlock()
		return f(d, d.store, q)
	}
}

// removal is an operation that takes one of a list out, named by an element of
// the request, unless something refers to it; nil: nothing can.
func removal[T any](element string, missing error, list func(*keystore) *[]T,
	at func(*keystore, string) int, referred func(*keystore, string) bool,
) func(*Device, *request) (string, error) {
	return keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
		id := text(q.el, element)
		i := at(k, id)
		switch {
		case i < 0:
			return "", missing
		case referred != nil && referred(k, id):
			return "", errReferred
		}
		l := list(k)
		*l = slices.Delete(*l, i, i+1)
		return done(q)
	})
}

var (
	errNoKey    = sender("No such key", "ter:InvalidArgVal", "ter:KeyID")
	errNoCert   = sender("No such certificate", "ter:InvalidArgVal", "ter:CertificateID")
	errNoPath   = sender("No such path", "ter:InvalidArgVal", "ter:CertificationPathID")
	errNoOld    = sender("Not assigned", "ter:InvalidArgVal", "ter:OldCertificationPathID")
	errNoNew    = sender("No such path", "ter:InvalidArgVal", "ter:NewCertificationPathID")
	errNoSecret = sender("The private half is not here", "ter:InvalidArgVal", "ter:NoPrivateKey")
	errMismatch = sender("Not for this key", "ter:InvalidArgVal", "ter:KeySignatureAlgorithmMismatch")
	errNotMade  = sender("The key is not made yet", "ter:InvalidArgVal", "ter:InvalidKeyStatus")
	errNoChain  = sender("Not signed by the next", "ter:InvalidArgVal", "ter:InvalidCertificationPath")
	errReferred = sender("Still referred to", "ter:InvalidArgVal", "ter:ReferenceExists")
)

// securityOperations are those of the security service.
func securityOperations() map[string]func(*Device, *request) (string, error) {
	return map[string]func(*Device, *request) (string, error){
		"GetAllKeys": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			var list []string
			for _, s := range k.keys {
				list = append(list, in("tas:KeyAttribute", el("tas:KeyID", s.id), el("tas:Alias", s.alias), el("tas:hasPrivateKey", s.key != nil),
					el("tas:KeyStatus", s.status()), el("tas:externallyGenerated", s.external)))
			}
			return in("tas:GetAllKeysResponse", list...), nil
		}),
		"GetKeyStatus": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := k.keyAt(text(q.el, "KeyID"))
			if i < 0 {
				return "", errNoKey
			}
			if k.keys[i].polls > 0 {
				k.keys[i].polls--
			}
			return in("tas:GetKeyStatusResponse", el("tas:KeyStatus", k.keys[i].status())), nil
		}),
		"CreateRSAKeyPair": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			bits, err := strconv.Atoi(text(q.el, "KeyLength"))
			if err != nil || bits != 2048 && bits != 3072 {
				return "", sender("No such length", "ter:InvalidArgVal", "ter:KeyLength")
			}
			return createKey(k, q, bits)
		}),
		"CreateECCKeyPair": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			if text(q.el, "EllipticCurve") != "P-256" {
				return "", sender("No such curve", "ter:InvalidArgVal", "ter:UnsupportedEllipticCurve")
			}
			return createKey(k, q, 0)
		}),
		"DeleteKey": removal("KeyID", errNoKey, func(k *keystore) *[]storedKey { return &k.keys },
			(*keystore).keyAt, (*keystore).keyReferred),
		"CreatePKCS10CSR": keystoreOperation(csr),
		"CreateSelfSignedCertificate": keystoreOperation(func(d *Device, k *keystore, q *request) (string, error) {
			i := k.keyAt(text(q.el, "KeyID"))
			if err := k.ready(i); err != nil {
				return "", err
			}
			if algorithmOf(q) != k.keys[i].algorithm() {
				return "", errMismatch
			}
			der, err := selfSigned(text(q.el, "Subject/CommonName"), d.truth(), k.keys[i].key)
			if err != nil {
				return "", err
			}
			id, _, err := k.add(der, text(q.el, "Alias"), true)
			return in("tas:CreateSelfSignedCertificateResponse", el("tas:CertificateID", id)), err
		}),
		"UploadCertificate": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			der, err := base64.StdEncoding.DecodeString(text(q.el, "Certificate"))
			if err != nil {
				return "", sender("No base64", "ter:InvalidArgVal", "ter:BadCertificate")
			}
			id, key, err := k.add(der, text(q.el, "Alias"), truth(q, "PrivateKeyRequired") == 1)
			if err != nil {
				return "", err
			}
			return in("tas:UploadCertificateResponse", el("tas:CertificateID", id), el("tas:KeyID", key)), nil
		}),
		"UploadKeyPairInPKCS8": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			der, err := base64.StdEncoding.DecodeString(text(q.el, "KeyPair"))
			if err != nil {
				return "", sender("No base64", "ter:InvalidArgVal", "ter:BadPKCS8File")
			}
			key, err := x509.ParsePKCS8PrivateKey(der)
			signer, ok := key.(crypto.Signer)
			if err != nil || !ok {
				return "", sender("No key", "ter:InvalidArgVal", "ter:BadPKCS8File")
			}
			id, err := k.make(signer, text(q.el, "Alias"), 0, true)
			return in("tas:UploadKeyPairInPKCS8Response", el("tas:KeyID", id)), err
		}),
		"UploadCertificateWithPrivateKeyInPKCS12": keystoreOperation(uploadPKCS12),
		"GetAllCertificates": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			var list []string
			for _, c := range k.certs {
				list = append(list, c.xml())
			}
			return in("tas:GetAllCertificatesResponse", list...), nil
		}),
		"GetCertificate": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := k.certAt(text(q.el, "CertificateID"))
			if i < 0 {
				return "", errNoCert
			}
			return in("tas:GetCertificateResponse", k.certs[i].xml()), nil
		}),
		"DeleteCertificate": removal("CertificateID", errNoCert, func(k *keystore) *[]storedCertificate { return &k.certs },
			(*keystore).certAt, (*keystore).certReferred),
		"CreateCertificationPath": keystoreOperation(createPath),
		"GetCertificationPath":    keystoreOperation(getPath),
		"SetCertificationPath":    keystoreOperation(setPath),
		"DeleteCertificationPath": removal("CertificationPathID", errNoPath, func(k *keystore) *[]storedPath { return &k.paths },
			(*keystore).pathAt, (*keystore).pathReferred),
		"GetAllCertificationPaths": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			return ids("CertificationPathID", k.pathIDs(), "GetAllCertificationPaths"), nil
		}),
	}
}

func (c storedCertificate) xml() string {
	return in("tas:Certificate", el("tas:CertificateID", c.id), el("tas:KeyID", c.keyID), el("tas:Alias", c.alias),
		el("tas:CertificateContent", base64.StdEncoding.EncodeToString(c.der)))
}

// ready tells why a key cannot sign.
func (k *keystore) ready(i int) error {
	switch {
	case i < 0:
		return errNoKey
	case k.keys[i].polls > 0:
		return errNotMade
	case k.keys[i].key == nil:
		return errNoSecret
	}
	return nil
}

// algorithm is the one that the device signs with.
func (s storedKey) algorithm() string {
	if _, ok := s.key.(*rsa.PrivateKey); ok {
		return "1.2.840.113549.1.1.11"
	}
	return "1.2.840.10045.4.3.2"
}

func algorithmOf(q *request) string { return text(q.el, "SignatureAlgorithm/algorithm") }

func (s storedKey) status() string {
	if s.polls > 0 {
		return "generating"
	}
	return "ok"
}

func (k *keystore) pathIDs() []string {
	var out []string
	for _, p := range k.paths {
		out = append(out, p.id)
	}
	return out
}

func ids(name string, list []string, action string) string {
	var out []string
	for _, id := range list {
		out = append(out, el("tas:"+name, id))
	}
	return in("tas:"+action+"Response", out...)
}

// createKey makes a key that is ready after it was asked for twice.
func createKey(k *keystore, q *request, bits int) (string, error) {
	if len(k.keys) >= maxKeys {
		return "", full("ter:MaximumNumberOfKeysReached")
	}
	key, err := generate(bits)
	if err != nil {
		return "", err
	}
	id, err := k.make(key, text(q.el, "Alias"), 2, false)
	return in("tas:"+q.action+"Response", el("tas:KeyID", id), el("tas:EstimatedCreationTime", "PT0.01S")), err
}

// csr signs a request with the key, and with the extensions asked for.
func csr(_ *Device, k *keystore, q *request) (string, error) {
	i := k.keyAt(text(q.el, "KeyID"))
	if err := k.ready(i); err != nil {
		return "", err
	}
	if algorithmOf(q) != k.keys[i].algorithm() {
		return "", errMismatch
	}
	t := &x509.CertificateRequest{Subject: pkix.Name{CommonName: text(q.el, "Subject/CommonName")}}
	for _, e := range q.el.FindElements("./CSRAttribute/X509v3Extension") {
		var oid asn1.ObjectIdentifier
		for _, part := range strings.Split(text(e, "extnOID"), ".") {
			n, err := strconv.Atoi(part)
			if err != nil {
				return "", sender("Bad OID", "ter:InvalidArgVal", "ter:InvalidAttribute")
			}
			oid = append(oid, n)
		}
		value, err := base64.StdEncoding.DecodeString(text(e, "extnValue"))
		if err != nil {
			return "", sender("Bad value", "ter:InvalidArgVal", "ter:InvalidAttribute")
		}
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: oid, Critical: text(e, "critical") == "true", Value: value})
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, t, k.keys[i].key)
	if err != nil {
		return "", err
	}
	return in("tas:CreatePKCS10CSRResponse", el("tas:PKCS10CSR", base64.StdEncoding.EncodeToString(der))), nil
}

// chain holds certificates against each other.
func (k *keystore) chain(ids []*etree.Element) ([]string, error) {
	var certs []string
	var last *x509.Certificate
	for _, e := range ids {
		i := k.certAt(e.Text())
		if i < 0 {
			return nil, errNoCert
		}
		x, err := x509.ParseCertificate(k.certs[i].der)
		if err != nil {
			return nil, err
		}
		if last != nil && last.CheckSignatureFrom(x) != nil {
			return nil, errNoChain
		}
		last = x
		certs = append(certs, e.Text())
	}
	if len(certs) == 0 {
		return nil, errNoCert
	}
	return certs, nil
}

// setPath gives a path other certificates, to what uses it, too.
func setPath(_ *Device, k *keystore, q *request) (string, error) {
	i := k.pathAt(text(q.el, "CertificationPathID"))
	if i < 0 {
		return "", errNoPath
	}
	certs, err := k.chain(q.el.FindElements("./CertificationPath/CertificateID"))
	if err != nil {
		return "", err
	}
	k.paths[i].certs, k.paths[i].alias = certs, text(q.el, "CertificationPath/Alias")
	k.settle()
	return done(q)
}

func createPath(_ *Device, k *keystore, q *request) (string, error) {
	certs, err := k.chain(q.el.FindElements("./CertificateIDs/CertificateID"))
	switch {
	case err != nil:
		return "", err
	case len(k.paths) >= maxPaths:
		return "", full("ter:MaximumNumberOfCertificationPathsReached")
	}
	p := storedPath{id: k.id("path"), alias: text(q.el, "Alias"), certs: certs}
	k.paths = append(k.paths, p)
	return in("tas:CreateCertificationPathResponse", el("tas:CertificationPathID", p.id)), nil
}

func getPath(_ *Device, k *keystore, q *request) (string, error) {
	i := k.pathAt(text(q.el, "CertificationPathID"))
	if i < 0 {
		return "", errNoPath
	}
	var list []string
	for _, id := range k.paths[i].certs {
		list = append(list, el("tas:CertificateID", id))
	}
	return in("tas:GetCertificationPathResponse", in("tas:CertificationPath", append(list, el("tas:Alias", k.paths[i].alias))...)), nil
}
