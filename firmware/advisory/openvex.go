package advisory

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// VEXOptions say who makes an OpenVEX document, and when. All fields are
// required but ID.
type VEXOptions struct {
	Author string    // a person or organisation, as OpenVEX has it
	Time   time.Time // when the statements are made
	ID     string    // IRI of the document; empty makes one from its content
}

// The form is OpenVEX 0.2.0, https://openvex.dev/ns/v0.2.0.
type vexDocument struct {
	Context    string         `json:"@context"`
	ID         string         `json:"@id"`
	Author     string         `json:"author"`
	Timestamp  string         `json:"timestamp"`
	Version    int            `json:"version"`
	Tooling    string         `json:"tooling"`
	Statements []vexStatement `json:"statements"`
}

type vexStatement struct {
	Vulnerability struct {
		Name string `json:"name"`
	} `json:"vulnerability"`
	Products []vexProduct `json:"products"`
	Status   string       `json:"status"`
	Notes    string       `json:"status_notes,omitempty"`
	Impact   string       `json:"impact_statement,omitempty"`
	Action   string       `json:"action_statement,omitempty"`
}

type vexProduct struct {
	ID string `json:"@id"`
}

// WriteOpenVEX writes one OpenVEX 0.2.0 document: for each vulnerability and
// status the firmware of those models that it is said of. Devices of one
// maker, model and firmware are one product, named by a generic package URL;
// nothing in the document names a device. [Affected] becomes "affected",
// [NotAffected] "not_affected" with the deciding sentence, and both
// [PossiblyAffected] and [Unknown] become "under_investigation".
//
// A device of which neither model nor firmware is known is left out, since
// a statement needs a product. Without an author or time it writes nothing.
func WriteOpenVEX(w io.Writer, devices []Matched, o VEXOptions) error {
	if o.Author == "" || o.Time.IsZero() {
		return errors.New("advisory: an OpenVEX document needs an author and a time")
	}
	doc := vexDocument{
		Context: "https://openvex.dev/ns/v0.2.0", Author: o.Author, Version: 1,
		Timestamp: o.Time.UTC().Format(time.RFC3339), Tooling: "camsec", Statements: statements(devices),
	}
	if doc.ID = o.ID; doc.ID == "" {
		b, err := json.Marshal(doc)
		if err != nil {
			return fmt.Errorf("advisory: write OpenVEX: %w", err)
		}
		sum := sha256.Sum256(b)
		doc.ID = "https://openvex.dev/docs/public/vex-" + hex.EncodeToString(sum[:])
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("advisory: write OpenVEX: %w", err)
	}
	return nil
}

func statements(devices []Matched) []vexStatement {
	out := []vexStatement{}
	at := map[string]int{}
	for _, d := range devices {
		for _, f := range d.Findings {
			id := productID(d.Inventory, f.Channel)
			if id == "" {
				continue
			}
			s := f.statement()
			key := s.Vulnerability.Name + "\n" + s.Status + "\n" + s.Impact + "\n" + s.Notes
			i, ok := at[key]
			if !ok {
				i = len(out)
				at[key] = i
				out = append(out, s)
			}
			if p := (vexProduct{id}); !slices.Contains(out[i].Products, p) {
				out[i].Products = append(out[i].Products, p)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b vexStatement) int {
		return cmp.Or(cmp.Compare(a.Vulnerability.Name, b.Vulnerability.Name), cmp.Compare(a.Status, b.Status))
	})
	return out
}

func (f Finding) statement() vexStatement {
	var s vexStatement
	s.Vulnerability.Name = f.ID
	switch f.Status {
	case Affected:
		s.Status, s.Notes = "affected", f.Reason
		s.Action = f.action()
	case NotAffected:
		s.Status, s.Impact = "not_affected", f.Reason
	default:
		s.Status, s.Notes = "under_investigation", f.Reason
		if f.Conflict != "" {
			s.Notes += "; " + f.Conflict
		}
	}
	return s
}

// action says what an owner can do, which a statement of "affected" needs.
func (f Finding) action() string {
	if f.EndOfLife {
		return "The source says that no fix is to come: replace the device, or keep it off networks that it need not be on."
	}
	for _, fix := range f.Fixed {
		if v := strings.TrimSpace(fix.Version + " " + fix.Build); v != "" {
			return "Install firmware " + tidy(v) + " or later for this model, once its origin is verified."
		}
	}
	return "Install the maker's fixed firmware for this model, once its origin is verified."
}

// productID is a package URL for the firmware of a model.
func productID(inv camsec.Inventory, channel string) string {
	vendor, model, fw := firmware.VendorKey(inv.Vendor), inv.Model, inv.Firmware
	if channel != "" {
		i := slices.IndexFunc(inv.Channels, func(c camsec.Channel) bool { return c.ID == channel })
		if i < 0 {
			return ""
		}
		c := inv.Channels[i]
		vendor, model, fw = makerOf(c), c.Model, c.Firmware
	}
	version := cmp.Or(fw.Version, fw.Raw)
	if model == "" || version == "" {
		return ""
	}
	id := "pkg:generic/"
	if vendor != "" {
		id += segment(vendor) + "/"
	}
	id += segment(model) + "@" + segment(version)
	q := url.Values{}
	if fw.Build != "" {
		q.Set("build", clip(fw.Build))
	}
	if fw.Platform != "" {
		q.Set("platform", clip(fw.Platform))
	}
	if len(q) > 0 {
		id += "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	}
	return id
}

func segment(s string) string { return strings.ReplaceAll(url.QueryEscape(clip(s)), "+", "%20") }
