package isapi_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// answering returns a client of a device that answers every operation, once
// the login has passed, with the body.
func answering(t *testing.T, body []byte, header http.Header) (*isapi.Client, *isapitest.Device) {
	t.Helper()
	dev, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = dev.Close() })
	dev.Host().Script(authtest.Fault{AfterLogin: true, Body: body, Header: header})
	c, err := isapi.New("http://camera.test", auth.Static(dev.User(), camsec.NewSecret([]byte(dev.Password()))), &isapi.Options{Base: dev.Transport()})
	require.NoError(t, err)
	return c, dev
}

// info is a deviceInfo document with what is given inside.
func info(inside string) string {
	return `<DeviceInfo xmlns="http://www.hikvision.com/ver20/XMLSchema" version="2.0">` + inside + `</DeviceInfo>`
}

const whole = "<model>DS-2CD</model><serialNumber>S1</serialNumber><firmwareVersion>V5.7.1</firmwareVersion>"

func utf16le(s string) []byte {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// Documents that a device may send, by the numbers of the catalogue of bad
// inputs: each is read in bounded memory, or refused with an error that tells
// what was wrong, whole or not at all.
func TestBadDocuments(t *testing.T) {
	const gbk = "\xCF\xD6\xB3\xA1" // 现场
	for name, c := range map[string]struct {
		body   string
		header http.Header
		kind   wire.Kind         // of the error
		err    error             // that the error matches
		want   *isapi.DeviceInfo // what is read; nil: an error
	}{
		"case 37: a login page":             {body: "<html><head></head><body>Login</body></html>", kind: wire.KindContent, err: camsec.ErrMalformed},
		"case 37: by its doctype":           {body: "<!DOCTYPE html><html></html>", kind: wire.KindContent, err: camsec.ErrMalformed},
		"case 80: nothing":                  {body: " ", kind: wire.KindEmpty, err: camsec.ErrMalformed},
		"case 81: cut":                      {body: "<DeviceInfo><model>DS-2CD</model><serial", kind: wire.KindTruncated, err: camsec.ErrMalformed},
		"case 81: cut between elements":     {body: "<DeviceInfo>" + whole, kind: wire.KindTruncated, err: camsec.ErrMalformed},
		"case 82: billion laughs":           {body: `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + info("<model>&b;</model>"), kind: wire.KindDTD, err: camsec.ErrMalformed},
		"case 83: external entity":          {body: `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + info("<model>&x;</model>"), kind: wire.KindDTD, err: camsec.ErrMalformed},
		"case 84: 100,000 levels":           {body: info(strings.Repeat("<a>", 100_000)), kind: wire.KindTooDeep, err: camsec.ErrMalformed},
		"case 85: 40,000 attributes":        {body: "<DeviceInfo" + strings.Repeat(` a="b"`, 40_000) + ">" + whole + "</DeviceInfo>", kind: wire.KindTooLarge, err: camsec.ErrMalformed},
		"case 86: 100 MB of text":           {body: info("<model>" + strings.Repeat("x", 100<<20) + "</model>"), kind: wire.KindTooLarge, err: camsec.ErrMalformed},
		"case 87: invalid UTF-8":            {body: info("<deviceName>a\xFFb</deviceName>" + whole), want: &isapi.DeviceInfo{Name: "a\uFFFDb"}},
		"case 88: GB2312 declared":          {body: `<?xml version="1.0" encoding="GB2312"?>` + info("<deviceName>"+gbk+"</deviceName>"+whole), want: &isapi.DeviceInfo{Name: "现场"}},
		"case 89: UTF-16":                   {body: string(utf16le(info("<deviceName>Köln</deviceName>" + whole))), want: &isapi.DeviceInfo{Name: "Köln"}},
		"case 90: a byte order mark":        {body: "\uFEFF" + info(whole), want: &isapi.DeviceInfo{}},
		"case 91: GBK under UTF-8's name":   {body: `<?xml version="1.0" encoding="UTF-8"?>` + info("<deviceName>"+gbk+"</deviceName>"+whole), want: &isapi.DeviceInfo{Name: "\uFFFD\u05B3\uFFFD"}},
		"case 92: white space first":        {body: "\r\n\t <?xml version=\"1.0\"?>" + info(whole), want: &isapi.DeviceInfo{}},
		"case 93: NULs after":               {body: info(whole) + "\x00\x00\x00", want: &isapi.DeviceInfo{}},
		"case 94: two documents":            {body: info(whole) + info("<model>EVIL</model>"), want: &isapi.DeviceInfo{}},
		"case 95: another namespace":        {body: `<x:DeviceInfo xmlns:x="http://www.std-cgi.com/ver20/XMLSchema">` + strings.NewReplacer("</", "</x:", "<", "<x:").Replace(whole) + "</x:DeviceInfo>", want: &isapi.DeviceInfo{}},
		"case 95: PSIA":                     {body: `<DeviceInfo xmlns="urn:psialliance-org">` + whole + "</DeviceInfo>", want: &isapi.DeviceInfo{}},
		"case 95: none":                     {body: "<DeviceInfo>" + whole + "</DeviceInfo>", want: &isapi.DeviceInfo{}},
		"case 96: an element twice":         {body: info(whole + "<model>EVIL</model>"), want: &isapi.DeviceInfo{}},
		"case 97: a field is missing":       {body: info("<model>DS-2CD</model>"), want: &isapi.DeviceInfo{Model: "DS-2CD"}},
		"case 97: all of them":              {body: info("<deviceName>gate</deviceName>"), err: camsec.ErrMalformed},
		"case 97: all of them are empty":    {body: info("<model/><serialNumber> </serialNumber><firmwareVersion></firmwareVersion>"), err: camsec.ErrMalformed},
		"case 101: a megabyte of spaces":    {body: info("<deviceName>" + strings.Repeat(" ", 900<<10) + "gate</deviceName>" + whole), want: &isapi.DeviceInfo{Name: "gate"}},
		"case 102: JSON for XML":            {body: `{"statusCode":4,"statusString":"Invalid Operation","subStatusCode":"notSupport"}`, err: errors.ErrUnsupported},
		"case 102: a list":                  {body: `["a"]`, kind: wire.KindContent, err: camsec.ErrMalformed},
		"case 103: control characters":      {body: info("<deviceName>a\x1b[2J\x07b</deviceName>" + whole), want: &isapi.DeviceInfo{Name: "a\uFFFD[2J\uFFFDb"}},
		"case 104: a path for a version":    {body: info("<model>../../x</model><firmwareVersion>../../etc</firmwareVersion>"), want: &isapi.DeviceInfo{Model: "../../x", FirmwareVersion: "../../etc"}},
		"case 105: a reference to NUL":      {body: info("<deviceName>a&#0;b&#xFFFF;</deviceName>" + whole), want: &isapi.DeviceInfo{Name: "a\uFFFDb\uFFFD"}},
		"case 106: the name deeper":         {body: info("<OSCoreVersionInfo><model>EVIL</model></OSCoreVersionInfo><serialNumber>S1</serialNumber>"), want: &isapi.DeviceInfo{Serial: "S1"}},
		"case 107: the name in a comment":   {body: info("<!-- <model>EVIL</model> -->" + whole), want: &isapi.DeviceInfo{}},
		"case 108: CDATA":                   {body: info("<deviceName><![CDATA[a<b>&]]></deviceName>" + whole), want: &isapi.DeviceInfo{Name: "a<b>&"}},
		"case 114: two types that disagree": {body: `<?xml version="1.0" encoding="GBK"?>` + info("<deviceName>"+gbk+"</deviceName>"+whole), header: http.Header{"Content-Type": {`text/xml; charset="iso-8859-1"`, "application/json"}}, want: &isapi.DeviceInfo{Name: "现场"}},
		"case 114: a mark rules over both":  {body: "\uFEFF" + `<?xml version="1.0" encoding="GBK"?>` + info("<deviceName>Köln</deviceName>"+whole), header: http.Header{"Content-Type": {"text/xml; charset=gbk"}}, want: &isapi.DeviceInfo{Name: "Köln"}},
		"another document":                  {body: "<Time><timeMode>NTP</timeMode></Time>", err: camsec.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			client, dev := answering(t, []byte(c.body), c.header)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, err := client.DeviceInfo(t.Context())
			runtime.ReadMemStats(&after)
			if !strings.HasPrefix(name, "case 86") { // what the device makes counts there
				assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
			}
			if c.want == nil {
				require.ErrorIs(t, err, c.err)
				assert.Equal(t, c.kind, wire.KindOf(err), "%v", err)
				assert.Equal(t, isapi.DeviceInfo{}, got, "nothing half-read")
				assert.NotContains(t, err.Error(), dev.Password())
				assert.NotContains(t, err.Error(), "\x1b")
				assert.Less(t, len(err.Error()), 500)
				return
			}
			require.NoError(t, err)
			want := *c.want
			if strings.Contains(c.body, whole) || want.Model == "" && want.Serial == "" {
				want.Model, want.Serial, want.FirmwareVersion = "DS-2CD", "S1", "V5.7.1"
			}
			assert.Equal(t, want, got)
		})
	}
}

