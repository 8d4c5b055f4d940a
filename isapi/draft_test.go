package isapi

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

func draftOf(t *testing.T, body string) (*draft, error) {
	t.Helper()
	resp := &wire.Response{Status: http.StatusOK, Header: http.Header{}, Body: []byte(body)}
	doc, err := parse(resp, wire.Small())
	if err != nil {
		return nil, err
	}
	return newDraft(operation("SSH"), resp, doc)
}

// A document that is not edited goes back byte by byte as it came.
func TestDraftKeepsBytes(t *testing.T) {
	for _, body := range []string{
		`<?xml version="1.0" encoding="UTF-8"?>` + "\n<SSH version=\"2.0\" xmlns=\"urn:x\">\n<enabled>true</enabled>\n</SSH>\n",
		`<?xml version="1.0" encoding="UTF-8" ?><a><b/><c></c><d> </d></a>`,
		"<?xml version='1.0'?>\r\n<a x='1'>\r\n\t<b y='&lt;&amp;'>it's &gt; \"that\"</b>\r\n</a>\r\n",
		`<a><b>it&apos;s &quot;q&quot;</b></a>`,
		`<a><!-- kept --><b><![CDATA[<raw> & more]]></b></a>`,
		`<x:a xmlns:x="urn:x"><x:b x:c="d">1</x:b></x:a>`,
		`<a>Gerät „Tor“ 门</a>`,
		`{ "A" : { "b":true,  "c": [1, 2] } }`,
	} {
		d, err := draftOf(t, body)
		require.NoError(t, err, body)
		got, err := d.body()
		require.NoError(t, err)
		assert.Equal(t, body, string(got))
	}
}

// The same of what real devices answered, but for those whose line ends are mixed.
func TestDraftKeepsRecordings(t *testing.T) {
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("CAMSEC_RECORDINGS is not set")
		}
		t.Skip("CAMSEC_RECORDINGS is not set")
	}
	read, kept := 0, 0
	require.NoError(t, filepath.WalkDir(filepath.Join(dir, "isapi"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".xml") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		d, err := draftOf(t, string(b))
		if err != nil {
			return nil //nolint:nilerr // a document that is not edited
		}
		got, err := d.body()
		if err != nil {
			return err
		}
		read++
		if string(got) == strings.TrimPrefix(string(b), "\uFEFF") {
			kept++
		} else {
			t.Logf("not kept: %s", filepath.Base(path))
		}
		return nil
	}))
	t.Logf("%d of %d documents are given back as they came", kept, read)
	assert.Greater(t, read, 250)
	assert.GreaterOrEqual(t, kept*100, read*97, "those with mixed line ends are not")
}

// What cannot be given back as it came is not edited.
func TestDraftRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"not UTF-8": "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><SSH><name>Ger\xe4t</name></SSH>",
		"followed":  "<SSH><enabled>true</enabled></SSH><more/>",
		"NUL":       "<SSH><enabled>true\x00</enabled></SSH>",
		"NUL first": "\x00<SSH><enabled>true</enabled></SSH>",
		"truncated": "<SSH><enabled>true</enabled>",
		"DTD":       "<!DOCTYPE a><SSH><enabled>true</enabled></SSH>",
		"deep":      strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70),
	} {
		_, err := draftOf(t, body)
		require.ErrorIs(t, err, camsec.ErrMalformed, name)
	}
}

