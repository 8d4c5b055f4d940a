package isapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
)

// answer is what the fake device says; a zero status is 200.
type answer struct {
	status int
	body   string
	ctype  string
	err    error
}

// fake answers by method and URI; what it does not know is a 404.
type fake struct {
	answers map[string]answer
	other   answer
	heard   func(key string) // before it is answered; may be nil

	mu   sync.Mutex
	sent []string
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	key := r.Method + " " + r.URL.RequestURI()
	f.mu.Lock()
	f.sent = append(f.sent, key)
	f.mu.Unlock()
	if f.heard != nil {
		f.heard(key)
	}
	a, ok := f.answers[key]
	if !ok {
		a = f.other
		if a == (answer{}) {
			a = answer{status: http.StatusNotFound}
		}
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	h := http.Header{}
	if a.ctype != "" {
		h.Set("Content-Type", a.ctype)
	}
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Request: r,
		Body: io.NopCloser(bytes.NewReader([]byte(a.body))), ContentLength: int64(len(a.body)),
	}, nil
}

func client(t *testing.T, f *fake) *isapi.Client {
	t.Helper()
	c, err := isapi.New("192.0.2.7", nil, &isapi.Options{
		Base: f, Now: func() time.Time { return time.Date(2026, 3, 26, 4, 50, 40, 0, time.UTC) },
	})
	require.NoError(t, err)
	return c
}

// recordings returns the folder of recorded answers, or skips.
func recordings(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set")
	}
	return filepath.Join(dir, "isapi")
}

// recorded serves a folder of answers named after their URI.
func recorded(t *testing.T, name string) *fake {
	t.Helper()
	dir := filepath.Join(recordings(t), "hikvision_next", name)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	f := &fake{answers: map[string]answer{}}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		base, ext := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())), filepath.Ext(e.Name())
		key := "GET /ISAPI/" + strings.ReplaceAll(base, ".", "/")
		if ext == ".xml" {
			f.answers[key] = answer{body: string(b), ctype: "application/xml"}
		} else if _, ok := f.answers[key]; !ok {
			f.answers[key] = answer{status: http.StatusForbidden}
		}
	}
	return f
}

func TestInventoryOfRecordedDevices(t *testing.T) {
	for _, tc := range []struct {
		dir, model, version, build, released, platform, serial string
		channels                                               int
	}{
		{"DS-2CD2146G2-ISU", "DS-2CD2146G2-ISU", "V5.7.17", "240606", "2024-06-06", "B-R-G5-0", "DS-2CD2146G2-ISU00000000AAWRG00000000", 0},
		{"DS-2CD2346G2-ISU", "DS-2CD2346G2-ISU/SL", "V5.7.18", "240826", "2024-08-26", "B-R-G5-0", "DS-2CD2346G2-ISU/SL00000000AAWRJ00000000", 0},
		{"DS-2CD2386G2-IU", "DS-2CD2386G2-IU", "V5.7.15", "240201", "2024-02-01", "B-R-G5-0", "DS-2CD2386G2-IU00000000AAWRJ00000000", 0},
		{"DS-2CD2443G0-IW", "DS-2CD2443G0-IW", "V5.6.5", "200316", "2020-03-16", "B-R-G1-0", "DS-2CD2443G0-IW00000000AAWRE00000000", 0},
		{"DS-2CD2T46G2-ISU", "DS-2CD2T46G2-ISU/SL", "V5.7.18", "240826", "2024-08-26", "B-R-G5-0", "DS-2CD2T46G2-ISU/SL00000000AAWRG00000000", 0},
		{"DS-7616NI-K2", "DS-7616NI-K2", "V4.74.210", "240108", "2024-01-08", "", "DS-7616NI-K20000000000CCRRG00000000WCVU", 6},
		{"DS-7616NI-Q2", "DS-7616NI-Q2/16P", "V4.30.097", "240401", "2024-04-01", "", "DS-7616NI-Q2/00P0000000000CCRRE00000000WCVU", 9},
		{"DS-7732NI-M4", "DS-7732NI-M4", "V5.03.020", "240904", "2024-09-04", "", "DS-7732NI-M4-0000000000CCRRL00000000WCVU", 18},
		{"iDS-7204HUHI-M1", "iDS-7204HUHI-M1/E", "V4.75.011", "240625", "2024-06-25", "", "iDS-7204HUHI-M0/E0000000000CCWRAH0000000WCVU", 0},
	} {
		t.Run(tc.dir, func(t *testing.T) {
			f := recorded(t, tc.dir)
			inv, err := client(t, f).Device().Inventory(t.Context())
			require.NoError(t, err)
			require.Equal(t, tc.model, inv.Model)
			require.Equal(t, tc.serial, inv.Serial)
			require.Equal(t, camsec.Firmware{
				Raw: tc.version + " build " + tc.build, Version: tc.version, Build: tc.build,
				Released: tc.released, Platform: tc.platform,
			}, inv.Firmware)
			require.Len(t, inv.Channels, tc.channels)
			camera := strings.HasPrefix(inv.Type, "IP")
			require.Equal(t, !camera && tc.channels == 0, inv.ChannelsErr != nil, "%v", inv.ChannelsErr)
			if camera {
				require.Equal(t, []string{"GET /ISAPI/System/deviceInfo"}, f.sent)
			}
			for _, ch := range inv.Channels {
				require.Equal(t, inv.Serial, ch.Via)
				require.NotEmpty(t, ch.Address)
			}
		})
	}
}

