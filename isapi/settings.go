package isapi

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Settings reads every setting of package camsec that ISAPI tells, one
// request a document. A document that fails leaves its settings with Err; one
// after which asking on is pointless, such as a refused login, stands for all
// that follow. The error is the first one, if no document could be read.
func (d *Device) Settings(ctx context.Context) ([]camsec.Setting, error) {
	r := &settingsReader{wire.NewSettings(ctx)}
	c := d.c

	check := read(r, "UserCheck", c.UserCheck)
	r.State("device.activated", "userCheck/isActivated", check.Activated)
	r.State("account.default-password", "userCheck/isDefaultPassword", check.DefaultPassword)
	r.State("account.risk-password", "userCheck/isRiskPassword", check.RiskPassword)

	r.Number("account.password.days-left", "userCheck/residualValidity", check.ResidualDays)

	r.access(read(r, "AdminAccesses", c.AdminAccesses))

	caps := read(r, "SecurityCapabilities", c.SecurityCapabilities)
	lock := read(r, "IllegalLoginLock", c.IllegalLoginLock)
	r.State("login.lockout", "IllegalLoginLock/enabled", lock.Enabled)
	r.Number("login.lockout.tries", "IllegalLoginLock/maxIllegalLoginTimes", lock.Tries)
	r.Number("login.lockout.seconds", "IllegalLoginLock/maxIllegalLoginLockTime", lock.Seconds(lockMax(caps)))

	web := read(r, "WebCertificate", c.WebCertificate)
	r.List("http.auth", "WebCertificate/CertificateType", lower(web.Types))
	r.List("http.auth.algorithms", "WebCertificate/SecurityAlgorithm/algorithmType", web.Algorithms)

	r.rtsp(c)

	anonymous := read(r, "AnonymousLogin", c.AnonymousLogin)
	r.State("login.anonymous", "enabled", anonymous.Enabled)
	advanced := read(r, "Advanced", c.Advanced)
	r.State("login.idle-logout", "noOperationEnabled", advanced.IdleLogout)
	r.logins(c)

	integrate := read(r, "Integrate", c.Integrate)
	r.State("integration.cgi", "Integrate/CGI/enable", integrate.CGI)
	r.State("integration.onvif", "Integrate/ONVIF/enable", integrate.ONVIF)
	r.List("onvif.auth", "Integrate/ONVIF/certificateType", integrate.ONVIFAuth)

	snmp := read(r, "SNMP", c.SNMP)
	r.State("service.snmp.v1", "SNMP/SNMPv1c/enabled", v1or2(snmp))
	r.State("service.snmp.v3", "SNMP/SNMPAdvanced/enabled", snmp.V3)

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
		r.State(s.id, s.path, read(r, s.op, s.read).Enabled)
	}

	r.upnp(c)
	r.network(c)

	discovery := read(r, "DiscoveryMode", c.DiscoveryMode)
	r.State("service.sadp", "DiscoveryMode/SADP", discovery.SADP)

	r.mail(read(r, "Mailing", c.Mailing))
	r.push(read(r, "HTTPHosts", c.HTTPHosts))
	r.alarm(read(r, "EventTriggers", c.EventTriggers))
	r.clock(c)
	r.log(c)
	r.storage(read(r, "Storage", c.Storage))
	upgrade := read(r, "OnlineUpgrade", c.OnlineUpgrade)
	r.State("firmware.auto-download", "OnlineUpgradeParameter/autoDownloadPackage", upgrade.Download)
	r.State("firmware.auto-upgrade", "OnlineUpgradeParameter/timingUpgrade", upgrade.Upgrade)
	public := read(r, "PublicDeviceInfo", c.PublicDeviceInfo)
	r.State("http.public-info", "DeviceInfo", public)
	c.watched.File(r.Settings, c.base.Scheme == "http", c.now())

	return r.All()
}

// A settingsReader reads documents of ISAPI.
type settingsReader struct{ *wire.Settings }

