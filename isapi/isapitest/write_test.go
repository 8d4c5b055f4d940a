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
