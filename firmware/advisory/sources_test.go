package advisory_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

const (
	csafDoc = `{"document":{"category":"csaf_security_advisory","csaf_version":"2.0","title":"Two cameras",
	 "publisher":{"name":"A Cert"},"references":[{"category":"self","url":"https://cert.example/1"}],
	 "tracking":{"id":"CERT-1","initial_release_date":"2025-03-01T00:00:00Z","current_release_date":"2025-04-02T00:00:00Z"}},
	"product_tree":{"branches":[{"category":"vendor","name":"Hangzhou Hikvision Digital","branches":[
	 {"category":"product_name","name":"DS-2CD9xx1 Series","branches":[
	  {"category":"product_version_range","name":"<=5.5.0 build 200101","product":{"product_id":"P1","name":"one"}},
	  {"category":"product_version","name":"5.5.1 build 200601","product":{"product_id":"P2","name":"fixed"}}]},
	 {"category":"product_name","name":"DS-2CD9xx2 Series","branches":[
	  {"category":"product_version_range","name":"<=5.5.0 build 200101","product":{"product_id":"P3","name":"two"}}]},
	 {"category":"product_name","name":"Firmware","branches":[
	  {"category":"product_version","name":"6.1","product":{"product_id":"F","name":"fw"}}]},
	 {"category":"product_name","name":"DS-2CD9000","product":{"product_id":"H","name":"hw"}}]}],
	 "relationships":[{"category":"installed_on","full_product_name":{"product_id":"R","name":"fw on hw"},
	  "product_reference":"F","relates_to_product_reference":"H"}]},
	"vulnerabilities":[
	 {"cve":"CVE-2025-0001","cwe":{"id":"CWE-77","name":"Command injection"},
	  "product_status":{"known_affected":["P1","P3"],"fixed":["P2"],"under_investigation":["R"]},
	  "scores":[{"cvss_v3":{"baseScore":9.8},"products":["P1"]}],
	  "remediations":[{"category":"no_fix_planned","details":"The product is end-of-life.","product_ids":["P3"]}]},
	 {"title":"No number","product_status":{"known_affected":["P1"]}}]}`

	cveDoc = `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"CVE-2025-0001","state":"PUBLISHED",
	 "datePublished":"2025-02-01T00:00:00Z","dateUpdated":"2025-05-01T00:00:00Z"},
	"containers":{"cna":{"providerMetadata":{"shortName":"hik"},"title":"Injection",
	 "affected":[{"vendor":"Hikvision","product":"DS-2CD9xx1","versions":[
	  {"version":"0","status":"affected","lessThan":"V5.5.0_build200101","versionType":"custom"},
	  {"version":"V5.6.0","status":"unaffected"}]}],
	 "metrics":[{"cvssV3_1":{"baseScore":8.8}}],"references":[{"url":"https://maker.example/1"}]},
	"adp":[{"providerMetadata":{"shortName":"CISA-ADP"},"affected":[{"vendor":"n/a","product":"n/a"}]}]}}`

	kevDoc = `{"title":"KEV","catalogVersion":"2025.06.01","dateReleased":"2025-06-01T10:00:00Z","count":2,"vulnerabilities":[
	 {"cveID":"CVE-2025-0001","vendorProject":"Hikvision","product":"Multiple Products","vulnerabilityName":"Hikvision injection","dateAdded":"2025-05-30","shortDescription":"x","requiredAction":"Apply"},
	 {"cveID":"CVE-2025-0002","vendorProject":"Acme","product":"CAM-100 Cameras","vulnerabilityName":"Acme thing","dateAdded":"2025-05-31","shortDescription":"The product is end-of-life (EoL).","requiredAction":"Discontinue"}]}`

	epssDoc = "#model_version:v2025.03.14,score_date:2025-06-02T00:00:00+0000\ncve,epss,percentile\nCVE-1999-0001,0.01,0.5\nCVE-2025-0001,0.94321,0.999\n"
)

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func folder(t *testing.T) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"csaf/cert-1.json":              {Data: []byte(csafDoc)},
		"csaf/cert-1.json.asc":          {Data: []byte("signature")},
		"csaf/cert-1.json.sha512":       {Data: []byte("sum")},
		"cves/2025/CVE-2025-0001.json":  {Data: []byte(cveDoc)},
		"kev.json.gz":                   {Data: gzipped(t, kevDoc)},
		"epss_scores-2025-06-02.csv.gz": {Data: gzipped(t, epssDoc)},
		"package.json":                  {Data: []byte(`{"name":"other"}`)},
	}
}

