package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
)

// The JSON Schemas (draft 2020-12) of what -json and -jsonl print.
//
//go:embed schema/*.json
var schemas embed.FS

// runSchema prints the schema of a command's document.
func runSchema(_ context.Context, e *env, args []string) (exit, error) {
	f := newFlags("schema", "inventory|audit")
	rest, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if len(rest) != 1 {
		return exit{}, usageErr(errors.New("say which document: inventory or audit"))
	}
	text, err := schemas.ReadFile("schema/" + rest[0] + ".json")
	if err != nil || strings.Contains(rest[0], "/") {
		return exit{}, usageErr(fmt.Errorf("no schema of %q: there are inventory and audit", clean(rest[0])))
	}
	_, err = e.stdout.Write(text)
	return exit{exitOK, "printed"}, err
}