// case 38: a refusal that comes as a success, in XML and in JSON.
func TestRefusalUnder200(t *testing.T) {
	for name, body := range map[string]string{
		"case 38: XML":  `<ResponseStatus version="2.0"><requestURL>/x</requestURL><statusCode>4</statusCode><statusString>Invalid Operation</statusString><subStatusCode>notSupport</subStatusCode></ResponseStatus>`,
		"case 38: JSON": `{"requestURL":"/x","statusCode":4,"statusString":"Invalid Operation","subStatusCode":"notSupport","errorCode":1073741825}`,
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := answering(t, []byte(body), nil)
			_, err := c.DeviceInfo(t.Context())
			var e *isapi.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, http.StatusOK, e.HTTPStatus)
			assert.Equal(t, 4, e.StatusCode)
			assert.Equal(t, "notSupport", e.SubStatusCode)
			require.ErrorIs(t, err, errors.ErrUnsupported)
		})
	}
}

// JSON in other shapes than an object that is named.
func TestOddJSON(t *testing.T) {
	c, _ := answering(t, []byte(`{"statusCode":4}`), nil)
	_, err := c.DeviceInfo(t.Context())
	var e *isapi.Error
	require.ErrorAs(t, err, &e, "one field is a status as well")
	assert.Equal(t, 4, e.StatusCode)
	c, _ = answering(t, []byte(`{"DeviceInfo":{"model":"DS-2CD"}}`), nil)
	got, err := c.DeviceInfo(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "DS-2CD", got.Model)
	for _, body := range []string{`{"DeviceInfo":{}}`, `{"DeviceInfo":{"model":"a"},"Other":{"model":"b"}}`, `{}`} {
		c, _ = answering(t, []byte(body), nil)
		_, err = c.DeviceInfo(t.Context())
		require.ErrorIs(t, err, camsec.ErrMalformed, body)
	}
}

