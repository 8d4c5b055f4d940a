package onviftest_test

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/onvif/onviftest"
)

// Clients that nobody of us wrote run their security operations against the
// simulated devices, and so judge them. Where one is not installed its test
// says so and skips.

// missing ends a test whose stranger is not installed.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CAMSEC_REQUIRE") == "1" {
		t.Fatalf("%s is not installed, and CAMSEC_REQUIRE=1 wants it", what)
	}
	t.Skipf("%s is not installed: this stranger does not judge us here", what)
}

// nodeModules finds a folder of npm that has the module.
func nodeModules(t *testing.T, module string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		missing(t, "node")
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("NODE_PATH")), "/usr/local/lib/node_modules", "/usr/lib/node_modules") {
		if _, err := os.Stat(filepath.Join(dir, module, "package.json")); err == nil {
			return dir
		}
	}
	missing(t, "npm "+module)
	return ""
}

// node runs a script, and returns the JSON that it prints last.
func node(t *testing.T, module, script string, d *onviftest.Device) map[string]any {
	t.Helper()
	u, err := url.Parse(d.Addr())
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "node", "-e", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+nodeModules(t, module), "HOST="+u.Hostname(), "PORT="+u.Port(), "URL="+d.Addr()+"/onvif/device_service",
		"DEVICE_USER="+d.User(), "DEVICE_PASSWORD="+d.Password())
	return answer(t, cmd)
}

func answer(t *testing.T, cmd *exec.Cmd) map[string]any {
	t.Helper()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &got), string(out))
	return got
}

// operations names the changes that a device has carried out.
func operations(d *onviftest.Device) []string {
	var out []string
	for _, w := range d.Writes() {
		out = append(out, w.Operation)
	}
	return out
}

// npm onvif sends a UsernameToken, and answers digest challenges.
const onvifScript = `
const { Cam } = require('onvif');
const cam = new Cam({ hostname: process.env.HOST, port: +process.env.PORT, username: process.env.DEVICE_USER, password: process.env.DEVICE_PASSWORD, autoconnect: false, timeout: 10000 });
const call = (name, ...args) => new Promise((ok, no) => cam[name](...args, (err, data) => err ? no(new Error(name + ': ' + err)) : ok(data)));
(async () => {
  const out = {};
  await call('getSystemDateAndTime');
  await call('getCapabilities');
  out.info = await call('getDeviceInformation');
  out.users = await call('getUsers');
  out.protocols = await call('getNetworkProtocols');
  await call('createUsers', [{ username: 'stranger', password: 'Strange-Pass-1', userLevel: 'Operator' }]);
  await call('setUsers', [{ username: 'stranger', password: 'Strange-Pass-2', userLevel: 'User' }]);
  out.after = await call('getUsers');
  await call('deleteUsers', ['stranger']);
  await call('setNTP', { fromDHCP: false, type: 'IPv4', ipv4Address: '192.0.2.123' });
  await call('setSystemDateAndTime', { dateTimeType: 'Manual', dateTime: new Date(), daylightSavings: false, timezone: 'UTC0' });
  await call('setScopes', ['onvif://www.onvif.org/location/stranger']);
  out.scopes = (await call('getScopes')).map(s => s.scopeItem);
  cam.uri.deviceIO = cam.uri.device; // it asks there for a reboot
  out.reboot = await call('systemReboot');
  console.log(JSON.stringify(out));
})().catch(e => { console.error(e.message); process.exit(1); });
`

func TestNPMOnvif(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Current(), onviftest.Hikvision(), onviftest.Axis(), onviftest.Sunba()} {
		t.Run(p.Manufacturer, func(t *testing.T) {
			d := onviftest.New(t, p)
			d.SetSkew(-2 * time.Minute)
			got := node(t, "onvif", onvifScript, d)
			assert.Equal(t, p.Model, got["info"].(map[string]any)["model"])
			assert.Len(t, got["users"], len(p.MoreUsers)+1)
			assert.Len(t, got["after"], len(p.MoreUsers)+2)
			assert.Equal(t, "Rebooting in 5 seconds", got["reboot"])
			assert.Len(t, d.Users(), len(p.MoreUsers)+1)
			assert.Equal(t, 1, d.Reboots())
			assert.Zero(t, d.FailedTokens())
			assert.Contains(t, got["scopes"], "onvif://www.onvif.org/location/stranger")
			assert.Equal(t, []string{"CreateUsers", "SetUser", "DeleteUsers", "SetNTP", "SetSystemDateAndTime", "SetScopes", "SystemReboot"}, operations(d))
		})
	}
}

