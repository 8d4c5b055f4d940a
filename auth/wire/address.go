package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ParseAddress splits what a person writes into the URL to speak to and the
// host name or IP (without zone) to hold the certificate against. Without a
// scheme the address means https. It must hold neither credentials nor a path;
// errors do not repeat one that may hold a password.
func ParseAddress(address string) (base url.URL, host string, err error) {
	if strings.Contains(address, "@") {
		return base, "", errors.New("address must not hold credentials")
	}
	bad := func(why string) (url.URL, string, error) {
		return url.URL{}, "", fmt.Errorf("address %q: %s", address, why)
	}
	base.Scheme = "https"
	rest := strings.TrimSpace(address)
	if scheme, r, ok := strings.Cut(rest, "://"); ok {
		base.Scheme, rest = strings.ToLower(scheme), r
		if base.Scheme != "http" && base.Scheme != "https" {
			return bad("scheme is not http or https")
		}
	}
	rest = strings.TrimSuffix(rest, "/")
	if strings.ContainsAny(rest, "/?#\\") {
		return bad("has a path")
	}
	port := ""
	switch {
	case strings.HasPrefix(rest, "["):
		var after string
		var ok bool
		host, after, ok = strings.Cut(rest[1:], "]")
		if !ok || (after != "" && after[0] != ':') || after == ":" {
			return bad("brackets do not match")
		}
		port = strings.TrimPrefix(after, ":")
		if !strings.Contains(host, ":") {
			return bad("only IPv6 addresses stand in brackets")
		}
	case strings.Count(rest, ":") > 1:
		host = rest
	default:
		var ok bool
		if host, port, ok = strings.Cut(rest, ":"); ok && port == "" {
			return bad("port is missing")
		}
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("port is not 1 to 65535")
		}
		port = strconv.FormatUint(n, 10)
	}
	if strings.Contains(host, ":") {
		ip, err := netip.ParseAddr(strings.Replace(host, "%25", "%", 1))
		if err != nil {
			return bad("not an IPv6 address")
		}
		base.Host = "[" + ip.String() + "]"
		host = ip.WithZone("").String()
	} else {
		if !validName(host) {
			return bad("not a host name or IP address")
		}
		base.Host = host
	}
	if port != "" {
		base.Host = net.JoinHostPort(strings.Trim(base.Host, "[]"), port)
	}
	return base, host, nil
}

func validName(s string) bool {
	if s == "" || len(s) > 253 || s[0] == '.' || s[0] == '-' {
		return false
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '.', r == '_':
		default:
			return false
		}
	}
	return true
}
