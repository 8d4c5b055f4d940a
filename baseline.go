package camsec

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// baselineSchema names the JSON form of a [Baseline].
const baselineSchema = "camsec.baseline/1"

// A Baseline is what an owner expects of devices: which controls are asked,
// what is declared for them to be held against, and what is accepted for a
// while. The zero Baseline asks every control and declares nothing.
//
// Its JSON form is a file of the owner's, read by [ReadBaseline].
type Baseline struct {
	Name string `json:"name,omitempty"`
	// Level leaves out the controls of higher levels, which then answer
	// [NotApplicable]: 1 is for every site, 2
	// is hardened, 3 is for high security. 0 means 3. Controls that have no
	// level are always asked.
	Level int `json:"level,omitempty"`
	// Also are ids of controls to ask although their level is higher.
	Also []string `json:"also,omitempty"`
	// NotApplicable are ids of controls that have no meaning at this site,
	// each with the reason, which the report gives.
	NotApplicable map[string]string `json:"notApplicable,omitempty"`

	// Accounts are the names that may exist on a device, in whichever store;
	// without them ACC-08 stays unknown.
	Accounts []string `json:"accounts,omitempty"`
	// ONVIFAccounts are the names that may exist for ONVIF, where the device
	// keeps those apart, beside Accounts.
	ONVIFAccounts []string `json:"onvifAccounts,omitempty"`
	// Consumers are the accounts that recorders and VMS log in with.
	Consumers []string `json:"consumers,omitempty"`
	// ChannelAccounts are the names that a recorder may log in to its cameras
	// with.
	ChannelAccounts []string `json:"channelAccounts,omitempty"`
	// TimeServers, Gateways and NameServers are those that devices may use,
	// as the devices write them.
	TimeServers []string `json:"timeServers,omitempty"`
	Gateways    []string `json:"gateways,omitempty"`
	NameServers []string `json:"nameServers,omitempty"`
	// InUse are settings that somebody needs on, each with who: "service.cloud":
	// "owner's app until the VPN is there". A control that wants them off
	// passes, and says so.
	InUse map[string]string `json:"inUse,omitempty"`

	// Approved returns the snapshot of a device that the owner approved, nil
	// if there is none, for FW-09 to find what changed since.
	Approved func(Target) *Snapshot `json:"-"`

	// Waivers accept failing controls for a while.
	Waivers []Waiver `json:"waivers,omitempty"`
}

