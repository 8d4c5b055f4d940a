package onvif_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

func protocolsText(list []onvif.NetworkProtocol) string {
	var said []string
	for _, p := range list {
		said = append(said, fmt.Sprintf("%s %s %v", p.Name, p.Enabled, p.Ports))
	}
	return strings.Join(said, ", ")
}

// envelope writes a body in the way that gSOAP does.
func envelope(body string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>` + body + `</e:Body></e:Envelope>`)
}

func fault(code, reason string, sub ...string) string {
	inner := ""
	for i := len(sub) - 1; i >= 0; i-- {
		inner = "<e:Subcode><e:Value>" + sub[i] + "</e:Value>" + inner + "</e:Subcode>"
	}
	return "<e:Fault><e:Code><e:Value>" + code + "</e:Value>" + inner + "</e:Code><e:Reason><e:Text>" + reason + "</e:Text></e:Reason></e:Fault>"
}

// Every meaning of a refusal, in whatever place and spelling its code comes.
func TestFaultsMean(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   error
		reason camsec.Reason
	}{
		{"not authorized", 400, fault("env:Sender", "x", "ter:NotAuthorized"), camsec.ErrUnauthorized, camsec.ReasonNoCredential},
		{"WS-Security's word", 500, fault("env:Sender", "x", "wsse:FailedAuthentication"), camsec.ErrUnauthorized, camsec.ReasonNoCredential},
		{"clock", 400, fault("env:Sender", "Wsse authorized time check failed", "ter:NotAuthorized"), onvif.ErrClockSkew, ""},
		{"expired", 400, fault("env:Sender", "x", "wsu:MessageExpired"), onvif.ErrClockSkew, ""},
		{"locked", 400, fault("env:Sender", "The account is locked", "ter:NotAuthorized"), camsec.ErrLocked, camsec.ReasonLocked},
		{"prohibited", 400, fault("env:Sender", "x", "ter:OperationProhibited"), camsec.ErrForbidden, camsec.ReasonForbidden},
		{"weak, CreateUsers' word", 400, fault("env:Sender", "Too weak password.", "ter:OperationProhibited", "ter:Password"), camsec.ErrWeakPassword, ""},
		{"weak, SetUser's word", 400, fault("env:Sender", "x", "ter:OperationProhibited", "ter:PasswordTooWeak"), camsec.ErrWeakPassword, ""},
		{"long", 400, fault("env:Sender", "x", "ter:OperationProhibited", "ter:PasswordTooLong"), camsec.ErrWeakPassword, ""},
		{"user there", 400, fault("env:Sender", "x", "ter:OperationProhibited", "ter:UsernameClash"), onvif.ErrUserExists, ""},
		{"user missing", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:UsernameMissing"), camsec.ErrNotFound, camsec.ReasonNotOffered},
		{"fixed", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:FixedUser"), onvif.ErrFixedUser, ""},
		{"too many", 500, fault("env:Receiver", "x", "ter:Action", "ter:TooManyUsers"), onvif.ErrFull, ""},
		{"no certificate", 500, fault("env:Receiver", "x", "ter:ActionNotSupported", "ter:EnablingTlsFailed"), onvif.ErrNoTLS, ""},
		{"port", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:PortAlreadyInUse"), onvif.ErrPortInUse, ""},
		{"in use", 400, fault("env:Sender", "x", "ter:OperationProhibited", "ter:ReferenceExists"), onvif.ErrInUse, ""},
		{"in use, by the standard", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:ReferenceExists"), onvif.ErrInUse, ""},
		{"passphrase in use", 500, fault("env:Receiver", "x", "ter:Action", "ter:PassphraseDeletionFailed"), onvif.ErrInUse, ""},
		{"no policy", 500, fault("env:Receiver", "x", "ter:ActionNotSupported", "ter:EnablingClientAuthenticationFailed"), onvif.ErrNoPolicy, ""},
		{"no policy for names", 500, fault("env:Receiver", "x", "ter:ActionNotSupported", "ter:CnMapsToUserFailed"), onvif.ErrNoPolicy, ""},
		{"no such list", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:CRLID"), camsec.ErrNotFound, camsec.ReasonNotOffered},
		{"no such policy", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:NewCertPathValidationPolicyID"), camsec.ErrNotFound, camsec.ReasonNotOffered},
		{"no such server", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:NoConfig"), camsec.ErrNotFound, camsec.ReasonNotOffered},
		{"no such token", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:ReferenceToken"), camsec.ErrNotFound, camsec.ReasonNotOffered},
		{"no room for lists", 500, fault("env:Receiver", "x", "ter:Action", "ter:MaximumNumberOfCRLsReached"), onvif.ErrFull, ""},
		{"no room for issuers", 400, fault("env:Sender", "x", "ter:InvalidArgVal", "ter:MaxIssuersExceeded"), onvif.ErrFull, ""},
		{"not supported", 500, fault("env:Receiver", "x", "ter:ActionNotSupported"), errors.ErrUnsupported, camsec.ReasonNotOffered},
		{"not supported, Hikvision", 500, fault("env:Reveiver", "x", "ter:InvalidDot11", "ter:ActionNotSupported"), errors.ErrUnsupported, camsec.ReasonNotOffered},
		{"not supported, gSOAP", 400, fault("E:Sender", "Method 'x' not implemented: method name or namespace not recognized"), errors.ErrUnsupported, camsec.ReasonNotOffered},
		{"501", 501, "", errors.ErrUnsupported, camsec.ReasonNotOffered},
		{"404", 404, "", errors.ErrUnsupported, camsec.ReasonNotOffered},
		{"403", 403, "", camsec.ErrForbidden, camsec.ReasonForbidden},
		{"out of memory", 500, fault("env:Receiver", "x", "ter:OutofMemory"), camsec.ErrBusy, camsec.ReasonBusy},
		{"with 200", 200, fault("env:Sender", "x", "ter:OperationProhibited"), camsec.ErrForbidden, camsec.ReasonForbidden},
		{"deep", 500, "<a><b>" + fault("x", "x", "ter:ActionNotSupported") + "</b></a>", errors.ErrUnsupported, camsec.ReasonNotOffered},
		{"SOAP 1.1", 500, "<Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>not implemented</faultstring></Fault>", errors.ErrUnsupported, camsec.ReasonNotOffered},
		{"in the detail", 500, "<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code><e:Detail><ter:Fault><ter:Code>InvalidArgVal</ter:Code><ter:Subcode>UsernameMissing</ter:Subcode></ter:Fault></e:Detail></e:Fault>", camsec.ErrNotFound, camsec.ReasonNotOffered},
		{"no word", 500, fault("env:Receiver", "Action failed", "ter:Action"), nil, camsec.ReasonNotReadable},
		{"nothing at all", 500, "<e:Fault/>", nil, camsec.ReasonNotReadable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := answering(t, canned{status: tt.status, body: envelope(tt.body)}).Hostname(t.Context())
			f, ok := errors.AsType[*onvif.Fault](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, "GetHostname", f.Op)
			assert.Equal(t, tt.status, f.HTTPStatus)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			if tt.reason != "" {
				assert.Equal(t, tt.reason, camsec.ReasonOf(err))
			}
			for _, e := range []error{camsec.ErrUnauthorized, camsec.ErrForbidden, errors.ErrUnsupported, camsec.ErrWeakPassword, camsec.ErrNotFound, onvif.ErrFull} {
				if errors.Is(err, e) && !errors.Is(tt.want, e) && !errors.Is(tt.want, onvif.ErrClockSkew) {
					t.Errorf("matches %v, too", e)
				}
			}
			assert.NotContains(t, err.Error(), "Too weak", "the device's sentence may repeat what was sent")
		})
	}
}

func TestFaultKeepsItsWords(t *testing.T) {
	_, err := answering(t, canned{status: 400, body: envelope(fault(" env:Sender ", "Sorry. You still have 22 attempt(s)", "ter:A", "b:c:D"))}).Hostname(t.Context())
	f, ok := errors.AsType[*onvif.Fault](err)
	require.True(t, ok)
	assert.Equal(t, "Sender", f.Code)
	assert.Equal(t, []string{"A", "D"}, f.Subcodes)
	assert.Equal(t, "Sorry. You still have 22 attempt(s)", f.ReasonText)
	assert.Equal(t, 22, f.TriesLeft)
	assert.Equal(t, "onvif: GetHostname: HTTP 400, Sender/A/D, 22 tries left", err.Error())
}

const hostnameBody = `<x:GetHostnameResponse xmlns:x="http://www.onvif.org/ver10/device/wsdl"><x:HostnameInformation><y:FromDHCP>false</y:FromDHCP><y:Name>%s</y:Name></x:HostnameInformation></x:GetHostnameResponse>`

// The cases of bad inputs that apply to SOAP, by number. Never a nil error for
// what is no answer.
func TestBadInputs(t *testing.T) {
	latin := strings.Replace(string(envelope(fmt.Sprintf(hostnameBody, "T\xfcr"))), "UTF-8", "ISO-8859-1", 1)
	gbk := strings.Replace(string(envelope(fmt.Sprintf(hostnameBody, "\xb4\xf3\xc3\xc5"))), "UTF-8", "GB2312", 1)
	good := string(envelope(fmt.Sprintf(hostnameBody, "Gate")))
	mtom := "--b\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\nContent-ID: <r>\r\n\r\n" + good + "\r\n--b--\r\n"
	for _, tt := range []struct {
		name string
		c    canned
		want string    // the name that is read
		kind wire.Kind // or what is wrong
		err  error
	}{
		{name: "case 37: HTML login page with 200", c: canned{kind: "text/html", body: []byte("<!DOCTYPE html><html><body>login</body></html>")}, kind: wire.KindContent, err: camsec.ErrMalformed},
		{name: "case 37: HTML labelled SOAP", c: canned{body: []byte("<html><body>login</body></html>")}, kind: wire.KindContent, err: camsec.ErrMalformed},
		{name: "HTML with 401", c: canned{status: 401, kind: "text/html", body: []byte("<html></html>")}, err: camsec.ErrUnauthorized},
		{name: "case 39: fault with 200", c: canned{body: envelope(fault("e:Sender", "x", "ter:NotAuthorized"))}, err: camsec.ErrUnauthorized},
		{name: "case 40: NotAuthorized with 400", c: canned{status: 400, body: envelope(fault("e:Sender", "x", "ter:NotAuthorized"))}, err: camsec.ErrUnauthorized},
		{name: "case 40: NotAuthorized with 500", c: canned{status: 500, body: envelope(fault("e:Sender", "x", "ter:NotAuthorized"))}, err: camsec.ErrUnauthorized},
		{name: "case 31: redirect", c: canned{status: 302, header: http.Header{"Location": {"http://198.51.100.1/"}}}, kind: wire.KindRedirect, err: camsec.ErrMalformed},
		{name: "case 42: 503", c: canned{status: 503, header: http.Header{"Retry-After": {"2"}}}, kind: wire.KindBusy, err: camsec.ErrBusy},
		{name: "case 42: 503 with a fault", c: canned{status: 503, body: envelope(fault("e:Receiver", "x", "ter:ActionNotSupported"))}, err: errors.ErrUnsupported},
		{name: "case 80: empty 200", kind: wire.KindEmpty, err: camsec.ErrMalformed},
		{name: "empty body", c: canned{body: envelope("")}, err: camsec.ErrMalformed},
		{name: "no envelope", c: canned{body: []byte("<GetHostnameResponse/>")}, err: camsec.ErrMalformed},
		{name: "empty response", c: canned{body: envelope("<x:GetHostnameResponse/>")}, err: camsec.ErrMalformed},
		{name: "case 81: cut", c: canned{body: []byte(good[:len(good)-30])}, kind: wire.KindTruncated, err: camsec.ErrMalformed},
		{name: "case 82: entities", c: canned{body: []byte(`<!DOCTYPE a [<!ENTITY a "b">]>` + good[38:])}, kind: wire.KindDTD, err: camsec.ErrMalformed},
		{name: "case 84: depth", c: canned{body: []byte(strings.Repeat("<a>", 100000))}, kind: wire.KindTooDeep, err: camsec.ErrMalformed},
		{name: "case 87: not UTF-8", c: canned{body: envelope(fmt.Sprintf(hostnameBody, "G\xff"))}, want: "G\uFFFD"},
		{name: "case 88: ISO-8859-1", c: canned{body: []byte(latin)}, want: "Tür"},
		{name: "case 88: GB2312", c: canned{body: []byte(gbk)}, want: "大门"},
		{name: "case 92: white space first", c: canned{body: []byte("\r\n " + good)}, want: "Gate"},
		{name: "case 93: NULs after", c: canned{body: []byte(good + "\x00\x00")}, want: "Gate"},
		{name: "case 95: SOAP 1.1", c: canned{kind: "text/xml", body: []byte(strings.Replace(good, "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/", 1))}, want: "Gate"},
		{name: "case 95: prefixes undeclared", c: canned{body: []byte(`<a:Envelope><a:Body><b:GetHostnameResponse><c:HostnameInformation><d:Name>Gate</d:Name></c:HostnameInformation></b:GetHostnameResponse></a:Body></a:Envelope>`)}, want: "Gate"},
		{name: "case 102: JSON", c: canned{kind: "application/json", body: []byte(`{"a":1}`)}, kind: wire.KindContent, err: camsec.ErrMalformed},
		{name: "wrong Content-Type", c: canned{kind: "text/plain", body: []byte(good)}, want: "Gate"},
		{name: "Content-Type of a page", c: canned{kind: "text/html", body: []byte(good)}, want: "Gate"},
		{name: "case 110: MTOM", c: canned{kind: `multipart/related; boundary="b"`, body: []byte(mtom)}, want: "Gate"},
		{name: "case 110: MTOM, boundary not told", c: canned{body: []byte(mtom)}, want: "Gate"},
		{name: "case 110: MTOM, cut", c: canned{kind: `multipart/related; boundary="b"`, body: []byte(mtom[:200])}, kind: wire.KindTruncated, err: camsec.ErrMalformed},
		{name: "case 110: MTOM, empty", c: canned{kind: `multipart/related; boundary="b"`, body: []byte("--b--\r\n")}, kind: wire.KindEmpty, err: camsec.ErrMalformed},
		{name: "case 110: MTOM, many parts", c: canned{kind: `multipart/related; boundary="b"`, body: []byte(strings.Repeat("--b\r\n\r\nx\r\n", 1000) + "--b--\r\n")}, kind: wire.KindTooLarge, err: camsec.ErrMalformed},
		{name: "case 111: answer to another request", c: canned{body: envelope("<x:GetUsersResponse/>")}, err: camsec.ErrMalformed},
		{name: "case 112: a million items", c: canned{body: envelope("<x:GetHostnameResponse>" + strings.Repeat("<i/>", 1_000_000) + "</x:GetHostnameResponse>")}, kind: wire.KindTooLarge, err: camsec.ErrMalformed},
		{name: "answer with 500", c: canned{status: 500, body: []byte(good)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := answering(t, tt.c).Hostname(t.Context())
			if tt.want != "" {
				require.NoError(t, err)
				assert.Equal(t, tt.want, h.Name)
				return
			}
			require.Error(t, err)
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
			}
			if tt.kind != wire.KindUnknown {
				assert.Equal(t, tt.kind.String(), wire.KindOf(err).String())
			}
			assert.Equal(t, onvif.HostName{}, h)
		})
	}
}

// Case 115: what would break out of the document is escaped, or never sent.
func TestInjection(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	c := client(t, d, nil)
	name := `]]><x a="&">'</tt:Username><tt:UserLevel>Administrator`
	_, err := c.CreateUsers(t.Context(), onvif.NewUser{User: onvif.User{Name: name[:31], Level: onvif.LevelUser}, Password: secret(name)})
	require.NoError(t, err)
	u := d.Users()
	assert.Equal(t, onviftest.User{Name: name[:31], Password: name, Level: "User"}, u[len(u)-1])
	for _, bad := range []string{"a\x00", "a\x1b", "\xff", "\uFFFE"} {
		_, err := c.CreateUsers(t.Context(), onvif.NewUser{User: onvif.User{Name: bad, Level: onvif.LevelUser}, Password: secret("Abcdefgh-123")})
		require.Error(t, err)
		_, err = clientAs(t, d, bad, "x", nil).DeviceInformation(t.Context())
		require.Error(t, err)
	}
	assert.Equal(t, 1, d.Requests("CreateUsers"))
}

