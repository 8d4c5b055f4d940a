package advisory

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asDataset writes advisories in the form that Load reads.
func asDataset(t *testing.T, all ...Advisory) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"schema": Schema, "asOf": "2026-01-02", "advisories": all})
	require.NoError(t, err)
	return string(b)
}

func everyModel() Row { return Row{Patterns: []string{"*"}} }

// What a dataset may hold: as much as the limit is read, and no more.
func TestLimitsOfADataset(t *testing.T) {
	limit := func(name string, most int, make func(n int) Advisory, want string) {
		t.Helper()
		_, err := Load(strings.NewReader(asDataset(t, make(most))))
		require.NoError(t, err, name)
		_, err = Load(strings.NewReader(asDataset(t, make(most+1))))
		require.ErrorContains(t, err, want, name)
	}
	one := func(r Row) Advisory { return Advisory{ID: "X-1", Vendor: "acme", Affected: []Row{r}} }
	word := func(n int) string { return strings.Repeat("9", n) }
	limit("rows", maxRows, func(n int) Advisory {
		a := Advisory{ID: "X-1", Vendor: "acme"}
		for range n {
			a.Affected = append(a.Affected, everyModel())
		}
		return a
	}, "no rows, or too many")
	limit("id", maxString, func(n int) Advisory { return Advisory{ID: word(n), Vendor: "acme", Affected: []Row{everyModel()}} }, "id or title too long")
	limit("title", maxString, func(n int) Advisory {
		return Advisory{ID: "X-1", Vendor: "acme", Title: word(n), Affected: []Row{everyModel()}}
	}, "id or title too long")
	limit("patterns", maxList, func(n int) Advisory { return one(Row{Patterns: slices.Repeat([]string{"A1"}, n)}) }, "a row is too long")
	limit("models", maxList, func(n int) Advisory {
		return one(Row{Patterns: []string{"*"}, Models: slices.Repeat([]string{"A1"}, n)})
	}, "a row is too long")
	limit("constraints", maxList, func(n int) Advisory {
		r := everyModel()
		for range n {
			r.Range = append(r.Range, Constraint{Field: "version", Op: "<", Value: "2"})
		}
		return one(r)
	}, "a row is too long")
	limit("pattern", maxString, func(n int) Advisory { return one(Row{Patterns: []string{word(n)}}) }, "a pattern is empty or too long")

	all := make([]Advisory, maxAdvisories+1)
	for i := range all {
		all[i] = Advisory{ID: time.Duration(i).String(), Vendor: "acme", Affected: []Row{everyModel()}}
	}
	_, err := newDB(time.Now(), all[:maxAdvisories])
	require.NoError(t, err)
	_, err = newDB(time.Now(), all)
	require.ErrorContains(t, err, "too many advisories")
	_, err = newDB(time.Now(), []Advisory{all[0], all[0]})
	require.ErrorContains(t, err, "there twice")

	doc := asDataset(t, one(everyModel()))
	_, err = Load(strings.NewReader(doc + strings.Repeat(" ", maxDataset-len(doc))))
	require.NoError(t, err)
	_, err = Load(strings.NewReader(doc + strings.Repeat(" ", maxDataset+1-len(doc))))
	require.ErrorContains(t, err, "over 16 MiB")
}

// Words that are longer than a dataset takes are read as what they are not.
func TestLimitsOfWords(t *testing.T) {
	long := strings.Repeat("9", maxString)
	assert.Equal(t, long, clip(long))
	assert.Equal(t, long[:maxString-len("…")]+"…", clip(long+"9"))
	assert.Len(t, clip(strings.Repeat("門", 200)), maxString-2, "no character is cut in two")

	assert.False(t, readNames("acme", long).vague)
	assert.True(t, readNames("acme", long+"9").vague)

	rng, ok := readRange("acme", "< 1."+strings.Repeat("0", 200))
	assert.True(t, ok)
	assert.Len(t, rng, 1)
	spaces := strings.Repeat(" ", maxString-len("<2"))
	_, ok = readRange("acme", "<"+spaces+"2")
	assert.True(t, ok)
	_, ok = readRange("acme", "<"+spaces+" 2")
	assert.False(t, ok)

	assert.True(t, day("2026-01").IsZero())
	assert.Equal(t, "2026-01-02", day("2026-01-02").Format(time.DateOnly))
	assert.Equal(t, "2026-01-02", day("2026-01-02T03:04:05Z").Format(time.DateOnly))
	assert.True(t, day("02.01.2026").IsZero())
}

