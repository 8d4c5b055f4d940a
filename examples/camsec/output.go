package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
)

// An errorJSON is why a device could not be read. Codes are [camsec.Reason]s.
type errorJSON struct {
	Code      camsec.Reason `json:"code"`
	Message   string        `json:"message"`
	Retryable bool          `json:"retryable"`
	Until     *time.Time    `json:"until,omitempty"`
	Pin       string        `json:"pin,omitempty"` // the key that was not trusted
}

func errorOf(err error) *errorJSON {
	if err == nil {
		return nil
	}
	p := camsec.ProblemOf(err)
	e := &errorJSON{Code: p.Code, Message: p.Message, Retryable: p.Retryable}
	if a, ok := errors.AsType[*auth.Error](err); ok && !a.Until.IsZero() {
		until := a.Until.UTC()
		e.Until = &until
	}
	if u, ok := errors.AsType[*trust.UntrustedError](err); ok {
		e.Pin = u.Pin
	}
	return e
}

type firmwareJSON struct {
	Raw      *string `json:"raw"`
	Version  *string `json:"version"`
	Build    *string `json:"build"`
	Released *string `json:"released"`
}

// orNull keeps what is unknown from reading as an empty answer.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func firmwareOf(f camsec.Firmware) *firmwareJSON {
	if f == (camsec.Firmware{}) {
		return nil
	}
	return &firmwareJSON{orNull(f.Raw), orNull(f.Version), orNull(f.Build), orNull(f.Released)}
}

type protocolJSON struct {
	Protocol     string       `json:"protocol"`
	Port         int          `json:"port"`
	AccountStore camsec.Store `json:"accountStore"`
}

type channelJSON struct {
	ID       string        `json:"id"`
	Via      *string       `json:"via"`
	Address  *string       `json:"address"`
	Model    *string       `json:"model"`
	Serial   *string       `json:"serial"`
	Firmware *firmwareJSON `json:"firmware"`
	Name     string        `json:"name,omitempty"`
	Group    string        `json:"group,omitempty"`
	Online   camsec.State  `json:"online"`
}

// A deviceJSON is a device in the inventory's document, and the first part of
// one in the audit's. What is not known is null.
type deviceJSON struct {
	// Schema and Run stand only where the device is a document of its own.
	Schema string `json:"schema,omitempty"`
	Run    string `json:"run,omitempty"`

	Address   string            `json:"address"`
	ID        *string           `json:"id"`
	Scope     string            `json:"scope,omitempty"`
	Via       string            `json:"via,omitempty"` // the id of the recorder it is behind, as the inventory says
	Labels    map[string]string `json:"labels,omitempty"`
	Protocols []protocolJSON    `json:"protocols"`
	Trust     string            `json:"trust,omitempty"`
	Vendor    *string           `json:"vendor"`
	Model     *string           `json:"model"`
	Serial    *string           `json:"serial"`
	MAC       *string           `json:"mac"`
	Firmware  *firmwareJSON     `json:"firmware"`
	Type      *string           `json:"type"`
	Channels  []channelJSON     `json:"channels"`
	// ChannelsError says why channels is null.
	ChannelsError *camsec.Problem `json:"channelsError,omitempty"`
	Error         *errorJSON      `json:"error"`
}

func deviceOf(v visit) deviceJSON {
	t := v.target
	d := deviceJSON{Address: t.Address, ID: orNull(t.ID), Scope: t.Scope, Via: t.Labels["via"], Labels: t.Labels, Error: errorOf(v.err)}
	if v.snap == nil {
		return d
	}
	inv := v.snap.Inventory
	d.Trust = v.snap.Trust
	d.Vendor, d.Model, d.Serial = orNull(inv.Vendor), orNull(inv.Model), orNull(inv.Serial)
	d.MAC, d.Type, d.Firmware = orNull(inv.MAC), orNull(inv.Type), firmwareOf(inv.Firmware)
	d.ChannelsError = inv.ChannelsErr
	if v.err == nil && v.snap.Protocol != "" {
		d.Protocols = protocolsOf(v.snap.Protocol, t.port)
	}
	for _, c := range inv.Channels {
		d.Channels = append(d.Channels, channelJSON{
			ID: c.ID, Via: orNull(c.Via), Address: orNull(c.Address), Model: orNull(c.Model), Serial: orNull(c.Serial),
			Firmware: firmwareOf(c.Firmware), Name: c.Name, Group: c.Group, Online: c.Online,
		})
	}
	return d
}

