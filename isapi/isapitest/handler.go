package isapitest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
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
	answerNoUser      = answer{403, 4, "Invalid Operation", "userInexistence", 0x40001045}
	answerConfirm     = answer{403, 4, "Invalid Operation", "passError", 0x400010e7}
	answerBusy        = answer{503, 2, "Device Busy", "deviceBusy", 0x20000004}
	answerDeviceError = answer{500, 3, "Device Error", "deviceError", 0x30000001}
)

func (d *Device) notSupported() answer {
	return answer{d.profile.NotSupported, 4, "Invalid Operation", "notSupport", 0x40000001}
}

// status writes a ResponseStatus. Old devices leave the numeric code out.
func (d *Device) status(a answer, r *http.Request) string {
	fields := []string{
		el("requestURL", r.URL.Path), el("statusCode", a.code), el("statusString", a.text),
		el("subStatusCode", a.sub),
	}
	if d.profile.Version != "1.0" && a.code != 1 {
		fields = append(fields, el("errorCode", a.number), el("errorMsg", a.sub))
	}
	return d.profile.doc("ResponseStatus", fields...)
}

func send(w http.ResponseWriter, status int, body string) {
	kind := `application/xml; charset="UTF-8"`
	if strings.HasPrefix(body, "{") {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// ServeHTTP answers requests whose login has passed. Clients reach it through
// the device's Host.
func (d *Device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent []byte
	if r.Method == http.MethodPut {
		var err error
		sent, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		if err != nil || len(sent) > maxBody {
			sent = nil // and so not a document
		}
	}
	status, body := d.handle(r, sent)
	send(w, status, body)
}

func (d *Device) handle(r *http.Request, sent []byte) (status int, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	say := func(a answer) (int, string) { return a.http, d.status(a, r) }
	key := r.Method + " " + r.URL.Path
	if f, ok := d.fails[key]; ok {
		if f.body == "" {
			f.body = d.status(fitting(f.status), r)
		}
		return f.status, f.body
	}
	if !d.activated && r.URL.Path != activatePath {
		return say(answerInactive)
	}
	for _, path := range []string{r.URL.RequestURI(), r.URL.Path} {
		if body, ok := d.find(r.Method, path); ok {
			return http.StatusOK, body
		}
	}
	switch r.Method {
	case http.MethodGet:
		return say(d.notSupported())
	case http.MethodPut:
		return say(d.put(r, string(sent)))
	}
	return say(answerMethod)
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
		return body, true
	}
	if method != http.MethodGet || d.replay {
		return "", false
	}
	switch {
	case path == activatePath:
		return d.profile.doc("ActivateStatus", el("Activated", d.activated)), true
	case path == usersPath:
		return d.userList(), true
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
	case path == onlinePath:
		now := d.host.Now().Format("2006-01-02 15:04:05")
		return d.profile.doc("OnlineUserList", in("OnlineUser", el("id", 65536), el("name", d.profile.User),
			el("type", "admin"), el("loginTime", now), in("clientAddress", el("ipAddress", authtest.DefaultClient)))), true
	case path == timePath:
		return d.profile.doc("Time", opt("timeMode", "NTP,manual", "NTP"),
			el("localTime", d.host.Now().UTC().Format("2006-01-02T15:04:05+00:00")), el("timeZone", "GMT+0:00:00")), true
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

// put carries out a write: a password of an account, or any document that can
// be read.
func (d *Device) put(r *http.Request, sent string) answer {
	caller := authtest.UserOf(r.Context())
	path := r.URL.Path
	isUser := path == usersPath || strings.HasPrefix(path, usersPath+"/")
	if _, ok := d.find(http.MethodGet, path); !ok {
		if isUser && !d.replay {
			return answerNoUser
		}
		return d.notSupported()
	}
	root := parse(sent)
	if root == nil {
		return answerFormat
	}
	var done answer
	switch {
	case isUser:
		done = d.putUser(caller, path, root)
	case d.level(caller) != "Administrator":
		return answerDenied
	default:
		done = d.putDocument(path, root)
	}
	if done == answerOK {
		d.writes = append(d.writes, Write{Method: r.Method, Path: path, User: caller})
	}
	return done
}

func (d *Device) level(name string) string {
	for _, u := range d.users {
		if u.Name == name {
			return u.Level
		}
	}
	return ""
}

func (d *Device) putDocument(path string, put *etree.Element) answer {
	key := "GET " + path
	have := parse(d.docs[key])
	if have == nil {
		return answerMethod // written by the device itself
	}
	if have.Tag != put.Tag {
		return answerContent
	}
	for _, e := range put.FindElements(".//enabled") {
		if t := strings.TrimSpace(e.Text()); t != "true" && t != "false" {
			return answerContent
		}
	}
	d.edit(key, func(root *etree.Element) { merge(root, put) })
	d.settle(path)
	return answerOK
}

func (d *Device) putUser(caller, path string, put *etree.Element) answer {
	if put.Tag != "User" {
		return answerContent
	}
	id := number(put, "id")
	if path != usersPath && path != usersPath+"/"+itoa(id) {
		return answerContent
	}
	at := slices.IndexFunc(d.users, func(u User) bool { return u.ID == id })
	if at < 0 {
		return answerNoUser
	}
	u := d.users[at]
	if caller != u.Name && d.level(caller) != "Administrator" {
		return answerDenied
	}
	if name := word(put, "userName"); name != "" && name != u.Name {
		if u.ID == 1 {
			return answerContent
		}
		u.Name = name
	}
	if given := put.SelectElement("loginPassword"); given != nil && !d.host.PasswordIs(caller, given.Text()) {
		return answerConfirm
	}
	if level := word(put, "userLevel"); level != "" && level != u.Level {
		if u.ID == 1 || d.level(caller) != "Administrator" {
			return answerDenied
		}
		u.Level = level
	}
	if password := put.SelectElement("password"); password != nil {
		if no := d.policy(u.Name, password.Text()); no != answerOK {
			if d.profile.WeakStatus != 0 {
				no.http = d.profile.WeakStatus
			}
			return no
		}
		u.Password = password.Text()
		if u.ID == 1 {
			d.profile.DefaultPassword, d.profile.RiskPassword = false, false
		}
	}
	d.setUser(u)
	return answerOK
}

// policy is the vendor's rule for passwords: 8 to 16 characters, two of the four
// kinds, neither the account's name nor its mirror image.
func (d *Device) policy(name, password string) answer {
	if d.profile.AnyPassword {
		return answerOK
	}
	mirror := []rune(name)
	slices.Reverse(mirror)
	kinds := map[string]bool{}
	for _, c := range password {
		switch {
		case c >= 'a' && c <= 'z':
			kinds["lower"] = true
		case c >= 'A' && c <= 'Z':
			kinds["upper"] = true
		case c >= '0' && c <= '9':
			kinds["digit"] = true
		default:
			kinds["other"] = true
		}
	}
	switch {
	case password == name:
		return answerSame
	case password == string(mirror):
		return answerMirror
	case len(password) < 8:
		return answerShort
	case len(password) > 16 || len(kinds) < 2:
		return answerRisk
	}
	return answerOK
}

// String names the device by its model, never its secrets.
func (d *Device) String() string {
	return fmt.Sprintf("%s %s", d.profile.Model, d.profile.Firmware)
}
