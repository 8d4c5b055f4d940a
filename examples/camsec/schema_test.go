package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi/isapitest"
)

// A checker holds JSON to the keywords of JSON Schema that our schemas use. A
// keyword that it does not know is a mistake, not a constraint that holds.
type checker struct {
	root map[string]any
	errs []string
}

func (c *checker) fail(at, format string, args ...any) {
	c.errs = append(c.errs, at+": "+fmt.Sprintf(format, args...))
}

func typeOf(v any) string {
	switch n := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if n == math.Trunc(n) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	default:
		return "object"
	}
}

func (c *checker) check(at string, schema map[string]any, v any) {
	for keyword, want := range schema {
		switch keyword {
		case "$schema", "$id", "$defs", "title", "description":
		case "$ref":
			name := strings.TrimPrefix(want.(string), "#/$defs/")
			c.check(at, c.root["$defs"].(map[string]any)[name].(map[string]any), v)
		case "type":
			kinds, ok := want.([]any)
			if !ok {
				kinds = []any{want}
			}
			is := typeOf(v)
			if !slices.Contains(kinds, any(is)) && (is != "integer" || !slices.Contains(kinds, any("number"))) {
				c.fail(at, "%s, not %v", is, kinds)
			}
		case "const":
			if v != want {
				c.fail(at, "%v, not %v", v, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), v) {
				c.fail(at, "%v is none of %v", v, want)
			}
		case "format":
			if s, ok := v.(string); ok {
				if _, err := time.Parse(time.RFC3339, s); err != nil || want != "date-time" {
					c.fail(at, "%q is no %v", s, want)
				}
			}
		case "items":
			items, _ := v.([]any)
			for i, item := range items {
				c.check(fmt.Sprintf("%s[%d]", at, i), want.(map[string]any), item)
			}
		case "required":
			if m, ok := v.(map[string]any); ok {
				for _, name := range want.([]any) {
					if _, ok := m[name.(string)]; !ok {
						c.fail(at, "no %v", name)
					}
				}
			}
		case "properties":
			m, _ := v.(map[string]any)
			for name, s := range want.(map[string]any) {
				if p, ok := m[name]; ok {
					c.check(at+"."+name, s.(map[string]any), p)
				}
			}
		case "additionalProperties":
			known, _ := schema["properties"].(map[string]any)
			m, _ := v.(map[string]any)
			for name, p := range m {
				if known[name] != nil {
					continue
				}
				if s, ok := want.(map[string]any); ok {
					c.check(at+"."+name, s, p)
				} else if want == false {
					c.fail(at, "%s is not in the schema", name)
				}
			}
		default:
			c.fail(at, "the schema has the keyword %s", keyword)
		}
	}
}

func conform(t *testing.T, command, part string, v any) {
	t.Helper()
	code, text, errs := camsecRun(t, "schema", command)
	require.Zero(t, code, errs)
	var schema map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &schema))
	c := &checker{root: schema}
	if part != "" {
		schema = schema["$defs"].(map[string]any)[part].(map[string]any)
	}
	c.check(command, schema, v)
	assert.Empty(t, c.errs)
}

// What is printed is what the published schemas say, for devices that were
// read, recorders, and all that went wrong.
func TestDocumentsConformToTheirSchemas(t *testing.T) {
	old, nvr := isapitest.New(t, isapitest.OldCamera()), isapitest.New(t, isapitest.Recorder())
	gone, drops := isapitest.New(t, isapitest.CurrentCamera()), isapitest.New(t, isapitest.Recorder())
	require.NoError(t, gone.Close())
	drops.Host().Script(authtest.Fault{On: "/ISAPI/ContentMgmt/InputProxy/channels", Drop: true})
	secure, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{TLS: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = secure.Close() })
	for _, command := range []string{"inventory", "audit"} {
		for _, run := range [][]string{
			{old.Addr(), "-user", old.User(), "-password-file", passwordFile(t, old.Password())},
			{nvr.Addr(), drops.Addr(), gone.Addr(), secure.Addr(), "-user", nvr.User(), "-password-file", passwordFile(t, nvr.Password())},
			{nvr.Addr(), "-user", nvr.User(), "-password-file", passwordFile(t, "Wrong-Password-7")},
			{nvr.Addr()},
		} {
			args := append([]string{command, "-state", t.TempDir()}, run...)
			_, out, errs := camsecRun(t, append(args, "-json")...)
			require.NotEmpty(t, out, errs)
			conform(t, command, "", any(parse(t, out)))
			_, out, _ = camsecRun(t, append(args, "-jsonl")...)
			for _, line := range linesOf(t, out) {
				conform(t, command, "device", any(line))
			}
		}
	}
}

// The checker itself finds what does not conform.
func TestSchemaFindsMistakes(t *testing.T) {
	var schema map[string]any
	text, err := schemas.ReadFile("schema/inventory.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &schema))
	for _, bad := range []string{
		`{}`, `[]`,
		`{"schema":"camsec.audit/1","run":{},"devices":[],"exit":{"code":0,"because":""}}`,
		`{"schema":"camsec.inventory/1","run":{"id":"x","startedAt":"yesterday","finishedAt":"2026-01-01T00:00:00Z","tool":"camsec","command":"inventory"},"devices":[],"exit":{"code":0,"because":""}}`,
		`{"schema":"camsec.inventory/1","run":{"id":"x","startedAt":"2026-01-01T00:00:00Z","finishedAt":"2026-01-01T00:00:00Z","tool":"camsec","command":"inventory"},"devices":[{"address":1}],"exit":{"code":7,"because":""}}`,
	} {
		var v any
		require.NoError(t, json.Unmarshal([]byte(bad), &v))
		c := &checker{root: schema}
		c.check("doc", schema, v)
		assert.NotEmpty(t, c.errs, bad)
	}
	code, _, errs := camsecRun(t, "schema", "../schema/audit")
	assert.Equal(t, exitUsage, code, errs)
}
