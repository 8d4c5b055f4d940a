package onvif_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// all lets whatever may be consented to.
var all = []onvif.Consent{onvif.AllowCutOff, onvif.AllowPolicyLock}

func to[T any](v T) *T { return &v }

// calls makes a call of every operation.
var calls = map[string]func(ctx context.Context, c *onvif.Client) error{
	"AccessPolicy": func(ctx context.Context, c *onvif.Client) error { _, err := c.AccessPolicy(ctx); return err },
	"AddIPAddressFilter": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.AddIPAddressFilter(ctx, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/64")}, all...)
		return err
	},
	"AuthFailureWarning": func(ctx context.Context, c *onvif.Client) error { _, err := c.AuthFailureWarning(ctx); return err },
	"AuthFailureWarningOptions": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.AuthFailureWarningOptions(ctx)
		return err
	},
	"CACertificates": func(ctx context.Context, c *onvif.Client) error { _, err := c.CACertificates(ctx); return err },
	"Capabilities":   func(ctx context.Context, c *onvif.Client) error { _, err := c.Capabilities(ctx); return err },
	"CertificateInformation": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.CertificateInformation(ctx, "factory")
		return err
	},
	"CertificateRequest": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.CertificateRequest(ctx, "own", "CN=x")
		return err
	},
	"Certificates":          func(ctx context.Context, c *onvif.Client) error { _, err := c.Certificates(ctx); return err },
	"CertificatesStatus":    func(ctx context.Context, c *onvif.Client) error { _, err := c.CertificatesStatus(ctx); return err },
	"ClientCertificateMode": func(ctx context.Context, c *onvif.Client) error { _, err := c.ClientCertificateMode(ctx); return err },
	"CreateCertificate": func(ctx context.Context, c *onvif.Client) error {
		_, _, err := c.CreateCertificate(ctx, "own", "CN=x")
		return err
	},
	"CreateUsers": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.CreateUsers(ctx,
			onvif.NewUser{User: onvif.User{Name: "new <&> one", Level: onvif.LevelUser}, Password: secret(`Ab"c'<&>]]>12`)},
			onvif.NewUser{User: onvif.User{Name: "ext", Level: onvif.LevelExtended, Roles: []string{"a", "b"}}, Password: secret("Fresh-Paint-1")})
		return err
	},
	"DeleteCertificates": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.DeleteCertificates(ctx, "factory")
		return err
	},
	"DeleteUserRole": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.DeleteUserRole(ctx, "site:Export")
		return err
	},
	"DeleteUsers": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.DeleteUsers(ctx, "guard", "vms")
		return err
	},
	"DeviceInformation":  func(ctx context.Context, c *onvif.Client) error { _, err := c.DeviceInformation(ctx); return err },
	"DiscoveryMode":      func(ctx context.Context, c *onvif.Client) error { _, err := c.DiscoveryMode(ctx); return err },
	"DNS":                func(ctx context.Context, c *onvif.Client) error { _, err := c.DNS(ctx); return err },
	"DefaultGateways":    func(ctx context.Context, c *onvif.Client) error { _, err := c.DefaultGateways(ctx); return err },
	"DynamicDNS":         func(ctx context.Context, c *onvif.Client) error { _, err := c.DynamicDNS(ctx); return err },
	"EnabledTLSVersions": func(ctx context.Context, c *onvif.Client) error { _, err := c.EnabledTLSVersions(ctx); return err },
	"EndpointReference":  func(ctx context.Context, c *onvif.Client) error { _, err := c.EndpointReference(ctx); return err },
	"Hostname":           func(ctx context.Context, c *onvif.Client) error { _, err := c.Hostname(ctx); return err },
	"IPAddressFilter":    func(ctx context.Context, c *onvif.Client) error { _, err := c.IPAddressFilter(ctx); return err },
	"LoadCACertificates": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.LoadCACertificates(ctx, onvif.Certificate{ID: "ca", DER: []byte{0x30, 0}})
		return err
	},
	"LoadCertificateWithPrivateKey": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.LoadCertificateWithPrivateKey(ctx, onvif.Certificate{ID: "pair", DER: []byte{0x30, 2, 1, 1}}, secret("a key"))
		return err
	},
	"LoadCertificates": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.LoadCertificates(ctx, onvif.Certificate{ID: "loaded", DER: []byte{0x30, 0}})
		return err
	},
	"NTP":                func(ctx context.Context, c *onvif.Client) error { _, err := c.NTP(ctx); return err },
	"NetworkInterfaces":  func(ctx context.Context, c *onvif.Client) error { _, err := c.NetworkInterfaces(ctx); return err },
	"NetworkProtocols":   func(ctx context.Context, c *onvif.Client) error { _, err := c.NetworkProtocols(ctx); return err },
	"PasswordComplexity": func(ctx context.Context, c *onvif.Client) error { _, err := c.PasswordComplexity(ctx); return err },
	"PasswordComplexityOptions": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.PasswordComplexityOptions(ctx)
		return err
	},
	"PasswordHistory":     func(ctx context.Context, c *onvif.Client) error { _, err := c.PasswordHistory(ctx); return err },
	"Reboot":              func(ctx context.Context, c *onvif.Client) error { _, _, err := c.Reboot(ctx); return err },
	"RemoteDiscoveryMode": func(ctx context.Context, c *onvif.Client) error { _, err := c.RemoteDiscoveryMode(ctx); return err },
	"RemoteUser":          func(ctx context.Context, c *onvif.Client) error { _, err := c.RemoteUser(ctx); return err },
	"RemoveIPAddressFilter": func(ctx context.Context, c *onvif.Client) error {
		p := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		if _, err := c.AddIPAddressFilter(ctx, p, all...); err != nil {
			return err
		}
		_, err := c.RemoveIPAddressFilter(ctx, p, all...)
		return err
	},
	"RestoreSystem": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.RestoreSystem(ctx, onvif.NewBackupFile("config.bin", []byte("x")))
		return err
	},
	"Scopes":              func(ctx context.Context, c *onvif.Client) error { _, err := c.Scopes(ctx); return err },
	"ServiceCapabilities": func(ctx context.Context, c *onvif.Client) error { _, err := c.ServiceCapabilities(ctx); return err },
	"Services":            func(ctx context.Context, c *onvif.Client) error { _, err := c.Services(ctx); return err },
	"SetAccessPolicy": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetAccessPolicy(ctx, []byte("p"))
		return err
	},
	"SetAuthFailureWarning": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetAuthFailureWarning(ctx, onvif.FailureWarning{Enabled: true, MonitorPeriod: 60, MaxFailures: 3})
		return err
	},
	"SetCertificatesStatus": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetCertificatesStatus(ctx, map[string]bool{"factory": false})
		return err
	},
	"SetClientCertificateMode": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetClientCertificateMode(ctx, true, all...)
		return err
	},
	"SetDiscoveryMode": func(ctx context.Context, c *onvif.Client) error { _, err := c.SetDiscoveryMode(ctx, false); return err },
	"SetDynamicDNS": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetDynamicDNS(ctx, onvif.DNSClientUpdates, "cam.example")
		return err
	},
	"SetEnabledTLSVersions": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetEnabledTLSVersions(ctx, "1.3")
		return err
	},
	"SetFactoryDefault": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetFactoryDefault(ctx, onvif.HardReset, all...)
		return err
	},
	"SetHashingAlgorithms": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetHashingAlgorithms(ctx, "SHA-256")
		return err
	},
	"SetIPAddressFilter": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetIPAddressFilter(ctx, onvif.IPAddressFilter{Allow: true, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, all...)
		return err
	},
	"SetNTP": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetNTP(ctx, "ntp.example", "192.0.2.1", "2001:db8::1")
		return err
	},
	"SetNetworkProtocols": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SwitchProtocol(ctx, "RTSP", false)
		return err
	},
	"SetPasswordComplexity": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetPasswordComplexity(ctx, onvif.PasswordRules{MinLen: to(12), Uppercase: to(1), Number: to(1), SpecialChars: to(1), BlockUsername: to(true), Locked: to(true)}, all...)
		return err
	},
	"SetPasswordHistory": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetPasswordHistory(ctx, onvif.PasswordMemory{Enabled: true, Length: 5})
		return err
	},
	"SetRemoteDiscoveryMode": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetRemoteDiscoveryMode(ctx, true)
		return err
	},
	"SetRemoteUser": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetRemoteUser(ctx, onvif.RemoteUser{Name: "far", UseDerived: true}, secret("x"))
		return err
	},
	"SetScopes": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetScopes(ctx, []string{"onvif://www.onvif.org/location/here"})
		return err
	},
	"SetSystemDateAndTime": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetSystemDateAndTime(ctx, onvif.TimeSetting{TimeZone: "CET-1", UTC: time.Now()})
		return err
	},
	"SetUser": func(ctx context.Context, c *onvif.Client) error {
		users, err := c.Users(ctx)
		if err != nil {
			return err
		}
		_, err = c.SetUser(ctx, onvif.NewUser{User: users[2], Password: secret("Other-Look-66")})
		return err
	},
	"SetUserRole": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetUserRole(ctx, onvif.UserRole{Name: "site:View", Functions: []string{"trt:GetStreamUri"}})
		return err
	},
	"SetZeroConfiguration": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SetZeroConfiguration(ctx, "eth0", false)
		return err
	},
	"StartFirmwareUpgrade": func(ctx context.Context, c *onvif.Client) error { _, _, err := c.StartFirmwareUpgrade(ctx); return err },
	"StartSystemRestore":   func(ctx context.Context, c *onvif.Client) error { _, _, err := c.StartSystemRestore(ctx); return err },
	"SystemBackup":         func(ctx context.Context, c *onvif.Client) error { _, err := c.SystemBackup(ctx); return err },
	"SystemDateAndTime":    func(ctx context.Context, c *onvif.Client) error { _, err := c.SystemDateAndTime(ctx); return err },
	"SystemLog": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SystemLog(ctx, onvif.LogSystem)
		return err
	},
	"SystemSupportInformation": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.SystemSupportInformation(ctx)
		return err
	},
	"SystemURIs": func(ctx context.Context, c *onvif.Client) error { _, err := c.SystemURIs(ctx); return err },
	"UpgradeFirmware": func(ctx context.Context, c *onvif.Client) error {
		_, _, err := c.UpgradeFirmware(ctx, "1.2")
		return err
	},
	"UpgradeSystemFirmware": func(ctx context.Context, c *onvif.Client) error {
		image := onviftest.ImageFor("V9.9.9")
		_, _, err := c.UpgradeSystemFirmware(ctx, bytes.NewReader(image), int64(len(image)))
		return err
	},
	"UserRoles":            func(ctx context.Context, c *onvif.Client) error { _, err := c.UserRoles(ctx); return err },
	"Users":                func(ctx context.Context, c *onvif.Client) error { _, err := c.Users(ctx); return err },
	"ZeroConfiguration":    func(ctx context.Context, c *onvif.Client) error { _, err := c.ZeroConfiguration(ctx); return err },
	"SecurityCapabilities": func(ctx context.Context, c *onvif.Client) error { _, err := c.SecurityCapabilities(ctx); return err },
	"Keys":                 func(ctx context.Context, c *onvif.Client) error { _, err := c.Keys(ctx); return err },
	"KeyStatus": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.KeyStatus(ctx, "factory-key")
		return err
	},
	"CreateRSAKeyPair": func(ctx context.Context, c *onvif.Client) error {
		_, _, _, err := c.CreateRSAKeyPair(ctx, 2048, "own & more")
		return err
	},
	"CreateECCKeyPair": func(ctx context.Context, c *onvif.Client) error {
		_, _, _, err := c.CreateECCKeyPair(ctx, "P-256", "own")
		return err
	},
	"DeleteKey": func(ctx context.Context, c *onvif.Client) error {
		id, _, _, err := c.CreateECCKeyPair(ctx, "P-256", "")
		if err != nil {
			return err
		}
		_, err = c.DeleteKey(ctx, id)
		return err
	},
	"CreateCSR": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.CreateCSR(ctx, pkix.Name{CommonName: "cam", Country: []string{"DE"}, Organization: []string{"O"}, OrganizationalUnit: []string{"U"}, Province: []string{"P"}, Locality: []string{"L"}, SerialNumber: "1"},
			"factory-key", onvif.ECDSAWithSHA256, onvif.Extension{OID: "2.5.29.17", Value: []byte{0x30, 0}})
		return err
	},
	"CreateSelfSignedCertificate": func(ctx context.Context, c *onvif.Client) error {
		_, _, err := c.CreateSelfSignedCertificate(ctx, pkix.Name{CommonName: "cam"}, "factory-key", "self", onvif.ECDSAWithSHA256)
		return err
	},
	"UploadCertificate": func(ctx context.Context, c *onvif.Client) error {
		list, err := c.StoredCertificates(ctx)
		if err != nil {
			return err
		}
		_, _, _, err = c.UploadCertificate(ctx, list[0].DER, "again", true)
		return err
	},
	"UploadPKCS8": func(ctx context.Context, c *onvif.Client) error {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		_, _, err = c.UploadPKCS8(ctx, camsec.NewSecret(der), "theirs")
		return err
	},
	"UploadPKCS12": func(ctx context.Context, c *onvif.Client) error {
		file, err := pkcs12("pass")
		if err != nil {
			return err
		}
		_, _, _, err = c.UploadPKCS12(ctx, file, secret("pass"), "p12")
		return err
	},
	"StoredCertificates": func(ctx context.Context, c *onvif.Client) error { _, err := c.StoredCertificates(ctx); return err },
	"DeleteCertificate": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.CreateSelfSignedCertificate(ctx, pkix.Name{CommonName: "cam"}, "factory-key", "", onvif.ECDSAWithSHA256)
		if err != nil {
			return err
		}
		_, err = c.DeleteCertificate(ctx, id)
		return err
	},
	"CreateCertificationPath": func(ctx context.Context, c *onvif.Client) error {
		_, _, err := c.CreateCertificationPath(ctx, "path", "factory-cert")
		return err
	},
	"CertificationPath": func(ctx context.Context, c *onvif.Client) error {
		_, err := c.CertificationPath(ctx, "factory-path")
		return err
	},
	"CertificationPaths": func(ctx context.Context, c *onvif.Client) error { _, err := c.CertificationPaths(ctx); return err },
	"DeleteCertificationPath": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.CreateCertificationPath(ctx, "path", "factory-cert")
		if err != nil {
			return err
		}
		_, err = c.DeleteCertificationPath(ctx, id)
		return err
	},
	"ServerCertificates": func(ctx context.Context, c *onvif.Client) error { _, err := c.ServerCertificates(ctx); return err },
	"AddServerCertificate": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.CreateCertificationPath(ctx, "path", "factory-cert")
		if err != nil {
			return err
		}
		_, err = c.AddServerCertificate(ctx, id)
		return err
	},
	"RemoveServerCertificate": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.CreateCertificationPath(ctx, "path", "factory-cert")
		if err != nil {
			return err
		}
		if _, err = c.AddServerCertificate(ctx, id); err != nil {
			return err
		}
		_, err = c.RemoveServerCertificate(ctx, id)
		return err
	},
	"ReplaceServerCertificate": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.CreateCertificationPath(ctx, "path", "factory-cert")
		if err != nil {
			return err
		}
		_, err = c.ReplaceServerCertificate(ctx, "factory-path", id)
		return err
	},
	"ClientAuthentication": func(ctx context.Context, c *onvif.Client) error { _, err := c.ClientAuthentication(ctx); return err },
	"SetClientAuthentication": func(ctx context.Context, c *onvif.Client) error {
		if _, err := assignPolicy(ctx, c); err != nil {
			return err
		}
		_, err := c.SetClientAuthentication(ctx, true, all...)
		return err
	},
	"CnMapsToUser": func(ctx context.Context, c *onvif.Client) error { _, err := c.CnMapsToUser(ctx); return err },
	"SetCnMapsToUser": func(ctx context.Context, c *onvif.Client) error {
		if _, err := assignPolicy(ctx, c); err != nil {
			return err
		}
		_, err := c.SetCnMapsToUser(ctx, true)
		return err
	},
	"CRLs": func(ctx context.Context, c *onvif.Client) error {
		if _, err := uploadCRL(ctx, c); err != nil {
			return err
		}
		list, err := c.CRLs(ctx)
		if err == nil && (len(list) != 1 || list[0].Alias != "revoked & gone") {
			return fmt.Errorf("read as %+v", list)
		}
		return err
	},
	"UploadCRL": func(ctx context.Context, c *onvif.Client) error { _, err := uploadCRL(ctx, c); return err },
	"DeleteCRL": func(ctx context.Context, c *onvif.Client) error {
		id, err := uploadCRL(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.DeleteCRL(ctx, id)
		return err
	},
	"ValidationPolicies": func(ctx context.Context, c *onvif.Client) error {
		if _, err := assignPolicy(ctx, c); err != nil {
			return err
		}
		list, err := c.ValidationPolicies(ctx)
		if err == nil && (len(list) != 1 || !list[0].RequireClientAuthUsage || list[0].UseDeltaCRLs || len(list[0].TrustAnchors) != 1) {
			return fmt.Errorf("read as %+v", list)
		}
		return err
	},
	"CreateValidationPolicy": func(ctx context.Context, c *onvif.Client) error { _, err := assignPolicy(ctx, c); return err },
	"SetValidationPolicy": func(ctx context.Context, c *onvif.Client) error {
		if _, err := assignPolicy(ctx, c); err != nil {
			return err
		}
		list, err := c.ValidationPolicies(ctx)
		if err != nil {
			return err
		}
		list[0].UseDeltaCRLs = true
		_, err = c.SetValidationPolicy(ctx, list[0])
		return err
	},
	"DeleteValidationPolicy": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.CreateValidationPolicy(ctx, onvif.ValidationPolicy{TrustAnchors: []string{"factory-cert"}})
		if err != nil {
			return err
		}
		_, err = c.DeleteValidationPolicy(ctx, id)
		return err
	},
	"ServerPolicies": func(ctx context.Context, c *onvif.Client) error {
		id, err := assignPolicy(ctx, c)
		if err != nil {
			return err
		}
		ids, err := c.ServerPolicies(ctx)
		if err == nil && !slices.Equal(ids, []string{id}) {
			return fmt.Errorf("read as %q", ids)
		}
		return err
	},
	"AddServerPolicy": func(ctx context.Context, c *onvif.Client) error { _, err := assignPolicy(ctx, c); return err },
	"RemoveServerPolicy": func(ctx context.Context, c *onvif.Client) error {
		id, err := assignPolicy(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.RemoveServerPolicy(ctx, id)
		return err
	},
	"ReplaceServerPolicy": func(ctx context.Context, c *onvif.Client) error {
		old, err := assignPolicy(ctx, c)
		if err != nil {
			return err
		}
		id, _, err := c.CreateValidationPolicy(ctx, onvif.ValidationPolicy{TrustAnchors: []string{"factory-cert"}})
		if err != nil {
			return err
		}
		_, err = c.ReplaceServerPolicy(ctx, old, id)
		return err
	},
	"AuthorizationServers": func(ctx context.Context, c *onvif.Client) error {
		made, err := addServer(ctx, c)
		if err != nil {
			return err
		}
		list, err := c.AuthorizationServers(ctx)
		if err == nil && (len(list) != 1 || !reflect.DeepEqual(list[0], made)) {
			return fmt.Errorf("read as %+v", list)
		}
		return err
	},
	"CreateAuthorizationServer": func(ctx context.Context, c *onvif.Client) error { _, err := addServer(ctx, c); return err },
	"SetAuthorizationServer": func(ctx context.Context, c *onvif.Client) error {
		s, err := addServer(ctx, c)
		if err != nil {
			return err
		}
		s.ClientAuth, s.Scope = onvif.ClientSecretBasic, "cameras & doors"
		_, err = c.SetAuthorizationServer(ctx, s, secret("Shared-Word-1"))
		return err
	},
	"DeleteAuthorizationServer": func(ctx context.Context, c *onvif.Client) error {
		s, err := addServer(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.DeleteAuthorizationServer(ctx, s.Token)
		return err
	},
	"CRL": func(ctx context.Context, c *onvif.Client) error {
		id, err := uploadCRL(ctx, c)
		if err != nil {
			return err
		}
		l, err := c.CRL(ctx, id)
		if err == nil && (l.ID != id || l.Alias != "revoked & gone" || len(l.DER) == 0) {
			return fmt.Errorf("read as %+v", l)
		}
		return err
	},
	"StoredCertificate": func(ctx context.Context, c *onvif.Client) error {
		x, err := c.StoredCertificate(ctx, "factory-cert")
		if err == nil && (x.ID != "factory-cert" || x.KeyID != "factory-key") {
			return fmt.Errorf("read as %+v", x)
		}
		if err == nil {
			_, err = x.Parse()
		}
		return err
	},
	"ValidationPolicy": func(ctx context.Context, c *onvif.Client) error {
		id, err := assignPolicy(ctx, c)
		if err != nil {
			return err
		}
		p, err := c.ValidationPolicy(ctx, id)
		if err == nil && (p.ID != id || !p.RequireClientAuthUsage || p.UseDeltaCRLs || len(p.TrustAnchors) != 1) {
			return fmt.Errorf("read as %+v", p)
		}
		return err
	},
	"Dot1XConfiguration": func(ctx context.Context, c *onvif.Client) error {
		var id string
		if err := addDot1X(ctx, c, &id); err != nil {
			return err
		}
		d, err := c.Dot1XConfiguration(ctx, id)
		if err == nil && (d.ID != id || d.Inner == nil || d.Inner.Method != "MSCHAPv2") {
			return fmt.Errorf("read as %+v", d)
		}
		return err
	},
	"SetCertificationPath": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.CreateSelfSignedCertificate(ctx, pkix.Name{CommonName: "renewed"}, "factory-key", "", onvif.ECDSAWithSHA256)
		if err != nil {
			return err
		}
		_, err = c.SetCertificationPath(ctx, "factory-path", "owner's & own", id)
		return err
	},
	"CreateLegacyDot1X": func(ctx context.Context, c *onvif.Client) error { _, err := createLegacyDot1X(ctx, c); return err },
	"LegacyDot1XConfigurations": func(ctx context.Context, c *onvif.Client) error {
		made, err := createLegacyDot1X(ctx, c)
		if err != nil {
			return err
		}
		list, err := c.LegacyDot1XConfigurations(ctx)
		if err == nil && (len(list) != 1 || list[0].Token != made.Token || list[0].CertificateID != made.CertificateID) {
			return fmt.Errorf("read as %+v", list)
		}
		return err
	},
	"LegacyDot1XConfiguration": func(ctx context.Context, c *onvif.Client) error {
		made, err := createLegacyDot1X(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.LegacyDot1XConfiguration(ctx, made.Token)
		return err
	},
	"SetLegacyDot1X": func(ctx context.Context, c *onvif.Client) error {
		made, err := createLegacyDot1X(ctx, c)
		if err != nil {
			return err
		}
		now, err := c.LegacyDot1XConfiguration(ctx, made.Token)
		if err != nil {
			return err
		}
		now.Method, now.CertificateID, now.AnonymousID = onvif.EAPPEAP, "", "any <1>"
		_, err = c.SetLegacyDot1X(ctx, now, secret("Switch-Word-2"), all...)
		return err
	},
	"DeleteLegacyDot1X": func(ctx context.Context, c *onvif.Client) error {
		made, err := createLegacyDot1X(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.DeleteLegacyDot1X(ctx, made.Token, all...)
		return err
	},
	"JWT":    func(ctx context.Context, c *onvif.Client) error { _, err := c.JWT(ctx); return err },
	"SetJWT": func(ctx context.Context, c *onvif.Client) error { _, err := c.SetJWT(ctx, bearer); return err },
	"MediaSigningCertificates": func(ctx context.Context, c *onvif.Client) error {
		ids, err := c.MediaSigningCertificates(ctx)
		if err == nil && !slices.Equal(ids, []string{"factory-path"}) {
			return fmt.Errorf("read as %q", ids)
		}
		return err
	},
	"AddMediaSigningCertificate": func(ctx context.Context, c *onvif.Client) error { _, err := signMedia(ctx, c); return err },
	"RemoveMediaSigningCertificate": func(ctx context.Context, c *onvif.Client) error {
		id, err := signMedia(ctx, c)
		if err != nil {
			return err
		}
		_, err = c.RemoveMediaSigningCertificate(ctx, id)
		return err
	},
	"ClearInterfaceDot1X": func(ctx context.Context, c *onvif.Client) error {
		change, err := c.ClearInterfaceDot1X(ctx, "eth0", all...)
		if err == nil && !change.RebootRequired {
			return errors.New("the restart is not told")
		}
		return err
	},
	"Dot1XConfigurations": func(ctx context.Context, c *onvif.Client) error {
		if err := addDot1X(ctx, c, new(string)); err != nil {
			return err
		}
		list, err := c.Dot1XConfigurations(ctx)
		if err == nil && (len(list) != 1 || list[0].Inner == nil || list[0].Inner.Method != "MSCHAPv2") {
			return fmt.Errorf("read as %+v", list)
		}
		return err
	},
	"AddDot1X": func(ctx context.Context, c *onvif.Client) error { return addDot1X(ctx, c, new(string)) },
	"DeleteDot1X": func(ctx context.Context, c *onvif.Client) error {
		var id string
		if err := addDot1X(ctx, c, &id); err != nil {
			return err
		}
		_, err := c.DeleteDot1X(ctx, id)
		return err
	},
	"InterfaceDot1X": func(ctx context.Context, c *onvif.Client) error { _, err := c.InterfaceDot1X(ctx, "eth0"); return err },
	"SetInterfaceDot1X": func(ctx context.Context, c *onvif.Client) error {
		var id string
		if err := addDot1X(ctx, c, &id); err != nil {
			return err
		}
		change, err := c.SetInterfaceDot1X(ctx, "eth0", id, all...)
		if err == nil && !change.RebootRequired {
			return errors.New("the restart is not told")
		}
		return err
	},
	"Passphrases": func(ctx context.Context, c *onvif.Client) error { _, err := c.Passphrases(ctx); return err },
	"UploadPassphrase": func(ctx context.Context, c *onvif.Client) error {
		_, _, err := c.UploadPassphrase(ctx, secret("p"), "a")
		return err
	},
	"DeletePassphrase": func(ctx context.Context, c *onvif.Client) error {
		id, _, err := c.UploadPassphrase(ctx, secret("p"), "a")
		if err != nil {
			return err
		}
		_, err = c.DeletePassphrase(ctx, id)
		return err
	},
}

func addDot1X(ctx context.Context, c *onvif.Client, id *string) error {
	phrase, _, err := c.UploadPassphrase(ctx, secret("Switch-Word-1"), "lan")
	if err != nil {
		return err
	}
	*id, _, err = c.AddDot1X(ctx, onvif.Dot1X{Alias: "lan", Outer: onvif.Dot1XStage{Method: "EAP-PEAP", Identity: "anonymous"}, Inner: &onvif.Dot1XStage{Method: "MSCHAPv2", Identity: "cam", PassphraseID: phrase}})
	return err
}

// createLegacyDot1X has the device log in with the factory's certificate.
func createLegacyDot1X(ctx context.Context, c *onvif.Client) (onvif.LegacyDot1X, error) {
	if _, err := c.LoadCACertificates(ctx, onvif.Certificate{ID: "ca", DER: []byte{0x30, 0}}); err != nil {
		return onvif.LegacyDot1X{}, err
	}
	d := onvif.LegacyDot1X{Token: "lan & more", Identity: "cam-1", Method: onvif.EAPTLS, CACertificateIDs: []string{"ca"}, CertificateID: "factory"}
	_, err := c.CreateLegacyDot1X(ctx, d, secret("Switch-Word-1"))
	return d, err
}

// assignPolicy has clients judged by the factory's certificate.
func assignPolicy(ctx context.Context, c *onvif.Client) (id string, err error) {
	id, _, err = c.CreateValidationPolicy(ctx, onvif.ValidationPolicy{Alias: "cameras & co", TrustAnchors: []string{"factory-cert"}, RequireClientAuthUsage: true})
	if err != nil {
		return "", err
	}
	_, err = c.AddServerPolicy(ctx, id)
	return id, err
}

func uploadCRL(ctx context.Context, c *onvif.Client) (id string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "x"}, SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, issuer, key)
	if err != nil {
		return "", err
	}
	id, _, err = c.UploadCRL(ctx, der, "revoked & gone")
	return id, err
}

