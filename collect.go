package camsec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// snapshotSchema names the JSON form of a [Snapshot].
const snapshotSchema = "camsec.snapshot/1"

// A Snapshot is all that one visit learned of a device. It holds no secret,
// serialises to versioned JSON, and can be judged at any later time.
type Snapshot struct {
	Schema    string    `json:"schema"` // written by itself
	Target    Target    `json:"target"`
	TakenAt   time.Time `json:"takenAt"` // UTC, our clock
	Protocol  string    `json:"protocol,omitempty"`
	Inventory Inventory `json:"inventory"`
	// Trust names how the device's identity was accepted, when it was by
	// anything weaker than a verified certificate: "pinned", "insecure-tls",
	// "plain-http", "legacy-tls". Empty is unknown.
	Trust      string     `json:"trust,omitempty"`
	LoginState LoginState `json:"loginState"`
	Users      []User     `json:"users,omitempty"`
	Settings   []Setting  `json:"settings,omitempty"`
	// Errors say what could not be read, by part: inventory, users,
	// settings, loginState. A part that is not here was read.
	Errors map[string]*Problem `json:"errors,omitempty"`
}

// MarshalJSON writes the versioned form that [ReadSnapshot] reads.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	type plain Snapshot
	s.Schema = snapshotSchema
	return json.Marshal(plain(s))
}

// Setting finds a setting by id. What the device did not report is a setting
// with [ReasonNotReadable]; it is never a zero Setting.
func (s *Snapshot) Setting(id string) Setting {
	for _, v := range s.Settings {
		if v.ID == id {
			return v
		}
	}
	p := s.Errors["settings"]
	if p == nil {
		p = s.Errors["inventory"]
	}
	if p == nil {
		p = &Problem{Code: ReasonNotReadable, Message: "not read over this protocol"}
	}
	return Setting{ID: id, Err: p}
}

// CollectOptions are the optional settings of [Collect]; nil means defaults.
type CollectOptions struct {
	Target   Target
	Protocol string           // name of the driver's protocol, for the record
	Trust    string           // see [Snapshot]
	Now      func() time.Time // nil means time.Now
}

// Collect reads everything that dev offers. It changes nothing and spends no
// login that it need not: when the inventory is refused, untrusted or locked
// it asks nothing else. The error is the inventory's; the snapshot is good
// for judging also then, with everything unknown. What else could not be
// read stands in [Snapshot.Errors].
func Collect(ctx context.Context, dev Device, opts *CollectOptions) (*Snapshot, error) {
	if opts == nil {
		opts = &CollectOptions{}
	}
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	s := &Snapshot{
		Schema: snapshotSchema, Target: opts.Target, TakenAt: now().UTC(),
		Protocol: opts.Protocol, Trust: opts.Trust, Errors: map[string]*Problem{},
	}
	inv, err := dev.Inventory(ctx)
	s.Inventory = inv
	if err != nil {
		s.Errors["inventory"] = ProblemOf(err)
		switch ReasonOf(err) {
		case ReasonNotOffered, ReasonForbidden, ReasonUnparsable:
			// The device talks to us: the rest may still be readable.
		default:
			return s, err
		}
	}
	note := func(part string, err error) {
		if err == nil {
			return
		}
		p := ProblemOf(err)
		if errors.Is(err, errors.ErrUnsupported) {
			p.Code = ReasonNotReadable
		}
		s.Errors[part] = p
	}
	if r, ok := As[LoginStateReader](dev); ok {
		var e error
		s.LoginState, e = r.LoginState(ctx)
		note("loginState", e)
	}
	var e error
	s.Users, e = Users(ctx, dev)
	note("users", e)
	s.Settings, e = Settings(ctx, dev)
	note("settings", e)
	return s, err
}

// ReadSnapshot reads one snapshot of at most 16 MiB from JSON.
func ReadSnapshot(r io.Reader) (*Snapshot, error) {
	const limit = 16 << 20
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("camsec: read snapshot: %w", err)
	}
	if len(b) > limit {
		return nil, fmt.Errorf("camsec: read snapshot: over 16 MiB: %w", ErrMalformed)
	}
	var s Snapshot
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("camsec: read snapshot: %w: %w", ErrMalformed, err)
	}
	if s.Schema != snapshotSchema {
		return nil, fmt.Errorf("camsec: read snapshot: schema %q, want %q: %w", printable(s.Schema), snapshotSchema, ErrMalformed)
	}
	return &s, nil
}
