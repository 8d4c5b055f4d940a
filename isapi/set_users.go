package isapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/camsec/camsec"
)

// A NewUser is an account to be made.
type NewUser struct {
	Name     string
	Level    string // Operator or Viewer; the device refuses a second administrator
	Password camsec.Secret
}

// CreateUser makes an account and proves it by its place in the list and by one
// login with its password. An account of that name that is there already
// matches no success: the error is the device's userExist, or, if it is seen
// before anything is sent, [ErrExists].
//
//isapi:op POST /ISAPI/Security/users
func (c *Client) CreateUser(ctx context.Context, user NewUser) (camsec.Change, error) {
	op := writeOf("CreateUser")
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if user.Name == "" || user.Password.Empty() {
		return notApplied(fmt.Errorf("isapi: %s: an empty name or password: %w", op, camsec.ErrWeakPassword))
	}
	list, _, err := c.account(ctx, "Users", user.Name)
	switch {
	case err == nil:
		return notApplied(fmt.Errorf("isapi: %s: %w", op, ErrExists))
	case !errors.Is(err, camsec.ErrNotFound) || list == nil:
		return notApplied(err)
	}
	caps, err := c.fits(ctx, op, user.Password)
	if err != nil {
		return notApplied(err)
	}
	a, err := c.attemptUser(ctx, op, list, caps, field{"userName", user.Name}, field{"password", string(user.Password.Reveal())},
		field{"userLevel", user.Level})
	if err != nil {
		return notApplied(err)
	}
	if a.refused != nil {
		return notApplied(a.refused)
	}
	change, err := c.resolve(ctx, op, a, c.lookForUser(user.Name, true))
	if err != nil || change.Outcome != camsec.Applied {
		return change, err
	}
	if err := c.freshLogin(ctx, user.Name, user.Password); err != nil {
		return uncertain(op, change.RebootRequired, fmt.Errorf("the account is there, its password is not proven: %w", err))
	}
	change.Proof = proofReadBack + ", " + proofLogin
	return change, nil
}

// lookForUser tells whether an account is there, or gone.
func (c *Client) lookForUser(name string, there bool) func(context.Context) (likeness, error) {
	return func(ctx context.Context) (likeness, error) {
		_, _, err := c.account(ctx, "Users", name)
		switch {
		case err != nil && !errors.Is(err, camsec.ErrNotFound):
			return likeNeither, err
		case (err == nil) == there:
			return likeWanted, nil
		}
		return likeBefore, nil
	}
}

// DeleteUser removes an account, found by its name. The first administrator
// cannot be removed; the account that this client uses is not ([ErrCutOff]).
//
//isapi:op DELETE /ISAPI/Security/users/{id}
func (c *Client) DeleteUser(ctx context.Context, name string) (camsec.Change, error) {
	op := writeOf("DeleteUser")
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	_, user, err := c.account(ctx, "Users", name)
	if err != nil {
		return notApplied(err)
	}
	if c.isOwn(ctx, name) {
		return notApplied(fmt.Errorf("isapi: %s: %w", op, ErrCutOff))
	}
	query, err := c.confirmationQuery(ctx)
	if err != nil {
		return notApplied(err)
	}
	op = op.with(childText(user, "id"))
	a := c.attemptQuery(ctx, c.transport(), op, query, nil, "")
	if a.refused != nil {
		return notApplied(a.refused)
	}
	return c.resolve(ctx, op, a, c.lookForUser(name, false))
}

// SetUserLevel changes what an account may do: Operator or Viewer. That of the
// account in use is not changed ([ErrCutOff]).
//
//isapi:op GET /ISAPI/Security/users/{id}
//isapi:op PUT /ISAPI/Security/users/{id}
func (c *Client) SetUserLevel(ctx context.Context, name, level string) (camsec.Change, error) {
	op := writeOf("SetUserLevel")
	if err := c.mayWrite(op); err != nil {
		return notApplied(err)
	}
	_, user, err := c.account(ctx, "Users", name)
	if err != nil {
		return notApplied(err)
	}
	return c.revise(ctx, revision{
		set: "SetUserLevel", id: childText(user, "id"), roots: []string{"User"}, hidden: userFields, confirm: "loginPassword",
		edit: func(d *draft) { d.text(d.root, "userLevel", level) },
		guard: func(*draft) error {
			if c.isOwn(ctx, name) {
				return ErrCutOff
			}
			return nil
		},
	})
}

