package onvif

import (
	"context"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A KeystoreCapabilities is what the security service says it can do. What it
// does not say is nil or unknown.
type KeystoreCapabilities struct {
	MaxKeys, MaxCertificates, MaxPaths *int
	SetPath                            camsec.State // [Client.SetCertificationPath], [Client.SetValidationPolicy]
	RSAKeyPairs, ECCKeyPairs           camsec.State
	RSAKeyLengths                      []int
	EllipticCurves                     []string // P-256, …
	PKCS10, PKCS12, SelfSigned         camsec.State
	SignatureAlgorithms                []string // object identifiers
	MaxPassphrases, MaxCRLs            *int
	MaxPolicies                        *int     // [ValidationPolicy]
	TLSVersions                        []string // that it can serve
	ClientAuthentication, CnMapsToUser camsec.State
	MaxServerPolicies                  *int // [Client.ServerPolicies]
	MaxDot1X                           *int
	MaxAuthorizationServers            *int
	MediaSigning, UserMediaSigningKey  camsec.State
}

// SecurityCapabilities reads what the security service can do. It needs no
// login (PRE_AUTH).
//
//onvif:op tas:GetServiceCapabilities
func (c *Client) SecurityCapabilities(ctx context.Context) (KeystoreCapabilities, error) {
	r, err := c.call(ctx, "SecurityCapabilities", nil)
	if err != nil {
		return KeystoreCapabilities{}, err
	}
	n := r.Child("Capabilities")
	if n == nil {
		return KeystoreCapabilities{}, malformed(operation("SecurityCapabilities"), "no Capabilities")
	}
	k, t := n.Child("KeystoreCapabilities"), n.Child("TLSServerCapabilities")
	either := func(names ...string) camsec.State { // the newer name, and its deprecated twin
		for _, name := range names {
			if s := stateOf(k, name); s != camsec.StateUnknown {
				return s
			}
		}
		return camsec.StateUnknown
	}
	out := KeystoreCapabilities{
		MaxKeys: numberOf(k, "MaximumNumberOfKeys"), MaxCertificates: numberOf(k, "MaximumNumberOfCertificates"),
		MaxPaths:    numberOf(k, "MaximumNumberOfCertificationPaths"),
		SetPath:     stateOf(k, "SetCertPath"),
		RSAKeyPairs: either("RSAKeyPairGeneration"), ECCKeyPairs: either("ECCKeyPairGeneration"),
		EllipticCurves: words(k.Attr("EllipticCurves")),
		PKCS10:         either("PKCS10", "PKCS10ExternalCertificationWithRSA"), PKCS12: either("PKCS12", "PKCS12CertificateWithRSAPrivateKeyUpload"),
		SelfSigned:  either("SelfSignedCertificateCreation", "SelfSignedCertificateCreationWithRSA"),
		TLSVersions: words(t.Attr("TLSServerSupported")), ClientAuthentication: stateOf(t, "TLSClientAuthSupported"),
		MaxPassphrases: numberOf(k, "MaximumNumberOfPassphrases"), MaxCRLs: numberOf(k, "MaximumNumberOfCRLs"),
		MaxPolicies:             numberOf(k, "MaximumNumberOfCertificationPathValidationPolicies"),
		CnMapsToUser:            stateOf(t, "CnMapsToUserSupported"),
		MaxServerPolicies:       numberOf(t, "MaximumNumberOfTLSCertificationPathValidationPolicies"),
		MaxDot1X:                numberOf(n.Child("Dot1XCapabilities"), "MaximumNumberOfDot1XConfigurations"),
		MaxAuthorizationServers: numberOf(n.Child("AuthorizationServer"), "MaxConfigurations"),
		MediaSigning:            stateOf(n.Child("MediaSigning"), "MediaSigningSupported"),
		UserMediaSigningKey:     stateOf(n.Child("MediaSigning"), "UserMediaSigningKeySupported"),
	}
	for _, w := range words(k.Attr("RSAKeyLengths")) {
		if bits, err := strconv.Atoi(w); err == nil {
			out.RSAKeyLengths = append(out.RSAKeyLengths, bits)
		}
	}
	for _, a := range k.All("SignatureAlgorithms") {
		out.SignatureAlgorithms = append(out.SignatureAlgorithms, a.Child("algorithm").String())
	}
	return out, nil
}

// States of keys.
const (
	KeyOK         = "ok"
	KeyGenerating = "generating"
	KeyCorrupt    = "corrupt"
)

// A Key is one that the device keeps. It never leaves it.
type Key struct {
	ID, Alias, Status string
	Private           camsec.State // the private half is there, too
	External          camsec.State // it was made elsewhere
}

// Keys reads the keys that the device keeps. Only administrators may.
//
//onvif:op tas:GetAllKeys
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	r, err := c.call(ctx, "Keys", nil)
	if err != nil {
		return nil, err
	}
	list := []Key{}
	for _, n := range r.All("KeyAttribute") {
		list = append(list, Key{
			n.Child("KeyID").String(), n.Child("Alias").String(), n.Child("KeyStatus").String(),
			state(n.Child("hasPrivateKey")), state(n.Child("externallyGenerated")),
		})
	}
	return list, nil
}

