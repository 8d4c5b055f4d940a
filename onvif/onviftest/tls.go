package onviftest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"
)

var (
	errNotServing   = errors.New("onviftest: no certificate is assigned")
	errNoOldPolicy  = sender("Not assigned", "ter:InvalidArgVal", "ter:OldCertPathValidationPolicyID")
	errNoNewPolicy  = sender("No such policy", "ter:InvalidArgVal", "ter:NewCertPathValidationPolicyID")
	errNoClientAuth = &faultError{500, "Receiver", "No policy is assigned", []string{"ter:ActionNotSupported", "ter:EnablingClientAuthenticationFailed"}}
)

// tlsOperations are about the TLS server: what it shows, and whom it lets in.
func tlsOperations() map[string]func(*Device, *request) (string, error) {
	return map[string]func(*Device, *request) (string, error){
		"GetEnabledTLSVersions": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			return in("tas:GetEnabledTLSVersionsResponse", el("tas:Versions", k.versions)), nil
		}),
		"SetEnabledTLSVersions": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			v := text(q.el, "Versions")
			if v == "" {
				return "", sender("Empty list", "ter:InvalidArgVal", "ter:EmptyList")
			}
			for _, one := range strings.Fields(v) {
				if one != "1.2" && one != "1.3" {
					return "", sender("No such version", "ter:InvalidArgVal", "ter:TLSVersion")
				}
			}
			k.versions = v
			return done(q)
		}),
		"GetAssignedServerCertificates": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			return ids("CertificationPathID", k.assigned, "GetAssignedServerCertificates"), nil
		}),
		"AddServerCertificateAssignment": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			id := text(q.el, "CertificationPathID")
			if k.pathAt(id) < 0 {
				return "", errNoPath
			}
			if !k.signs(id) {
				return "", errNoSecret
			}
			k.assigned = append(k.assigned, id)
			k.settle()
			return done(q)
		}),
		"RemoveServerCertificateAssignment": keystoreOperation(func(d *Device, k *keystore, q *request) (string, error) {
			i := slices.Index(k.assigned, text(q.el, "CertificationPathID"))
			switch {
			case i < 0:
				return "", errNoOld
			case len(k.assigned) == 1 && slices.ContainsFunc(d.protocols, func(p Protocol) bool { return p.Name == "HTTPS" && p.Enabled }):
				return "", errReferred
			}
			k.assigned = slices.Delete(k.assigned, i, i+1)
			k.settle()
			return done(q)
		}),
		"ReplaceServerCertificateAssignment": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := slices.Index(k.assigned, text(q.el, "OldCertificationPathID"))
			id := text(q.el, "NewCertificationPathID")
			switch {
			case i < 0:
				return "", errNoOld
			case k.pathAt(id) < 0:
				return "", errNoNew
			case !k.signs(id):
				return "", errNoSecret
			}
			k.assigned[i] = id
			k.settle()
			return done(q)
		}),
		"GetClientAuthenticationRequired": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			return in("tas:GetClientAuthenticationRequiredResponse", el("tas:clientAuthenticationRequired", k.clients)), nil
		}),
		"SetClientAuthenticationRequired": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			on := truth(q, "clientAuthenticationRequired") == 1
			if on && len(k.judging) == 0 {
				return "", errNoClientAuth
			}
			k.clients = on
			return done(q)
		}),
		"GetCnMapsToUser": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			return in("tas:GetCnMapsToUserResponse", el("tas:cnMapsToUser", k.cnIsUser)), nil
		}),
		"SetCnMapsToUser": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			on := truth(q, "cnMapsToUser") == 1
			if on && len(k.judging) == 0 {
				return "", &faultError{500, "Receiver", "No policy is assigned", []string{"ter:ActionNotSupported", "ter:CnMapsToUserFailed"}}
			}
			k.cnIsUser = on
			return done(q)
		}),
		"GetAssignedCertPathValidationPolicies": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			return ids("CertPathValidationPolicyID", k.judging, "GetAssignedCertPathValidationPolicies"), nil
		}),
		"AddCertPathValidationPolicyAssignment": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			id := text(q.el, "CertPathValidationPolicyID")
			switch {
			case k.policyAt(id) < 0:
				return "", errNoPolicy
			case len(k.judging) >= 2:
				return "", full("ter:MaximumNumberOfTLSCertPathValidationPoliciesReached")
			}
			k.judging = append(k.judging, id)
			return done(q)
		}),
		"RemoveCertPathValidationPolicyAssignment": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := slices.Index(k.judging, text(q.el, "CertPathValidationPolicyID"))
			if i < 0 {
				return "", errNoPolicy
			}
			k.judging = slices.Delete(k.judging, i, i+1)
			return done(q)
		}),
		"ReplaceCertPathValidationPolicyAssignment": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			i := slices.Index(k.judging, text(q.el, "OldCertPathValidationPolicyID"))
			id := text(q.el, "NewCertPathValidationPolicyID")
			switch {
			case i < 0:
				return "", errNoOldPolicy
			case k.policyAt(id) < 0:
				return "", errNoNewPolicy
			}
			k.judging[i] = id
			return done(q)
		}),
	}
}

// signs tells whether the private key of a path's leaf is here.
func (k *keystore) signs(path string) bool {
	return k.keys[k.keyAt(k.certs[k.certAt(k.paths[k.pathAt(path)].certs[0])].keyID)].key != nil
}

// server is the TLS server, which goes by the keystore at each handshake.
func (k *keystore) server() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: k.handshake,
		GetCertificate:     func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errNotServing },
	}
}

func (k *keystore) handshake(*tls.ClientHelloInfo) (*tls.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.serving == nil {
		return nil, errNotServing
	}
	c := &tls.Config{Certificates: []tls.Certificate{*k.serving}, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}
	if v := strings.Fields(k.versions); !slices.Contains(v, "1.2") {
		c.MinVersion = tls.VersionTLS13
	} else if !slices.Contains(v, "1.3") {
		c.MaxVersion = tls.VersionTLS12
	}
	if k.clients {
		c.ClientAuth = tls.RequireAnyClientCert
		c.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.judge(raw)
		}
	}
	return c, nil
}

// certificateUser is whom a client's certificate tells, where the device goes
// by that. The handshake has judged the certificate.
func (d *Device) certificateUser(r *http.Request) string {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	if !d.store.clients || !d.store.cnIsUser || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}
