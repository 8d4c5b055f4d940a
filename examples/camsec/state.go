package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

// budget opens the memory of refused logins. It outlives the process, so that
// running again does not send what was refused before.
func (t *targetFlags) budget() (auth.Budget, error) {
	dir := t.state
	if dir == "" {
		var err error
		if dir, err = stateDir(); err != nil {
			return nil, usageErr(fmt.Errorf("no folder for state (%w): name one with -state", err))
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, usageErr(fmt.Errorf("state: %w", err))
	}
	b, err := auth.OpenFileBudget(filepath.Join(dir, "budget"), nil)
	if err != nil {
		return nil, usageErr(fmt.Errorf("state: %w", err))
	}
	return b, nil
}

// forgetLogins forgets, at a person's word, which logins the devices of this
// run refused, and what those that worked were made with.
func forgetLogins(b auth.Budget, all []*target) error {
	for _, d := range all {
		for store, l := range d.logins {
			account := camsec.Account{Store: store, Name: l.user}
			if err := b.Reset(context.Background(), auth.Login{Target: d.Target, Account: account}); err != nil {
				return fmt.Errorf("state: %w", err)
			}
		}
	}
	return nil
}

// acceptWeaker forgets, at a person's word, what the logins were made with that
// worked at the devices of this run. What they refused stays refused.
func acceptWeaker(b auth.Budget, all []*target) error {
	forgetter, ok := b.(auth.SchemeForgetter)
	if !ok {
		return fmt.Errorf("state: %w", errors.ErrUnsupported)
	}
	for _, d := range all {
		for store, l := range d.logins {
			account := camsec.Account{Store: store, Name: l.user}
			if err := forgetter.ForgetSchemes(context.Background(), auth.Login{Target: d.Target, Account: account}); err != nil {
				return fmt.Errorf("state: %w", err)
			}
		}
	}
	return nil
}

// remembered tells whether err comes of what is remembered of logins, or will
// be remembered from now on.
func remembered(err error) bool {
	e, ok := errors.AsType[*auth.Error](err)
	return ok && (e.Kind == auth.KindRefused || e.Kind == auth.KindDowngrade)
}

// stateDir is the user's folder for what programs remember.
func stateDir() (string, error) {
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "camsec"), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		d, err := os.UserConfigDir()
		return filepath.Join(d, "camsec"), err
	}
	d, err := os.UserHomeDir()
	return filepath.Join(d, ".local", "state", "camsec"), err
}
