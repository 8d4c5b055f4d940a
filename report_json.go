package camsec

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes one JSON document: its schema, the note that results are
// evidence and no certificate, and the reports under "devices". Characters
// that HTML gives a meaning are escaped. The error is the writer's.
func WriteJSON(w io.Writer, reports []*Report) error {
	doc := struct {
		Schema  string    `json:"schema"`
		Note    string    `json:"note"`
		Devices []*Report `json:"devices"`
	}{ReportSchema, evidenceNote, append([]*Report{}, present(reports)...)}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("camsec: write JSON report: %w", err)
	}
	return nil
}
