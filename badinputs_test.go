package camsec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The project's list of bad inputs numbers what a camera may send and how a
// client must take it. Here is what each group is about; every number of it
// has a test that names it.
var badInputs = []struct {
	about    string
	from, to int
}{
	{"logins", 1, 38},
	{"logins", 42, 49},
	{"framing and transport", 50, 79},
	{"documents", 80, 108},
	{"documents", 112, 112},
	{"documents", 114, 115},
	{"TLS", 120, 133},
	{"life cycle", 140, 150},
	{"uploads", 160, 168},
}

// A test names cases in the name of a subtest ("case 19: nextnonce", "case
// 98, 99 yes") or in its own (TestCase123And124PinIgnoresNames). A comment
// names nothing.
var (
	namedInText = regexp.MustCompile(`(?i)^cases? (\d+(?:(?:, | and )\d+)*)\b`)
	namedInFunc = regexp.MustCompile(`^TestCases?(\d+(?:And\d+)*)`)
	numbers     = regexp.MustCompile(`\d+`)
)

func TestEveryBadInputHasATest(t *testing.T) {
	named := map[int]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			var found []string
			switch n := n.(type) {
			case *ast.FuncDecl:
				found = namedInFunc.FindStringSubmatch(n.Name.Name)
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					found = namedInText.FindStringSubmatch(text)
				}
			}
			if found != nil {
				for _, s := range numbers.FindAllString(found[1], -1) {
					if number, err := strconv.Atoi(s); err == nil {
						named[number] = path
					}
				}
			}
			return true
		})
		return nil
	}))
	known := map[int]bool{}
	for _, group := range badInputs {
		for number := group.from; number <= group.to; number++ {
			known[number] = true
			if _, ok := named[number]; !ok {
				t.Errorf("case %d (%s) has no test that names it", number, group.about)
			}
		}
	}
	for number, path := range named {
		if number >= 1 && number <= 168 && !known[number] {
			t.Logf("case %d, of a later part, is named in %s", number, path)
		}
	}
}

// Case 149: everything runs under the race detector, which is how it is run.
func TestCase149RaceDetector(t *testing.T) {
	ci, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^go test -race -shuffle=on \./\.\.\.$`, string(ci))
}
