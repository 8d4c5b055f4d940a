package isapitest_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	const path, body = "/ISAPI/System/Network/ssh", "<SSH><enabled>true</enabled></SSH>"
	for _, tt := range []struct {
		name    string
		b       isapitest.Behaviour
		answer  string // sub-status; empty: none comes
		changed bool
	}{
		{"ignored", isapitest.Behaviour{Effect: isapitest.Ignored}, "ok", false},
		{"lost before", isapitest.Behaviour{Effect: isapitest.LostBefore}, "", false},
		{"lost after", isapitest.Behaviour{Effect: isapitest.LostAfter}, "", true},
		{"reboot wanted", isapitest.Behaviour{Effect: isapitest.Rebooting}, "rebootRequired", true},
		{"at the reboot", isapitest.Behaviour{Effect: isapitest.AtReboot}, "rebootRequired", false},
		{"the second time", isapitest.Behaviour{Effect: isapitest.Ignored, Nth: 2}, "ok", true},
		{"none", isapitest.Behaviour{}, "ok", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := start(t, isapitest.CurrentCamera(), nil)
			c := clientOf(t, d)
			c.get("/ISAPI/System/deviceInfo")
			d.Misbehave("PUT "+path, tt.b)
			resp, answer, err := c.try(http.MethodPut, path, body)
			if tt.answer == "" {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.StatusCode)
				assert.Equal(t, tt.answer, subStatus(t, answer))
			}
			assert.Equal(t, tt.changed, d.Service("ssh"))
			assert.Len(t, d.Writes(), map[bool]int{false: 0, true: 1}[tt.changed])
			if tt.b.Effect == isapitest.AtReboot {
				d.Restart()
				assert.True(t, d.Service("ssh"))
			}
		})
	}
}

func TestWholeDocuments(t *testing.T) {
	t.Parallel()
	p := isapitest.CurrentCamera()
	p.WholeDocuments = true
	c := clientOf(t, start(t, p, nil))
	const ns = ` version="2.0" xmlns="` + isapitest.NamespaceHikvision + `"`
	for _, tt := range []struct{ path, body, want string }{
		{"/ISAPI/System/Network/UPnP", "<UPnP" + ns + "><enabled>true</enabled></UPnP>", "badXmlContent"},
		{"/ISAPI/System/Network/UPnP", "<UPnP><enabled>true</enabled><name>x</name></UPnP>", "badXmlFormat"},
		{"/ISAPI/System/Network/UPnP", "<UPnP" + ns + "><enabled>true</enabled><name>x</name></UPnP>", "ok"},
		{"/ISAPI/System/Network/EZVIZ", "<EZVIZ><enabled>true</enabled></EZVIZ>", "ok"},
		{"/ISAPI/System/Network/Integrate", "<Integrate" + ns + "><ONVIF><enable>true</enable></ONVIF></Integrate>", "badXmlFormat"},
	} {
		_, body := c.do(http.MethodPut, tt.path, tt.body)
		assert.Equal(t, tt.want, subStatus(t, body), tt.body)
	}
}

func TestMembersAreOneWithTheirList(t *testing.T) {
	t.Parallel()
	d := start(t, isapitest.Recorder(), nil)
	c := clientOf(t, d)
	const list = "/ISAPI/System/time/ntpServers"
	_, body := c.do(http.MethodPut, list+"/1", "<NTPServer><id>1</id><hostName>time.example.net</hostName></NTPServer>")
	require.Equal(t, "ok", subStatus(t, body))
	assert.Contains(t, string(d.Document("GET "+list)), "time.example.net")
	assert.Equal(t, "time.example.net", c.get(list+"/1").SelectElement("hostName").Text())
	assert.Equal(t, "1.0", c.get(list+"/1").SelectAttrValue("version", ""))
	status, _ := c.do(http.MethodGet, list+"/9", "")
	assert.Equal(t, http.StatusForbidden, status)
}

func TestSecretsAreKeptUnlessEmpty(t *testing.T) {
	t.Parallel()
	d := start(t, isapitest.CurrentCamera(), nil)
	c := clientOf(t, d)
	const path, name = "/ISAPI/System/Network/Ehome", "/ISAPI/System/Network/Ehome key"
	for _, tt := range []struct{ body, want string }{
		{"<Ehome><enabled>true</enabled><key>hush</key></Ehome>", "hush"},
		{"<Ehome><enabled>false</enabled></Ehome>", "hush"},
		{"<Ehome><enabled>false</enabled><key></key></Ehome>", ""},
	} {
		_, body := c.do(http.MethodPut, path, tt.body)
		require.Equal(t, "ok", subStatus(t, body))
		assert.Equal(t, tt.want, d.Secret(name))
		assert.NotContains(t, string(d.Document("GET "+path)), "hush")
	}
}

