package onvif

import (
	"slices"

	"github.com/camsec/camsec"
)

// A Service is one of the ONVIF services that this package speaks.
type Service uint8

// Services.
const (
	DeviceService   Service = iota
	SecurityService         // "advanced security": keys, certificates, TLS
)

func (s Service) prefix() string {
	if s == SecurityService {
		return "tas"
	}
	return "tds"
}

func (s Service) namespace() string {
	if s == SecurityService {
		return nsSecurity
	}
	return nsDevice
}

// An Access is the class of an operation in ONVIF's default access policy
// (Core 5.9.4.3).
type Access string

// Access classes, and who has them.
const (
	PreAuth             Access = "PRE_AUTH"              // everybody
	ReadSystem          Access = "READ_SYSTEM"           // every account
	ReadSystemSensitive Access = "READ_SYSTEM_SENSITIVE" // operators and administrators
	ReadSystemSecret    Access = "READ_SYSTEM_SECRET"    // administrators, like the rest
	WriteSystem         Access = "WRITE_SYSTEM"
	Unrecoverable       Access = "UNRECOVERABLE"
)

// An Operation is one request of the wire protocol.
type Operation struct {
	Name     string // of the method of [Client]
	Action   string // GetUsers
	Service  Service
	Access   Access
	Evidence camsec.Evidence
	Writes   bool // changes the device; refused with [Options.ReadOnly]
}

// String returns prefix and action: tds:GetUsers.
func (o Operation) String() string { return o.Service.prefix() + ":" + o.Action }

const (
	rec = camsec.Recorded
	doc = camsec.Documented
)

