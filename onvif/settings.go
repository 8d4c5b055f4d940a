package onvif

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Settings that are ONVIF's own. The others are in the vocabulary of package
// camsec.
const (
	SettingRTSP          = "x-onvif.service.rtsp"
	SettingDiscovery     = "x-onvif.discovery"               // answers WS-Discovery
	SettingZeroConf      = "x-onvif.zero-configuration"      // link-local addressing
	SettingFactoryState  = "x-onvif.factory-state"           // Profile Q: open to everybody
	SettingAccessPolicy  = "x-onvif.default-access-policy"   // keeps to the standard's table
	SettingExposed       = "x-onvif.anonymous"               // operations answered without a login that need one
	SettingTLSVersions   = "x-onvif.tls.versions"            // enabled
	SettingMinLength     = "x-onvif.password.min-length"     // of new passwords
	SettingWarnsFailures = "x-onvif.auth-failure-warning"    // an event about failed logins
	SettingRemoteUser    = "x-onvif.remote-user"             // logs in elsewhere with an account of its own
	notReadable          = "not readable over this protocol" // what ONVIF has no word for
)

// Settings reads every setting that ONVIF tells, one request a document. What
// it has no word for is unknown with [camsec.ReasonNotReadable]. A document
// that fails leaves its settings with Err; one after which asking on is
// pointless, such as a refused login, stands for all that follow. The error is
// the first one, if no document could be read.
//
// Some requests go without a credential, to see what the device asks for and
// what it answers to anybody; they spend no login try.
func (d *Device) Settings(ctx context.Context) ([]camsec.Setting, error) {
	r := &settingsReader{wire.NewSettings(ctx)}
	c := d.c

	// First what logs in, so that a refusal ends it here.
	list := read(r, "NetworkProtocols", c.NetworkProtocols)
	r.protocol("service.http", list, "HTTP")
	r.protocol("service.https", list, "HTTPS")
	r.protocol(SettingRTSP, list, "RTSP")

	r.Add("integration.onvif", "it answers", camsec.ValueOf(true), wire.NotTold())

	caps := read(r, "ServiceCapabilities", c.ServiceCapabilities)
	r.List("onvif.auth", "Capabilities/Security@UsernameToken,HttpDigest", logins(caps))
	r.State(SettingAccessPolicy, "Capabilities/Security@DefaultAccessPolicy", caps.DefaultAccessPolicy)

	r.challenge(c)

	r.State(SettingDiscovery, "DiscoveryMode", read(r, "DiscoveryMode", c.DiscoveryMode))
	r.State(SettingZeroConf, "ZeroConfiguration/Enabled", read(r, "ZeroConfiguration", c.ZeroConfiguration).Enabled)
	r.State("service.ddns", "DynamicDNSInformation/Type", read(r, "DynamicDNS", c.DynamicDNS).State())
	filter := read(r, "IPAddressFilter", c.IPAddressFilter)
	r.State("network.ip-filter", "IPAddressFilter", filter.State())

	r.clock(c)

	factory := FactoryState(read(r, "Scopes", c.Scopes))
	r.factory(factory)
	var activated camsec.Value
	if factory != camsec.StateUnknown { // in that state anybody may make accounts
		activated = camsec.ValueOf(factory == camsec.StateOff)
	}
	r.Add("device.activated", "Scopes/ScopeItem", activated, wire.NotOffered("the device is not of Profile Q"))
	r.network(c)
	r.Number(SettingMinLength, "MinLen", read(r, "PasswordComplexity", c.PasswordComplexity).MinLen)
	warning := read(r, "AuthFailureWarning", c.AuthFailureWarning)
	r.State(SettingWarnsFailures, "Enabled", camsec.StateOf(warning.Enabled))
	alarm := []string{}
	if warning.Enabled {
		alarm = append(alarm, "event") // tns1:Device/SecurityPolicy/AuthFailed
	}
	r.Add("login.alarm", "Enabled", camsec.ValueOf(alarm), wire.NotTold())
	remote := read(r, "RemoteUser", c.RemoteUser)
	r.State(SettingRemoteUser, "RemoteUser/Username", camsec.StateOf(remote.Name != ""))

	r.tls(read(r, "EnabledTLSVersions", c.EnabledTLSVersions))

	open := wire.ReadDocument(r.Settings, "READ_SYSTEM operations without a credential", camsec.Documented, c.Exposure)
	r.Add(SettingExposed, "", camsec.ValueOf(slices.Clone(open)), wire.NotTold())
	r.State("http.public-info", "GetDeviceInformation", camsec.StateOf(slices.Contains(open, "GetDeviceInformation")))
	c.watched.File(r.Settings, c.base.Scheme == "http", c.now())

	r.rest()
	return r.All()
}

