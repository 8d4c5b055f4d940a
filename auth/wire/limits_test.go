package wire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wire"
)

// What is just within a limit is taken, and one more is not.

func TestExchangeLimitsAreExact(t *testing.T) {
	const size = 1000
	for _, framing := range []string{"length", "chunked", "close", "gzip"} {
		for over := range 2 {
			body := strings.Repeat("a", size+over)
			raw := answer(body)
			switch framing {
			case "chunked":
				raw = fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
			case "close":
				raw = "HTTP/1.1 200 OK\r\n\r\n" + body
			case "gzip":
				raw = answer(gzipped(body), "Content-Encoding: gzip")
			}
			resp, err := wire.Do((&device{script: says(raw)}).transport(t), get(t), wire.Limits{Body: size})
			if over == 1 {
				require.Equal(t, wire.KindTooLarge, wire.KindOf(err), framing)
				continue
			}
			require.NoError(t, err, framing)
			require.Len(t, resp.Body, size, framing)
		}
	}
	// A field counts with its name, its value and four bytes between and after.
	head := answer("", "X-A: 123", "X-A: 45")
	count := len("X-A"+"123") + 4 + len("X-A"+"45") + 4 + len("Content-Length"+"0") + 4
	for over := range 2 {
		_, err := wire.Do((&device{script: says(head)}).transport(t), get(t), wire.Limits{Header: int64(count - over)})
		if over == 1 {
			require.Equal(t, wire.KindTooLarge, wire.KindOf(err))
		} else {
			require.NoError(t, err)
		}
	}
}

func TestDocumentLimitsAreExact(t *testing.T) {
	for name, tc := range map[string]struct {
		doc  string
		lim  wire.Limits
		less func(*wire.Limits) // makes the limit too small by one
		json bool
	}{
		"XML body":    {doc: "<d>12345</d>", lim: wire.Limits{Body: 12}, less: func(l *wire.Limits) { l.Body-- }},
		"XML tokens":  {doc: "<d><a/><b>1</b></d>", lim: wire.Limits{Tokens: 7}, less: func(l *wire.Limits) { l.Tokens-- }},
		"XML text":    {doc: "<d> 123<!-- -->45</d>", lim: wire.Limits{Text: 5}, less: func(l *wire.Limits) { l.Text-- }},
		"XML depth":   {doc: "<d><a><b/></a></d>", lim: wire.Limits{Depth: 3}, less: func(l *wire.Limits) { l.Depth-- }},
		"XML attrs":   {doc: "<d a='1' b='2'/>", lim: wire.Limits{Attrs: 2}, less: func(l *wire.Limits) { l.Attrs-- }},
		"JSON body":   {doc: `{"a":12345}`, lim: wire.Limits{Body: 11}, less: func(l *wire.Limits) { l.Body-- }, json: true},
		"JSON tokens": {doc: `{"a":[1,2]}`, lim: wire.Limits{Tokens: 7}, less: func(l *wire.Limits) { l.Tokens-- }, json: true},
		"JSON text":   {doc: `{"a":"12345"}`, lim: wire.Limits{Text: 5}, less: func(l *wire.Limits) { l.Text-- }, json: true},
		"JSON depth":  {doc: `{"a":{"b":{"c":1}}}`, lim: wire.Limits{Depth: 4}, less: func(l *wire.Limits) { l.Depth-- }, json: true},
		"JSON arrays": {doc: `{"a":[[1]]}`, lim: wire.Limits{Depth: 4}, less: func(l *wire.Limits) { l.Depth-- }, json: true},
	} {
		t.Run(name, func(t *testing.T) {
			read := func(lim wire.Limits) (*wire.Node, error) {
				if tc.json {
					return wire.ParseJSON([]byte(tc.doc), lim)
				}
				return wire.ParseXML([]byte(tc.doc), "", lim)
			}
			_, err := read(tc.lim)
			require.NoError(t, err)
			tc.less(&tc.lim)
			_, err = read(tc.lim)
			require.Contains(t, []wire.Kind{wire.KindTooLarge, wire.KindTooDeep}, wire.KindOf(err), "%v", err)
		})
	}
	bindings := func(n int) string {
		var b strings.Builder
		b.WriteString("<d")
		for i := range n {
			fmt.Fprintf(&b, " xmlns:a%d='u'", i)
		}
		return b.String() + "/>"
	}
	_, err := wire.ParseXML([]byte(bindings(1024)), "", wire.Limits{Attrs: 2000})
	require.NoError(t, err)
	_, err = wire.ParseXML([]byte(bindings(1025)), "", wire.Limits{Attrs: 2000})
	require.Equal(t, wire.KindTooLarge, wire.KindOf(err))
}

