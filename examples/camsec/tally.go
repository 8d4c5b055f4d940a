package main

import (
	"errors"
	"fmt"

	"github.com/camsec/camsec"
)

// A tally makes the exit of a run from its devices.
type tally struct {
	from camsec.Severity // of findings that count

	devices, unread, failed, blank int
}

// failOn reads a severity.
func (t *tally) failOn(s string) error {
	var v camsec.Severity
	if v.UnmarshalText([]byte(s)) != nil || v.String() != s {
		return errors.New("no severity")
	}
	t.from = v
	return nil
}

// visited counts a device.
func (t *tally) visited(v visit) {
	t.devices++
	if v.err != nil {
		t.unread++
	}
}

// judged counts what was found on a device that was visited.
func (t *tally) judged(r *camsec.Report) {
	for _, res := range r.Results {
		if res.Status == camsec.Fail && res.Severity >= t.from {
			t.failed++ // for certain, whatever else is unknown
			return
		}
	}
	if r.Score == nil {
		t.blank++ // nothing found, in a place too dark to say so
	}
}

func (t *tally) exit() exit {
	x := exit{exitOK, "all devices were read"}
	if t.failed > 0 {
		x = exit{exitFindings, fmt.Sprintf("%d of %d devices have findings", t.failed, t.devices)}
	}
	if t.unread > 0 {
		return x.worse(exit{exitUnknown, fmt.Sprintf("%d of %d devices could not be read", t.unread, t.devices)})
	}
	if t.blank > 0 {
		return x.worse(exit{exitUnknown, fmt.Sprintf("too little could be told about %d of %d devices", t.blank, t.devices)})
	}
	return x
}
