package main

import (
	"errors"
	"net"
	"net/url"

	"golang.org/x/net/proxy"
)

// checkProxy tells whether a proxy can be used. Its errors repeat nothing of
// what may hold a password.
func checkProxy(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "socks5" && u.Scheme != "socks5h" || u.Hostname() == "" || u.Port() == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return errors.New("a proxy is socks5h://host:port")
	case u.User != nil:
		return errors.New("a proxy that asks for a password is not spoken to: it would stand in a file or on the command line")
	}
	return nil
}

// proxyDialer dials through a SOCKS5 proxy, which is also the one to resolve
// names, under socks5 as under socks5h: what a site calls its cameras is not
// asked of a name server outside it. Proxies that the environment names are
// ignored, since nobody would see that cameras were reached by way of them.
func proxyDialer(s string) (dialFunc, error) {
	if err := checkProxy(s); err != nil {
		return nil, err
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("the proxy is not understood")
	}
	d, err := proxy.FromURL(u, &net.Dialer{})
	if err != nil {
		return nil, err
	}
	cd, ok := d.(proxy.ContextDialer)
	if !ok {
		return nil, errors.New("the proxy cannot be used")
	}
	return cd.DialContext, nil
}
