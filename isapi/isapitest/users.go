package isapitest

import (
	"slices"
	"strconv"

	"github.com/beevik/etree"
)

// planUser changes an account: its password, and by an administrator its name
// and level.
func (d *Device) planUser(caller, path string, put *etree.Element) (func(), answer) {
	if put.Tag != "User" {
		return nil, answerContent
	}
	id := number(put, "id")
	if path != usersPath && path != usersPath+"/"+itoa(id) {
		return nil, answerContent
	}
	at := slices.IndexFunc(d.users, func(u User) bool { return u.ID == id })
	if at < 0 {
		return nil, answerNoUser
	}
	u := d.users[at]
	if caller != u.Name && d.level(caller) != "Administrator" {
		return nil, answerDenied
	}
	if name := word(put, "userName"); name != "" && name != u.Name {
		if u.ID == 1 {
			return nil, answerContent
		}
		u.Name = name
	}
	if no := d.confirmed(caller, put); no != answerOK {
		return nil, no
	}
	if level := word(put, "userLevel"); level != "" && level != u.Level {
		if u.ID == 1 || d.level(caller) != "Administrator" {
			return nil, answerDenied
		}
		u.Level = level
	}
	if password := put.SelectElement("password"); password != nil {
		if no := d.acceptable(u.Name, password.Text()); no != answerOK {
			return nil, no
		}
		u.Password = d.stored(password.Text())
	}
	return func() {
		if d.users[at].Password != u.Password {
			d.remember(u.Name, d.users[at].Password)
			if u.ID == 1 {
				d.profile.DefaultPassword, d.profile.RiskPassword = false, false
			}
		}
		d.setUser(u)
	}, answerOK
}

// confirmed checks the requester's own password, where it is sent.
func (d *Device) confirmed(caller string, put *etree.Element) answer {
	given := put.SelectElement("loginPassword")
	if given == nil && d.profile.LoginPassword || given != nil && !d.host.PasswordIs(caller, given.Text()) {
		return answerConfirm
	}
	return answerOK
}

func (d *Device) planCreate(caller string, put *etree.Element) (func(), answer) {
	switch {
	case put == nil:
		return nil, answerFormat
	case d.level(caller) != "Administrator":
		return nil, answerDenied
	case put.Tag != "User" || word(put, "userName") == "" || put.SelectElement("password") == nil:
		return nil, answerContent
	case slices.ContainsFunc(d.users, func(u User) bool { return u.Name == word(put, "userName") }):
		return nil, answerExists
	case word(put, "userLevel") != "Operator" && word(put, "userLevel") != "Viewer":
		return nil, answerContent
	}
	if no := d.confirmed(caller, put); no != answerOK {
		return nil, no
	}
	u := User{ID: 2, Name: word(put, "userName"), Level: word(put, "userLevel")}
	for slices.ContainsFunc(d.users, func(o User) bool { return o.ID == u.ID }) {
		u.ID++
	}
	password := put.SelectElement("password").Text()
	if no := d.acceptable(u.Name, password); no != answerOK {
		return nil, no
	}
	u.Password = d.stored(password)
	return func() { d.setUser(u) }, answerOK
}

func (d *Device) planDelete(caller, number string) (func(), answer) {
	id, err := strconv.Atoi(number)
	at := slices.IndexFunc(d.users, func(u User) bool { return u.ID == id })
	switch {
	case d.level(caller) != "Administrator":
		return nil, answerDenied
	case err != nil || at < 0:
		return nil, answerNoUser
	case id == 1:
		return nil, answerAdmin
	}
	u := d.users[at]
	return func() {
		d.users = slices.DeleteFunc(d.users, func(o User) bool { return o.ID == u.ID })
		d.host.RemoveUser(u.Name)
	}, answerOK
}

// planONVIF makes or changes an account of ONVIF's own store.
func (d *Device) planONVIF(admin bool, id string, put *etree.Element) (func(), answer) {
	if _, ok := d.find("GET", onvifPath); !ok {
		return nil, d.notSupported()
	}
	switch {
	case put == nil:
		return nil, answerFormat
	case !admin:
		return nil, answerDenied
	case put.Tag != "User" || word(put, "id") != id || word(put, "userName") == "" || put.SelectElement("password") == nil:
		return nil, answerContent
	case !slices.Contains([]string{"administrator", "operator", "mediaUser"}, word(put, "userType")):
		return nil, answerContent
	}
	if no := d.acceptable(word(put, "userName"), put.SelectElement("password").Text()); no != answerOK {
		return nil, no
	}
	return func() {
		d.keepSecrets(onvifPath+"/"+id, "", put)
		d.edit("GET "+onvifPath, func(root *etree.Element) {
			if have := memberOf(root, id); have != nil {
				merge(have, put)
				return
			}
			root.AddChild(clean(put))
		})
	}, answerOK
}

// acceptable is the device's whole say on a new password.
func (d *Device) acceptable(name, password string) answer {
	no := d.policy(name, password)
	if no == answerOK && slices.Contains(d.history[name], password) {
		no = answerHistory
	}
	if no != answerOK && d.profile.WeakStatus != 0 {
		no.http = d.profile.WeakStatus
	}
	return no
}

// stored is what a device keeps of a password; some cut it without a word.
func (d *Device) stored(password string) string {
	if n := d.profile.TruncateAt; n > 0 && len(password) > n {
		return password[:n]
	}
	return password
}

func (d *Device) remember(name, password string) {
	if d.profile.History > 0 {
		h := append(d.history[name], password)
		d.history[name] = h[max(0, len(h)-d.profile.History):]
	}
}

func (d *Device) level(name string) string {
	for _, u := range d.users {
		if u.Name == name {
			return u.Level
		}
	}
	return ""
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
	case len(password) > 16 && d.profile.TruncateAt == 0 || len(kinds) < 2:
		return answerRisk
	}
	return answerOK
}