// Case 109: addresses that are none.
func TestXAddrsThatAreNone(t *testing.T) {
	for _, x := range []string{"", "file:///etc/passwd", "http://", "//host/x", "http://user:pass@host/x", "gopher://host/x", "http://host/x#f", "javascript:alert(1)", ":"} {
		body := envelope(`<d:StartFirmwareUpgradeResponse><d:UploadUri>` + x + `</d:UploadUri></d:StartFirmwareUpgradeResponse>`)
		_, _, err := answering(t, canned{body: body}).StartFirmwareUpgrade(t.Context())
		require.ErrorIs(t, err, onvif.ErrXAddr, x)
	}
	body := envelope(`<d:StartFirmwareUpgradeResponse><d:UploadUri>http://169.254.169.254/latest?x=1</d:UploadUri><d:UploadDelay>PT5S</d:UploadDelay><d:ExpectedDownTime>PT1M30S</d:ExpectedDownTime></d:StartFirmwareUpgradeResponse>`)
	u, _, err := answering(t, canned{body: body}).StartFirmwareUpgrade(t.Context())
	require.NoError(t, err)
	assert.Equal(t, onvif.UploadTarget{Path: "/latest?x=1", Delay: 5 * time.Second, DownTime: 90 * time.Second}, u)
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT5S": 5 * time.Second, "PT1M30S": 90 * time.Second, "P1DT2H": 26 * time.Hour, "PT0.5S": 500 * time.Millisecond, "P2D": 48 * time.Hour,
		"": 0, "5": 0, "PT": 0, "P1Y": 0, "PT-5S": 0, "-PT5S": 0, "PTxS": 0, "PT999999999999H": 0, "P99999999D": 0,
	} {
		assert.Equal(t, want, onvif.Seconds(text), text)
	}
}
