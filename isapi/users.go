package isapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A User is one account as a device lists it.
type User struct {
	ID      string
	Name    string
	Level   string // userLevel, or userType of ONVIF users, verbatim
	Enabled camsec.State
}

// Role returns the level in the words all vendors share.
func (u User) Role() camsec.Role {
	switch strings.ToLower(u.Level) {
	case "administrator", "admin":
		return camsec.RoleAdmin
	case "operator":
		return camsec.RoleOperator
	case "viewer", "mediauser", "user":
		return camsec.RoleViewer
	}
	return camsec.RoleUnknown
}

// Users reads the device's own accounts. Most firmware lets only an
// administrator do so; others get an error matching [camsec.ErrForbidden].
//
//isapi:op GET /ISAPI/Security/users
func (c *Client) Users(ctx context.Context) ([]User, error) {
	return c.users(ctx, "Users", "userLevel")
}

// ONVIFUsers reads the accounts for ONVIF, which newer firmware keeps apart
// with passwords of their own.
//
//isapi:op GET /ISAPI/Security/ONVIF/users?security=0
func (c *Client) ONVIFUsers(ctx context.Context) ([]User, error) {
	return c.users(ctx, "ONVIFUsers", "userType")
}

func (c *Client) users(ctx context.Context, op, level string) ([]User, error) {
	h, err := c.hide(ctx, userFields)
	if err != nil {
		return nil, err
	}
	n, err := c.getHidden(ctx, op, h, wire.Small(), "UserList")
	if err != nil {
		return nil, err
	}
	users := []User{}
	for _, u := range n.Children {
		name, err := h.shown(u.Child("userName").String())
		if err != nil {
			return nil, fmt.Errorf("isapi: %s: %w", operation(op), err)
		}
		user := User{
			ID: u.Child("id").String(), Name: name,
			Level: u.Child(level).String(), Enabled: state(u.Child("enabled")),
		}
		if !strings.EqualFold(u.Name, "User") || user.Name == "" {
			return nil, malformed(operation(op), "a list member is no user")
		}
		users = append(users, user)
	}
	return users, nil
}

// An OnlineUser is a web or SDK session. Requests with digest authentication
// make none.
type OnlineUser struct {
	ID        string
	Name      string
	Type      string
	LoginTime string // as the device writes it, its own zone
	Address   string
}

// OnlineUsers reads who is logged in.
//
//isapi:op GET /ISAPI/Security/onlineUser
func (c *Client) OnlineUsers(ctx context.Context) ([]OnlineUser, error) {
	n, err := c.get(ctx, "OnlineUsers", wire.Small(), "OnlineUserList")
	if err != nil {
		return nil, err
	}
	users := []OnlineUser{}
	for _, u := range n.All("OnlineUser") {
		users = append(users, OnlineUser{
			ID: u.Child("id").String(), Name: u.Child("name").String(), Type: u.Child("type").String(),
			LoginTime: u.Child("loginTime").String(), Address: hostOf(u.Child("clientAddress")),
		})
	}
	return users, nil
}

// hostOf returns the address that a block of addressing elements holds.
func hostOf(n *wire.Node) string { return firstOf(n, "hostName", "ipAddress", "ipv6Address") }

// firstOf returns the text of the first child of one of the names that has any.
func firstOf(n *wire.Node, names ...string) string {
	for _, name := range names {
		if s := n.Child(name).String(); s != "" {
			return s
		}
	}
	return ""
}