// The characters that XML 1.0 allows, at the edges of each range.
func TestCharacterRanges(t *testing.T) {
	for ref, want := range map[string]string{
		"&#x9;x": "x", "x&#xA;x": "x\nx", "x&#xD;x": "x\rx", "&#x20;x": "x", "&#32;x": "x", // the text is trimmed
		"&#x1F;": "\uFFFD", "&#x8;": "\uFFFD", "&#xB;": "\uFFFD", "&#xC;": "\uFFFD", "&#xE;": "\uFFFD", "&#0;": "\uFFFD",
		"&#xD7FF;": "\uD7FF", "&#xD800;": "\uFFFD", "&#xDFFF;": "\uFFFD", "&#xE000;": "\uE000",
		"&#xFFFD;": "\uFFFD", "&#xFFFE;": "\uFFFD", "&#xFFFF;": "\uFFFD",
		"&#x10000;": "\U00010000", "&#x10FFFF;": "\U0010FFFF", "&#x110000;": "\uFFFD", "&#1114112;": "\uFFFD",
		"&#x0000000000041;": "A", "&#xaF;": "\u00AF", "&#90;": "Z",
		"&#xd7ff;": "\uD7FF", "&#xd800;": "\uFFFD", "&#xda00;": "\uFFFD", "&#xDA00;": "\uFFFD", "&#xdfff;": "\uFFFD", "&#xe000;": "\uE000", "&#xb;": "\uFFFD",
		"&#" + strings.Repeat("0", 62) + ";": "\uFFFD",
		"\x1f":                               "\uFFFD", "\x80": "\uFFFD", "\x7f": "\x7f", "\xef\xbf\xbe": "\uFFFD", "\xef\xbf\xbf": "\uFFFD", "\xef\xbf\xbd": "\uFFFD", "\xed\xa0\x80": "\uFFFD\uFFFD\uFFFD",
	} {
		root, err := wire.ParseXML([]byte("<d>"+ref+"</d>"), "", wire.Limits{})
		require.NoError(t, err, ref)
		require.Equal(t, want, root.Text, ref)
		fine := !strings.Contains(want, "\uFFFD") || ref == "&#xFFFD;" || ref == "\xef\xbf\xbd"
		require.Equal(t, fine, root.Flags == 0, "%s: %v", ref, root.Flags)
	}
	for _, ref := range []string{"&#;", "&#x;", "&#12", "&#xG;", "&#-1;", "&#b;", "&#1f;", "&#" + strings.Repeat("0", 63) + ";", "&#" + strings.Repeat("0", 80) + "65;x&", "&"} {
		_, err := wire.ParseXML([]byte("<d>"+ref+"</d>"), "", wire.Limits{})
		require.Equal(t, wire.KindSyntax, wire.KindOf(err), ref)
	}
}

