package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// writeFile replaces a file, readable by its owner alone, or leaves it as it
// was. Windows knows no such mode: there a file gets the permissions of its
// folder, which the help says.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".camsec-*")
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = patiently(func() error { return os.Rename(f.Name(), name) }, inUse, time.Sleep)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// patiently tries again, for about three seconds, while somebody else holds
// the file open: scanners do so on Windows as soon as a file is written.
func patiently(try func() error, inUse func(error) bool, sleep func(time.Duration)) error {
	wait := 5 * time.Millisecond
	for {
		err := try()
		if err == nil || !inUse(err) || wait > 2*time.Second {
			return err
		}
		sleep(wait)
		wait *= 2
	}
}
