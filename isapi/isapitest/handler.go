package isapitest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/camsec/camsec/auth/authtest"
)

// maxBody bounds what the device reads of a write.
const maxBody = 1 << 20

// Answers that devices give, with the codes of the vendor's table.
type answer struct {
	http, code int
	text, sub  string
	number     uint32
}

var (
	answerOK          = answer{200, 1, "OK", "ok", 1}
	answerDenied      = answer{403, 4, "Invalid Operation", "lowPrivilege", 0x40000002}
	answerMethod      = answer{400, 4, "Invalid Operation", "methodNotAllowed", 0x40000004}
	answerInactive    = answer{403, 4, "Invalid Operation", "notActivated", 0x40000007}
	answerFormat      = answer{400, 5, "Invalid XML Format", "badXmlFormat", 0x50000001}
	answerContent     = answer{400, 6, "Invalid XML Content", "badXmlContent", 0x60000003}
	answerRisk        = answer{400, 6, "Invalid XML Content", "riskPassword", 0x60000015}
	answerShort       = answer{400, 6, "Invalid XML Content", "userPwdLenUnder8", 0x60000023}
	answerSame        = answer{400, 6, "Invalid XML Content", "userPwdNameSame", 0x60000025}
	answerMirror      = answer{400, 6, "Invalid XML Content", "userPwdNameMirror", 0x60000026}
	answerPort        = answer{400, 6, "Invalid XML Content", "portError", 0x6000000c}
	answerNoUser      = answer{403, 4, "Invalid Operation", "userInexistence", 0x40001045}
	answerConfirm     = answer{403, 4, "Invalid Operation", "passError", 0x400010e7}
	answerReboot      = answer{200, 7, "Reboot Required", "rebootRequired", 0x70000001}
	answerHistory     = answer{400, 6, "Invalid XML Content", "cannotSameAsOldPassword", 0x400010e8}
	answerExists      = answer{403, 4, "Invalid Operation", "userExist", 0x40001043}
	answerAdmin       = answer{403, 4, "Invalid Operation", "userCannotDelAdmin", 0x40001044}
	answerBusy        = answer{503, 2, "Device Busy", "deviceBusy", 0x20000004}
	answerDeviceError = answer{500, 3, "Device Error", "deviceError", 0x30000001}
)

func (d *Device) notSupported() answer {
	return answer{d.profile.NotSupported, 4, "Invalid Operation", "notSupport", 0x40000001}
}

// status writes a ResponseStatus. Old devices leave the numeric code out.
func (d *Device) status(a answer, r *http.Request) string {
	url := r.URL.Path
	if d.profile.NoRequestURL {
		url = ""
	}
	fields := []string{
		el("requestURL", url), el("statusCode", a.code), el("statusString", a.text),
		el("subStatusCode", a.sub),
	}
	if d.profile.Version != "1.0" && a.code != 1 && a.code != 7 {
		fields = append(fields, el("errorCode", a.number), el("errorMsg", a.sub))
	}
	p := d.profile
	if p.StatusNamespace != "" {
		p.Namespace = p.StatusNamespace
	}
	return p.doc("ResponseStatus", fields...)
}

func (d *Device) send(w http.ResponseWriter, status int, body string) {
	const xml = `application/xml; charset="UTF-8"`
	kind := xml
	if strings.HasPrefix(body, string(configMark)) {
		kind = "application/octet-stream"
	}
	if strings.HasPrefix(body, "{") {
		kind = "application/json"
		if d.profile.MislabelJSON {
			kind = xml
		}
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// ServeHTTP answers requests whose login has passed. Clients reach it through
// the device's Host.
func (d *Device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == firmwarePath && (r.Method == http.MethodPut || r.Method == http.MethodPost) && d.takesFirmware() {
		d.serveFirmware(w, r)
		return
	}
	if d.serveAlerts(w, r) {
		return
	}
	var sent []byte
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		var err error
		sent, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(sent) > maxBody {
			sent = nil // and so not a document
		}
	}
	if d.serveSession(w, r, string(sent)) {
		return
	}
	status, body := d.handle(d.withUser(r), sent)
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	d.send(w, status, body)
}

// withUser names the account of a session, which the login side does not see.
func (d *Device) withUser(r *http.Request) *http.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.sessionOf(r); s != nil && authtest.UserOf(r.Context()) == "" {
		return r.WithContext(authtest.AsUser(r.Context(), s.user))
	}
	return r
}

// handle answers a request; status zero is an answer that is lost.
func (d *Device) handle(r *http.Request, sent []byte) (status int, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.withFields(r, string(sent), d.answer)
}

