package isapitest_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/camsec/camsec/isapi/isapitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var param = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|([^\s,]+))`)

func sum(algorithm, s string) string {
	if algorithm == "SHA-256" {
		b := sha256.Sum256([]byte(s))
		return hex.EncodeToString(b[:])
	}
	b := md5.Sum([]byte(s))
	return hex.EncodeToString(b[:])
}

type client struct {
	t              *testing.T
	rt             http.RoundTripper
	base           string
	user, password string
}

func clientOf(t *testing.T, d *isapitest.Device) *client {
	t.Helper()
	return &client{t: t, rt: d.Transport(), base: d.Addr(), user: d.User(), password: d.Password()}
}

func (c *client) send(method, path, body, authorization string) (*http.Response, string) {
	c.t.Helper()
	resp, text, err := c.exchange(method, path, body, authorization)
	require.NoError(c.t, err)
	return resp, text
}

func (c *client) exchange(method, path, body, authorization string) (*http.Response, string, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	require.NoError(c.t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

// do makes one request with one challenge, as RFC 7616 says.
func (c *client) do(method, path, body string) (int, string) {
	c.t.Helper()
	resp, text, err := c.try(method, path, body)
	require.NoError(c.t, err)
	return resp.StatusCode, text
}

func (c *client) try(method, path, body string) (*http.Response, string, error) {
	c.t.Helper()
	resp, text, err := c.exchange(method, path, body, "")
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, text, err
	}
	p := map[string]string{}
	for _, m := range param.FindAllStringSubmatch(resp.Header.Get("WWW-Authenticate"), -1) {
		p[m[1]] = m[2] + m[3]
	}
	ha1 := sum(p["algorithm"], c.user+":"+p["realm"]+":"+c.password)
	ha2 := sum(p["algorithm"], method+":"+path)
	response := sum(p["algorithm"], ha1+":"+p["nonce"]+":00000001:abc:auth:"+ha2)
	header := fmt.Sprintf(`Digest username=%q, realm=%q, nonce=%q, uri=%q, qop=auth, nc=00000001, cnonce="abc", response=%q`,
		c.user, p["realm"], p["nonce"], path, response)
	if p["algorithm"] != "" {
		header += ", algorithm=" + p["algorithm"]
	}
	return c.exchange(method, path, body, header)
}

func (c *client) get(path string) *etree.Element {
	c.t.Helper()
	status, body := c.do(http.MethodGet, path, "")
	require.Equal(c.t, http.StatusOK, status, "%s: %s", path, body)
	doc := etree.NewDocument()
	require.NoError(c.t, doc.ReadFromString(body), path)
	require.NotNil(c.t, doc.Root(), path)
	return doc.Root()
}

// subStatus is the device's own word for an answer.
func subStatus(t *testing.T, body string) string {
	t.Helper()
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromString(body))
	require.Equal(t, "ResponseStatus", doc.Root().Tag)
	return doc.Root().SelectElement("subStatusCode").Text()
}

func start(t *testing.T, p isapitest.Profile, now func() time.Time) *isapitest.Device {
	t.Helper()
	d, err := isapitest.Start(p, &isapitest.Options{InProcess: true, Now: now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestProfilesAnswer(t *testing.T) {
	t.Parallel()
	const absent = ""
	paths := []string{
		"/ISAPI/System/deviceInfo", "/ISAPI/System/capabilities", "/ISAPI/Security/capabilities",
		"/ISAPI/Security/userCheck", "/ISAPI/Security/users", "/ISAPI/Security/users/1",
		"/ISAPI/Security/onlineUser", "/ISAPI/Security/adminAccesses", "/ISAPI/Security/illegalLoginLock",
		"/ISAPI/Security/webCertificate", "/ISAPI/Security/RTSPCertificate",
		"/ISAPI/Security/UserPermission/anonymouslogin", "/ISAPI/Event/triggers",
		"/ISAPI/Event/notification/httpHosts", "/ISAPI/Streaming/channels", "/ISAPI/Streaming/channels/101",
		"/ISAPI/System/Network/ssh", "/ISAPI/System/Network/telnetd", "/ISAPI/System/Network/UPnP",
		"/ISAPI/System/Network/SNMP", "/ISAPI/System/Network/DDNS", "/ISAPI/System/Network/ftp",
		"/ISAPI/System/Network/mailing", "/ISAPI/System/Network/EZVIZ", "/ISAPI/System/Network/Ehome",
		"/ISAPI/System/Network/SIP", "/ISAPI/System/Network/ipFilter",
		"/ISAPI/System/Network/interfaces/1/ieee802.1x", "/ISAPI/System/Network/Integrate",
		"/ISAPI/System/discoveryMode", "/ISAPI/System/time", "/ISAPI/System/time/ntpServers",
		"/ISAPI/ContentMgmt/InputProxy/channels", "/ISAPI/ContentMgmt/InputProxy/channels/status",
		"/SDK/activateStatus",
	}
	roots := map[string]map[string]string{ // where kinds differ: the root element by kind
		"/ISAPI/Security/userCheck":                     {"old-camera": absent, "": "userCheck"},
		"/ISAPI/Security/illegalLoginLock":              {"old-camera": absent, "": "IllegalLoginLock"},
		"/ISAPI/Security/webCertificate":                {"old-camera": absent, "": "WebCertificate"},
		"/ISAPI/Security/RTSPCertificate":               {"recorder": "RTSPCertificate", "nxi-recorder": "RTSPCertificate", "access-terminal": "RTSPCertificate", "": absent},
		"/ISAPI/System/Network/telnetd":                 {"old-camera": "Telnetd", "": absent},
		"/ISAPI/System/Network/ssh":                     {"old-camera": absent, "dvr": absent, "": "SSH"},
		"/ISAPI/System/Network/EZVIZ":                   {"": "EZVIZ"},
		"/ISAPI/Event/triggers":                         {"old-camera": "EventNotification", "thermal-camera": "EventNotification", "access-terminal": absent, "": "EventTriggerList"},
		"/ISAPI/ContentMgmt/InputProxy/channels":        {"recorder": "InputProxyChannelList", "nxi-recorder": "InputProxyChannelList", "dvr": "InputProxyChannelList", "": absent},
		"/ISAPI/ContentMgmt/InputProxy/channels/status": {"recorder": "InputProxyChannelStatusList", "nxi-recorder": "InputProxyChannelStatusList", "dvr": "InputProxyChannelStatusList", "": absent},
		"/ISAPI/System/deviceInfo":                      {"": "DeviceInfo"},
		"/SDK/activateStatus":                           {"": "ActivateStatus"},
	}
	for _, p := range isapitest.Profiles() {
		t.Run(p.Kind, func(t *testing.T) {
			t.Parallel()
			d := start(t, p, nil)
			d.SetActivated(true)
			c := clientOf(t, d)
			for _, path := range paths {
				status, body := c.do(http.MethodGet, path, "")
				doc := etree.NewDocument()
				require.NoError(t, doc.ReadFromString(body), path)
				root := doc.Root().Tag
				if want, said := roots[path]; said {
					name, own := want[p.Kind]
					if !own {
						name = want[""]
					}
					if name == absent {
						name = "ResponseStatus"
					}
					assert.Equal(t, name, root, path)
				}
				if root == "ResponseStatus" {
					assert.Equal(t, p.NotSupported, status, path)
					assert.Equal(t, "notSupport", subStatus(t, body), path)
					continue
				}
				assert.Equal(t, http.StatusOK, status, path)
				namespace := p.Namespace
				if other := p.Namespaces[path]; other != "" {
					namespace = other
				}
				if path != "/ISAPI/System/Network/interfaces/1/ieee802.1x" {
					assert.Equal(t, p.Version, doc.Root().SelectAttrValue("version", ""), path)
					assert.Equal(t, namespace, doc.Root().SelectAttrValue("xmlns", ""), path)
				}
			}
			assert.Zero(t, d.Host().FailedLogins())
		})
	}
}

// Every document that a profile serves says what it rests on, and every one
// that does is served by some profile.
func TestBodiesHaveEvidence(t *testing.T) {
	t.Parallel()
	served := map[string]bool{}
	for _, p := range isapitest.Profiles() {
		d := start(t, p, nil)
		for key := range d.State() {
			path, isRead := strings.CutPrefix(key, "GET ")
			if !isRead {
				continue
			}
			assert.NotEmpty(t, isapitest.EvidenceOf(path), path)
			served[path] = true
		}
		for _, b := range isapitest.Bodies() {
			path := strings.Replace(b.Path, "{id}", "1", 1)
			if d.Document("GET "+path) != nil {
				served[b.Path] = true
			}
		}
	}
	for _, b := range isapitest.Bodies() {
		assert.True(t, served[b.Path], "%s is served by no profile", b.Path)
		assert.NotEmpty(t, b.After, b.Path)
	}
	assert.Empty(t, isapitest.EvidenceOf("/ISAPI/No/such"))
	assert.Equal(t, isapitest.Recorded, isapitest.EvidenceOf("/ISAPI/Streaming/channels/101?x=1"))
}

// What kinds of device are known to do differently, seen over the wire.
func TestProfilesDiffer(t *testing.T) {
	t.Parallel()
	kinds := map[string]isapitest.Profile{}
	for _, p := range isapitest.Profiles() {
		require.NotContains(t, kinds, p.Kind)
		kinds[p.Kind] = p
	}
	get := func(kind, path string) string {
		_, body := clientOf(t, start(t, kinds[kind], nil)).do(http.MethodGet, path, "")
		return body
	}
	assert.Regexp(t, `(?s)<SysCap>.*</SysCap>\s*<NetworkCap>.*isSupportSSH`, get("thermal-camera", "/ISAPI/System/capabilities"))
	assert.Regexp(t, `(?s)<redirectToHttps>false</redirectToHttps>\s*<protocol>HTTPS`, get("v5.5-camera", "/ISAPI/Security/adminAccesses"))
	assert.Contains(t, get("nxi-recorder", "/ISAPI/Security/adminAccesses"), "<streamOverTls>")
	assert.Regexp(t, `<InputProxyChannelList [^>]* size="2">\s*</InputProxyChannelList>`, get("dvr", "/ISAPI/ContentMgmt/InputProxy/channels"))
	assert.Contains(t, get("dvr", "/ISAPI/Event/triggers"), `<EventTrigger version="2.0" xmlns="`+isapitest.NamespaceISAPI)
	assert.NotContains(t, get("dvr", "/ISAPI/Security/webCertificate"), "SecurityAlgorithm")
	assert.Contains(t, get("dvr", "/ISAPI/Event/triggers/none"), "<subStatusString>")
	assert.Contains(t, get("access-terminal", "/ISAPI/Security/illegalLoginLock"), ">1800<")
	assert.Contains(t, get("recorder", "/ISAPI/System/time"), "platform")
	assert.NotContains(t, get("access-terminal", "/ISAPI/System/time"), "opt=")

	status, body := clientOf(t, start(t, kinds["dvr"], nil)).do(http.MethodPut, "/ISAPI/Security/users/1",
		"<User><id>1</id><userName>admin</userName><password>abcdefghij</password></User>")
	assert.Equal(t, http.StatusOK, status, "a refusal")
	assert.Equal(t, "riskPassword", subStatus(t, body))
	status, body = clientOf(t, start(t, kinds["thermal-camera"], nil)).do(http.MethodPut, "/ISAPI/System/Network/UPnP", "<UPnP><enabled>false</enabled></UPnP>")
	assert.Equal(t, http.StatusBadRequest, status, "a part of a document")
	assert.Equal(t, "badXmlContent", subStatus(t, body))

	terminal := start(t, kinds["access-terminal"], nil)
	c := clientOf(t, terminal)
	resp, body := c.send(http.MethodGet, "/ISAPI/System/deviceInfo", "", `Basic eDp5`)
	assert.Len(t, resp.Header.Values("WWW-Authenticate"), 1, "both challenges in one field")
	assert.Equal(t, 2, strings.Count(resp.Header.Get("WWW-Authenticate"), "Digest "))
	assert.Contains(t, body, "<isActivated>true</isActivated>")
	assert.Contains(t, body, "<retryLoginTime>4</retryLoginTime>")
	_, body = c.send(http.MethodGet, "/ISAPI/Security/sessionLogin/capabilities?username=admin", "", "")
	assert.Regexp(t, `<salt>[A-Z2-7]{64}</salt>`, body)
	resp, body, err := c.try(http.MethodGet, "/ISAPI/Security/advanced", "")
	require.NoError(t, err)
	assert.Contains(t, resp.Header.Get("Content-Type"), "xml", "but it is JSON")
	assert.True(t, strings.HasPrefix(body, "{"))
}