func addServer(ctx context.Context, c *onvif.Client) (onvif.AuthorizationServer, error) {
	s := onvif.AuthorizationServer{
		Type: onvif.OAuthClientCredentials, ClientAuth: onvif.PrivateKeyJWT, URI: "https://login.example/token", ClientID: "cam <1>", Scope: "cameras",
		KeyID: "factory-key", CertificateID: "factory-cert",
	}
	var err error
	s.Token, _, err = c.CreateAuthorizationServer(ctx, s, camsec.Secret{})
	return s, err
}

var bearer = onvif.JWTConfiguration{
	Audiences: []string{"cam-1", "all"}, TrustedIssuers: []string{"https://login.example/"}, KeyIDs: []string{"factory-key"},
	CustomClaims: []onvif.CustomClaim{{Name: "site", Values: []string{"north", "south"}}},
}

func signMedia(ctx context.Context, c *onvif.Client) (path string, err error) {
	path, _, err = c.CreateCertificationPath(ctx, "signs", "factory-cert")
	if err != nil {
		return "", err
	}
	_, err = c.AddMediaSigningCertificate(ctx, path)
	return path, err
}

// withoutOperation are the exported methods of Client that send what others
// send, or nothing.
var withoutOperation = []string{
	"AcceptWeaker", "AwaitKey", "BaseURL", "Certificate", "Challenge", "CheckPassword", "Close", "Detect", "Device", "Exposure", "InstallCertificate", "ProvePassword", "Renew", "SwitchProtocol", "Target", "Trust",
	"Upgrade", "UpgradeByUpload", "Upload",
}