func TestPasswordsCutAndRemembered(t *testing.T) {
	t.Parallel()
	p := isapitest.CurrentCamera()
	p.TruncateAt, p.History = 16, 2
	d := start(t, p, nil)
	d.SetUser(isapitest.User{ID: 2, Name: "guard", Level: "Operator", Password: "First-Value-1"})
	c := clientOf(t, d)
	set := func(password string) string {
		_, body := c.do(http.MethodPut, "/ISAPI/Security/users/2", "<User><id>2</id><userName>guard</userName><password>"+password+"</password></User>")
		return subStatus(t, body)
	}
	assert.Equal(t, "ok", set("Twenty-Characters-42"))
	assert.True(t, strings.HasSuffix(d.State()["user guard"], " Twenty-Character"))
	assert.Equal(t, "cannotSameAsOldPassword", set("First-Value-1"))
	for _, v := range []string{"Second-Value-2", "Third-Value-3", "First-Value-1"} {
		assert.Equal(t, "ok", set(v))
	}
}

func TestPortsFollowTheirServices(t *testing.T) {
	t.Parallel()
	d, err := isapitest.Start(isapitest.OldCamera(), &isapitest.Options{Ports: true})
	require.NoError(t, err)
	defer d.Close()
	greeting := func() string {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", d.Port("telnet"))
		if err != nil {
			return "closed"
		}
		defer conn.Close()
		b, _ := io.ReadAll(conn)
		return strings.TrimSpace(string(b))
	}
	addr := d.Port("telnet")
	assert.Equal(t, "login:", greeting())
	d.SetService("telnet", false)
	assert.Equal(t, "closed", greeting())
	d.SetService("telnet", true)
	assert.Equal(t, "login:", greeting())
	assert.Equal(t, addr, d.Port("telnet"))
	assert.Empty(t, d.Port("ssh"), "it was never on")
}

// Every service that has a port answers on it in its own words while it is on,
// on loopback and in process, and refuses once it has been switched off over the
// wire.
func TestServicesAnswerWhileTheyAreOn(t *testing.T) {
	t.Parallel()
	p := isapitest.ThermalCamera()
	p.Access = append(p.Access, isapitest.Access{ID: 11, Protocol: "IOT", Port: 30999, Enabled: true}, isapitest.Access{ID: 12, Protocol: "WebSocket", Port: 7681, Enabled: true})
	p.Access[2].Silent = false
	p.Services["telnet"], p.WholeDocuments = true, false
	get := "\x30\x0f\x02\x01\x01\x04\x06public\xa0\x02\x05\x00"
	for name, s := range map[string]struct {
		network, port string
		send, want    string // empty: nothing is said
		off           string // PUT path and body
	}{
		"ssh":       {"tcp", "22", "", "SSH-2.0-", "System/Network/ssh <SSH><enabled>false</enabled></SSH>"},
		"telnet":    {"tcp", "23", "", "login:", "System/Network/telnetd <Telnetd><enabled>false</enabled></Telnetd>"},
		"upnp":      {"udp", "1900", "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n\r\n", "upnp:rootdevice", "System/Network/UPnP <UPnP><enabled>false</enabled></UPnP>"},
		"snmp":      {"udp", "161", get, strings.Replace(get, "\xa0", "\xa2", 1), "System/Network/SNMP <SNMP><SNMPv2c><enabled>false</enabled></SNMPv2c></SNMP>"},
		"modbus":    {"tcp", "502", "\x00\x07\x00\x00\x00\x02\x01\x03", "\x00\x07\x00\x00\x00\x03\x01\x83\x01", "access modbusTCP"},
		"websocket": {"tcp", "7681", "", "400 Bad Request", "access WebSocket"},
		"iot":       {"tcp", "30999", "", "", "access IOT"},
		"sdk":       {"tcp", "8000", "", "", "access DEV_MANAGE"},
		"rtsp":      {"tcp", "554", "DESCRIBE rtsp://x/101 RTSP/1.0\r\nCSeq: 3\r\n\r\n", "401 Unauthorized\r\nCSeq: 3\r\nWWW-Authenticate: Digest", "access RTSP"},
	} {
		for _, inProcess := range []bool{true, false} {
			t.Run(name+"/"+map[bool]string{true: "in process", false: "loopback"}[inProcess], func(t *testing.T) {
				d, err := isapitest.Start(p, &isapitest.Options{InProcess: inProcess, Ports: !inProcess})
				require.NoError(t, err)
				defer d.Close()
				if name == "ssh" || name == "snmp" {
					d.SetService(name, true)
				}
				dial := d.Host().DialContext
				addr := "camera.test:" + s.port
				if !inProcess {
					dial, addr = new(net.Dialer).DialContext, d.Port(name)
					assert.NotZero(t, d.Ports()[name])
				}
				conn, err := dial(t.Context(), s.network, addr)
				require.NoError(t, err)
				defer conn.Close()
				require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
				if s.send != "" {
					_, err = io.WriteString(conn, s.send)
					require.NoError(t, err)
				}
				b := make([]byte, 2048)
				if s.want != "" {
					n, err := conn.Read(b)
					require.NoError(t, err)
					assert.Contains(t, string(b[:n]), s.want)
				}

				c := clientOf(t, d)
				path, body, _ := strings.Cut(s.off, " ")
				if path == "access" {
					path = "Security/adminAccesses"
					list := string(d.Document("GET /ISAPI/" + path))
					at := strings.Index(list, "<protocol>"+body+"<")
					require.Positive(t, at)
					body = list[:strings.LastIndex(list[:at], "true")] + "false" + list[strings.LastIndex(list[:at], "true")+4:]
				}
				_, answer := c.do(http.MethodPut, "/ISAPI/"+path, body)
				require.Equal(t, "ok", subStatus(t, answer))
				if !inProcess { // where others may take the port at once
					assert.NotContains(t, d.Ports(), name)
					return
				}
				_, err = dial(t.Context(), s.network, addr)
				require.Error(t, err)
			})
		}
	}
}

