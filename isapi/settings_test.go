package isapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// settingFrom is one setting of a complete device with other documents.
func settingFrom(t *testing.T, id string, docs map[string]string) camsec.Setting {
	t.Helper()
	f := complete()
	for path, body := range docs {
		f.answers["GET "+path] = answer{body: body}
	}
	list, err := client(t, f).Device().Settings(t.Context())
	require.NoError(t, err)
	return setting(t, list, id)
}

// One account in the clear is what counts; one that does not tell is unknown
// unless another is known to be open.
func TestMailSettingOfSeveral(t *testing.T) {
	mail := func(flag string) string {
		if flag != "" {
			flag = "<enableSSL>" + flag + "</enableSSL>"
		}
		return "<mailing><id>1</id><sender><smtp><hostName>mail.example</hostName>" + flag + "</smtp></sender></mailing>"
	}
	const on, off, untold = "true", "false", ""
	for flags, want := range map[[3]string]camsec.State{
		{on, on, on}: camsec.StateOn, {on, off, on}: camsec.StateOff, {off, on, on}: camsec.StateOff, {on, on, off}: camsec.StateOff,
		{untold, on, on}: camsec.StateUnknown, {on, untold, on}: camsec.StateUnknown, {untold, off, on}: camsec.StateOff,
		{off, untold, on}: camsec.StateOff, {untold, untold, untold}: camsec.StateUnknown,
	} {
		body := "<mailingList>" + mail(flags[0]) + mail(flags[1]) + mail(flags[2]) + "</mailingList>"
		assert.Equal(t, want, settingFrom(t, "mail.tls", map[string]string{"/ISAPI/System/Network/mailing": body}).State, "%q", flags)
	}
}

// A stream without a block of its own does not count; one that has modes and
// does not say whether they hold leaves all unknown, unless one is open.
func TestStreamSettingOfSeveral(t *testing.T) {
	stream := func(security string) string {
		return "<StreamingChannel><id>1</id><Transport>" + security + "</Transport></StreamingChannel>"
	}
	guarded := stream("<Security><enabled>true</enabled><certificateType>digest</certificateType></Security>")
	open := stream("<Security><enabled>false</enabled></Security>")
	untold := stream("<Security><certificateType>digest</certificateType></Security>")
	modeless := stream("<Security><enabled>true</enabled></Security>")
	for body, want := range map[string]camsec.Value{
		guarded + stream(""): camsec.ValueOf([]string{"digest"}), stream("") + guarded: camsec.ValueOf([]string{"digest"}),
		guarded + open: camsec.ValueOf([]string{"none", "digest"}), guarded + untold: {}, untold + guarded: {}, guarded + modeless: {},
		open + untold: camsec.ValueOf([]string{"none"}),
	} {
		s := settingFrom(t, "rtsp.auth", map[string]string{"/ISAPI/Streaming/channels": "<StreamingChannelList>" + body + "</StreamingChannelList>"})
		assert.Equal(t, want, s.Value, body)
	}
}

// A log that is sent nowhere is not sent.
func TestLogServerSetting(t *testing.T) {
	for body, want := range map[string]camsec.State{
		"<enabled>true</enabled><ipAddress>192.0.2.30</ipAddress>":  camsec.StateOn,
		"<enabled>true</enabled><ipAddress>0.0.0.0</ipAddress>":     camsec.StateOff,
		"<enabled>true</enabled>":                                   camsec.StateOff,
		"<enabled>false</enabled><ipAddress>192.0.2.30</ipAddress>": camsec.StateOff,
		"<ipAddress>192.0.2.30</ipAddress>":                         camsec.StateUnknown,
	} {
		s := settingFrom(t, "log.server", map[string]string{"/ISAPI/System/logServer": "<LogServer>" + body + "</LogServer>"})
		assert.Equal(t, want, s.State, body)
	}
}

// A clock is held against the middle of the exchange that asked for it.
func TestClockSettingIsOfTheMiddle(t *testing.T) {
	start := time.Date(2026, 3, 26, 4, 50, 40, 0, time.UTC)
	asked := false
	f := complete()
	f.answers["GET /ISAPI/System/time"] = answer{body: "<Time><timeMode>NTP</timeMode><localTime>2026-03-26T04:50:45Z</localTime></Time>"}
	f.heard = func(key string) { asked = asked || strings.HasSuffix(key, "/System/time") }
	c, err := isapi.New("192.0.2.7", nil, &isapi.Options{Base: f, Now: func() time.Time {
		if asked {
			return start.Add(10 * time.Second)
		}
		return start
	}})
	require.NoError(t, err)
	list, err := c.Device().Settings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, camsec.ValueOf(0), setting(t, list, "time.offset-seconds").Value)
}

// What the handshake showed is filed with a state where it is a switch.
func TestCertificateSettings(t *testing.T) {
	dev, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true, TLS: true})
	require.NoError(t, err)
	defer dev.Close()
	c, err := isapi.New("https://camera.test", auth.Static(dev.User(), secret(dev.Password())), &isapi.Options{
		DialContext: dev.Host().DialContext, Trust: trust.InsecureAny(),
	})
	require.NoError(t, err)
	defer c.Close()
	list, err := c.Device().Settings(t.Context())
	require.NoError(t, err)
	self := setting(t, list, "tls.certificate.self-signed")
	assert.Equal(t, camsec.ValueOf(true), self.Value)
	assert.Equal(t, camsec.StateOn, self.State)
	key := setting(t, list, "tls.certificate.key")
	assert.NotEqual(t, camsec.ValueOf(true).Kind(), key.Value.Kind())
	assert.Equal(t, camsec.StateUnknown, key.State, "a word is no switch")
	assert.Equal(t, camsec.StateUnknown, setting(t, list, "tls.certificate.verified").State)
}