// KeyStatus reads how far a key is: [KeyOK], [KeyGenerating], [KeyCorrupt].
//
//onvif:op tas:GetKeyStatus
func (c *Client) KeyStatus(ctx context.Context, id string) (string, error) {
	r, err := c.call(ctx, "KeyStatus", func(m *message) { m.text("tas:KeyID", id) })
	if err != nil {
		return "", err
	}
	s := r.Child("KeyStatus").String()
	if s == "" {
		return "", malformed(operation("KeyStatus"), "no KeyStatus")
	}
	return s, nil
}

// CreateRSAKeyPair has the device make an RSA key, which takes minutes on some:
// [Client.AwaitKey]. It returns the key's id and how long the device thinks it
// takes.
//
//onvif:op tas:CreateRSAKeyPair
func (c *Client) CreateRSAKeyPair(ctx context.Context, bits int, alias string) (id string, takes time.Duration, change camsec.Change, err error) {
	return c.createKey(ctx, "CreateRSAKeyPair", func(m *message) {
		m.int("tas:KeyLength", bits)
		m.textIf("tas:Alias", alias)
	})
}

// CreateECCKeyPair has the device make a key on an elliptic curve (P-256).
//
//onvif:op tas:CreateECCKeyPair
func (c *Client) CreateECCKeyPair(ctx context.Context, curve, alias string) (id string, takes time.Duration, change camsec.Change, err error) {
	return c.createKey(ctx, "CreateECCKeyPair", func(m *message) {
		m.text("tas:EllipticCurve", curve)
		m.textIf("tas:Alias", alias)
	})
}

func (c *Client) createKey(ctx context.Context, name string, fill func(*message)) (string, time.Duration, camsec.Change, error) {
	r, change, err := c.made(ctx, name, fill, "KeyID")
	if err != nil {
		return "", 0, change, err
	}
	return r.Child("KeyID").String(), seconds(r.Child("EstimatedCreationTime").String()), change, nil
}

// made sends what makes an object, whose id is the proof that there is one.
func (c *Client) made(ctx context.Context, name string, fill func(*message), ids ...string) (*reply, camsec.Change, error) {
	r, change, err := c.start(ctx, name, fill)
	if err != nil {
		return nil, change, err
	}
	for _, id := range ids {
		if r.Child(id).String() == "" {
			return nil, camsec.Change{}, fmt.Errorf("onvif: %s: %w: no %s in the answer: %w", operation(name).Action, camsec.ErrUncertain, id, camsec.ErrMalformed)
		}
	}
	change.Proof = "the device gave it an id"
	return r, change, nil
}

// AwaitKey waits until a key is made, asking at a pace that suits how long it
// is thought to take. A key that came out corrupt matches
// [camsec.ErrMalformed].
func (c *Client) AwaitKey(ctx context.Context, id string, takes time.Duration) error {
	pace := min(max(takes/8, 20*time.Millisecond), 5*time.Second)
	for {
		s, err := c.KeyStatus(ctx, id)
		switch {
		case err != nil:
			return err
		case s == KeyOK:
			return nil
		case s != KeyGenerating:
			return fmt.Errorf("onvif: key %s is %s: %w", clean(id), clean(s), camsec.ErrMalformed)
		}
		timer := time.NewTimer(pace)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("onvif: awaiting key %s: %w", clean(id), ctx.Err())
		}
	}
}

// gone is the check of a deletion: no id of the list is it.
func gone(ids []string, id string, err error) (bool, error) {
	return !slices.Contains(ids, id), err
}

// DeleteKey takes a key away, for good. One that a certificate refers to
// matches [ErrInUse].
//
//onvif:op tas:DeleteKey
func (c *Client) DeleteKey(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "DeleteKey", func(m *message) { m.text("tas:KeyID", id) }, func(ctx context.Context) (bool, error) {
		keys, err := c.Keys(ctx)
		var ids []string
		for _, k := range keys {
			ids = append(ids, k.ID)
		}
		return gone(ids, id, err)
	})
}

