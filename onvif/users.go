package onvif

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Levels of accounts (Core 5.9.4). Anonymous cannot be given to anybody.
const (
	LevelAdministrator = "Administrator"
	LevelOperator      = "Operator"
	LevelUser          = "User"
	LevelExtended      = "Extended" // the roles decide
)

// A User is one account as a device lists it. Passwords are never read, also
// where a device sends them.
type User struct {
	Name  string
	Level string   // verbatim
	Roles []string // of level Extended

	extension *wire.Node // as the device wrote it, to be sent back
}

// Role returns the level in the words all vendors share.
func (u User) Role() camsec.Role {
	switch strings.ToLower(u.Level) {
	case "administrator":
		return camsec.RoleAdmin
	case "operator":
		return camsec.RoleOperator
	case "user":
		return camsec.RoleViewer
	}
	return camsec.RoleUnknown
}

// Users reads the accounts that ONVIF manages. Only administrators may. An
// empty list is an answer that some devices give to everybody (seen on Pelco).
//
//onvif:op GetUsers
func (c *Client) Users(ctx context.Context) ([]User, error) {
	r, err := c.call(ctx, "Users", nil)
	if err != nil {
		return nil, err
	}
	users := []User{}
	for _, n := range r.Children {
		u := User{Name: n.Child("Username").String(), Level: n.Child("UserLevel").String(), extension: n.Child("Extension")}
		if n.Name != "User" || u.Name == "" {
			return nil, malformed(operation("Users"), "a list member is no user")
		}
		u.Roles = words(u.extension.Child("Roles").String())
		users = append(users, u)
	}
	return users, nil
}

// find returns the account of that name.
func find(users []User, name string) (User, bool) {
	i := slices.IndexFunc(users, func(u User) bool { return u.Name == name })
	if i < 0 {
		return User{}, false
	}
	return users[i], true
}

// A NewUser is an account to make, or to set anew.
type NewUser struct {
	User
	Password camsec.Secret
}

// write writes a tt:User. The password is always there: to leave it out asks
// a device to clear it.
func (u NewUser) write(m *message) {
	m.in("tds:User", func() {
		m.text("tt:Username", u.Name)
		secret := u.Password.Reveal()
		m.secret("tt:Password", secret)
		clear(secret)
		m.text("tt:UserLevel", u.Level)
		switch {
		case u.extension != nil:
			m.node(u.extension)
		case len(u.Roles) > 0:
			m.in("tt:Extension", func() { m.text("tt:Roles", strings.Join(u.Roles, " ")) })
		}
	})
}

func (u NewUser) check() error {
	switch {
	case u.Name == "":
		return errors.New("onvif: user without a name")
	case u.Level == "":
		return fmt.Errorf("onvif: user %s without a level", clean(u.Name))
	case u.Password.Empty():
		return fmt.Errorf("onvif: user %s: an empty password would open the account: %w", clean(u.Name), camsec.ErrWeakPassword)
	}
	return nil
}

// CreateUsers makes accounts, all or none, and reads the list back. The
// passwords are not checked beforehand; see [Client.CheckPassword]. Errors
// match [ErrUserExists], [ErrFull] and [camsec.ErrWeakPassword].
//
//onvif:op CreateUsers
func (c *Client) CreateUsers(ctx context.Context, users ...NewUser) (camsec.Change, error) {
	for _, u := range users {
		if err := u.check(); err != nil {
			return notApplied(err)
		}
	}
	if len(users) == 0 {
		return notApplied(errors.New("onvif: CreateUsers: no user given"))
	}
	return c.write(ctx, "CreateUsers", func(m *message) {
		for _, u := range users {
			u.write(m)
		}
	}, func(ctx context.Context) (bool, error) { return c.haveUsers(ctx, users) })
}

func (c *Client) haveUsers(ctx context.Context, want []NewUser) (bool, error) {
	have, err := c.Users(ctx)
	if err != nil {
		return false, err
	}
	for _, w := range want {
		if h, ok := find(have, w.Name); !ok || !strings.EqualFold(h.Level, w.Level) {
			return false, nil
		}
	}
	return true, nil
}

// SetUser sets password and level of one account that exists; read the
// account with [Client.Users] first, since the level is overwritten too. Some
// devices make the account if there is none: so it is looked for before, and
// one that is missing matches [camsec.ErrNotFound].
//
// A fresh login with the new password is the proof. After the password of the
// account in use was changed, the next call asks the source anew: it must know
// the new one by then.
//
//onvif:op SetUser
func (c *Client) SetUser(ctx context.Context, u NewUser) (camsec.Change, error) {
	if err := u.check(); err != nil {
		return notApplied(err)
	}
	have, err := c.Users(ctx)
	if err != nil {
		return notApplied(err)
	}
	if _, ok := find(have, u.Name); !ok {
		return notApplied(fmt.Errorf("onvif: SetUser: user %s: %w", clean(u.Name), camsec.ErrNotFound))
	}
	return c.setUser(ctx, u)
}

// setUser sends the account and proves its password by a login, since the list
// shows none; of other accounts than our own it looks at the level, too. Our
// own list can only be asked for again once the source knows the new password.
func (c *Client) setUser(ctx context.Context, u NewUser) (camsec.Change, error) {
	op := operation("SetUser")
	_, err := c.call(ctx, op.Name, u.write)
	change, err := c.verify(ctx, op, err, func(ctx context.Context) (bool, error) { return c.proves(ctx, u) })
	if err != nil {
		return change, err
	}
	if !c.isOwn(u.Name) {
		if kept, err := c.haveUsers(ctx, []NewUser{u}); err != nil || !kept {
			return camsec.Change{}, fmt.Errorf("onvif: SetUser: the password holds, and the level cannot be told to be %s: %w",
				clean(u.Level), errors.Join(camsec.ErrUncertain, err))
		}
	}
	change.Proof = "fresh login"
	return change, nil
}