// What RTSP asks for follows the settings of the streams.
func TestRTSPLoginFollowsItsSettings(t *testing.T) {
	t.Parallel()
	describe := func(d *isapitest.Device) string {
		conn, err := d.Host().DialContext(t.Context(), "tcp", "camera.test:554")
		require.NoError(t, err)
		defer conn.Close()
		go func() {
			_, _ = io.WriteString(conn, "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\nDESCRIBE rtsp://x/ RTSP/1.0\r\nCSeq: 2\r\n\r\nPLAY rtsp://x/ RTSP/1.0\r\nCSeq: x3\r\n\r\nhalf")
		}()
		var all strings.Builder
		for !strings.Contains(all.String(), "CSeq: 3\r\n\r\n") {
			b := make([]byte, 512)
			n, err := conn.Read(b)
			require.NoError(t, err, all.String())
			all.Write(b[:n])
		}
		assert.True(t, strings.HasPrefix(all.String(), "RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS"))
		_, rest, _ := strings.Cut(all.String(), "CSeq: 2")
		return rest
	}
	both := describe(start(t, isapitest.CameraV55(), nil))
	assert.Contains(t, both, "Digest realm=")
	assert.Contains(t, both, "Basic realm=")
	assert.NotContains(t, describe(start(t, isapitest.CurrentCamera(), nil)), "Basic")
	open := start(t, isapitest.CurrentCamera(), nil)
	const path = "GET /ISAPI/Streaming/channels"
	open.SetDocument(path, []byte(strings.ReplaceAll(string(open.Document(path)), "<Security>\n<enabled>true", "<Security>\n<enabled>false")))
	assert.Contains(t, describe(open), "m=video")
}

func TestFirmwareImages(t *testing.T) {
	t.Parallel()
	p := isapitest.CurrentCamera()
	d := start(t, p, nil)
	c := clientOf(t, d)
	put := func(image []byte) string {
		_, body := c.do(http.MethodPut, "/ISAPI/System/updateFirmware", string(image))
		return subStatus(t, body)
	}
	assert.Equal(t, "badDevType", put(isapitest.FirmwareImage("DS-OTHER", "V5.8.0", "250101", 0)))
	assert.Equal(t, "transferUpgradePackageFailed", put([]byte("not an image")))
	assert.Equal(t, "ok", put(isapitest.FirmwareImage(p.Model, "V5.8.0", "250101", 5000)))
	require.Eventually(t, func() bool { return d.Restarts() == 1 }, time.Second, time.Millisecond)
	assert.Contains(t, string(d.Document("GET /ISAPI/System/deviceInfo")), "<firmwareVersion>V5.8.0</firmwareVersion>")
}