// Signature algorithms, as object identifiers.
const (
	SHA256WithRSA   = "1.2.840.113549.1.1.11"
	ECDSAWithSHA256 = "1.2.840.10045.4.3.2"
)

// writeName writes a distinguished name in the schema's order.
func writeName(m *message, name pkix.Name) {
	m.in("tas:Subject", func() {
		for _, part := range []struct {
			tag    string
			values []string
		}{
			{"Country", name.Country},
			{"Organization", name.Organization},
			{"OrganizationalUnit", name.OrganizationalUnit},
			{"StateOrProvinceName", name.Province},
			{"CommonName", []string{name.CommonName}},
			{"SerialNumber", []string{name.SerialNumber}},
			{"Locality", name.Locality},
		} {
			for _, v := range part.values {
				m.textIf("tas:"+part.tag, v)
			}
		}
	})
}

// An Extension is one of X.509, to be asked for in a request.
type Extension struct {
	OID      string
	Critical bool
	Value    []byte // DER
}

func writeExtension(m *message, x Extension) {
	m.text("tas:extnOID", x.OID)
	m.bool("tas:critical", x.Critical)
	m.text("tas:extnValue", base64.StdEncoding.EncodeToString(x.Value))
}

// CreateCSR has the device make a PKCS#10 request for a key, in DER. Every
// account may.
//
//onvif:op tas:CreatePKCS10CSR
func (c *Client) CreateCSR(ctx context.Context, subject pkix.Name, keyID, algorithm string, extensions ...Extension) ([]byte, error) {
	r, err := c.call(ctx, "CreateCSR", func(m *message) {
		writeName(m, subject)
		m.text("tas:KeyID", keyID)
		for _, x := range extensions {
			m.in("tas:CSRAttribute", func() {
				m.in("tas:X509v3Extension", func() { writeExtension(m, x) })
			})
		}
		m.in("tas:SignatureAlgorithm", func() { m.text("tas:algorithm", algorithm) })
	})
	if err != nil {
		return nil, err
	}
	der, err := binary(r.Child("PKCS10CSR"))
	if err != nil || len(der) == 0 {
		return nil, malformed(operation("CreateCSR"), "no request")
	}
	return der, nil
}

// CreateSelfSignedCertificate has the device sign a certificate itself.
//
//onvif:op tas:CreateSelfSignedCertificate
func (c *Client) CreateSelfSignedCertificate(ctx context.Context, subject pkix.Name, keyID, alias, algorithm string) (id string, change camsec.Change, err error) {
	r, change, err := c.made(ctx, "CreateSelfSignedCertificate", func(m *message) {
		writeName(m, subject)
		m.text("tas:KeyID", keyID)
		m.textIf("tas:Alias", alias)
		m.in("tas:SignatureAlgorithm", func() { m.text("tas:algorithm", algorithm) })
	}, "CertificateID")
	if err != nil {
		return "", change, err
	}
	return r.Child("CertificateID").String(), change, nil
}

// UploadCertificate gives the device a certificate. With keyRequired the
// device refuses one whose key it does not have.
//
//onvif:op tas:UploadCertificate
func (c *Client) UploadCertificate(ctx context.Context, der []byte, alias string, keyRequired bool) (id, keyID string, change camsec.Change, err error) {
	r, change, err := c.made(ctx, "UploadCertificate", func(m *message) {
		m.text("tas:Certificate", base64.StdEncoding.EncodeToString(der))
		m.textIf("tas:Alias", alias)
		m.bool("tas:PrivateKeyRequired", keyRequired)
	}, "CertificateID")
	if err != nil {
		return "", "", change, err
	}
	return r.Child("CertificateID").String(), r.Child("KeyID").String(), change, nil
}

// overTLS refuses to send a secret in the clear.
func (c *Client) overTLS(name string) error {
	if c.base.Scheme == "https" {
		return nil
	}
	return fmt.Errorf("onvif: %s: a key does not go over plain HTTP: %w", operation(name).Action, camsec.ErrUntrusted)
}