// proves tells whether a fresh login with the account works; after that the
// client asks its source anew.
func (c *Client) proves(ctx context.Context, u NewUser) (bool, error) {
	err := c.ProvePassword(ctx, u.Name, u.Password)
	switch {
	case refused(err):
		return false, nil
	case err != nil:
		return false, err
	case c.isOwn(u.Name):
		return true, c.Renew(ctx)
	}
	return true, nil
}

// DeleteUsers takes accounts away, all or none, and reads the list back. The
// account that the client logs in with cannot be among them.
//
//onvif:op DeleteUsers
func (c *Client) DeleteUsers(ctx context.Context, names ...string) (camsec.Change, error) {
	if len(names) == 0 {
		return notApplied(errors.New("onvif: DeleteUsers: no user given"))
	}
	if c.hasCred {
		if err := c.prove(ctx); err != nil { // so that we know who we are
			return notApplied(err)
		}
	}
	if slices.ContainsFunc(names, c.isOwn) {
		return notApplied(fmt.Errorf("onvif: DeleteUsers: the account in use: %w", ErrCutOff))
	}
	return c.write(ctx, "DeleteUsers", func(m *message) {
		for _, n := range names {
			m.text("tds:Username", n)
		}
	}, func(ctx context.Context) (bool, error) {
		have, err := c.Users(ctx)
		if err != nil {
			return false, err
		}
		for _, n := range names {
			if _, still := find(have, n); still {
				return false, nil
			}
		}
		return true, nil
	})
}

// A UserRole is a set of functions that accounts of level Extended may be
// given. Those whose names begin with "onvif:" are fixed.
type UserRole struct {
	Name      string
	Functions []string
}

// UserRoles reads the roles that the device knows (release 25.12 and later).
//
//onvif:op GetUserRoles
func (c *Client) UserRoles(ctx context.Context) ([]UserRole, error) {
	r, err := c.call(ctx, "UserRoles", nil)
	if err != nil {
		return nil, err
	}
	roles := []UserRole{}
	for _, n := range r.All("UserRole") {
		if name := n.Child("Name").String(); name != "" {
			roles = append(roles, UserRole{name, words(n.Child("Functions").String())})
		}
	}
	return roles, nil
}

// SetUserRole makes a role or changes it, and reads it back.
//
//onvif:op SetUserRole
func (c *Client) SetUserRole(ctx context.Context, role UserRole) (camsec.Change, error) {
	return c.write(ctx, "SetUserRole", func(m *message) {
		m.in("tds:UserRole", func() {
			m.text("tt:Name", role.Name)
			m.text("tt:Functions", strings.Join(role.Functions, " "))
		})
	}, func(ctx context.Context) (bool, error) {
		roles, err := c.UserRoles(ctx)
		return slices.ContainsFunc(roles, func(r UserRole) bool { return r.Name == role.Name && sameSet(r.Functions, role.Functions) }), err
	})
}

// DeleteUserRole takes a role away.
//
//onvif:op DeleteUserRole
func (c *Client) DeleteUserRole(ctx context.Context, name string) (camsec.Change, error) {
	return c.write(ctx, "DeleteUserRole", func(m *message) { m.text("tds:UserRole", name) },
		func(ctx context.Context) (bool, error) {
			roles, err := c.UserRoles(ctx)
			return !slices.ContainsFunc(roles, func(r UserRole) bool { return r.Name == name }), err
		})
}

// A RemoteUser is the account with which the device logs in elsewhere.
type RemoteUser struct {
	Name       string // empty: none is set
	UseDerived bool   // the password is derived from the device's own
}

// RemoteUser reads which account the device logs in with elsewhere.
//
//onvif:op GetRemoteUser
func (c *Client) RemoteUser(ctx context.Context) (RemoteUser, error) {
	r, err := c.call(ctx, "RemoteUser", nil)
	if err != nil {
		return RemoteUser{}, err
	}
	n := r.Child("RemoteUser")
	derived, _ := n.Child("UseDerivedPassword").Bool()
	return RemoteUser{n.Child("Username").String(), derived}, nil
}

// SetRemoteUser sets that account; one without a name takes it away. That the
// password took is the device's word alone; if the reply is lost, what became
// of it matches [camsec.ErrUncertain].
//
//onvif:op SetRemoteUser
func (c *Client) SetRemoteUser(ctx context.Context, u RemoteUser, password camsec.Secret) (camsec.Change, error) {
	return c.writeSecret(ctx, "SetRemoteUser", password, func(m *message) {
		if u.Name == "" {
			return
		}
		m.in("tds:RemoteUser", func() {
			m.text("tt:Username", u.Name)
			if !password.Empty() {
				secret := password.Reveal()
				m.secret("tt:Password", secret)
				clear(secret)
			}
			m.bool("tt:UseDerivedPassword", u.UseDerived)
		})
	}, func(ctx context.Context) (bool, error) {
		now, err := c.RemoteUser(ctx)
		return now == u || now.Name == "" && u.Name == "", err
	})
}
