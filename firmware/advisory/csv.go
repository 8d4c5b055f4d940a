package advisory

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A Matched is a device with what [DB.Match] found for it, for handing on.
type Matched struct {
	Target    camsec.Target
	Inventory camsec.Inventory
	Findings  []Finding
}

// WriteCSV writes a line for each finding of each device, under a heading. A
// device without findings has one line with an empty status: nothing is known
// of it, which is not the same as safe. A cell that a spreadsheet would take
// for a formula gets an apostrophe in front, and control characters are
// dropped. The error is the writer's.
func WriteCSV(w io.Writer, devices []Matched) error {
	cw := csv.NewWriter(w)
	line := func(cells ...string) {
		for i, c := range cells {
			cells[i] = cell(c)
		}
		_ = cw.Write(cells) // asked for below
	}
	line("scope", "address", "id", "channel", "vendor", "model", "serial", "firmware", "vulnerability", "title",
		"status", "known_exploited", "end_of_life", "cvss", "epss", "reason", "conflict", "source")
	for _, d := range devices {
		model := func(f Finding) (string, string, string) {
			for _, c := range d.Inventory.Channels {
				if f.Channel != "" && c.ID == f.Channel {
					return c.Model, c.Serial, firmwareText(c.Firmware)
				}
			}
			return d.Inventory.Model, d.Inventory.Serial, firmwareText(d.Inventory.Firmware)
		}
		if len(d.Findings) == 0 {
			m, s, fw := model(Finding{})
			line(d.Target.Scope, d.Target.Address, d.Target.ID, "", d.Inventory.Vendor, m, s, fw, "", "", "", "", "", "", "", "no advisory is known for this maker", "", "")
		}
		for _, f := range d.Findings {
			m, s, fw := model(f)
			line(d.Target.Scope, d.Target.Address, d.Target.ID, f.Channel, d.Inventory.Vendor, m, s, fw, f.ID, f.Title,
				f.Status.String(), strconv.FormatBool(f.KnownExploited), ifTrue(f.EndOfLife), number(f.CVSS), f.likelihood(),
				f.Reason, f.Conflict, f.Source)
		}
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		return fmt.Errorf("advisory: write CSV: %w", err)
	}
	return nil
}

func firmwareText(f camsec.Firmware) string {
	if f.Raw != "" {
		return f.Raw
	}
	return strings.TrimSpace(f.Version + " " + f.Build)
}

func (f Finding) likelihood() string {
	if f.EPSS == nil {
		return ""
	}
	return strconv.FormatFloat(f.EPSS.Score, 'f', -1, 64)
}

// ifTrue leaves unknown empty.
func ifTrue(b bool) string {
	if b {
		return "true"
	}
	return ""
}

func number(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// cell makes a text that no spreadsheet calculates.
func cell(s string) string {
	s = untrusted.Clean(s)
	if led := strings.TrimLeft(s, " \u00a0\u3000"); led != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(led)[0]) {
		return "'" + s
	}
	return s
}
