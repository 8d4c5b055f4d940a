package camsec_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/camsec/camsec"
)

// plain is a device that offers nothing beyond its inventory.
type plain struct {
	inv camsec.Inventory
	err error
}

func (p plain) Inventory(ctx context.Context) (camsec.Inventory, error) {
	if err := ctx.Err(); err != nil {
		return camsec.Inventory{}, fmt.Errorf("plain: %w", err)
	}
	return p.inv, p.err
}

// wrapper adds nothing; what it wraps is found through it.
type wrapper struct{ camsec.Device }

func (w wrapper) Unwrap() camsec.Device { return w.Device }

// bench is a device in memory that keeps the contract. Each field of faults
// makes it break one rule.
type bench struct {
	mu        sync.Mutex
	inv       camsec.Inventory
	users     []camsec.User
	settings  []camsec.Setting
	login     camsec.LoginState
	passwords map[camsec.Account]string
	asked     []string
	fail      map[string]error // by part

	deafToContext, anyAccount, anySetting, noProof, forgetful, silentFailure bool
}

func newBench() *bench {
	admin := camsec.Account{Store: camsec.StoreDevice, Name: "admin"}
	spare := camsec.Account{Store: camsec.StoreDevice, Name: "spare"}
	return &bench{
		inv: withInventory(nil).Inventory,
		users: []camsec.User{
			{Account: admin, ID: "1", Role: camsec.RoleAdmin, Enabled: camsec.StateOn},
			{Account: spare, ID: "2", Native: "mediaUser"},
		},
		settings: []camsec.Setting{
			on("service.ssh"), num("login.lockout.tries", 7),
			{ID: "service.telnet", Err: &camsec.Problem{Code: camsec.ReasonNotOffered, Message: "404"}},
			set("x-bench.lamp", camsec.ValueOf(true)),
		},
		passwords: map[camsec.Account]string{admin: "a", spare: "b"},
		fail:      map[string]error{},
	}
}

func (b *bench) ask(ctx context.Context, part string) error {
	b.asked = append(b.asked, part)
	if err := ctx.Err(); err != nil && !b.deafToContext {
		return fmt.Errorf("bench: %s: %w", part, err)
	}
	return b.fail[part]
}

func (b *bench) Inventory(ctx context.Context) (camsec.Inventory, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.inv, b.ask(ctx, "inventory")
}

func (b *bench) Users(ctx context.Context) ([]camsec.User, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.users), b.ask(ctx, "users")
}

func (b *bench) Settings(ctx context.Context) ([]camsec.Setting, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.settings), b.ask(ctx, "settings")
}

func (b *bench) LoginState(ctx context.Context) (camsec.LoginState, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.login, b.ask(ctx, "loginState")
}

func (b *bench) change(err error) (camsec.Change, error) {
	switch {
	case err != nil && b.silentFailure:
		return camsec.Change{}, nil
	case err != nil:
		return camsec.Change{Outcome: camsec.NotApplied}, err
	case b.noProof:
		return camsec.Change{Outcome: camsec.Applied}, nil
	}
	return camsec.Change{Outcome: camsec.Applied, Proof: "read back"}, nil
}

func (b *bench) SetPassword(ctx context.Context, a camsec.Account, password camsec.Secret) (camsec.Change, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ask(ctx, "set password"); err != nil {
		return b.change(err)
	}
	if _, ok := b.passwords[a]; !ok && !b.anyAccount {
		return b.change(camsec.ErrNotFound)
	}
	b.passwords[a] = string(password.Reveal())
	return b.change(nil)
}

func (b *bench) SetSetting(ctx context.Context, id string, v camsec.Value) (camsec.Change, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ask(ctx, "set setting"); err != nil {
		return b.change(err)
	}
	i := slices.IndexFunc(b.settings, func(s camsec.Setting) bool { return s.ID == id })
	if i < 0 && !b.anySetting {
		return b.change(errors.ErrUnsupported)
	}
	if i >= 0 && !b.forgetful {
		b.settings[i] = set(id, v)
	}
	return b.change(nil)
}