// node-onvif sends a UsernameToken and no digest.
const nodeOnvifScript = `
const Device = require('node-onvif/lib/modules/service-device.js');
const dev = new Device({ xaddr: process.env.URL, user: process.env.DEVICE_USER, pass: process.env.DEVICE_PASSWORD, time_diff: 0 });
(async () => {
  const out = {};
  await dev.getSystemDateAndTime();
  dev.setAuth(process.env.DEVICE_USER, process.env.DEVICE_PASSWORD);
  out.info = (await dev.getDeviceInformation()).data;
  out.protocols = (await dev.getNetworkProtocols()).data;
  out.users = (await dev.getUsers()).data;
  await dev.createUsers({ User: [{ Username: 'stranger', Password: 'Strange-Pass-1', UserLevel: 'Operator' }] });
  await dev.setUser({ User: [{ Username: 'stranger', Password: 'Strange-Pass-2', UserLevel: 'User' }] });
  await dev.setNetworkProtocols({ NetworkProtocols: [{ Name: 'RTSP', Enabled: false, Port: 8554 }] });
  await dev.deleteUsers({ User: [{ Username: 'stranger' }] });
  await dev.setIPAddressFilter({ Type: 'Deny', IPv4Address: [{ Address: '198.51.100.0', PrefixLength: 24 }] });
  out.filter = (await dev.getIPAddressFilter()).data;
  await dev.setNTP({ FromDHCP: false, NTPManual: { Type: 'IPv4', IPv4Address: '192.0.2.123' } });
  await dev.setSystemDateAndTime({ DateTimeType: 'Manual', DaylightSavings: false, TimeZone: 'UTC0', UTCDateTime: new Date() });
  out.discovery = (await dev.getDiscoveryMode()).data;
  out.dns = (await dev.getDynamicDNS()).data;
  out.zero = (await dev.getZeroConfiguration()).data;
  await dev.reboot();
  console.log(JSON.stringify(out));
})().catch(e => { console.error(e && e.message); process.exit(1); });
`

func TestNodeOnvif(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Sunba(), onviftest.DLink()} {
		t.Run(p.Manufacturer, func(t *testing.T) {
			p.Missing = nil // so that it can do all that it knows
			d := onviftest.New(t, p)
			got := node(t, "node-onvif", nodeOnvifScript, d)
			info := got["info"].(map[string]any)["GetDeviceInformationResponse"].(map[string]any)
			assert.Equal(t, p.Serial, info["SerialNumber"])
			assert.Len(t, d.Users(), len(p.MoreUsers)+1)
			assert.Equal(t, []string{"CreateUsers", "SetUser", "SetNetworkProtocols", "DeleteUsers", "SetIPAddressFilter", "SetNTP", "SetSystemDateAndTime", "SystemReboot"}, operations(d))
			b, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Contains(t, string(b), "198.51.100.0")
			assert.Contains(t, string(b), `"DiscoveryMode":"Discoverable"`)
			assert.Equal(t, 1, d.Reboots())
			for _, have := range d.Protocols() {
				assert.Equal(t, have.Name != "RTSP" && (have.Name != "HTTPS"), have.Enabled, have.Name)
			}
		})
	}
}

const nvtScript = `
const Core = require('onvif-nvt/dist/modules/core.js');
const url = new URL(process.env.URL);
const core = new Core();
core.init(url, process.env.DEVICE_USER, process.env.DEVICE_PASSWORD);
(async () => {
  const out = {};
  await core.getSystemDateAndTime();
  out.info = (await core.getDeviceInformation()).data;
  out.users = (await core.getUsers()).data;
  for (const name of ['AccessPolicy', 'IPAddressFilter', 'Scopes', 'NetworkProtocols', 'DiscoveryMode', 'RemoteDiscoveryMode', 'DynamicDNS', 'ZeroConfiguration',
      'Certificates', 'CertificatesStatus', 'CACertificates', 'ClientCertificateMode', 'RemoteUser', 'SystemUris', 'EndpointReference', 'ServiceCapabilities'])
    out[name] = (await core['get' + name]()).data['Get' + name + 'Response'];
  await core.setDynamicDNS('ClientUpdates', 'cam.example');
  await core.systemReboot();
  console.log(JSON.stringify(out));
})().catch(e => { console.error(e && e.message || e); process.exit(1); });
`

