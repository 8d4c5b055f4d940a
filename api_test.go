package camsec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The package a user meets stays small enough to read.
func TestExportedNamesAreFew(t *testing.T) {
	count := map[string][]string{}
	for _, f := range sources(t) {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() {
					count["func"] = append(count["func"], d.Name.Name)
					assert.NotNil(t, d.Doc, "%s has no comment", d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					var names []*ast.Ident
					switch s := s.(type) {
					case *ast.TypeSpec:
						names = []*ast.Ident{s.Name}
					case *ast.ValueSpec:
						names = s.Names
					}
					for _, n := range names {
						if n.IsExported() {
							count[d.Tok.String()] = append(count[d.Tok.String()], n.Name)
						}
					}
				}
			}
		}
	}
	for kind, names := range count {
		t.Logf("%s: %d", kind, len(names))
	}
	assert.LessOrEqual(t, len(count["type"])+len(count["func"])+len(count["var"])+len(count["const"]), 120)
}

func TestImportsTheStandardLibraryAlone(t *testing.T) {
	for _, f := range sources(t) {
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			first, _, _ := strings.Cut(path, "/")
			assert.NotContains(t, first, ".", "import of %s", path)
			assert.NotContains(t, []string{"testing", "net/http/httptest", "net/http"}, path)
		}
	}
}

func sources(t *testing.T) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var out []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.ParseComments)
		require.NoError(t, err)
		out = append(out, f)
	}
	require.NotEmpty(t, out)
	return out
}
