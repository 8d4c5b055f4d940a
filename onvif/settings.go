package onvif

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec"
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
	r := &settingsReader{ctx: ctx}
	c := d.c

	// First what logs in, so that a refusal ends it here.
	list := read(r, "NetworkProtocols", c.NetworkProtocols)
	r.protocol("service.http", list, "HTTP")
	r.protocol("service.https", list, "HTTPS")
	r.protocol(SettingRTSP, list, "RTSP")

	r.add("integration.onvif", "it answers", camsec.ValueOf(true), errNotTold)

	caps := read(r, "ServiceCapabilities", c.ServiceCapabilities)
	r.list("onvif.auth", "Capabilities/Security@UsernameToken,HttpDigest", logins(caps))
	r.state(SettingAccessPolicy, "Capabilities/Security@DefaultAccessPolicy", caps.DefaultAccessPolicy)

	r.challenge(read(r, "DeviceInformation", c.Challenge))

	r.state(SettingDiscovery, "DiscoveryMode", read(r, "DiscoveryMode", c.DiscoveryMode))
	r.state(SettingZeroConf, "ZeroConfiguration/Enabled", read(r, "ZeroConfiguration", c.ZeroConfiguration).Enabled)
	r.state("service.ddns", "DynamicDNSInformation/Type", read(r, "DynamicDNS", c.DynamicDNS).State())
	filter := read(r, "IPAddressFilter", c.IPAddressFilter)
	r.state("network.ip-filter", "IPAddressFilter", filter.State())

	r.clock(c)

	r.factory(FactoryState(read(r, "Scopes", c.Scopes)))
	r.number(SettingMinLength, "MinLen", read(r, "PasswordComplexity", c.PasswordComplexity).MinLen)
	warning := read(r, "AuthFailureWarning", c.AuthFailureWarning)
	r.state(SettingWarnsFailures, "Enabled", camsec.StateOf(warning.Enabled))
	remote := read(r, "RemoteUser", c.RemoteUser)
	r.state(SettingRemoteUser, "RemoteUser/Username", camsec.StateOf(remote.Name != ""))

	r.tls(read(r, "EnabledTLSVersions", c.EnabledTLSVersions))

	open := read(r, "Users", c.Exposure)
	r.op = Operation{Action: "READ_SYSTEM operations without a credential", Evidence: camsec.Documented}
	r.add(SettingExposed, "", camsec.ValueOf(slices.Clone(open)), errNotTold)

	r.rest()
	if !r.answered && r.first != nil {
		return r.out, r.first
	}
	return r.out, nil
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

// A settingsReader collects settings of the document that was read last.
type settingsReader struct {
	ctx      context.Context //nolint:containedctx // lives for one call
	out      []camsec.Setting
	op       Operation
	err      error // of the document at hand
	stop     error // after which nothing is asked
	first    error
	answered bool
	silent   int // documents in a row without any answer
}

// read reads one document, unless an earlier error forbids it.
func read[T any](r *settingsReader, op string, f func(context.Context) (T, error)) (v T) {
	r.op, r.err = operation(op), r.stop
	if r.stop != nil {
		return v
	}
	v, r.err = f(r.ctx)
	if r.err == nil {
		r.answered, r.silent = true, 0
		return v
	}
	// One connection that breaks costs one document; a second in a row means
	// that the device is gone.
	if camsec.ReasonOf(r.err) == camsec.ReasonUnreachable {
		r.silent++
	} else {
		r.silent = 0
	}
	if stops(r.ctx, r.err) && (r.silent != 1 || r.ctx.Err() != nil) {
		r.stop = r.err
	}
	if r.first == nil {
		r.first = r.err
	}
	var zero T
	return zero
}

// stops tells errors after which asking the device more is pointless or
// harmful.
func stops(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	switch camsec.ReasonOf(err) {
	case camsec.ReasonUntrusted, camsec.ReasonRefused, camsec.ReasonLocked, camsec.ReasonNoCredential,
		camsec.ReasonCancelled, camsec.ReasonUnreachable:
		return true
	}
	return false
}

