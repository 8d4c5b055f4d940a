package camsec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// CheckDevice tells in what ways dev breaks the contract of this package, all
// of them joined in one error. It changes nothing on the device, and needs no
// testing package, so it serves a driver's tests against a fake and a bench
// check of a real camera alike. When the first read is refused, locked out or
// untrusted it stops there, so that a wrong credential costs one login.
func CheckDevice(ctx context.Context, dev Device) error {
	f := &findings{}
	inv, err := dev.Inventory(ctx)
	switch {
	case err != nil:
		f.add("inventory", err)
		if errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrLocked) || errors.Is(err, ErrUntrusted) {
			return f.err()
		}
	case inv.Vendor == "" && inv.Model == "" || inv.Firmware.Raw == "" && inv.Firmware.Version == "":
		f.addf("inventory", "neither vendor nor model, or no firmware") // some recorders do not name their maker
	}
	if err == nil && inv.Channels == nil && inv.ChannelsErr != nil {
		f.problem("inventory: channels", inv.ChannelsErr)
	}
	f.cancelled(ctx, dev)
	f.concurrent(ctx, dev)
	f.users(ctx, dev)
	f.settings(ctx, dev)
	f.loginState(ctx, dev)
	return f.err()
}

// CheckWritesOptions say what [CheckDeviceWrites] may change.
type CheckWritesOptions struct {
	// Account is a spare account whose password becomes Password and stays
	// so. It must not be the one that dev logs in with. An empty name leaves
	// passwords alone.
	Account  Account
	Password Secret
	// Setting is the id of a switch that is turned over and back. Empty
	// leaves settings alone.
	Setting string
}

// CheckDeviceWrites tells in what ways the writes of dev break the contract,
// all of them joined in one error. It first attempts what must be refused: a
// setting and an account that do not exist, and writes under a context that
// is done. Then it makes the changes that opts allow; nil allows none. It is
// for fakes and for a device on the bench, never for one in service.
func CheckDeviceWrites(ctx context.Context, dev Device, opts *CheckWritesOptions) error {
	if opts == nil {
		opts = &CheckWritesOptions{}
	}
	f := &findings{}
	done, cancel := context.WithCancel(ctx)
	cancel()

	const noSetting = "x-camsec.no-such-setting"
	c, err := SetSetting(ctx, dev, noSetting, ValueOf(true))
	f.refused("set an unknown setting", c, err, errors.ErrUnsupported)
	if _, ok := As[PasswordSetter](dev); ok {
		nobody := Account{Store: StoreDevice, Name: "camsec-no-such"}
		password := NewSecret([]byte("Check-4-nobody"))
		c, err = SetPassword(ctx, dev, nobody, password)
		f.refused("set the password of an unknown account", c, err, ErrNotFound)
		c, err = SetPassword(done, dev, nobody, password)
		f.refused("set a password when cancelled", c, err, context.Canceled)
	}
	if opts.Account.Name != "" {
		c, err = SetPassword(ctx, dev, opts.Account, opts.Password)
		f.applied("set a password", c, err)
	}
	if opts.Setting != "" {
		f.turnOver(ctx, done, dev, opts.Setting)
	}
	return f.err()
}

// findings collects breaches of the contract.
type findings struct{ errs []error }

func (f *findings) add(rule string, err error) {
	f.errs = append(f.errs, fmt.Errorf("%s: %w", rule, err))
}

func (f *findings) addf(rule, format string, args ...any) {
	f.add(rule, fmt.Errorf(format, args...))
}

func (f *findings) err() error { return errors.Join(f.errs...) }

// cancelled: a context that is done shows in the error of every read.
func (f *findings) cancelled(ctx context.Context, dev Device) {
	done, cancel := context.WithCancel(ctx)
	cancel()
	check := func(rule string, err error) {
		switch {
		case err == nil:
			f.addf("cancelled context", "%s gave no error", rule)
		case !errors.Is(err, context.Canceled):
			f.add("cancelled context", fmt.Errorf("%s does not match context.Canceled: %w", rule, err))
		}
	}
	_, err := dev.Inventory(done)
	check("inventory", err)
	if l, ok := As[UserLister](dev); ok {
		_, err = l.Users(done)
		check("users", err)
	}
	if r, ok := As[SettingsReader](dev); ok {
		_, err = r.Settings(done)
		check("settings", err)
	}
}

// concurrent calls from several goroutines; the race detector sees the rest.
func (f *findings) concurrent(ctx context.Context, dev Device) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 4 {
		wg.Go(func() {
			if _, err := dev.Inventory(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				f.add("concurrent inventory", err)
			}
		})
	}
	wg.Wait()
}

func (f *findings) users(ctx context.Context, dev Device) {
	l, ok := As[UserLister](dev)
	if !ok {
		return
	}
	users, err := l.Users(ctx)
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, ErrForbidden) {
			f.add("users", err)
		}
		return
	}
	seen := map[Account]bool{}
	for _, u := range users {
		if u.Account.Name == "" || seen[u.Account] {
			f.addf("users", "name empty or twice in one store: %q", u.Account.Name)
		}
		if u.Role == RoleUnknown && u.Native == "" {
			f.addf("users", "%q: a role that has no word here must keep the vendor's", u.Account.Name)
		}
		seen[u.Account] = true
	}
}