func byID(db *advisory.DB, id string) (advisory.Advisory, bool) {
	all := db.Advisories()
	i := slices.IndexFunc(all, func(a advisory.Advisory) bool { return a.ID == id })
	if i < 0 {
		return advisory.Advisory{}, false
	}
	return all[i], true
}

func TestLoadFS(t *testing.T) {
	db, err := advisory.LoadFS(folder(t))
	require.NoError(t, err)
	assert.Equal(t, "2025-06-01", db.AsOf().Format("2006-01-02"))
	assert.Len(t, db.Advisories(), 3)

	a, ok := byID(db, "CVE-2025-0001")
	require.True(t, ok)
	assert.Equal(t, "hikvision", a.Vendor)
	assert.Equal(t, "2025-02-01", a.Published, "the earliest day told")
	assert.InDelta(t, 9.8, a.CVSS, 0, "the highest score told")
	assert.Equal(t, []string{"CERT-1"}, a.Aliases)
	assert.Equal(t, []string{"https://cert.example/1", "https://maker.example/1"}, a.References)
	require.NotNil(t, a.KnownExploited)
	assert.Equal(t, "2025-05-30", a.KnownExploited.DateAdded)
	assert.Equal(t, &advisory.EPSS{Score: 0.94321, Percentile: 0.999, Date: "2025-06-02"}, a.EPSS)
	require.Len(t, a.Fixed, 1)
	assert.Equal(t, "5.5.1 build 200601", a.Fixed[0].Version)
	for _, r := range a.Affected {
		assert.NotEqual(t, "kev", r.Source, "the catalogue's row gives way to those with ranges")
	}
	_, ok = byID(db, "CERT-1#2")
	assert.True(t, ok, "a vulnerability without a number")

	find := func(inv camsec.Inventory, id string) advisory.Finding {
		for _, f := range db.Match(inv) {
			if f.ID == id {
				return f
			}
		}
		t.Fatalf("no finding for %s", id)
		return advisory.Finding{}
	}
	f := find(hik("DS-2CD9011", "V5.4.0", "190101", ""), "CVE-2025-0001")
	assert.Equal(t, advisory.Affected, f.Status, f.Reason)
	assert.False(t, f.EndOfLife)
	assert.NotNil(t, f.EPSS)
	f = find(hik("DS-2CD9012", "V5.4.0", "190101", ""), "CVE-2025-0001")
	assert.Equal(t, advisory.Affected, f.Status, f.Reason)
	assert.True(t, f.EndOfLife)
	f = find(hik("DS-2CD9011", "V5.5.0", "200101", ""), "CVE-2025-0001")
	assert.Equal(t, advisory.PossiblyAffected, f.Status, "at the border the sources disagree: %s", f.Reason)
	assert.Contains(t, f.Conflict, "CVE record says otherwise")
	f = find(hik("DS-2CD9000", "V6.1", "", ""), "CVE-2025-0001")
	assert.Equal(t, advisory.PossiblyAffected, f.Status, "under investigation")
	f = find(other("Acme", "CAM-100", "1.0"), "CVE-2025-0002")
	assert.Equal(t, advisory.PossiblyAffected, f.Status)
	assert.True(t, f.EndOfLife && f.KnownExploited)
}

func TestLoadFSNamesBrokenFilesAndKeepsTheRest(t *testing.T) {
	for name, bad := range map[string]string{
		"cut.json":       csafDoc[:300],
		"nameless.json":  `{"document":{"csaf_version":"2.0"}}`,
		"deep.json":      `{"document":{"csaf_version":"2.0","tracking":{"id":"X"}},"product_tree":{"branches":[` + strings.Repeat(`{"branches":[`, 40) + strings.Repeat(`]}`, 40) + `]}}`,
		"record.json":    `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"2025"}}`,
		"catalogue.json": `{"catalogVersion":"1","vulnerabilities":[{"cveID":"X"}]}`,
		"old.json":       `{"schema":"camsec.advisories/0"}`,
		"scores.csv":     "cve,epss,percentile\nCVE-2025-0001,1.5,0\n",
		"other.csv":      "a,b,c\n",
		"short.csv":      "#only a comment",
		"ragged.csv":     "cve,epss,percentile\nCVE-2025-0001\n",
		"packed.json.gz": "not gzip",
	} {
		t.Run(name, func(t *testing.T) {
			fsys := folder(t)
			fsys[name] = &fstest.MapFile{Data: []byte(bad)}
			db, err := advisory.LoadFS(fsys)
			var e *advisory.Error
			require.ErrorAs(t, err, &e)
			assert.ErrorIs(t, err, camsec.ErrMalformed)
			assert.Contains(t, err.Error(), name)
			require.NotNil(t, db)
			assert.Len(t, db.Advisories(), 3)
		})
	}
	_, err := advisory.LoadFS(fstest.MapFS{"a.txt": {Data: []byte("x")}})
	require.ErrorIs(t, err, camsec.ErrMalformed)
}

