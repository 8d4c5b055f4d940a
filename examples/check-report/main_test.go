package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// reports are of saved snapshots, of a device that was not reached, and of
// one that names itself in bad faith.
func reports(t *testing.T) camsec.Reports {
	t.Helper()
	files, err := filepath.Glob("../../isapi/testdata/v1-*.snapshots.jsonl")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	b := &camsec.Baseline{Accounts: []string{"admin"}, Waivers: []camsec.Waiver{
		{Control: "SVC-02", Owner: "Kim", Reason: "replaced in May", Until: day.AddDate(0, 1, 0)},
	}}
	controls := b.Apply(camsec.Controls())
	out := camsec.Reports{camsec.Judge(nil, nil, day), camsec.Judge(&camsec.Snapshot{
		Target:    camsec.Target{ID: "\x1b[2J", Address: "<script>", Labels: map[string]string{"a": "=1+1"}},
		Inventory: camsec.Inventory{Model: "\u202e\x00", Channels: []camsec.Channel{{ID: "1"}}},
		TakenAt:   day,
	}, controls, day)}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range bytes.Lines(raw) {
			s, err := camsec.ReadSnapshot(bytes.NewReader(line))
			require.NoError(t, err)
			out = append(out, camsec.Judge(s, controls, day))
		}
	}
	return out
}

func TestReportsKeepTheirSchemas(t *testing.T) {
	for _, opts := range []*camsec.ReportOptions{nil, {Customer: "N", Site: "S", Operator: "O", Ticket: "T", Redact: true, Language: "de"}} {
		var doc, lines, log bytes.Buffer
		require.NoError(t, reports(t).WriteJSON(&doc, opts))
		require.NoError(t, check(doc.Bytes(), "urn:camsec:report:1"))
		require.NoError(t, reports(t).WriteJSONL(&lines, opts))
		require.NoError(t, checkLines(lines.Bytes()))
		require.NoError(t, reports(t).WriteSARIF(&log, opts))
		require.NoError(t, checkSARIF(log.Bytes()))
	}
	var empty bytes.Buffer
	require.NoError(t, camsec.Reports{}.WriteSARIF(&empty, nil))
	require.NoError(t, checkSARIF(empty.Bytes()))
	empty.Reset()
	require.NoError(t, camsec.Reports{}.WriteJSON(&empty, nil))
	require.NoError(t, check(empty.Bytes(), "urn:camsec:report:1"))
}

func TestGoldensKeepTheirSchema(t *testing.T) {
	files, err := filepath.Glob("../../isapi/testdata/*.report.json")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, name := range files {
		assert.NoError(t, checkFile(name), name)
	}
}

// The checks notice what is wrong.
func TestChecksNotice(t *testing.T) {
	var doc, log bytes.Buffer
	require.NoError(t, reports(t).WriteJSON(&doc, nil))
	for _, change := range [][2]string{
		{`"status": "pass"`, `"status": "passed"`},
		{`"camsec.report/1"`, `"camsec.report/2"`},
		{`"devices"`, `"gadgets"`},
		{`"evidence": [`, `"proof": [`},
	} {
		changed := strings.Replace(doc.String(), change[0], change[1], 1)
		require.NotEqual(t, doc.String(), changed)
		assert.Error(t, check([]byte(changed), "urn:camsec:report:1"), change[1])
	}
	require.NoError(t, reports(t).WriteSARIF(&log, nil))
	assert.Error(t, checkSARIF([]byte(strings.Replace(log.String(), `"kind": "open"`, `"kind": "perhaps"`, 1))))
	assert.Error(t, checkFile(filepath.Join(t.TempDir(), "none.json")))
}
