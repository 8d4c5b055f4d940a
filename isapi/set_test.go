package isapi_test

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
)

// paper is a device that keeps whatever document it is given, for what an edit
// makes of documents that no simulated device has.
type paper struct {
	docs map[string]string // by path and query
	puts []string          // bodies that were written
}

func (p *paper) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, ""
	switch doc, ok := p.docs[r.URL.RequestURI()]; {
	case !ok:
		status = http.StatusNotFound
	case r.Method == http.MethodGet:
		body = doc
	default:
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		p.docs[r.URL.RequestURI()], p.puts = string(b), append(p.puts, string(b))
		body = "<ResponseStatus><statusCode>1</statusCode></ResponseStatus>"
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
}

func (p *paper) client(t *testing.T, change func(*isapi.Options)) *isapi.Client {
	t.Helper()
	o := &isapi.Options{Base: p, Settle: -1, Now: func() time.Time { return time.Date(2026, 3, 26, 4, 50, 40, 0, time.UTC) }}
	if change != nil {
		change(o)
	}
	c, err := isapi.New("http://192.0.2.7", nil, o)
	require.NoError(t, err)
	return c
}

// An edit is one document before and after; an empty one after is a change that
// is refused for want of a place, and one that is the same is not sent.
type edit struct{ before, after string }

func (e edit) holds(t *testing.T, path string, set func(c *isapi.Client) (camsec.Change, error)) {
	t.Helper()
	p := &paper{docs: map[string]string{path: e.before}}
	change, err := set(p.client(t, nil))
	switch e.after {
	case "":
		require.ErrorIs(t, err, errors.ErrUnsupported, e.before)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.Empty(t, p.puts)
	case e.before:
		require.NoError(t, err, e.before)
		assert.Equal(t, camsec.Applied, change.Outcome)
		assert.Empty(t, p.puts)
	default:
		require.NoError(t, err, e.before)
		assert.Equal(t, camsec.Applied, change.Outcome)
		assert.Equal(t, []string{e.after}, p.puts)
	}
}

func TestSetStreamingSecurityOfDocuments(t *testing.T) {
	const head, end = "<StreamingChannel><id>101</id><Transport>", "</Transport></StreamingChannel>"
	for _, e := range []edit{
		{
			head + "<Security><enabled>false</enabled><certificateType>basic</certificateType></Security>" + end,
			head + "<Security><enabled>true</enabled><certificateType>digest</certificateType></Security>" + end,
		},
		{
			head + "<Security><enabled>true</enabled><certificateType>Digest</certificateType></Security>" + end,
			head + "<Security><enabled>true</enabled><certificateType>Digest</certificateType></Security>" + end,
		},
		{head + "<Security><enabled>true</enabled></Security>" + end, ""},
		{head + end, ""},
	} {
		e.holds(t, "/ISAPI/Streaming/channels/101", func(c *isapi.Client) (camsec.Change, error) {
			return c.SetStreamingSecurity(t.Context(), "101", isapi.AuthMode{Types: []string{"digest"}})
		})
	}
}

func TestSetEventPushAuth(t *testing.T) {
	const list, one = "/ISAPI/Event/notification/httpHosts", "/ISAPI/Event/notification/httpHosts/1"
	host := func(method string) string {
		return "<HttpHostNotification><id>1</id><hostName>vms.example</hostName><httpAuthenticationMethod>" + method + "</httpAuthenticationMethod></HttpHostNotification>"
	}
	for _, tc := range []struct {
		was  string
		on   bool
		want string
	}{
		{"none", true, "MD5digest"},
		{"NONE", true, "MD5digest"},
		{"", true, "MD5digest"},
		{"base64", true, "base64"},
		{"base64", false, "none"},
		{"none", false, "none"},
	} {
		p := &paper{docs: map[string]string{list: "<HttpHostNotificationList>" + host(tc.was) + "</HttpHostNotificationList>", one: host(tc.was)}}
		change, err := p.client(t, nil).Device().SetSetting(t.Context(), "events.push.auth", camsec.ValueOf(tc.on))
		require.NoError(t, err, "%+v", tc)
		assert.Equal(t, camsec.Applied, change.Outcome)
		assert.Equal(t, host(tc.want), p.docs[one], "%+v", tc)
		assert.Equal(t, tc.was != tc.want, len(p.puts) == 1)
	}
}

