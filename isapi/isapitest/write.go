package isapitest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/camsec/camsec/auth/authtest"
)

// An Effect is how a device carries out a write, other than well.
type Effect uint8

// Effects.
const (
	Ignored     Effect = iota + 1 // answers OK and changes nothing
	LostBefore                    // nothing changes and the answer is lost
	LostAfter                     // it changes and the answer is lost
	LostLate                      // the answer is lost, and it changes after Delay
	LostRestart                   // it changes, and the device restarts without an answer
	Rebooting                     // it changes, the answer says "reboot required"
	AtReboot                      // the same, and it shows only after a restart
)

// A Behaviour is what a device does with a write.
type Behaviour struct {
	Effect Effect
	// Delay of LostLate.
	Delay time.Duration
	// CutAt breaks the connection once that many bytes of a firmware image
	// have come; nothing changes then.
	CutAt int64
	// Nth plays on the n-th such write only, counted from 1; zero plays on
	// every one.
	Nth int
}

type behaviour struct {
	Behaviour
	seen int
}

// Misbehave scripts what becomes of a write such as "PUT
// /ISAPI/System/Network/ssh", once its login and its content are good. Writes
// that would be refused are refused. The zero Behaviour ends the script.
func (d *Device) Misbehave(methodAndPath string, b Behaviour) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b == (Behaviour{}) {
		delete(d.behaviours, methodAndPath)
		return
	}
	d.behaviours[methodAndPath] = &behaviour{Behaviour: b}
}

func (d *Device) behaviour(key string) Behaviour {
	b := d.behaviours[key]
	if b == nil {
		return Behaviour{}
	}
	if b.seen++; b.Nth != 0 && b.Nth != b.seen {
		return Behaviour{}
	}
	return b.Behaviour
}

// Restart takes the device off the network for its RestartTime: connections
// break, nonces are forgotten, and writes that wait for a restart take hold.
func (d *Device) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.restart()
}

func (d *Device) restart() {
	for _, change := range d.waiting {
		change()
	}
	d.waiting = nil
	d.restarts++
	d.host.ExpireNonces()
	d.hangUp("")
	if d.profile.RestartTime > 0 {
		d.host.SetDown(true)
		d.later(d.profile.RestartTime, func() { d.host.SetDown(false) })
	}
}

// Restarts counts the restarts so far.
func (d *Device) Restarts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.restarts
}

// later runs f, which holds no lock, unless the device is closed before.
func (d *Device) later(after time.Duration, f func()) {
	d.timers = append(d.timers, time.AfterFunc(after, f))
}

// State is all that the device holds, secrets included, by name: to compare
// what was with what is.
func (d *Device) State() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := map[string]string{}
	for key, body := range d.docs {
		s[key] = body
	}
	for key, secret := range d.secrets {
		s["secret "+key] = secret
	}
	if d.served != nil {
		s["certificate shown"] = sha256Hex(string(d.served.Certificate[0]))
	}
	if off := d.skew.Round(time.Minute); off != 0 { // writing back the time that was read is no change
		s["clock"] = off.String()
	}
	for _, u := range d.users {
		s["user "+u.Name] = strings.Join([]string{itoa(u.ID), u.Level, u.Password}, " ")
	}
	return s
}

// Secret returns a value that the device holds and does not show, by path and
// elements: "/ISAPI/System/Network/Ehome key".
func (d *Device) Secret(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.secrets[name]
}

// SetSecret stores such a value.
func (d *Device) SetSecret(name, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.secrets[name] = value
}

// write carries out a request that changes something: it checks, decides, and
// then does as it is told to misbehave. lost means that no answer is sent.
func (d *Device) write(r *http.Request, sent string) (a answer, lost bool) {
	change, no := d.plan(r, sent)
	if change == nil {
		return no, false
	}
	return d.carryOut(r, change)
}

// carryOut does what a write is about, or what it is told to do instead.
func (d *Device) carryOut(r *http.Request, change func()) (a answer, lost bool) {
	note := Write{Method: r.Method, Path: r.URL.Path, User: authtest.UserOf(r.Context())}
	do := func() {
		change()
		d.writes = append(d.writes, note)
	}
	b := d.behaviour(r.Method + " " + r.URL.Path)
	switch b.Effect {
	case Ignored:
		return answerOK, false
	case LostBefore:
		return answer{}, true
	case LostAfter:
		do()
		return answer{}, true
	case LostLate:
		d.later(b.Delay, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			do()
		})
		return answer{}, true
	case LostRestart:
		do()
		d.restart()
		return answer{}, true
	case Rebooting:
		do()
		return answerReboot, false
	case AtReboot:
		d.waiting = append(d.waiting, do)
		return answerReboot, false
	}
	do()
	if slices.Contains(d.profile.Reboots, r.URL.Path) {
		return answerReboot, false
	}
	return answerOK, false
}

