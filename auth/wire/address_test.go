package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wire"
)

func TestParseAddress(t *testing.T) {
	for address, want := range map[string][2]string{
		"10.0.0.5":                  {"https://10.0.0.5", "10.0.0.5"},
		" 10.0.0.5:8443/ ":          {"https://10.0.0.5:8443", "10.0.0.5"},
		"http://camera.test":        {"http://camera.test", "camera.test"},
		"HTTPS://Camera-1_a.test":   {"https://Camera-1_a.test", "Camera-1_a.test"},
		"azAZ09.test:1":             {"https://azAZ09.test:1", "azAZ09.test"},
		"camera:65535":              {"https://camera:65535", "camera"},
		"camera:00080":              {"https://camera:80", "camera"},
		"[fe80::1]":                 {"https://[fe80::1]", "fe80::1"},
		"fe80::1":                   {"https://[fe80::1]", "fe80::1"},
		"[fe80::1%eth0]:443":        {"https://[fe80::1%25eth0]:443", "fe80::1"},
		"http://[fe80::1%25eth0]":   {"http://[fe80::1%25eth0]", "fe80::1"},
		"[2001:DB8:0:0::1]:81":      {"https://[2001:db8::1]:81", "2001:db8::1"},
		strings.Repeat("a", 253):    {"https://" + strings.Repeat("a", 253), strings.Repeat("a", 253)},
		"https://[::ffff:10.0.0.5]": {"https://[::ffff:10.0.0.5]", "::ffff:10.0.0.5"},
	} {
		base, host, err := wire.ParseAddress(address)
		require.NoError(t, err, address)
		require.Equal(t, want[0], base.String(), address)
		require.Equal(t, want[1], host, address)
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for address, why := range map[string]string{
		"":                         "not a host name",
		"http://":                  "not a host name",
		"ftp://camera":             "scheme is not",
		"rtsp://camera:554":        "scheme is not",
		"camera/ISAPI":             "has a path",
		"camera?x":                 "has a path",
		"camera#x":                 "has a path",
		"camera\\x":                "has a path",
		"camera:":                  "port is missing",
		":80":                      "not a host name",
		"camera:0":                 "port is not",
		"camera:65536":             "port is not",
		"camera:http":              "port is not",
		"[fe80::1":                 "brackets",
		"[fe80::1]:":               "brackets",
		"[fe80::1]80":              "brackets",
		"[fe80::1]:0":              "port is not",
		"[10.0.0.5]":               "only IPv6",
		"fe80:1:2":                 "not an IPv6 address",
		"[fe80::1::2]":             "not an IPv6 address",
		".camera":                  "not a host name",
		"-camera":                  "not a host name",
		"cam era":                  "not a host name",
		"cam`era":                  "not a host name",
		"cam{era":                  "not a host name",
		"cam[era":                  "not a host name",
		"k\u00e4mera":              "not a host name",
		strings.Repeat("a", 254):   "not a host name",
		"https://camera:80:81":     "not an IPv6 address",
		"https://admin:pw@camera/": "credentials",
	} {
		base, host, err := wire.ParseAddress(address)
		require.ErrorContains(t, err, why, address)
		require.Empty(t, base.String(), address)
		require.Empty(t, host, address)
		require.NotContains(t, err.Error(), "pw")
	}
}