// Lengths of a lock, in minutes or in seconds.
func TestLockSeconds(t *testing.T) {
	for _, v := range []struct{ told, max, want int }{
		{0, 0, 0}, {30, 0, 1800}, {120, 0, 7200}, {121, 0, 121}, {1800, 120, 1800}, {60, 60, 3600}, {61, 60, 61}, {30, 1800, 30}, {-1, 0, -1},
	} {
		got := isapi.IllegalLoginLock{LockTime: &v.told}.Seconds(v.max)
		if v.want < 0 {
			assert.Nil(t, got)
			continue
		}
		require.NotNil(t, got)
		assert.Equal(t, v.want, *got, "%+v", v)
	}
	assert.Nil(t, isapi.IllegalLoginLock{}.Seconds(0))
}

func TestChannelGroup(t *testing.T) {
	for want, c := range map[string]isapi.Channel{
		"":    {Serial: "123456"},
		"S/1": {Serial: "S", DeviceIndex: "1"},
		"S":   {Serial: "S"},
		"1":   {DeviceIndex: "1"},
	} {
		assert.Equal(t, want, c.Group())
	}
}

// case 98: a number that is none is unknown, and the rest is kept.
func TestBadNumbers(t *testing.T) {
	five, most, least := 5, math.MaxInt32, math.MinInt32
	for text, want := range map[string]*int{
		"5": &five, " 5 ": &five, "+5": &five, "0x10": nil, "": nil, "12.0": nil, "99999999999999999999": nil, "4294967296": nil, "2147483647": &most, "2147483648": nil, "-2147483648": &least, "-2147483649": nil, "five": nil, "-": nil,
	} {
		t.Run(fmt.Sprintf("case 98: %q", text), func(t *testing.T) {
			c, _ := answering(t, []byte("<IllegalLoginLock><enabled>true</enabled><maxIllegalLoginTimes>"+text+"</maxIllegalLoginTimes></IllegalLoginLock>"), nil)
			got, err := c.IllegalLoginLock(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, got.Tries)
			assert.Equal(t, camsec.StateOn, got.Enabled, "the rest is kept")
			assert.Nil(t, got.LockTime)
		})
	}
}