var opComment = regexp.MustCompile(`(?m)^//onvif:op (?:(tas):)?(\S+)$`)

// Methods, comments, the table of operations and the calls of this test go
// together.
func TestEveryMethodHasItsOperation(t *testing.T) {
	ops := map[string]onvif.Operation{}
	for _, o := range onvif.Operations() {
		ops[o.Name] = o
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	methods := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() {
				continue
			}
			star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
			if !ok || fmt.Sprint(star.X) != "Client" {
				continue
			}
			method := fn.Name.Name
			methods[method] = true
			require.NotNil(t, fn.Doc, method)
			var text strings.Builder
			for _, l := range fn.Doc.List {
				text.WriteString(l.Text + "\n")
			}
			m := opComment.FindStringSubmatch(text.String())
			if slices.Contains(withoutOperation, method) {
				assert.Nil(t, m, method)
				continue
			}
			require.NotNil(t, m, "%s has no //onvif:op", method)
			assert.Equal(t, ops[method].Action, m[2], method)
			assert.Equal(t, m[1] == "tas", ops[method].Service == onvif.SecurityService, method)
			assert.NotNil(t, calls[method], "%s is not called by this test", method)
		}
	}
	for name := range ops {
		assert.True(t, methods[name], "operation %s has no method", name)
	}
}