// UploadPKCS8 gives the device a key pair made elsewhere, in PKCS#8 DER. The
// device's own keys are better: they never cross a network. It is refused over
// plain HTTP.
//
//onvif:op tas:UploadKeyPairInPKCS8
func (c *Client) UploadPKCS8(ctx context.Context, key camsec.Secret, alias string) (id string, change camsec.Change, err error) {
	if err := c.overTLS("UploadPKCS8"); err != nil {
		change, err := notApplied(err)
		return "", change, err
	}
	r, change, err := c.made(ctx, "UploadPKCS8", func(m *message) {
		secret := key.Reveal()
		m.text("tas:KeyPair", base64.StdEncoding.EncodeToString(secret))
		clear(secret)
		m.textIf("tas:Alias", alias)
	}, "KeyID")
	if err != nil {
		return "", change, err
	}
	return r.Child("KeyID").String(), change, nil
}

// UploadPKCS12 gives the device certificates and their key made elsewhere, and
// returns the id of the certification path. It is refused over plain HTTP. The
// standard names no cipher that a device has to read; older ones read triple
// DES with SHA-1 alone.
//
//onvif:op tas:UploadCertificateWithPrivateKeyInPKCS12
func (c *Client) UploadPKCS12(ctx context.Context, p12, passphrase camsec.Secret, alias string) (pathID, keyID string, change camsec.Change, err error) {
	if err := c.overTLS("UploadPKCS12"); err != nil {
		change, err := notApplied(err)
		return "", "", change, err
	}
	r, change, err := c.made(ctx, "UploadPKCS12", func(m *message) {
		secret := p12.Reveal()
		m.text("tas:CertWithPrivateKey", base64.StdEncoding.EncodeToString(secret))
		clear(secret)
		m.textIf("tas:CertificationPathAlias", alias)
		if !passphrase.Empty() {
			word := passphrase.Reveal()
			m.secret("tas:Passphrase", word)
			clear(word)
		}
	}, "CertificationPathID", "KeyID")
	if err != nil {
		return "", "", change, err
	}
	return r.Child("CertificationPathID").String(), r.Child("KeyID").String(), change, nil
}

// A StoredCertificate is one in the device's keystore.
type StoredCertificate struct {
	Certificate
	KeyID, Alias string
}

// StoredCertificates reads the certificates in the keystore. Only
// administrators may.
//
//onvif:op tas:GetAllCertificates
func (c *Client) StoredCertificates(ctx context.Context) ([]StoredCertificate, error) {
	r, err := c.callWithin(ctx, "StoredCertificates", limitsOfCertificates, nil)
	if err != nil {
		return nil, err
	}
	list := []StoredCertificate{}
	for _, n := range r.All("Certificate") {
		x, err := storedCertificate("StoredCertificates", n)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, nil
}

// StoredCertificate reads one of them, where all would be a lot. Only
// administrators may.
//
//onvif:op tas:GetCertificate
func (c *Client) StoredCertificate(ctx context.Context, id string) (StoredCertificate, error) {
	r, err := c.callWithin(ctx, "StoredCertificate", limitsOfCertificates, func(m *message) { m.text("tas:CertificateID", id) })
	if err != nil {
		return StoredCertificate{}, err
	}
	n, err := r.one("StoredCertificate", "Certificate", "CertificateID", id)
	if err != nil {
		return StoredCertificate{}, err
	}
	return storedCertificate("StoredCertificate", n)
}

func storedCertificate(name string, n *wire.Node) (StoredCertificate, error) {
	der, err := binary(n.Child("CertificateContent"))
	if err != nil {
		return StoredCertificate{}, fmt.Errorf("onvif: %s: %w", operation(name).Action, err)
	}
	return StoredCertificate{Certificate{n.Child("CertificateID").String(), der}, n.Child("KeyID").String(), n.Child("Alias").String()}, nil
}

// one returns the object that was asked for by its id, and no other.
func (r *reply) one(name, element, key, id string) (*wire.Node, error) {
	n := r.Child(element)
	if n == nil || n.Child(key).String() != id {
		return nil, malformed(operation(name), "not the "+element+" that was asked for")
	}
	return n, nil
}

// DeleteCertificate takes a certificate out of the keystore. One that a path
// refers to matches [ErrInUse].
//
//onvif:op tas:DeleteCertificate
func (c *Client) DeleteCertificate(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "DeleteCertificate", func(m *message) { m.text("tas:CertificateID", id) }, func(ctx context.Context) (bool, error) {
		list, err := c.StoredCertificates(ctx)
		var ids []string
		for _, x := range list {
			ids = append(ids, x.ID)
		}
		return gone(ids, id, err)
	})
}

var errNoID = errors.New("onvif: no id given")