// case 99: switches as devices spell them, and what is no switch.
func TestBadSwitches(t *testing.T) {
	for text, want := range map[string]camsec.State{
		"TRUE": camsec.StateOn, "1": camsec.StateOn, "yes": camsec.StateOn, " true\r\n": camsec.StateOn, "False": camsec.StateOff,
		"0": camsec.StateOff, "": camsec.StateUnknown, "2": camsec.StateUnknown, "enabled": camsec.StateUnknown, "truefalse": camsec.StateUnknown,
	} {
		t.Run(fmt.Sprintf("case 99: %q", text), func(t *testing.T) {
			c, _ := answering(t, []byte("<SSH><enabled>"+text+"</enabled></SSH>"), nil)
			got, err := c.SSH(t.Context())
			if want == camsec.StateUnknown {
				require.ErrorIs(t, err, camsec.ErrMalformed)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, want, got.Enabled)
		})
	}
}

// case 112: a list without end.
func TestEndlessList(t *testing.T) {
	t.Run("case 112: 1,000,000 users", func(t *testing.T) {
		var b bytes.Buffer
		b.WriteString("<UserList>")
		for range 1_000_000 {
			b.WriteString("<User><id>1</id></User>")
		}
		b.WriteString("</UserList>")
		c, _ := answering(t, b.Bytes(), nil)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		users, err := c.Users(t.Context())
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, camsec.ErrMalformed)
		assert.Equal(t, wire.KindTooLarge, wire.KindOf(err))
		assert.Empty(t, users)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
	})
}

// case 115: what we are given ourselves is escaped, or refused before a byte
// is sent.
func TestInjection(t *testing.T) {
	for user, allowed := range map[string]bool{
		`a"b`: true, `a\b`: true, "a&b": true, "a]]>b": true, "a<b>": true, "a, realm=x": true, "Jörg": true,
		"a\x00b": false, "a\r\nX: y": false, "a:b": false,
	} {
		t.Run(fmt.Sprintf("case 115: %q", user), func(t *testing.T) {
			p := isapitest.CurrentCamera()
			p.User, p.Password = user, "p\"\\&<]]>\x01-Ж7"
			dev, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
			require.NoError(t, err)
			t.Cleanup(func() { _ = dev.Close() })
			c, err := isapi.New("http://camera.test", auth.Static(user, camsec.NewSecret([]byte(p.Password))), &isapi.Options{Base: dev.Transport()})
			require.NoError(t, err)
			got, err := c.DeviceInfo(t.Context())
			if !allowed {
				require.Error(t, err)
				assert.Zero(t, dev.Host().FailedLogins()+dev.Host().Logins(), "no login was sent")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, p.Model, got.Model)
			assert.Equal(t, 1, dev.Host().Logins())
		})
	}
}
