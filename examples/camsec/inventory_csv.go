package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/camsec/camsec"
)

// inventoryLimit bounds the size of an inventory file.
const inventoryLimit = 64 << 20

// knownColumns are the columns with a meaning; any other is a label.
var knownColumns = []string{"address", "id", "scope", "protocol", "user", "secret", "via", "proxy", "site", "tz", "pin", "legacy"}

// readInventory reads devices from CSV as spreadsheets write it: separated by
// comma, semicolon or tab, in UTF-8, UTF-16 or Windows-1252. It returns every
// good row, and one error with a line for each mistake.
func readInventory(r io.Reader, name string) ([]*target, error) {
	b, err := io.ReadAll(io.LimitReader(r, inventoryLimit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(b) > inventoryLimit {
		return nil, fmt.Errorf("%s: over 64 MiB", name)
	}
	b = toUTF8(b)
	skipped := 0
	comma := rune(0)
	if first, rest, ok := bytes.Cut(b, []byte("\n")); ok { // Excel's own hint
		if s := strings.ToLower(strings.TrimSpace(string(first))); len(s) == 5 && strings.HasPrefix(s, "sep=") {
			comma, b, skipped = rune(s[4]), rest, 1
		}
	}
	if comma == 0 {
		comma = separator(b)
	}
	cr := csv.NewReader(bufio.NewReader(bytes.NewReader(b)))
	cr.Comma, cr.FieldsPerRecord, cr.TrimLeadingSpace = comma, -1, comma != '\t'
	head, err := cr.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty", name)
		}
		return nil, csvError(name, err, skipped)
	}
	line, _ := cr.FieldPos(0)
	columns, err := header(head)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, line+skipped, err)
	}
	var rows, all []*target
	var errs []error
	for {
		rec, err := cr.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			errs = append(errs, csvError(name, err, skipped))
			if len(errs) >= 1000 {
				break
			}
			continue
		}
		if !slices.ContainsFunc(rec, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			continue
		}
		line, _ := cr.FieldPos(0)
		t, err := parseRow(columns, rec)
		t.line = line + skipped
		all = append(all, t)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, t.line, err))
			continue
		}
		rows = append(rows, t)
	}
	errs = append(errs, checkVia(name, all)...)
	if len(rows) == 0 && len(errs) == 0 {
		return nil, fmt.Errorf("%s: no device in it", name)
	}
	return rows, errors.Join(errs...)
}

// csvError words a syntax error without the line's text.
func csvError(name string, err error, skipped int) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%s:%d: %w", name, p.Line+skipped, p.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// header checks the column names. A password column is refused: passwords in
// spreadsheets are how they leak.
func header(head []string) ([]string, error) {
	columns := make([]string, len(head))
	var errs []error
	for i, h := range head {
		c := strings.TrimSpace(h)
		if l := strings.ToLower(c); slices.Contains(knownColumns, l) {
			c = l
		}
		if c != "" && slices.Contains(columns[:i], c) {
			errs = append(errs, fmt.Errorf("column %q stands twice", clean(c)))
		}
		if isPasswordColumn(c) {
			errs = append(errs, fmt.Errorf("column %q: passwords do not belong in this file; put each into a vault, a file or the environment and name it in the column secret (vault:NAME, file:PATH, env:NAME)", clean(c)))
		}
		columns[i] = c
	}
	if !slices.Contains(columns, "address") {
		errs = append(errs, errors.New("no column address"))
	}
	return columns, errors.Join(errs...)
}

// rounded is what spreadsheets make of a long serial number or id: its digits
// are gone, and two devices may have become one.
var rounded = regexp.MustCompile(`^[+-]?\d([.,]\d+)?[eE]\+?\d{1,3}$`)

var passwordWords = []string{
	"passw", "passphrase", "passcode", "pwd", "kennwort", "motdepasse", "contrasena", "contraseña", "senha",
	"wachtwoord", "пароль", "密码", "密碼", "パスワード", "lösenord", "hasło", "parola",
}

func isPasswordColumn(c string) bool {
	c = strings.NewReplacer(" ", "", "_", "", "-", "", ".", "").Replace(strings.ToLower(c))
	return c == "pass" || c == "pw" || c == "pin code" || slices.ContainsFunc(passwordWords, func(w string) bool { return strings.Contains(c, w) })
}

