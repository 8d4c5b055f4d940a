package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"io"
	"iter"
	"time"
)

// A runInfo says which run made a document.
type runInfo struct {
	ID         string    `json:"id"`
	StartedAt  time.Time `json:"startedAt"`
	FinishedAt time.Time `json:"finishedAt"`
	Tool       string    `json:"tool"`
	Command    string    `json:"command"`
}

func startRun(command string) runInfo {
	return runInfo{ID: rand.Text(), StartedAt: time.Now().UTC(), Tool: "camsec", Command: command}
}

type exitJSON struct {
	Code    int    `json:"code"`
	Because string `json:"because"`
}

// writeDocument writes what -json prints: schema, run, devices and exit, in
// one object. Devices are written as they come, so that those of a large fleet
// need not be held.
func writeDocument[T any](w io.Writer, schema string, run runInfo, devices iter.Seq[T], x exit) error {
	run.FinishedAt = time.Now().UTC()
	b := bufio.NewWriter(w)
	put := func(before string, v any, indent string) error {
		j, err := json.MarshalIndent(v, indent, "  ")
		if err == nil {
			_, err = b.WriteString(before + string(spelled(j)))
		}
		return err
	}
	if err := put("{\n  \"schema\": ", schema, ""); err != nil {
		return err
	}
	if err := put(",\n  \"run\": ", run, "  "); err != nil {
		return err
	}
	before, after := ",\n  \"devices\": [\n    ", ",\n  \"devices\": []"
	for d := range devices {
		if err := put(before, d, "    "); err != nil {
			return err
		}
		before, after = ",\n    ", "\n  ]"
	}
	if err := put(after+",\n  \"exit\": ", exitJSON{x.code, x.because}, "  "); err != nil {
		return err
	}
	_, _ = b.WriteString("\n}\n")
	return b.Flush()
}