// SetUserPermission changes single rights that an account has over the
// network, by the vendor's words, such as preview, playBack, record,
// ptzControl, upgrade, parameterConfig, restartOrShutdown, logOrStateCheck,
// voiceTalk, transParentChannel, contorlLocalOut (sic), alarmOutOrUpload.
// Rights that are not named stay as they are.
//
//isapi:op GET /ISAPI/Security/UserPermission
//isapi:op GET /ISAPI/Security/UserPermission/{id}
//isapi:op PUT /ISAPI/Security/UserPermission/{id}
func (c *Client) SetUserPermission(ctx context.Context, name string, remote map[string]bool) (camsec.Change, error) {
	op := writeOf("SetUserPermission")
	if err := c.mayWrite(op); err != nil {
		return notApplied(err)
	}
	_, user, err := c.account(ctx, "Users", name)
	if err != nil {
		return notApplied(err)
	}
	// The number of the permission differs from that of the user.
	all := operation("SetUserPermission")
	list, err := c.draft(ctx, all, []string{"UserPermissionList"})
	if err != nil {
		return notApplied(err)
	}
	id := ""
	for _, p := range list.root.SelectElements("UserPermission") {
		if childText(p, "userID") == childText(user, "id") {
			id = childText(p, "id")
		}
	}
	if id == "" {
		return notApplied(fmt.Errorf("isapi: %s: no rights of that account: %w", op, camsec.ErrNotFound))
	}
	return c.revise(ctx, revision{
		set: "SetUserPermission", id: id, member: true, roots: []string{"UserPermission"},
		edit: func(d *draft) {
			rights := d.at(d.root, "remotePermission")
			for _, right := range slices.Sorted(maps.Keys(remote)) {
				if rights != nil {
					d.flag(rights, right, remote[right])
				}
			}
		},
	})
}

// SetONVIFPassword changes the password of an account for ONVIF, which newer
// firmware keeps apart from the device's own. ISAPI cannot log in with it, so
// a device that says done leaves the outcome unknown, with [ErrUnproven]: prove
// it by one login over ONVIF.
//
//isapi:op PUT /ISAPI/Security/ONVIF/users/{id}?security=0
func (c *Client) SetONVIFPassword(ctx context.Context, name string, password camsec.Secret) (camsec.Change, error) {
	return c.putONVIFUser(ctx, "SetONVIFPassword", NewUser{Name: name, Password: password}, false)
}

// CreateONVIFUser makes an account for ONVIF; its level is administrator,
// operator or mediaUser. It is read back; the password stays unproven, see
// [Client.SetONVIFPassword]. Clients of real devices differ in how they make
// one: this is what a widely used recorder program sends.
//
//isapi:op PUT /ISAPI/Security/ONVIF/users/{id}?security=0
func (c *Client) CreateONVIFUser(ctx context.Context, user NewUser) (camsec.Change, error) {
	return c.putONVIFUser(ctx, "CreateONVIFUser", user, true)
}

func (c *Client) putONVIFUser(ctx context.Context, name string, user NewUser, create bool) (camsec.Change, error) {
	op := writeOf(name)
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if user.Name == "" || user.Password.Empty() {
		return notApplied(fmt.Errorf("isapi: %s: an empty name or password: %w", op, camsec.ErrWeakPassword))
	}
	list, have, err := c.account(ctx, "ONVIFUsers", user.Name)
	switch {
	case create && err == nil:
		return notApplied(fmt.Errorf("isapi: %s: %w", op, ErrExists))
	case err != nil && (!create || list == nil || !errors.Is(err, camsec.ErrNotFound)):
		return notApplied(err)
	}
	id := childText(have, "id")
	if create {
		highest := 0
		for _, u := range list.root.SelectElements("User") {
			n, _ := strconv.Atoi(childText(u, "id"))
			highest = max(highest, n)
		}
		id = strconv.Itoa(highest + 1)
	} else {
		user.Level = childText(have, "userType")
	}
	op = op.with(id)
	h, err := c.hide(ctx, userFields)
	if err != nil {
		return notApplied(err)
	}
	a, err := c.attemptMinimal(ctx, op, list, h, "User", field{"id", id}, field{"userName", user.Name},
		field{"password", string(user.Password.Reveal())}, field{"userType", user.Level})
	if err != nil {
		return notApplied(err)
	}
	switch {
	case a.refused != nil:
		return notApplied(a.refused)
	case create:
		change, err := c.resolve(ctx, op, a, func(ctx context.Context) (likeness, error) {
			_, _, err := c.account(ctx, "ONVIFUsers", user.Name)
			switch {
			case err == nil:
				return likeWanted, nil
			case errors.Is(err, camsec.ErrNotFound):
				return likeBefore, nil
			}
			return likeNeither, err
		})
		if err != nil || change.Outcome != camsec.Applied {
			return change, err
		}
		return uncertain(op, change.RebootRequired, ErrUnproven)
	case a.lost != nil:
		return uncertain(op, a.reboot, a.lost)
	}
	return uncertain(op, a.reboot, ErrUnproven)
}