// logins names the ways of logging in that a device says it has.
func logins(caps DeviceCapabilities) []string {
	var out []string
	if caps.HTTPDigest == camsec.StateOn {
		out = append(out, "digest")
	}
	if caps.UsernameToken == camsec.StateOn {
		out = append(out, "wsse")
	}
	return out
}

// A settingsReader reads documents of ONVIF.
type settingsReader struct{ *wire.Settings }

// read reads one document, unless an earlier error forbids it.
func read[T any](r *settingsReader, op string, f func(context.Context) (T, error)) T {
	o := operation(op)
	return wire.ReadDocument(r.Settings, o.Action, o.Evidence, f)
}

func (r *settingsReader) protocol(id string, list []NetworkProtocol, name string) {
	p, ok := protocol(list, name)
	why := wire.NotTold()
	if !ok {
		why = wire.NotOffered("protocol is not in the device's list")
	}
	r.Add(id, "NetworkProtocols["+name+"]/Enabled", wire.StateValue(p.Enabled), why)
}

// challenge files what a request without a credential was answered with.
func (r *settingsReader) challenge(c *Client) {
	ch := wire.ReadDocument(r.Settings, operation("DeviceInformation").Action+" without a credential", camsec.Recorded, c.Challenge)
	var schemes, algorithms camsec.Value
	why := wire.NotOffered("the device asks for no login in HTTP")
	if len(ch.Schemes) > 0 {
		schemes = camsec.ValueOf(ch.Schemes)
	}
	if len(ch.Algorithms) > 0 {
		var names []string
		for _, a := range ch.Algorithms {
			names = append(names, strings.ReplaceAll(a, "SHA-", "SHA"))
		}
		algorithms = camsec.ValueOf(names)
	}
	r.Add("http.auth", "WWW-Authenticate", schemes, why)
	r.Add("http.auth.algorithms", "WWW-Authenticate", algorithms, why)
}

func (r *settingsReader) clock(c *Client) {
	before := c.now()
	t := read(r, "SystemDateAndTime", c.SystemDateAndTime)
	after := c.now()
	r.State("time.ntp", "SystemDateAndTime/DateTimeType", t.NTP())
	var offset camsec.Value
	if d, ok := t.Offset(before.Add(after.Sub(before) / 2)); ok {
		// The device tells whole seconds, half of one too little on average.
		offset = camsec.ValueOf(int((d + time.Second/2).Round(time.Second) / time.Second))
	}
	r.Add("time.offset-seconds", "SystemDateAndTime/UTCDateTime", offset, wire.NotTold())

	ntp := read(r, "NTP", c.NTP)
	var server camsec.Value
	for _, s := range append(slices.Clone(ntp.Servers), ntp.DHCP...) {
		server = camsec.ValueOf(s)
		break
	}
	r.Add("time.ntp.server", "NTPInformation", server, wire.NotOffered("no server is set"))
}

func (r *settingsReader) factory(s camsec.State) {
	r.Add(SettingFactoryState, "Scopes/ScopeItem", wire.StateValue(s), wire.NotOffered("the device is not of Profile Q"))
}

// network files the first interface, how it reaches others, and how it logs in
// to its switch.
func (r *settingsReader) network(c *Client) {
	var first NetworkInterface
	if list := read(r, "NetworkInterfaces", c.NetworkInterfaces); len(list) > 0 {
		first = list[0]
	}
	r.State("network.dhcp", "NetworkInterfaces/IPv4/Config/DHCP", first.DHCP)
	r.Text("network.ip-version", "NetworkInterfaces/IPv4/Enabled", first.version())
	var gateway camsec.Value
	if list := read(r, "DefaultGateways", c.DefaultGateways); len(list) > 0 {
		gateway = camsec.ValueOf(list[0])
	}
	r.Add("network.gateway", "NetworkGateway", gateway, wire.NotOffered("no gateway is set"))
	dns := read(r, "DNS", c.DNS)
	var servers camsec.Value
	if list := append(slices.Clone(dns.Servers), dns.DHCP...); len(list) > 0 {
		servers = camsec.ValueOf(list)
	}
	r.Add("network.dns", "DNSInformation", servers, wire.NotOffered("no server is set"))

	used := read(r, "InterfaceDot1X", func(ctx context.Context) (string, error) { return c.InterfaceDot1X(ctx, first.Token) })
	r.State("network.802.1x", "Dot1XID", camsec.StateOf(used != ""))
	if used == "" {
		r.Add("network.802.1x.method", "", camsec.Value{}, wire.NotOffered("it is off"))
		return
	}
	all := read(r, "Dot1XConfigurations", c.Dot1XConfigurations)
	i := slices.IndexFunc(all, func(d Dot1X) bool { return d.ID == used })
	method := ""
	if i >= 0 {
		method = all[i].Outer.Method
	}
	r.Text("network.802.1x.method", "Configuration/Outer@Method", method)
}

