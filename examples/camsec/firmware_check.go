package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/advisory"
)

// A checkJSON is what check -json prints. Matches has every advisory of the
// maker, also those that do not apply.
type checkJSON struct {
	Schema  string             `json:"schema"`
	AsOf    string             `json:"asOf"` // the day of the advisories
	Matches []advisory.Finding `json:"matches"`
	Exit    exitJSON           `json:"exit"`
}

func runCheck(_ context.Context, e *env, args []string) (exit, error) {
	f := newFlags("firmware check", "")
	vendor := f.String("vendor", "", "the `maker`")
	model := f.String("model", "", "the `model`")
	version := f.String("version", "", "the `version`, in the maker's spelling")
	build := f.String("build", "", "the `build`, where it is not part of the version")
	dir := f.String("advisories", "", "advisories in `DIR` beside the embedded ones: CSAF, CVE records, KEV, EPSS")
	all := f.Bool("all", false, "show also advisories that do not apply")
	asJSON := f.Bool("json", false, "print one JSON document")
	rest, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	switch {
	case len(rest) > 0:
		return exit{}, usageErr(errors.New("check takes no arguments"))
	case *vendor == "" && *model == "":
		return exit{}, usageErr(errors.New("-vendor or -model is needed"))
	case *version == "" && *build == "":
		return exit{}, usageErr(errors.New("-version or -build is needed"))
	}
	db, err := advisories(*dir)
	if err != nil {
		return exit{}, err
	}
	inv := camsec.Inventory{Vendor: *vendor, Model: *model, Firmware: camsec.Firmware{Raw: *version, Version: *version, Build: *build}}
	found := db.Match(inv)
	if found == nil {
		found = []advisory.Finding{}
	}
	x := checked(db, *vendor, found)
	if *asJSON {
		return x, printJSON(e.stdout, checkJSON{"camsec.firmware.check/1", db.AsOf().Format(time.DateOnly), found, exitJSON{x.code, x.because}})
	}
	return x, writeFindings(e.stdout, db, found, *all)
}

// checked is the exit status of a check: affected is a finding, and what is
// not known is no clean bill.
func checked(db *advisory.DB, vendor string, found []advisory.Finding) exit {
	count := map[advisory.Status]int{}
	for _, f := range found {
		count[f.Status]++
	}
	switch {
	case count[advisory.Affected] > 0:
		return exit{exitFindings, fmt.Sprintf("affected by %d advisories", count[advisory.Affected])}
	case count[advisory.PossiblyAffected] > 0:
		return exit{exitUnknown, fmt.Sprintf("possibly affected by %d advisories", count[advisory.PossiblyAffected])}
	case count[advisory.Unknown] > 0:
		return exit{exitUnknown, fmt.Sprintf("%d advisories could not be decided", count[advisory.Unknown])}
	case db.Covers(firmware.VendorKey(vendor)) == 0:
		return exit{exitUnknown, "nothing is known of this maker"}
	}
	return exit{exitOK, fmt.Sprintf("none of %d advisories applies", len(found))}
}

func writeFindings(w io.Writer, db *advisory.DB, found []advisory.Finding, all bool) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(tw, "ADVISORY", "STATUS", "EXPLOITED", "WHY")
	for _, f := range found {
		if f.Status == advisory.NotAffected && !all {
			continue
		}
		exploited := ""
		if f.KnownExploited {
			exploited = "yes"
		}
		row(tw, clean(f.ID), f.Status.String(), exploited, clean(f.Reason))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "advisories as of %s\n", db.AsOf().Format(time.DateOnly))
	return err
}
