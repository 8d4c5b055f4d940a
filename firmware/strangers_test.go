package firmware_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// stranger is a program that none of us wrote; a test without it is skipped
// with a word, and fails where everything must be there.
func stranger(t *testing.T, name string) func(args ...string) error {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatalf("%s is not installed, and CAMSEC_REQUIRE=1 wants it", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return func(args ...string) error {
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		t.Logf("%s %v: %s", name, err, out.Bytes())
		return err
	}
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}