// A document that tells of one of its parts is one; of none it is malformed.
func TestTimeDocuments(t *testing.T) {
	for body, fine := range map[string]bool{
		"<timeMode>NTP</timeMode>": true, "<localTime>2026-03-26T12:50:48+08:00</localTime>": true, "<timeZone>CST-8:00:00</timeZone>": false, "": false,
	} {
		_, err := client(t, &fake{other: answer{body: "<Time>" + body + "</Time>"}}).Time(t.Context())
		if fine {
			require.NoError(t, err, body)
		} else {
			require.ErrorIs(t, err, camsec.ErrMalformed, body)
		}
	}
	// With daylight saving an offset of about an hour is not told, to the second.
	now := time.Date(2026, 9, 9, 12, 0, 0, 0, time.UTC)
	for offset, told := range map[time.Duration]bool{
		0: true, 30 * time.Minute: true, -30 * time.Minute: true, 31 * time.Minute: false, -time.Hour: false, 89 * time.Minute: false,
		90 * time.Minute: true, 2 * time.Hour: true,
	} {
		clock := isapi.Time{Local: now.Add(offset).Format(time.RFC3339), Zone: "CST+5:00:00DST01:00:00"}
		got, ok := clock.Offset(now)
		assert.Equal(t, told, ok, "%v", offset)
		if ok {
			assert.Equal(t, offset, got)
		}
		clock.Zone = "CST+5:00:00"
		_, ok = clock.Offset(now)
		assert.True(t, ok)
	}
}

func TestUpgradeStatusDocuments(t *testing.T) {
	forty := 40
	for body, want := range map[string]isapi.UpgradeStatus{
		"<upgrading>true</upgrading>":                         {Upgrading: camsec.StateOn},
		"<percent>40</percent>":                               {Percent: &forty},
		"<upgrading>false</upgrading><percent>40</percent>":   {Upgrading: camsec.StateOff, Percent: &forty},
		"<upgrading>perhaps</upgrading><percent>40</percent>": {Percent: &forty},
	} {
		got, err := client(t, &fake{other: answer{body: "<upgradeStatus>" + body + "</upgradeStatus>"}}).UpgradeStatus(t.Context())
		require.NoError(t, err, body)
		assert.Equal(t, want, got, body)
	}
	for _, body := range []string{"", "<upgrading/>", "<percent>much</percent>"} {
		_, err := client(t, &fake{other: answer{body: "<upgradeStatus>" + body + "</upgradeStatus>"}}).UpgradeStatus(t.Context())
		require.ErrorIs(t, err, camsec.ErrMalformed, body)
	}
}

// A check that is answered with a refusal in its body is one.
func TestUserCheckRefusals(t *testing.T) {
	for value, status := range map[string]int{"401": 401, "2401": 401, "403": 403} {
		_, err := client(t, &fake{other: answer{body: "<userCheck><statusValue>" + value + "</statusValue></userCheck>"}}).UserCheck(t.Context())
		var e *isapi.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, status, e.HTTPStatus)
		assert.Equal(t, status == 401, e.Is(camsec.ErrUnauthorized))
	}
	// Asked without a login, a page with a 401 tells nothing, other refusals do.
	for status, want := range map[int]error{http.StatusUnauthorized: nil, http.StatusNotFound: errors.ErrUnsupported, http.StatusOK: nil, http.StatusForbidden: camsec.ErrForbidden} {
		body := "<html></html>"
		if status == http.StatusForbidden {
			body = "<ResponseStatus><statusCode>4</statusCode><subStatusCode>lowPrivilege</subStatusCode></ResponseStatus>"
		}
		got, err := client(t, &fake{other: answer{status: status, body: body}}).Device().LoginState(t.Context())
		assert.Equal(t, camsec.LoginState{}, got)
		if want == nil {
			require.NoError(t, err, "%d", status)
		} else {
			require.ErrorIs(t, err, want, "%d", status)
		}
	}
}

func TestOnlineUsersAreRead(t *testing.T) {
	const one = "<OnlineUser><id>1</id><name>admin</name><clientAddress><ipAddress>192.0.2.9</ipAddress></clientAddress></OnlineUser>"
	got, err := client(t, &fake{other: answer{body: "<OnlineUserList>" + one + "</OnlineUserList>"}}).OnlineUsers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []isapi.OnlineUser{{ID: "1", Name: "admin", Address: "192.0.2.9"}}, got)
	got, err = client(t, &fake{other: answer{body: "<OnlineUserList/>"}}).OnlineUsers(t.Context())
	require.NoError(t, err)
	assert.Empty(t, got)
	_, err = client(t, &fake{other: answer{status: http.StatusForbidden}}).OnlineUsers(t.Context())
	require.Error(t, err)
}
