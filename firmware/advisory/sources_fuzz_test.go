package advisory_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

// Whatever a document holds, loading ends in a dataset or a typed error, and
// what was loaded can be matched.
func FuzzLoadFS(f *testing.F) {
	for _, doc := range []string{csafDoc, cveDoc, kevDoc, `{"schema":"camsec.advisories/1","asOf":"2026-01-02"}`, "[]"} {
		f.Add([]byte(doc), []byte(epssDoc))
	}
	f.Fuzz(func(t *testing.T, doc, scores []byte) {
		db, err := advisory.LoadFS(fstest.MapFS{"a.json": {Data: doc}, "b.csv": {Data: scores}})
		if err != nil {
			require.ErrorIs(t, err, camsec.ErrMalformed)
		}
		if db == nil {
			require.Error(t, err)
			return
		}
		for _, inv := range []camsec.Inventory{hik("DS-2CD9011", "V5.4.0", "190101", ""), other("Acme", "CAM-100", "1.0"), {}} {
			for _, f := range db.Match(inv) {
				require.NotEmpty(t, f.Reason)
			}
		}
	})
}