// plan returns what a write would do, or why it is refused.
func (d *Device) plan(r *http.Request, sent string) (change func(), no answer) {
	caller, path := authtest.UserOf(r.Context()), r.URL.Path
	isUser := path == usersPath || strings.HasPrefix(path, usersPath+"/")
	admin := d.level(caller) == "Administrator"
	if d.replay {
		return nil, d.notSupported()
	}
	switch {
	case r.Method == http.MethodPost && path == usersPath:
		return d.planCreate(caller, parse(sent))
	case r.Method == http.MethodDelete && isUser:
		if no := d.confirmedQuery(caller, r); no != answerOK {
			return nil, no
		}
		return d.planDelete(caller, strings.TrimPrefix(path, usersPath+"/"))
	case r.Method == http.MethodPut && path == rebootPath:
		if !admin {
			return nil, answerDenied
		}
		return d.restart, answerOK
	case path == configPath && (r.Method == http.MethodPost) == d.profile.ImportByPost:
		if !admin {
			return nil, answerDenied
		}
		return d.planImport(r.URL.Query().Get("secretkey"), sent)
	case r.Method != http.MethodPut, path == configPath:
		return nil, answerMethod
	case isCertificate(r):
		if !admin {
			return nil, answerDenied
		}
		return d.planCertificate(path, sent)
	case strings.HasPrefix(path, onvifPath+"/"):
		return d.planONVIF(admin, strings.TrimPrefix(path, onvifPath+"/"), parse(sent))
	}
	if _, ok := d.find(http.MethodGet, path); !ok {
		if isUser {
			return nil, answerNoUser
		}
		return nil, d.notSupported()
	}
	if isUser {
		root := parse(sent)
		if root == nil {
			return nil, answerFormat
		}
		return d.planUser(caller, path, root)
	}
	if !admin {
		return nil, answerDenied
	}
	if strings.HasPrefix(strings.TrimSpace(d.docs["GET "+path]), "{") {
		if path == linksPath {
			var no answer
			if sent, no = d.confirmedJSON(caller, sent); no != answerOK {
				return nil, no
			}
		}
		return d.planJSON(path, sent)
	}
	root := parse(sent)
	if root == nil {
		return nil, answerFormat
	}
	return d.planDocument(path, root)
}

// planDocument brings a written document into the one the device has.
func (d *Device) planDocument(path string, put *etree.Element) (func(), answer) {
	whole, member := d.whole(path)
	have := parse(d.docs["GET "+whole])
	if have == nil {
		if path != timePath {
			return nil, answerMethod // written by the device itself
		}
		return d.planTime(put)
	}
	if member != "" {
		have = memberOf(have, member)
	}
	if have == nil || have.Tag != put.Tag {
		return nil, answerContent
	}
	for _, e := range put.FindElements(".//enabled") {
		if t := strings.TrimSpace(e.Text()); t != "true" && t != "false" {
			return nil, answerContent
		}
	}
	if path == network+"Ehome" && word(put, "portNo") == "0" {
		return nil, answerPort // also where it was 0 before
	}
	if no := d.wellFormed(path, have, put); no != answerOK {
		return nil, no
	}
	return func() {
		d.edit("GET "+whole, func(root *etree.Element) {
			if member != "" {
				root = memberOf(root, member)
			}
			d.keepSecrets(path, "", put)
			merge(root, put)
		})
		d.settle(path)
	}, answerOK
}

// minimal are the documents of which devices are known to take a part.
var minimal = []string{network + "EZVIZ", lockPath}

// wellFormed holds a written document against the device's own. One made for
// DS-2CD2543G2-IS says badXmlFormat to an Integrate document of another form
// than its own; others say badXmlContent to one with parts left out, or take
// what is left out as empty.
func (d *Device) wellFormed(path string, have, put *etree.Element) answer {
	if slices.Contains(minimal, path) {
		return answerOK
	}
	if path == network+"Integrate" && d.profile.WholeDocuments {
		if form(have) != form(put) {
			return answerFormat
		}
	}
	if d.profile.WholeDocuments {
		for _, c := range have.ChildElements() {
			if put.SelectElement(c.Tag) == nil {
				return answerContent
			}
		}
		if a, b := have.SelectAttrValue("xmlns", ""), put.SelectAttrValue("xmlns", ""); a != "" && a != b {
			return answerFormat // as OEM firmware does
		}
	}
	return answerOK
}

// form is the names of a document's elements, in order.
func form(e *etree.Element) string {
	s := e.Tag
	for _, c := range e.ChildElements() {
		s += "(" + form(c) + ")"
	}
	return s
}

// keepSecrets stores what the device takes and does not show. An empty element
// wipes the value; one that is left out keeps it.
func (d *Device) keepSecrets(path, at string, put *etree.Element) {
	for _, c := range put.ChildElements() {
		name := strings.TrimPrefix(at+"/"+c.Tag, "/")
		if secrets[c.Tag] {
			d.secrets[path+" "+name] = c.Text()
			continue
		}
		d.keepSecrets(path, name, c)
	}
}

// planTime takes mode and zone; the clock itself is the device's.
func (d *Device) planTime(put *etree.Element) (func(), answer) {
	if put.Tag != "Time" || word(put, "timeMode") == "" {
		return nil, answerContent
	}
	if !slices.Contains([]string{"NTP", "manual"}, word(put, "timeMode")) {
		return nil, answerContent
	}
	at, err := time.Parse(time.RFC3339, word(put, "localTime"))
	return func() {
		d.timeMode = word(put, "timeMode")
		switch {
		case d.timeMode == "NTP":
			d.skew = 0
		case err == nil:
			d.skew = at.Sub(d.host.Now())
		}
	}, answerOK
}

// planJSON takes a document of the same names.
func (d *Device) planJSON(path, sent string) (func(), answer) {
	var want, have map[string]map[string]any
	if unmarshal(sent, &want) != nil {
		return nil, answerFormat
	}
	if unmarshal(d.docs["GET "+path], &have) != nil {
		return nil, answerMethod
	}
	for root, fields := range want {
		for name := range fields {
			if _, ok := have[root][name]; !ok {
				return nil, answerContent
			}
		}
	}
	return func() { d.docs["GET "+path] = sent }, answerOK
}