func TestOnvifNVT(t *testing.T) {
	for _, p := range []onviftest.Profile{onviftest.Hikvision(), onviftest.Dahua()} {
		t.Run(p.Manufacturer, func(t *testing.T) {
			p.Missing = nil // so that it can do all that it knows
			d := onviftest.New(t, p)
			got := node(t, "onvif-nvt", nvtScript, d)
			b, err := json.Marshal(got)
			require.NoError(t, err)
			assert.Contains(t, string(b), p.Serial)
			for name, response := range got {
				assert.NotNil(t, response, name)
			}
			assert.Zero(t, d.FailedTokens())
			assert.Equal(t, []string{"SetDynamicDNS", "SystemReboot"}, operations(d))
			assert.Equal(t, 1, d.Reboots())
		})
	}
}

// zeep reads the published WSDL and holds every answer against it.
const zeepHead = `
import json, os, sys
import xml.etree.ElementTree as ET
from requests import Session
from requests.auth import HTTPDigestAuth
from zeep import Client, Settings
from zeep.exceptions import Fault
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

schemas = os.environ['SCHEMAS']
local = {}
for e in ET.parse(os.path.join(schemas, 'catalog.xml')).iter():
    for k in ('systemId', 'name', 'uri'):
        pass
    if 'uri' in e.attrib:
        for k in ('systemId', 'name'):
            if k in e.attrib:
                local[e.attrib[k]] = os.path.join(schemas, e.attrib['uri'])

class Offline(Transport):
    def load(self, url):
        for known in (url, url.replace('https:', 'http:', 1)):
            if known in local:
                url = local[known]
                break
        if url.startswith('http'):
            raise Exception('would fetch ' + url)
        return super().load(url)

session = Session()
session.trust_env = False
user, password = os.environ['DEVICE_USER'], os.environ['DEVICE_PASSWORD']
wsse = None
if os.environ['LOGIN'] == 'token':
    wsse = UsernameToken(user, password, use_digest=True)
else:
    session.auth = HTTPDigestAuth(user, password)
def open_wsdl(path):
    return Client(os.path.join(schemas, path), wsse=wsse, transport=Offline(session=session), settings=Settings(strict=True, xml_huge_tree=True))
client = open_wsdl('onvif/ver10/device/wsdl/devicemgmt.wsdl')
svc = client.create_service('{http://www.onvif.org/ver10/device/wsdl}DeviceBinding', os.environ['URL'])
out = {}
def fault(call, *args, **kw):
    try:
        call(*args, **kw)
        return None
    except Fault as e:
        return ' '.join(q.localname for q in e.subcodes)
`

const zeepScript = zeepHead + `
info = svc.GetDeviceInformation()
out['serial'] = info['SerialNumber']
users = svc.GetUsers()
out['users'] = [u['Username'] for u in users]
out['protocols'] = [[p['Name'], p['Enabled'], p['Port']] for p in svc.GetNetworkProtocols()]
svc.CreateUsers(User=[{'Username': 'stranger', 'Password': 'Strange-Pass-1', 'UserLevel': 'Operator'}])
svc.SetUser(User=[{'Username': 'stranger', 'Password': 'Strange-Pass-2', 'UserLevel': 'User'}])
out['level'] = [u['UserLevel'] for u in svc.GetUsers() if u['Username'] == 'stranger']
svc.DeleteUsers(Username=['stranger'])
svc.SetDiscoveryMode(DiscoveryMode='NonDiscoverable')
out['discovery'] = svc.GetDiscoveryMode()
svc.SetNetworkProtocols(NetworkProtocols=[{'Name': 'HTTP', 'Enabled': True, 'Port': [80]}, {'Name': 'RTSP', 'Enabled': False, 'Port': [554]}])
svc.SetZeroConfiguration(InterfaceToken='eth0', Enabled=False)
svc.SetSystemDateAndTime(DateTimeType='NTP', DaylightSavings=False)
svc.SetNTP(FromDHCP=False, NTPManual=[{'Type': 'DNS', 'DNSname': 'ntp.example'}])
svc.SetScopes(Scopes=['onvif://www.onvif.org/location/zeep'])
out['fault'] = fault(svc.DeleteUsers, Username=['nobody'])
media = open_wsdl('onvif/ver10/media/wsdl/media.wsdl').create_service('{http://www.onvif.org/ver10/media/wsdl}MediaBinding', os.environ['URL'])
out['profile'] = media.GetProfile(ProfileToken=media.GetProfiles()[0]['token'])['Name']
print(json.dumps(out))
`