func (f *findings) settings(ctx context.Context, dev Device) {
	r, ok := As[SettingsReader](dev)
	if !ok {
		return
	}
	settings, err := r.Settings(ctx)
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, ErrForbidden) {
			f.add("settings", err)
		}
		return
	}
	seen := map[string]bool{}
	for _, s := range settings {
		rule := fmt.Sprintf("setting %q", s.ID)
		if s.ID == "" || seen[s.ID] {
			f.addf(rule, "id empty or twice")
		}
		seen[s.ID] = true
		want, known := settingKinds[s.ID]
		if !known && !strings.HasPrefix(s.ID, "x-") {
			f.addf(rule, "id is none of this package's and has no x-VENDOR prefix")
		}
		switch kind := s.Value.Kind(); {
		case s.Err != nil:
			f.problem(rule, s.Err)
			if kind != "" || s.State != StateUnknown {
				f.addf(rule, "has an error and a value")
			}
		case kind == "":
			f.addf(rule, "has neither value nor error: unknown needs a reason")
		case known && kind != want:
			f.addf(rule, "is a %s, want a %s", kind, want)
		case kind == kindBool && s.State != StateOf(s.Value.Bool()):
			f.addf(rule, "state %s does not go with value %s", s.State, s.Value)
		case kind != kindBool && s.State != StateUnknown:
			f.addf(rule, "state %s on what is no switch", s.State)
		}
		if s.Source.Kind != "" && s.Source.Kind != Recorded && s.Source.Kind != Documented {
			f.addf(rule, "evidence kind %q", s.Source.Kind)
		}
	}
}

func (f *findings) loginState(ctx context.Context, dev Device) {
	r, ok := As[LoginStateReader](dev)
	if !ok {
		return
	}
	l, err := r.LoginState(ctx)
	if err != nil {
		if !errors.Is(err, errors.ErrUnsupported) {
			f.add("login state", err)
		}
		return
	}
	if l.TriesLeft != nil && *l.TriesLeft < 0 || l.UnlockSeconds != nil && *l.UnlockSeconds < 0 {
		f.addf("login state", "negative count: unknown is nil")
	}
}

// problem holds an error in report form to the closed list of reasons.
func (f *findings) problem(rule string, p *Problem) {
	if !slices.Contains(reasons, p.Code) {
		f.addf(rule, "problem code %q is none of the closed list", p.Code)
	}
}

// refused: a write that cannot be made says so and changed nothing.
func (f *findings) refused(rule string, c Change, err, want error) {
	switch {
	case err == nil:
		f.addf(rule, "no error")
	case !errors.Is(err, want) && !errors.Is(err, errors.ErrUnsupported):
		f.addf(rule, "does not match %q: %q", want.Error(), err.Error())
	}
	if c.Outcome != NotApplied {
		f.addf(rule, "outcome is %s, want %s", c.Outcome, NotApplied)
	}
	if c.Proof != "" {
		f.addf(rule, "a proof of what was not done")
	}
}

// applied: a write that was made has no error, and a proof.
func (f *findings) applied(rule string, c Change, err error) bool {
	switch {
	case err != nil && errors.Is(err, ErrUncertain) != (c.Outcome == OutcomeUnknown):
		f.add(rule, fmt.Errorf("outcome %s and ErrUncertain go together or not at all: %w", c.Outcome, err))
	case err != nil:
		f.add(rule, err)
	case c.Outcome != Applied:
		f.addf(rule, "no error, and outcome %s", c.Outcome)
	case c.Proof == "":
		f.addf(rule, "applied without proof")
	}
	return err == nil && c.Outcome == Applied
}

// turnOver turns a switch over, looks, and turns it back, the last also when
// ctx ends meanwhile.
func (f *findings) turnOver(ctx, done context.Context, dev Device, id string) {
	rule := fmt.Sprintf("set %q", id)
	read := func(ctx context.Context) (Value, error) {
		settings, err := Settings(ctx, dev)
		if err != nil {
			return Value{}, err
		}
		s := (&Snapshot{Settings: settings}).Setting(id)
		if s.Err != nil {
			return Value{}, s.Err
		}
		if s.Value.Kind() != kindBool {
			return Value{}, errors.New("not a switch")
		}
		return s.Value, nil
	}
	was, err := read(ctx)
	if err != nil {
		f.add(rule, err)
		return
	}
	c, err := SetSetting(done, dev, id, ValueOf(!was.Bool()))
	f.refused(rule+" when cancelled", c, err, context.Canceled)

	after, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	defer func() {
		c, err := SetSetting(after, dev, id, was)
		f.applied(rule+" back", c, err)
		if now, err := read(after); err == nil && now.Bool() != was.Bool() {
			f.addf(rule+" back", "reads back as %s", now)
		}
	}()
	c, err = SetSetting(ctx, dev, id, ValueOf(!was.Bool()))
	if !f.applied(rule, c, err) || c.RebootRequired {
		return
	}
	if now, err := read(ctx); err != nil {
		f.add(rule, err)
	} else if now.Bool() == was.Bool() {
		f.addf(rule, "applied, and reads back as before")
	}
}

// reasons is the closed list of what a [Problem] may give as its code.
var reasons = []Reason{
	ReasonUnreachable, ReasonUntrusted, ReasonRefused, ReasonLocked, ReasonForbidden, ReasonNotOffered,
	ReasonNotReadable, ReasonNoCredential, ReasonUnparsable, ReasonBusy, ReasonCancelled,
}