// explainTrust tells people how an untrusted key can be accepted.
func explainTrust(e *env, v visit) {
	u, ok := errors.AsType[*trust.UntrustedError](v.err)
	if !ok || u.Pin == "" {
		return
	}
	e.warn("%s: not trusted, so no credential was sent. If %s is its key, accept it with -pin %s (or keep keys in a file: camsec trust -o FILE, then -pins FILE)",
		clean(v.target.Address), u.Pin, u.Pin)
}

// or shows what is unknown as such.
func or(s *string, other string) string {
	if s == nil {
		return other
	}
	return clean(*s)
}

// Text renders the version for people.
func (f *firmwareJSON) Text() string {
	switch {
	case f == nil:
		return "unknown"
	case f.Version == nil:
		return or(f.Raw, "unknown")
	case f.Build == nil:
		return or(f.Version, "unknown")
	}
	return clean(*f.Version) + " build " + clean(*f.Build)
}

func writeInventoryTable(w io.Writer, devices []deviceJSON) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tw, "ADDRESS\tMODEL\tFIRMWARE\tSERIAL\tTYPE\tNOTE")
	for _, d := range devices {
		note := ""
		switch {
		case d.Error != nil:
			note = string(d.Error.Code) + ": " + clean(d.Error.Message)
		case len(d.Channels) > 0:
			note = fmt.Sprintf("%d channels", len(d.Channels))
		}
		row(tw, clean(d.Address), or(d.Model, "unknown"), d.Firmware.Text(), or(d.Serial, "unknown"), or(d.Type, "unknown"), note)
		for _, c := range d.Channels {
			row(tw, "  channel "+clean(c.ID), or(c.Model, "unknown"), c.Firmware.Text(), or(c.Serial, "unknown"), "", or(c.Address, ""))
		}
	}
	return tw.Flush()
}

func row(w io.Writer, cells ...string) { _, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) }

func writeInventoryCSV(w io.Writer, devices []deviceJSON) error {
	cw := csv.NewWriter(w)
	put := func(fields ...string) {
		for i, f := range fields {
			fields[i] = cell(f)
		}
		_ = cw.Write(fields)
	}
	put("address", "id", "scope", "via", "channel", "vendor", "model", "serial", "mac", "firmware", "version", "build", "released", "type", "error", "message")
	parts := func(f *firmwareJSON) [4]string {
		if f == nil {
			return [4]string{}
		}
		return [4]string{or(f.Raw, ""), or(f.Version, ""), or(f.Build, ""), or(f.Released, "")}
	}
	for _, d := range devices {
		code, message := "", ""
		if d.Error != nil {
			code, message = string(d.Error.Code), d.Error.Message
		}
		f := parts(d.Firmware)
		put(d.Address, or(d.ID, ""), d.Scope, d.Via, "", or(d.Vendor, ""), or(d.Model, ""), or(d.Serial, ""), or(d.MAC, ""), f[0], f[1], f[2], f[3], or(d.Type, ""), code, message)
		for _, c := range d.Channels {
			f := parts(c.Firmware)
			put(or(c.Address, ""), "", d.Scope, or(d.ID, d.Address), c.ID, "", or(c.Model, ""), or(c.Serial, ""), "", f[0], f[1], f[2], f[3], "", "", "")
		}
	}
	cw.Flush()
	return cw.Error()
}