func TestRecorderChannels(t *testing.T) {
	t.Parallel()
	c := clientOf(t, start(t, isapitest.Recorder(), nil))
	list := c.get("/ISAPI/ContentMgmt/InputProxy/channels").SelectElements("InputProxyChannel")
	states := c.get("/ISAPI/ContentMgmt/InputProxy/channels/status").SelectElements("InputProxyChannelStatus")
	assert.Len(t, list, 9)
	assert.Len(t, states, 9)
	offline := 0
	for _, s := range states {
		if s.SelectElement("online").Text() == "false" {
			offline++
		}
	}
	assert.Equal(t, 1, offline)
}

func TestServices(t *testing.T) {
	t.Parallel()
	d := start(t, isapitest.CurrentCamera(), nil)
	c := clientOf(t, d)
	for _, name := range []string{
		"ssh", "telnet", "upnp", "snmp", "ddns", "ftp", "ezviz", "ehome", "sip", "gb28181", "ipfilter", "802.1x",
		"onvif", "cgi", "anonymous", "discovery", "illegal-login-lock", "idle-logout", "wifi", "upnp-ports", "log-server", "HTTP", "DEV_MANAGE",
	} {
		for _, on := range []bool{true, false, true} {
			d.SetService(name, on)
			assert.Equal(t, on, d.Service(name), name)
		}
	}
	assert.Equal(t, "true", c.get("/ISAPI/System/Network/telnetd").SelectElement("enabled").Text())
	assert.Equal(t, "discoverable", c.get("/ISAPI/System/discoveryMode").SelectElement("SADP").Text())
	assert.Panics(t, func() { d.SetService("teleport", true) })
}

