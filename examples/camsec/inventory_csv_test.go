package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func utf16Of(s string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xFEFF)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestInventoryForms(t *testing.T) {
	const plain = "address,id,site\r\n10.0.0.5,gate,Köln\r\n10.0.0.6,yard,Köln\r\n"
	for name, text := range map[string]string{
		"comma":            plain,
		"line feeds":       strings.ReplaceAll(plain, "\r", ""),
		"old Mac quotes":   "\"address\",\"id\",\"site\"\n\"10.0.0.5\",\"gate\",\"Köln\"\n10.0.0.6,yard,Köln",
		"semicolon":        strings.ReplaceAll(plain, ",", ";"),
		"tab":              strings.ReplaceAll(plain, ",", "\t"),
		"byte order mark":  "\uFEFF" + plain,
		"UTF-16 LE":        utf16Of(plain, binary.LittleEndian, true),
		"UTF-16 BE":        utf16Of(plain, binary.BigEndian, true),
		"UTF-16 LE, bare":  utf16Of(plain, binary.LittleEndian, false),
		"Windows-1252":     strings.ReplaceAll(plain, "ö", "\xF6"),
		"Excel's hint":     "sep=;\r\n" + strings.ReplaceAll(plain, ",", ";"),
		"upper case":       strings.Replace(plain, "address,id,site", "Address, ID ,SITE", 1),
		"empty lines":      strings.ReplaceAll(plain, "\r\n", "\r\n,,\r\n\r\n"),
		"trailing columns": strings.ReplaceAll(plain, "\r\n", ",,\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := readInventory(strings.NewReader(text), "x.csv")
			require.NoError(t, err)
			require.Len(t, rows, 2)
			assert.Equal(t, "10.0.0.5", rows[0].Address)
			assert.Equal(t, "gate", rows[0].ID)
			assert.Equal(t, "Köln", rows[0].Labels["site"])
			assert.Equal(t, "yard", rows[1].ID)
		})
	}
}

func TestInventoryCarriesUnknownColumns(t *testing.T) {
	rows, err := readInventory(strings.NewReader("address;tz;Rack €;legacy;proxy\n10.0.0.5;Europe/Berlin;7;yes;socks5://p:1080\n"), "x.csv")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"tz": "Europe/Berlin", "Rack €": "7"}, rows[0].Labels)
	assert.True(t, rows[0].legacy)
	assert.Equal(t, "socks5://p:1080", rows[0].proxy)
	assert.Equal(t, 2, rows[0].line)
}

func TestInventoryErrorsNameLines(t *testing.T) {
	const hidden = "hunter2-hunter2"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":           {"", []string{"the file is empty"}},
		"header only":     {"address\n", []string{"no device"}},
		"no address":      {"ip,id\n1,2\n", []string{"x.csv:1: no column address"}},
		"password column": {"address,Password\n10.0.0.5," + hidden + "\n", []string{"x.csv:1:", "vault"}},
		"pwd column":      {"address,login_PWD\n10.0.0.5," + hidden + "\n", []string{"x.csv:1:", "vault"}},
		"German":          {"address;Kennwort\n10.0.0.5;" + hidden + "\n", []string{"x.csv:1:", "vault"}},
		"password as secret": {
			"address,user,secret\n10.0.0.5,admin," + hidden + "\n",
			[]string{"x.csv:2: column secret holds a reference"},
		},
		"all of them": {
			"address,protocol,legacy,tz,via\n10.0.0.1,,,,\n,,yes,,\n10.0.0.2,rtsp,,,\n10.0.0.3,,maybe,,\n10.0.0.4,,,Mars/Base,\n10.0.0.5,,,,nvr\n",
			[]string{"x.csv:3: no address", "x.csv:4: protocol", "x.csv:5: legacy", "x.csv:6: time zone", "x.csv:7: column via: no row of this scope has the id \"nvr\""},
		},
		"quote":          {"address,id\n10.0.0.1,\"a\n", []string{"x.csv:2:"}},
		"twice":          {"address,id,ID\n1,2,3\n", []string{"stands twice"}},
		"too long":       {"address\n10.0.0.1,x\n", []string{"x.csv:2: 2 fields"}},
		"after quote":    {"address,id\n10.0.0.1,\"a\nb\"\n,c\n", []string{"x.csv:4: no address"}},
		"rounded id":     {"address;id\n10.0.0.1;1.2E+15\n10.0.0.2;1,23457E+14\n", []string{"x.csv:2: column \"id\" holds a number", "x.csv:3: column \"id\""}},
		"rounded serial": {"address,Serial no.\n10.0.0.1,4.5E+12\n", []string{"x.csv:2: column \"Serial no.\" holds a number"}},
		"bare quote":     {"address,id\n10.0.0.1,a\"b\n10.0.0.2,b\n,c\n", []string{"x.csv:2: bare", "x.csv:4: no address"}},
		"NUL":            {"address,id\n10.0.0.1,a\x00b\n", []string{"x.csv:2: column \"id\" holds control characters"}},
		"with a hint":    {"sep=;\naddress;id\n;c\n", []string{"x.csv:3: no address"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readInventory(strings.NewReader(c.text), "x.csv")
			require.Error(t, err)
			for _, w := range c.want {
				assert.Contains(t, err.Error(), w)
			}
			assert.NotContains(t, err.Error(), hidden)
		})
	}
}

