package onvif

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
)

// A PasswordRules is what a device asks of new passwords. Nil is a rule that
// it does not tell of.
type PasswordRules struct {
	MinLen, Uppercase, Number, SpecialChars *int
	BlockUsername                           *bool
	// Locked: the rules can be changed by nothing but a hard factory reset.
	Locked *bool
}

// PasswordComplexity reads the rules for new passwords.
//
//onvif:op GetPasswordComplexityConfiguration
func (c *Client) PasswordComplexity(ctx context.Context) (PasswordRules, error) {
	r, err := c.call(ctx, "PasswordComplexity", nil)
	if err != nil {
		return PasswordRules{}, err
	}
	return PasswordRules{
		MinLen: number(r.Child("MinLen")), Uppercase: number(r.Child("Uppercase")), Number: number(r.Child("Number")),
		SpecialChars: number(r.Child("SpecialChars")), BlockUsername: flag(r.Child("BlockUsernameOccurrence")),
		Locked: flag(r.Child("PolicyConfigurationLocked")),
	}, nil
}

func flag(n *wire.Node) *bool {
	v, ok := n.Bool()
	if !ok {
		return nil
	}
	return &v
}

// SetPasswordComplexity sets the rules for new passwords; nil leaves one out.
// Locking them needs [AllowPolicyLock], since only a hard factory reset undoes
// that.
//
//onvif:op SetPasswordComplexityConfiguration
func (c *Client) SetPasswordComplexity(ctx context.Context, p PasswordRules, consent ...Consent) (camsec.Change, error) {
	if p.Locked != nil && *p.Locked && !consents(consent, AllowPolicyLock) {
		return notApplied(fmt.Errorf("onvif: locking the password rules: %w", ErrConsent))
	}
	return c.write(ctx, "SetPasswordComplexity", func(m *message) {
		m.intIf("tds:MinLen", p.MinLen)
		m.intIf("tds:Uppercase", p.Uppercase)
		m.intIf("tds:Number", p.Number)
		m.intIf("tds:SpecialChars", p.SpecialChars)
		m.boolIf("tds:BlockUsernameOccurrence", p.BlockUsername)
		m.boolIf("tds:PolicyConfigurationLocked", p.Locked)
	}, func(ctx context.Context) (bool, error) {
		now, err := c.PasswordComplexity(ctx)
		return holds(p.MinLen, now.MinLen) && holds(p.Uppercase, now.Uppercase) && holds(p.Number, now.Number) &&
			holds(p.SpecialChars, now.SpecialChars) && holds(p.BlockUsername, now.BlockUsername) && holds(p.Locked, now.Locked), err
	})
}

// holds tells whether what was asked for, if it was, is there.
func holds[T comparable](want, have *T) bool { return want == nil || have != nil && *have == *want }

// A Range is a range of numbers.
type Range struct{ Min, Max int }

// PasswordRuleOptions are the values that rules may have; nil means that the
// device has no such rule.
type PasswordRuleOptions struct {
	MinLen, Uppercase, Number, SpecialChars *Range
	BlockUsername, Lock                     camsec.State // offered
}

// PasswordComplexityOptions reads which rules the device has.
//
//onvif:op GetPasswordComplexityOptions
func (c *Client) PasswordComplexityOptions(ctx context.Context) (PasswordRuleOptions, error) {
	r, err := c.call(ctx, "PasswordComplexityOptions", nil)
	if err != nil {
		return PasswordRuleOptions{}, err
	}
	return PasswordRuleOptions{
		MinLen: rangeOf(r.Child("MinLenRange")), Uppercase: rangeOf(r.Child("UppercaseRange")),
		Number: rangeOf(r.Child("NumberRange")), SpecialChars: rangeOf(r.Child("SpecialCharsRange")),
		BlockUsername: state(r.Child("BlockUsernameOccurrenceSupported")), Lock: state(r.Child("PolicyConfigurationLockSupported")),
	}, nil
}

func rangeOf(n *wire.Node) *Range {
	lo, hi := number(n.Child("Min")), number(n.Child("Max"))
	if lo == nil || hi == nil {
		return nil
	}
	return &Range{*lo, *hi}
}