func TestDocumentsAndFailures(t *testing.T) {
	t.Parallel()
	d := start(t, isapitest.CurrentCamera(), nil)
	c := clientOf(t, d)
	const key = "GET /ISAPI/System/Network/ssh"
	d.SetDocument(key, []byte("<SSH><enabled>maybe</enabled></SSH>"))
	assert.Equal(t, "maybe", c.get("/ISAPI/System/Network/ssh").SelectElement("enabled").Text())
	assert.Equal(t, "<SSH><enabled>maybe</enabled></SSH>", string(d.Document(key)))

	d.Fail(key, http.StatusServiceUnavailable, "")
	status, body := c.do(http.MethodGet, "/ISAPI/System/Network/ssh", "")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, "deviceBusy", subStatus(t, body))
	d.Fail(key, http.StatusInternalServerError, "boom")
	status, body = c.do(http.MethodGet, "/ISAPI/System/Network/ssh", "")
	assert.Equal(t, http.StatusInternalServerError, status)
	assert.Equal(t, "boom", body)
	d.Fail(key, 0, "")

	d.SetDocument(key, nil)
	status, _ = c.do(http.MethodGet, "/ISAPI/System/Network/ssh", "")
	assert.Equal(t, http.StatusForbidden, status)
	assert.Nil(t, d.Document(key))
	d.SetDocument("GET /ISAPI/Security/users", nil)
	status, _ = c.do(http.MethodGet, "/ISAPI/Security/users", "")
	assert.Equal(t, http.StatusForbidden, status)
}