// Everything that is sent, and everything that the simulated devices answer,
// is valid by the published schemas.
func TestMessagesAreValid(t *testing.T) {
	script := recordings(t, "onvif/schemas/validate.sh")
	for _, tool := range []string{"xmllint", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			skip(t, tool+" is not installed")
		}
	}
	dir := t.TempDir()
	var files []string
	save := func(name, message string) {
		if message == "" {
			return
		}
		if i := strings.Index(message, "<?xml"); i > 0 { // the envelope among parts
			message = message[i:]
			message = message[:strings.Index(message, "\r\n--")]
		}
		file := filepath.Join(dir, name+".xml")
		require.NoError(t, os.WriteFile(file, []byte(message), 0o600))
		files = append(files, file)
	}
	for _, p := range onviftest.Profiles() {
		p.Missing, p.Security = nil, true
		for i := range p.Protocols { // as they are reached over HTTPS
			p.Protocols[i].Enabled = true
		}
		for _, o := range onvif.Operations() {
			d := start(t, p, &onviftest.Options{InProcess: true, TLS: true})
			if d.Users()[len(d.Users())-1].Name != "vms" {
				d.SetUser(onviftest.User{Name: "guard", Password: "Night-Watch-4", Level: "Operator"})
				d.SetUser(onviftest.User{Name: "vms", Password: "Only-Look-55", Level: "Operator"})
			}
			c := client(t, d, nil)
			if o.Name == "CertificateRequest" {
				require.NoError(t, calls["CreateCertificate"](t.Context(), c))
			}
			err := calls[o.Name](t.Context(), c)
			switch {
			case err == nil:
			case o.Name == "SetHashingAlgorithms" && p.Manufacturer != "CAMSEC", o.Name == "SetUser", o.Name == "CreateUsers":
			default:
				t.Errorf("%s: %s: %v", p.Manufacturer, o.Name, err)
			}
			request := d.LastRequest(o.Action)
			require.NotEmpty(t, request, "%s: %s sent nothing", p.Manufacturer, o.Name)
			save(p.Manufacturer+"-"+o.Name+"-request", request)
			save(p.Manufacturer+"-"+o.Name+"-reply", d.LastReply(o.Action))
		}
	}
	// The script reads the schemas anew for each file; so it prepares them with
	// one, and xmllint goes on as it would.
	work := t.TempDir()
	cmd := exec.CommandContext(t.Context(), script, files[0])
	cmd.Env = append(os.Environ(), "ONVIF_XSD_WORK="+work)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	cmd = exec.CommandContext(t.Context(), "xmllint", append([]string{"--nonet", "--noout", "--schema", filepath.Join(work, "all.xsd")}, files...)...)
	cmd.Env = append(os.Environ(), "XML_CATALOG_FILES="+filepath.Join(filepath.Dir(script), "catalog.xml"), "SGML_CATALOG_FILES=")
	out, err = cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if !strings.Contains(line, " validates") {
			t.Log(strings.TrimSpace(strings.ReplaceAll(line, dir+"/", "")))
		}
	}
	require.NoError(t, err)
	assert.Equal(t, len(files), strings.Count(string(out), " validates"))
	t.Logf("%d messages are valid", len(files))
}

