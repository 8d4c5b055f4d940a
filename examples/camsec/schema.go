package main

import (
	"context"
	"embed"
	"fmt"
	"strings"
)

// The JSON Schemas (draft 2020-12) of what -json and -jsonl print.
//
//go:embed schema/*.json
var schemas embed.FS

// runSchema prints the schema of a command's document.
func runSchema(_ context.Context, e *env, args []string) (exit, error) {
	all := schemaNames()
	f := newFlags("schema", strings.Join(all, "|"))
	rest, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if len(rest) != 1 {
		return exit{}, usageErr(fmt.Errorf("say which document: %s", strings.Join(all, ", ")))
	}
	text, err := schemas.ReadFile("schema/" + rest[0] + ".json")
	if err != nil || strings.Contains(rest[0], "/") {
		return exit{}, usageErr(fmt.Errorf("no schema of %q: there are %s", clean(rest[0]), strings.Join(all, ", ")))
	}
	_, err = e.stdout.Write(text)
	return exit{exitOK, "printed"}, err
}

// schemaNames are the documents that have a schema.
func schemaNames() []string {
	entries, _ := schemas.ReadDir("schema") // it is compiled in
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".json"))
	}
	return out
}