// The column via names the recorder that a camera is behind: another row, of
// the same scope, wherever it stands.
func TestVia(t *testing.T) {
	rows, err := readInventory(strings.NewReader("address,id,scope,via\n10.0.0.1,a,n,nvr\n10.0.0.2,nvr,n,top\n10.0.0.3,top,n,\n10.0.0.4,nvr,s,\n"), "x.csv")
	require.NoError(t, err)
	assert.Equal(t, "nvr", rows[0].Labels["via"])
	assert.Equal(t, "top", rows[1].Labels["via"], "a recorder may be behind another")
	assert.Empty(t, rows[2].Labels)

	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"no such row":         {"address,id,via\n10.0.0.1,a,\n10.0.0.2,b,c\n", []string{`x.csv:3: column via: no row of this scope has the id "c"`}},
		"in another scope":    {"address,id,scope,via\n10.0.0.1,a,n,\n10.0.0.2,b,s,a\n", []string{"x.csv:3: column via: no row"}},
		"an address":          {"address,id,via\n10.0.0.1,a,\n10.0.0.2,b,10.0.0.1\n", []string{"x.csv:3: column via: no row"}},
		"itself":              {"address,id,via\n10.0.0.1,a,a\n", []string{"x.csv:2: column via: a device cannot be behind itself"}},
		"a circle":            {"address,id,via\n10.0.0.1,a,b\n10.0.0.2,b,c\n10.0.0.3,c,b\n", []string{"x.csv:3: column via: a device cannot", "x.csv:4: column via: a device cannot"}},
		"two circles":         {"address,id,via\n10.0.0.1,a,b\n10.0.0.2,b,a\n10.0.0.3,c,d\n10.0.0.4,d,c\n10.0.0.5,e,a\n", []string{"x.csv:2:", "x.csv:3:", "x.csv:4:", "x.csv:5:"}},
		"its row is at fault": {"address,id,via,legacy\n10.0.0.1,a,b,\n10.0.0.2,b,,maybe\n", []string{"x.csv:3: legacy"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readInventory(strings.NewReader(c.text), "x.csv")
			require.Error(t, err)
			lines := strings.Split(err.Error(), "\n")
			require.Len(t, lines, len(c.want), err)
			for i, w := range c.want {
				assert.Contains(t, lines[i], w)
			}
		})
	}

	// A long chain takes no longer than its rows.
	var text strings.Builder
	text.WriteString("address,id,via\n")
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&text, "10.0.0.1,%d,%d\n", i, (i+1)%n)
	}
	_, err = readInventory(strings.NewReader(text.String()), "x.csv")
	require.ErrorContains(t, err, "x.csv:100001: column via")
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.5":                 "https 10.0.0.5:443",
		"10.0.0.5:8443":            "https 10.0.0.5:8443",
		"[fe80::1%eth0]:443":       "https [fe80::1%eth0]:443",
		"fe80::1":                  "https [fe80::1]:443",
		"[::1]":                    "https [::1]:443",
		"https://Cam.example/":     "https cam.example:443",
		"http://10.0.0.5":          "http 10.0.0.5:80",
		"http://admin:pw@10.0.0.5": "",
		"ftp://10.0.0.5":           "",
		"10.0.0.5:0":               "",
		"10.0.0.5:99999":           "",
		"10.0.0.5/path":            "",
		"two words":                "",
		"":                         "",
	} {
		var d target
		d.Address = in
		err := d.parseAddress()
		if want == "" {
			require.Error(t, err, in)
			assert.NotContains(t, err.Error(), "pw")
			continue
		}
		require.NoError(t, err, in)
		scheme := "https"
		if d.plain {
			scheme = "http"
		}
		assert.Equal(t, want, scheme+" "+d.hostPort(), in)
	}
}

func TestPasswordFileText(t *testing.T) {
	for in, want := range map[string]string{
		"pw\n": "pw", "pw\r\n": "pw", "pw": "pw", "\uFEFFpw\n": "pw", "pw \n": "pw ", "pw\n\n": "pw\n",
		utf16Of("pß\r\n", binary.LittleEndian, true): "pß",
	} {
		assert.Equal(t, want, string(fileText([]byte(in))), "%q", in)
	}
}

func FuzzInventory(f *testing.F) {
	f.Add([]byte("address,id\n10.0.0.5,gate\n"))
	f.Add([]byte("sep=;\r\naddress;secret\r\n\"10.0.0.5\";env:X\r\n"))
	f.Add([]byte{0xFF, 0xFE, 'a', 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := readInventory(bytes.NewReader(b), "x.csv")
		if err == nil && len(rows) == 0 {
			t.Fatal("no device and no error")
		}
		for _, r := range rows {
			if r.Address == "" || r.line < 2 {
				t.Fatalf("row without address or line: %+v", r)
			}
		}
	})
}