// A PasswordMemory is how many old passwords may not be set again.
type PasswordMemory struct {
	Enabled bool
	Length  int
}

// PasswordHistory reads how many old passwords may not be set again.
//
//onvif:op GetPasswordHistoryConfiguration
func (c *Client) PasswordHistory(ctx context.Context) (PasswordMemory, error) {
	r, err := c.call(ctx, "PasswordHistory", nil)
	if err != nil {
		return PasswordMemory{}, err
	}
	on, length := flag(r.Child("Enabled")), number(r.Child("Length"))
	if on == nil || length == nil {
		return PasswordMemory{}, malformed(operation("PasswordHistory"), "Enabled or Length missing")
	}
	return PasswordMemory{*on, *length}, nil
}

// SetPasswordHistory sets how many old passwords may not be set again.
//
//onvif:op SetPasswordHistoryConfiguration
func (c *Client) SetPasswordHistory(ctx context.Context, p PasswordMemory) (camsec.Change, error) {
	return c.write(ctx, "SetPasswordHistory", func(m *message) {
		m.bool("tds:Enabled", p.Enabled)
		m.int("tds:Length", p.Length)
	}, func(ctx context.Context) (bool, error) {
		now, err := c.PasswordHistory(ctx)
		return now == p, err
	})
}

// A FailureWarning is when the device sends an event about failed logins. It
// locks nothing: ONVIF has no lock-out.
type FailureWarning struct {
	Enabled       bool
	MonitorPeriod int // seconds
	MaxFailures   int
}

// AuthFailureWarning reads when the device warns of failed logins.
//
//onvif:op GetAuthFailureWarningConfiguration
func (c *Client) AuthFailureWarning(ctx context.Context) (FailureWarning, error) {
	r, err := c.call(ctx, "AuthFailureWarning", nil)
	if err != nil {
		return FailureWarning{}, err
	}
	on, period, most := flag(r.Child("Enabled")), number(r.Child("MonitorPeriod")), number(r.Child("MaxAuthFailures"))
	if on == nil || period == nil || most == nil {
		return FailureWarning{}, malformed(operation("AuthFailureWarning"), "a part is missing")
	}
	return FailureWarning{*on, *period, *most}, nil
}

// SetAuthFailureWarning sets when the device warns of failed logins.
//
//onvif:op SetAuthFailureWarningConfiguration
func (c *Client) SetAuthFailureWarning(ctx context.Context, w FailureWarning) (camsec.Change, error) {
	return c.write(ctx, "SetAuthFailureWarning", func(m *message) {
		m.bool("tds:Enabled", w.Enabled)
		m.int("tds:MonitorPeriod", w.MonitorPeriod)
		m.int("tds:MaxAuthFailures", w.MaxFailures)
	}, func(ctx context.Context) (bool, error) {
		now, err := c.AuthFailureWarning(ctx)
		return now == w, err
	})
}

// FailureWarningOptions are the values that a [FailureWarning] may have; nil
// is not told.
type FailureWarningOptions struct{ MonitorPeriod, MaxFailures *Range }

// AuthFailureWarningOptions reads the values that a warning may have.
//
//onvif:op GetAuthFailureWarningOptions
func (c *Client) AuthFailureWarningOptions(ctx context.Context) (FailureWarningOptions, error) {
	r, err := c.call(ctx, "AuthFailureWarningOptions", nil)
	if err != nil {
		return FailureWarningOptions{}, err
	}
	return FailureWarningOptions{rangeOf(r.Child("MonitorPeriodRange")), rangeOf(r.Child("AuthFailureRange"))}, nil
}

// SetHashingAlgorithms sets which hash algorithms HTTP digest offers: MD5,
// SHA-256. There is no way to read them but the next challenge, so that is
// what the proof rests on. A device without MD5 cuts off clients that know
// nothing else: prove your recorders first.
//
//onvif:op SetHashingAlgorithm
func (c *Client) SetHashingAlgorithms(ctx context.Context, algorithms ...string) (camsec.Change, error) {
	if len(algorithms) == 0 {
		return notApplied(errors.New("onvif: SetHashingAlgorithm: no algorithm given"))
	}
	return c.write(ctx, "SetHashingAlgorithms", func(m *message) {
		m.text("tds:Algorithm", strings.Join(algorithms, " "))
	}, func(ctx context.Context) (bool, error) {
		ch, err := c.Challenge(ctx)
		return err == nil && sameSet(ch.Algorithms, algorithms), err
	})
}

