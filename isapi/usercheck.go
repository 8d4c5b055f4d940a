package isapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A UserCheck is a device's word on the account in use and on its lock.
type UserCheck struct {
	Activated       camsec.State
	DefaultPassword camsec.State
	RiskPassword    camsec.State
	Locked          camsec.State
	UnlockSeconds   *int // nil is unknown
	TriesLeft       *int // nil is unknown
	ResidualDays    *int // until the password expires, negative if it has; nil is unknown
}

// UserCheck logs in and reads what the device says of the account. With a
// credential that is not known to be good this costs a login try; see
// [Device.LoginState] for one that does not.
//
//isapi:op GET /ISAPI/Security/userCheck
func (c *Client) UserCheck(ctx context.Context) (UserCheck, error) {
	n, err := c.get(ctx, "UserCheck", wire.Small(), "userCheck", "SessionUserCheck")
	if err != nil {
		return UserCheck{}, err
	}
	if v, ok := n.Child("statusValue").Int(); ok && v != http.StatusOK {
		return UserCheck{}, &Error{
			Op: operation("UserCheck").String(), HTTPStatus: int(v % 1000),
			StatusString: n.Child("statusString").String(),
		}
	}
	return userCheck(n), nil
}

func userCheck(n *wire.Node) UserCheck {
	u := UserCheck{
		Activated:       state(n.Child("isActivated")),
		DefaultPassword: state(n.Child("isDefaultPassword")),
		RiskPassword:    state(n.Child("isRiskPassword")),
		UnlockSeconds:   number(n.Child("unlockTime")),
		TriesLeft:       number(n.Child("retryLoginTime")),
		ResidualDays:    number(n.Child("residualValidity")),
	}
	switch strings.ToLower(n.Child("lockStatus").String()) {
	case "lock", "locked":
		u.Locked = camsec.StateOn
	case "unlock", "unlocked":
		u.Locked = camsec.StateOff
	}
	return u
}

// peekUserCheck asks without credentials. Recorders and terminals tell their
// lock state in the body of the 401; cameras tell nothing, which is a
// UserCheck of unknowns.
func (c *Client) peekUserCheck(ctx context.Context) (UserCheck, error) {
	op := operation("UserCheck")
	resp, err := c.send(ctx, c.plain, op, wire.Small())
	if err != nil {
		return UserCheck{}, err
	}
	doc, _ := parse(resp, wire.Small()) // HTML, most often
	if doc != nil && strings.EqualFold(doc.Name, "userCheck") {
		return userCheck(doc), nil
	}
	if err := refusal(op, resp.Status, doc); err != nil && resp.Status != http.StatusUnauthorized {
		return UserCheck{}, err
	}
	return UserCheck{}, nil
}