// The security service, from a key to a certificate served, with openssl as
// the authority; and all that judges others.
const zeepSecurityScript = zeepHead + `
import base64, ssl, subprocess, tempfile, time
device = client
client = open_wsdl('onvif/ver10/advancedsecurity/wsdl/advancedsecurity.wsdl')
ns = '{http://www.onvif.org/ver10/advancedsecurity/wsdl}'
def service(name):
    return client.create_service(ns + name, os.environ['URL'])
store, tls = service('KeystoreBinding'), service('TLSServerBinding')
caps = service('AdvancedSecurityServiceBinding').GetServiceCapabilities()
out['maximum'] = caps['KeystoreCapabilities']['MaximumNumberOfKeys']
made = store.CreateRSAKeyPair(KeyLength=2048, Alias='zeep')
key = made['KeyID']
while store.GetKeyStatus(KeyID=key) != 'ok':
    pass
out['keys'] = [k['KeyID'] for k in store.GetAllKeys()]
csr = store.CreatePKCS10CSR(Subject={'CommonName': 'zeep.test'}, KeyID=key, SignatureAlgorithm={'algorithm': '1.2.840.113549.1.1.11'})
dir = tempfile.mkdtemp()
def at(name): return os.path.join(dir, name)
def openssl(*args): subprocess.run(['openssl', *args], check=True, capture_output=True, cwd=dir)
open(at('csr.der'), 'wb').write(csr)
openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=Authority', '-keyout', 'ca.key', '-out', 'ca.pem')
openssl('x509', '-req', '-inform', 'DER', '-in', 'csr.der', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', '7', '-outform', 'DER', '-out', 'leaf.der')
openssl('x509', '-in', 'ca.pem', '-outform', 'DER', '-out', 'ca.der')
open(at('ca.cnf'), 'w').write('[ca]\ndefault_ca=x\n[x]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=1\n')
open(at('index'), 'w').close(); open(at('number'), 'w').write('01\n')
openssl('ca', '-gencrl', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-out', 'crl.pem')
openssl('crl', '-in', 'crl.pem', '-outform', 'DER', '-out', 'crl.der')
def read(name): return open(at(name), 'rb').read()
ca = store.UploadCertificate(Certificate=read('ca.der'), Alias='authority', PrivateKeyRequired=False)['CertificateID']
leaf = store.UploadCertificate(Certificate=read('leaf.der'), Alias='leaf', PrivateKeyRequired=True)['CertificateID']
path = store.CreateCertificationPath(CertificateIDs={'CertificateID': [leaf, ca]}, Alias='zeep')
tls.ReplaceServerCertificateAssignment(OldCertificationPathID=tls.GetAssignedServerCertificates()[0], NewCertificationPathID=path)
host, port = os.environ['HTTPS'].rsplit(':', 1)
out['served'] = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port)))) == read('leaf.der')
out['delete'] = fault(store.DeleteCertificate, CertificateID=leaf)

crl = store.UploadCRL(Crl=read('crl.der'), Alias='list')
out['crls'] = [c['CRLContent'] == read('crl.der') for c in store.GetAllCRLs()]
policy = store.CreateCertPathValidationPolicy(Alias='policy', Parameters={'RequireTLSWWWClientAuthExtendedKeyUsage': True}, TrustAnchor=[{'CertificateID': ca}])
tls.AddCertPathValidationPolicyAssignment(CertPathValidationPolicyID=policy)
out['policies'] = [p['TrustAnchor'][0]['CertificateID'] == ca for p in store.GetAllCertPathValidationPolicies()]
out['policy'] = fault(store.DeleteCertPathValidationPolicy, CertPathValidationPolicyID=policy)
tls.SetCnMapsToUser(cnMapsToUser=True)
tls.SetClientAuthenticationRequired(clientAuthenticationRequired=True)
out['required'] = [tls.GetClientAuthenticationRequired(), tls.GetCnMapsToUser()]
tls.SetClientAuthenticationRequired(clientAuthenticationRequired=False)
tls.RemoveCertPathValidationPolicyAssignment(CertPathValidationPolicyID=policy)
store.DeleteCRL(CrlID=crl)
tls.SetEnabledTLSVersions(Versions=['1.3'])
out['versions'] = tls.GetEnabledTLSVersions()

phrase = store.UploadPassphrase(Passphrase='Switch-Word-1', PassphraseAlias='lan')
dot1x = service('Dot1XBinding')
lan = dot1x.AddDot1XConfiguration(Dot1XConfiguration={'Dot1XID': '', 'Alias': 'lan', 'Outer': {'Method': 'EAP-PEAP', 'Identity': 'cam', 'CertPathValidationPolicyID': policy, 'Inner': {'Method': 'MSCHAPv2', 'PassphraseID': phrase}}})
out['dot1x'] = dot1x.GetAllDot1XConfigurations()[0]['Outer']['Inner']['PassphraseID'] == phrase
dot1x.SetNetworkInterfaceDot1XConfiguration(token='eth0', Dot1XID=lan)
out['restart'] = dot1x.DeleteNetworkInterfaceDot1XConfiguration(token='eth0')

servers = service('AuthorizationServerBinding')
token = servers.CreateAuthorizationServerConfiguration(Configuration={'Type': 'OAuthClientCredentials', 'ClientAuth': 'private_key_jwt', 'ServerUri': 'https://login.example/', 'KeyID': key})
out['server'] = servers.GetAuthorizationServerConfigurations()[0]['Data']['KeyID'] == key
servers.DeleteAuthorizationServerConfiguration(Token=token)
jwt = service('JWTBinding')
jwt.SetJWTConfiguration(Configuration={'Audiences': ['cam', 'all'], 'TrustedIssuers': ['https://login.example/'], 'KeyID': [key], 'ValidationPolicy': policy})
out['jwt'] = jwt.GetJWTConfiguration()['Audiences']
media = service('MediaSigningBinding')
media.AddMediaSigningCertificateAssignment(CertificationPathID=path)
out['signing'] = media.GetAssignedMediaSigningCertificates()[-1] == path
print(json.dumps(out))
`