// A Waiver accepts a failing control: who answers for it, until when, and
// why. All three are required; a waiver that lacks one is of no effect.
type Waiver struct {
	Control string `json:"control"`
	// Device is the [Target.Key] of the device it is for. "site/" is every
	// device of that scope, and empty every device.
	Device string    `json:"device,omitempty"`
	Owner  string    `json:"owner"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // from then on it is of no effect
}

// Apply returns the controls as the baseline has them asked, in the same
// order. Their own kinds do not matter: those of outsiders are selected and
// waived like the built-in ones. One that the baseline leaves out answers
// [NotApplicable] and says so, since a report that kept silent about it would
// seem to have asked. The baseline must not change afterwards.
func (b *Baseline) Apply(controls []Control) []Control {
	var out []Control
	for _, c := range controls {
		if c != nil {
			out = append(out, expected{c, b})
		}
	}
	return out
}

// leavesOut says why a control is not asked; "" if it is.
func (b *Baseline) leavesOut(c Control) string {
	if why, ok := b.NotApplicable[c.ID()]; ok {
		return "not applicable by the baseline: " + why
	}
	most := cmp.Or(b.Level, 3)
	if level, ok := levelOf(c); ok && level > most && !slices.Contains(b.Also, c.ID()) {
		return fmt.Sprintf("not asked: it is of level %d and the baseline of level %d", level, most)
	}
	return ""
}

// expected is a control under a baseline.
type expected struct {
	Control
	baseline *Baseline
}

// Unwrap returns the control below, for its optional methods.
func (e expected) Unwrap() Control { return e.Control }

// Judge answers as the baseline has it: not applicable, held against what is
// declared, or waived.
func (e expected) Judge(s *Snapshot, now time.Time) Verdict {
	if s == nil {
		s = &Snapshot{}
	}
	if why := e.baseline.leavesOut(e.Control); why != "" {
		return Verdict{Status: NotApplicable, Reason: why}
	}
	var v Verdict
	if own, ok := e.Control.(*control); ok {
		v = own.ask(s, now, e.baseline)
	} else {
		v = e.Control.Judge(s, now)
	}
	if v.Status != Fail {
		return v
	}
	for _, w := range e.baseline.Waivers {
		if w.Control == e.ID() && w.covers(s.Target) && w.holds(now) {
			v.Status = Waived
			v.Reason = fmt.Sprintf("waived by %s until %s: %s (found: %s)",
				w.Owner, w.Until.UTC().Format(time.DateOnly), w.Reason, v.Reason)
			break
		}
	}
	return v
}

func (w Waiver) holds(now time.Time) bool {
	return w.Owner != "" && w.Reason != "" && now.Before(w.Until)
}

func (w Waiver) covers(t Target) bool {
	key := t.Key()
	return w.Device == "" || w.Device == key || strings.HasSuffix(w.Device, "/") && strings.HasPrefix(key, w.Device)
}

// ReadBaseline reads one baseline of at most 4 MiB from JSON. A field or
// value that has no meaning is an error, since an owner would otherwise
// believe in a rule that nobody applies; it matches [ErrMalformed].
func ReadBaseline(r io.Reader) (*Baseline, error) {
	const limit = 4 << 20
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("camsec: read baseline: %w", err)
	}
	if len(raw) > limit {
		return nil, fmt.Errorf("camsec: read baseline: over 4 MiB: %w", ErrMalformed)
	}
	doc := struct {
		Schema string `json:"schema"`
		Baseline
	}{}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("camsec: read baseline: %w: %w", ErrMalformed, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("camsec: read baseline: more than one document: %w", ErrMalformed)
	}
	if doc.Schema != baselineSchema {
		return nil, fmt.Errorf("camsec: read baseline: schema %q, want %q: %w", printable(doc.Schema), baselineSchema, ErrMalformed)
	}
	if err := doc.check(); err != nil {
		return nil, fmt.Errorf("camsec: read baseline: %w: %w", ErrMalformed, err)
	}
	return &doc.Baseline, nil
}

// check finds what a reader of the file would not notice.
func (b *Baseline) check() error {
	var errs []error
	if b.Level < 0 || b.Level > 3 {
		errs = append(errs, fmt.Errorf("level %d is not 1, 2 or 3", b.Level))
	}
	for id, why := range b.NotApplicable {
		if strings.TrimSpace(why) == "" {
			errs = append(errs, fmt.Errorf("notApplicable: %q has no reason", printable(id)))
		}
	}
	for id, who := range b.InUse {
		switch {
		case settingKinds[id] != kindBool && !strings.HasPrefix(id, "x-"):
			errs = append(errs, fmt.Errorf("inUse: %q is no switch", printable(id)))
		case strings.TrimSpace(who) == "":
			errs = append(errs, fmt.Errorf("inUse: %q does not say by whom", printable(id)))
		}
	}
	for i, w := range b.Waivers {
		if w.Control == "" || w.Owner == "" || w.Reason == "" || w.Until.IsZero() {
			errs = append(errs, fmt.Errorf("waiver %d: control, owner, reason and until are all required", i+1))
		}
	}
	return errors.Join(errs...)
}

// MarshalJSON writes the form that [ReadBaseline] reads.
func (b Baseline) MarshalJSON() ([]byte, error) {
	type plain Baseline
	return json.Marshal(struct {
		Schema string `json:"schema"`
		plain
	}{baselineSchema, plain(b)})
}
