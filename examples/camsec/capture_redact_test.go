package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

func redacted(docs ...string) []string {
	c := &isapitest.Capture{User: "kim"}
	for _, d := range docs {
		c.Answers = append(c.Answers, isapitest.CaptureAnswer{Path: "/ISAPI/x", Status: 200, Body: []byte(d)})
	}
	redactCapture(c, "", false)
	var out []string
	for _, a := range c.Answers {
		out = append(out, string(a.Body))
	}
	return out
}

func TestRedactDocuments(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"nothing to hide":     {"<A opt=\"1,2\"><enabled>true</enabled>\n <n>5</n></A>", "<A opt=\"1,2\"><enabled>true</enabled>\n <n>5</n></A>"},
		"a password":          {"<password> a&lt;b </password>", "<password> removed </password>"},
		"an empty password":   {"<password></password>", "<password></password>"},
		"how long it may be":  {`<LoginPasswordLenLimit min="1" max="16">8</LoginPasswordLenLimit>`, `<LoginPasswordLenLimit min="1" max="16">8</LoginPasswordLenLimit>`},
		"whether there is":    {"<isDefaultPassword>true</isDefaultPassword>", "<isDefaultPassword>true</isDefaultPassword>"},
		"one serial twice":    {"<serialNumber>S-1</serialNumber><serialNumber>S-1</serialNumber><subSerialNumber>S-2</subSerialNumber>", "<serialNumber>serial-1</serialNumber><serialNumber>serial-1</serialNumber><subSerialNumber>serial-2</subSerialNumber>"},
		"no serial":           {"<serialNumber>123456</serialNumber>", "<serialNumber>123456</serialNumber>"},
		"MACs as written":     {"<macAddress>44:19:b6:00:00:01</macAddress><MACAddress>44-19-B6-00-00-01</MACAddress>", "<macAddress>02:00:5e:10:00:01</macAddress><MACAddress>02-00-5E-10-00-01</MACAddress>"},
		"one network":         {"<ipAddress>10.1.1.5</ipAddress><ipAddress>10.1.1.6</ipAddress><ipAddress>10.1.2.5</ipAddress>", "<ipAddress>198.18.1.1</ipAddress><ipAddress>198.18.1.2</ipAddress><ipAddress>198.18.2.1</ipAddress>"},
		"addresses of nobody": {"<ipAddress>0.0.0.0</ipAddress><subnetMask>255.255.255.0</subnetMask><ipAddress>239.255.255.250</ipAddress><ipv6Address>::</ipv6Address>", "<ipAddress>0.0.0.0</ipAddress><subnetMask>255.255.255.0</subnetMask><ipAddress>239.255.255.250</ipAddress><ipv6Address>::</ipv6Address>"},
		"a version":           {"<firmwareVersion>1.0.16.2</firmwareVersion>", "<firmwareVersion>1.0.16.2</firmwareVersion>"},
		"users":               {"<userName>admin</userName><userName>kim</userName>", "<userName>admin</userName><userName>user-1</userName>"},
		"names that are tags": {"<a:userName xmlns:a='x'>jo</a:userName>", "<a:userName xmlns:a='x'>user-1</a:userName>"},
		"without quotes":      {"<n serialNumber=S9>x</n>", "<n serialNumber=serial-1>x</n>"},
		"a comment":           {"<a><!--secret--><b/></a>", "<a><!-- --><b/></a>"},
		"a certificate":       {"<c>-----BEGIN X-----\nabc</c>", "<c>removed</c>"},
		"JSON":                {`{"A":{"userName":"jo","password":"x\"y","on":true,"pinCode":12,"n":5}}`, `{"A":{"userName":"user-1","password":"removed","on":true,"pinCode":0,"n":5}}`},
		"a token":             {`{"Token":{"value":"abc"}}`, `{"Token":{"value":"removed"}}`},
		"a page":              {"<html><body>x</body></html>", "<!DOCTYPE html>\n<html></html>\n"},
		"text":                {"hello", ""},
		"two bytes each":      {"<\x00a\x00>\x00", ""},
		"never ends":          {"<a><password>x", "<a><password>removed"},
		"ends of others":      {"</b></a><password>x</b></a>", "</b></a><password>removed</b></a>"},
		"a place":             {"<x><areaName>Vault</areaName><latitude>47.1</latitude><modelName>M-1</modelName></x>", "<x><areaName>name-1</areaName><latitude>name-2</latitude><modelName>M-1</modelName></x>"},
		"a language":          {"<x>caf\u00e9</x>", "<x>name-1</x>"},
		"Chinese":             {"<userName>\xd5\xc5\xc8\xfd</userName>", "<userName>user-1</userName>"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, redacted(tt.in)[0])
		})
	}
	both := redacted("<serialNumber>DS-SER-1</serialNumber>", "<UPnP><x>Camera DS-SER-1 at 10.9.8.7</x></UPnP>")
	assert.Equal(t, "<UPnP><x>Camera serial-1 at 198.18.1.1</x></UPnP>", both[1])
}

// Whatever the bytes, values lie within them and none in another, and what was
// valid JSON stays so.
func FuzzCaptureSpans(f *testing.F) {
	for _, s := range []string{
		"<a b='c'>d<!-- e --><![CDATA[f]]></a>", `{"a":["b",1,{"c":null}]}`, "<a", "<?x y?><a b=c d>", "{\"a\\\"\":\"b\\\\\"}", "<!DOCTYPE x [<!ENTITY y 'z'>]>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		spans, ok := spansOf(doc)
		if !ok {
			return
		}
		for _, s := range spans {
			require.LessOrEqual(t, 0, s.start)
			require.LessOrEqual(t, s.start, s.end)
			require.LessOrEqual(t, s.end, len(doc))
		}
		out := redacted(string(doc))[0]
		if json.Valid(doc) && !isPage(doc) && !strings.Contains(string(doc), "\ufffd") {
			require.True(t, json.Valid([]byte(out)), "%q became %q", doc, out)
		}
	})
}
