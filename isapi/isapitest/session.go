package isapitest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

const (
	sessionPath     = "/ISAPI/Security/sessionLogin"
	challengesPath  = "/ISAPI/Security/sessionLogin/capabilities"
	heartbeatPath   = "/ISAPI/Security/sessionHeartbeat"
	logoutPath      = "/ISAPI/Security/sessionLogout"
	maxSessions     = 16
	sessionRounds   = 100
	maxOpenSessions = 256 // challenges that nobody has answered yet
)

// session is a login by cookie: open once user is set.
type session struct {
	user, cookie, tag string
	challenge, salt   string
}

var answerSessions = answer{403, 4, "Invalid Operation", "sesssionUserReachesLimit", 0x400010ec}

// Sessions counts the sessions that are open.
func (d *Device) Sessions() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.sessions {
		if s.user != "" {
			n++
		}
	}
	return n
}

// ExpireSessions ends all sessions, as their time would.
func (d *Device) ExpireSessions() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sessions = map[string]*session{}
}

// sessionOf is the open session that a request belongs to, if any. A session
// that was given a tag needs it.
func (d *Device) sessionOf(r *http.Request) *session {
	for _, s := range d.sessions {
		if s.user == "" {
			continue
		}
		c, err := r.Cookie(s.cookie)
		if err == nil && d.sessions[c.Value] == s && r.Header.Get("SessionTag") == s.tag {
			return s
		}
	}
	return nil
}

// serveSession answers the login and what keeps or ends it. handled is false
// for everything else.
func (d *Device) serveSession(w http.ResponseWriter, r *http.Request, sent string) (handled bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path := r.URL.Path
	if d.profile.Sessions == "" || path != sessionPath && path != challengesPath && path != heartbeatPath && path != logoutPath {
		return false
	}
	say := func(a answer) { d.send(w, a.http, d.status(a, r)) }
	switch {
	case path == challengesPath && r.Method == http.MethodGet:
		d.sessionChallenge(w, r)
	case path == sessionPath && r.Method == http.MethodPost:
		d.sessionLogin(w, r, sent)
	case path == heartbeatPath && r.Method == http.MethodPut:
		say(answerOK)
	case path == logoutPath && r.Method == http.MethodPut:
		for id, s := range d.sessions {
			if s == d.sessionOf(r) {
				delete(d.sessions, id)
			}
		}
		say(answerOK)
	default:
		say(answerMethod)
	}
	return true
}

func (d *Device) sessionChallenge(w http.ResponseWriter, r *http.Request) {
	if len(d.sessions) >= maxOpenSessions {
		d.send(w, answerSessions.http, d.status(answerSessions, r))
		return
	}
	user := r.URL.Query().Get("username")
	id, challenge := randomHex(32), randomHex(16)
	salt := sha256Hex("salt of " + user + d.profile.Serial)
	if d.profile.TextSalt {
		salt = base32.StdEncoding.EncodeToString([]byte(salt[:40]))
	}
	d.sessions[id] = &session{challenge: challenge, salt: salt}
	fields := []string{el("sessionID", id), el("challenge", challenge), el("iterations", sessionRounds)}
	switch d.profile.Sessions {
	case "1":
		fields = append(fields, el("isSupportRTSPWithSession", true))
	case "2.1":
		fields = append(fields, el("isSupportRTSPWithSession", true), el("isIrreversible", true), el("sessionIDVersion", "2.1"),
			el("salt", salt), el("salt2", sha256Hex("second "+salt)))
	default:
		fields = append(fields, el("isIrreversible", true), el("salt", salt),
			opt("isSessionIDValidLongTerm", "true,false", false), opt("isSupportSessionTag", "true,false", d.profile.SessionTags),
			el("sessionIDVersion", "2"))
	}
	d.send(w, http.StatusOK, d.profile.doc("SessionLoginCap", fields...))
}

func (d *Device) sessionLogin(w http.ResponseWriter, r *http.Request, sent string) {
	root := parse(sent)
	if root == nil || root.Tag != "SessionLogin" {
		d.send(w, answerFormat.http, d.status(answerFormat, r))
		return
	}
	user, id := word(root, "userName"), word(root, "sessionID")
	s := d.sessions[id]
	right := s != nil && s.user == "" && d.sessionAnswer(s, user) == word(root, "password") && d.level(user) != ""
	if s != nil && s.user == "" {
		delete(d.sessions, id) // a challenge serves once
	}
	refusal, ok := d.host.Login(r, user, right)
	if !ok {
		d.illegal(refusal)
		kind, body := d.refusalBody(refusal)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write(body)
		return
	}
	open := 0
	for _, o := range d.sessions {
		if o.user != "" {
			open++
		}
	}
	if open >= maxSessions {
		d.send(w, answerSessions.http, d.status(answerSessions, r))
		return
	}
	d.openSession(w, root.SelectElement("isNeedSessionTag") != nil, s, user, id)
}

func (d *Device) openSession(w http.ResponseWriter, wantsTag bool, s *session, user, id string) {
	s.user, s.cookie = user, "WebSession"
	fields := []string{
		el("statusValue", 200), el("statusString", "OK"), el("isSupportLoginTiming", false),
		el("isRiskPassword", d.profile.RiskPassword), el("isActivated", d.activated),
	}
	if d.profile.Sessions == "1" {
		d.sessions[id] = s
		d.send(w, http.StatusOK, d.profile.doc("SessionLogin", append(fields, el("sessionID", id))...))
		return
	}
	s.cookie += "_" + sha256Hex(d.profile.Serial)[:10]
	value := randomHex(32)
	if wantsTag && d.profile.SessionTags {
		s.tag = randomHex(32)
		fields = append(fields, el("sessionTag", s.tag))
	}
	d.sessions[value] = s
	w.Header().Set("Set-Cookie", s.cookie+"="+value+"; path=/;HttpOnly")
	w.Header().Set("Cache-Control", `no-cache="set-cookie"`)
	d.send(w, http.StatusOK, d.profile.doc("SessionLogin", append(fields, el("sessionIDVersion", d.profile.Sessions))...))
}

// sessionAnswer is what the device expects: the maker's scheme, written here a
// second time so that a mistake in the client's is no mistake on both sides.
func (d *Device) sessionAnswer(s *session, user string) string {
	password := ""
	for _, u := range d.users {
		if u.Name == user {
			password = u.Password
		}
	}
	if d.profile.Sessions == "1" {
		text := sha256Hex(password) + s.challenge
		for i := 1; i < sessionRounds; i++ {
			text = sha256Hex(text)
		}
		return text
	}
	text := sha256Hex(user + s.salt + password)
	if d.profile.Sessions == "2.1" {
		text = sha256Hex(user + sha256Hex("second "+s.salt) + text)
	}
	text += s.challenge
	for i := 1; i < sessionRounds; i++ {
		text = sha256Hex(text)
	}
	return text
}

func sha256Hex(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// sessionPublic tells the requests for which a login by header is not asked.
func (d *Device) sessionPublic(r *http.Request) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.profile.Sessions == "" {
		return false
	}
	return strings.HasPrefix(r.URL.Path, sessionPath) || d.sessionOf(r) != nil
}
