package isapi

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec"
)

// Settings reads every setting of package camsec that ISAPI tells, one
// request a document. A document that fails leaves its settings with Err; one
// after which asking on is pointless, such as a refused login, stands for all
// that follow. The error is the first one, if no document could be read.
func (d *Device) Settings(ctx context.Context) ([]camsec.Setting, error) {
	r := &settingsReader{ctx: ctx}
	c := d.c

	check := read(r, "UserCheck", c.UserCheck)
	r.state("device.activated", "userCheck/isActivated", check.Activated)
	r.state("account.default-password", "userCheck/isDefaultPassword", check.DefaultPassword)
	r.state("account.risk-password", "userCheck/isRiskPassword", check.RiskPassword)

	r.number("account.password.days-left", "userCheck/residualValidity", check.ResidualDays)

	r.access(read(r, "AdminAccesses", c.AdminAccesses))

	caps := read(r, "SecurityCapabilities", c.SecurityCapabilities)
	lock := read(r, "IllegalLoginLock", c.IllegalLoginLock)
	r.state("login.lockout", "IllegalLoginLock/enabled", lock.Enabled)
	r.number("login.lockout.tries", "IllegalLoginLock/maxIllegalLoginTimes", lock.Tries)
	r.number("login.lockout.seconds", "IllegalLoginLock/maxIllegalLoginLockTime", lock.Seconds(lockMax(caps)))

	web := read(r, "WebCertificate", c.WebCertificate)
	r.list("http.auth", "WebCertificate/CertificateType", lower(web.Types))
	r.list("http.auth.algorithms", "WebCertificate/SecurityAlgorithm/algorithmType", web.Algorithms)

	r.rtsp(c)

	anonymous := read(r, "AnonymousLogin", c.AnonymousLogin)
	r.state("login.anonymous", "enabled", anonymous.Enabled)
	advanced := read(r, "Advanced", c.Advanced)
	r.state("login.idle-logout", "noOperationEnabled", advanced.IdleLogout)
	r.logins(c)

	integrate := read(r, "Integrate", c.Integrate)
	r.state("integration.cgi", "Integrate/CGI/enable", integrate.CGI)
	r.state("integration.onvif", "Integrate/ONVIF/enable", integrate.ONVIF)
	r.list("onvif.auth", "Integrate/ONVIF/certificateType", integrate.ONVIFAuth)

	snmp := read(r, "SNMP", c.SNMP)
	r.state("service.snmp.v1", "SNMP/SNMPv1c/enabled", v1or2(snmp))
	r.state("service.snmp.v3", "SNMP/SNMPAdvanced/enabled", snmp.V3)

	for _, s := range []struct {
		id, op, path string
		read         func(context.Context) (Service, error)
	}{
		{"service.ssh", "SSH", "SSH/enabled", c.SSH},
		{"service.telnet", "Telnet", "Telnetd/enabled", c.Telnet},
		{"service.cloud", "EZVIZ", "EZVIZ/enabled", c.EZVIZ},
		{"service.ehome", "EHome", "Ehome/enabled", c.EHome},
		{"service.gb28181", "GB28181", "GB28181/enabled", c.GB28181},
		{"service.ftp", "FTP", "FTPNotification/enabled", c.FTP},
		{"service.ddns", "DDNS", "DDNS/enabled", c.DDNS},
		{"network.ip-filter", "IPFilter", "IPFilter/enabled", c.IPFilter},
	} {
		r.state(s.id, s.path, read(r, s.op, s.read).Enabled)
	}

	r.upnp(c)
	r.network(c)

	discovery := read(r, "DiscoveryMode", c.DiscoveryMode)
	r.state("service.sadp", "DiscoveryMode/SADP", discovery.SADP)

	r.mail(read(r, "Mailing", c.Mailing))
	r.push(read(r, "HTTPHosts", c.HTTPHosts))
	r.alarm(read(r, "EventTriggers", c.EventTriggers))
	r.clock(c)
	r.log(c)
	r.storage(read(r, "Storage", c.Storage))
	upgrade := read(r, "OnlineUpgrade", c.OnlineUpgrade)
	r.state("firmware.auto-download", "OnlineUpgradeParameter/autoDownloadPackage", upgrade.Download)
	r.state("firmware.auto-upgrade", "OnlineUpgradeParameter/timingUpgrade", upgrade.Upgrade)
	public := read(r, "PublicDeviceInfo", c.PublicDeviceInfo)
	r.state("http.public-info", "DeviceInfo", public)
	r.certificate(c)

	if !r.answered && r.first != nil {
		return r.out, r.first
	}
	return r.out, nil
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
	if problem(r.err).Code == camsec.ReasonUnreachable {
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

// add files a setting: the document's error if it has one, else v, else, if v
// holds nothing, why.
func (r *settingsReader) add(id, path string, v camsec.Value, why *camsec.Problem) {
	s := camsec.Setting{ID: id, Source: camsec.Source{Operation: r.op.String(), Path: path, Kind: r.op.Evidence}}
	switch {
	case r.err != nil:
		s.Err = problem(r.err)
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

func stateValue(s camsec.State) camsec.Value {
	if s == camsec.StateUnknown {
		return camsec.Value{}
	}
	return camsec.ValueOf(s == camsec.StateOn)
}

func (r *settingsReader) state(id, path string, s camsec.State) {
	r.add(id, path, stateValue(s), errNotTold)
}

func (r *settingsReader) number(id, path string, n *int) {
	var v camsec.Value
	if n != nil {
		v = camsec.ValueOf(int64(*n))
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

func (r *settingsReader) text(id, path, s string) {
	var v camsec.Value
	if s != "" {
		v = camsec.ValueOf(s)
	}
	r.add(id, path, v, errNotTold)
}

func (r *settingsReader) access(list AdminAccesses) {
	const path = "AdminAccessProtocolList/AdminAccessProtocol"
	for _, s := range []struct{ id, protocol string }{
		{"service.http", "HTTP"},
		{"service.https", "HTTPS"},
		{"service.bonjour", "Bonjour"},
		{"service.websocket", "WebSocket"},
		{"service.sdk", "DEV_MANAGE"},
		{"service.srtp", "SRTP"},
		{"service.modbus", "modbusTCP"},
		{"service.iot", "IOT"},
	} {
		p, ok := list.Protocol(s.protocol)
		why := errNotTold
		if !ok {
			why = notOffered("protocol is not in the device's list")
		}
		r.add(s.id, path+"["+s.protocol+"]/enabled", stateValue(p.Enabled), why)
	}
	https, _ := list.Protocol("HTTPS")
	r.state("http.redirect", path+"[HTTPS]/redirectToHttps", https.RedirectToHTTPS)
	var tls camsec.Value
	if v := https.MinTLS(); v != "" {
		tls = camsec.ValueOf(v)
	}
	r.add("tls.min", path+"[HTTPS]/TLS1_1Enable", tls, errNotTold)
}

// lockMax is the longest lock that a device offers, 0 if it does not tell.
func lockMax(caps Capabilities) int {
	n, err := strconv.Atoi(strings.TrimSpace(caps.Attr("max", "maxIllegalLoginLockTime")))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// logins files how many may be logged in, and the ways around a password.
func (r *settingsReader) logins(c *Client) {
	var most *int
	if n := read(r, "LoginLinkNum", c.LoginLinkNum); n > 0 {
		most = &n
	}
	r.number("login.sessions.max", "LoginLinkNum/maxLinkNum", most)
	questions := read(r, "SecurityQuestions", c.SecurityQuestions)
	r.state("login.recovery.questions", "SecurityQuestion/QuestionList/Question/mark", questions.Set)
	r.state("login.recovery.mail", "SecurityEmail/SecurityInformation/emailAddress", read(r, "RecoveryMail", c.RecoveryMail))
}

// rtsp takes the streams' own block where there is one, as on cameras, and
// the common one otherwise. Of streams that differ all modes count.
func (r *settingsReader) rtsp(c *Client) {
	var types []string
	untold := false
	streams := read(r, "StreamingChannels", c.StreamingChannels)
	r.multicast(streams)
	for _, ch := range streams {
		modes := lower(ch.Auth.Types)
		switch ch.Security {
		case camsec.StateOff:
			modes = []string{"none"} // an open stream beside guarded ones is open
		case camsec.StateUnknown:
			if len(modes) > 0 {
				untold = true
			}
			continue
		}
		if len(modes) == 0 {
			untold = true
		}
		for _, t := range modes {
			if !slices.Contains(types, t) {
				types = append(types, t)
			}
		}
	}
	if untold && !slices.Contains(types, "none") && len(types) > 0 {
		r.add("rtsp.auth", "StreamingChannelList/StreamingChannel/Transport/Security", camsec.Value{}, errNotTold)
		return
	}
	if len(types) > 0 {
		slices.Sort(types)
		slices.Reverse(types) // digest, basic
		r.list("rtsp.auth", "StreamingChannelList/StreamingChannel/Transport/Security/certificateType", types)
		return
	}
	mode := read(r, "RTSPCertificate", c.RTSPCertificate)
	r.list("rtsp.auth", "RTSPCertificate/certificateType", lower(mode.Types))
}

// multicast is on if any stream can be had that way. Streams that have no
// such block do not say.
func (r *settingsReader) multicast(streams []StreamingChannel) {
	var told []camsec.State
	for _, ch := range streams {
		if ch.Multicast != camsec.StateUnknown {
			told = append(told, ch.Multicast)
		}
	}
	r.state("streaming.multicast", "StreamingChannelList/StreamingChannel/Transport/Multicast/enabled", anyOf(told))
}

// v1or2 is on if either answers; a device that leaves SNMPv1c out is told by
// the other alone.
func v1or2(s SNMP) camsec.State {
	var known []camsec.State
	for _, v := range []camsec.State{s.V1, s.V2c} {
		if v != camsec.StateUnknown {
			known = append(known, v)
		}
	}
	return anyOf(known)
}

func (r *settingsReader) mail(used []Mail) {
	const path = "mailingList/mailing/sender/smtp/enableSSL"
	if len(used) == 0 {
		r.add("mail.tls", path, camsec.Value{}, notOffered("mail is not set up"))
		return
	}
	all := camsec.StateOn
	for _, m := range used {
		if m.Encrypted == camsec.StateOff || all == camsec.StateOn {
			all = m.Encrypted
		}
	}
	r.state("mail.tls", path, all)
}

func (r *settingsReader) push(hosts []HTTPHost) {
	const path = "HttpHostNotificationList/HttpHostNotification/"
	if len(hosts) == 0 {
		why := notOffered("no receiver of events is set up")
		r.add("events.push.tls", path+"protocolType", camsec.Value{}, why)
		r.add("events.push.auth", path+"httpAuthenticationMethod", camsec.Value{}, why)
		return
	}
	var open, anonymous []camsec.State
	for _, h := range hosts {
		plain, nobody := camsec.StateUnknown, camsec.StateUnknown
		switch strings.ToUpper(h.Protocol) {
		case "HTTPS":
			plain = camsec.StateOff
		case "HTTP":
			plain = camsec.StateOn
		}
		if h.Auth != "" {
			nobody = camsec.StateOf(strings.EqualFold(h.Auth, "none"))
		}
		open, anonymous = append(open, plain), append(anonymous, nobody)
	}
	r.state("events.push.tls", path+"protocolType", opposite(anyOf(open)))
	r.state("events.push.auth", path+"httpAuthenticationMethod", opposite(anyOf(anonymous)))
}

func opposite(s camsec.State) camsec.State {
	switch s {
	case camsec.StateOn:
		return camsec.StateOff
	case camsec.StateOff:
		return camsec.StateOn
	}
	return s
}

func (r *settingsReader) alarm(triggers []EventTrigger) {
	const path = "EventTriggerList/EventTrigger[illaccess]/EventTriggerNotificationList"
	for _, t := range triggers {
		if !strings.EqualFold(t.Type, "illaccess") {
			continue
		}
		var v camsec.Value
		if t.Methods != nil {
			v = camsec.ValueOf(t.Methods)
		}
		r.add("login.alarm", path, v, errNotTold)
		return
	}
	r.add("login.alarm", path, camsec.Value{}, notOffered("the device lists no such event"))
}

func (r *settingsReader) clock(c *Client) {
	before := c.now()
	t := read(r, "Time", c.Time)
	after := c.now()
	var ntp, offset camsec.Value
	if t.Mode != "" {
		ntp = camsec.ValueOf(strings.EqualFold(t.Mode, "NTP"))
	}
	if d, ok := t.Offset(before.Add(after.Sub(before) / 2)); ok {
		offset = camsec.ValueOf(int64(d.Round(time.Second) / time.Second))
	}
	r.add("time.ntp", "Time/timeMode", ntp, errNotTold)
	r.add("time.offset-seconds", "Time/localTime", offset, errNotTold)

	var server camsec.Value
	for _, s := range read(r, "NTPServers", c.NTPServers) {
		if s.Host != "" {
			server = camsec.ValueOf(s.Host)
			break
		}
	}
	r.add("time.ntp.server", "NTPServerList/NTPServer/hostName", server, notOffered("no server is set"))
}

// storage is encrypted if every medium is. What the device does not tell of is
// not hidden by what it does.
func (r *settingsReader) storage(media []Medium) {
	const path = "storage/hddList/hdd/Encryption/encryptionStatus"
	if len(media) == 0 {
		r.add("storage.encrypted", path, camsec.Value{}, notOffered("the device records to nothing"))
		return
	}
	var open []camsec.State
	for _, m := range media {
		open = append(open, opposite(m.Encrypted))
	}
	r.state("storage.encrypted", path, opposite(anyOf(open)))
}
