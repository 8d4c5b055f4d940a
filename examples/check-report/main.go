// Command check-report holds reports against their published schemas: JSON
// and JSON Lines of camsec against the schema that the SDK publishes, SARIF
// against that of the standard. It is a module of its own, since validating
// needs libraries that the SDK does not.
//
//	go run . report.json devices.jsonl report.sarif
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/camsec/camsec"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: check-report FILE…")
		os.Exit(2)
	}
	code := 0
	for _, name := range os.Args[1:] {
		if err := checkFile(name); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			code = 1
		}
	}
	os.Exit(code)
}

func checkFile(name string) error {
	b, err := os.ReadFile(name) //nolint:gosec // the file that the user names
	if err != nil {
		return err
	}
	switch filepath.Ext(name) {
	case ".sarif":
		return checkSARIF(b)
	case ".jsonl":
		return checkLines(b)
	}
	return check(b, "urn:camsec:report:1")
}

// check holds one document against a part of the published schema.
func check(doc []byte, part string) error {
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(camsec.Reports{}.JSONSchema()))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:camsec:report:1", schema); err != nil {
		return err
	}
	compiled, err := c.Compile(part)
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		return err
	}
	return compiled.Validate(v)
}

func checkLines(b []byte) error {
	var errs []error
	n := 0
	for line := range bytes.Lines(b) {
		n++
		if err := check(line, "urn:camsec:report:1#/$defs/device"); err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
		}
	}
	return errors.Join(errs...)
}

func checkSARIF(b []byte) error {
	log, err := sarif.FromBytes(b)
	if err != nil {
		return err
	}
	return log.Validate()
}
