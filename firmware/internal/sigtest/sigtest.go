// Package sigtest helps the tests of signature schemes: it finds recorded
// samples and other people's programs, and changes images and signatures in
// ways that must be noticed. It shares nothing with the code under test.
package sigtest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// TB is what this package needs of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	TempDir() string
}

func required() bool { return os.Getenv("CAMSEC_REQUIRE") != "" }

// Samples returns the path of a recorded sample, or of their folder. Without
// recorded data the test is skipped, or fails where they are required.
func Samples(tb TB, elem ...string) string {
	tb.Helper()
	dir := os.Getenv("CAMSEC_RECORDINGS")
	if dir == "" {
		if required() {
			tb.Fatalf("CAMSEC_REQUIRE is set and CAMSEC_RECORDINGS is not")
		}
		tb.Skipf("CAMSEC_RECORDINGS does not name the recorded data")
	}
	return filepath.Join(append([]string{dir, "firmware", "samples"}, elem...)...)
}

// Sample returns the bytes of a recorded sample.
func Sample(tb TB, elem ...string) []byte {
	tb.Helper()
	return Read(tb, Samples(tb, elem...))
}

// Read returns the bytes of a file.
func Read(tb TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return b
}

// Write writes a file and returns its path.
func Write(tb TB, data []byte, elem ...string) string {
	tb.Helper()
	path := filepath.Join(elem...)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatalf("%v", err)
	}
	return path
}

// A Program is one that nobody of us wrote.
type Program struct {
	tb   TB
	path string
	// Dir is where it runs: a folder of the test's own.
	Dir string
}

// Stranger returns a program, or skips the test where it is not installed, or
// fails where it is required.
func Stranger(tb TB, name string) *Program {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if required() {
			tb.Fatalf("%s is not installed", name)
		}
		tb.Skipf("%s is not installed", name)
	}
	return &Program{tb: tb, path: path, Dir: tb.TempDir()}
}

// Try runs the program and returns what it prints. One that does not end is
// ended; the limit has room for benchmarks, whose images are large.
func (p *Program) Try(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = p.Dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	return append(out.Bytes(), errs.Bytes()...), err
}

// Run runs the program; the test fails when it does.
func (p *Program) Run(args ...string) []byte {
	p.tb.Helper()
	out, err := p.Try(args...)
	if err != nil {
		p.tb.Fatalf("%s %q: %v\n%s", p.path, args, err, out)
	}
	return out
}

// Image returns n bytes that are always the same.
func Image(n int) []byte {
	rnd := rand.New(rand.NewPCG(uint64(n), 7)) //nolint:gosec // material, no secret.
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// Changes calls f with copies of b of which one byte is another, at n seeded
// positions, or at every position where b is shorter. f must not keep them.
func Changes(b []byte, n int, f func(at int, changed []byte)) {
	rnd := rand.New(rand.NewPCG(11, uint64(len(b)))) //nolint:gosec // positions, no secret.
	changed := bytes.Clone(b)
	change := func(i int) {
		was := changed[i]
		changed[i] ^= byte(1 + rnd.IntN(255))
		f(i, changed)
		changed[i] = was
	}
	if len(b) <= n {
		for i := range b {
			change(i)
		}
		return
	}
	for range n {
		change(rnd.IntN(len(b)))
	}
}
