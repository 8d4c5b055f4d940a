package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

// Every mistake of a file is told with its line, in one run, and not a packet
// is sent, whatever separator and encoding the file is in.
func TestEveryMistakeBeforeTheFirstPacket(t *testing.T) {
	cam := isapitest.New(t, isapitest.CurrentCamera())
	const hidden = "hunter2-hunter2"
	rows := []string{
		"address,id,scope,protocol,user,secret,site", // line 1
		cam.Addr() + ",a,north,,,,Köln",
		cam.Addr() + ",b,north,,,,Köln",       // the same device
		"10.0.0.9,a,north,,,,",                // the same id
		"10.0.0.10,1.2E+15,north,,,,",         // rounded
		"ftp://10.0.0.11,d,,,,,",              // no such scheme
		"10.0.0.12,e,,gopher,,,",              // no such protocol
		"10.0.0.13,f,,,admin,env:,",           // no name
		"10.0.0.14,g,,,admin," + hidden + ",", // the password itself
		"10.0.0.15,h,,,,,,,",                  // trailing separators are no mistake
		"10.0.0.16,i,,,,,x,y",                 // more fields than names
		",j,,,,,",                             // no address
		"10.0.0.17,k\x01,,,,,",                // a control character
		"https://admin:" + hidden + "@10.0.0.18,l,,,,,",
		"10.0.0.19,m,,,admin,env:CAMSEC_TEST_NOT_SET,",
	}
	wrong := []int{3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14}
	text := strings.Join(rows, "\r\n") + "\r\n"
	for name, file := range map[string]string{
		"UTF-8":              text,
		"with a mark":        "\uFEFF" + text,
		"semicolons":         strings.ReplaceAll(text, ",", ";"),
		"tabs":               strings.ReplaceAll(text, ",", "\t"),
		"line feeds":         strings.ReplaceAll(text, "\r", ""),
		"UTF-16":             utf16Of(text, binary.LittleEndian, true),
		"UTF-16, big endian": utf16Of(text, binary.BigEndian, true),
		"Windows-1252":       strings.ReplaceAll(text, "ö", "\xF6"),
	} {
		t.Run(name, func(t *testing.T) {
			list := filepath.Join(t.TempDir(), "all.csv")
			require.NoError(t, os.WriteFile(list, []byte(file), 0o600))
			for _, command := range []string{"inventory", "audit", "trust"} {
				args := []string{command, "-inventory", list}
				if command != "trust" {
					args = append(args, "-state", t.TempDir())
				}
				code, out, errs := camsecRun(t, args...)
				assert.Equal(t, exitUsage, code)
				assert.Empty(t, out)
				assert.NotContains(t, errs, hidden)
				for i := range rows {
					line := fmt.Sprintf("all.csv:%d: ", i+1)
					told := false
					for l := range strings.Lines(errs) {
						told = told || strings.Contains(l, line) && !strings.Contains(l, "the same device as "+list+line[len("all.csv"):])
					}
					assert.Equal(t, slices.Contains(wrong, i+1), told, "line %d\n%s", i+1, errs)
				}
			}
		})
	}
	assert.Zero(t, cam.Host().Requests())
	assert.Zero(t, cam.Host().Connections())
}
