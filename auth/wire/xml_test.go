package wire_test

import (
	"encoding/binary"
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

func utf16LE(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func utf16BE(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return string(b)
}

func TestParseXMLTolerates(t *testing.T) {
	for _, tc := range []struct {
		name, doc, contentType string
		want                   string // text of <n>
		flags                  wire.Flags
	}{
		{name: "plain", doc: "<d><n>Gate</n></d>", want: "Gate"},
		{name: "case 87 invalid UTF-8", doc: "<d><n>G\xfft\xc3</n></d>", want: "G\uFFFDt\uFFFD", flags: wire.FlagReplaced},
		{name: "case 89 UTF-16 with BOM", doc: "\xff\xfe" + utf16LE(`<?xml version="1.0" encoding="UTF-16"?><d><n>Tür</n></d>`), want: "Tür"},
		{name: "case 89 UTF-16 without BOM", doc: utf16BE(`<d><n>Tür 😀</n></d>`), want: "Tür 😀"},
		{name: "case 89 says UTF-16, is not", doc: `<?xml version="1.0" encoding="UTF-16"?><d><n>Tür</n></d>`, want: "Tür"},
		{name: "case 90 BOM", doc: "\xef\xbb\xbf<?xml version=\"1.0\"?><d><n>Gate</n></d>", want: "Gate"},
		{name: "case 91 says UTF-8, is GBK", doc: "<?xml version=\"1.0\" encoding=\"UTF-8\"?><d><n>\xb4\xf3x</n></d>", want: "\uFFFD\uFFFDx", flags: wire.FlagReplaced},
		{name: "latin1", doc: "<?xml version='1.0' encoding='ISO-8859-1'?><d><n>T\xfcr</n></d>", want: "Tür"},
		{name: "case 91 says UTF-8, is Windows-1252", doc: "<d><n>\x80</n></d>", want: "\uFFFD", flags: wire.FlagReplaced},
		{name: "Windows-1252 under its other name", doc: "<?xml version='1.0' encoding='ISO-8859-1'?><d><n>\x80</n></d>", want: "€"},
		{name: "unknown charset that does not matter", doc: "<?xml version='1.0' encoding='x-none'?><d><n>Gate</n></d>", want: "Gate"},
		{name: "unknown charset", doc: "<?xml version='1.0' encoding='x-none'?><d><n>Tür</n></d>", want: "Tür", flags: wire.FlagCharset},
		{name: "case 92 white space first", doc: "\r\n \t<?xml version=\"1.0\"?>\r\n<d><n>Gate</n></d>", want: "Gate"},
		{name: "white space and a comment around the root", doc: "<!-- x -->\n <d><n>Gate</n></d> \n", want: "Gate"},
		{name: "case 93 NULs after", doc: "<d><n>Gate</n></d>\n\x00\x00\x00", want: "Gate", flags: wire.FlagTrailing},
		{name: "case 94 two documents", doc: "<d><n>Gate</n></d><?xml version=\"1.0\"?><d><n>EVIL</n></d>", want: "Gate", flags: wire.FlagTrailing},
		{name: "case 95 other namespace", doc: `<d xmlns="http://www.std-cgi.com/ver20/XMLSchema"><n>Gate</n></d>`, want: "Gate"},
		{name: "case 95 undeclared prefix", doc: `<p:d><p:n>Gate</p:n></p:d>`, want: "Gate"},
		{name: "case 96 element twice", doc: "<d><n>Gate</n><n>EVIL</n></d>", want: "Gate"},
		{name: "case 101 spaces", doc: "<d><n>" + strings.Repeat(" ", 1_000_000) + "Gate \n</n></d>", want: "Gate"},
		{name: "case 103 control characters", doc: "<d><n>a\x1b[31m\x00</n></d>", want: "a\uFFFD[31m\uFFFD", flags: wire.FlagReplaced},
		{name: "case 104 dots are text", doc: "<d><n>../../etc</n></d>", want: "../../etc"},
		{name: "case 105 reference to NUL", doc: "<d><n>a&#0;&#x1F;&#xD800;&#9999999999;b</n></d>", want: "a\uFFFD\uFFFD\uFFFD\uFFFDb", flags: wire.FlagReplaced},
		{name: "references that are fine", doc: "<d><n>&#65;&#x42;&amp;&lt;</n></d>", want: "AB&<"},
		{name: "case 106 same name deeper", doc: "<d><x><n>EVIL</n></x><n>Gate</n></d>", want: "Gate"},
		{name: "case 107 in a comment", doc: "<d><!-- <n>EVIL</n> --><n>Ga<!-- x -->te</n></d>", want: "Gate"},
		{name: "case 108 CDATA", doc: "<d><n> a <![CDATA[<b> ]]>&amp; c </n></d>", want: "a <b> & c"},
		{name: "case 114 declaration over Content-Type", doc: `<?xml version="1.0" encoding="UTF-8"?><d><n>Tür</n></d>`, contentType: "text/xml; charset=iso-8859-1", want: "Tür"},
		{name: "case 114 BOM over both", doc: "\xef\xbb\xbf" + `<?xml version="1.0" encoding="ISO-8859-1"?><d><n>Tür</n></d>`, contentType: "text/xml; charset=iso-8859-1", want: "Tür"},
		{name: "case 114 Content-Type alone", doc: "<d><n>T\xfcr</n></d>", contentType: "text/xml; charset=iso-8859-1", want: "Tür"},
		{name: "case 114 Content-Type broken", doc: "<d><n>Gate</n></d>", contentType: "text/xml; charset=a; charset=b", want: "Gate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := []byte(tc.doc)
			root, err := wire.ParseXML(in, tc.contentType, wire.Limits{})
			require.NoError(t, err)
			require.Equal(t, "d", root.Name)
			require.Equal(t, tc.want, root.Child("n").String())
			require.Equal(t, tc.flags, root.Flags)
			require.Equal(t, tc.doc, string(in), "the input was changed")
		})
	}
}

func TestParseXMLDecodesGBK(t *testing.T) {
	for name, label := range map[string]string{"case 88 GB2312": "GB2312", "case 88 GBK": "gbk"} {
		t.Run(name, func(t *testing.T) {
			// The last character is in GBK alone.
			root, err := wire.ParseXML([]byte("<?xml version='1.0' encoding='"+label+"'?><d>\xb4\xf3\xc3\xc5\xe9\x46</d>"), "", wire.Limits{})
			require.NoError(t, err)
			require.Equal(t, "大门镕", root.String())
			require.Zero(t, root.Flags)
		})
	}
}

func TestParseXMLRefuses(t *testing.T) {
	laughs := `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>`
	for _, tc := range []struct {
		name, doc, contentType string
		lim                    wire.Limits
		kind                   wire.Kind
	}{
		{name: "case 80 empty", kind: wire.KindEmpty},
		{name: "case 80 white space", doc: " \r\n\x00", kind: wire.KindEmpty},
		{name: "case 80 comment alone", doc: "<!-- x -->", kind: wire.KindEmpty},
		{name: "case 80 declaration alone", doc: `<?xml version="1.0"?>`, kind: wire.KindEmpty},
		{name: "case 81 cut between tags", doc: "<d><n>Gate</n>", kind: wire.KindTruncated},
		{name: "case 81 cut in a tag", doc: "<d><n>Gate</", kind: wire.KindTruncated},
		{name: "case 81 cut in a comment", doc: "<d><!-- ", kind: wire.KindTruncated},
		{name: "case 81 cut in a reference", doc: "<d>&#12", kind: wire.KindTruncated},
		{name: "case 81 cut after a reference", doc: "<d>&#0;", kind: wire.KindTruncated},
		{name: "case 81 cut in a declaration", doc: "<?xml version='1.0'", kind: wire.KindTruncated},
		{name: "case 81 cut in UTF-16", doc: "<\x00", kind: wire.KindTruncated},
		{name: "case 82 billion laughs", doc: laughs, kind: wire.KindDTD},
		{name: "case 83 external entity", doc: `<!DOCTYPE d SYSTEM "file:///etc/passwd"><d/>`, kind: wire.KindDTD},
		{name: "case 83 lower case", doc: `<!doctype d><d/>`, kind: wire.KindDTD},
		{name: "case 83 inside", doc: `<d><!ENTITY x "y"></d>`, kind: wire.KindDTD},
		{name: "case 84 depth", doc: strings.Repeat("<d>", 200_000), kind: wire.KindTooDeep},
		{name: "case 84 one over", doc: strings.Repeat("<d>", 65) + strings.Repeat("</d>", 65), kind: wire.KindTooDeep},
		{name: "case 85 attributes", doc: "<d" + strings.Repeat(" a='=>'", 200_000) + "/>", kind: wire.KindTooLarge},
		{name: "case 85 after a comment", doc: "<!-- x --><d" + strings.Repeat(" a=''", 257) + "/>", kind: wire.KindTooLarge},
		{name: "case 85 after an element", doc: "<d><e a=''/><e" + strings.Repeat(" a=''", 257) + "/></d>", kind: wire.KindTooLarge},
		{name: "case 86 text", doc: "<d>" + strings.Repeat("a", 2<<20) + "</d>", kind: wire.KindTooLarge},
		{name: "case 86 text in pieces", doc: "<d>" + strings.Repeat("aaaa<!-- -->", 300_000) + "</d>", kind: wire.KindTooLarge},
		{name: "case 86 document", doc: "<d>" + strings.Repeat("a", 2<<20) + "</d>", lim: wire.Small(), kind: wire.KindTooLarge},
		{name: "case 102 JSON", doc: ` {"statusCode": 4}`, kind: wire.KindContent},
		{name: "case 112 many items", doc: "<d>" + strings.Repeat("<i/>", 5000) + "</d>", lim: wire.Limits{Tokens: 9999}, kind: wire.KindTooLarge},
		{name: "namespaces", doc: strings.Repeat("<d"+strings.Repeat(" xmlns:a='u'", 250)+">", 5), kind: wire.KindTooLarge},
		{name: "html", doc: "<!DOCTYPE html>\n<html><body>login</body></html>", kind: wire.KindContent},
		{name: "html without doctype", doc: "<HTML><body><br></HTML>", kind: wire.KindContent},
		{name: "html after a comment", doc: "<!-- x --><html><br></html>", kind: wire.KindContent},
		{name: "html by its type", doc: "<center><br></center>", contentType: "text/html", kind: wire.KindContent},
		{name: "text", doc: "404 not found", kind: wire.KindContent},
		{name: "crossed ends", doc: "<d><n></d></n>", kind: wire.KindSyntax},
		{name: "end of another prefix", doc: "<a:d></b:d>", kind: wire.KindSyntax},
		{name: "an empty tag", doc: "<d><></d>", kind: wire.KindSyntax},
		{name: "text before the root", doc: "<!-- x --> text <d/>", kind: wire.KindSyntax},
		{name: "end first", doc: "</d>", kind: wire.KindSyntax},
		{name: "unknown entity", doc: "<d>&s3cret;</d>", kind: wire.KindSyntax},
		{name: "no markup", doc: "<d><1></d>", kind: wire.KindSyntax},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root, err := wire.ParseXML([]byte(tc.doc), tc.contentType, tc.lim)
			require.Nil(t, root)
			require.Equal(t, tc.kind.String(), wire.KindOf(err).String(), "%v", err)
			require.ErrorIs(t, err, camsec.ErrMalformed)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestParseXMLLimitsAreExact(t *testing.T) {
	_, err := wire.ParseXML([]byte(strings.Repeat("<d>", 64)+strings.Repeat("</d>", 64)), "", wire.Limits{})
	require.NoError(t, err)
	_, err = wire.ParseXML([]byte("<d"+strings.Repeat(" a=''", 256)+"/>"), "", wire.Limits{})
	require.NoError(t, err)
	_, err = wire.ParseXML([]byte("<d>"+strings.Repeat("a", 1<<20)+"</d>"), "", wire.Limits{})
	require.NoError(t, err)
}

func TestNodeNamespacesAndAttributes(t *testing.T) {
	root, err := wire.ParseXML([]byte(`<d version="2.0" xmlns="urn:a" xmlns:b="urn:b" b:k="v"><b:n/><m xmlns="urn:c"/><o/></d>`), "", wire.Limits{})
	require.NoError(t, err)
	require.Equal(t, "urn:a", root.Space)
	require.Equal(t, "2.0", root.Attr("version"))
	require.Equal(t, []wire.Attr{{Name: "version", Value: "2.0"}, {Space: "urn:b", Name: "k", Value: "v"}}, root.Attrs)
	require.Equal(t, "urn:b", root.Child("n").Space)
	require.Equal(t, "urn:c", root.Child("m").Space)
	require.Equal(t, "urn:a", root.Child("o").Space)
	require.Nil(t, root.Child("m").Attrs, "a declaration is none")
}

func TestNodeWalks(t *testing.T) {
	root, err := wire.ParseXML([]byte(`<l><u><id>1</id><g><id>9</id></g></u><u><id>2</id></u><e/></l>`), "", wire.Limits{})
	require.NoError(t, err)
	require.Equal(t, "9", root.At("u", "g", "id").String())
	require.Equal(t, "1", root.Find("id").String())
	require.Len(t, root.All("u"), 2)
	require.Len(t, root.FindAll("id"), 3)

	t.Run("case 97: what is missing is not what is empty", func(t *testing.T) {
		require.True(t, root.Child("e").Has())
		missing := root.At("u", "none", "deeper")
		require.False(t, missing.Has())
		require.Empty(t, missing.String())
		require.Nil(t, missing.Find("x"))
		require.Empty(t, missing.All("x"))
		require.Empty(t, missing.FindAll("x"))
		require.Empty(t, missing.Attr("x"))
		_, ok := missing.Bool()
		require.False(t, ok)
		_, ok = missing.Int()
		require.False(t, ok)
	})
}

func TestNodeScalars(t *testing.T) {
	for text, want := range map[string]struct {
		n      int64
		ok     bool
		b, bOK bool
	}{
		" 12 ":                 {n: 12, ok: true},
		"0x10":                 {},
		"":                     {},
		"12.0":                 {},
		"99999999999999999999": {},
		"-3":                   {n: -3, ok: true},
		"TRUE":                 {b: true, bOK: true},
		"yes":                  {b: true, bOK: true},
		"1":                    {n: 1, ok: true, b: true, bOK: true},
		"False":                {bOK: true},
		"no":                   {bOK: true},
		"0":                    {ok: true, bOK: true},
		"maybe":                {},
	} {
		t.Run("case 98, 99 "+text, func(t *testing.T) {
			n := &wire.Node{Text: text}
			v, ok := n.Int()
			require.Equal(t, want.ok, ok)
			if ok {
				require.Equal(t, want.n, v)
			}
			b, ok := n.Bool()
			require.Equal(t, want.bOK, ok)
			require.Equal(t, want.b, b)
		})
	}
}

func FuzzParseXML(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8"?><d v="1"><n>Gate &amp; <![CDATA[x]]></n></d>`), "application/xml")
	f.Add([]byte("\xff\xfe<\x00d\x00/\x00>\x00"), "")
	f.Add([]byte("<?xml version='1.0' encoding='GB2312'?><d>\xb4\xf3</d>\x00\x00"), "text/xml; charset=utf-8")
	f.Add([]byte(`<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>`), "")
	f.Add([]byte("<a:d xmlns:a='u'><!-- c --><?p i?>&#0;</a:d><x/>"), "text/html")
	lim := wire.Limits{Body: 64 << 10, Depth: 8, Tokens: 1000, Attrs: 8, Text: 1000}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		root, err := wire.ParseXML(body, contentType, lim)
		if err != nil {
			require.Nil(t, root)
			require.ErrorIs(t, err, camsec.ErrMalformed)
			require.NotEqual(t, wire.KindUnknown, wire.KindOf(err))
			return
		}
		var check func(n *wire.Node, depth int)
		check = func(n *wire.Node, depth int) {
			require.LessOrEqual(t, depth, lim.Depth)
			require.LessOrEqual(t, len(n.Attrs), lim.Attrs)
			require.LessOrEqual(t, len(n.Text), lim.Text)
			require.NotContains(t, n.Text, "\x00")
			for _, c := range n.Children {
				check(c, depth+1)
			}
		}
		check(root, 1)
	})
}

// Beside it, in the same run, what encoding/xml alone takes for a struct.
func BenchmarkParseXML(b *testing.B) {
	doc := []byte(`<?xml version="1.0" encoding="UTF-8"?><DeviceInfo version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">` +
		strings.Repeat("\r\n<field>some value</field>", 25) + "\r\n</DeviceInfo>\r\n")
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.ParseXML(doc, "application/xml", wire.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-xml", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v struct {
				Version string   `xml:"version,attr"`
				Field   []string `xml:"field"`
			}
			if err := xml.Unmarshal(doc, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