// CheckPassword holds a password against what the device tells of its rules,
// before anything is sent: its longest, its complexity. The error matches
// [camsec.ErrWeakPassword] and says which rule. What a device does not tell is
// not checked.
func (c *Client) CheckPassword(ctx context.Context, user string, password camsec.Secret) error {
	caps, err := c.ServiceCapabilities(ctx)
	if err != nil && !answered(err) {
		return err
	}
	rules := PasswordRules{}
	if hasWord(caps.SecurityPolicies, "PasswordComplexity") {
		if rules, err = c.PasswordComplexity(ctx); err != nil && !answered(err) {
			return err
		}
	}
	secret := password.Reveal()
	defer clear(secret)
	if why := rules.breach(user, string(secret)); why != "" {
		return fmt.Errorf("onvif: password: %s: %w", why, camsec.ErrWeakPassword)
	}
	if caps.MaxPasswordLength != nil && *caps.MaxPasswordLength > 0 && len(secret) > *caps.MaxPasswordLength {
		return fmt.Errorf("onvif: password: longer than the %d bytes that the device takes: %w", *caps.MaxPasswordLength, camsec.ErrWeakPassword)
	}
	return nil
}

// answered tells an error that is an answer all the same: the device has no
// such operation, or forbids it, or is not understood.
func answered(err error) bool {
	switch camsec.ReasonOf(err) {
	case camsec.ReasonNotOffered, camsec.ReasonForbidden, camsec.ReasonUnparsable, camsec.ReasonNotReadable:
		return true
	}
	return false
}

func hasWord(list []string, word string) bool {
	for _, w := range list {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// breach names the first rule that a password breaks, "" if it keeps all.
func (p PasswordRules) breach(user, password string) string {
	var upper, digit, special int
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsDigit(r):
			digit++
		case !unicode.IsLetter(r):
			special++
		}
	}
	for _, rule := range []struct {
		want *int
		have int
		what string
	}{
		{p.MinLen, len([]rune(password)), "characters"},
		{p.Uppercase, upper, "upper-case letters"},
		{p.Number, digit, "digits"},
		{p.SpecialChars, special, "special characters"},
	} {
		if rule.want != nil && rule.have < *rule.want {
			return fmt.Sprintf("the device asks for %d %s", *rule.want, rule.what)
		}
	}
	if p.BlockUsername != nil && *p.BlockUsername && user != "" && strings.Contains(strings.ToLower(password), strings.ToLower(user)) {
		return "the device forbids the user's name in it"
	}
	return ""
}

// ProvePassword logs in anew with a credential, over a session of its own and
// on the client's budget. Nil means that the device accepts it;
// [camsec.ErrUnauthorized] that it does not. It costs at most one failed login.
func (c *Client) ProvePassword(ctx context.Context, user string, password camsec.Secret) error {
	fresh := &Client{
		base: c.base, target: c.target, account: user, plain: c.plain, budget: c.budget, timeouts: c.timeouts,
		now: c.now, rand: c.rand, readOnly: true, hasCred: true, idle: func() {}, proving: make(chan struct{}, 1),
	}
	fresh.proving <- struct{}{}
	fresh.token = &usernameToken{c: fresh}
	var err error
	fresh.authed, err = auth.NewTransport(auth.TransportOptions{
		Base: c.plain, Target: c.target, Account: camsec.Account{Store: camsec.StoreONVIF, Name: user},
		Source: auth.Static(user, password), Budget: c.budget, Now: c.now, Rand: c.rand, Message: fresh.token,
	})
	if err != nil {
		return fmt.Errorf("onvif: %w", err)
	}
	if _, err = fresh.DeviceInformation(ctx); err != nil {
		return err
	}
	if !fresh.authed.LoggedIn() {
		return fmt.Errorf("onvif: the device asks for no login, so it proves none: %w", errors.ErrUnsupported)
	}
	return nil
}