func TestDeclarations(t *testing.T) {
	for _, space := range []string{" ", "\t", "\r", "\n"} {
		doc := "<?xml" + space + "version='1.0'" + space + "encoding" + space + "=" + space + "\"iso-8859-1\"?>" + space + "<d>\xfc</d>" + space
		root, err := wire.ParseXML([]byte(doc), "", wire.Limits{})
		require.NoError(t, err, "%q", doc)
		require.Equal(t, "ü", root.Text, "%q", doc)
		require.Zero(t, root.Flags, "%q", doc)
	}
	for _, doc := range []string{
		"<?xmlencoding='iso-8859-1'?><d>\xfc</d>",                                                                // another target
		"<?xml " + strings.Repeat(" ", 600) + "encoding='iso-8859-1'?><d>\xfc</d>",                               // too far off
		"<?xml encoding='iso-8859-1'" + strings.Repeat(" ", 513-len(" encoding='iso-8859-1'")) + "?><d>\xfc</d>", // too long by one
		"<?xml encoding=iso-8859-1?><d>\xfc</d>",                                                                 // no quotes
		"<?xml version='1.0'?><d a=\"encoding='iso-8859-1'\">\xfc</d>",                                           // not in the declaration
		"\xef\xbb\xbf<?xml version='1.0' encoding='iso-8859-1'?><d>\xfc</d>",                                     // under another mark
		"<?xml version='1.0' encoding='utf-8'?><?xml version='1.0' encoding='l1'?><d>\xfc</d>\n",                 // the first counts
	} {
		root, err := wire.ParseXML([]byte(doc), "", wire.Limits{})
		if err == nil {
			require.Equal(t, "\uFFFD", root.Text, doc)
		} else {
			require.Equal(t, wire.KindSyntax, wire.KindOf(err), doc)
		}
	}
	for doc, want := range map[string]string{
		"<?xml encoding='iso-8859-1'" + strings.Repeat(" ", 512-len(" encoding='iso-8859-1'")) + "?><d>\xfc</d>": "ü",
		utf16LE("<d>a😀b</d>") + "\x00":                                                     "a😀b",
		"\xfe\xff" + utf16BE("<d>a\uFFFDb</d>"):                                            "a\uFFFDb",
		strings.ReplaceAll("<\x00d\x00>\x00aX<\x00/\x00d\x00>\x00", "aX", "a\x00\x3d\xd8"): "a\uFFFD", // half a pair
	} {
		root, err := wire.ParseXML([]byte(doc), "", wire.Limits{})
		require.NoError(t, err, "%q", doc)
		require.Equal(t, want, root.Text)
	}
}

func TestWhatIsHTML(t *testing.T) {
	for doc, html := range map[string]bool{
		"<html>": true, "<html": true, "<HTML\nlang='x'>": true, "<html[": true, "<!doctype html>": true, "<!DOCTYPE HTML[": true,
		"<body\t>": true, "<script>": true, "<head\r>": true,
		"<htmlx/>": false, "<bodyWeight>1</bodyWeight>": false, "<headers/>": false,
	} {
		_, err := wire.ParseXML([]byte(doc), "", wire.Limits{})
		require.Equal(t, html, wire.KindOf(err) == wire.KindContent, "%s: %v", doc, err)
	}
}

func TestJSONAfterTheDocument(t *testing.T) {
	for doc, flags := range map[string]wire.Flags{
		`{"a":1}` + "\n \t": 0, `{"a":1}x`: wire.FlagTrailing, `{"a":1}{}`: wire.FlagTrailing, "{\"a\":\"\xff\"}": wire.FlagReplaced,
	} {
		root, err := wire.ParseJSON([]byte(doc), wire.Limits{})
		require.NoError(t, err, doc)
		require.Equal(t, flags, root.Flags, doc)
	}
}

