package main

import (
	"fmt"
	"os"

	"github.com/camsec/camsec/firmware/advisory"
)

// advisories is the embedded dataset, with that of a folder beside it if one
// is named. A file of the folder that cannot be used stops the run: a gap that
// nobody sees would read as safety.
func advisories(dir string) (*advisory.DB, error) {
	if dir == "" {
		return advisory.Embedded(), nil
	}
	more, err := advisory.LoadFS(os.DirFS(dir))
	if err != nil {
		return nil, usageErr(fmt.Errorf("-advisories: %w", err))
	}
	return advisory.Merge(advisory.Embedded(), more), nil
}