func TestWrites(t *testing.T) {
	t.Parallel()
	const ezviz, access = "/ISAPI/System/Network/EZVIZ", "/ISAPI/Security/adminAccesses"
	tests := []struct {
		name, path, body, want string
	}{
		{"one element", ezviz, "<EZVIZ><enabled>true</enabled></EZVIZ>", "ok"},
		{"another root", ezviz, "<SSH><enabled>true</enabled></SSH>", "badXmlContent"},
		{"not a bool", ezviz, "<EZVIZ><enabled>maybe</enabled></EZVIZ>", "badXmlContent"},
		{"not XML", ezviz, "<EZVIZ", "badXmlFormat"},
		{"unknown path", "/ISAPI/No/such", "<x/>", "notSupport"},
		{"read-only", "/ISAPI/Security/userCheck", "<userCheck/>", "methodNotAllowed"},
		{"a list", access, "<AdminAccessProtocolList><AdminAccessProtocol><id>1</id><enabled>false</enabled>" +
			"<protocol>HTTP</protocol><portNo>80</portNo></AdminAccessProtocol></AdminAccessProtocolList>", "ok"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := start(t, isapitest.CurrentCamera(), nil)
			c := clientOf(t, d)
			_, body := c.do(http.MethodPut, test.path, test.body)
			assert.Equal(t, test.want, subStatus(t, body))
			if test.want != "ok" {
				assert.Empty(t, d.Writes())
				return
			}
			require.Len(t, d.Writes(), 1)
			if test.path == ezviz {
				assert.True(t, d.Service("ezviz"))
				assert.NotNil(t, c.get(ezviz).SelectElement("serverAddress"), "the rest stays")
				return
			}
			assert.False(t, d.Service("HTTP"))
			assert.Len(t, c.get(access).ChildElements(), 1)
		})
	}
}