// read reads one document, unless an earlier error forbids it.
func read[T any](r *settingsReader, op string, f func(context.Context) (T, error)) T {
	o := operation(op)
	return wire.ReadDocument(r.Settings, o.String(), o.Evidence, f)
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
		why := wire.NotTold()
		if !ok {
			why = wire.NotOffered("protocol is not in the device's list")
		}
		r.Add(s.id, path+"["+s.protocol+"]/enabled", wire.StateValue(p.Enabled), why)
	}
	https, _ := list.Protocol("HTTPS")
	r.State("http.redirect", path+"[HTTPS]/redirectToHttps", https.RedirectToHTTPS)
	var tls camsec.Value
	if v := https.MinTLS(); v != "" {
		tls = camsec.ValueOf(v)
	}
	r.Add("tls.min", path+"[HTTPS]/TLS1_1Enable", tls, wire.NotTold())
}

// lockMax is the longest lock that a device offers, 0 if it does not tell.
func lockMax(caps Capabilities) int {
	n, err := strconv.Atoi(strings.TrimSpace(caps.Attr("max", "maxIllegalLoginLockTime")))
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// logins files how many may be logged in, and the ways around a password.
func (r *settingsReader) logins(c *Client) {
	most := read(r, "LoginLinkNum", c.LoginLinkNum)
	r.Number("login.sessions.max", "LoginLinkNum/maxLinkNum", &most)
	questions := read(r, "SecurityQuestions", c.SecurityQuestions)
	r.State("login.recovery.questions", "SecurityQuestion/QuestionList/Question/mark", questions.Set)
	r.State("login.recovery.mail", "SecurityEmail/SecurityInformation/emailAddress", read(r, "RecoveryMail", c.RecoveryMail))
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
		r.Add("rtsp.auth", "StreamingChannelList/StreamingChannel/Transport/Security", camsec.Value{}, wire.NotTold())
		return
	}
	if len(types) > 0 {
		slices.Sort(types)
		slices.Reverse(types) // digest, basic
		r.List("rtsp.auth", "StreamingChannelList/StreamingChannel/Transport/Security/certificateType", types)
		return
	}
	mode := read(r, "RTSPCertificate", c.RTSPCertificate)
	r.List("rtsp.auth", "RTSPCertificate/certificateType", lower(mode.Types))
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
	r.State("streaming.multicast", "StreamingChannelList/StreamingChannel/Transport/Multicast/enabled", anyOf(told))
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
		r.Add("mail.tls", path, camsec.Value{}, wire.NotOffered("mail is not set up"))
		return
	}
	all := camsec.StateOn
	for _, m := range used {
		if m.Encrypted == camsec.StateOff || all == camsec.StateOn {
			all = m.Encrypted
		}
	}
	r.State("mail.tls", path, all)
}

func (r *settingsReader) push(hosts []HTTPHost) {
	const path = "HttpHostNotificationList/HttpHostNotification/"
	if len(hosts) == 0 {
		why := wire.NotOffered("no receiver of events is set up")
		r.Add("events.push.tls", path+"protocolType", camsec.Value{}, why)
		r.Add("events.push.auth", path+"httpAuthenticationMethod", camsec.Value{}, why)
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
	r.State("events.push.tls", path+"protocolType", opposite(anyOf(open)))
	r.State("events.push.auth", path+"httpAuthenticationMethod", opposite(anyOf(anonymous)))
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
		r.Add("login.alarm", path, v, wire.NotTold())
		return
	}
	r.Add("login.alarm", path, camsec.Value{}, wire.NotOffered("the device lists no such event"))
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
	r.Add("time.ntp", "Time/timeMode", ntp, wire.NotTold())
	r.Add("time.offset-seconds", "Time/localTime", offset, wire.NotTold())

	var server camsec.Value
	for _, s := range read(r, "NTPServers", c.NTPServers) {
		if s.Host != "" {
			server = camsec.ValueOf(s.Host)
			break
		}
	}
	r.Add("time.ntp.server", "NTPServerList/NTPServer/hostName", server, wire.NotOffered("no server is set"))
}

// storage is encrypted if every medium is. What the device does not tell of is
// not hidden by what it does.
func (r *settingsReader) storage(media []Medium) {
	const path = "storage/hddList/hdd/Encryption/encryptionStatus"
	if len(media) == 0 {
		r.Add("storage.encrypted", path, camsec.Value{}, wire.NotOffered("the device records to nothing"))
		return
	}
	var open []camsec.State
	for _, m := range media {
		open = append(open, opposite(m.Encrypted))
	}
	r.State("storage.encrypted", path, opposite(anyOf(open)))
}
