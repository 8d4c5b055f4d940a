package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/camsec/camsec/firmware"
)

// A matchJSON is what match -json prints for one device: the one file that is
// for it, or null and why.
type matchJSON struct {
	Address    string          `json:"address"`
	ID         *string         `json:"id"`
	Vendor     *string         `json:"vendor"`
	Model      *string         `json:"model"`
	Version    *string         `json:"version"`
	File       *string         `json:"file"`
	Reason     string          `json:"reason"`
	Candidates []candidateJSON `json:"candidates"`
}

// A candidateJSON is what became of one file for one device. Files for other
// makers are left out.
type candidateJSON struct {
	File   string `json:"file"`
	Fits   bool   `json:"fits"`
	Reason string `json:"reason"`
}

type matchDocument struct {
	Schema  string      `json:"schema"`
	Devices []matchJSON `json:"devices"`
	Exit    exitJSON    `json:"exit"`
}

func runMatch(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("firmware match", "")
	var a anchorFlags
	a.add(f)
	inventory := f.String("inventory", "", "the devices, a CSV `FILE` as camsec inventory -csv writes it; the columns vendor, model, version, build, platform and language count")
	dir := f.String("images", "", "the firmware files, in `DIR`; signatures stand beside them as NAME.minisig, .p7s or .sig")
	asJSON := f.Bool("json", false, "print one JSON document")
	rest, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if len(rest) > 0 || *inventory == "" || *dir == "" {
		return exit{}, usageErr(errors.New("match needs -inventory FILE and -images DIR, and takes no arguments"))
	}
	p, err := a.policy()
	if err != nil {
		return exit{}, err
	}
	targets, err := listedDevices(*inventory)
	if err != nil {
		return exit{}, err
	}
	images, err := readImages(ctx, e, *dir, p)
	if err != nil {
		return exit{}, err
	}
	doc := matchDocument{Schema: "camsec.firmware.match/1", Devices: []matchJSON{}}
	without := 0
	for _, t := range targets {
		m := matchDevice(t, images)
		if m.File == nil {
			without++
		}
		doc.Devices = append(doc.Devices, m)
	}
	x := exit{exitOK, "there is one file for every device"}
	if without > 0 {
		x = exit{exitUnknown, fmt.Sprintf("for %d of %d devices there is not one file", without, len(doc.Devices))}
	}
	doc.Exit = exitJSON{x.code, x.because}
	if *asJSON {
		return x, printJSON(e.stdout, doc)
	}
	return x, writeMatches(e.stdout, doc.Devices)
}

// listedDevices reads an inventory; nothing of it is ever visited.
func listedDevices(name string) ([]*target, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usageErr(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := readInventory(f, name)
	return rows, usageErr(err)
}

// A matchImage is one file of the folder. Its report is made once, without a
// device; each device is held against what it claims.
type matchImage struct {
	name   string
	report *firmware.Report
	claims firmware.Claims
	// proven says that an owner's countersignature vouches for the claims.
	statement *firmware.Statement
	broken    string // why the file is of no use
}

// signatureEndings are the endings of signatures that stand beside an image.
var signatureEndings = []string{".minisig", ".p7s", ".sig"}

func readImages(ctx context.Context, e *env, dir string, p firmware.Policy) ([]*matchImage, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usageErr(err)
	}
	var out []*matchImage
	for _, d := range entries {
		if !d.Type().IsRegular() || slices.Contains(signatureEndings, filepath.Ext(d.Name())) {
			continue
		}
		m, err := readImage(ctx, e, filepath.Join(dir, d.Name()), p)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, usageErr(fmt.Errorf("%s: no file in it", dir))
	}
	return out, nil
}

func readImage(ctx context.Context, e *env, name string, p firmware.Policy) (*matchImage, error) {
	in, err := openImage(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	ev := &firmware.Evidence{}
	for _, end := range signatureEndings {
		data, err := smallFile(name + end)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if end == ".sig" && firmware.SignatureScheme(data) == "" {
			continue // bare bytes: nothing says how they were made
		}
		ev.Signatures = append(ev.Signatures, firmware.Signature{Name: name + end, Data: data})
	}
	r, err := in.verify(ctx, e, p, ev)
	if err != nil {
		return nil, err
	}
	m := &matchImage{name: filepath.Base(name), report: r, claims: r.Image.Claims, statement: r.Authenticity.Statement}
	switch {
	case r.Integrity.Status == firmware.IntegrityBroken:
		m.broken = "the file is broken: " + r.Integrity.Reason
	case demands(p) && r.Verdict != firmware.Accepted:
		m.broken = r.Verdict.String() + ": " + strings.Join(r.Because, "; ")
	case r.Authenticity.Status == firmware.AuthenticityInvalid:
		m.broken = "the signature is invalid: " + r.Authenticity.Reason
	}
	m.named()
	return m, nil
}

func demands(p firmware.Policy) bool { return len(p.Keys)+len(p.Roots)+len(p.Digests) > 0 }

// named completes the claims from the statement, or else from the name that a
// maker gave the file. A name is a claim like the others, and never outdoes
// what the file itself says.
func (m *matchImage) named() {
	c := &m.claims
	if pkg, err := firmware.ParsePackage(m.name); err == nil {
		c.Vendor = orElse(c.Vendor, firmware.Hikvision)
		c.Platform = orElse(c.Platform, pkg.Platform)
		c.Language = orElse(c.Language, pkg.Language)
		if c.Version == "" {
			c.Version, c.Build = pkg.Version.Number(), pkg.Version.Build
		}
	}
	if st := m.statement; st != nil {
		c.Vendor = orElse(st.Vendor, c.Vendor)
		c.Platform = orElse(st.Platform, c.Platform)
		c.Language = orElse(st.Language, c.Language)
		if st.Version != "" {
			c.Version, c.Build = st.Version, st.Build
		}
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func writeMatches(w io.Writer, devices []matchJSON) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(tw, "ADDRESS", "MODEL", "VERSION", "FILE", "WHY")
	for _, d := range devices {
		row(tw, clean(d.Address), or(d.Model, "unknown"), or(d.Version, "unknown"), or(d.File, "none"), clean(d.Reason))
		if d.File != nil {
			continue
		}
		for _, c := range d.Candidates {
			row(tw, "", "", "", clean(c.File), clean(c.Reason))
		}
	}
	return tw.Flush()
}
