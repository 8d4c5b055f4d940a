package firmware_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// What one process may use that looks at the whole corpus, file after file.
const (
	corpusMemory = 64 << 20
	corpusCPU    = 5 * time.Second
)

// limitsEnv tells the process that TestCorpusUnderLimits starts what to read.
const limitsEnv = "CAMSEC_TEST_LIMITS"

// No sample, whatever its lengths say, takes more than 64 MiB or five seconds:
// a process of its own reads them all and says how much it took at most.
func TestCorpusUnderLimits(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestReadCorpus$", "-test.v") //nolint:gosec // this test itself.
	cmd.Env = append(os.Environ(), limitsEnv+"="+sigtest.Samples(t))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	m := regexp.MustCompile(`files=(\d+) peak=(\d+)kB`).FindSubmatch(out)
	require.NotNil(t, m, "%s", out)
	files, _ := strconv.Atoi(string(m[1]))
	peak, _ := strconv.Atoi(string(m[2]))
	assert.Greater(t, files, 100)
	assert.Less(t, peak<<10, corpusMemory)
	assert.Less(t, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), corpusCPU)
}

// TestReadCorpus is what TestCorpusUnderLimits runs.
func TestReadCorpus(t *testing.T) {
	dir := os.Getenv(limitsEnv)
	if dir == "" {
		return // nothing was asked for
	}
	p := keys(t, rsaKey.Public())
	v, err := firmware.NewVerifier(p)
	require.NoError(t, err)
	holdTo(t, corpusMemory, corpusCPU)
	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path) //nolint:gosec // a folder of the developer's.
		if err != nil {
			return err
		}
		files++
		_, err = v.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), nil)
		return err
	}))
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, peak)
	fmt.Printf("files=%d peak=%skB\n", files, peak[1])
}

// holdTo has the system stop this process where it asks for so much more
// address space, or uses so much time, whatever it says of itself.
func holdTo(t *testing.T, memory uint64, cpu time.Duration) {
	t.Helper()
	seconds := uint64(cpu / time.Second)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds}))
	if raceDetector {
		return // it keeps its books in address space
	}
	statm, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	var pages uint64
	_, err = fmt.Sscan(string(statm), &pages)
	require.NoError(t, err)
	space := pages*uint64(os.Getpagesize()) + memory //nolint:gosec // no page has a size below zero
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: space, Max: space}))
	_, err = syscall.Mmap(-1, 0, int(memory)+1, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE) //nolint:gosec // 64 MiB
	require.Error(t, err, "the limit holds")
}