// zeep runs a script, and returns the JSON that it prints last.
func zeep(t *testing.T, script, login string, d *onviftest.Device) map[string]any {
	t.Helper()
	python := "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import zeep").Run(); err != nil {
		missing(t, "python3-zeep")
	}
	schemas := filepath.Join(os.Getenv("CAMSEC_RECORDINGS"), "onvif/schemas")
	if _, err := os.Stat(filepath.Join(schemas, "catalog.xml")); os.Getenv("CAMSEC_RECORDINGS") == "" || err != nil {
		missing(t, "the published schemas (CAMSEC_RECORDINGS)")
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Env = append(os.Environ(), "SCHEMAS="+schemas, "URL="+d.Addr()+"/onvif/device_service", "HTTPS="+d.PortOf("HTTPS"), "LOGIN="+login,
		"DEVICE_USER="+d.User(), "DEVICE_PASSWORD="+d.Password(), "TMPDIR="+t.TempDir())
	return answer(t, cmd)
}

func TestZeep(t *testing.T) {
	for _, c := range []struct {
		p     onviftest.Profile
		login string
	}{{onviftest.Axis(), "digest"}, {onviftest.Sunba(), "token"}} {
		t.Run(c.p.Manufacturer, func(t *testing.T) {
			t.Parallel()
			c.p.Missing = nil // so that it can do all that it is asked for
			d := onviftest.New(t, c.p)
			got := zeep(t, zeepScript, c.login, d)
			assert.Equal(t, c.p.Serial, got["serial"])
			assert.Equal(t, []any{"User"}, got["level"])
			assert.Equal(t, "NonDiscoverable", got["discovery"])
			assert.Len(t, got["users"], 2)
			assert.Contains(t, got["fault"], "UsernameMissing")
			assert.Equal(t, "main", got["profile"])
			assert.Equal(t, []string{
				"CreateUsers", "SetUser", "DeleteUsers", "SetDiscoveryMode", "SetNetworkProtocols", "SetZeroConfiguration", "SetSystemDateAndTime", "SetNTP", "SetScopes",
			}, operations(d))
		})
	}
}

func TestZeepSecurityService(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		missing(t, "openssl")
	}
	d := onviftest.New(t, onviftest.Current())
	got := zeep(t, zeepSecurityScript, "digest", d)
	assert.Len(t, got["keys"], 2)
	assert.Equal(t, true, got["served"], "what was assigned is not what is served")
	assert.Equal(t, "InvalidArgVal ReferenceExists", got["delete"])
	assert.Equal(t, "InvalidArgVal ReferenceExists", got["policy"])
	assert.Equal(t, []any{true}, got["crls"])
	assert.Equal(t, []any{true}, got["policies"])
	assert.Equal(t, []any{true, true}, got["required"])
	assert.Equal(t, []any{"1.3"}, got["versions"])
	assert.Equal(t, []any{"cam", "all"}, got["jwt"])
	for _, name := range []string{"dot1x", "restart", "server", "signing"} {
		assert.Equal(t, true, got[name], name)
	}
}
