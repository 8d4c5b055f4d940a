package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/camsec/camsec/firmware"
)

// An inspectJSON is what inspect -json prints.
type inspectJSON struct {
	Schema string `json:"schema"`
	File   string `json:"file"`
	*firmware.Image
	Error *string  `json:"error"`
	Exit  exitJSON `json:"exit"`
}

func runInspect(_ context.Context, e *env, args []string) (exit, error) {
	f := newFlags("firmware inspect", "FILE")
	asJSON := f.Bool("json", false, "print one JSON document")
	name, err := f.oneFile(args)
	if err != nil {
		return exit{}, err
	}
	in, err := openImage(name)
	if err != nil {
		return exit{}, err
	}
	defer func() { _ = in.Close() }()
	m, err := firmware.Inspect(in, in.size)
	x := exit{exitOK, "the file was read; nothing in it was verified"}
	var broken *string
	if fe, ok := errors.AsType[*firmware.FormatError](err); ok {
		x = exit{exitFindings, fe.Error()}
		broken = &x.because
	} else if err != nil {
		return exit{}, err
	}
	if *asJSON {
		return x, printJSON(e.stdout, inspectJSON{"camsec.firmware.inspect/1", name, m, broken, exitJSON{x.code, x.because}})
	}
	return x, writeImage(e.stdout, name, m)
}

func writeImage(w io.Writer, name string, m *firmware.Image) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(tw, "file", clean(name))
	row(tw, "format", m.Format)
	row(tw, "size", fmt.Sprint(m.Size))
	c := m.Claims
	for _, p := range [][2]string{
		{"vendor", c.Vendor},
		{"models", strings.Join(c.Models, ", ")},
		{"platform", c.Platform},
		{"language", c.Language},
		{"device class", c.DeviceClass},
		{"hardware", strings.Join(c.Hardware, ", ")},
		{"version", c.Version},
		{"build", c.Build},
		{"released", c.Released},
		{"description", c.Description},
	} {
		if p[1] != "" {
			row(tw, p[0], clean(p[1])+" (claimed)")
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	row(tw, "\nOFFSET", "LENGTH", "PART", "KIND")
	for _, p := range m.Parts {
		kind := p.Kind
		if p.Opaque {
			kind += ", not looked into"
		}
		row(tw, fmt.Sprint(p.Offset), fmt.Sprint(p.Length), clean(p.Name), clean(kind))
	}
	for _, s := range m.Signatures {
		row(tw, fmt.Sprint(s.Offset), fmt.Sprint(s.Length), "signature", clean(strings.TrimPrefix(s.Scheme+": "+s.Note, ": ")))
	}
	for _, u := range m.Uncovered {
		row(tw, fmt.Sprint(u.Offset), fmt.Sprint(u.Length), "no sum, digest or signature covers", clean(u.What))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, n := range m.Notes {
		_, _ = fmt.Fprintf(w, "note: %s\n", clean(n))
	}
	return nil
}
