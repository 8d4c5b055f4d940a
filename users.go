package camsec

import "context"

// A Role is what an account may do, in terms every vendor shares. The zero
// Role means that the vendor's own word has no counterpart here.
type Role uint8

// Roles, from least to most.
const (
	RoleUnknown Role = iota
	RoleViewer
	RoleOperator
	RoleAdmin
)

var roleNames = [...]string{"unknown", "viewer", "operator", "administrator"}

// String returns the role's name.
func (r Role) String() string { return nameOf(roleNames[:], r) }

// MarshalText writes the role's name.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the role's name; one it does not know is RoleUnknown.
func (r *Role) UnmarshalText(b []byte) error { *r = valueOf[Role](roleNames[:], b); return nil }

// A User is one account of the store that the protocol manages.
type User struct {
	Account Account `json:"account"`
	ID      string  `json:"id,omitempty"` // the device's number for it
	Role    Role    `json:"role"`
	Native  string  `json:"native,omitempty"` // the vendor's own word for the role
	Enabled State   `json:"enabled"`
}

// UserLister is implemented by devices whose accounts can be read.
type UserLister interface {
	// Users reads the accounts of all stores that the protocol manages. An
	// empty list is an answer; anything that is not one is an error.
	Users(ctx context.Context) ([]User, error)
}

// PasswordSetter is implemented by devices whose passwords can be set.
type PasswordSetter interface {
	// SetPassword changes nothing but this one password, in one attempt. The
	// error matches [ErrNotFound] if there is no such account,
	// [ErrWeakPassword] if the device refuses the value and [ErrUncertain]
	// when the Change's outcome is unknown.
	SetPassword(ctx context.Context, account Account, password Secret) (Change, error)
}

// LoginState is what a device tells of its lock-out and password state
// without, or before, a login.
type LoginState struct {
	Activated       State `json:"activated"`
	Locked          State `json:"locked"`
	UnlockSeconds   *int  `json:"unlockSeconds,omitempty"` // nil is unknown
	TriesLeft       *int  `json:"triesLeft,omitempty"`     // nil is unknown
	DefaultPassword State `json:"defaultPassword"`         // the device's own flag for the account in use
	RiskPassword    State `json:"riskPassword"`
}

// LoginStateReader is implemented by devices that tell their lock-out state.
type LoginStateReader interface {
	// LoginState must not spend a login try.
	LoginState(ctx context.Context) (LoginState, error)
}

// Users reads the accounts of dev; [errors.ErrUnsupported] if it is no
// [UserLister].
func Users(ctx context.Context, dev Device) ([]User, error) {
	l, ok := As[UserLister](dev)
	if !ok {
		return nil, unsupported(dev, "users")
	}
	return l.Users(ctx)
}

// SetPassword sets one password of dev and tries no second way if that
// fails; [errors.ErrUnsupported] if dev is no [PasswordSetter].
func SetPassword(ctx context.Context, dev Device, account Account, password Secret) (Change, error) {
	s, ok := As[PasswordSetter](dev)
	if !ok {
		return Change{Outcome: NotApplied}, unsupported(dev, "set password")
	}
	return s.SetPassword(ctx, account, password)
}

// nameOf and valueOf keep the text forms of the small enumerations: a value
// out of range, and a name that is not known, are the zero one.
func nameOf[T ~uint8](names []string, v T) string {
	if int(v) >= len(names) {
		v = 0
	}
	return names[v]
}

func valueOf[T ~uint8](names []string, b []byte) T {
	for i, n := range names {
		if n == string(b) {
			return T(i)
		}
	}
	return 0
}
