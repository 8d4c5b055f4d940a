package swupdate_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/swupdate"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A file is a member that a test writes.
type file struct{ name, data string }

// cpio writes an archive by cpio(5), in the form of the magic given.
func cpio(magic string, files ...file) []byte {
	var b bytes.Buffer
	for i, f := range append(files, file{name: "TRAILER!!!"}) {
		var sum uint32
		if magic == "070702" {
			for _, c := range []byte(f.data) {
				sum += uint32(c)
			}
		}
		fmt.Fprintf(&b, "%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", magic, i, 0o100644, 0, 0, 1, 0, len(f.data), 0, 0, 0, 0, len(f.name)+1, sum)
		b.WriteString(f.name + "\x00")
		b.Write(make([]byte, (4-b.Len()%4)%4))
		b.WriteString(f.data)
		b.Write(make([]byte, (4-b.Len()%4)%4))
	}
	return b.Bytes()
}

var hash = strings.Repeat("ab", 32)

func description(text string) file { return file{"sw-description", text} }

func parse(b []byte) (*swupdate.File, error) {
	return swupdate.Parse(bytes.NewReader(b), int64(len(b)))
}

const libconfig = `
software =
{
	version = "1.2" ".3"; # joined
	description = "a \"sample\"\t\x41é";
	/* two revisions */
	hardware-compatibility: [ "1.0", "#RE:^2\\..*" ];
	images: (
		{ filename = "root.img"; type = "raw"; name = "root"; version = "7"; sha256 = "HASH"; size = 0x10L; ratio = 1.5e3; compressed = true; }
		, { filename = "key.bin"; encrypted = TRUE; sha256 = "HASH" }
	);
	bootenv: ( { name = "a"; value = "b"; } );
	cam = {
		hardware-compatibility = [ "3" ];
		stable: { copy1: { files: ( { filename = "root.img"; path = "/x"; sha256 = "HASH"; } ); }; };
	};
	partitions = { x = 1 };
	scripts: ( { filename = "gone.lua"; type = "lua"; } );
}
// the end`

func TestParse(t *testing.T) {
	text := strings.ReplaceAll(libconfig, "HASH", hash)
	b := cpio("070702", description(text), file{"sw-description.sig", "signed"}, file{"root.img", "0123456789"}, file{"key.bin", ""}, file{"extra", "e"})
	require.True(t, swupdate.Detect(b))
	f, err := parse(append(b, make([]byte, 100)...))
	require.NoError(t, err)
	assert.Equal(t, int64(len(b)), f.End)
	assert.Equal(t, "1.2.3", f.Version)
	assert.Equal(t, "a \"sample\"?Aé", f.About)
	assert.Equal(t, []string{"1.0", `#RE:^2\..*`, "3"}, f.Hardware)
	assert.Equal(t, []string{"cam"}, f.Boards)
	assert.Equal(t, "signed", string(f.SignatureValue))
	assert.Equal(t, "signed", string(b[f.Signature.Offset:][:f.Signature.Size]))
	require.Len(t, f.Payloads, 4)
	p := f.Payloads[0]
	assert.Equal(t, []string{"root.img", "root", "raw", "7"}, []string{p.Filename, p.Name, p.Kind, p.Version})
	assert.Equal(t, bytes.Repeat([]byte{0xab}, 32), p.SHA256)
	require.NotNil(t, p.Member)
	assert.Equal(t, "0123456789", string(b[p.Member.Offset:][:p.Member.Size]))
	assert.True(t, p.Member.HasSum)
	assert.Equal(t, uint32(525), p.Member.Sum)
	assert.False(t, p.Encrypted)
	assert.True(t, f.Payloads[1].Encrypted)
	assert.Equal(t, "images", f.Payloads[1].Kind)
	assert.Equal(t, "files", f.Payloads[2].Kind)
	assert.Nil(t, f.Payloads[3].Member)
	assert.Nil(t, f.Payloads[3].SHA256)
	ride := f.RideAlong()
	require.Len(t, ride, 1)
	assert.Equal(t, "extra", ride[0].Name)
}

func TestParseJSON(t *testing.T) {
	text := `{"software": {"version": "2", "hardware-compatibility": ["1"], "cam": {"images": [ {"filename": "a", "sha256": "` + hash + `", "installed-directly": true, "n": null, "u": "\u00e9"} ]}}}`
	f, err := parse(cpio("070701", description(text), file{"a", "x"}))
	require.NoError(t, err)
	assert.Equal(t, "2", f.Version)
	require.Len(t, f.Payloads, 1)
	assert.NotNil(t, f.Payloads[0].Member)
	assert.False(t, f.Payloads[0].Member.HasSum)
	assert.Nil(t, f.SignatureValue)
	assert.Equal(t, []string{"cam"}, f.Boards)
}