func TestSetIPFilterListWritesItsEntries(t *testing.T) {
	const path = "/ISAPI/System/Network/ipFilter"
	p := &paper{docs: map[string]string{path: "<IPFilter><enabled>false</enabled><permissionType>deny</permissionType><IPFilterAddressList/></IPFilter>"}}
	hosts := []netip.Addr{netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9")}
	_, err := p.client(t, nil).SetIPFilterList(t.Context(), "allow", hosts)
	require.NoError(t, err)
	entry := func(id, address string) string {
		return "<IPFilterAddress><id>" + id + "</id><permissionType>allow</permissionType><addressFilterType>mask</addressFilterType><AddressMask>" + address + "</AddressMask></IPFilterAddress>"
	}
	assert.Equal(t, "<IPFilter><enabled>false</enabled><permissionType>allow</permissionType><IPFilterAddressList>"+
		entry("1", "<ipAddress>192.0.2.9</ipAddress>")+entry("2", "<ipv6Address>2001:db8::9</ipv6Address>")+"</IPFilterAddressList></IPFilter>", p.docs[path])
}

func TestSetSNMPCommunityVersions(t *testing.T) {
	v := func(version, on string) string {
		return "<SNMPv" + version + "><enabled>" + on + "</enabled></SNMPv" + version + ">"
	}
	for _, tc := range []struct {
		before, after string
		on            bool
	}{
		{v("1c", "true") + v("2c", "true"), v("1c", "false") + v("2c", "false"), false},
		{v("2c", "true"), v("2c", "false"), false},
		{v("1c", "true"), v("1c", "false"), false},
		{v("1c", "false") + v("2c", "false"), v("1c", "false") + v("2c", "true"), true},
		{v("1c", "true") + v("2c", "false"), v("1c", "true") + v("2c", "false"), true},
		{v("1c", "false"), v("1c", "true"), true},
		{v("2c", "0"), v("2c", "1"), true},
		{"<listenPort>161</listenPort>", "", true},
		{"<listenPort>161</listenPort>", "", false},
	} {
		e := edit{"<SNMP>" + tc.before + "</SNMP>", "<SNMP>" + tc.after + "</SNMP>"}
		if tc.after == "" {
			e.after = ""
		}
		e.holds(t, "/ISAPI/System/Network/SNMP", func(c *isapi.Client) (camsec.Change, error) {
			return c.Device().SetSetting(t.Context(), "service.snmp.v1", camsec.ValueOf(tc.on))
		})
	}
}

func TestSetSNMPUserChangesWhatIsNamed(t *testing.T) {
	user := func(name, auth, privacy string) string {
		return "<SNMP><SNMPUserList><SNMPUser><id>1</id><userName>" + name + "</userName><snmpAuthenticationMethod>" + auth +
			"</snmpAuthenticationMethod><snmpPrivacyMethod>" + privacy + "</snmpPrivacyMethod></SNMPUser></SNMPUserList></SNMP>"
	}
	for want, change := range map[string]isapi.SNMPUserChange{
		user("new", "MD5", "DES"):  {Name: "new"},
		user("read", "SHA", "DES"): {AuthMethod: "SHA"},
		user("read", "MD5", "AES"): {PrivacyMethod: "AES"},
		user("read", "MD5", "DES"): {},
	} {
		edit{user("read", "MD5", "DES"), want}.holds(t, "/ISAPI/System/Network/SNMP", func(c *isapi.Client) (camsec.Change, error) {
			return c.SetSNMPUser(t.Context(), "1", change)
		})
	}
}

func TestSetTimeModeOfDocuments(t *testing.T) {
	doc := func(mode string) string {
		return "<Time><timeMode>" + mode + "</timeMode><localTime>2026-03-26T12:50:40+08:00</localTime></Time>"
	}
	for _, e := range []edit{
		{doc("manual"), doc("NTP")}, {doc("NTP"), doc("NTP")}, {doc("ntp"), doc("ntp")}, {"<Time><localTime>2026-03-26T12:50:40+08:00</localTime></Time>", ""},
	} {
		e.holds(t, "/ISAPI/System/time", func(c *isapi.Client) (camsec.Change, error) { return c.SetTimeMode(t.Context(), "NTP") })
	}
}

// A clock that is right to three seconds is left alone.
func TestSetClockSlack(t *testing.T) {
	doc := func(second string) string {
		return "<Time><timeMode>manual</timeMode><localTime>2026-03-26T12:50:" + second + "+08:00</localTime></Time>"
	}
	for second, right := range map[string]bool{"40": true, "43": true, "37": true, "44": false, "36": false} {
		p := &paper{docs: map[string]string{"/ISAPI/System/time": doc(second)}}
		change, err := p.client(t, nil).SetClock(t.Context(), time.Date(2026, 3, 26, 4, 50, 40, 0, time.UTC))
		require.NoError(t, err, second)
		assert.Equal(t, camsec.Applied, change.Outcome)
		if right {
			assert.Empty(t, p.puts, second)
		} else {
			assert.Equal(t, []string{doc("40")}, p.puts, second)
		}
	}
}

// The place of an address is found under its own name first, and else is one
// of another kind that becomes it.
func TestSetNTPServerAddress(t *testing.T) {
	server := func(kind, rest string) string {
		return "<NTPServer><id>1</id><addressingFormatType>" + kind + "</addressingFormatType>" + rest + "</NTPServer>"
	}
	for _, tc := range []struct{ host, before, after string }{
		{"time.example", server("ipaddress", "<ipAddress>192.0.2.1</ipAddress>"), server("hostname", "<hostName>time.example</hostName>")},
		{"192.0.2.9", server("hostname", "<hostName>a</hostName>"), server("ipaddress", "<ipAddress>192.0.2.9</ipAddress>")},
		{"2001:db8::9", server("hostname", "<hostName>a</hostName>"), server("ipaddress", "<ipv6Address>2001:db8::9</ipv6Address>")},
		{
			"time.example", server("ipaddress", "<ipAddress>192.0.2.1</ipAddress><hostName>old</hostName>"),
			server("hostname", "<ipAddress>192.0.2.1</ipAddress><hostName>time.example</hostName>"),
		},
		{"time.example", server("hostname", "<hostName>time.example</hostName>"), server("hostname", "<hostName>time.example</hostName>")},
		{"time.example", server("hostname", ""), ""},
		{"time.example", "<NTPServer><id>1</id><hostName>a</hostName></NTPServer>", ""},
	} {
		edit{tc.before, tc.after}.holds(t, "/ISAPI/System/time/ntpServers/1", func(c *isapi.Client) (camsec.Change, error) {
			return c.SetNTPServer(t.Context(), "1", isapi.NTPServerChange{Host: tc.host})
		})
	}
}

// Of several servers the one that is in use is changed, else the first.
func TestSetTimeServerInUse(t *testing.T) {
	const list = "/ISAPI/System/time/ntpServers"
	server := func(id, host string) string {
		return "<NTPServer><id>" + id + "</id><addressingFormatType>hostname</addressingFormatType><hostName>" + host + "</hostName></NTPServer>"
	}
	for _, tc := range []struct{ first, second, changed string }{
		{"", "b", "2"}, {"a", "b", "1"}, {"a", "", "1"}, {"", "", "1"},
	} {
		p := &paper{docs: map[string]string{
			list:        "<NTPServerList>" + server("1", tc.first) + server("2", tc.second) + "</NTPServerList>",
			list + "/1": server("1", tc.first), list + "/2": server("2", tc.second),
		}}
		_, err := p.client(t, nil).Device().SetSetting(t.Context(), "time.ntp.server", camsec.ValueOf("time.example"))
		require.NoError(t, err, "%+v", tc)
		assert.Equal(t, []string{server(tc.changed, "time.example")}, p.puts, "%+v", tc)
	}
	p := &paper{docs: map[string]string{list: "<NTPServerList/>"}}
	_, err := p.client(t, nil).Device().SetSetting(t.Context(), "time.ntp.server", camsec.ValueOf("time.example"))
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// What would close the way in that this client uses is not sent; the other way
// is another matter.
func TestSetAdminAccessGuardsTheWayIn(t *testing.T) {
	port := 8080
	const path = "/ISAPI/Security/adminAccesses"
	doc := "<AdminAccessProtocolList><AdminAccessProtocol><protocol>HTTP</protocol><enabled>true</enabled><portNo>80</portNo></AdminAccessProtocol>" +
		"<AdminAccessProtocol><protocol>HTTPS</protocol><enabled>true</enabled><portNo>443</portNo><redirectToHttps>false</redirectToHttps></AdminAccessProtocol></AdminAccessProtocolList>"
	for _, tc := range []struct {
		scheme, protocol string
		change           isapi.AdminAccessChange
		cut              bool
	}{
		{"http", "HTTP", isapi.AdminAccessChange{Enabled: camsec.StateOff}, true},
		{"http", "http", isapi.AdminAccessChange{Port: &port}, true},
		{"http", "HTTPS", isapi.AdminAccessChange{Enabled: camsec.StateOff}, false},
		{"http", "HTTPS", isapi.AdminAccessChange{Port: &port}, false},
		{"http", "HTTPS", isapi.AdminAccessChange{RedirectToHTTPS: camsec.StateOn}, true},
		{"https", "HTTPS", isapi.AdminAccessChange{Enabled: camsec.StateOff}, true},
		{"https", "HTTPS", isapi.AdminAccessChange{Port: &port}, true},
		{"https", "HTTPS", isapi.AdminAccessChange{RedirectToHTTPS: camsec.StateOn}, false},
		{"https", "HTTP", isapi.AdminAccessChange{Enabled: camsec.StateOff}, false},
		{"https", "HTTP", isapi.AdminAccessChange{Port: &port}, false},
	} {
		p := &paper{docs: map[string]string{path: doc}}
		c, err := isapi.New(tc.scheme+"://192.0.2.7", nil, &isapi.Options{Base: p, Settle: -1})
		require.NoError(t, err)
		change, err := c.SetAdminAccess(t.Context(), tc.protocol, tc.change)
		if tc.cut {
			require.ErrorIs(t, err, isapi.ErrCutOff, "%+v", tc)
			assert.Empty(t, p.puts)
			continue
		}
		require.NoError(t, err, "%+v", tc)
		assert.Equal(t, camsec.Applied, change.Outcome)
		assert.Len(t, p.puts, 1)
	}
}

// Some devices answer in XML what others answer in JSON, and get back what
// they sent.
func TestSetAdvancedInBothForms(t *testing.T) {
	const path = "/ISAPI/Security/advanced?format=json"
	for _, e := range []edit{
		{`{"SecurityAdvanced": {"noOperationEnabled":false, "noOperationTime":15}}`, `{"SecurityAdvanced": {"noOperationEnabled":true, "noOperationTime":15}}`},
		{"<SecurityAdvanced><noOperationEnabled>false</noOperationEnabled></SecurityAdvanced>", "<SecurityAdvanced><noOperationEnabled>true</noOperationEnabled></SecurityAdvanced>"},
		{"<SecurityAdvanced><noOperationEnabled>true</noOperationEnabled></SecurityAdvanced>", "<SecurityAdvanced><noOperationEnabled>true</noOperationEnabled></SecurityAdvanced>"},
		{"<SecurityAdvanced/>", ""},
		{`{"SecurityAdvanced":{"other":1}}`, ""},
	} {
		p := &paper{docs: map[string]string{path: e.before}}
		var kinds []string
		c := p.client(t, func(o *isapi.Options) {
			o.Base = stub(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPut {
					kinds = append(kinds, r.Header.Get("Content-Type"))
				}
				return p.RoundTrip(r)
			})
		})
		_, err := c.SetAdvanced(t.Context(), isapi.Advanced{IdleLogout: camsec.StateOn})
		switch e.after {
		case "":
			require.ErrorIs(t, err, errors.ErrUnsupported)
			assert.Empty(t, p.puts)
		case e.before:
			require.NoError(t, err)
			assert.Empty(t, p.puts)
		default:
			require.NoError(t, err)
			assert.Equal(t, []string{e.after}, p.puts)
			want := `application/xml; charset="UTF-8"`
			if e.before[0] == '{' {
				want = "application/json"
			}
			assert.Equal(t, []string{want}, kinds)
		}
	}
}

// A list that is as wanted, of both kinds of address, is left as it is.
func TestSetIPFilterListThatIsThere(t *testing.T) {
	const path = "/ISAPI/System/Network/ipFilter"
	p := &paper{docs: map[string]string{path: "<IPFilter><enabled>false</enabled><permissionType>allow</permissionType><IPFilterAddressList>" +
		"<IPFilterAddress><AddressMask><ipAddress>192.0.2.9</ipAddress><bitMask>32</bitMask></AddressMask></IPFilterAddress>" +
		"<IPFilterAddress><AddressMask><ipv6Address>2001:db8::9</ipv6Address></AddressMask></IPFilterAddress></IPFilterAddressList></IPFilter>"}}
	change, err := p.client(t, nil).SetIPFilterList(t.Context(), "allow", []netip.Addr{netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9")})
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Empty(t, p.puts)
}

// Of a change in several documents the outcome is unknown as soon as one was
// changed and another not.
func TestSetSeveralDocuments(t *testing.T) {
	const list = "/ISAPI/Streaming/channels"
	stream := func(id, on string) string {
		return "<StreamingChannel><id>" + id + "</id><Transport><Multicast><enabled>" + on + "</enabled></Multicast></Transport></StreamingChannel>"
	}
	for _, tc := range []struct {
		first, second, refused string
		outcome                camsec.Outcome
		says                   string
	}{
		{"true", "true", "", camsec.Applied, ""},
		{"true", "false", "", camsec.Applied, ""},
		{"true", "true", "102", camsec.OutcomeUnknown, "1 of 2 changed"},
		{"true", "true", "101", camsec.NotApplied, "lowPrivilege"},
		{"false", "true", "102", camsec.NotApplied, "lowPrivilege"},
	} {
		p := &paper{docs: map[string]string{
			list:          "<StreamingChannelList>" + stream("101", tc.first) + stream("102", tc.second) + "</StreamingChannelList>",
			list + "/101": stream("101", tc.first), list + "/102": stream("102", tc.second),
		}}
		c := p.client(t, func(o *isapi.Options) {
			o.Base = stub(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPut && tc.refused != "" && strings.HasSuffix(r.URL.Path, tc.refused) {
					const body = "<ResponseStatus><statusCode>4</statusCode><subStatusCode>lowPrivilege</subStatusCode></ResponseStatus>"
					return &http.Response{StatusCode: 403, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
				}
				return p.RoundTrip(r)
			})
		})
		change, err := c.Device().SetSetting(t.Context(), "streaming.multicast", camsec.ValueOf(false))
		assert.Equal(t, tc.outcome, change.Outcome, "%+v: %v", tc, err)
		if tc.says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, tc.says)
		require.Equal(t, tc.outcome == camsec.OutcomeUnknown, errors.Is(err, camsec.ErrUncertain))
	}
}

// A request that was lost with a secret in it leaves all unknown, since the
// device shows nothing of it; one with what it shows is told by that.
func TestSetLostWithASecret(t *testing.T) {
	const path = "/ISAPI/System/Network/SNMP"
	doc := "<SNMP><SNMPUserList><SNMPUser><id>1</id><userName>read</userName><snmpAuthenticationMethod>MD5</snmpAuthenticationMethod></SNMPUser></SNMPUserList></SNMP>"
	for _, tc := range []struct {
		change  isapi.SNMPUserChange
		outcome camsec.Outcome
		is      error
	}{
		{isapi.SNMPUserChange{Name: "new"}, camsec.NotApplied, io.ErrUnexpectedEOF},
		{isapi.SNMPUserChange{Name: "new", AuthPassword: secret("Fresh-Value-42")}, camsec.OutcomeUnknown, io.ErrUnexpectedEOF},
		{isapi.SNMPUserChange{AuthPassword: secret("Fresh-Value-42")}, camsec.OutcomeUnknown, isapi.ErrUnproven},
	} {
		p := &paper{docs: map[string]string{path: doc}}
		c := p.client(t, func(o *isapi.Options) {
			o.Base = stub(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPut {
					return nil, io.ErrUnexpectedEOF
				}
				return p.RoundTrip(r)
			})
		})
		change, err := c.SetSNMPUser(t.Context(), "1", tc.change)
		require.ErrorIs(t, err, tc.is)
		assert.Equal(t, tc.outcome, change.Outcome)
		assert.Equal(t, tc.outcome == camsec.OutcomeUnknown, errors.Is(err, camsec.ErrUncertain))
	}
}

// A write without a body says nothing of one.
func TestDeleteHasNoBody(t *testing.T) {
	p := &paper{docs: map[string]string{"/ISAPI/Security/users": "<UserList><User><id>1</id><userName>admin</userName></User><User><id>2</id><userName>vms</userName></User></UserList>"}}
	deleted := 0
	c := p.client(t, func(o *isapi.Options) {
		o.Base = stub(func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodDelete {
				return p.RoundTrip(r)
			}
			deleted++
			assert.Equal(t, "/ISAPI/Security/users/2", r.URL.Path)
			assert.True(t, r.Body == nil || r.Body == http.NoBody)
			assert.Empty(t, r.Header.Get("Content-Type"))
			p.docs["/ISAPI/Security/users"] = "<UserList><User><id>1</id><userName>admin</userName></User></UserList>"
			const body = "<ResponseStatus><statusCode>1</statusCode></ResponseStatus>"
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
		})
	})
	change, err := c.DeleteUser(t.Context(), "vms")
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Equal(t, 1, deleted)
}