func TestChannelsWithoutFirmwareAreUnknown(t *testing.T) {
	inv, err := client(t, recorded(t, "DS-7616NI-Q2")).Device().Inventory(t.Context())
	require.NoError(t, err)
	require.Len(t, inv.Channels, 9)
	for _, ch := range inv.Channels {
		require.Zero(t, ch.Firmware)
		require.Empty(t, ch.Serial)
		require.Empty(t, ch.Group)
		require.Equal(t, camsec.StateUnknown, ch.Online)
	}
}

func TestChannelsOfOneCameraAreGrouped(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(recordings(t), "kou147258", "10_18_176_64__DS-8632N-I8__InputProxy_channels.xml"))
	require.NoError(t, err)
	f := &fake{answers: map[string]answer{"GET /ISAPI/ContentMgmt/InputProxy/channels": {body: string(b)}}}
	channels, err := client(t, f).Channels(t.Context())
	require.NoError(t, err)
	groups := map[string]int{}
	for _, ch := range channels {
		if g := ch.Group(); g != "" {
			groups[g]++
		}
	}
	require.Len(t, channels, 13)
	twice := 0
	for _, n := range groups {
		if n == 2 {
			twice++
		}
	}
	require.Equal(t, 1, twice)
}

func setting(t *testing.T, list []camsec.Setting, id string) camsec.Setting {
	t.Helper()
	for _, s := range list {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no setting %s", id)
	return camsec.Setting{}
}

func TestSettingsOfRecordedCamera(t *testing.T) {
	f := recorded(t, "DS-2CD2443G0-IW")
	list, err := client(t, f).Device().Settings(t.Context())
	require.NoError(t, err)
	for id, want := range map[string]camsec.Value{
		"service.http":      camsec.ValueOf(true),
		"service.https":     camsec.ValueOf(true),
		"http.redirect":     camsec.ValueOf(false),
		"tls.min":           camsec.ValueOf("1.1"),
		"service.websocket": camsec.ValueOf(true),
		"login.alarm":       camsec.ValueOf([]string{"email", "center"}),
		"events.push.tls":   camsec.ValueOf(false),
	} {
		s := setting(t, list, id)
		require.Nil(t, s.Err, id)
		require.Equal(t, want, s.Value, id)
		require.Equal(t, camsec.Recorded, s.Source.Kind, id)
	}
	rtsp := setting(t, list, "rtsp.auth")
	require.Contains(t, rtsp.Value.Strings(), "digest")
	for _, id := range []string{"service.ssh", "login.lockout", "service.bonjour"} {
		s := setting(t, list, id)
		require.False(t, s.Known(), id)
		require.Equal(t, camsec.StateUnknown, s.State, id)
		require.Equal(t, camsec.ReasonNotOffered, s.Err.Code, id)
	}
	once := map[string]int{}
	for _, s := range f.sent {
		once[s]++
		require.Equal(t, 1, once[s], s)
	}
}

func TestTLSFlagsOfRecordedDevices(t *testing.T) {
	for dir, want := range map[string]string{
		"DS-2CD2146G2-ISU": "1.2", "DS-2CD2443G0-IW": "1.1", "DS-7616NI-K2": "", "DS-7732NI-M4": "1.2",
	} {
		list, err := client(t, recorded(t, dir)).AdminAccesses(t.Context())
		require.NoError(t, err, dir)
		https, ok := list.Protocol("https")
		require.True(t, ok, dir)
		require.Equal(t, want, https.MinTLS(), dir)
	}
}

func TestCapabilitiesOfRecordedDevices(t *testing.T) {
	caps, err := client(t, recorded(t, "DS-2CD2146G2-ISU")).Capabilities(t.Context())
	require.NoError(t, err)
	require.Equal(t, camsec.StateOn, caps.Flag("isSupportIllegalLoginLock"), "found under its misspelt name")
	require.Equal(t, camsec.StateUnknown, caps.Flag("isSupportTeleportation"))
	require.Equal(t, caps.Flag("SecurityCap", "issupIllegalLoginLock"), caps.Flag("issupillegalloginlock"))

	require.Equal(t, "120", caps.Attr("max", "maxIllegalLoginLockTime"))

	b, err := os.ReadFile(filepath.Join(recordings(t), "ds-k1a340fwx-docs", "Security.capabilities.xml"))
	require.NoError(t, err)
	caps, err = client(t, &fake{answers: map[string]answer{"GET /ISAPI/Security/capabilities": {body: string(b)}}}).SecurityCapabilities(t.Context())
	require.NoError(t, err)
	require.Equal(t, "1", caps.Text("supportUserNums"))
}

// own fixtures: names and nesting as documented, values made up.
var documents = map[string]string{
	"/SDK/activateStatus":                                        `<ActivateStatus><Activated>true</Activated></ActivateStatus>`,
	"/ISAPI/System/deviceInfo":                                   `<DeviceInfo xmlns="urn:x"><model>DS-TEST</model><serialNumber>T1</serialNumber><firmwareVersion>V5.5.6</firmwareVersion><firmwareReleasedDate>build 180326</firmwareReleasedDate><deviceType>IPCamera</deviceType></DeviceInfo>`,
	"/ISAPI/System/capabilities":                                 `<DeviceCap><SysCap><NetworkCap><SnmpCap><isSupport>true</isSupport></SnmpCap></NetworkCap></SysCap></DeviceCap>`,
	"/ISAPI/Security/capabilities":                               `<SecurityCap><maxIllegalLoginLockTime min="1" max="120" def="30"/></SecurityCap>`,
	"/ISAPI/Security/userCheck":                                  `<userCheck><statusValue>200</statusValue><isDefaultPassword>false</isDefaultPassword><isRiskPassword>true</isRiskPassword><isActivated>true</isActivated><residualValidity>-3</residualValidity></userCheck>`,
	"/ISAPI/Security/users":                                      `<UserList><User><id>1</id><userName>admin</userName><userLevel>Administrator</userLevel></User><User><id>2</id><userName>guard</userName><userLevel>Viewer</userLevel><enabled>false</enabled></User></UserList>`,
	"/ISAPI/Security/ONVIF/users?security=0":                     `<UserList><User><id>1</id><userName>vms</userName><userType>mediaUser</userType></User></UserList>`,
	"/ISAPI/Security/onlineUser":                                 `<OnlineUserList><OnlineUser><id>1</id><name>admin</name><clientAddress><ipAddress>192.0.2.9</ipAddress></clientAddress></OnlineUser></OnlineUserList>`,
	"/ISAPI/Security/adminAccesses":                              `<AdminAccessProtocolList><AdminAccessProtocol><id>9</id><enabled>false</enabled><protocol>HTTP</protocol></AdminAccessProtocol><AdminAccessProtocol><id>2</id><enabled>true</enabled><redirectToHttps>true</redirectToHttps><protocol>HTTPS</protocol><TLS1_1Enable>false</TLS1_1Enable><TLS1_2Enable>false</TLS1_2Enable><TLS1_3Enable>true</TLS1_3Enable></AdminAccessProtocol><AdminAccessProtocol><protocol>modbusTCP</protocol><enabled>true</enabled></AdminAccessProtocol><AdminAccessProtocol><protocol>IOT</protocol></AdminAccessProtocol></AdminAccessProtocolList>`,
	"/ISAPI/Security/illegalLoginLock":                           `<IllegalLoginLock><enabled>true</enabled><maxIllegalLoginTimes>5</maxIllegalLoginTimes><maxIllegalLoginLockTime>1800</maxIllegalLoginLockTime></IllegalLoginLock>`,
	"/ISAPI/Security/webCertificate":                             `<WebCertificate><CertificateType>digest/basic</CertificateType><SecurityAlgorithm><algorithmType>MD5/SHA256</algorithmType></SecurityAlgorithm></WebCertificate>`,
	"/ISAPI/Security/RTSPCertificate":                            `<RTSPCertificate><certificateType>digest</certificateType></RTSPCertificate>`,
	"/ISAPI/Security/UserPermission/anonymouslogin":              `<anonymouslogin><enabled>false</enabled></anonymouslogin>`,
	"/ISAPI/Security/advanced?format=json":                       `{"SecurityAdvanced":{"noOperationEnabled":true,"noOperationTime":15}}`,
	"/ISAPI/Security/loginLinkNum?format=json":                   `{"LoginLinkNum":{"maxLinkNum":50}}`,
	"/ISAPI/Security/questionConfiguration":                      `<SecurityQuestion><QuestionList><Question><id>1</id><mark>false</mark></Question><Question><id>2</id><mark>true</mark></Question></QuestionList></SecurityQuestion>`,
	"/ISAPI/Security/email/parameter?format=json":                `{"SecurityEmail":{"SecurityInformation":[{"emailAddress":""}]}}`,
	"/ISAPI/Security/doubleVerification?format=json":             `{"DoubleVerification":{"enable":true}}`,
	"/ISAPI/Security/serverCertificate/certificates?format=json": `{"ServerCertificates":{"CertificateInfo":[{"issuerDN":"CN=x","subjectDN":"CN=x","startDate":"2026-01-01","endDate":"2027-01-01T00:00:00Z"}]}}`,
	"/ISAPI/ContentMgmt/Storage":                                 `<storage><hddList><hdd><id>1</id><hddType>SATA</hddType><status>ok</status><Encryption><encryptionStatus>encrypted</encryptionStatus></Encryption></hdd></hddList><nasList><nas><id>9</id><nasType>NFS</nasType><Encryption><encryptionStatus>unencrypted</encryptionStatus></Encryption></nas></nasList></storage>`,
	"/ISAPI/ContentMgmt/logConfig":                               `<LogConfig><enabled>true</enabled><level>none</level></LogConfig>`,
	"/ISAPI/System/onlineUpgrade/deviceParameter?format=json":    `{"OnlineUpgradeParameter":{"autoDownloadPackage":true,"timingUpgrade":"false"}}`,
	"/ISAPI/System/Network/UPnP/ports/status":                    `<portsStatus><enabled>true</enabled><natRouterWanAddr><ipAddress>0.0.0.0</ipAddress></natRouterWanAddr><portStatusList><portStatus><id>1</id><enabled>true</enabled><internalPort>http</internalPort><externalPort>80</externalPort><status>conflict</status></portStatus></portStatusList></portsStatus>`,
	"/ISAPI/System/Network/ssh":                                  `<SSH><enabled>true</enabled></SSH>`,
	"/ISAPI/System/Network/telnetd":                              `<Telnetd><enabled>false</enabled></Telnetd>`,
	"/ISAPI/System/Network/UPnP":                                 `<UPnP><enabled>true</enabled></UPnP>`,
	"/ISAPI/System/Network/EZVIZ":                                `<EZVIZ><enabled>false</enabled></EZVIZ>`,
	"/ISAPI/System/Network/Ehome":                                `<Ehome><enabled>false</enabled></Ehome>`,
	"/ISAPI/System/Network/ipFilter":                             `<IPFilter><enabled>true</enabled></IPFilter>`,
	"/ISAPI/System/Network/interfaces/1/ieee802.1x":              `<IEEE802_1x><enabled>false</enabled><authenticationProtocolType>EAP-MD5</authenticationProtocolType></IEEE802_1x>`,
	"/ISAPI/System/Network/interfaces":                           `<NetworkInterfaceList><NetworkInterface><id>1</id><IPAddress><ipVersion>dual</ipVersion><addressingType>static</addressingType><ipAddress>192.0.2.7</ipAddress><DefaultGateway><ipAddress>192.0.2.1</ipAddress></DefaultGateway><PrimaryDNS><ipAddress>192.0.2.53</ipAddress></PrimaryDNS><SecondaryDNS><ipAddress>0.0.0.0</ipAddress></SecondaryDNS></IPAddress></NetworkInterface></NetworkInterfaceList>`,
	"/ISAPI/System/Network/interfaces/2/wireless":                `<Wireless><enabled>true</enabled><WirelessSecurity><securityMode>WPA2-enterprise</securityMode></WirelessSecurity></Wireless>`,
	"/ISAPI/System/Network/UPnP/ports":                           `<ports><enabled>true</enabled><portList><port><id>1</id><enabled>true</enabled><internalPort>http</internalPort><externalPort>8083</externalPort></port><port><id>2</id><enabled>false</enabled><internalPort>admin</internalPort></port></portList></ports>`,
	"/ISAPI/System/upgradeStatus":                                `{"upgrading":"TRUE","percent":40}`,
	"/ISAPI/System/logServer":                                    `<LogServer><enabled>true</enabled><ipAddress>192.0.2.30</ipAddress><transmissionEncryption>false</transmissionEncryption></LogServer>`,
	"/ISAPI/System/Network/DDNS":                                 `<DDNSList><DDNS><enabled>false</enabled></DDNS><DDNS><enabled>true</enabled></DDNS></DDNSList>`,
	"/ISAPI/System/Network/ftp":                                  `<FTPNotificationList><FTPNotification><enabled>false</enabled></FTPNotification></FTPNotificationList>`,
	"/ISAPI/System/Network/SIP/1/SIPInfo":                        `<SIPInfo><GB28181><enabled>false</enabled></GB28181></SIPInfo>`,
	"/ISAPI/System/Network/SNMP":                                 `<SNMP><SNMPv2c><enabled>true</enabled><readCommunity>public</readCommunity></SNMPv2c><SNMPAdvanced><enabled>false</enabled></SNMPAdvanced><listenPort>161</listenPort></SNMP>`,
	"/ISAPI/System/Network/Integrate":                            `<Integrate><CGI><enable>true</enable><certificateType>digest</certificateType></CGI><ONVIF><enable>true</enable><certificateType>digest/WSSE</certificateType></ONVIF></Integrate>`,
	"/ISAPI/System/discoveryMode":                                `<DiscoveryMode><PcapMode>discoverable</PcapMode><SADP>nonDiscoverable</SADP></DiscoveryMode>`,
	"/ISAPI/System/Network/mailing":                              `<mailingList><mailing><id>1</id><sender><smtp><enableSSL>true</enableSSL><hostName>mail.example</hostName></smtp></sender></mailing><mailing><id>2</id><sender><smtp><enableSSL>false</enableSSL><hostName/></smtp></sender></mailing></mailingList>`,
	"/ISAPI/Event/notification/httpHosts":                        `<HttpHostNotificationList><HttpHostNotification><id>1</id><protocolType>HTTPS</protocolType><hostName>vms.example</hostName><portNo>443</portNo><httpAuthenticationMethod>none</httpAuthenticationMethod></HttpHostNotification><HttpHostNotification><id>2</id><protocolType>HTTP</protocolType><ipAddress>0.0.0.0</ipAddress><portNo>0</portNo></HttpHostNotification></HttpHostNotificationList>`,
	"/ISAPI/Event/triggers":                                      `<EventNotification><EventTriggerList><EventTrigger><id>illaccess</id><eventType>illaccess</eventType><EventTriggerNotificationList/></EventTrigger></EventTriggerList></EventNotification>`,
	"/ISAPI/Streaming/channels":                                  `<StreamingChannelList><StreamingChannel><id>101</id><Transport><Multicast><enabled>true</enabled></Multicast><Security><enabled>true</enabled><certificateType>digest/basic</certificateType></Security></Transport></StreamingChannel><StreamingChannel><id>102</id><Transport><Security><enabled>true</enabled><certificateType>digest</certificateType></Security></Transport></StreamingChannel></StreamingChannelList>`,
	"/ISAPI/System/time":                                         `<Time><timeMode opt="NTP,manual">NTP</timeMode><localTime>2026-03-26T12:50:48+08:00</localTime><timeZone>CST-8:00:00</timeZone></Time>`,
	"/ISAPI/System/time/ntpServers":                              `<NTPServerList><NTPServer><id>1</id><hostName>time.example</hostName><portNo>123</portNo></NTPServer></NTPServerList>`,
	"/ISAPI/ContentMgmt/InputProxy/channels":                     `<InputProxyChannelList size="7"><InputProxyChannel><id>1</id><sourceInputPortDescriptor><ipAddress>192.0.2.20</ipAddress><firmwareVersion>V4.84.31 build 251210</firmwareVersion></sourceInputPortDescriptor></InputProxyChannel></InputProxyChannelList>`,
	"/ISAPI/ContentMgmt/InputProxy/channels/status":              `<InputProxyChannelStatusList><InputProxyChannelStatus><id>1</id><online>true</online><chanDetectResult>connect</chanDetectResult></InputProxyChannelStatus></InputProxyChannelStatusList>`,
}

func complete() *fake {
	f := &fake{answers: map[string]answer{}}
	for uri, body := range documents {
		f.answers["GET "+uri] = answer{body: body}
	}
	f.answers[requestKey] = answer{body: string(request())}
	return f
}

func TestSettingsOfCompleteDevice(t *testing.T) {
	f := complete()
	list, err := client(t, f).Device().Settings(t.Context())
	require.NoError(t, err)
	yes, no := camsec.ValueOf(true), camsec.ValueOf(false)
	want := map[string]camsec.Value{
		"device.activated": yes, "account.default-password": no, "account.risk-password": yes,
		"login.anonymous": no, "login.lockout": yes, "login.lockout.tries": camsec.ValueOf(5),
		"login.lockout.seconds": camsec.ValueOf(1800), "login.alarm": camsec.ValueOf([]string{}),
		"login.idle-logout": yes, "http.auth": camsec.ValueOf([]string{"digest", "basic"}),
		"http.auth.algorithms": camsec.ValueOf([]string{"MD5", "SHA256"}),
		"rtsp.auth":            camsec.ValueOf([]string{"digest", "basic"}),
		"onvif.auth":           camsec.ValueOf([]string{"digest", "wsse"}),
		"service.http":         no, "service.https": yes, "http.redirect": yes,
		"tls.min": camsec.ValueOf("1.3"), "service.ssh": yes, "service.telnet": no,
		"service.upnp": yes, "service.snmp.v1": yes, "service.snmp.v3": no, "service.ftp": no,
		"service.ddns": yes, "service.cloud": no, "service.ehome": no, "service.gb28181": no,
		"service.sadp": no, "service.bonjour": {}, "service.websocket": {}, "service.modbus": yes,
		"service.iot": {}, "mail.tls": yes, "events.push.tls": yes,
		"network.ip-filter": yes, "network.802.1x": no, "integration.cgi": yes, "integration.onvif": yes,
		"account.password.days-left": camsec.ValueOf(-3), "http.public-info": yes, "service.sdk": {}, "service.srtp": {},
		"streaming.multicast": yes, "service.upnp.ports": camsec.ValueOf(1), "events.push.auth": no,
		"log.server": yes, "log.server.tls": no, "network.802.1x.method": camsec.ValueOf("EAP-MD5"),
		"login.sessions.max": camsec.ValueOf(50), "login.recovery.questions": yes, "login.recovery.mail": no,
		"log.enabled": no, "storage.encrypted": no, "firmware.auto-download": yes, "firmware.auto-upgrade": no,
		"network.ip-version": camsec.ValueOf("dual"), "network.dhcp": no, "network.gateway": camsec.ValueOf("192.0.2.1"),
		"network.dns": camsec.ValueOf([]string{"192.0.2.53"}), "network.wifi": yes,
		"network.wifi.security":    camsec.ValueOf("WPA2-enterprise"),
		"tls.certificate.verified": {}, "tls.certificate.self-signed": {}, "tls.certificate.days-left": {},
		"tls.certificate.name-matches": {}, "tls.certificate.key": {}, "tls.certificate.signature": {},
		"time.ntp": yes, "time.ntp.server": camsec.ValueOf("time.example"),
		"time.offset-seconds": camsec.ValueOf(8),
	}
	require.Len(t, list, len(want), "every id once")
	for id, v := range want {
		s := setting(t, list, id)
		require.Equal(t, v, s.Value, id)
		require.Equal(t, v.IsZero(), s.Err != nil, id)
		require.Equal(t, strings.HasPrefix(id, "tls.certificate."), !strings.HasPrefix(s.Source.Operation, "GET /ISAPI/"), id)
		require.NotEmpty(t, s.Source.Path, id)
	}
	once := map[string]bool{}
	for _, s := range f.sent {
		require.False(t, once[s], "read twice: %s", s)
		once[s] = true
	}
}

func TestSettingsKeepWhatCouldBeRead(t *testing.T) {
	for _, tc := range []struct {
		name   string
		ssh    answer
		reason camsec.Reason
	}{
		{"another root", answer{body: `<Telnetd><enabled>false</enabled></Telnetd>`}, camsec.ReasonUnparsable},
		{"no element", answer{body: `<SSH/>`}, camsec.ReasonUnparsable},
		{"no boolean", answer{body: `<SSH><enabled>perhaps</enabled></SSH>`}, camsec.ReasonUnparsable},
		{"cut", answer{body: `<SSH><enabled>false</ena`}, camsec.ReasonUnparsable},
		{"empty", answer{}, camsec.ReasonUnparsable},
		{"login page", answer{body: `<!DOCTYPE html><html></html>`, ctype: "text/html"}, camsec.ReasonUnparsable},
		{"not offered", answer{status: 404}, camsec.ReasonNotOffered},
		{"broken connection", answer{err: errors.New("connection reset")}, camsec.ReasonUnreachable},
		{"bare 403", answer{status: 403}, camsec.ReasonNotReadable},
		{"error of the device", answer{status: 500}, camsec.ReasonNotReadable},
		{"low privilege", answer{status: 403, body: `<ResponseStatus><statusCode>4</statusCode><subStatusCode>lowPrivilege</subStatusCode></ResponseStatus>`}, camsec.ReasonForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := complete()
			f.answers["GET /ISAPI/System/Network/ssh"] = tc.ssh
			list, err := client(t, f).Device().Settings(t.Context())
			require.NoError(t, err)
			s := setting(t, list, "service.ssh")
			require.False(t, s.Known())
			require.Equal(t, camsec.StateUnknown, s.State)
			require.Equal(t, tc.reason, s.Err.Code)
			require.Equal(t, camsec.ValueOf(false), setting(t, list, "service.telnet").Value)
		})
	}
}