func TestSecretsAreNotGivenBack(t *testing.T) {
	t.Parallel()
	d := start(t, isapitest.CurrentCamera(), nil)
	c := clientOf(t, d)
	_, body := c.do(http.MethodPut, "/ISAPI/System/Network/Ehome", "<Ehome><enabled>true</enabled><key>hush</key></Ehome>")
	assert.Equal(t, "ok", subStatus(t, body))
	assert.NotContains(t, string(d.Document("GET /ISAPI/System/Network/Ehome")), "hush")
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	user := func(id int, name, password, more string) string {
		return fmt.Sprintf("<User><id>%d</id><userName>%s</userName><password>%s</password>%s</User>", id, name, password, more)
	}
	tests := []struct {
		name, body, path, want string
	}{
		{"good", user(1, "admin", "New-Secret-88", ""), "/1", "ok"},
		{"good, list path", user(1, "admin", "New-Secret-88", ""), "", "ok"},
		{"confirmed", user(1, "admin", "New-Secret-88", "<loginPassword>Correct-Horse-9</loginPassword>"), "/1", "ok"},
		{"confirmed wrongly", user(1, "admin", "New-Secret-88", "<loginPassword>no</loginPassword>"), "/1", "passError"},
		{"short", user(1, "admin", "Ab1", ""), "/1", "userPwdLenUnder8"},
		{"one kind", user(1, "admin", "abcdefghij", ""), "/1", "riskPassword"},
		{"the name", user(1, "admin", "admin", ""), "/1", "userPwdNameSame"},
		{"the mirrored name", user(1, "admin", "nimda", ""), "/1", "userPwdNameMirror"},
		{"nobody", user(9, "ghost", "New-Secret-88", ""), "/9", "userInexistence"},
		{"other number", user(2, "guard", "New-Secret-88", ""), "/1", "badXmlContent"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := start(t, isapitest.Recorder(), nil)
			c := clientOf(t, d)
			old := d.Password()
			_, body := c.do(http.MethodPut, "/ISAPI/Security/users"+test.path, test.body)
			assert.Equal(t, test.want, subStatus(t, body))
			if test.want != "ok" {
				assert.Equal(t, old, d.Password())
				return
			}
			assert.Equal(t, "New-Secret-88", d.Password())
			status, _ := c.do(http.MethodGet, "/ISAPI/System/deviceInfo", "")
			assert.Equal(t, http.StatusUnauthorized, status, "the old password is gone")
			c.password = d.Password()
			c.get("/ISAPI/System/deviceInfo")
		})
	}
}

func TestViewerMayNotWrite(t *testing.T) {
	t.Parallel()
	d := start(t, isapitest.Recorder(), nil)
	c := clientOf(t, d)
	c.user, c.password = "wall", "Only-Look-55"
	status, body := c.do(http.MethodPut, "/ISAPI/System/Network/EZVIZ", "<EZVIZ><enabled>false</enabled></EZVIZ>")
	assert.Equal(t, http.StatusForbidden, status)
	assert.Equal(t, "lowPrivilege", subStatus(t, body))
	_, body = c.do(http.MethodPut, "/ISAPI/Security/users/1", "<User><id>1</id><password>Mine-Now-123</password></User>")
	assert.Equal(t, "lowPrivilege", subStatus(t, body))
	d.RemoveUser(3)
	status, _ = c.do(http.MethodGet, "/ISAPI/System/deviceInfo", "")
	assert.Equal(t, http.StatusUnauthorized, status)
}