// A device that says done may take a moment to show it: five seconds, and not
// the time that is given to a request that was lost. An answer after which
// looking again is no use ends it at once.
func TestSetWaitsForWhatTheDeviceShows(t *testing.T) {
	const path = "/ISAPI/System/Network/ssh"
	const off, on = "<SSH><enabled>false</enabled></SSH>", "<SSH><enabled>true</enabled></SSH>"
	for _, tc := range []struct {
		late    time.Duration
		status  int // of what is read afterwards, if not 200
		outcome camsec.Outcome
		is      error
		took    time.Duration // 0: any
	}{
		{0, 0, camsec.Applied, nil, 0},
		{3 * time.Second, 0, camsec.Applied, nil, 0},
		{6 * time.Second, 0, camsec.NotApplied, isapi.ErrIgnored, 5 * time.Second},
		{time.Hour, http.StatusUnauthorized, camsec.OutcomeUnknown, camsec.ErrUncertain, time.Nanosecond},
		{time.Hour, http.StatusInternalServerError, camsec.OutcomeUnknown, camsec.ErrUncertain, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &paper{docs: map[string]string{path: off}}
			var written time.Time
			looks := 0
			c, err := isapi.New("http://192.0.2.7", nil, &isapi.Options{Base: stub(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPut {
					written = time.Now()
					resp, err := p.RoundTrip(r)
					p.docs[path] = off
					return resp, err
				}
				if !written.IsZero() {
					looks++
					if tc.status != 0 {
						return &http.Response{StatusCode: tc.status, Header: http.Header{}, Body: http.NoBody}, nil
					}
					if time.Since(written) >= tc.late {
						p.docs[path] = on
					}
				}
				return p.RoundTrip(r)
			})})
			require.NoError(t, err)
			start := time.Now()
			change, err := c.SetSSH(t.Context(), true)
			assert.Equal(t, tc.outcome, change.Outcome, "%+v: %v", tc, err)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
			switch tc.took {
			case 0:
			case time.Nanosecond:
				assert.Zero(t, time.Since(start))
				assert.Equal(t, 1, looks)
			default:
				assert.Equal(t, tc.took, time.Since(start))
			}
			assert.Len(t, p.puts, 1)
		})
	}
}
