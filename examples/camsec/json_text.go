package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// printJSON writes an indented document.
func printJSON(w io.Writer, doc any) error {
	var b bytes.Buffer
	j := json.NewEncoder(&b)
	j.SetIndent("", "  ")
	j.SetEscapeHTML(false)
	if err := j.Encode(doc); err != nil {
		return err
	}
	_, err := w.Write(spelled(b.Bytes()))
	return err
}

// spelled writes the characters of JSON text that a terminal would act on as
// \u escapes, which mean the same. encoding/json does so below U+0020 only;
// there are also the second set of controls and the marks that turn the
// reading direction, and devices choose their names.
func spelled(text []byte) []byte {
	harmful := func(r rune) bool {
		return r >= 0x7f && r != utf8.RuneError && !unicode.IsPrint(r)
	}
	if bytes.IndexFunc(text, harmful) < 0 {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for _, r := range string(text) {
		switch {
		case !harmful(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}