func TestErrorWords(t *testing.T) {
	for text, err := range map[string]error{
		"wire: truncated":                                       &wire.Error{Kind: wire.KindTruncated},
		"wire: busy (HTTP 503), retry after 2s":                 &wire.Error{Kind: wire.KindBusy, Status: 503, RetryAfter: 2 * time.Second},
		"wire: redirect (HTTP 302) to /x":                       &wire.Error{Kind: wire.KindRedirect, Status: 302, Location: "/x"},
		"wire: redirect (HTTP 302): elsewhere":                  &wire.Error{Kind: wire.KindRedirect, Status: 302, Location: "/x", Detail: "elsewhere"},
		"wire: encoding: gzip: broken":                          &wire.Error{Kind: wire.KindEncoding, Detail: "gzip", Err: errors.New("broken")},
		"wire: content: html":                                   &wire.Error{Kind: wire.KindContent, Detail: "html", Location: "/x"},
		"wire: unknown":                                         &wire.Error{},
		"wire: kind 99":                                         &wire.Error{Kind: 99},
		"wire: kind 12":                                         &wire.Error{Kind: wire.KindBusy + 1},
		"wire: protocol: a\uFFFDb":                              &wire.Error{Kind: wire.KindProtocol, Detail: "a\nb"},
		"wire: protocol: " + strings.Repeat("ä", 200) + "…":     &wire.Error{Kind: wire.KindProtocol, Detail: strings.Repeat("ä", 201)},
		"wire: protocol: " + strings.Repeat("\U0001F600", 200):  &wire.Error{Kind: wire.KindProtocol, Detail: strings.Repeat("\U0001F600", 200)},
		"wire: protocol: x\uFFFDy\uFFFD\uFFFDz \uFFFD\uFFFDö 门": &wire.Error{Kind: wire.KindProtocol, Detail: "x\x1by\u202e\u200bz \u2028\xffö 门"},
	} {
		require.Equal(t, text, err.Error())
	}
	require.Equal(t, "", wire.Clean("", 5))
	require.Equal(t, "12345", wire.Clean("12345", 5))
	require.Equal(t, "12345…", wire.Clean("123456", 5))
	require.Equal(t, "…", wire.Clean("1", 0))
}

func TestTransportKeepsToItself(t *testing.T) {
	conf := &tls.Config{ServerName: "camera.test"} //nolint:gosec // no connection is made
	rt := wire.NewHTTPTransport(wire.TransportOptions{TLS: conf})
	require.NotSame(t, conf, rt.TLSClientConfig)
	require.Equal(t, "camera.test", rt.TLSClientConfig.ServerName)
	require.Equal(t, 2, rt.MaxConnsPerHost)
	require.Equal(t, 2, rt.MaxIdleConns)
	require.Equal(t, 2<<10, rt.ReadBufferSize)
	require.Equal(t, 2<<10, rt.WriteBufferSize)
	require.Equal(t, 30*time.Second, rt.IdleConnTimeout)
	require.Equal(t, 10*time.Second, rt.TLSHandshakeTimeout)
	require.Equal(t, 10*time.Second, rt.ResponseHeaderTimeout)

	none := wire.Timeouts{Dial: -1, TLS: -1, Header: -1, BodyIdle: -1, Total: -1}
	rt = wire.NewHTTPTransport(wire.TransportOptions{Timeouts: none})
	require.Zero(t, rt.TLSHandshakeTimeout)
	require.Zero(t, rt.ResponseHeaderTimeout)
	require.Equal(t, wire.Limits{BodyIdle: -1, Total: -1}, wire.Limits{}.WithTimeouts(none))
	require.Equal(t, wire.Limits{
		Header: 64 << 10, Body: 16 << 20, Drain: 64 << 10, Depth: 64, Tokens: 1_000_000, Attrs: 256, Text: 1 << 20,
		BodyIdle: 10 * time.Second, Total: 30 * time.Second,
	}, wire.Limits{}.OrDefaults())
	require.Equal(t, int64(1<<20), wire.Small().OrDefaults().Body)
}

// Without limits on time a call waits, and its context still ends it.
func TestDialWithoutALimit(t *testing.T) {
	d := &device{script: says(answer("<a/>"))}
	var limited []bool
	rt := wire.NewHTTPTransport(wire.TransportOptions{
		Timeouts: wire.Timeouts{Dial: -1, Total: -1, BodyIdle: -1},
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, has := ctx.Deadline()
			limited = append(limited, has)
			return d.dial(ctx, network, addr)
		},
	})
	t.Cleanup(rt.CloseIdleConnections)
	resp, err := wire.Do(rt, get(t), wire.Limits{Total: -1, BodyIdle: -1})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.Status)
	require.Equal(t, []bool{false}, limited)
}
