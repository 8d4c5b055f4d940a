package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A ServiceInfo is one service that a device offers.
type ServiceInfo struct {
	Namespace string
	XAddr     string // as the device writes it: not to be trusted
	Version   string // 19.12
}

// Services reads which services the device offers. It needs no login
// (PRE_AUTH).
//
//onvif:op GetServices
func (c *Client) Services(ctx context.Context) ([]ServiceInfo, error) {
	r, err := c.call(ctx, "Services", func(m *message) { m.bool("tds:IncludeCapability", false) })
	if err != nil {
		return nil, err
	}
	list := []ServiceInfo{}
	for _, n := range r.All("Service") {
		v := n.Child("Version")
		s := ServiceInfo{Namespace: n.Child("Namespace").String(), XAddr: n.Child("XAddr").String()}
		if v != nil {
			s.Version = v.Child("Major").String() + "." + v.Child("Minor").String()
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, malformed(operation("Services"), "no service")
	}
	return list, nil
}

// ErrXAddr means that an address that a device names is not one to go to.
var ErrXAddr = errors.New("onvif: address named by the device is not usable")

// rewrite makes of an address that a device names the URL to go to: on the
// host, port and scheme that the caller dialled, whatever the device says.
// Behind NAT, and with malice, it says something else.
func (c *Client) rewrite(xaddr string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(xaddr))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "" || u.User != nil || u.Fragment != "" {
		return nil, ErrXAddr
	}
	if c.keepXAddr {
		if c.base.Scheme == "https" && u.Scheme != "https" {
			return nil, fmt.Errorf("%w: it leaves https", ErrXAddr)
		}
		return u, nil
	}
	u.Scheme, u.Host = c.base.Scheme, c.base.Host
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// url returns where a service is. Services but the device's own are asked for
// once.
func (c *Client) url(ctx context.Context, s Service) (*url.URL, error) {
	if s == DeviceService {
		u := c.base
		return &u, nil
	}
	c.mu.Lock()
	u := c.paths[s.namespace()]
	c.mu.Unlock()
	if u != nil {
		return u, nil
	}
	list, err := c.Services(ctx)
	if err != nil {
		return nil, fmt.Errorf("onvif: finding the security service: %w", err)
	}
	i := slices.IndexFunc(list, func(x ServiceInfo) bool { return x.Namespace == s.namespace() })
	if i < 0 {
		return nil, fmt.Errorf("onvif: device has no security service: %w", errors.ErrUnsupported)
	}
	if u, err = c.rewrite(list[i].XAddr); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paths == nil {
		c.paths = map[string]*url.URL{}
	}
	c.paths[s.namespace()] = u
	return u, nil
}

// A DeviceCapabilities is what the device service says it can do. What it does
// not say is unknown, or nil.
type DeviceCapabilities struct {
	TLS10, TLS11, TLS12 camsec.State // supported, not: enabled
	HTTPDigest          camsec.State
	UsernameToken       camsec.State
	JSONWebToken        camsec.State
	DefaultAccessPolicy camsec.State // the device keeps to the standard's table of who may do what
	AccessPolicyConfig  camsec.State
	RemoteUser          camsec.State
	Dot1X               camsec.State
	MaxLegacyDot1X      *int // [Client.LegacyDot1XConfigurations]
	MaxUsers            *int
	MaxUserNameLength   *int
	MaxPasswordLength   *int
	MaxPasswordHistory  *int
	SecurityPolicies    []string // ModifyPassword, PasswordComplexity, AuthFailureWarnings
	HashingAlgorithms   []string // of HTTP digest; empty means MD5 alone, or not told

	IPFilter, ZeroConfiguration, DynamicDNS  camsec.State
	FirmwareUpgrade, HTTPFirmwareUpgrade     camsec.State
	SystemBackup, HTTPSystemBackup           camsec.State
	SystemLogging                            camsec.State
	UserConfigNotSupported, DiscoveryResolve camsec.State
	Addons                                   []string // TLSServerConfiguration, …
}

// ServiceCapabilities reads what the device service can do. It needs no login
// (PRE_AUTH).
//
//onvif:op GetServiceCapabilities
func (c *Client) ServiceCapabilities(ctx context.Context) (DeviceCapabilities, error) {
	r, err := c.call(ctx, "ServiceCapabilities", nil)
	if err != nil {
		return DeviceCapabilities{}, err
	}
	n := r.Child("Capabilities")
	if n == nil {
		return DeviceCapabilities{}, malformed(operation("ServiceCapabilities"), "no Capabilities")
	}
	sec, sys, net := n.Child("Security"), n.Child("System"), n.Child("Network")
	return DeviceCapabilities{
		TLS10: stateOf(sec, "TLS1.0"), TLS11: stateOf(sec, "TLS1.1"), TLS12: stateOf(sec, "TLS1.2"),
		HTTPDigest: stateOf(sec, "HttpDigest"), UsernameToken: stateOf(sec, "UsernameToken"), JSONWebToken: stateOf(sec, "JsonWebToken"),
		DefaultAccessPolicy: stateOf(sec, "DefaultAccessPolicy"), AccessPolicyConfig: stateOf(sec, "AccessPolicyConfig"),
		RemoteUser: stateOf(sec, "RemoteUserHandling"), Dot1X: stateOf(sec, "Dot1X"), MaxLegacyDot1X: numberOf(net, "Dot1XConfigurations"),
		MaxUsers: numberOf(sec, "MaxUsers"), MaxUserNameLength: numberOf(sec, "MaxUserNameLength"),
		MaxPasswordLength: numberOf(sec, "MaxPasswordLength"), MaxPasswordHistory: numberOf(sec, "MaxPasswordHistory"),
		SecurityPolicies: words(sec.Attr("SecurityPolicies")), HashingAlgorithms: words(sec.Attr("HashingAlgorithms")),
		IPFilter: stateOf(net, "IPFilter"), ZeroConfiguration: stateOf(net, "ZeroConfiguration"), DynamicDNS: stateOf(net, "DynDNS"),
		FirmwareUpgrade: stateOf(sys, "FirmwareUpgrade"), HTTPFirmwareUpgrade: stateOf(sys, "HttpFirmwareUpgrade"),
		SystemBackup: stateOf(sys, "SystemBackup"), HTTPSystemBackup: stateOf(sys, "HttpSystemBackup"),
		SystemLogging:          stateOf(sys, "SystemLogging"),
		UserConfigNotSupported: stateOf(sys, "UserConfigNotSupported"), DiscoveryResolve: stateOf(sys, "DiscoveryResolve"),
		Addons: words(sys.Attr("Addons")),
	}, nil
}

// A LegacyCapabilities is the older form of what a device can do.
type LegacyCapabilities struct {
	XAddrs map[string]string // by part: Device, Media, Events, …; not to be trusted
	DeviceCapabilities
}

// Capabilities reads what the device can do in the older form, for devices
// without [Client.ServiceCapabilities]. It needs no login (PRE_AUTH).
//
//onvif:op GetCapabilities
func (c *Client) Capabilities(ctx context.Context) (LegacyCapabilities, error) {
	r, err := c.call(ctx, "Capabilities", func(m *message) { m.text("tds:Category", "All") })
	if err != nil {
		return LegacyCapabilities{}, err
	}
	n := r.Child("Capabilities")
	if n == nil || len(n.Children) == 0 {
		return LegacyCapabilities{}, malformed(operation("Capabilities"), "nothing in it")
	}
	l := LegacyCapabilities{XAddrs: map[string]string{}}
	parts := n.Children
	if e := n.Child("Extension"); e != nil {
		parts = append(slices.Clone(parts), e.Children...)
	}
	for _, p := range parts {
		if x := p.Child("XAddr").String(); x != "" {
			l.XAddrs[p.Name] = x
		}
	}
	dev := n.Child("Device")
	sec, sys, net := dev.Child("Security"), dev.Child("System"), dev.Child("Network")
	first := func(nodes ...*wire.Node) camsec.State {
		for _, n := range nodes {
			if s := state(n); s != camsec.StateUnknown {
				return s
			}
		}
		return camsec.StateUnknown
	}
	l.DeviceCapabilities = DeviceCapabilities{
		TLS10: first(sec.At("Extension", "TLS1.0")), TLS11: state(sec.Child("TLS1.1")), TLS12: state(sec.Child("TLS1.2")),
		AccessPolicyConfig: state(sec.Child("AccessPolicyConfig")),
		RemoteUser:         first(sec.At("Extension", "Extension", "RemoteUserHandling")),
		Dot1X:              first(sec.At("Extension", "Extension", "Dot1X")),
		MaxLegacyDot1X:     number(net.At("Extension", "Extension", "Dot1XConfigurations")),
		IPFilter:           state(net.Child("IPFilter")), ZeroConfiguration: state(net.Child("ZeroConfiguration")), DynamicDNS: state(net.Child("DynDNS")),
		FirmwareUpgrade: state(sys.Child("FirmwareUpgrade")), HTTPFirmwareUpgrade: state(sys.At("Extension", "HttpFirmwareUpgrade")),
		SystemBackup: state(sys.Child("SystemBackup")), HTTPSystemBackup: state(sys.At("Extension", "HttpSystemBackup")),
		SystemLogging: state(sys.Child("SystemLogging")), DiscoveryResolve: state(sys.Child("DiscoveryResolve")),
	}
	return l, nil
}