func (r *settingsReader) tls(versions []string) {
	r.List(SettingTLSVersions, "Versions", versions)
	var low camsec.Value
	if len(versions) > 0 {
		low = camsec.ValueOf(slices.Min(versions))
	}
	r.Add("tls.min", "Versions", low, wire.NotTold())
}

// rest files what ONVIF has no word for, so that nobody takes silence for an
// answer.
func (r *settingsReader) rest() {
	have := map[string]bool{}
	all, _ := r.All() // its error is told at the end
	for _, s := range all {
		have[s.ID] = true
	}
	r.Document("", "", &camsec.Problem{Code: camsec.ReasonNotReadable, Message: notReadable})
	for _, id := range slices.Sorted(maps.Keys(camsec.SettingKinds())) {
		if !have[id] {
			r.Add(id, "", camsec.Value{}, nil)
		}
	}
}

// SetSetting changes one of the switches that ONVIF has: service.http,
// service.https, service.ddns (off), time.ntp, [SettingRTSP],
// [SettingDiscovery], [SettingZeroConf]. Everything else matches
// [errors.ErrUnsupported]: SSH, telnet, UPnP, SNMP and the maker's cloud
// cannot be switched through ONVIF. To switch off the protocol in use is
// [ErrCutOff]; [Client.SwitchProtocol] takes leave for it.
func (d *Device) SetSetting(ctx context.Context, id string, value camsec.Value) (camsec.Change, error) {
	set := map[string]func(context.Context, bool) (camsec.Change, error){
		"service.http":   func(ctx context.Context, on bool) (camsec.Change, error) { return d.c.SwitchProtocol(ctx, "HTTP", on) },
		"service.https":  func(ctx context.Context, on bool) (camsec.Change, error) { return d.c.SwitchProtocol(ctx, "HTTPS", on) },
		SettingRTSP:      func(ctx context.Context, on bool) (camsec.Change, error) { return d.c.SwitchProtocol(ctx, "RTSP", on) },
		SettingDiscovery: d.c.SetDiscoveryMode,
		SettingZeroConf:  d.setZeroConf,
		"service.ddns":   d.setDDNS,
		"time.ntp":       d.setNTP,
	}[id]
	if set == nil {
		return notApplied(fmt.Errorf("onvif: %s cannot be set through ONVIF: %w", clean(id), errors.ErrUnsupported))
	}
	if value.Kind() != "bool" {
		return notApplied(fmt.Errorf("onvif: %s is a switch", id))
	}
	return set(ctx, value.Bool())
}

func (d *Device) setZeroConf(ctx context.Context, on bool) (camsec.Change, error) {
	z, err := d.c.ZeroConfiguration(ctx)
	if err != nil {
		return notApplied(err)
	}
	if z.Enabled == camsec.StateOf(on) {
		return unchanged()
	}
	return d.c.SetZeroConfiguration(ctx, z.Interface, on)
}

func (d *Device) setDDNS(ctx context.Context, on bool) (camsec.Change, error) {
	if on {
		return notApplied(fmt.Errorf("onvif: service.ddns needs a name and a kind to be switched on: %w", errors.ErrUnsupported))
	}
	now, err := d.c.DynamicDNS(ctx)
	if err != nil {
		return notApplied(err)
	}
	if now.State() == camsec.StateOff {
		return unchanged()
	}
	return d.c.SetDynamicDNS(ctx, DNSNoUpdate, "")
}

func (d *Device) setNTP(ctx context.Context, on bool) (camsec.Change, error) {
	now, err := d.c.SystemDateAndTime(ctx)
	if err != nil {
		return notApplied(err)
	}
	if now.NTP() == camsec.StateOf(on) {
		return unchanged()
	}
	s := TimeSetting{NTP: on, DaylightSaving: now.DaylightSaving == camsec.StateOn, TimeZone: now.TimeZone}
	if !on {
		s.UTC = d.c.now()
	}
	return d.c.SetSystemDateAndTime(ctx, s)
}
