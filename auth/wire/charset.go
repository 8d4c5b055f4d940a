package wire

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// toUTF8 gives the document in UTF-8 without byte order mark, white space and
// NULs around it, and without an XML declaration. A byte order mark rules over
// the declaration, the declaration over the Content-Type. The input is not
// changed.
func toUTF8(body []byte, contentType string) (doc []byte, flags Flags) {
	var label string
	switch {
	case bytes.HasPrefix(body, bomUTF8):
		body, label = body[len(bomUTF8):], "utf-8"
	case bytes.HasPrefix(body, bomUTF16LE):
		body, label = fromUTF16(body[2:], "utf-16le"), "utf-8"
	case bytes.HasPrefix(body, bomUTF16BE):
		body, label = fromUTF16(body[2:], "utf-16be"), "utf-8"
	case bytes.HasPrefix(body, []byte("<\x00")):
		body, label = fromUTF16(body, "utf-16le"), "utf-8"
	case bytes.HasPrefix(body, []byte("\x00<")):
		body, label = fromUTF16(body, "utf-16be"), "utf-8"
	}
	body = bytes.TrimLeft(body, "\x00 \t\r\n")
	n := len(body)
	if body = bytes.TrimRight(body, "\x00 \t\r\n"); bytes.IndexByte(body[len(body):n], 0) >= 0 {
		flags |= FlagTrailing
	}
	body, declared := cutDeclaration(body)
	if label == "" {
		label = declared
	}
	if label == "" && contentType != "" {
		if _, params, err := mime.ParseMediaType(contentType); err == nil {
			label = params["charset"]
		}
	}
	label = strings.ToLower(strings.TrimSpace(label))
	switch {
	case label == "", label == "utf-8", label == "utf8", label == "us-ascii", label == "ascii":
	case strings.HasPrefix(label, "utf-16"), strings.HasPrefix(label, "ucs-2"), isASCII(body):
		// Readable as it stands, so it is not what it says.
	default:
		if dec, ok := decodeCharset(label, body); ok {
			body = dec
			if bytes.Contains(body, []byte("\uFFFD")) {
				flags |= FlagReplaced
			}
		} else {
			flags |= FlagCharset
		}
	}
	return body, flags
}

// cutDeclaration splits an XML declaration off and returns its encoding.
func cutDeclaration(doc []byte) (rest []byte, encoding string) {
	const longest = 512
	head, ok := bytes.CutPrefix(doc, []byte("<?xml"))
	if !ok {
		return doc, ""
	}
	decl, after, ok := bytes.Cut(head, []byte("?>"))
	if !ok || len(decl) == 0 || !isSpace(decl[0]) || len(decl) > longest {
		return doc, ""
	}
	if _, after, ok := strings.Cut(string(decl), "encoding"); ok {
		after = strings.TrimLeft(after, " \t\r\n=")
		if after != "" && (after[0] == '"' || after[0] == '\'') {
			if v, _, ok := strings.Cut(after[1:], after[:1]); ok {
				encoding = v
			}
		}
	}
	return bytes.TrimLeft(after, " \t\r\n"), encoding
}

// fromUTF16 leaves half a character at the end, as a NUL after the document is.
func fromUTF16(b []byte, label string) []byte {
	out, _ := decodeCharset(label, b[:len(b)&^1])
	return out
}

// sanitize replaces what no XML document may hold (invalid UTF-8, control
// characters, references to either) by U+FFFD. A clean document is returned
// as it is.
func sanitize(doc []byte) (clean []byte, replaced bool) {
	var out []byte
	from := 0
	replace := func(i, n int) {
		out = append(out, doc[from:i]...)
		out = append(out, "\uFFFD"...)
		from = i + n
		replaced = true
	}
	for i := 0; i < len(doc); {
		c := doc[i]
		switch {
		case c == '&':
			n, bad := charRef(doc[i:])
			if bad {
				replace(i, n)
			}
			i += n
		case c < 0x20 && !isSpace(c):
			replace(i, 1)
			i++
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(doc[i:])
			if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
				replace(i, n)
			}
			i += n
		}
	}
	if !replaced {
		return doc, false
	}
	return append(out, doc[from:]...), true
}

// charRef measures a character reference at the head of b and tells whether
// it names an illegal character. For anything else it gives 1, false.
func charRef(b []byte) (n int, bad bool) {
	if len(b) < 4 || b[1] != '#' {
		return 1, false
	}
	i, base := 2, rune(10)
	if b[2] == 'x' {
		i, base = 3, 16
	}
	var r rune
	start := i
	for ; i < len(b) && i < 64; i++ {
		d := rune(-1)
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case base == 16 && c >= 'a' && c <= 'f':
			d = rune(c-'a') + 10
		case base == 16 && c >= 'A' && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d < 0 {
			break
		}
		r = min(r*base+d, utf8.MaxRune+1)
	}
	if i == start || i >= len(b) || b[i] != ';' {
		return 1, false
	}
	legal := r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
	return i + 1, !legal
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// decodeCharset decodes every charset that the WHATWG names; gb2312 is read as
// its superset GBK. What does not decode becomes U+FFFD.
func decodeCharset(label string, body []byte) ([]byte, bool) {
	enc, name := charset.Lookup(label)
	if enc == nil || name == "replacement" {
		return nil, false
	}
	out, err := enc.NewDecoder().Bytes(body)
	return out, err == nil
}