func TestDraftEditsInPlace(t *testing.T) {
	d, err := draftOf(t, "<E>\n <x a='1'/>\n <enabled>1</enabled>\n <key></key>\n <password>******</password>\n <name>n</name>\n</E>")
	require.NoError(t, err)
	d.flag(d.root, "enabled", false)
	require.NoError(t, d.err)
	body, err := d.sendable(nil, nil)
	require.NoError(t, err)
	assert.Equal(t, "<E>\n <x a='1'/>\n <enabled>0</enabled>\n <name>n</name>\n</E>", string(body),
		"the device's own spelling, and no secret that it does not show")

	d.secret(d.root, "password", "enabled", camsec.NewSecret([]byte("a<b&c")))
	body, err = d.sendable(nil, nil)
	require.NoError(t, err)
	assert.Equal(t, "<E>\n <x a='1'/>\n <enabled>0</enabled>\n <password>a&lt;b&amp;c</password>\n <name>n</name>\n</E>", string(body))
	assert.False(t, d.settled())

	d.text(d.root, "missing", "x")
	require.ErrorContains(t, d.err, "no missing")

	for text, fits := range map[string]bool{
		"a b": true, " ": true, "a\tb": true, "\u00e4 \U0001F600": true,
		"a\x01b": false, "a\x1fb": false, "a\nb": false, "a\x7fb": false, "a\xffb": false, "\uFFFD": false, "\uFFFE": false, "\uFFFF": false,
	} {
		d, err = draftOf(t, "<E><name>n</name></E>")
		require.NoError(t, err)
		d.text(d.root, "name", text)
		require.Equal(t, fits, d.err == nil, "%q: what no document can carry is not sent", text)
	}
}

// Elements at the head of a document are taken out and put in as others are.
func TestDraftEditsTheFirstElement(t *testing.T) {
	for body, want := range map[string]string{
		"<E><key></key><name>n</name></E>":         "<E><name>n</name></E>",
		"<E>\n <key></key>\n <name>n</name>\n</E>": "<E>\n <name>n</name>\n</E>",
	} {
		d, err := draftOf(t, body)
		require.NoError(t, err)
		out, err := d.sendable(nil, nil)
		require.NoError(t, err)
		assert.Equal(t, want, string(out))
	}
	for body, want := range map[string]string{
		"<E>\n <name>n</name>\n</E>": "<E>\n <name>n</name>\n <key>k</key>\n</E>",
		"<E><name>n</name></E>":      "<E><name>n</name><key>k</key></E>",
		"<E><other/></E>":            "<E><other/><key>k</key></E>",
	} {
		d, err := draftOf(t, body)
		require.NoError(t, err)
		d.secret(d.root, "key", "name", camsec.NewSecret([]byte("k")))
		out, err := d.sendable(nil, nil)
		require.NoError(t, err)
		assert.Equal(t, want, string(out))
		assert.False(t, d.settled())
	}
}

func TestDraftOfJSON(t *testing.T) {
	const body = `{"A": {"list": ["noOperationEnabled", {"x": 1}], "noOperationEnabled":true , "noOperationTime": 10}}`
	d, err := draftOf(t, body)
	require.NoError(t, err)
	d.literal("noOperationEnabled", false)
	d.literal("noOperationTime", 5)
	require.NoError(t, d.err)
	assert.Equal(t, strings.NewReplacer(":true ", ":false ", "10", "5").Replace(body), string(d.json))
	d.literal("absent", 1)
	require.Error(t, d.err)
}

// Whatever a device answers, an edit ends, and what is not named stays.
func FuzzDraft(f *testing.F) {
	for _, seed := range []string{
		"<SSH><enabled>true</enabled></SSH>", "<a><b/><enabled x='1'> 0 </enabled></a>", `{"a":{"enabled":true}}`, "<a>&apos;</a>",
		"<a><![CDATA[x]]><!--c--></a>", "\uFEFF<a>\r\n</a>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d, err := draftOf(t, body)
		if err != nil {
			return
		}
		if d.doc == nil {
			d.literal("enabled", false)
			return
		}
		d.flag(d.root, "enabled", false)
		out, err := d.sendable(nil, nil)
		if err != nil {
			return
		}
		again, err := draftOf(t, string(out))
		if err != nil {
			t.Fatalf("what is sent does not read: %v", err)
		}
		if d.err == nil {
			again.flag(again.root, "enabled", false)
			if !again.settled() {
				t.Fatal("the edit does not hold in what is sent")
			}
		}
	})
}