// add files a setting: the document's error if it has one, else v, else, if v
// holds nothing, why.
func (r *settingsReader) add(id, path string, v camsec.Value, why *camsec.Problem) {
	s := camsec.Setting{ID: id, Source: camsec.Source{Operation: r.op.Action, Path: path, Kind: r.op.Evidence}}
	switch {
	case r.err != nil:
		s.Err = camsec.ProblemOf(r.err)
	case v.IsZero():
		s.Err = why
	default:
		s.Value = v
		if v.Kind() == "bool" {
			s.State = camsec.StateOf(v.Bool())
		}
	}
	r.out = append(r.out, s)
}

var errNotTold = &camsec.Problem{Code: camsec.ReasonNotReadable, Message: "the device's document does not tell"}

func notOffered(what string) *camsec.Problem {
	return &camsec.Problem{Code: camsec.ReasonNotOffered, Message: what}
}

func (r *settingsReader) state(id, path string, s camsec.State) {
	var v camsec.Value
	if s != camsec.StateUnknown {
		v = camsec.ValueOf(s == camsec.StateOn)
	}
	r.add(id, path, v, errNotTold)
}

func (r *settingsReader) number(id, path string, n *int) {
	var v camsec.Value
	if n != nil {
		v = camsec.ValueOf(*n)
	}
	r.add(id, path, v, errNotTold)
}

// list files a list of words; an empty one says nothing.
func (r *settingsReader) list(id, path string, l []string) {
	var v camsec.Value
	if len(l) > 0 {
		v = camsec.ValueOf(l)
	}
	r.add(id, path, v, errNotTold)
}

func (r *settingsReader) protocol(id string, list []NetworkProtocol, name string) {
	p, ok := protocol(list, name)
	why, v := errNotTold, camsec.Value{}
	if !ok {
		why = notOffered("protocol is not in the device's list")
	}
	if p.Enabled != camsec.StateUnknown {
		v = camsec.ValueOf(p.Enabled == camsec.StateOn)
	}
	r.add(id, "NetworkProtocols["+name+"]/Enabled", v, why)
}

// challenge files what a request without a credential was answered with.
func (r *settingsReader) challenge(ch Challenge) {
	var schemes, algorithms camsec.Value
	why := notOffered("the device asks for no login in HTTP")
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
	r.op.Action += " without a credential"
	r.add("http.auth", "WWW-Authenticate", schemes, why)
	r.add("http.auth.algorithms", "WWW-Authenticate", algorithms, why)
}

func (r *settingsReader) clock(c *Client) {
	before := c.now()
	t := read(r, "SystemDateAndTime", c.SystemDateAndTime)
	after := c.now()
	r.state("time.ntp", "SystemDateAndTime/DateTimeType", t.NTP())
	var offset camsec.Value
	if d, ok := t.Offset(before.Add(after.Sub(before) / 2)); ok {
		// The device tells whole seconds, half of one too little on average.
		offset = camsec.ValueOf(int((d + time.Second/2).Round(time.Second) / time.Second))
	}
	r.add("time.offset-seconds", "SystemDateAndTime/UTCDateTime", offset, errNotTold)

	ntp := read(r, "NTP", c.NTP)
	var server camsec.Value
	for _, s := range append(slices.Clone(ntp.Servers), ntp.DHCP...) {
		server = camsec.ValueOf(s)
		break
	}
	r.add("time.ntp.server", "NTPInformation", server, notOffered("no server is set"))
}

func (r *settingsReader) factory(s camsec.State) {
	var v camsec.Value
	if s != camsec.StateUnknown {
		v = camsec.ValueOf(s == camsec.StateOn)
	}
	r.add(SettingFactoryState, "Scopes/ScopeItem", v, notOffered("the device is not of Profile Q"))
}

func (r *settingsReader) tls(versions []string) {
	r.list(SettingTLSVersions, "Versions", versions)
	var low camsec.Value
	if len(versions) > 0 {
		low = camsec.ValueOf(slices.Min(versions))
	}
	r.add("tls.min", "Versions", low, errNotTold)
}

// rest files what ONVIF has no word for, so that nobody takes silence for an
// answer.
func (r *settingsReader) rest() {
	have := map[string]bool{}
	for _, s := range r.out {
		have[s.ID] = true
	}
	var ids []string
	for id := range camsec.SettingKinds() {
		if !have[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		r.out = append(r.out, camsec.Setting{ID: id, Err: &camsec.Problem{Code: camsec.ReasonNotReadable, Message: notReadable}})
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
