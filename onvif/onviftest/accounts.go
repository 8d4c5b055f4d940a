package onviftest

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/beevik/etree"
)

func (d *Device) getUsers(*request) (string, error) {
	var list []string
	for _, u := range d.users {
		content := []string{el("tt:Username", u.Name), el("tt:UserLevel", u.Level)}
		if u.Roles != "" || u.Vendor != "" {
			content = append(content, in("tt:Extension", el("tt:Roles", u.Roles), u.Vendor))
		}
		list = append(list, in("tds:User", content...))
	}
	return in("tds:GetUsersResponse", list...), nil
}

// readUser reads a tt:User, which must be in the schema's order.
func readUser(e *etree.Element) (u User, hasPassword bool, err error) {
	order := []string{"Username", "Password", "UserLevel", "Extension"}
	at := 0
	for _, c := range e.ChildElements() {
		i := slices.Index(order, c.Tag)
		if i < at || c.NamespaceURI() != nsSchema {
			return u, false, sender("Tag mismatch", "ter:TagMismatch")
		}
		at = i + 1
	}
	u = User{Name: text(e, "Username"), Level: text(e, "UserLevel"), Roles: text(e, "Extension/Roles")}
	if p := e.SelectElement("Password"); p != nil {
		u.Password, hasPassword = p.Text(), true
	}
	if x := e.SelectElement("Extension"); x != nil {
		for _, c := range x.ChildElements() {
			if c.Tag == "Roles" {
				continue
			}
			doc := etree.NewDocument()
			own := c.Copy()
			own.Attr = slices.DeleteFunc(own.Attr, func(a etree.Attr) bool { return a.Space == "xmlns" })
			own.Space = "v"
			own.CreateAttr("xmlns:v", c.NamespaceURI())
			doc.SetRoot(own)
			u.Vendor, _ = doc.WriteToString()
		}
	}
	if u.Level == "Anonymous" {
		return u, hasPassword, sender("Not for users", "ter:OperationProhibited", "ter:AnonymousNotAllowed")
	}
	if !slices.Contains([]string{"Administrator", "Operator", "User", "Extended"}, u.Level) {
		return u, hasPassword, sender("No such level", "ter:InvalidArgVal")
	}
	return u, hasPassword, nil
}

// judge holds a new password against the device's rules.
func (d *Device) judge(u User) error {
	weak := d.p.WeakWord
	var upper, digit, special int
	for _, r := range u.Password {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsDigit(r):
			digit++
		case !unicode.IsLetter(r):
			special++
		}
	}
	switch {
	case d.p.MaxPassword > 0 && len(u.Password) > d.p.MaxPassword:
		return sender("Password too long", "ter:OperationProhibited", "ter:PasswordTooLong")
	case len(u.Password) >= d.rules.min && upper >= d.rules.upper && digit >= d.rules.number && special >= d.rules.special &&
		(!d.rules.block || !strings.Contains(strings.ToLower(u.Password), strings.ToLower(u.Name))):
		return nil
	case weak == "": // as Bosch does: no word about it
		return &faultError{500, "Receiver", "Action failed", []string{"ter:Action"}}
	}
	return sender("Too weak password.", "ter:OperationProhibited", weak)
}

func (d *Device) createUsers(q *request) (string, error) {
	var made []User
	for _, e := range q.el.SelectElements("User") {
		u, _, err := readUser(e)
		switch {
		case err != nil:
			return "", err
		case d.userAt(u.Name) >= 0:
			return "", sender("User exists", "ter:OperationProhibited", "ter:UsernameClash")
		case d.p.MaxUserName > 0 && len(u.Name) > d.p.MaxUserName:
			return "", sender("Name too long", "ter:OperationProhibited", "ter:UsernameTooLong")
		case d.p.MaxUsers > 0 && len(d.users)+len(made) >= d.p.MaxUsers:
			return "", &faultError{500, "Receiver", "Too many users", []string{"ter:Action", "ter:TooManyUsers"}}
		}
		if err := d.judge(u); err != nil {
			return "", err
		}
		made = append(made, u)
	}
	for _, u := range made {
		d.setUser(u)
	}
	return done(q)
}