// operations is the table of all that this package sends. Recorded means that
// answers of real devices to it were seen.
var operations = []Operation{
	{"AccessPolicy", "GetAccessPolicy", DeviceService, ReadSystemSecret, rec, false},
	{"AddDot1X", "AddDot1XConfiguration", SecurityService, WriteSystem, doc, true},
	{"AddIPAddressFilter", "AddIPAddressFilter", DeviceService, WriteSystem, doc, true},
	{"AddMediaSigningCertificate", "AddMediaSigningCertificateAssignment", SecurityService, WriteSystem, doc, true},
	{"AddServerCertificate", "AddServerCertificateAssignment", SecurityService, WriteSystem, doc, true},
	{"AddServerPolicy", "AddCertPathValidationPolicyAssignment", SecurityService, WriteSystem, doc, true},
	{"AuthFailureWarning", "GetAuthFailureWarningConfiguration", DeviceService, ReadSystem, doc, false},
	{"AuthFailureWarningOptions", "GetAuthFailureWarningOptions", DeviceService, ReadSystem, doc, false},
	{"AuthorizationServers", "GetAuthorizationServerConfigurations", SecurityService, ReadSystemSecret, doc, false},
	{"CACertificates", "GetCACertificates", DeviceService, ReadSystemSecret, rec, false},
	{"CRL", "GetCRL", SecurityService, ReadSystemSecret, doc, false},
	{"CRLs", "GetAllCRLs", SecurityService, ReadSystemSecret, doc, false},
	{"Capabilities", "GetCapabilities", DeviceService, PreAuth, rec, false},
	{"CertificateInformation", "GetCertificateInformation", DeviceService, ReadSystemSecret, doc, false},
	{"CertificateRequest", "GetPkcs10Request", DeviceService, ReadSystemSecret, doc, false},
	{"Certificates", "GetCertificates", DeviceService, ReadSystemSecret, rec, false},
	{"CertificatesStatus", "GetCertificatesStatus", DeviceService, ReadSystemSecret, rec, false},
	{"CertificationPath", "GetCertificationPath", SecurityService, ReadSystemSecret, doc, false},
	{"CertificationPaths", "GetAllCertificationPaths", SecurityService, ReadSystemSecret, doc, false},
	{"ClearInterfaceDot1X", "DeleteNetworkInterfaceDot1XConfiguration", SecurityService, WriteSystem, doc, true},
	{"ClientAuthentication", "GetClientAuthenticationRequired", SecurityService, ReadSystem, doc, false},
	{"ClientCertificateMode", "GetClientCertificateMode", DeviceService, ReadSystemSecret, rec, false},
	{"CnMapsToUser", "GetCnMapsToUser", SecurityService, ReadSystem, doc, false},
	{"CreateAuthorizationServer", "CreateAuthorizationServerConfiguration", SecurityService, WriteSystem, doc, true},
	{"CreateCSR", "CreatePKCS10CSR", SecurityService, ReadSystem, doc, false},
	{"CreateCertificate", "CreateCertificate", DeviceService, WriteSystem, doc, true},
	{"CreateCertificationPath", "CreateCertificationPath", SecurityService, WriteSystem, doc, true},
	{"CreateECCKeyPair", "CreateECCKeyPair", SecurityService, WriteSystem, doc, true},
	{"CreateLegacyDot1X", "CreateDot1XConfiguration", DeviceService, WriteSystem, doc, true},
	{"CreateRSAKeyPair", "CreateRSAKeyPair", SecurityService, WriteSystem, doc, true},
	{"CreateSelfSignedCertificate", "CreateSelfSignedCertificate", SecurityService, WriteSystem, doc, true},
	{"CreateUsers", "CreateUsers", DeviceService, WriteSystem, rec, true},
	{"CreateValidationPolicy", "CreateCertPathValidationPolicy", SecurityService, WriteSystem, doc, true},
	{"DNS", "GetDNS", DeviceService, ReadSystem, rec, false},
	{"DefaultGateways", "GetNetworkDefaultGateway", DeviceService, ReadSystem, rec, false},
	{"DeleteAuthorizationServer", "DeleteAuthorizationServerConfiguration", SecurityService, WriteSystem, doc, true},
	{"DeleteCRL", "DeleteCRL", SecurityService, Unrecoverable, doc, true},
	{"DeleteCertificate", "DeleteCertificate", SecurityService, Unrecoverable, doc, true},
	{"DeleteCertificates", "DeleteCertificates", DeviceService, WriteSystem, doc, true},
	{"DeleteCertificationPath", "DeleteCertificationPath", SecurityService, Unrecoverable, doc, true},
	{"DeleteDot1X", "DeleteDot1XConfiguration", SecurityService, Unrecoverable, doc, true},
	{"DeleteKey", "DeleteKey", SecurityService, Unrecoverable, doc, true},
	{"DeleteLegacyDot1X", "DeleteDot1XConfiguration", DeviceService, WriteSystem, doc, true},
	{"DeletePassphrase", "DeletePassphrase", SecurityService, Unrecoverable, doc, true},
	{"DeleteUserRole", "DeleteUserRole", DeviceService, WriteSystem, doc, true},
	{"DeleteUsers", "DeleteUsers", DeviceService, WriteSystem, rec, true},
	{"DeleteValidationPolicy", "DeleteCertPathValidationPolicy", SecurityService, Unrecoverable, doc, true},
	{"DeviceInformation", "GetDeviceInformation", DeviceService, ReadSystem, rec, false},
	{"DiscoveryMode", "GetDiscoveryMode", DeviceService, ReadSystem, rec, false},
	{"Dot1XConfiguration", "GetDot1XConfiguration", SecurityService, ReadSystemSecret, doc, false},
	{"Dot1XConfigurations", "GetAllDot1XConfigurations", SecurityService, ReadSystemSecret, doc, false},
	{"DynamicDNS", "GetDynamicDNS", DeviceService, ReadSystem, rec, false},
	{"EnabledTLSVersions", "GetEnabledTLSVersions", SecurityService, ReadSystem, doc, false},
	{"EndpointReference", "GetEndpointReference", DeviceService, PreAuth, rec, false},
	{"Hostname", "GetHostname", DeviceService, PreAuth, rec, false},
	{"IPAddressFilter", "GetIPAddressFilter", DeviceService, ReadSystem, rec, false},
	{"InterfaceDot1X", "GetNetworkInterfaceDot1XConfiguration", SecurityService, ReadSystemSecret, doc, false},
	{"JWT", "GetJWTConfiguration", SecurityService, ReadSystemSecret, doc, false},
	{"KeyStatus", "GetKeyStatus", SecurityService, ReadSystemSecret, doc, false},
	{"Keys", "GetAllKeys", SecurityService, ReadSystemSecret, doc, false},
	{"LegacyDot1XConfiguration", "GetDot1XConfiguration", DeviceService, ReadSystemSecret, doc, false},
	{"LegacyDot1XConfigurations", "GetDot1XConfigurations", DeviceService, ReadSystemSecret, doc, false},
	{"LoadCACertificates", "LoadCACertificates", DeviceService, WriteSystem, doc, true},
	{"LoadCertificateWithPrivateKey", "LoadCertificateWithPrivateKey", DeviceService, WriteSystem, doc, true},
	{"LoadCertificates", "LoadCertificates", DeviceService, WriteSystem, doc, true},
	{"MediaSigningCertificates", "GetAssignedMediaSigningCertificates", SecurityService, ReadSystemSecret, doc, false},
	{"NTP", "GetNTP", DeviceService, ReadSystem, rec, false},
	{"NetworkInterfaces", "GetNetworkInterfaces", DeviceService, ReadSystem, rec, false},
	{"NetworkProtocols", "GetNetworkProtocols", DeviceService, ReadSystem, rec, false},
	{"Passphrases", "GetAllPassphrases", SecurityService, ReadSystemSecret, doc, false},
	{"PasswordComplexity", "GetPasswordComplexityConfiguration", DeviceService, ReadSystem, doc, false},
	{"PasswordComplexityOptions", "GetPasswordComplexityOptions", DeviceService, ReadSystem, doc, false},
	{"PasswordHistory", "GetPasswordHistoryConfiguration", DeviceService, ReadSystem, doc, false},
	{"Reboot", "SystemReboot", DeviceService, Unrecoverable, rec, true},
	{"RemoteDiscoveryMode", "GetRemoteDiscoveryMode", DeviceService, ReadSystem, rec, false},
	{"RemoteUser", "GetRemoteUser", DeviceService, ReadSystem, doc, false},
	{"RemoveIPAddressFilter", "RemoveIPAddressFilter", DeviceService, WriteSystem, doc, true},
	{"RemoveMediaSigningCertificate", "RemoveMediaSigningCertificateAssignment", SecurityService, WriteSystem, doc, true},
	{"RemoveServerCertificate", "RemoveServerCertificateAssignment", SecurityService, WriteSystem, doc, true},
	{"RemoveServerPolicy", "RemoveCertPathValidationPolicyAssignment", SecurityService, WriteSystem, doc, true},
	{"ReplaceServerCertificate", "ReplaceServerCertificateAssignment", SecurityService, WriteSystem, doc, true},
	{"ReplaceServerPolicy", "ReplaceCertPathValidationPolicyAssignment", SecurityService, WriteSystem, doc, true},
	{"RestoreSystem", "RestoreSystem", DeviceService, Unrecoverable, doc, true},
	{"Scopes", "GetScopes", DeviceService, ReadSystem, rec, false},
	{"SecurityCapabilities", "GetServiceCapabilities", SecurityService, PreAuth, doc, false},
	{"ServerCertificates", "GetAssignedServerCertificates", SecurityService, ReadSystemSecret, doc, false},
	{"ServerPolicies", "GetAssignedCertPathValidationPolicies", SecurityService, ReadSystemSecret, doc, false},
	{"ServiceCapabilities", "GetServiceCapabilities", DeviceService, PreAuth, rec, false},
	{"Services", "GetServices", DeviceService, PreAuth, rec, false},
	{"SetAccessPolicy", "SetAccessPolicy", DeviceService, WriteSystem, doc, true},
	{"SetAuthFailureWarning", "SetAuthFailureWarningConfiguration", DeviceService, WriteSystem, doc, true},
	{"SetAuthorizationServer", "SetAuthorizationServerConfiguration", SecurityService, WriteSystem, doc, true},
	{"SetCertificatesStatus", "SetCertificatesStatus", DeviceService, WriteSystem, doc, true},
	{"SetCertificationPath", "SetCertificationPath", SecurityService, WriteSystem, doc, true},
	{"SetClientAuthentication", "SetClientAuthenticationRequired", SecurityService, WriteSystem, doc, true},
	{"SetClientCertificateMode", "SetClientCertificateMode", DeviceService, WriteSystem, doc, true},
	{"SetCnMapsToUser", "SetCnMapsToUser", SecurityService, WriteSystem, doc, true},
	{"SetDiscoveryMode", "SetDiscoveryMode", DeviceService, WriteSystem, doc, true},
	{"SetDynamicDNS", "SetDynamicDNS", DeviceService, WriteSystem, rec, true},
	{"SetEnabledTLSVersions", "SetEnabledTLSVersions", SecurityService, WriteSystem, doc, true},
	{"SetFactoryDefault", "SetSystemFactoryDefault", DeviceService, Unrecoverable, doc, true},
	{"SetHashingAlgorithms", "SetHashingAlgorithm", DeviceService, WriteSystem, doc, true},
	{"SetIPAddressFilter", "SetIPAddressFilter", DeviceService, WriteSystem, doc, true},
	{"SetInterfaceDot1X", "SetNetworkInterfaceDot1XConfiguration", SecurityService, WriteSystem, doc, true},
	{"SetJWT", "SetJWTConfiguration", SecurityService, WriteSystem, doc, true},
	{"SetLegacyDot1X", "SetDot1XConfiguration", DeviceService, WriteSystem, doc, true},
	{"SetNTP", "SetNTP", DeviceService, WriteSystem, rec, true},
	{"SetNetworkProtocols", "SetNetworkProtocols", DeviceService, WriteSystem, doc, true},
	{"SetPasswordComplexity", "SetPasswordComplexityConfiguration", DeviceService, WriteSystem, doc, true},
	{"SetPasswordHistory", "SetPasswordHistoryConfiguration", DeviceService, WriteSystem, doc, true},
	{"SetRemoteDiscoveryMode", "SetRemoteDiscoveryMode", DeviceService, WriteSystem, doc, true},
	{"SetRemoteUser", "SetRemoteUser", DeviceService, WriteSystem, doc, true},
	{"SetScopes", "SetScopes", DeviceService, WriteSystem, doc, true},
	{"SetSystemDateAndTime", "SetSystemDateAndTime", DeviceService, WriteSystem, doc, true},
	{"SetUser", "SetUser", DeviceService, WriteSystem, doc, true},
	{"SetUserRole", "SetUserRole", DeviceService, WriteSystem, doc, true},
	{"SetValidationPolicy", "SetCertPathValidationPolicy", SecurityService, WriteSystem, doc, true},
	{"SetZeroConfiguration", "SetZeroConfiguration", DeviceService, WriteSystem, doc, true},
	{"StartFirmwareUpgrade", "StartFirmwareUpgrade", DeviceService, Unrecoverable, doc, true},
	{"StartSystemRestore", "StartSystemRestore", DeviceService, Unrecoverable, doc, true},
	{"StoredCertificate", "GetCertificate", SecurityService, ReadSystemSecret, doc, false},
	{"StoredCertificates", "GetAllCertificates", SecurityService, ReadSystemSecret, doc, false},
	{"SystemBackup", "GetSystemBackup", DeviceService, ReadSystemSecret, doc, false},
	{"SystemDateAndTime", "GetSystemDateAndTime", DeviceService, PreAuth, rec, false},
	{"SystemLog", "GetSystemLog", DeviceService, ReadSystemSecret, rec, false},
	{"SystemSupportInformation", "GetSystemSupportInformation", DeviceService, ReadSystemSecret, rec, false},
	{"SystemURIs", "GetSystemUris", DeviceService, ReadSystem, rec, false},
	{"UpgradeFirmware", "UpgradeFirmware", DeviceService, Unrecoverable, doc, true},
	{"UpgradeSystemFirmware", "UpgradeSystemFirmware", DeviceService, Unrecoverable, doc, true},
	{"UploadCRL", "UploadCRL", SecurityService, WriteSystem, doc, true},
	{"UploadCertificate", "UploadCertificate", SecurityService, WriteSystem, doc, true},
	{"UploadPKCS12", "UploadCertificateWithPrivateKeyInPKCS12", SecurityService, WriteSystem, doc, true},
	{"UploadPKCS8", "UploadKeyPairInPKCS8", SecurityService, WriteSystem, doc, true},
	{"UploadPassphrase", "UploadPassphrase", SecurityService, WriteSystem, doc, true},
	{"UserRoles", "GetUserRoles", DeviceService, ReadSystem, doc, false},
	{"Users", "GetUsers", DeviceService, ReadSystemSecret, rec, false},
	{"ValidationPolicies", "GetAllCertPathValidationPolicies", SecurityService, ReadSystemSecret, doc, false},
	{"ValidationPolicy", "GetCertPathValidationPolicy", SecurityService, ReadSystemSecret, doc, false},
	{"ZeroConfiguration", "GetZeroConfiguration", DeviceService, ReadSystem, rec, false},
}

// Operations returns every request that this package can send, with what our
// reading of its answer rests on. The caller owns the slice.
func Operations() []Operation { return slices.Clone(operations) }

func operation(name string) Operation {
	for _, o := range operations {
		if o.Name == name {
			return o
		}
	}
	panic("onvif: no operation " + name)
}
