package camsec_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/camsec/camsec"
)

// Whatever stands in a snapshot's file, judging and writing do not panic, the
// report's JSON is valid, and what was not read never passes.
func FuzzReadSnapshot(f *testing.F) {
	for _, c := range cases {
		b, err := json.Marshal(c.pass)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(`{"schema":"camsec.snapshot/1","errors":{"users":null},"settings":[{"id":"service.ssh","value":false,"error":{}}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		s, err := camsec.ReadSnapshot(strings.NewReader(doc))
		if err != nil {
			return
		}
		r := camsec.Judge(s, (&camsec.Baseline{Accounts: []string{"admin"}}).Apply(camsec.Controls()), day)
		var b bytes.Buffer
		reports := camsec.Reports{r}
		if err := reports.WriteJSON(&b, nil); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b.Bytes()) {
			t.Fatal("report is no JSON")
		}
		for _, write := range []func(io.Writer, *camsec.ReportOptions) error{reports.WriteTable, reports.WriteCSV, reports.WriteHTML} {
			if err := write(io.Discard, nil); err != nil {
				t.Fatal(err)
			}
		}
		if s.Setting("service.ssh").Known() {
			return
		}
		for _, res := range r.Results {
			if res.Control == "SVC-01" && res.Status != camsec.StatusUnknown {
				t.Fatalf("SSH was not read and is %s", res.Status)
			}
		}
	})
}