// The table in the README is written from the operations, so that it cannot
// promise what is not sent. CAMSEC_UPDATE=1 writes it anew.
func TestSupportTable(t *testing.T) {
	const begin, end = "<!-- operations: onvif -->\n", "<!-- /operations: onvif -->\n"
	file := "../README.md"
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(b), begin)
	require.True(t, ok, "README has no place for the table")
	have, tail, ok := strings.Cut(rest, end)
	require.True(t, ok)

	var want strings.Builder
	want.WriteString("| `onvif.Client` | sends | class | rests on |\n|---|---|---|---|\n")
	for _, o := range onvif.Operations() {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s | %s |\n", o.Name, o, o.Access, o.Evidence)
	}
	if os.Getenv("CAMSEC_UPDATE") == "1" {
		require.NoError(t, os.WriteFile(file, []byte(head+begin+want.String()+end+tail), 0o644)) //nolint:gosec // a public file
		return
	}
	assert.Equal(t, want.String(), have, "run this test with CAMSEC_UPDATE=1")
}

func TestOperationsAreSortedAndWhole(t *testing.T) {
	var names []string
	for _, o := range onvif.Operations() {
		names = append(names, o.Name)
		assert.Contains(t, []onvif.Access{onvif.PreAuth, onvif.ReadSystem, onvif.ReadSystemSecret, onvif.WriteSystem, onvif.Unrecoverable}, o.Access)
		assert.Contains(t, []camsec.Evidence{camsec.Recorded, camsec.Documented}, o.Evidence)
		assert.Equal(t, o.Access == onvif.WriteSystem || o.Access == onvif.Unrecoverable, o.Writes, o.Name)
	}
	assert.True(t, slices.IsSorted(names), names)
	assert.ElementsMatch(t, names, slices.Collect(maps.Keys(calls)))
}

// recordings returns a path below the recorded data, and skips without.
func recordings(t *testing.T, path string) string {
	t.Helper()
	root := os.Getenv("CAMSEC_RECORDINGS")
	if root == "" {
		skip(t, "CAMSEC_RECORDINGS names no recorded data")
	}
	p := filepath.Join(root, path)
	if _, err := os.Stat(p); err != nil {
		skip(t, "no recorded data at "+p)
	}
	return p
}

// skip skips, and fails where everything is required.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CAMSEC_REQUIRE") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