func TestLoadFSPassesOverRejectedRecords(t *testing.T) {
	fsys := folder(t)
	fsys["cves/2025/CVE-2025-9999.json"] = &fstest.MapFile{Data: []byte(`{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2025-9999","state":"REJECTED"}}`)}
	db, err := advisory.LoadFS(fsys)
	require.NoError(t, err)
	_, ok := byID(db, "CVE-2025-9999")
	assert.False(t, ok)
}

func TestMergeKeepsBothAndItsArguments(t *testing.T) {
	loaded, err := advisory.LoadFS(folder(t))
	require.NoError(t, err)
	before := len(advisory.Embedded().Advisories())
	db := advisory.Merge(advisory.Embedded(), nil, loaded)
	assert.Len(t, db.Advisories(), before+3)
	assert.Equal(t, loaded.AsOf(), db.AsOf(), "the older day")
	assert.Len(t, advisory.Embedded().Advisories(), before)
	again := advisory.Merge(db, loaded, advisory.Embedded())
	assert.Equal(t, db.Advisories(), again.Advisories(), "what is equal stands once")
}

// The recorded documents of CISA load whole, and their oddities are read.
func TestRecordedCSAF(t *testing.T) {
	recorded(t)
	db, err := advisory.LoadFS(os.DirFS(filepath.Join(os.Getenv("CAMSEC_RECORDINGS"), "firmware", "csaf")))
	require.NoError(t, err)
	documents := map[string]bool{}
	for _, a := range db.Advisories() {
		for _, alias := range a.Aliases {
			documents[alias] = true
		}
	}
	assert.Len(t, documents, 17)

	for _, tt := range []struct {
		what string
		inv  camsec.Inventory
		id   string
		want advisory.Status
	}{
		{"two borders with builds", hik("DS-2CD2032F-I", "V5.3.0", "150513", ""), "CVE-2017-7921", advisory.Affected},
		{"above the upper border", hik("DS-2CD2032F-I", "V5.4.0", "160531", ""), "CVE-2017-7921", advisory.NotAffected},
		{"a space in the model", hik("DS-2CD4A26FWD-IZS", "V5.3.0", "150513", ""), "CVE-2017-7921", advisory.Affected},
		{"models in the version's place", other("Dahua", "IPC-HDW1220S", "2.400.0000.0.R"), "CVE-2017-7927", advisory.Affected},
		{"models in the version's place, other maker", other("Honeywell", "HEN32204", "1.0"), "CVE-2019-13523", advisory.Affected},
		{"vers:all", other("Xiongmai", "NBD7804", "4.02.R11.24340142.10001.131900.00000"), "CVE-2017-16725", advisory.PossiblyAffected},
		{"a file name for a version", other("AVTECH", "AVM1203", "FullImg-1023-1007-1011-1009"), "CVE-2024-7029", advisory.Affected},
		{"after that file", other("AVTECH", "AVM1203", "FullImg-1024-1008-1012-1010"), "CVE-2024-7029", advisory.NotAffected},
		{"a family, a model and an installed firmware", other("Mobotix", "M24M", "MX-V4.1.4.11"), "CVE-2023-34873", advisory.Affected},
		{"the same model, unlisted firmware", other("Mobotix", "M24M", "MX-V4.7.2.18"), "CVE-2023-34873", advisory.NotAffected},
		{"up to and including", hik("DS-K1T804AF", "V1.4.0", "221212", ""), "CVE-2023-28809", advisory.Affected},
		{"a product code", other("Uniview", "NVR301-04S2-P4", "NVR-B3801.20.17.240507"), "CVE-2024-3850", advisory.NotAffected},
		{"end of life", other("Zavio", "CF7500", "M2.1.6.05"), "CVE-2023-4249", advisory.Affected},
	} {
		t.Run(tt.what, func(t *testing.T) {
			var got *advisory.Finding
			for _, f := range db.Match(tt.inv) {
				if f.ID == tt.id {
					got = &f
				}
			}
			require.NotNil(t, got)
			assert.Equal(t, tt.want, got.Status, got.Reason)
			assert.Equal(t, tt.what == "end of life", got.EndOfLife)
		})
	}

	// With the embedded facts beside it, what the two say differently shows.
	for _, f := range advisory.Merge(advisory.Embedded(), db).Match(hik("DS-K1T804AF", "V1.4.0", "221212", "")) {
		if f.ID == "CVE-2023-28809" {
			assert.Equal(t, advisory.PossiblyAffected, f.Status)
			assert.NotEmpty(t, f.Conflict)
		}
	}
}