// answer answers a request whose fields are in the clear.
func (d *Device) answer(r *http.Request, sent string) (status int, body string) {
	say := func(a answer) (int, string) { return a.http, d.status(a, r) }
	key := r.Method + " " + r.URL.Path
	if f, ok := d.fails[key]; ok {
		if f.body == "" && !f.exact {
			f.body = d.status(fitting(f.status), r)
		}
		return f.status, f.body
	}
	if isActivation(r.URL.Path) && !d.replay {
		return d.activation(r, sent)
	}
	if !d.activated && r.URL.Path != activatePath {
		return say(answerInactive)
	}
	if r.Method == http.MethodPost && (r.URL.Path == logSearchPath || r.URL.Path == securitySearchPath) {
		return d.searchLog(r, sent)
	}
	for _, path := range []string{r.URL.RequestURI(), r.URL.Path} {
		if body, ok := d.find(r.Method, path); ok {
			return http.StatusOK, body
		}
	}
	if r.Method == http.MethodGet {
		if r.URL.Path == configPath && !d.replay {
			file, a := d.exportConfiguration(r.URL.Query().Get("secretkey"))
			if a != answerOK {
				return say(a)
			}
			return http.StatusOK, file
		}
		if d.profile.BusyTriggers && strings.HasPrefix(r.URL.Path, triggersPath+"/") {
			// Which the vendor's table has no such element for.
			return answerBusy.http, strings.ReplaceAll(d.status(answerBusy, r), "subStatusCode>", "subStatusString>")
		}
		return say(d.notSupported())
	}
	a, lost := d.write(r, sent)
	if lost {
		return 0, ""
	}
	return say(a)
}

func fitting(status int) answer {
	a := answerDeviceError
	switch status {
	case http.StatusForbidden:
		a = answerDenied
	case http.StatusNotFound:
		a = answer{404, 4, "Invalid Operation", "notSupport", 0x40000001}
	case http.StatusServiceUnavailable:
		a = answerBusy
	case http.StatusBadRequest:
		a = answerContent
	}
	a.http = status
	return a
}

// find returns what a read of the path answers.
func (d *Device) find(method, path string) (string, bool) {
	key := method + " " + path
	if _, gone := d.docs["-"+key]; gone {
		return "", false
	}
	if body, ok := d.docs[key]; ok {
		if path == timePath && !d.clock.IsZero() {
			body = d.running(body)
		}
		return body, true
	}
	if method != http.MethodGet || d.replay {
		return "", false
	}
	switch {
	case path == activatePath:
		status := []string{el("Activated", d.activated)}
		if v := d.profile.ActivateVersion; v > 0 {
			status = append(status, el("supportVersion", v))
		}
		return d.profile.doc("ActivateStatus", status...), true
	case path == usersPath:
		return d.userList(), true
	case path == upgradePath && d.profile.NotSupported != http.StatusNotFound:
		return d.upgradeStatus(), true
	case d.isMember(path):
		return d.member(path), true
	case strings.HasPrefix(path, usersPath+"/"):
		for _, u := range d.users {
			if path == usersPath+"/"+itoa(u.ID) {
				return d.profile.doc("User", userFields(u)...), true
			}
		}
	case path == checkPath:
		return d.profile.doc("userCheck", el("statusValue", 200), el("statusString", "OK"),
			el("isDefaultPassword", d.profile.DefaultPassword), el("isRiskPassword", d.profile.RiskPassword),
			el("isActivated", d.activated)), true
	case path == portStatusPath:
		return d.portStatus()
	case path == certificatesPath && d.profile.NotSupported != http.StatusNotFound:
		return d.certificateList()
	case path == onlinePath:
		now := d.host.Now().Format("2006-01-02 15:04:05")
		return d.profile.doc("OnlineUserList", in("OnlineUser", el("id", 65536), el("name", d.profile.User),
			el("type", "admin"), el("loginTime", now), in("clientAddress", el("ipAddress", authtest.DefaultClient)))), true
	case path == timePath:
		mode := el("timeMode", d.timeMode)
		if choices := d.profile.TimeModes; choices != "" {
			mode = opt("timeMode", choices, d.timeMode)
		}
		return d.profile.doc("Time", mode,
			el("localTime", d.host.Now().Add(d.skew).UTC().Format("2006-01-02T15:04:05+00:00")), el("timeZone", "GMT+0:00:00")), true
	}
	return "", false
}

func userFields(u User) []string {
	return []string{el("id", u.ID), el("userName", u.Name), el("userLevel", u.Level)}
}

func (d *Device) userList() string {
	var all []string
	for _, u := range d.users {
		all = append(all, d.profile.member("User", userFields(u)...))
	}
	return d.profile.doc("UserList", all...)
}

// String names the device by its model, never its secrets.
func (d *Device) String() string {
	return fmt.Sprintf("%s %s", d.profile.Model, d.profile.Firmware)
}