func TestLoginLockFollowsTheSetting(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	d := start(t, isapitest.CurrentCamera(), clock)
	good, bad := clientOf(t, d), clientOf(t, d)
	bad.password = "wrong"
	_, body := good.do(http.MethodPut, "/ISAPI/Security/illegalLoginLock",
		"<IllegalLoginLock><maxIllegalLoginTimes>3</maxIllegalLoginTimes><maxIllegalLoginLockTime>5</maxIllegalLoginLockTime></IllegalLoginLock>")
	require.Equal(t, "ok", subStatus(t, body))
	for range 3 {
		bad.do(http.MethodGet, "/ISAPI/Security/userCheck", "")
	}
	status, body := good.do(http.MethodGet, "/ISAPI/Security/userCheck", "")
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, body, "<unlockTime>300</unlockTime>")
	mu.Lock()
	now = now.Add(5 * time.Minute)
	mu.Unlock()
	assert.Equal(t, "200", good.get("/ISAPI/Security/userCheck").SelectElement("statusValue").Text())
}

func TestNotActivated(t *testing.T) {
	t.Parallel()
	p := isapitest.CurrentCamera()
	p.NotActivated = true
	d := start(t, p, nil)
	c := clientOf(t, d)
	resp, body := c.send(http.MethodGet, "/SDK/activateStatus", "", "")
	assert.Equal(t, http.StatusOK, resp.StatusCode, "needs no login")
	assert.Contains(t, body, "<Activated>false</Activated>")
	_, body = c.do(http.MethodGet, "/ISAPI/System/deviceInfo", "")
	assert.Equal(t, "notActivated", subStatus(t, body))
	d.SetActivated(true)
	c.get("/ISAPI/System/deviceInfo")
}

func TestWebCertificateChangesTheChallenges(t *testing.T) {
	t.Parallel()
	c := clientOf(t, start(t, isapitest.CurrentCamera(), nil))
	const path = "/ISAPI/Security/webCertificate"
	_, body := c.do(http.MethodPut, path, "<WebCertificate><CertificateType>digest/basic</CertificateType>"+
		"<SecurityAlgorithm><algorithmType>MD5</algorithmType></SecurityAlgorithm></WebCertificate>")
	require.Equal(t, "ok", subStatus(t, body))
	resp, _ := c.send(http.MethodGet, path, "", "")
	all := resp.Header.Values("WWW-Authenticate")
	require.Len(t, all, 2)
	assert.Contains(t, all[0], "algorithm=MD5")
	assert.Contains(t, all[1], "Basic")
}

// failer stands in for a testing.TB.
type failer struct{ cleanups []func() }

func (*failer) Helper()               {}
func (*failer) Fatalf(string, ...any) {}
func (f *failer) Cleanup(fn func())   { f.cleanups = append(f.cleanups, fn) }

func TestNewClosesWithTheTest(t *testing.T) {
	t.Parallel()
	tb := &failer{}
	d := isapitest.New(tb, isapitest.OldCamera())
	require.NotNil(t, d)
	clientOf(t, d).get("/ISAPI/System/deviceInfo")
	require.Len(t, tb.cleanups, 1)
	tb.cleanups[0]()
	_, err := d.Host().DialContext(t.Context(), "tcp", "camera.test:80")
	require.Error(t, err)
}

func TestCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("curl is required here and missing")
		}
		t.Skip("curl is missing: the simulated devices are not compared with it")
	}
	for _, secure := range []bool{false, true} {
		d, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{TLS: secure})
		require.NoError(t, err)
		out, err := exec.CommandContext(t.Context(), curl, "-q", "-s", "-k", "--noproxy", "*", "--max-time", "10", "--digest",
			"-u", d.User()+":"+d.Password(), d.Addr()+"/ISAPI/System/deviceInfo").Output()
		require.NoError(t, err)
		assert.Contains(t, string(out), "<firmwareVersion>V5.7.18</firmwareVersion>")
		require.NoError(t, d.Close())
	}
}

func TestReplayRecordings(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is required here and unset")
		}
		t.Skip("CAMSEC_RECORDINGS is unset: no recorded documents to serve")
	}
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() == "System.deviceInfo.xml" {
			files = append(files, path)
		}
		return err
	}))
	require.NotEmpty(t, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		d, err := isapitest.Replay(map[string][]byte{"GET /ISAPI/System/deviceInfo": body}, &isapitest.Options{InProcess: true})
		require.NoError(t, err)
		c := clientOf(t, d)
		_, got := c.do(http.MethodGet, "/ISAPI/System/deviceInfo", "")
		assert.Equal(t, string(body), got, file)
		status, _ := c.do(http.MethodGet, "/ISAPI/Security/users", "")
		assert.Equal(t, http.StatusForbidden, status)
		require.NoError(t, d.Close())
	}
}
