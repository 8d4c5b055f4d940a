package camsec

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes one JSON document: its schema "camsec.report/1", the note that results are
// evidence and no certificate, and the reports under "devices". Characters
// that HTML gives a meaning are escaped. The error is the writer's.
func (rs Reports) WriteJSON(w io.Writer, opts *ReportOptions) error {
	doc := struct {
		Schema  string    `json:"schema"`
		Note    string    `json:"note"`
		About   about     `json:"about"`
		Devices []*Report `json:"devices"`
	}{reportSchema, evidenceNote, opts.orDefaults().about(), append([]*Report{}, rs.present()...)}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("camsec: write JSON report: %w", err)
	}
	return nil
}