func (d *Device) changeUser(q *request) (string, error) {
	var changed []User
	for _, e := range q.el.SelectElements("User") {
		u, hasPassword, err := readUser(e)
		if err != nil {
			return "", err
		}
		at := d.userAt(u.Name)
		switch {
		case at < 0 && !d.p.Faults.SetUserCreates:
			return "", sender("No such user", "ter:InvalidArgVal", "ter:UsernameMissing")
		case !hasPassword: // "the device considers clearing the password"
			u.Password = ""
		default:
			if err := d.judge(u); err != nil {
				return "", err
			}
		}
		if u.Name == d.p.User && u.Level != "Administrator" {
			return "", sender("Fixed user", "ter:InvalidArgVal", "ter:FixedUser")
		}
		if d.p.Faults.ForgetsLevel && u.Name != d.p.User {
			u.Level = "User"
		}
		changed = append(changed, u)
	}
	for _, u := range changed {
		d.setUser(u)
	}
	return done(q)
}

func (d *Device) deleteUsers(q *request) (string, error) {
	var gone []string
	for _, e := range q.el.SelectElements("Username") {
		name := e.Text()
		switch {
		case name == d.p.User:
			return "", sender("Fixed user", "ter:InvalidArgVal", "ter:FixedUser")
		case d.userAt(name) < 0:
			return "", sender("No such user", "ter:InvalidArgVal", "ter:UsernameMissing")
		}
		gone = append(gone, name)
	}
	for _, name := range gone {
		d.host.RemoveUser(name)
		d.users = slices.Delete(d.users, d.userAt(name), d.userAt(name)+1)
	}
	return done(q)
}

func (d *Device) getRoles(*request) (string, error) {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(d.roles)) {
		list = append(list, in("tds:UserRole", el("tt:Name", name), el("tt:Functions", d.roles[name])))
	}
	return in("tds:GetUserRolesResponse", list...), nil
}

func (d *Device) setRole(q *request) (string, error) {
	name := text(q.el, "UserRole/Name")
	if strings.HasPrefix(name, "onvif:") {
		return "", sender("Fixed role", "ter:InvalidArgVal", "ter:OnvifPrefix")
	}
	d.roles[name] = text(q.el, "UserRole/Functions")
	return done(q)
}

func (d *Device) deleteRole(q *request) (string, error) {
	name := text(q.el, "UserRole")
	if _, ok := d.roles[name]; !ok {
		return "", sender("No such role", "ter:InvalidArgVal", "ter:InvalidUserRole")
	}
	delete(d.roles, name)
	return done(q)
}

func (d *Device) getRemoteUser(*request) (string, error) {
	if d.remoteUsr[0] == "" {
		return "<tds:GetRemoteUserResponse/>", nil
	}
	return in("tds:GetRemoteUserResponse", in("tds:RemoteUser", el("tt:Username", d.remoteUsr[0]), el("tt:UseDerivedPassword", d.remoteUsr[2]))), nil
}

func (d *Device) setRemoteUser(q *request) (string, error) {
	d.remoteUsr = [3]string{}
	if e := q.el.SelectElement("RemoteUser"); e != nil {
		d.remoteUsr = [3]string{text(e, "Username"), text(e, "Password"), text(e, "UseDerivedPassword")}
	}
	return done(q)
}

func (d *Device) getRules(*request) (string, error) {
	return in("tds:GetPasswordComplexityConfigurationResponse", el("tds:MinLen", d.rules.min), el("tds:Uppercase", d.rules.upper), el("tds:Number", d.rules.number),
		el("tds:SpecialChars", d.rules.special), el("tds:BlockUsernameOccurrence", d.rules.block), el("tds:PolicyConfigurationLocked", d.rules.locked)), nil
}

func (d *Device) setRules(q *request) (string, error) {
	if d.rules.locked {
		return "", sender("Locked until a hard reset", "ter:OperationProhibited", "ter:PolicyConfigurationLocked")
	}
	for _, e := range q.el.ChildElements() {
		switch e.Tag {
		case "MinLen":
			d.rules.min = number(q, e.Tag)
		case "Uppercase":
			d.rules.upper = number(q, e.Tag)
		case "Number":
			d.rules.number = number(q, e.Tag)
		case "SpecialChars":
			d.rules.special = number(q, e.Tag)
		case "BlockUsernameOccurrence":
			d.rules.block = truth(q, e.Tag) == 1
		case "PolicyConfigurationLocked":
			d.rules.locked = truth(q, e.Tag) == 1
		}
	}
	return done(q)
}