func TestSettingsStopWhenTheDeviceIsGone(t *testing.T) {
	f := &fake{other: answer{err: errors.New("connection reset")}}
	list, err := client(t, f).Device().Settings(t.Context())
	require.Error(t, err)
	require.Len(t, f.sent, 2)
	for _, s := range list {
		require.False(t, s.Known())
		require.Equal(t, camsec.ReasonUnreachable, s.Err.Code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client(t, complete()).Device().Inventory(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestUsersOfBothStores(t *testing.T) {
	f := complete()
	users, err := client(t, f).Device().Users(t.Context())
	require.NoError(t, err)
	require.Equal(t, []camsec.User{
		{Account: camsec.Account{Store: camsec.StoreDevice, Name: "admin"}, ID: "1", Role: camsec.RoleAdmin, Native: "Administrator"},
		{Account: camsec.Account{Store: camsec.StoreDevice, Name: "guard"}, ID: "2", Role: camsec.RoleViewer, Native: "Viewer", Enabled: camsec.StateOff},
		{Account: camsec.Account{Store: camsec.StoreONVIF, Name: "vms"}, ID: "1", Role: camsec.RoleViewer, Native: "mediaUser"},
	}, users)

	delete(f.answers, "GET /ISAPI/Security/ONVIF/users?security=0")
	users, err = client(t, f).Device().Users(t.Context())
	require.NoError(t, err)
	require.Len(t, users, 2)

	f.answers["GET /ISAPI/Security/users"] = answer{body: `<UserList><Unexpected/></UserList>`}
	f.sent = nil
	_, err = client(t, f).Device().Users(t.Context())
	require.ErrorIs(t, err, camsec.ErrMalformed)
	require.Len(t, f.sent, 2, "the other store is asked all the same")
	f.answers["GET /ISAPI/Security/users"] = answer{err: errors.New("connection reset")}
	f.sent = nil
	_, err = client(t, f).Device().Users(t.Context())
	require.ErrorContains(t, err, "connection reset")
	require.Len(t, f.sent, 1, "who is gone is asked nothing more")
}

func TestLoginStateBeforeAnyLogin(t *testing.T) {
	f := &fake{answers: map[string]answer{"GET /ISAPI/Security/userCheck": {
		status: 401,
		body:   `<userCheck><statusValue>401</statusValue><isActivated>true</isActivated><lockStatus>lock</lockStatus><unlockTime>717</unlockTime><retryLoginTime>0</retryLoginTime></userCheck>`,
	}}}
	s, err := client(t, f).Device().LoginState(t.Context())
	require.NoError(t, err)
	require.Equal(t, camsec.StateOn, s.Locked)
	require.Equal(t, camsec.StateOn, s.Activated)
	require.Equal(t, 717, *s.UnlockSeconds)
	require.Equal(t, 0, *s.TriesLeft)
	require.Equal(t, camsec.StateUnknown, s.DefaultPassword)

	f.answers["GET /ISAPI/Security/userCheck"] = answer{status: 401, body: "<html><body>401</body></html>", ctype: "text/html"}
	s, err = client(t, f).Device().LoginState(t.Context())
	require.NoError(t, err)
	require.Zero(t, s)
}