func TestBadDescriptions(t *testing.T) {
	list := func(s string) string { return `software = { images: ( ` + s + ` ); }` }
	var many strings.Builder
	for range 5000 {
		many.WriteString(`{ filename = "f"; },`)
	}
	for name, text := range map[string]string{
		"empty": "", "no software": "a = 1;", "software is text": `software = "x";`, "not UTF-8": "software = { version = \"\xff\"; }",
		"no end": "software = {", "no value": "software = ;", "no name": "= 1;", "no equals": "software { }", "bad number": "software = 12x;",
		"comment": "software = { } /* ", "string": `software = { a = "x`, "escape": `software = { a = "\q"; }`, "short escape": `software = { a = "\x4`,
		"bad hex": `software = { a = "\xzz"; }`, "NUL": `software = { a = "\x00"; }`, "escape at the end": `software = { a = "\`,
		"twice": "software = { a = 1; a = 2; }", "include": "@include \"x\"\nsoftware = { }", "list": "software = { a = ( 1 2 ); }", "list end": "software = { a = ( 1,",
		"list closed wrongly": "software = { a = ( 1 ]; }", "behind JSON": "{ \"software\": {} } x",
		"deep":             "software = " + strings.Repeat("{ a = ", 40) + "1" + strings.Repeat("; }", 40),
		"deep lists":       "software = { a = " + strings.Repeat("( ", 40) + "1" + strings.Repeat(" )", 40) + "; }",
		"many values":      "software = { a = [ " + strings.Repeat("1,", 1<<16) + " ]; }",
		"many payloads":    list(many.String()),
		"sha256":           list(`{ filename = "f"; sha256 = "abcd"; }`),
		"sha256 not a hex": list(`{ filename = "f"; sha256 = "` + strings.Repeat("x", 64) + `"; }`),
	} {
		_, err := parse(cpio("070701", description(text)))
		var e *untrusted.Error
		require.ErrorAs(t, err, &e, name)
	}
}

func TestBadArchives(t *testing.T) {
	good := description("software = { }")
	set := func(off int, text string) []byte {
		b := cpio("070702", good, file{"a", "x"})
		copy(b[off:], text)
		return b
	}
	var many []file
	for i := range 1100 {
		many = append(many, file{name: fmt.Sprint("f", i)})
	}
	for name, b := range map[string][]byte{
		"empty": nil, "other magic": set(0, "070703"), "no hex": set(54, "zzzzzzzz"), "sign": set(54, "+0000001"), "huge file": set(54, "FFFFFFFF"), "huge name": set(94, "FFFFFFFF"),
		"no name": set(94, "00000001"), "short name": set(94, "00000004"), "NUL in the name": set(111, "\x00"),
		"description second": cpio("070701", file{"a", "x"}, good), "nothing in it": cpio("070701"),
		"signature third": cpio("070701", good, file{"a", "x"}, file{"sw-description.sig", "s"}), "empty signature": cpio("070701", good, file{"sw-description.sig", ""}),
		"twice": cpio("070701", good, file{"a", "x"}, file{"a", "y"}), "traversal": cpio("070701", good, file{"../a", "x"}), "absolute": cpio("070701", good, file{"/a", "x"}),
		"many": cpio("070701", append([]file{good}, many...)...), "long signature": cpio("070701", good, file{"sw-description.sig", strings.Repeat("s", 70000)}),
		"long description": cpio("070701", description(strings.Repeat(" ", 600<<10))), "long name": cpio("070701", good, file{strings.Repeat("n", 1100), ""}),
	} {
		_, err := parse(b)
		var e *untrusted.Error
		require.ErrorAs(t, err, &e, name)
		if at, ok := map[string]int64{"no hex": 54, "sign": 54, "NUL in the name": 110}[name]; ok {
			assert.Equal(t, at, e.Offset, name)
		}
	}
	b := cpio("070702", good, file{"a", "x"})
	for n := range b {
		_, err := parse(b[:n])
		require.Error(t, err, n)
	}
}

func TestDetect(t *testing.T) {
	b := cpio("070701", description(""))
	assert.True(t, swupdate.Detect(b))
	assert.False(t, swupdate.Detect(b[:100]))
	assert.False(t, swupdate.Detect(cpio("070701", file{"sw-descriptions", ""})))
	assert.False(t, swupdate.Detect(cpio("070707", description(""))))
}

func FuzzParse(f *testing.F) {
	f.Add(cpio("070702", description(libconfig), file{"sw-description.sig", "s"}, file{"root.img", "0123456789"}))
	f.Add(cpio("070701", description(`{"software": {"images": [ {"filename": "a\u00e9"} ]}}`), file{"a", "x"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		var at int64
		for _, x := range m.Members {
			require.GreaterOrEqual(t, x.Header, at)
			at = x.Offset + x.Size
		}
		require.LessOrEqual(t, at, m.End)
		require.LessOrEqual(t, m.End, int64(len(b)))
		m.RideAlong()
	})
}