// A score lies between nought and one, both included.
func TestScores(t *testing.T) {
	wanted := map[string]bool{"CVE-2025-0001": true}
	for text, want := range map[string]bool{"0,0": true, "1,1": true, "0.5,0.5": true, "-0.1,0": false, "0,-0.1": false, "1.1,1": false, "1,1.1": false, "NaN,0": false, "0,NaN": false, "x,0": false, "0,x": false} {
		_, err := readEPSS(strings.NewReader("cve,epss,percentile\nCVE-2025-0001,"+text+"\n"), wanted)
		assert.Equal(t, want, err == nil, text)
	}
	for comment, want := range map[string]string{
		"#score_date:2025-06-02T00:00:00+0000\n": "2025-06-02",
		"#score_date:2025-06-02\n":               "2025-06-02",
		"#score_date:2025-06-0\n":                "",
		"#score_date:no\n":                       "",
		"#score_date:02.06.2025\n":               "",
		"#nothing\n":                             "",
		"":                                       "",
	} {
		got, err := readEPSS(strings.NewReader(comment+"cve,epss,percentile\nCVE-2025-0001,0.5,0.5\n"), wanted)
		require.NoError(t, err, comment)
		assert.Equal(t, want, got["CVE-2025-0001"].Date, comment)
	}
}

// Of several files of scores the newest counts, whatever it is called.
func TestNewestScores(t *testing.T) {
	scores := func(day, score string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("#score_date:" + day + "\ncve,epss,percentile\nCVE-2025-0001," + score + ",0.5\n")}
	}
	db, err := LoadFS(fstest.MapFS{
		"a.json": {Data: []byte(asDataset(t, Advisory{ID: "CVE-2025-0001", Vendor: "acme", Affected: []Row{everyModel()}}))},
		"1.csv":  scores("2025-06-02", "0.2"), "2.csv": scores("2025-06-03", "0.3"), "3.csv": scores("2025-06-01", "0.1"),
	})
	require.NoError(t, err)
	require.NotNil(t, db.Advisories()[0].EPSS)
	assert.InDelta(t, 0.3, db.Advisories()[0].EPSS.Score, 0)
}

// The tree of products may be nested so deep, and no deeper.
func TestLimitOfAProductTree(t *testing.T) {
	doc := func(depth int) []byte {
		return []byte(`{"document":{"csaf_version":"2.0","tracking":{"id":"X"}},"product_tree":{"branches":[` +
			strings.Repeat(`{"branches":[`, depth) + `{"product":{"product_id":"P"}}` + strings.Repeat(`]}`, depth) + `]}}`)
	}
	_, _, err := readCSAF(doc(maxDepth))
	require.NoError(t, err)
	_, _, err = readCSAF(doc(maxDepth + 1))
	require.ErrorContains(t, err, "nested too deep")
}

// A document brings at most four references, and only such that can be
// followed safely.
func TestReferences(t *testing.T) {
	var doc csafDocument
	doc.Document.References = []csafReference{{"external", "https://a.example/0"}, {"self", "http://a.example/1"}, {"self", "https://a.example/2"}, {"self", "https://a.example/3"}, {"self", "https://a.example/4"}, {"self", "https://a.example/5"}, {"self", "https://a.example/6"}}
	a := doc.advisory(&csafVulnerability{}, 0, "acme")
	assert.Equal(t, []string{"https://a.example/2", "https://a.example/3", "https://a.example/4", "https://a.example/5"}, a.References)

	var rec cveRecord
	for _, u := range []string{"http://a.example/1", "https://a.example/2", "https://a.example/3", "https://a.example/4", "https://a.example/5", "https://a.example/6"} {
		rec.Containers.CNA.References = append(rec.Containers.CNA.References, struct {
			URL string `json:"url"`
		}{u})
	}
	assert.Equal(t, a.References, rec.advisory("acme").References)
}