// parseRow makes a target of one line, as far as it goes if there is an error.
// Errors never repeat a secret.
func parseRow(columns, rec []string) (*target, error) {
	t := &target{}
	var errs []error
	for i, v := range rec {
		v = strings.TrimSpace(v)
		if v == "" {
			continue
		}
		if i >= len(columns) {
			errs = append(errs, fmt.Errorf("%d fields where the header has %d", len(rec), len(columns)))
			break
		}
		if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
			errs = append(errs, fmt.Errorf("column %q holds control characters", clean(columns[i])))
			continue
		}
		if rounded.MatchString(v) && columns[i] != "secret" {
			errs = append(errs, fmt.Errorf("column %q holds a number that a spreadsheet has rounded, %s: format the column as text and fill it in again", clean(columns[i]), v))
			continue
		}
		switch c := columns[i]; c {
		case "address":
			t.Address = v
		case "id":
			t.ID = v
		case "scope":
			t.Scope = v
		case "protocol":
			if _, ok := driverOf(v); !ok {
				errs = append(errs, fmt.Errorf("protocol %q: there are %s", clean(v), driverNames()))
			}
			t.protocol = v
		case "user":
			t.user = v
		case "secret":
			t.secret = v
			if kind, name, ok := strings.Cut(v, ":"); !ok || name == "" || (kind != "env" && kind != "file" && kind != "vault") {
				errs = append(errs, errors.New("column secret holds a reference, env:NAME or file:PATH, never the password itself"))
			}
		case "proxy":
			t.proxy = v
		case "tz":
			if _, err := time.LoadLocation(v); err != nil {
				errs = append(errs, fmt.Errorf("time zone %q is not known", clean(v)))
			}
			t.label(c, v)
		case "pin":
			t.pin = v
		case "legacy":
			switch strings.ToLower(v) {
			case "true", "yes", "1", "x":
				t.legacy = true
			case "false", "no", "0":
			default:
				errs = append(errs, fmt.Errorf("legacy %q: say yes or no", clean(v)))
			}
		default:
			if c != "" {
				t.label(c, v)
			}
		}
	}
	if t.Address == "" {
		errs = append(errs, errors.New("no address"))
	}
	if len(errs) > 0 {
		// One line a row, so that every message has the line number.
		texts := map[string]bool{}
		for _, e := range errs {
			texts[e.Error()] = true
		}
		return t, errors.New(strings.Join(slices.Sorted(maps.Keys(texts)), "; "))
	}
	return t, nil
}

// checkVia finds rows whose recorder, named by its id in the column via, is no
// row of the same scope, or is behind the row itself. Rows with another mistake
// count, so that one mistake is one message.
func checkVia(name string, rows []*target) []error {
	byID := map[string]*target{}
	for _, t := range rows {
		if t.ID != "" && byID[t.Key()] == nil {
			byID[t.Key()] = t
		}
	}
	recorder := func(t *target) *target {
		via := t.Labels["via"]
		if via == "" {
			return nil
		}
		return byID[camsec.Target{Scope: t.Scope, ID: via}.Key()]
	}
	var errs []error
	circle := map[*target]bool{}
	seen := map[*target]int{} // by which walk, from 1
	for i, t := range rows {
		r := t
		for ; r != nil && seen[r] == 0; r = recorder(r) {
			seen[r] = i + 1
		}
		for r != nil && seen[r] == i+1 && !circle[r] {
			circle[r] = true
			r = recorder(r)
		}
	}
	for _, t := range rows {
		switch via := t.Labels["via"]; {
		case via != "" && recorder(t) == nil:
			errs = append(errs, fmt.Errorf("%s:%d: column via: no row of this scope has the id %q", name, t.line, clean(via)))
		case circle[t]:
			errs = append(errs, fmt.Errorf("%s:%d: column via: a device cannot be behind itself", name, t.line))
		}
	}
	return errs
}

func (t *target) label(name, value string) {
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	t.Labels[name] = value
}

// separator finds which separator the first line uses, outside quotes.
func separator(b []byte) rune {
	counts := map[rune]int{}
	quoted := false
	for _, r := range string(b[:min(len(b), 1<<16)]) {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '\n':
			goto done
		case r == ',' || r == ';' || r == '\t':
			counts[r]++
		}
	}
done:
	best := ','
	for _, r := range ",;\t" {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}

// toUTF8 decodes a text file: UTF-8 or UTF-16 by its mark, UTF-16 without a
// mark by its zero bytes, UTF-8 if it is valid, and else Windows-1252.
func toUTF8(b []byte) []byte {
	switch {
	case len(b) >= 4 && b[1] == 0 && b[3] == 0:
		b = append([]byte{0xFF, 0xFE}, b...)
	case len(b) >= 4 && b[0] == 0 && b[2] == 0:
		b = append([]byte{0xFE, 0xFF}, b...)
	}
	b = bytes.TrimPrefix(fromUTF16(b), []byte("\uFEFF"))
	if utf8.Valid(b) {
		return b
	}
	var out bytes.Buffer
	for _, c := range b {
		if 0x80 <= c && c < 0xA0 {
			out.WriteRune(windows1252[c-0x80])
			continue
		}
		out.WriteRune(rune(c))
	}
	return out.Bytes()
}

// windows1252 holds the characters of the bytes 0x80 to 0x9F (WHATWG Encoding
// Standard, index windows-1252); all others are those of Latin-1.
var windows1252 = [32]rune{
	0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
	0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
}
